// What only a real MySQL or MariaDB shows: stops, cut connections, a server that goes or freezes, TLS, every type. The statements
// are the client's; what they promise whatever the database is in db_contract.cpp.
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <future>
#include <random>
#include <set>

#include "base/json.hpp"
#include "db/client.hpp"
#include "db/registry.hpp"
#include "mysql_database.hpp"
#include "net/await.hpp"
#include "net/service_thread.hpp"
#include "proxy.hpp"
#include "store/sqlite/test_database.hpp"

namespace spikard::db {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct MysqlFaults : ::testing::TestWithParam<const char*>, store::sqlite::DatabaseFixture {
  std::shared_ptr<Client> connect(std::string url, std::uint32_t max = 5, std::uint32_t statement_ms = 30000) {
    services::DbConfig config;
    config.url = std::move(url);
    config.pool.max = max;
    config.statement_timeout_ms = statement_ms;
    Environment environment(pool);
    environment.mysql = &servers;
    return open(config, environment).value();
  }
  std::shared_ptr<Client> connect() { return connect(database.url()); }
  std::string upstream() {
    const auto options = store::mysql::Options::from_url(database.url()).value();
    return options.hosts[0].name + ":" + std::to_string(options.hosts[0].port);
  }
  /// The database behind a proxy.
  std::string through(const contract::Proxy& proxy) {
    std::string url = database.url();
    const std::string host = upstream();
    return url.replace(url.find(host), host.size(), proxy.address());
  }
  net::Caller caller() { return net::Caller(*loop); }
  std::string query(Client& client, std::string sql, Document values = {}) {
    const Result<Rows> rows = await(client.query(caller(), std::move(sql), std::move(values)));
    return rows.ok() ? json::to_string(rows->rows.root()) : rows.error().to_string();
  }
  template <class T>
  static std::string failure(const Result<T>& result) {
    if (result.ok()) return "ok";
    return std::string(spikard::name_of(result.error().kind())) +
           (result.error().detail().empty() ? "" : "/" + result.error().detail());
  }
  /// Ends every session but its own.
  void kill_sessions() {
    const std::string ids =
        database.run("SELECT GROUP_CONCAT(id) FROM information_schema.processlist WHERE db = '" + database.name() + "'");
    for (std::size_t at = 0; at < ids.size();) {
      const std::size_t end = std::min(ids.find(',', at), ids.size());
      try {
        database.run("KILL CONNECTION " + ids.substr(at, end - at));
      } catch (const std::runtime_error&) {  // it went by itself
      }
      at = end + 1;
    }
    for (int i = 0; i < 5; ++i) loop->turn(10);  // and the client hears of it
  }
  std::string running(const std::string& like) {
    return database.run("SELECT count(*) FROM information_schema.processlist WHERE info LIKE '" + like + "' AND db = '" +
                        database.name() + "'");
  }
  store::mysql::Databases servers;
  contract::MysqlDatabase database;
};

TEST_P(MysqlFaults, AThousandRandomCancelsAndNoAnswerReachesAnother) {
  const auto client = connect(database.url(), 4);
  ASSERT_TRUE(await(client->execute(caller(), "CREATE TABLE many (g INTEGER PRIMARY KEY)")).ok());
  ASSERT_TRUE(await(client->execute(caller(), "INSERT INTO many SELECT seq FROM seq_1_to_2000")).ok());
  std::mt19937 random(20261127);
  int running = 0;
  int done = 0;
  int stopped = 0;
  std::vector<std::string> wrong;
  const auto one = [&](int number) -> Task<Result<Rows>> {
    // Fast ones, slow ones, ones with many rows, in and out of transactions: the answer names its question.
    Document values = params(number);
    std::string sql = "SELECT ? AS n";
    if (number % 3 == 1) sql = "SELECT ? AS n, SLEEP(0.002) AS s";
    if (number % 3 == 2) sql = "SELECT ? AS n, g, REPEAT('x', 100) AS pad FROM many";
    if (number % 5 != 0) {
      Result<Rows> rows = co_await client->query(caller(), std::move(sql), std::move(values));
      co_return rows;
    }
    Result<std::shared_ptr<Transaction>> tx = co_await client->begin(caller());
    if (!tx.ok()) co_return Result<Rows>(std::move(tx).error());
    Result<Rows> rows = co_await (*tx)->query(caller(), std::move(sql), std::move(values));
    if (!rows.ok()) co_return rows;
    Result<void> committed = co_await (*tx)->commit(caller());
    if (!committed.ok()) co_return Result<Rows>(std::move(committed).error());
    co_return rows;
  };
  int number = 0;
  for (; stopped < 1000 && number < 20000; ++number) {
    ++running;
    const milliseconds limit(std::uniform_int_distribution<int>(0, 15)(random));
    spawn(net::with_deadline(*loop, limit, one(number)),
          [&, number](const std::exception_ptr&, std::optional<Result<Rows>> rows) {
            --running;
            if (rows->ok()) {
              ++done;
              for (const Value row : (*rows)->rows.root().elements()) {
                if (row.find("n").as_int() != number) wrong.push_back(std::to_string(number) + " got " + json::to_string(row));
              }
              const std::size_t expected = number % 3 == 2 ? 2000 : 1;
              if ((*rows)->rows.root().size() != expected) wrong.push_back(std::to_string(number) + ": rows");
            } else if (rows->error().kind() == ErrorKind::cancelled || rows->error().kind() == ErrorKind::timeout) {
              ++stopped;
            } else {
              wrong.push_back(std::to_string(number) + ": " + rows->error().to_string());
            }
          });
    while (running >= 12) loop->turn(-1);
  }
  while (running > 0) loop->turn(-1);
  EXPECT_TRUE(wrong.empty()) << wrong.size() << ": " << wrong.front();
  EXPECT_EQ(done + stopped, number);
  EXPECT_GE(stopped, 1000);
  EXPECT_GT(done, 0);
  std::cout << done << " done, " << stopped << " stopped\n";
  // And afterwards the pool is whole.
  for (int i = 0; i < 50; ++i) EXPECT_EQ(query(*client, "SELECT ? AS n", params(i)), "[{\"n\":" + std::to_string(i) + "}]");
  EXPECT_EQ(client->in_use(), 0U);
  client->close();
}

TEST_P(MysqlFaults, ConnectionsCutAtRandomBytesLoseNoRowThatWasAcknowledged) {
  contract::Proxy proxy(*loop, upstream());
  const auto direct = connect();
  ASSERT_TRUE(await(direct->execute(caller(), "CREATE TABLE t (n INTEGER PRIMARY KEY)")).ok());
  const auto client = connect(through(proxy), 3);
  std::mt19937 random(7);
  std::set<int> acknowledged;
  std::set<int> unknown;
  std::size_t other = 0;
  constexpr int rows_sent = 10'000;
  for (int n = 0; n < rows_sent; ++n) {
    if (n % 20 == 0) proxy.cut_after(std::uniform_int_distribution<std::uint64_t>(0, 2500)(random));
    const Result<std::uint64_t> inserted = await(client->execute(caller(), "INSERT INTO t VALUES (?)", params(n)));
    if (inserted.ok()) acknowledged.insert(n);
    else if (inserted.error().kind() == ErrorKind::outcome_unknown) unknown.insert(n);
    else if (inserted.error().kind() == ErrorKind::unavailable) ++other;
    else ADD_FAILURE() << inserted.error().to_string();
  }
  proxy.cut_after(std::numeric_limits<std::uint64_t>::max());
  EXPECT_GT(proxy.cuts(), 100U);
  const Result<Rows> rows = await(direct->query(caller(), "SELECT n FROM t"));
  ASSERT_TRUE(rows.ok());
  std::set<int> there;
  for (const Value row : rows->rows.root().elements()) there.insert(static_cast<int>(row.find("n").as_int()));
  for (const int n : acknowledged) EXPECT_TRUE(there.contains(n)) << n << " was acknowledged";
  for (const int n : there) EXPECT_TRUE(acknowledged.contains(n) || unknown.contains(n)) << n << " was said not to have happened";
  std::cout << acknowledged.size() << " acknowledged, " << unknown.size() << " unknown, " << other << " not done, "
            << proxy.cuts() << " cuts\n";
  EXPECT_EQ(query(*client, "SELECT 1 AS one"), R"([{"one":1}])") << "it comes back by itself";
  client->close();
  direct->close();
}

TEST_P(MysqlFaults, SessionsThatTheServerEndsAreReplacedWithoutAnError) {
  const auto client = connect();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(query(*client, "SELECT 1 AS one"), R"([{"one":1}])") << i;
    kill_sessions();
  }
  // In the middle of something it is an error, and nothing is run twice.
  ASSERT_TRUE(await(client->execute(caller(), "CREATE TABLE made (a INTEGER)")).ok());
  std::optional<Result<std::uint64_t>> ended;
  spawn(client->execute(caller(), "INSERT INTO made SELECT 1 FROM (SELECT SLEEP(30)) s"),
        [&](const std::exception_ptr&, std::optional<Result<std::uint64_t>> result) { ended = std::move(result); });
  while (running("INSERT INTO made%") == "0") loop->turn(1);
  kill_sessions();
  while (!ended.has_value()) loop->turn(-1);
  EXPECT_TRUE(failure(*ended) == "unavailable" || failure(*ended) == "outcome_unknown") << failure(*ended);
  EXPECT_EQ(query(*client, "SELECT count(*) AS n FROM made"), R"([{"n":0}])");
  client->close();
}

TEST_P(MysqlFaults, AServerThatSaysNothingIsGivenUp) {
  contract::Proxy proxy(*loop, upstream());
  const auto client = connect(through(proxy), 2, 200);
  EXPECT_EQ(query(*client, "SELECT 1 AS one"), R"([{"one":1}])");
  proxy.freeze(true);
  EXPECT_EQ(failure(await(client->execute(caller(), "SELECT 1"))), "timeout");
  EXPECT_EQ(failure(await(client->execute(caller(), "CREATE TABLE frozen (a INTEGER)"))), "timeout")
      << "there was no connection for it";
  proxy.cut();
  proxy.freeze(false);
  EXPECT_EQ(query(*client, "SELECT 1 AS one"), R"([{"one":1}])");
  client->close();
}

TEST_P(MysqlFaults, TheFirstHostThatAnswersIsTaken) {
  contract::Proxy dead(*loop, "127.0.0.1:1");
  dead.refuse(true);
  std::string url = database.url();
  const std::string host = upstream();
  url.replace(url.find(host), host.size(), dead.address() + "," + host);
  const auto client = connect(url);
  EXPECT_EQ(query(*client, "SELECT 1 AS one"), R"([{"one":1}])");
  EXPECT_GE(dead.accepted(), 1U);
  client->close();
}

TEST_P(MysqlFaults, WhoMayNotComeInIsToldSoWithoutThePassword) {
  std::string url = database.url();
  url.replace(url.find("app:app@"), 8, "app:secret@");
  const auto client = connect(url);
  const auto refused = await(client->execute(caller(), "SELECT 1"));
  EXPECT_EQ(failure(refused), "permission_denied") << refused.error().to_string();
  EXPECT_EQ(refused.error().to_string().find("secret"), std::string::npos);
  client->close();
  std::string other = database.url();
  other.replace(other.find(database.name()), database.name().size(), "no_such_database");
  const auto nowhere = connect(other);
  EXPECT_EQ(failure(await(nowhere->execute(caller(), "SELECT 1"))), "not_found");
  nowhere->close();
}

TEST_P(MysqlFaults, ASessionThatAStatementChangedIsResetAndOnlyThen) {
  const auto client = connect(database.url(), 1);
  const std::string id = query(*client, "SELECT CONNECTION_ID() AS id");
  ASSERT_TRUE(await(client->execute(caller(), "SET lock_wait_timeout = 77, time_zone = '+05:00', autocommit = 0")).ok());
  EXPECT_EQ(query(*client, "SELECT @@lock_wait_timeout = 77 AS changed, @@time_zone AS zone, @@autocommit AS auto"),
            R"([{"changed":0,"zone":"+00:00","auto":1}])");
  ASSERT_TRUE(await(client->execute(caller(), "CREATE TEMPORARY TABLE mine (a INTEGER)")).ok());
  EXPECT_NE(query(*client, "SELECT * FROM mine").find("undefined_table"), std::string::npos);
  ASSERT_TRUE(await(client->execute(caller(), "SELECT GET_LOCK('mine', 1)")).ok());
  EXPECT_EQ(query(*client, "SELECT IS_FREE_LOCK('mine') AS free"), R"([{"free":1}])");
  ASSERT_TRUE(await(client->execute(caller(), "USE information_schema")).ok());
  EXPECT_EQ(query(*client, "SELECT DATABASE() AS d"), "[{\"d\":\"" + database.name() + "\"}]");
  ASSERT_TRUE(await(client->execute(caller(), "SELECT @mine := 7")).ok());
  EXPECT_EQ(query(*client, "SELECT @mine IS NULL AS gone"), R"([{"gone":1}])");
  EXPECT_EQ(query(*client, "SELECT CONNECTION_ID() AS id"), id) << "it is the same session";
  EXPECT_EQ(query(*client, "SELECT @@sql_mode LIKE '%STRICT_ALL_TABLES%' AS strict, @@character_set_client AS c"),
            R"([{"strict":1,"c":"utf8mb4"}])");
  client->close();
}

TEST_P(MysqlFaults, AStatementWhoseTableChangedIsPreparedAgain) {
  const auto client = connect(database.url(), 1);
  ASSERT_TRUE(await(client->execute(caller(), "CREATE TABLE t (a INTEGER)")).ok());
  ASSERT_TRUE(await(client->execute(caller(), "INSERT INTO t VALUES (1)")).ok());
  EXPECT_EQ(query(*client, "SELECT * FROM t"), R"([{"a":1}])");
  ASSERT_TRUE(await(client->execute(caller(), "ALTER TABLE t ADD b VARCHAR(9) DEFAULT 'x'")).ok());
  EXPECT_EQ(query(*client, "SELECT * FROM t"), R"([{"a":1,"b":"x"}])");
  ASSERT_TRUE(await(client->execute(caller(), "ALTER TABLE t MODIFY b VARBINARY(9)")).ok());
  EXPECT_EQ(query(*client, "SELECT * FROM t"), R"([{"a":1,"b":"eA=="}])") << "its type has changed";
  client->close();
}

TEST_P(MysqlFaults, ThreeLoopsShareOneLimit) {
  const auto client = connect(database.url(), 2);
  const auto open_ones = [&] {
    return std::stoi(database.run("SELECT count(*) FROM information_schema.processlist WHERE db = '" + database.name() + "'"));
  };
  std::vector<std::unique_ptr<net::ServiceThread>> threads;
  std::atomic<int> left{0};
  std::atomic<int> failed{0};
  for (int t = 0; t < 2; ++t) threads.push_back(net::ServiceThread::start(clock).value());
  const auto rounds = [&](net::Loop& on) -> Task<void> {
    for (int i = 0; i < 15; ++i) {
      Document values = params(i);
      Result<Rows> rows = co_await client->query(net::Caller(on), "SELECT ? AS n", std::move(values));
      if (!rows.ok()) std::cerr << rows.error().to_string() << "\n";
      if (!rows.ok() || rows->rows.root().at(0).find("n").as_int() != i) ++failed;
    }
    --left;
  };
  std::vector<net::Loop*> loops{loop.get(), &threads[0]->loop(), &threads[1]->loop()};
  for (net::Loop* on : loops) {
    for (int i = 0; i < 3; ++i) {
      ++left;
      on->post([&, on] { spawn(rounds(*on), [](const std::exception_ptr&) {}); });
    }
  }
  int most = 0;
  while (left > 0) {
    loop->turn(5);
    if (most < 3 && left > 2) most = std::max(most, open_ones());
  }
  EXPECT_EQ(failed, 0);
  EXPECT_LE(most, 3) << "one of them may be on its way out";
  for (const auto& thread : threads) {
    std::promise<void> forgotten;
    thread->loop().post([&] {
      servers.forget(thread->loop());
      forgotten.set_value();
    });
    forgotten.get_future().wait();
    thread->stop();
  }
  client->close();
}

TEST_P(MysqlFaults, TheCacheOfStatementsIsBounded) {
  services::DbConfig config;
  config.url = database.url();
  config.pool.max = 1;
  config.statement_cache = 4;
  Environment environment(pool);
  store::mysql::Databases own;
  environment.mysql = &own;
  const auto client = open(config, environment).value();
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(query(*client, "SELECT " + std::to_string(i) + " AS n"), "[{\"n\":" + std::to_string(i) + "}]");
  const Result<Rows> kept = await(client->query(caller(),
                                                "SELECT CAST(variable_value AS SIGNED) AS n FROM "
                                                "information_schema.session_status WHERE variable_name = 'Com_stmt_close'"));
  ASSERT_TRUE(kept.ok()) << kept.error().to_string();
  EXPECT_GE(kept->rows.root().at(0).find("n").as_int(), 16);
  client->close();
}

TEST_P(MysqlFaults, EveryTypeAsJson) {
  const auto client = connect();
  ASSERT_TRUE(
      await(client->execute(
                caller(),
                "CREATE TABLE t (a TINYINT, b SMALLINT UNSIGNED, c MEDIUMINT, d INT ZEROFILL, e BIGINT, f BIGINT UNSIGNED, g "
                "FLOAT, h DOUBLE, i DECIMAL(30,10), j DECIMAL(8,2) ZEROFILL, k BOOLEAN, l BIT(1), m BIT(64), n YEAR, o DATE, p "
                "DATETIME(6), q TIMESTAMP(3) NULL, r TIME(1), s CHAR(4), u VARCHAR(9), v TEXT, w BINARY(3), x VARBINARY(9), y "
                "LONGBLOB, z JSON, aa ENUM('sad', 'ok'), ab SET('x', 'y'), ac UUID, ad INET6)"))
          .ok());
  const auto inserted = await(
      client->execute(caller(),
                      "INSERT INTO t VALUES (-1, 65535, -8388608, 42, -9223372036854775808, 18446744073709551615, 0.1, 1e308, "
                      "12345678901234567890.0123456789, 1.5, true, b'1', "
                      "b'1111111111111111111111111111111111111111111111111111111111111111', 2024, "
                      "'2024-02-29', '2024-03-10 10:30:00.123456', '2024-03-10 10:30:00.5', '-838:59:59.5', 'ab', 'ü\"', 'text', "
                      "X'00FF', X'00FF', "
                      "X'00FF', '{\"a\": [1, null]}', 'ok', 'x,y', '00112233-4455-6677-8899-aabbccddeeff', '::1')"));
  ASSERT_TRUE(inserted.ok()) << inserted.error().to_string();
  EXPECT_EQ(
      query(*client, "SELECT a, b, c, d, e, f, g, h, i, j, k, l, m, n FROM t"),
      R"([{"a":-1,"b":65535,"c":-8388608,"d":42,"e":-9223372036854775808,"f":18446744073709551615,"g":0.1,"h":1e+308,"i":12345678901234567890.0123456789,"j":1.50,"k":true,"l":true,"m":18446744073709551615,"n":2024}])");
  EXPECT_EQ(
      query(*client, "SELECT o, p, q, r, s, u, v, w, x, y, z, aa, ab, ac, ad FROM t"),
      R"([{"o":"2024-02-29","p":"2024-03-10T10:30:00.123456Z","q":"2024-03-10T10:30:00.5Z","r":"-838:59:59.5","s":"ab","u":"ü\"","v":"text","w":"AP8A","x":"AP8=","y":"AP8=","z":{"a":[1,null]},"aa":"ok","ab":"x,y","ac":"00112233-4455-6677-8899-aabbccddeeff","ad":"::1"}])");
  ASSERT_TRUE(await(client->execute(caller(), "INSERT INTO t (a) VALUES (NULL)")).ok());
  EXPECT_EQ(query(*client, "SELECT a, i, o, z, ac FROM t WHERE a IS NULL"),
            R"([{"a":null,"i":null,"o":null,"z":null,"ac":null}])");
  EXPECT_EQ(query(*client, "SELECT JSON_OBJECT('a', 1) AS j, NULL AS n, COUNT(*) AS c, SUM(b) AS s, MAX(k) AS m FROM t"),
            R"([{"j":{"a":1},"n":null,"c":2,"s":65535,"m":1}])");
  client->close();
}

TEST_P(MysqlFaults, ParametersOfEveryKindInTheirColumns) {
  const auto client = connect();
  ASSERT_TRUE(
      await(client->execute(caller(),
                            "CREATE TABLE t (a SMALLINT, b BIGINT, c DECIMAL(9,2), d DOUBLE, e VARCHAR(9), f BLOB, g JSON, h "
                            "DATETIME(6), i DATE, j BOOLEAN, k TIMESTAMP(6) NULL, l VARCHAR(20))"))
          .ok());
  const auto values =
      json::parse(R"([7, {"$int64": "9007199254740993"}, {"$decimal": "1.10"}, 0.5, "t", {"$bytes": "AP8="}, {"a": [1]},
    {"$timestamp": "2024-03-10T12:30:00+02:00"}, "2024-02-29", true, {"$timestamp": "2024-03-10T12:30:00.000001Z"}, {"$decimal": "12.50"}])");
  const auto done =
      await(client->execute(caller(), "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", std::move(values).value()));
  ASSERT_TRUE(done.ok()) << done.error().to_string();
  EXPECT_EQ(
      query(*client, "SELECT * FROM t"),
      R"([{"a":7,"b":9007199254740993,"c":1.10,"d":0.5,"e":"t","f":"AP8=","g":{"a":[1]},"h":"2024-03-10T10:30:00Z","i":"2024-02-29","j":true,"k":"2024-03-10T12:30:00.000001Z","l":"12.50"}])");
  EXPECT_EQ(failure(await(client->execute(caller(), "INSERT INTO t (a) VALUES (?)", params(70000)))),
            "invalid_argument/out_of_range");
  const auto text = await(client->execute(caller(), "INSERT INTO t (a) VALUES (?)", params("secret")));
  EXPECT_EQ(failure(text), "invalid_argument/invalid_parameter");
  EXPECT_EQ(text.error().to_string().find("secret"), std::string::npos) << "its message quotes the value";
  EXPECT_EQ(failure(await(client->execute(caller(), "INSERT INTO t (e) VALUES (?)", params("longer than nine")))),
            "invalid_argument/invalid_parameter");
  EXPECT_EQ(failure(await(client->execute(caller(), "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t"))), "permission_denied");
  EXPECT_EQ(query(*client, "SELECT count(*) AS n FROM t"), R"([{"n":1}])");
  // Larger than the server takes; that large ones are split and joined is in mysql_test.cpp.
  ASSERT_TRUE(await(client->execute(caller(), "CREATE TABLE large (t LONGTEXT)")).ok());
  const std::string twenty(20'000'000, 'x');
  const auto too_large = await(client->execute(caller(), "INSERT INTO large VALUES (?)", params(std::string_view(twenty))));
  EXPECT_EQ(failure(too_large), "too_large") << "max_allowed_packet is 16 MiB: " << too_large.error().to_string();
  EXPECT_EQ(query(*client, "SELECT LENGTH(t) AS n FROM large"), "[]");
  client->close();
}

TEST_P(MysqlFaults, WhatMysqlWouldCommitInSilenceIsRefusedInATransaction) {
  const auto client = connect();
  ASSERT_TRUE(await(client->execute(caller(), "CREATE TABLE t (a INTEGER PRIMARY KEY)")).ok());
  for (const std::string sql : {"CREATE TABLE u (a INTEGER)", "ALTER TABLE temporary_files ADD b INTEGER", "SET autocommit = 1",
                                "OPTIMIZE TABLE t", "TRUNCATE t"}) {
    for (const bool streamed : {false, true}) {
      auto tx = await(client->begin(caller())).value();
      ASSERT_TRUE(await(tx->execute(caller(), "INSERT INTO t VALUES (1)")).ok());
      EXPECT_EQ(streamed ? failure(await(tx->stream(caller(), sql))) : failure(await(tx->execute(caller(), sql))), "unsupported")
          << sql;
      ASSERT_TRUE(await(tx->rollback(caller())).ok());
    }
  }
  auto tx = await(client->begin(caller())).value();
  ASSERT_TRUE(await(tx->execute(caller(), "INSERT INTO t VALUES (1)")).ok());
  EXPECT_TRUE(await(tx->execute(caller(), "CREATE TEMPORARY TABLE v (a INTEGER)")).ok());
  ASSERT_TRUE(await(tx->rollback(caller())).ok());
  EXPECT_EQ(query(*client, "SELECT count(*) AS n FROM t"), R"([{"n":0}])");
  client->close();
}

TEST_P(MysqlFaults, OfTwoThatWaitForEachOtherOneIsUndoneAndNothingOfItStays) {
  const auto client = connect();
  ASSERT_TRUE(await(client->execute(caller(), "CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER)")).ok());
  ASSERT_TRUE(await(client->execute(caller(), "INSERT INTO t VALUES (1, 0), (2, 0)")).ok());
  auto one = await(client->begin(caller())).value();
  auto two = await(client->begin(caller())).value();
  ASSERT_TRUE(await(one->execute(caller(), "UPDATE t SET b = 1 WHERE a = 1")).ok());
  ASSERT_TRUE(await(two->execute(caller(), "UPDATE t SET b = 2 WHERE a = 2")).ok());
  std::optional<Result<std::uint64_t>> first;
  spawn(one->execute(caller(), "UPDATE t SET b = 1 WHERE a = 2"),
        [&](const std::exception_ptr&, std::optional<Result<std::uint64_t>> done) { first = std::move(done); });
  const auto second = await(two->execute(caller(), "UPDATE t SET b = 2 WHERE a = 1"));
  while (!first.has_value()) loop->turn(-1);
  EXPECT_NE(first->ok(), second.ok());
  const std::shared_ptr<Transaction> undone = first->ok() ? two : one;
  const std::shared_ptr<Transaction> kept = first->ok() ? one : two;
  EXPECT_EQ(failure(first->ok() ? second : *first), "conflict");
  EXPECT_EQ(failure(await(undone->execute(caller(), "INSERT INTO t VALUES (3, 3)"))), "conflict/transaction_aborted");
  EXPECT_FALSE(await(undone->commit(caller())).ok());
  ASSERT_TRUE(await(kept->commit(caller())).ok());
  const std::string value = first->ok() ? "1" : "2";
  EXPECT_EQ(query(*client, "SELECT a, b FROM t ORDER BY a"), "[{\"a\":1,\"b\":" + value + "},{\"a\":2,\"b\":" + value + "}]");
  client->close();
}

TEST_P(MysqlFaults, AProcedureGivesItsFirstRows) {
  const auto client = connect();
  ASSERT_TRUE(await(client->execute(caller(), "CREATE TABLE t (a INTEGER)")).ok());
  const auto made = await(client->execute(
      caller(), "CREATE PROCEDURE p (IN v INTEGER) BEGIN INSERT INTO t VALUES (v); SELECT v AS a; SELECT 'x' AS b; END"));
  ASSERT_TRUE(made.ok()) << made.error().to_string();
  EXPECT_EQ(query(*client, "CALL p(?)", params(7)), R"([{"a":7}])");
  EXPECT_EQ(query(*client, "CALL p(8)"), R"([{"a":8}])");
  EXPECT_EQ(query(*client, "SELECT a FROM t ORDER BY a"), R"([{"a":7},{"a":8}])") << "and its session is in order";
  EXPECT_EQ(query(*client, "SHOW TABLES LIKE 'nothing'"), "[]");
  client->close();
}

TEST_P(MysqlFaults, AStreamHoldsBackTheServerAndEndsWhenItIsDropped) {
  const auto client = connect(database.url(), 1);
  auto stream = await(client->stream(caller(), "SELECT seq, REPEAT('x', 1000) AS pad FROM seq_1_to_10000000"));
  ASSERT_TRUE(stream.ok()) << stream.error().to_string();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(await((*stream)->next(*loop, 100))->root().size(), 100U);
  // Ten gigabytes that nobody takes stay where they are.
  for (int i = 0; i < 50; ++i) loop->turn(1);
  stream->reset();
  EXPECT_EQ(query(*client, "SELECT 1 AS one"), R"([{"one":1}])") << "the only connection is there again";
  EXPECT_EQ(running("%seq_1_to_10000000%"), "0");
  const auto first = await(client->first(caller(), "SELECT seq, REPEAT('x', 1000) AS pad FROM seq_1_to_10000000"));
  ASSERT_TRUE(first.ok() && first->has_value()) << "and a read of which only the first row is wanted is stopped";
  EXPECT_EQ(running("%seq_1_to_10000000%"), "0");
  client->close();
}

TEST_P(MysqlFaults, TlsIsCheckedAsItsModeSays) {
  const std::string root = "&ssl-ca=" + contract::server_setting("MYSQL_CA");
  const auto tls = [&](const std::string& mode, const std::string& more = {}) {
    std::string url = database.url();
    const std::size_t at = url.find("ssl-mode=disabled");
    if (at != std::string::npos) url.replace(at, 17, "ssl-mode=" + mode + more);
    store::mysql::Databases own;
    services::DbConfig config;
    config.url = url;
    Environment environment(pool);
    environment.mysql = &own;
    const auto client = open(config, environment).value();
    const std::string out = query(
        *client, "SELECT variable_value <> '' AS tls FROM information_schema.session_status WHERE variable_name = 'Ssl_cipher'");
    // Its request to stop goes the same way.
    if (out == R"([{"tls":1}])")
      EXPECT_EQ(failure(await(client->query(caller(), "SELECT SLEEP(60) AS s", Document(), CallOptions(milliseconds(50))))),
                "timeout");
    client->close();
    return out;
  };
  EXPECT_EQ(tls("preferred"), R"([{"tls":1}])");
  EXPECT_EQ(tls("required"), R"([{"tls":1}])");
  EXPECT_EQ(tls("verify_ca", root), R"([{"tls":1}])");
  EXPECT_EQ(tls("verify_identity", root), R"([{"tls":1}])");
  EXPECT_EQ(tls("disabled"), R"([{"tls":0}])");
  EXPECT_NE(tls("verify_identity").find("certificate"), std::string::npos) << "the system knows no such root";
}

INSTANTIATE_TEST_SUITE_P(Server_mysql, MysqlFaults, ::testing::Values("mysql"),
                         [](const auto& at) { return std::string(at.param); });

}  // namespace
}  // namespace spikard::db
