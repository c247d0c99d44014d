#include "messaging/nats/options.hpp"

#include <gtest/gtest.h>

namespace spikard::messaging::nats {
namespace {

TEST(NatsOptions, AUrlInFull) {
  const Result<NatsOptions> options = NatsOptions::parse(
      "nats://us%40er:p%3Ass@a.example:4223,[::1]:4224,b?stream=orders&replicas=3&max_age_ms=0&timeout_ms=500&verify=false&ca=/"
      "x.pem");
  ASSERT_TRUE(options.ok()) << options.error().to_string();
  EXPECT_EQ(options->user, "us@er");
  EXPECT_EQ(options->password, "p:ss");
  EXPECT_EQ(options->servers, (std::vector<Server>{{"a.example", 4223}, {"::1", 4224}, {"b", 4222}}));
  EXPECT_EQ(options->servers[1].text(), "[::1]:4224");
  EXPECT_EQ(options->stream, "orders");
  EXPECT_EQ(options->prefix, "orders.");
  EXPECT_EQ(options->replicas, 3U);
  EXPECT_EQ(options->max_age, Duration::zero());
  EXPECT_EQ(options->timeout, std::chrono::milliseconds(500));
  EXPECT_TRUE(options->tls) << "a ca is for TLS";
  EXPECT_FALSE(options->verify);
  EXPECT_TRUE(options->jetstream);
}

TEST(NatsOptions, WhereNothingIsSaid) {
  const Result<NatsOptions> options = NatsOptions::parse("nats://localhost");
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->stream, "spikard");
  EXPECT_EQ(options->prefix, "spikard.");
  EXPECT_FALSE(options->tls);
  EXPECT_TRUE(options->create);
  EXPECT_FALSE(NatsOptions::parse("nats://localhost?prefix=")->create) << "a stream of every subject is the operator's";
  EXPECT_EQ(NatsOptions::parse("nats://secret@localhost")->token, "secret");
}

TEST(NatsOptions, AWrongPartIsNamedAndNoSecretTold) {
  struct Case {
    std::string_view url;
    std::string_view named;
  };
  for (const Case& one :
       {Case{"http://x", "scheme"}, Case{"nats://", "server"}, Case{"nats://a,", "server"}, Case{"nats://a:0", "server"},
        Case{"nats://a:", "server"}, Case{"nats://a:99999", "server"}, Case{"nats://[::1", "server"},
        Case{"nats://u:hush@a?x=1", "`x`"}, Case{"nats://u:hush@a?tls=perhaps", "tls"},
        Case{"nats://u:hush@a?stream=a.b", "stream"}, Case{"nats://u:hush@a?prefix=a", "prefix"},
        Case{"nats://u:hush@a?prefix=$JS.", "prefix"}, Case{"nats://u:hush@a?replicas=9", "replicas"},
        Case{"nats://u:hush@a?timeout_ms=1", "timeout_ms"}, Case{"nats://u:hush@a?storage=tape", "storage"},
        Case{"nats://u:hush@a?creds=/does/not/exist", "creds"}}) {
    const Result<NatsOptions> options = NatsOptions::parse(one.url);
    ASSERT_FALSE(options.ok()) << one.url;
    EXPECT_EQ(options.error().kind(), ErrorKind::invalid_argument);
    EXPECT_NE(options.error().message().find(one.named), std::string::npos) << options.error().message();
    EXPECT_EQ(options.error().to_string().find("hush"), std::string::npos);
  }
}

}  // namespace
}  // namespace spikard::messaging::nats
