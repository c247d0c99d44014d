#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "net/loop/loop.hpp"
#include "tasks/backend.hpp"
#include "telemetry/provider.hpp"
#include "worker_loop/worker_loop.hpp"

namespace spikard::tasks {

class Client;

struct WorkerOptions {
  WorkerOptions() = default;
  WorkerOptions(std::string of_name, std::string of_queue) : name(std::move(of_name)), queue(std::move(of_queue)) {}

  std::string name = "worker";
  std::string queue = "default";
  std::uint32_t concurrency = 16;
  Millis lease_ms = 10'000;
  Millis timeout_ms = 0;                            ///< for jobs without a limit of their own; 0: none
  std::optional<std::vector<std::string>> known{};  ///< other tasks are discarded (unknown_task); nothing: all are known
  Duration poll{std::chrono::milliseconds(100)};    ///< for what other processes do, where the store does not tell it
};

/// The job behind an item of a task worker, for sinks. Its arguments are the item's payload and nowhere else.
[[nodiscard]] const Job& job_of(const worker_loop::WorkItem& item);

/// What a worker loop of tasks is made of. The source comes first: it outlives the sink's users.
struct WorkerParts {
  std::unique_ptr<worker_loop::Source> source;
  std::unique_ptr<worker_loop::WorkSink> sink;  ///< stands before the given one: unknown tasks, cancellations, spans
  std::unique_ptr<worker_loop::WorkObserver> observer;
  worker_loop::WorkerLoopOptions options;
};
/// For `worker_loop::WorkerLoop::create` on `loop`. `sink` outlives the parts; all of it belongs to the loop's thread.
[[nodiscard]] WorkerParts make_worker_parts(std::shared_ptr<Backend> backend, WorkerOptions options, worker_loop::WorkSink& sink,
                                            net::Loop& loop, telemetry::Tracer tracer = {});

/// A worker that runs, and goes on until it is stopped or killed, whoever holds it. Belongs to its loop's thread.
class Worker final : public std::enable_shared_from_this<Worker> {
  struct Private {};

 public:
  /// `sink` outlives it. On the loop's thread.
  [[nodiscard]] static std::shared_ptr<Worker> start(std::shared_ptr<Backend> backend, const WorkerOptions& options,
                                                     worker_loop::WorkSink& sink, net::Loop& loop, telemetry::Tracer tracer = {});
  Worker(Private, std::shared_ptr<Backend> backend, const WorkerOptions& options, worker_loop::WorkSink& sink, net::Loop& loop,
         telemetry::Tracer tracer);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return loop_->name(); }
  [[nodiscard]] const worker_loop::WorkerCounts& counts() const noexcept { return loop_->counts(); }
  /// For a drain step by step.
  [[nodiscard]] worker_loop::WorkerLoop& worker_loop() noexcept { return *loop_; }

  struct Drained {
    bool drained = true;
    std::uint64_t unfinished = 0;  ///< handed back
  };
  /// Takes no more, lets what runs finish for at most `timeout`, hands back the rest without using up an attempt, and closes.
  [[nodiscard]] Task<Drained> stop(Duration timeout);
  /// As if the process had died: nothing is settled, the leases run out. `done` when nothing uses the sink any more.
  void kill(Function<void()> done = {});

 private:
  net::Loop& net_loop_;
  WorkerParts parts_;
  std::shared_ptr<worker_loop::WorkerLoop> loop_;
  std::shared_ptr<Worker> running_;  // itself, while it runs
};

}  // namespace spikard::tasks
