#include "tasks/operations.hpp"

#include <utility>
#include <vector>

#include "tasks/job_json.hpp"

namespace spikard::tasks {
namespace {

constexpr std::int64_t long_ms = 253'402'300'799'999;

template <class Fill>
Document object(Fill&& fill) {
  NodeBuilder out;
  out.begin_object();
  fill(out);
  out.end();
  return Document(std::move(out));
}
Document empty_object() {
  return object([](NodeBuilder&) {});
}

Result<std::vector<NewJob>> jobs_of(Members& in) {
  std::vector<NewJob> jobs;
  const Value list = in.any("jobs");
  if (!list.is_array()) {
    in.wrong("jobs", "an array of objects is expected");
    return jobs;
  }
  if (list.size() > Client::max_jobs) {
    in.wrong("jobs", "10000 at most are expected");
    return jobs;
  }
  jobs.reserve(list.size());
  std::size_t index = 0;
  for (const Value one : list.elements()) {
    Result<NewJob> job = new_job_from_nodes(one, "jobs[" + std::to_string(index++) + "].");
    if (!job.ok()) return std::move(job).error();
    jobs.push_back(std::move(*job));
  }
  return jobs;
}

void put_jobs(NodeBuilder& out, const std::vector<Enqueued>& jobs) {
  out.key("jobs");
  out.begin_array();
  for (const Enqueued& one : jobs) put(out, one);
  out.end();
}

Error in_operation(Error error, Operation operation) {
  return error.operation().empty() ? std::move(error).with_operation(std::string(name_of(operation))) : std::move(error);
}

}  // namespace

/// Of one client; touched from the loops of the calls, under the mutex.
struct Operations::Running {
  struct OneWorker {
    std::unique_ptr<worker_loop::WorkSink> sink;
    std::shared_ptr<Worker> worker;
    net::Loop* loop = nullptr;
  };
  std::mutex mutex;
  std::map<std::string, OneWorker> workers;
  std::map<std::string, std::shared_ptr<Scheduler>> schedulers;

  OneWorker take(const std::string& name) {
    const std::lock_guard lock(mutex);
    const auto at = workers.find(name);
    if (at == workers.end()) return {};
    OneWorker out = std::move(at->second);
    workers.erase(at);
    return out;
  }
};

Operations::Operations(std::shared_ptr<Client> client, SinkFactory sinks, FindTransaction transactions, std::string target)
    : client_(std::move(client)),
      sinks_(std::move(sinks)),
      transactions_(std::move(transactions)),
      target_(std::move(target)),
      running_(std::make_shared<Running>()) {}

Operations::~Operations() = default;

Result<Document> cron_next(TimeZones& zones, Value args, std::optional<Millis> now) {
  Members in(args);
  const std::string expr = in.text("expr");
  const std::string timezone = in.text("timezone", "UTC");
  const bool given = in.any("after").exists();
  const Value after_value = in.any("after");
  // Cron works in whole seconds: what is strictly after an instant is strictly after its second.
  Millis after = 0;
  if (after_value.is(NodeType::integer)) after = after_value.as_int();
  else if (after_value.is_string() && parse_rfc3339_ms(after_value.text())) after = *parse_rfc3339_ms(after_value.text());
  else if (given) in.wrong("after", "an instant is expected: RFC 3339 text or ms since the epoch");
  if (after < -62'135'596'800'000 || after > long_ms) in.wrong("after", "an instant of the years 1 to 9999 is expected");
  const auto count = static_cast<std::size_t>(in.integer("count", 1, 1, 10'000));
  if (Result<void> good = in.finish(); !good.ok()) return in_operation(std::move(good).error(), Operation::cron_next);
  if (!given) after = now.value_or(0);
  Result<Cron> cron = Cron::parse(expr);
  if (!cron.ok()) return std::move(cron).error();
  Result<std::shared_ptr<const TimeZone>> zone = zones.find(timezone);
  if (!zone.ok()) return std::move(zone).error();
  const UnixSeconds second = after / 1000 - (after % 1000 < 0 ? 1 : 0);
  return object([&](NodeBuilder& out) {
    out.key("times");
    out.begin_array();
    for (const UnixSeconds at : cron->next(second, **zone, count)) out.string(format_rfc3339_ms(at * 1000));
    out.end();
  });
}

std::optional<Result<Document>> Operations::call_now(Operation operation, Value args) {
  if (operation == Operation::cron_next && args.is_object() && args.find("after").exists() && !args.find("after").is_null())
    return tasks::cron_next(*client_->zones(), args, std::nullopt);
  return std::nullopt;
}

Task<Result<Document>> Operations::call(net::Caller caller, Operation operation, Document args, net::OperationStream* stream) {
  (void)stream;
  Task<Result<Document>> task;
  switch (operation) {
    case Operation::tasks_enqueue:
    case Operation::tasks_enqueue_many:
    case Operation::tasks_enqueue_batch: task = enqueue(caller, operation, std::move(args)); break;
    case Operation::tasks_batch:
    case Operation::tasks_job:
    case Operation::tasks_list:
    case Operation::tasks_cancel:
    case Operation::tasks_retry:
    case Operation::tasks_progress:
    case Operation::tasks_heartbeat:
    case Operation::tasks_wait: task = jobs(caller, operation, std::move(args)); break;
    case Operation::tasks_queues:
    case Operation::tasks_pending_count:
    case Operation::tasks_pause:
    case Operation::tasks_resume:
    case Operation::tasks_set_rate_limit: task = queues(caller, operation, std::move(args)); break;
    case Operation::tasks_start_worker:
    case Operation::tasks_stop_worker:
    case Operation::tasks_kill_worker: task = workers(caller, operation, std::move(args)); break;
    case Operation::tasks_schedule:
    case Operation::tasks_unschedule:
    case Operation::tasks_schedules:
    case Operation::tasks_start_scheduler:
    case Operation::tasks_stop_scheduler: task = schedules(caller, operation, std::move(args)); break;
    case Operation::cron_next: co_return tasks::cron_next(*client_->zones(), args.root(), now_ms(caller.loop->clock()));
    default:
      co_return Result<Document>(
          Error(ErrorKind::unsupported, "not an operation of tasks").with_operation(std::string(name_of(operation))));
  }
  Result<Document> result = co_await std::move(task);
  if (!result.ok()) co_return Result<Document>(in_operation(std::move(result).error(), operation));
  co_return result;
}

Task<Result<Document>> Operations::enqueue(net::Caller caller, Operation operation, Document args) {
  if (operation == Operation::tasks_enqueue) {
    std::uint64_t number = 0;
    Result<NewJob> job = new_job_from_nodes(args.root(), {}, false, &number);
    if (!job.ok()) co_return Result<Document>(std::move(job).error());
    if (number != 0) {
      if (!transactions_) co_return Result<Document>(Error(ErrorKind::unsupported, "transaction: there is no db here"));
      Result<std::shared_ptr<store::Transaction>> found = transactions_(number);
      if (!found.ok()) co_return Result<Document>(std::move(found).error());
      const std::shared_ptr<store::Transaction> transaction = std::move(*found);
      std::vector<NewJob> jobs;
      jobs.push_back(std::move(*job));
      Task<Result<EnqueueResult>> in_transaction = client_->enqueue_in(caller, *transaction, std::move(jobs), target_);
      Result<EnqueueResult> enqueued = co_await std::move(in_transaction);
      if (!enqueued.ok()) co_return Result<Document>(std::move(enqueued).error());
      NodeBuilder out;
      put(out, enqueued->jobs.front());
      co_return Document(std::move(out));
    }
    Task<Result<Enqueued>> call = client_->enqueue(caller, std::move(*job));
    Result<Enqueued> done = co_await std::move(call);
    if (!done.ok()) co_return Result<Document>(std::move(done).error());
    NodeBuilder out;
    put(out, *done);
    co_return Document(std::move(out));
  }
  Members in(args.root());
  Result<std::vector<NewJob>> jobs = jobs_of(in);
  std::optional<NewJob> callback;
  if (operation == Operation::tasks_enqueue_batch) {
    if (const Value given = in.any("callback"); given.exists()) {
      Result<NewJob> job = new_job_from_nodes(given, "callback.");
      if (!job.ok()) co_return Result<Document>(std::move(job).error());
      callback = std::move(*job);
    }
  }
  if (!jobs.ok()) co_return Result<Document>(std::move(jobs).error());
  if (Result<void> good = in.finish(); !good.ok()) co_return Result<Document>(std::move(good).error());
  if (operation == Operation::tasks_enqueue_many) {
    Task<Result<std::vector<Enqueued>>> call = client_->enqueue_many(caller, std::move(*jobs));
    Result<std::vector<Enqueued>> done = co_await std::move(call);
    if (!done.ok()) co_return Result<Document>(std::move(done).error());
    co_return object([&](NodeBuilder& out) { put_jobs(out, *done); });
  }
  Task<Result<EnqueueResult>> call = client_->enqueue_batch(caller, std::move(*jobs), std::move(callback));
  Result<EnqueueResult> done = co_await std::move(call);
  if (!done.ok()) co_return Result<Document>(std::move(done).error());
  co_return object([&](NodeBuilder& out) {
    out.key("batch");
    out.string(id_to_text(done->batch));
    put_jobs(out, done->jobs);
    out.key("callback");
    if (done->callback == 0) out.null();
    else out.string(id_to_text(done->callback));
  });
}

Task<Result<Document>> Operations::jobs(net::Caller caller, Operation operation, Document args) {
  Members in(args.root());
  if (operation == Operation::tasks_list) {
    JobFilter filter;
    filter.queue = in.text("queue");
    const std::string state = in.text("state");
    if (!state.empty() && !(filter.state = job_state_from(state))) in.wrong("state", "a state of a job is expected");
    filter.task = in.text("task");
    filter.schedule = in.text("schedule");
    filter.batch = in.id("batch");
    filter.after = std::max<JobId>(in.id("after"), 0);
    filter.limit = static_cast<std::uint32_t>(in.integer("limit", 100, 1, 1000));
    if (Result<void> good = in.finish(); !good.ok()) co_return Result<Document>(std::move(good).error());
    Task<Result<std::vector<Job>>> call = client_->list(caller, std::move(filter));
    Result<std::vector<Job>> found = co_await std::move(call);
    if (!found.ok()) co_return Result<Document>(std::move(found).error());
    co_return object([&](NodeBuilder& out) {
      out.key("jobs");
      out.begin_array();
      for (const Job& one : *found) put(out, one);
      out.end();
    });
  }
  const JobId id = in.id("id");
  if (id == 0) in.wrong("id", "an id is expected");
  if (operation == Operation::tasks_job || operation == Operation::tasks_wait) {
    const bool waits = operation == Operation::tasks_wait;
    const std::int64_t limit = waits ? in.integer("timeout_ms", 30'000, 0, long_ms) : 0;
    if (Result<void> good = in.finish(); !good.ok()) co_return Result<Document>(std::move(good).error());
    Task<Result<Job>> call;
    if (waits) call = client_->wait(caller, id, std::chrono::milliseconds(std::min<std::int64_t>(limit, 86'400'000LL * 365)));
    else call = client_->job(caller, id);
    Result<Job> found = co_await std::move(call);
    if (!found.ok()) co_return Result<Document>(std::move(found).error());
    NodeBuilder out;
    if (waits) {
      out.begin_object();
      out.key("job");
    }
    put(out, *found);
    if (waits) out.end();
    co_return Document(std::move(out));
  }
  if (operation == Operation::tasks_batch) {
    if (Result<void> good = in.finish(); !good.ok()) co_return Result<Document>(std::move(good).error());
    Task<Result<Batch>> call = client_->batch(caller, id);
    Result<Batch> found = co_await std::move(call);
    if (!found.ok()) co_return Result<Document>(std::move(found).error());
    co_return object([&](NodeBuilder& out) {
      out.key("id"), out.string(id_to_text(found->id));
      out.key("total"), out.uinteger(found->total);
      out.key("pending"), out.uinteger(found->pending());
      out.key("completed"), out.uinteger(found->completed);
      out.key("cancelled"), out.uinteger(found->cancelled);
      out.key("discarded"), out.uinteger(found->discarded);
      out.key("done"), out.boolean(found->pending() == 0);
      out.key("callback");
      if (found->callback == 0) out.null();
      else out.string(id_to_text(found->callback));
    });
  }
  if (operation == Operation::tasks_cancel || operation == Operation::tasks_retry) {
    const bool cancels = operation == Operation::tasks_cancel;
    std::string reason = cancels ? in.text("reason", "", 0, 4096) : std::string();
    if (Result<void> good = in.finish(); !good.ok()) co_return Result<Document>(std::move(good).error());
    Task<Result<bool>> call;
    if (cancels) call = client_->cancel(caller, id, std::move(reason));
    else call = client_->retry(caller, id);
    Result<bool> done = co_await std::move(call);
    if (!done.ok()) co_return Result<Document>(std::move(done).error());
    co_return object([&](NodeBuilder& out) {
      out.key(cancels ? "cancelled" : "retried");
      out.boolean(*done);
    });
  }
  Run run;
  run.id = id;
  run.lease = static_cast<std::uint64_t>(in.integer("lease", 0, 0, INT64_MAX));
  if (operation == Operation::tasks_progress) {
    std::string progress = in.json("progress");
    if (Result<void> good = in.finish(); !good.ok()) co_return Result<Document>(std::move(good).error());
    Task<Result<void>> call = client_->progress(caller, run, std::move(progress));
    Result<void> done = co_await std::move(call);
    if (!done.ok()) co_return Result<Document>(std::move(done).error());
    co_return empty_object();
  }
  const Millis lease_ms = in.integer("lease_ms", 10'000, 1, 86'400'000);
  if (Result<void> good = in.finish(); !good.ok()) co_return Result<Document>(std::move(good).error());
  Task<Result<bool>> call = client_->heartbeat(caller, run, lease_ms);
  Result<bool> held = co_await std::move(call);
  if (!held.ok()) co_return Result<Document>(std::move(held).error());
  co_return object([&](NodeBuilder& out) {
    out.key("held");
    out.boolean(*held);
  });
}

Task<Result<Document>> Operations::queues(net::Caller caller, Operation operation, Document args) {
  Members in(args.root());
  if (operation == Operation::tasks_queues) {
    if (Result<void> good = in.finish(); !good.ok()) co_return Result<Document>(std::move(good).error());
    Task<Result<std::vector<QueueStats>>> call = client_->queues(caller);
    Result<std::vector<QueueStats>> all = co_await std::move(call);
    if (!all.ok()) co_return Result<Document>(std::move(all).error());
    co_return object([&](NodeBuilder& out) {
      out.key("queues");
      out.begin_array();
      for (const QueueStats& one : *all) put(out, one);
      out.end();
    });
  }
  std::string queue = in.text("queue", "default", 1, 255);
  if (operation == Operation::tasks_pending_count) {
    if (Result<void> good = in.finish(); !good.ok()) co_return Result<Document>(std::move(good).error());
    Task<Result<std::uint64_t>> call = client_->pending_count(caller, std::move(queue));
    Result<std::uint64_t> count = co_await std::move(call);
    if (!count.ok()) co_return Result<Document>(std::move(count).error());
    co_return object([&](NodeBuilder& out) {
      out.key("count");
      out.uinteger(*count);
    });
  }
  Task<Result<void>> call;
  if (operation == Operation::tasks_set_rate_limit) {
    RateLimit limit;
    limit.count = static_cast<std::uint32_t>(in.integer("count", 0, 0, UINT32_MAX));
    limit.period_ms = in.integer("period_ms", 1000, 1, 86'400'000LL * 366);
    limit.burst = static_cast<std::uint32_t>(in.integer("burst", 0, 0, UINT32_MAX));
    if (Result<void> good = in.finish(); !good.ok()) co_return Result<Document>(std::move(good).error());
    call = client_->set_rate_limit(caller, std::move(queue), limit);
  } else {
    if (Result<void> good = in.finish(); !good.ok()) co_return Result<Document>(std::move(good).error());
    call = client_->pause(caller, std::move(queue), operation == Operation::tasks_pause);
  }
  Result<void> done = co_await std::move(call);
  if (!done.ok()) co_return Result<Document>(std::move(done).error());
  co_return empty_object();
}

Task<Result<Document>> Operations::workers(net::Caller caller, Operation operation, Document args) {
  Members in(args.root());
  const std::string name = in.text("name", "", 1, 128);
  const std::shared_ptr<Running> running = running_;
  if (operation == Operation::tasks_start_worker) {
    WorkerOptions options(name, in.text("queue", "default", 1, 255));
    options.concurrency = static_cast<std::uint32_t>(in.integer("concurrency", 16, 1, 65'536));
    options.lease_ms = in.integer("lease_ms", 10'000, 100, 86'400'000);
    options.timeout_ms = in.integer("timeout_ms", 0, 0, long_ms);
    if (in.any("tasks").exists()) options.known = in.texts("tasks");
    const auto user = static_cast<std::uint64_t>(in.integer("user", 0, 0, INT64_MAX));
    if (Result<void> good = in.finish(); !good.ok()) co_return Result<Document>(std::move(good).error());
    if (!sinks_) co_return Result<Document>(Error(ErrorKind::unsupported, "workers are not started here"));
    const std::lock_guard lock(running->mutex);
    if (running->workers.contains(name))
      co_return Result<Document>(Error(ErrorKind::already_exists, "a worker of the name " + name + " runs"));
    Result<std::unique_ptr<worker_loop::WorkSink>> sink = sinks_(options, user, *caller.loop);
    if (!sink.ok()) co_return Result<Document>(std::move(sink).error());
    Running::OneWorker one;
    one.sink = std::move(*sink);
    one.loop = caller.loop;
    one.worker = client_->start_worker(std::move(options), *one.sink, *caller.loop);
    running->workers.emplace(name, std::move(one));
    co_return empty_object();
  }
  const bool stops = operation == Operation::tasks_stop_worker;
  const std::int64_t timeout = stops ? in.integer("timeout_ms", 20'000, 0, 86'400'000) : 0;
  if (Result<void> good = in.finish(); !good.ok()) co_return Result<Document>(std::move(good).error());
  auto one = std::make_shared<Running::OneWorker>(running->take(name));
  if (one->worker == nullptr) co_return Result<Document>(Error(ErrorKind::not_found, "no worker of the name " + name + " runs"));
  if (!stops) {
    one->worker->kill([one] { one->sink.reset(); });
    co_return empty_object();
  }
  Task<Worker::Drained> call = one->worker->stop(std::chrono::milliseconds(timeout));
  const Worker::Drained done = co_await std::move(call);
  co_return object([&](NodeBuilder& out) {
    out.key("drained");
    out.boolean(done.drained);
    out.key("unfinished");
    out.uinteger(done.unfinished);
  });
}

Task<Result<Document>> Operations::schedules(net::Caller caller, Operation operation, Document args) {
  Members in(args.root());
  const std::shared_ptr<Running> running = running_;
  switch (operation) {
    case Operation::tasks_schedule: {
      Schedule schedule;
      schedule.name = in.text("name", "", 1, 128);
      schedule.cron = in.text("cron", "", 1);
      schedule.timezone = in.text("timezone", "UTC", 1);
      schedule.queue = in.text("queue", "default", 1, 255);
      schedule.task = in.text("task", "", 1, 255);
      schedule.args = in.json("args");
      schedule.priority = static_cast<std::int32_t>(in.integer("priority", 0, INT32_MIN, INT32_MAX));
      schedule.max_attempts = static_cast<std::uint32_t>(in.integer("max_attempts", 5, 1, 1'000'000));
      schedule.timeout_ms = in.integer("timeout_ms", 0, 0, long_ms);
      const std::optional<Misfire> misfire = misfire_from(in.text("misfire", "once"));
      const std::optional<Overlap> overlap = overlap_from(in.text("overlap", "allow"));
      if (!misfire) in.wrong("misfire", "skip, once or all is expected");
      if (!overlap) in.wrong("overlap", "allow or forbid is expected");
      if (Result<void> good = in.finish(); !good.ok()) co_return Result<Document>(std::move(good).error());
      schedule.misfire = *misfire;
      schedule.overlap = *overlap;
      Task<Result<Schedule>> call = client_->schedule(caller, std::move(schedule));
      Result<Schedule> done = co_await std::move(call);
      if (!done.ok()) co_return Result<Document>(std::move(done).error());
      co_return object([&](NodeBuilder& out) {
        out.key("next");
        if (done->next_at == 0) out.null();
        else out.integer(done->next_at);
      });
    }
    case Operation::tasks_unschedule: {
      std::string name = in.text("name", "", 1, 128);
      if (Result<void> good = in.finish(); !good.ok()) co_return Result<Document>(std::move(good).error());
      Task<Result<bool>> call = client_->unschedule(caller, std::move(name));
      Result<bool> done = co_await std::move(call);
      if (!done.ok()) co_return Result<Document>(std::move(done).error());
      co_return object([&](NodeBuilder& out) {
        out.key("removed");
        out.boolean(*done);
      });
    }
    case Operation::tasks_schedules: {
      if (Result<void> good = in.finish(); !good.ok()) co_return Result<Document>(std::move(good).error());
      Task<Result<std::vector<Schedule>>> call = client_->schedules(caller);
      Result<std::vector<Schedule>> all = co_await std::move(call);
      if (!all.ok()) co_return Result<Document>(std::move(all).error());
      co_return object([&](NodeBuilder& out) {
        out.key("schedules");
        out.begin_array();
        for (const Schedule& one : *all) put(out, one);
        out.end();
      });
    }
    default: break;
  }
  const std::string name = in.text("name", "default", 1, 128);
  if (Result<void> good = in.finish(); !good.ok()) co_return Result<Document>(std::move(good).error());
  if (operation == Operation::tasks_start_scheduler) {
    const std::lock_guard lock(running->mutex);
    if (running->schedulers.contains(name))
      co_return Result<Document>(Error(ErrorKind::already_exists, "a scheduler of the name " + name + " runs"));
    SchedulerOptions options;
    options.name = name;
    running->schedulers.emplace(name, client_->start_scheduler(std::move(options), *caller.loop));
    co_return empty_object();
  }
  std::shared_ptr<Scheduler> scheduler;
  {
    const std::lock_guard lock(running->mutex);
    const auto at = running->schedulers.find(name);
    if (at != running->schedulers.end()) {
      scheduler = std::move(at->second);
      running->schedulers.erase(at);
    }
  }
  if (scheduler == nullptr) co_return Result<Document>(Error(ErrorKind::not_found, "no scheduler of the name " + name + " runs"));
  Task<void> call = scheduler->stopped();
  co_await std::move(call);
  co_return empty_object();
}

Task<Worker::Drained> Operations::stop_all(Duration timeout) {
  const std::shared_ptr<Running> running = running_;
  std::map<std::string, std::shared_ptr<Scheduler>> schedulers;
  std::vector<std::shared_ptr<Running::OneWorker>> workers;
  {
    const std::lock_guard lock(running->mutex);
    schedulers.swap(running->schedulers);
    for (auto& [name, one] : running->workers) workers.push_back(std::make_shared<Running::OneWorker>(std::move(one)));
    running->workers.clear();
  }
  for (const auto& [name, scheduler] : schedulers) {
    Task<void> call = scheduler->stopped();
    co_await std::move(call);
  }
  for (const auto& one : workers) one->worker->worker_loop().stop_taking([] {});  // all at once
  Worker::Drained out;
  for (const auto& one : workers) {
    const Instant begun = one->loop->now();
    Task<Worker::Drained> call = one->worker->stop(timeout);
    const Worker::Drained done = co_await std::move(call);
    out.drained = out.drained && done.drained;
    out.unfinished += done.unfinished;
    timeout = std::max<Duration>(timeout - (one->loop->now() - begun), Duration::zero());
  }
  co_return out;
}

}  // namespace spikard::tasks
