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

/// A store of tasks.
struct TasksConfig {
  std::string url = "sqlite:data/app.db";  ///< `memory:`, `sqlite:FILE`, or the URL of another backend.
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
};
[[nodiscard]] bool operator==(const Schedule& a, const Schedule& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Schedule> schedule_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Schedule& in, NodeBuilder& out);

}  // namespace spikard::services
