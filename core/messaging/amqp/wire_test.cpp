#include <gtest/gtest.h>

#include "messaging/amqp/methods.hpp"
#include "messaging/amqp/wire.hpp"

namespace spikard::messaging::amqp {
namespace {

TEST(AmqpFrames, ComeOutWhole_0_9_1_4_2_3) {
  std::string bytes;
  put_publish(bytes, 7, "e", "k", true, std::string("\x10\0\2", 3), std::string(10'000, 'x'), 4096);
  put_heartbeat(bytes);
  for (const std::size_t piece : {bytes.size(), std::size_t{1}, std::size_t{1000}}) {
    FrameReader reader(4096);
    std::vector<FrameType> types;
    std::string body;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      reader.feed(std::string_view(bytes).substr(at, piece));
      Frame frame;
      for (;;) {
        const Result<bool> whole = reader.next(frame);
        ASSERT_TRUE(whole.ok());
        if (!*whole) break;
        types.push_back(frame.type);
        if (frame.type == FrameType::heartbeat) EXPECT_EQ(frame.channel, 0);
        else EXPECT_EQ(frame.channel, 7);
        if (frame.type == FrameType::body) body += frame.payload;
      }
    }
    EXPECT_EQ(types, (std::vector<FrameType>{FrameType::method, FrameType::header, FrameType::body, FrameType::body,
                                             FrameType::body, FrameType::heartbeat}));
    EXPECT_EQ(body, std::string(10'000, 'x'));
  }
}

TEST(AmqpFrames, WhatIsNoneIsCorrupt) {
  const auto corrupt = [](std::string_view bytes) {
    FrameReader reader(4096);
    reader.feed(bytes);
    Frame frame;
    const Result<bool> whole = reader.next(frame);
    return !whole.ok() && whole.error().kind() == ErrorKind::corrupt;
  };
  EXPECT_TRUE(corrupt(std::string_view("AMQP\0\1\0\0", 8))) << "the answer of a broker of another version";
  EXPECT_TRUE(corrupt(std::string_view("\4\0\0\0\0\0\0\xce", 8)));
  EXPECT_TRUE(corrupt(std::string_view("\1\0\0\0\0\x10\x01", 7))) << "longer than agreed";
  EXPECT_TRUE(corrupt(std::string_view("\x08\0\0\0\0\0\0x", 8))) << "no end";
  EXPECT_TRUE(corrupt("HTTP/1.1 400 Bad Request"));
}

TEST(AmqpTables, EveryTypeOfRabbitMq) {
  std::string table;
  const auto entry = [&table](std::string_view name, std::string_view rest) {
    put_short_text(table, name);
    table += rest;
  };
  entry("t", std::string_view("t\1", 2));
  entry("b", std::string_view("b\xff", 2));
  entry("B", std::string_view("B\xff", 2));
  entry("s", std::string_view("s\xff\xfe", 3));
  entry("u", std::string_view("u\xff\xfe", 3));
  entry("I", std::string_view("I\xff\xff\xff\xfd", 5));
  entry("i", std::string_view("i\xff\xff\xff\xff", 5));
  entry("l", std::string_view("l\xff\xff\xff\xff\xff\xff\xff\xfc", 9));
  entry("d", std::string_view("d\x3f\xf8\0\0\0\0\0\0", 9));
  entry("D", std::string_view("D\1\0\0\0\x0f", 6));
  entry("T", std::string_view("T\0\0\0\0\0\0\0\7", 9));
  entry("V", "V");
  entry("A", std::string_view("A\0\0\0\4t\0t\1", 9));
  entry("F", std::string_view("F\0\0\0\0", 5));
  entry("x", std::string_view("x\0\0\0\2\0\1", 7));
  put_entry(table, "S", std::string_view("text"));
  put_entry(table, "n", std::int64_t{-9});
  std::string seen;
  ASSERT_TRUE(each_entry(table, [&](std::string_view name, const Field& field) {
    seen.append(name).append("=").append(field.kind == Field::Kind::text && name == "x" ? "octets" : text_of(field)).append(" ");
    if (name == "A") EXPECT_TRUE(each_element(field.text, [&](const Field& one) { seen += text_of(one) + ","; }));
  }));
  EXPECT_EQ(seen,
            "t=true b=-1 B=255 s=-2 u=65534 I=-3 i=4294967295 l=-4 d=1.5 D=1.5 T=7 V= A= false,true,F= x=octets S=text n=-9 ");
  for (std::size_t size = 1; size < table.size(); ++size) (void)each_entry(table.substr(0, size), [](auto, const auto&) {});
  EXPECT_FALSE(each_entry(std::string_view("\1aS\0\0\0\5abc", 10), [](auto, const auto&) {})) << "cut off";
  EXPECT_FALSE(each_entry(std::string_view("\1a?", 3), [](auto, const auto&) {})) << "of no known type";
}

TEST(AmqpMethods, PropertiesComeBack) {
  std::string table;
  put_entry(table, "a", std::string_view("1"));
  Properties properties;
  properties.content_type = "text/plain";
  properties.headers = table;
  properties.delivery_mode = 2;
  properties.message_id = "id";
  properties.timestamp = 77;
  const std::string bytes = properties_of(properties);
  const Result<Properties> read = read_properties(bytes);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->content_type, "text/plain");
  EXPECT_EQ(read->headers, table);
  EXPECT_EQ(read->delivery_mode, 2);
  EXPECT_EQ(read->message_id, "id");
  EXPECT_EQ(read->timestamp, 77U);
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(read_properties(bytes.substr(0, size)).ok()) << size;
}

}  // namespace
}  // namespace spikard::messaging::amqp
