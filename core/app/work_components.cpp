#include "app/work_components.hpp"

#include <map>

#include "base/json.hpp"

namespace spikard::app {
namespace {

/// Calls `done` once everything given a `done` of its own has called it.
class Join : public std::enable_shared_from_this<Join> {
 public:
  explicit Join(Function<void()> done) : done_(std::move(done)) {}
  [[nodiscard]] Function<void()> one() {
    ++left_;
    return [self = shared_from_this()] { self->arrive(); };
  }
  void arrive() {
    if (--left_ == 0) done_();
  }

 private:
  std::size_t left_ = 1;  // until the last was asked
  Function<void()> done_;
};

Counts counts_of(const worker_loop::WorkerCounts& c) {
  return {.finished = c.acked + c.failed, .handed_back = c.handed_back, .abandoned = c.abandoned, .in_flight = c.in_hand};
}

Error at_index(std::string_view list, std::uint32_t index, const Error& error) {
  return Error(error.kind(), std::string(list) + "[" + std::to_string(index) + "]: " + error.message());
}

}  // namespace

// ---- consumers ---------------------------------------------------------------------------------------------------------

Result<void> ConsumerComponent::start() {
  auto client = clients_.messaging(config_.client);
  if (!client.ok()) return std::move(client).error();
  client_ = std::move(*client);
  auto options = client_->consumer_options(config_, where_);
  if (!options.ok()) return std::move(options).error();
  options_ = std::move(*options);
  return {};
}

void ConsumerComponent::take_up(MakeWorkSink& make_sink) {
  if (stopping_) return set_begun();
  sink_ = make_sink_(make_sink);
  if (sink_ == nullptr) {
    application_.logger().error("consumer not started", {{"consumer", config_.name}, {"error", "nobody handles what it takes"}});
    return set_begun();
  }
  subscribe();
}

void ConsumerComponent::subscribe() {
  net::Loop& loop = application_.service_loop();
  Task<Result<std::shared_ptr<messaging::Consumer>>> task = client_->start_consumer(loop, *options_, sink_);
  spawn(std::move(task), [this](const std::exception_ptr&, std::optional<Result<std::shared_ptr<messaging::Consumer>>> started) {
    if (!started || !started->ok()) {
      const bool later = started && started->error().retry() == RetryClass::temporary && !stopping_;
      application_.logger().error(
          "consumer not started",
          {{"consumer", config_.name}, {"error", started ? started->error().to_string() : "exception"}, {"tried_again", later}});
      if (later) try_again(application_.service_loop(), [this] { subscribe(); });
      return set_begun();
    }
    sink_.reset();
    consumer_ = std::move(**started);
    set_ready();
    if (stopping_) consumer_->stop_taking([] {});
  });
}

void ConsumerComponent::stop_taking(Function<void()> done) {
  stopping_ = true;
  stop_trying();
  if (consumer_ == nullptr) done();
  else consumer_->stop_taking(std::move(done));
}

void ConsumerComponent::finish(Function<void()> idle) {
  if (consumer_ == nullptr) idle();
  else consumer_->finish(std::move(idle));
}

void ConsumerComponent::cancel() {
  stopping_ = true;
  stop_trying();
  if (consumer_ != nullptr) consumer_->cancel();
}

void ConsumerComponent::close(Function<void()> done) {
  stopping_ = true;
  stop_trying();
  if (consumer_ == nullptr) done();
  else consumer_->close(std::move(done));
}

Counts ConsumerComponent::counts() const { return consumer_ == nullptr ? Counts{} : counts_of(consumer_->counts()); }

// ---- workers -----------------------------------------------------------------------------------------------------------

TaskWorkerComponent::~TaskWorkerComponent() {
  if (worker_ != nullptr) worker_->abandon();  // the service thread has ended; after `close` nothing is left of it
}

Result<void> TaskWorkerComponent::start() {
  auto client = clients_.tasks(config().client);
  if (!client.ok()) return at_index("workers", index_, client.error());
  client_ = std::move(*client);
  return {};
}

void TaskWorkerComponent::take_up(MakeWorkSink& make_sink) {
  const services::Worker& worker = config();
  tasks::WorkerOptions options(worker.name, worker.queue);
  options.concurrency = worker.concurrency;
  options.lease_ms = worker.lease_ms;
  options.timeout_ms = worker.timeout_ms.value_or(0);
  if (!worker.tasks.empty()) options.known = worker.tasks;
  sink_ = make_sink({WorkOrigin::Kind::task, index_, 0, worker.name});
  net::Loop& loop = application_.service_loop();
  parts_ = client_->worker_parts(std::move(options), *sink_, loop);
  worker_ = worker_loop::WorkerLoop::create(loop, *parts_.source, *parts_.sink, parts_.options);
  parts_.sink->attach(worker_);
  worker_->start();
  set_ready();
}

void TaskWorkerComponent::stop_taking(Function<void()> done) {
  if (worker_ == nullptr) done();
  else worker_->stop_taking(std::move(done));
}

void TaskWorkerComponent::finish(Function<void()> idle) {
  if (worker_ == nullptr) idle();
  else worker_->finish(std::move(idle));
}

void TaskWorkerComponent::cancel() {
  if (worker_ != nullptr) worker_->cancel();
}

void TaskWorkerComponent::close(Function<void()> done) {
  if (worker_ == nullptr) done();
  else worker_->close(std::move(done));
}

Counts TaskWorkerComponent::counts() const { return worker_ == nullptr ? Counts{} : counts_of(worker_->counts()); }

// ---- schedules ---------------------------------------------------------------------------------------------------------

Result<void> SchedulerComponent::start() {
  std::uint32_t index = 0;
  std::map<std::string, std::size_t> by_client;
  for (const services::Schedule& config : application_.manifest().schedules) {
    const std::uint32_t at = index++;
    auto client = clients_.tasks(config.client);
    if (!client.ok()) return at_index("schedules", at, client.error());
    const auto [place, fresh] = by_client.try_emplace(config.client, stores_.size());
    if (fresh) stores_.push_back({*client, {}, 0, nullptr});
    tasks::Schedule schedule;
    schedule.name = config.name;
    schedule.cron = config.cron;
    schedule.timezone = config.timezone;
    schedule.queue = config.queue;
    schedule.task = config.task.empty() ? config.name : config.task;
    if (!config.args.empty()) schedule.args = json::to_string(config.args.root());
    schedule.priority = config.priority;
    schedule.max_attempts = config.max_attempts;
    schedule.timeout_ms = config.timeout_ms.value_or(0);
    schedule.misfire = static_cast<tasks::Misfire>(config.misfire);
    schedule.overlap = static_cast<tasks::Overlap>(config.overlap);
    schedule.declared = true;
    auto cron = tasks::Cron::parse(schedule.cron);
    if (!cron.ok()) return at_index("schedules", at, cron.error());
    auto zone = (*client)->zones()->find(schedule.timezone);
    if (!zone.ok()) return at_index("schedules", at, zone.error());
    stores_[place->second].schedules.push_back(std::move(schedule));
  }
  return {};
}

void SchedulerComponent::take_up(MakeWorkSink&) {
  if (stopping_) return set_begun();
  begin_declaring();
}

void SchedulerComponent::begin_declaring() {
  spawn(declare(), [alive = alive_, this](const std::exception_ptr&, std::optional<bool> whole) {
    if (!*alive) return;
    if (whole.value_or(true) || stopping_) return set_ready();
    try_again(application_.service_loop(), [this] { begin_declaring(); });
    set_begun();
  });
}

Task<bool> SchedulerComponent::declare() {
  net::Loop& loop = application_.service_loop();
  bool whole = true;
  for (Store& store : stores_) {
    while (store.declared < store.schedules.size()) {
      const tasks::Schedule& schedule = store.schedules[store.declared];
      Task<Result<tasks::Schedule>> call = store.client->schedule(net::Caller(loop), schedule);
      Result<tasks::Schedule> declared = co_await std::move(call);
      if (!declared.ok()) {
        const bool later = declared.error().retry() == RetryClass::temporary;
        application_.logger().error(
            "schedule not declared",
            {{"schedule", schedule.name}, {"error", declared.error().to_string()}, {"tried_again", later}});
        if (later) break;
      }
      ++store.declared;
    }
    whole = whole && store.declared == store.schedules.size();
    if (stopping_) co_return true;
    if (store.scheduler != nullptr || store.declared != store.schedules.size()) continue;
    tasks::SchedulerOptions options;
    options.name = application_.manifest().name;
    for (const tasks::Schedule& schedule : store.schedules) options.declared.push_back(schedule.name);
    store.scheduler = store.client->start_scheduler(std::move(options), loop);
  }
  co_return whole;
}

void SchedulerComponent::stop_taking(Function<void()> done) {
  stopping_ = true;
  stop_trying();
  auto join = std::make_shared<Join>(std::move(done));
  for (Store& store : stores_) {
    if (store.scheduler != nullptr) store.scheduler->stop(join->one());
  }
  join->arrive();
}

Counts SchedulerComponent::counts() const {
  Counts sum;
  for (const Store& store : stores_) {
    if (store.scheduler != nullptr) sum.finished += store.scheduler->fired();
  }
  return sum;
}

// ---- what operations started ---------------------------------------------------------------------------------------------

void OperationsComponent::stop_taking(Function<void()> done) {
  auto join = std::make_shared<Join>(std::move(done));
  for (const auto& operations : clients_.messaging_operations()) operations->consumers().stop_taking(join->one());
  join->arrive();
}

void OperationsComponent::finish(Function<void()> idle) {
  auto join = std::make_shared<Join>(std::move(idle));
  for (const auto& operations : clients_.messaging_operations()) operations->consumers().finish(join->one());
  join->arrive();
}

void OperationsComponent::cancel() {
  for (const auto& operations : clients_.messaging_operations()) operations->consumers().cancel();
}

void OperationsComponent::close(Function<void()> done) {
  auto join = std::make_shared<Join>(std::move(done));
  for (const auto& operations : clients_.db_operations()) operations->close();
  for (const auto& operations : clients_.messaging_operations()) operations->consumers().close(join->one());
  for (const auto& operations : clients_.tasks_operations()) {
    spawn(operations->stop_all(Duration::zero()),
          [operations, one = join->one()](const std::exception_ptr&, auto) mutable { one(); });
  }
  join->arrive();
}

Counts OperationsComponent::counts() const {
  Counts sum;
  for (const auto& operations : clients_.messaging_operations()) {
    const Counts c = counts_of(operations->consumers().counts());
    sum.finished += c.finished;
    sum.handed_back += c.handed_back;
    sum.abandoned += c.abandoned;
    sum.in_flight += c.in_flight;
  }
  return sum;
}

}  // namespace spikard::app
