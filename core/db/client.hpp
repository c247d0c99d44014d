#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/node.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "db/backend.hpp"
#include "db/json_rows.hpp"
#include "db/limiter.hpp"
#include "db/rows.hpp"
#include "net/await.hpp"
#include "net/operation_target.hpp"
#include "services/db.gen.hpp"
#include "store/mysql/transaction_part.hpp"
#include "store/postgres/transaction_part.hpp"
#include "store/sqlite/transaction_part.hpp"
#include "store/transaction.hpp"
#include "telemetry/provider.hpp"

namespace spikard::db {

class Client;

struct ClientOptions {
  ClientOptions() = default;
  explicit ClientOptions(const services::DbConfig& config);
  std::uint32_t max_connections = 5;
  Duration acquire_timeout = std::chrono::seconds(5);
  std::optional<Duration> statement_timeout = std::chrono::seconds(30);
  std::optional<Duration> transaction_timeout = std::chrono::seconds(60);
  std::uint64_t max_rows = 100000;
};

struct CallOptions {
  CallOptions() = default;
  explicit CallOptions(std::optional<Duration> at_most) : timeout(at_most) {}
  std::optional<Duration> timeout{};  ///< nothing: the client's
};

/// The result of a query.
struct Rows {
  std::vector<Column> columns;
  Document rows;  ///< an array of objects
};

namespace detail {
struct Core;
class Call;

/// Who is woken when a transaction of this process has put something into the outbox. `alive` and `fn` belong to the loop.
struct OutboxListener {
  net::Loop* loop = nullptr;
  Function<void()> fn;
  std::atomic<bool> posted{false};
  bool alive = true;
};
}  // namespace detail

/// Rows read in parts, no faster than they are taken. Destroying it ends the statement. Belongs to the loop it was opened on.
class Stream {
 public:
  Stream(std::shared_ptr<detail::Core> core, std::unique_ptr<Cursor> cursor, Limiter::Permit permit,
         std::optional<Duration> timeout, telemetry::Span span) noexcept;
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  [[nodiscard]] const std::vector<Column>& columns() const noexcept { return columns_; }
  /// At most `limits` more rows into `rows`, whose `begin(columns())` was called once. False: that was the end. After an error
  /// nothing comes any more.
  [[nodiscard]] Task<Result<bool>> next(net::Loop& loop, std::shared_ptr<RowWriter> rows, RowLimits limits);
  /// The same as an array of nodes; empty at the end.
  [[nodiscard]] Task<Result<Document>> next(net::Loop& loop, std::uint64_t rows = 256);
  [[nodiscard]] std::uint64_t rows() const noexcept { return count_; }
  void close() noexcept;

 private:
  friend class Transaction;
  class Reading;
  void expire(Error why);
  std::shared_ptr<detail::Core> core_;
  std::vector<Column> columns_;
  std::unique_ptr<Cursor> cursor_;
  Limiter::Permit permit_;
  std::optional<Duration> timeout_;
  telemetry::Span span_;
  std::uint64_t count_ = 0;
  Function<void(bool failed)> ended_;  // of a transaction
  CancelToken life_{};                 // of the transaction
  bool reading_ = false;
  std::optional<Error> over_;  // told once
};

/// A transaction. Statements of one run one after the other, in the order they were called, however many tasks call; all on the
/// loop that began it. After a failed call only rollback is left (conflict/transaction_aborted), of the nested scope it failed
/// in or of all. Destroying it rolls back.
class Transaction final : public store::Transaction,
                          private store::sqlite::TransactionPart,
                          private store::postgres::TransactionPart,
                          private store::mysql::TransactionPart {
 public:
  Transaction(std::shared_ptr<detail::Core> core, net::Loop& loop, std::unique_ptr<Session> session, Limiter::Permit permit);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  [[nodiscard]] Task<Result<Rows>> query(net::Caller caller, std::string sql, Document params = {}, CallOptions options = {});
  [[nodiscard]] Task<Result<std::optional<Rows>>> first(net::Caller caller, std::string sql, Document params = {},
                                                        CallOptions options = {});
  [[nodiscard]] Task<Result<std::uint64_t>> execute(net::Caller caller, std::string sql, Document params = {},
                                                    CallOptions options = {});
  [[nodiscard]] Task<Result<std::uint64_t>> batch(net::Caller caller, std::string sql, Document sets, CallOptions options = {});
  /// The rows into a writer of the caller's (null: passed over). Where `limits` are not partial, more of them is too_large.
  [[nodiscard]] Task<Result<Outcome>> query_into(net::Caller caller, std::string sql, Document params,
                                                 std::shared_ptr<RowWriter> rows, RowLimits limits, CallOptions options = {});
  /// Nothing else runs in the transaction until the stream has ended.
  [[nodiscard]] Task<Result<std::unique_ptr<Stream>>> stream(net::Caller caller, std::string sql, Document params = {},
                                                             CallOptions options = {});

  /// What was given to `after_commit` runs before it returns. An error: nothing was committed (outcome_unknown: it may have
  /// been), and the transaction has ended all the same.
  [[nodiscard]] Task<Result<void>> commit(net::Caller caller);
  /// Never fails because of a failed statement; fine when it has ended.
  [[nodiscard]] Task<Result<void>> rollback(net::Caller caller);

  /// Nested scopes: opened, then released (kept) or rolled back to (undone), innermost first.
  [[nodiscard]] Task<Result<void>> savepoint(net::Caller caller);
  [[nodiscard]] Task<Result<void>> release(net::Caller caller);
  [[nodiscard]] Task<Result<void>> rollback_to(net::Caller caller);
  [[nodiscard]] std::size_t depth() const noexcept { return scopes_.size(); }

  /// Runs `fn(Transaction&)`, a Task<Result<T>>, in a nested scope: kept when it succeeds, undone when it does not; its error is
  /// returned, and the transaction can go on. What it throws is internal/scope_failed.
  template <class F>
  [[nodiscard]] auto nested(net::Caller caller, F fn) -> std::invoke_result_t<F&, Transaction&> {
    using R = typename detail_result<std::invoke_result_t<F&, Transaction&>>::type;
    Result<void> opened = co_await savepoint(caller);
    if (!opened.ok()) co_return R(std::move(opened).error());
    std::optional<R> result;
    try {
      result.emplace(co_await fn(*this));
    } catch (const std::exception& thrown) {
      result.emplace(scope_failed(thrown.what()));
    }
    Result<void> closed;
    if (result->ok()) {
      closed = co_await release(caller);
    } else {
      closed = co_await rollback_to(caller);
    }
    if (result->ok() && !closed.ok()) co_return R(std::move(closed).error());
    co_return std::move(*result);
  }

  // -- store::Transaction
  [[nodiscard]] const std::string& database() const noexcept override;
  [[nodiscard]] store::sqlite::TransactionPart* sqlite() noexcept override;
  [[nodiscard]] store::postgres::TransactionPart* postgres() noexcept override;
  [[nodiscard]] store::mysql::TransactionPart* mysql() noexcept override;
  [[nodiscard]] Task<Result<void>> outbox(store::OutboxEntry entry) override;
  [[nodiscard]] Task<Result<bool>> inbox(std::string source, std::string id) override;
  void after_commit(Function<void()> fn) override { hooks_.push_back(std::move(fn)); }

  /// It can take statements.
  [[nodiscard]] bool usable() const noexcept;
  /// Why it cannot.
  [[nodiscard]] Error refusal() const;
  /// Called when it was open for longer than it may; it may drop the transaction.
  void on_expired(Function<void()> fn) { on_expired_ = std::move(fn); }

  template <class T>
  struct detail_result;
  template <class R>
  struct detail_result<Task<R>> {
    using type = R;
  };
  [[nodiscard]] static Error scope_failed(std::string what);

 private:
  friend class Client;
  enum class State : std::uint8_t { open, aborted, expired, ended };
  class Turn;
  struct Waiting;

  [[nodiscard]] Task<Result<void>> enter();
  void leave(bool failed) noexcept;
  template <class T>
  [[nodiscard]] Task<Result<T>> step(Task<Result<T>> task, std::optional<Duration> timeout);
  [[nodiscard]] Task<Result<void>> ensure(std::string_view table);
  [[nodiscard]] Task<Result<void>> run_step(net::Loop& loop, Function<Result<void>(store::sqlite::Connection&)> step) override;
  [[nodiscard]] Task<Result<void>> run_step(net::Loop& loop, store::postgres::TransactionPart::Step step) override;
  [[nodiscard]] Task<Result<void>> run_step(net::Loop& loop, store::mysql::TransactionPart::Step step) override;
  template <class Part, class StepFn>
  [[nodiscard]] Task<Result<void>> run_part(Part* (Session::*part)() noexcept, StepFn step_fn);
  void expire();
  void end() noexcept;

  std::shared_ptr<detail::Core> core_;
  net::Loop& loop_;
  std::unique_ptr<Session> session_;
  Limiter::Permit permit_;
  State state_ = State::open;
  bool busy_ = false;
  std::deque<Waiting*> waiting_;  // for their turn, which is given to the first
  Stream* stream_ = nullptr;      // that has the turn
  Function<void()> on_expired_;
  CancelSource life_;
  net::Timer timer_;
  std::vector<Function<void()>> hooks_;
  std::vector<std::size_t> scopes_;                                                  // hooks there were when each was opened
  const std::shared_ptr<Transaction*> self_ = std::make_shared<Transaction*>(this);  // null once it is gone; for its streams
};

/// A database. Shared, thread-safe; every call is awaited on the caller's loop.
class Client : public std::enable_shared_from_this<Client> {
 public:
  [[nodiscard]] static std::shared_ptr<Client> make(std::shared_ptr<Backend> backend, ClientOptions options = {},
                                                    telemetry::Tracer tracer = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// All rows as nodes; too_large beyond `max_rows`.
  [[nodiscard]] Task<Result<Rows>> query(net::Caller caller, std::string sql, Document params = {}, CallOptions options = {});
  /// The first row (an array of one), or nothing; the others are not read.
  [[nodiscard]] Task<Result<std::optional<Rows>>> first(net::Caller caller, std::string sql, Document params = {},
                                                        CallOptions options = {});
  /// Rows that matched.
  [[nodiscard]] Task<Result<std::uint64_t>> execute(net::Caller caller, std::string sql, Document params = {},
                                                    CallOptions options = {});
  /// `sets`: an array with the parameters of each run. All in one transaction.
  [[nodiscard]] Task<Result<std::uint64_t>> batch(net::Caller caller, std::string sql, Document sets, CallOptions options = {});
  [[nodiscard]] Task<Result<std::unique_ptr<Stream>>> stream(net::Caller caller, std::string sql, Document params = {},
                                                             CallOptions options = {});
  /// The rows into a writer of the caller's (null: passed over). Where `limits` are not partial, more of them is too_large.
  [[nodiscard]] Task<Result<Outcome>> query_into(net::Caller caller, std::string sql, Document params,
                                                 std::shared_ptr<RowWriter> rows, RowLimits limits, CallOptions options = {});
  [[nodiscard]] Task<Result<std::shared_ptr<Transaction>>> begin(net::Caller caller, TransactionOptions options = {});

  /// Runs `fn(Transaction&)`, a Task<Result<T>>, in a transaction: committed when it succeeds, rolled back when it does not; its
  /// error is returned. What it throws is internal/scope_failed.
  template <class F>
  [[nodiscard]] auto transaction(net::Caller caller, F fn, TransactionOptions options = {})
      -> std::invoke_result_t<F&, Transaction&> {
    using R = typename Transaction::detail_result<std::invoke_result_t<F&, Transaction&>>::type;
    Result<std::shared_ptr<Transaction>> begun = co_await begin(caller, options);
    if (!begun.ok()) co_return R(std::move(begun).error());
    const std::shared_ptr<Transaction> tx = std::move(*begun);
    std::optional<R> result;
    try {
      result.emplace(co_await fn(*tx));
    } catch (const std::exception& thrown) {
      result.emplace(Transaction::scope_failed(thrown.what()));
    }
    Result<void> ended;
    if (result->ok()) {
      ended = co_await tx->commit(caller);
    } else {
      ended = co_await tx->rollback(caller);
    }
    if (result->ok() && !ended.ok()) co_return R(std::move(ended).error());
    co_return std::move(*result);
  }

  /// The same database with limits of its own and no telemetry, for upkeep that is nobody's request.
  [[nodiscard]] std::shared_ptr<Client> untraced() const;
  /// Calls `fn` on `loop` after each commit of this process that added to the outbox (merged), until the listener is destroyed,
  /// on that loop.
  [[nodiscard]] std::shared_ptr<detail::OutboxListener> listen_to_outbox(net::Loop& loop, Function<void()> fn);

  /// Refuses what comes (unavailable/closed); what runs ends first. Idempotent, any thread.
  void close();
  [[nodiscard]] Backend& backend() noexcept;
  [[nodiscard]] const ClientOptions& options() const noexcept;
  [[nodiscard]] std::uint32_t in_use() const;
  [[nodiscard]] std::uint32_t waiting() const;

 private:
  explicit Client(std::shared_ptr<detail::Core> core) noexcept : core_(std::move(core)) {}

  std::shared_ptr<detail::Core> core_;
};

/// Parameters from C++ values: `params(1, "text", nullptr, 2.5, true, decimal("1.10"))`.
struct Decimal {
  std::string text;
};
[[nodiscard]] inline Decimal decimal(std::string text) { return {std::move(text)}; }
struct Bytes {
  std::string_view bytes;
};
namespace detail {
inline void add_param(NodeBuilder& out, std::nullptr_t) { out.null(); }
inline void add_param(NodeBuilder& out, std::string_view v) { out.string(v); }
inline void add_param(NodeBuilder& out, Bytes v) { out.bytes(v.bytes); }
inline void add_param(NodeBuilder& out, Value v) { out.copy(v); }
void add_param(NodeBuilder& out, const Decimal& v);
void add_param(NodeBuilder& out, WallTime v);
template <class T>
  requires std::is_arithmetic_v<T>
void add_param(NodeBuilder& out, T v) {
  if constexpr (std::is_same_v<T, bool>) {
    out.boolean(v);
  } else if constexpr (std::is_floating_point_v<T>) {
    out.number(static_cast<double>(v));
  } else if constexpr (std::is_unsigned_v<T>) {
    out.uinteger(v);
  } else {
    out.integer(v);
  }
}
template <class T>
void add_param(NodeBuilder& out, const std::optional<T>& v) {
  if (v.has_value()) {
    add_param(out, *v);
  } else {
    out.null();
  }
}
}  // namespace detail
template <class... A>
[[nodiscard]] Document params(const A&... values) {
  NodeBuilder out;
  out.begin_array();
  (detail::add_param(out, values), ...);
  out.end();
  return Document(std::move(out));
}

}  // namespace spikard::db
