#include "app/cloudevents_inbox.hpp"

#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "db/registry.hpp"
#include "net/blocking_pool.hpp"
#include "store/sqlite/databases.hpp"

namespace spikard::app {
namespace {

struct Inbox : ::testing::Test {
  RealClock clock;
  std::unique_ptr<net::Loop> loop = net::Loop::create(clock).value();
  net::BlockingPool pool{clock};
  store::sqlite::Databases databases{pool};
  std::shared_ptr<db::Client> database;

  void SetUp() override {
    loop->turn(0);
    services::DbConfig config;
    config.url = "sqlite::memory:";
    db::Environment environment(pool);
    environment.databases = &databases;
    auto opened = db::open(config, environment);
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    database = std::move(opened).value();
  }
  void TearDown() override {
    if (database != nullptr) database->close();
    database.reset();
    pool.stop();
  }
  template <class T>
  Result<T> finish(Task<Result<T>> task) {
    std::optional<Result<T>> out;
    spawn(std::move(task), [&](std::exception_ptr, std::optional<Result<T>> result) { out = std::move(result); });
    for (int i = 0; i < 5000 && !out; ++i) loop->turn(1);
    return out ? std::move(*out) : Result<T>(internal_error("not done"));
  }
};

TEST_F(Inbox, AnEventIsNewUntilItWasHandled) {
  DbEventGate gate([this](const std::string& name) -> Result<std::shared_ptr<db::Client>> {
    if (name == "default") return database;
    return Error(ErrorKind::not_found, "services.db has no " + name);
  });
  services::EventInbox inbox;
  const auto one = std::make_shared<const cloudevents::Event>("t", "/s", "1");
  const auto other = std::make_shared<const cloudevents::Event>("t", "/s2", "1");
  EXPECT_TRUE(*finish(gate.is_new(*loop, inbox, "a", one)));
  EXPECT_TRUE(finish(gate.handled(*loop, inbox, "a", one)).ok());
  EXPECT_FALSE(*finish(gate.is_new(*loop, inbox, "a", one)));
  EXPECT_TRUE(*finish(gate.is_new(*loop, inbox, "a", other)));
  EXPECT_TRUE(finish(gate.handled(*loop, inbox, "a", one)).ok()) << "twice is no harm";
  EXPECT_TRUE(*finish(gate.is_new(*loop, inbox, "b", one))) << "somebody else has not handled it";
  inbox.db = "none";
  EXPECT_EQ(finish(gate.is_new(*loop, inbox, "a", one)).error().kind(), ErrorKind::not_found);
}

TEST_F(Inbox, WhatIsOldIsForgotten) {
  DbEventGate gate([this](const std::string&) -> Result<std::shared_ptr<db::Client>> { return database; });
  services::EventInbox inbox;
  inbox.retention_ms = 3600000;
  const auto old = std::make_shared<const cloudevents::Event>("t", "/s", "old");
  const auto recent = std::make_shared<const cloudevents::Event>("t", "/s", "recent");
  const auto insert = [&](const char* when) {
    return finish(database->execute(
        net::Caller(*loop), std::string("INSERT INTO spikard_inbox (source, id, seen_at) VALUES ('a /s', 'old', ") + when + ")"));
  };
  {
    DbEventGate first([this](const std::string&) -> Result<std::shared_ptr<db::Client>> { return database; });
    ASSERT_TRUE(finish(first.handled(*loop, inbox, "a", std::make_shared<const cloudevents::Event>("t", "/s", "0"))).ok());
  }
  ASSERT_TRUE(insert("datetime('now', '-2 hours')").ok());
  EXPECT_FALSE(*finish(gate.is_new(*loop, inbox, "a", old)));
  EXPECT_TRUE(finish(gate.handled(*loop, inbox, "a", recent)).ok());
  EXPECT_TRUE(*finish(gate.is_new(*loop, inbox, "a", old)));
  EXPECT_FALSE(*finish(gate.is_new(*loop, inbox, "a", recent)));
}

}  // namespace
}  // namespace spikard::app
