#include "worker_loop/background.hpp"

#include <exception>
#include <utility>

namespace spikard::worker_loop {
namespace {
using Work = Function<Task<void>()>;
}  // namespace

/// The frame of one task. Frees itself at its end; `abandon` destroys it before.
struct Background::Frame {
  struct promise_type {
    Frame get_return_object() noexcept { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
  std::coroutine_handle<> handle;
};

Background::Background(net::Loop& loop, BackgroundOptions options)
    : options_(std::move(options)),
      source_(loop, {.capacity = options_.capacity, .dead_letters = false}),
      worker_(WorkerLoop::create(loop, source_, *this,
                                 {.name = "background",
                                  .concurrency = options_.concurrency,
                                  .handler_timeout = options_.timeout,
                                  .retry = {.max_retries = 0}})) {
  worker_->start();
}

Result<void> Background::run(Function<Task<void>()> task) {
  if (cut_) return Error(ErrorKind::unavailable, "background tasks are not taken any more").with_operation("background.run");
  WorkItem item;
  item.local = std::make_shared<Work>(std::move(task));
  SPIKARD_TRY(source_.push(std::move(item)));
  in_flight_.fetch_add(1);
  return {};
}

void Background::on_work(std::uint64_t ticket, std::shared_ptr<const WorkItem> item) {
  Running& running = running_[ticket];
  running.frame = run_one(ticket, std::move(item), running.cancel.token()).handle;
  const std::coroutine_handle<> frame = running.frame;
  frame.resume();
}

Background::Frame Background::run_one(std::uint64_t ticket, std::shared_ptr<const WorkItem> item, CancelToken token) {
  std::string failure;
  try {
    Task<void> task = (*static_cast<Work*>(item->local.get()))().with_token(token);
    co_await std::move(task);
    if (token.reason() == CancelReason::deadline) failure = "the time-out passed";
  } catch (const std::exception& error) {
    failure = error.what();
    if (failure.empty()) failure = "an exception without a message";
  } catch (...) {
    failure = "unknown exception";
  }
  item.reset();
  ended(ticket, std::move(failure));
}

void Background::ended(std::uint64_t ticket, std::string failure) {
  running_.erase(ticket);
  const bool failed = !failure.empty();
  if (!cut_) (failed ? failed_ : finished_).fetch_add(1);
  in_flight_.fetch_sub(1);
  if (failed && options_.on_error) options_.on_error(failure);
  worker_->complete(ticket, failed ? Outcome::reject(std::move(failure)) : Outcome::ack());
  look();
}

void Background::on_cancel(std::uint64_t ticket, CancelReason reason) {
  const auto at = running_.find(ticket);
  if (at == running_.end()) return;
  CancelSource cancel(std::move(at->second.cancel));  // the task may end, and its entry go, inside
  cancel.cancel(reason);
}

void Background::finish(Function<void()> idle) {
  idle_ = std::move(idle);
  look();
}

void Background::look() {
  if (!idle_ || in_flight_.load() != 0) return;
  Function<void()> idle = std::move(idle_);
  idle();
}

/// From here on nothing counts as finished.
void Background::cut() {
  if (std::exchange(cut_, true)) return;
  abandoned_.store(in_flight_.load());
  in_flight_.store(running_.size());
}

void Background::cancel() {
  cut();
  worker_->cancel();
  look();
}

void Background::close(Function<void()> done) {
  cut();
  worker_->close(std::move(done));
}

void Background::abandon() {
  cut();
  idle_ = nullptr;
  // The frames first: abandoning the loop would cancel them.
  for (const auto& [ticket, running] : std::exchange(running_, {})) running.frame.destroy();
  in_flight_.store(0);
  worker_->abandon();
}

BackgroundCounts Background::counts() const noexcept {
  return {.finished = finished_.load(), .failed = failed_.load(), .abandoned = abandoned_.load(), .in_flight = in_flight_.load()};
}

}  // namespace spikard::worker_loop
