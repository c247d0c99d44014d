#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/function.hpp"
#include "base/task.hpp"
#include "net/loop/loop.hpp"
#include "worker_loop/memory_source.hpp"
#include "worker_loop/worker_loop.hpp"

namespace spikard::worker_loop {

struct BackgroundOptions {
  std::uint32_t concurrency = 64;
  std::size_t capacity = 1024;                               ///< running and waiting; one more is refused
  Duration timeout{};                                        ///< zero: none
  std::function<void(const std::string& error)> on_error{};  ///< a task threw, or its time-out passed
};

struct BackgroundCounts {
  std::uint64_t finished = 0;
  std::uint64_t failed = 0;
  std::uint64_t abandoned = 0;  ///< cut off by `cancel` or `abandon`: nothing takes back in-process work
  std::uint64_t in_flight = 0;  ///< waiting and running; after `cancel` those that have not ended yet
};

/// In-process background tasks: bounded, not durable, tried once. One a loop; everything, the tasks too, runs on that loop's
/// thread. What has not ended when it goes is destroyed.
class Background final : private WorkSink {
 public:
  explicit Background(net::Loop& loop, BackgroundOptions options = {});
  ~Background() { abandon(); }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Runs `task` after what runs now, under a token that fires at its time-out or the drain's end. It owns what it uses.
  /// rate_limited when full, unavailable once `cancel` was called.
  [[nodiscard]] Result<void> run(Function<Task<void>()> task);

  /// `idle` when none is left; new ones are still taken, for requests in hand may start some.
  void finish(Function<void()> idle);
  /// Refuses new tasks, drops what waits and fires the tokens of what runs. All of these are abandoned, whatever they do now.
  void cancel();
  /// Cancels. After `done` nothing more is settled.
  void close(Function<void()> done);
  /// Destroys what has not ended, without a word to it. Not from inside a task.
  void abandon();
  /// Any thread.
  [[nodiscard]] BackgroundCounts counts() const noexcept;

 private:
  struct Frame;
  struct Running {
    CancelSource cancel;
    std::coroutine_handle<> frame;
  };
  void on_work(std::uint64_t ticket, std::shared_ptr<const WorkItem> item) override;
  void on_cancel(std::uint64_t ticket, CancelReason reason) override;
  Frame run_one(std::uint64_t ticket, std::shared_ptr<const WorkItem> item, CancelToken token);
  void ended(std::uint64_t ticket, std::string failure);
  void cut();
  void look();

  const BackgroundOptions options_;
  MemorySource source_;
  std::shared_ptr<WorkerLoop> worker_;
  std::unordered_map<std::uint64_t, Running> running_;  // by ticket
  Function<void()> idle_;
  bool cut_ = false;
  std::atomic<std::uint64_t> finished_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<std::uint64_t> abandoned_{0};
  std::atomic<std::uint64_t> in_flight_{0};
};

}  // namespace spikard::worker_loop
