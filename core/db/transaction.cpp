#include <algorithm>
#include <utility>

#include "db/client.hpp"
#include "db/core.hpp"
#include "store/outbox.hpp"

namespace spikard::db {

/// The right to run the next statement, until it has ended or its task is gone.
class Transaction::Turn {
 public:
  explicit Turn(Transaction& transaction) noexcept : transaction_(&transaction) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (transaction_ != nullptr) transaction_->leave(true);
  }
  void end(bool failed) noexcept { std::exchange(transaction_, nullptr)->leave(failed); }
  /// Somebody else ends it.
  void hand_on() noexcept { transaction_ = nullptr; }

 private:
  Transaction* transaction_;
};

Transaction::Transaction(std::shared_ptr<detail::Core> core, net::Loop& loop, std::unique_ptr<Session> session,
                         Limiter::Permit permit)
    : core_(std::move(core)), loop_(loop), session_(std::move(session)), permit_(std::move(permit)), timer_(loop, [this] {
        expire();
      }) {
  if (core_->options.transaction_timeout.has_value()) timer_.start(*core_->options.transaction_timeout);
}

Transaction::~Transaction() { *self_ = nullptr; }

Error Transaction::scope_failed(std::string what) {
  return Error(ErrorKind::internal, "the function run in a transaction threw: " + std::move(what)).with_detail("scope_failed");
}

bool Transaction::usable() const noexcept { return state_ == State::open && !core_->closed.load(std::memory_order_acquire); }

Error Transaction::refusal() const {
  if (core_->closed.load(std::memory_order_acquire))
    return Error(ErrorKind::unavailable, "the client is closed").with_detail("closed");
  if (state_ == State::expired)
    return Error(ErrorKind::conflict, "the transaction was open for longer than it may, and was rolled back")
        .with_detail("transaction_aborted");
  if (state_ == State::ended) return Error(ErrorKind::conflict, "the transaction has ended").with_detail("transaction_aborted");
  return Error(ErrorKind::conflict, "a statement of this transaction failed: only rollback is left")
      .with_detail("transaction_aborted");
}

void Transaction::end() noexcept {
  timer_.stop();
  session_.reset();
  permit_.release();
  hooks_.clear();
  scopes_.clear();
}

void Transaction::expire() {
  if (state_ == State::ended) return;
  state_ = State::expired;
  Function<void()> told = std::exchange(on_expired_, nullptr);
  if (stream_ != nullptr && !stream_->reading_) {
    stream_->expire(refusal());
  } else if (!busy_) {
    end();
  } else {
    const CancelToken held = life_.token();  // what is cancelled may be the last that has this transaction
    life_.cancel(CancelReason::deadline);    // the statement's turn ends it
  }
  if (told) told();
}

/// Somebody's place in the queue for the turn.
struct Transaction::Waiting {
  Waiting(Transaction& of, net::Loop& loop) : transaction(of.self_), given(loop) { of.waiting_.push_back(this); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() {
    if (taken || *transaction == nullptr) return;
    if (std::erase((*transaction)->waiting_, this) == 0) (*transaction)->leave(false);  // given, and of no use any more
  }
  const std::shared_ptr<Transaction*> transaction;
  net::Event given;
  bool taken = false;
};

Task<Result<void>> Transaction::enter() {
  if (!std::exchange(busy_, true)) co_return Result<void>();
  Waiting waiting(*this, loop_);
  Result<void> waited = co_await waiting.given.wait();
  waiting.taken = waited.ok();
  co_return waited;
}

void Transaction::leave(bool failed) noexcept {
  if (failed && state_ == State::open) state_ = State::aborted;
  if (state_ == State::expired) end();
  // Given from one to the next, so that nobody who comes now is before those who wait.
  busy_ = !waiting_.empty();
  if (!busy_) return;
  Waiting* next = waiting_.front();
  waiting_.pop_front();
  next->given.set();
}

template <class T>
Task<Result<T>> Transaction::step(Task<Result<T>> task, std::optional<Duration> timeout) {
  Result<T> result = co_await detail::guarded(loop_, std::move(task), timeout, life_.token());
  co_return result;
}

Task<Result<Outcome>> Transaction::query_into(net::Caller caller, std::string sql, Document params,
                                              std::shared_ptr<RowWriter> rows, RowLimits limits, CallOptions options) {
  using R = Result<Outcome>;
  Result<void> entered = co_await enter();
  if (!entered.ok()) co_return R(std::move(entered).error());
  Turn turn(*this);
  const Value root = params.root();
  const bool some = root.exists() && (root.is_array() || root.is_object()) && root.size() > 0;
  detail::Call call(*core_, caller, store::first_keyword(sql, core_->backend->dialect()), sql, some);
  if (!usable()) {
    turn.end(false);
    co_return call.ended(R(refusal()));
  }
  Result<Statement> made = make_statement(sql, root, core_->backend->dialect());
  if (!made.ok()) {
    turn.end(true);
    co_return call.ended(R(std::move(made).error()));
  }
  auto statement = std::make_shared<const Statement>(std::move(*made));
  Task<R> task = session_->run(loop_, statement, rows, limits);
  R outcome = co_await step(std::move(task), core_->timeout(options));
  turn.end(!outcome.ok());
  if (outcome.ok() && rows != nullptr) call.rows(outcome->rows);
  co_return call.ended(std::move(outcome));
}

Task<Result<Rows>> Transaction::query(net::Caller caller, std::string sql, Document params, CallOptions options) {
  auto rows = std::make_shared<NodeRows>();
  const RowLimits limits(core_->options.max_rows, ~std::size_t{0});
  Result<Outcome> outcome = co_await query_into(caller, std::move(sql), std::move(params), rows, limits, options);
  if (!outcome.ok()) co_return Result<Rows>(std::move(outcome).error());
  Rows result;
  result.columns = rows->columns();
  result.rows = rows->take();
  co_return Result<Rows>(std::move(result));
}

Task<Result<std::optional<Rows>>> Transaction::first(net::Caller caller, std::string sql, Document params, CallOptions options) {
  using R = Result<std::optional<Rows>>;
  auto rows = std::make_shared<NodeRows>();
  RowLimits limits(1, ~std::size_t{0});
  limits.partial = true;
  Result<Outcome> outcome = co_await query_into(caller, std::move(sql), std::move(params), rows, limits, options);
  if (!outcome.ok()) co_return R(std::move(outcome).error());
  if (outcome->rows == 0) co_return R(std::optional<Rows>());
  Rows result;
  result.columns = rows->columns();
  result.rows = rows->take();
  co_return R(std::optional<Rows>(std::move(result)));
}

Task<Result<std::uint64_t>> Transaction::execute(net::Caller caller, std::string sql, Document params, CallOptions options) {
  Result<Outcome> outcome = co_await query_into(caller, std::move(sql), std::move(params), nullptr, RowLimits(), options);
  if (!outcome.ok()) co_return Result<std::uint64_t>(std::move(outcome).error());
  co_return Result<std::uint64_t>(outcome->affected);
}

Task<Result<std::uint64_t>> Transaction::batch(net::Caller caller, std::string sql, Document sets, CallOptions options) {
  using R = Result<std::uint64_t>;
  Result<void> entered = co_await enter();
  if (!entered.ok()) co_return R(std::move(entered).error());
  Turn turn(*this);
  detail::Call call(*core_, caller, "BATCH " + store::first_keyword(sql, core_->backend->dialect()), sql, true);
  if (!usable()) {
    turn.end(false);
    co_return call.ended(R(refusal()));
  }
  Result<Batch> made = make_batch(sql, sets.root(), core_->backend->dialect());
  if (!made.ok()) {
    turn.end(true);
    co_return call.ended(R(std::move(made).error()));
  }
  auto batch = std::make_shared<const Batch>(std::move(*made));
  call.batch(batch->sets.size());
  Task<Result<Outcome>> task = session_->batch(loop_, batch);
  Result<Outcome> outcome = co_await step(std::move(task), core_->timeout(options));
  turn.end(!outcome.ok());
  if (!outcome.ok()) co_return call.ended(R(std::move(outcome).error()));
  co_return call.ended(R(outcome->affected));
}

Task<Result<std::unique_ptr<Stream>>> Transaction::stream(net::Caller caller, std::string sql, Document params,
                                                          CallOptions options) {
  using R = Result<std::unique_ptr<Stream>>;
  Result<void> entered = co_await enter();
  if (!entered.ok()) co_return R(std::move(entered).error());
  Turn turn(*this);
  const Value root = params.root();
  const bool some = root.exists() && (root.is_array() || root.is_object()) && root.size() > 0;
  detail::Call call(*core_, caller, store::first_keyword(sql, core_->backend->dialect()), sql, some);
  if (!usable()) {
    turn.end(false);
    co_return call.ended(R(refusal()));
  }
  Result<Statement> made = make_statement(sql, root, core_->backend->dialect());
  if (!made.ok()) {
    turn.end(true);
    co_return call.ended(R(std::move(made).error()));
  }
  auto statement = std::make_shared<const Statement>(std::move(*made));
  Task<Result<std::unique_ptr<Cursor>>> task = session_->open(loop_, statement);
  Result<std::unique_ptr<Cursor>> cursor = co_await step(std::move(task), core_->timeout(options));
  if (cursor.ok() && state_ == State::expired) cursor = refusal();
  if (!cursor.ok()) {
    turn.end(true);
    co_return call.ended(R(std::move(cursor).error()));
  }
  auto stream = std::make_unique<Stream>(core_, std::move(*cursor), Limiter::Permit(), core_->timeout(options), call.take());
  // Its turn lasts until the stream has ended.
  turn.hand_on();
  stream_ = stream.get();
  stream->life_ = life_.token();
  stream->ended_ = [self = self_](bool failed) {
    if (*self == nullptr) return;
    (*self)->stream_ = nullptr;
    (*self)->leave(failed);
  };
  co_return R(std::move(stream));
}

Task<Result<void>> Transaction::commit(net::Caller caller) {
  Result<void> entered = co_await enter();
  if (!entered.ok()) co_return entered;
  Turn turn(*this);
  detail::Call call(*core_, caller, "COMMIT", {}, false);
  if (!usable()) {
    // As PostgreSQL has it: it ends, and nothing of it stays.
    Result<void> refused(refusal());
    if (state_ == State::aborted || state_ == State::open) {
      Task<Result<void>> undo = session_->rollback(loop_);
      (void)co_await undo;
      state_ = State::ended;
      end();
    }
    turn.end(false);
    co_return call.ended(std::move(refused));
  }
  Task<Result<void>> task = session_->commit(loop_);
  Result<void> done = co_await step(std::move(task), core_->options.statement_timeout);
  std::vector<Function<void()>> hooks;
  if (done.ok()) hooks.swap(hooks_);
  state_ = State::ended;
  end();
  turn.end(false);
  for (Function<void()>& hook : hooks) hook();
  co_return call.ended(std::move(done));
}

Task<Result<void>> Transaction::rollback(net::Caller caller) {
  Result<void> entered = co_await enter();
  if (!entered.ok()) co_return entered;
  Turn turn(*this);
  if (state_ == State::ended || state_ == State::expired) {
    turn.end(false);
    co_return Result<void>();
  }
  detail::Call call(*core_, caller, "ROLLBACK", {}, false);
  Task<Result<void>> task = session_->rollback(loop_);
  Result<void> done = co_await task;
  state_ = State::ended;
  end();
  turn.end(false);
  // The connection is given back, and with it the transaction is undone whatever the rollback said.
  co_return call.ended(Result<void>());
}

Task<Result<void>> Transaction::savepoint(net::Caller caller) {
  (void)caller;
  Result<void> entered = co_await enter();
  if (!entered.ok()) co_return entered;
  Turn turn(*this);
  if (!usable()) {
    turn.end(false);
    co_return Result<void>(refusal());
  }
  Task<Result<void>> task = session_->savepoint(loop_);
  Result<void> done = co_await step(std::move(task), core_->options.statement_timeout);
  if (done.ok()) scopes_.push_back(hooks_.size());
  turn.end(!done.ok());
  co_return done;
}

Task<Result<void>> Transaction::release(net::Caller caller) {
  (void)caller;
  Result<void> entered = co_await enter();
  if (!entered.ok()) co_return entered;
  Turn turn(*this);
  if (!usable()) {
    turn.end(false);
    co_return Result<void>(refusal());
  }
  if (scopes_.empty()) {
    turn.end(false);
    co_return Result<void>(Error(ErrorKind::invalid_argument, "there is no nested scope"));
  }
  Task<Result<void>> task = session_->release(loop_);
  Result<void> done = co_await step(std::move(task), core_->options.statement_timeout);
  if (done.ok()) scopes_.pop_back();
  turn.end(!done.ok());
  co_return done;
}

Task<Result<void>> Transaction::rollback_to(net::Caller caller) {
  (void)caller;
  Result<void> entered = co_await enter();
  if (!entered.ok()) co_return entered;
  Turn turn(*this);
  if (state_ == State::ended || state_ == State::expired) {
    turn.end(false);
    co_return Result<void>(refusal());
  }
  if (scopes_.empty()) {
    turn.end(false);
    co_return Result<void>(Error(ErrorKind::invalid_argument, "there is no nested scope"));
  }
  Task<Result<void>> task = session_->rollback_to(loop_);
  Result<void> done = co_await step(std::move(task), core_->options.statement_timeout);
  if (done.ok()) {
    hooks_.resize(std::min(hooks_.size(), scopes_.back()));
    scopes_.pop_back();
    if (state_ == State::aborted) state_ = State::open;
  }
  turn.end(!done.ok());
  co_return done;
}

// -- store::Transaction

const std::string& Transaction::database() const noexcept { return core_->backend->id(); }

store::sqlite::TransactionPart* Transaction::sqlite() noexcept {
  return session_ != nullptr && session_->sqlite() != nullptr ? this : nullptr;
}

store::postgres::TransactionPart* Transaction::postgres() noexcept {
  return session_ != nullptr && session_->postgres() != nullptr ? this : nullptr;
}

store::mysql::TransactionPart* Transaction::mysql() noexcept {
  return session_ != nullptr && session_->mysql() != nullptr ? this : nullptr;
}

template <class Part, class StepFn>
Task<Result<void>> Transaction::run_part(Part* (Session::*part)() noexcept, StepFn step_fn) {
  Result<void> entered = co_await enter();
  if (!entered.ok()) co_return entered;
  Turn turn(*this);
  if (!usable()) {
    turn.end(false);
    co_return Result<void>(refusal());
  }
  Task<Result<void>> task = (session_.get()->*part)()->run(loop_, std::move(step_fn));
  Result<void> done = co_await step(std::move(task), core_->options.statement_timeout);
  turn.end(!done.ok());
  co_return done;
}

Task<Result<void>> Transaction::run_step(net::Loop&, Function<Result<void>(store::sqlite::Connection&)> step_fn) {
  return run_part(&Session::sqlite, std::move(step_fn));
}
Task<Result<void>> Transaction::run_step(net::Loop&, store::postgres::TransactionPart::Step step_fn) {
  return run_part(&Session::postgres, std::move(step_fn));
}
Task<Result<void>> Transaction::run_step(net::Loop&, store::mysql::TransactionPart::Step step_fn) {
  return run_part(&Session::mysql, std::move(step_fn));
}

Task<Result<void>> Transaction::ensure(std::string_view table) {
  std::atomic<bool>& there = table == "outbox" ? core_->outbox_there : core_->inbox_there;
  if (there.load(std::memory_order_acquire)) co_return Result<void>();
  const std::string sql =
      table == "outbox" ? store::outbox_table(core_->backend->dialect()) : store::inbox_table(core_->backend->dialect());
  if (!core_->backend->capabilities().transactional_ddl) {
    Task<Result<void>> making = core_->backend->make_table(loop_, sql);
    Result<void> there_now = co_await std::move(making);
    if (there_now.ok()) there.store(true, std::memory_order_release);
    co_return there_now;
  }
  if (core_->backend->dialect() == store::Dialect::postgres) {
    // Two that make it at once collide in the catalogue, IF NOT EXISTS or not: the second waits for the end of the first.
    Result<Rows> found = co_await query(net::Caller(loop_), "SELECT to_regclass(quote_ident(current_schema()) || '.spikard_" +
                                                                std::string(table) + "') IS NOT NULL AS there");
    if (!found.ok()) co_return Result<void>(std::move(found).error());
    if (found->rows.root().at(0).find("there").as_bool()) {
      there.store(true, std::memory_order_release);
      co_return Result<void>();
    }
    Result<std::uint64_t> alone = co_await execute(net::Caller(loop_), "SELECT pg_advisory_xact_lock(7957695018201833334)");
    if (!alone.ok()) co_return Result<void>(std::move(alone).error());
  }
  Result<std::uint64_t> made = co_await execute(net::Caller(loop_), sql);
  if (!made.ok()) co_return Result<void>(std::move(made).error());
  // Not there if this transaction is undone.
  after_commit([core = core_, flag = &there] { flag->store(true, std::memory_order_release); });
  co_return Result<void>();
}

Task<Result<void>> Transaction::outbox(store::OutboxEntry entry) {
  Result<void> ready = co_await ensure("outbox");
  if (!ready.ok()) co_return ready;
  Document values = params(entry.target, entry.kind, Bytes{entry.payload});
  Result<std::uint64_t> done = co_await execute(net::Caller(loop_), std::string(store::outbox_insert), std::move(values));
  if (!done.ok()) co_return Result<void>(std::move(done).error());
  after_commit([core = core_] { core->outbox_grew(); });
  co_return Result<void>();
}

Task<Result<bool>> Transaction::inbox(std::string source, std::string id) {
  Result<void> ready = co_await ensure("inbox");
  if (!ready.ok()) co_return Result<bool>(std::move(ready).error());
  Document values = params(std::string_view(source), std::string_view(id));
  Result<std::uint64_t> done =
      co_await execute(net::Caller(loop_), store::inbox_insert(core_->backend->dialect()), std::move(values));
  if (!done.ok()) co_return Result<bool>(std::move(done).error());
  co_return Result<bool>(*done == 1);
}

}  // namespace spikard::db
