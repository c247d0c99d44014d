#include "net/mqtt/packet.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace spikard::net::mqtt {
namespace {

enum class Shape : std::uint8_t { byte, two, four, varint, text, bytes, pair };

constexpr std::uint32_t in(PacketType type) noexcept { return 1U << static_cast<unsigned>(type); }
constexpr std::uint32_t in_will = 1U << 16U;
constexpr std::uint32_t everywhere = ~in_will;

/// MQTT 5, table 2-4.
struct Known {
  PropertyId id;
  Shape shape;
  std::uint32_t where;
  std::uint32_t least = 0;  // protocol error outside
  std::uint32_t most = UINT32_MAX;
  bool repeats = false;
};
using P = PropertyId;
using T = PacketType;
constexpr std::array known{
    Known{P::payload_format, Shape::byte, in(T::publish) | in_will, 0, 1},
    Known{P::message_expiry, Shape::four, in(T::publish) | in_will},
    Known{P::content_type, Shape::text, in(T::publish) | in_will},
    Known{P::response_topic, Shape::text, in(T::publish) | in_will},
    Known{P::correlation_data, Shape::bytes, in(T::publish) | in_will},
    Known{P::subscription_identifier, Shape::varint, in(T::publish) | in(T::subscribe), 1, UINT32_MAX, true},
    Known{P::session_expiry, Shape::four, in(T::connect) | in(T::connack) | in(T::disconnect)},
    Known{P::assigned_client_id, Shape::text, in(T::connack)},
    Known{P::server_keep_alive, Shape::two, in(T::connack)},
    Known{P::authentication_method, Shape::text, in(T::connect) | in(T::connack) | in(T::auth)},
    Known{P::authentication_data, Shape::bytes, in(T::connect) | in(T::connack) | in(T::auth)},
    Known{P::request_problem_information, Shape::byte, in(T::connect), 0, 1},
    Known{P::will_delay, Shape::four, in_will},
    Known{P::request_response_information, Shape::byte, in(T::connect), 0, 1},
    Known{P::response_information, Shape::text, in(T::connack)},
    Known{P::server_reference, Shape::text, in(T::connack) | in(T::disconnect)},
    Known{P::reason_string, Shape::text,
          in(T::connack) | in(T::puback) | in(T::pubrec) | in(T::pubrel) | in(T::pubcomp) | in(T::suback) | in(T::unsuback) |
              in(T::disconnect) | in(T::auth)},
    Known{P::receive_maximum, Shape::two, in(T::connect) | in(T::connack), 1},
    Known{P::topic_alias_maximum, Shape::two, in(T::connect) | in(T::connack)},
    Known{P::topic_alias, Shape::two, in(T::publish), 1},
    Known{P::maximum_qos, Shape::byte, in(T::connack), 0, 1},
    Known{P::retain_available, Shape::byte, in(T::connack), 0, 1},
    Known{P::user_property, Shape::pair, everywhere | in_will, 0, UINT32_MAX, true},
    Known{P::maximum_packet_size, Shape::four, in(T::connect) | in(T::connack), 1},
    Known{P::wildcard_subscription_available, Shape::byte, in(T::connack), 0, 1},
    Known{P::subscription_identifier_available, Shape::byte, in(T::connack), 0, 1},
    Known{P::shared_subscription_available, Shape::byte, in(T::connack), 0, 1},
};

const Known* find_known(std::uint32_t id) noexcept {
  const auto at =
      std::find_if(known.begin(), known.end(), [id](const Known& one) { return static_cast<std::uint32_t>(one.id) == id; });
  return at == known.end() ? nullptr : &*at;
}

Error broken(std::string_view code, std::string why) {
  return Error(ErrorKind::corrupt, "MQTT: " + std::move(why)).with("code", std::string(code)).with_operation("net.mqtt");
}
Error malformed(std::string why) { return broken("0x81", std::move(why)); }
Error against_protocol(std::string why) { return broken("0x82", std::move(why)); }

Error unsayable(std::string why) { return invalid_argument("MQTT: " + std::move(why)); }

// ---- out -----------------------------------------------------------------------------------------------------------

void put_two(std::string& out, std::uint32_t value) {
  out.push_back(static_cast<char>(value >> 8U));
  out.push_back(static_cast<char>(value));
}
void put_four(std::string& out, std::uint32_t value) {
  put_two(out, value >> 16U);
  put_two(out, value & 0xffffU);
}
void put_varint(std::string& out, std::size_t value) {
  do {
    const auto low = static_cast<unsigned>(value & 0x7fU);
    value >>= 7U;
    out.push_back(static_cast<char>(low | (value > 0 ? 0x80U : 0U)));
  } while (value > 0);
}
Result<void> put_bytes(std::string& out, std::string_view bytes) {
  if (bytes.size() > 65535) return unsayable("a text that is longer than 65,535 bytes");
  put_two(out, static_cast<std::uint32_t>(bytes.size()));
  out.append(bytes);
  return {};
}
Result<void> put_text(std::string& out, std::string_view text) {
  if (!is_text(text)) return unsayable("a text that is no UTF-8, or has a NUL");
  return put_bytes(out, text);
}

Result<void> put_properties(std::string& out, const Properties& properties, std::uint32_t where) {
  std::string body;
  for (const Property& one : properties.list) {
    const Known* kind = find_known(static_cast<std::uint32_t>(one.id));
    if (kind == nullptr || (kind->where & where) == 0) return unsayable("a property that this packet does not have");
    body.push_back(static_cast<char>(one.id));
    switch (kind->shape) {
      case Shape::byte: body.push_back(static_cast<char>(one.number)); break;
      case Shape::two: put_two(body, one.number & 0xffffU); break;
      case Shape::four: put_four(body, one.number); break;
      case Shape::varint:
        if (one.number > max_remaining_length) return unsayable("a number beyond 268,435,455");
        put_varint(body, one.number);
        break;
      case Shape::text: SPIKARD_TRY(put_text(body, one.text)); break;
      case Shape::bytes: SPIKARD_TRY(put_bytes(body, one.text)); break;
      case Shape::pair:
        SPIKARD_TRY(put_text(body, one.text));
        SPIKARD_TRY(put_text(body, one.value));
        break;
    }
  }
  put_varint(out, body.size());
  out.append(body);
  return {};
}

struct Body {
  unsigned flags = 0;
  std::string bytes;
};

Result<void> write(Body& body, Version, const Connect& packet) {
  const Version version = packet.version;
  SPIKARD_TRY(put_text(body.bytes, "MQTT"));
  body.bytes.push_back(static_cast<char>(version));
  // MQTT 3.1.1 has no password without a user (3.1.2.9).
  if (version == Version::v3_1_1 && packet.password && !packet.user) return unsayable("a password without a user");
  unsigned flags = packet.clean_start ? 0x02U : 0U;
  if (packet.will) flags |= 0x04U | static_cast<unsigned>(packet.will->qos << 3U) | (packet.will->retain ? 0x20U : 0U);
  if (packet.password) flags |= 0x40U;
  if (packet.user) flags |= 0x80U;
  body.bytes.push_back(static_cast<char>(flags));
  put_two(body.bytes, packet.keep_alive);
  if (version == Version::v5) SPIKARD_TRY(put_properties(body.bytes, packet.properties, in(T::connect)));
  SPIKARD_TRY(put_text(body.bytes, packet.client_id));
  if (packet.will) {
    if (packet.will->qos > 2) return unsayable("a QoS beyond 2");
    if (!is_topic(packet.will->topic)) return unsayable("the will's topic");
    if (version == Version::v5) SPIKARD_TRY(put_properties(body.bytes, packet.will->properties, in_will));
    SPIKARD_TRY(put_text(body.bytes, packet.will->topic));
    SPIKARD_TRY(put_bytes(body.bytes, packet.will->payload));
  }
  if (packet.user) SPIKARD_TRY(put_text(body.bytes, *packet.user));
  if (packet.password) SPIKARD_TRY(put_bytes(body.bytes, *packet.password));
  return {};
}

Result<void> write(Body& body, Version version, const Connack& packet) {
  body.bytes.push_back(packet.session_present ? 1 : 0);
  body.bytes.push_back(static_cast<char>(packet.reason));
  if (version == Version::v5) SPIKARD_TRY(put_properties(body.bytes, packet.properties, in(T::connack)));
  return {};
}

Result<void> write(Body& body, Version version, const Publish& packet) {
  if (packet.qos > 2) return unsayable("a QoS beyond 2");
  if ((packet.qos == 0) != (packet.id == 0)) return unsayable("a packet identifier, where there is a QoS, and only there");
  if (!is_topic(packet.topic)) return unsayable("the topic");
  body.flags = (packet.dup ? 8U : 0U) | static_cast<unsigned>(packet.qos << 1U) | (packet.retain ? 1U : 0U);
  body.bytes.reserve(packet.topic.size() + packet.payload.size() + 64);
  SPIKARD_TRY(put_text(body.bytes, packet.topic));
  if (packet.qos > 0) put_two(body.bytes, packet.id);
  if (version == Version::v5) SPIKARD_TRY(put_properties(body.bytes, packet.properties, in(T::publish)));
  body.bytes.append(packet.payload);
  return {};
}

Result<void> write(Body& body, Version version, const Ack& packet) {
  body.flags = packet.type == T::pubrel ? 2 : 0;
  put_two(body.bytes, packet.id);
  if (version == Version::v3_1_1 || (packet.reason == 0 && packet.properties.list.empty())) return {};
  body.bytes.push_back(static_cast<char>(packet.reason));
  if (!packet.properties.list.empty()) SPIKARD_TRY(put_properties(body.bytes, packet.properties, in(packet.type)));
  return {};
}

Result<void> write(Body& body, Version version, const Subscribe& packet) {
  body.flags = 2;
  if (packet.filters.empty()) return unsayable("a SUBSCRIBE for nothing");
  put_two(body.bytes, packet.id);
  if (version == Version::v5) SPIKARD_TRY(put_properties(body.bytes, packet.properties, in(T::subscribe)));
  for (const Filter& one : packet.filters) {
    if (!is_filter(one.filter)) return unsayable("the filter");
    SPIKARD_TRY(put_text(body.bytes, one.filter));
    unsigned options = one.qos & 3U;
    if (version == Version::v5) {
      options |= (one.no_local ? 4U : 0U) | (one.retain_as_published ? 8U : 0U);
      options |= static_cast<unsigned>(one.retain_handling & 3U) << 4U;
    }
    body.bytes.push_back(static_cast<char>(options));
  }
  return {};
}

Result<void> write(Body& body, Version version, const Unsubscribe& packet) {
  body.flags = 2;
  if (packet.filters.empty()) return unsayable("an UNSUBSCRIBE of nothing");
  put_two(body.bytes, packet.id);
  if (version == Version::v5) SPIKARD_TRY(put_properties(body.bytes, packet.properties, in(T::unsubscribe)));
  for (const std::string& one : packet.filters) SPIKARD_TRY(put_text(body.bytes, one));
  return {};
}

Result<void> write(Body& body, Version version, const Granted& packet) {
  put_two(body.bytes, packet.id);
  if (version == Version::v5) SPIKARD_TRY(put_properties(body.bytes, packet.properties, in(packet.type)));
  if (version == Version::v3_1_1 && packet.type == T::unsuback) return {};
  for (const std::uint8_t reason : packet.reasons) body.bytes.push_back(static_cast<char>(reason));
  return {};
}

Result<void> write(Body&, Version, const Ping&) { return {}; }

Result<void> write(Body& body, Version version, const Notice& packet) {
  if (version == Version::v3_1_1) return {};
  if (packet.reason == 0 && packet.properties.list.empty()) return {};
  body.bytes.push_back(static_cast<char>(packet.reason));
  if (!packet.properties.list.empty()) SPIKARD_TRY(put_properties(body.bytes, packet.properties, in(packet.type)));
  return {};
}

PacketType type_of(const Connect&) { return T::connect; }
PacketType type_of(const Connack&) { return T::connack; }
PacketType type_of(const Publish&) { return T::publish; }
PacketType type_of(const Ack& packet) { return packet.type; }
PacketType type_of(const Subscribe&) { return T::subscribe; }
PacketType type_of(const Unsubscribe&) { return T::unsubscribe; }
PacketType type_of(const Granted& packet) { return packet.type; }
PacketType type_of(const Ping& packet) { return packet.type; }
PacketType type_of(const Notice& packet) { return packet.type; }

// ---- in ------------------------------------------------------------------------------------------------------------

/// Takes fields off the front; the first that is not there sticks.
class Fields {
 public:
  explicit Fields(std::string_view bytes) noexcept : rest_(bytes) {}
  [[nodiscard]] bool ok() const noexcept { return why_ == nullptr; }
  [[nodiscard]] Error error() const { return malformed(why_); }
  [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }
  [[nodiscard]] std::string_view rest() noexcept { return std::exchange(rest_, {}); }

  std::uint8_t byte() noexcept { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t two() noexcept { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t four() noexcept { return number(4); }
  std::uint32_t varint() noexcept {
    std::uint32_t value = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
      const std::uint32_t next = number(1);
      value |= (next & 0x7fU) << shift;
      if ((next & 0x80U) != 0) continue;
      if (next == 0 && shift > 0) fail("a number that is longer than it must be");
      return value;
    }
    fail("a number of more than four bytes");
    return 0;
  }
  std::string_view part(std::size_t size) noexcept {
    if (rest_.size() < size) {
      fail("it ends too early");
      return {};
    }
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }
  std::string_view bytes() noexcept { return part(two()); }
  std::string_view text() noexcept {
    const std::string_view out = bytes();
    if (!is_text(out)) fail("a text that is no UTF-8, or has a NUL");
    return out;
  }
  void fail(const char* why) noexcept {
    if (why_ == nullptr) why_ = why;
    rest_ = {};
  }

 private:
  std::uint32_t number(std::size_t size) noexcept {
    std::uint32_t value = 0;
    for (const char c : part(size)) value = (value << 8U) | static_cast<std::uint8_t>(c);
    return value;
  }
  std::string_view rest_;
  const char* why_ = nullptr;
};

Result<Properties> read_properties(Fields& fields, std::uint32_t where) {
  Properties out;
  const std::uint32_t size = fields.varint();
  Fields each(fields.part(size));
  if (!fields.ok()) return fields.error();
  std::uint64_t seen = 0;
  while (!each.empty()) {
    const Known* kind = find_known(each.varint());
    if (kind == nullptr || (kind->where & where) == 0) return malformed("a property that this packet does not have");
    const std::uint64_t bit = std::uint64_t{1} << static_cast<unsigned>(kind->id);
    if ((seen & bit) != 0 && !kind->repeats) return against_protocol("a property twice");
    seen |= bit;
    Property& one = out.list.emplace_back();
    one.id = kind->id;
    switch (kind->shape) {
      case Shape::byte: one.number = each.byte(); break;
      case Shape::two: one.number = each.two(); break;
      case Shape::four: one.number = each.four(); break;
      case Shape::varint: one.number = each.varint(); break;
      case Shape::text: one.text = each.text(); break;
      case Shape::bytes: one.text = each.bytes(); break;
      case Shape::pair:
        one.text = each.text();
        one.value = each.text();
        break;
    }
    if (!each.ok()) return each.error();
    const bool is_number =
        kind->shape == Shape::byte || kind->shape == Shape::two || kind->shape == Shape::four || kind->shape == Shape::varint;
    if (is_number && (one.number < kind->least || one.number > kind->most))
      return against_protocol("a property outside its range");
  }
  return out;
}

/// For those whose properties may be missing at the end.
Result<Properties> read_last_properties(Fields& fields, PacketType type) {
  if (fields.empty()) return Properties();
  return read_properties(fields, in(type));
}

Result<Packet> read_connect(Fields fields) {
  Connect out;
  if (fields.text() != "MQTT") return fields.ok() ? malformed("another protocol") : fields.error();
  const std::uint8_t level = fields.byte();
  if (level != 4 && level != 5) return broken("0x84", "another version of the protocol");
  out.version = static_cast<Version>(level);
  const unsigned flags = fields.byte();
  if ((flags & 1U) != 0) return malformed("a flag that is reserved");
  out.clean_start = (flags & 2U) != 0;
  out.keep_alive = fields.two();
  if (out.version == Version::v5) {
    Result<Properties> properties = read_properties(fields, in(T::connect));
    if (!properties.ok()) return std::move(properties).error();
    out.properties = std::move(*properties);
  }
  out.client_id = fields.text();
  if ((flags & 4U) != 0) {
    Will& will = out.will.emplace();
    will.qos = static_cast<std::uint8_t>((flags >> 3U) & 3U);
    will.retain = (flags & 0x20U) != 0;
    if (will.qos > 2) return malformed("a QoS beyond 2");
    if (out.version == Version::v5) {
      Result<Properties> properties = read_properties(fields, in_will);
      if (!properties.ok()) return std::move(properties).error();
      will.properties = std::move(*properties);
    }
    will.topic = fields.text();
    if (fields.ok() && !is_topic(will.topic)) return broken("0x90", "a topic with wildcards");
    will.payload = fields.bytes();
  } else if ((flags & 0x38U) != 0) {
    return malformed("flags of a will without one");
  }
  if ((flags & 0x80U) != 0) out.user = fields.text();
  if ((flags & 0x40U) != 0) out.password = fields.bytes();
  if (out.version == Version::v3_1_1 && out.password && !out.user) return malformed("a password without a user");
  if (!fields.ok()) return fields.error();
  if (!fields.empty()) return malformed("bytes behind its end");
  return Packet(std::move(out));
}

Result<Packet> read_connack(Version version, Fields fields) {
  Connack out;
  const unsigned flags = fields.byte();
  if (flags > 1) return malformed("a flag that is reserved");
  out.session_present = flags == 1;
  out.reason = fields.byte();
  // A server that does not know this version says so in its own.
  const bool of_another_version = fields.empty() && out.reason != 0;
  if (version == Version::v5 && fields.ok() && !of_another_version) {
    Result<Properties> properties = read_properties(fields, in(T::connack));
    if (!properties.ok()) return std::move(properties).error();
    out.properties = std::move(*properties);
  }
  if (!fields.ok()) return fields.error();
  if (!fields.empty()) return malformed("bytes behind its end");
  return Packet(std::move(out));
}

Result<Packet> read_publish(Version version, unsigned flags, Fields fields) {
  Publish out;
  out.dup = (flags & 8U) != 0;
  out.qos = static_cast<std::uint8_t>((flags >> 1U) & 3U);
  out.retain = (flags & 1U) != 0;
  if (out.qos > 2) return malformed("a QoS beyond 2");
  if (out.dup && out.qos == 0) return malformed("DUP with QoS 0");
  out.topic = fields.text();
  if (out.qos > 0) {
    out.id = fields.two();
    if (fields.ok() && out.id == 0) return against_protocol("a packet identifier of 0");
  }
  if (!fields.ok()) return fields.error();
  if (version == Version::v5) {
    Result<Properties> properties = read_properties(fields, in(T::publish));
    if (!properties.ok()) return std::move(properties).error();
    out.properties = std::move(*properties);
  }
  // An empty one stands for its alias.
  if (out.topic.empty() && out.properties.number(P::topic_alias)) {
    if (version == Version::v3_1_1) return malformed("no topic");
  } else if (!is_topic(out.topic)) {
    return broken("0x90", "a topic that is none");
  }
  out.payload = fields.rest();
  return Packet(std::move(out));
}

Result<Packet> read_ack(Version version, PacketType type, Fields fields) {
  Ack out;
  out.type = type;
  out.id = fields.two();
  if (fields.ok() && out.id == 0) return against_protocol("a packet identifier of 0");
  if (version == Version::v5 && !fields.empty()) {
    out.reason = fields.byte();
    Result<Properties> properties = read_last_properties(fields, type);
    if (!properties.ok()) return std::move(properties).error();
    out.properties = std::move(*properties);
  }
  if (!fields.ok()) return fields.error();
  if (!fields.empty()) return malformed("bytes behind its end");
  return Packet(std::move(out));
}

Result<Packet> read_subscribe(Version version, Fields fields) {
  Subscribe out;
  out.id = fields.two();
  if (fields.ok() && out.id == 0) return against_protocol("a packet identifier of 0");
  if (version == Version::v5 && fields.ok()) {
    Result<Properties> properties = read_properties(fields, in(T::subscribe));
    if (!properties.ok()) return std::move(properties).error();
    out.properties = std::move(*properties);
  }
  while (!fields.empty()) {
    Filter& one = out.filters.emplace_back();
    one.filter = fields.text();
    const unsigned options = fields.byte();
    if (!fields.ok()) break;
    if (!is_filter(one.filter)) return broken("0x8f", "a filter that is none");
    one.qos = static_cast<std::uint8_t>(options & 3U);
    one.no_local = (options & 4U) != 0;
    one.retain_as_published = (options & 8U) != 0;
    one.retain_handling = static_cast<std::uint8_t>((options >> 4U) & 3U);
    if (one.qos > 2 || (options & 0xc0U) != 0 || (version == Version::v3_1_1 && (options & 0x3cU) != 0))
      return malformed("options that are reserved");
    if (one.retain_handling > 2) return against_protocol("options that are reserved");
  }
  if (!fields.ok()) return fields.error();
  if (out.filters.empty()) return against_protocol("a SUBSCRIBE for nothing");
  return Packet(std::move(out));
}

Result<Packet> read_unsubscribe(Version version, Fields fields) {
  Unsubscribe out;
  out.id = fields.two();
  if (fields.ok() && out.id == 0) return against_protocol("a packet identifier of 0");
  if (version == Version::v5 && fields.ok()) {
    Result<Properties> properties = read_properties(fields, in(T::unsubscribe));
    if (!properties.ok()) return std::move(properties).error();
    out.properties = std::move(*properties);
  }
  while (!fields.empty()) out.filters.emplace_back(fields.text());
  if (!fields.ok()) return fields.error();
  if (out.filters.empty()) return against_protocol("an UNSUBSCRIBE of nothing");
  return Packet(std::move(out));
}

Result<Packet> read_granted(Version version, PacketType type, Fields fields) {
  Granted out;
  out.type = type;
  out.id = fields.two();
  if (fields.ok() && out.id == 0) return against_protocol("a packet identifier of 0");
  if (version == Version::v5 && fields.ok()) {
    Result<Properties> properties = read_properties(fields, in(type));
    if (!properties.ok()) return std::move(properties).error();
    out.properties = std::move(*properties);
  }
  if (!fields.ok()) return fields.error();
  if (version == Version::v3_1_1 && type == T::unsuback) {
    if (!fields.empty()) return malformed("bytes behind its end");
    return Packet(std::move(out));
  }
  for (const char c : fields.rest()) out.reasons.push_back(static_cast<std::uint8_t>(c));
  if (out.reasons.empty()) return malformed("no reason codes");
  return Packet(std::move(out));
}

Result<Packet> read_notice(Version version, PacketType type, Fields fields) {
  Notice out;
  out.type = type;
  if (version == Version::v3_1_1) {
    if (type == T::auth) return malformed("a packet of another version");
  } else if (!fields.empty()) {
    out.reason = fields.byte();
    Result<Properties> properties = read_last_properties(fields, type);
    if (!properties.ok()) return std::move(properties).error();
    out.properties = std::move(*properties);
  }
  if (!fields.ok()) return fields.error();
  if (!fields.empty()) return malformed("bytes behind its end");
  return Packet(std::move(out));
}

}  // namespace

std::optional<std::uint32_t> Properties::number(PropertyId id) const noexcept {
  for (const Property& one : list) {
    if (one.id == id) return one.number;
  }
  return std::nullopt;
}

const std::string* Properties::text(PropertyId id) const noexcept {
  for (const Property& one : list) {
    if (one.id == id) return &one.text;
  }
  return nullptr;
}

namespace {

/// `allowed` says of each character whether it may be there.
template <class Allowed>
bool well_formed(std::string_view text, Allowed allowed) noexcept {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = at + text.size();
  while (at < end) {
    unsigned value = *at++;
    int more = 0;
    if (value >= 0x80) {
      if (value >= 0xc2 && value <= 0xdf) more = 1, value &= 0x1fU;
      else if (value >= 0xe0 && value <= 0xef) more = 2, value &= 0x0fU;
      else if (value >= 0xf0 && value <= 0xf4) more = 3, value &= 0x07U;
      else return false;
    }
    if (end - at < more) return false;
    for (int i = 0; i < more; ++i) {
      const unsigned next = *at++;
      if ((next & 0xc0U) != 0x80) return false;
      value = (value << 6U) | (next & 0x3fU);
    }
    if (more == 2 && (value < 0x800 || (value >= 0xd800 && value <= 0xdfff))) return false;
    if (more == 3 && (value < 0x10000 || value > 0x10ffff)) return false;
    if (!allowed(value)) return false;
  }
  return true;
}

}  // namespace

bool is_text(std::string_view text) noexcept {
  return well_formed(text, [](unsigned c) { return c != 0; });
}

bool is_plain_text(std::string_view text) noexcept {
  return well_formed(text, [](unsigned c) {
    const bool control = c < 0x20 || (c >= 0x7f && c <= 0x9f);
    const bool none = (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffeU) == 0xfffeU;
    return !control && !none;
  });
}

bool is_topic(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 65535 && text.find_first_of("+#") == std::string_view::npos && is_text(text);
}

bool is_filter(std::string_view text) noexcept {
  if (text.empty() || text.size() > 65535 || !is_text(text)) return false;
  constexpr std::string_view share = "$share/";
  if (text.starts_with(share)) {
    text.remove_prefix(share.size());
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos || slash == 0) return false;
    if (text.substr(0, slash).find_first_of("+#") != std::string_view::npos) return false;
    text.remove_prefix(slash + 1);
    if (text.empty()) return false;
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '+' && text[at] != '#') continue;
    if (at > 0 && text[at - 1] != '/') return false;
    if (at + 1 < text.size() && (text[at] == '#' || text[at + 1] != '/')) return false;
  }
  return true;
}

Result<void> encode(std::string& out, Version version, const Packet& packet) {
  Body body;
  Result<void> written = std::visit([&](const auto& one) { return write(body, version, one); }, packet);
  if (!written.ok()) return written;
  if (body.bytes.size() > max_remaining_length) return Error(ErrorKind::too_large, "MQTT: a packet beyond 268,435,455 bytes");
  const auto type = static_cast<unsigned>(std::visit([](const auto& one) { return type_of(one); }, packet));
  out.push_back(static_cast<char>((type << 4U) | body.flags));
  put_varint(out, body.bytes.size());
  out.append(body.bytes);
  return {};
}

Result<Packet> decode(Version version, std::uint8_t first_byte, std::string_view body) {
  const unsigned flags = first_byte & 0x0fU;
  const auto type = static_cast<PacketType>(first_byte >> 4U);
  const Fields fields(body);
  if (type != T::publish) {
    const bool two = type == T::pubrel || type == T::subscribe || type == T::unsubscribe;
    if (flags != (two ? 2U : 0U)) return malformed("flags of the header that are reserved");
  }
  switch (type) {
    case T::connect: return read_connect(fields);
    case T::connack: return read_connack(version, fields);
    case T::publish: return read_publish(version, flags, fields);
    case T::puback:
    case T::pubrec:
    case T::pubrel:
    case T::pubcomp: return read_ack(version, type, fields);
    case T::subscribe: return read_subscribe(version, fields);
    case T::suback:
    case T::unsuback: return read_granted(version, type, fields);
    case T::unsubscribe: return read_unsubscribe(version, fields);
    case T::pingreq:
    case T::pingresp: {
      if (!body.empty()) return malformed("bytes behind its end");
      Ping ping;
      ping.type = type;
      return Packet(ping);
    }
    case T::disconnect:
    case T::auth: return read_notice(version, type, fields);
  }
  return malformed("a type of packet that is reserved");
}

char* Reader::room(std::size_t size) {
  if (begin_ > 0) {
    std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (bytes_.size() < end_ + size) bytes_.resize(end_ + size);
  return bytes_.data() + end_;
}

Result<std::optional<Packet>> Reader::next() {
  using Next = Result<std::optional<Packet>>;
  const std::string_view have(bytes_.data() + begin_, end_ - begin_);
  std::size_t length = 0;
  std::size_t at = 1;
  for (;; ++at) {
    if (at >= have.size()) {
      if (at > 4) return Next(malformed("a length of more than four bytes"));
      return Next(std::nullopt);
    }
    const auto next = static_cast<std::uint8_t>(have[at]);
    length |= static_cast<std::size_t>(next & 0x7fU) << (7 * (at - 1));
    if ((next & 0x80U) == 0) break;
    if (at == 4) return Next(malformed("a length of more than four bytes"));
  }
  const std::size_t total = at + 1 + length;
  if (total > max_packet_) {
    return Next(Error(ErrorKind::too_large, "MQTT: a packet beyond our limit")
                    .with("size", std::to_string(total))
                    .with("limit", std::to_string(max_packet_))
                    .with("code", "0x95")
                    .with_operation("net.mqtt"));
  }
  if (have.size() < total) return Next(std::nullopt);
  Result<Packet> packet = decode(version_, static_cast<std::uint8_t>(have[0]), have.substr(at + 1, length));
  if (!packet.ok()) return Next(std::move(packet).error());
  begin_ += total;
  if (begin_ == end_) begin_ = end_ = 0;
  // One large packet does not keep its room.
  if (end_ == 0 && bytes_.capacity() > (4U << 20U)) bytes_ = std::string();
  return Next(std::optional<Packet>(std::move(*packet)));
}

}  // namespace spikard::net::mqtt
