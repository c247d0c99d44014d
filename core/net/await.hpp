#pragma once

#include <coroutine>
#include <deque>
#include <optional>
#include <utility>

#include "net/loop/loop.hpp"

namespace spikard::net {

/// Set or not; tasks of one loop wait until it is set. Stays set until `reset`. Waiters go on in the next turn's I/O phase, never
/// inside `set`, so a waiter that needs more than "it was set" looks again. Not thread-safe: another thread posts to the loop.
class Event final : private Deferred {
 public:
  explicit Event(Loop& loop) noexcept : loop_(loop) {}
  /// Who still waits is never resumed; a waiter may destroy it.
  ~Event();

  void set();
  void reset() noexcept { set_ = false; }
  [[nodiscard]] bool is_set() const noexcept { return set_; }
  /// cancelled when the awaiting task's token fires first.
  [[nodiscard]] Task<Result<void>> wait();

 private:
  class Waiter;
  void on_deferred() override;

  Loop& loop_;
  detail::Link waiters_{&waiters_, &waiters_};
  bool* gone_ = nullptr;  // of the wake-up in progress
  bool set_ = false;
};

/// A bounded queue between tasks of one loop, first in, first out, also among those who wait.
template <class T>
class Queue {
 public:
  Queue(Loop& loop, std::size_t capacity) : capacity_(capacity), filled_(loop) {}

  /// False when it is full or closed; the value is then untouched.
  [[nodiscard]] bool push(T&& value) {
    if (closed_ || items_.size() >= capacity_) return false;
    items_.push_back(std::move(value));
    filled_.set();
    return true;
  }
  /// What is in it can still be taken.
  void close() {
    closed_ = true;
    filled_.set();
  }
  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }

  /// unavailable once it is closed and empty, cancelled when the task's token fires.
  [[nodiscard]] Task<Result<T>> pop() {
    while (items_.empty()) {
      if (closed_) co_return Result<T>(Error(ErrorKind::unavailable, "the queue is closed").with_operation("net.queue"));
      filled_.reset();
      Result<void> waited = co_await filled_.wait();
      if (!waited.ok()) co_return Result<T>(std::move(waited).error());
    }
    T value = std::move(items_.front());
    items_.pop_front();
    co_return Result<T>(std::move(value));
  }

 private:
  const std::size_t capacity_;
  Event filled_;
  std::deque<T> items_;
  bool closed_ = false;
};

/// Runs `task` under a token that fires (reason deadline) after `after` or with the caller's own. Waits for the task to end,
/// which it does at once where its waits honour their token; a task that then says cancelled becomes timeout, one that made it
/// all the same keeps its result.
template <class T>
[[nodiscard]] Task<Result<T>> with_deadline(Loop& loop, Duration after, Task<Result<T>> task) {
  CancelToken outer = co_await current_token();
  CancelSource source(outer);
  bool late = false;
  Timer timer(loop, [&] {
    late = true;
    source.cancel(CancelReason::deadline);  // may run this coroutine to its end
  });
  timer.start(after);
  Task<Result<T>> inner = std::move(task).with_token(source.token());
  Result<T> result = co_await inner;
  if (late && !result.ok() && result.error().kind() == ErrorKind::cancelled) {
    co_return Result<T>(Error(ErrorKind::timeout, "the deadline passed").with_operation(result.error().operation()));
  }
  co_return result;
}

}  // namespace spikard::net
