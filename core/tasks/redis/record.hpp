#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/redis/resp.hpp"
#include "tasks/job.hpp"
#include "tasks/job_json.hpp"

namespace spikard::tasks::redis {

[[nodiscard]] inline std::string to_digits(double value) {
  char out[40];
  return {out, std::to_chars(out, out + sizeof out, value).ptr};
}

/// The fields of a job's hash that are not as usual and do not change, but for those that the script writes. `batch_key` is where
/// its batch is.
template <class F>
void each_field(const NewJob& job, JobId callback_of, std::string_view batch_key, F&& field) {
  const auto number = [&](std::string_view name, std::int64_t value, std::int64_t usual) {
    if (value != usual) field(name, std::string_view(std::to_string(value)));
  };
  const auto text = [&](std::string_view name, std::string_view value, std::string_view usual = {}) {
    if (value != usual) field(name, value);
  };
  const NewJob usual;
  text("task", job.task);
  text("args", job.args, usual.args);
  number("priority", job.priority, usual.priority);
  number("max_attempts", job.max_attempts, usual.max_attempts);
  number("backoff_initial_ms", job.backoff.initial_ms, usual.backoff.initial_ms);
  if (job.backoff.factor != usual.backoff.factor) text("backoff_factor", to_digits(job.backoff.factor));
  number("backoff_max_ms", job.backoff.max_ms, usual.backoff.max_ms);
  if (job.backoff.jitter != usual.backoff.jitter) text("backoff_jitter", to_digits(job.backoff.jitter));
  number("timeout_ms", job.timeout_ms, 0);
  text("unique_key", job.unique_key);
  text("concurrency_key", job.concurrency_key);
  number("concurrency_limit", job.concurrency_limit, 1);
  number("batch", job.batch, 0);
  text("batch_key", batch_key);
  number("callback_of", callback_of, 0);
  if (!job.tags.empty()) text("tags", tags_to_json(job.tags));
  number("retention_ms", job.retention_ms, 0);
  text("schedule", job.schedule);
  number("scheduled_at", job.scheduled_at, 0);
  text("trace", job.trace);
}

/// A job out of the answer of HGETALL; nothing where there is none. Fields it does not know are left alone.
[[nodiscard]] std::optional<Job> read_job(net::redis::View fields, std::string_view queue);

/// A schedule as the store's hash keeps it, JSON.
[[nodiscard]] std::string to_record(const Schedule& schedule);
/// corrupt.
[[nodiscard]] Result<Schedule> schedule_from_record(std::string_view name, std::string_view record);

/// A job that a schedule owes, noted with the step that moved the schedule on, until it is in its queue.
struct Owed {
  JobId id = 0;
  NewJob job;
};
[[nodiscard]] std::string to_record(const Owed& owed);
/// corrupt.
[[nodiscard]] Result<Owed> owed_from_record(std::string_view record);

}  // namespace spikard::tasks::redis
