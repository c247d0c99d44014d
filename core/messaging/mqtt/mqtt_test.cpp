#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdlib>

#include "messaging/mqtt/instance.hpp"
#include "messaging/mqtt/options.hpp"

namespace spikard::messaging::mqtt {
namespace {

using net::mqtt::PropertyId;
using net::mqtt::Publish;

MqttOptions parse(std::string_view url) { return MqttOptions::parse(url).value(); }

TEST(MqttOptions, TheUrlSaysHow) {
  const MqttOptions plain = parse("mqtt://h");
  EXPECT_EQ(plain.qos, 1);
  EXPECT_TRUE(plain.share);
  EXPECT_EQ(plain.prefix, "");
  EXPECT_FALSE(plain.own_client_id);
  EXPECT_FALSE(parse("mqtt://h?version=3.1.1").share) << "its brokers may take it for a topic";
  EXPECT_TRUE(parse("mqtt://h?share=true&version=3.1.1").share);
  const MqttOptions full = parse("mqtts://u:p@h?qos=2&share=false&prefix=site7/&client_id=web-1");
  EXPECT_EQ(full.qos, 2);
  EXPECT_FALSE(full.share);
  EXPECT_EQ(full.prefix, "site7/");
  EXPECT_TRUE(full.own_client_id);
  for (const char* url :
       {"mqtt://u:secret@h?qos=3", "mqtt://u:secret@h?prefix=a/%23", "mqtt://u:secret@h?what=1", "mqtt://u:secret@"}) {
    Result<MqttOptions> refused = MqttOptions::parse(url);
    ASSERT_FALSE(refused.ok()) << url;
    EXPECT_EQ(refused.error().kind(), ErrorKind::invalid_argument);
    EXPECT_EQ(refused.error().to_string().find("secret"), std::string::npos) << url;
  }
}

TEST(MqttMessage, HeadersAndKeyAreUserPropertiesAndComeBack) {
  const MqttOptions options = parse("mqtt://h?prefix=p/&qos=2");
  Message message("a/b", "body", "key", Headers{{"h", "1"}, {"content-type", "text/plain"}, {"h", "2"}, {"mqtt-expiry-s", "60"}});
  const Publish publish = to_publish(message, options).value();
  EXPECT_EQ(publish.topic, "p/a/b");
  EXPECT_EQ(publish.qos, 2);
  EXPECT_FALSE(publish.retain);
  EXPECT_EQ(*publish.properties.text(PropertyId::content_type), "text/plain");
  EXPECT_EQ(publish.properties.number(PropertyId::message_expiry), 60U);
  const Message back = from_publish(publish, options);
  EXPECT_EQ(back.topic, "a/b");
  EXPECT_EQ(back.payload, "body");
  EXPECT_EQ(back.key, "key");
  EXPECT_EQ(back.headers, (Headers{{"h", "1"}, {"content-type", "text/plain"}, {"h", "2"}}));
}

TEST(MqttMessage, ControlCharactersTravelEncoded) {
  const MqttOptions options = parse("mqtt://h");
  const Headers headers{{"plain", "1"}, {"x-error", "two\nlines, 100 %"}, {"nul", std::string("a\0b", 3)}, {"a=\t", "="}};
  const Publish publish = to_publish(Message("t", "x", "k\x7f", headers), options).value();
  for (const net::mqtt::Property& one : publish.properties.list)
    EXPECT_TRUE(net::mqtt::is_plain_text(one.text) && net::mqtt::is_plain_text(one.value)) << one.text;
  const Message back = from_publish(publish, options);
  EXPECT_EQ(back.headers, headers);
  EXPECT_EQ(back.key, "k\x7f");
}

TEST(MqttMessage, RetainIsAHeader) {
  const MqttOptions options = parse("mqtt://h");
  Publish publish = to_publish(Message("t", "x", {}, Headers{{"mqtt-retain", "true"}}), options).value();
  EXPECT_TRUE(publish.retain);
  EXPECT_TRUE(publish.properties.list.empty());
  EXPECT_EQ(from_publish(publish, options).headers, (Headers{{"mqtt-retain", "true"}}));
}

TEST(MqttMessage, WhatMqttCannotSayIsRefused) {
  const MqttOptions v5 = parse("mqtt://h");
  const MqttOptions v4 = parse("mqtt://h?version=3.1.1");
  const auto kind = [](Message message, const MqttOptions& options) {
    Result<Publish> out = to_publish(std::move(message), options);
    return out.ok() ? std::string("ok") : std::string(name_of(out.error().kind()));
  };
  EXPECT_EQ(kind(Message("a+b", "x"), v5), "invalid_argument");
  EXPECT_EQ(kind(Message("a\xc2\x85", "x"), v5), "invalid_argument");
  EXPECT_EQ(kind(Message("t", "x", {}, Headers{{"h", std::string(70'000, 'x')}}), v5), "invalid_argument");
  EXPECT_EQ(kind(Message("t", "x", {}, Headers{{"mqtt-expiry-s", "soon"}}), v5), "invalid_argument");
  EXPECT_EQ(kind(Message("t", "x"), v4), "ok");
  EXPECT_EQ(kind(Message("t", "x", "k"), v4), "unsupported");
  EXPECT_EQ(kind(Message("t", "x", {}, Headers{{"h", "1"}}), v4), "unsupported");
}

TEST(MqttFilter, AGroupIsAShareWhateverItsName) {
  EXPECT_EQ(filter_of("g", "home/+", parse("mqtt://h?prefix=p/")), "$share/g/p/home/+");
  EXPECT_EQ(filter_of("a/b+c#%", "t", parse("mqtt://h")), "$share/a%2Fb%2Bc%23%25/t");
  EXPECT_EQ(filter_of("g", "t", parse("mqtt://h?share=false")), "t");
}

TEST(MqttInstance, HasANameOfItsOwnAndTheSameAgain) {
  std::string folder = "/tmp/spikard-instance-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string store = "sqlite:" + folder + "/deliveries.db?synchronous=normal";
  std::string first;
  std::string second;
  {
    const Instance one = Instance::claim(store, "default").value();
    const Instance two = Instance::claim(store, "default").value();
    const Instance other = Instance::claim(store, "other").value();
    first = one.name();
    second = two.name();
    EXPECT_TRUE(one.lasting());
    EXPECT_NE(first, second);
    EXPECT_NE(first, other.name());
  }
  const Instance again = Instance::claim(store, "default").value();
  EXPECT_EQ(again.name(), first);
  EXPECT_EQ(Instance::claim(store, "default").value().name(), second);
  EXPECT_FALSE(Instance::claim("memory:", "default").value().lasting());
  EXPECT_FALSE(Instance::claim("sqlite::memory:", "default").value().lasting());
  EXPECT_EQ(Instance::claim("sqlite:" + folder + "/none/x.db", "default").error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(std::system(("rm -r " + folder).c_str()), 0);
}

}  // namespace
}  // namespace spikard::messaging::mqtt
