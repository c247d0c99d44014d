// Generated from spec/services/messaging.yaml by codegen. Do not edit.
#include "services/messaging.gen.hpp"

#include <array>
#include <utility>

#include "services/codec.hpp"
#include "services/messaging_codec.gen.hpp"

namespace spikard::services {

namespace detail {


void decode(Decoder& d, Value v, MessagingConfig& out) {
  static constexpr std::array<std::string_view, 1> known{"url"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "url")) {
    d.text(m.value(), out.url, 1);
  }
}

void encode(const MessagingConfig& in, NodeBuilder& out) {
  static const MessagingConfig defaults;
  out.begin_object();
  if (!(in.url == defaults.url)) {
    out.key("url");
    out.string(in.url);
  }
  out.end();
}

void decode(Decoder& d, Value v, Consumer& out) {
  static constexpr std::array<std::string_view, 3> known{"name", "client", "topic"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "name", true)) {
    d.text(m.value(), out.name, 1, 128);
  }
  if (const auto m = d.member(v, "client")) {
    d.text(m.value(), out.client, 1);
  }
  if (const auto m = d.member(v, "topic", true)) {
    d.text(m.value(), out.topic, 1);
  }
}

void encode(const Consumer& in, NodeBuilder& out) {
  static const Consumer defaults;
  out.begin_object();
  out.key("name");
  out.string(in.name);
  if (!(in.client == defaults.client)) {
    out.key("client");
    out.string(in.client);
  }
  out.key("topic");
  out.string(in.topic);
  out.end();
}

}  // namespace detail

bool operator==(const MessagingConfig& a, const MessagingConfig& b) {
  return a.url == b.url;
}

Result<MessagingConfig> messaging_config_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  MessagingConfig out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const MessagingConfig& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const Consumer& a, const Consumer& b) {
  return a.name == b.name &&
         a.client == b.client &&
         a.topic == b.topic;
}

Result<Consumer> consumer_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Consumer out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Consumer& in, NodeBuilder& out) { detail::encode(in, out); }

}  // namespace spikard::services
