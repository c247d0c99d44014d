#include "net/mqtt/packet.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "net/mqtt/reason.hpp"

namespace spikard::net::mqtt {
namespace {

using namespace std::string_literals;

std::string bytes(Version version, const Packet& packet) {
  std::string out;
  const Result<void> done = encode(out, version, packet);
  EXPECT_TRUE(done.ok()) << done.error().to_string();
  return out;
}
std::string code_of(const Error& error) {
  for (const auto& [name, value] : error.context()) {
    if (name == "code") return value;
  }
  return "";
}
/// The error's code, or "" for a good packet.
std::string refused(Version version, std::string_view packet) {
  Result<Packet> out = decode(version, static_cast<std::uint8_t>(packet[0]), packet.substr(2));
  return out.ok() ? "" : code_of(out.error());
}
template <class T>
T read(Version version, std::string_view packet) {
  Reader reader(version, 1U << 20U);
  // Byte by byte: a packet is there with its last one.
  for (std::size_t i = 0; i < packet.size(); ++i) {
    *reader.room(1) = packet[i];
    reader.filled(1);
    Result<std::optional<Packet>> next = reader.next();
    EXPECT_TRUE(next.ok()) << next.error().to_string();
    if (!next.ok()) return T();
    EXPECT_EQ(next->has_value(), i + 1 == packet.size()) << i;
    if (next->has_value()) return std::get<T>(**next);
  }
  ADD_FAILURE() << "no packet";
  return T();
}

// The bytes are the standard's own words: MQTT 3.1.1 (figures 3.6, 3.11, 3.20 and so on) and 5, written out by hand.
TEST(MqttPacket, ConnectOfVersion4) {
  Connect connect;
  connect.version = Version::v3_1_1;
  connect.client_id = "c";
  connect.clean_start = true;
  connect.keep_alive = 10;
  connect.user = "u";
  connect.password = "pw";
  connect.will = Will{"w", "bye", 1, true, {}};
  const std::string expected =
      "\x10\x1c\x00\x04MQTT\x04\xee\x00\x0a\x00\x01"
      "c\x00\x01w\x00\x03"
      "bye\x00\x01u\x00\x02pw"s;
  EXPECT_EQ(bytes(Version::v3_1_1, connect), expected);
  EXPECT_EQ(read<Connect>(Version::v3_1_1, expected), connect);
}

TEST(MqttPacket, ConnectOfVersion5) {
  Connect connect;
  connect.client_id = "c";
  connect.keep_alive = 60;
  connect.properties.add(PropertyId::session_expiry, 3600);
  connect.properties.add(PropertyId::receive_maximum, 20);
  const std::string expected =
      "\x10\x16\x00\x04MQTT\x05\x00\x00\x3c\x08\x11\x00\x00\x0e\x10\x21\x00\x14\x00\x01"
      "c"s;
  EXPECT_EQ(bytes(Version::v5, connect), expected);
  EXPECT_EQ(read<Connect>(Version::v5, expected), connect);
}

TEST(MqttPacket, Connack) {
  Connack connack;
  connack.session_present = true;
  EXPECT_EQ(bytes(Version::v3_1_1, connack), "\x20\x02\x01\x00"s);
  EXPECT_EQ(bytes(Version::v5, connack), "\x20\x03\x01\x00\x00"s);
  const Connack limits = read<Connack>(Version::v5, "\x20\x0b\x00\x00\x08\x21\x00\x0a\x27\x00\x00\x01\x00"s);
  EXPECT_EQ(limits.properties.number(PropertyId::receive_maximum), 10U);
  EXPECT_EQ(limits.properties.number(PropertyId::maximum_packet_size), 256U);
  EXPECT_EQ(limits.properties.number(PropertyId::maximum_qos), std::nullopt);
  EXPECT_EQ(read<Connack>(Version::v5, "\x20\x02\x00\x01"s).reason, 1) << "a server of 3.1.1 alone";
}

TEST(MqttPacket, PublishOfEachQos) {
  Publish publish;
  publish.topic = "a/b";
  publish.payload = "hi";
  EXPECT_EQ(bytes(Version::v3_1_1, publish),
            "\x30\x07\x00\x03"
            "a/bhi"s);
  publish.qos = 1;
  publish.id = 0x1234;
  publish.retain = true;
  publish.dup = true;
  EXPECT_EQ(bytes(Version::v3_1_1, publish),
            "\x3b\x09\x00\x03"
            "a/b\x12\x34hi"s);
  publish.qos = 2;
  publish.dup = publish.retain = false;
  publish.properties.add(PropertyId::content_type, "t");
  publish.properties.add_user("k", "v");
  const std::string expected =
      "\x34\x15\x00\x03"
      "a/b\x12\x34\x0b\x03\x00\x01t\x26\x00\x01k\x00\x01vhi"s;
  EXPECT_EQ(bytes(Version::v5, publish), expected);
  EXPECT_EQ(read<Publish>(Version::v5, expected), publish);
}

TEST(MqttPacket, AcknowledgementsLeaveOutWhatSaysNothing) {
  Ack ack;
  ack.id = 7;
  const std::pair<PacketType, std::string> all[] = {{PacketType::puback, "\x40\x02\x00\x07"s},
                                                    {PacketType::pubrec, "\x50\x02\x00\x07"s},
                                                    {PacketType::pubrel, "\x62\x02\x00\x07"s},
                                                    {PacketType::pubcomp, "\x70\x02\x00\x07"s}};
  for (const auto& [type, expected] : all) {
    ack.type = type;
    EXPECT_EQ(bytes(Version::v5, ack), expected);
    EXPECT_EQ(read<Ack>(Version::v5, expected), ack);
    EXPECT_EQ(bytes(Version::v3_1_1, ack), expected);
  }
  ack.type = PacketType::puback;
  ack.reason = 0x10;
  EXPECT_EQ(bytes(Version::v5, ack), "\x40\x03\x00\x07\x10"s);
  EXPECT_EQ(bytes(Version::v3_1_1, ack), "\x40\x02\x00\x07"s);
  EXPECT_EQ(read<Ack>(Version::v5, "\x40\x04\x00\x07\x10\x00"s), ack);
}

TEST(MqttPacket, SubscribeAndWhatIsGranted) {
  Subscribe subscribe;
  subscribe.id = 1;
  subscribe.filters.push_back(Filter{"a/+", 1, false, true, 2});
  EXPECT_EQ(bytes(Version::v5, subscribe),
            "\x82\x09\x00\x01\x00\x00\x03"
            "a/+\x29"s);
  EXPECT_EQ(bytes(Version::v3_1_1, subscribe),
            "\x82\x08\x00\x01\x00\x03"
            "a/+\x01"s);
  EXPECT_EQ(read<Subscribe>(Version::v5, bytes(Version::v5, subscribe)), subscribe);
  EXPECT_EQ(read<Granted>(Version::v5, "\x90\x05\x00\x01\x00\x01\x87"s).reasons, (std::vector<std::uint8_t>{1, 0x87}));
  EXPECT_EQ(read<Granted>(Version::v3_1_1, "\x90\x03\x00\x01\x80"s).reasons, std::vector<std::uint8_t>{0x80});
  Unsubscribe unsubscribe;
  unsubscribe.id = 2;
  unsubscribe.filters.emplace_back("a");
  EXPECT_EQ(bytes(Version::v3_1_1, unsubscribe),
            "\xa2\x05\x00\x02\x00\x01"
            "a"s);
  EXPECT_EQ(read<Granted>(Version::v3_1_1, "\xb0\x02\x00\x02"s).id, 2);
}

TEST(MqttPacket, PingAndDisconnect) {
  EXPECT_EQ(bytes(Version::v5, Ping{PacketType::pingreq}), "\xc0\x00"s);
  EXPECT_EQ(read<Ping>(Version::v3_1_1, "\xd0\x00"s).type, PacketType::pingresp);
  EXPECT_EQ(bytes(Version::v5, Notice()), "\xe0\x00"s);
  EXPECT_EQ(read<Notice>(Version::v5, "\xe0\x02\x8e\x00"s).reason, 0x8e);
  EXPECT_EQ(read<Notice>(Version::v5, "\xe0\x01\x8b"s).reason, 0x8b);
}

TEST(MqttPacket, LengthsOfOneToFourBytes) {
  for (const std::size_t size : {0U, 120U, 121U, 16'376U, 16'377U, 2'097'144U, 2'097'145U}) {
    Publish publish;
    publish.topic = "a/b/c";
    publish.payload.assign(size, 'x');
    const std::string text = bytes(Version::v3_1_1, publish);
    Reader reader(Version::v3_1_1, 4U << 20U);
    std::memcpy(reader.room(text.size()), text.data(), text.size());
    reader.filled(text.size());
    Result<std::optional<Packet>> next = reader.next();
    ASSERT_TRUE(next.ok() && next->has_value()) << size;
    EXPECT_EQ(std::get<Publish>(**next).payload.size(), size);
  }
}

TEST(MqttPacket, WhatIsMalformedIsRefused) {
  const Version v4 = Version::v3_1_1;
  const Version v5 = Version::v5;
  EXPECT_EQ(refused(v5,
                    "\x36\x05\x00\x01"
                    "a\x00\x01"s),
            "0x81")
      << "QoS 3";
  EXPECT_EQ(refused(v5,
                    "\x38\x04\x00\x01"
                    "a\x00"s),
            "0x81")
      << "DUP with QoS 0";
  EXPECT_EQ(refused(v5, "\x30\x04\x00\x01+\x00"s), "0x90") << "a wildcard in a topic";
  EXPECT_EQ(refused(v4, "\x30\x02\x00\x00"s), "0x90") << "no topic";
  EXPECT_EQ(refused(v5, "\x30\x04\x00\x01\x00\x00"s), "0x81") << "U+0000";
  EXPECT_EQ(refused(v5, "\x30\x06\x00\x03\xed\xa0\x80\x00"s), "0x81") << "a surrogate";
  EXPECT_EQ(refused(v5,
                    "\x32\x06\x00\x01"
                    "a\x00\x00\x00"s),
            "0x82")
      << "packet identifier 0";
  EXPECT_EQ(refused(v5,
                    "\x30\x05\x00\x01"
                    "a\x03\x01"s),
            "0x81")
      << "properties longer than the packet";
  EXPECT_EQ(refused(v5,
                    "\x30\x09\x00\x01"
                    "a\x05\x11\x00\x00\x00\x01"s),
            "0x81")
      << "a property of another packet";
  EXPECT_EQ(refused(v5,
                    "\x30\x0c\x00\x01"
                    "a\x08\x03\x00\x01t\x03\x00\x01t"s),
            "0x82")
      << "a property twice";
  EXPECT_EQ(refused(v5,
                    "\x30\x06\x00\x01"
                    "a\x02\x01\x02"s),
            "0x82")
      << "a flag that is 2";
  EXPECT_EQ(refused(v5, "\x20\x06\x00\x00\x03\x21\x00\x00"s), "0x82") << "receive maximum 0";
  EXPECT_EQ(refused(v4, "\x20\x02\x02\x00"s), "0x81") << "flags that are reserved";
  EXPECT_EQ(refused(v4, "\x60\x02\x00\x01"s), "0x81") << "flags of the header";
  EXPECT_EQ(refused(v4, "\xd0\x01\x00"s), "0x81") << "bytes behind its end";
  EXPECT_EQ(refused(v4, "\xf0\x00"s), "0x81") << "AUTH in 3.1.1";
  EXPECT_EQ(refused(v5,
                    "\x30\x05\x00\x01"
                    "a\x80\x00"s),
            "0x81")
      << "a number that is longer than it must be";
  EXPECT_EQ(refused(v5,
                    "\x82\x08\x00\x01\x00\x00\x02"
                    "a#\x00"s),
            "0x8f")
      << "a filter";
}

TEST(MqttPacket, TheReaderHasALimitAndRefusesLengthsOfFiveBytes) {
  Reader small(Version::v5, 100);
  std::memcpy(small.room(2), "\x30\x64", 2);
  small.filled(2);
  Result<std::optional<Packet>> next = small.next();
  ASSERT_FALSE(next.ok());
  EXPECT_EQ(next.error().kind(), ErrorKind::too_large);
  EXPECT_EQ(code_of(next.error()), "0x95");
  Reader reader(Version::v5, SIZE_MAX);
  std::memcpy(reader.room(5), "\x30\xff\xff\xff\xff", 5);
  reader.filled(5);
  EXPECT_EQ(reader.next().error().kind(), ErrorKind::corrupt);
}

TEST(MqttPacket, WhatCannotBeSaidIsRefused) {
  std::string out = "before";
  const auto kind = [&](const Publish& publish) { return encode(out, Version::v5, publish).error().kind(); };
  Publish publish;
  publish.topic = "a/+";
  EXPECT_EQ(kind(publish), ErrorKind::invalid_argument);
  publish.topic = "a";
  publish.qos = 1;
  EXPECT_EQ(kind(publish), ErrorKind::invalid_argument) << "no packet identifier";
  publish.qos = 0;
  publish.properties.add_user("k", "a\0b"s);
  EXPECT_EQ(kind(publish), ErrorKind::invalid_argument);
  publish.properties.list.clear();
  publish.properties.add_user("k", std::string(65536, 'x'));
  EXPECT_EQ(kind(publish), ErrorKind::invalid_argument);
  publish.properties.list.clear();
  publish.properties.add(PropertyId::session_expiry, 1);
  EXPECT_EQ(kind(publish), ErrorKind::invalid_argument);
  EXPECT_EQ(out, "before");
}

TEST(MqttPacket, TextsAndFilters) {
  EXPECT_TRUE(
      is_text("gr\xc3\xbc\xc3\x9f"
              "e \xf0\x9f\x98\x80"));
  for (const std::string& bad :
       {"\xc0\x80"s, "\xc3"s, "\xe0\x80\x80"s, "\xf4\x90\x80\x80"s, "\xff"s, "a\0"s, "\xed\xbf\xbf"s, "\x80"s})
    EXPECT_FALSE(is_text(bad));
  for (const std::string& odd : {"a\nb"s, "\x7f"s, "\xc2\x85"s, "\xef\xb7\x90"s, "\xef\xbf\xbf"s, "\xf0\x9f\xbf\xbe"s}) {
    EXPECT_TRUE(is_text(odd));
    EXPECT_FALSE(is_plain_text(odd));
  }
  EXPECT_TRUE(
      is_plain_text("gr\xc3\xbc\xc3\x9f"
                    "e \xf0\x9f\x98\x80 \xef\xbf\xbd"));
  for (const char* good : {"a", "#", "+", "a/#", "+/a/+", "/", "//#", "$share/g/a/#", "a b"})
    EXPECT_TRUE(is_filter(good)) << good;
  for (const char* bad : {"", "a#", "#/a", "a/#/b", "a+", "+a", "$share/g", "$share//a", "$share/+/a", "$share/g/"})
    EXPECT_FALSE(is_filter(bad)) << bad;
}

TEST(MqttReason, TheTable) {
  struct Row {
    std::uint8_t code;
    ErrorKind kind;
    RetryClass retry;
  };
  using K = ErrorKind;
  const RetryClass t = RetryClass::temporary;
  const RetryClass p = RetryClass::permanent;
  const Row rows[] = {
      {0x80, K::unavailable, t},       {0x81, K::internal, p},          {0x82, K::internal, p},
      {0x83, K::unavailable, t},       {0x84, K::unsupported, p},       {0x85, K::invalid_argument, p},
      {0x86, K::permission_denied, p}, {0x87, K::permission_denied, p}, {0x88, K::unavailable, t},
      {0x89, K::unavailable, t},       {0x8a, K::permission_denied, p}, {0x8b, K::unavailable, t},
      {0x8c, K::permission_denied, p}, {0x8d, K::unavailable, t},       {0x8e, K::conflict, t},
      {0x8f, K::invalid_argument, p},  {0x90, K::invalid_argument, p},  {0x91, K::conflict, t},
      {0x92, K::outcome_unknown, p},   {0x93, K::internal, p},          {0x94, K::internal, p},
      {0x95, K::too_large, p},         {0x96, K::rate_limited, t},      {0x97, K::rate_limited, t},
      {0x98, K::unavailable, t},       {0x99, K::invalid_argument, p},  {0x9a, K::unsupported, p},
      {0x9b, K::unsupported, p},       {0x9c, K::unavailable, t},       {0x9d, K::unavailable, p},
      {0x9e, K::unsupported, p},       {0x9f, K::rate_limited, t},      {0xa0, K::unavailable, t},
      {0xa1, K::unsupported, p},       {0xa2, K::unsupported, p},       {0xff, K::unavailable, t},
  };
  for (const Row& row : rows) {
    const Error error = error_of(row.code);
    EXPECT_EQ(error.kind(), row.kind) << int{row.code};
    EXPECT_EQ(error.retry(), row.retry) << int{row.code};
  }
  const ErrorKind returned[] = {K::unsupported, K::invalid_argument, K::unavailable, K::permission_denied, K::permission_denied};
  for (std::uint8_t code = 1; code <= 5; ++code) EXPECT_EQ(error_of_return_code(code).kind(), returned[code - 1]) << int{code};
  Properties said;
  said.add(PropertyId::reason_string, "go away");
  EXPECT_EQ(error_of(0x97, said).message(), "the MQTT server says: quota exceeded (go away)");
  EXPECT_EQ(code_of(error_of(0x97)), "0x97");
}

}  // namespace
}  // namespace spikard::net::mqtt
