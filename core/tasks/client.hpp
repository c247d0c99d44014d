#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/tz.hpp"
#include "net/operation_target.hpp"
#include "tasks/backend.hpp"
#include "tasks/registry.hpp"
#include "tasks/scheduler.hpp"
#include "tasks/worker.hpp"
#include "telemetry/provider.hpp"

namespace spikard::tasks {

struct ClientOptions {
  ClientOptions() = default;
  StoreOptions store{};
  Duration poll{std::chrono::milliseconds(100)};  ///< for what other processes do, where the store does not tell it
  telemetry::Tracer tracer{};
};

/// Durable tasks of one store. Shared by all who use it, thread-safe; calls come from tasks on `caller.loop`. Checks arguments
/// (invalid_argument), opens the spans, and leaves the rest to the store.
///
///     NewJob job("mail", "send", R"({"to": "a@b.example"})");
///     auto enqueued = co_await client->enqueue(caller, std::move(job));
class Client final : public std::enable_shared_from_this<Client> {
 public:
  /// Opens the store. Blocks: for start-up.
  [[nodiscard]] static Result<std::shared_ptr<Client>> open(ClientOptions options, const Environment& environment);
  explicit Client(std::shared_ptr<Backend> backend, ClientOptions options = {});

  [[nodiscard]] Task<Result<Enqueued>> enqueue(net::Caller caller, NewJob job);
  /// All or none, at most `max_jobs`.
  [[nodiscard]] Task<Result<std::vector<Enqueued>>> enqueue_many(net::Caller caller, std::vector<NewJob> jobs);
  [[nodiscard]] Task<Result<EnqueueResult>> enqueue_batch(net::Caller caller, std::vector<NewJob> jobs,
                                                          std::optional<NewJob> callback);
  /// Commits with the transaction's data or not at all. A store in another database gets it through the outbox: then the result
  /// has no ids (0), and `target` is whom the outbox's relay hands the entry to, `tasks.NAME`.
  [[nodiscard]] Task<Result<EnqueueResult>> enqueue_in(net::Caller caller, store::Transaction& transaction,
                                                       std::vector<NewJob> jobs, std::string target = "tasks.default");
  /// For the outbox's relay: the payload of an entry of kind `enqueue`. Entries may come twice; `key` makes the second one a
  /// no-op.
  [[nodiscard]] Task<Result<void>> enqueue_entry(net::Caller caller, std::string payload, std::string key);
  /// Completes a run in the transaction of the handler's own writes; the handler then acknowledges as usual. conflict when the
  /// lease was lost: roll back.
  [[nodiscard]] Task<Result<void>> complete_in(net::Caller caller, store::Transaction& transaction, Run run,
                                               std::string result = "null");

  [[nodiscard]] Task<Result<Job>> job(net::Caller caller, JobId id);
  [[nodiscard]] Task<Result<std::vector<Job>>> list(net::Caller caller, JobFilter filter);
  [[nodiscard]] Task<Result<bool>> cancel(net::Caller caller, JobId id, std::string reason = {});
  [[nodiscard]] Task<Result<bool>> retry(net::Caller caller, JobId id);
  [[nodiscard]] Task<Result<Batch>> batch(net::Caller caller, JobId id);
  /// Until it has ended. timeout.
  [[nodiscard]] Task<Result<Job>> wait(net::Caller caller, JobId id, Duration limit);

  [[nodiscard]] Task<Result<std::vector<QueueStats>>> queues(net::Caller caller);
  [[nodiscard]] Task<Result<std::uint64_t>> pending_count(net::Caller caller, std::string queue);
  [[nodiscard]] Task<Result<void>> pause(net::Caller caller, std::string queue, bool paused);
  [[nodiscard]] Task<Result<void>> set_rate_limit(net::Caller caller, std::string queue, RateLimit limit);

  [[nodiscard]] Task<Result<void>> progress(net::Caller caller, Run run, std::string json);
  /// False: the lease was lost, or the job cancelled.
  [[nodiscard]] Task<Result<bool>> heartbeat(net::Caller caller, Run run, Millis lease_ms = 10'000);

  /// Checks `cron` and `timezone` (invalid_cron, invalid_timezone), computes the next time.
  [[nodiscard]] Task<Result<Schedule>> schedule(net::Caller caller, Schedule schedule);
  [[nodiscard]] Task<Result<bool>> unschedule(net::Caller caller, std::string name);
  [[nodiscard]] Task<Result<std::vector<Schedule>>> schedules(net::Caller caller);

  /// On the loop's thread. `sink` outlives the worker.
  [[nodiscard]] std::shared_ptr<Worker> start_worker(WorkerOptions options, worker_loop::WorkSink& sink, net::Loop& loop);
  /// The parts of a worker whose loop somebody else makes (app::WorkerComponent).
  [[nodiscard]] WorkerParts worker_parts(WorkerOptions options, worker_loop::WorkSink& sink, net::Loop& loop);
  [[nodiscard]] std::shared_ptr<Scheduler> start_scheduler(SchedulerOptions options, net::Loop& loop);

  [[nodiscard]] const std::shared_ptr<Backend>& backend() const noexcept { return backend_; }
  [[nodiscard]] const std::shared_ptr<TimeZones>& zones() const noexcept { return zones_; }
  /// Ends the store's work; calls after it say unavailable. Blocks shortly.
  void close() { backend_->close(); }

  static constexpr std::size_t max_jobs = 10'000;
  static constexpr std::size_t max_args = 1U << 20U;  ///< bytes of the arguments of a job

 private:
  /// A producer's, of which the jobs' runs are children: the caller's trace from here on.
  [[nodiscard]] telemetry::Span start_span(net::Caller& caller, const std::vector<NewJob>& jobs) const;
  [[nodiscard]] Task<Result<EnqueueResult>> do_enqueue(net::Caller caller, EnqueueRequest request);

  const std::shared_ptr<Backend> backend_;
  const ClientOptions options_;
  const std::shared_ptr<TimeZones> zones_ = std::make_shared<TimeZones>();
};

/// What is wrong with a job, as invalid_argument or too_large.
[[nodiscard]] Result<void> check(const NewJob& job);

}  // namespace spikard::tasks
