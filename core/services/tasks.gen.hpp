// Generated from spec/services/tasks.yaml by codegen. Do not edit.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/node.hpp"
#include "base/result.hpp"

namespace spikard::services {

/// What becomes of the times of a schedule at which no scheduler ran.
enum class Misfire : std::uint8_t {
  skip,  ///< They are left out.
  once,  ///< One job stands for all of them: the latest.
  all,  ///< One job for each.
};
[[nodiscard]] std::string_view name_of(Misfire v) noexcept;
[[nodiscard]] std::optional<Misfire> misfire_from(std::string_view text) noexcept;

/// What becomes of a time of a schedule while the job before has not ended.
enum class Overlap : std::uint8_t {
  allow,  ///< A job is made all the same.
  forbid,  ///< The time is left out.
};
[[nodiscard]] std::string_view name_of(Overlap v) noexcept;
[[nodiscard]] std::optional<Overlap> overlap_from(std::string_view text) noexcept;

/// A store of tasks.
struct TasksConfig {
  std::string url = "sqlite:data/app.db";  ///< `memory:`, `sqlite:FILE`, or the URL of another backend.
  std::uint64_t retention_ms = 86400000;  ///< How long completed jobs and their results are kept.
  std::uint64_t failed_retention_ms = 604800000;  ///< How long discarded and cancelled jobs are kept.
  std::uint32_t poll_ms = 100;  ///< How often a worker looks for what other processes enqueued, where the store does not tell it.
};
[[nodiscard]] bool operator==(const TasksConfig& a, const TasksConfig& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<TasksConfig> tasks_config_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const TasksConfig& in, NodeBuilder& out);

/// What runs the tasks of a queue in this application.
struct Worker {
  std::string name{};  ///< Its name in reports, logs and telemetry; unique.
  std::string client = "default";  ///< Which of `services.tasks`.
  std::string queue = "default";  ///< Its queue.
  std::uint32_t concurrency = 16;  ///< Handlers at once, in each process.
  std::uint32_t lease_ms = 10000;  ///< A job comes back this long after its worker died; renewed every third of it while the handler runs.
  std::optional<std::uint32_t> timeout_ms{};  ///< The longest a run may take where the task has no limit of its own; null for none.
  std::vector<std::string> tasks{};  ///< Names it has handlers for; any other is discarded with the code unknown_task. Empty: all.
};
[[nodiscard]] bool operator==(const Worker& a, const Worker& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Worker> worker_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Worker& in, NodeBuilder& out);

/// A task that is enqueued by the clock.
struct Schedule {
  std::string name{};  ///< Its name; the same in every process of the application.
  std::string client = "default";  ///< Which of `services.tasks`.
  std::string cron{};  ///< Five or six fields, or a macro such as `@daily`.
  std::string timezone = "UTC";  ///< A name of the IANA data base, such as `Europe/Berlin`.
  std::string queue = "default";  ///< Where its jobs go.
  std::string task{};  ///< The task's name. Empty: the schedule's.
  Document args{};  ///< The arguments of every job.
  std::int32_t priority = 0;  ///< Higher goes first.
  std::uint32_t max_attempts = 5;  ///< Runs of a job at most.
  std::optional<std::uint32_t> timeout_ms{};  ///< The longest a run may take; null for the worker's limit.
  Misfire misfire = Misfire::once;  ///< What becomes of times at which no scheduler ran.
  Overlap overlap = Overlap::allow;  ///< What becomes of a time while the job before has not ended.
};
[[nodiscard]] bool operator==(const Schedule& a, const Schedule& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Schedule> schedule_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Schedule& in, NodeBuilder& out);

}  // namespace spikard::services
