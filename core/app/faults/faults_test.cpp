#include "app/faults/backends.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "app/application.hpp"
#include "base/json.hpp"
#include "cache/registry.hpp"
#include "db/registry.hpp"
#include "messaging/registry.hpp"
#include "storage/client.hpp"
#include "store/sqlite/test_database.hpp"
#include "tasks/client.hpp"

namespace spikard::app {
namespace {

using worker_loop::Settlement;

Result<FaultPlan> plan_of(std::string_view text) {
  const Document document = json::parse(text).value();
  auto config = services::faults_from_json(document.root(), "faults");
  if (!config.ok()) return std::move(config).error();
  return FaultPlan::from(*config);
}

std::string why(std::string_view text) {
  auto plan = plan_of(text);
  return plan.ok() ? "fine" : plan.error().message();
}

TEST(FaultPlan, ErrorsNameTheField) {
  EXPECT_EQ(why(R"({"seed": 7, "unavailable": 0.1, "lost_answer": 1, "delay": 0, "delay_ms": 10, "only": ["db"]})"), "fine");
  EXPECT_EQ(why(R"({"unavailable": "often"})"), "faults.unavailable: expected a number from 0 to 1");
  EXPECT_EQ(why(R"({"lost_answer": 1.5})"), "faults.lost_answer: expected a number from 0 to 1, got 1.500000");
  EXPECT_EQ(why(R"({"delay": -1})"), "faults.delay: expected a number from 0 to 1, got -1.000000");
  EXPECT_EQ(why(R"({"repeated": 2})"), "faults.repeated: expected a number from 0 to 1, got 2.000000");
  EXPECT_NE(why(R"({"delay_ms": 0})").find("faults.delay_ms"), std::string::npos);
  EXPECT_NE(why(R"({"only": ["mail"]})").find("faults.only"), std::string::npos);
  EXPECT_NE(why(R"({"unavailible": 1})").find("faults.unavailible"), std::string::npos);
}

TEST(FaultPlan, NeedsTheVirtualClock) {
  services::Manifest manifest;
  manifest.faults.emplace();
  auto application = Application::create(std::move(manifest));
  ASSERT_FALSE(application.ok());
  EXPECT_EQ(application.error().message(), R"(faults: expected the virtual clock (`"clock": "virtual"`))");
}

std::string of(Faults& faults, std::string_view operation, int calls) {
  std::string out;
  for (int i = 0; i < calls; ++i) {
    const Faults::Decision what = faults.next("db.default", operation, "x");
    out += what.unavailable ? 'u' : what.lost_answer ? 'l' : what.delay > Duration::zero() ? 'd' : '.';
  }
  return out;
}

TEST(FaultDecisions, FollowFromTheSeedAndThePlaceAlone) {
  FaultPlan plan;
  plan.seed = 7;
  plan.unavailable = plan.lost_answer = plan.delay = 0.25;
  Faults first(plan);
  Faults second(plan);
  const std::string runs = of(first, "run", 1000);
  (void)of(second, "commit", 17);  // what else happens makes no difference
  std::string twice = of(second, "run", 500);
  twice += of(second, "run", 500);
  EXPECT_EQ(twice, runs);
  EXPECT_NE(of(first, "commit", 1000), runs);
  plan.seed = 8;
  Faults third(plan);
  EXPECT_NE(of(third, "run", 1000), runs);
  const auto part = static_cast<double>(std::count(runs.begin(), runs.end(), 'u')) / 1000;
  EXPECT_NEAR(part, 0.25, 0.05);
  plan.seed = 7;
  plan.lost_answer = 0;  // one chance does not move the others
  Faults fourth(plan);
  const std::string without = of(fourth, "run", 1000);
  for (std::size_t i = 0; i < runs.size(); ++i) EXPECT_EQ(without[i] == 'u', runs[i] == 'u');
}

struct FaultsTest : ::testing::Test, store::sqlite::DatabaseFixture {
  static FaultPlan always(double FaultPlan::* chance) {
    FaultPlan plan;
    plan.*chance = 1;
    plan.delay_ms = 1;
    return plan;
  }
  FaultSite site(double FaultPlan::* chance, const char* client) {
    faults = std::make_shared<Faults>(always(chance));
    return {faults, client};
  }
  /// Without the time, which is a real one here.
  std::string log() {
    std::vector<std::string> lines;
    for (const InjectedFault& fault : faults->log())
      lines.push_back(fault.place.operation + " " + std::to_string(fault.place.n) + " " + std::string(name_of(fault.kind)) +
                      "\n");
    std::sort(lines.begin(), lines.end());
    std::string out;
    for (const std::string& line : lines) out += line;
    return out;
  }
  std::shared_ptr<db::Backend> open_db() {
    services::DbConfig config;
    config.url = "sqlite:" + folder.file("app.db");
    db::Environment environment(pool);
    environment.databases = &databases;
    db::Registry registry;
    db::register_builtin_backends(registry);
    return registry.open(config, environment).value();
  }
  std::int64_t rows(db::Client& client) {
    return await(client.query(net::Caller(*loop), "SELECT count(*) AS n FROM t"))->rows.root().at(0).find("n").as_int();
  }
  static std::string kind(const Error& error) { return std::string(spikard::name_of(error.kind())); }

  std::shared_ptr<Faults> faults;
};

TEST_F(FaultsTest, DbUnavailableAndLostAnswers) {
  const net::Caller caller(*loop);
  const auto backend = open_db();
  const auto plain = db::Client::make(backend);
  ASSERT_TRUE(await(plain->execute(caller, "CREATE TABLE t (x)")).ok());
  const auto down = db::Client::make(with_faults(backend, site(&FaultPlan::unavailable, "db.default")));
  Result<std::uint64_t> done = await(down->execute(caller, "INSERT INTO t VALUES (1)"));
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(kind(done.error()), "unavailable");
  EXPECT_EQ(done.error().retry(), RetryClass::temporary);
  EXPECT_EQ(rows(*plain), 0);
  auto tx = await(down->begin(caller)).value();
  done = await(tx->execute(caller, "INSERT INTO t VALUES (1)"));
  EXPECT_EQ(kind(done.error()), "unavailable");
  tx.reset();
  EXPECT_EQ(log(), "begin 1 unavailable\nrun 1 unavailable\n") << "a transaction begins with its first statement";

  const auto lossy = db::Client::make(with_faults(backend, site(&FaultPlan::lost_answer, "db.default")));
  done = await(lossy->execute(caller, "INSERT INTO t VALUES (1)"));
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(kind(done.error()), "outcome_unknown");
  EXPECT_EQ(rows(*plain), 1) << "it took effect";
  EXPECT_EQ(rows(*lossy), 1) << "a read has no effect to lose the answer of";
  done = await(lossy->execute(caller, "INSERT INTO nowhere VALUES (1)"));
  EXPECT_EQ(done.error().detail(), "undefined_table") << "its own error is told";
  EXPECT_EQ(log(), "run 1 lost_answer\n");
}

TEST_F(FaultsTest, DbCommitsAndStatementsOfTransactions) {
  const net::Caller caller(*loop);
  const auto backend = open_db();
  const auto plain = db::Client::make(backend);
  ASSERT_TRUE(await(plain->execute(caller, "CREATE TABLE t (x)")).ok());
  const auto lossy = db::Client::make(with_faults(backend, site(&FaultPlan::lost_answer, "db.default")));
  auto tx = await(lossy->begin(caller)).value();
  ASSERT_TRUE(await(tx->execute(caller, "INSERT INTO t VALUES (1)")).ok());
  Result<void> ended = await(tx->commit(caller));
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(kind(ended.error()), "outcome_unknown");
  tx.reset();
  EXPECT_EQ(rows(*plain), 1);
  EXPECT_EQ(faults->log().at(0).place.subject, "INSERT INTO t VALUES (1)") << "a transaction is known by its first statement";

  // A commit alone that cannot be made, and then a statement.
  FaultPlan plan;
  plan.unavailable = 0.5;
  int commits = 0;
  int statements = 0;
  for (plan.seed = 1; plan.seed < 40; ++plan.seed) {
    faults = std::make_shared<Faults>(plan);
    const auto client = db::Client::make(with_faults(backend, FaultSite(faults, "db.default")));
    auto begun = await(client->begin(caller));
    if (!begun.ok()) continue;
    Result<std::uint64_t> done = await((*begun)->execute(caller, "INSERT INTO t VALUES (2)"));
    ended = await((*begun)->commit(caller));
    if (done.ok() && ended.ok()) {
      ASSERT_TRUE(await(plain->execute(caller, "DELETE FROM t WHERE x = 2")).ok());
      continue;
    }
    (done.ok() ? commits : statements)++;
    if (done.ok()) EXPECT_EQ(kind(ended.error()), "unavailable");
    else EXPECT_EQ(ended.error().detail(), "transaction_aborted");
    begun->reset();
    EXPECT_EQ(rows(*plain), 1) << "nothing was committed";
  }
  EXPECT_GT(commits, 0);
  EXPECT_GT(statements, 0);
}

TEST_F(FaultsTest, DelaysWaitFirst) {
  const net::Caller caller(*loop);
  const auto slow = db::Client::make(with_faults(open_db(), site(&FaultPlan::delay, "db.default")));
  const Instant before = clock.now();
  ASSERT_TRUE(await(slow->execute(caller, "CREATE TABLE t (x)")).ok());
  EXPECT_GE(clock.now() - before, std::chrono::milliseconds(1));
  EXPECT_EQ(log(), "run 1 delay\n");
}

TEST_F(FaultsTest, TablesOfSpikardsOwnAreLeftAlone) {
  const net::Caller caller(*loop);
  const auto down = db::Client::make(with_faults(open_db(), site(&FaultPlan::unavailable, "db.default")));
  EXPECT_TRUE(await(down->execute(caller, "CREATE TABLE spikard_outbox (x)")).ok());
  EXPECT_EQ(log(), "");
}

TEST_F(FaultsTest, MessagesAreRefusedLostAndRepeated) {
  const net::Caller caller(*loop);
  messaging::Environment environment(clock);
  services::MessagingConfig config;
  config.url = "memory:";
  const auto plain = messaging::open(config, environment).value();
  auto subscribed = [&](messaging::Backend& on) {
    messaging::SubscribeOptions options(messaging::TopicPattern::topic("t"));
    options.group = "g";
    options.max_in_flight = 10;
    return await(on.subscribe(*loop, std::move(options))).value();
  };
  const auto repeating = with_faults(plain, site(&FaultPlan::repeated, "messaging.default"));
  EXPECT_FALSE(repeating->capabilities().confirms_at_once);
  const auto subscription = subscribed(*repeating);
  std::vector<messaging::Message> one{messaging::Message("t", "x")};
  ASSERT_TRUE(await(repeating->publish(caller, one)).ok());
  for (std::uint32_t delivery = 1; delivery <= 1 + Faults::most_repeats; ++delivery) {
    const auto items = await(subscription->pull(10)).value();
    ASSERT_EQ(items.size(), 1U);
    EXPECT_EQ(items[0].delivery_count, delivery);
    EXPECT_EQ(items[0].tries, 0U) << "it did not fail";
    std::vector<Settlement> done(1);
    done[0].id = items[0].id;
    done[0].delivery_count = delivery;
    EXPECT_TRUE(await(subscription->settle(done))->empty());
  }
  EXPECT_EQ(plain->counts().acked, 1U);
  EXPECT_EQ(log(), "deliver 1 repeated\ndeliver 2 repeated\ndeliver 3 repeated\n");
  EXPECT_EQ(faults->log().at(0).place.subject.substr(0, 4), "g t ");

  const auto down = with_faults(plain, site(&FaultPlan::unavailable, "messaging.default"));
  EXPECT_EQ(kind(await(down->publish(caller, one)).error()), "unavailable");
  EXPECT_EQ(plain->counts().published, 1U);
  const auto lossy = with_faults(plain, site(&FaultPlan::lost_answer, "messaging.default"));
  EXPECT_EQ(kind(await(lossy->publish(caller, one)).error()), "outcome_unknown");
  EXPECT_EQ(plain->counts().published, 2U);
}

TEST_F(FaultsTest, TasksAreRefusedLostAndRepeated) {
  const auto plain = tasks::open_backend({}, {}).value();
  tasks::EnqueueRequest request;
  request.jobs.emplace_back("q", "t");
  const auto down = with_faults(plain, site(&FaultPlan::unavailable, "tasks.default"));
  EXPECT_EQ(kind(await(down->enqueue(*loop, request)).error()), "unavailable");
  EXPECT_EQ(*await(plain->pending_count(*loop, "q")), 0U);
  const auto lossy = with_faults(plain, site(&FaultPlan::lost_answer, "tasks.default"));
  EXPECT_EQ(kind(await(lossy->enqueue(*loop, request)).error()), "outcome_unknown");
  EXPECT_EQ(*await(plain->pending_count(*loop, "q")), 1U);

  const auto repeating = with_faults(plain, site(&FaultPlan::repeated, "tasks.default"));
  tasks::ClaimRequest claim;
  claim.queue = "q";
  for (std::uint64_t run = 1; run <= 1 + Faults::most_repeats; ++run) {
    const auto claimed = await(repeating->claim(*loop, claim)).value();
    ASSERT_EQ(claimed.jobs.size(), 1U) << run;
    EXPECT_EQ(claimed.jobs[0].attempt, 1U) << "it did not fail";
    tasks::Completion done;
    done.run = {claimed.jobs[0].id, claimed.jobs[0].lease};
    std::vector<tasks::Completion> all{done};
    EXPECT_TRUE(await(repeating->settle(*loop, all))->empty());
  }
  EXPECT_EQ(*await(plain->pending_count(*loop, "q")), 0U);
  EXPECT_EQ(log(), "deliver 1 repeated\ndeliver 2 repeated\ndeliver 3 repeated\n");
}

TEST_F(FaultsTest, CachesAndObjects) {
  const net::Caller caller(*loop);
  cache::Environment environment(clock);
  const FaultSite caches = site(&FaultPlan::lost_answer, "cache.default");
  environment.wrap = [&](std::unique_ptr<cache::Backend> backend) { return with_faults(std::move(backend), caches); };
  const auto cache = cache::open({}, environment).value();
  const cache::Key key{"", "k"};
  Result<void> put = await(cache->set(&caller, key, "v", cache::SetOptions()).task());
  EXPECT_EQ(kind(put.error()), "outcome_unknown");
  EXPECT_EQ((*await(cache->get(&caller, key).task()))->view(), "v");
  EXPECT_EQ(log(), "put 1 lost_answer\n");

  services::StorageConfig config;
  config.url = "memory:";
  const storage::Environment stores(clock, pool);
  const auto plain = storage::open(config, stores).value();
  storage::Client down(with_faults(plain, site(&FaultPlan::unavailable, "storage.default")), config, {});
  EXPECT_FALSE(await(down.write(caller, "a", "x")).ok());
  EXPECT_EQ(log(), "put 1 unavailable\n");
  storage::Client lossy(with_faults(plain, site(&FaultPlan::lost_answer, "storage.default")), config, {});
  EXPECT_FALSE(*await(lossy.exists(caller, "a")));
  auto writer = await(lossy.open_write(caller, "a")).value();
  ASSERT_TRUE(await(writer->write("x")).ok());
  EXPECT_EQ(kind(await(writer->finish()).error()), "outcome_unknown");
  EXPECT_TRUE(*await(lossy.exists(caller, "a")));
}

}  // namespace
}  // namespace spikard::app
