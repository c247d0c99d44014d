// The ops of `tasks` (fixtures/README.md section 5) on the C++ client.
#include "tasks/client.hpp"

#include <algorithm>
#include <random>

#include "base/json.hpp"
#include "base/tz.hpp"
#include "mysql_database.hpp"
#include "postgres_schema.hpp"
#include "store/sqlite/databases.hpp"
#include "tasks/job_json.hpp"
#include "tasks/memory/hub.hpp"
#include "toolbox/toolbox.hpp"
#include "worker_loop/task_sink.hpp"

namespace spikard::e2e {
namespace {

constexpr const char* redis_variable = "SPIKARD_TEST_REDIS_URL";

/// What one started worker has run; its handlers may outlive it.
struct Played {
  explicit Played(Value script_of) : script(script_of) {}
  struct Run {
    std::string task;
    std::int64_t attempt = 0;
    std::string outcome;
  };
  Script script;
  std::vector<Run> runs;
  std::size_t running = 0;
  std::size_t most = 0;
  std::int64_t cancellations = 0;
  bool dead = false;
  std::unique_ptr<worker_loop::TaskSink> sink;
  std::shared_ptr<tasks::Worker> worker;
};

struct Shutdown {
  std::size_t left = 0;
  std::uint64_t unfinished = 0;
};

Task<worker_loop::Outcome> handle(net::Loop& loop, std::shared_ptr<Played> played,
                                  std::shared_ptr<const worker_loop::WorkItem> item) {
  using worker_loop::Outcome;
  const tasks::Job& job = tasks::job_of(*item);
  Script::Entry entry = played->script.next(job.task);
  const Script::Entry::Kind kind = entry.kind;
  played->most = std::max(played->most, ++played->running);
  Result<Outcome> outcome = co_await act(loop, std::move(entry));
  --played->running;
  const auto ended = [&](const char* how) { played->runs.push_back({job.task, job.attempt, how}); };
  if (!outcome.ok()) {
    const CancelToken token = co_await current_token();
    if (!played->dead) ++played->cancellations;
    if (token.reason() == CancelReason::deadline) ended("timeout");
    co_return Outcome::error("cancelled");
  }
  if (kind == Script::Entry::Kind::fatal) ended("fatal");
  else if (outcome->kind == Outcome::Kind::ack) ended("done");
  else if (outcome->kind == Outcome::Kind::error) ended("error");
  co_return std::move(*outcome);
}

/// What stores need; outlives them.
struct Stores {
  explicit Stores(Stage& stage) : files(stage.pool()) {}
  store::sqlite::Databases files;
  std::optional<contract::PostgresSchema> schema;
  store::postgres::Databases servers;
  std::optional<contract::MysqlDatabase> mysql_database;
  store::mysql::Databases mysql_servers;
  tasks::Hubs hubs;
};

class TasksClient final : public ToolboxClient {
 public:
  TasksClient(Stage& stage, std::unique_ptr<Stores> stores, std::shared_ptr<tasks::Client> client)
      : stage_(stage), stores_(std::move(stores)), client_(std::move(client)) {}

  Task<Result<Document>> run(std::string op, Document given) override {
    const Value args = given.root();
    Task<Result<Document>> task;
    if (op == "enqueue" || op == "job" || op == "cancel" || op == "retry_job") task = of_jobs(op, args);
    else if (op == "pending_count" || op == "expect_scheduled" || op == "schedule") task = of_queues(op, args);
    else if (op == "start_scheduler" || op == "stop_scheduler") task = of_schedulers(op, args);
    else if (op == "shutdown_wait") task = shutdown_wait(args);
    else co_return now(op, args);
    Result<Document> done = co_await std::move(task);
    co_return done;
  }

  Task<Result<Document>> close() override {
    for (auto& [name, played] : workers_) {
      if (played->worker == nullptr) continue;
      played->dead = true;
      played->worker->kill([played] { played->sink.reset(); });
      played->worker.reset();
    }
    for (auto& [name, scheduler] : schedulers_) {
      if (scheduler == nullptr) continue;
      Task<void> stopped = scheduler->stopped();
      co_await std::move(stopped);
    }
    Result<void> slept = co_await net::sleep(stage_.loop(), std::chrono::milliseconds(1));
    (void)slept;
    schedulers_.clear();
    workers_.clear();
    client_->close();
    client_.reset();
    stores_->files.close();
    co_return nothing();
  }

 private:
  [[nodiscard]] net::Caller caller() { return net::Caller(stage_.loop()); }

  static tasks::JobId id_of(Value args) {
    const Value id = args.find("id");
    if (id.is(NodeType::integer)) return id.as_int();
    return tasks::id_from_text(text_or(args, "id")).value_or(-1);
  }

  Task<Result<Document>> of_jobs(std::string op, Value args) {
    if (op == "enqueue") {
      only(args,
           {"queue", "task", "args", "delay_ms", "run_at", "priority", "max_attempts", "backoff", "timeout_ms", "unique_key"},
           op);
      Result<tasks::NewJob> job = tasks::new_job_from_nodes(args, {});
      if (!job.ok()) co_return Result<Document>(job.error());
      Task<Result<tasks::Enqueued>> call = client_->enqueue(caller(), std::move(*job));
      Result<tasks::Enqueued> done = co_await std::move(call);
      if (!done.ok()) co_return Result<Document>(done.error());
      NodeBuilder out;
      tasks::put(out, *done);
      co_return Document(std::move(out));
    }
    only(args, {"id"}, op);
    if (op == "job") {
      Task<Result<tasks::Job>> call = client_->job(caller(), id_of(args));
      Result<tasks::Job> job = co_await std::move(call);
      if (!job.ok()) co_return Result<Document>(job.error());
      NodeBuilder out;
      tasks::put(out, *job);
      co_return Document(std::move(out));
    }
    Task<Result<bool>> call;
    if (op == "cancel") call = client_->cancel(caller(), id_of(args));
    else call = client_->retry(caller(), id_of(args));
    Result<bool> done = co_await std::move(call);
    if (!done.ok()) co_return Result<Document>(done.error());
    co_return of(*done);
  }

  Task<Result<Document>> of_queues(std::string op, Value args) {
    if (op == "pending_count") {
      only(args, {"queue"}, op);
      Task<Result<std::uint64_t>> call = client_->pending_count(caller(), std::string(text_or(args, "queue", "default")));
      Result<std::uint64_t> count = co_await std::move(call);
      if (!count.ok()) co_return Result<Document>(count.error());
      co_return of(static_cast<std::int64_t>(*count));
    }
    if (op == "expect_scheduled") {
      only(args, {"name"}, op);
      NodeBuilder out;
      out.begin_array();
      tasks::JobFilter filter;
      filter.schedule = std::string(text_or(args, "name"));
      filter.limit = 1000;
      for (bool more = true; more;) {
        Task<Result<std::vector<tasks::Job>>> call = client_->list(caller(), filter);
        Result<std::vector<tasks::Job>> jobs = co_await std::move(call);
        if (!jobs.ok()) co_return Result<Document>(jobs.error());
        for (const tasks::Job& job : *jobs) out.string(format_rfc3339_ms(job.scheduled_at));
        more = jobs->size() == filter.limit;
        if (more) filter.after = jobs->back().id;
      }
      out.end();
      co_return Document(std::move(out));
    }
    only(args, {"name", "cron", "timezone", "queue", "task", "misfire", "overlap", "instance"}, op);
    tasks::Schedule schedule;
    schedule.name = text_or(args, "name");
    schedule.cron = text_or(args, "cron");
    schedule.timezone = text_or(args, "timezone", "UTC");
    schedule.queue = text_or(args, "queue", "default");
    schedule.task = text_or(args, "task");
    const auto misfire = tasks::misfire_from(text_or(args, "misfire", "once"));
    const auto overlap = tasks::overlap_from(text_or(args, "overlap", "allow"));
    if (!misfire || !overlap) throw NotBuilt("misfire or overlap");
    schedule.misfire = *misfire;
    schedule.overlap = *overlap;
    Task<Result<tasks::Schedule>> call = client_->schedule(caller(), std::move(schedule));
    Result<tasks::Schedule> done = co_await std::move(call);
    if (!done.ok()) co_return Result<Document>(done.error());
    const std::string instance = instance_of(args);
    if (!schedulers_.contains(instance)) {
      schedulers_.emplace(instance, nullptr);
      if (!stopped_) start_scheduler(instance);
    }
    co_return nothing();
  }

  static std::string instance_of(Value args) {
    const Value instance = args.find("instance");
    if (!instance || instance.is_null()) return "default";
    return instance.is_string() ? std::string(instance.text()) : json::to_string(instance);
  }
  void start_scheduler(const std::string& instance) {
    std::shared_ptr<tasks::Scheduler>& scheduler = schedulers_[instance];
    if (scheduler != nullptr) return;
    tasks::SchedulerOptions options;
    options.name = instance;
    scheduler = client_->start_scheduler(std::move(options), stage_.loop());
  }

  /// All of them, or the instance that is named.
  Task<Result<Document>> of_schedulers(std::string op, Value args) {
    only(args, {"instance"}, op);
    const bool starts = op == "start_scheduler";
    const bool one = args.find("instance").exists();
    if (!one) stopped_ = !starts;
    if (one || schedulers_.empty()) schedulers_.emplace(instance_of(args), nullptr);
    for (auto& [name, scheduler] : schedulers_) {
      if (one && name != instance_of(args)) continue;
      if (starts) {
        start_scheduler(name);
      } else if (scheduler != nullptr) {
        Task<void> stopped = scheduler->stopped();
        co_await std::move(stopped);
        scheduler.reset();
      }
    }
    co_return nothing();
  }

  Task<Result<Document>> shutdown_wait(Value args) {
    only(args, {}, "shutdown_wait");
    while (shutdown_ != nullptr && shutdown_->left > 0) {
      Result<void> slept = co_await net::sleep(stage_.loop(), std::chrono::milliseconds(1));
      if (!slept.ok()) co_return Result<Document>(slept.error());
    }
    NodeBuilder out;
    out.begin_object();
    out.key("drained");
    out.boolean(shutdown_ == nullptr || shutdown_->unfinished == 0);
    out.key("unfinished");
    out.uinteger(shutdown_ == nullptr ? 0 : shutdown_->unfinished);
    out.end();
    co_return Document(std::move(out));
  }

  Result<Document> now(const std::string& op, Value args) {
    if (op == "start_worker") return start_worker(args);
    if (op == "kill_worker") {
      only(args, {"worker"}, op);
      const std::shared_ptr<Played>& played = find(args);
      played->dead = true;
      played->worker->kill();
      played->worker.reset();
      return nothing();
    }
    if (op == "expect_runs") {
      only(args, {"worker"}, op);
      NodeBuilder out;
      out.begin_array();
      for (const Played::Run& run : find(args)->runs) {
        out.begin_object();
        out.key("task");
        out.string(run.task);
        out.key("attempt");
        out.integer(run.attempt);
        out.key("outcome");
        out.string(run.outcome);
        out.end();
      }
      out.end();
      return Document(std::move(out));
    }
    if (op == "expect_run_count") {
      only(args, {"worker"}, op);
      return of(static_cast<std::int64_t>(find(args)->runs.size()));
    }
    if (op == "max_in_flight") {
      only(args, {"worker"}, op);
      return of(static_cast<std::int64_t>(find(args)->most));
    }
    if (op == "cancellations_seen") {
      only(args, {"worker"}, op);
      return of(find(args)->cancellations);
    }
    if (op == "shutdown_begin") {
      only(args, {"drain_timeout_ms"}, op);
      shutdown_ = std::make_shared<Shutdown>();
      const Duration limit = ms_of(args, "drain_timeout_ms").value_or(std::chrono::seconds(20));
      for (auto& [name, played] : workers_) {
        if (played->worker == nullptr) continue;
        ++shutdown_->left;
        const std::shared_ptr<tasks::Worker> worker = std::move(played->worker);
        played->worker.reset();
        spawn(worker->stop(limit),
              [shutdown = shutdown_, worker](const std::exception_ptr&, std::optional<tasks::Worker::Drained> how) {
                --shutdown->left;
                if (how) shutdown->unfinished += how->unfinished;
              });
      }
      return nothing();
    }
    throw NotBuilt(op);
  }

  [[nodiscard]] const std::shared_ptr<Played>& find(Value args) const {
    const std::string_view name = text_or(args, "worker");
    const auto at = workers_.find(name);
    if (at == workers_.end()) throw std::runtime_error("no worker " + std::string(name));
    return at->second;
  }

  Result<Document> start_worker(Value args) {
    only(args, {"name", "queue", "handler", "max_concurrency", "lease_ms"}, "start_worker");
    auto played = std::make_shared<Played>(args.find("handler"));
    tasks::WorkerOptions options(std::string(text_or(args, "name")), std::string(text_or(args, "queue", "default")));
    options.concurrency = static_cast<std::uint32_t>(int_or(args, "max_concurrency", options.concurrency));
    options.lease_ms = int_or(args, "lease_ms", options.lease_ms);
    if (const Value known = args.find("handler").find("known")) {
      options.known.emplace();
      for (const Value one : known.elements()) options.known->emplace_back(one.text());
    }
    net::Loop& loop = stage_.loop();
    const std::vector<net::Loop*> loops{&loop};
    played->sink = std::make_unique<worker_loop::TaskSink>(
        loops, [&loop, weak = std::weak_ptr<Played>(played)](std::shared_ptr<const worker_loop::WorkItem> item) {
          return handle(loop, weak.lock(), std::move(item));
        });
    played->worker = client_->start_worker(std::move(options), *played->sink, loop);
    workers_[std::string(text_or(args, "name"))] = std::move(played);
    return nothing();
  }

  Stage& stage_;
  std::unique_ptr<Stores> stores_;
  std::shared_ptr<tasks::Client> client_;
  std::map<std::string, std::shared_ptr<Played>, std::less<>> workers_;
  std::map<std::string, std::shared_ptr<tasks::Scheduler>> schedulers_;
  std::shared_ptr<Shutdown> shutdown_;
  bool stopped_ = false;
};

Task<Result<std::shared_ptr<ToolboxClient>>> open_tasks(Stage& stage, Document config) {
  using Opened = Result<std::shared_ptr<ToolboxClient>>;
  only(config.root(), {"backend", "clock"}, "tasks");
  const std::string_view backend = text_or(config.root(), "backend", "memory");
  tasks::ClientOptions options;
  // Cases look at jobs after days of their clock.
  options.store.retention_ms = options.store.failed_retention_ms = 100LL * 366 * 86'400'000;
  options.tracer = stage.tracer();
  tasks::Environment environment;
  auto stores = std::make_unique<Stores>(stage);
  environment.databases = &stores->files;
  environment.postgres = &stores->servers;
  environment.mysql = &stores->mysql_servers;
  environment.hubs = &stores->hubs;
  if (backend == "postgres") {
    options.store.url = stores->schema.emplace().url();
  } else if (backend == "mysql") {
    options.store.url = stores->mysql_database.emplace().url();
  } else if (backend == "sqlite") {
    options.store.url = "sqlite:" + stage.folder() + "/tasks.db";
  } else if (const char* server = std::getenv(redis_variable); server != nullptr && backend == "redis") {
    // Empty at first: a prefix of its own.
    options.store.url = std::string(server) + "?prefix=e2e:" + std::to_string(std::random_device()());
  } else if (backend != "memory") {
    throw NotBuilt("tasks on " + std::string(backend));
  }
  Result<std::shared_ptr<tasks::Client>> client = tasks::Client::open(std::move(options), environment);
  if (!client.ok()) co_return Opened(client.error());
  co_return Opened(std::make_shared<TasksClient>(stage, std::move(stores), std::move(client).value()));
}

}  // namespace

Subsystem tasks_subsystem() {
  std::vector<std::string> backends{"memory", "sqlite"};
  if (std::getenv("SPIKARD_TEST_POSTGRES_URL") != nullptr) backends.emplace_back("postgres");
  if (std::getenv("SPIKARD_TEST_MYSQL_URL") != nullptr) backends.emplace_back("mysql");
  if (std::getenv(redis_variable) != nullptr) backends.emplace_back("redis");
  return {"tasks", std::move(backends), open_tasks};
}

}  // namespace spikard::e2e
