#include "net/mqtt/options.hpp"

#include <gtest/gtest.h>

namespace spikard::net::mqtt {
namespace {

TEST(MqttUrl, SaysWhereAndAsWhom) {
  const Url plain = Url::parse("mqtt://localhost").value();
  EXPECT_EQ(plain.client.servers, (std::vector<Server>{{"localhost", 1883}}));
  EXPECT_FALSE(plain.client.tls);
  EXPECT_EQ(plain.client.version, Version::v5);
  EXPECT_FALSE(plain.client.user.has_value());
  const Url full =
      Url::parse(
          "mqtts://me:p%40ss%2Fw@a.example,[::1]:1234/?ca=/ca.pem&verify=false&version=3.1.1&client_id=web-1&keep_alive_s=30&"
          "session_expiry_s=60&clean_start=true&receive_maximum=7&will_topic=gone&will_payload=a%20b&will_qos=1&"
          "will_retain=1&qos=2&timeout_ms=500")
          .value();
  EXPECT_TRUE(full.client.tls);
  EXPECT_EQ(full.client.servers, (std::vector<Server>{{"a.example", 8883}, {"::1", 1234}}));
  EXPECT_EQ(full.client.user, "me");
  EXPECT_EQ(full.client.password, "p@ss/w");
  EXPECT_EQ(full.client.ca, "/ca.pem");
  EXPECT_FALSE(full.client.verify);
  EXPECT_EQ(full.client.version, Version::v3_1_1);
  EXPECT_EQ(full.client.client_id, "web-1");
  EXPECT_EQ(full.client.keep_alive, std::chrono::seconds(30));
  EXPECT_EQ(full.client.session_expiry, std::chrono::seconds(60));
  EXPECT_TRUE(full.client.clean_start);
  EXPECT_EQ(full.client.receive_maximum, 7);
  ASSERT_TRUE(full.client.will.has_value());
  EXPECT_EQ(*full.client.will, (Will{"gone", "a b", 1, true, {}}));
  EXPECT_EQ(full.client.timeout, std::chrono::milliseconds(500));
  EXPECT_EQ(full.rest, (std::vector<std::pair<std::string, std::string>>{{"qos", "2"}}));
}

TEST(MqttUrl, WhatMakesNoSenseIsRefusedByNameAndWithoutSecrets) {
  const auto why = [](std::string_view url) {
    Result<Url> out = Url::parse(url);
    return out.ok() ? std::string() : out.error().message();
  };
  EXPECT_EQ(why("http://x"), "url: scheme: expected mqtt://HOST or mqtts://HOST");
  for (const char* url : {"mqtt://", "mqtt://a,", "mqtt://a:", "mqtt://[::1", "mqtt://[::1]x", "mqtt://a/b"})
    EXPECT_NE(why(url).find("url: server: "), std::string::npos) << url;
  EXPECT_NE(why("mqtt://u:secret@a:99999").find("url: server: "), std::string::npos);
  EXPECT_EQ(why("mqtt://u:secret@a:99999").find("secret"), std::string::npos);
  EXPECT_NE(why("mqtt://a?version=4").find("url: version: expected 5 or 3.1.1"), std::string::npos);
  EXPECT_NE(why("mqtt://a?keep_alive_s=0").find("url: keep_alive_s: "), std::string::npos);
  EXPECT_NE(why("mqtt://a?verify=yes").find("url: verify: "), std::string::npos);
  EXPECT_NE(why("mqtt://a?will_qos=1").find("url: will_topic: "), std::string::npos);
  EXPECT_NE(why("mqtt://a?will_topic=%23").find("url: will_topic: "), std::string::npos);
}

}  // namespace
}  // namespace spikard::net::mqtt
