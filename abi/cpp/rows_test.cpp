// Rows of a database as the answer of a C++ handler.
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
  app.get("/few", [] { return Rows{.sql = "SELECT a FROM t WHERE a <= ? ORDER BY a", .params = db::params(2)}; });
  app.get("/many", [] { return Rows{.sql = "SELECT a, s FROM t ORDER BY a"}; });
  app.get("/wrong", [] { return Rows{.sql = "SELECT nowhere FROM t"}; });
  app.get("/first/{a}", [](Path<"a", std::int64_t> a) {
    return Rows{.sql = "SELECT a FROM t WHERE a = ?", .params = db::params(*a), .first = true};
  });
  app.get("/lines", [](Context& ctx) -> Task<Rows> {
    ctx.set_header("x-page", "1");
    co_return Rows{.sql = "SELECT a FROM t WHERE a <= 2 ORDER BY a", .ndjson = true};
  });
  app.get("/nowhere", [] { return Rows{.sql = "SELECT 1", .client = "other"}; });
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
  EXPECT_EQ(client.get("/first/3").body, R"({"a":3})");
  EXPECT_EQ(client.get("/first/0").status, 404);
  const auto lines = client.get("/lines");
  EXPECT_EQ(lines.body, "{\"a\":1}\n{\"a\":2}\n");
  EXPECT_EQ(lines.header("content-type"), "application/x-ndjson");
  EXPECT_EQ(lines.header("x-page"), "1");
  EXPECT_EQ(client.get("/nowhere").status, 500);
}

}  // namespace
}  // namespace spikard
