// Generated from spec/services/messaging.yaml by codegen. Do not edit.
#include "services/messaging.gen.hpp"

#include <array>
#include <utility>

#include "services/codec.hpp"
#include "services/messaging_codec.gen.hpp"

namespace spikard::services {

namespace {
constexpr std::array<std::string_view, 4> topic_style_names{"auto", "nats", "mqtt", "amqp"};
}
std::string_view name_of(TopicStyle v) noexcept {
  return topic_style_names[static_cast<std::size_t>(v)];
}
std::optional<TopicStyle> topic_style_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < topic_style_names.size(); ++i) {
    if (topic_style_names[i] == text) return static_cast<TopicStyle>(i);
  }
  return std::nullopt;
}

namespace {
constexpr std::array<std::string_view, 2> start_from_names{"latest", "earliest"};
}
std::string_view name_of(StartFrom v) noexcept {
  return start_from_names[static_cast<std::size_t>(v)];
}
std::optional<StartFrom> start_from_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < start_from_names.size(); ++i) {
    if (start_from_names[i] == text) return static_cast<StartFrom>(i);
  }
  return std::nullopt;
}

namespace {
constexpr std::array<std::string_view, 2> backoff_kind_names{"exponential", "constant"};
}
std::string_view name_of(BackoffKind v) noexcept {
  return backoff_kind_names[static_cast<std::size_t>(v)];
}
std::optional<BackoffKind> backoff_kind_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < backoff_kind_names.size(); ++i) {
    if (backoff_kind_names[i] == text) return static_cast<BackoffKind>(i);
  }
  return std::nullopt;
}

namespace detail {

void decode(Decoder& d, Value v, TopicStyle& out) {
  if (const auto i = d.choice(v, topic_style_names)) out = static_cast<TopicStyle>(*i);
}
void decode(Decoder& d, Value v, StartFrom& out) {
  if (const auto i = d.choice(v, start_from_names)) out = static_cast<StartFrom>(*i);
}
void decode(Decoder& d, Value v, BackoffKind& out) {
  if (const auto i = d.choice(v, backoff_kind_names)) out = static_cast<BackoffKind>(*i);
}

void decode(Decoder& d, Value v, MessagingConfig& out) {
  static constexpr std::array<std::string_view, 7> known{"url", "store", "topics", "max_message_bytes", "max_bytes", "retention_ms", "poll_ms"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "url")) {
    d.text(m.value(), out.url, 1);
  }
  if (const auto m = d.member(v, "store")) {
    d.text(m.value(), out.store, 1);
  }
  if (const auto m = d.member(v, "topics")) {
    decode(d, m.value(), out.topics);
  }
  if (const auto m = d.member(v, "max_message_bytes")) {
    d.integer(m.value(), out.max_message_bytes, 1024U, 67108864U);
  }
  if (const auto m = d.member(v, "max_bytes")) {
    d.integer(m.value(), out.max_bytes, 1048576U, 18446744073709551615ULL);
  }
  if (const auto m = d.member(v, "retention_ms")) {
    d.integer(m.value(), out.retention_ms, 0U, 3155760000000ULL);
  }
  if (const auto m = d.member(v, "poll_ms")) {
    d.integer(m.value(), out.poll_ms, 1U, 60000U);
  }
}

void encode(const MessagingConfig& in, NodeBuilder& out) {
  static const MessagingConfig defaults;
  out.begin_object();
  if (!(in.url == defaults.url)) {
    out.key("url");
    out.string(in.url);
  }
  if (!(in.store == defaults.store)) {
    out.key("store");
    out.string(in.store);
  }
  if (!(in.topics == defaults.topics)) {
    out.key("topics");
    out.string(name_of(in.topics));
  }
  if (!(in.max_message_bytes == defaults.max_message_bytes)) {
    out.key("max_message_bytes");
    out.uinteger(in.max_message_bytes);
  }
  if (!(in.max_bytes == defaults.max_bytes)) {
    out.key("max_bytes");
    out.uinteger(in.max_bytes);
  }
  if (!(in.retention_ms == defaults.retention_ms)) {
    out.key("retention_ms");
    out.uinteger(in.retention_ms);
  }
  if (!(in.poll_ms == defaults.poll_ms)) {
    out.key("poll_ms");
    out.uinteger(in.poll_ms);
  }
  out.end();
}

void decode(Decoder& d, Value v, Backoff& out) {
  static constexpr std::array<std::string_view, 5> known{"kind", "initial_ms", "factor", "max_ms", "jitter_percent"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "kind")) {
    decode(d, m.value(), out.kind);
  }
  if (const auto m = d.member(v, "initial_ms")) {
    d.integer(m.value(), out.initial_ms, 0U, 86400000U);
  }
  if (const auto m = d.member(v, "factor")) {
    d.json(m.value(), out.factor);
  }
  if (const auto m = d.member(v, "max_ms")) {
    d.integer(m.value(), out.max_ms, 0U, 604800000U);
  }
  if (const auto m = d.member(v, "jitter_percent")) {
    d.integer(m.value(), out.jitter_percent, 0U, 100U);
  }
}

void encode(const Backoff& in, NodeBuilder& out) {
  static const Backoff defaults;
  out.begin_object();
  if (!(in.kind == defaults.kind)) {
    out.key("kind");
    out.string(name_of(in.kind));
  }
  if (!(in.initial_ms == defaults.initial_ms)) {
    out.key("initial_ms");
    out.uinteger(in.initial_ms);
  }
  if (!in.factor.empty()) {
    out.key("factor");
    if (in.factor.empty()) out.null();
    else out.copy(in.factor.root());
  }
  if (!(in.max_ms == defaults.max_ms)) {
    out.key("max_ms");
    out.uinteger(in.max_ms);
  }
  if (!(in.jitter_percent == defaults.jitter_percent)) {
    out.key("jitter_percent");
    out.uinteger(in.jitter_percent);
  }
  out.end();
}

void decode(Decoder& d, Value v, Consumer& out) {
  static constexpr std::array<std::string_view, 14> known{"name", "client", "topic", "group", "concurrency", "max_in_flight", "ordered", "max_retries", "backoff", "dead_letter", "ack_wait_ms", "handler_timeout_ms", "start_from", "schema"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "name", true)) {
    d.text(m.value(), out.name, 1, 128);
  }
  if (const auto m = d.member(v, "client")) {
    d.text(m.value(), out.client, 1);
  }
  if (const auto m = d.member(v, "topic", true)) {
    d.text(m.value(), out.topic, 1, 255);
  }
  if (const auto m = d.member(v, "group")) {
    d.text(m.value(), out.group, 0, 128);
  }
  if (const auto m = d.member(v, "concurrency")) {
    d.integer(m.value(), out.concurrency, 1U, 65536U);
  }
  if (const auto m = d.member(v, "max_in_flight")) {
    d.integer(m.value(), out.max_in_flight, 0U, 1048576U);
  }
  if (const auto m = d.member(v, "ordered")) {
    d.boolean(m.value(), out.ordered);
  }
  if (const auto m = d.member(v, "max_retries")) {
    d.integer(m.value(), out.max_retries, 0U, 1000000U);
  }
  if (const auto m = d.member(v, "backoff")) {
    decode(d, m.value(), out.backoff);
  }
  if (const auto m = d.member(v, "dead_letter")) {
    if (m.value().is_null()) {
      out.dead_letter.reset();
    } else {
      d.text(m.value(), out.dead_letter.emplace(), 1, 255);
    }
  }
  if (const auto m = d.member(v, "ack_wait_ms")) {
    d.integer(m.value(), out.ack_wait_ms, 100U, 86400000U);
  }
  if (const auto m = d.member(v, "handler_timeout_ms")) {
    if (m.value().is_null()) {
      out.handler_timeout_ms.reset();
    } else {
      d.integer(m.value(), out.handler_timeout_ms.emplace(), 1U, 86400000U);
    }
  }
  if (const auto m = d.member(v, "start_from")) {
    decode(d, m.value(), out.start_from);
  }
  if (const auto m = d.member(v, "schema")) {
    d.json(m.value(), out.schema);
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
  if (!in.group.empty()) {
    out.key("group");
    out.string(in.group);
  }
  if (!(in.concurrency == defaults.concurrency)) {
    out.key("concurrency");
    out.uinteger(in.concurrency);
  }
  if (!(in.max_in_flight == defaults.max_in_flight)) {
    out.key("max_in_flight");
    out.uinteger(in.max_in_flight);
  }
  if (in.ordered) {
    out.key("ordered");
    out.boolean(in.ordered);
  }
  if (!(in.max_retries == defaults.max_retries)) {
    out.key("max_retries");
    out.uinteger(in.max_retries);
  }
  if (!(in.backoff == defaults.backoff)) {
    out.key("backoff");
    encode(in.backoff, out);
  }
  if (in.dead_letter.has_value()) {
    out.key("dead_letter");
    out.string(*in.dead_letter);
  }
  if (!(in.ack_wait_ms == defaults.ack_wait_ms)) {
    out.key("ack_wait_ms");
    out.uinteger(in.ack_wait_ms);
  }
  if (in.handler_timeout_ms.has_value()) {
    out.key("handler_timeout_ms");
    out.uinteger(*in.handler_timeout_ms);
  }
  if (!(in.start_from == defaults.start_from)) {
    out.key("start_from");
    out.string(name_of(in.start_from));
  }
  if (!in.schema.empty()) {
    out.key("schema");
    if (in.schema.empty()) out.null();
    else out.copy(in.schema.root());
  }
  out.end();
}

}  // namespace detail

bool operator==(const MessagingConfig& a, const MessagingConfig& b) {
  return a.url == b.url &&
         a.store == b.store &&
         a.topics == b.topics &&
         a.max_message_bytes == b.max_message_bytes &&
         a.max_bytes == b.max_bytes &&
         a.retention_ms == b.retention_ms &&
         a.poll_ms == b.poll_ms;
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

bool operator==(const Backoff& a, const Backoff& b) {
  return a.kind == b.kind &&
         a.initial_ms == b.initial_ms &&
         detail::same(a.factor, b.factor) &&
         a.max_ms == b.max_ms &&
         a.jitter_percent == b.jitter_percent;
}

Result<Backoff> backoff_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  Backoff out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const Backoff& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const Consumer& a, const Consumer& b) {
  return a.name == b.name &&
         a.client == b.client &&
         a.topic == b.topic &&
         a.group == b.group &&
         a.concurrency == b.concurrency &&
         a.max_in_flight == b.max_in_flight &&
         a.ordered == b.ordered &&
         a.max_retries == b.max_retries &&
         a.backoff == b.backoff &&
         a.dead_letter == b.dead_letter &&
         a.ack_wait_ms == b.ack_wait_ms &&
         a.handler_timeout_ms == b.handler_timeout_ms &&
         a.start_from == b.start_from &&
         detail::same(a.schema, b.schema);
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
