// Generated from spec/services/faults.yaml by codegen. Do not edit.
#include "services/faults.gen.hpp"

#include <array>
#include <utility>

#include "services/codec.hpp"
#include "services/faults_codec.gen.hpp"

namespace spikard::services {

namespace {
constexpr std::array<std::string_view, 5> faulty_clients_names{"cache", "storage", "db", "messaging", "tasks"};
}
std::string_view name_of(FaultyClients v) noexcept {
  return faulty_clients_names[static_cast<std::size_t>(v)];
}
std::optional<FaultyClients> faulty_clients_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < faulty_clients_names.size(); ++i) {
    if (faulty_clients_names[i] == text) return static_cast<FaultyClients>(i);
  }
  return std::nullopt;
}

namespace detail {

void decode(Decoder& d, Value v, FaultyClients& out) {
  if (const auto i = d.choice(v, faulty_clients_names)) out = static_cast<FaultyClients>(*i);
}

void decode(Decoder& d, Value v, Faults& out) {
  static constexpr std::array<std::string_view, 7> known{"seed", "unavailable", "lost_answer", "delay", "delay_ms", "repeated", "only"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "seed")) {
    d.integer(m.value(), out.seed, 0U, 18446744073709551615ULL);
  }
  if (const auto m = d.member(v, "unavailable")) {
    d.json(m.value(), out.unavailable);
  }
  if (const auto m = d.member(v, "lost_answer")) {
    d.json(m.value(), out.lost_answer);
  }
  if (const auto m = d.member(v, "delay")) {
    d.json(m.value(), out.delay);
  }
  if (const auto m = d.member(v, "delay_ms")) {
    d.integer(m.value(), out.delay_ms, 1U, 3600000U);
  }
  if (const auto m = d.member(v, "repeated")) {
    d.json(m.value(), out.repeated);
  }
  if (const auto m = d.member(v, "only")) {
    if (d.array(m.value())) {
      out.only.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.only.emplace_back();
        decode(d, item.value(), slot);
      }
    }
  }
}

void encode(const Faults& in, NodeBuilder& out) {
  static const Faults defaults;
  out.begin_object();
  if (!(in.seed == defaults.seed)) {
    out.key("seed");
    out.uinteger(in.seed);
  }
  if (!in.unavailable.empty()) {
    out.key("unavailable");
    if (in.unavailable.empty()) out.null();
    else out.copy(in.unavailable.root());
  }
  if (!in.lost_answer.empty()) {
    out.key("lost_answer");
    if (in.lost_answer.empty()) out.null();
    else out.copy(in.lost_answer.root());
  }
  if (!in.delay.empty()) {
    out.key("delay");
    if (in.delay.empty()) out.null();
    else out.copy(in.delay.root());
  }
  if (!(in.delay_ms == defaults.delay_ms)) {
    out.key("delay_ms");
    out.uinteger(in.delay_ms);
  }
  if (!in.repeated.empty()) {
    out.key("repeated");
    if (in.repeated.empty()) out.null();
    else out.copy(in.repeated.root());
  }
  if (!in.only.empty()) {
    out.key("only");
    out.begin_array();
    for (const auto& each : in.only) {
      out.string(name_of(each));
    }
    out.end();
  }
  out.end();
}

}  // namespace detail

bool operator==(const Faults& a, const Faults& b) {
  return a.seed == b.seed &&
         detail::same(a.unavailable, b.unavailable) &&
         detail::same(a.lost_answer, b.lost_answer) &&
         detail::same(a.delay, b.delay) &&
         a.delay_ms == b.delay_ms &&
         detail::same(a.repeated, b.repeated) &&
         a.only == b.only;
}

Result<Faults> faults_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Faults out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Faults& in, NodeBuilder& out) { detail::encode(in, out); }

}  // namespace spikard::services
