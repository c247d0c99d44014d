// What every backend of db must do (DESIGN.md section 7; fixtures/README.md section 5). A backend joins by one line at the end;
// what it says it cannot do (Capabilities) is skipped. SQL is what all of them take; where they differ a backend says how.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "base/json.hpp"
#include "db/migrations.hpp"
#include "db/operations.hpp"
#include "db/registry.hpp"
#include "net/await.hpp"
#include "store/sqlite/test_database.hpp"
#ifdef SPIKARD_TEST_DB_MYSQL
#include "mysql_database.hpp"
#endif
#ifdef SPIKARD_TEST_DB_POSTGRES
#include "postgres_schema.hpp"
#endif

namespace spikard::db {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Dialect {
  std::string name;
  std::string url;  ///< `{folder}` is a folder of the test's own, `{postgres}` a schema, `{mysql}` a database
  std::string decimal;
  std::string timestamp;
  std::string json;
  std::string bytes;
  std::string endless;                                                   ///< a query without end
  std::string counted = "INTEGER PRIMARY KEY";                           ///< a column that numbers its rows itself
  std::string tenth = "-0.10";                                           ///< as its decimal column gives it
  std::string with_insert = "WITH n AS (SELECT 9 AS v) INSERT INTO t ";  ///< what a SELECT of `n` goes behind
};

struct DbContract : ::testing::TestWithParam<Dialect>, store::sqlite::DatabaseFixture {
  void SetUp() override { client = connect(); }
  void TearDown() override {
    if (client == nullptr) return;
    client->close();
    client.reset();
  }
  std::shared_ptr<Client> connect(std::uint32_t max = 5, std::uint32_t acquire_ms = 5000, std::uint32_t statement_ms = 30000,
                                  std::uint32_t transaction_ms = 60000, std::uint32_t rows = 100000) {
    services::DbConfig config;
    config.url = GetParam().url;
    if (const std::size_t at = config.url.find("{folder}"); at != std::string::npos) config.url.replace(at, 8, folder.file(""));
    config.pool.max = max;
    config.pool.acquire_timeout_ms = acquire_ms;
    config.statement_timeout_ms = statement_ms;
    config.transaction_timeout_ms = transaction_ms;
    config.max_rows = rows;
    Environment environment(pool);
    environment.databases = &databases;
#ifdef SPIKARD_TEST_DB_MYSQL
    if (config.url == "{mysql}") {
      if (!mysql_database.has_value()) mysql_database.emplace();
      config.url = mysql_database->url();
    }
    environment.mysql = &mysql_servers;
#endif
#ifdef SPIKARD_TEST_DB_POSTGRES
    if (config.url == "{postgres}") {
      if (!schema.has_value()) schema.emplace();
      config.url = schema->url();
    }
    environment.postgres = &servers;
#endif
    return open(config, environment).value();
  }
  net::Caller caller() { return net::Caller(*loop); }
  static Document json_of(std::string_view text) { return json::parse(text).value(); }

  std::uint64_t execute(std::string sql, Document values = {}) {
    Result<std::uint64_t> done = await(client->execute(caller(), std::move(sql), std::move(values)));
    EXPECT_TRUE(done.ok()) << done.error().to_string();
    return done.ok() ? *done : 0;
  }
  /// Rows as JSON text, or the error's kind/detail.
  std::string query(std::string sql, Document values = {}) {
    return text(await(client->query(caller(), std::move(sql), std::move(values))));
  }
  static std::string text(const Result<Rows>& rows) {
    if (!rows.ok()) return error(rows.error());
    return json::to_string(rows->rows.root());
  }
  static std::string error(const Error& error) {
    return std::string(spikard::name_of(error.kind())) + (error.detail().empty() ? "" : "/" + error.detail());
  }
  template <class T>
  static std::string failure(const Result<T>& result) {
    return result.ok() ? "ok" : error(result.error());
  }
  std::shared_ptr<Transaction> begin(TransactionOptions options = {}) { return await(client->begin(caller(), options)).value(); }

#ifdef SPIKARD_TEST_DB_MYSQL
  store::mysql::Databases mysql_servers;
  std::optional<contract::MysqlDatabase> mysql_database;
#endif
#ifdef SPIKARD_TEST_DB_POSTGRES
  store::postgres::Databases servers;
  std::optional<contract::PostgresSchema> schema;
#endif
  std::shared_ptr<Client> client;
};

// -- parameters

TEST_P(DbContract, EveryStyleOfPlaceholder) {
  execute("CREATE TABLE t (a INTEGER, b INTEGER)");
  EXPECT_EQ(execute("INSERT INTO t VALUES (?, ?)", params(1, 2)), 1U);
  EXPECT_EQ(execute("INSERT INTO t VALUES ($2, $1)", params(4, 3)), 1U);
  EXPECT_EQ(execute("INSERT INTO t VALUES (:x, :y)", json_of(R"({"y": 6, "x": 5})")), 1U);
  EXPECT_EQ(query("SELECT a, b FROM t ORDER BY a"), R"([{"a":1,"b":2},{"a":3,"b":4},{"a":5,"b":6}])");
  EXPECT_EQ(query("SELECT a FROM t WHERE a = $1 AND a = $1", params(3)), R"([{"a":3}])");
  EXPECT_EQ(query("SELECT '?' AS q, '$1' AS d FROM t WHERE a = ? -- ?", params(1)), R"([{"q":"?","d":"$1"}])");
}

TEST_P(DbContract, NumbersOfParametersThatDoNotFit) {
  execute("CREATE TABLE t (a INTEGER, b INTEGER)");
  for (const Document& values : {params(1), params(1, 2, 3), Document()}) {
    EXPECT_EQ(failure(await(client->execute(caller(), "INSERT INTO t VALUES (?, ?)", values))),
              "invalid_argument/parameter_count");
  }
  EXPECT_EQ(failure(await(client->execute(caller(), "INSERT INTO t VALUES (:a, :b)", json_of(R"({"a": 1})")))),
            "invalid_argument/parameter_count");
  EXPECT_EQ(failure(await(client->execute(caller(), "INSERT INTO t VALUES (:a, 1)", json_of(R"({"a": 1, "c": 2})")))),
            "invalid_argument/parameter_count");
  EXPECT_EQ(query("SELECT count(*) AS n FROM t"), R"([{"n":0}])");
}

TEST_P(DbContract, ValuesThatCannotBe) {
  execute("CREATE TABLE t (a INTEGER)");
  const auto insert = [&](std::string_view values) {
    return failure(await(client->execute(caller(), "INSERT INTO t VALUES (?)", json_of(values))));
  };
  EXPECT_EQ(insert(R"([{"$float": "NaN"}])"), "invalid_argument/invalid_parameter");
  EXPECT_EQ(insert(R"([{"$float": "-Infinity"}])"), "invalid_argument/invalid_parameter");
  EXPECT_EQ(insert(R"([{"$timestamp": "2024-02-30T00:00:00Z"}])"), "invalid_argument/invalid_parameter");
  EXPECT_EQ(insert(R"([{"$timestamp": "2024-02-20T00:00:00"}])"), "invalid_argument/invalid_parameter");
  EXPECT_EQ(insert(R"([{"$decimal": "1,5"}])"), "invalid_argument/invalid_parameter");
  EXPECT_EQ(insert(R"(["a\u0000b"])"), "invalid_argument/invalid_parameter");
  EXPECT_EQ(insert(R"([{"$bytes": "&"}])"), "invalid_argument/invalid_parameter");
  EXPECT_EQ(insert(R"([{"$int64": "9223372036854775808"}])"), "invalid_argument/out_of_range");
  EXPECT_EQ(insert("[18446744073709551615]"), "invalid_argument/out_of_range");
  EXPECT_EQ(insert("[123456789012345678901234567890]"), "invalid_argument/out_of_range");
  EXPECT_EQ(insert("7"), "invalid_argument/invalid_parameter") << "neither list nor object";
}

// -- types

TEST_P(DbContract, ValuesComeBackAsTheyWere) {
  const Dialect& d = GetParam();
  execute("CREATE TABLE t (id INTEGER, i BIGINT, f DOUBLE PRECISION, s TEXT, b BOOLEAN, d " + d.decimal + ", ts " + d.timestamp +
          ", j " + d.json + ", y " + d.bytes + ")");
  const std::string insert = "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
  execute(insert, json_of(R"([1, 9007199254740993, 0.1, "ünï\n", true, {"$decimal": "12345678901234567890.0123456789"},
    {"$timestamp": "2024-03-10T12:30:00.123456+02:00"}, {"a": [1, null]}, {"$bytes": "AP8="}])"));
  execute(insert, json_of(R"([2, {"$int64": "-9223372036854775808"}, 5e-324, "", false, {"$decimal": "-0.10"},
    {"$timestamp": "1969-12-31T23:59:59Z"}, [1], {"$bytes": ""}])"));
  execute(insert, json_of(R"([3, null, null, null, null, null, null, null, null])"));
  const Result<Rows> rows = await(client->query(caller(), "SELECT i, f, s, b, d, ts, j, y FROM t ORDER BY id"));
  ASSERT_TRUE(rows.ok()) << rows.error().to_string();
  EXPECT_EQ(text(rows),
            "[{\"i\":9007199254740993,\"f\":0.1,\"s\":\"ünï\\n\",\"b\":true,\"d\":12345678901234567890.0123456789,"
            "\"ts\":\"2024-03-10T10:30:00.123456Z\",\"j\":{\"a\":[1,null]},\"y\":\"AP8=\"},"
            "{\"i\":-9223372036854775808,\"f\":5e-324,\"s\":\"\",\"b\":false,\"d\":" +
                d.tenth +
                ",\"ts\":\"1969-12-31T23:59:59Z\","
                "\"j\":[1],\"y\":\"\"},"
                "{\"i\":null,\"f\":null,\"s\":null,\"b\":null,\"d\":null,\"ts\":null,\"j\":null,\"y\":null}]");
  const std::vector<ColumnType> types{ColumnType::integer, ColumnType::real,      ColumnType::text, ColumnType::boolean,
                                      ColumnType::decimal, ColumnType::timestamp, ColumnType::json, ColumnType::bytes};
  for (std::size_t i = 0; i < types.size(); ++i) EXPECT_EQ(rows->columns[i].type, types[i]) << i;
  const Value first = rows->rows.root().at(0);
  EXPECT_TRUE(first.find("d").is(NodeType::numtext));
  EXPECT_TRUE(first.find("y").is(NodeType::bytes));
}

TEST_P(DbContract, AnInstantFindsItself) {
  execute("CREATE TABLE t (ts " + GetParam().timestamp + ")");
  execute("INSERT INTO t VALUES (?)", json_of(R"([{"$timestamp": "2024-03-10T12:30:00.5+02:00"}])"));
  EXPECT_EQ(query("SELECT ts FROM t WHERE ts = ?", json_of(R"([{"$timestamp": "2024-03-10T10:30:00.500Z"}])")),
            R"([{"ts":"2024-03-10T10:30:00.5Z"}])");
  EXPECT_EQ(query("SELECT count(*) AS n FROM t WHERE ts < ?", json_of(R"([{"$timestamp": "2024-03-10T10:30:00.45Z"}])")),
            R"([{"n":0}])");
}

// -- results

TEST_P(DbContract, AffectedIsRowsThatMatched) {
  EXPECT_EQ(execute("CREATE TABLE t (a INTEGER)"), 0U);
  EXPECT_EQ(execute("INSERT INTO t VALUES (1), (2), (3)"), 3U);
  EXPECT_EQ(execute("UPDATE t SET a = a WHERE a > 1"), 2U) << "also those that stay as they were";
  EXPECT_EQ(execute("SELECT a FROM t"), 0U);
  EXPECT_EQ(execute("CREATE TABLE u (a INTEGER)"), 0U) << "not the number of the statement before";
  EXPECT_EQ(execute("DELETE FROM t WHERE a = 9"), 0U);
  EXPECT_EQ(execute("DELETE FROM t"), 3U);
}

TEST_P(DbContract, RowsKeepTheirColumnsOrder) {
  execute("CREATE TABLE t (a INTEGER, b INTEGER)");
  EXPECT_EQ(query("SELECT a FROM t"), "[]");
  execute("INSERT INTO t VALUES (1, 2)");
  EXPECT_EQ(query("SELECT b, a AS x FROM t"), R"([{"b":2,"x":1}])");
  EXPECT_EQ(query("SELECT a, a FROM t"), "invalid_argument/duplicate_column");
  EXPECT_EQ(failure(await(client->execute(caller(), "SELECT a, a FROM t"))), "ok") << "nobody wants its rows";
  if (client->backend().capabilities().returning) {
    EXPECT_EQ(query("INSERT INTO t VALUES (7, 8) RETURNING a, b"), R"([{"a":7,"b":8}])");
    EXPECT_EQ(query(GetParam().with_insert + "SELECT v, v FROM n RETURNING a"), R"([{"a":9}])");
  }
  EXPECT_EQ(query("SELECT count(*) AS n FROM t"), R"([{"n":3}])");
}

TEST_P(DbContract, FirstReadsOneRow) {
  execute("CREATE TABLE t (a INTEGER)");
  EXPECT_FALSE(await(client->first(caller(), "SELECT a FROM t"))->has_value());
  execute("INSERT INTO t VALUES (1), (2)");
  const auto row = await(client->first(caller(), "SELECT a FROM t ORDER BY a DESC"));
  ASSERT_TRUE(row.ok() && row->has_value());
  EXPECT_EQ(json::to_string((*row)->rows.root()), R"([{"a":2}])");
}

TEST_P(DbContract, TooManyRowsAreAnErrorAndAWriteOfThemIsUndone) {
  client = connect(5, 5000, 30000, 60000, 3);
  execute("CREATE TABLE t (a INTEGER)");
  execute("INSERT INTO t VALUES (1), (2), (3)");
  EXPECT_EQ(query("SELECT a FROM t"), R"([{"a":1},{"a":2},{"a":3}])");
  if (client->backend().capabilities().returning) {
    EXPECT_EQ(query("INSERT INTO t SELECT a + 10 FROM t UNION SELECT 4 RETURNING a"), "too_large");
    EXPECT_EQ(query("SELECT count(*) AS n FROM t"), R"([{"n":3}])");
  }
  execute("INSERT INTO t VALUES (4)");
  EXPECT_EQ(query("SELECT a FROM t"), "too_large");
}

TEST_P(DbContract, ABatchIsOneTransaction) {
  execute("CREATE TABLE t (a INTEGER PRIMARY KEY, s TEXT)");
  EXPECT_EQ(*await(client->batch(caller(), "INSERT INTO t VALUES (?, ?)", json_of(R"([[1, "a"], [2, "b"], [3, "c"]])"))), 3U);
  EXPECT_EQ(*await(client->batch(caller(), "UPDATE t SET s = :s WHERE a >= :a",
                                 json_of(R"([{"a": 3, "s": "x"}, {"a": 2, "s": "y"}])"))),
            3U);
  EXPECT_EQ(failure(await(client->batch(caller(), "INSERT INTO t VALUES (?, ?)", json_of(R"([[4, "d"], [1, "e"]])")))),
            "already_exists/unique_violation");
  EXPECT_EQ(failure(await(client->batch(caller(), "INSERT INTO t VALUES (?, ?)", json_of(R"([[5, "d"], [6]])")))),
            "invalid_argument/parameter_count");
  EXPECT_EQ(*await(client->batch(caller(), "INSERT INTO t VALUES (?, ?)", json_of("[]"))), 0U);
  EXPECT_EQ(query("SELECT a, s FROM t ORDER BY a"), R"([{"a":1,"s":"a"},{"a":2,"s":"y"},{"a":3,"s":"y"}])");
}

// -- errors

TEST_P(DbContract, ErrorsHaveCodes) {
  execute("CREATE TABLE p (id INTEGER PRIMARY KEY)");
  execute("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER NOT NULL CHECK (n > 0), p INTEGER REFERENCES p (id))");
  execute("INSERT INTO t VALUES (1, 1, NULL)");
  EXPECT_EQ(query("INSERT INTO t VALUES (1, 1, NULL)"), "already_exists/unique_violation");
  EXPECT_EQ(query("INSERT INTO t VALUES (2, NULL, NULL)"), "conflict/not_null_violation");
  EXPECT_EQ(query("INSERT INTO t VALUES (2, 0, NULL)"), "conflict/check_violation");
  EXPECT_EQ(query("INSERT INTO t VALUES (2, 1, 77)"), "conflict/foreign_key_violation");
  EXPECT_EQ(query("SELEKT 1"), "invalid_argument/syntax_error");
  EXPECT_EQ(query("SELECT ("), "invalid_argument/syntax_error");
  EXPECT_EQ(query(""), "invalid_argument/syntax_error");
  EXPECT_EQ(query("SELECT * FROM no_such_table"), "invalid_argument/undefined_table");
  EXPECT_EQ(query("SELECT no_such_column FROM t"), "invalid_argument");
  EXPECT_EQ(query("SELECT 1; SELECT 2"), "invalid_argument/multiple_statements");
  EXPECT_EQ(query("SELECT 1 AS one; -- that is all"), R"([{"one":1}])");
  for (const char* control : {"BEGIN", "COMMIT", "ROLLBACK", " /* x */ savepoint a", "RELEASE a"})
    EXPECT_EQ(query(control), "invalid_argument") << control;
}

TEST_P(DbContract, AStatementThatTakesTooLongIsStopped) {
  CallOptions brief(milliseconds(30));
  const auto slow = await(client->query(caller(), GetParam().endless, Document(), brief));
  EXPECT_EQ(failure(slow), "timeout");
  EXPECT_EQ(query("SELECT 1 AS one"), R"([{"one":1}])") << "the connection is fine";
  client = connect(5, 5000, 30);
  EXPECT_EQ(failure(await(client->query(caller(), GetParam().endless))), "timeout");
}

TEST_P(DbContract, ACancelledCallerStopsItsStatement) {
  const auto result = await(net::with_deadline(*loop, milliseconds(30), client->query(caller(), GetParam().endless)));
  EXPECT_EQ(failure(result), "timeout");
  EXPECT_EQ(client->in_use(), 0U);
}

// -- transactions

TEST_P(DbContract, OthersSeeATransactionOnceItIsCommitted) {
  execute("CREATE TABLE t (a INTEGER)");
  auto tx = begin();
  EXPECT_EQ(*await(tx->execute(caller(), "INSERT INTO t VALUES (?)", params(1))), 1U);
  EXPECT_EQ(text(await(tx->query(caller(), "SELECT a FROM t"))), R"([{"a":1}])");
  EXPECT_EQ(query("SELECT a FROM t"), "[]");
  ASSERT_TRUE(await(tx->commit(caller())).ok());
  EXPECT_EQ(query("SELECT a FROM t"), R"([{"a":1}])");
  EXPECT_EQ(failure(await(tx->query(caller(), "SELECT a FROM t"))), "conflict/transaction_aborted");
  EXPECT_TRUE(await(tx->rollback(caller())).ok()) << "fine after its end";
  EXPECT_EQ(client->in_use(), 0U);
}

TEST_P(DbContract, RolledBackAndDroppedLeaveNothing) {
  execute("CREATE TABLE t (a INTEGER)");
  auto tx = begin();
  (void)await(tx->execute(caller(), "INSERT INTO t VALUES (1)"));
  ASSERT_TRUE(await(tx->rollback(caller())).ok());
  tx = begin();
  (void)await(tx->execute(caller(), "INSERT INTO t VALUES (2)"));
  tx.reset();
  execute("INSERT INTO t VALUES (3)");
  EXPECT_EQ(query("SELECT a FROM t"), R"([{"a":3}])");
}

TEST_P(DbContract, AfterAFailedStatementOnlyRollbackIsLeft) {
  execute("CREATE TABLE t (a INTEGER PRIMARY KEY)");
  auto tx = begin();
  (void)await(tx->execute(caller(), "INSERT INTO t VALUES (1)"));
  EXPECT_EQ(failure(await(tx->execute(caller(), "INSERT INTO t VALUES (1)"))), "already_exists/unique_violation");
  EXPECT_EQ(failure(await(tx->execute(caller(), "INSERT INTO t VALUES (2)"))), "conflict/transaction_aborted");
  EXPECT_EQ(failure(await(tx->commit(caller()))), "conflict/transaction_aborted");
  EXPECT_EQ(client->in_use(), 0U) << "a commit ends it in every case";
  EXPECT_EQ(query("SELECT a FROM t"), "[]");
}

TEST_P(DbContract, NestedScopes) {
  execute("CREATE TABLE t (a INTEGER PRIMARY KEY)");
  auto scope = [this](Transaction& tx) -> Task<Result<void>> {
    (void)co_await tx.execute(caller(), "INSERT INTO t VALUES (1)");
    auto inner = [this](Transaction& nested) -> Task<Result<void>> {
      (void)co_await nested.execute(caller(), "INSERT INTO t VALUES (2)");
      Result<std::uint64_t> again = co_await nested.execute(caller(), "INSERT INTO t VALUES (2)");
      co_return Result<void>(std::move(again).error());
    };
    Result<void> failed = co_await tx.nested(caller(), std::move(inner));
    EXPECT_EQ(failure(failed), "already_exists/unique_violation");
    auto kept = [this](Transaction& nested) -> Task<Result<void>> {
      (void)co_await nested.execute(caller(), "INSERT INTO t VALUES (3)");
      co_return Result<void>();
    };
    Result<void> good = co_await tx.nested(caller(), std::move(kept));
    EXPECT_TRUE(good.ok());
    auto throws = [](Transaction&) -> Task<Result<void>> {
      throw std::runtime_error("inner");
      co_return Result<void>();
    };
    Result<void> thrown = co_await tx.nested(caller(), std::move(throws));
    EXPECT_EQ(failure(thrown), "internal/scope_failed");
    (void)co_await tx.execute(caller(), "INSERT INTO t VALUES (4)");
    co_return Result<void>();
  };
  EXPECT_TRUE(await(client->transaction(caller(), std::move(scope))).ok());
  EXPECT_EQ(query("SELECT a FROM t ORDER BY a"), R"([{"a":1},{"a":3},{"a":4}])");
}

TEST_P(DbContract, AScopeThatFailsOrThrowsRollsBack) {
  execute("CREATE TABLE t (a INTEGER)");
  auto fails = [this](Transaction& tx) -> Task<Result<int>> {
    (void)co_await tx.execute(caller(), "INSERT INTO t VALUES (1)");
    co_return Result<int>(Error(ErrorKind::condition_failed, "mine"));
  };
  EXPECT_EQ(failure(await(client->transaction(caller(), std::move(fails)))), "condition_failed");
  auto throws = [this](Transaction& tx) -> Task<Result<int>> {
    (void)co_await tx.execute(caller(), "INSERT INTO t VALUES (1)");
    throw std::runtime_error("boom");
  };
  EXPECT_EQ(failure(await(client->transaction(caller(), std::move(throws)))), "internal/scope_failed");
  auto works = [this](Transaction& tx) -> Task<Result<int>> {
    (void)co_await tx.execute(caller(), "INSERT INTO t VALUES (2)");
    co_return Result<int>(7);
  };
  EXPECT_EQ(*await(client->transaction(caller(), std::move(works))), 7);
  EXPECT_EQ(query("SELECT a FROM t"), R"([{"a":2}])");
}

TEST_P(DbContract, AReadOnlyTransactionSeesOneStateAndWritesNothing) {
  execute("CREATE TABLE t (a INTEGER)");
  execute("INSERT INTO t VALUES (1)");
  TransactionOptions options(true);
  options.isolation = Isolation::repeatable_read;
  auto tx = begin(options);
  EXPECT_EQ(text(await(tx->query(caller(), "SELECT a FROM t"))), R"([{"a":1}])");
  execute("INSERT INTO t VALUES (2)");
  EXPECT_EQ(text(await(tx->query(caller(), "SELECT a FROM t"))), R"([{"a":1}])");
  EXPECT_EQ(failure(await(tx->execute(caller(), "INSERT INTO t VALUES (3)"))), "permission_denied");
  ASSERT_TRUE(await(tx->rollback(caller())).ok());
  EXPECT_EQ(query("SELECT a FROM t"), R"([{"a":1},{"a":2}])");
}

TEST_P(DbContract, ATransactionThatIsOpenTooLongIsRolledBack) {
  client = connect(5, 5000, 30000, 30);
  execute("CREATE TABLE t (a INTEGER)");
  auto tx = begin();
  (void)await(tx->execute(caller(), "INSERT INTO t VALUES (1)"));
  while (client->in_use() > 0) loop->turn(-1);
  EXPECT_EQ(failure(await(tx->execute(caller(), "INSERT INTO t VALUES (2)"))), "conflict/transaction_aborted");
  EXPECT_EQ(failure(await(tx->commit(caller()))), "conflict/transaction_aborted");
  EXPECT_EQ(client->in_use(), 0U);
  execute("INSERT INTO t VALUES (3)");
  EXPECT_EQ(query("SELECT a FROM t"), R"([{"a":3}])");
}

TEST_P(DbContract, StatementsOfOneTransactionTakeTurns) {
  execute("CREATE TABLE t (a INTEGER)");
  auto tx = begin();
  int ended = 0;
  for (int i = 0; i < 20; ++i) {
    spawn(tx->execute(caller(), "INSERT INTO t VALUES (?)", params(i)),
          [&](std::exception_ptr, std::optional<Result<std::uint64_t>> done) {
            EXPECT_TRUE(done->ok());
            ++ended;
          });
  }
  while (ended < 20) loop->turn(-1);
  ASSERT_TRUE(await(tx->commit(caller())).ok());
  EXPECT_EQ(query("SELECT count(*) AS n FROM t"), R"([{"n":20}])");
}

TEST_P(DbContract, WhoComesWhileOthersWaitForTheirTurnIsBehindThem) {
  execute("CREATE TABLE t (id " + GetParam().counted + ", a INTEGER)");
  auto tx = begin();
  int ended = 0;
  const auto insert = [&](int a, auto then) {
    spawn(tx->execute(caller(), "INSERT INTO t (a) VALUES (?)", params(a)),
          [&ended, then](std::exception_ptr, std::optional<Result<std::uint64_t>> done) {
            EXPECT_TRUE(done->ok());
            ++ended;
            then();
          });
  };
  insert(1, [&] { insert(3, [] {}); });
  insert(2, [] {});
  while (ended < 3) loop->turn(-1);
  ASSERT_TRUE(await(tx->commit(caller())).ok());
  EXPECT_EQ(query("SELECT a FROM t ORDER BY id"), R"([{"a":1},{"a":2},{"a":3}])");
}

TEST_P(DbContract, HooksRunAfterTheCommitOnly) {
  execute("CREATE TABLE t (a INTEGER)");
  std::vector<std::string> ran;
  auto scope = [&](Transaction& tx) -> Task<Result<void>> {
    tx.after_commit([&] { ran.emplace_back("outer"); });
    auto inner = [&](Transaction& nested) -> Task<Result<void>> {
      nested.after_commit([&] { ran.emplace_back("undone"); });
      co_return Result<void>(Error(ErrorKind::conflict, "no"));
    };
    (void)co_await tx.nested(caller(), std::move(inner));
    tx.after_commit([&] { ran.emplace_back("last"); });
    EXPECT_TRUE(ran.empty());
    co_return Result<void>();
  };
  ASSERT_TRUE(await(client->transaction(caller(), std::move(scope))).ok());
  EXPECT_EQ(ran, (std::vector<std::string>{"outer", "last"}));
  auto tx = begin();
  tx->after_commit([&] { ran.emplace_back("never"); });
  (void)await(tx->rollback(caller()));
  EXPECT_EQ(ran.size(), 2U);
}

TEST_P(DbContract, TheInboxSaysOnceThatItIsNew) {
  const auto handle = [this](bool commit) {
    auto tx = begin();
    Result<bool> first = await(tx->inbox("topic/group", "id-1"));
    EXPECT_TRUE(first.ok());
    if (commit) {
      EXPECT_TRUE(await(tx->commit(caller())).ok());
    } else {
      EXPECT_TRUE(await(tx->rollback(caller())).ok());
    }
    return *first;
  };
  EXPECT_TRUE(handle(false));
  EXPECT_TRUE(handle(true)) << "what was rolled back did not happen";
  EXPECT_FALSE(handle(true));
}

TEST_P(DbContract, TheOutboxIsPartOfTheTransaction) {
  auto tx = begin();
  ASSERT_TRUE(await(tx->outbox(store::OutboxEntry("messaging.default", "publish", "a"))).ok());
  ASSERT_TRUE(await(tx->rollback(caller())).ok());
  tx = begin();
  ASSERT_TRUE(await(tx->outbox(store::OutboxEntry("messaging.default", "publish", std::string("b\0", 2)))).ok());
  ASSERT_TRUE(await(tx->commit(caller())).ok());
  EXPECT_EQ(query("SELECT target, kind, payload FROM spikard_outbox"),
            R"([{"target":"messaging.default","kind":"publish","payload":"YgA="}])");
}

// -- the pool

TEST_P(DbContract, ThePoolIsBoundedAndServesTheOldestFirst) {
  client = connect(1, 20);
  auto tx = begin();
  EXPECT_EQ(query("SELECT 1 AS one"), "timeout/pool_timeout");
  EXPECT_EQ(client->waiting(), 0U);
  std::vector<int> order;
  client = connect(1, 5000);
  tx = begin();
  for (int i = 0; i < 3; ++i) {
    spawn(client->query(caller(), "SELECT 1 AS one"), [&, i](std::exception_ptr, std::optional<Result<Rows>> rows) {
      EXPECT_TRUE(rows->ok());
      order.push_back(i);
    });
  }
  EXPECT_EQ(client->waiting(), 3U);
  tx.reset();
  while (order.size() < 3) loop->turn(-1);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST_P(DbContract, ClosedIsAnErrorOfItsOwn) {
  execute("CREATE TABLE t (a INTEGER)");
  auto tx = begin();
  (void)await(tx->execute(caller(), "INSERT INTO t VALUES (1)"));
  client->close();
  EXPECT_EQ(query("SELECT 1 AS one"), "unavailable/closed");
  EXPECT_EQ(failure(await(client->begin(caller()))), "unavailable/closed");
  EXPECT_EQ(failure(await(tx->execute(caller(), "INSERT INTO t VALUES (2)"))), "unavailable/closed");
  EXPECT_EQ(failure(await(tx->commit(caller()))), "unavailable/closed");
  client = connect();
  EXPECT_EQ(query("SELECT a FROM t"), "[]");
}

// -- streams

TEST_P(DbContract, AStreamGivesAllRowsInParts) {
  execute("CREATE TABLE t (a INTEGER)");
  NodeBuilder sets;
  sets.begin_array();
  for (int i = 0; i < 1000; ++i) {
    sets.begin_array();
    sets.integer(i);
    sets.end();
  }
  sets.end();
  ASSERT_TRUE(await(client->batch(caller(), "INSERT INTO t VALUES (?)", Document(std::move(sets)))).ok());
  auto stream = std::move(*await(client->stream(caller(), "SELECT a FROM t ORDER BY a")));
  std::int64_t next = 0;
  for (;;) {
    Result<Document> part = await(stream->next(*loop, 64));
    ASSERT_TRUE(part.ok());
    EXPECT_LE(part->root().size(), 64U);
    if (part->root().size() == 0) break;
    for (const Value row : part->root().elements()) EXPECT_EQ(row.find("a").as_int(), next++);
  }
  EXPECT_EQ(next, 1000);
  EXPECT_EQ(client->in_use(), 0U) << "at its end it holds nothing";
  // Dropped early.
  stream = std::move(*await(client->stream(caller(), "SELECT a FROM t")));
  (void)await(stream->next(*loop, 1));
  EXPECT_EQ(client->in_use(), 1U);
  stream.reset();
  EXPECT_EQ(client->in_use(), 0U);
  stream = std::move(*await(client->stream(caller(), "SELECT a FROM t")));
  EXPECT_EQ(await(stream->next(*loop, 1000))->root().size(), 1000U);
  stream.reset();  // behind its last row, whose end nobody has read
  EXPECT_TRUE(await(client->execute(caller(), "DELETE FROM t")).ok());
  EXPECT_EQ(failure(await(client->stream(caller(), "SELECT a, a FROM t"))), "invalid_argument/duplicate_column");
}

TEST_P(DbContract, AStreamOfATransaction) {
  execute("CREATE TABLE t (a INTEGER)");
  auto tx = begin();
  (void)await(tx->execute(caller(), "INSERT INTO t VALUES (1), (2)"));
  {
    auto stream = std::move(*await(tx->stream(caller(), "SELECT a FROM t ORDER BY a")));
    EXPECT_EQ(json::to_string(await(stream->next(*loop, 1))->root()), R"([{"a":1}])");
  }
  EXPECT_EQ(*await(tx->execute(caller(), "DELETE FROM t WHERE a = 1")), 1U);
  ASSERT_TRUE(await(tx->commit(caller())).ok());
  EXPECT_EQ(query("SELECT a FROM t"), R"([{"a":2}])");
}

TEST_P(DbContract, AStreamThatIsReadEndsWithItsTransactionsTime) {
  client = connect(5, 5000, 30000, 30);
  std::string ended;
  // On a busy machine its time may be over before it is read: then another one.
  for (int i = 0; i < 1000 && ended != "cancelled"; ++i) {
    auto tx = begin();
    Result<std::unique_ptr<Stream>> stream = await(tx->stream(caller(), GetParam().endless));
    if (!stream.ok()) continue;
    ended = failure(await((*stream)->next(*loop, 1)));
    ASSERT_TRUE(ended == "cancelled" || ended == "conflict/transaction_aborted") << ended;
    EXPECT_EQ(client->in_use(), 0U);
    EXPECT_EQ(failure(await(tx->commit(caller()))), "conflict/transaction_aborted");
  }
  EXPECT_EQ(ended, "cancelled");
}

TEST_P(DbContract, AStreamOfAStatementThatWritesWhateverItsFirstWord) {
  if (!client->backend().capabilities().returning) GTEST_SKIP() << "nothing to stream";
  execute("CREATE TABLE t (a INTEGER)");
  auto stream = await(client->stream(caller(), GetParam().with_insert + "SELECT v FROM n RETURNING a"));
  ASSERT_TRUE(stream.ok()) << stream.error().to_string();
  Result<Document> rows = await((*stream)->next(*loop));
  ASSERT_TRUE(rows.ok()) << rows.error().to_string();
  EXPECT_EQ(json::to_string(rows->root()), R"([{"a":9}])");
  EXPECT_EQ(json::to_string(await((*stream)->next(*loop))->root()), "[]") << "the end, which commits";
  stream->reset();
  EXPECT_EQ(query("SELECT a FROM t"), R"([{"a":9}])");
  EXPECT_EQ(client->in_use(), 0U);
}

// -- migrations

TEST_P(DbContract, MigrationsRunOnceInOrderAndAreChecked) {
  const auto write = [this](const std::string& name, const std::string& sql) {
    std::ofstream(folder.file("migrations/" + name)) << sql;
  };
  std::filesystem::create_directories(folder.file("migrations"));
  write("0001_first.sql", "CREATE TABLE m (a INTEGER);\nINSERT INTO m VALUES (1); -- ;\n");
  write("0002_second.sql", "INSERT INTO m VALUES (2);");
  write("notes.txt", "");
  Migrations migrations(client, pool, folder.file("migrations"));
  const auto states = [&] {
    std::string out;
    const Result<std::vector<MigrationStatus>> all = await(migrations.status(caller()));
    if (!all.ok()) return error(all.error());
    for (const MigrationStatus& one : *all) out += one.name + " " + std::string(name_of(one.state)) + "; ";
    return out;
  };
  EXPECT_EQ(states(), "0001_first.sql pending; 0002_second.sql pending; ");
  EXPECT_EQ(*await(migrations.apply(caller())), (std::vector<std::string>{"0001_first.sql", "0002_second.sql"}));
  EXPECT_EQ(*await(migrations.apply(caller())), std::vector<std::string>{});
  EXPECT_EQ(query("SELECT a FROM m ORDER BY a"), R"([{"a":1},{"a":2}])");
  write("0003_broken.sql", "INSERT INTO m VALUES (3); INSERT INTO nowhere VALUES (1)");
  EXPECT_EQ(failure(await(migrations.apply(caller()))), "invalid_argument/undefined_table");
  if (client->backend().capabilities().transactional_ddl) EXPECT_EQ(query("SELECT count(*) AS n FROM m"), R"([{"n":2}])");
  write("0003_broken.sql", "INSERT INTO m VALUES (3)");
  EXPECT_EQ(await(migrations.apply(caller()))->size(), 1U);
  write("0002_second.sql", "INSERT INTO m VALUES (2);\r\n");
  EXPECT_EQ(failure(await(migrations.apply(caller()))), "conflict");
  EXPECT_EQ(states(), "0001_first.sql applied; 0002_second.sql changed; 0003_broken.sql applied; ");
  write("0002_second.sql", "INSERT INTO m VALUES (2);");
  std::filesystem::remove(folder.file("migrations/0001_first.sql"));
  EXPECT_EQ(states(), "0001_first.sql missing; 0002_second.sql applied; 0003_broken.sql applied; ");
  write("bad name.sql", "");
  EXPECT_EQ(failure(await(migrations.apply(caller()))), "invalid_argument");
  Migrations nowhere(client, pool, folder.file("nowhere"));
  EXPECT_EQ(failure(await(nowhere.apply(caller()))), "not_found");
}

// -- operations

TEST_P(DbContract, OperationsSayWhatIsWrongWithTheirArguments) {
  store::OpenTransactions open;
  Operations operations(client, pool, open, {});
  const auto call = [&](Operation operation, std::string_view args) {
    Result<Document> result = await(operations.call(caller(), operation, json_of(args), nullptr));
    return result.ok() ? json::to_string(result->root()) : error(result.error()) + ": " + result.error().message();
  };
  EXPECT_EQ(call(Operation::db_query, "{}"), "invalid_argument: sql: missing");
  EXPECT_EQ(call(Operation::db_query, R"({"sql": 1})"), "invalid_argument: sql: expected text");
  EXPECT_EQ(call(Operation::db_query, R"({"sql": "SELECT 1", "x": 1})"), "invalid_argument: x: no such argument");
  EXPECT_EQ(call(Operation::db_query, R"({"sql": "SELECT 1", "transaction": 9})"),
            "not_found: transaction: there is no open transaction 9");
  EXPECT_EQ(call(Operation::db_begin, R"({"isolation": "x"})"),
            "invalid_argument: isolation: expected read_committed, repeatable_read or serializable");
  EXPECT_EQ(call(Operation::db_execute, R"j({"sql": "CREATE TABLE t (a INTEGER)"})j"), R"({"affected":0})");
  EXPECT_EQ(call(Operation::db_begin, "{}"), R"({"transaction":1})");
  EXPECT_TRUE(open.find(1).ok());
  EXPECT_EQ(call(Operation::db_execute, R"j({"sql": "INSERT INTO t VALUES (?)", "params": [5], "transaction": 1})j"),
            R"({"affected":1})");
  EXPECT_EQ(call(Operation::db_savepoint, R"({"transaction": 1})"), "{}");
  EXPECT_EQ(call(Operation::db_execute, R"j({"sql": "INSERT INTO t VALUES (6)", "transaction": 1})j"), R"({"affected":1})");
  EXPECT_EQ(call(Operation::db_rollback, R"({"transaction": 1, "savepoint": true})"), "{}");
  EXPECT_EQ(call(Operation::db_inbox, R"({"transaction": 1, "source": "s", "id": "i"})"), R"({"first":true})");
  EXPECT_EQ(call(Operation::db_commit, R"({"transaction": 1})"), "{}");
  EXPECT_FALSE(open.find(1).ok());
  EXPECT_EQ(call(Operation::db_rollback, R"({"transaction": 1})"), "not_found: transaction: there is no open transaction 1");
  EXPECT_EQ(call(Operation::db_query, R"({"sql": "SELECT a FROM t"})"),
            R"({"rows":[{"a":5}],"columns":["a"],"types":["integer"]})");
  EXPECT_EQ(call(Operation::db_first, R"({"sql": "SELECT a FROM t"})"), R"({"row":{"a":5},"types":["integer"]})");
  EXPECT_EQ(call(Operation::db_first, R"({"sql": "SELECT a FROM t WHERE a = 0"})"), R"({"row":null,"types":["integer"]})");
  EXPECT_EQ(call(Operation::db_batch, R"j({"sql": "INSERT INTO t VALUES (?)", "params": [[7], [8]]})j"), R"({"affected":2})");
  EXPECT_EQ(call(Operation::db_open_cursor, R"({"sql": "SELECT a FROM t ORDER BY a"})"),
            R"({"cursor":1,"columns":["a"],"types":["integer"]})");
  EXPECT_EQ(call(Operation::db_fetch, R"({"cursor": 1, "max": 2})"), R"({"rows":[{"a":5},{"a":7}],"done":false})");
  EXPECT_EQ(call(Operation::db_fetch, R"({"cursor": 1, "max": 2})"), R"({"rows":[{"a":8}],"done":true})");
  EXPECT_EQ(call(Operation::db_fetch, R"({"cursor": 1})"), "not_found: cursor: there is no open cursor 1");
  EXPECT_EQ(call(Operation::db_close_cursor, R"({"cursor": 1})"), "{}");
  operations.close();
  EXPECT_EQ(call(Operation::db_close, "{}"), "{}");
  EXPECT_EQ(call(Operation::db_query, R"({"sql": "SELECT 1 AS one"})"), "unavailable/closed: the client is closed");
}

TEST_P(DbContract, QueryStreamWritesJson) {
  struct Out final : net::OperationStream {
    Task<Result<void>> write(std::string chunk) override {
      text += chunk;
      ++chunks;
      co_return Result<void>();
    }
    Task<Result<std::optional<std::string>>> read() override { co_return Result<std::optional<std::string>>(std::nullopt); }
    std::string text;
    int chunks = 0;
  };
  execute("CREATE TABLE t (a INTEGER, s TEXT)");
  const std::string long_text(50000, 'x');
  for (int i = 0; i < 5; ++i) execute("INSERT INTO t VALUES (?, ?)", params(i, std::string_view(long_text)));
  store::OpenTransactions open;
  Operations operations(client, pool, open, {});
  Out out;
  Result<Document> done =
      await(operations.call(caller(), Operation::db_query_stream, json_of(R"({"sql": "SELECT a, s FROM t ORDER BY a"})"), &out));
  ASSERT_TRUE(done.ok()) << done.error().to_string();
  EXPECT_EQ(json::to_string(done->root()), R"({"rows":5})");
  EXPECT_GT(out.chunks, 1);
  EXPECT_EQ(out.text, query("SELECT a, s FROM t ORDER BY a"));
  Out empty;
  (void)await(
      operations.call(caller(), Operation::db_query_stream, json_of(R"({"sql": "SELECT a FROM t WHERE a < 0"})"), &empty));
  EXPECT_EQ(empty.text, "[]");
  Out lines;
  (void)await(operations.call(caller(), Operation::db_query_stream,
                              json_of(R"({"sql": "SELECT a FROM t WHERE a < 2", "format": "ndjson"})"), &lines));
  EXPECT_EQ(lines.text, "{\"a\":0}\n{\"a\":1}\n");
}

// -- the backends

#ifdef SPIKARD_TEST_DB_SQLITE
constexpr const char* endless_sqlite =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n";
INSTANTIATE_TEST_SUITE_P(Sqlite, DbContract,
                         ::testing::Values(Dialect{"file", "sqlite:{folder}db/contract.db", "DECIMAL_TEXT", "TIMESTAMP", "JSON",
                                                   "BLOB", endless_sqlite},
                                           Dialect{"memory", "sqlite::memory:", "DECIMAL_TEXT", "TIMESTAMP", "JSON", "BLOB",
                                                   endless_sqlite}),
                         [](const auto& info) { return info.param.name; });
#endif
#ifdef SPIKARD_TEST_DB_POSTGRES
INSTANTIATE_TEST_SUITE_P(Server_postgres, DbContract,
                         ::testing::Values(Dialect{"postgres", "{postgres}", "NUMERIC", "TIMESTAMPTZ", "JSONB", "BYTEA",
                                                   "SELECT count(*) AS c FROM pg_sleep(3600)",
                                                   "INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY"}),
                         [](const auto& info) { return info.param.name; });
#endif
#ifdef SPIKARD_TEST_DB_MYSQL
// A decimal column has the digits that it was made with; a WITH stands before the SELECT.
INSTANTIATE_TEST_SUITE_P(Server_mysql, DbContract,
                         ::testing::Values(Dialect{"mysql", "{mysql}", "DECIMAL(38,10)", "DATETIME(6)", "JSON", "BLOB",
                                                   "SELECT SLEEP(3600) AS c", "INTEGER AUTO_INCREMENT PRIMARY KEY",
                                                   "-0.1000000000", "INSERT INTO t WITH n AS (SELECT 9 AS v) "}),
                         [](const auto& info) { return info.param.name; });
#endif

}  // namespace
}  // namespace spikard::db
