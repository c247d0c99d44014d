#pragma once

#include <condition_variable>
#include <coroutine>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "net/loop/loop.hpp"

namespace spikard::net {

class VirtualClock;

struct BlockingPoolOptions {
  std::uint32_t threads = 4;
  std::uint32_t queue = 1024;  ///< jobs that wait for a thread; one more is refused
};

/// A few threads for calls that block: files, SQLite, client libraries. Jobs run in the order they came, results go back to a
/// loop by a post. Threads start with the first job that finds none idle (so after every fork) and stay. Thread-safe. A virtual
/// clock waits for its jobs.
class BlockingPool {
 public:
  explicit BlockingPool(Clock& clock, BlockingPoolOptions options = {});
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  /// Runs `job` on a thread of the pool; it must not throw. rate_limited when the queue is full, unavailable after stop.
  [[nodiscard]] Result<void> run(Function<void()> job);
  /// Refuses new jobs, destroys those that wait (`co_await blocking` of one ends with cancelled), and joins after those that run.
  /// Idempotent.
  void stop();

 private:
  void work();

  const BlockingPoolOptions options_;
  VirtualClock* const virtual_clock_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Function<void()>> queue_;
  std::vector<std::thread> threads_;
  std::uint32_t idle_ = 0;
  bool stopping_ = false;
};

namespace detail {

template <class R>
struct BlockingState {
  std::shared_ptr<Loop::Mailbox> loop;  // an abandoned job may outlive it
  std::coroutine_handle<> waiting;      // touched on the loop's thread only; null once nobody waits
  std::optional<R> value;
  std::exception_ptr error;
};

/// Lives in the job: tells the loop when it goes, whether the job ran or was destroyed in the queue.
template <class R>
class BlockingTicket {
 public:
  explicit BlockingTicket(std::shared_ptr<BlockingState<R>> state) noexcept : state_(std::move(state)) {}
  BlockingTicket(BlockingTicket&&) noexcept = default;
  BlockingTicket& operator=(BlockingTicket&&) = delete;
  ~BlockingTicket() {
    if (state_ == nullptr) return;
    const std::shared_ptr<Loop::Mailbox> loop = state_->loop;
    loop->post([state = std::move(state_)] {
      if (state->waiting) std::exchange(state->waiting, {}).resume();
    });
  }
  BlockingState<R>* operator->() const noexcept { return state_.get(); }

 private:
  std::shared_ptr<BlockingState<R>> state_;
};

template <class R>
class BlockingAwaiter {
 public:
  explicit BlockingAwaiter(std::shared_ptr<BlockingState<R>> state) noexcept : state_(std::move(state)) {}
  BlockingAwaiter(const BlockingAwaiter&) = delete;
  BlockingAwaiter& operator=(const BlockingAwaiter&) = delete;
  ~BlockingAwaiter() { state_->waiting = {}; }
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) noexcept { state_->waiting = waiting; }
  void await_resume() const noexcept {}

 private:
  std::shared_ptr<BlockingState<R>> state_;
};

template <class T>
struct BlockingResult {
  using type = Result<T>;
};
template <class T>
struct BlockingResult<Result<T>> {
  using type = Result<T>;
};

}  // namespace detail

/// Runs `fn` on the pool and comes back on `loop`, which is the awaiting task's. Returns what `fn` returned, as a Result; `fn`
/// may return a Result itself. What `fn` throws is thrown here. Not interruptible: a cancelled task waits for its job to end
/// (`fn` owns all it uses, so the task may as well be destroyed). Errors of its own: rate_limited (queue full), unavailable
/// (stopped), cancelled (stopped before it ran).
template <class F>
[[nodiscard]] auto blocking(Loop& loop, BlockingPool& pool, F fn)
    -> Task<typename detail::BlockingResult<std::invoke_result_t<F&>>::type> {
  using R = typename detail::BlockingResult<std::invoke_result_t<F&>>::type;
  auto state = std::make_shared<detail::BlockingState<R>>();
  state->loop = loop.mailbox();
  Result<void> taken = [&] {
    detail::BlockingTicket<R> ticket(state);
    return pool.run([ticket = std::move(ticket), fn = std::move(fn)]() mutable {
      try {
        if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
          fn();
          ticket->value.emplace();
        } else {
          ticket->value.emplace(fn());
        }
      } catch (...) {
        ticket->error = std::current_exception();
      }
    });
  }();
  if (!taken.ok()) co_return R(std::move(taken).error());
  detail::BlockingAwaiter<R> awaiter(state);
  co_await awaiter;
  if (state->error) std::rethrow_exception(state->error);
  if (!state->value.has_value())
    co_return R(Error(ErrorKind::cancelled, "the blocking pool was stopped before the job ran").with_operation("net.blocking"));
  co_return std::move(*state->value);
}

}  // namespace spikard::net
