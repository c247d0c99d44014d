#include "messaging/kafka/settings.hpp"

#include <gtest/gtest.h>

namespace spikard::messaging::kafka {
namespace {

TEST(KafkaUrl, BrokersUserAndOptions) {
  const Result<Settings> out = Settings::parse(
      "kafka://"
      "me:p%40ss@a,b:1234,[::1]:5?prefix=x.&partitions=6&replication=3&compression=zstd&sasl=scram-sha-256&instance=i&create="
      "false");
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  ASSERT_EQ(out->cluster->bootstrap.size(), 3U);
  EXPECT_EQ(out->cluster->bootstrap[0], (std::pair<std::string, std::uint16_t>("a", 9092)));
  EXPECT_EQ(out->cluster->bootstrap[1], (std::pair<std::string, std::uint16_t>("b", 1234)));
  EXPECT_EQ(out->cluster->bootstrap[2], (std::pair<std::string, std::uint16_t>("::1", 5)));
  EXPECT_EQ(out->cluster->connection->user, "me");
  EXPECT_EQ(out->cluster->connection->password, "p@ss");
  EXPECT_EQ(out->cluster->connection->sasl, net::kafka::SaslMechanism::scram_sha_256);
  EXPECT_EQ(out->cluster->topics.partitions, 6);
  EXPECT_EQ(out->cluster->topics.replication, 3);
  EXPECT_FALSE(out->cluster->topics.create);
  EXPECT_EQ(out->producer.compression, net::kafka::Compression::zstd);
  EXPECT_EQ(out->instance, "i");
  EXPECT_EQ(out->topic("t"), "x.t");
  EXPECT_EQ(Settings::parse("kafka://me:x@a")->cluster->connection->sasl, net::kafka::SaslMechanism::scram_sha_512);
}

TEST(KafkaUrl, WhatIsWrongIsNamedAndThePasswordIsNot) {
  for (const auto& [url, option] : std::vector<std::pair<std::string, std::string>>{{"kafka:", "brokers"},
                                                                                    {"kafka://", "brokers"},
                                                                                    {"kafka://secret:secret@h:99999", "brokers"},
                                                                                    {"kafka://h?what=1", "what"},
                                                                                    {"kafka://h?partitions=0", "partitions"},
                                                                                    {"kafka://h?replication=x", "replication"},
                                                                                    {"kafka://h?sasl=plain", "sasl"},
                                                                                    {"kafka://secret:secret@h?sasl=no", "sasl"},
                                                                                    {"kafka://h?compression=rar", "compression"},
                                                                                    {"kafka://h?prefix=a/b", "prefix"},
                                                                                    {"kafka://h?ca=/x", "ca"},
                                                                                    {"kafka://secret%:secret@h", "user"},
                                                                                    {"kafka://h?create=1", "create"}}) {
    const Result<Settings> out = Settings::parse(url);
    ASSERT_FALSE(out.ok()) << url;
    EXPECT_EQ(out.error().kind(), ErrorKind::invalid_argument);
    EXPECT_NE(out.error().message().find("url: " + option + ":"), std::string::npos) << out.error().message();
    EXPECT_EQ(out.error().to_string().find("secret"), std::string::npos) << out.error().to_string();
  }
}

TEST(KafkaNames, RetryTopicsAreLegalAndDifferForEachGroup) {
  Settings settings;
  settings.prefix = "p-";
  EXPECT_EQ(settings.retry_topic("t", "g"), "p-t.g.retry");
  std::set<std::string> all;
  for (const char* group : {"g", "g.x", "g_x", "g x", "g\xc3\xbc", "g/x"}) {
    const std::string name = settings.retry_topic("t", group);
    EXPECT_TRUE(check_name(name).ok()) << name;
    all.insert(name);
  }
  EXPECT_EQ(all.size(), 6U);
  const std::string a = settings.retry_topic(std::string(249, 't'), "a");
  EXPECT_TRUE(check_name(a).ok());
  EXPECT_NE(a, settings.retry_topic(std::string(249, 't'), "b"));
  EXPECT_FALSE(check_name("a/b").ok());
  EXPECT_FALSE(check_name("..").ok());
  EXPECT_FALSE(check_name(std::string(250, 'a')).ok());
}

TEST(KafkaPositions, PartitionAndOffset) {
  EXPECT_EQ(position_of(0, 0), 1U);
  EXPECT_EQ(position_of(0, 41), 42U);
  const std::uint64_t position = position_of(7, 1'000'000'000'000);
  EXPECT_EQ(partition_in(position), 7);
  EXPECT_EQ(offset_in(position), 1'000'000'000'000);
  EXPECT_EQ(offset_in(0), -1);
}

}  // namespace
}  // namespace spikard::messaging::kafka
