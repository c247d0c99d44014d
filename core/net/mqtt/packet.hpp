#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace spikard::net::mqtt {

/// As CONNECT says it (MQTT 3.1.1 and 5, 3.1.2.2).
enum class Version : std::uint8_t { v3_1_1 = 4, v5 = 5 };

enum class PacketType : std::uint8_t {
  connect = 1,
  connack,
  publish,
  puback,
  pubrec,
  pubrel,
  pubcomp,
  subscribe,
  suback,
  unsubscribe,
  unsuback,
  pingreq,
  pingresp,
  disconnect,
  auth
};

/// MQTT 5, 2.2.2.2.
enum class PropertyId : std::uint8_t {
  payload_format = 0x01,
  message_expiry = 0x02,
  content_type = 0x03,
  response_topic = 0x08,
  correlation_data = 0x09,
  subscription_identifier = 0x0b,
  session_expiry = 0x11,
  assigned_client_id = 0x12,
  server_keep_alive = 0x13,
  authentication_method = 0x15,
  authentication_data = 0x16,
  request_problem_information = 0x17,
  will_delay = 0x18,
  request_response_information = 0x19,
  response_information = 0x1a,
  server_reference = 0x1c,
  reason_string = 0x1f,
  receive_maximum = 0x21,
  topic_alias_maximum = 0x22,
  topic_alias = 0x23,
  maximum_qos = 0x24,
  retain_available = 0x25,
  user_property = 0x26,
  maximum_packet_size = 0x27,
  wildcard_subscription_available = 0x28,
  subscription_identifier_available = 0x29,
  shared_subscription_available = 0x2a
};

struct Property {
  PropertyId id{};
  std::uint32_t number = 0;  ///< of those that are numbers
  std::string text{};        ///< of those that are texts or bytes; the name of a user property
  std::string value{};       ///< of a user property
  friend bool operator==(const Property&, const Property&) = default;
};

/// In the order they came. With MQTT 3.1.1 there are none, and what a packet has is not sent.
class Properties {
 public:
  [[nodiscard]] std::optional<std::uint32_t> number(PropertyId id) const noexcept;
  [[nodiscard]] const std::string* text(PropertyId id) const noexcept;
  void add(PropertyId id, std::uint32_t number) { list.push_back(Property{id, number, {}, {}}); }
  void add(PropertyId id, std::string text) { list.push_back(Property{id, 0, std::move(text), {}}); }
  void add_user(std::string name, std::string value) {
    list.push_back(Property{PropertyId::user_property, 0, std::move(name), std::move(value)});
  }
  friend bool operator==(const Properties&, const Properties&) = default;

  std::vector<Property> list{};
};

struct Will {
  std::string topic{};
  std::string payload{};
  std::uint8_t qos = 0;
  bool retain = false;
  Properties properties{};
  friend bool operator==(const Will&, const Will&) = default;
};

struct Connect {
  Version version = Version::v5;
  std::string client_id{};
  bool clean_start = false;
  std::uint16_t keep_alive = 0;
  std::optional<std::string> user{};
  std::optional<std::string> password{};
  std::optional<Will> will{};
  Properties properties{};
  friend bool operator==(const Connect&, const Connect&) = default;
};
struct Connack {
  bool session_present = false;
  std::uint8_t reason = 0;  ///< MQTT 3.1.1: its own return codes, 0 to 5
  Properties properties{};
  friend bool operator==(const Connack&, const Connack&) = default;
};
struct Publish {
  std::string topic{};
  std::string payload{};
  std::uint8_t qos = 0;
  bool retain = false;
  bool dup = false;
  std::uint16_t id = 0;  ///< 0 with QoS 0
  Properties properties{};
  friend bool operator==(const Publish&, const Publish&) = default;
};
/// PUBACK, PUBREC, PUBREL, PUBCOMP.
struct Ack {
  PacketType type = PacketType::puback;
  std::uint16_t id = 0;
  std::uint8_t reason = 0;
  Properties properties{};
  friend bool operator==(const Ack&, const Ack&) = default;
};
struct Filter {
  std::string filter{};
  std::uint8_t qos = 0;
  bool no_local = false;
  bool retain_as_published = false;
  std::uint8_t retain_handling = 0;  ///< 0: retained ones come with every SUBSCRIBE; 1: with a new one; 2: never
  friend bool operator==(const Filter&, const Filter&) = default;
};
struct Subscribe {
  std::uint16_t id = 0;
  std::vector<Filter> filters{};
  Properties properties{};
  friend bool operator==(const Subscribe&, const Subscribe&) = default;
};
struct Unsubscribe {
  std::uint16_t id = 0;
  std::vector<std::string> filters{};
  Properties properties{};
  friend bool operator==(const Unsubscribe&, const Unsubscribe&) = default;
};
/// SUBACK, UNSUBACK: a code for each filter (none in an UNSUBACK of MQTT 3.1.1).
struct Granted {
  PacketType type = PacketType::suback;
  std::uint16_t id = 0;
  std::vector<std::uint8_t> reasons{};
  Properties properties{};
  friend bool operator==(const Granted&, const Granted&) = default;
};
/// PINGREQ, PINGRESP.
struct Ping {
  PacketType type = PacketType::pingreq;
  friend bool operator==(const Ping&, const Ping&) = default;
};
/// DISCONNECT, AUTH.
struct Notice {
  PacketType type = PacketType::disconnect;
  std::uint8_t reason = 0;
  Properties properties{};
  friend bool operator==(const Notice&, const Notice&) = default;
};

using Packet = std::variant<Connect, Connack, Publish, Ack, Subscribe, Unsubscribe, Granted, Ping, Notice>;

inline constexpr std::size_t max_remaining_length = 268'435'455;

/// Appends the packet. invalid_argument for what the protocol cannot say (a text that is longer than 65,535 bytes, a topic with
/// wildcards), too_large beyond max_remaining_length; `out` is then as it was.
[[nodiscard]] Result<void> encode(std::string& out, Version version, const Packet& packet);

/// One packet behind its fixed header. `corrupt` where the standard says malformed or protocol error, with its reason code
/// (0x81, 0x82, 0x90) as the context `code`.
[[nodiscard]] Result<Packet> decode(Version version, std::uint8_t first_byte, std::string_view body);

/// Well-formed UTF-8 without U+0000 (MQTT, 1.5.4).
[[nodiscard]] bool is_text(std::string_view text) noexcept;
/// A text that no server takes offence at: without control characters and what is no character (U+FDD0, U+FFFE), which a receiver
/// may treat as malformed (1.5.4) and Mosquitto does.
[[nodiscard]] bool is_plain_text(std::string_view text) noexcept;
/// What may be published to: a text of 1 to 65,535 bytes without `+` and `#`.
[[nodiscard]] bool is_topic(std::string_view text) noexcept;
/// What may be subscribed to: whole levels `+`, `#` as the last; `$share/GROUP/FILTER` with a group without `/`, `+`, `#`.
[[nodiscard]] bool is_filter(std::string_view text) noexcept;

/// Cuts the stream of a connection into packets. Holds at most one packet's bytes, and what was read behind it.
class Reader {
 public:
  /// Of the whole packet.
  explicit Reader(Version version, std::size_t max_packet) noexcept : version_(version), max_packet_(max_packet) {}

  /// Room for `size` bytes; then say how many came.
  [[nodiscard]] char* room(std::size_t size);
  void filled(std::size_t size) noexcept { end_ += size; }
  /// Nothing: more bytes are needed. Errors: those of `decode`; too_large (code 0x95). After one the stream is of no use.
  [[nodiscard]] Result<std::optional<Packet>> next();

 private:
  const Version version_;
  const std::size_t max_packet_;
  std::string bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace spikard::net::mqtt
