#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "store/sqlite/connection.hpp"
#include "tasks/backend.hpp"
#include "tasks/registry.hpp"

namespace spikard::tasks::sqlite {

/// What others are to be told once a transaction is committed.
struct News {
  std::set<std::string> queues;
  bool revoked = false;
  bool ended = false;
  bool schedules = false;
};

/// The statements of one transaction. Every method belongs into a write transaction unless it says otherwise, and may be run
/// again from its start after a rollback.
class Statements {
 public:
  Statements(store::sqlite::Connection& connection, const StoreOptions& options, Millis now)
      : c_(connection), options_(options), now_(now) {}

  [[nodiscard]] Result<EnqueueResult> enqueue(const EnqueueRequest& request);
  [[nodiscard]] Result<ClaimResult> claim(const ClaimRequest& request);
  /// False: the lease was lost.
  [[nodiscard]] Result<bool> settle(const Completion& completion);
  [[nodiscard]] Result<void> complete_in(const Run& run, const std::string& result);
  [[nodiscard]] Result<bool> extend(const Run& run, Millis lease_ms);
  [[nodiscard]] Result<bool> cancel(JobId id, const std::string& reason);
  [[nodiscard]] Result<bool> retry(JobId id);
  [[nodiscard]] Result<void> progress(const Run& run, const std::string& json);
  /// What time alone changes in a queue.
  [[nodiscard]] Result<void> sweep(const std::string& queue);
  /// Removes what is kept no longer, some hundred rows at a time.
  [[nodiscard]] Result<void> purge();

  [[nodiscard]] Result<void> pause(const std::string& queue, bool paused);
  [[nodiscard]] Result<void> set_rate_limit(const std::string& queue, const RateLimit& limit);
  [[nodiscard]] Result<Schedule> put_schedule(const Schedule& schedule);
  [[nodiscard]] Result<bool> remove_schedule(const std::string& name);
  [[nodiscard]] Result<FireResult> fire(const FireRequest& request);

  // Readers' too.
  [[nodiscard]] Result<bool> is_held(const Run& run);
  /// As it is at this time, were its queue swept; `stale`: it must be (a lease ran out).
  [[nodiscard]] Result<std::optional<Job>> job(JobId id, bool& stale);
  [[nodiscard]] Result<std::vector<Job>> list(const JobFilter& filter);
  [[nodiscard]] Result<std::vector<QueueStats>> queues();
  [[nodiscard]] Result<std::uint64_t> pending_count(const std::string& queue);
  [[nodiscard]] Result<std::vector<std::string>> queues_with_lost_leases();
  [[nodiscard]] Result<std::vector<Schedule>> schedules();
  [[nodiscard]] Result<std::optional<Batch>> batch(JobId id);

  News news;

 private:
  struct Ended {
    JobId id = 0;
    std::string queue;
    JobId batch = 0;
    std::string key;
    bool has_dependants = false;
    bool frees_key = false;  // it ran, or was let out to run
  };
  [[nodiscard]] Result<JobId> insert(const NewJob& job, JobId batch, JobId callback_of);
  [[nodiscard]] Result<void> end(JobId id, JobState state, const std::string& error, const std::string& code);
  [[nodiscard]] Result<void> after_end(const Ended& ended, JobState state);
  [[nodiscard]] Result<void> release(JobId id);
  [[nodiscard]] Result<void> look_at_batch(JobId id);
  [[nodiscard]] Result<void> let_out(const std::string& key);

  store::sqlite::Connection& c_;
  const StoreOptions& options_;
  const Millis now_;
};

}  // namespace spikard::tasks::sqlite
