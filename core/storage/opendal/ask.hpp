#pragma once

#include <atomic>
#include <coroutine>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/cancel.hpp"
#include "base/task.hpp"
#include "net/loop/loop.hpp"
#include "net/virtual_clock.hpp"
#include "storage/backend.hpp"
#include "storage/opendal/library.hpp"

namespace spikard::storage::detail {

/// An answer of opendal.h, with all it holds.
struct Completed {
  std::int32_t code = SPK_OPENDAL_CANCELLED;
  bool temporary = false;
  std::string message;
  ObjectInfo info;  ///< without its key
  Span span;
  std::string data;
  ListPage page;
  struct Failure {
    std::size_t at = 0;
    std::int32_t code = 0;
    bool temporary = false;
    std::string message;
  };
  std::vector<Failure> failures;
  void* handle = nullptr;
};

/// What a call and its callback share. All but `done` belongs to the loop's thread.
struct Pending {
  std::shared_ptr<net::Loop::Mailbox> loop;  // the callback may come after the loop is gone
  net::VirtualClock* clock = nullptr;        // waits for the call
  std::coroutine_handle<> waiting;
  bool completed = false;
  Completed done;
  void (*free_handle)(void*) = nullptr;
  std::atomic<bool> started{false};  // orders what is here before the library's threads, for those who cannot see its own order

  Pending() = default;
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  ~Pending() {
    if (done.handle != nullptr && free_handle != nullptr) free_handle(done.handle);
  }
  void rest() noexcept {
    if (clock != nullptr) std::exchange(clock, nullptr)->idle();
  }
};

/// The callback of every call; `user` is a `std::shared_ptr<Pending>*`.
void complete_pending(void* user, const spk_opendal_answer* answer) noexcept;
[[nodiscard]] std::shared_ptr<Pending> make_pending(net::Loop& loop, void (*free_handle)(void*));

class PendingAwaiter {
 public:
  PendingAwaiter(const OpendalLibrary& library, std::shared_ptr<Pending> pending, spk_opendal_call* call,
                 CancelToken token) noexcept
      : library_(library), pending_(std::move(pending)), call_(call), token_(std::move(token)) {}
  PendingAwaiter(const PendingAwaiter&) = delete;
  PendingAwaiter& operator=(const PendingAwaiter&) = delete;
  ~PendingAwaiter() {
    pending_->waiting = {};
    pending_->rest();
    if (call_ == nullptr) return;
    if (pending_->completed) {
      library_.release(call_);
    } else {
      library_.cancel(call_);
    }
  }
  [[nodiscard]] bool await_ready() const noexcept { return token_.cancelled(); }
  void await_suspend(std::coroutine_handle<> waiting) {
    pending_->waiting = waiting;
    if (!token_.can_be_cancelled()) return;
    hook_.emplace(token_, [this](CancelReason) {
      if (pending_->waiting) std::exchange(pending_->waiting, {}).resume();
    });
  }
  void await_resume() const noexcept {}

 private:
  const OpendalLibrary& library_;
  std::shared_ptr<Pending> pending_;
  spk_opendal_call* call_;
  CancelToken token_;
  std::optional<CancelCallback> hook_;
};

/// Starts a call by `start(user, done)`, which returns its handle or null, and waits for its answer on `loop`, which is the
/// awaiting task's. `free_handle` frees a handle that nobody takes.
template <class Start>
[[nodiscard]] Task<Completed> ask(const OpendalLibrary& library, net::Loop& loop, void (*free_handle)(void*), Start start) {
  CancelToken token = co_await current_token();
  std::shared_ptr<Pending> pending = make_pending(loop, free_handle);
  auto user = std::make_unique<std::shared_ptr<Pending>>(pending);
  pending->started.store(true, std::memory_order_release);
  spk_opendal_call* call = start(static_cast<void*>(user.release()), &complete_pending);
  PendingAwaiter awaiter(library, pending, call, std::move(token));
  co_await awaiter;
  if (!pending->completed) {
    Completed given_up;
    given_up.message = "the call was cancelled";
    co_return given_up;
  }
  Completed out = std::move(pending->done);
  pending->done.handle = nullptr;
  co_return out;
}

}  // namespace spikard::storage::detail
