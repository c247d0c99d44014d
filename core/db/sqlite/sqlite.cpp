#include "db/sqlite/sqlite.hpp"

#include <atomic>
#include <utility>

#include "db/sqlite/run.hpp"
#include "store/sqlite/transaction_part.hpp"

namespace spikard::db::sqlite {
namespace {

namespace engine = store::sqlite;
using StatementPtr = std::shared_ptr<const Statement>;
using BatchPtr = std::shared_ptr<const Batch>;
using RowsPtr = std::shared_ptr<RowWriter>;

Result<Outcome> written(Result<std::optional<Outcome>> outcome) {
  if (!outcome.ok()) return std::move(outcome).error();
  return **outcome;
}

/// The connection of a transaction; a job that runs keeps it, too.
struct SessionState {
  std::shared_ptr<engine::Database> database;
  bool read_only = false;
  Duration acquire{};
  engine::Lease lease;
  bool begun = false;

  Result<void> begin(engine::Connection& connection) {
    if (begun) return {};
    SPIKARD_TRY(connection.begin(!read_only));
    begun = true;
    return {};
  }
};

/// A statement that is being read. The lease is its own, or its session's.
struct CursorState {
  engine::Lease lease;
  std::shared_ptr<SessionState> session;
  StatementPtr text;
  std::vector<Column> columns;
  std::optional<engine::Statement> statement;  // goes before the lease
  bool writes = false;                         // in a transaction of its own
  bool on_writer = false;                      // it is of no use on a reader
  bool ended = false;

  [[nodiscard]] engine::Lease& connection() noexcept { return session != nullptr ? session->lease : lease; }

  Result<void> open(engine::Connection& on) {
    if (session != nullptr) SPIKARD_TRY(session->begin(on));
    if (writes) SPIKARD_TRY(on.begin(true));
    Result<engine::Statement> prepared = on.prepare(text->sql);
    if (!prepared.ok()) return std::move(prepared).error();
    // By its first word it reads, as `WITH ... INSERT ... RETURNING` does.
    if (session == nullptr && !writes && !prepared->reads_only()) {
      on_writer = true;
      return {};
    }
    SPIKARD_TRY(bind(*prepared, text->parameters));
    columns = columns_of(*prepared);
    SPIKARD_TRY(check_columns(columns));
    statement.emplace(std::move(*prepared));
    return {};
  }

  Result<Outcome> fetch(engine::Connection& on, RowWriter& rows, RowLimits limits) {
    Outcome outcome;
    while (!ended) {
      if (outcome.rows >= limits.rows || rows.size() >= limits.bytes) {
        outcome.more = true;
        return outcome;
      }
      Result<bool> row = statement->step();
      if (!row.ok()) return std::move(row).error();
      if (!*row) break;
      if (columns.empty()) continue;
      SPIKARD_TRY(write_row(*statement, columns, rows));
      ++outcome.rows;
    }
    if (std::exchange(ended, true)) return outcome;
    statement.reset();
    if (writes) SPIKARD_TRY(on.commit());
    return outcome;
  }
};

class SqliteCursor final : public Cursor {
 public:
  explicit SqliteCursor(std::shared_ptr<CursorState> state) noexcept : state_(std::move(state)) {}
  ~SqliteCursor() override {
    // Of a session's only what runs for this cursor, and nothing else can run beside it.
    if (state_.use_count() > 1) state_->connection().cancel();
  }
  SqliteCursor(const SqliteCursor&) = delete;
  SqliteCursor& operator=(const SqliteCursor&) = delete;

  const std::vector<Column>& columns() const noexcept override { return state_->columns; }
  Task<Result<Outcome>> fetch(net::Loop& loop, RowsPtr rows, RowLimits limits) override {
    auto job = [state = state_, rows, limits](engine::Connection& on) { return state->fetch(on, *rows, limits); };
    Result<Outcome> outcome = co_await state_->connection().run(loop, std::move(job));
    if (!outcome.ok() || !outcome->more) release();
    co_return outcome;
  }

  /// Null where it is to be opened on the writer.
  static Task<Result<std::unique_ptr<Cursor>>> open(net::Loop& loop, std::shared_ptr<CursorState> state) {
    using R = Result<std::unique_ptr<Cursor>>;
    auto job = [state](engine::Connection& on) { return state->open(on); };
    Result<void> opened = co_await state->connection().run(loop, std::move(job));
    if (!opened.ok()) co_return R(std::move(opened).error());
    if (std::exchange(state->on_writer, false)) co_return R(std::unique_ptr<Cursor>());
    std::unique_ptr<Cursor> cursor = std::make_unique<SqliteCursor>(std::move(state));
    co_return R(std::move(cursor));
  }

 private:
  /// The connection is of use to others from here on.
  void release() noexcept {
    state_->statement.reset();
    state_->lease.release();
    state_->session.reset();
    state_->ended = true;
  }

  std::shared_ptr<CursorState> state_;
};

class SqliteSession final : public Session, public engine::TransactionPart {
 public:
  explicit SqliteSession(std::shared_ptr<SessionState> state) noexcept : state_(std::move(state)) {}
  ~SqliteSession() override {
    if (state_.use_count() > 1) state_->lease.cancel();
  }
  SqliteSession(const SqliteSession&) = delete;
  SqliteSession& operator=(const SqliteSession&) = delete;

  Task<Result<Outcome>> run(net::Loop& loop, StatementPtr statement, RowsPtr rows, RowLimits limits) override {
    if (Result<void> ready = co_await connect(loop); !ready.ok()) co_return Result<Outcome>(std::move(ready).error());
    if (statement->keyword == "PRAGMA")
      if (Result<void> ready = check_pragma(statement->sql); !ready.ok()) co_return Result<Outcome>(std::move(ready).error());
    auto job = [state = state_, statement, rows, limits](engine::Connection& on) -> Result<Outcome> {
      SPIKARD_TRY(state->begin(on));
      return written(sqlite::run(on, *statement, rows.get(), limits, false));
    };
    co_return co_await state_->lease.run(loop, std::move(job));
  }
  Task<Result<Outcome>> batch(net::Loop& loop, BatchPtr batch) override {
    if (Result<void> ready = co_await connect(loop); !ready.ok()) co_return Result<Outcome>(std::move(ready).error());
    auto job = [state = state_, batch](engine::Connection& on) -> Result<Outcome> {
      SPIKARD_TRY(state->begin(on));
      return sqlite::run(on, *batch);
    };
    co_return co_await state_->lease.run(loop, std::move(job));
  }
  Task<Result<std::unique_ptr<Cursor>>> open(net::Loop& loop, StatementPtr statement) override {
    if (Result<void> ready = co_await connect(loop); !ready.ok())
      co_return Result<std::unique_ptr<Cursor>>(std::move(ready).error());
    auto state = std::make_shared<CursorState>();
    state->session = state_;
    state->text = std::move(statement);
    co_return co_await SqliteCursor::open(loop, std::move(state));
  }
  Task<Result<void>> commit(net::Loop& loop) override {
    if (!state_->lease) co_return Result<void>();
    auto job = [state = state_](engine::Connection& on) -> Result<void> {
      if (!state->begun) return {};
      return on.commit();
    };
    Result<void> done = co_await state_->lease.run(loop, std::move(job));
    if (done.ok()) state_->lease.release();
    co_return done;
  }
  Task<Result<void>> rollback(net::Loop& loop) override {
    if (!state_->lease) co_return Result<void>();
    auto job = [](engine::Connection& on) { on.rollback(); };
    Result<void> done = co_await state_->lease.run(loop, std::move(job));
    state_->lease.release();
    co_return done;
  }
  Task<Result<void>> savepoint(net::Loop& loop) override { return scope(loop, &engine::Connection::savepoint); }
  Task<Result<void>> release(net::Loop& loop) override { return scope(loop, &engine::Connection::release); }
  Task<Result<void>> rollback_to(net::Loop& loop) override { return scope(loop, &engine::Connection::rollback_to); }
  engine::TransactionPart* sqlite() noexcept override { return state_->read_only ? nullptr : this; }

 private:
  Task<Result<void>> connect(net::Loop& loop) {
    if (state_->lease) co_return Result<void>();
    Result<engine::Lease> lease(Error(ErrorKind::internal, ""));
    if (state_->read_only) {
      lease = co_await state_->database->reader(loop, state_->acquire);
    } else {
      lease = co_await state_->database->writer(loop, state_->acquire);
    }
    if (!lease.ok()) co_return Result<void>(std::move(lease).error());
    state_->lease = std::move(*lease);
    co_return Result<void>();
  }
  Task<Result<void>> scope(net::Loop& loop, Result<void> (engine::Connection::*step)()) {
    if (Result<void> ready = co_await connect(loop); !ready.ok()) co_return Result<void>(std::move(ready).error());
    auto job = [state = state_, step](engine::Connection& on) -> Result<void> {
      SPIKARD_TRY(state->begin(on));
      return (on.*step)();
    };
    co_return co_await state_->lease.run(loop, std::move(job));
  }
  Task<Result<void>> run_step(net::Loop& loop, Function<Result<void>(engine::Connection&)> step) override {
    if (Result<void> ready = co_await connect(loop); !ready.ok()) co_return Result<void>(std::move(ready).error());
    auto job = [state = state_, step = std::move(step)](engine::Connection& on) mutable -> Result<void> {
      SPIKARD_TRY(state->begin(on));
      return step(on);
    };
    co_return co_await state_->lease.run(loop, std::move(job));
  }

  std::shared_ptr<SessionState> state_;
};

class SqliteBackend final : public Backend {
 public:
  explicit SqliteBackend(std::shared_ptr<engine::Database> database) noexcept : database_(std::move(database)) {}

  std::string_view scheme() const noexcept override { return "sqlite"; }
  std::string_view system() const noexcept override { return "sqlite"; }
  std::string_view name_space() const noexcept override { return database_->path(); }
  store::Dialect dialect() const noexcept override { return store::Dialect::sqlite; }
  const std::string& id() const noexcept override { return database_->id(); }
  Capabilities capabilities() const noexcept override {
    Capabilities out;
    out.concurrent_writers = false;
    out.exact_decimals = false;
    return out;
  }

  Task<Result<Outcome>> run(net::Loop& loop, StatementPtr statement, RowsPtr rows, RowLimits limits, Duration acquire) override {
    switch (way_of(statement->keyword)) {
      case Way::read: {
        Result<engine::Lease> lease = co_await database_->reader(loop, acquire);
        if (!lease.ok()) co_return Result<Outcome>(std::move(lease).error());
        auto job = [statement, rows, limits](engine::Connection& on) {
          return sqlite::run(on, *statement, rows.get(), limits, true);
        };
        Result<std::optional<Outcome>> outcome = co_await lease->run(loop, std::move(job));
        if (!outcome.ok()) co_return Result<Outcome>(std::move(outcome).error());
        if (outcome->has_value()) co_return Result<Outcome>(**outcome);
        break;  // it writes
      }
      case Way::alone: {
        if (statement->keyword == "PRAGMA")
          if (Result<void> ready = check_pragma(statement->sql); !ready.ok()) co_return Result<Outcome>(std::move(ready).error());
        Result<engine::Lease> lease = co_await database_->writer(loop, acquire);
        if (!lease.ok()) co_return Result<Outcome>(std::move(lease).error());
        auto job = [statement, rows, limits](engine::Connection& on) {
          return written(sqlite::run(on, *statement, rows.get(), limits, false));
        };
        co_return co_await lease->run(loop, std::move(job));
      }
      case Way::write: break;
    }
    auto job = [statement, rows, limits](engine::Connection& on) {
      return written(sqlite::run(on, *statement, rows.get(), limits, false));
    };
    co_return co_await database_->write(loop, std::move(job), acquire);
  }

  Task<Result<Outcome>> batch(net::Loop& loop, BatchPtr batch, Duration acquire) override {
    auto job = [batch](engine::Connection& on) { return sqlite::run(on, *batch); };
    co_return co_await database_->write(loop, std::move(job), acquire);
  }

  Task<Result<std::unique_ptr<Cursor>>> open(net::Loop& loop, StatementPtr statement, Duration acquire) override {
    using R = Result<std::unique_ptr<Cursor>>;
    const Way way = way_of(statement->keyword);
    if (way == Way::alone) co_return R(Error(ErrorKind::unsupported, statement->keyword + " has no rows to stream: use query"));
    auto state = std::make_shared<CursorState>();
    state->text = std::move(statement);
    if (way == Way::read) {
      Result<engine::Lease> lease = co_await database_->reader(loop, acquire);
      if (!lease.ok()) co_return R(std::move(lease).error());
      state->lease = std::move(*lease);
      R cursor = co_await SqliteCursor::open(loop, state);
      if (!cursor.ok() || *cursor != nullptr) co_return cursor;
      state->lease.release();
    }
    Result<engine::Lease> lease = co_await database_->writer(loop, acquire);
    if (!lease.ok()) co_return R(std::move(lease).error());
    state->lease = std::move(*lease);
    state->writes = true;
    co_return co_await SqliteCursor::open(loop, std::move(state));
  }

  Task<Result<std::unique_ptr<Session>>> begin(net::Loop& loop, TransactionOptions options) override {
    // The connection is taken, and the transaction begun, with the first statement: until then others may write.
    (void)loop;
    auto state = std::make_shared<SessionState>();
    state->database = database_;
    state->read_only = options.read_only;
    state->acquire = options.acquire;
    std::unique_ptr<Session> session = std::make_unique<SqliteSession>(std::move(state));
    co_return Result<std::unique_ptr<Session>>(std::move(session));
  }

  Task<Result<bool>> script(net::Loop& loop, std::shared_ptr<const Script> script, Duration acquire) override {
    Result<engine::Lease> lease = co_await database_->writer(loop, acquire);
    if (!lease.ok()) co_return Result<bool>(std::move(lease).error());
    auto job = [script](engine::Connection& on) -> Result<bool> {
      SPIKARD_TRY(on.begin(true));
      if (auto prepared = on.run(script->prepare); !prepared.ok()) return std::move(prepared).error();
      auto found = on.first(script->guard, [](engine::Statement&) { return true; });
      if (!found.ok()) return std::move(found).error();
      if (found->has_value()) {
        on.rollback();
        return false;
      }
      for (const std::string& statement : script->statements) {
        auto done = on.run(statement);
        if (!done.ok()) return std::move(done).error();
      }
      SPIKARD_TRY(on.commit());
      return true;
    };
    co_return co_await lease->run(loop, std::move(job));
  }

  void close() override {}

 private:
  const std::shared_ptr<engine::Database> database_;
};

}  // namespace

std::shared_ptr<Backend> make(std::shared_ptr<engine::Database> database) {
  return std::make_shared<SqliteBackend>(std::move(database));
}

}  // namespace spikard::db::sqlite
