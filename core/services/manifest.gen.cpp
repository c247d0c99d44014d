// Generated from spec/services/manifest.yaml by codegen. Do not edit.
#include "services/manifest.gen.hpp"

#include <array>
#include <utility>

#include "services/codec.hpp"
#include "services/manifest_codec.gen.hpp"

namespace spikard::services {

namespace {
constexpr std::array<std::string_view, 2> clock_kind_names{"real", "virtual"};
}
std::string_view name_of(ClockKind v) noexcept {
  return clock_kind_names[static_cast<std::size_t>(v)];
}
std::optional<ClockKind> clock_kind_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < clock_kind_names.size(); ++i) {
    if (clock_kind_names[i] == text) return static_cast<ClockKind>(i);
  }
  return std::nullopt;
}

namespace {
constexpr std::array<std::string_view, 2> drive_names{"inline", "thread"};
}
std::string_view name_of(Drive v) noexcept {
  return drive_names[static_cast<std::size_t>(v)];
}
std::optional<Drive> drive_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < drive_names.size(); ++i) {
    if (drive_names[i] == text) return static_cast<Drive>(i);
  }
  return std::nullopt;
}

namespace {
constexpr std::array<std::string_view, 4> role_names{"web", "consumer", "worker", "scheduler"};
}
std::string_view name_of(Role v) noexcept {
  return role_names[static_cast<std::size_t>(v)];
}
std::optional<Role> role_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < role_names.size(); ++i) {
    if (role_names[i] == text) return static_cast<Role>(i);
  }
  return std::nullopt;
}

namespace {
constexpr std::array<std::string_view, 2> log_format_names{"json", "human"};
}
std::string_view name_of(LogFormat v) noexcept {
  return log_format_names[static_cast<std::size_t>(v)];
}
std::optional<LogFormat> log_format_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < log_format_names.size(); ++i) {
    if (log_format_names[i] == text) return static_cast<LogFormat>(i);
  }
  return std::nullopt;
}

namespace {
constexpr std::array<std::string_view, 6> log_level_names{"trace", "debug", "info", "warn", "error", "off"};
}
std::string_view name_of(LogLevel v) noexcept {
  return log_level_names[static_cast<std::size_t>(v)];
}
std::optional<LogLevel> log_level_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < log_level_names.size(); ++i) {
    if (log_level_names[i] == text) return static_cast<LogLevel>(i);
  }
  return std::nullopt;
}

namespace detail {

void decode(Decoder& d, Value v, ClockKind& out) {
  if (const auto i = d.choice(v, clock_kind_names)) out = static_cast<ClockKind>(*i);
}
void decode(Decoder& d, Value v, Drive& out) {
  if (const auto i = d.choice(v, drive_names)) out = static_cast<Drive>(*i);
}
void decode(Decoder& d, Value v, Role& out) {
  if (const auto i = d.choice(v, role_names)) out = static_cast<Role>(*i);
}
void decode(Decoder& d, Value v, LogFormat& out) {
  if (const auto i = d.choice(v, log_format_names)) out = static_cast<LogFormat>(*i);
}
void decode(Decoder& d, Value v, LogLevel& out) {
  if (const auto i = d.choice(v, log_level_names)) out = static_cast<LogLevel>(*i);
}

void decode(Decoder& d, Value v, Shutdown& out) {
  static constexpr std::array<std::string_view, 4> known{"delay_ms", "timeout_ms", "cleanup_ms", "flush_ms"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "delay_ms")) {
    d.integer(m.value(), out.delay_ms, 0U, 3600000U);
  }
  if (const auto m = d.member(v, "timeout_ms")) {
    d.integer(m.value(), out.timeout_ms, 0U, 3600000U);
  }
  if (const auto m = d.member(v, "cleanup_ms")) {
    d.integer(m.value(), out.cleanup_ms, 0U, 3600000U);
  }
  if (const auto m = d.member(v, "flush_ms")) {
    d.integer(m.value(), out.flush_ms, 0U, 3600000U);
  }
}

void encode(const Shutdown& in, NodeBuilder& out) {
  static const Shutdown defaults;
  out.begin_object();
  if (!(in.delay_ms == defaults.delay_ms)) {
    out.key("delay_ms");
    out.uinteger(in.delay_ms);
  }
  if (!(in.timeout_ms == defaults.timeout_ms)) {
    out.key("timeout_ms");
    out.uinteger(in.timeout_ms);
  }
  if (!(in.cleanup_ms == defaults.cleanup_ms)) {
    out.key("cleanup_ms");
    out.uinteger(in.cleanup_ms);
  }
  if (!(in.flush_ms == defaults.flush_ms)) {
    out.key("flush_ms");
    out.uinteger(in.flush_ms);
  }
  out.end();
}

void decode(Decoder& d, Value v, Log& out) {
  static constexpr std::array<std::string_view, 2> known{"format", "level"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "format")) {
    decode(d, m.value(), out.format);
  }
  if (const auto m = d.member(v, "level")) {
    decode(d, m.value(), out.level);
  }
}

void encode(const Log& in, NodeBuilder& out) {
  static const Log defaults;
  out.begin_object();
  if (!(in.format == defaults.format)) {
    out.key("format");
    out.string(name_of(in.format));
  }
  if (!(in.level == defaults.level)) {
    out.key("level");
    out.string(name_of(in.level));
  }
  out.end();
}

void decode(Decoder& d, Value v, Services& out) {
  static constexpr std::array<std::string_view, 6> known{"cache", "storage", "db", "messaging", "tasks", "events"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "cache")) {
    if (d.any_object(m.value())) {
      out.cache.clear();
      for (const auto each : m.value().members()) {
        const auto entry = d.entry(each.value, each.key);
        auto& slot = out.cache[std::string(each.key)];
        decode(d, entry.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "storage")) {
    if (d.any_object(m.value())) {
      out.storage.clear();
      for (const auto each : m.value().members()) {
        const auto entry = d.entry(each.value, each.key);
        auto& slot = out.storage[std::string(each.key)];
        decode(d, entry.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "db")) {
    if (d.any_object(m.value())) {
      out.db.clear();
      for (const auto each : m.value().members()) {
        const auto entry = d.entry(each.value, each.key);
        auto& slot = out.db[std::string(each.key)];
        decode(d, entry.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "messaging")) {
    if (d.any_object(m.value())) {
      out.messaging.clear();
      for (const auto each : m.value().members()) {
        const auto entry = d.entry(each.value, each.key);
        auto& slot = out.messaging[std::string(each.key)];
        decode(d, entry.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "tasks")) {
    if (d.any_object(m.value())) {
      out.tasks.clear();
      for (const auto each : m.value().members()) {
        const auto entry = d.entry(each.value, each.key);
        auto& slot = out.tasks[std::string(each.key)];
        decode(d, entry.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "events")) {
    if (d.any_object(m.value())) {
      out.events.clear();
      for (const auto each : m.value().members()) {
        const auto entry = d.entry(each.value, each.key);
        auto& slot = out.events[std::string(each.key)];
        decode(d, entry.value(), slot);
      }
    }
  }
}

void encode(const Services& in, NodeBuilder& out) {
  out.begin_object();
  if (!in.cache.empty()) {
    out.key("cache");
    out.begin_object();
    for (const auto& [key, each] : in.cache) {
      out.key(key);
      encode(each, out);
    }
    out.end();
  }
  if (!in.storage.empty()) {
    out.key("storage");
    out.begin_object();
    for (const auto& [key, each] : in.storage) {
      out.key(key);
      encode(each, out);
    }
    out.end();
  }
  if (!in.db.empty()) {
    out.key("db");
    out.begin_object();
    for (const auto& [key, each] : in.db) {
      out.key(key);
      encode(each, out);
    }
    out.end();
  }
  if (!in.messaging.empty()) {
    out.key("messaging");
    out.begin_object();
    for (const auto& [key, each] : in.messaging) {
      out.key(key);
      encode(each, out);
    }
    out.end();
  }
  if (!in.tasks.empty()) {
    out.key("tasks");
    out.begin_object();
    for (const auto& [key, each] : in.tasks) {
      out.key(key);
      encode(each, out);
    }
    out.end();
  }
  if (!in.events.empty()) {
    out.key("events");
    out.begin_object();
    for (const auto& [key, each] : in.events) {
      out.key(key);
      encode(each, out);
    }
    out.end();
  }
  out.end();
}

void decode(Decoder& d, Value v, Manifest& out) {
  static constexpr std::array<std::string_view, 18> known{"name", "clock", "io_threads", "drive", "handle_signals", "http", "roles", "in_memory_stores", "faults", "services", "consumers", "workers", "schedules", "events", "event_consumers", "telemetry", "shutdown", "log"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "name")) {
    d.text(m.value(), out.name, 1, 128);
  }
  if (const auto m = d.member(v, "clock")) {
    decode(d, m.value(), out.clock);
  }
  if (const auto m = d.member(v, "io_threads")) {
    d.integer(m.value(), out.io_threads, 1U, 1024U);
  }
  if (const auto m = d.member(v, "drive")) {
    decode(d, m.value(), out.drive);
  }
  if (const auto m = d.member(v, "handle_signals")) {
    d.boolean(m.value(), out.handle_signals);
  }
  if (const auto m = d.member(v, "http")) {
    if (m.value().is_null()) {
      out.http.reset();
    } else {
      decode(d, m.value(), out.http.emplace());
    }
  }
  if (const auto m = d.member(v, "roles")) {
    if (d.array(m.value())) {
      out.roles.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.roles.emplace_back();
        decode(d, item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "in_memory_stores")) {
    d.boolean(m.value(), out.in_memory_stores);
  }
  if (const auto m = d.member(v, "faults")) {
    if (m.value().is_null()) {
      out.faults.reset();
    } else {
      decode(d, m.value(), out.faults.emplace());
    }
  }
  if (const auto m = d.member(v, "services")) {
    decode(d, m.value(), out.services);
  }
  if (const auto m = d.member(v, "consumers")) {
    if (d.array(m.value())) {
      out.consumers.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.consumers.emplace_back();
        decode(d, item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "workers")) {
    if (d.array(m.value())) {
      out.workers.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.workers.emplace_back();
        decode(d, item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "schedules")) {
    if (d.array(m.value())) {
      out.schedules.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.schedules.emplace_back();
        decode(d, item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "events")) {
    if (d.array(m.value())) {
      out.events.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.events.emplace_back();
        decode(d, item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "event_consumers")) {
    if (d.array(m.value())) {
      out.event_consumers.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.event_consumers.emplace_back();
        decode(d, item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "telemetry")) {
    decode(d, m.value(), out.telemetry);
  }
  if (const auto m = d.member(v, "shutdown")) {
    decode(d, m.value(), out.shutdown);
  }
  if (const auto m = d.member(v, "log")) {
    decode(d, m.value(), out.log);
  }
}

void encode(const Manifest& in, NodeBuilder& out) {
  static const Manifest defaults;
  out.begin_object();
  if (!(in.name == defaults.name)) {
    out.key("name");
    out.string(in.name);
  }
  if (!(in.clock == defaults.clock)) {
    out.key("clock");
    out.string(name_of(in.clock));
  }
  if (!(in.io_threads == defaults.io_threads)) {
    out.key("io_threads");
    out.uinteger(in.io_threads);
  }
  if (!(in.drive == defaults.drive)) {
    out.key("drive");
    out.string(name_of(in.drive));
  }
  if (!in.handle_signals) {
    out.key("handle_signals");
    out.boolean(in.handle_signals);
  }
  if (in.http.has_value()) {
    out.key("http");
    encode(*in.http, out);
  }
  if (!in.roles.empty()) {
    out.key("roles");
    out.begin_array();
    for (const auto& each : in.roles) {
      out.string(name_of(each));
    }
    out.end();
  }
  if (in.in_memory_stores) {
    out.key("in_memory_stores");
    out.boolean(in.in_memory_stores);
  }
  if (in.faults.has_value()) {
    out.key("faults");
    encode(*in.faults, out);
  }
  if (!(in.services == defaults.services)) {
    out.key("services");
    encode(in.services, out);
  }
  if (!in.consumers.empty()) {
    out.key("consumers");
    out.begin_array();
    for (const auto& each : in.consumers) {
      encode(each, out);
    }
    out.end();
  }
  if (!in.workers.empty()) {
    out.key("workers");
    out.begin_array();
    for (const auto& each : in.workers) {
      encode(each, out);
    }
    out.end();
  }
  if (!in.schedules.empty()) {
    out.key("schedules");
    out.begin_array();
    for (const auto& each : in.schedules) {
      encode(each, out);
    }
    out.end();
  }
  if (!in.events.empty()) {
    out.key("events");
    out.begin_array();
    for (const auto& each : in.events) {
      encode(each, out);
    }
    out.end();
  }
  if (!in.event_consumers.empty()) {
    out.key("event_consumers");
    out.begin_array();
    for (const auto& each : in.event_consumers) {
      encode(each, out);
    }
    out.end();
  }
  if (!(in.telemetry == defaults.telemetry)) {
    out.key("telemetry");
    encode(in.telemetry, out);
  }
  if (!(in.shutdown == defaults.shutdown)) {
    out.key("shutdown");
    encode(in.shutdown, out);
  }
  if (!(in.log == defaults.log)) {
    out.key("log");
    encode(in.log, out);
  }
  out.end();
}

}  // namespace detail

bool operator==(const Shutdown& a, const Shutdown& b) {
  return a.delay_ms == b.delay_ms &&
         a.timeout_ms == b.timeout_ms &&
         a.cleanup_ms == b.cleanup_ms &&
         a.flush_ms == b.flush_ms;
}

Result<Shutdown> shutdown_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Shutdown out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Shutdown& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const Log& a, const Log& b) {
  return a.format == b.format &&
         a.level == b.level;
}

Result<Log> log_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Log out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Log& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const Services& a, const Services& b) {
  return a.cache == b.cache &&
         a.storage == b.storage &&
         a.db == b.db &&
         a.messaging == b.messaging &&
         a.tasks == b.tasks &&
         a.events == b.events;
}

Result<Services> services_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Services out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Services& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const Manifest& a, const Manifest& b) {
  return a.name == b.name &&
         a.clock == b.clock &&
         a.io_threads == b.io_threads &&
         a.drive == b.drive &&
         a.handle_signals == b.handle_signals &&
         a.http == b.http &&
         a.roles == b.roles &&
         a.in_memory_stores == b.in_memory_stores &&
         a.faults == b.faults &&
         a.services == b.services &&
         a.consumers == b.consumers &&
         a.workers == b.workers &&
         a.schedules == b.schedules &&
         a.events == b.events &&
         a.event_consumers == b.event_consumers &&
         a.telemetry == b.telemetry &&
         a.shutdown == b.shutdown &&
         a.log == b.log;
}

Result<Manifest> manifest_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Manifest out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Manifest& in, NodeBuilder& out) { detail::encode(in, out); }

}  // namespace spikard::services
