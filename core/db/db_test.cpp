#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/json.hpp"
#include "db/client.hpp"
#include "db/instant.hpp"
#include "db/json_rows.hpp"
#include "db/migrations.hpp"
#include "db/operations.hpp"
#include "db/parameter.hpp"
#include "db/registry.hpp"
#include "db/sqlite/run.hpp"
#include "net/virtual_clock.hpp"
#include "store/sqlite/test_database.hpp"
#include "telemetry/memory_exporter.hpp"

namespace spikard::db {
namespace {

TEST(Instant, Rfc3339) {
  const auto through = [](std::string_view text) {
    const auto at = parse_rfc3339(text);
    return at.has_value() ? to_rfc3339(*at) : std::string("no");
  };
  EXPECT_EQ(through("2024-03-10T12:30:00.123456+02:00"), "2024-03-10T10:30:00.123456Z");
  EXPECT_EQ(through("1969-12-31T23:59:59.5Z"), "1969-12-31T23:59:59.5Z");
  EXPECT_EQ(through("2024-02-29t23:59:59.1234567z"), "2024-02-29T23:59:59.123456Z");
  EXPECT_EQ(through("0001-01-01T00:00:00Z"), "0001-01-01T00:00:00Z");
  EXPECT_EQ(through("9999-12-31T23:59:59.999999Z"), "9999-12-31T23:59:59.999999Z");
  for (const char* bad : {"2023-02-29T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:60Z",
                          "2024-01-01T00:00:00", "2024-01-01", "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00+2:00",
                          "2024-01-01T00:00:00+0200", "x", "", "0001-01-01T00:00:00+01:00", "2024-01-01T00:00:00Z "})
    EXPECT_EQ(through(bad), "no") << bad;
}

TEST(Instant, OfSql) {
  EXPECT_EQ(to_sql_timestamp(*parse_sql_timestamp("2024-03-10 10:30:00")), "2024-03-10 10:30:00");
  EXPECT_EQ(to_sql_timestamp(*parse_sql_timestamp("2024-03-10 10:30")), "2024-03-10 10:30:00");
  EXPECT_EQ(to_sql_timestamp(*parse_sql_timestamp("2024-03-10T10:30:00.250Z")), "2024-03-10 10:30:00.25");
  EXPECT_EQ(to_sql_timestamp(*parse_sql_timestamp("2024-03-10 10:30:00+02")), "2024-03-10 08:30:00");
  EXPECT_FALSE(parse_sql_timestamp("yesterday").has_value());
}

TEST(Parameters, TaggedAndPlain) {
  const auto of = [](std::string_view text) {
    const Document value = json::parse(text).value();
    const Result<Parameter> parameter = parameter_from(value.root());
    if (!parameter.ok()) return parameter.error().detail();
    return std::to_string(static_cast<int>(parameter->kind)) + " " + std::to_string(parameter->integer) + " " + parameter->text;
  };
  EXPECT_EQ(of(R"({"$json": "bare"})"), "8 0 \"bare\"");
  EXPECT_EQ(of(R"({"$json": {"$int64": "1"}})"), R"(8 0 {"$int64":"1"})");
  EXPECT_EQ(of(R"({"$other": 1})"), R"(8 0 {"$other":1})");
  EXPECT_EQ(of(R"({"$int64": "12", "x": 1})"), R"(8 0 {"$int64":"12","x":1})") << "two members: JSON";
  EXPECT_EQ(of(R"({"$int64": "12"})"), "2 12 ");
  EXPECT_EQ(of(R"({"$int64": "1.5"})"), "invalid_parameter");
  EXPECT_EQ(of(R"({"$decimal": "1e-7"})"), "6 0 1e-7");
  EXPECT_EQ(of("1e999"), "6 0 1e999") << "no double: kept as a decimal";
  EXPECT_EQ(of(R"({"$bytes": "AAE="})"), std::string("5 0 \0\1", 6));
}

TEST(JsonRows, WritesEveryKind) {
  JsonRows rows;
  rows.begin(std::vector<Column>{{"a\"b", ColumnType::any}, {"c", ColumnType::any}});
  rows.begin_row();
  rows.text("x\ny");
  rows.bytes(std::string_view("\0\1", 2));
  rows.end_row();
  rows.begin_row();
  rows.null();
  rows.decimal("1.10");
  rows.end_row();
  rows.finish();
  EXPECT_EQ(rows.view(), "[{\"a\\\"b\":\"x\\ny\",\"c\":\"AAE=\"},{\"a\\\"b\":null,\"c\":1.10}]");
}

TEST(JsonRows, NdjsonStaysOnItsLine) {
  JsonRows rows(JsonFormat::ndjson);
  rows.begin(std::vector<Column>{{"j", ColumnType::json}});
  rows.begin_row();
  rows.json("{\n \"a\": 1\n}");
  rows.end_row();
  rows.finish();
  EXPECT_EQ(rows.view(), "{\"j\":{\"a\":1}}\n");
}

TEST(SqlitePragmas, OnlyThoseThatAskOrKeepHouse) {
  for (const char* good :
       {"PRAGMA table_info(t)", "pragma main.user_version = 3", "PRAGMA integrity_check;", "PRAGMA foreign_keys"})
    EXPECT_TRUE(sqlite::check_pragma(good).ok()) << good;
  for (const char* bad :
       {"PRAGMA foreign_keys = OFF", "PRAGMA journal_mode(delete)", "PRAGMA writable_schema=1", "PRAGMA query_only=0", "PRAGMA"})
    EXPECT_EQ(sqlite::check_pragma(bad).error().kind(), ErrorKind::unsupported) << bad;
}

TEST(DbRegistry, SaysWhichOptionAddsABackend) {
  RealClock clock;
  net::BlockingPool pool(clock);
  store::sqlite::Databases databases(pool);
  Environment environment(pool);
  environment.databases = &databases;
  const auto fails = [&](std::string url) {
    services::DbConfig config;
    config.url = std::move(url);
    return open(config, environment).error();
  };
  const Registry empty;  // as in a build without backends
  for (const auto& [url, option] :
       {std::pair{"postgres://u:secret@h/d", "SPIKARD_DB_POSTGRES"}, std::pair{"mysql://u:secret@h/d", "SPIKARD_DB_MYSQL"},
        std::pair{"sqlite:x", "SPIKARD_DB_SQLITE"}}) {
    services::DbConfig config;
    config.url = url;
    const Error error = empty.open(config, environment).error();
    EXPECT_EQ(error.kind(), ErrorKind::unsupported) << url;
    EXPECT_NE(error.message().find(option), std::string::npos) << url;
    EXPECT_EQ(error.message().find("secret"), std::string::npos) << url;
  }
  EXPECT_NE(fails("oracle://u:secret@h").message().find("expected sqlite:FILE"), std::string::npos);
  EXPECT_EQ(fails("oracle://u:secret@h").message().find("secret"), std::string::npos);
  EXPECT_EQ(fails("sqlite:").kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(fails("x").kind(), ErrorKind::invalid_argument);
}

struct SpansTest : ::testing::Test, store::sqlite::DatabaseFixture {};

TEST_F(SpansTest, HaveTheStatementAndNeverTheValues) {
  auto exporter = std::make_shared<telemetry::MemoryExporter>();
  telemetry::ProviderOptions options(clock);
  options.exporter = exporter;
  services::DbConfig config;
  config.url = "sqlite:" + folder.file("spans.db");
  Environment environment(pool);
  environment.databases = &databases;
  environment.tracer = telemetry::Tracer(std::make_shared<telemetry::Provider>(std::move(options)));
  auto client = open(config, environment).value();
  const net::Caller caller(*loop);
  ASSERT_TRUE(await(client->execute(caller, "CREATE TABLE t (a INTEGER)")).ok());
  ASSERT_TRUE(await(client->query(caller, "SELECT a FROM t WHERE a = ?", params(4711))).ok());
  ASSERT_TRUE(await(client->query(caller, "SELECT a FROM t WHERE a = 'secret' /* secret */")).ok());
  ASSERT_FALSE(await(client->query(caller, "SELECT b FROM t")).ok());
  NodeBuilder out;
  out.begin_array();
  for (const telemetry::SpanData& span : exporter->spans()) telemetry::write(out, span, {});
  out.end();
  const std::string text = json::to_string(out.root());
  EXPECT_NE(text.find(R"("db.query.text":"SELECT a FROM t WHERE a = ?")"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("db.system.name":"sqlite")"), std::string::npos);
  EXPECT_NE(text.find(R"("db.namespace":"spans.db")"), std::string::npos);
  EXPECT_NE(text.find(R"("error.type":"invalid_argument")"), std::string::npos);
  EXPECT_EQ(text.find("4711"), std::string::npos);
  EXPECT_EQ(text.find("secret"), std::string::npos);
}

TEST(Migrations, AFileWhoseSizeIsNotKnownIsNotTooLarge) {
  const store::sqlite::TemporaryFolder folder;
  std::filesystem::create_symlink("nowhere", folder.file("0001_gone.sql"));
  const auto files = read_migrations(std::filesystem::path(folder.file("x")).parent_path().string(), store::Dialect::sqlite);
  ASSERT_FALSE(files.ok());
  EXPECT_EQ(files.error().kind(), ErrorKind::unavailable);
  EXPECT_TRUE(files.error().message().starts_with("0001_gone.sql: ")) << files.error().message();
}

TEST(Migrations, AFileForOneDatabaseStandsForTheOneForAll) {
  const store::sqlite::TemporaryFolder folder;
  for (const char* name : {"0001_a.sql", "0001_a.postgres.sql", "0002_b.mysql.sql", "0003_c.sql"})
    std::ofstream(folder.file(name)) << "SELECT 1";
  const std::string path = std::filesystem::path(folder.file("x")).parent_path().string();
  const auto names = [&](store::Dialect dialect) {
    const auto files = read_migrations(path, dialect);
    std::string out;
    if (!files.ok()) return files.error().message();
    for (const MigrationFile& file : *files) out += file.name + " ";
    return out;
  };
  EXPECT_EQ(names(store::Dialect::sqlite), "0001_a.sql 0003_c.sql ");
  EXPECT_EQ(names(store::Dialect::postgres), "0001_a.postgres.sql 0003_c.sql ");
  EXPECT_EQ(names(store::Dialect::mysql), "0001_a.sql 0002_b.mysql.sql 0003_c.sql ");
  std::ofstream(folder.file("0001_b.postgres.sql")) << "SELECT 1";
  EXPECT_EQ(names(store::Dialect::postgres), "0001_a.postgres.sql and 0001_b.postgres.sql: two files of one number");
  EXPECT_EQ(names(store::Dialect::sqlite), "0001_a.sql 0003_c.sql ");
  std::ofstream(folder.file("0003_d.sql")) << "SELECT 1";
  EXPECT_EQ(names(store::Dialect::sqlite), "0003_c.sql and 0003_d.sql: two files of one number");
}

struct TransactionTimeTest : ::testing::Test, store::sqlite::DatabaseFixtureOn<net::VirtualClock> {
  void SetUp() override {
    services::DbConfig config;
    config.url = "sqlite:" + folder.file("time.db");
    config.transaction_timeout_ms = 1000;
    Environment environment(pool);
    environment.databases = &databases;
    client = open(config, environment).value();
    ASSERT_TRUE(await(client->execute(net::Caller(*loop), "CREATE TABLE t (a INTEGER)")).ok());
    ASSERT_TRUE(await(client->execute(net::Caller(*loop), "INSERT INTO t VALUES (1), (2), (3)")).ok());
  }
  void TearDown() override { client.reset(); }
  void advance(Duration by) {
    bool done = false;
    clock.advance(by, [&] { loop->post([&] { done = true; }); });
    turn_until(done);
  }
  template <class T>
  static std::string failure(const Result<T>& result) {
    return result.ok() ? "ok" : std::string(spikard::name_of(result.error().kind())) + "/" + result.error().detail();
  }
  std::shared_ptr<Client> client;
};

TEST_F(TransactionTimeTest, AStreamThatNobodyReadsDoesNotKeepItOpen) {
  const net::Caller caller(*loop);
  auto tx = await(client->begin(caller)).value();
  ASSERT_TRUE(await(tx->execute(caller, "INSERT INTO t VALUES (4)")).ok());
  auto stream = await(tx->stream(caller, "SELECT a FROM t")).value();
  ASSERT_EQ(await(stream->next(*loop, 1))->root().size(), 1U);
  advance(std::chrono::milliseconds(999));
  EXPECT_EQ(client->in_use(), 1U);
  advance(std::chrono::milliseconds(1));
  ASSERT_EQ(client->in_use(), 0U);
  EXPECT_EQ(failure(await(stream->next(*loop, 1))), "conflict/transaction_aborted") << "not the end of the rows";
  EXPECT_EQ(failure(await(tx->commit(caller))), "conflict/transaction_aborted");
  ASSERT_TRUE(await(client->execute(caller, "INSERT INTO t VALUES (5)")).ok()) << "the writer is free";
  EXPECT_EQ(json::to_string(await(client->query(caller, "SELECT max(a) AS a, count(*) AS n FROM t"))->rows.root()),
            R"([{"a":5,"n":4}])");
}

TEST_F(TransactionTimeTest, OneOfAHostThatRanOutIsForgottenAndItsNumberSaysWhy) {
  store::OpenTransactions open;
  Operations operations(client, pool, open, {});
  const auto call = [&](Operation operation, std::string_view args) {
    Result<Document> result = await(operations.call(net::Caller(*loop), operation, json::parse(args).value(), nullptr));
    return result.ok() ? json::to_string(result->root()) : failure(result);
  };
  EXPECT_EQ(call(Operation::db_begin, "{}"), R"({"transaction":1})");
  EXPECT_EQ(call(Operation::db_execute, R"j({"sql": "INSERT INTO t VALUES (4)", "transaction": 1})j"), R"({"affected":1})");
  advance(std::chrono::seconds(1));
  EXPECT_NE(call(Operation::db_stats, "{}").find(R"("in_use":0,"waiting":0,"transactions":0)"), std::string::npos)
      << call(Operation::db_stats, "{}");
  EXPECT_EQ(call(Operation::db_query, R"({"sql": "SELECT 1", "transaction": 1})"), "conflict/transaction_aborted");
  EXPECT_EQ(failure(open.find(1)), "conflict/transaction_aborted");
  EXPECT_EQ(call(Operation::db_commit, R"({"transaction": 1})"), "conflict/transaction_aborted");
  EXPECT_EQ(call(Operation::db_rollback, R"({"transaction": 1})"), "{}");
  EXPECT_EQ(call(Operation::db_rollback, R"({"transaction": 1})"), "not_found/");
  for (int i = 0; i < 300; ++i) open.end(100 + i, Error(ErrorKind::conflict, "x"));
  EXPECT_EQ(failure(open.find(100)), "not_found/") << "bounded";
  EXPECT_EQ(failure(open.find(399)), "conflict/");
}

}  // namespace
}  // namespace spikard::db
