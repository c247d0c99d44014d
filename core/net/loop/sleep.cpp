#include <optional>

#include "net/loop/loop.hpp"

namespace spikard::net {
namespace {

class SleepAwaiter {
 public:
  SleepAwaiter(Loop& loop, Duration after, CancelToken token)
      : timer_(loop, [this] { waiting_.resume(); }), after_(after), token_(std::move(token)) {}
  [[nodiscard]] bool await_ready() const noexcept { return token_.cancelled(); }
  void await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    timer_.start(after_);
    if (!token_.can_be_cancelled()) return;
    hook_.emplace(token_, [this](CancelReason) {
      timer_.stop();
      waiting_.resume();
    });
  }
  [[nodiscard]] bool await_resume() const noexcept { return !token_.cancelled(); }

 private:
  Timer timer_;
  Duration after_;
  CancelToken token_;
  std::optional<CancelCallback> hook_;
  std::coroutine_handle<> waiting_;
};

}  // namespace

Task<Result<void>> sleep(Loop& loop, Duration after) {
  CancelToken token = co_await current_token();
  SleepAwaiter awaiter(loop, after, std::move(token));
  if (co_await awaiter) co_return Result<void>();
  co_return Result<void>(Error(ErrorKind::cancelled, "sleep: cancelled").with_operation("net.sleep"));
}

}  // namespace spikard::net
