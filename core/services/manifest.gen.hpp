// Generated from spec/services/manifest.yaml by codegen. Do not edit.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/node.hpp"
#include "base/result.hpp"
#include "services/http.gen.hpp"
#include "services/cache.gen.hpp"
#include "services/storage.gen.hpp"
#include "services/db.gen.hpp"
#include "services/messaging.gen.hpp"
#include "services/tasks.gen.hpp"
#include "services/cloudevents.gen.hpp"
#include "services/telemetry.gen.hpp"
#include "services/faults.gen.hpp"

namespace spikard::services {

/// Where an application's time comes from.
enum class ClockKind : std::uint8_t {
  real,  ///< The machine's monotonic clock.
  virtual_,  ///< A clock that `test.advance` moves. A release build refuses it unless SPIKARD_TEST=1.
};
[[nodiscard]] std::string_view name_of(ClockKind v) noexcept;
[[nodiscard]] std::optional<ClockKind> clock_kind_from(std::string_view text) noexcept;

/// Who does the I/O of a port.
enum class Drive : std::uint8_t {
  inline_,  ///< The thread that polls the port.
  thread,  ///< Threads of the core; the port only takes what they have made ready.
};
[[nodiscard]] std::string_view name_of(Drive v) noexcept;
[[nodiscard]] std::optional<Drive> drive_from(std::string_view text) noexcept;

/// A part of an application that a process may run alone, so that one image scales each part by itself.
enum class Role : std::uint8_t {
  web,  ///< The HTTP server, and the CloudEvents that come through it.
  consumer,  ///< Message consumers.
  worker,  ///< Task workers.
  scheduler,  ///< Schedules.
};
[[nodiscard]] std::string_view name_of(Role v) noexcept;
[[nodiscard]] std::optional<Role> role_from(std::string_view text) noexcept;

/// How a log record is written.
enum class LogFormat : std::uint8_t {
  json,  ///< One JSON object a line.
  human,  ///< Text for people at a terminal.
};
[[nodiscard]] std::string_view name_of(LogFormat v) noexcept;
[[nodiscard]] std::optional<LogFormat> log_format_from(std::string_view text) noexcept;

/// The lowest level that is written.
enum class LogLevel : std::uint8_t {
  trace,  ///< Everything.
  debug,  ///< What a developer asks for.
  info,  ///< Start, stop and one line for what operators want to know.
  warn,  ///< Something is off and was dealt with.
  error,  ///< Something failed.
  off,  ///< Nothing.
};
[[nodiscard]] std::string_view name_of(LogLevel v) noexcept;
[[nodiscard]] std::optional<LogLevel> log_level_from(std::string_view text) noexcept;

/// The four spans of the drain (docs/guide/shutdown.md). Exit never takes longer than their sum.
struct Shutdown {
  std::uint32_t delay_ms = 0;  ///< Time between readiness turning 503 and the end of accepting, for load balancers.
  std::uint32_t timeout_ms = 20000;  ///< What is in flight may take this long to finish.
  std::uint32_t cleanup_ms = 1000;  ///< Cancelled handlers may take this long to end.
  std::uint32_t flush_ms = 2000;  ///< Telemetry and logs may take this long to be written.
};
[[nodiscard]] bool operator==(const Shutdown& a, const Shutdown& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Shutdown> shutdown_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Shutdown& in, NodeBuilder& out);

/// Structured logging.
struct Log {
  LogFormat format = LogFormat::json;  ///< How a record is written.
  LogLevel level = LogLevel::info;  ///< The lowest level that is written.
};
[[nodiscard]] bool operator==(const Log& a, const Log& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Log> log_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Log& in, NodeBuilder& out);

/// The toolbox, by name. A name is what code asks for; `default` is there without being named here.
struct Services {
  std::map<std::string, CacheConfig> cache{};  ///< Caches.
  std::map<std::string, StorageConfig> storage{};  ///< Stores of objects.
  std::map<std::string, DbConfig> db{};  ///< Databases.
  std::map<std::string, MessagingConfig> messaging{};  ///< Message brokers.
  std::map<std::string, TasksConfig> tasks{};  ///< Stores of tasks.
  std::map<std::string, EventSender> events{};  ///< Where events are sent.
};
[[nodiscard]] bool operator==(const Services& a, const Services& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Services> services_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Services& in, NodeBuilder& out);

/// The whole application.
struct Manifest {
  std::string name = "app";  ///< Name of the application, in logs and telemetry.
  ClockKind clock = ClockKind::real;  ///< Where time comes from.
  std::uint32_t io_threads = 1;  ///< I/O loops of a C++ program, or of a port with the threaded drive.
  Drive drive = Drive::inline_;  ///< Who does the I/O of a port.
  bool handle_signals = true;  ///< SIGTERM and SIGINT begin the drain, SIGHUP reads certificates again (C++ and C programs). Off in an application embedded in another program.
  std::optional<HttpConfig> http{};  ///< The HTTP server; null for an application without one.
  std::vector<Role> roles{};  ///< What this process runs; none: everything. `SPIKARD_ROLES=web,worker`.
  bool in_memory_stores = false;  ///< For tests: `sqlite:` files become `sqlite::memory:` and `file:` folders `memory:`, so that nothing is left behind and nothing is met.
  std::optional<Faults> faults{};  ///< For tests: what goes wrong in the clients of the toolbox. Needs the virtual clock.
  Services services{};  ///< The toolbox: caches, object stores, databases, brokers, task stores.
  std::vector<Consumer> consumers{};  ///< Message consumers; the index of one is its number in the port.
  std::vector<Worker> workers{};  ///< Task workers; the index of one is its number in the port.
  std::vector<Schedule> schedules{};  ///< Tasks enqueued by the clock.
  std::vector<EventEndpoint> events{};  ///< Paths that take CloudEvents. Their subscriptions name handlers by their number in the port.
  std::vector<EventConsumer> event_consumers{};  ///< Message consumers whose messages are CloudEvents.
  TelemetryConfig telemetry{};  ///< Traces, metrics and logs.
  Shutdown shutdown{};  ///< The drain.
  Log log{};  ///< Logging.
};
[[nodiscard]] bool operator==(const Manifest& a, const Manifest& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Manifest> manifest_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Manifest& in, NodeBuilder& out);

}  // namespace spikard::services
