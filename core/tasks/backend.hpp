#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/function.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "net/loop/loop.hpp"
#include "store/transaction.hpp"
#include "tasks/job.hpp"

namespace spikard::tasks {

struct Capabilities {
  bool durable = false;       ///< jobs outlive the process
  bool shared = false;        ///< several processes may use one store
  bool transactions = false;  ///< `enqueue_in` and `complete_in` write through a `store::Transaction` of the same database
  /// A request may be of several queues; jobs may depend on jobs of other queues, and share keys and batches with them. False: it
  /// is unsupported, and keys are of a queue.
  bool across_queues = true;
};

/// One transaction: all of it or nothing.
struct EnqueueRequest {
  std::vector<NewJob> jobs;
  bool batch = false;              ///< the jobs are a new batch
  std::optional<NewJob> callback;  ///< with `batch`: pending until the batch is done
  std::string origin{};  ///< who asks again with the same text within a day asks for the same jobs: nothing is made. Empty: none
};
struct EnqueueResult {
  std::vector<Enqueued> jobs;  ///< in the order of the request
  JobId batch = 0;
  JobId callback = 0;
};

struct ClaimRequest {
  std::string queue;
  std::string worker;
  std::uint32_t max = 1;
  Millis lease_ms = 10'000;
};
struct ClaimResult {
  std::vector<Job> jobs;  ///< in the order in which they are to begin
  Millis next_at = 0;     ///< when to look again if nothing is told before; 0: no such time
};

/// A run: a job and the fencing token of this lease.
struct Run {
  JobId id = 0;
  std::uint64_t lease = 0;
};

/// The end of a run.
struct Completion {
  enum class Kind : std::uint8_t {
    completed,
    again,      ///< after `after_ms`
    hand_back,  ///< at once and in its old place, as if this run had not been
    discarded,
  };
  Kind kind = Kind::completed;
  Run run;
  Millis after_ms = 0;
  std::uint32_t attempt = 0;  ///< used up by now
  std::uint32_t failures = 0;
  std::string result;  ///< JSON text
  std::string error;
  std::string error_code;
};

struct JobFilter {
  std::string queue;
  std::optional<JobState> state;
  std::string task;
  std::string schedule;
  JobId batch = 0;
  JobId after = 0;
  std::uint32_t limit = 100;
};

struct FireRequest {
  std::string name;
  std::uint64_t version = 0;
  Millis expected_next = 0;
  Millis new_next = 0;
  bool forbid_overlap = false;
  std::vector<NewJob> jobs;  ///< one an occurrence, in order; `scheduled_at` says which
};
struct FireResult {
  bool ours = false;  ///< false: another scheduler was first, or the schedule has changed; nothing was done
  std::vector<JobId> jobs;
};

/// The port of task stores (README.md: how each server will keep these promises). Thread-safe: calls come from several loops,
/// each from a task on `loop`. Times are computed here from `loop`'s clock, so that a virtual clock works. Arguments were checked
/// by the client. Errors: those of the store, mapped in one function; `not_found` where a method says so.
///
/// What is the same everywhere (contract suite, tests/contract/tasks_contract.cpp): a claim takes the ready jobs of a queue by
/// priority, then `run_at`, then id; respects pause, rate and concurrency limits; makes waiting jobs whose time has come
/// available, and those whose lease ran out too (or discards them, that was the last attempt). A run is settled only by the
/// token of its lease. The end of a job releases or cancels its dependants and its batch's callback in the same transaction.
class Backend {
 public:
  template <class T>
  using Async = Task<Result<T>>;

  virtual ~Backend() = default;
  [[nodiscard]] virtual Capabilities capabilities() const noexcept = 0;
  /// Ends open work; further calls say unavailable. Blocks shortly. Idempotent.
  virtual void close() = 0;

  /// not_found for a dependency or batch that is not there; conflict for a batch that is done.
  [[nodiscard]] virtual Async<EnqueueResult> enqueue(net::Loop& loop, EnqueueRequest request) = 0;
  /// In somebody's transaction. unsupported where the transaction is of another database.
  [[nodiscard]] virtual Async<EnqueueResult> enqueue_in(net::Loop& loop, store::Transaction& transaction, EnqueueRequest request);
  /// Whether `enqueue_in` and `complete_in` can be used with it.
  [[nodiscard]] virtual bool shares(const store::Transaction& transaction) const noexcept;

  [[nodiscard]] virtual Async<ClaimResult> claim(net::Loop& loop, ClaimRequest request) = 0;
  /// In order, one transaction. Returns those whose lease was not ours any more: nothing was done for them.
  [[nodiscard]] virtual Async<std::vector<JobId>> settle(net::Loop& loop, std::vector<Completion> completions) = 0;
  /// Completes a run in somebody's transaction; a later `settle` of it is a no-op. conflict when the lease was lost.
  [[nodiscard]] virtual Async<void> complete_in(net::Loop& loop, store::Transaction& transaction, Run run, std::string result);
  /// Renews the leases from now. Returns those that were lost.
  [[nodiscard]] virtual Async<std::vector<JobId>> extend(net::Loop& loop, std::vector<Run> runs, Millis lease_ms) = 0;
  /// Those that were lost, without writing.
  [[nodiscard]] virtual Async<std::vector<JobId>> lost(net::Loop& loop, std::vector<Run> runs) = 0;
  /// conflict when the lease was lost, not_found.
  [[nodiscard]] virtual Async<void> progress(net::Loop& loop, Run run, std::string json) = 0;

  /// Nothing for what is not there. Jobs whose retention is over are not there.
  [[nodiscard]] virtual Async<std::optional<Job>> job(net::Loop& loop, JobId id) = 0;
  [[nodiscard]] virtual Async<std::vector<Job>> list(net::Loop& loop, JobFilter filter) = 0;
  /// False: it had ended. not_found.
  [[nodiscard]] virtual Async<bool> cancel(net::Loop& loop, JobId id, std::string reason) = 0;
  /// False: it has not ended. not_found; conflict when another job has its unique key.
  [[nodiscard]] virtual Async<bool> retry(net::Loop& loop, JobId id) = 0;
  [[nodiscard]] virtual Async<std::optional<Batch>> batch(net::Loop& loop, JobId id) = 0;

  [[nodiscard]] virtual Async<std::vector<QueueStats>> queues(net::Loop& loop) = 0;
  [[nodiscard]] virtual Async<std::uint64_t> pending_count(net::Loop& loop, std::string queue) = 0;
  [[nodiscard]] virtual Async<void> pause(net::Loop& loop, std::string queue, bool paused) = 0;
  [[nodiscard]] virtual Async<void> set_rate_limit(net::Loop& loop, std::string queue, RateLimit limit) = 0;

  /// Makes or changes a schedule. Where `cron` and `timezone` are as before, its `next_at` stays; else it becomes the given one.
  [[nodiscard]] virtual Async<Schedule> put_schedule(net::Loop& loop, Schedule schedule) = 0;
  [[nodiscard]] virtual Async<bool> remove_schedule(net::Loop& loop, std::string name) = 0;
  /// By name.
  [[nodiscard]] virtual Async<std::vector<Schedule>> schedules(net::Loop& loop) = 0;
  /// Compares and sets `next_at`, and makes the jobs, in one transaction.
  [[nodiscard]] virtual Async<FireResult> fire(net::Loop& loop, FireRequest request) = 0;

  enum class Topic : std::uint8_t { queue, revoked, ended, schedules };
  /// Calls `fn` on `loop` soon after something happened there (for `queue`: in the queue of that name), in this process at once,
  /// in another one within about `poll`. Calls are merged and may come for nothing. Destroy the handle on the loop's thread.
  [[nodiscard]] virtual std::shared_ptr<void> subscribe(net::Loop& loop, Topic topic, std::string queue, Duration poll,
                                                        Function<void()> fn) = 0;

 protected:
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
};

}  // namespace spikard::tasks
