#include "tasks/worker.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "net/await.hpp"
#include "telemetry/propagation.hpp"

namespace spikard::tasks {
namespace {

using worker_loop::Outcome;
using worker_loop::Settlement;
using worker_loop::WorkerLoop;
using worker_loop::WorkItem;

std::chrono::milliseconds span_of(Millis ms) { return std::chrono::milliseconds(ms); }

WorkItem item_of(Job&& job) {
  WorkItem item;
  item.id = static_cast<std::uint64_t>(job.id);
  item.position = item.id;
  item.name = job.task;
  item.payload = std::move(job.args);
  item.tries = job.attempt - 1;
  item.failures = job.failures;
  item.delivery_count = job.attempt;
  item.enqueued = WallTime{span_of(job.enqueued_at)};
  item.trace = trace_from_text(job.trace);
  worker_loop::RetryPolicy policy;
  policy.max_retries = job.max_attempts - 1;
  policy.initial = span_of(job.backoff.initial_ms);
  policy.factor = job.backoff.factor;
  policy.max = span_of(job.backoff.max_ms);
  policy.jitter = job.backoff.jitter;
  policy.retry_uses_try = false;
  item.retry = policy;
  item.timeout = span_of(job.timeout_ms);
  item.local = std::make_shared<Job>(std::move(job));
  return item;
}

Completion completion_of(const Settlement& settlement, Run run) {
  Completion out;
  out.run = run;
  out.attempt = settlement.tries;
  out.failures = settlement.failures;
  out.error = settlement.error;
  switch (settlement.cause) {
    case Outcome::Kind::timeout: out.error_code = "timeout"; break;
    case Outcome::Kind::error: out.error_code = "error"; break;
    case Outcome::Kind::reject: out.error_code = settlement.reason == "rejected" ? "fatal" : settlement.reason; break;
    default: break;
  }
  switch (settlement.kind) {
    case Settlement::Kind::ack:
      out.kind = Completion::Kind::completed;
      out.result = settlement.result;
      break;
    case Settlement::Kind::dead_letter: out.kind = Completion::Kind::discarded; break;
    case Settlement::Kind::hand_back: out.kind = Completion::Kind::hand_back; break;
    case Settlement::Kind::keep:  // only of ordered loops
    case Settlement::Kind::again:
      out.kind = Completion::Kind::again;
      out.after_ms = std::chrono::ceil<std::chrono::milliseconds>(settlement.after).count();
      break;
  }
  return out;
}

/// A queue of a store as a source of work.
class JobSource final : public worker_loop::Source {
 public:
  JobSource(std::shared_ptr<Backend> backend, WorkerOptions options, net::Loop& loop)
      : backend_(std::move(backend)),
        options_(std::move(options)),
        loop_(loop),
        arrived_(loop),
        timer_(loop, [this] { arrived_.set(); }),
        news_(backend_->subscribe(loop, Backend::Topic::queue, options_.queue, options_.poll, [this] { arrived_.set(); })),
        revocations_(backend_->subscribe(loop, Backend::Topic::revoked, {}, options_.poll, [this] { look_for_lost(); })) {}
  ~JobSource() override { *alive_ = false; }

  void bind(const std::shared_ptr<WorkerLoop>& worker) { worker_ = worker; }

  Task<Result<std::vector<WorkItem>>> pull(std::uint32_t max) override {
    for (;;) {
      arrived_.reset();
      timer_.stop();
      ClaimRequest request;
      request.queue = options_.queue;
      request.worker = options_.name;
      request.max = max;
      request.lease_ms = options_.lease_ms;
      Task<Result<ClaimResult>> call = backend_->claim(loop_, std::move(request));
      Result<ClaimResult> claimed = co_await std::move(call);
      if (!claimed.ok()) co_return Result<std::vector<WorkItem>>(std::move(claimed).error());
      if (!claimed->jobs.empty()) {
        std::vector<WorkItem> items;
        items.reserve(claimed->jobs.size());
        for (Job& job : claimed->jobs) {
          leases_[job.id] = job.lease;
          items.push_back(item_of(std::move(job)));
        }
        co_return Result<std::vector<WorkItem>>(std::move(items));
      }
      if (claimed->next_at != 0) {
        // The store's time is civil time, which the loop's timers do not follow: look again at least every minute.
        const WallTime due{span_of(claimed->next_at)};
        timer_.start(std::clamp<Duration>(due - loop_.clock().wall(), Duration::zero(), longest_wait()));
      }
      Result<void> waited = co_await arrived_.wait();
      if (!waited.ok()) co_return Result<std::vector<WorkItem>>(std::move(waited).error());
    }
  }

  Task<Result<std::vector<std::uint64_t>>> settle(std::span<const Settlement> settlements) override {
    std::vector<Completion> completions;
    completions.reserve(settlements.size());
    for (const Settlement& one : settlements) {
      const auto id = static_cast<JobId>(one.id);
      const auto lease = leases_.find(id);
      completions.push_back(completion_of(one, {id, lease == leases_.end() ? 0 : lease->second}));
    }
    std::vector<Run> runs;
    for (const Completion& one : completions) runs.push_back(one.run);
    Task<Result<std::vector<JobId>>> call = backend_->settle(loop_, std::move(completions));
    Result<std::vector<JobId>> lost = co_await std::move(call);
    if (!lost.ok()) co_return Result<std::vector<std::uint64_t>>(std::move(lost).error());
    for (const Run& run : runs) {
      if (const auto at = leases_.find(run.id); at != leases_.end() && at->second == run.lease) leases_.erase(at);
    }
    co_return Result<std::vector<std::uint64_t>>(std::vector<std::uint64_t>(lost->begin(), lost->end()));
  }

  Task<Result<std::vector<std::uint64_t>>> extend(std::span<const std::uint64_t> ids) override {
    Task<Result<std::vector<JobId>>> call = backend_->extend(loop_, runs_of(ids), options_.lease_ms);
    Result<std::vector<JobId>> lost = co_await std::move(call);
    if (!lost.ok()) co_return Result<std::vector<std::uint64_t>>(std::move(lost).error());
    co_return Result<std::vector<std::uint64_t>>(std::vector<std::uint64_t>(lost->begin(), lost->end()));
  }

  [[nodiscard]] Duration lease() const noexcept override { return span_of(options_.lease_ms); }

 private:
  [[nodiscard]] Duration longest_wait() const {
    return loop_.clock().is_virtual() ? Duration(std::chrono::hours(24 * 365 * 10)) : Duration(std::chrono::minutes(1));
  }
  [[nodiscard]] std::vector<Run> runs_of(std::span<const std::uint64_t> ids) const {
    std::vector<Run> runs;
    for (const std::uint64_t id : ids) {
      const auto lease = leases_.find(static_cast<JobId>(id));
      runs.push_back({static_cast<JobId>(id), lease == leases_.end() ? 0 : lease->second});
    }
    return runs;
  }

  /// Something was cancelled, perhaps ours.
  void look_for_lost() {
    if (leases_.empty() || looking_) {
      look_again_ = looking_;
      return;
    }
    looking_ = true;
    std::vector<Run> runs;
    for (const auto& [id, lease] : leases_) runs.push_back({id, lease});
    spawn(find_lost(backend_, loop_, std::move(runs)),
          [this, alive = alive_](const std::exception_ptr& error, std::optional<std::vector<Run>> lost) {
            if (!*alive) return;
            looking_ = false;
            std::vector<std::uint64_t> ids;
            if (!error) {
              for (const Run& run : *lost) {
                const auto at = leases_.find(run.id);
                if (at == leases_.end() || at->second != run.lease) continue;  // it came again meanwhile
                leases_.erase(at);
                ids.push_back(static_cast<std::uint64_t>(run.id));
              }
            }
            if (const auto worker = worker_.lock(); worker && !ids.empty()) worker->revoke(ids);
            if (std::exchange(look_again_, false)) look_for_lost();
          });
  }
  static Task<std::vector<Run>> find_lost(std::shared_ptr<Backend> backend, net::Loop& loop, std::vector<Run> runs) {
    Task<Result<std::vector<JobId>>> call = backend->lost(loop, runs);
    Result<std::vector<JobId>> lost = co_await std::move(call);
    std::vector<Run> out;
    for (const Run& run : runs) {
      if (lost.ok() && std::find(lost->begin(), lost->end(), run.id) != lost->end()) out.push_back(run);
    }
    co_return out;
  }

  const std::shared_ptr<Backend> backend_;
  const WorkerOptions options_;
  net::Loop& loop_;
  net::Event arrived_;
  net::Timer timer_;
  std::unordered_map<JobId, std::uint64_t> leases_;  // fencing tokens of what is in hand
  std::weak_ptr<WorkerLoop> worker_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool looking_ = false;
  bool look_again_ = false;
  std::shared_ptr<void> news_;
  std::shared_ptr<void> revocations_;
};

/// Stands before the application's sink.
class Gate final : public worker_loop::WorkSink {
 public:
  Gate(JobSource& source, std::optional<std::vector<std::string>> known, worker_loop::WorkSink& inner, net::Loop& loop)
      : source_(source), inner_(inner), loop_(loop) {
    if (known) known_.emplace(known->begin(), known->end());
  }
  void attach(const std::shared_ptr<WorkerLoop>& worker) override {
    worker_ = worker;
    source_.bind(worker);
    inner_.attach(worker);
  }
  void on_work(std::uint64_t ticket, std::shared_ptr<const WorkItem> item) override {
    if (!known_ || known_->contains(item->name)) {
      inner_.on_work(ticket, std::move(item));
      return;
    }
    Outcome outcome = Outcome::reject("no handler for the task " + item->name);
    outcome.reason = "unknown_task";
    refused_->insert(ticket);
    if (const auto worker = worker_.lock()) worker->complete(ticket, std::move(outcome));
    loop_.post([refused = refused_, ticket] { refused->erase(ticket); });  // after the completion, which is a post as well
  }
  void on_cancel(std::uint64_t ticket, CancelReason reason) override {
    if (refused_->erase(ticket) == 0) inner_.on_cancel(ticket, reason);
  }

 private:
  JobSource& source_;
  worker_loop::WorkSink& inner_;
  net::Loop& loop_;
  std::optional<std::unordered_set<std::string>> known_;
  std::weak_ptr<WorkerLoop> worker_;
  std::shared_ptr<std::unordered_set<std::uint64_t>> refused_ = std::make_shared<std::unordered_set<std::uint64_t>>();
};

/// A span for each run, as the consumer of the enqueuer's trace.
class Spans final : public worker_loop::WorkObserver {
 public:
  explicit Spans(telemetry::Tracer tracer) : tracer_(std::move(tracer)) {}
  void on_begin(std::uint64_t ticket, WorkItem& item) override {
    const Job& job = job_of(item);
    telemetry::Span span = tracer_.start("run " + job.task, telemetry::SpanKind::consumer, item.trace,
                                         {{"task.queue", job.queue},
                                          {"task.name", job.task},
                                          {"task.attempt", static_cast<std::int64_t>(job.attempt)},
                                          {"task.id", id_to_text(job.id)}});
    item.trace = span.context();
    running_.emplace(ticket, std::move(span));
  }
  void on_end(std::uint64_t ticket, const WorkItem& item, const Outcome& outcome, const Settlement& settlement) override {
    (void)item, (void)settlement;
    const auto at = running_.find(ticket);
    if (at == running_.end()) return;
    at->second.set("task.outcome", worker_loop::name_of(outcome.kind));
    if (outcome.kind == Outcome::Kind::timeout) {
      at->second.set("error.type", "timeout");
      at->second.status(telemetry::SpanStatus::error, "timeout");
    } else if (outcome.kind == Outcome::Kind::error || outcome.kind == Outcome::Kind::reject) {
      at->second.set("error.type", outcome.reason.empty() ? std::string_view("error") : std::string_view(outcome.reason));
      at->second.status(telemetry::SpanStatus::error, outcome.text);
    }
    running_.erase(at);
  }
  void on_cut(std::uint64_t ticket, const WorkItem& item, CancelReason reason) override {
    (void)item;
    const auto at = running_.find(ticket);
    if (at == running_.end()) return;
    at->second.set("task.outcome", reason == CancelReason::shutdown ? "interrupted" : "cancelled");
    running_.erase(at);
  }

 private:
  telemetry::Tracer tracer_;
  std::unordered_map<std::uint64_t, telemetry::Span> running_;
};

}  // namespace

const Job& job_of(const WorkItem& item) { return *static_cast<const Job*>(item.local.get()); }

WorkerParts make_worker_parts(std::shared_ptr<Backend> backend, WorkerOptions options, worker_loop::WorkSink& sink,
                              net::Loop& loop, telemetry::Tracer tracer) {
  WorkerParts parts;
  parts.options.name = options.name;
  parts.options.concurrency = options.concurrency;
  parts.options.handler_timeout = span_of(options.timeout_ms);
  parts.options.retry.retry_uses_try = false;
  parts.options.seed = static_cast<std::uint64_t>(loop.clock().wall().time_since_epoch().count()) | 1U;
  if (tracer) {
    parts.observer = std::make_unique<Spans>(std::move(tracer));
    parts.options.observer = parts.observer.get();
  }
  std::optional<std::vector<std::string>> known = std::move(options.known);
  auto source = std::make_unique<JobSource>(std::move(backend), std::move(options), loop);
  parts.sink = std::make_unique<Gate>(*source, std::move(known), sink, loop);
  parts.source = std::move(source);
  return parts;
}

Worker::Worker(Private, std::shared_ptr<Backend> backend, const WorkerOptions& options, worker_loop::WorkSink& sink,
               net::Loop& loop, telemetry::Tracer tracer)
    : net_loop_(loop),
      parts_(make_worker_parts(std::move(backend), options, sink, loop, std::move(tracer))),
      loop_(WorkerLoop::create(loop, *parts_.source, *parts_.sink, parts_.options)) {
  parts_.sink->attach(loop_);
}

Worker::~Worker() = default;

std::shared_ptr<Worker> Worker::start(std::shared_ptr<Backend> backend, const WorkerOptions& options, worker_loop::WorkSink& sink,
                                      net::Loop& loop, telemetry::Tracer tracer) {
  auto worker = std::make_shared<Worker>(Private(), std::move(backend), options, sink, loop, std::move(tracer));
  worker->running_ = worker;
  worker->loop_->start();
  return worker;
}

Task<Worker::Drained> Worker::stop(Duration timeout) {
  const std::shared_ptr<Worker> self = shared_from_this();
  net::Event step(net_loop_);
  bool stopped = false;
  bool idle = false;
  loop_->stop_taking([&] {
    stopped = true;
    step.set();
  });
  loop_->finish([&] {
    idle = true;
    step.set();
  });
  bool late = false;
  net::Timer timer(net_loop_, [&] {
    late = true;
    step.set();
  });
  timer.start(timeout);
  while (!late && !(stopped && idle)) {
    step.reset();
    Result<void> waited = co_await step.wait();
    if (!waited.ok()) break;
  }
  timer.stop();
  Drained out;
  const std::uint64_t running = loop_->counts().running;
  out.unfinished = running;
  out.drained = running == 0;
  bool closed = false;
  net::Event end(net_loop_);
  loop_->finish([] {});
  loop_->close([&] {
    closed = true;
    end.set();
  });
  // Whatever becomes of the caller, the source must not go while something of it runs.
  while (!closed) {
    end.reset();
    Task<Result<void>> wait = end.wait().with_token(CancelSource().token());
    Result<void> waited = co_await std::move(wait);
    (void)waited;
  }
  running_.reset();
  co_return out;
}

void Worker::kill(Function<void()> done) {
  loop_->abandon();
  // Its tasks end in the next turns; until then they use the parts.
  loop_->close([self = shared_from_this(), done = std::move(done)]() mutable {
    self->running_.reset();
    self.reset();
    if (done) done();
  });
}

}  // namespace spikard::tasks
