#include "db/mysql/mysql.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <utility>

#include "db/mysql/types.hpp"
#include "db/server_statement.hpp"
#include "store/mysql/error.hpp"
#include "store/mysql/transaction_part.hpp"

namespace spikard::db::mysql {
namespace {

namespace engine = store::mysql;
using engine::Connection;
using Lease = engine::Pool::Lease;
using PreparedPtr = std::shared_ptr<engine::Prepared>;
using FieldsPtr = std::shared_ptr<const engine::Fields>;
using StatementPtr = std::shared_ptr<const Statement>;
using BatchPtr = std::shared_ptr<const Batch>;
using RowsPtr = std::shared_ptr<RowWriter>;

constexpr std::size_t pipeline_bytes = std::size_t{256} << 10U;  // of a batch, until its answers are read
constexpr std::size_t pipeline_statements = 128;
constexpr unsigned cannot_be_prepared = 1295;
constexpr unsigned prepare_again = 1615;
constexpr unsigned no_such_statement = 1243;

/// A write that gives rows, which may be more than allowed: those of an INSERT ... VALUES are in its text.
bool may_write_many(const Statement& statement, std::uint64_t allowed) {
  if (reads(statement.keyword, statement.sql) || !has_word(statement.sql, "RETURNING")) return false;
  return statement.keyword != "INSERT" || has_word(statement.sql, "SELECT") || statement.sql.size() > allowed;
}

/// Rows of one statement on their way into a writer.
struct Sink final : engine::Receiver {
  RowWriter* rows = nullptr;
  RowLimits limits;
  FieldsPtr fields;             ///< those that the writer knows
  bool stops_at_limit = false;  ///< a stream: not one more is read
  /// A stream's: the server may not know them before it runs (INSERT ... SELECT ... RETURNING).
  std::vector<Column>* told = nullptr;
  std::uint64_t count = 0;
  bool over = false;
  bool broken = false;

  Result<void> columns(const FieldsPtr& now) override {
    const FieldsPtr before = std::exchange(fields, now);
    const auto alike = [](const engine::wire::Field& a, const engine::wire::Field& b) {
      return a.name == b.name && column_type(a) == column_type(b);
    };
    if (now == before || std::equal(now->begin(), now->end(), before->begin(), before->end(), alike)) return {};
    const std::vector<Column> columns = columns_of(*fields);
    SPIKARD_TRY(check_columns(columns));
    rows->begin(columns);
    if (told != nullptr) *told = columns;
    return {};
  }
  bool row(std::string_view body) override {
    if (count >= limits.rows || rows->size() >= limits.bytes) {
      over = true;
      return false;
    }
    if (!write_row(body, *fields, *rows)) {
      broken = true;
      return false;
    }
    ++count;
    return !stops_at_limit || (count < limits.rows && rows->size() < limits.bytes);
  }
};

Error corrupt_row() { return Error(ErrorKind::corrupt, "a row of MySQL was not understood"); }

/// Rows that matched: of a write that gives rows, those are their number.
std::uint64_t affected_of(const Statement& statement, const Connection::Outcome& outcome) {
  if (!outcome.has_columns) return outcome.affected;
  return has_word(statement.sql, "RETURNING") && !reads(statement.keyword, statement.sql) ? outcome.rows : 0;
}

/// What the server does not prepare, as text.
Task<Result<Outcome>> run_as_text(Connection& on, StatementPtr statement, RowsPtr rows) {
  using R = Result<Outcome>;
  on.control(statement->sql);
  Result<void> done = co_await on.sync();
  if (!done.ok()) co_return R(std::move(done).error());
  if (rows != nullptr && on.last().has_columns)
    co_return R(Error(ErrorKind::unsupported, "the server gives the rows of this statement as text only"));
  if (rows != nullptr) rows->begin({});
  Outcome outcome;
  outcome.affected = on.last().affected;
  co_return R(outcome);
}

/// `alone`: in no transaction of ours.
Task<Result<Outcome>> run_on(Connection& on, StatementPtr statement, RowsPtr rows, RowLimits limits, bool alone) {
  using R = Result<Outcome>;
  Result<PreparedPtr> prepared = co_await on.prepare(statement->sql);
  if (!prepared.ok()) {
    if (engine::number_of(prepared.error()) != cannot_be_prepared || !statement->parameters.empty())
      co_return R(explained(std::move(prepared).error(), *statement, store::Dialect::mysql));
    R as_text = co_await run_as_text(on, std::move(statement), std::move(rows));
    co_return as_text;
  }
  const PreparedPtr held = std::move(*prepared);
  Result<std::vector<engine::Argument>> arguments = arguments_of(statement->parameters, held->parameters);
  if (!arguments.ok()) co_return R(std::move(arguments).error());
  Outcome outcome;
  if (rows == nullptr) {
    on.execute(held, *arguments, nullptr);
    Result<void> done = co_await on.sync(reads(statement->keyword, statement->sql));
    if (!done.ok()) co_return R(std::move(done).error());
    outcome.affected = affected_of(*statement, on.last());
    co_return R(outcome);
  }
  const std::vector<Column> columns = columns_of(*held->fields);
  if (Result<void> checked = check_columns(columns); !checked.ok()) co_return R(std::move(checked).error());
  rows->begin(columns);
  Sink sink;
  sink.fields = held->fields;
  sink.rows = rows.get();
  sink.limits = limits;
  const bool hold = alone && !limits.partial && limits.rows != ~std::uint64_t{0} && may_write_many(*statement, limits.rows);
  if (hold) on.begin();
  on.execute(held, *arguments, &sink);
  Result<void> done = co_await on.sync(reads(statement->keyword, statement->sql));
  if (!done.ok()) co_return R(std::move(done).error());
  outcome.affected = affected_of(*statement, on.last());
  outcome.rows = sink.count;
  outcome.more = sink.over;
  std::optional<Error> failed;
  if (sink.broken) failed = corrupt_row();
  else if (sink.over && !limits.partial) failed = Error(ErrorKind::too_large, "more rows than allowed");
  if (failed.has_value()) {
    if (hold) co_await on.recover();  // and nothing of it is there
    co_return R(std::move(*failed));
  }
  if (hold) {
    Result<void> committed = co_await on.commit();
    if (!committed.ok()) co_return R(std::move(committed).error());
  }
  co_return R(outcome);
}

/// In a transaction that is begun, or with it. Statements of one part are answered together: behind one that failed others may
/// run, and are rolled back with it.
Task<Result<Outcome>> batch_on(Connection& on, BatchPtr batch, bool alone) {
  using R = Result<Outcome>;
  Outcome outcome;
  if (batch->sets.empty()) co_return R(outcome);
  Result<PreparedPtr> prepared = co_await on.prepare(batch->sql);
  if (!prepared.ok()) co_return R(std::move(prepared).error());
  const PreparedPtr held = std::move(*prepared);
  // What is wrong with a later set is found before anything runs.
  std::vector<std::vector<engine::Argument>> all;
  all.reserve(batch->sets.size());
  for (std::size_t i = 0; i < batch->sets.size(); ++i) {
    Result<std::vector<engine::Argument>> arguments = arguments_of(batch->sets[i], held->parameters);
    if (!arguments.ok()) co_return R(std::move(arguments).error().with("set", std::to_string(i)));
    all.push_back(std::move(*arguments));
  }
  if (alone) on.begin();
  std::size_t waiting = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    on.execute(held, all[i], nullptr);
    all[i].clear();
    ++waiting;
    if (i + 1 < all.size() && waiting < pipeline_statements && on.unsent() < pipeline_bytes) continue;
    Result<void> done = co_await on.sync();
    if (!done.ok()) co_return R(std::move(done).error());
    for (const Connection::Outcome& one : on.outcomes()) outcome.affected += one.has_columns ? one.rows : one.affected;
    waiting = 0;
  }
  if (alone) {
    Result<void> committed = co_await on.commit();
    if (!committed.ok()) co_return R(std::move(committed).error());
  }
  co_return R(outcome);
}

/// The connection of a transaction.
struct SessionState {
  std::shared_ptr<engine::Pool> pool;
  TransactionOptions options;
  Lease lease;
  bool begun = false;
  std::uint32_t scopes = 0;
  bool reads_rows = false;  ///< a stream of a statement that only reads

  [[nodiscard]] std::string_view isolation() const noexcept {
    switch (options.isolation) {
      case Isolation::standard: break;
      case Isolation::read_committed: return "ISOLATION LEVEL READ COMMITTED";
      case Isolation::repeatable_read: return "ISOLATION LEVEL REPEATABLE READ";
      case Isolation::serializable: return "ISOLATION LEVEL SERIALIZABLE";
    }
    return {};
  }
};
using SessionPtr = std::shared_ptr<SessionState>;

/// Before a statement of it: the connection, the START TRANSACTION (which goes with the statement), the end of an abandoned
/// stream.
/// `undoes`: what follows is a rollback, to which it does not matter how a stream before it ended.
Task<Result<void>> enter(net::Loop& loop, SessionPtr state, bool undoes = false) {
  if (!state->lease) {
    if (state->begun)
      co_return Result<void>(Error(ErrorKind::conflict, "the transaction has ended").with_detail("transaction_aborted"));
    Result<Lease> lease = co_await state->pool->acquire(loop, state->options.acquire);
    if (!lease.ok()) co_return Result<void>(std::move(lease).error());
    state->lease = std::move(*lease);
  }
  Connection& on = *state->lease;
  if (on.in_rows()) {
    Result<void> skipped = co_await on.skip_rows(state->reads_rows);
    // A deadlock has ended the server's transaction: what came before it is gone.
    if (!skipped.ok() && (!undoes || on.broken())) co_return skipped;
  }
  if (!std::exchange(state->begun, true)) on.begin(state->isolation(), state->options.read_only);
  co_return Result<void>();
}

Task<Result<void>> control_in(net::Loop& loop, SessionPtr state, std::string first, std::string second = {}) {
  Result<void> ready = co_await enter(loop, state, !second.empty());
  if (!ready.ok()) co_return ready;
  state->lease->control(first);
  if (!second.empty()) state->lease->control(second);
  Result<void> done = co_await state->lease->sync();
  co_return done;
}

/// It would commit what was written before, in silence.
Result<void> check_in_transaction(std::string_view keyword, std::string_view sql) {
  static constexpr std::string_view all[] = {"ALTER", "CACHE",   "CHECK",    "CREATE",    "DROP",   "FLUSH",
                                             "GRANT", "INSTALL", "LOCK",     "OPTIMIZE",  "RENAME", "REPAIR",
                                             "RESET", "REVOKE",  "TRUNCATE", "UNINSTALL", "UNLOCK"};
  const bool sets = keyword == "SET" && (has_word(sql, "AUTOCOMMIT") || has_word(sql, "PASSWORD"));
  const bool analyzes = keyword == "ANALYZE" && has_word(sql, "TABLE");
  if (!sets && !analyzes && std::find(std::begin(all), std::end(all), keyword) == std::end(all)) return {};
  // CREATE and DROP TEMPORARY TABLE commit nothing; a name may have the word in it.
  static constexpr std::string_view table = "TABLE";
  const auto same = [](char a, char b) { return std::toupper(static_cast<unsigned char>(a)) == b; };
  const auto at = std::search(sql.begin(), sql.end(), table.begin(), table.end(), same);
  const std::string_view before = sql.substr(0, static_cast<std::size_t>(at - sql.begin()));
  if ((keyword == "CREATE" || keyword == "DROP") && at != sql.end() && has_word(before, "TEMPORARY")) return {};
  return Error(ErrorKind::unsupported, std::string(keyword) + " ends a transaction on MySQL: run it outside");
}

/// A statement whose rows are read in parts, on a connection of its own or its session's.
class MysqlCursor final : public Cursor {
 public:
  struct State {
    Lease lease;
    SessionPtr session;
    PreparedPtr prepared;
    std::vector<Column> columns;
    StatementPtr statement;
    Sink sink;
    bool held = false;
    bool ended = false;
    [[nodiscard]] Connection& on() noexcept { return session != nullptr ? *session->lease : *lease; }
  };
  explicit MysqlCursor(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}
  ~MysqlCursor() override {
    // A part that is being read ends first; its own connection then comes back in order by the pool.
    state_->ended = true;
    if (state_.use_count() > 1 && (state_->session == nullptr ? bool(state_->lease) : bool(state_->session->lease)))
      state_->on().cancel();
  }
  MysqlCursor(const MysqlCursor&) = delete;
  MysqlCursor& operator=(const MysqlCursor&) = delete;

  const std::vector<Column>& columns() const noexcept override { return state_->columns; }
  Task<Result<Outcome>> fetch(net::Loop&, RowsPtr rows, RowLimits limits) override { return fetch_on(state_, rows, limits); }

  /// Begins it. `state` has its connection.
  static Task<Result<std::unique_ptr<Cursor>>> open(std::shared_ptr<State> state, StatementPtr statement) {
    using R = Result<std::unique_ptr<Cursor>>;
    Connection& on = state->on();
    Result<PreparedPtr> prepared = co_await on.prepare(statement->sql);
    if (!prepared.ok()) co_return R(explained(std::move(prepared).error(), *statement, store::Dialect::mysql));
    state->prepared = std::move(*prepared);
    if (state->prepared->fields->empty() && statement->keyword == "CALL")
      co_return R(Error(ErrorKind::unsupported, "the columns of a CALL are not known before it runs: use query"));
    Result<std::vector<engine::Argument>> arguments = arguments_of(statement->parameters, state->prepared->parameters);
    if (!arguments.ok()) co_return R(std::move(arguments).error());
    state->columns = columns_of(*state->prepared->fields);
    if (Result<void> checked = check_columns(state->columns); !checked.ok()) co_return R(std::move(checked).error());
    state->sink.fields = state->prepared->fields;
    state->sink.told = &state->columns;
    state->sink.stops_at_limit = true;
    const bool only_reads = reads(statement->keyword, statement->sql);
    state->held = state->session == nullptr && !only_reads;
    if (state->session != nullptr) state->session->reads_rows = only_reads;
    if (state->held) on.begin();
    on.execute(state->prepared, *arguments, &state->sink);
    on.begin_rows();
    state->statement = std::move(statement);
    co_return R(std::make_unique<MysqlCursor>(std::move(state)));
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
    Result<bool> paused = co_await on.rows();
    if (sink.broken && paused.ok()) paused = corrupt_row();
    if (!paused.ok()) {
      release(*state);
      co_return R(std::move(paused).error());
    }
    outcome.rows = sink.count;
    if (*paused) {
      outcome.more = true;
      co_return R(outcome);
    }
    outcome.affected = affected_of(*state->statement, on.last());
    if (state->held) {
      Result<void> committed = co_await on.commit();
      if (!committed.ok()) {
        const bool lost = on.lost();
        release(*state);
        co_return R(lost ? unknown_outcome(committed.error()) : std::move(committed).error());
      }
    }
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

class MysqlSession final : public Session, public engine::TransactionPart {
 public:
  explicit MysqlSession(SessionPtr state) noexcept : state_(std::move(state)) {}
  ~MysqlSession() override {
    if (state_.use_count() > 1 && state_->lease) state_->lease->cancel();
  }
  MysqlSession(const MysqlSession&) = delete;
  MysqlSession& operator=(const MysqlSession&) = delete;

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
  engine::TransactionPart* mysql() noexcept override { return state_->options.read_only ? nullptr : this; }

 private:
  static Task<Result<Outcome>> run_in(net::Loop& loop, SessionPtr state, StatementPtr statement, RowsPtr rows, RowLimits limits) {
    if (Result<void> checked = check_in_transaction(statement->keyword, statement->sql); !checked.ok())
      co_return Result<Outcome>(std::move(checked).error());
    Result<void> ready = co_await enter(loop, state);
    if (!ready.ok()) co_return Result<Outcome>(std::move(ready).error());
    Result<Outcome> outcome = co_await run_on(*state->lease, std::move(statement), std::move(rows), limits, false);
    co_return outcome;
  }
  static Task<Result<Outcome>> batch_in(net::Loop& loop, SessionPtr state, BatchPtr batch) {
    const std::string keyword = store::first_keyword(batch->sql, store::Dialect::mysql);
    if (Result<void> checked = check_in_transaction(keyword, batch->sql); !checked.ok())
      co_return Result<Outcome>(std::move(checked).error());
    Result<void> ready = co_await enter(loop, state);
    if (!ready.ok()) co_return Result<Outcome>(std::move(ready).error());
    Result<Outcome> outcome = co_await batch_on(*state->lease, std::move(batch), false);
    co_return outcome;
  }
  static Task<Result<std::unique_ptr<Cursor>>> open_in(net::Loop& loop, SessionPtr state, StatementPtr statement) {
    if (Result<void> checked = check_in_transaction(statement->keyword, statement->sql); !checked.ok())
      co_return Result<std::unique_ptr<Cursor>>(std::move(checked).error());
    Result<void> ready = co_await enter(loop, state);
    if (!ready.ok()) co_return Result<std::unique_ptr<Cursor>>(std::move(ready).error());
    auto cursor = std::make_shared<MysqlCursor::State>();
    cursor->session = std::move(state);
    Result<std::unique_ptr<Cursor>> opened = co_await MysqlCursor::open(std::move(cursor), std::move(statement));
    co_return opened;
  }
  static Task<Result<void>> commit_in(net::Loop& loop, SessionPtr state) {
    if (!state->lease) co_return Result<void>();
    if (!state->begun) {
      state->lease.release();
      co_return Result<void>();
    }
    Result<void> done = co_await enter(loop, state);
    if (done.ok()) {
      Task<Result<void>> committing = state->lease->commit();
      done = co_await std::move(committing);
    }
    const bool lost = state->lease->lost();
    state->lease.release();
    if (!done.ok()) co_return Result<void>(lost ? unknown_outcome(done.error()) : std::move(done).error());
    co_return done;
  }
  static Task<Result<void>> rollback_in(net::Loop& loop, SessionPtr state) {
    if (!state->lease) co_return Result<void>();
    Result<void> done;
    if (state->begun && !state->lease->broken()) {
      done = co_await enter(loop, state, true);
      if (done.ok()) {
        Task<Result<void>> undoing = state->lease->rollback();
        done = co_await std::move(undoing);
      }
    }
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

  SessionPtr state_;
};

class MysqlBackend final : public Backend {
 public:
  MysqlBackend(std::shared_ptr<engine::Database> database, std::uint32_t max)
      : database_(std::move(database)), pool_(database_->pool(max)) {}
  ~MysqlBackend() override { pool_->close(); }
  MysqlBackend(const MysqlBackend&) = delete;
  MysqlBackend& operator=(const MysqlBackend&) = delete;

  std::string_view scheme() const noexcept override { return "mysql"; }
  std::string_view system() const noexcept override { return "mysql"; }
  std::string_view name_space() const noexcept override { return database_->context().options.database; }
  store::Dialect dialect() const noexcept override { return store::Dialect::mysql; }
  const std::string& id() const noexcept override { return database_->id(); }
  Capabilities capabilities() const noexcept override {
    Capabilities out;
    out.transactional_ddl = false;
    return out;
  }

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
      R outcome = co_await batch_on(on, batch, true);
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
      auto state = std::make_shared<MysqlCursor::State>();
      state->lease = std::move(*lease);
      const bool fresh = state->lease->fresh();
      R cursor = co_await MysqlCursor::open(state, statement);
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
    std::unique_ptr<Session> session = std::make_unique<MysqlSession>(std::move(state));
    co_return Result<std::unique_ptr<Session>>(std::move(session));
  }

  /// What makes tables commits by itself; the rest of a script is one transaction all the same. `statements_done` of an error
  /// says how far it came.
  Task<Result<bool>> script(net::Loop& loop, std::shared_ptr<const Script> script, Duration acquire) override {
    using R = Result<bool>;
    Result<Lease> lease = co_await pool_->acquire(loop, acquire);
    if (!lease.ok()) co_return R(std::move(lease).error());
    Connection& on = **lease;
    // Of a session that fails on its way it goes with the reset.
    Result<void> done = co_await engine::Database::lock(on, "migrations");
    if (!done.ok()) co_return R(std::move(done).error());
    on.control(script->prepare);
    done = co_await on.sync();
    if (!done.ok()) co_return R(std::move(done).error());
    Result<Connection::Rows> guard = co_await on.query(script->guard);
    if (!guard.ok()) co_return R(std::move(guard).error());
    const bool ours = guard->size() == 0;
    if (ours) {
      on.begin();
      for (std::size_t i = 0; i < script->statements.size(); ++i) {
        on.control(script->statements[i]);
        done = co_await on.sync();
        if (!done.ok()) co_return R(std::move(done).error().with("statements_done", std::to_string(i)));
      }
      done = co_await on.commit();
      if (!done.ok()) co_return R(on.lost() ? unknown_outcome(done.error()) : std::move(done).error());
    }
    done = co_await engine::Database::unlock(on, "migrations");
    if (!done.ok() && !ours) co_return R(std::move(done).error());
    co_return R(ours);
  }

  Task<Result<void>> make_table(net::Loop& loop, std::string sql) override {
    Result<std::unique_ptr<Connection>> opened = co_await pool_->extra(loop);
    if (!opened.ok()) co_return Result<void>(std::move(opened).error());
    (*opened)->control(sql);
    Result<void> done = co_await (*opened)->sync();
    co_return done;
  }

  void close() override { pool_->close(); }

 private:
  static constexpr int tries = 3;

  static bool may_repeat(Connection& on, const Error& error, const std::string& sql, bool safe, bool fresh) {
    if (on.broken()) return may_repeat_lost(on, safe, fresh);
    const unsigned number = engine::number_of(error);
    if (number != prepare_again && number != no_such_statement) return false;
    on.forget(sql);
    return true;
  }

  const std::shared_ptr<engine::Database> database_;
  const std::shared_ptr<engine::Pool> pool_;
};

}  // namespace

std::shared_ptr<Backend> make(std::shared_ptr<engine::Database> database, std::uint32_t max_connections) {
  return std::make_shared<MysqlBackend>(std::move(database), max_connections);
}

}  // namespace spikard::db::mysql
