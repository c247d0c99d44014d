#include "messaging/redis/redis.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "net/redis/resp.hpp"

namespace spikard::messaging::redis {
namespace {

TEST(RedisEntryId, IsAPositionAndComesBack) {
  const EntryId id{1'764'241'000'123, 42};
  EXPECT_EQ(id.text(), "1764241000123-42");
  EXPECT_EQ(EntryId::parse("1764241000123-42"), id);
  EXPECT_EQ(EntryId::at(id.position()), id);
  EXPECT_EQ(id.position(), 1'764'241'000'123U * 2'097'152 + 42);
  EXPECT_LT(id.position(), static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
  EXPECT_EQ((EntryId{5, 0}).before().text(), "4-18446744073709551615");
  EXPECT_EQ((EntryId{5, 7}).before().text(), "5-6");
  EXPECT_EQ((EntryId{0, 0}).before().text(), "0-0");
  EXPECT_EQ((EntryId{1, 1U << 22U}).position(), (EntryId{1, (1U << 21U) - 1}).position()) << "the last place there is";
  for (const char* text : {"", "-", "1", "1-", "-1", "1-x", "a-1", "1-2-3", "99999999999999999999-1"})
    EXPECT_FALSE(EntryId::parse(text).has_value()) << text;
}

TEST(RedisNames, AreInOneSlotAndTellTheTopic) {
  const Names names("app");
  const std::string keys[] = {names.stream("orders.eu"), names.dead("x"),  names.topics(),      names.groups(),
                              names.generation(),        names.due("g:1"), names.records("g:1")};
  for (const std::string& key : keys) EXPECT_EQ(net::redis::slot_of(key), net::redis::slot_of("app")) << key;
  EXPECT_EQ(names.stream("orders.eu"), "{app}:s:orders.eu");
  EXPECT_EQ(names.topic_of_stream("{app}:s:orders.eu"), "orders.eu");
  EXPECT_EQ(names.topic_of_stream("{app}"), "");
}

TEST(RedisNames, ChannelsOfAPatternAreAllThatItMayStandFor) {
  const Names names("a*");
  const auto channels = [&](TopicStyle style, const char* text) {
    return names.channels_of(TopicPattern::compile(style, text).value());
  };
  EXPECT_EQ(channels(TopicStyle::nats, "orders.*.new"), "{a\\*}:c:orders*");
  EXPECT_EQ(channels(TopicStyle::mqtt, "home/#"), "{a\\*}:c:home*") << "home itself";
  EXPECT_EQ(channels(TopicStyle::mqtt, "#"), "{a\\*}:c:*");
  EXPECT_EQ(names.channels_of(TopicPattern::topic("a[b]?")), "{a\\*}:c:a\\[b\\]\\?");
}

TEST(RedisGroupRecord, IsReadAsTheScriptsWriteIt) {
  const auto record = GroupRecord::parse("nats 10000 two words:7");
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->name, "two words:7");
  EXPECT_EQ(record->lease, std::chrono::seconds(10));
  EXPECT_TRUE(record->pattern("orders.*").matches("orders.eu"));
  EXPECT_FALSE(GroupRecord::parse("topic 10000 g:1")->pattern("orders.*").matches("orders.eu"));
  for (const char* text : {"", "nats", "nats 1", "nats x g", "nats -1 g", "nats 99999999999 g"})
    EXPECT_FALSE(GroupRecord::parse(text).has_value()) << text;
  EXPECT_EQ(GroupRecord::read_field(GroupRecord::field("g\nh", "t")), (GroupName{"g\nh", "t"}));
}

/// As the server gives it back.
Entry through_redis(const Message& message, std::string_view for_group = {}) {
  net::redis::Command command("XADD");
  append_fields(command, message, for_group);
  net::redis::Parser parser;
  const std::string bytes(command.bytes());
  EXPECT_EQ(parser.parse(bytes), net::redis::Parser::Status::done);
  // Without the command's name.
  std::string fields = "*" + std::to_string(parser.view(bytes).size() - 1) + "\r\n";
  fields += bytes.substr(bytes.find("XADD\r\n") + 6);
  net::redis::Parser again;
  EXPECT_EQ(again.parse(fields), net::redis::Parser::Status::done);
  return read_fields(again.view(fields), message.topic);
}

TEST(RedisEntry, KeepsHeadersInTheirOrderAndRepetition) {
  const Message message("t", std::string("a\0\xff", 3), "",
                        Headers{{"b", "1"}, {"a", ""}, {"b", "2"}, {"payload", "x"}, {"h:", "y"}});
  const Entry entry = through_redis(message, "billing");
  EXPECT_EQ(entry.message.topic, "t");
  EXPECT_EQ(entry.message.payload, message.payload);
  EXPECT_EQ(entry.message.key, "");
  EXPECT_EQ(entry.message.headers, message.headers);
  EXPECT_EQ(entry.for_group, "billing");
  EXPECT_FALSE(through_redis(Message("t", "x")).message.key.has_value());
}

TEST(RedisEntry, FieldsOfOthersAreHeaders) {
  net::redis::Parser parser;
  const std::string bytes = "*5\r\n$4\r\nname\r\n$3\r\nbob\r\n$7\r\npayload\r\n$1\r\nx\r\n$3\r\nodd\r\n";
  ASSERT_EQ(parser.parse(bytes), net::redis::Parser::Status::done);
  const Entry entry = read_fields(parser.view(bytes), "t");
  EXPECT_EQ(entry.message.payload, "x");
  EXPECT_EQ(entry.message.headers, (Headers{{"name", "bob"}}));
}

TEST(RedisChannel, APayloadAloneIsItself) {
  EXPECT_EQ(channel_text(Message("t", "plain")), "plain");
  EXPECT_EQ(read_channel_text("t", "plain").payload, "plain");
  EXPECT_EQ(read_channel_text("t", "\x01spk1").payload, "\x01spk1") << "no whole envelope";
  for (const Message& message :
       {Message("t", "x", "k", Headers{{"a", "1"}, {"a", "2"}}), Message("t", "", ""), Message("t", "\x01spk1")}) {
    const Message back = read_channel_text("t", channel_text(message));
    EXPECT_EQ(back.payload, message.payload);
    EXPECT_EQ(back.key, message.key);
    EXPECT_EQ(back.headers, message.headers);
  }
}

TEST(RedisOptions, AreReadFromTheUrl) {
  const RedisOptions options =
      RedisOptions::parse("redis://:secret@host:7000/2?mode=pubsub&prefix=app&max_length=1000&poll_ms=20&timeout_ms=100").value();
  EXPECT_EQ(options.mode, Mode::pubsub);
  EXPECT_EQ(options.prefix, "app");
  EXPECT_EQ(options.max_length, 1000U);
  EXPECT_EQ(options.poll, std::chrono::milliseconds(20));
  EXPECT_EQ(options.server.database, 2U);
  EXPECT_EQ(options.server.client_name, "spikard-messaging");
}

TEST(RedisOptions, WrongOnesAreRefusedByNameAndWithoutSecrets) {
  for (const auto& [query, named] : std::vector<std::pair<std::string, std::string>>{{"mode=queue", "mode"},
                                                                                     {"prefix=", "prefix"},
                                                                                     {"prefix=a%7Bb", "prefix"},
                                                                                     {"max_length=-1", "max_length"},
                                                                                     {"poll_ms=0", "poll_ms"},
                                                                                     {"lease=1", "max_length"}}) {
    const auto options = RedisOptions::parse("redis://:secret@host?" + query);
    ASSERT_FALSE(options.ok()) << query;
    EXPECT_EQ(options.error().kind(), ErrorKind::invalid_argument);
    EXPECT_NE(options.error().message().find(named), std::string::npos) << options.error().message();
    EXPECT_EQ(options.error().to_string().find("secret"), std::string::npos);
  }
}

}  // namespace
}  // namespace spikard::messaging::redis
