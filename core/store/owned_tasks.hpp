#pragma once

#include <coroutine>
#include <exception>
#include <list>
#include <utility>

#include "base/task.hpp"

namespace spikard::store {

/// Tasks that nobody awaits and that end with their owner, wherever they are; all on one loop's thread. Not cleared from inside
/// one of them.
class OwnedTasks {
 public:
  OwnedTasks() = default;
  OwnedTasks(const OwnedTasks&) = delete;
  OwnedTasks& operator=(const OwnedTasks&) = delete;
  ~OwnedTasks() { clear(); }

  void start(Task<void> task) {
    const Place place = frames_.insert(frames_.end(), std::coroutine_handle<>());
    const Frame frame = run(std::move(task), *this, place);
    *place = frame.handle;
    frame.handle.resume();  // may end here, and its place go
  }
  void clear() noexcept {
    while (!frames_.empty()) {
      const std::coroutine_handle<> frame = frames_.front();
      frames_.pop_front();
      frame.destroy();
    }
  }

 private:
  using Place = std::list<std::coroutine_handle<>>::iterator;
  struct Frame {
    struct promise_type {
      Frame get_return_object() noexcept { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
      std::suspend_always initial_suspend() noexcept { return {}; }
      std::suspend_never final_suspend() noexcept { return {}; }
      void return_void() noexcept {}
      void unhandled_exception() noexcept { std::terminate(); }
    };
    std::coroutine_handle<promise_type> handle;
  };
  static Frame run(Task<void> task, OwnedTasks& owner, Place place) {
    try {
      co_await std::move(task);
    } catch (...) {  // out of memory: it ends
    }
    owner.frames_.erase(place);
  }

  std::list<std::coroutine_handle<>> frames_;
};

}  // namespace spikard::store
