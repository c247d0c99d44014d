// Generated from spec/services/cloudevents.yaml by codegen. Do not edit.
#include "services/cloudevents.gen.hpp"

#include <array>
#include <utility>

#include "services/codec.hpp"
#include "services/cloudevents_codec.gen.hpp"

namespace spikard::services {

namespace detail {


void decode(Decoder& d, Value v, EventEndpoint& out) {
  static constexpr std::array<std::string_view, 1> known{"path"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "path", true)) {
    d.text(m.value(), out.path, 1);
  }
}

void encode(const EventEndpoint& in, NodeBuilder& out) {
  out.begin_object();
  out.key("path");
  out.string(in.path);
  out.end();
}

}  // namespace detail

bool operator==(const EventEndpoint& a, const EventEndpoint& b) {
  return a.path == b.path;
}

Result<EventEndpoint> event_endpoint_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  EventEndpoint out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const EventEndpoint& in, NodeBuilder& out) { detail::encode(in, out); }

}  // namespace spikard::services
