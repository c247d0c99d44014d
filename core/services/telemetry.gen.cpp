// Generated from spec/services/telemetry.yaml by codegen. Do not edit.
#include "services/telemetry.gen.hpp"

#include <array>
#include <utility>

#include "services/codec.hpp"
#include "services/telemetry_codec.gen.hpp"

namespace spikard::services {

namespace detail {


void decode(Decoder& d, Value v, TelemetryConfig& out) {
  static constexpr std::array<std::string_view, 1> known{"service_name"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "service_name")) {
    if (m.value().is_null()) {
      out.service_name.reset();
    } else {
      d.text(m.value(), out.service_name.emplace());
    }
  }
}

void encode(const TelemetryConfig& in, NodeBuilder& out) {
  out.begin_object();
  if (in.service_name.has_value()) {
    out.key("service_name");
    out.string(*in.service_name);
  }
  out.end();
}

}  // namespace detail

bool operator==(const TelemetryConfig& a, const TelemetryConfig& b) {
  return a.service_name == b.service_name;
}

Result<TelemetryConfig> telemetry_config_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  TelemetryConfig out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const TelemetryConfig& in, NodeBuilder& out) { detail::encode(in, out); }

}  // namespace spikard::services
