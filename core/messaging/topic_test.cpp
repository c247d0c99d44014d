#include "messaging/topic.hpp"

#include <gtest/gtest.h>

#include "messaging/text.hpp"

namespace spikard::messaging {
namespace {

struct Case {
  std::string_view pattern;
  std::string_view topic;
  bool matches;
};

TEST(TopicTest, Nats) {
  for (const Case& one :
       {Case{"a.*", "a.b", true},  {"a.>", "a.b.c", true},     {"*.b", "a.b", true},    {">", "a", true},
        {"a.*", "a", false},       {"a.*", "a.b.c", false},    {"a.>", "a", false},     {"a.b", "a.B", false},
        {"*.*", "a.b", true},      {"*", "", false},           {">", "", false},        {"a.*.c", "a.b.c", true},
        {"a.*.>", "a.b", false},   {"a.*.>", "a.b.c.d", true}, {"a.b*", "a.bc", false}, {"a.b*", "a.b*", true},
        {"a.>.b", "a.x.b", false}, {"a..b", "a..b", false},    {"a.*", "a.", false},    {"", "", false}}) {
    EXPECT_EQ(topic_match(TopicStyle::nats, one.pattern, one.topic), one.matches) << one.pattern << " " << one.topic;
  }
}

TEST(TopicTest, Mqtt5Section47) {
  for (const Case& one : {Case{"sport/tennis/player1/#", "sport/tennis/player1", true},
                          {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
                          {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
                          {"sport/#", "sport", true},
                          {"#", "a/b/c", true},
                          {"sport/tennis#", "sport/tennis", false},
                          {"sport/tennis/#/ranking", "sport/tennis/x/ranking", false},
                          {"sport/tennis/+", "sport/tennis/player1", true},
                          {"sport/tennis/+", "sport/tennis/player1/ranking", false},
                          {"sport/+", "sport", false},
                          {"sport/+", "sport/", true},
                          {"+", "a", true},
                          {"+/tennis/#", "sport/tennis/a", true},
                          {"sport+", "sport+", false},
                          {"sport/+/player1", "sport/tennis/player1", true},
                          {"/finance", "/finance", true},
                          {"+/+", "/finance", true},
                          {"/+", "/finance", true},
                          {"+", "/finance", false},
                          {"#", "$SYS/x", false},
                          {"+/monitor/Clients", "$SYS/monitor/Clients", false},
                          {"$SYS/#", "$SYS/monitor", true},
                          {"$SYS/monitor/+", "$SYS/monitor/Clients", true},
                          {"a/b", "a/B", false},
                          {"#", "", false},
                          {"", "", false}}) {
    EXPECT_EQ(topic_match(TopicStyle::mqtt, one.pattern, one.topic), one.matches) << one.pattern << " " << one.topic;
  }
}

TEST(TopicTest, Amqp091TopicExchange) {
  for (const Case& one : {Case{"a.*", "a.b", true},
                          {"a.#", "a", true},
                          {"a.#", "a.b.c", true},
                          {"#.b", "b", true},
                          {"#.b", "x.y.b", true},
                          {"a.#.b", "a.b", true},
                          {"#", "", true},
                          {"a.*", "a", false},
                          {"a.*", "a.b.c", false},
                          {"*", "", false},
                          {"a.#.b", "a.c", false},
                          {"#.#", "", true},
                          {"#.*", "a", true},
                          {"*.#", "a", true},
                          {"#.a.#.b.#", "x.a.y.b", true},
                          {"#.a.#.b.#", "b.a", false},
                          {"a.#.#.b", "a.x.y.b", true},
                          {"", "", true},
                          {"", "a", false},
                          {"a#", "ab", false},
                          {"*.*", "a.", true}}) {
    EXPECT_EQ(topic_match(TopicStyle::amqp, one.pattern, one.topic), one.matches) << one.pattern << " " << one.topic;
  }
}

TEST(TopicTest, AutoTellsTheStyleByTheWildcards) {
  const auto style = [](std::string_view text) {
    const TopicPattern pattern = TopicPattern::compile(TopicStyle::auto_, text).value();
    return pattern.exact() ? std::string_view("topic") : services::name_of(pattern.style());
  };
  EXPECT_EQ(style("orders.*"), "nats");
  EXPECT_EQ(style(">"), "nats");
  EXPECT_EQ(style("home/+/temp"), "mqtt");
  EXPECT_EQ(style("#"), "mqtt");
  EXPECT_EQ(style("a.b"), "topic");
  EXPECT_EQ(style("a*b"), "topic");
  EXPECT_EQ(style("c++"), "topic");
  EXPECT_EQ(style("a.#"), "topic");
  EXPECT_TRUE(topic_match(TopicStyle::auto_, "orders.*", "orders.new"));
  EXPECT_TRUE(topic_match(TopicStyle::auto_, "home/#", "home"));
  EXPECT_FALSE(topic_match(TopicStyle::auto_, "", ""));
}

TEST(TopicTest, WhatIsNoPatternIsRefusedWithTheReason) {
  const auto refused = [](TopicStyle style, std::string_view text) { return !TopicPattern::compile(style, text).ok(); };
  EXPECT_TRUE(refused(TopicStyle::nats, "a.>.b"));
  EXPECT_TRUE(refused(TopicStyle::nats, "a..b"));
  EXPECT_TRUE(refused(TopicStyle::nats, "a b"));
  EXPECT_TRUE(refused(TopicStyle::mqtt, "a/b#"));
  EXPECT_TRUE(refused(TopicStyle::mqtt, "a/#/b"));
  EXPECT_TRUE(refused(TopicStyle::auto_, ""));
  EXPECT_TRUE(refused(TopicStyle::auto_, std::string(256, 'a')));
  EXPECT_TRUE(refused(TopicStyle::auto_, std::string_view("a\0b", 3)));
  EXPECT_TRUE(refused(TopicStyle::amqp, "\xff"));
  EXPECT_FALSE(refused(TopicStyle::mqtt, "a b/ü"));
}

TEST(TopicTest, TopicsToPublishToHaveNoWildcards) {
  const auto good = [](TopicStyle style, std::string_view text) { return check_topic(style, text).ok(); };
  EXPECT_TRUE(good(TopicStyle::auto_, "orders.created"));
  EXPECT_TRUE(good(TopicStyle::auto_, "c++ and c#"));
  EXPECT_FALSE(good(TopicStyle::auto_, "orders.*"));
  EXPECT_FALSE(good(TopicStyle::auto_, "home/#"));
  EXPECT_TRUE(good(TopicStyle::nats, "home/#"));
  EXPECT_FALSE(good(TopicStyle::nats, "a..b"));
  EXPECT_TRUE(good(TopicStyle::mqtt, "a.*"));
  EXPECT_FALSE(good(TopicStyle::mqtt, "a+"));
  EXPECT_FALSE(good(TopicStyle::amqp, "a.#"));
  EXPECT_FALSE(good(TopicStyle::amqp, ""));
}

TEST(TextTest, InstantsAreRfc3339) {
  using std::chrono::milliseconds;
  const WallTime time = parse_instant("2026-01-02T03:04:05.678Z").value();
  EXPECT_EQ(format_instant(time), "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(parse_instant("2026-01-02T05:04:05.678+02:00"), time);
  EXPECT_EQ(parse_instant("2026-01-01T23:34:05.678-03:30"), time);
  EXPECT_EQ(format_instant(WallTime(milliseconds(-1))), "1969-12-31T23:59:59.999Z");
  for (const char* text :
       {"", "2026-01-02", "2026-01-02T03:04:05", "2026-02-30T00:00:00Z", "2026-01-02T24:00:00Z", "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05Zx", "2026-01-02T03:04:05+2:00", "1600-01-01T00:00:00Z"}) {
    EXPECT_FALSE(parse_instant(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace spikard::messaging
