#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "messaging/message.hpp"
#include "net/mqtt/options.hpp"

namespace spikard::messaging::mqtt {

/// What a URL says (docs/guide/messaging.md lists its options).
struct MqttOptions {
  net::mqtt::ClientOptions client;
  bool own_client_id = false;  ///< the URL names one
  std::uint8_t qos = 1;        ///< of what is published and what is subscribed to
  bool share = true;           ///< groups are shared subscriptions; else each client id gets everything
  std::string prefix{};        ///< before every topic, on the broker

  /// invalid_argument naming the part of the URL, and never a secret.
  [[nodiscard]] static Result<MqttOptions> parse(std::string_view url);
};

/// Headers that stand for something of MQTT's own.
inline constexpr std::string_view content_type_header = "content-type";  ///< the property of MQTT 5
inline constexpr std::string_view retain_header = "mqtt-retain";         ///< `true`: the RETAIN flag
inline constexpr std::string_view expiry_header = "mqtt-expiry-s";       ///< the message expiry interval of MQTT 5
inline constexpr std::string_view response_topic_header = "mqtt-response-topic";
/// The user property that a key travels in.
inline constexpr std::string_view key_property = "spikard-key";
/// `NAME=VALUE`, or the key alone, percent-encoded: what has a character that servers may refuse (control characters).
inline constexpr std::string_view encoded_property = "spikard-header";
inline constexpr std::string_view encoded_key_property = "spikard-key-encoded";

/// unsupported for headers or a key with MQTT 3.1.1; invalid_argument for what MQTT cannot say.
[[nodiscard]] Result<net::mqtt::Publish> to_publish(Message message, const MqttOptions& options);
[[nodiscard]] Message from_publish(net::mqtt::Publish publish, const MqttOptions& options);

/// `$share/GROUP/PREFIX...`; a group's name is percent-encoded where MQTT would take it for something else.
[[nodiscard]] std::string filter_of(std::string_view group, std::string_view pattern, const MqttOptions& options);

}  // namespace spikard::messaging::mqtt
