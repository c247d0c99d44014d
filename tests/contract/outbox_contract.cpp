// A transaction of a database that publishes to a broker elsewhere: what it commits gets there, in its order, and the inbox makes
// it count once; what it rolls back never does.
#include <gtest/gtest.h>

#include <algorithm>

#include "app/clients.hpp"
#include "app/outbox_component.hpp"
#include "db/registry.hpp"
#include "messaging/client.hpp"
#include "net/signing/hash.hpp"
#include "server.hpp"
#include "store/sqlite/test_database.hpp"
#ifdef SPIKARD_TEST_DB_MYSQL
#include "mysql_database.hpp"
#endif
#ifdef SPIKARD_TEST_DB_POSTGRES
#include "postgres_schema.hpp"
#endif

namespace spikard::app {
namespace {

struct Way {
  std::string database;
  std::string broker;
};
void PrintTo(const Way& way, std::ostream* out) { *out << way.database << "_to_" << way.broker; }

using Numbers = std::vector<std::int64_t>;

struct OutboxContract : ::testing::TestWithParam<Way>, store::sqlite::DatabaseFixture {
  const std::string place = "outbox_" + net::signing::hex(net::signing::random_bytes(6));
#ifdef SPIKARD_TEST_DB_MYSQL
  std::unique_ptr<contract::MysqlDatabase> mysql_database;
#endif
#ifdef SPIKARD_TEST_DB_POSTGRES
  std::unique_ptr<contract::PostgresSchema> schema;
#endif

  [[nodiscard]] std::string database_url() {
    if (GetParam().database == "sqlite") return "sqlite:" + folder.file("app.db");
#ifdef SPIKARD_TEST_DB_MYSQL
    if (GetParam().database == "mysql") {
      mysql_database = std::make_unique<contract::MysqlDatabase>();
      return mysql_database->url();
    }
#endif
#ifdef SPIKARD_TEST_DB_POSTGRES
    if (GetParam().database == "postgres") {
      schema = std::make_unique<contract::PostgresSchema>();
      return schema->url();
    }
#endif
    throw std::logic_error("no such database: " + GetParam().database);
  }
  [[nodiscard]] std::string broker_url() const {
    const std::string& to = GetParam().broker;
    if (to == "kafka") return contract::server_setting("KAFKA_URL") + "?prefix=" + place + ".";
    if (to == "amqp") return contract::server_setting("AMQP_URL") + "?name=" + place;
    if (to == "nats") return contract::server_setting("NATS_URL") + "?storage=memory&stream=" + place;
    if (to == "redis") return contract::server_setting("REDIS_URL") + "?prefix=" + place;
    if (to == "mqtt") return contract::server_setting("MQTT_URL") + "?session_expiry_s=60&prefix=" + place + "/";
    if (to == "sqlite") return "sqlite:" + folder.file("broker.db");
    return to + ":";
  }

  void SetUp() override {
    manifest.services.db["default"].url = database_url();
    services::MessagingConfig& there = manifest.services.messaging["default"];
    there.url = broker_url();
    there.store = "sqlite:" + folder.file("deliveries.db");
    open();
    run("CREATE TABLE written (n INTEGER NOT NULL)");
    run("CREATE TABLE counted (n INTEGER NOT NULL, seen INTEGER NOT NULL)");
    run_outbox();
    start_consumer();
  }
  void TearDown() override {
    if (consumer != nullptr) (void)await(consumer->stop(std::chrono::seconds(10)));
    consumer.reset();
    close();
  }
  /// As a process begins and ends.
  void open() {
    Clients::Environment environment;
    environment.clock = &clock;
    environment.pool = &pool;
    environment.opened_db = [this](const std::shared_ptr<db::Client>& client) { outbox->opened(client); };
    clients = std::make_unique<Clients>(manifest, std::move(environment));
    outbox = std::make_unique<OutboxComponent>(*clients, logger);
    db = clients->db("default").value();
    broker = clients->messaging("default").value();
  }
  void run_outbox() { outbox->run_on(*loop); }
  void close() {
    bool closed = false;
    outbox->close([&] { closed = true; });
    turn_until(closed);
    outbox.reset();
    db.reset();
    broker.reset();
    clients->forget(*loop);
    clients->close();
    clients.reset();
  }

  [[nodiscard]] net::Caller caller() const { return net::Caller(*loop); }
  void run(const std::string& sql) {
    const Result<std::uint64_t> done = await(db->execute(caller(), sql));
    ASSERT_TRUE(done.ok()) << done.error().to_string();
  }
  Numbers numbers(const std::string& sql) {
    const Result<db::Rows> rows = await(db->query(caller(), sql));
    EXPECT_TRUE(rows.ok()) << rows.error().to_string();
    Numbers out;
    if (rows.ok())
      for (const Value row : rows->rows.root().elements()) out.push_back(row.find("n").as_int());
    return out;
  }

  /// The row and its message.
  void write(std::int64_t n, bool commit) {
    auto tx = await(db->begin(caller())).value();
    ASSERT_TRUE(await(tx->execute(caller(), "INSERT INTO written (n) VALUES ($1)", db::params(n))).ok());
    std::vector<messaging::Message> messages;
    messages.emplace_back("orders", std::to_string(n), "key");
    ASSERT_TRUE(await(broker->publish_in(caller(), *tx, std::move(messages))).ok());
    const Result<void> ended = commit ? await(tx->commit(caller())) : await(tx->rollback(caller()));
    ASSERT_TRUE(ended.ok()) << ended.error().to_string();
  }
  /// Counts each message once, by the inbox, in one transaction with the count.
  Task<Result<void>> count(std::string payload) {
    auto begun = co_await db->begin(caller());
    if (!begun.ok()) co_return std::move(begun).error();
    const std::shared_ptr<db::Transaction> tx = std::move(begun).value();
    Result<bool> fresh = co_await tx->inbox("orders", payload);
    if (!fresh.ok()) co_return std::move(fresh).error();
    if (*fresh) {
      Document params = db::params(std::int64_t{std::stoll(payload)}, deliveries);
      Result<std::uint64_t> done =
          co_await tx->execute(caller(), "INSERT INTO counted (n, seen) VALUES ($1, $2)", std::move(params));
      if (!done.ok()) co_return std::move(done).error();
    }
    Result<void> done = co_await tx->commit(caller());
    co_return done;
  }
  void start_consumer() {
    services::Consumer options;
    options.name = "c";
    options.topic = "orders";
    options.group = "g";
    options.concurrency = 1;  // so in the order they come
    if (broker->capabilities().replay) options.start_from = services::StartFrom::earliest;
    messaging::Handler handler = [this](messaging::Inbound item) -> Task<worker_loop::Outcome> {
      ++deliveries;
      Task<Result<void>> counting = count(item->payload);
      Result<void> done = co_await std::move(counting);
      co_return done.ok() ? worker_loop::Outcome::ack() : worker_loop::Outcome::retry(std::chrono::milliseconds(100));
    };
    const std::vector<net::Loop*> loops{loop.get()};
    auto started =
        await(broker->start_consumer(*loop, broker->consumer_options(options).value(), messaging::handler_sink(loops, handler)));
    ASSERT_TRUE(started.ok()) << started.error().to_string();
    consumer = std::move(started).value();
  }
  /// Until everything that was written is counted, 30 s at most: servers take their time.
  void expect_counted() {
    const Instant deadline = clock.now() + std::chrono::seconds(30);
    const Numbers written = numbers("SELECT n FROM written ORDER BY n");
    Numbers counted;
    while ((counted = numbers("SELECT n FROM counted ORDER BY n")) != written && clock.now() < deadline) loop->turn(20);
    EXPECT_EQ(counted, written);
    EXPECT_EQ(numbers("SELECT n FROM counted ORDER BY seen, n"), written) << "the order of the commits";
    EXPECT_EQ(numbers("SELECT count(*) AS n FROM spikard_outbox"), Numbers{0});
  }

  services::Manifest manifest;
  log::Logger logger{std::make_shared<log::FdSink>(2), clock, log::Format::json, log::Level::error, "test"};
  std::unique_ptr<OutboxComponent> outbox;
  std::unique_ptr<Clients> clients;
  std::shared_ptr<db::Client> db;
  std::shared_ptr<messaging::Client> broker;
  std::shared_ptr<messaging::Consumer> consumer;
  std::int64_t deliveries = 0;
};

TEST_P(OutboxContract, WhatIsCommittedCountsOnceAndInOrderWhatIsRolledBackNever) {
  for (std::int64_t n = 0; n < 60; ++n) write(n, n % 3 != 2);
  expect_counted();
  EXPECT_EQ(numbers("SELECT count(*) AS n FROM counted"), Numbers{40});
}

TEST_P(OutboxContract, TransactionsThatAreTheFirstTogether) {
  int ended = 0;
  const auto one = [this](std::int64_t n) -> Task<Result<void>> {
    auto begun = co_await db->begin(caller());
    if (!begun.ok()) co_return std::move(begun).error();
    const std::shared_ptr<db::Transaction> tx = std::move(begun).value();
    std::vector<messaging::Message> messages;
    messages.emplace_back("orders", std::to_string(n), "key");
    Result<void> published = co_await broker->publish_in(caller(), *tx, std::move(messages));
    if (!published.ok()) co_return published;
    Document params = db::params(n);
    Result<std::uint64_t> done = co_await tx->execute(caller(), "INSERT INTO written (n) VALUES ($1)", std::move(params));
    if (!done.ok()) co_return std::move(done).error();
    Result<void> committed = co_await tx->commit(caller());
    co_return committed;
  };
  for (std::int64_t n = 0; n < 5; ++n) {
    spawn(one(n), [&](const std::exception_ptr& error, std::optional<Result<void>> result) {
      EXPECT_EQ(error, nullptr);
      EXPECT_TRUE(result.has_value() && result->ok()) << result->error().to_string();
      ++ended;
    });
  }
  while (ended < 5) loop->turn(-1);
  EXPECT_EQ(numbers("SELECT count(*) AS n FROM written"), Numbers{5});
}

TEST_P(OutboxContract, WhatAProcessThatDiedLeftIsDeliveredByTheNext) {
  if (GetParam().broker == "memory") GTEST_SKIP() << "nothing of the broker outlives its process";
  (void)await(consumer->stop(std::chrono::seconds(10)));
  consumer.reset();
  close();
  open();  // and nobody delivers
  for (std::int64_t n = 0; n < 20; ++n) write(n, true);
  EXPECT_EQ(numbers("SELECT count(*) AS n FROM spikard_outbox"), Numbers{20});
  close();
  open();
  run_outbox();
  start_consumer();
  expect_counted();
}

INSTANTIATE_TEST_SUITE_P(Embedded, OutboxContract, ::testing::Values(Way{"sqlite", "memory"}, Way{"sqlite", "sqlite"}),
                         ::testing::PrintToStringParamName());
#ifdef SPIKARD_TEST_DB_MYSQL
INSTANTIATE_TEST_SUITE_P(Server_mysql, OutboxContract, ::testing::Values(Way{"mysql", "memory"}, Way{"mysql", "sqlite"}),
                         ::testing::PrintToStringParamName());
#endif
#ifdef SPIKARD_TEST_DB_POSTGRES
#define SPIKARD_TO(BROKER) ::testing::Values(Way{"sqlite", BROKER}, Way{"postgres", BROKER})
INSTANTIATE_TEST_SUITE_P(Server_postgres, OutboxContract, ::testing::Values(Way{"postgres", "memory"}, Way{"postgres", "sqlite"}),
                         ::testing::PrintToStringParamName());
#else
#define SPIKARD_TO(BROKER) ::testing::Values(Way{"sqlite", BROKER})
#endif
#ifdef SPIKARD_MESSAGING_AMQP
INSTANTIATE_TEST_SUITE_P(Server_amqp, OutboxContract, SPIKARD_TO("amqp"), ::testing::PrintToStringParamName());
#endif
#ifdef SPIKARD_MESSAGING_NATS
INSTANTIATE_TEST_SUITE_P(Server_nats, OutboxContract, SPIKARD_TO("nats"), ::testing::PrintToStringParamName());
#endif
#ifdef SPIKARD_MESSAGING_KAFKA
INSTANTIATE_TEST_SUITE_P(Server_kafka, OutboxContract, SPIKARD_TO("kafka"), ::testing::PrintToStringParamName());
#endif
#ifdef SPIKARD_MESSAGING_REDIS
INSTANTIATE_TEST_SUITE_P(Server_redis, OutboxContract, SPIKARD_TO("redis"), ::testing::PrintToStringParamName());
#endif
#ifdef SPIKARD_MESSAGING_MQTT
INSTANTIATE_TEST_SUITE_P(Server_mqtt, OutboxContract, SPIKARD_TO("mqtt"), ::testing::PrintToStringParamName());
#endif

}  // namespace
}  // namespace spikard::app
