#pragma once

#include <coroutine>
#include <utility>
#include <variant>

#include "base/result.hpp"
#include "base/task.hpp"

namespace spikard::cache {

/// What an operation of a cache returns: its result, where it was known at once (a hit of `memory:`), or the task that will have
/// it. `co_await` it like a Task; one that is ready costs neither a coroutine frame nor a suspension. Await it in the expression
/// that made it, or keep the arguments alive: a pending one still looks at them.
template <class T>
class [[nodiscard]] Answer {
 public:
  using value_type = T;

  template <class U>
    requires std::is_constructible_v<Result<T>, U&&>
  Answer(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}
  Answer()
    requires std::is_void_v<T>
      : state_(std::in_place_index<0>) {}
  Answer(Task<Result<T>> task) noexcept : state_(std::in_place_index<1>, std::move(task)) {}

  [[nodiscard]] bool ready() const noexcept { return state_.index() == 0; }
  /// Only of one that is ready.
  [[nodiscard]] Result<T> take() && {
    SPIKARD_ASSERT(ready(), "the caller checked ready()");
    return std::move(*std::get_if<0>(&state_));
  }
  /// For `net::with_deadline` and the like.
  [[nodiscard]] Task<Result<T>> task() && {
    if (!ready()) return std::move(*std::get_if<1>(&state_));
    return wrap(std::move(*std::get_if<0>(&state_)));
  }

  class Awaiter {
   public:
    explicit Awaiter(Answer& answer) noexcept : answer_(answer), inner_{} {
      if (!answer.ready()) inner_ = std::get_if<1>(&answer.state_)->operator co_await();
    }
    [[nodiscard]] bool await_ready() noexcept { return answer_.ready() || inner_.await_ready(); }
    template <class P>
    auto await_suspend(std::coroutine_handle<P> parent) noexcept {
      return inner_.await_suspend(parent);
    }
    [[nodiscard]] Result<T> await_resume() {
      if (answer_.ready()) return std::move(*std::get_if<0>(&answer_.state_));
      return inner_.await_resume();
    }

   private:
    Answer& answer_;
    typename Task<Result<T>>::Awaiter inner_;
  };
  Awaiter operator co_await() && noexcept { return Awaiter(*this); }
  Awaiter operator co_await() & noexcept { return Awaiter(*this); }

 private:
  static Task<Result<T>> wrap(Result<T> result) { co_return result; }
  std::variant<Result<T>, Task<Result<T>>> state_;
};

}  // namespace spikard::cache
