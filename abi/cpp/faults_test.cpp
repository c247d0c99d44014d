// Seeded faults: a handler that writes a row, a message and a task in one transaction, under all of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "spikard/spikard.hpp"
#include "spikard/test_client.hpp"

namespace spikard {
namespace {

struct Order {
  std::int64_t id{};
};
BOOST_DESCRIBE_STRUCT(Order, (), (id))

/// `sql` as it stands, in a transaction that `source` and `id` enter once.
Task<Result<void>> once(db::Client& db, net::Caller caller, std::string source, std::string id, std::string sql) {
  auto write = [&](db::Transaction& tx) -> Task<Result<void>> {
    Result<bool> fresh = co_await tx.inbox(source, id);
    if (!fresh.ok()) co_return std::move(fresh).error();
    if (!*fresh) co_return Result<void>();
    Result<std::uint64_t> done = co_await tx.execute(caller, sql);
    if (!done.ok()) co_return std::move(done).error();
    co_return Result<void>();
  };
  co_return co_await db.transaction(caller, std::move(write));
}

Task<Result<void>> create(Body<Order> order, Context& ctx) {
  auto write = [&](db::Transaction& tx) -> Task<Result<void>> {
    Document params = db::params(order->id);
    Result<std::uint64_t> made =
        co_await tx.execute(ctx, "INSERT INTO orders (id) VALUES (?) ON CONFLICT DO NOTHING", std::move(params));
    if (!made.ok()) co_return std::move(made).error();
    if (*made == 0) co_return Result<void>();  // an earlier try whose answer was lost
    std::vector<messaging::Message> messages;
    messages.emplace_back("orders.created", to_json(*order));
    Result<void> told = co_await ctx.messaging().publish_in(ctx, tx, std::move(messages));
    if (!told.ok()) co_return told;
    tasks::NewJob job("default", "invoice", to_json(*order));
    job.max_attempts = 20;
    job.backoff.jitter = 0;  // drawn in the order in which tasks fail
    std::vector<tasks::NewJob> jobs;
    jobs.push_back(std::move(job));
    auto enqueued = co_await ctx.tasks().enqueue_in(ctx, tx, std::move(jobs));
    if (!enqueued.ok()) co_return std::move(enqueued).error();
    co_return Result<void>();
  };
  co_return co_await ctx.db().transaction(ctx, std::move(write));
}

App make_app() {
  App app;
  app.manifest().log.level = services::LogLevel::off;
  app.manifest().services.db["default"].url = "sqlite::memory:";
  app.manifest().services.messaging["default"].url = "memory:";
  app.manifest().services.tasks["default"].url = "memory:";
  app.post("/setup", [](Context& ctx) -> Task<Result<void>> {
    for (const char* sql :
         {"CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY)", "CREATE TABLE IF NOT EXISTS counted (id INTEGER)",
          "CREATE TABLE IF NOT EXISTS invoices (id INTEGER)", "CREATE TABLE IF NOT EXISTS nights (id INTEGER)"}) {
      Result<std::uint64_t> made = co_await ctx.db().execute(ctx, sql);
      if (!made.ok()) co_return std::move(made).error();
    }
    co_return Result<void>();
  });
  app.post("/orders", create);
  app.get("/counts", [] {
    return Rows{.sql =
                    "SELECT (SELECT count(*) FROM orders) AS orders, (SELECT count(*) FROM counted) AS counted, "
                    "(SELECT count(DISTINCT id) FROM counted) AS of_them, (SELECT count(*) FROM invoices) AS invoices, "
                    "(SELECT count(*) FROM nights) AS nights"};
  });
  services::Consumer consumer;
  consumer.group = "count";
  consumer.max_retries = 20;
  app.consumer("orders.created", consumer, [](Order order, Message& message) -> Task<Result<void>> {
    const std::string id = std::to_string(order.id);
    co_return co_await once(message.db(), message, "count", id, "INSERT INTO counted VALUES (" + id + ")");
  });
  app.task("invoice", [](Order order, TaskRun& run) -> Task<Result<void>> {
    const std::string id = std::to_string(order.id);
    co_return co_await once(run.db(), run, "invoice", id, "INSERT INTO invoices VALUES (" + id + ")");
  });
  app.task("report", [](TaskRun& run) -> Task<Result<void>> {
    const std::string id = std::to_string(run.item().position);
    co_return co_await once(run.db(), run, "report", id, "INSERT INTO nights VALUES (" + id + ")");
  });
  services::Schedule more;
  more.max_attempts = 20;
  app.schedule("nightly", "0 3 * * *", "report", more);
  return app;
}

Faults all_kinds(std::uint64_t seed) {
  Faults faults;
  faults.seed = seed;
  faults.unavailable = faults.lost_answer = faults.delay = faults.repeated = 0.15;
  faults.delay_ms = 200;
  return faults;
}

/// As a caller who tries again until it worked.
void insist(TestClient& client, std::string_view method, std::string_view target, std::string_view body, std::string& got) {
  for (int tries = 0; tries < 50; ++tries) {
    auto answer = client.open(method, target, {{"Content-Type", "application/json"}}, body);
    for (int i = 0; i < 100 && !answer.ended(); ++i) client.advance(std::chrono::milliseconds(100));  // delays pass
    const TestResponse response = answer.finish();
    got = response.body;
    if (response.status < 300) return;
  }
  FAIL() << target << " never worked: " << got;
}

struct Played {
  std::string counts;
  std::vector<Fault> faults;
};
Played play(std::uint64_t seed) {
  App app = make_app();
  TestClient client(app, {.virtual_clock = true, .faults = all_kinds(seed)});
  Played out;
  insist(client, "POST", "/setup", "{}", out.counts);
  for (int id = 1; id <= 10; ++id) insist(client, "POST", "/orders", to_json(Order{id}), out.counts);
  client.advance(std::chrono::hours(24 * 30));
  insist(client, "GET", "/counts", "", out.counts);
  out.faults = client.faults();
  return out;
}

std::string text_of(const std::vector<Fault>& faults) {
  std::string out;
  for (const Fault& fault : faults) {
    out += std::to_string(fault.at_ms) + " " + fault.client + " " + fault.operation + " #" + std::to_string(fault.n) + " " +
           fault.kind + ": " + fault.subject + "\n";
  }
  return out;
}

TEST(SeededFaults, EffectsAreExactlyOnceAndTheSameSeedIsTheSameRun) {
  constexpr const char* all = R"([{"orders":10,"counted":10,"of_them":10,"invoices":10,"nights":30}])";
  const Played first = play(7);
  EXPECT_EQ(first.counts, all);
  std::map<std::string, int> kinds;
  for (const Fault& fault : first.faults) ++kinds[fault.kind];
  EXPECT_EQ(kinds.size(), 4U);
  EXPECT_TRUE(std::any_of(first.faults.begin(), first.faults.end(), [](const Fault& fault) {
    return fault.client == "db.default" && fault.operation == "commit" && fault.kind == "lost_answer";
  }));
  const Played again = play(7);
  EXPECT_EQ(again.counts, all);
  EXPECT_EQ(text_of(again.faults), text_of(first.faults));
  const Played other = play(8);
  EXPECT_EQ(other.counts, all);
  EXPECT_NE(text_of(other.faults), text_of(first.faults));
}

TEST(SeededFaults, OnlyWhereTheyAreAskedFor) {
  App app = make_app();
  Faults faults;
  faults.unavailable = 1;
  faults.only = {"cache"};
  TestClient client(app, {.virtual_clock = true, .faults = faults});
  EXPECT_EQ(client.post("/setup", Json{}).status, 204);
  EXPECT_TRUE(client.faults().empty());
}

TEST(SeededFaults, WhatIsWrongIsNamed) {
  App app = make_app();
  const auto why = [&](Faults faults, bool virtual_clock = true) -> std::string {
    try {
      const TestClient client(app, {.virtual_clock = virtual_clock, .faults = faults});
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "nothing";
  };
  Faults faults;
  faults.delay = 2;
  EXPECT_EQ(why(faults), "faults.delay: expected a number from 0 to 1, got 2.000000");
  faults = {};
  faults.only = {"mail"};
  EXPECT_EQ(why(faults), "faults.only: expected cache, storage, db, messaging or tasks, got \"mail\"");
  EXPECT_EQ(why({}, false), R"(faults: expected the virtual clock (`"clock": "virtual"`))");
}

}  // namespace
}  // namespace spikard
