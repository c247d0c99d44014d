#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/assert.hpp"
#include "base/cancel.hpp"

// gcc 12 makes symmetric transfer a tail call only at -O2, so a long chain of ready tasks would overflow the stack. There, a
// child is resumed inside its parent's await_suspend, which returns false when the child has already ended (docs/adr/0004).
#if defined(__clang__)
#define SPIKARD_SYMMETRIC_TRANSFER 1
#else
#define SPIKARD_SYMMETRIC_TRANSFER 0
#endif

namespace spikard {

template <class T = void>
class Task;

namespace detail {

struct TaskPromiseBase {
  std::coroutine_handle<> continuation;
  CancelToken token;
  std::exception_ptr error;
#if !SPIKARD_SYMMETRIC_TRANSFER
  bool parent_on_stack = false;
#endif

  std::suspend_always initial_suspend() noexcept { return {}; }
  struct Final {
    bool await_ready() noexcept { return false; }
#if SPIKARD_SYMMETRIC_TRANSFER
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) noexcept {
      auto next = self.promise().continuation;
      return next ? next : std::noop_coroutine();
    }
#else
    template <class P>
    void await_suspend(std::coroutine_handle<P> self) noexcept {
      if (self.promise().parent_on_stack) return;
      auto next = self.promise().continuation;
      if (next) next.resume();
    }
#endif
    void await_resume() noexcept {}
  };
  Final final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { error = std::current_exception(); }
};

template <class T>
struct TaskPromise final : TaskPromiseBase {
  std::optional<T> value;
  Task<T> get_return_object() noexcept;
  template <class U = T>
    requires std::is_convertible_v<U&&, T>
  void return_value(U&& v) {
    value.emplace(std::forward<U>(v));
  }
  T take() {
    if (error) std::rethrow_exception(error);
    return std::move(*value);
  }
};

template <>
struct TaskPromise<void> final : TaskPromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() noexcept {}
  void take() {
    if (error) std::rethrow_exception(error);
  }
};

}  // namespace detail

/// A lazy coroutine: nothing runs until it is awaited or spawned. Move-only; destroying a Task that has not ended destroys its
/// frame, and so what it waits for must unhook itself in its destructor. A child takes its parent's CancelToken unless it was
/// given one (`with_token`). Single-threaded: it resumes on the thread of what it waited for, which is its loop.
template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() noexcept = default;
  explicit Task(Handle handle) noexcept : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  [[nodiscard]] bool valid() const noexcept { return static_cast<bool>(handle_); }
  [[nodiscard]] Task with_token(CancelToken token) && {
    handle_.promise().token = std::move(token);
    return std::move(*this);
  }

  struct Awaiter {
    Handle child;
    bool await_ready() noexcept { return child.done(); }
    template <class P>
    auto await_suspend(std::coroutine_handle<P> parent) noexcept {
      auto& promise = child.promise();
      promise.continuation = parent;
      if constexpr (std::is_base_of_v<detail::TaskPromiseBase, P>) {
        if (!promise.token.can_be_cancelled()) promise.token = parent.promise().token;
      }
#if SPIKARD_SYMMETRIC_TRANSFER
      return std::coroutine_handle<>(child);
#else
      promise.parent_on_stack = true;
      child.resume();
      promise.parent_on_stack = false;
      return !child.done();
#endif
    }
    T await_resume() { return child.promise().take(); }
  };
  Awaiter operator co_await() && noexcept { return Awaiter{handle_}; }
  Awaiter operator co_await() & noexcept { return Awaiter{handle_}; }

 private:
  Handle handle_;
};

namespace detail {
template <class T>
Task<T> TaskPromise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<TaskPromise<T>>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<TaskPromise<void>>::from_promise(*this));
}

/// Runs at once and frees itself at its end. Its body must not throw.
struct Detached {
  struct promise_type {
    Detached get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
};

template <class T, class Done>
Detached run_detached(Task<T> task, Done done) {
  std::exception_ptr error;
  if constexpr (std::is_void_v<T>) {
    try {
      co_await std::move(task);
    } catch (...) {
      error = std::current_exception();
    }
    done(error);
  } else {
    std::optional<T> value;
    try {
      value.emplace(co_await std::move(task));
    } catch (...) {
      error = std::current_exception();
    }
    done(error, std::move(value));
  }
}
}  // namespace detail

/// Starts `task` now, on this thread, and calls `done` when it has ended: `done(std::exception_ptr)` for Task<void>, else
/// `done(std::exception_ptr, std::optional<T>)`. `done` must not throw. The task owns what it uses.
template <class T, class Done>
void spawn(Task<T> task, Done done) {
  detail::run_detached(std::move(task), std::move(done));
}

/// `co_await current_token()` inside a Task: the token it runs under.
struct CurrentToken {
  CancelToken token;
  bool await_ready() noexcept { return false; }
  template <class P>
  bool await_suspend(std::coroutine_handle<P> self) noexcept {
    token = self.promise().token;
    return false;
  }
  CancelToken await_resume() noexcept { return std::move(token); }
};
inline CurrentToken current_token() noexcept { return {}; }

}  // namespace spikard
