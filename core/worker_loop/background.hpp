#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/function.hpp"
#include "base/task.hpp"
#include "net/loop/loop.hpp"
#include "worker_loop/memory_source.hpp"
#include "worker_loop/task_sink.hpp"
#include "worker_loop/worker_loop.hpp"

namespace spikard::worker_loop {

struct BackgroundOptions {
  std::uint32_t concurrency = 64;
  std::size_t capacity = 1024;                               ///< running and waiting; one more is refused
  Duration timeout{};                                        ///< zero: none
  std::function<void(const std::string& error)> on_error{};  ///< a task threw, or its time-out passed
};

/// In-process background tasks: bounded, not durable, tried once. One a loop; everything, the tasks too, runs on that loop's
/// thread. Closed before it is destroyed.
class Background {
 public:
  explicit Background(net::Loop& loop, BackgroundOptions options = {});
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Runs `task` after what runs now, under a token that fires at its time-out or the drain's end. It owns what it uses.
  /// rate_limited when full, unavailable once `stop_taking` was called.
  [[nodiscard]] Result<void> run(Function<Task<void>()> task);

  /// Refuses new tasks; those that wait still run.
  void stop_taking() noexcept { taking_ = false; }
  /// `idle` when none is left.
  void finish(Function<void()> idle);
  void cancel();
  void close(Function<void()> done);
  /// Nothing takes back in-process work, so what was cut off is `abandoned`.
  [[nodiscard]] WorkerCounts counts() const;

 private:
  void look();

  net::Loop& loop_;
  const BackgroundOptions options_;
  MemorySource source_;
  TaskSink sink_;
  std::shared_ptr<WorkerLoop> worker_;
  Function<void()> idle_;
  bool taking_ = true;
  bool closed_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace spikard::worker_loop
