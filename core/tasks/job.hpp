#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "telemetry/context.hpp"

namespace spikard::tasks {

/// Ids grow with the order of enqueueing, from 1; they cross boundaries as decimal text. 0 is none.
using JobId = std::int64_t;
/// Civil time in ms since the epoch, as stores keep it. 0 is none.
using Millis = std::int64_t;

/// The store's clock: whole ms that are over.
[[nodiscard]] inline Millis now_ms(const Clock& clock) noexcept {
  return std::chrono::floor<std::chrono::milliseconds>(clock.wall()).time_since_epoch().count();
}

enum class JobState : std::uint8_t {
  pending,    ///< waits for jobs it depends on, or for its batch
  scheduled,  ///< waits for its time
  available,  ///< a worker may take it
  running,
  retryable,  ///< waits for its next run
  completed,
  cancelled,
  discarded,  ///< failed for good
};
[[nodiscard]] std::string_view name_of(JobState state) noexcept;
[[nodiscard]] std::optional<JobState> job_state_from(std::string_view name) noexcept;
[[nodiscard]] constexpr bool has_ended(JobState state) noexcept { return state >= JobState::completed; }

/// Between failed runs: `initial_ms` times `factor` to the power of the failures before, at most `max_ms`; `jitter` takes off up
/// to this part, at random.
struct Backoff {
  Millis initial_ms = 1000;
  double factor = 2.0;
  Millis max_ms = 300'000;
  double jitter = 0.1;
};

/// What is put into a queue. docs/reference/operations.md, tasks.enqueue, says what each member means.
struct NewJob {
  NewJob() = default;
  NewJob(std::string of_queue, std::string of_task, std::string json = "null")
      : queue(std::move(of_queue)), task(std::move(of_task)), args(std::move(json)) {}

  std::string queue = "default";
  std::string task;
  std::string args = "null";   ///< JSON text
  bool args_are_json = false;  ///< it was written by `json::to_string`: not checked again
  Millis delay_ms = 0;
  Millis run_at = 0;  ///< 0: now and `delay_ms`
  std::int32_t priority = 0;
  std::uint32_t max_attempts = 5;
  Backoff backoff;
  Millis timeout_ms = 0;
  std::string unique_key;
  std::string concurrency_key;
  std::uint32_t concurrency_limit = 1;
  std::vector<JobId> depends_on;
  JobId batch = 0;
  std::vector<std::string> tags;
  Millis retention_ms = 0;  ///< 0: the store's
  std::string schedule;     ///< which made it
  Millis scheduled_at = 0;  ///< the time it stands for
  std::string trace;        ///< `trace_to_text`
  std::string origin;       ///< of an entry of an outbox: no other has the same
};

/// A job as it is now.
struct Job {
  JobId id = 0;
  std::string queue;
  std::string task;
  std::string args;
  JobState state = JobState::available;
  std::int32_t priority = 0;
  Millis run_at = 0;
  std::uint32_t attempt = 0;  ///< runs begun, without those that do not count
  std::uint32_t failures = 0;
  std::uint32_t max_attempts = 5;
  Backoff backoff;
  Millis timeout_ms = 0;
  std::string unique_key;
  std::string concurrency_key;
  std::uint32_t concurrency_limit = 1;
  JobId batch = 0;
  JobId callback_of = 0;  ///< the batch whose end it waits for, or waited
  std::vector<std::string> tags;
  Millis retention_ms = 0;
  std::string schedule;
  Millis scheduled_at = 0;
  std::string trace;
  std::uint64_t lease = 0;  ///< fencing token of the latest run
  Millis lease_until = 0;
  std::string worker;
  std::string progress;  ///< JSON text, or empty
  std::string result;    ///< JSON text, or empty
  std::string error;
  std::string error_code;
  Millis enqueued_at = 0;
  Millis started_at = 0;
  Millis ended_at = 0;
  Millis expires_at = 0;
};

struct Enqueued {
  JobId id = 0;
  bool created = true;
};

/// How far a batch is. The id is that of the counter, not of a job.
struct Batch {
  JobId id = 0;
  std::uint64_t total = 0;
  std::uint64_t completed = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t discarded = 0;
  JobId callback = 0;
  [[nodiscard]] std::uint64_t pending() const noexcept { return total - completed - cancelled - discarded; }
};

/// A token bucket over all workers: `count` in `period_ms`, at most `burst` at once. `count` 0: no limit.
struct RateLimit {
  std::uint32_t count = 0;
  Millis period_ms = 1000;
  std::uint32_t burst = 0;  ///< 0: `count`
};

struct QueueStats {
  std::string queue;
  bool paused = false;
  RateLimit rate_limit;
  std::uint64_t by_state[8] = {};
};

enum class Misfire : std::uint8_t { skip, once, all };
enum class Overlap : std::uint8_t { allow, forbid };

/// A schedule as the store keeps it.
struct Schedule {
  std::string name;
  std::string cron;
  std::string timezone = "UTC";
  std::string queue = "default";
  std::string task;
  std::string args = "null";
  std::int32_t priority = 0;
  std::uint32_t max_attempts = 5;
  Millis timeout_ms = 0;
  Misfire misfire = Misfire::once;
  Overlap overlap = Overlap::allow;
  bool declared = false;  ///< of a manifest: only schedulers that know its name fire it
  Millis next_at = 0;     ///< 0: never again
  Millis last_at = 0;     ///< the latest time that made a job
  JobId last_job = 0;
  std::uint64_t version = 0;  ///< grows with each change of the definition
};

/// W3C trace context and baggage in one text, three lines; empty for none.
[[nodiscard]] std::string trace_to_text(const telemetry::SpanContext& trace);
[[nodiscard]] telemetry::SpanContext trace_from_text(std::string_view text);

[[nodiscard]] std::string id_to_text(JobId id);
/// Nothing for what is no id of ours.
[[nodiscard]] std::optional<JobId> id_from_text(std::string_view text) noexcept;

}  // namespace spikard::tasks
