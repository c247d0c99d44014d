#include "messaging/amqp/envelope.hpp"

#include <gtest/gtest.h>

#include <set>

namespace spikard::messaging::amqp {
namespace {

using std::chrono::milliseconds;

Received through(const Message& message, const Extras& extras, std::string routing_key) {
  Incoming incoming;
  incoming.routing_key = std::move(routing_key);
  incoming.properties = properties_for(message, extras).value();
  incoming.payload = message.payload;
  return received_of(incoming).value();
}

TEST(AmqpEnvelope, AMessageComesBackAsItWas) {
  const Headers headers{{"b", "2"},  {"a", "1"},          {"b", "3"},   {"content-type", "text/plain"}, {"A", ""},
                        {"CC", "x"}, {"x-death", "mine"}, {"ü", "öäü"}, {"x-delivery-count", "3"},      {"x-spikard-key", "k"}};
  const Message message("home/kitchen/temp", std::string("\0\xff", 2), "", headers);
  Extras extras;
  extras.id = "spk-1";
  extras.for_group = "g";
  extras.queue = "q";
  extras.position = 1'700'000'000'000'000;
  extras.due_ms = 9;
  extras.record = {1, 2, 3, "first"};
  extras.time = WallTime(std::chrono::seconds(1'700'000'000));
  const Received received = through(message, extras, routing_key(message.topic));
  EXPECT_EQ(received.message.topic, message.topic);
  EXPECT_EQ(received.message.payload, message.payload);
  EXPECT_EQ(received.message.key, message.key);
  EXPECT_EQ(received.message.headers, headers);
  EXPECT_EQ(received.id, "spk-1");
  EXPECT_EQ(received.for_group, "g");
  EXPECT_EQ(received.queue, "q");
  EXPECT_EQ(received.position, extras.position);
  EXPECT_EQ(received.due_ms, 9);
  EXPECT_EQ(received.time, extras.time);
  EXPECT_EQ(received.record.tries, 1U);
  EXPECT_EQ(received.record.deliveries, 2U);
  EXPECT_EQ(received.record.failures, 3U);
  EXPECT_EQ(received.record.first_error, "first");
}

TEST(AmqpEnvelope, TheTopicIsTheRoutingKeyWhereItCanBe) {
  Incoming incoming;
  incoming.properties = properties_for(Message("orders.created", "x"), {}).value();
  const Result<Properties> properties = read_properties(incoming.properties);
  ASSERT_TRUE(properties.ok());
  EXPECT_TRUE(properties->headers.empty()) << "nothing of ours on a plain message";
  incoming.routing_key = routing_key("orders.created");
  EXPECT_EQ(received_of(incoming)->message.topic, "orders.created");
}

TEST(AmqpEnvelope, HeadersOfOthersBecomeTexts) {
  std::string table;
  put_entry(table, "n", std::int64_t{5});
  put_entry(table, "yes", true);
  put_short_text(table, "nested");
  table.push_back('F');
  put_u32(table, 0);
  put_entry(table, "x-delivery-count", std::int64_t{4});
  Properties properties;
  properties.headers = table;
  properties.content_type = "text/plain";
  Incoming incoming;
  incoming.properties = properties_of(properties);
  const Result<Received> received = received_of(incoming);
  ASSERT_TRUE(received.ok());
  EXPECT_EQ(received->message.headers, (Headers{{"n", "5"}, {"yes", "true"}, {"content-type", "text/plain"}}));
  EXPECT_EQ(received->returned, 4U);
}

TEST(AmqpEnvelope, NamesOfMoreThan255BytesAreRefused) {
  const Message message("t", "x", {}, Headers{{std::string(256, 'n'), "v"}});
  const Result<std::string> refused = properties_for(message, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::invalid_argument);
}

TEST(AmqpNames, PatternsAsBindings) {
  const auto key = [](TopicStyle style, std::string_view text) {
    return binding_key(TopicPattern::compile(style, text).value());
  };
  EXPECT_EQ(key(TopicStyle::nats, "orders.*"), "orders.*");
  EXPECT_EQ(key(TopicStyle::nats, "orders.>"), "orders.*.#") << "one or more";
  EXPECT_EQ(key(TopicStyle::nats, ">"), "*.#");
  EXPECT_EQ(key(TopicStyle::mqtt, "home/+/temp"), "home.*.temp");
  EXPECT_EQ(key(TopicStyle::mqtt, "home/#"), "home.#") << "the level above as well";
  EXPECT_EQ(key(TopicStyle::mqtt, "a.b/#"), "a.b.#");
  EXPECT_EQ(key(TopicStyle::amqp, "a.#.b"), "a.#.b");
  EXPECT_EQ(key(TopicStyle::auto_, "home/kitchen"), "home.kitchen");
  const std::string most = key(TopicStyle::nats, std::string(253, 'a') + ".>");
  EXPECT_EQ(most, std::string(253, 'a') + ".#") << "255 bytes at most";
}

TEST(AmqpNames, NoTwoGroupsAreOneQueue) {
  EXPECT_NE(group_queue("n", "a:b", "c"), group_queue("n", "a", "b:c"));
  const std::string long_topic(255, 't');
  const std::string one = group_queue("n", "g", long_topic);
  EXPECT_EQ(one.size(), 255U);
  EXPECT_NE(one, group_queue("n", "g", std::string(254, 't') + "u"));
  EXPECT_LE(lock_queue(one).size(), 255U);
  EXPECT_NE(lock_queue(one), lock_queue(group_queue("n", "g", std::string(254, 't') + "u")));
}

TEST(AmqpNames, StepsAreFewAndNeverEarly) {
  std::set<std::uint64_t> steps;
  for (std::uint64_t ms = 1; ms < 600'000; ++ms) {
    const std::uint64_t step = step_of(milliseconds(ms));
    ASSERT_GE(step, ms);
    ASSERT_LE(step, ms + ms / 8);
    steps.insert(step);
  }
  EXPECT_LT(steps.size(), 150U);
  EXPECT_EQ(step_of(std::chrono::microseconds(1)), 1U);
  EXPECT_EQ(step_of(std::chrono::hours(24 * 365)), max_step_ms);
  EXPECT_LT(max_step_ms, 1ULL << 32U);
}

}  // namespace
}  // namespace spikard::messaging::amqp
