#include "db/limiter.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace spikard::db {

struct Limiter::Waiter final : store::Pending {
  using Pending::Pending;
  bool done = false;  // under the limiter's mutex
  std::optional<Error> refused;
  Permit permit;
};

namespace {
Error closed_error() { return Error(ErrorKind::unavailable, "the client is closed").with_detail("closed"); }
}  // namespace

Task<Result<Limiter::Permit>> Limiter::acquire(net::Loop& loop, Duration limit) {
  std::shared_ptr<Waiter> waiter;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) co_return Result<Permit>(closed_error());
    if (used_ < max_) {
      ++used_;
      co_return Result<Permit>(Permit(shared_from_this()));
    }
    waiter = std::make_shared<Waiter>(loop);
    waiters_.push_back(waiter);
  }
  CancelToken token = co_await current_token();
  {
    const std::shared_ptr<Limiter> self = shared_from_this();
    net::Timer timer(loop, [&] {
      self->give_up(waiter,
                    Error(ErrorKind::timeout, "no connection became free in time")
                        .with_detail("pool_timeout")
                        .with("waited_ms", std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(limit).count())));
    });
    timer.start(limit);
    CancelCallback on_cancel(token, [&](CancelReason) {
      self->give_up(waiter, Error(ErrorKind::cancelled, "cancelled while waiting for a connection"));
    });
    store::PendingAwaiter awaiter(*waiter);
    co_await awaiter;
  }
  if (waiter->refused.has_value()) co_return Result<Permit>(std::move(*waiter->refused));
  co_return Result<Permit>(std::move(waiter->permit));
}

void Limiter::give_up(const std::shared_ptr<Waiter>& waiter, Error why) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(waiter->done, true)) return;
    const auto place = std::find(waiters_.begin(), waiters_.end(), waiter);
    if (place != waiters_.end()) waiters_.erase(place);
    waiter->refused = std::move(why);
  }
  store::Pending::finish(waiter);
}

void Limiter::give_back() noexcept {
  std::shared_ptr<Waiter> next;
  {
    const std::lock_guard lock(mutex_);
    if (waiters_.empty()) {
      --used_;
      return;
    }
    next = std::move(waiters_.front());
    waiters_.pop_front();
    next->done = true;
    next->permit = Permit(shared_from_this());
  }
  store::Pending::finish(std::move(next));
}

void Limiter::close() {
  std::deque<std::shared_ptr<Waiter>> waiters;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    waiters.swap(waiters_);
    for (const auto& waiter : waiters) waiter->done = true;
  }
  for (auto& waiter : waiters) {
    waiter->refused = closed_error();
    store::Pending::finish(std::move(waiter));
  }
}

std::uint32_t Limiter::in_use() const {
  const std::lock_guard lock(mutex_);
  return used_;
}

std::uint32_t Limiter::waiting() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::uint32_t>(waiters_.size());
}

}  // namespace spikard::db
