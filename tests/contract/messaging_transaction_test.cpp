// Messages of a transaction of db: they are published when it commits, and not at all when it does not.
#include <gtest/gtest.h>

#include <map>

#include "base/json.hpp"
#include "db/client.hpp"
#include "db/registry.hpp"
#include "messaging/client.hpp"
#include "messaging/registry.hpp"
#include "store/sqlite/test_database.hpp"

namespace spikard::messaging {
namespace {

using Strings = std::vector<std::string>;

struct MessagingTransaction : ::testing::Test, store::sqlite::DatabaseFixture {
  std::shared_ptr<db::Client> db;
  std::shared_ptr<Client> client;
  std::shared_ptr<Consumer> consumer;
  Strings seen;
  net::Event arrived{*loop};

  std::shared_ptr<Client> open(const std::string& url, std::uint64_t retention_ms = 86'400'000) {
    services::MessagingConfig config;
    config.url = url;
    config.retention_ms = retention_ms;
    Environment environment(clock);
    environment.databases = &databases;
    return std::make_shared<Client>(messaging::open(config, environment).value(), ClientOptions());
  }
  void SetUp() override {
    services::DbConfig config;
    config.url = "sqlite:" + folder.file("test.db");
    db::Environment environment(pool);
    environment.databases = &databases;
    db = db::open(config, environment).value();
    client = open(config.url);
    services::Consumer options;
    options.name = "c";
    options.topic = "t";
    Handler handler = [this](Inbound item) -> Task<worker_loop::Outcome> {
      seen.push_back(item->payload);
      arrived.set();
      co_return worker_loop::Outcome::ack();
    };
    const std::vector<net::Loop*> loops{loop.get()};
    consumer =
        await(client->start_consumer(*loop, client->consumer_options(options).value(), handler_sink(loops, handler))).value();
  }
  void TearDown() override {
    (void)await(consumer->stop(std::chrono::seconds(10)));
    consumer.reset();
    client.reset();
    db.reset();
  }
  [[nodiscard]] net::Caller caller() const { return net::Caller(*loop); }
  void wait_for(std::size_t count) {
    while (seen.size() < count) loop->turn(1000);
  }
  static std::vector<Message> messages(const std::string& payload) {
    std::vector<Message> out;
    out.emplace_back("t", payload, "key", Headers{{"h", "v"}});
    return out;
  }
};

TEST_F(MessagingTransaction, InTheSameFileItIsAnInsert) {
  auto transaction = await(db->begin(caller())).value();
  ASSERT_TRUE(await(client->publish_in(caller(), *transaction, messages("rolled back"))).ok());
  ASSERT_TRUE(await(transaction->rollback(caller())).ok());
  transaction = await(db->begin(caller())).value();
  ASSERT_TRUE(await(client->publish_in(caller(), *transaction, messages("committed"))).ok());
  for (int i = 0; i < 20; ++i) loop->turn(1);
  EXPECT_EQ(seen, Strings{}) << "not before the commit";
  EXPECT_EQ(client->counts().published, 0U);
  ASSERT_TRUE(await(transaction->commit(caller())).ok());
  wait_for(1);
  EXPECT_EQ(seen, Strings{"committed"});
  EXPECT_EQ(client->counts().published, 1U);
  transaction.reset();
  // A nested scope that is undone takes its messages with it.
  transaction = await(db->begin(caller())).value();
  ASSERT_TRUE(await(transaction->savepoint(caller())).ok());
  ASSERT_TRUE(await(client->publish_in(caller(), *transaction, messages("undone"))).ok());
  ASSERT_TRUE(await(transaction->rollback_to(caller())).ok());
  ASSERT_TRUE(await(client->publish_in(caller(), *transaction, messages("kept"))).ok());
  ASSERT_TRUE(await(transaction->commit(caller())).ok());
  wait_for(2);
  EXPECT_EQ(seen, (Strings{"committed", "kept"}));
}

TEST_F(MessagingTransaction, WhatIsPublishedInTransactionsGoesByRetention) {
  const std::shared_ptr<Client> brief = open("sqlite:" + folder.file("test.db"), 0);
  const std::vector<Message> many(256, Message("nobody", "x"));
  std::int64_t left = 0;
  for (int i = 0; i < 10; ++i) {
    auto transaction = await(db->begin(caller())).value();
    ASSERT_TRUE(await(brief->publish_in(caller(), *transaction, many)).ok());
    ASSERT_TRUE(await(transaction->commit(caller())).ok());
    for (int turns = 0; turns < 20; ++turns) loop->turn(1);
    const Result<db::Rows> rows = await(db->query(caller(), "SELECT count(*) AS n FROM spikard_messages"));
    ASSERT_TRUE(rows.ok()) << rows.error().to_string();
    left = rows->rows.root().at(0).find("n").as_int();
  }
  EXPECT_LT(left, 2560);
}

TEST_F(MessagingTransaction, WhatCannotBePublishedLeavesTheTransactionAlone) {
  auto transaction = await(db->begin(caller())).value();
  std::vector<Message> bad = messages("x");
  bad[0].topic = "";
  EXPECT_EQ(await(client->publish_in(caller(), *transaction, bad)).error().kind(), ErrorKind::invalid_argument);
  ASSERT_TRUE(await(client->publish_in(caller(), *transaction, messages("good"))).ok());
  ASSERT_TRUE(await(transaction->commit(caller())).ok());
  wait_for(1);
  EXPECT_EQ(seen, Strings{"good"});
}

TEST_F(MessagingTransaction, AnotherBrokerGetsItByTheOutbox) {
  const std::shared_ptr<Client> other = open("sqlite:" + folder.file("other.db"));
  auto transaction = await(db->begin(caller())).value();
  std::vector<Message> several = messages(std::string("\x00\xff bytes", 8));
  several.emplace_back("t", "second");
  ASSERT_TRUE(await(other->publish_in(caller(), *transaction, several)).ok());
  ASSERT_TRUE(await(transaction->commit(caller())).ok());
  Result<db::Rows> rows = await(db->query(caller(), "SELECT target, kind, CAST(payload AS TEXT) AS payload FROM spikard_outbox"));
  ASSERT_TRUE(rows.ok()) << rows.error().to_string();
  ASSERT_EQ(rows->rows.root().size(), 1U);
  const Value row = rows->rows.root().at(0);
  EXPECT_EQ(row.find("target").text(), "messaging.default");
  EXPECT_EQ(row.find("kind").text(), "publish");
  // What the relay does with it.
  ASSERT_TRUE(await(client->deliver(caller(), std::string(row.find("payload").text()))).ok());
  wait_for(2);
  EXPECT_EQ(seen, (Strings{std::string("\x00\xff bytes", 8), "second"}));
  for (const char* broken : {"", "{}", "[1]", R"([{"topic": "t", "payload": "?", "headers": []}])"})
    EXPECT_EQ(await(client->deliver(caller(), broken)).error().kind(), ErrorKind::corrupt);
}

}  // namespace
}  // namespace spikard::messaging
