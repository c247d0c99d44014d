// Generated from spec/services/tasks.yaml by codegen. Do not edit.
#include "services/tasks.gen.hpp"

#include <array>
#include <utility>

#include "services/codec.hpp"
#include "services/tasks_codec.gen.hpp"

namespace spikard::services {

namespace {
constexpr std::array<std::string_view, 3> misfire_names{"skip", "once", "all"};
}
std::string_view name_of(Misfire v) noexcept {
  return misfire_names[static_cast<std::size_t>(v)];
}
std::optional<Misfire> misfire_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < misfire_names.size(); ++i) {
    if (misfire_names[i] == text) return static_cast<Misfire>(i);
  }
  return std::nullopt;
}

namespace {
constexpr std::array<std::string_view, 2> overlap_names{"allow", "forbid"};
}
std::string_view name_of(Overlap v) noexcept {
  return overlap_names[static_cast<std::size_t>(v)];
}
std::optional<Overlap> overlap_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < overlap_names.size(); ++i) {
    if (overlap_names[i] == text) return static_cast<Overlap>(i);
  }
  return std::nullopt;
}

namespace detail {

void decode(Decoder& d, Value v, Misfire& out) {
  if (const auto i = d.choice(v, misfire_names)) out = static_cast<Misfire>(*i);
}
void decode(Decoder& d, Value v, Overlap& out) {
  if (const auto i = d.choice(v, overlap_names)) out = static_cast<Overlap>(*i);
}

void decode(Decoder& d, Value v, TasksConfig& out) {
  static constexpr std::array<std::string_view, 4> known{"url", "retention_ms", "failed_retention_ms", "poll_ms"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "url")) {
    d.text(m.value(), out.url, 1);
  }
  if (const auto m = d.member(v, "retention_ms")) {
    d.integer(m.value(), out.retention_ms, 1U, 18446744073709551615ULL);
  }
  if (const auto m = d.member(v, "failed_retention_ms")) {
    d.integer(m.value(), out.failed_retention_ms, 1U, 18446744073709551615ULL);
  }
  if (const auto m = d.member(v, "poll_ms")) {
    d.integer(m.value(), out.poll_ms, 5U, 60000U);
  }
}

void encode(const TasksConfig& in, NodeBuilder& out) {
  static const TasksConfig defaults;
  out.begin_object();
  if (!(in.url == defaults.url)) {
    out.key("url");
    out.string(in.url);
  }
  if (!(in.retention_ms == defaults.retention_ms)) {
    out.key("retention_ms");
    out.uinteger(in.retention_ms);
  }
  if (!(in.failed_retention_ms == defaults.failed_retention_ms)) {
    out.key("failed_retention_ms");
    out.uinteger(in.failed_retention_ms);
  }
  if (!(in.poll_ms == defaults.poll_ms)) {
    out.key("poll_ms");
    out.uinteger(in.poll_ms);
  }
  out.end();
}

void decode(Decoder& d, Value v, Worker& out) {
  static constexpr std::array<std::string_view, 7> known{"name", "client", "queue", "concurrency", "lease_ms", "timeout_ms", "tasks"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "name", true)) {
    d.text(m.value(), out.name, 1, 128);
  }
  if (const auto m = d.member(v, "client")) {
    d.text(m.value(), out.client, 1);
  }
  if (const auto m = d.member(v, "queue")) {
    d.text(m.value(), out.queue, 1);
  }
  if (const auto m = d.member(v, "concurrency")) {
    d.integer(m.value(), out.concurrency, 1U, 65536U);
  }
  if (const auto m = d.member(v, "lease_ms")) {
    d.integer(m.value(), out.lease_ms, 100U, 86400000U);
  }
  if (const auto m = d.member(v, "timeout_ms")) {
    if (m.value().is_null()) {
      out.timeout_ms.reset();
    } else {
      d.integer(m.value(), out.timeout_ms.emplace(), 1U, 4294967295U);
    }
  }
  if (const auto m = d.member(v, "tasks")) {
    if (d.array(m.value())) {
      out.tasks.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.tasks.emplace_back();
        d.text(item.value(), slot);
      }
    }
  }
}

void encode(const Worker& in, NodeBuilder& out) {
  static const Worker defaults;
  out.begin_object();
  out.key("name");
  out.string(in.name);
  if (!(in.client == defaults.client)) {
    out.key("client");
    out.string(in.client);
  }
  if (!(in.queue == defaults.queue)) {
    out.key("queue");
    out.string(in.queue);
  }
  if (!(in.concurrency == defaults.concurrency)) {
    out.key("concurrency");
    out.uinteger(in.concurrency);
  }
  if (!(in.lease_ms == defaults.lease_ms)) {
    out.key("lease_ms");
    out.uinteger(in.lease_ms);
  }
  if (in.timeout_ms.has_value()) {
    out.key("timeout_ms");
    out.uinteger(*in.timeout_ms);
  }
  if (!in.tasks.empty()) {
    out.key("tasks");
    out.begin_array();
    for (const auto& each : in.tasks) {
      out.string(each);
    }
    out.end();
  }
  out.end();
}

void decode(Decoder& d, Value v, Schedule& out) {
  static constexpr std::array<std::string_view, 12> known{"name", "client", "cron", "timezone", "queue", "task", "args", "priority", "max_attempts", "timeout_ms", "misfire", "overlap"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "name", true)) {
    d.text(m.value(), out.name, 1, 128);
  }
  if (const auto m = d.member(v, "client")) {
    d.text(m.value(), out.client, 1);
  }
  if (const auto m = d.member(v, "cron", true)) {
    d.text(m.value(), out.cron, 1);
  }
  if (const auto m = d.member(v, "timezone")) {
    d.text(m.value(), out.timezone, 1);
  }
  if (const auto m = d.member(v, "queue")) {
    d.text(m.value(), out.queue, 1, 255);
  }
  if (const auto m = d.member(v, "task")) {
    d.text(m.value(), out.task, 0, 255);
  }
  if (const auto m = d.member(v, "args")) {
    d.json(m.value(), out.args);
  }
  if (const auto m = d.member(v, "priority")) {
    d.integer(m.value(), out.priority, -2147483648, 2147483647);
  }
  if (const auto m = d.member(v, "max_attempts")) {
    d.integer(m.value(), out.max_attempts, 1U, 1000000U);
  }
  if (const auto m = d.member(v, "timeout_ms")) {
    if (m.value().is_null()) {
      out.timeout_ms.reset();
    } else {
      d.integer(m.value(), out.timeout_ms.emplace(), 1U, 4294967295U);
    }
  }
  if (const auto m = d.member(v, "misfire")) {
    decode(d, m.value(), out.misfire);
  }
  if (const auto m = d.member(v, "overlap")) {
    decode(d, m.value(), out.overlap);
  }
}

void encode(const Schedule& in, NodeBuilder& out) {
  static const Schedule defaults;
  out.begin_object();
  out.key("name");
  out.string(in.name);
  if (!(in.client == defaults.client)) {
    out.key("client");
    out.string(in.client);
  }
  out.key("cron");
  out.string(in.cron);
  if (!(in.timezone == defaults.timezone)) {
    out.key("timezone");
    out.string(in.timezone);
  }
  if (!(in.queue == defaults.queue)) {
    out.key("queue");
    out.string(in.queue);
  }
  if (!in.task.empty()) {
    out.key("task");
    out.string(in.task);
  }
  if (!in.args.empty()) {
    out.key("args");
    if (in.args.empty()) out.null();
    else out.copy(in.args.root());
  }
  if (!(in.priority == defaults.priority)) {
    out.key("priority");
    out.integer(in.priority);
  }
  if (!(in.max_attempts == defaults.max_attempts)) {
    out.key("max_attempts");
    out.uinteger(in.max_attempts);
  }
  if (in.timeout_ms.has_value()) {
    out.key("timeout_ms");
    out.uinteger(*in.timeout_ms);
  }
  if (!(in.misfire == defaults.misfire)) {
    out.key("misfire");
    out.string(name_of(in.misfire));
  }
  if (!(in.overlap == defaults.overlap)) {
    out.key("overlap");
    out.string(name_of(in.overlap));
  }
  out.end();
}

}  // namespace detail

bool operator==(const TasksConfig& a, const TasksConfig& b) {
  return a.url == b.url &&
         a.retention_ms == b.retention_ms &&
         a.failed_retention_ms == b.failed_retention_ms &&
         a.poll_ms == b.poll_ms;
}

Result<TasksConfig> tasks_config_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  TasksConfig out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const TasksConfig& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const Worker& a, const Worker& b) {
  return a.name == b.name &&
         a.client == b.client &&
         a.queue == b.queue &&
         a.concurrency == b.concurrency &&
         a.lease_ms == b.lease_ms &&
         a.timeout_ms == b.timeout_ms &&
         a.tasks == b.tasks;
}

Result<Worker> worker_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Worker out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Worker& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const Schedule& a, const Schedule& b) {
  return a.name == b.name &&
         a.client == b.client &&
         a.cron == b.cron &&
         a.timezone == b.timezone &&
         a.queue == b.queue &&
         a.task == b.task &&
         detail::same(a.args, b.args) &&
         a.priority == b.priority &&
         a.max_attempts == b.max_attempts &&
         a.timeout_ms == b.timeout_ms &&
         a.misfire == b.misfire &&
         a.overlap == b.overlap;
}

Result<Schedule> schedule_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Schedule out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Schedule& in, NodeBuilder& out) { detail::encode(in, out); }

}  // namespace spikard::services
