#include "messaging/amqp/options.hpp"

#include <gtest/gtest.h>

namespace spikard::messaging::amqp {
namespace {

TEST(AmqpOptions, AUrlInFull) {
  const Result<AmqpOptions> options = AmqpOptions::parse(
      "amqps://us%40er:p%3A%2Fss@a.example:5673,[::1]:5674,b/"
      "v%2F1?name=orders&mandatory=true&replicas=3&heartbeat_s=2&timeout_ms="
      "500&ca=/ca.pem&certificate=/c.pem&key=/k.pem&auth=external");
  ASSERT_TRUE(options.ok()) << options.error().to_string();
  EXPECT_EQ(options->user, "us@er");
  EXPECT_EQ(options->password, "p:/ss");
  EXPECT_EQ(options->servers, (std::vector<Server>{{"a.example", 5673}, {"::1", 5674}, {"b", 5671}}));
  EXPECT_EQ(options->vhost, "v/1");
  EXPECT_EQ(options->name, "orders");
  EXPECT_TRUE(options->mandatory && options->tls && options->verify && options->external);
  EXPECT_EQ(options->replicas, 3U);
  EXPECT_EQ(options->heartbeat, std::chrono::seconds(2));
  EXPECT_EQ(options->timeout, std::chrono::milliseconds(500));
}

TEST(AmqpOptions, WhereNothingIsSaid) {
  for (const char* url : {"amqp://localhost", "amqp://localhost/", "amqp://localhost/%2f"}) {
    const Result<AmqpOptions> options = AmqpOptions::parse(url);
    ASSERT_TRUE(options.ok()) << url;
    EXPECT_EQ(options->vhost, "/");
    EXPECT_EQ(options->user, "guest");
    EXPECT_EQ(options->servers, (std::vector<Server>{{"localhost", 5672}}));
    EXPECT_EQ(options->name, "spikard");
    EXPECT_FALSE(options->tls || options->mandatory || options->external);
  }
}

TEST(AmqpOptions, AWrongPartIsNamedAndNoSecretTold) {
  struct Case {
    std::string_view url;
    std::string_view named;
  };
  for (const Case& one :
       {Case{"http://x", "scheme"}, Case{"amqp://", "server"}, Case{"amqp://a,", "server"}, Case{"amqp://a:0", "server"},
        Case{"amqp://u:hush@a?x=1", "`x`"}, Case{"amqp://u:hush@a?name=amq.x", "name"},
        Case{"amqp://u:hush@a?name=a%20b", "name"}, Case{"amqp://u:hush@a?replicas=0", "replicas"},
        Case{"amqp://u:hush@a?ca=/x", "ca"}, Case{"amqps://u:hush@a?certificate=/x", "certificate"},
        Case{"amqps://u:hush@a?auth=external", "auth"}, Case{"amqp://u:hush@a?auth=ntlm", "auth"},
        Case{"amqp://u:hush@a?heartbeat_s=0", "heartbeat_s"}, Case{"amqp://u:hush@a?mandatory=perhaps", "mandatory"}}) {
    const Result<AmqpOptions> options = AmqpOptions::parse(one.url);
    ASSERT_FALSE(options.ok()) << one.url;
    EXPECT_EQ(options.error().kind(), ErrorKind::invalid_argument);
    EXPECT_NE(options.error().message().find(one.named), std::string::npos) << options.error().message();
    EXPECT_EQ(options.error().to_string().find("hush"), std::string::npos);
  }
}

}  // namespace
}  // namespace spikard::messaging::amqp
