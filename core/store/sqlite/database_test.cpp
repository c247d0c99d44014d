// The writer's queue, leases, readers, schemas, wake-ups. Run under TSan.
#include "store/sqlite/database.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <future>
#include <thread>

#include "net/await.hpp"
#include "net/service_thread.hpp"
#include "store/sqlite/databases.hpp"
#include "store/sqlite/error.hpp"
#include "store/sqlite/test_database.hpp"

namespace spikard::store::sqlite {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct DatabaseTest : ::testing::Test, DatabaseFixture {
  void script(std::string sql) {
    const Result<void> done = await(database->write(*loop, [sql](Connection& c) { return c.script(sql); }));
    ASSERT_TRUE(done.ok()) << done.error().to_string();
  }
  std::int64_t number(std::string sql) {
    auto read = await(
        database->read(*loop, [sql](Connection& c) { return c.first(sql, [](Statement& row) { return row.integer(0); }); }));
    EXPECT_TRUE(read.ok());
    return read.ok() && read->has_value() ? **read : -1;
  }
};

TEST_F(DatabaseTest, WritesAndReads) {
  script("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, data BLOB, f REAL)");
  auto id = await(database->write(*loop, [](Connection& c) -> Result<std::int64_t> {
    auto changed = c.run("INSERT INTO t (name, data, f) VALUES (?, ?, ?)", "abc", Blob{std::string_view("\0x", 2)}, 0.5);
    if (!changed.ok()) return std::move(changed).error();
    EXPECT_EQ(*changed, 1);
    return c.last_insert_id();
  }));
  ASSERT_TRUE(id.ok()) << id.error().to_string();
  EXPECT_EQ(*id, 1);
  auto row = await(database->read(*loop, [](Connection& c) {
    return c.first(
        "SELECT name, data, f, NULL FROM t WHERE id = ?",
        [](Statement& s) {
          EXPECT_TRUE(s.is_null(3));
          EXPECT_EQ(s.blob(1), std::string_view("\0x", 2));
          EXPECT_EQ(s.real(2), 0.5);
          EXPECT_EQ(s.maybe_text(3), std::nullopt);
          return std::string(s.text(0));
        },
        1);
  }));
  ASSERT_TRUE(row.ok() && row->has_value());
  EXPECT_EQ(**row, "abc");
}

TEST_F(DatabaseTest, AnErrorRollsBackItsOwnWriteOnly) {
  script("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  // All are queued before the first runs, so they share a transaction.
  std::promise<void> gate;
  std::shared_future<void> open = gate.get_future().share();
  int ended = 0;
  std::vector<Result<std::int64_t>> results;
  for (int i = 0; i < 10; ++i) {
    spawn(database->write(*loop,
                          [i, open](Connection& c) -> Result<std::int64_t> {
                            if (i == 0) open.wait();
                            auto done = c.run("INSERT INTO t VALUES (?)", i);
                            if (!done.ok()) return std::move(done).error();
                            if (i == 5) return Error(ErrorKind::conflict, "no");
                            return c.run("INSERT INTO t VALUES (?)", 100 + i);
                          }),
          [&](std::exception_ptr error, std::optional<Result<std::int64_t>> result) {
            EXPECT_FALSE(error);
            results.push_back(std::move(*result));
            ++ended;
          });
  }
  gate.set_value();
  while (ended < 10) loop->turn(-1);
  EXPECT_EQ(number("SELECT count(*) FROM t"), 18);
  EXPECT_EQ(number("SELECT count(*) FROM t WHERE id IN (5, 105)"), 0);
  EXPECT_EQ(std::count_if(results.begin(), results.end(), [](const auto& r) { return r.ok(); }), 9);
  EXPECT_LT(database->statistics().commits, 10U);
}

TEST_F(DatabaseTest, OneWriteThatRollsAllBackDoesNotTakeTheOthersAlong) {
  script("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  std::promise<void> gate;
  std::shared_future<void> open = gate.get_future().share();
  int ended = 0;
  int good = 0;
  for (int i = 0; i < 6; ++i) {
    spawn(database->write(*loop,
                          [i, open](Connection& c) -> Result<std::int64_t> {
                            if (i == 0) open.wait();
                            if (i == 3) return c.run("INSERT OR ROLLBACK INTO t VALUES (1)");
                            return c.run("INSERT INTO t VALUES (?)", i);
                          }),
          [&](std::exception_ptr, std::optional<Result<std::int64_t>> result) {
            if (result->ok()) ++good;
            ++ended;
          });
  }
  gate.set_value();
  while (ended < 6) loop->turn(-1);
  EXPECT_EQ(good, 5);
  EXPECT_EQ(number("SELECT count(*) FROM t"), 5);
}

TEST_F(DatabaseTest, ADeferredConstraintFailsItsOwnWrite) {
  script("CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p INTEGER REFERENCES p DEFERRABLE INITIALLY DEFERRED)");
  std::promise<void> gate;
  std::shared_future<void> open = gate.get_future().share();
  int ended = 0;
  std::vector<bool> good(4);
  for (std::size_t i = 0; i < 4; ++i) {
    spawn(database->write(*loop,
                          [i, open](Connection& c) -> Result<std::int64_t> {
                            if (i == 0) open.wait();
                            if (i == 2) return c.run("INSERT INTO c VALUES (77)");
                            return c.run("INSERT INTO p VALUES (?)", i);
                          }),
          [&, i](std::exception_ptr, std::optional<Result<std::int64_t>> result) {
            good[i] = result->ok();
            if (!result->ok()) EXPECT_EQ(result->error().detail(), "foreign_key_violation");
            ++ended;
          });
  }
  gate.set_value();
  while (ended < 4) loop->turn(-1);
  EXPECT_EQ(good, (std::vector<bool>{true, true, false, true}));
  EXPECT_EQ(number("SELECT count(*) FROM p"), 3);
}

TEST_F(DatabaseTest, AnExceptionIsThrownToTheCallerAndRollsBack) {
  script("CREATE TABLE t (id INTEGER)");
  EXPECT_THROW((void)await(database->write(*loop,
                                           [](Connection& c) -> Result<void> {
                                             (void)c.run("INSERT INTO t VALUES (1)");
                                             throw std::runtime_error("x");
                                           })),
               std::runtime_error);
  EXPECT_EQ(number("SELECT count(*) FROM t"), 0);
}

TEST_F(DatabaseTest, HooksRunAfterTheCommitAndNeverAfterARollback) {
  script("CREATE TABLE t (id INTEGER)");
  std::atomic<int> ran{0};
  (void)await(database->write(*loop, [&](Connection& c) -> Result<void> {
    c.after_commit([&] { ran += 1; });
    return {};
  }));
  EXPECT_EQ(ran, 1);
  (void)await(database->write(*loop, [&](Connection& c) -> Result<void> {
    c.after_commit([&] { ran += 100; });
    return Error(ErrorKind::conflict, "no");
  }));
  EXPECT_EQ(ran, 1);
}

TEST_F(DatabaseTest, ALeaseHoldsTheWriterAndRollsBackWhenItGoes) {
  script("CREATE TABLE t (id INTEGER)");
  Result<Lease> lease = await(database->writer(*loop, seconds(5)));
  ASSERT_TRUE(lease.ok());
  ASSERT_TRUE(await(lease->run(*loop, [](Connection& c) { return c.begin(true); })).ok());
  ASSERT_TRUE(await(lease->run(*loop, [](Connection& c) { return c.run("INSERT INTO t VALUES (1)"); })).ok());
  EXPECT_EQ(number("SELECT count(*) FROM t"), 0) << "readers see what is committed";
  bool written = false;
  spawn(database->write(*loop, [](Connection& c) { return c.run("INSERT INTO t VALUES (2)"); }),
        [&](std::exception_ptr, std::optional<Result<std::int64_t>> result) { written = result->ok(); });
  auto late = await(database->writer(*loop, milliseconds(20)));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().detail(), "pool_timeout");
  EXPECT_FALSE(written);
  lease->release();
  turn_until(written);
  EXPECT_EQ(number("SELECT group_concat(id) FROM t"), 2);
}

TEST_F(DatabaseTest, ACancelledStatementIsInterrupted) {
  const std::string forever = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
  auto run = [&]() {
    return database->read(*loop,
                          [forever](Connection& c) { return c.first(forever, [](Statement& s) { return s.integer(0); }); });
  };
  auto result = await(net::with_deadline(*loop, milliseconds(30), run()));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind(), ErrorKind::timeout);
  EXPECT_EQ(number("SELECT 7"), 7);
}

TEST_F(DatabaseTest, ACancelledWriteIsRolledBackAndTheNextRuns) {
  script("CREATE TABLE t (id INTEGER)");
  const std::string forever = "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
  auto result = await(
      net::with_deadline(*loop, milliseconds(30), database->write(*loop, [forever](Connection& c) { return c.run(forever); })));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind(), ErrorKind::timeout);
  EXPECT_TRUE(await(database->write(*loop, [](Connection& c) { return c.run("INSERT INTO t VALUES (1)"); })).ok());
  EXPECT_EQ(number("SELECT count(*) FROM t"), 1);
}

TEST_F(DatabaseTest, AQueuedWriteIsTakenOutWhenItsTaskIsCancelled) {
  Result<Lease> lease = await(database->writer(*loop, seconds(5)));
  ASSERT_TRUE(lease.ok());
  auto result =
      await(net::with_deadline(*loop, milliseconds(10), database->write(*loop, [](Connection&) -> Result<void> { return {}; })));
  EXPECT_EQ(result.error().kind(), ErrorKind::timeout);
}

TEST_F(DatabaseTest, ReadersAreBoundedAndServedInOrder) {
  std::vector<Lease> held;
  for (int i = 0; i < 4; ++i) held.push_back(std::move(*await(database->reader(*loop, seconds(1)))));
  auto late = await(database->reader(*loop, milliseconds(10)));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().kind(), ErrorKind::timeout);
  bool got = false;
  spawn(database->read(*loop, [](Connection& c) { return c.first("SELECT 1", [](Statement& s) { return s.integer(0); }); }),
        [&](std::exception_ptr, std::optional<Result<std::optional<std::int64_t>>> result) { got = result->ok(); });
  held.pop_back();
  turn_until(got);
}

TEST_F(DatabaseTest, OneFileIsOneDatabase) {
  EXPECT_EQ(databases.open("sqlite:" + folder.file("./test.db")).value(), database);
  EXPECT_NE(databases.open("sqlite:" + folder.file("deeper/other.db")).value(), database);
  EXPECT_EQ(database->id(), "sqlite:" + std::filesystem::canonical(folder.file("test.db")).string());
}

TEST_F(DatabaseTest, MemoryIsSharedByItsConnectionsAndGoesWithIt) {
  std::string path;
  {
    auto memory = databases.open("sqlite::memory:").value();
    EXPECT_EQ(databases.open("sqlite::memory:").value(), memory);
    path = memory->path();
    ASSERT_TRUE(
        await(memory->write(*loop, [](Connection& c) { return c.script("CREATE TABLE t (a); INSERT INTO t VALUES (3)"); })).ok());
    auto read = await(
        memory->read(*loop, [](Connection& c) { return c.first("SELECT a FROM t", [](Statement& s) { return s.integer(0); }); }));
    EXPECT_EQ(**read, 3);
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  pool.stop();  // a job that ends may be the last to hold it
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(DatabaseTest, SchemaStepsRunOnceAndANewerFileIsRefused) {
  const std::vector<std::string_view> one{"CREATE TABLE a (x)"};
  const std::vector<std::string_view> two{"CREATE TABLE a (x)", "CREATE TABLE b (x); INSERT INTO b VALUES (1)"};
  ASSERT_TRUE(database->migrate("part", one).ok());
  ASSERT_TRUE(database->migrate("part", two).ok());
  ASSERT_TRUE(database->migrate("part", two).ok());
  EXPECT_EQ(number("SELECT count(*) FROM b"), 1);
  EXPECT_EQ(database->migrate("part", one).error().kind(), ErrorKind::unsupported);
  const std::vector<std::string_view> broken{"CREATE TABLE c (x)", "CREATE TABLE c (x)"};
  EXPECT_FALSE(database->migrate("other", broken).ok());
  EXPECT_EQ(number("SELECT count(*) FROM sqlite_schema WHERE name = 'c'"), 0);
}

TEST_F(DatabaseTest, ListenersHearNotifyAndOtherConnectionsChanges) {
  script("CREATE TABLE t (id INTEGER)");
  int heard = 0;
  bool once = false;
  Subscription subscription = database->subscribe("jobs", *loop, [&] { ++heard, once = true; }, Duration::zero());
  database->notify("else");
  std::thread([&] { database->notify("jobs"); }).join();
  turn_until(once);
  EXPECT_EQ(heard, 1);
  // Another process: a connection of its own.
  bool polled = false;
  Subscription poll = database->subscribe("else", *loop, [&] { polled = true; }, milliseconds(5));
  auto other = Connection::open({.path = database->path()}).value();
  while (!polled) {
    ASSERT_TRUE(other->run("INSERT INTO t VALUES (1)").ok());
    for (int i = 0; i < 5 && !polled; ++i) loop->turn(5);
  }
}

TEST_F(DatabaseTest, ClosedIsAnErrorOfItsOwn) {
  database->close();
  auto result = await(database->write(*loop, [](Connection&) -> Result<void> { return {}; }));
  EXPECT_EQ(result.error().detail(), "closed");
  EXPECT_EQ(await(database->reader(*loop, seconds(1))).error().detail(), "closed");
}

TEST_F(DatabaseTest, ManyLoopsWriteAtOnce) {
  script("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO t VALUES (1, 0)");
  constexpr int loops = 3;
  constexpr int each = 300;
  std::vector<std::unique_ptr<net::ServiceThread>> threads;
  std::atomic<int> left{loops * each};
  std::promise<void> all;
  for (int t = 0; t < loops; ++t) {
    threads.push_back(net::ServiceThread::start(clock).value());
    net::Loop& their = threads.back()->loop();
    their.post([&, this] {
      for (int i = 0; i < each; ++i) {
        spawn(database->write(their, [](Connection& c) { return c.run("UPDATE t SET n = n + 1"); }),
              [&](std::exception_ptr, std::optional<Result<std::int64_t>> result) {
                EXPECT_TRUE(result->ok());
                if (--left == 0) all.set_value();
              });
      }
    });
  }
  all.get_future().wait();
  EXPECT_EQ(number("SELECT n FROM t"), loops * each);
  EXPECT_LT(database->statistics().commits, 900U);
  threads.clear();
}

TEST_F(DatabaseTest, TasksMayGoWhileTheirJobsRun) {
  script("CREATE TABLE t (id INTEGER)");
  for (int i = 0; i < 50; ++i) {
    Task<Result<std::int64_t>> task = database->write(*loop, [](Connection& c) { return c.run("INSERT INTO t VALUES (1)"); });
    // Started, then destroyed with what it awaits.
    struct Starter {
      struct promise_type {
        Starter get_return_object() noexcept { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
      };
      std::coroutine_handle<promise_type> handle;
    };
    auto start = [](Task<Result<std::int64_t>> inner) -> Starter { (void)co_await inner; };
    Starter starter = start(std::move(task));
    starter.handle.destroy();
  }
  EXPECT_TRUE(await(database->write(*loop, [](Connection& c) { return c.run("INSERT INTO t VALUES (2)"); })).ok());
  EXPECT_EQ(number("SELECT count(*) FROM t"), 51);
}

TEST(DatabaseUrl, IsChecked) {
  EXPECT_EQ(DatabaseOptions::from_url("sqlite:data/app.db")->path, "data/app.db");
  EXPECT_EQ(DatabaseOptions::from_url("sqlite:///var/app.db")->path, "/var/app.db");
  EXPECT_EQ(DatabaseOptions::from_url("sqlite:a%20b%3F.db?synchronous=normal&busy_timeout_ms=7")->path, "a b?.db");
  EXPECT_FALSE(DatabaseOptions::from_url("sqlite:a.db?synchronous=normal")->full_sync);
  EXPECT_TRUE(DatabaseOptions::from_url("sqlite::memory:")->memory);
  for (const char* bad : {"sqlite:", "sqlite://host/x", "sqlite:x?y=1", "sqlite:a%2", "sqlite:a%00", "postgres:x", "sqlite:dir/",
                          "sqlite:x?busy_timeout_ms=-1"}) {
    EXPECT_EQ(DatabaseOptions::from_url(bad).error().kind(), ErrorKind::invalid_argument) << bad;
  }
}

TEST(DatabaseFile, IsOpenedWithOneDurabilityWhoeverComesFirst) {
  RealClock clock;
  net::BlockingPool pool(clock);
  TemporaryFolder folder;
  Databases databases(pool);
  const std::string url = "sqlite:" + folder.file("x.db");
  for (const char* first : {"?synchronous=full", "?synchronous=normal"}) {
    const auto one = databases.open(url + first);
    ASSERT_TRUE(one.ok());
    EXPECT_TRUE(databases.open(url + first).ok());
    const auto other = databases.open(url + (first == std::string("?synchronous=full") ? "?synchronous=normal" : ""));
    ASSERT_FALSE(other.ok());
    EXPECT_EQ(other.error().kind(), ErrorKind::invalid_argument);
    EXPECT_TRUE(other.error().message().starts_with("synchronous: ")) << other.error().message();
    const auto hasty = databases.open(url + first + "&busy_timeout_ms=7");
    ASSERT_FALSE(hasty.ok());
    EXPECT_TRUE(hasty.error().message().starts_with("busy_timeout_ms: ")) << hasty.error().message();
  }
  const auto memory = databases.open("sqlite::memory:");
  ASSERT_TRUE(memory.ok());
  EXPECT_TRUE(databases.open("sqlite::memory:?synchronous=normal").ok());
}

TEST(DatabaseFile, ThatIsNoDatabaseIsCorrupt) {
  RealClock clock;
  net::BlockingPool pool(clock);
  TemporaryFolder folder;
  std::FILE* file = std::fopen(folder.file("x.db").c_str(), "w");
  std::fputs(std::string(4096, 'x').c_str(), file);
  std::fclose(file);
  Databases databases(pool);
  EXPECT_EQ(databases.open("sqlite:" + folder.file("x.db")).error().kind(), ErrorKind::corrupt);
}

TEST(DatabaseErrors, AreMappedByOneTable) {
  struct Row {
    int code;
    const char* message;
    ErrorKind kind;
    const char* detail;
  };
  const Row rows[] = {
      {SQLITE_CONSTRAINT_UNIQUE, "UNIQUE constraint failed: t.a", ErrorKind::already_exists, "unique_violation"},
      {SQLITE_CONSTRAINT_PRIMARYKEY, "", ErrorKind::already_exists, "unique_violation"},
      {SQLITE_CONSTRAINT_FOREIGNKEY, "", ErrorKind::conflict, "foreign_key_violation"},
      {SQLITE_CONSTRAINT_NOTNULL, "", ErrorKind::conflict, "not_null_violation"},
      {SQLITE_CONSTRAINT_CHECK, "", ErrorKind::conflict, "check_violation"},
      {SQLITE_CONSTRAINT_DATATYPE, "", ErrorKind::invalid_argument, "invalid_parameter"},
      {SQLITE_ERROR, "no such table: t", ErrorKind::invalid_argument, "undefined_table"},
      {SQLITE_ERROR, "near \"x\": syntax error", ErrorKind::invalid_argument, "syntax_error"},
      {SQLITE_ERROR, "integer overflow", ErrorKind::invalid_argument, "out_of_range"},
      {SQLITE_RANGE, "", ErrorKind::invalid_argument, "parameter_count"},
      {SQLITE_TOOBIG, "", ErrorKind::too_large, ""},
      {SQLITE_INTERRUPT, "", ErrorKind::cancelled, ""},
      {SQLITE_BUSY, "database is locked", ErrorKind::unavailable, ""},
      {SQLITE_BUSY_RECOVERY, "database is locked", ErrorKind::unavailable, ""},
      {SQLITE_BUSY_SNAPSHOT, "database is locked", ErrorKind::conflict, ""},
      {SQLITE_LOCKED, "database table is locked", ErrorKind::unavailable, ""},
      {SQLITE_READONLY_DBMOVED, "", ErrorKind::permission_denied, ""},
      {SQLITE_CORRUPT_INDEX, "", ErrorKind::corrupt, ""},
      {SQLITE_NOTADB, "", ErrorKind::corrupt, ""},
      {SQLITE_FULL, "", ErrorKind::unavailable, ""},
      {SQLITE_IOERR_FSYNC, "", ErrorKind::unavailable, ""},
      {SQLITE_MISUSE, "", ErrorKind::internal, ""},
  };
  for (const Row& row : rows) {
    const Error error = map_error(row.code, row.message);
    EXPECT_EQ(error.kind(), row.kind) << row.code << " " << row.message;
    EXPECT_EQ(error.detail(), row.detail) << row.code << " " << row.message;
  }
}

}  // namespace
}  // namespace spikard::store::sqlite
