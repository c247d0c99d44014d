// Generated from spec/services/tasks.yaml by codegen. Do not edit.
#include "services/tasks.gen.hpp"

#include <array>
#include <utility>

#include "services/codec.hpp"
#include "services/tasks_codec.gen.hpp"

namespace spikard::services {

namespace detail {


void decode(Decoder& d, Value v, TasksConfig& out) {
  static constexpr std::array<std::string_view, 1> known{"url"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "url")) {
    d.text(m.value(), out.url, 1);
  }
}

void encode(const TasksConfig& in, NodeBuilder& out) {
  static const TasksConfig defaults;
  out.begin_object();
  if (!(in.url == defaults.url)) {
    out.key("url");
    out.string(in.url);
  }
  out.end();
}

void decode(Decoder& d, Value v, Worker& out) {
  static constexpr std::array<std::string_view, 3> known{"name", "client", "queue"};
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
  out.end();
}

void decode(Decoder& d, Value v, Schedule& out) {
  static constexpr std::array<std::string_view, 3> known{"name", "client", "cron"};
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
  out.end();
}

}  // namespace detail

bool operator==(const TasksConfig& a, const TasksConfig& b) {
  return a.url == b.url;
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
         a.queue == b.queue;
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
         a.cron == b.cron;
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
