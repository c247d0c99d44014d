// Tasks and transactions of db: enqueued when it commits, and completed with the handler's own writes.
#include <gtest/gtest.h>

#include "base/json.hpp"
#include "db/client.hpp"
#include "db/operations.hpp"
#include "db/registry.hpp"
#include "store/sqlite/test_database.hpp"
#include "tasks/client.hpp"
#include "tasks/operations.hpp"
#include "worker_loop/task_sink.hpp"

namespace spikard::tasks {
namespace {

using worker_loop::Outcome;
using worker_loop::WorkItem;

struct TasksTransaction : ::testing::Test, store::sqlite::DatabaseFixture {
  std::shared_ptr<db::Client> db;
  std::shared_ptr<Client> client;
  std::unique_ptr<worker_loop::TaskSink> sink;
  std::shared_ptr<Worker> worker;
  std::vector<std::string> ran;
  std::vector<std::uint64_t> leases;

  std::shared_ptr<Client> open(const std::string& url) {
    ClientOptions options;
    options.store.url = url;
    Environment environment;
    environment.databases = &databases;
    return Client::open(std::move(options), environment).value();
  }
  void SetUp() override {
    services::DbConfig config;
    config.url = "sqlite:" + folder.file("test.db");
    db::Environment environment(pool);
    environment.databases = &databases;
    db = db::open(config, environment).value();
    client = open(config.url);
    ASSERT_TRUE(await(db->execute(caller(), "CREATE TABLE effects (job INTEGER)")).ok());
  }
  void TearDown() override {
    if (worker != nullptr) (void)await(worker->stop(std::chrono::seconds(10)));
    worker.reset();
    client.reset();
    db.reset();
  }
  void work(worker_loop::TaskSink::Handler handler) {
    const std::vector<net::Loop*> loops{loop.get()};
    sink = std::make_unique<worker_loop::TaskSink>(loops, std::move(handler));
    worker = client->start_worker(WorkerOptions("w", "q"), *sink, *loop);
  }
  void work() {
    work([this](std::shared_ptr<const WorkItem> item) -> Task<Outcome> {
      ran.push_back(item->payload);
      co_return Outcome::ack();
    });
  }
  [[nodiscard]] net::Caller caller() const { return net::Caller(*loop); }
  static std::vector<NewJob> jobs(const std::string& args) { return {NewJob("q", "t", args)}; }
  std::int64_t count(const std::string& table) {
    return await(db->query(caller(), "SELECT count(*) AS n FROM " + table))->rows.root().at(0).find("n").as_int();
  }
};

TEST_F(TasksTransaction, InTheSameFileItIsAnInsert) {
  work();
  auto transaction = await(db->begin(caller())).value();
  ASSERT_TRUE(await(client->enqueue_in(caller(), *transaction, jobs("1"))).ok());
  ASSERT_TRUE(await(transaction->rollback(caller())).ok());
  transaction = await(db->begin(caller())).value();
  const auto enqueued = await(client->enqueue_in(caller(), *transaction, jobs("2")));
  ASSERT_TRUE(enqueued.ok());
  for (int i = 0; i < 20; ++i) loop->turn(1);
  EXPECT_TRUE(ran.empty()) << "not before the commit";
  ASSERT_TRUE(await(transaction->commit(caller())).ok());
  const Job job = await(client->wait(caller(), enqueued->jobs[0].id, std::chrono::seconds(10))).value();
  EXPECT_EQ(job.state, JobState::completed);
  EXPECT_EQ(ran, std::vector<std::string>{"2"});
}

TEST_F(TasksTransaction, AnotherStoreGetsItByTheOutbox) {
  const std::shared_ptr<Client> other = open("memory:");
  auto transaction = await(db->begin(caller())).value();
  ASSERT_TRUE(await(other->enqueue_in(caller(), *transaction, jobs("3"), "tasks.mail")).ok());
  ASSERT_TRUE(await(transaction->commit(caller())).ok());
  const auto rows = await(db->query(caller(), "SELECT target, kind, CAST(payload AS TEXT) AS payload FROM spikard_outbox"));
  ASSERT_TRUE(rows.ok());
  const Value row = rows->rows.root().at(0);
  EXPECT_EQ(row.find("target").text(), "tasks.mail");
  EXPECT_EQ(row.find("kind").text(), "enqueue");
  ASSERT_TRUE(await(other->enqueue_entry(caller(), std::string(row.find("payload").text()), "1")).ok());
  EXPECT_EQ(*await(other->pending_count(caller(), "q")), 1U);
}

TEST_F(TasksTransaction, WhatAHostHasBegunEndsAlsoWhereItsTransactionGoesMeanwhile) {
  net::BlockingPool files{clock};
  for (const bool closes : {false, true}) {
    store::OpenTransactions open_ones;
    db::Operations of_db(db, files, open_ones, {});
    Operations of_tasks(client, {}, [&](std::uint64_t number) { return open_ones.find(number); });
    ASSERT_TRUE(await(of_db.call(caller(), Operation::db_begin, {}, nullptr)).ok());
    std::vector<std::string> ended;
    const auto call = [&](net::OperationTarget& target, Operation operation, std::string_view args) {
      spawn(target.call(caller(), operation, json::parse(args).value(), nullptr),
            [&](const std::exception_ptr&, std::optional<Result<Document>> done) {
              ended.push_back(done->ok() ? "ok" : std::string(name_of(done->error().kind())));
            });
    };
    const std::string_view enqueue = R"({"queue":"q","task":"t","transaction":1})";
    call(of_tasks, Operation::tasks_enqueue, enqueue);
    call(of_db, closes ? Operation::db_close : Operation::db_commit, closes ? "{}" : R"({"transaction":1})");
    call(of_tasks, Operation::tasks_enqueue, enqueue);
    for (int i = 0; i < 500 && ended.size() < 3; ++i) loop->turn(10);
    ASSERT_EQ(ended.size(), 3U) << closes;
    if (!closes) EXPECT_EQ(ended, (std::vector<std::string>{"ok", "ok", "conflict"}));
  }
  files.stop();
}

TEST_F(TasksTransaction, ARunThatCompletesInItsOwnTransactionIsCompletedOnceAndForAll) {
  work([this](std::shared_ptr<const WorkItem> item) -> Task<Outcome> {
    const Job& job = job_of(*item);
    auto transaction = (co_await db->begin(caller())).value();
    NodeBuilder params;
    params.begin_array();
    params.integer(job.id);
    params.end();
    Document document(std::move(params));
    auto done = co_await transaction->execute(caller(), "INSERT INTO effects VALUES (?)", std::move(document));
    EXPECT_TRUE(done.ok());
    auto completed = co_await client->complete_in(caller(), *transaction, tasks::Run{job.id, job.lease}, "7");
    EXPECT_TRUE(completed.ok());
    EXPECT_TRUE((co_await transaction->commit(caller())).ok());
    co_return Outcome::ack("ignored");
  });
  const JobId id = await(client->enqueue(caller(), NewJob("q", "t")))->id;
  const Job job = await(client->wait(caller(), id, std::chrono::seconds(10))).value();
  EXPECT_EQ(job.state, JobState::completed);
  EXPECT_EQ(job.result, "7");
  (void)await(worker->stop(std::chrono::seconds(10)));
  EXPECT_EQ(worker->counts().acked, 1U);
  EXPECT_EQ(worker->counts().lost, 0U);
  worker.reset();
  EXPECT_EQ(count("effects"), 1);
}

TEST_F(TasksTransaction, AWorkerThatLostItsLeaseCannotCommitItsWrites) {
  Backend& backend = *client->backend();
  const JobId id = await(client->enqueue(caller(), NewJob("q", "t")))->id;
  ClaimRequest claim;
  claim.queue = "q";
  const Job old = await(backend.claim(*loop, claim))->jobs.at(0);
  ASSERT_TRUE(*await(client->cancel(caller(), id)));
  auto transaction = await(db->begin(caller())).value();
  ASSERT_TRUE(await(transaction->execute(caller(), "INSERT INTO effects VALUES (1)")).ok());
  const Result<void> completed = await(client->complete_in(caller(), *transaction, tasks::Run{id, old.lease}));
  ASSERT_FALSE(completed.ok());
  EXPECT_EQ(completed.error().kind(), ErrorKind::conflict);
  EXPECT_FALSE(await(transaction->commit(caller())).ok());
  transaction.reset();
  EXPECT_EQ(count("effects"), 0);
}

TEST_F(TasksTransaction, PlainSqlEnqueues) {
  work();
  ASSERT_TRUE(
      await(db->execute(caller(), "INSERT INTO spikard_tasks (queue, task, args) VALUES ('q', 't', '{\"by\": \"sql\"}')")).ok());
  for (int i = 0; i < 1000 && ran.empty(); ++i) loop->turn(10);
  EXPECT_EQ(ran, std::vector<std::string>{"{\"by\": \"sql\"}"});
}

}  // namespace
}  // namespace spikard::tasks
