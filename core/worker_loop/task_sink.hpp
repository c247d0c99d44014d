#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "net/loop/loop.hpp"
#include "worker_loop/worker_loop.hpp"

namespace spikard::worker_loop {

/// C++ handlers as coroutines on I/O loops, never on the worker loop's own thread unless that is one of them. The loops outlive
/// it.
class TaskSink final : public WorkSink {
 public:
  /// Called on any of the loops, at once on several: it must be thread-safe. The task runs under a token that fires when nobody
  /// waits for it any more (time-out, drain, lost lease). An exception is `Outcome::error`.
  using Handler = std::function<Task<Outcome>(std::shared_ptr<const WorkItem>)>;
  TaskSink(const std::vector<net::Loop*>& loops, Handler handler);

  void attach(const std::shared_ptr<WorkerLoop>& worker) override { shared_->worker = worker; }

  void on_work(std::uint64_t ticket, std::shared_ptr<const WorkItem> item) override;
  void on_cancel(std::uint64_t ticket, CancelReason reason) override;

 private:
  struct Shared {
    Handler handler;
    std::weak_ptr<WorkerLoop> worker;
  };
  /// What runs on one loop; touched on its thread only.
  struct Lane {
    net::Loop* loop;
    std::unordered_map<std::uint64_t, CancelSource> running;
  };
  static void begin(const std::shared_ptr<Shared>& shared, const std::shared_ptr<Lane>& lane, std::uint64_t ticket,
                    std::shared_ptr<const WorkItem> item);
  [[nodiscard]] const std::shared_ptr<Lane>& lane_of(std::uint64_t ticket) const { return lanes_[ticket % lanes_.size()]; }

  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::vector<std::shared_ptr<Lane>> lanes_;
};

}  // namespace spikard::worker_loop
