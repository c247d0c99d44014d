// Rows of a database as the answer of a C++ handler.
#include "spikard/rows.hpp"

#include <gtest/gtest.h>

#include "spikard/spikard.hpp"
#include "spikard/test_client.hpp"

namespace spikard {
namespace {

TEST(Rows, AreAnAnswer) {
  App app;
  app.manifest().log.level = services::LogLevel::off;
  app.manifest().services.db["default"].url = "sqlite::memory:";
  app.post("/fill", [](Context& ctx) -> Task<Result<void>> {
    Result<std::uint64_t> made = co_await ctx.db().execute(ctx, "CREATE TABLE t (a INTEGER, s TEXT)");
    if (!made.ok()) co_return Result<void>(std::move(made).error());
    Result<std::uint64_t> filled = co_await ctx.db().execute(ctx,
                                                             "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i "
                                                             "+ 1 FROM n WHERE i < 5000) SELECT i, printf('%0100d', i) FROM n");
    if (!filled.ok()) co_return Result<void>(std::move(filled).error());
    co_return Result<void>();
  });
  app.get("/few", [](Context& ctx) { return rows(ctx, "SELECT a FROM t WHERE a <= ? ORDER BY a", db::params(2)); });
  app.get("/many", [](Context& ctx) { return rows(ctx, "SELECT a, s FROM t ORDER BY a"); });
  app.get("/wrong", [](Context& ctx) { return rows(ctx, "SELECT nowhere FROM t"); });
  TestClient client(app);
  EXPECT_EQ(client.post("/fill", Json{}).status, 204);
  const auto few = client.get("/few");
  EXPECT_EQ(few.status, 200);
  EXPECT_EQ(few.body, R"([{"a":1},{"a":2}])");
  EXPECT_EQ(few.header("content-type"), "application/json");
  const auto many = client.get("/many");
  EXPECT_EQ(many.status, 200);
  EXPECT_GT(many.body.size(), 500000U);
  EXPECT_TRUE(many.body.starts_with(R"([{"a":1,"s":"000)"));
  EXPECT_TRUE(many.body.ends_with("5000\"}]"));
  EXPECT_EQ(client.get("/wrong").status, 500);
}

}  // namespace
}  // namespace spikard
