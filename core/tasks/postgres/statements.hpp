#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "store/postgres/connection.hpp"
#include "tasks/backend.hpp"
#include "tasks/registry.hpp"
#include "tasks/sql_store.hpp"

namespace spikard::tasks::postgres {

/// Tells the topics to other processes, once the transaction is committed.
[[nodiscard]] store::postgres::Connection::Query notify_query(const std::vector<std::string>& topics);

/// The statements of one transaction, as tasks/sqlite/statements.hpp has them. There one writer keeps others away; here rows that
/// decide about others are locked before they are read, and what cannot be ordered so (concurrency keys) has an advisory lock.
/// Every method may be run again from its start after a rollback.
class Statements {
 public:
  template <class T>
  using Async = Task<Result<T>>;
  using Connection = store::postgres::Connection;
  using Rows = store::postgres::Connection::Rows;
  using Arguments = std::vector<store::postgres::Argument>;

  Statements(Connection& connection, const StoreOptions& options, Millis now) : c_(connection), options_(options), now_(now) {}
  Statements(const Statements&) = delete;
  Statements& operator=(const Statements&) = delete;

  /// Jobs that depend on nothing and have no key to share.
  [[nodiscard]] static bool is_plain(const EnqueueRequest& request) noexcept;
  /// Such jobs in a transaction of its own and one round trip, with what is told about them.
  [[nodiscard]] Async<EnqueueResult> enqueue_plain(const EnqueueRequest& request);
  [[nodiscard]] Async<EnqueueResult> enqueue(const EnqueueRequest& request);
  /// Jobs of a queue without limits and keys, in a transaction of its own and one round trip. Nothing: `claim` must look.
  [[nodiscard]] Async<ClaimResult> claim_plain(const ClaimRequest& request);
  [[nodiscard]] Async<ClaimResult> claim(const ClaimRequest& request);
  /// Those whose lease was lost.
  [[nodiscard]] Async<std::vector<JobId>> settle(const std::vector<Completion>& completions);
  [[nodiscard]] Async<void> complete_in(const Run& run, const std::string& result);
  [[nodiscard]] Async<std::vector<JobId>> extend(const std::vector<Run>& runs, Millis lease_ms);
  [[nodiscard]] Async<std::vector<JobId>> lost(const std::vector<Run>& runs);
  [[nodiscard]] Async<bool> cancel(JobId id, const std::string& reason);
  [[nodiscard]] Async<bool> retry(JobId id);
  [[nodiscard]] Async<void> progress(const Run& run, const std::string& json);
  /// Leases that ran out, where no worker looks: of one queue, or of all.
  [[nodiscard]] Async<void> sweep(const std::string& queue);
  [[nodiscard]] Async<void> sweep_all();
  [[nodiscard]] Async<void> purge();

  [[nodiscard]] Async<void> pause(const std::string& queue, bool paused);
  [[nodiscard]] Async<void> set_rate_limit(const std::string& queue, const RateLimit& limit);
  [[nodiscard]] Async<Schedule> put_schedule(const Schedule& schedule);
  [[nodiscard]] Async<bool> remove_schedule(const std::string& name);
  [[nodiscard]] Async<FireResult> fire(const FireRequest& request);

  [[nodiscard]] Async<std::optional<Job>> job(JobId id, bool& stale);
  [[nodiscard]] Async<std::vector<Job>> list(const JobFilter& filter);
  [[nodiscard]] Async<std::vector<QueueStats>> queues();
  [[nodiscard]] Async<std::uint64_t> pending_count(const std::string& queue);
  [[nodiscard]] Async<std::vector<Schedule>> schedules();
  [[nodiscard]] Async<std::optional<Batch>> batch(JobId id, bool locked = false);

  sql::News news;

 private:
  [[nodiscard]] Async<Rows> q(std::string sql, Arguments arguments = {});
  [[nodiscard]] Connection::Query plain_query(const std::vector<NewJob>& jobs);
  [[nodiscard]] Async<JobId> insert(const NewJob& job, JobId batch, JobId callback_of);
  [[nodiscard]] Async<bool> settle_one(const Completion& completion);
  [[nodiscard]] Async<void> end(JobId id, JobState state, std::string error, std::string code);
  [[nodiscard]] Async<void> after_end(sql::Ended ended, JobState state);
  [[nodiscard]] Async<void> release(JobId id);
  [[nodiscard]] Async<void> batch_changed(JobId id, JobState state, int by);
  [[nodiscard]] Async<void> look_at_batch(JobId id);
  [[nodiscard]] Async<void> let_out(const std::string& key);
  [[nodiscard]] Async<void> lock_key(const std::string& key);

  Connection& c_;
  const StoreOptions& options_;
  const Millis now_;
};

}  // namespace spikard::tasks::postgres
