#include "tasks/sqlite/sqlite.hpp"

#include <atomic>
#include <utility>

#include "store/sqlite/databases.hpp"
#include "store/sqlite/transaction_part.hpp"
#include "tasks/sqlite/schema.hpp"
#include "tasks/sqlite/statements.hpp"

namespace spikard::tasks {
namespace {

using sqlite::News;
using sqlite::Statements;
using store::sqlite::Connection;
using store::sqlite::Database;

constexpr Millis purge_every_ms = 60'000;

std::string topic_name(Backend::Topic topic, const std::string& queue) {
  switch (topic) {
    case Backend::Topic::queue: return "tasks/queue/" + queue;
    case Backend::Topic::revoked: return "tasks/revoked";
    case Backend::Topic::ended: return "tasks/ended";
    case Backend::Topic::schedules: return "tasks/schedules";
  }
  return {};
}

void tell(Connection& connection, const std::weak_ptr<Database>& database, News&& news) {
  if (news.queues.empty() && !news.revoked && !news.ended && !news.schedules) return;
  connection.after_commit([database, news = std::move(news)] {
    const auto db = database.lock();
    if (db == nullptr) return;
    for (const std::string& queue : news.queues) db->notify(topic_name(Backend::Topic::queue, queue));
    if (news.revoked) db->notify(topic_name(Backend::Topic::revoked, {}));
    if (news.ended) db->notify(topic_name(Backend::Topic::ended, {}));
    if (news.schedules) db->notify(topic_name(Backend::Topic::schedules, {}));
  });
}

class SqliteBackend final : public Backend {
 public:
  SqliteBackend(std::shared_ptr<Database> database, const StoreOptions& options)
      : database_(std::move(database)), options_(std::make_shared<const StoreOptions>(options)) {}

  [[nodiscard]] Capabilities capabilities() const noexcept override {
    Capabilities out;
    out.durable = true;
    out.shared = true;
    out.transactions = true;
    return out;
  }
  void close() override { closed_.store(true); }

  Async<EnqueueResult> enqueue(net::Loop& loop, EnqueueRequest request) override {
    return write<EnqueueResult>(loop, [request = std::move(request)](Statements& in) { return in.enqueue(request); });
  }
  [[nodiscard]] bool shares(const store::Transaction& transaction) const noexcept override {
    return transaction.database() == database_->id();
  }
  Async<EnqueueResult> enqueue_in(net::Loop& loop, store::Transaction& transaction, EnqueueRequest request) override {
    return write_in<EnqueueResult>(loop, transaction,
                                   [request = std::move(request)](Statements& in) { return in.enqueue(request); });
  }
  Async<void> complete_in(net::Loop& loop, store::Transaction& transaction, Run run, std::string result) override {
    return write_in<void>(loop, transaction,
                          [run, result = std::move(result)](Statements& in) { return in.complete_in(run, result); });
  }

  Async<ClaimResult> claim(net::Loop& loop, ClaimRequest request) override {
    const Millis now = now_ms(loop.clock());
    Millis purged = purged_.load(std::memory_order_relaxed);
    const bool purges = now >= purged + purge_every_ms && purged_.compare_exchange_strong(purged, now);
    return write<ClaimResult>(loop, [request = std::move(request), purges](Statements& in) -> Result<ClaimResult> {
      if (purges) SPIKARD_TRY(in.purge());
      return in.claim(request);
    });
  }
  Async<std::vector<JobId>> settle(net::Loop& loop, std::vector<Completion> completions) override {
    return write<std::vector<JobId>>(loop, [completions = std::move(completions)](Statements& in) -> Result<std::vector<JobId>> {
      std::vector<JobId> lost;
      for (const Completion& one : completions) {
        Result<bool> held = in.settle(one);
        if (!held.ok()) return std::move(held).error();
        if (!*held) lost.push_back(one.run.id);
      }
      return lost;
    });
  }
  Async<std::vector<JobId>> extend(net::Loop& loop, std::vector<Run> runs, Millis lease_ms) override {
    return write<std::vector<JobId>>(loop, [runs = std::move(runs), lease_ms](Statements& in) -> Result<std::vector<JobId>> {
      std::vector<JobId> lost;
      for (const Run& run : runs) {
        Result<bool> held = in.extend(run, lease_ms);
        if (!held.ok()) return std::move(held).error();
        if (!*held) lost.push_back(run.id);
      }
      return lost;
    });
  }
  Async<std::vector<JobId>> lost(net::Loop& loop, std::vector<Run> runs) override {
    return read<std::vector<JobId>>(loop, [runs = std::move(runs)](Statements& in) -> Result<std::vector<JobId>> {
      std::vector<JobId> lost;
      for (const Run& run : runs) {
        Result<bool> held = in.is_held(run);
        if (!held.ok()) return std::move(held).error();
        if (!*held) lost.push_back(run.id);
      }
      return lost;
    });
  }
  Async<void> progress(net::Loop& loop, Run run, std::string json) override {
    return write<void>(loop, [run, json = std::move(json)](Statements& in) { return in.progress(run, json); });
  }

  Async<std::optional<Job>> job(net::Loop& loop, JobId id) override {
    auto stale = std::make_shared<bool>(false);
    const auto look = [id, stale](Statements& in) { return in.job(id, *stale); };
    Async<std::optional<Job>> call = read<std::optional<Job>>(loop, look);
    Result<std::optional<Job>> found = co_await std::move(call);
    if (!found.ok() || !found->has_value() || !*stale) co_return found;
    const auto sweep = [queue = (*found)->queue](Statements& in) { return in.sweep(queue); };
    Async<void> swept_call = write<void>(loop, sweep);
    Result<void> swept = co_await std::move(swept_call);
    if (!swept.ok()) co_return Result<std::optional<Job>>(std::move(swept).error());
    call = read<std::optional<Job>>(loop, look);
    Result<std::optional<Job>> again = co_await std::move(call);
    co_return again;
  }
  Async<std::vector<Job>> list(net::Loop& loop, JobFilter filter) override {
    Async<void> sweep = sweep_all(loop);
    Result<void> swept = co_await std::move(sweep);
    if (!swept.ok()) co_return Result<std::vector<Job>>(std::move(swept).error());
    const auto look = [filter = std::move(filter)](Statements& in) { return in.list(filter); };
    Async<std::vector<Job>> call = read<std::vector<Job>>(loop, look);
    Result<std::vector<Job>> found = co_await std::move(call);
    co_return found;
  }
  Async<bool> cancel(net::Loop& loop, JobId id, std::string reason) override {
    return write<bool>(loop, [id, reason = std::move(reason)](Statements& in) { return in.cancel(id, reason); });
  }
  Async<bool> retry(net::Loop& loop, JobId id) override {
    return write<bool>(loop, [id](Statements& in) { return in.retry(id); });
  }
  Async<std::optional<Batch>> batch(net::Loop& loop, JobId id) override {
    return read<std::optional<Batch>>(loop, [id](Statements& in) { return in.batch(id); });
  }

  Async<std::vector<QueueStats>> queues(net::Loop& loop) override {
    Async<void> sweep = sweep_all(loop);
    Result<void> swept = co_await std::move(sweep);
    if (!swept.ok()) co_return Result<std::vector<QueueStats>>(std::move(swept).error());
    const auto look = [](Statements& in) { return in.queues(); };
    Async<std::vector<QueueStats>> call = read<std::vector<QueueStats>>(loop, look);
    Result<std::vector<QueueStats>> found = co_await std::move(call);
    co_return found;
  }
  Async<std::uint64_t> pending_count(net::Loop& loop, std::string queue) override {
    return read<std::uint64_t>(loop, [queue = std::move(queue)](Statements& in) { return in.pending_count(queue); });
  }
  Async<void> pause(net::Loop& loop, std::string queue, bool paused) override {
    return write<void>(loop, [queue = std::move(queue), paused](Statements& in) { return in.pause(queue, paused); });
  }
  Async<void> set_rate_limit(net::Loop& loop, std::string queue, RateLimit limit) override {
    return write<void>(loop, [queue = std::move(queue), limit](Statements& in) { return in.set_rate_limit(queue, limit); });
  }

  Async<Schedule> put_schedule(net::Loop& loop, Schedule schedule) override {
    return write<Schedule>(loop, [schedule = std::move(schedule)](Statements& in) { return in.put_schedule(schedule); });
  }
  Async<bool> remove_schedule(net::Loop& loop, std::string name) override {
    return write<bool>(loop, [name = std::move(name)](Statements& in) { return in.remove_schedule(name); });
  }
  Async<std::vector<Schedule>> schedules(net::Loop& loop) override {
    return read<std::vector<Schedule>>(loop, [](Statements& in) { return in.schedules(); });
  }
  Async<FireResult> fire(net::Loop& loop, FireRequest request) override {
    return write<FireResult>(loop, [request = std::move(request)](Statements& in) { return in.fire(request); });
  }

  std::shared_ptr<void> subscribe(net::Loop& loop, Topic topic, std::string queue, Duration poll, Function<void()> fn) override {
    return std::make_shared<store::sqlite::Subscription>(
        database_->subscribe(topic_name(topic, queue), loop, std::move(fn), poll));
  }

 private:
  [[nodiscard]] static Error is_closed() {
    return Error(ErrorKind::unavailable, "the task store was closed").with_detail("closed");
  }

  template <class T, class F>
  Async<T> write(net::Loop& loop, F fn) {
    if (closed_.load()) co_return Result<T>(is_closed());
    const std::shared_ptr<Database> database = database_;
    auto work = [fn = std::move(fn), options = options_, now = now_ms(loop.clock()),
                 weak = std::weak_ptr<Database>(database)](Connection& connection) -> Result<T> {
      Statements statements(connection, *options, now);
      Result<T> result = fn(statements);
      if (result.ok()) tell(connection, weak, std::move(statements.news));
      return result;
    };
    Async<T> call = database->write(loop, std::move(work));
    Result<T> result = co_await std::move(call);
    co_return result;
  }
  template <class T, class F>
  Async<T> write_in(net::Loop& loop, store::Transaction& transaction, F fn) {
    if (closed_.load()) co_return Result<T>(is_closed());
    store::sqlite::TransactionPart* part = shares(transaction) ? transaction.sqlite() : nullptr;
    if (part == nullptr)
      co_return Result<T>(Error(ErrorKind::unsupported, "this task store is not in the database of the transaction"));
    auto work = [fn = std::move(fn), options = options_, now = now_ms(loop.clock()),
                 weak = std::weak_ptr<Database>(database_)](Connection& connection) -> Result<T> {
      Statements statements(connection, *options, now);
      Result<T> result = fn(statements);
      if (result.ok()) tell(connection, weak, std::move(statements.news));
      return result;
    };
    Async<T> call = part->run(loop, std::move(work));
    Result<T> result = co_await std::move(call);
    co_return result;
  }
  template <class T, class F>
  Async<T> read(net::Loop& loop, F fn) {
    if (closed_.load()) co_return Result<T>(is_closed());
    const std::shared_ptr<Database> database = database_;
    auto work = [fn = std::move(fn), options = options_, now = now_ms(loop.clock())](Connection& connection) -> Result<T> {
      Statements statements(connection, *options, now);
      return fn(statements);
    };
    Async<T> call = database->read(loop, std::move(work));
    Result<T> result = co_await std::move(call);
    co_return result;
  }

  /// Leases that ran out where no worker looks.
  Async<void> sweep_all(net::Loop& loop) {
    const auto look = [](Statements& in) { return in.queues_with_lost_leases(); };
    Async<std::vector<std::string>> call = read<std::vector<std::string>>(loop, look);
    Result<std::vector<std::string>> stale = co_await std::move(call);
    if (!stale.ok()) co_return Result<void>(std::move(stale).error());
    for (const std::string& queue : *stale) {
      const auto sweep = [queue](Statements& in) { return in.sweep(queue); };
      Async<void> one = write<void>(loop, sweep);
      Result<void> done = co_await std::move(one);
      if (!done.ok()) co_return done;
    }
    co_return Result<void>();
  }

  const std::shared_ptr<Database> database_;
  const std::shared_ptr<const StoreOptions> options_;
  std::atomic<bool> closed_{false};
  std::atomic<Millis> purged_{0};
};

}  // namespace

Result<std::shared_ptr<Backend>> open_sqlite_backend(const StoreOptions& options, store::sqlite::Databases& databases) {
  Result<std::shared_ptr<Database>> database = databases.open(options.url);
  if (!database.ok()) return std::move(database).error();
  SPIKARD_TRY((*database)->migrate("tasks", sqlite::schema()));
  return std::shared_ptr<Backend>(std::make_shared<SqliteBackend>(std::move(*database), options));
}

}  // namespace spikard::tasks
