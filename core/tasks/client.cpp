#include "tasks/client.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include "base/json.hpp"
#include "net/await.hpp"
#include "tasks/job_json.hpp"

namespace spikard::tasks {
namespace {

constexpr Millis furthest = 253'402'300'799'999;  // the end of the year 9999

Error wrong(std::string what) { return invalid_argument(std::move(what)).with_operation("tasks.enqueue"); }

Error no_such_job(JobId id, const char* operation) {
  return Error(ErrorKind::not_found, "there is no job " + std::to_string(id)).with_operation(operation);
}

/// Of an entry of an outbox: no two are the same, whichever database they are in. No secret.
std::string make_origin() {
  std::random_device random;
  std::string out = "outbox";
  for (int i = 0; i < 4; ++i) out += ":" + std::to_string(random());
  return out;
}

}  // namespace

Result<void> check(const NewJob& job) {
  if (job.queue.empty() || job.queue.size() > 255) return wrong("queue: a name of 1 to 255 bytes is expected");
  if (job.task.empty() || job.task.size() > 255) return wrong("task: a name of 1 to 255 bytes is expected");
  if (job.args.size() > Client::max_args)
    return Error(ErrorKind::too_large, "args: more than 1 MiB of JSON").with_operation("tasks.enqueue");
  if (!job.args_are_json && job.args != "null" && !json::parse(job.args).ok()) return wrong("args: JSON text is expected");
  if (job.delay_ms < 0 || job.delay_ms > furthest) return wrong("delay_ms: a span of time up to the year 9999 is expected");
  if (job.run_at < 0 || job.run_at > furthest) return wrong("run_at: an instant from 1970 to 9999 is expected");
  if (job.run_at != 0 && job.delay_ms != 0) return wrong("run_at, delay_ms: only one of both is expected");
  if (job.max_attempts < 1 || job.max_attempts > 1'000'000) return wrong("max_attempts: 1 to 1000000 is expected");
  if (job.timeout_ms < 0 || job.timeout_ms > furthest) return wrong("timeout_ms: a span of time is expected");
  if (job.retention_ms < 0 || job.retention_ms > furthest) return wrong("retention_ms: a span of time is expected");
  if (job.unique_key.size() > 1024) return wrong("unique_key: 1024 bytes at most are expected");
  if (job.concurrency_key.size() > 1024) return wrong("concurrency_key: 1024 bytes at most are expected");
  if (job.concurrency_limit < 1) return wrong("concurrency_limit: at least 1 is expected");
  if (job.depends_on.size() > 1000) return wrong("depends_on: 1000 jobs at most are expected");
  if (job.tags.size() > 64) return wrong("tags: 64 at most are expected");
  const Backoff& backoff = job.backoff;
  if (backoff.initial_ms < 0 || backoff.initial_ms > furthest || backoff.max_ms < 0 || backoff.max_ms > furthest ||
      !(backoff.factor >= 1.0) || !std::isfinite(backoff.factor) || !(backoff.jitter >= 0.0 && backoff.jitter <= 1.0))
    return wrong("backoff: initial_ms and max_ms from 0, factor from 1, jitter from 0 to 1 are expected");
  return {};
}

Result<std::shared_ptr<Client>> Client::open(ClientOptions options, const Environment& environment) {
  Result<std::shared_ptr<Backend>> backend = open_backend(options.store, environment);
  if (!backend.ok()) return std::move(backend).error();
  return std::make_shared<Client>(std::move(*backend), std::move(options));
}

Client::Client(std::shared_ptr<Backend> backend, ClientOptions options)
    : backend_(std::move(backend)), options_(std::move(options)) {}

telemetry::Span Client::start_span(net::Caller& caller, const std::vector<NewJob>& jobs) const {
  if (!options_.tracer || jobs.empty()) return {};
  const NewJob& first = jobs.front();
  telemetry::Span span = options_.tracer.start("enqueue " + first.task, telemetry::SpanKind::producer, caller.trace,
                                               {{"task.queue", first.queue}, {"task.name", first.task}});
  if (jobs.size() > 1) span.set("task.count", static_cast<std::int64_t>(jobs.size()));
  caller.trace = span.context();
  return span;
}

Task<Result<EnqueueResult>> Client::do_enqueue(net::Caller caller, EnqueueRequest request) {
  if (request.jobs.size() > max_jobs) co_return Result<EnqueueResult>(wrong("jobs: 10000 at most are expected"));
  for (const NewJob& job : request.jobs) {
    if (Result<void> good = check(job); !good.ok()) co_return Result<EnqueueResult>(std::move(good).error());
  }
  if (request.callback) {
    if (Result<void> good = check(*request.callback); !good.ok()) co_return Result<EnqueueResult>(std::move(good).error());
  }
  telemetry::Span span = start_span(caller, request.jobs);
  const std::string trace = trace_to_text(caller.trace);
  if (!trace.empty()) {
    for (NewJob& job : request.jobs) job.trace = trace;
    if (request.callback) request.callback->trace = trace;
  }
  Task<Result<EnqueueResult>> call = backend_->enqueue(*caller.loop, std::move(request));
  Result<EnqueueResult> done = co_await std::move(call);
  if (!done.ok()) span.fail(done.error());
  else if (done->jobs.size() == 1) span.set("task.id", id_to_text(done->jobs.front().id));
  co_return done;
}

Task<Result<Enqueued>> Client::enqueue(net::Caller caller, NewJob job) {
  EnqueueRequest request;
  request.jobs.push_back(std::move(job));
  Task<Result<EnqueueResult>> call = do_enqueue(std::move(caller), std::move(request));
  Result<EnqueueResult> done = co_await std::move(call);
  if (!done.ok()) co_return Result<Enqueued>(std::move(done).error());
  co_return done->jobs.front();
}

Task<Result<std::vector<Enqueued>>> Client::enqueue_many(net::Caller caller, std::vector<NewJob> jobs) {
  EnqueueRequest request;
  request.jobs = std::move(jobs);
  Task<Result<EnqueueResult>> call = do_enqueue(std::move(caller), std::move(request));
  Result<EnqueueResult> done = co_await std::move(call);
  if (!done.ok()) co_return Result<std::vector<Enqueued>>(std::move(done).error());
  co_return std::move(done->jobs);
}

Task<Result<EnqueueResult>> Client::enqueue_batch(net::Caller caller, std::vector<NewJob> jobs, std::optional<NewJob> callback) {
  if (jobs.empty()) co_return Result<EnqueueResult>(wrong("jobs: at least one is expected"));
  for (const NewJob& job : jobs) {
    if (job.batch != 0) co_return Result<EnqueueResult>(wrong("batch: a job of a new batch is in no other"));
  }
  EnqueueRequest request;
  request.jobs = std::move(jobs);
  request.batch = true;
  request.callback = std::move(callback);
  Task<Result<EnqueueResult>> call = do_enqueue(std::move(caller), std::move(request));
  Result<EnqueueResult> done = co_await std::move(call);
  co_return done;
}

Task<Result<EnqueueResult>> Client::enqueue_in(net::Caller caller, store::Transaction& transaction, std::vector<NewJob> jobs,
                                               std::string target) {
  if (jobs.size() > max_jobs) co_return Result<EnqueueResult>(wrong("jobs: 10000 at most are expected"));
  for (const NewJob& job : jobs) {
    if (Result<void> good = check(job); !good.ok()) co_return Result<EnqueueResult>(std::move(good).error());
  }
  telemetry::Span span = start_span(caller, jobs);
  const std::string trace = trace_to_text(caller.trace);
  for (NewJob& job : jobs) job.trace = trace;
  if (backend_->shares(transaction)) {
    EnqueueRequest request;
    request.jobs = std::move(jobs);
    Task<Result<EnqueueResult>> call = backend_->enqueue_in(*caller.loop, transaction, std::move(request));
    Result<EnqueueResult> done = co_await std::move(call);
    if (!done.ok()) span.fail(done.error());
    co_return done;
  }
  EnqueueResult out;
  for (NewJob& job : jobs) {
    // Times count from now, not from when the relay comes by.
    if (job.run_at == 0) job.run_at = now_ms(caller.loop->clock()) + job.delay_ms;
    job.delay_ms = 0;
    job.origin = make_origin();
    store::OutboxEntry entry(target, "enqueue", new_job_to_json(job));
    Task<Result<void>> call = transaction.outbox(std::move(entry));
    Result<void> done = co_await std::move(call);
    if (!done.ok()) {
      span.fail(done.error());
      co_return Result<EnqueueResult>(std::move(done).error());
    }
    out.jobs.emplace_back();
  }
  co_return out;
}

Task<Result<void>> Client::enqueue_entry(net::Caller caller, std::string payload, std::string key) {
  Result<Document> document = json::parse(payload);
  if (!document.ok()) co_return Result<void>(std::move(document).error());
  Result<NewJob> job = new_job_from_nodes(document->root(), {}, true);
  if (!job.ok()) co_return Result<void>(std::move(job).error());
  EnqueueRequest request;
  request.origin = job->origin.empty() ? std::move(key) : std::move(job->origin);
  request.jobs.push_back(std::move(*job));
  Task<Result<EnqueueResult>> call = backend_->enqueue(*caller.loop, std::move(request));
  Result<EnqueueResult> done = co_await std::move(call);
  if (!done.ok()) co_return Result<void>(std::move(done).error());
  co_return Result<void>();
}

Task<Result<void>> Client::complete_in(net::Caller caller, store::Transaction& transaction, Run run, std::string result) {
  Task<Result<void>> call = backend_->complete_in(*caller.loop, transaction, run, std::move(result));
  Result<void> done = co_await std::move(call);
  co_return done;
}

Task<Result<Job>> Client::job(net::Caller caller, JobId id) {
  Task<Result<std::optional<Job>>> call = backend_->job(*caller.loop, id);
  Result<std::optional<Job>> found = co_await std::move(call);
  if (!found.ok()) co_return Result<Job>(std::move(found).error());
  if (!found->has_value()) co_return Result<Job>(no_such_job(id, "tasks.job"));
  co_return std::move(**found);
}

Task<Result<std::vector<Job>>> Client::list(net::Caller caller, JobFilter filter) {
  filter.limit = std::clamp<std::uint32_t>(filter.limit, 1, 1000);
  return backend_->list(*caller.loop, std::move(filter));
}

Task<Result<bool>> Client::cancel(net::Caller caller, JobId id, std::string reason) {
  return backend_->cancel(*caller.loop, id, std::move(reason));
}

Task<Result<bool>> Client::retry(net::Caller caller, JobId id) { return backend_->retry(*caller.loop, id); }

Task<Result<Batch>> Client::batch(net::Caller caller, JobId id) {
  Task<Result<std::optional<Batch>>> call = backend_->batch(*caller.loop, id);
  Result<std::optional<Batch>> found = co_await std::move(call);
  if (!found.ok()) co_return Result<Batch>(std::move(found).error());
  if (!found->has_value())
    co_return Result<Batch>(Error(ErrorKind::not_found, "there is no batch " + std::to_string(id)).with_operation("tasks.batch"));
  co_return **found;
}

Task<Result<Job>> Client::wait(net::Caller caller, JobId id, Duration limit) {
  net::Loop& loop = *caller.loop;
  net::Event news(loop);
  bool late = false;
  net::Timer timer(loop, [&] {
    late = true;
    news.set();
  });
  timer.start(limit);
  const std::shared_ptr<void> subscription =
      backend_->subscribe(loop, Backend::Topic::ended, {}, options_.poll, [&] { news.set(); });
  for (;;) {
    news.reset();
    Task<Result<Job>> call = job(caller, id);
    Result<Job> found = co_await std::move(call);
    if (!found.ok() || has_ended(found->state)) co_return found;
    if (late) {
      co_return Result<Job>(Error(ErrorKind::timeout, "the job has not ended in time")
                                .with_operation("tasks.wait")
                                .with("state", std::string(name_of(found->state))));
    }
    Result<void> waited = co_await news.wait();
    if (!waited.ok()) co_return Result<Job>(std::move(waited).error());
  }
}

Task<Result<std::vector<QueueStats>>> Client::queues(net::Caller caller) { return backend_->queues(*caller.loop); }

Task<Result<std::uint64_t>> Client::pending_count(net::Caller caller, std::string queue) {
  return backend_->pending_count(*caller.loop, std::move(queue));
}

Task<Result<void>> Client::pause(net::Caller caller, std::string queue, bool paused) {
  return backend_->pause(*caller.loop, std::move(queue), paused);
}

Task<Result<void>> Client::set_rate_limit(net::Caller caller, std::string queue, RateLimit limit) {
  if (limit.period_ms < 1) co_return Result<void>(invalid_argument("period_ms: at least 1 is expected"));
  Task<Result<void>> call = backend_->set_rate_limit(*caller.loop, std::move(queue), limit);
  Result<void> done = co_await std::move(call);
  co_return done;
}

Task<Result<void>> Client::progress(net::Caller caller, Run run, std::string json) {
  return backend_->progress(*caller.loop, run, std::move(json));
}

Task<Result<bool>> Client::heartbeat(net::Caller caller, Run run, Millis lease_ms) {
  std::vector<Run> runs{run};
  Task<Result<std::vector<JobId>>> call = backend_->extend(*caller.loop, std::move(runs), lease_ms);
  Result<std::vector<JobId>> lost = co_await std::move(call);
  if (!lost.ok()) co_return Result<bool>(std::move(lost).error());
  co_return lost->empty();
}

Task<Result<Schedule>> Client::schedule(net::Caller caller, Schedule schedule) {
  if (schedule.name.empty() || schedule.name.size() > 128)
    co_return Result<Schedule>(invalid_argument("name: 1 to 128 bytes are expected").with_operation("tasks.schedule"));
  NewJob job(schedule.queue, schedule.task, schedule.args);
  job.max_attempts = schedule.max_attempts;
  job.timeout_ms = schedule.timeout_ms;
  if (Result<void> good = check(job); !good.ok()) co_return Result<Schedule>(std::move(good).error());
  Result<Cron> cron = Cron::parse(schedule.cron);
  if (!cron.ok()) co_return Result<Schedule>(std::move(cron).error());
  Result<std::shared_ptr<const TimeZone>> zone = zones_->find(schedule.timezone);
  if (!zone.ok()) co_return Result<Schedule>(std::move(zone).error());
  const Millis now = now_ms(caller.loop->clock());
  const std::optional<UnixSeconds> next = cron->next(now >= 0 ? now / 1000 : 0, **zone);
  if (!next) {
    co_return Result<Schedule>(invalid_argument("cron expression '" + schedule.cron + "' never fires")
                                   .with_detail("invalid_cron")
                                   .with_operation("tasks.schedule"));
  }
  schedule.next_at = *next * 1000;
  Task<Result<Schedule>> call = backend_->put_schedule(*caller.loop, std::move(schedule));
  Result<Schedule> done = co_await std::move(call);
  co_return done;
}

Task<Result<bool>> Client::unschedule(net::Caller caller, std::string name) {
  return backend_->remove_schedule(*caller.loop, std::move(name));
}

Task<Result<std::vector<Schedule>>> Client::schedules(net::Caller caller) { return backend_->schedules(*caller.loop); }

std::shared_ptr<Worker> Client::start_worker(WorkerOptions options, worker_loop::WorkSink& sink, net::Loop& loop) {
  options.poll = options_.poll;
  return Worker::start(backend_, options, sink, loop, options_.tracer);
}

WorkerParts Client::worker_parts(WorkerOptions options, worker_loop::WorkSink& sink, net::Loop& loop) {
  options.poll = options_.poll;
  return make_worker_parts(backend_, std::move(options), sink, loop, options_.tracer);
}

std::shared_ptr<Scheduler> Client::start_scheduler(SchedulerOptions options, net::Loop& loop) {
  return Scheduler::start(backend_, std::move(options), zones_, loop);
}

}  // namespace spikard::tasks
