#include "messaging/mqtt/options.hpp"

#include "net/signing/hash.hpp"

namespace spikard::messaging::mqtt {
namespace {

using net::mqtt::PropertyId;
using net::mqtt::Publish;
using net::mqtt::Version;
using net::signing::uri_decode;
using net::signing::uri_encode;

Error cannot_say(std::string_view what) {
  return invalid_argument("MQTT cannot carry this: " + std::string(what)).with_operation("messaging.mqtt");
}

}  // namespace

Result<MqttOptions> MqttOptions::parse(std::string_view url) {
  Result<net::mqtt::Url> read = net::mqtt::Url::parse(url);
  if (!read.ok()) return std::move(read).error();
  MqttOptions out;
  out.client = std::move(read->client);
  out.own_client_id = !out.client.client_id.empty();
  // A broker of 3.1.1 that does not know shared subscriptions takes one for a topic, and nothing comes.
  out.share = out.client.version == Version::v5;
  for (const auto& [name, value] : read->rest) {
    if (name == "qos") {
      Result<std::uint64_t> said = net::mqtt::read_number(name, value, 0, 2);
      if (!said.ok()) return std::move(said).error();
      out.qos = static_cast<std::uint8_t>(*said);
    } else if (name == "share") {
      Result<bool> said = net::mqtt::read_flag(name, value);
      if (!said.ok()) return std::move(said).error();
      out.share = *said;
    } else if (name == "prefix") {
      if (!net::mqtt::is_topic(value) || value.size() > 200)
        return invalid_argument("url: prefix: expected 1 to 200 bytes of a topic");
      out.prefix = value;
    } else {
      return invalid_argument(
          "url: option `" + name +
          "`: expected qos, share, prefix, version, client_id, clean_start, session_expiry_s, keep_alive_s, receive_maximum, "
          "send_maximum, max_packet_bytes, ca, verify, timeout_ms, connect_timeout_ms, will_topic, will_payload, will_qos, "
          "will_retain or "
          "will_delay_s");
    }
  }
  return out;
}

Result<Publish> to_publish(Message message, const MqttOptions& options) {
  Publish out;
  out.topic = options.prefix + message.topic;
  if (!net::mqtt::is_topic(out.topic) || !net::mqtt::is_plain_text(out.topic))
    return cannot_say("a topic with `+`, `#`, or what is no character");
  out.payload = std::move(message.payload);
  out.qos = options.qos;
  if (options.client.version == Version::v3_1_1) {
    if (message.key || !message.headers.empty()) {
      return Error(ErrorKind::unsupported, "MQTT 3.1.1 has no headers and no keys; `version=5` has")
          .with_operation("messaging.mqtt");
    }
    return out;
  }
  if (message.key) {
    if (net::mqtt::is_plain_text(*message.key)) out.properties.add_user(std::string(key_property), std::move(*message.key));
    else out.properties.add_user(std::string(encoded_key_property), uri_encode(*message.key, false));
  }
  bool typed = false;
  for (auto& [name, value] : message.headers) {
    if (name.size() > 65535 || value.size() > 65535) return cannot_say("a header longer than 65,535 bytes");
    if (!net::mqtt::is_plain_text(name) || !net::mqtt::is_plain_text(value)) {
      std::string encoded = uri_encode(name, false) + "=" + uri_encode(value, false);
      if (encoded.size() > 65535) return cannot_say("a header with control characters that is too long");
      out.properties.add_user(std::string(encoded_property), std::move(encoded));
      continue;
    }
    if (name == retain_header) {
      out.retain = value == "true";
      continue;
    }
    if (name == expiry_header) {
      Result<std::uint64_t> seconds = net::mqtt::read_number(name, value, 0, UINT32_MAX);
      if (!seconds.ok()) return cannot_say("`mqtt-expiry-s` that is no number of seconds");
      out.properties.add(PropertyId::message_expiry, static_cast<std::uint32_t>(*seconds));
      continue;
    }
    if (name == content_type_header && !std::exchange(typed, true)) {
      out.properties.add(PropertyId::content_type, std::move(value));
      continue;
    }
    out.properties.add_user(std::move(name), std::move(value));
  }
  return out;
}

Message from_publish(Publish publish, const MqttOptions& options) {
  Message out;
  std::string_view topic = publish.topic;
  if (topic.starts_with(options.prefix)) topic.remove_prefix(options.prefix.size());
  out.topic = topic;
  out.payload = std::move(publish.payload);
  for (net::mqtt::Property& one : publish.properties.list) {
    switch (one.id) {
      case PropertyId::user_property:
        if (one.text == key_property) {
          out.key = std::move(one.value);
        } else if (one.text == encoded_key_property) {
          out.key = uri_decode(one.value);
        } else if (const std::size_t equals = one.value.find('=');
                   one.text == encoded_property && equals > 0 && equals < one.value.size()) {
          std::string name = uri_decode(std::string_view(one.value).substr(0, equals));
          out.headers.emplace_back(std::move(name), uri_decode(std::string_view(one.value).substr(equals + 1)));
        } else if (!one.text.empty()) {
          out.headers.emplace_back(std::move(one.text), std::move(one.value));
        }
        break;
      case PropertyId::content_type: out.headers.emplace_back(content_type_header, std::move(one.text)); break;
      case PropertyId::response_topic: out.headers.emplace_back(response_topic_header, std::move(one.text)); break;
      default: break;
    }
  }
  if (publish.retain) out.headers.emplace_back(retain_header, "true");
  return out;
}

std::string filter_of(std::string_view group, std::string_view pattern, const MqttOptions& options) {
  std::string out;
  if (options.share) {
    out = "$share/";
    constexpr std::string_view digits = "0123456789ABCDEF";
    for (const char c : group) {
      if (c == '/' || c == '+' || c == '#' || c == '%') {
        const auto byte = static_cast<unsigned char>(c);
        out.push_back('%');
        out.push_back(digits[byte >> 4U]);
        out.push_back(digits[byte & 15U]);
      } else {
        out.push_back(c);
      }
    }
    out.push_back('/');
  }
  out.append(options.prefix).append(pattern);
  return out;
}

}  // namespace spikard::messaging::mqtt
