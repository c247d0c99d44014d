#include "app/db_http.hpp"

#include <gtest/gtest.h>

#include "db/registry.hpp"
#include "http/test_server.hpp"
#include "store/sqlite/databases.hpp"
#include "store/sqlite/test_database.hpp"

namespace spikard::app {
namespace {

/// A server whose route 0 answers the rows of `sql`.
struct DbHttpTest : http::test::ServerTest {
  store::sqlite::TemporaryFolder folder;
  std::unique_ptr<net::BlockingPool> pool;
  std::unique_ptr<store::sqlite::Databases> databases;
  std::shared_ptr<db::Client> client;
  std::unique_ptr<DbHttp> layer;
  std::string sql;
  RowsOptions options;

  void SetUp() override {
    loop = net::Loop::create(virtual_clock).value();
    pool = std::make_unique<net::BlockingPool>(virtual_clock);
    databases = std::make_unique<store::sqlite::Databases>(*pool);
    services::DbConfig config;
    config.url = "sqlite:" + folder.file("http.db");
    db::Environment environment(*pool);
    environment.databases = databases.get();
    client = db::open(config, environment).value();
    layer = std::make_unique<DbHttp>(*loop, sink, "https://problems/");
    sink.routes[0] = [this](http::Exchange& e) { layer->rows(e, client, sql, {}, options); };
    http::ServerOptions server_options;
    server_options.on_failure = [this](const http::Exchange&, const http::Failure& failure) {
      failures.push_back(std::string(failure.message));
    };
    auto http = http::test::compile(R"({"routes": [{"method": "GET", "path": "/rows"}]})");
    server = http::Server::create(*loop, http, *layer, std::move(server_options)).value();
    execute("CREATE TABLE t (a INTEGER PRIMARY KEY, s TEXT)");
  }
  void TearDown() override {
    server.reset();
    layer.reset();
    clients.clear();
    client.reset();
    pool->stop();
    turn();
    databases.reset();
    loop.reset();
  }
  void execute(std::string statement) {
    bool done = false;
    spawn(client->execute(net::Caller(*loop), std::move(statement)),
          [&](std::exception_ptr, std::optional<Result<std::uint64_t>> result) {
            EXPECT_TRUE(result->ok()) << result->error().to_string();
            done = true;
          });
    while (!done) loop->turn(1);
  }
  void settle() {
    for (int quiet = 0; quiet < 20;) quiet = loop->turn(1) == 0 && virtual_clock.busy_count() == 0 ? quiet + 1 : 0;
  }
  std::string ask(std::size_t capacity = std::size_t{1} << 24) {
    auto& peer = connect(capacity);
    peer.send(get("/rows"));
    settle();
    return peer.in;
  }
  /// The chunks of a chunked body put together.
  static std::string unchunked(std::string_view text) {
    std::string out;
    for (;;) {
      const std::size_t line = text.find("\r\n");
      if (line == text.npos) return out + "(cut off)";
      const std::size_t size = std::stoul(std::string(text.substr(0, line)), nullptr, 16);
      if (size == 0) return out;
      if (text.size() < line + 2 + size + 2) return out + "(cut off)";
      out += text.substr(line + 2, size);
      text.remove_prefix(line + 2 + size + 2);
    }
  }
};

TEST_F(DbHttpTest, FewRowsAreOneWholeAnswer) {
  execute("INSERT INTO t VALUES (1, 'x'), (2, NULL)");
  sql = "SELECT a, s FROM t ORDER BY a";
  const std::string answer = ask();
  EXPECT_EQ(status(answer), 200);
  EXPECT_NE(answer.find("content-type: application/json\r\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("Content-Length: 34\r\n"), std::string::npos) << answer;
  EXPECT_EQ(body(answer), R"([{"a":1,"s":"x"},{"a":2,"s":null}])");
  sql = "SELECT a FROM t WHERE a < 0";
  EXPECT_EQ(body(ask()), "[]");
  options.ndjson = true;
  options.headers.emplace_back("x-more", "1");
  sql = "SELECT a FROM t ORDER BY a";
  const std::string lines = ask();
  EXPECT_EQ(body(lines), "{\"a\":1}\n{\"a\":2}\n");
  EXPECT_NE(lines.find("x-more: 1\r\n"), std::string::npos);
  EXPECT_EQ(layer->in_hand(), 0U);
}

TEST_F(DbHttpTest, TheFirstRowIsAnObjectOrNotFound) {
  execute("INSERT INTO t VALUES (1, 'x')");
  options.first = true;
  sql = "SELECT a, s FROM t";
  EXPECT_EQ(body(ask()), R"({"a":1,"s":"x"})");
  sql = "SELECT a FROM t WHERE a = 9";
  EXPECT_EQ(status(ask()), 404);
}

TEST_F(DbHttpTest, ManyRowsStreamWithBackPressure) {
  execute(
      "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i, printf('%0100d', "
      "i) FROM n");
  sql = "SELECT a, s FROM t ORDER BY a";
  // A client that reads nothing holds the statement, not the rows.
  auto& slow = connect(4096);
  slow.reading = false;
  slow.send(get("/rows"));
  settle();
  EXPECT_EQ(layer->in_hand(), 1U);
  EXPECT_EQ(client->in_use(), 1U);
  slow.reading = true;
  slow.on_io(0);
  settle();
  EXPECT_EQ(layer->in_hand(), 0U);
  EXPECT_EQ(client->in_use(), 0U);
  const std::string rows = unchunked(body(slow.in));
  EXPECT_TRUE(rows.starts_with(R"([{"a":1,"s":"00)")) << rows.substr(0, 100);
  EXPECT_TRUE(rows.ends_with("}]"));
  EXPECT_EQ(count(rows, "\"a\":"), 20000U);
}

TEST_F(DbHttpTest, AClientThatGoesEndsTheStatement) {
  execute(
      "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i, printf('%0100d', "
      "i) FROM n");
  sql = "SELECT a, s FROM t";
  auto& peer = connect(4096);
  peer.reading = false;
  peer.send(get("/rows"));
  settle();
  EXPECT_EQ(client->in_use(), 1U);
  clients.clear();
  settle();
  EXPECT_EQ(client->in_use(), 0U);
  EXPECT_EQ(layer->in_hand(), 0U);
}

TEST_F(DbHttpTest, ErrorsBeforeTheFirstByteAreProblems) {
  sql = "SELECT nowhere FROM t";
  EXPECT_EQ(status(ask()), 500);
  ASSERT_EQ(failures.size(), 1U);
  execute("INSERT INTO t VALUES (1, 'x')");
  sql = "INSERT INTO t VALUES (1, 'x') RETURNING a";
  EXPECT_EQ(status(ask()), 409);
  client->close();
  const std::string closed = ask();
  EXPECT_EQ(status(closed), 503);
  EXPECT_NE(closed.find("retry-after: 1"), std::string::npos);
  EXPECT_NE(body(closed).find("https://problems/service-unavailable"), std::string::npos);
}

}  // namespace
}  // namespace spikard::app
