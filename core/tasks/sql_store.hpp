#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "tasks/backend.hpp"
#include "tasks/job_json.hpp"

/// What the stores on SQL servers have in common: their tables' columns, and what follows from a change.
namespace spikard::tasks::sql {

constexpr Millis origin_kept_ms = 86'400'000;
/// Of jobs, in the order of `read_job`.
#define SPIKARD_JOB_COLUMNS                                                                                                     \
  "id, queue, task, args, state, priority, run_at, attempt, failures, max_attempts, backoff_initial_ms, backoff_factor, "       \
  "backoff_max_ms, backoff_jitter, timeout_ms, unique_key, concurrency_key, concurrency_limit, batch, callback_of, tags, "      \
  "retention_ms, schedule, scheduled_at, trace, lease, lease_until, worker, progress, result, error, error_code, enqueued_at, " \
  "started_at, ended_at, expires_at"
/// Not in one of the states that last.
#define SPIKARD_NOT_ENDED "state NOT IN ('completed', 'cancelled', 'discarded')"

/// In the order of `read_schedule`.
constexpr const char* schedule_columns =
    "SELECT name, cron, timezone, queue, task, args, priority, max_attempts, timeout_ms, misfire, overlap, declared, next_at, "
    "last_at, last_job, version FROM spikard_task_schedules ";

/// A value as text; nothing for NULL.
using Cell = std::optional<std::string>;

inline std::int64_t number(const Cell& cell) noexcept {
  std::int64_t out = 0;
  if (cell) std::from_chars(cell->data(), cell->data() + cell->size(), out);
  return out;
}
inline double real(const Cell& cell) noexcept {
  double out = 0;
  if (cell) std::from_chars(cell->data(), cell->data() + cell->size(), out);
  return out;
}
inline std::string text(const Cell& cell) { return cell.value_or(std::string()); }
inline JobState state(const Cell& cell) { return job_state_from(cell ? *cell : std::string()).value_or(JobState::pending); }

template <class Rows>
Job read_job(const Rows& rows, std::size_t row) {
  std::size_t at = 0;
  const auto integer = [&] { return number(rows.at(row, at++)); };
  const auto string = [&] { return text(rows.at(row, at++)); };
  Job job;
  job.id = integer();
  job.queue = string();
  job.task = string();
  job.args = string();
  job.state = state(rows.at(row, at++));
  job.priority = static_cast<std::int32_t>(integer());
  job.run_at = integer();
  job.attempt = static_cast<std::uint32_t>(integer());
  job.failures = static_cast<std::uint32_t>(integer());
  job.max_attempts = static_cast<std::uint32_t>(std::max<std::int64_t>(integer(), 1));
  job.backoff.initial_ms = integer();
  job.backoff.factor = real(rows.at(row, at++));
  job.backoff.max_ms = integer();
  job.backoff.jitter = real(rows.at(row, at++));
  job.timeout_ms = integer();
  job.unique_key = string();
  job.concurrency_key = string();
  job.concurrency_limit = static_cast<std::uint32_t>(integer());
  job.batch = integer();
  job.callback_of = integer();
  if (const Cell& tags = rows.at(row, at++); tags && !tags->empty()) job.tags = tags_from_json(*tags);
  job.retention_ms = integer();
  job.schedule = string();
  job.scheduled_at = integer();
  job.trace = string();
  job.lease = static_cast<std::uint64_t>(integer());
  job.lease_until = integer();
  job.worker = string();
  job.progress = string();
  job.result = string();
  job.error = string();
  job.error_code = string();
  job.enqueued_at = integer();
  job.started_at = integer();
  job.ended_at = integer();
  job.expires_at = integer();
  return job;
}

template <class Rows>
Schedule read_schedule(const Rows& rows, std::size_t row) {
  const auto string = [&](std::size_t at) { return text(rows.at(row, at)); };
  const auto integer = [&](std::size_t at) { return number(rows.at(row, at)); };
  Schedule out;
  out.name = string(0);
  out.cron = string(1);
  out.timezone = string(2);
  out.queue = string(3);
  out.task = string(4);
  out.args = string(5);
  out.priority = static_cast<std::int32_t>(integer(6));
  out.max_attempts = static_cast<std::uint32_t>(integer(7));
  out.timeout_ms = integer(8);
  out.misfire = misfire_from(string(9)).value_or(Misfire::once);
  out.overlap = overlap_from(string(10)).value_or(Overlap::allow);
  out.declared = integer(11) != 0;
  out.next_at = integer(12);
  out.last_at = integer(13);
  out.last_job = integer(14);
  out.version = static_cast<std::uint64_t>(integer(15));
  return out;
}

inline Error no_such_job(JobId id) {
  return Error(ErrorKind::not_found, "there is no job " + std::to_string(id)).with("job", std::to_string(id));
}
inline Error lease_lost(JobId id) {
  return Error(ErrorKind::conflict, "the lease of this run was lost").with("job", std::to_string(id));
}
inline std::string reason_of(JobId id, JobState state) {
  return "job " + std::to_string(id) + ", which it depends on, was " + std::string(name_of(state));
}

inline std::string digits(double value) {
  char out[40];
  return {out, std::to_chars(out, out + sizeof out, value).ptr};
}

/// What others are to be told once a transaction is committed.
struct News {
  std::set<std::string> queues;
  bool revoked = false;
  bool ended = false;
  bool schedules = false;
  /// Topics of `Wakeups::notify`.
  [[nodiscard]] std::vector<std::string> topics() const;
};
/// As `Wakeups::notify` knows them.
[[nodiscard]] std::string topic_of(Backend::Topic topic, const std::string& queue);

/// A job that has just ended, and who has to hear of it.
struct Ended {
  JobId id = 0;
  std::string queue;
  JobId batch = 0;
  std::string key;
  bool has_dependants = false;
  bool frees_key = false;  // it ran, or was let out to run
};
/// Those whose lease is not among `rows` (the first column: ids).
template <class Rows>
std::vector<JobId> without(const std::vector<Run>& runs, const Rows& rows) {
  std::set<JobId> held;
  for (std::size_t i = 0; i < rows.size(); ++i) held.insert(number(rows.at(i, 0)));
  std::vector<JobId> lost;
  for (const Run& run : runs) {
    if (!held.contains(run.id)) lost.push_back(run.id);
  }
  // The same job twice: its newer lease is held, the older one is not.
  std::map<JobId, std::uint64_t> newest;
  for (const Run& run : runs) newest[run.id] = std::max(newest[run.id], run.lease);
  for (const Run& run : runs) {
    if (held.contains(run.id) && run.lease < newest[run.id]) lost.push_back(run.id);
  }
  return lost;
}

}  // namespace spikard::tasks::sql
