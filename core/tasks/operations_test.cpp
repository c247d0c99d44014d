#include "tasks/operations.hpp"

#include <gtest/gtest.h>

#include "base/json.hpp"
#include "net/virtual_clock.hpp"
#include "telemetry/memory_exporter.hpp"
#include "worker_loop/task_sink.hpp"

namespace spikard::tasks {
namespace {

using worker_loop::Outcome;
using worker_loop::WorkItem;

struct TasksOperations : ::testing::Test {
  net::VirtualClock clock;
  std::unique_ptr<net::Loop> loop = net::Loop::create(clock).value();
  std::shared_ptr<Client> client = Client::open(ClientOptions(), Environment()).value();
  std::vector<std::string> ran;
  std::unique_ptr<Operations> operations = std::make_unique<Operations>(
      client, [this](const WorkerOptions&, std::uint64_t, net::Loop& of) -> Result<std::unique_ptr<worker_loop::WorkSink>> {
        const std::vector<net::Loop*> loops{&of};
        return std::unique_ptr<worker_loop::WorkSink>(std::make_unique<worker_loop::TaskSink>(
            loops, [this, &of](std::shared_ptr<const WorkItem> item) { return handle(of, item); }));
      });

  Task<Outcome> handle(net::Loop& of, std::shared_ptr<const WorkItem> item) {
    ran.push_back(item->name + item->payload);
    if (item->name == "slow") {
      Result<void> slept = co_await net::sleep(of, std::chrono::seconds(5));
      if (!slept.ok()) co_return Outcome::error("cut");
    }
    co_return Outcome::ack("42");
  }
  void TearDown() override {
    bool ended = false;
    spawn(operations->stop_all(Duration::zero()),
          [&](const std::exception_ptr&, const std::optional<Worker::Drained>&) { ended = true; });
    while (!ended) loop->turn(0);
    advance(Duration::zero());
    operations.reset();
  }
  void advance(Duration by) {
    bool done = false;
    clock.advance(by, [&] { done = true; });
    while (!done) loop->turn(0);
  }
  Result<Document> call_raw(Operation operation, const std::string& args) {
    std::optional<Result<Document>> out;
    spawn(operations->call(net::Caller(*loop), operation, json::parse(args).value(), nullptr),
          [&](const std::exception_ptr& error, std::optional<Result<Document>> result) {
            EXPECT_FALSE(error);
            out = std::move(result);
          });
    while (!out) loop->turn(0);
    advance(Duration::zero());
    return std::move(*out);
  }
  std::string call(Operation operation, const std::string& args = "{}") {
    const Result<Document> result = call_raw(operation, args);
    if (result.ok()) return json::to_string(result->root());
    return std::string(name_of(result.error().kind())) + ": " + result.error().message();
  }
  std::string member(const std::string& id, std::string_view name) {
    const Result<Document> job = call_raw(Operation::tasks_job, R"({"id":")" + id + "\"}");
    return job.ok() ? json::to_string(job->root().find(name)) : job.error().message();
  }
};

TEST_F(TasksOperations, AJobsWayThroughAWorkerOfTheHost) {
  EXPECT_EQ(
      call(Operation::tasks_enqueue, R"({"queue":"q","task":"add","args":{"a":[1,2]},"tags":["x"],"backoff":{"initial_ms":5}})"),
      R"({"id":"1","created":true})");
  EXPECT_EQ(member("1", "state"), R"("available")");
  EXPECT_EQ(call(Operation::tasks_pending_count, R"({"queue":"q"})"), R"({"count":1})");
  EXPECT_EQ(call(Operation::tasks_start_worker, R"({"name":"w","queue":"q","tasks":["add"]})"), "{}");
  EXPECT_EQ(call(Operation::tasks_start_worker, R"({"name":"w"})"), "already_exists: a worker of the name w runs");
  EXPECT_EQ(ran, std::vector<std::string>{R"(add{"a":[1,2]})"});
  EXPECT_EQ(member("1", "state"), R"("completed")");
  EXPECT_EQ(member("1", "result"), "42");
  EXPECT_EQ(member("1", "tags"), R"(["x"])");
  EXPECT_EQ(member("1", "ended_at"), std::to_string(now_ms(clock)));
  EXPECT_EQ(call(Operation::tasks_enqueue, R"({"queue":"q","task":"other"})"), R"({"id":"2","created":true})");
  EXPECT_EQ(member("2", "error_code"), R"("unknown_task")");
  EXPECT_EQ(call(Operation::tasks_retry, R"({"id":"2"})"), R"({"retried":true})");
  EXPECT_EQ(call(Operation::tasks_cancel, R"({"id":"1"})"), R"({"cancelled":false})");
  EXPECT_EQ(call(Operation::tasks_stop_worker, R"({"name":"w"})"), R"({"drained":true,"unfinished":0})");
  EXPECT_EQ(call(Operation::tasks_stop_worker, R"({"name":"w"})"), "not_found: no worker of the name w runs");
}

TEST_F(TasksOperations, ADrainHandsBackWhatDoesNotEndInTime) {
  call(Operation::tasks_start_worker, R"({"name":"w","queue":"q"})");
  call(Operation::tasks_enqueue, R"({"queue":"q","task":"slow"})");
  EXPECT_EQ(member("1", "state"), R"("running")");
  EXPECT_EQ(member("1", "worker"), R"("w")");
  EXPECT_EQ(call(Operation::tasks_stop_worker, R"({"name":"w","timeout_ms":0})"), R"({"drained":false,"unfinished":1})");
  EXPECT_EQ(member("1", "state"), R"("available")");
  EXPECT_EQ(member("1", "attempt"), "0");
}

TEST_F(TasksOperations, AKilledWorkerLeavesItsJobsToTheirLeases) {
  call(Operation::tasks_start_worker, R"({"name":"w","queue":"q","lease_ms":1000})");
  call(Operation::tasks_enqueue, R"({"queue":"q","task":"slow"})");
  EXPECT_EQ(call(Operation::tasks_kill_worker, R"({"name":"w"})"), "{}");
  EXPECT_EQ(member("1", "state"), R"("running")");
  advance(std::chrono::seconds(1));
  EXPECT_EQ(member("1", "state"), R"("available")");
  EXPECT_EQ(member("1", "error_code"), R"("lease_lost")");
}

TEST_F(TasksOperations, ManyAndBatches) {
  EXPECT_EQ(call(Operation::tasks_enqueue_many,
                 R"({"jobs":[{"task":"a"},{"task":"b","unique_key":"k"},{"task":"c","unique_key":"k"}]})"),
            R"({"jobs":[{"id":"1","created":true},{"id":"2","created":true},{"id":"2","created":false}]})");
  EXPECT_EQ(call(Operation::tasks_enqueue_batch, R"({"jobs":[{"task":"a"}],"callback":{"task":"after"}})"),
            R"({"batch":"1","jobs":[{"id":"3","created":true}],"callback":"4"})");
  EXPECT_EQ(call(Operation::tasks_batch, R"({"id":"1"})"),
            R"({"id":"1","total":1,"pending":1,"completed":0,"cancelled":0,"discarded":0,"done":false,"callback":"4"})");
  EXPECT_EQ(member("4", "batch_done"), R"("1")");
  EXPECT_EQ(call(Operation::tasks_enqueue_many, R"({"jobs":[{"task":"a"},{"task":"b","delay":1}]})"),
            "invalid_argument: jobs[1].delay: not known");
  EXPECT_EQ(call(Operation::tasks_list, R"({"state":"pending"})").find(R"({"jobs":[{"id":"4")"), 0U);
}

TEST_F(TasksOperations, WrongArgumentsNameTheMember) {
  EXPECT_EQ(call(Operation::tasks_enqueue, R"({"queue":"q"})"), "invalid_argument: task: 1 to 255 bytes are expected");
  EXPECT_EQ(call(Operation::tasks_enqueue, R"({"task":"t","priority":"high"})"),
            "invalid_argument: priority: a whole number from -2147483648 to 2147483647 is expected");
  EXPECT_EQ(call(Operation::tasks_enqueue, R"({"task":"t","priority":1e300})"),
            "invalid_argument: priority: a whole number from -2147483648 to 2147483647 is expected");
  EXPECT_EQ(call(Operation::tasks_enqueue, R"({"task":"t","transaction":9223372036854775808.0})"),
            "invalid_argument: transaction: a whole number from 1 to 9223372036854775807 is expected");
  EXPECT_EQ(call(Operation::tasks_enqueue, R"({"task":"t","run_at":"soon"})"),
            "invalid_argument: run_at: an instant is expected: RFC 3339 text or ms since the epoch");
  EXPECT_EQ(call(Operation::tasks_enqueue, R"({"task":"t","backoff":{"factor":0.1}})"),
            "invalid_argument: backoff.factor: at least 1 is expected");
  EXPECT_EQ(call(Operation::tasks_enqueue, R"({"task":"t","depends_on":["nope"]})"), "not_found: there is no job -1");
  EXPECT_EQ(call(Operation::tasks_list, R"({"state":"done"})"), "invalid_argument: state: a state of a job is expected");
  EXPECT_EQ(call(Operation::tasks_job, R"({"id":"no-such"})"), "not_found: there is no job -1");
  EXPECT_EQ(call(Operation::tasks_schedule, R"({"name":"s","task":"t","cron":"* * *"})"),
            "invalid_argument: cron expression '* * *': five or six fields are expected");
  EXPECT_EQ(call(Operation::tasks_schedule, R"({"name":"s","task":"t","cron":"@daily","misfire":"x"})"),
            "invalid_argument: misfire: skip, once or all is expected");
}

TEST_F(TasksOperations, SchedulesAreFiredByASchedulerOfTheHost) {
  const std::string next = std::to_string(now_ms(clock) + 60'000);
  EXPECT_EQ(call(Operation::tasks_schedule, R"({"name":"s","task":"tick","queue":"q","cron":"* * * * *","args":[7]})"),
            R"({"next":)" + next + "}");
  EXPECT_EQ(call(Operation::tasks_start_scheduler), "{}");
  EXPECT_EQ(call(Operation::tasks_start_scheduler), "already_exists: a scheduler of the name default runs");
  call(Operation::tasks_start_worker, R"({"name":"w","queue":"q"})");
  advance(std::chrono::minutes(2));
  EXPECT_EQ(ran, (std::vector<std::string>{"tick[7]", "tick[7]"}));
  EXPECT_EQ(member("1", "scheduled_at"), next);
  EXPECT_EQ(call(Operation::tasks_stop_scheduler), "{}");
  EXPECT_EQ(call(Operation::tasks_stop_scheduler), "not_found: no scheduler of the name default runs");
  EXPECT_EQ(call(Operation::tasks_unschedule, R"({"name":"s"})"), R"({"removed":true})");
}

TEST_F(TasksOperations, ATransactionNeedsADatabase) {
  EXPECT_EQ(call(Operation::tasks_enqueue, R"({"task":"t","transaction":7})"), "unsupported: transaction: there is no db here");
}

TEST_F(TasksOperations, CronAnswersAtOnceWhereTheTimeIsGiven) {
  const Document args = json::parse(R"({"expr":"0 0 L * *","after":"2028-01-31T00:00:00Z","count":2})").value();
  const auto now = operations->call_now(Operation::cron_next, args.root());
  ASSERT_TRUE(now.has_value() && now->ok());
  EXPECT_EQ(json::to_string((*now)->root()), R"({"times":["2028-02-29T00:00:00Z","2028-03-31T00:00:00Z"]})");
  EXPECT_EQ(call(Operation::cron_next, R"({"expr":"@hourly"})"), R"({"times":["2026-01-01T01:00:00Z"]})");
  EXPECT_EQ(call(Operation::cron_next, R"({"expr":"@hourly","timezone":"Mars/Olympus"})").substr(0, 16), "invalid_argument");
}

TEST_F(TasksOperations, ARunIsAConsumersSpanInTheTraceOfWhoEnqueuedIt) {
  auto exporter = std::make_shared<telemetry::MemoryExporter>();
  telemetry::ProviderOptions of_provider(clock);
  of_provider.exporter = exporter;
  ClientOptions with;
  with.tracer = telemetry::Tracer(std::make_shared<telemetry::Provider>(std::move(of_provider)));
  client = Client::open(std::move(with), Environment()).value();
  operations = std::make_unique<Operations>(client, [this](const WorkerOptions&, std::uint64_t, net::Loop& of) {
    const std::vector<net::Loop*> loops{&of};
    return Result<std::unique_ptr<worker_loop::WorkSink>>(std::make_unique<worker_loop::TaskSink>(
        loops, [this, &of](std::shared_ptr<const WorkItem> item) { return handle(of, item); }));
  });
  call(Operation::tasks_start_worker, R"({"name":"w","queue":"q"})");
  call(Operation::tasks_enqueue, R"({"queue":"q","task":"add"})");
  const auto spans = exporter->spans();
  ASSERT_EQ(spans.size(), 2U);
  const telemetry::SpanData& producer = spans[0];
  const telemetry::SpanData& consumer = spans[1];
  EXPECT_EQ(producer.kind, telemetry::SpanKind::producer);
  EXPECT_EQ(consumer.kind, telemetry::SpanKind::consumer);
  EXPECT_EQ(consumer.context.trace_id, producer.context.trace_id);
  EXPECT_EQ(consumer.parent_span_id, producer.context.span_id);

  // What goes through the outbox has the span's trace, too.
  struct Elsewhere final : store::Transaction {
    const std::string& database() const noexcept override { return name; }
    store::sqlite::TransactionPart* sqlite() noexcept override { return nullptr; }
    Task<Result<void>> outbox(store::OutboxEntry entry) override {
      written = entry.payload;
      co_return Result<void>();
    }
    Task<Result<bool>> inbox(std::string, std::string) override { co_return Result<bool>(true); }
    void after_commit(Function<void()>) override {}
    std::string name = "elsewhere";
    std::string written;
  } transaction;
  bool good = false;
  spawn(client->enqueue_in(net::Caller(*loop), transaction, {NewJob("q", "add")}, "tasks.default"),
        [&](const std::exception_ptr&, std::optional<Result<EnqueueResult>> done) { good = done->ok(); });
  ASSERT_TRUE(good);
  ASSERT_EQ(exporter->spans().size(), 3U);
  const telemetry::SpanData in_transaction = exporter->spans()[2];
  EXPECT_EQ(in_transaction.kind, telemetry::SpanKind::producer);
  EXPECT_NE(transaction.written.find(trace_to_text(in_transaction.context)), std::string::npos) << transaction.written;
  client = Client::open(ClientOptions(), Environment()).value();
}

}  // namespace
}  // namespace spikard::tasks
