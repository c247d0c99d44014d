#include "tasks/postgres/postgres.hpp"

#include <atomic>
#include <utility>

#include "store/postgres/transaction_part.hpp"
#include "tasks/postgres/schema.hpp"
#include "tasks/postgres/statements.hpp"
#include "tasks/sql_backend.hpp"

namespace spikard::tasks {
namespace {

using postgres::Statements;
using store::postgres::Connection;
using store::postgres::Database;
using store::postgres::Pool;

constexpr std::uint32_t connections = 8;  // of one process
constexpr Duration acquire_limit = std::chrono::seconds(30);
constexpr int tries = 5;

/// Two transactions were in each other's way, and the server ended ours: nothing of it is there.
bool may_repeat(const Error& error) {
  for (const auto& [name, value] : error.context()) {
    if (name == "sqlstate" && (value == "40P01" || value == "40001")) return true;
  }
  return false;
}

/// A pooler that gives each transaction another server is found out by what happens to the names of statements.
bool note_names(Connection& on, const Error& error) {
  for (const auto& [name, value] : error.context()) {
    if (name == "sqlstate" && (value == "26000" || value == "42P05")) {
      on.context().unnamed.store(true, std::memory_order_relaxed);
      on.forget_all();
      return true;
    }
  }
  return false;
}

class PostgresBackend final : public sql::SqlBackend<PostgresBackend, Statements> {
 public:
  PostgresBackend(std::shared_ptr<Database> database, const StoreOptions& options)
      : database_(std::move(database)),
        pool_(database_->pool(connections)),
        options_(std::make_shared<const StoreOptions>(options)) {}
  ~PostgresBackend() override { pool_->close(); }
  PostgresBackend(const PostgresBackend&) = delete;
  PostgresBackend& operator=(const PostgresBackend&) = delete;

  void close() override {
    closed_.store(true);
    pool_->close();
  }

  Async<EnqueueResult> enqueue(net::Loop& loop, EnqueueRequest request) override {
    auto shared = std::make_shared<const EnqueueRequest>(std::move(request));
    if (Statements::is_plain(*shared)) {
      auto plain = [shared](Statements& in) { return in.enqueue_plain(*shared); };
      return write<EnqueueResult>(loop, std::move(plain), sql::How::alone_once);
    }
    auto fn = [shared](Statements& in) { return in.enqueue(*shared); };
    return write<EnqueueResult>(loop, std::move(fn), sql::How::once);
  }
  [[nodiscard]] bool shares(const store::Transaction& transaction) const noexcept override {
    return transaction.database() == database_->id();
  }
  Async<ClaimResult> claim(net::Loop& loop, ClaimRequest request) override {
    Result<void> purged = co_await purge_now_and_then(loop);
    if (!purged.ok()) co_return Result<ClaimResult>(std::move(purged).error());
    auto shared = std::make_shared<const ClaimRequest>(std::move(request));
    auto plain = [shared](Statements& in) { return in.claim_plain(*shared); };
    Async<ClaimResult> call = write<ClaimResult>(loop, std::move(plain), sql::How::alone);
    Result<ClaimResult> result = co_await std::move(call);
    if (!result.ok() || !result->jobs.empty()) co_return result;
    auto fn = [shared](Statements& in) { return in.claim(*shared); };
    call = write<ClaimResult>(loop, std::move(fn));
    result = co_await std::move(call);
    co_return result;
  }
  std::shared_ptr<void> subscribe(net::Loop& loop, Topic topic, std::string queue, Duration poll, Function<void()> fn) override {
    return database_->subscribe(loop, sql::topic_of(topic, queue), poll, std::move(fn));
  }

 private:
  /// With its tables there.
  Async<Pool::Lease> connection(net::Loop& loop) {
    if (closed_.load()) co_return Result<Pool::Lease>(is_closed());
    Result<Pool::Lease> lease = co_await pool_->acquire(loop, acquire_limit);
    if (!lease.ok() || migrated_.load(std::memory_order_acquire)) co_return lease;
    Result<void> made = co_await Database::migrate(**lease, "tasks", postgres::schema());
    if (!made.ok()) co_return Result<Pool::Lease>(std::move(made).error());
    migrated_.store(true, std::memory_order_release);
    co_return lease;
  }

  static Async<void> tell(Connection& on, const std::vector<std::string>& topics) {
    if (topics.empty()) co_return Result<void>();
    Connection::Query query = postgres::notify_query(topics);
    Result<void> bound = co_await on.later(std::move(query.sql), std::move(query.arguments));
    co_return bound;
  }

 public:
  /// One transaction; again where the server ended it for the sake of another. `alone`: it is one round trip, which commits and
  /// tells.
  template <class T, class F>
  Async<T> write(net::Loop& loop, F fn, sql::How how = sql::How::usual) {
    const bool alone = how == sql::How::alone || how == sql::How::alone_once;
    const bool once = how == sql::How::once || how == sql::How::alone_once;
    for (int again = 0;; ++again) {
      Result<Pool::Lease> lease = co_await connection(loop);
      if (!lease.ok()) co_return Result<T>(std::move(lease).error());
      Connection& on = **lease;
      if (!alone) on.begin_unit();
      Statements statements(on, *options_, now_ms(loop.clock()));
      Task<Result<T>> work = fn(statements);
      Result<T> result = co_await std::move(work);
      std::vector<std::string> topics;
      if (result.ok()) topics = statements.news.topics();
      if (result.ok() && !alone) {
        Result<void> committed = co_await tell(on, topics);
        if (committed.ok()) committed = co_await on.sync();
        if (!committed.ok()) result = std::move(committed).error();
      }
      if (!result.ok() && once && on.lost())
        result = Error(ErrorKind::outcome_unknown, "the connection was lost before the answer: " + result.error().message());
      if (result.ok()) {
        for (const std::string& topic : topics) database_->notify(topic);
        co_return result;
      }
      const bool stale = on.broken() && !on.fresh() && !on.lost();  // it had lain in the pool while the server went
      if (again < tries && (may_repeat(result.error()) || note_names(on, result.error()) || stale)) continue;
      co_return result;
    }
  }
  template <class T, class F>
  Async<T> write_in(net::Loop& loop, store::Transaction& transaction, F fn) {
    if (closed_.load()) co_return Result<T>(is_closed());
    store::postgres::TransactionPart* part = shares(transaction) ? transaction.postgres() : nullptr;
    if (part == nullptr)
      co_return Result<T>(Error(ErrorKind::unsupported, "this task store is not in the database of the transaction"));
    if (!migrated_.load(std::memory_order_acquire)) {
      Result<Pool::Lease> lease = co_await connection(loop);
      if (!lease.ok()) co_return Result<T>(std::move(lease).error());
    }
    auto topics = std::make_shared<std::vector<std::string>>();
    auto work = [fn = std::move(fn), options = options_, now = now_ms(loop.clock()), topics](Connection& on) mutable {
      return work_in<T>(on, fn, options, now, topics);
    };
    Async<T> call = part->run(loop, std::move(work));
    Result<T> result = co_await std::move(call);
    if (result.ok() && !topics->empty()) {
      transaction.after_commit([weak = std::weak_ptr<Database>(database_), topics] {
        if (const std::shared_ptr<Database> database = weak.lock())
          for (const std::string& topic : *topics) database->notify(topic);
      });
    }
    co_return result;
  }

 private:
  template <class T, class F>
  static Async<T> work_in(Connection& on, F fn, std::shared_ptr<const StoreOptions> options, Millis now,
                          std::shared_ptr<std::vector<std::string>> topics) {
    Statements statements(on, *options, now);
    Task<Result<T>> work = fn(statements);
    Result<T> result = co_await std::move(work);
    if (!result.ok()) co_return result;
    *topics = statements.news.topics();
    Result<void> told = co_await tell(on, *topics);
    if (told.ok() && on.unsent() > 0) told = co_await on.sync();
    if (!told.ok()) co_return Result<T>(std::move(told).error());
    co_return result;
  }

 public:
  template <class T, class F>
  Async<T> read(net::Loop& loop, F fn) {
    for (int again = 0;; ++again) {
      Result<Pool::Lease> lease = co_await connection(loop);
      if (!lease.ok()) co_return Result<T>(std::move(lease).error());
      Connection& on = **lease;
      Statements statements(on, *options_, now_ms(loop.clock()));
      Task<Result<T>> work = fn(statements);
      Result<T> result = co_await std::move(work);
      if (result.ok()) co_return result;
      const bool stale = on.broken() && !on.fresh();
      if (again < tries && (note_names(on, result.error()) || stale)) continue;
      co_return result;
    }
  }

 private:
  const std::shared_ptr<Database> database_;
  const std::shared_ptr<Pool> pool_;
  const std::shared_ptr<const StoreOptions> options_;
  std::atomic<bool> closed_{false};
  std::atomic<bool> migrated_{false};
};

}  // namespace

Result<std::shared_ptr<Backend>> open_postgres_backend(const StoreOptions& options, store::postgres::Databases& databases) {
  Result<std::shared_ptr<Database>> database = databases.open(options.url);
  if (!database.ok()) return std::move(database).error();
  return std::shared_ptr<Backend>(std::make_shared<PostgresBackend>(std::move(*database), options));
}

}  // namespace spikard::tasks
