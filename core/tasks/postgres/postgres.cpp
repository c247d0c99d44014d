#include "tasks/postgres/postgres.hpp"

#include <atomic>
#include <utility>

#include "store/postgres/transaction_part.hpp"
#include "tasks/postgres/schema.hpp"
#include "tasks/postgres/statements.hpp"

namespace spikard::tasks {
namespace {

using postgres::Statements;
using store::postgres::Connection;
using store::postgres::Database;
using store::postgres::Pool;

constexpr Millis purge_every_ms = 60'000;
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

class PostgresBackend final : public Backend {
 public:
  PostgresBackend(std::shared_ptr<Database> database, const StoreOptions& options)
      : database_(std::move(database)),
        pool_(database_->pool(connections)),
        options_(std::make_shared<const StoreOptions>(options)) {}
  ~PostgresBackend() override { pool_->close(); }
  PostgresBackend(const PostgresBackend&) = delete;
  PostgresBackend& operator=(const PostgresBackend&) = delete;

  [[nodiscard]] Capabilities capabilities() const noexcept override {
    Capabilities out;
    out.durable = true;
    out.shared = true;
    out.transactions = true;
    return out;
  }
  void close() override {
    closed_.store(true);
    pool_->close();
  }

  Async<EnqueueResult> enqueue(net::Loop& loop, EnqueueRequest request) override {
    auto shared = std::make_shared<const EnqueueRequest>(std::move(request));
    if (Statements::is_plain(*shared)) {
      auto plain = [shared](Statements& in) { return in.enqueue_plain(*shared); };
      return write<EnqueueResult>(loop, std::move(plain), How::alone_once);
    }
    auto fn = [shared](Statements& in) { return in.enqueue(*shared); };
    return write<EnqueueResult>(loop, std::move(fn), How::once);
  }
  [[nodiscard]] bool shares(const store::Transaction& transaction) const noexcept override {
    return transaction.database() == database_->id();
  }
  Async<EnqueueResult> enqueue_in(net::Loop& loop, store::Transaction& transaction, EnqueueRequest request) override {
    auto fn = [request = std::make_shared<const EnqueueRequest>(std::move(request))](Statements& in) {
      return in.enqueue(*request);
    };
    return write_in<EnqueueResult>(loop, transaction, std::move(fn));
  }
  Async<void> complete_in(net::Loop& loop, store::Transaction& transaction, Run run, std::string result) override {
    auto fn = [run, result = std::make_shared<const std::string>(std::move(result))](Statements& in) {
      return in.complete_in(run, *result);
    };
    return write_in<void>(loop, transaction, std::move(fn));
  }

  Async<ClaimResult> claim(net::Loop& loop, ClaimRequest request) override {
    const Millis now = now_ms(loop.clock());
    Millis purged = purged_.load(std::memory_order_relaxed);
    if (now >= purged + purge_every_ms && purged_.compare_exchange_strong(purged, now)) {
      auto purge = [](Statements& in) { return in.purge(); };
      Async<void> call = write<void>(loop, std::move(purge));
      Result<void> done = co_await std::move(call);
      if (!done.ok()) co_return Result<ClaimResult>(std::move(done).error());
    }
    auto shared = std::make_shared<const ClaimRequest>(std::move(request));
    auto plain = [shared](Statements& in) { return in.claim_plain(*shared); };
    Async<ClaimResult> call = write<ClaimResult>(loop, std::move(plain), How::alone);
    Result<ClaimResult> result = co_await std::move(call);
    if (!result.ok() || !result->jobs.empty()) co_return result;
    auto fn = [shared](Statements& in) { return in.claim(*shared); };
    call = write<ClaimResult>(loop, std::move(fn));
    result = co_await std::move(call);
    co_return result;
  }
  Async<std::vector<JobId>> settle(net::Loop& loop, std::vector<Completion> completions) override {
    auto fn = [all = std::make_shared<const std::vector<Completion>>(std::move(completions))](Statements& in) {
      return in.settle(*all);
    };
    return write<std::vector<JobId>>(loop, std::move(fn));
  }
  Async<std::vector<JobId>> extend(net::Loop& loop, std::vector<Run> runs, Millis lease_ms) override {
    auto fn = [all = std::make_shared<const std::vector<Run>>(std::move(runs)), lease_ms](Statements& in) {
      return in.extend(*all, lease_ms);
    };
    return write<std::vector<JobId>>(loop, std::move(fn));
  }
  Async<std::vector<JobId>> lost(net::Loop& loop, std::vector<Run> runs) override {
    auto fn = [all = std::make_shared<const std::vector<Run>>(std::move(runs))](Statements& in) { return in.lost(*all); };
    return read<std::vector<JobId>>(loop, std::move(fn));
  }
  Async<void> progress(net::Loop& loop, Run run, std::string json) override {
    auto fn = [run, json = std::make_shared<const std::string>(std::move(json))](Statements& in) {
      return in.progress(run, *json);
    };
    return write<void>(loop, std::move(fn));
  }

  Async<std::optional<Job>> job(net::Loop& loop, JobId id) override {
    auto stale = std::make_shared<bool>(false);
    auto look = [id, stale](Statements& in) { return in.job(id, *stale); };
    Async<std::optional<Job>> call = read<std::optional<Job>>(loop, look);
    Result<std::optional<Job>> found = co_await std::move(call);
    if (!found.ok() || !found->has_value() || !*stale) co_return found;
    auto sweep = [queue = std::make_shared<const std::string>((*found)->queue)](Statements& in) { return in.sweep(*queue); };
    Async<void> swept_call = write<void>(loop, std::move(sweep));
    Result<void> swept = co_await std::move(swept_call);
    if (!swept.ok()) co_return Result<std::optional<Job>>(std::move(swept).error());
    call = read<std::optional<Job>>(loop, look);
    Result<std::optional<Job>> again = co_await std::move(call);
    co_return again;
  }
  Async<std::vector<Job>> list(net::Loop& loop, JobFilter filter) override {
    auto sweep = [](Statements& in) { return in.sweep_all(); };
    Async<void> swept_call = write<void>(loop, std::move(sweep));
    Result<void> swept = co_await std::move(swept_call);
    if (!swept.ok()) co_return Result<std::vector<Job>>(std::move(swept).error());
    auto look = [filter = std::make_shared<const JobFilter>(std::move(filter))](Statements& in) { return in.list(*filter); };
    Async<std::vector<Job>> call = read<std::vector<Job>>(loop, std::move(look));
    Result<std::vector<Job>> found = co_await std::move(call);
    co_return found;
  }
  Async<bool> cancel(net::Loop& loop, JobId id, std::string reason) override {
    auto fn = [id, reason = std::make_shared<const std::string>(std::move(reason))](Statements& in) {
      return in.cancel(id, *reason);
    };
    return write<bool>(loop, std::move(fn));
  }
  Async<bool> retry(net::Loop& loop, JobId id) override {
    auto fn = [id](Statements& in) { return in.retry(id); };
    return write<bool>(loop, std::move(fn));
  }
  Async<std::optional<Batch>> batch(net::Loop& loop, JobId id) override {
    auto fn = [id](Statements& in) { return in.batch(id); };
    return read<std::optional<Batch>>(loop, std::move(fn));
  }

  Async<std::vector<QueueStats>> queues(net::Loop& loop) override {
    auto sweep = [](Statements& in) { return in.sweep_all(); };
    Async<void> swept_call = write<void>(loop, std::move(sweep));
    Result<void> swept = co_await std::move(swept_call);
    if (!swept.ok()) co_return Result<std::vector<QueueStats>>(std::move(swept).error());
    auto look = [](Statements& in) { return in.queues(); };
    Async<std::vector<QueueStats>> call = read<std::vector<QueueStats>>(loop, std::move(look));
    Result<std::vector<QueueStats>> found = co_await std::move(call);
    co_return found;
  }
  Async<std::uint64_t> pending_count(net::Loop& loop, std::string queue) override {
    auto fn = [queue = std::make_shared<const std::string>(std::move(queue))](Statements& in) {
      return in.pending_count(*queue);
    };
    return read<std::uint64_t>(loop, std::move(fn));
  }
  Async<void> pause(net::Loop& loop, std::string queue, bool paused) override {
    auto fn = [queue = std::make_shared<const std::string>(std::move(queue)), paused](Statements& in) {
      return in.pause(*queue, paused);
    };
    return write<void>(loop, std::move(fn));
  }
  Async<void> set_rate_limit(net::Loop& loop, std::string queue, RateLimit limit) override {
    auto fn = [queue = std::make_shared<const std::string>(std::move(queue)), limit](Statements& in) {
      return in.set_rate_limit(*queue, limit);
    };
    return write<void>(loop, std::move(fn));
  }

  Async<Schedule> put_schedule(net::Loop& loop, Schedule schedule) override {
    auto fn = [schedule = std::make_shared<const Schedule>(std::move(schedule))](Statements& in) {
      return in.put_schedule(*schedule);
    };
    return write<Schedule>(loop, std::move(fn));
  }
  Async<bool> remove_schedule(net::Loop& loop, std::string name) override {
    auto fn = [name = std::make_shared<const std::string>(std::move(name))](Statements& in) { return in.remove_schedule(*name); };
    return write<bool>(loop, std::move(fn));
  }
  Async<std::vector<Schedule>> schedules(net::Loop& loop) override {
    auto fn = [](Statements& in) { return in.schedules(); };
    return read<std::vector<Schedule>>(loop, std::move(fn));
  }
  Async<FireResult> fire(net::Loop& loop, FireRequest request) override {
    auto fn = [request = std::make_shared<const FireRequest>(std::move(request))](Statements& in) { return in.fire(*request); };
    return write<FireResult>(loop, std::move(fn));
  }

  std::shared_ptr<void> subscribe(net::Loop& loop, Topic topic, std::string queue, Duration poll, Function<void()> fn) override {
    return database_->subscribe(loop, postgres::topic_of(topic, queue), poll, std::move(fn));
  }

 private:
  [[nodiscard]] static Error is_closed() {
    return Error(ErrorKind::unavailable, "the task store was closed").with_detail("closed");
  }

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

  enum class How : std::uint8_t {
    usual,
    once,        ///< not knowing what became of it is an error of its own, for it must not be done twice
    alone,       ///< it is one round trip, which commits and tells
    alone_once,  ///< both
  };

  /// One transaction; again where the server ended it for the sake of another.
  template <class T, class F>
  Async<T> write(net::Loop& loop, F fn, How how = How::usual) {
    const bool alone = how == How::alone || how == How::alone_once;
    const bool once = how == How::once || how == How::alone_once;
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

  const std::shared_ptr<Database> database_;
  const std::shared_ptr<Pool> pool_;
  const std::shared_ptr<const StoreOptions> options_;
  std::atomic<bool> closed_{false};
  std::atomic<bool> migrated_{false};
  std::atomic<Millis> purged_{0};
};

}  // namespace

Result<std::shared_ptr<Backend>> open_postgres_backend(const StoreOptions& options, store::postgres::Databases& databases) {
  Result<std::shared_ptr<Database>> database = databases.open(options.url);
  if (!database.ok()) return std::move(database).error();
  return std::shared_ptr<Backend>(std::make_shared<PostgresBackend>(std::move(*database), options));
}

}  // namespace spikard::tasks
