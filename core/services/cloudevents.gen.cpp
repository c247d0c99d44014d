// Generated from spec/services/cloudevents.yaml by codegen. Do not edit.
#include "services/cloudevents.gen.hpp"

#include <array>
#include <utility>

#include "services/codec.hpp"
#include "services/cloudevents_codec.gen.hpp"

namespace spikard::services {

namespace {
constexpr std::array<std::string_view, 2> event_mode_names{"binary", "structured"};
}
std::string_view name_of(EventMode v) noexcept {
  return event_mode_names[static_cast<std::size_t>(v)];
}
std::optional<EventMode> event_mode_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < event_mode_names.size(); ++i) {
    if (event_mode_names[i] == text) return static_cast<EventMode>(i);
  }
  return std::nullopt;
}

namespace {
constexpr std::array<std::string_view, 7> event_binding_names{"auto", "kafka", "amqp", "mqtt3", "mqtt5", "nats", "redis"};
}
std::string_view name_of(EventBinding v) noexcept {
  return event_binding_names[static_cast<std::size_t>(v)];
}
std::optional<EventBinding> event_binding_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < event_binding_names.size(); ++i) {
    if (event_binding_names[i] == text) return static_cast<EventBinding>(i);
  }
  return std::nullopt;
}

namespace detail {

void decode(Decoder& d, Value v, EventMode& out) {
  if (const auto i = d.choice(v, event_mode_names)) out = static_cast<EventMode>(*i);
}
void decode(Decoder& d, Value v, EventBinding& out) {
  if (const auto i = d.choice(v, event_binding_names)) out = static_cast<EventBinding>(*i);
}

void decode(Decoder& d, Value v, EventSubscription& out) {
  static constexpr std::array<std::string_view, 4> known{"handler", "type", "source", "subject"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "handler", true)) {
    d.integer(m.value(), out.handler, 0U, 4294967295U);
  }
  if (const auto m = d.member(v, "type")) {
    d.text(m.value(), out.type, 1);
  }
  if (const auto m = d.member(v, "source")) {
    d.text(m.value(), out.source, 1);
  }
  if (const auto m = d.member(v, "subject")) {
    d.text(m.value(), out.subject, 1);
  }
}

void encode(const EventSubscription& in, NodeBuilder& out) {
  static const EventSubscription defaults;
  out.begin_object();
  out.key("handler");
  out.uinteger(in.handler);
  if (!(in.type == defaults.type)) {
    out.key("type");
    out.string(in.type);
  }
  if (!(in.source == defaults.source)) {
    out.key("source");
    out.string(in.source);
  }
  if (!(in.subject == defaults.subject)) {
    out.key("subject");
    out.string(in.subject);
  }
  out.end();
}

void decode(Decoder& d, Value v, EventInbox& out) {
  static constexpr std::array<std::string_view, 2> known{"db", "retention_ms"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "db")) {
    d.text(m.value(), out.db, 1);
  }
  if (const auto m = d.member(v, "retention_ms")) {
    d.integer(m.value(), out.retention_ms, 1000U, 18446744073709551615ULL);
  }
}

void encode(const EventInbox& in, NodeBuilder& out) {
  static const EventInbox defaults;
  out.begin_object();
  if (!(in.db == defaults.db)) {
    out.key("db");
    out.string(in.db);
  }
  if (!(in.retention_ms == defaults.retention_ms)) {
    out.key("retention_ms");
    out.uinteger(in.retention_ms);
  }
  out.end();
}

void decode(Decoder& d, Value v, EventEndpoint& out) {
  static constexpr std::array<std::string_view, 11> known{"path", "subscriptions", "handler", "allowed_origins", "allowed_rate", "callback_hosts", "callback_plain", "max_batch", "batch_concurrency", "timeout_ms", "inbox"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "path", true)) {
    d.text(m.value(), out.path, 1);
  }
  if (const auto m = d.member(v, "subscriptions")) {
    if (d.array(m.value())) {
      out.subscriptions.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.subscriptions.emplace_back();
        decode(d, item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "handler")) {
    if (m.value().is_null()) {
      out.handler.reset();
    } else {
      d.integer(m.value(), out.handler.emplace(), 0U, 4294967295U);
    }
  }
  if (const auto m = d.member(v, "allowed_origins")) {
    if (d.array(m.value())) {
      out.allowed_origins.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.allowed_origins.emplace_back();
        d.text(item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "allowed_rate")) {
    if (m.value().is_null()) {
      out.allowed_rate.reset();
    } else {
      d.integer(m.value(), out.allowed_rate.emplace(), 1U, 4294967295U);
    }
  }
  if (const auto m = d.member(v, "callback_hosts")) {
    if (d.array(m.value())) {
      out.callback_hosts.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.callback_hosts.emplace_back();
        d.text(item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "callback_plain")) {
    d.boolean(m.value(), out.callback_plain);
  }
  if (const auto m = d.member(v, "max_batch")) {
    d.integer(m.value(), out.max_batch, 1U, 1000000U);
  }
  if (const auto m = d.member(v, "batch_concurrency")) {
    d.integer(m.value(), out.batch_concurrency, 1U, 1024U);
  }
  if (const auto m = d.member(v, "timeout_ms")) {
    if (m.value().is_null()) {
      out.timeout_ms.reset();
    } else {
      d.integer(m.value(), out.timeout_ms.emplace(), 1U, 86400000U);
    }
  }
  if (const auto m = d.member(v, "inbox")) {
    if (m.value().is_null()) {
      out.inbox.reset();
    } else {
      decode(d, m.value(), out.inbox.emplace());
    }
  }
}

void encode(const EventEndpoint& in, NodeBuilder& out) {
  static const EventEndpoint defaults;
  out.begin_object();
  out.key("path");
  out.string(in.path);
  if (!in.subscriptions.empty()) {
    out.key("subscriptions");
    out.begin_array();
    for (const auto& each : in.subscriptions) {
      encode(each, out);
    }
    out.end();
  }
  if (in.handler.has_value()) {
    out.key("handler");
    out.uinteger(*in.handler);
  }
  if (!in.allowed_origins.empty()) {
    out.key("allowed_origins");
    out.begin_array();
    for (const auto& each : in.allowed_origins) {
      out.string(each);
    }
    out.end();
  }
  if (in.allowed_rate.has_value()) {
    out.key("allowed_rate");
    out.uinteger(*in.allowed_rate);
  }
  if (!in.callback_hosts.empty()) {
    out.key("callback_hosts");
    out.begin_array();
    for (const auto& each : in.callback_hosts) {
      out.string(each);
    }
    out.end();
  }
  if (in.callback_plain) {
    out.key("callback_plain");
    out.boolean(in.callback_plain);
  }
  if (!(in.max_batch == defaults.max_batch)) {
    out.key("max_batch");
    out.uinteger(in.max_batch);
  }
  if (!(in.batch_concurrency == defaults.batch_concurrency)) {
    out.key("batch_concurrency");
    out.uinteger(in.batch_concurrency);
  }
  if (in.timeout_ms.has_value()) {
    out.key("timeout_ms");
    out.uinteger(*in.timeout_ms);
  }
  if (in.inbox.has_value()) {
    out.key("inbox");
    encode(*in.inbox, out);
  }
  out.end();
}

void decode(Decoder& d, Value v, EventConsumer& out) {
  static constexpr std::array<std::string_view, 6> known{"consumer", "binding", "subscriptions", "handler", "reply", "inbox"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "consumer", true)) {
    decode(d, m.value(), out.consumer);
  }
  if (const auto m = d.member(v, "binding")) {
    decode(d, m.value(), out.binding);
  }
  if (const auto m = d.member(v, "subscriptions")) {
    if (d.array(m.value())) {
      out.subscriptions.clear();
      std::size_t index = 0;
      for (const Value each : m.value().elements()) {
        const auto item = d.element(each, index++);
        auto& slot = out.subscriptions.emplace_back();
        decode(d, item.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "handler")) {
    if (m.value().is_null()) {
      out.handler.reset();
    } else {
      d.integer(m.value(), out.handler.emplace(), 0U, 4294967295U);
    }
  }
  if (const auto m = d.member(v, "reply")) {
    d.text(m.value(), out.reply);
  }
  if (const auto m = d.member(v, "inbox")) {
    if (m.value().is_null()) {
      out.inbox.reset();
    } else {
      decode(d, m.value(), out.inbox.emplace());
    }
  }
}

void encode(const EventConsumer& in, NodeBuilder& out) {
  static const EventConsumer defaults;
  out.begin_object();
  out.key("consumer");
  encode(in.consumer, out);
  if (!(in.binding == defaults.binding)) {
    out.key("binding");
    out.string(name_of(in.binding));
  }
  if (!in.subscriptions.empty()) {
    out.key("subscriptions");
    out.begin_array();
    for (const auto& each : in.subscriptions) {
      encode(each, out);
    }
    out.end();
  }
  if (in.handler.has_value()) {
    out.key("handler");
    out.uinteger(*in.handler);
  }
  if (!in.reply.empty()) {
    out.key("reply");
    out.string(in.reply);
  }
  if (in.inbox.has_value()) {
    out.key("inbox");
    encode(*in.inbox, out);
  }
  out.end();
}

void decode(Decoder& d, Value v, EventRetry& out) {
  static constexpr std::array<std::string_view, 5> known{"max_retries", "initial_ms", "factor_percent", "max_ms", "jitter_percent"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "max_retries")) {
    d.integer(m.value(), out.max_retries, 0U, 1000U);
  }
  if (const auto m = d.member(v, "initial_ms")) {
    d.integer(m.value(), out.initial_ms, 1U, 86400000U);
  }
  if (const auto m = d.member(v, "factor_percent")) {
    d.integer(m.value(), out.factor_percent, 100U, 10000U);
  }
  if (const auto m = d.member(v, "max_ms")) {
    d.integer(m.value(), out.max_ms, 1U, 86400000U);
  }
  if (const auto m = d.member(v, "jitter_percent")) {
    d.integer(m.value(), out.jitter_percent, 0U, 100U);
  }
}

void encode(const EventRetry& in, NodeBuilder& out) {
  static const EventRetry defaults;
  out.begin_object();
  if (!(in.max_retries == defaults.max_retries)) {
    out.key("max_retries");
    out.uinteger(in.max_retries);
  }
  if (!(in.initial_ms == defaults.initial_ms)) {
    out.key("initial_ms");
    out.uinteger(in.initial_ms);
  }
  if (!(in.factor_percent == defaults.factor_percent)) {
    out.key("factor_percent");
    out.uinteger(in.factor_percent);
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

void decode(Decoder& d, Value v, EventSender& out) {
  static constexpr std::array<std::string_view, 9> known{"url", "mode", "binding", "source", "extensions", "origin", "headers", "timeout_ms", "retry"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "url")) {
    d.text(m.value(), out.url);
  }
  if (const auto m = d.member(v, "mode")) {
    decode(d, m.value(), out.mode);
  }
  if (const auto m = d.member(v, "binding")) {
    decode(d, m.value(), out.binding);
  }
  if (const auto m = d.member(v, "source")) {
    d.text(m.value(), out.source);
  }
  if (const auto m = d.member(v, "extensions")) {
    if (d.any_object(m.value())) {
      out.extensions.clear();
      for (const auto each : m.value().members()) {
        const auto entry = d.entry(each.value, each.key);
        auto& slot = out.extensions[std::string(each.key)];
        d.text(entry.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "origin")) {
    d.text(m.value(), out.origin);
  }
  if (const auto m = d.member(v, "headers")) {
    if (d.any_object(m.value())) {
      out.headers.clear();
      for (const auto each : m.value().members()) {
        const auto entry = d.entry(each.value, each.key);
        auto& slot = out.headers[std::string(each.key)];
        d.text(entry.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "timeout_ms")) {
    d.integer(m.value(), out.timeout_ms, 1U, 86400000U);
  }
  if (const auto m = d.member(v, "retry")) {
    decode(d, m.value(), out.retry);
  }
}

void encode(const EventSender& in, NodeBuilder& out) {
  static const EventSender defaults;
  out.begin_object();
  if (!in.url.empty()) {
    out.key("url");
    out.string(in.url);
  }
  if (!(in.mode == defaults.mode)) {
    out.key("mode");
    out.string(name_of(in.mode));
  }
  if (!(in.binding == defaults.binding)) {
    out.key("binding");
    out.string(name_of(in.binding));
  }
  if (!in.source.empty()) {
    out.key("source");
    out.string(in.source);
  }
  if (!in.extensions.empty()) {
    out.key("extensions");
    out.begin_object();
    for (const auto& [key, each] : in.extensions) {
      out.key(key);
      out.string(each);
    }
    out.end();
  }
  if (!in.origin.empty()) {
    out.key("origin");
    out.string(in.origin);
  }
  if (!in.headers.empty()) {
    out.key("headers");
    out.begin_object();
    for (const auto& [key, each] : in.headers) {
      out.key(key);
      out.string(each);
    }
    out.end();
  }
  if (!(in.timeout_ms == defaults.timeout_ms)) {
    out.key("timeout_ms");
    out.uinteger(in.timeout_ms);
  }
  if (!(in.retry == defaults.retry)) {
    out.key("retry");
    encode(in.retry, out);
  }
  out.end();
}

}  // namespace detail

bool operator==(const EventSubscription& a, const EventSubscription& b) {
  return a.handler == b.handler &&
         a.type == b.type &&
         a.source == b.source &&
         a.subject == b.subject;
}

Result<EventSubscription> event_subscription_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  EventSubscription out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const EventSubscription& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const EventInbox& a, const EventInbox& b) {
  return a.db == b.db &&
         a.retention_ms == b.retention_ms;
}

Result<EventInbox> event_inbox_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  EventInbox out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const EventInbox& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const EventEndpoint& a, const EventEndpoint& b) {
  return a.path == b.path &&
         a.subscriptions == b.subscriptions &&
         a.handler == b.handler &&
         a.allowed_origins == b.allowed_origins &&
         a.allowed_rate == b.allowed_rate &&
         a.callback_hosts == b.callback_hosts &&
         a.callback_plain == b.callback_plain &&
         a.max_batch == b.max_batch &&
         a.batch_concurrency == b.batch_concurrency &&
         a.timeout_ms == b.timeout_ms &&
         a.inbox == b.inbox;
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

bool operator==(const EventConsumer& a, const EventConsumer& b) {
  return a.consumer == b.consumer &&
         a.binding == b.binding &&
         a.subscriptions == b.subscriptions &&
         a.handler == b.handler &&
         a.reply == b.reply &&
         a.inbox == b.inbox;
}

Result<EventConsumer> event_consumer_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  EventConsumer out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const EventConsumer& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const EventRetry& a, const EventRetry& b) {
  return a.max_retries == b.max_retries &&
         a.initial_ms == b.initial_ms &&
         a.factor_percent == b.factor_percent &&
         a.max_ms == b.max_ms &&
         a.jitter_percent == b.jitter_percent;
}

Result<EventRetry> event_retry_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  EventRetry out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const EventRetry& in, NodeBuilder& out) { detail::encode(in, out); }

bool operator==(const EventSender& a, const EventSender& b) {
  return a.url == b.url &&
         a.mode == b.mode &&
         a.binding == b.binding &&
         a.source == b.source &&
         a.extensions == b.extensions &&
         a.origin == b.origin &&
         a.headers == b.headers &&
         a.timeout_ms == b.timeout_ms &&
         a.retry == b.retry;
}

Result<EventSender> event_sender_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  EventSender out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const EventSender& in, NodeBuilder& out) { detail::encode(in, out); }

}  // namespace spikard::services
