#include "db/postgres/postgres.hpp"

#include <limits>
#include <utility>

#include "db/postgres/types.hpp"
#include "db/server_statement.hpp"
#include "store/postgres/transaction_part.hpp"

namespace spikard::db::postgres {
namespace {

namespace engine = store::postgres;
using engine::Connection;
using Lease = engine::Pool::Lease;
using PreparedPtr = std::shared_ptr<const engine::Prepared>;
using StatementPtr = std::shared_ptr<const Statement>;
using BatchPtr = std::shared_ptr<const Batch>;
using RowsPtr = std::shared_ptr<RowWriter>;

constexpr std::uint32_t cursor_rows = 1000;                    // of a stream in a transaction, a round trip
constexpr std::size_t pipeline_bytes = std::size_t{1} << 20U;  // of a batch, until its answers are read

/// It may write, and give more rows than it has bytes of text: those of an INSERT ... VALUES are in its text.
bool may_write_many(const Statement& statement) {
  if (reads(statement.keyword, statement.sql)) return false;
  return statement.keyword != "INSERT" || has_word(statement.sql, "SELECT") || has_word(statement.sql, "TABLE");
}

std::string_view sqlstate_of(const Error& error) noexcept {
  for (const auto& [name, value] : error.context()) {
    if (name == "sqlstate") return value;
  }
  return {};
}

/// Rows of one statement on their way into a writer.
struct Sink final : engine::Receiver {
  const engine::Prepared* prepared = nullptr;
  RowWriter* rows = nullptr;
  RowLimits limits;
  bool stops_at_limit = false;  ///< a stream: not one more is read
  std::uint64_t count = 0;
  bool over = false;
  bool broken = false;

  bool row(std::string_view body) override {
    if (count >= limits.rows || rows->size() >= limits.bytes) {
      over = true;
      return false;
    }
    if (!write_row(body, prepared->fields, *rows)) {
      broken = true;
      return false;
    }
    ++count;
    return !stops_at_limit || (count < limits.rows && rows->size() < limits.bytes);
  }
};

Error corrupt_row() { return Error(ErrorKind::corrupt, "a row of PostgreSQL was not understood"); }

/// `alone`: in no transaction of ours.
Task<Result<Outcome>> run_on(Connection& on, StatementPtr statement, RowsPtr rows, RowLimits limits, bool alone) {
  using R = Result<Outcome>;
  Result<PreparedPtr> prepared = co_await on.prepare(statement->sql);
  if (!prepared.ok()) co_return R(explained(std::move(prepared).error(), *statement, store::Dialect::postgres));
  const PreparedPtr held = std::move(*prepared);
  Result<std::vector<engine::Argument>> arguments = arguments_of(statement->parameters, held->parameters);
  if (!arguments.ok()) co_return R(std::move(arguments).error());
  Outcome outcome;
  if (rows == nullptr) {
    on.bind(held, *arguments, nullptr);
    Result<void> done = co_await on.sync();
    if (!done.ok()) co_return R(std::move(done).error());
    outcome.affected = on.last().affected;
    co_return R(outcome);
  }
  const std::vector<Column> columns = columns_of(*held);
  if (Result<void> checked = check_columns(columns); !checked.ok()) co_return R(std::move(checked).error());
  rows->begin(columns);
  Sink sink;
  sink.prepared = held.get();
  sink.rows = rows.get();
  sink.limits = limits;
  constexpr std::uint64_t most = std::numeric_limits<std::int32_t>::max();
  const std::uint64_t wanted = limits.partial ? limits.rows : limits.rows + (limits.rows == ~std::uint64_t{0} ? 0 : 1);
  const bool bounded = limits.rows < most - 1;
  const bool hold =
      alone && bounded && !limits.partial && !columns.empty() &&
      (may_write_many(*statement) || (!reads(statement->keyword, statement->sql) && statement->sql.size() > limits.rows));
  on.bind(held, *arguments, &sink, bounded ? static_cast<std::uint32_t>(wanted) : 0);
  Result<void> done;
  if (hold) {
    done = co_await on.flush();
  } else {
    done = co_await on.sync();
  }
  if (!done.ok()) co_return R(std::move(done).error());
  outcome.affected = on.last().affected;
  outcome.rows = sink.count;
  outcome.more = on.last().more || sink.over;
  std::optional<Error> failed;
  if (sink.broken) failed = corrupt_row();
  else if (sink.over && !limits.partial) failed = Error(ErrorKind::too_large, "more rows than allowed");
  if (failed.has_value()) {
    if (hold) co_await on.recover();  // and nothing of it is there
    co_return R(std::move(*failed));
  }
  if (hold) {
    Result<void> committed = co_await on.end();
    if (!committed.ok()) co_return R(std::move(committed).error());
  }
  co_return R(outcome);
}

Task<Result<Outcome>> batch_on(Connection& on, BatchPtr batch) {
  using R = Result<Outcome>;
  Outcome outcome;
  if (batch->sets.empty()) co_return R(outcome);
  Result<PreparedPtr> prepared = co_await on.prepare(batch->sql);
  if (!prepared.ok()) co_return R(std::move(prepared).error());
  const PreparedPtr held = std::move(*prepared);
  const auto count = [&] {
    for (const Connection::Outcome& one : on.outcomes()) outcome.affected += one.affected;
  };
  // What is wrong with a later set is found before anything runs.
  std::vector<std::vector<engine::Argument>> all;
  all.reserve(batch->sets.size());
  for (std::size_t i = 0; i < batch->sets.size(); ++i) {
    Result<std::vector<engine::Argument>> arguments = arguments_of(batch->sets[i], held->parameters);
    if (!arguments.ok()) co_return R(std::move(arguments).error().with("set", std::to_string(i)));
    all.push_back(std::move(*arguments));
  }
  for (std::vector<engine::Argument>& arguments : all) {
    on.bind(held, arguments, nullptr);
    arguments.clear();
    if (on.unsent() < pipeline_bytes) continue;
    Result<void> done = co_await on.flush();
    if (!done.ok()) co_return R(std::move(done).error());
    count();
  }
  const bool rest = on.unsent() > 0;
  Result<void> done;
  if (rest) {
    done = co_await on.sync();
  } else {
    done = co_await on.end();
  }
  if (!done.ok()) co_return R(std::move(done).error());
  if (rest) count();
  co_return R(outcome);
}

/// The connection of a transaction.
struct SessionState {
  std::shared_ptr<engine::Pool> pool;
  TransactionOptions options;
  Lease lease;
  bool begun = false;
  std::uint32_t scopes = 0;

  [[nodiscard]] std::string begin() const {
    std::string sql = "BEGIN";
    switch (options.isolation) {
      case Isolation::standard: break;
      case Isolation::read_committed: sql += " ISOLATION LEVEL READ COMMITTED"; break;
      case Isolation::repeatable_read: sql += " ISOLATION LEVEL REPEATABLE READ"; break;
      case Isolation::serializable: sql += " ISOLATION LEVEL SERIALIZABLE"; break;
    }
    if (options.read_only) sql += " READ ONLY";
    return sql;
  }
};
using SessionPtr = std::shared_ptr<SessionState>;

/// Before a statement of it: the connection, the BEGIN (which goes with the statement), the end of an abandoned stream.
Task<Result<void>> enter(net::Loop& loop, SessionPtr state) {
  if (!state->lease) {
    if (state->begun)
      co_return Result<void>(Error(ErrorKind::conflict, "the transaction has ended").with_detail("transaction_aborted"));
    Result<Lease> lease = co_await state->pool->acquire(loop, state->options.acquire);
    if (!lease.ok()) co_return Result<void>(std::move(lease).error());
    state->lease = std::move(*lease);
  }
  Connection& on = *state->lease;
  if (on.in_rows()) {
    Result<void> skipped = co_await on.skip_rows();
    if (!skipped.ok() && on.broken()) co_return skipped;
  }
  if (!std::exchange(state->begun, true)) on.control(state->begin());
  co_return Result<void>();
}

Task<Result<void>> control_in(net::Loop& loop, SessionPtr state, std::string first, std::string second = {}) {
  Result<void> ready = co_await enter(loop, state);
  if (!ready.ok()) co_return ready;
  state->lease->control(first);
  if (!second.empty()) state->lease->control(second);
  Result<void> done = co_await state->lease->sync();
  co_return done;
}

/// A statement whose rows are read in parts, on a connection of its own or its session's.
class PostgresCursor final : public Cursor {
 public:
  struct State {
    Lease lease;
    SessionPtr session;
    PreparedPtr prepared;
    std::vector<Column> columns;
    Sink sink;
    bool held = false;
    bool ended = false;
    [[nodiscard]] Connection& on() noexcept { return session != nullptr ? *session->lease : *lease; }
  };
  explicit PostgresCursor(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}
  ~PostgresCursor() override {
    // A part that is being read ends first; its own connection then comes back in order by the pool.
    state_->ended = true;
    if (state_.use_count() > 1 && (state_->session == nullptr ? bool(state_->lease) : bool(state_->session->lease)))
      state_->on().cancel();
  }
  PostgresCursor(const PostgresCursor&) = delete;
  PostgresCursor& operator=(const PostgresCursor&) = delete;

  const std::vector<Column>& columns() const noexcept override { return state_->columns; }
  Task<Result<Outcome>> fetch(net::Loop&, RowsPtr rows, RowLimits limits) override { return fetch_on(state_, rows, limits); }

  /// Begins it. `state` has its connection.
  static Task<Result<std::unique_ptr<Cursor>>> open(std::shared_ptr<State> state, StatementPtr statement) {
    using R = Result<std::unique_ptr<Cursor>>;
    Connection& on = state->on();
    Result<PreparedPtr> prepared = co_await on.prepare(statement->sql);
    if (!prepared.ok()) co_return R(explained(std::move(prepared).error(), *statement, store::Dialect::postgres));
    state->prepared = std::move(*prepared);
    Result<std::vector<engine::Argument>> arguments = arguments_of(statement->parameters, state->prepared->parameters);
    if (!arguments.ok()) co_return R(std::move(arguments).error());
    state->columns = columns_of(*state->prepared);
    if (Result<void> checked = check_columns(state->columns); !checked.ok()) co_return R(std::move(checked).error());
    state->sink.prepared = state->prepared.get();
    state->sink.stops_at_limit = true;
    state->held = state->session == nullptr && !reads(statement->keyword, statement->sql);
    on.bind(state->prepared, *arguments, &state->sink, state->session == nullptr ? 0 : cursor_rows);
    on.begin_rows(state->held);
    co_return R(std::make_unique<PostgresCursor>(std::move(state)));
  }

 private:
  static Task<Result<Outcome>> fetch_on(std::shared_ptr<State> state, RowsPtr rows, RowLimits limits) {
    using R = Result<Outcome>;
    Outcome outcome;
    if (state->ended) co_return R(outcome);
    Connection& on = state->on();
    Sink& sink = state->sink;
    sink.rows = rows.get();
    sink.limits = limits;
    sink.count = 0;
    sink.over = false;
    for (;;) {
      Result<bool> paused = co_await on.rows();
      if (sink.broken && paused.ok()) paused = corrupt_row();
      if (!paused.ok()) {
        release(*state);
        co_return R(std::move(paused).error());
      }
      if (*paused) {
        outcome.rows = sink.count;
        outcome.more = true;
        co_return R(outcome);
      }
      if (!on.last().more) break;
      on.continue_rows(&sink, cursor_rows);
    }
    if (state->held) {
      Result<void> committed = co_await on.end();
      if (!committed.ok()) {
        const bool lost = on.lost();
        release(*state);
        co_return R(lost ? unknown_outcome(committed.error()) : std::move(committed).error());
      }
    }
    outcome.rows = sink.count;
    outcome.affected = on.last().affected;
    release(*state);
    co_return R(outcome);
  }
  /// The connection is of use to others from here on.
  static void release(State& state) noexcept {
    state.ended = true;
    state.lease.release();
    state.session.reset();
  }

  std::shared_ptr<State> state_;
};

class PostgresSession final : public Session, public engine::TransactionPart {
 public:
  explicit PostgresSession(SessionPtr state) noexcept : state_(std::move(state)) {}
  ~PostgresSession() override {
    if (state_.use_count() > 1 && state_->lease) state_->lease->cancel();
  }
  PostgresSession(const PostgresSession&) = delete;
  PostgresSession& operator=(const PostgresSession&) = delete;

  Task<Result<Outcome>> run(net::Loop& loop, StatementPtr statement, RowsPtr rows, RowLimits limits) override {
    return run_in(loop, state_, std::move(statement), std::move(rows), limits);
  }
  Task<Result<Outcome>> batch(net::Loop& loop, BatchPtr batch) override { return batch_in(loop, state_, std::move(batch)); }
  Task<Result<std::unique_ptr<Cursor>>> open(net::Loop& loop, StatementPtr statement) override {
    return open_in(loop, state_, std::move(statement));
  }
  Task<Result<void>> commit(net::Loop& loop) override { return commit_in(loop, state_); }
  Task<Result<void>> rollback(net::Loop& loop) override { return rollback_in(loop, state_); }
  Task<Result<void>> savepoint(net::Loop& loop) override {
    return control_in(loop, state_, "SAVEPOINT spikard_" + std::to_string(++state_->scopes));
  }
  Task<Result<void>> release(net::Loop& loop) override {
    return control_in(loop, state_, "RELEASE SAVEPOINT spikard_" + std::to_string(state_->scopes--));
  }
  Task<Result<void>> rollback_to(net::Loop& loop) override {
    const std::string name = "spikard_" + std::to_string(state_->scopes--);
    return control_in(loop, state_, "ROLLBACK TO SAVEPOINT " + name, "RELEASE SAVEPOINT " + name);
  }
  engine::TransactionPart* postgres() noexcept override { return state_->options.read_only ? nullptr : this; }

 private:
  static Task<Result<Outcome>> run_in(net::Loop& loop, SessionPtr state, StatementPtr statement, RowsPtr rows, RowLimits limits) {
    Result<void> ready = co_await enter(loop, state);
    if (!ready.ok()) co_return Result<Outcome>(std::move(ready).error());
    Result<Outcome> outcome = co_await run_on(*state->lease, std::move(statement), std::move(rows), limits, false);
    if (!outcome.ok()) note(*state->lease, outcome.error());
    co_return outcome;
  }
  static Task<Result<Outcome>> batch_in(net::Loop& loop, SessionPtr state, BatchPtr batch) {
    Result<void> ready = co_await enter(loop, state);
    if (!ready.ok()) co_return Result<Outcome>(std::move(ready).error());
    Result<Outcome> outcome = co_await batch_on(*state->lease, std::move(batch));
    co_return outcome;
  }
  static Task<Result<std::unique_ptr<Cursor>>> open_in(net::Loop& loop, SessionPtr state, StatementPtr statement) {
    Result<void> ready = co_await enter(loop, state);
    if (!ready.ok()) co_return Result<std::unique_ptr<Cursor>>(std::move(ready).error());
    auto cursor = std::make_shared<PostgresCursor::State>();
    cursor->session = std::move(state);
    Result<std::unique_ptr<Cursor>> opened = co_await PostgresCursor::open(std::move(cursor), std::move(statement));
    co_return opened;
  }
  static Task<Result<void>> commit_in(net::Loop& loop, SessionPtr state) {
    if (!state->lease) co_return Result<void>();
    if (!state->begun) {
      state->lease.release();
      co_return Result<void>();
    }
    Result<void> done = co_await control_in(loop, state, "COMMIT");
    const bool lost = state->lease->lost();
    const bool undone = state->lease->last_tag() == "ROLLBACK";
    state->lease.release();
    if (!done.ok()) co_return Result<void>(lost ? unknown_outcome(done.error()) : std::move(done).error());
    if (undone)
      co_return Result<void>(Error(ErrorKind::conflict, "a statement of this transaction failed, and it was rolled back")
                                 .with_detail("transaction_aborted"));
    co_return done;
  }
  static Task<Result<void>> rollback_in(net::Loop& loop, SessionPtr state) {
    if (!state->lease) co_return Result<void>();
    Result<void> done;
    if (state->begun && !state->lease->broken()) done = co_await control_in(loop, state, "ROLLBACK");
    state->lease.release();
    co_return done;
  }
  Task<Result<void>> run_step(net::Loop& loop, Step step) override { return step_in(loop, state_, std::move(step)); }
  static Task<Result<void>> step_in(net::Loop& loop, SessionPtr state, Step step) {
    Result<void> ready = co_await enter(loop, state);
    if (!ready.ok()) co_return ready;
    Task<Result<void>> task = step(*state->lease);
    Result<void> done = co_await std::move(task);
    co_return done;
  }

 public:
  /// A pooler that gives each transaction another server is found out by what happens to names.
  static bool note(Connection& on, const Error& error) {
    const std::string_view state = sqlstate_of(error);
    if (state == "26000" || state == "42P05") {
      on.context().unnamed.store(true, std::memory_order_relaxed);
      on.forget_all();
      return true;
    }
    return false;
  }

 private:
  SessionPtr state_;
};

class PostgresBackend final : public Backend {
 public:
  PostgresBackend(std::shared_ptr<engine::Database> database, std::uint32_t max)
      : database_(std::move(database)), pool_(database_->pool(max)) {}
  ~PostgresBackend() override { pool_->close(); }
  PostgresBackend(const PostgresBackend&) = delete;
  PostgresBackend& operator=(const PostgresBackend&) = delete;

  std::string_view scheme() const noexcept override { return "postgres"; }
  std::string_view system() const noexcept override { return "postgresql"; }
  std::string_view name_space() const noexcept override { return database_->context().options.database; }
  store::Dialect dialect() const noexcept override { return store::Dialect::postgres; }
  const std::string& id() const noexcept override { return database_->id(); }
  Capabilities capabilities() const noexcept override { return {}; }

  Task<Result<Outcome>> run(net::Loop& loop, StatementPtr statement, RowsPtr rows, RowLimits limits, Duration acquire) override {
    using R = Result<Outcome>;
    const CancelToken token = co_await current_token();
    for (int again = 0;; ++again) {
      Result<Lease> lease = co_await pool_->acquire(loop, acquire);
      if (!lease.ok()) co_return R(std::move(lease).error());
      Connection& on = **lease;
      const bool fresh = on.fresh();
      R outcome = co_await run_on(on, statement, rows, limits, true);
      if (outcome.ok()) co_return outcome;
      const bool safe = reads(statement->keyword, statement->sql);
      if (again < tries && !token.cancelled() && may_repeat(on, outcome.error(), statement->sql, safe, fresh)) continue;
      co_return R(lost_as(on, std::move(outcome).error(), safe, token));
    }
  }

  Task<Result<Outcome>> batch(net::Loop& loop, BatchPtr batch, Duration acquire) override {
    using R = Result<Outcome>;
    const CancelToken token = co_await current_token();
    for (int again = 0;; ++again) {
      Result<Lease> lease = co_await pool_->acquire(loop, acquire);
      if (!lease.ok()) co_return R(std::move(lease).error());
      Connection& on = **lease;
      const bool fresh = on.fresh();
      R outcome = co_await batch_on(on, batch);
      if (outcome.ok()) co_return outcome;
      if (again < tries && !token.cancelled() && may_repeat(on, outcome.error(), batch->sql, false, fresh)) continue;
      co_return R(lost_as(on, std::move(outcome).error(), false, token));
    }
  }

  Task<Result<std::unique_ptr<Cursor>>> open(net::Loop& loop, StatementPtr statement, Duration acquire) override {
    using R = Result<std::unique_ptr<Cursor>>;
    const CancelToken token = co_await current_token();
    for (int again = 0;; ++again) {
      Result<Lease> lease = co_await pool_->acquire(loop, acquire);
      if (!lease.ok()) co_return R(std::move(lease).error());
      auto state = std::make_shared<PostgresCursor::State>();
      state->lease = std::move(*lease);
      const bool fresh = state->lease->fresh();
      R cursor = co_await PostgresCursor::open(state, statement);
      if (cursor.ok()) co_return cursor;
      if (again < tries && !token.cancelled() && may_repeat(*state->lease, cursor.error(), statement->sql, true, fresh)) continue;
      co_return cursor;
    }
  }

  Task<Result<std::unique_ptr<Session>>> begin(net::Loop& loop, TransactionOptions options) override {
    // The connection is taken, and the transaction begun, with the first statement.
    (void)loop;
    auto state = std::make_shared<SessionState>();
    state->pool = pool_;
    state->options = options;
    std::unique_ptr<Session> session = std::make_unique<PostgresSession>(std::move(state));
    co_return Result<std::unique_ptr<Session>>(std::move(session));
  }

  Task<Result<bool>> script(net::Loop& loop, std::shared_ptr<const Script> script, Duration acquire) override {
    using R = Result<bool>;
    Result<Lease> lease = co_await pool_->acquire(loop, acquire);
    if (!lease.ok()) co_return R(std::move(lease).error());
    Connection& on = **lease;
    on.control("BEGIN");
    on.control("SELECT pg_advisory_xact_lock(7957695018201833332)");  // of migrations; the number is ours alone
    on.control(script->prepare);
    Result<void> done = co_await on.sync();
    if (!done.ok()) co_return R(std::move(done).error());
    Result<Connection::Rows> guard = co_await on.query(script->guard);
    if (!guard.ok()) co_return R(std::move(guard).error());
    if (guard->size() > 0) {
      on.control("ROLLBACK");
      done = co_await on.sync();
      if (!done.ok()) co_return R(std::move(done).error());
      co_return R(false);
    }
    // One after the other: a later one may be of a table that an earlier one makes, and PostgreSQL looks when it parses.
    for (const std::string& statement : script->statements) {
      on.control(statement);
      done = co_await on.sync();
      if (!done.ok()) co_return R(std::move(done).error());
    }
    on.control("COMMIT");
    done = co_await on.sync();
    if (!done.ok()) co_return R(on.lost() ? unknown_outcome(done.error()) : std::move(done).error());
    co_return R(true);
  }

  void close() override { pool_->close(); }

 private:
  static constexpr int tries = 3;

  /// On another connection, or on this one in another way. Nothing of it was done, or doing it twice is doing it once.
  static bool may_repeat(Connection& on, const Error& error, const std::string& sql, bool safe, bool fresh) {
    if (on.broken()) return may_repeat_lost(on, safe, fresh);
    if (PostgresSession::note(on, error)) return true;
    const std::string_view state = sqlstate_of(error);
    const bool changed =
        state == "0A000" && (error.kind() == ErrorKind::conflict ? safe : error.message().starts_with("cached plan"));
    // Bind counts the columns of a statement that is parsed with each run.
    if (!changed && !(state == "08P01" && on.context().unnamed.load(std::memory_order_relaxed))) return false;
    on.forget(sql);
    return true;
  }

  const std::shared_ptr<engine::Database> database_;
  const std::shared_ptr<engine::Pool> pool_;
};

}  // namespace

std::shared_ptr<Backend> make(std::shared_ptr<engine::Database> database, std::uint32_t max_connections) {
  return std::make_shared<PostgresBackend>(std::move(database), max_connections);
}

}  // namespace spikard::db::postgres
