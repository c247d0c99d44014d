// What only a real PostgreSQL shows: cancels, cut connections, a server that goes, poolers, TLS, every type. The statements are
// the client's; what they promise whatever the database is in db_contract.cpp.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <random>
#include <set>

#include "base/json.hpp"
#include "db/client.hpp"
#include "db/registry.hpp"
#include "net/await.hpp"
#include "net/service_thread.hpp"
#include "postgres_schema.hpp"
#include "proxy.hpp"
#include "store/sqlite/test_database.hpp"

namespace spikard::db {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct PostgresFaults : ::testing::TestWithParam<const char*>, store::sqlite::DatabaseFixture {
  std::shared_ptr<Client> connect(std::string url, std::uint32_t max = 5, std::uint32_t statement_ms = 30000) {
    services::DbConfig config;
    config.url = std::move(url);
    config.pool.max = max;
    config.statement_timeout_ms = statement_ms;
    Environment environment(pool);
    environment.postgres = &servers;
    return open(config, environment).value();
  }
  std::shared_ptr<Client> connect() { return connect(schema.url()); }
  /// The schema behind a proxy.
  std::string through(const contract::Proxy& proxy, const std::string& more = {}) {
    std::string url = schema.url(more);
    const auto options = store::postgres::Options::from_url(url).value();
    const std::string host = options.hosts[0].name + ":" + std::to_string(options.hosts[0].port);
    return url.replace(url.find(host), host.size(), proxy.address());
  }
  std::string upstream() {
    const auto options = store::postgres::Options::from_url(schema.url()).value();
    return options.hosts[0].name + ":" + std::to_string(options.hosts[0].port);
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
  store::postgres::Databases servers;
  contract::PostgresSchema schema;
};

TEST_P(PostgresFaults, AThousandRandomCancelsAndNoAnswerReachesAnother) {
  const auto client = connect(schema.url(), 4);
  std::mt19937 random(20261127);
  int running = 0;
  int done = 0;
  int cancelled = 0;
  int timed_out = 0;
  std::vector<std::string> wrong;
  const auto one = [&](int number) -> Task<Result<Rows>> {
    // Fast ones, slow ones, ones with many rows, in and out of transactions: the answer names its question.
    Document values = params(number);
    std::string sql = "SELECT $1::int AS n";
    if (number % 3 == 1) sql = "SELECT $1::int AS n FROM pg_sleep(0.002)";
    if (number % 3 == 2) sql = "SELECT $1::int AS n, g, repeat('x', 100) AS pad FROM generate_series(1, 2000) g";
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
  for (; cancelled + timed_out < 1000 && number < 20000; ++number) {
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
            } else if (rows->error().kind() == ErrorKind::cancelled) {
              ++cancelled;
            } else if (rows->error().kind() == ErrorKind::timeout) {
              ++timed_out;
            } else {
              wrong.push_back(std::to_string(number) + ": " + rows->error().to_string());
            }
          });
    while (running >= 12) loop->turn(-1);
  }
  while (running > 0) loop->turn(-1);
  EXPECT_TRUE(wrong.empty()) << wrong.front();
  EXPECT_EQ(done + cancelled + timed_out, number);
  EXPECT_GE(cancelled + timed_out, 1000);
  EXPECT_GT(done, 0);
  RecordProperty("done", done);
  RecordProperty("stopped", cancelled + timed_out);
  std::cout << done << " done, " << cancelled + timed_out << " stopped\n";
  // And afterwards the pool is whole.
  for (int i = 0; i < 50; ++i) EXPECT_EQ(query(*client, "SELECT $1::int AS n", params(i)), "[{\"n\":" + std::to_string(i) + "}]");
  EXPECT_EQ(client->in_use(), 0U);
  client->close();
}

TEST_P(PostgresFaults, ConnectionsCutAtRandomBytesLoseNoRowThatWasAcknowledged) {
  contract::Proxy proxy(*loop, upstream());
  const auto direct = connect();
  ASSERT_TRUE(await(direct->execute(caller(), "CREATE TABLE t (n INTEGER PRIMARY KEY)")).ok());
  const auto client = connect(through(proxy), 3);
  std::mt19937 random(7);
  std::set<int> acknowledged;
  std::set<int> unknown;
  std::size_t other = 0;
  for (int n = 0; n < 400; ++n) {
    if (n % 5 == 0) proxy.cut_after(std::uniform_int_distribution<std::uint64_t>(0, 2500)(random));
    const Result<std::uint64_t> inserted = await(client->execute(caller(), "INSERT INTO t VALUES ($1)", params(n)));
    if (inserted.ok()) acknowledged.insert(n);
    else if (inserted.error().kind() == ErrorKind::outcome_unknown) unknown.insert(n);
    else if (inserted.error().kind() == ErrorKind::unavailable) ++other;
    else ADD_FAILURE() << inserted.error().to_string();
  }
  proxy.cut_after(std::numeric_limits<std::uint64_t>::max());
  EXPECT_GT(proxy.cuts(), 10U);
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

TEST_P(PostgresFaults, SessionsThatTheServerEndsAreReplacedWithoutAnError) {
  const auto client = connect();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(query(*client, "SELECT 1 AS one"), R"([{"one":1}])") << i;
    schema.run(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'spikard' AND pid <> "
        "pg_backend_pid()");
  }
  // In the middle of something it is an error, and nothing is run twice.
  const auto slow = [&]() -> Task<Result<std::uint64_t>> {
    co_return co_await client->execute(caller(), "CREATE TABLE made AS SELECT 1 AS a FROM pg_sleep(5)");
  };
  std::optional<Result<std::uint64_t>> ended;
  spawn(slow(), [&](const std::exception_ptr&, std::optional<Result<std::uint64_t>> result) { ended = std::move(result); });
  while (schema.run("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE TABLE made%' AND state = 'active'") == "0")
    loop->turn(1);
  schema.run("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'CREATE TABLE made%'");
  while (!ended.has_value()) loop->turn(-1);
  EXPECT_EQ(failure(*ended), "unavailable") << "the server said so itself";
  EXPECT_EQ(query(*client, "SELECT to_regclass('made') IS NULL AS none"), R"([{"none":true}])");
  client->close();
}

TEST_P(PostgresFaults, AServerThatSaysNothingIsGivenUp) {
  contract::Proxy proxy(*loop, upstream());
  const auto client = connect(through(proxy), 2, 200);
  EXPECT_EQ(query(*client, "SELECT 1 AS one"), R"([{"one":1}])");
  proxy.freeze(true);
  const auto frozen = await(client->execute(caller(), "SELECT 1"));
  EXPECT_EQ(failure(frozen), "timeout");
  const auto unknown = await(client->execute(caller(), "CREATE TABLE frozen (a INTEGER)"));
  EXPECT_EQ(failure(unknown), "timeout") << "there was no connection for it";
  proxy.cut();
  proxy.freeze(false);
  EXPECT_EQ(query(*client, "SELECT 1 AS one"), R"([{"one":1}])");
  client->close();
}

TEST_P(PostgresFaults, TheFirstHostThatAnswersIsTaken) {
  contract::Proxy dead(*loop, "127.0.0.1:1");
  dead.refuse(true);
  std::string url = schema.url("&target_session_attrs=primary");
  const std::string host = upstream();
  url.replace(url.find(host), host.size(), dead.address() + "," + host);
  const auto client = connect(url);
  EXPECT_EQ(query(*client, "SELECT 1 AS one"), R"([{"one":1}])");
  EXPECT_GE(dead.accepted(), 1U);
  client->close();
  const auto standby = connect(schema.url("&target_session_attrs=standby"));
  EXPECT_EQ(failure(await(standby->execute(caller(), "SELECT 1"))), "unavailable");
  standby->close();
  const auto preferred = connect(schema.url("&target_session_attrs=prefer-standby"));
  EXPECT_EQ(query(*preferred, "SELECT 1 AS one"), R"([{"one":1}])");
  preferred->close();
}

TEST_P(PostgresFaults, WhoMayNotComeInIsToldSoWithoutThePassword) {
  std::string url = schema.url();
  url.replace(url.find("app:app@"), 8, "app:secret@");
  const auto client = connect(url);
  const auto refused = await(client->execute(caller(), "SELECT 1"));
  EXPECT_EQ(failure(refused), "permission_denied");
  EXPECT_EQ(refused.error().to_string().find("secret"), std::string::npos);
  client->close();
  std::string other = schema.url();
  other.replace(other.find("/postgres"), 9, "/no_such_database");
  const auto nowhere = connect(other);
  EXPECT_EQ(failure(await(nowhere->execute(caller(), "SELECT 1"))), "not_found");
  nowhere->close();
}

TEST_P(PostgresFaults, ASessionThatAStatementChangedIsResetAndOnlyThen) {
  const auto client = connect(schema.url(), 1);
  const std::string pid = query(*client, "SELECT pg_backend_pid() AS pid");
  ASSERT_TRUE(await(client->execute(caller(), "SET statement_timeout = '77s'")).ok());
  EXPECT_EQ(query(*client, "SHOW statement_timeout"), R"([{"statement_timeout":"0"}])");
  ASSERT_TRUE(await(client->execute(caller(), "CREATE TEMP TABLE mine (a INTEGER)")).ok());
  EXPECT_EQ(query(*client, "SELECT to_regclass('mine') IS NULL AS none"), R"([{"none":true}])");
  ASSERT_TRUE(await(client->execute(caller(), "SELECT pg_advisory_lock(1)")).ok());
  EXPECT_EQ(query(*client, "SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"),
            R"([{"n":0}])");
  EXPECT_EQ(query(*client, "SELECT pg_backend_pid() AS pid"), pid) << "it is the same session";
  client->close();
}

TEST_P(PostgresFaults, AStatementWhoseTableChangedIsPreparedAgain) {
  const auto client = connect(schema.url(), 1);
  ASSERT_TRUE(await(client->execute(caller(), "CREATE TABLE t (a INTEGER)")).ok());
  ASSERT_TRUE(await(client->execute(caller(), "INSERT INTO t VALUES (1)")).ok());
  EXPECT_EQ(query(*client, "SELECT * FROM t"), R"([{"a":1}])");
  ASSERT_TRUE(await(client->execute(caller(), "ALTER TABLE t ADD b TEXT DEFAULT 'x'")).ok());
  EXPECT_EQ(query(*client, "SELECT * FROM t"), R"([{"a":1,"b":"x"}])");
  ASSERT_TRUE(await(client->execute(caller(), "DEALLOCATE ALL")).ok());
  EXPECT_EQ(query(*client, "SELECT * FROM t"), R"([{"a":1,"b":"x"}])") << "names that are gone are made again";
  client->close();
  const auto unnamed = connect(schema.url("&prepared=false"), 1);
  EXPECT_EQ(query(*unnamed, "SELECT * FROM t WHERE a = $1", params(1)), R"([{"a":1,"b":"x"}])");
  EXPECT_EQ(query(*unnamed, "SELECT count(*) AS n FROM pg_prepared_statements"), R"([{"n":0}])");
  ASSERT_TRUE(await(unnamed->execute(caller(), "ALTER TABLE t DROP b")).ok());
  EXPECT_EQ(query(*unnamed, "SELECT * FROM t WHERE a = $1", params(1)), R"([{"a":1}])");
  unnamed->close();
}

TEST_P(PostgresFaults, ThreeLoopsShareOneLimit) {
  const auto client = connect(schema.url("&application_name=limited"), 2);
  const auto open_ones = [&] {
    return std::stoi(schema.run("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'limited'"));
  };
  int ended = 0;
  for (int i = 0; i < 2; ++i)
    spawn(client->execute(caller(), "SELECT pg_sleep(0.05)"),
          [&](const std::exception_ptr&, std::optional<Result<std::uint64_t>> done) {
            EXPECT_TRUE(done->ok());
            ++ended;
          });
  while (ended < 2) loop->turn(-1);
  EXPECT_EQ(open_ones(), 2) << "both are idle on this loop";
  std::vector<std::unique_ptr<net::ServiceThread>> threads;
  std::atomic<int> left{0};
  std::atomic<int> failed{0};
  for (int t = 0; t < 2; ++t) threads.push_back(net::ServiceThread::start(clock).value());
  const auto rounds = [&](net::Loop& on) -> Task<void> {
    for (int i = 0; i < 15; ++i) {
      Document values = params(i);
      Result<Rows> rows = co_await client->query(net::Caller(on), "SELECT $1::int AS n", std::move(values));
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

TEST_P(PostgresFaults, TheCacheOfStatementsIsBounded) {
  services::DbConfig config;
  config.url = schema.url("&application_name=bounded");
  config.pool.max = 1;
  config.statement_cache = 4;
  Environment environment(pool);
  store::postgres::Databases own;
  environment.postgres = &own;
  const auto client = open(config, environment).value();
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(query(*client, "SELECT " + std::to_string(i) + " AS n"), "[{\"n\":" + std::to_string(i) + "}]");
  const Result<Rows> kept = await(client->query(caller(), "SELECT count(*) AS n FROM pg_prepared_statements"));
  EXPECT_LE(kept->rows.root().at(0).find("n").as_int(), 4);
  client->close();
}

TEST_P(PostgresFaults, EveryTypeAsJson) {
  const auto client = connect();
  EXPECT_EQ(
      query(*client,
            "SELECT 1::int2 AS a, 2::int4 AS b, 9007199254740993::int8 AS c, 0.1::float4 AS d, 1e308::float8 AS e, "
            "'NaN'::float8 AS f, 12345678901234567890.0123456789::numeric AS g, 'Infinity'::numeric AS h, true AS i, 'ü'::text "
            "AS j, "
            "'ab  '::char(4) AS k, 'x'::\"char\" AS l, 'n'::name AS m, '\\x00ff'::bytea AS n"),
      R"([{"a":1,"b":2,"c":9007199254740993,"d":0.1,"e":1e+308,"f":"NaN","g":12345678901234567890.0123456789,"h":"Infinity","i":true,"j":"ü","k":"ab  ","l":"x","m":"n","n":"AP8="}])");
  EXPECT_EQ(
      query(*client,
            "SELECT '2024-03-10 12:30:00.123456+02'::timestamptz AS a, '2024-03-10 12:30:00'::timestamp AS b, "
            "'infinity'::timestamptz AS c, "
            "'0044-03-15 BC'::date AS d, '2024-02-29'::date AS e, '23:59:59.5'::time AS f, '12:00+02'::timetz AS g, "
            "'1 year 2 mons -3 days 04:05:06.7'::interval AS h, '00112233-4455-6677-8899-aabbccddeeff'::uuid AS i"),
      R"([{"a":"2024-03-10T10:30:00.123456Z","b":"2024-03-10T12:30:00Z","c":"infinity","d":"-000043-03-15","e":"2024-02-29","f":"23:59:59.5","g":"12:00:00+02:00","h":"P1Y2M-3DT4H5M6.7S","i":"00112233-4455-6677-8899-aabbccddeeff"}])");
  EXPECT_EQ(
      query(
          *client,
          "SELECT '{\"a\": [1, null]}'::json AS a, '{\"b\":1}'::jsonb AS b, ARRAY[1,NULL,3] AS c, ARRAY[['a','b'],['c','d\"']] "
          "AS d, "
          "'{}'::int8[] AS e, ARRAY['{\"x\":1}'::jsonb] AS f, ARRAY[1.10,2] AS g, '[1,5)'::int4range AS h, '127.0.0.1/8'::inet "
          "AS i, "
          "'(1,2)'::point AS j, ROW(1,'x') AS k, '12.34'::money AS l, B'101' AS m, '08:00:2b:01:02:03'::macaddr AS o, NULL AS p, "
          "ARRAY['2024-01-01'::date] AS q"),
      R"j([{"a":{"a":[1,null]},"b":{"b":1},"c":[1,null,3],"d":[["a","b"],["c","d\""]],"e":[],"f":[{"x":1}],"g":["1.10","2"],"h":"[1,5)","i":"127.0.0.1/8","j":"(1,2)","k":"(1,x)","l":"$12.34","m":"101","o":"08:00:2b:01:02:03","p":null,"q":["2024-01-01"]}])j");
  ASSERT_TRUE(await(client->execute(caller(), "CREATE TYPE mood AS ENUM ('sad', 'ok')")).ok());
  EXPECT_EQ(query(*client, "SELECT 'ok'::mood AS m, ARRAY['sad','ok']::mood[] AS n"), R"([{"m":"ok","n":"{sad,ok}"}])");
  client->close();
}

TEST_P(PostgresFaults, ParametersOfEveryKindInTheirColumns) {
  const auto client = connect();
  ASSERT_TRUE(await(client->execute(
                        caller(),
                        "CREATE TABLE t (a int2, b int8, c numeric, d float4, e text, f bytea, g jsonb, h timestamptz, i date, j "
                        "boolean, k uuid, l int[], m text[], n interval, o inet)"))
                  .ok());
  const auto values =
      json::parse(R"([7, {"$int64": "9007199254740993"}, {"$decimal": "1.10"}, 0.5, "t", {"$bytes": "AP8="}, {"a": [1]},
    {"$timestamp": "2024-03-10T12:30:00+02:00"}, "2024-02-29", true, "00112233-4455-6677-8899-aabbccddeeff", [1, null, 3], ["a,b", "c\"d", null], "1 day", "::1"])");
  const auto done = await(
      client->execute(caller(), "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", std::move(values).value()));
  ASSERT_TRUE(done.ok()) << done.error().to_string();
  EXPECT_EQ(
      query(*client, "SELECT * FROM t"),
      R"([{"a":7,"b":9007199254740993,"c":1.10,"d":0.5,"e":"t","f":"AP8=","g":{"a":[1]},"h":"2024-03-10T10:30:00Z","i":"2024-02-29","j":true,"k":"00112233-4455-6677-8899-aabbccddeeff","l":[1,null,3],"m":["a,b","c\"d",null],"n":"P1D","o":"::1"}])");
  EXPECT_EQ(query(*client, "SELECT a FROM t WHERE a = ANY(?)", json::parse("[[5, 6, 7]]").value()), R"([{"a":7}])");
  EXPECT_EQ(failure(await(client->execute(caller(), "INSERT INTO t (a) VALUES (?)", params(70000)))),
            "invalid_argument/out_of_range");
  EXPECT_EQ(failure(await(client->execute(caller(), "INSERT INTO t (a) VALUES (?)", params("x")))),
            "invalid_argument/invalid_parameter");
  EXPECT_EQ(failure(await(client->execute(caller(), "COPY t FROM STDIN"))), "unsupported");
  EXPECT_EQ(failure(await(client->execute(caller(), "COPY t TO STDOUT"))), "unsupported");
  EXPECT_EQ(query(*client, "SELECT count(*) AS n FROM t"), R"([{"n":1}])");
  client->close();
}

TEST_P(PostgresFaults, AStreamHoldsBackTheServerAndEndsWhenItIsDropped) {
  const auto client = connect(schema.url(), 1);
  auto stream = await(client->stream(caller(), "SELECT g, repeat('x', 1000) AS pad FROM generate_series(1, 10000000) g"));
  ASSERT_TRUE(stream.ok());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(await((*stream)->next(*loop, 100))->root().size(), 100U);
  // Ten gigabytes that nobody takes stay where they are.
  for (int i = 0; i < 50; ++i) loop->turn(1);
  stream->reset();
  EXPECT_EQ(query(*client, "SELECT 1 AS one"), R"([{"one":1}])") << "the only connection is there again";
  client->close();
}

/// A real PgBouncer that gives each transaction another server.
struct Pooler {
  explicit Pooler(const store::postgres::Options& server, const std::string& folder) {
    {
      auto reserved = net::ReservedAddress::reserve({});
      port = reserved->port();
    }
    const std::string config = folder + "/pgbouncer.ini";
    std::ofstream(config) << "[databases]\n"
                          << server.database << " = host=" << server.hosts[0].name << " port=" << server.hosts[0].port
                          << " user=" << server.user << " password=" << server.password
                          << "\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = " << port
                          << "\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 3\nserver_tls_sslmode = disable\n";
    std::filesystem::permissions(folder, std::filesystem::perms(0755));
    pid = ::fork();
    if (pid == 0) {
      if (::geteuid() == 0) ::execlp("pgbouncer", "pgbouncer", "-q", "-u", "nobody", config.c_str(), nullptr);
      else ::execlp("pgbouncer", "pgbouncer", "-q", config.c_str(), nullptr);
      ::_exit(127);
    }
  }
  Pooler(const Pooler&) = delete;
  Pooler& operator=(const Pooler&) = delete;
  ~Pooler() {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  std::uint16_t port = 0;
  ::pid_t pid = -1;
};

TEST_P(PostgresFaults, APoolerThatGivesEachTransactionAnotherServerIsFoundOut) {
  if (std::system("command -v pgbouncer >/dev/null 2>&1") != 0) GTEST_SKIP() << "there is no pgbouncer";
  const auto server = store::postgres::Options::from_url(schema.url()).value();
  const Pooler pooler(server, folder.file(""));
  const auto client =
      connect("postgres://app@127.0.0.1:" + std::to_string(pooler.port) + "/" + server.database + "?sslmode=disable", 6);
  std::string first;
  for (int i = 0; i < 200 && first.find("one") == std::string::npos; ++i) {
    first = query(*client, "SELECT 1 AS one");
    for (int k = 0; k < 5; ++k) loop->turn(2);
  }
  ASSERT_EQ(first, R"([{"one":1}])");
  const std::string table = schema.name() + ".t";
  ASSERT_TRUE(await(client->execute(caller(), "CREATE TABLE " + table + " (a INTEGER)")).ok());
  int ended = 0;
  std::vector<std::string> wrong;
  const auto one = [&](int i) -> Task<Result<Rows>> {
    Document values = params(i);
    Result<Rows> rows = co_await client->query(
        caller(), "SELECT $1::int + " + std::to_string(i % 7) + " AS n FROM pg_sleep(0.001)", std::move(values));
    co_return rows;
  };
  for (int i = 0; i < 300; ++i) {
    spawn(one(i), [&, i](const std::exception_ptr&, std::optional<Result<Rows>> rows) {
      ++ended;
      if (!rows->ok()) wrong.push_back(rows->error().to_string());
      else if ((*rows)->rows.root().at(0).find("n").as_int() != i + i % 7) wrong.push_back("another's answer");
    });
  }
  while (ended < 300) loop->turn(-1);
  EXPECT_TRUE(wrong.empty()) << wrong.size() << ": " << wrong.front();
  for (int i = 0; i < 20; ++i) {
    auto tx = await(client->begin(caller())).value();
    const auto inserted = await(tx->execute(caller(), "INSERT INTO " + table + " VALUES ($1)", params(i)));
    ASSERT_TRUE(inserted.ok()) << inserted.error().to_string();
    ASSERT_TRUE(await(tx->commit(caller())).ok());
  }
  EXPECT_EQ(query(*client, "SELECT count(*) AS n FROM " + table), R"([{"n":20}])");
  client->close();
}

TEST_P(PostgresFaults, TlsIsCheckedAsItsModeSays) {
  const char* ca = std::getenv("SPIKARD_TEST_POSTGRES_CA");
  if (ca == nullptr) GTEST_SKIP() << "this server has no TLS";
  const auto tls = [&](const std::string& mode, const std::string& more = {}) {
    std::string url = schema.url();
    const std::size_t at = url.find("sslmode=disable");
    if (at != std::string::npos) url.replace(at, 15, "sslmode=" + mode + more);
    store::postgres::Databases own;
    services::DbConfig config;
    config.url = url;
    Environment environment(pool);
    environment.postgres = &own;
    const auto client = open(config, environment).value();
    const std::string out = query(*client, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    // Its cancel request goes the same way.
    if (out == R"([{"ssl":true}])")
      EXPECT_EQ(failure(await(client->query(caller(), "SELECT count(*) AS c FROM pg_sleep(60)", Document(),
                                            CallOptions(milliseconds(50))))),
                "timeout");
    client->close();
    return out;
  };
  const std::string root = "&sslrootcert=" + std::string(ca);
  EXPECT_EQ(tls("prefer"), R"([{"ssl":true}])");
  EXPECT_EQ(tls("require"), R"([{"ssl":true}])");
  EXPECT_EQ(tls("verify-ca", root), R"([{"ssl":true}])");
  EXPECT_EQ(tls("verify-full", root), R"([{"ssl":true}])");
  EXPECT_EQ(tls("disable"), R"([{"ssl":false}])");
  EXPECT_NE(tls("verify-full").find("certificate"), std::string::npos) << "the system knows no such root";
}

INSTANTIATE_TEST_SUITE_P(Server_postgres, PostgresFaults, ::testing::Values("postgres"),
                         [](const auto& at) { return std::string(at.param); });

}  // namespace
}  // namespace spikard::db
