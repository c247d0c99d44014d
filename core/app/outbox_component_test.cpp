#include "app/outbox_component.hpp"

#include <gtest/gtest.h>

#include "db/registry.hpp"
#include "store/sqlite/test_database.hpp"

namespace spikard::app {
namespace {

struct OutboxComponentTest : ::testing::Test, store::sqlite::DatabaseFixture {
  struct Counting final : log::Sink {
    int lines = 0;
    void write(log::Level, std::string_view) noexcept override { ++lines; }
  };

  void SetUp() override {
    manifest.services.db["default"].url = "sqlite:" + folder.file("app.db");
    manifest.services.db["second"].url = "sqlite:" + folder.file("second.db");
    manifest.services.messaging["default"].url = "memory:";
    manifest.services.tasks["default"].url = "sqlite:" + folder.file("tasks.db");
    Clients::Environment environment;
    environment.clock = &clock;
    environment.pool = &pool;
    environment.opened_db = [this](const std::shared_ptr<db::Client>& client) { outbox->opened(client); };
    clients = std::make_unique<Clients>(manifest, std::move(environment));
    outbox = std::make_unique<OutboxComponent>(*clients, logger);
    outbox->run_on(*loop);
  }
  void TearDown() override {
    bool closed = false;
    outbox->close([&] { closed = true; });
    turn_until(closed);
    outbox.reset();
    clients->close();
    clients.reset();
  }
  std::shared_ptr<db::Transaction> begin(const std::string& name = "default") {
    return await(clients->db(name).value()->begin(net::Caller(*loop))).value();
  }

  services::Manifest manifest;
  std::shared_ptr<Counting> logged = std::make_shared<Counting>();
  log::Logger logger{logged, clock, log::Format::json, log::Level::warn, "test"};
  std::unique_ptr<OutboxComponent> outbox;
  std::unique_ptr<Clients> clients;
};

TEST_F(OutboxComponentTest, WhatATransactionLeavesForOtherStoresGetsThere) {
  const net::Caller caller(*loop);
  auto messaging = clients->messaging("default").value();
  auto tasks = clients->tasks("default").value();
  auto tx = begin();
  std::vector<messaging::Message> messages{messaging::Message("orders", "one"), messaging::Message("orders", "two")};
  ASSERT_TRUE(await(messaging->publish_in(caller, *tx, messages)).ok());
  tasks::NewJob job;
  job.task = "invoice";
  std::vector<tasks::NewJob> jobs{job};
  ASSERT_TRUE(await(tasks->enqueue_in(caller, *tx, jobs)).ok());
  ASSERT_TRUE(await(tx->rollback(caller)).ok());
  tx = begin();
  ASSERT_TRUE(await(messaging->publish_in(caller, *tx, messages)).ok());
  ASSERT_TRUE(await(tasks->enqueue_in(caller, *tx, jobs)).ok());
  ASSERT_TRUE(await(tx->commit(caller)).ok());
  while (outbox->counts().finished < 2) loop->turn(-1);
  EXPECT_EQ(outbox->counts().finished, 2U);
}

TEST_F(OutboxComponentTest, WhatNobodyUnderstandsIsSetAsideAndWhatIsForANameOfAnotherDeploymentWaits) {
  const net::Caller caller(*loop);
  auto tasks = clients->tasks("default").value();
  auto tx = begin();
  const std::string insert = "INSERT INTO spikard_outbox (target, kind, payload) VALUES (?, ?, CAST(? AS BLOB))";
  ASSERT_TRUE(await(tasks->enqueue_in(caller, *tx, {tasks::NewJob("q", "first")})).ok());
  ASSERT_TRUE(await(tx->execute(caller, insert, db::params("tasks.default", "enqueue", "no JSON"))).ok());
  ASSERT_TRUE(await(tx->execute(caller, insert, db::params("tasks.default", "dance", "{}"))).ok());
  ASSERT_TRUE(await(tx->execute(caller, insert, db::params("tasks.new", "enqueue", R"({"task":"t"})"))).ok());
  ASSERT_TRUE(await(tasks->enqueue_in(caller, *tx, {tasks::NewJob("q", "last")})).ok());
  ASSERT_TRUE(await(tx->commit(caller)).ok());
  while (outbox->counts().finished < 2) loop->turn(-1);
  EXPECT_EQ(*await(tasks->pending_count(caller, "q")), 2U);
  auto db = clients->db("default").value();
  std::string rows;
  do {
    rows = json::to_string(await(db->query(caller, "SELECT target FROM spikard_outbox ORDER BY id"))->rows.root());
  } while (rows.find("\"tasks.default") != std::string::npos);
  EXPECT_EQ(rows, R"([{"target":"refused.tasks.default"},{"target":"refused.tasks.default"},{"target":"tasks.new"}])");
}

TEST_F(OutboxComponentTest, EntriesOfTwoDatabasesWithTheSameIdAreTwoJobs) {
  const net::Caller caller(*loop);
  auto tasks = clients->tasks("default").value();
  for (const char* name : {"default", "second"}) {
    auto tx = begin(name);
    ASSERT_TRUE(await(tasks->enqueue_in(caller, *tx, {tasks::NewJob("q", "ours")})).ok());
    // As another program would.
    ASSERT_TRUE(await(tx->execute(caller,
                                  "INSERT INTO spikard_outbox (target, kind, payload, created_at) VALUES ('tasks.default', "
                                  "'enqueue', CAST('{\"queue\":\"q\",\"task\":\"theirs\"}' AS BLOB), '2026-01-01')"))
                    .ok());
    ASSERT_TRUE(await(tx->commit(caller)).ok());
  }
  while (outbox->counts().finished < 4) loop->turn(-1);
  EXPECT_EQ(*await(tasks->pending_count(caller, "q")), 4U);
}

TEST_F(OutboxComponentTest, WhatAnEarlierRunLeftGetsThereThoughTheFirstLookFails) {
  const net::Caller caller(*loop);
  db::Environment environment(pool);
  environment.databases = &databases;
  const std::shared_ptr<db::Client> earlier = db::open(manifest.services.db["default"], environment).value();
  {
    const std::shared_ptr<db::Transaction> tx = await(earlier->begin(caller)).value();
    std::vector<messaging::Message> messages{messaging::Message("orders", "one")};
    ASSERT_TRUE(await(clients->messaging("default").value()->publish_in(caller, *tx, messages)).ok());
    ASSERT_TRUE(await(tx->commit(caller)).ok());
  }
  ASSERT_TRUE(await(earlier->execute(caller, "ALTER TABLE spikard_outbox RENAME COLUMN id TO other")).ok());
  ASSERT_TRUE(clients->db("default").ok());
  while (logged->lines == 0) loop->turn(-1);  // by the relay
  ASSERT_TRUE(await(earlier->execute(caller, "ALTER TABLE spikard_outbox RENAME COLUMN other TO id")).ok());
  while (outbox->counts().finished < 1) loop->turn(-1);
  earlier->close();
}

}  // namespace
}  // namespace spikard::app
