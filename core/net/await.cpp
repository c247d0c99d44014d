#include "net/await.hpp"

namespace spikard::net {

class Event::Waiter : public detail::Link {
 public:
  Waiter(Event& event, CancelToken token) : event_(event), token_(std::move(token)) {}
  ~Waiter() { unlink(); }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return event_.set_ || token_.cancelled(); }
  void await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    prev = event_.waiters_.prev;
    next = &event_.waiters_;
    prev->next = this;
    event_.waiters_.prev = this;
    if (!token_.can_be_cancelled()) return;
    hook_.emplace(token_, [this](CancelReason) {
      cancelled_ = true;
      unlink();
      waiting_.resume();
    });
  }
  [[nodiscard]] bool await_resume() const noexcept { return !cancelled_ && (woken_ || event_.set_); }

  void wake() {
    unlink();
    woken_ = true;
    hook_.reset();
    waiting_.resume();
  }

 private:
  Event& event_;
  CancelToken token_;
  std::optional<CancelCallback> hook_;
  std::coroutine_handle<> waiting_;
  bool woken_ = false;
  bool cancelled_ = false;
};

Event::~Event() {
  if (gone_ != nullptr) *gone_ = true;
  while (waiters_.next != &waiters_) waiters_.next->unlink();
}

void Event::set() {
  if (set_) return;
  set_ = true;
  if (waiters_.next != &waiters_) loop_.defer(*this);
}

void Event::on_deferred() {
  // Those that come back to wait in the meantime stand behind the mark.
  bool gone = false;
  gone_ = &gone;
  detail::Link mark;
  mark.prev = waiters_.prev;
  mark.next = &waiters_;
  waiters_.prev->next = &mark;
  waiters_.prev = &mark;
  while (!gone && waiters_.next != &mark) static_cast<Waiter*>(waiters_.next)->wake();
  if (gone) return;
  gone_ = nullptr;
  mark.unlink();
}

Task<Result<void>> Event::wait() {
  CancelToken token = co_await current_token();
  Waiter waiter(*this, std::move(token));
  if (co_await waiter) co_return Result<void>();
  co_return Result<void>(Error(ErrorKind::cancelled, "wait: cancelled").with_operation("net.event"));
}

}  // namespace spikard::net
