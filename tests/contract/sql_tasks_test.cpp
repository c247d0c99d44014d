// Tasks on a real SQL server: in transactions of db, between processes, under cut connections. What holds on every store is in
// tasks_contract.cpp.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <map>
#include <random>

#include "base/json.hpp"
#include "db/client.hpp"
#include "db/registry.hpp"
#include "db/relay.hpp"
#include "proxy.hpp"
#include "sql_server.hpp"
#include "store/sqlite/test_database.hpp"
#include "tasks/client.hpp"
#include "worker_loop/task_sink.hpp"

namespace spikard::tasks {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using worker_loop::Outcome;
using worker_loop::WorkItem;

struct SqlTasks : ::testing::TestWithParam<const char*>, store::sqlite::DatabaseFixture {
  /// When a wait has failed.
  Instant there_by() { return clock.now() + std::chrono::seconds(120); }

  /// As another process has it: nothing is shared but the server.
  struct Process {
    contract::SqlDatabases servers;
    std::shared_ptr<Client> client;
    std::unique_ptr<worker_loop::TaskSink> sink;
    std::shared_ptr<Worker> worker;
  };
  Process& process(const std::string& url) {
    Process& made = *processes.emplace_back(std::make_unique<Process>());
    made.client = open(url, made.servers);
    return made;
  }
  std::shared_ptr<Client> open(const std::string& url, contract::SqlDatabases& servers) {
    ClientOptions options;
    options.store.url = url;
    // Where the server tells, who hears nothing does nothing; else who waits looks.
    options.poll = server.tells() ? Duration(hours(1)) : Duration(std::chrono::milliseconds(50));
    Environment environment;
    servers.give(environment);
    return Client::open(std::move(options), environment).value();
  }
  void work(Process& on, worker_loop::TaskSink::Handler handler, std::uint32_t concurrency = 10) {
    const std::vector<net::Loop*> loops{loop.get()};
    on.sink = std::make_unique<worker_loop::TaskSink>(loops, std::move(handler));
    WorkerOptions options("w", "q");
    options.concurrency = concurrency;
    options.lease_ms = 2000;
    on.worker = on.client->start_worker(options, *on.sink, *loop);
  }
  void SetUp() override {
    services::DbConfig config;
    config.url = server.url();
    db::Environment environment(pool);
    here.servers.give(environment);
    db = db::open(config, environment).value();
    here.client = open(server.url(), here.servers);
    ASSERT_TRUE(await(db->execute(caller(), "CREATE TABLE effects (job BIGINT)")).ok());
  }
  void TearDown() override {
    stop(here);
    for (const auto& one : processes) stop(*one);
    processes.clear();
    db->close();
    db.reset();
  }
  void stop(Process& one) {
    if (one.worker != nullptr) (void)await(one.worker->stop(seconds(10)));
    one.worker.reset();
    if (one.client != nullptr) one.client->close();
    one.client.reset();
    for (int i = 0; i < 5; ++i) loop->turn(0);
  }
  [[nodiscard]] net::Caller caller() const { return net::Caller(*loop); }
  static std::vector<NewJob> jobs(const std::string& args, std::size_t count = 1) {
    return std::vector<NewJob>(count, NewJob("q", "t", args));
  }
  std::int64_t count(const std::string& what) {
    return await(db->query(caller(), "SELECT count(*) AS n FROM " + what))->rows.root().at(0).find("n").as_int();
  }

  contract::SqlServer server{GetParam()};
  Process here;
  std::vector<std::unique_ptr<Process>> processes;
  std::shared_ptr<db::Client> db;
};

TEST_P(SqlTasks, InTheSameDatabaseItIsAnInsertOfTheTransaction) {
  std::vector<std::string> ran;
  work(here, [&](std::shared_ptr<const WorkItem> item) -> Task<Outcome> {
    ran.push_back(item->payload);
    co_return Outcome::ack();
  });
  auto transaction = await(db->begin(caller())).value();
  ASSERT_TRUE(await(here.client->enqueue_in(caller(), *transaction, jobs("1"))).ok());
  ASSERT_TRUE(await(transaction->rollback(caller())).ok());
  transaction = await(db->begin(caller())).value();
  const auto enqueued = await(here.client->enqueue_in(caller(), *transaction, jobs("2")));
  ASSERT_TRUE(enqueued.ok()) << enqueued.error().to_string();
  for (int i = 0; i < 20; ++i) loop->turn(1);
  EXPECT_TRUE(ran.empty()) << "not before the commit";
  ASSERT_TRUE(await(transaction->commit(caller())).ok());
  const Job job = await(here.client->wait(caller(), enqueued->jobs[0].id, seconds(10))).value();
  EXPECT_EQ(job.state, JobState::completed);
  EXPECT_EQ(ran, std::vector<std::string>{"2"});
}

TEST_P(SqlTasks, ARunThatCompletesInItsOwnTransactionIsCompletedOnceAndForAll) {
  work(here, [&](std::shared_ptr<const WorkItem> item) -> Task<Outcome> {
    const Job& job = job_of(*item);
    auto transaction = (co_await db->begin(caller())).value();
    Document values = db::params(job.id);
    auto done = co_await transaction->execute(caller(), "INSERT INTO effects VALUES (?)", std::move(values));
    EXPECT_TRUE(done.ok());
    auto completed = co_await here.client->complete_in(caller(), *transaction, tasks::Run{job.id, job.lease}, "7");
    EXPECT_TRUE(completed.ok());
    EXPECT_TRUE((co_await transaction->commit(caller())).ok());
    co_return Outcome::ack("ignored");
  });
  const JobId id = await(here.client->enqueue(caller(), NewJob("q", "t")))->id;
  const Job job = await(here.client->wait(caller(), id, seconds(10))).value();
  EXPECT_EQ(job.state, JobState::completed);
  EXPECT_EQ(job.result, "7");
  (void)await(here.worker->stop(seconds(10)));
  EXPECT_EQ(here.worker->counts().acked, 1U);
  EXPECT_EQ(here.worker->counts().lost, 0U);
  EXPECT_EQ(count("effects"), 1);
}

TEST_P(SqlTasks, AWorkerThatLostItsLeaseCannotCommitItsWrites) {
  const JobId id = await(here.client->enqueue(caller(), NewJob("q", "t")))->id;
  ClaimRequest claim;
  claim.queue = "q";
  const Job old = await(here.client->backend()->claim(*loop, claim))->jobs.at(0);
  ASSERT_TRUE(*await(here.client->cancel(caller(), id)));
  auto transaction = await(db->begin(caller())).value();
  ASSERT_TRUE(await(transaction->execute(caller(), "INSERT INTO effects VALUES (1)")).ok());
  const Result<void> completed = await(here.client->complete_in(caller(), *transaction, tasks::Run{id, old.lease}));
  ASSERT_FALSE(completed.ok());
  EXPECT_EQ(completed.error().kind(), ErrorKind::conflict);
  EXPECT_FALSE(await(transaction->commit(caller())).ok());
  transaction.reset();
  EXPECT_EQ(count("effects"), 0);
}

TEST_P(SqlTasks, TheOutboxReachesAnotherStoreInOrder) {
  ClientOptions memory;
  memory.store.url = "memory:";
  const std::shared_ptr<Client> other = Client::open(std::move(memory), {}).value();
  const auto relay = db::Relay::make(db, *loop, [other](net::Caller by, const db::Relay::Entry& entry) -> Task<Result<void>> {
    Result<void> done = co_await other->enqueue_entry(by, entry.what.payload, "outbox:" + entry.key);
    co_return done;
  });
  relay->start();
  for (int i = 0; i < 20; ++i) {
    auto transaction = await(db->begin(caller())).value();
    ASSERT_TRUE(await(other->enqueue_in(caller(), *transaction, jobs(std::to_string(i)), "tasks.mail")).ok());
    if (i % 4 == 3) ASSERT_TRUE(await(transaction->rollback(caller())).ok());
    else ASSERT_TRUE(await(transaction->commit(caller())).ok());
  }
  const Instant late = there_by();
  while (*await(other->pending_count(caller(), "q")) < 15 && clock.now() < late) loop->turn(10);
  const auto all = await(other->list(caller(), {}));
  std::string order;
  for (const Job& job : *all) order += job.args + " ";
  EXPECT_EQ(order, "0 1 2 4 5 6 8 9 10 12 13 14 16 17 18 ");
  bool stopped = false;
  relay->stop([&] { stopped = true; });
  turn_until(stopped);
  EXPECT_EQ(count("spikard_outbox"), 0);
  other->close();
}

TEST_P(SqlTasks, AnotherProcessSeesWhatIsToBeDone) {
  Process& there = process(server.url());
  std::vector<std::string> ran;
  work(there, [&](std::shared_ptr<const WorkItem> item) -> Task<Outcome> {
    ran.push_back(item->payload);
    co_return Outcome::ack();
  });
  const Instant late = there_by();
  // Its ear is open once it has been told something.
  while (server.tells() &&
         server.run("SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN spikard' AND state = 'idle'") == "0" &&
         clock.now() < late)
    loop->turn(1);
  for (int i = 0; i < 3; ++i) {
    const JobId id = await(here.client->enqueue(caller(), NewJob("q", "t", std::to_string(i))))->id;
    const Job job = await(here.client->wait(caller(), id, seconds(10))).value();
    EXPECT_EQ(job.state, JobState::completed) << "and its end is told here";
  }
  EXPECT_EQ(ran.size(), 3U);
  ASSERT_TRUE(await(db->execute(caller(), "INSERT INTO spikard_tasks (queue, task, args) VALUES ('q', 't', '\"sql\"')")).ok());
  if (server.tells()) server.run("SELECT pg_notify('spikard', 'tasks/queue/q')");
  for (int i = 0; i < 1000 && ran.size() < 4; ++i) loop->turn(10);
  EXPECT_EQ(ran.back(), "\"sql\"") << "plain SQL";
}

TEST_P(SqlTasks, FourProcessesRunEachOfAThousandJobsOnce) {
  std::map<JobId, int> runs;
  const auto handler = [&](std::shared_ptr<const WorkItem> item) -> Task<Outcome> {
    ++runs[job_of(*item).id];
    co_return Outcome::ack();
  };
  for (int i = 0; i < 4; ++i) work(process(server.url()), handler);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(await(here.client->enqueue_many(caller(), jobs("1", 100))).ok());
  const Instant late = there_by();
  while (count("spikard_tasks WHERE state = 'completed'") < 1000 && clock.now() < late) loop->turn(10);
  EXPECT_EQ(runs.size(), 1000U);
  for (const auto& [id, times] : runs) EXPECT_EQ(times, 1) << id;
}

TEST_P(SqlTasks, CutConnectionsLoseNoTask) {
  std::string url = server.url();
  const std::string host = server.host();
  contract::Proxy proxy(*loop, host);
  url.replace(url.find(host), host.size(), proxy.address());
  std::map<std::string, int> runs;
  work(process(url), [&](std::shared_ptr<const WorkItem> item) -> Task<Outcome> {
    ++runs[item->payload];
    co_return Outcome::ack();
  });
  const std::shared_ptr<Client> sender = process(url).client;
  std::mt19937 random(11);
  std::set<std::string> acknowledged;
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    if (i % 10 == 0) proxy.cut_after(std::uniform_int_distribution<std::uint64_t>(0, 20000)(random));
    const auto done = await(sender->enqueue(caller(), NewJob("q", "t", std::to_string(i))));
    if (done.ok()) acknowledged.insert(std::to_string(i));
    else ++refused;
  }
  proxy.cut_after(std::numeric_limits<std::uint64_t>::max());
  const auto all_ran = [&] {
    return std::all_of(acknowledged.begin(), acknowledged.end(), [&](const std::string& one) { return runs.contains(one); });
  };
  const auto begun = std::chrono::steady_clock::now();
  while (!all_ran() && std::chrono::steady_clock::now() - begun < seconds(60)) loop->turn(10);
  EXPECT_TRUE(all_ran()) << "nothing acknowledged is lost";
  int twice = 0;
  for (const auto& [args, times] : runs) twice += times > 1 ? 1 : 0;
  std::cout << acknowledged.size() << " acknowledged, " << refused << " refused, " << runs.size() << " ran, " << twice
            << " more than once, " << proxy.cuts() << " cuts\n";
  EXPECT_GT(proxy.cuts(), 5U);
}

TEST_P(SqlTasks, TenThousandTasksThroughConnectionsThatAreCutAreEachRun) {
  std::string url = server.url();
  const std::string host = server.host();
  contract::Proxy proxy(*loop, host);
  url.replace(url.find(host), host.size(), proxy.address());
  std::map<std::string, int> runs;
  work(
      process(url),
      [&](std::shared_ptr<const WorkItem> item) -> Task<Outcome> {
        ++runs[item->payload];
        co_return Outcome::ack();
      },
      100);
  const std::shared_ptr<Client> sender = process(url).client;
  std::mt19937 random(13);
  std::set<std::string> acknowledged;
  int refused = 0;
  constexpr int tasks_sent = 10'000;
  constexpr int at_once = 100;
  for (int i = 0; i < tasks_sent; i += at_once) {
    if (i % (at_once * 2) == 0) proxy.cut_after(std::uniform_int_distribution<std::uint64_t>(0, 100'000)(random));
    std::vector<NewJob> some;
    for (int k = i; k < i + at_once; ++k) some.emplace_back("q", "t", std::to_string(k));
    const auto done = await(sender->enqueue_many(caller(), std::move(some)));
    if (!done.ok()) refused += at_once;
    for (int k = i; done.ok() && k < i + at_once; ++k) acknowledged.insert(std::to_string(k));
  }
  const auto all_ran = [&] {
    return std::all_of(acknowledged.begin(), acknowledged.end(), [&](const std::string& one) { return runs.contains(one); });
  };
  // The rest of the cuts fall on the worker.
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; !all_ran() && std::chrono::steady_clock::now() - begun < seconds(120); ++i) {
    if (i % 100 == 0)
      proxy.cut_after(i < 2000 ? std::uniform_int_distribution<std::uint64_t>(0, 200'000)(random) : ~std::uint64_t{0});
    loop->turn(10);
  }
  EXPECT_TRUE(all_ran()) << "nothing acknowledged is lost";
  proxy.cut_after(std::numeric_limits<std::uint64_t>::max());
  int twice = 0;
  for (const auto& [args, times] : runs) twice += times > 1 ? 1 : 0;
  std::cout << acknowledged.size() << " acknowledged, " << refused << " refused, " << runs.size() << " ran, " << twice
            << " more than once, " << proxy.cuts() << " cuts\n";
  EXPECT_GT(proxy.cuts(), 10U);
}

TEST_P(SqlTasks, AServerThatStandsStillForFiveSecondsLosesNothing) {
  const ::pid_t pid = server.pid();
  if (pid == 0) GTEST_SKIP() << "this server is many processes";
  std::map<std::string, int> runs;
  work(here, [&](std::shared_ptr<const WorkItem> item) -> Task<Outcome> {
    ++runs[item->payload];
    co_return Outcome::ack();
  });
  std::set<std::string> acknowledged;
  int refused = 0;
  net::Timer goes_on(*loop, [&] { ::kill(pid, SIGCONT); });
  const std::shared_ptr<void> always(nullptr, [pid](void*) { ::kill(pid, SIGCONT); });  // whatever ends the test
  for (int i = 0; i < 300; ++i) {
    if (i == 100) {
      ::kill(pid, SIGSTOP);
      goes_on.start(seconds(5));
    }
    const auto done = await(here.client->enqueue(caller(), NewJob("q", "t", std::to_string(i))));
    if (done.ok()) acknowledged.insert(std::to_string(i));
    else ++refused;
  }
  EXPECT_GE(acknowledged.size(), 250U);
  const auto all_ran = [&] {
    return std::all_of(acknowledged.begin(), acknowledged.end(), [&](const std::string& one) { return runs.contains(one); });
  };
  const auto begun = std::chrono::steady_clock::now();
  while (!all_ran() && std::chrono::steady_clock::now() - begun < seconds(60)) loop->turn(10);
  EXPECT_TRUE(all_ran());
  int twice = 0;
  for (const auto& [args, times] : runs) twice += times > 1 ? 1 : 0;
  std::cout << acknowledged.size() << " acknowledged, " << refused << " refused, " << twice << " ran more than once\n";
}

TEST_P(SqlTasks, AServerThatIsKilledAndComesBackHasLostNothing) {
  if (std::system(("tools/services env 2>/dev/null | grep -qF \"" + server.base() + "\"").c_str()) != 0)
    GTEST_SKIP() << "the server is not one of tools/services";
  std::map<std::string, int> runs;
  work(here, [&](std::shared_ptr<const WorkItem> item) -> Task<Outcome> {
    ++runs[item->payload];
    co_return Outcome::ack();
  });
  std::set<std::string> acknowledged;
  std::int64_t rows = 0;
  int refused = 0;
  for (int i = 0; i < 400; ++i) {
    if (i == 150) ASSERT_EQ(server.control("kill"), 0);
    if (i == 250) ASSERT_EQ(server.control("up"), 0);
    const auto done = await(here.client->enqueue(caller(), NewJob("q", "t", std::to_string(i))));
    if (done.ok()) acknowledged.insert(std::to_string(i));
    else ++refused;
    const auto inserted = await(db->execute(caller(), "INSERT INTO effects VALUES ($1)", db::params(i)));
    if (inserted.ok()) ++rows;
  }
  EXPECT_GE(refused, 95) << "while it was away";
  EXPECT_GE(acknowledged.size(), 250U) << "before and after";
  const auto all_ran = [&] {
    return std::all_of(acknowledged.begin(), acknowledged.end(), [&](const std::string& one) { return runs.contains(one); });
  };
  const auto begun = std::chrono::steady_clock::now();
  while (!all_ran() && std::chrono::steady_clock::now() - begun < seconds(60)) loop->turn(10);
  EXPECT_TRUE(all_ran());
  EXPECT_GE(count("effects"), rows);
  int twice = 0;
  for (const auto& [args, times] : runs) twice += times > 1 ? 1 : 0;
  std::cout << acknowledged.size() << " tasks and " << rows << " rows acknowledged, " << refused << " tasks refused, " << twice
            << " ran more than once\n";
}

#ifdef SPIKARD_TEST_MYSQL
INSTANTIATE_TEST_SUITE_P(Server_mysql, SqlTasks, ::testing::Values("mysql"),
                         [](const auto& at) { return std::string(at.param); });
#endif
#ifdef SPIKARD_TEST_POSTGRES
INSTANTIATE_TEST_SUITE_P(Server_postgres, SqlTasks, ::testing::Values("postgres"),
                         [](const auto& at) { return std::string(at.param); });
#endif
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SqlTasks);

}  // namespace
}  // namespace spikard::tasks
