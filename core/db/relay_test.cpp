#include "db/relay.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/json.hpp"
#include "db/operations.hpp"
#include "db/registry.hpp"
#include "store/sqlite/test_database.hpp"

namespace spikard::db {
namespace {

using std::chrono::milliseconds;

struct RelayTest : ::testing::Test, store::sqlite::DatabaseFixture {
  void SetUp() override {
    services::DbConfig config;
    config.url = "sqlite:" + folder.file("relay.db");
    Environment environment(pool);
    environment.databases = &databases;
    client = open(config, environment).value();
    options.first_retry = milliseconds(5);
    options.poll = milliseconds(20);
  }
  void TearDown() override {
    client->close();
    client.reset();
  }
  void commit(const std::vector<std::pair<std::string, std::string>>& entries, bool keep = true) {
    auto tx = await(client->begin(net::Caller(*loop))).value();
    for (const auto& [target, payload] : entries)
      ASSERT_TRUE(await(tx->outbox(store::OutboxEntry(target, "publish", payload))).ok());
    if (keep) {
      ASSERT_TRUE(await(tx->commit(net::Caller(*loop))).ok());
    } else {
      ASSERT_TRUE(await(tx->rollback(net::Caller(*loop))).ok());
    }
  }
  std::shared_ptr<Relay> relay(std::string name = {}) {
    auto made = Relay::make(
        client, *loop,
        [this, name](net::Caller, const Relay::Entry& entry) -> Task<Result<void>> {
          const std::string what = name + entry.what.target + ":" + entry.what.payload;
          if (refuse > 0 && entry.what.target == refused) {
            --refuse;
            co_return Result<void>(Error(ErrorKind::unavailable, "not now"));
          }
          if (entry.what.payload == wrong) co_return Result<void>(invalid_argument("no such thing"));
          delivered.push_back(what);
          keys.insert(entry.key);
          co_return Result<void>();
        },
        options);
    made->on_error([this](const Relay::Entry&, const Error&) { ++errors; });
    made->on_refused([this](const Relay::Entry& entry, const Error& error) {
      set_aside.push_back(entry.what.target + ":" + entry.what.payload + " " + std::string(name_of(error.kind())));
    });
    made->start();
    return made;
  }
  void turn_until_delivered(std::size_t count) {
    while (delivered.size() < count) loop->turn(-1);
  }
  void stop(Relay& of) {
    bool stopped = false;
    of.stop([&] { stopped = true; });
    turn_until(stopped);
  }
  std::int64_t left() {
    auto row = await(client->first(net::Caller(*loop), "SELECT count(*) AS n FROM spikard_outbox"));
    return row.ok() && row->has_value() ? (*row)->rows.root().at(0).find("n").as_int() : -1;
  }

  std::shared_ptr<Client> client;
  RelayOptions options;
  std::vector<std::string> delivered;
  std::set<std::string> keys;
  std::vector<std::string> set_aside;
  std::string wrong = "wrong";
  std::string refused;
  int refuse = 0;
  int errors = 0;
};

using Strings = std::vector<std::string>;

TEST_F(RelayTest, DeliversWhatWasCommittedInOrderAndForgetsIt) {
  commit({{"m", "1"}, {"m", "2"}});
  commit({{"m", "no"}}, false);
  auto one = relay();
  commit({{"m", "3"}});
  turn_until_delivered(3);
  stop(*one);
  EXPECT_EQ(delivered, (Strings{"m:1", "m:2", "m:3"}));
  EXPECT_EQ(left(), 0);
  EXPECT_EQ(one->delivered(), 3U);
}

TEST_F(RelayTest, ATargetThatRefusesHoldsUpNobodyElseAndKeepsItsOrder) {
  refused = "down";
  refuse = 3;
  commit({{"down", "1"}, {"up", "a"}, {"down", "2"}, {"up", "b"}});
  auto one = relay();
  turn_until_delivered(4);
  stop(*one);
  EXPECT_EQ(delivered, (Strings{"up:a", "up:b", "down:1", "down:2"}));
  EXPECT_EQ(errors, 3);
  EXPECT_EQ(left(), 0);
}

TEST_F(RelayTest, AnEntryThatIsRefusedForGoodIsSetAsideAndTheNextOnesGoOn) {
  commit({{"m", "1"}, {"m", "wrong"}, {"m", "2"}, {"other", "wrong"}});
  auto one = relay();
  turn_until_delivered(2);
  commit({{"m", "3"}});
  turn_until_delivered(3);
  EXPECT_EQ(delivered, (Strings{"m:1", "m:2", "m:3"}));
  EXPECT_EQ(set_aside, (Strings{"m:wrong invalid_argument", "other:wrong invalid_argument"}));
  EXPECT_EQ(errors, 0);
  EXPECT_EQ(one->refused(), 2U);

  net::BlockingPool files{clock};
  store::OpenTransactions open;
  Operations operations(client, files, open, {});
  while (left() > 2) loop->turn(-1);
  const Result<Document> stats = await(operations.call(net::Caller(*loop), Operation::db_stats, {}, nullptr));
  EXPECT_NE(json::to_string(stats->root()).find(R"("outbox":0,"refused":2)"), std::string::npos);
  files.stop();

  // As docs/guide/db.md says, once the reason is gone.
  wrong.clear();
  ASSERT_TRUE(await(client->execute(net::Caller(*loop),
                                    "UPDATE spikard_outbox SET target = substr(target, 9) WHERE target LIKE 'refused.%'"))
                  .ok());
  turn_until_delivered(5);
  stop(*one);
  EXPECT_EQ(left(), 0);
}

TEST_F(RelayTest, OneOfManyWorksAndAnotherTakesOver) {
  auto first = relay("1 ");
  commit({{"m", "a"}});
  turn_until_delivered(1);
  auto second = relay("2 ");
  commit({{"m", "b"}});
  turn_until_delivered(2);
  stop(*first);
  commit({{"m", "c"}});
  turn_until_delivered(3);
  stop(*second);
  EXPECT_EQ(delivered, (Strings{"1 m:a", "1 m:b", "2 m:c"}));
}

TEST_F(RelayTest, MoreThanABatchAndPlainSqlAreDelivered) {
  options.batch = 7;
  auto one = relay();
  commit({{"m", "0"}});  // makes the table
  turn_until_delivered(1);
  ASSERT_TRUE(
      await(client->execute(net::Caller(*loop),
                            "INSERT INTO spikard_outbox (target, kind, payload) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
                            "SELECT i + 1 FROM n WHERE i < 50) SELECT 'm', 'publish', CAST(i AS BLOB) FROM n"))
          .ok());
  turn_until_delivered(51);  // found by the poll
  stop(*one);
  for (std::size_t i = 0; i <= 50; ++i) EXPECT_EQ(delivered[i], "m:" + std::to_string(i));
  EXPECT_EQ(left(), 0);
}

TEST_F(RelayTest, AnEntryOfAFileMadeAnewIsNotTheOneOfTheOldFile) {
  commit({{"m", "1"}});
  auto one = relay();
  turn_until_delivered(1);
  stop(*one);
  one = relay("again ");
  commit({{"m", "2"}});
  turn_until_delivered(2);
  stop(*one);
  one.reset();
  EXPECT_EQ(keys.size(), 2U);
  client->close();
  client.reset();
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(folder.file(std::string("relay.db") + end));
  SetUp();
  commit({{"m", "1"}, {"m", "2"}});
  one = relay("anew ");
  turn_until_delivered(4);
  stop(*one);
  EXPECT_EQ(keys.size(), 4U);
}

}  // namespace
}  // namespace spikard::db
