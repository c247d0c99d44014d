#include "worker_loop/background.hpp"

#include <exception>
#include <utility>

namespace spikard::worker_loop {
namespace {

using Work = Function<Task<void>()>;

Task<Outcome> run_one(std::shared_ptr<Work> work, std::function<void(const std::string&)> on_error) {
  std::string failure;
  try {
    Task<void> task = (*work)();
    co_await std::move(task);
    const CancelToken token = co_await current_token();
    if (token.reason() == CancelReason::deadline) failure = "the time-out passed";
  } catch (const std::exception& error) {
    failure = error.what();
  } catch (...) {
    failure = "unknown exception";
  }
  if (failure.empty()) co_return Outcome::ack();
  if (on_error) on_error(failure);
  co_return Outcome::reject(std::move(failure));
}

}  // namespace

Background::Background(net::Loop& loop, BackgroundOptions options)
    : loop_(loop),
      options_(std::move(options)),
      source_(loop, {.capacity = options_.capacity, .dead_letters = false}),
      sink_({&loop},
            [on_error = options_.on_error](const std::shared_ptr<const WorkItem>& item) {
              return run_one(std::static_pointer_cast<Work>(item->local), on_error);
            }),
      worker_(WorkerLoop::create(loop, source_, sink_,
                                 {.name = "background",
                                  .concurrency = options_.concurrency,
                                  .handler_timeout = options_.timeout,
                                  .retry = {.max_retries = 0}})) {
  sink_.attach(worker_);
  worker_->start();
}

Background::~Background() {
  *alive_ = false;
  if (!closed_) worker_->abandon();
}

Result<void> Background::run(Function<Task<void>()> task) {
  if (!taking_) return Error(ErrorKind::unavailable, "background tasks are not taken any more").with_operation("background.run");
  WorkItem item;
  item.local = std::make_shared<Work>(std::move(task));
  return source_.push(std::move(item));
}

void Background::finish(Function<void()> idle) {
  idle_ = std::move(idle);
  look();
}

// The loop is idle for a moment whenever it is between two pulls; only an empty source means that none is left.
void Background::look() {
  if (!idle_) return;
  if (source_.size() == 0) {
    Function<void()> idle = std::move(idle_);
    idle();
    return;
  }
  worker_->finish([this, alive = alive_] {
    loop_.post([this, alive] {
      if (*alive) look();
    });
  });
}

void Background::cancel() {
  taking_ = false;
  worker_->cancel();
  if (!idle_) return;
  Function<void()> idle = std::move(idle_);
  idle();
}

void Background::close(Function<void()> done) {
  taking_ = false;
  worker_->close([this, alive = alive_, done = std::move(done)]() mutable {
    if (*alive) closed_ = true;
    done();
  });
}

WorkerCounts Background::counts() const {
  WorkerCounts counts = worker_->counts();
  if (closed_) counts.abandoned += source_.size();
  counts.handed_back = 0;
  return counts;
}

}  // namespace spikard::worker_loop
