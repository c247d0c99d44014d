#include "tasks/mysql/mysql.hpp"

#include <atomic>
#include <utility>

#include "store/mysql/error.hpp"
#include "store/mysql/transaction_part.hpp"
#include "tasks/mysql/schema.hpp"
#include "tasks/mysql/statements.hpp"
#include "tasks/sql_backend.hpp"

namespace spikard::tasks {
namespace {

using mysql::Statements;
using store::mysql::Connection;
using store::mysql::Database;
using store::mysql::Pool;

constexpr std::uint32_t connections = 8;  // of one process
constexpr Duration acquire_limit = std::chrono::seconds(30);
constexpr int tries = 8;
constexpr std::string_view isolation = "ISOLATION LEVEL READ COMMITTED";

/// Two transactions were in each other's way, and the server ended ours (1213) or a statement of it (1205), or parsed for tables
/// that have changed (1615): once rolled back, nothing of it is there.
bool may_repeat(const Error& error) {
  const unsigned number = store::mysql::number_of(error);
  return number == 1213 || number == 1205 || number == 1020 || number == 1615 || number == 1243;
}

class MysqlBackend final : public sql::SqlBackend<MysqlBackend, Statements> {
 public:
  MysqlBackend(std::shared_ptr<Database> database, const StoreOptions& options)
      : database_(std::move(database)),
        pool_(database_->pool(connections)),
        options_(std::make_shared<const StoreOptions>(options)) {}
  ~MysqlBackend() override { pool_->close(); }
  MysqlBackend(const MysqlBackend&) = delete;
  MysqlBackend& operator=(const MysqlBackend&) = delete;

  void close() override {
    closed_.store(true);
    pool_->close();
  }

  Async<EnqueueResult> enqueue(net::Loop& loop, EnqueueRequest request) override {
    auto shared = std::make_shared<const EnqueueRequest>(std::move(request));
    const bool one = shared->jobs.size() == 1 && Statements::is_plain(*shared);
    auto fn = [shared](Statements& in) { return in.enqueue(*shared); };
    return write<EnqueueResult>(loop, std::move(fn), one ? sql::How::alone_once : sql::How::once);
  }

  [[nodiscard]] bool shares(const store::Transaction& transaction) const noexcept override {
    return transaction.database() == database_->id();
  }

  Async<ClaimResult> claim(net::Loop& loop, ClaimRequest request) override {
    Result<void> purged = co_await purge_now_and_then(loop);
    if (!purged.ok()) co_return Result<ClaimResult>(std::move(purged).error());
    auto shared = std::make_shared<const ClaimRequest>(std::move(request));
    // Who waits for other processes looks often: that costs one statement, and no lock.
    auto look = [shared](Statements& in) { return in.look(*shared); };
    Async<std::optional<ClaimResult>> looking = read<std::optional<ClaimResult>>(loop, std::move(look));
    Result<std::optional<ClaimResult>> seen = co_await std::move(looking);
    if (!seen.ok()) co_return Result<ClaimResult>(std::move(seen).error());
    if (seen->has_value()) co_return Result<ClaimResult>(std::move(**seen));
    auto fn = [shared](Statements& in) { return in.claim(*shared); };
    Async<ClaimResult> call = write<ClaimResult>(loop, std::move(fn));
    Result<ClaimResult> result = co_await std::move(call);
    co_return result;
  }

  std::shared_ptr<void> subscribe(net::Loop& loop, Topic topic, std::string queue, Duration poll, Function<void()> fn) override {
    return database_->subscribe(loop, sql::topic_of(topic, queue), poll, std::move(fn));
  }

  /// One transaction; again where the server ended it for the sake of another. `alone`: it is one statement, which commits.
  template <class T, class F>
  Async<T> write(net::Loop& loop, F fn, sql::How how = sql::How::usual) {
    const bool alone = how == sql::How::alone || how == sql::How::alone_once;
    const bool once = how == sql::How::once || how == sql::How::alone_once;
    for (int again = 0;; ++again) {
      Result<Pool::Lease> lease = co_await connection(loop);
      if (!lease.ok()) co_return Result<T>(std::move(lease).error());
      Connection& on = **lease;
      if (!alone) on.begin(isolation);
      Statements statements(on, *options_, now_ms(loop.clock()));
      Task<Result<T>> work = fn(statements);
      Result<T> result = co_await std::move(work);
      if (result.ok()) {
        Result<void> committed;
        // A statement that fails is not to be followed by a COMMIT.
        if (on.unsent() > 0) committed = co_await on.sync();
        if (committed.ok() && !alone) committed = co_await on.commit();
        if (!committed.ok()) result = std::move(committed).error();
      }
      if (result.ok()) {
        for (const std::string& topic : statements.news.topics()) database_->notify(topic);
        co_return result;
      }
      const bool stale = on.broken() && !on.fresh() && !on.lost();  // it had lain in the pool while the server went
      if (again < tries && (may_repeat(result.error()) || stale)) continue;
      if (once && on.lost())
        result = Error(ErrorKind::outcome_unknown, "the connection was lost before the answer: " + result.error().message());
      co_return result;
    }
  }

  template <class T, class F>
  Async<T> write_in(net::Loop& loop, store::Transaction& transaction, F fn) {
    if (closed_.load()) co_return Result<T>(is_closed());
    store::mysql::TransactionPart* part = shares(transaction) ? transaction.mysql() : nullptr;
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
      if (again < tries && (may_repeat(result.error()) || stale)) continue;
      co_return result;
    }
  }

 private:
  /// With its tables there.
  Async<Pool::Lease> connection(net::Loop& loop) {
    if (closed_.load()) co_return Result<Pool::Lease>(is_closed());
    Result<Pool::Lease> lease = co_await pool_->acquire(loop, acquire_limit);
    if (!lease.ok() || migrated_.load(std::memory_order_acquire)) co_return lease;
    Result<void> made = co_await Database::migrate(**lease, "tasks", mysql::schema());
    if (!made.ok()) co_return Result<Pool::Lease>(std::move(made).error());
    migrated_.store(true, std::memory_order_release);
    co_return lease;
  }

  template <class T, class F>
  static Async<T> work_in(Connection& on, F fn, std::shared_ptr<const StoreOptions> options, Millis now,
                          std::shared_ptr<std::vector<std::string>> topics) {
    Statements statements(on, *options, now);
    Task<Result<T>> work = fn(statements);
    Result<T> result = co_await std::move(work);
    if (!result.ok()) co_return result;
    *topics = statements.news.topics();
    Result<void> done;
    if (on.unsent() > 0) done = co_await on.sync();
    if (!done.ok()) co_return Result<T>(std::move(done).error());
    co_return result;
  }

  const std::shared_ptr<Database> database_;
  const std::shared_ptr<Pool> pool_;
  const std::shared_ptr<const StoreOptions> options_;
  std::atomic<bool> closed_{false};
  std::atomic<bool> migrated_{false};
};

}  // namespace

Result<std::shared_ptr<Backend>> open_mysql_backend(const StoreOptions& options, store::mysql::Databases& databases) {
  Result<std::shared_ptr<Database>> database = databases.open(options.url);
  if (!database.ok()) return std::move(database).error();
  return std::shared_ptr<Backend>(std::make_shared<MysqlBackend>(std::move(*database), options));
}

}  // namespace spikard::tasks
