#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "net/loop/loop.hpp"

namespace spikard::store {

/// What a task waits for and another thread brings about. `loop` is the awaiting task's; everything but `finish` and what the
/// finishing thread writes before it happens on that loop's thread. The awaiter may go before it is finished.
struct Pending {
  explicit Pending(net::Loop& of_loop) noexcept : loop(&of_loop) {}
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  virtual ~Pending() = default;

  /// Once, from any thread, by who completed it.
  static void finish(std::shared_ptr<Pending> self) {
    net::Loop* loop = self->loop;
    loop->post([self = std::move(self)] {
      self->finished = true;
      if (self->waiting) std::exchange(self->waiting, {}).resume();
    });
  }

  net::Loop* const loop;
  std::coroutine_handle<> waiting;
  bool finished = false;
};

class PendingAwaiter {
 public:
  explicit PendingAwaiter(Pending& pending) noexcept : pending_(pending) {}
  PendingAwaiter(const PendingAwaiter&) = delete;
  PendingAwaiter& operator=(const PendingAwaiter&) = delete;
  ~PendingAwaiter() { pending_.waiting = {}; }
  [[nodiscard]] bool await_ready() const noexcept { return pending_.finished; }
  void await_suspend(std::coroutine_handle<> waiting) noexcept { pending_.waiting = waiting; }
  void await_resume() const noexcept {}

 private:
  Pending& pending_;
};

}  // namespace spikard::store
