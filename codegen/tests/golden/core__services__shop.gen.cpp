// Generated from spec/services/shop.yaml by codegen. Do not edit.
#include "services/shop.gen.hpp"

#include <array>
#include <utility>

#include "services/codec.hpp"
#include "services/shop_codec.gen.hpp"

namespace spikard::services {

namespace {
constexpr std::array<std::string_view, 2> colour_names{"red", "null"};
}
std::string_view name_of(Colour v) noexcept {
  return colour_names[static_cast<std::size_t>(v)];
}
std::optional<Colour> colour_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < colour_names.size(); ++i) {
    if (colour_names[i] == text) return static_cast<Colour>(i);
  }
  return std::nullopt;
}

namespace detail {

void decode(Decoder& d, Value v, Colour& out) {
  if (const auto i = d.choice(v, colour_names)) out = static_cast<Colour>(*i);
}

void decode(Decoder& d, Value v, Wheel& out) {
  static constexpr std::array<std::string_view, 2> known{"in", "spokes"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "in", true)) {
    d.integer(m.value(), out.in, 10U, 29U);
  }
  if (const auto m = d.member(v, "spokes")) {
    d.integer(m.value(), out.spokes, -1, 99);
  }
}

void encode(const Wheel& in, NodeBuilder& out) {
  static const Wheel defaults;
  out.begin_object();
  out.key("in");
  out.uinteger(in.in);
  if (!(in.spokes == defaults.spokes)) {
    out.key("spokes");
    out.integer(in.spokes);
  }
  out.end();
}

void decode(Decoder& d, Value v, Shop& out) {
  static constexpr std::array<std::string_view, 10> known{"name", "open", "colour", "colours", "tags", "wheels", "best", "by_name", "any", "limit"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "name")) {
    d.text(m.value(), out.name, 1, 20);
  }
  if (const auto m = d.member(v, "open")) {
    d.boolean(m.value(), out.open);
  }
  if (const auto m = d.member(v, "colour")) {
    decode(d, m.value(), out.colour);
  }
  if (const auto m = d.member(v, "colours")) {
    if (d.array(m.value())) {
      out.colours.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.colours.emplace_back();
        decode(d, item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "tags")) {
    if (d.array(m.value())) {
      out.tags.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.tags.emplace_back();
        d.text(item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "wheels")) {
    if (d.array(m.value())) {
      out.wheels.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.wheels.emplace_back();
        decode(d, item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "best")) {
    if (m.value().is_null()) {
      out.best.reset();
    } else {
      decode(d, m.value(), out.best.emplace());
    }
  }
  if (const auto m = d.member(v, "by_name")) {
    if (d.any_object(m.value())) {
      out.by_name.clear();
      for (const auto each : m.value().members()) {
        const auto entry = d.entry(each.value, each.key);
        auto& slot = out.by_name[std::string(each.key)];
        decode(d, entry.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "any")) {
    d.json(m.value(), out.any);
  }
  if (const auto m = d.member(v, "limit")) {
    if (m.value().is_null()) {
      out.limit.reset();
    } else {
      d.integer(m.value(), out.limit.emplace(), 0U, 18446744073709551615ULL);
    }
  }
}

void encode(const Shop& in, NodeBuilder& out) {
  static const Shop defaults;
  out.begin_object();
  if (!(in.name == defaults.name)) {
    out.key("name");
    out.string(in.name);
  }
  if (!in.open) {
    out.key("open");
    out.boolean(in.open);
  }
  if (!(in.colour == defaults.colour)) {
    out.key("colour");
    out.string(name_of(in.colour));
  }
  if (!in.colours.empty()) {
    out.key("colours");
    out.begin_array();
    for (const auto& each : in.colours) {
      out.string(name_of(each));
    }
    out.end();
  }
  if (!(in.tags == defaults.tags)) {
    out.key("tags");
    out.begin_array();
    for (const auto& each : in.tags) {
      out.string(each);
    }
    out.end();
  }
  if (!in.wheels.empty()) {
    out.key("wheels");
    out.begin_array();
    for (const auto& each : in.wheels) {
      encode(each, out);
    }
    out.end();
  }
  if (in.best.has_value()) {
    out.key("best");
    encode(*in.best, out);
  }
  if (!in.by_name.empty()) {
    out.key("by_name");
    out.begin_object();
    for (const auto& [key, each] : in.by_name) {
      out.key(key);
      encode(each, out);
    }
    out.end();
  }
  if (!in.any.empty()) {
    out.key("any");
    if (in.any.empty()) out.null();
    else out.copy(in.any.root());
  }
  if (!(in.limit == defaults.limit)) {
    out.key("limit");
    out.uinteger(*in.limit);
  }
  out.end();
}

}  // namespace detail

bool operator==(const Wheel& a, const Wheel& b) {
  return a.in == b.in &&
         a.spokes == b.spokes;
}

Result<Wheel> wheel_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Wheel out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Wheel& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const Shop& a, const Shop& b) {
  return a.name == b.name &&
         a.open == b.open &&
         a.colour == b.colour &&
         a.colours == b.colours &&
         a.tags == b.tags &&
         a.wheels == b.wheels &&
         a.best == b.best &&
         a.by_name == b.by_name &&
         detail::same(a.any, b.any) &&
         a.limit == b.limit;
}

Result<Shop> shop_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Shop out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Shop& in, NodeBuilder& out) { detail::encode(in, out); }

}  // namespace spikard::services
