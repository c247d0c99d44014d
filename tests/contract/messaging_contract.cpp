// What every backend of messaging must do (DESIGN.md section 7; fixtures/README.md, Delivery). A backend joins by one line at the
// end; what it says it cannot do (Capabilities) is skipped.
#include <limits>

#include "messaging_rig.hpp"

#if defined(SPIKARD_MESSAGING_AMQP) || defined(SPIKARD_MESSAGING_KAFKA) || defined(SPIKARD_MESSAGING_MQTT) || \
    defined(SPIKARD_MESSAGING_NATS) || defined(SPIKARD_MESSAGING_REDIS)
#include "net/signing/hash.hpp"
#include "server.hpp"
#endif
#ifdef SPIKARD_MESSAGING_NATS
#include "messaging/nats/nats.hpp"
#endif
#ifdef SPIKARD_MESSAGING_REDIS
#include "messaging/redis/options.hpp"
#include "net/redis/client.hpp"
#endif
#ifdef SPIKARD_MESSAGING_SQLITE
#include "store/sqlite/test_database.hpp"
#endif

namespace spikard::messaging {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using worker_loop::Outcome;

struct MessagingContract : Rig {
  [[nodiscard]] const Capabilities& can() const { return client->capabilities(); }
};

TEST_P(MessagingContract, WhatIsAckedDoesNotComeAgain) {
  start(config("c", "t"));
  publish("t", "a");
  EXPECT_EQ(handled("c"), Strings{"a#1 ack"});
  const Consumer::Stopped stopped = stop("c");
  EXPECT_TRUE(stopped.drained);
  EXPECT_EQ(stopped.unfinished, 0U);
  start(config("c", "t"));
  EXPECT_EQ(handled("c"), Strings{});
}

TEST_P(MessagingContract, EveryByteOfAMessageArrives) {
  const Script& script = start(config("c", "t"));
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) bytes.push_back(static_cast<char>(i % 256));
  const Headers headers{{"a", "1"}, {"b", "ü"}, {"B", ""}, {"long", std::string(10'000, 'x')}};
  const std::uint64_t position = publish(Message("t", bytes, "key ü", headers));
  publish(Message("t", ""));
  publish(Message("t", "empty key", ""));
  ASSERT_TRUE(until([&] { return script.items.size() == 3; }));
  EXPECT_EQ(script.items[0]->payload, bytes);
  EXPECT_EQ(script.items[0]->headers, headers);
  EXPECT_EQ(script.items[0]->name, "t");
  EXPECT_TRUE(script.items[0]->has_key);
  EXPECT_EQ(script.items[0]->key, "key ü");
  if (real) EXPECT_LT(std::chrono::abs(script.items[0]->enqueued - real_clock.wall()), seconds(60));
  else EXPECT_EQ(script.items[0]->enqueued, clock.wall());
  if (can().positions) {
    EXPECT_GT(position, 0U);
    EXPECT_EQ(script.items[0]->position, position);
  }
  EXPECT_EQ(script.items[1]->payload, "");
  EXPECT_FALSE(script.items[1]->has_key);
  EXPECT_TRUE(script.items[2]->has_key);
  EXPECT_EQ(script.items[2]->key, "");
}

TEST_P(MessagingContract, EveryGroupGetsItAndOneConsumerOfEach) {
  start(config("a1", "t", "a"));
  start(config("a2", "t", "a"));
  start(config("b", "t", "b"));
  for (int i = 0; i < 20; ++i) publish("t", std::to_string(i));
  EXPECT_EQ(handled("b", 20).size(), 20U);
  until([&] { return handled("a1").size() + handled("a2").size() >= 20; });
  Strings all = handled("a1").now();
  all.insert(all.end(), handled("a2").begin(), handled("a2").end());
  std::sort(all.begin(), all.end());
  Strings others = handled("b").now();
  std::sort(others.begin(), others.end());
  EXPECT_EQ(all, others);
}

TEST_P(MessagingContract, ANewGroupBeginsWhereItSays) {
  if (!can().replay) GTEST_SKIP() << "no replay";
  publish("t", "old");
  services::Consumer earliest = config("e", "t", "ge");
  earliest.start_from = services::StartFrom::earliest;
  start(earliest);
  start(config("l", "t", "gl"));
  publish("t", "new");
  EXPECT_EQ(handled("e"), (Strings{"old#1 ack", "new#1 ack"}));
  EXPECT_EQ(handled("l"), Strings{"new#1 ack"});
  // A group that is known goes on where it was.
  stop("e");
  publish("t", "between");
  start(earliest);
  EXPECT_EQ(handled("e"), Strings{"between#1 ack"});
}

TEST_P(MessagingContract, ABatchArrivesInOrderAndAsAWhole) {
  services::Consumer one = config("c", "t");
  one.concurrency = 1;
  start(one);
  std::vector<Message> messages;
  for (int i = 0; i < 300; ++i) messages.emplace_back("t", std::to_string(i));
  Result<std::vector<std::uint64_t>> positions = await(client->publish_batch(caller(), messages));
  ASSERT_TRUE(positions.ok());
  settle();
  ASSERT_EQ(handled("c", 300).size(), 300U);
  for (int i = 0; i < 300; ++i) EXPECT_EQ(handled("c")[static_cast<std::size_t>(i)], std::to_string(i) + "#1 ack");
  if (can().positions) {
    ASSERT_EQ(positions->size(), 300U);
    EXPECT_TRUE(std::is_sorted(positions->begin(), positions->end()));
  }
  // Nothing of a batch with a message that is refused.
  messages.resize(2);
  messages.emplace_back("", "no topic");
  positions = await(client->publish_batch(caller(), messages));
  ASSERT_FALSE(positions.ok());
  EXPECT_EQ(positions.error().kind(), ErrorKind::invalid_argument);
  settle();
  EXPECT_EQ(handled("c").size(), 300U);
}

TEST_P(MessagingContract, WhatCannotBePublishedIsRefused) {
  const auto refused = [&](Message message) {
    Result<std::uint64_t> result = await(client->publish(caller(), std::move(message)));
    EXPECT_FALSE(result.ok());
    return result.ok() ? ErrorKind::internal : result.error().kind();
  };
  EXPECT_EQ(refused(Message("", "x")), ErrorKind::invalid_argument);
  EXPECT_EQ(refused(Message("a.*", "x")), ErrorKind::invalid_argument);
  EXPECT_EQ(refused(Message("a/#", "x")), ErrorKind::invalid_argument);
  EXPECT_EQ(refused(Message(std::string("a\0b", 3), "x")), ErrorKind::invalid_argument);
  EXPECT_EQ(refused(Message("\xff", "x")), ErrorKind::invalid_argument);
  EXPECT_EQ(refused(Message(std::string(256, 'a'), "x")), ErrorKind::invalid_argument);
  EXPECT_EQ(refused(Message("t", std::string((1U << 20U) + 1, 'x'))), ErrorKind::too_large);
  EXPECT_EQ(refused(Message("t", "x", std::string(1025, 'k'))), ErrorKind::invalid_argument);
  EXPECT_EQ(refused(Message("t", "x", {}, Headers{{"", "v"}})), ErrorKind::invalid_argument);
  EXPECT_EQ(refused(Message("t", "x", {}, Headers{{"n", "\xff"}})), ErrorKind::invalid_argument);
  EXPECT_EQ(refused(Message("t", "x", {}, Headers{{"n", std::string(70'000, 'v')}})), ErrorKind::too_large);
}

TEST_P(MessagingContract, NackWithRequeueComesAgainAtOnce) {
  services::Consumer one = config("c", "t");
  one.max_retries = 5;
  start(one, {{"a", {Outcome::nack(true), Outcome::nack(true)}}});
  publish("t", "a");
  EXPECT_EQ(handled("c"), (Strings{"a#1 nack", "a#2 nack", "a#3 ack"}));
}

TEST_P(MessagingContract, RetryComesAfterItsTimeAndNotBefore) {
  if (!can().owns_delays) GTEST_SKIP() << "the broker owns the wait";
  start(config("c", "t"), {{"a", {Outcome::retry(seconds(1))}}});
  publish("t", "a");
  EXPECT_EQ(handled("c"), Strings{"a#1 retry"});
  advance(milliseconds(999));
  EXPECT_EQ(handled("c"), Strings{"a#1 retry"});
  advance(milliseconds(1));
  EXPECT_EQ(handled("c"), (Strings{"a#1 retry", "a#2 ack"}));
}

TEST_P(MessagingContract, ErrorsComeAgainAfterTheBackoff) {
  if (!can().owns_delays) GTEST_SKIP() << "the broker owns the wait";
  services::Consumer one = config("c", "t");
  one.max_retries = 10;
  one.backoff.max_ms = 500;
  std::deque<Step> fail(5, Step(Outcome::error("no")));
  start(one, {{"a", fail}});
  publish("t", "a");
  std::size_t deliveries = 1;
  for (const int wait : {100, 200, 400, 500, 500}) {
    advance(milliseconds(wait - 1));
    EXPECT_EQ(handled("c").size(), deliveries) << wait;
    advance(milliseconds(1));
    EXPECT_EQ(handled("c").size(), ++deliveries) << wait;
  }
  EXPECT_EQ(handled("c").back(), "a#6 ack");
}

TEST_P(MessagingContract, ATimeOutFreesItsPlaceAndComesAgain) {
  if (!can().owns_delays) GTEST_SKIP() << "the broker owns the wait";
  services::Consumer one = config("c", "t");
  one.concurrency = 1;
  one.handler_timeout_ms = 500;
  start(one, {{"a", {Step(seconds(60), Outcome::ack())}}});
  publish("t", "a");
  publish("t", "b");
  EXPECT_EQ(handled("c"), Strings{});
  advance(milliseconds(500));
  EXPECT_EQ(handled("c"), (Strings{"a#1 timeout", "b#1 ack"}));
  advance(milliseconds(100));
  EXPECT_EQ(handled("c"), (Strings{"a#1 timeout", "b#1 ack", "a#2 ack"}));
  advance(seconds(60));  // what the first one says now is ignored
  EXPECT_EQ(handled("c").size(), 3U);
}

TEST_P(MessagingContract, AfterAllTriesItIsADeadLetter) {
  services::Consumer one = config("c", "t");
  one.max_retries = 2;
  one.dead_letter = "t.dead";
  start(one, {{"a", {Outcome::error("first"), Outcome::retry(Duration::zero()), Outcome::error("last")}}});
  publish(
      Message("t", "a", "k1", Headers{{"h", "1"}, {"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}}));
  advance(seconds(2));
  EXPECT_EQ(handled("c"), (Strings{"a#1 error", "a#2 retry", "a#3 error"}));
  const std::vector<DeadLetter> dead = dead_letters("t.dead", 1);
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_EQ(dead[0].message.payload, "a");
  EXPECT_EQ(dead[0].size, 1U);
  EXPECT_EQ(dead[0].message.key, "k1");
  EXPECT_EQ(header(dead[0], "h"), "1");
  EXPECT_EQ(header(dead[0], "x-original-topic"), "t");
  EXPECT_EQ(header(dead[0], "x-dead-letter-reason"), "max_retries");
  EXPECT_EQ(header(dead[0], "x-delivery-count"), "3");
  EXPECT_EQ(header(dead[0], "x-error"), "last");
  EXPECT_EQ(header(dead[0], "x-first-error"), "first");
  EXPECT_EQ(header(dead[0], "x-trace-id"), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(header(dead[0], "x-dead-letter-group"), "g");
  publish("t", "b");
  EXPECT_EQ(handled("c", 4).back(), "b#1 ack") << "the consumer goes on";
  EXPECT_EQ(client->counts().dead_lettered, 1U);
  EXPECT_EQ(client->counts().dropped, 0U);
}

TEST_P(MessagingContract, ARejectedOneIsADeadLetterAtOnce) {
  services::Consumer one = config("c", "t");
  one.dead_letter = "t.dead";
  start(one, {{"a", {Outcome::nack(false)}}});
  publish("t", "a");
  const std::vector<DeadLetter> dead = dead_letters("t.dead", 1);
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_EQ(header(dead[0], "x-dead-letter-reason"), "rejected");
  EXPECT_EQ(header(dead[0], "x-delivery-count"), "1");
  EXPECT_NE(header(dead[0], "x-error"), "(none)");
  EXPECT_EQ(header(dead[0], "x-trace-id"), "(none)");
}

TEST_P(MessagingContract, WithoutAPlaceForDeadLettersTheyAreDroppedAndCounted) {
  services::Consumer one = config("c", "t");
  one.max_retries = 0;
  start(one, {{"a", {Outcome::error("no")}}, {"b", {Outcome::nack(false)}}});
  publish("t", "a");
  publish("t", "b");
  advance(hours(1));
  EXPECT_EQ(handled("c"), (Strings{"a#1 error", "b#1 nack"}));
  until([&] { return client->counts().dropped == 2; });
}

TEST_P(MessagingContract, WhatADeadConsumerHeldComesAfterItsLeaseAndUsesUpATry) {
  if (!can().owns_delays) GTEST_SKIP() << "the broker owns the wait";
  start(config("c1", "t"), {{"a", {Step(seconds(60), Outcome::ack())}}});
  publish("t", "a");
  kill("c1");
  const Script& second = start(config("c2", "t"));
  advance(milliseconds(2999));
  EXPECT_EQ(handled("c2"), Strings{});
  advance(milliseconds(1));
  EXPECT_EQ(handled("c2"), Strings{"a#2 ack"});
  EXPECT_EQ(second.items.back()->tries, 1U);
}

TEST_P(MessagingContract, ALastTryThatDiedIsADeadLetter) {
  if (!can().owns_delays) GTEST_SKIP() << "the broker owns the wait";
  services::Consumer one = config("c1", "t");
  one.max_retries = 0;
  one.dead_letter = "t.dead";
  start(one, {{"a", {Step(seconds(60), Outcome::ack())}}});
  publish("t", "a");
  kill("c1");
  one.name = "c2";
  start(one);
  advance(seconds(3));
  EXPECT_EQ(handled("c2"), Strings{});
  const std::vector<DeadLetter> dead = dead_letters("t.dead");
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_EQ(header(dead[0], "x-dead-letter-reason"), "max_retries");
  EXPECT_EQ(header(dead[0], "x-delivery-count"), "1");
}

TEST_P(MessagingContract, ALongHandlerKeepsItsMessage) {
  if (!can().owns_delays) GTEST_SKIP() << "the broker owns the wait";
  start(config("c1", "t"), {{"a", {Step(seconds(60), Outcome::ack())}}});
  publish("t", "a");
  start(config("c2", "t"));
  advance(seconds(59));
  EXPECT_EQ(handled("c1"), Strings{});
  EXPECT_EQ(handled("c2"), Strings{});
  advance(seconds(1));
  EXPECT_EQ(handled("c1"), Strings{"a#1 ack"});
  advance(seconds(30));
  EXPECT_EQ(handled("c2"), Strings{});
}

TEST_P(MessagingContract, ALateAnswerAfterTheLeaseIsRefused) {
  if (!can().owns_delays) GTEST_SKIP() << "the broker owns the wait";
  SubscribeOptions options(TopicPattern::compile(TopicStyle::auto_, "t").value());
  options.group = "g";
  options.ack_wait = seconds(3);
  std::unique_ptr<Subscription> first = await(backend->subscribe(*loop, options)).value();
  std::unique_ptr<Subscription> second = await(backend->subscribe(*loop, options)).value();
  publish("t", "a");
  std::vector<worker_loop::WorkItem> held = await(first->pull(10)).value();
  ASSERT_EQ(held.size(), 1U);
  // Extended once, then not any more.
  advance(seconds(2));
  const std::vector<std::uint64_t> ids{held[0].id};
  EXPECT_TRUE(await(first->extend(ids)).value().empty());
  advance(seconds(3));
  std::vector<worker_loop::WorkItem> again = await(second->pull(10)).value();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].delivery_count, 2U);
  worker_loop::Settlement ack;
  ack.id = held[0].id;
  EXPECT_EQ(await(first->settle(std::span(&ack, 1))).value(), ids) << "not ours any more";
  EXPECT_EQ(await(first->extend(ids)).value(), ids);
  ack.id = again[0].id;
  EXPECT_TRUE(await(second->settle(std::span(&ack, 1))).value().empty());
  advance(hours(1));
  CancelSource source;
  source.cancel();
  EXPECT_FALSE(await(second->pull(10).with_token(source.token())).ok()) << "it is gone";
}

TEST_P(MessagingContract, DrainFinishesWhatRunsAndTakesNothingNew) {
  services::Consumer one = config("c", "t");
  one.concurrency = 1;
  const Script& script = start(one, {{"a", {Step(milliseconds(500), Outcome::ack())}}});
  publish("t", "a");
  publish("t", "b");
  until([&] { return script.items.size() == 1; });
  std::optional<Consumer::Stopped> stopped;
  spawn(consumers.at("c").consumer->stop(seconds(2)),
        [&](const std::exception_ptr&, std::optional<Consumer::Stopped> how) { stopped = how; });
  settle();
  EXPECT_FALSE(stopped.has_value());
  advance(milliseconds(500));
  ASSERT_TRUE(until([&] { return stopped.has_value(); }));
  EXPECT_TRUE(stopped->drained);
  EXPECT_EQ(handled("c"), Strings{"a#1 ack"});
  start(config("d", "t"));
  EXPECT_EQ(handled("d"), Strings{"b#1 ack"});
}

TEST_P(MessagingContract, WhoStopsAConsumerIsToldWhateverElseEndsIt) {
  for (const char* how : {"close", "kill", "close and kill", "kill and close"}) {
    const std::string name = how;
    const Script& script = start(config(name, "t"), {{"a", {Step(seconds(10), Outcome::ack())}}});
    publish("t", "a");
    until([&] { return !script.items.empty(); });
    const std::shared_ptr<Consumer> consumer = consumers.at(name).consumer;
    bool stopped = false;
    spawn(consumer->stop(seconds(5)),
          [&](const std::exception_ptr&, const std::optional<Consumer::Stopped>&) { stopped = true; });
    settle();
    EXPECT_FALSE(stopped) << how;
    int closed = 0;
    const auto close = [&] { consumer->close([&] { ++closed; }); };
    const int closes = name == "kill" ? 0 : 2;
    if (name.starts_with("kill")) consumer->kill();
    for (int i = 0; i < closes; ++i) close();
    if (name == "close and kill") consumer->kill();
    settle();
    until([&] { return stopped && closed == closes; });
    consumers.erase(name);
    advance(seconds(4));  // the lease of a dead one
    start(config(name + ": the rest", "t"));
    stop(name + ": the rest");
  }
}

TEST_P(MessagingContract, WhatADrainCutsOffGoesBackWithoutUsingUpATry) {
  services::Consumer one = config("c", "t");
  one.concurrency = 1;
  one.max_in_flight = 3;
  start(one, {{"a", {Step(hours(1), Outcome::ack())}}});
  for (const char* payload : {"a", "b", "c", "d"}) publish("t", payload);
  until([&] { return consumers.at("c").consumer->counts().in_hand == 3; });
  std::optional<Consumer::Stopped> stopped;
  spawn(consumers.at("c").consumer->stop(either(seconds(2), milliseconds(100))),
        [&](const std::exception_ptr&, std::optional<Consumer::Stopped> how) { stopped = how; });
  advance(seconds(2));
  ASSERT_TRUE(until([&] { return stopped.has_value(); }));
  EXPECT_FALSE(stopped->drained);
  EXPECT_EQ(stopped->unfinished, 1U);
  EXPECT_EQ(consumers.at("c").script->cancelled, Strings{"a"});
  consumers.at("c").consumer = nullptr;
  const Script& next = start(config("d", "t"));
  Strings expected{"a#2 ack", "b#1 ack", "c#1 ack", "d#1 ack"};
  if (!can().exact_deliveries) expected = {"a#2 ack", "b#2 ack", "c#2 ack", "d#1 ack"};
  Strings back = handled("d", 4);
  if (real) std::sort(back.begin(), back.end());  // a server gives them out as they came back
  EXPECT_EQ(back, expected);
  for (const auto& item : next.items) EXPECT_EQ(item->tries, 0U);
}

TEST_P(MessagingContract, NoMoreHandlersThanConcurrency) {
  services::Consumer one = config("c", "t");
  one.concurrency = 3;
  std::map<std::string, std::deque<Step>> script;
  for (int i = 0; i < 10; ++i) script[std::to_string(i)] = {Step(either(seconds(1), milliseconds(100)), Outcome::ack())};
  const Script& sink = start(one, script);
  std::vector<Message> messages;
  for (int i = 0; i < 10; ++i) messages.emplace_back("t", std::to_string(i));
  ASSERT_TRUE(await(client->publish_batch(caller(), messages)).ok());
  advance(seconds(10));
  until([&] { return sink.handled.size() == 10; });
  EXPECT_EQ(sink.most, 3U);
}

TEST_P(MessagingContract, AKeyKeepsItsOrderThroughRetries) {
  services::Consumer one = config("c", "t");
  one.ordered = true;
  start(one, {{"a1", {Outcome::retry(seconds(1))}}});
  publish(Message("t", "a1", "a"));
  publish(Message("t", "a2", "a"));
  publish(Message("t", "b1", "b"));
  publish(Message("t", "free"));
  EXPECT_EQ(handled("c"), (Strings{"a1#1 retry", "b1#1 ack", "free#1 ack"}));
  advance(seconds(1));
  EXPECT_EQ(handled("c"), (Strings{"a1#1 retry", "b1#1 ack", "free#1 ack", "a1#2 ack", "a2#1 ack"}));
}

TEST_P(MessagingContract, AKeyKeepsItsOrderInTheWholeGroup) {
  if (!can().key_order) GTEST_SKIP() << "the worker loop keeps the order, in one consumer";
  services::Consumer one = config("c1", "t");
  one.ordered = true;
  one.concurrency = 1;
  std::map<std::string, std::deque<Step>> slow{{"a1", {Step(seconds(10), Outcome::error("no"))}}};
  start(one, slow);
  publish(Message("t", "a1", "a"));
  one.name = "c2";
  one.concurrency = 16;
  start(one);
  publish(Message("t", "a2", "a"));
  publish(Message("t", "b1", "b"));
  publish(Message("t", "a3", "a"));
  EXPECT_EQ(handled("c2"), Strings{"b1#1 ack"});
  advance(seconds(10));  // a1 fails, and waits for its next try
  EXPECT_EQ(handled("c2"), Strings{"b1#1 ack"});
  advance(milliseconds(100));
  Strings all = handled("c1").now();
  all.insert(all.end(), handled("c2").begin(), handled("c2").end());
  EXPECT_EQ(std::count(all.begin(), all.end(), "a1#2 ack"), 1);
  advance(seconds(1));
  all = handled("c1").now();
  all.insert(all.end(), handled("c2").begin(), handled("c2").end());
  EXPECT_EQ(std::count(all.begin(), all.end(), "a2#1 ack"), 1);
  EXPECT_EQ(std::count(all.begin(), all.end(), "a3#1 ack"), 1);
}

TEST_P(MessagingContract, ADeadLetterLetsTheNextOfItsKeyGo) {
  services::Consumer one = config("c", "t");
  one.ordered = true;
  one.dead_letter = "t.dead";
  start(one, {{"a1", {Outcome::nack(false)}}});
  publish(Message("t", "a1", "a"));
  publish(Message("t", "a2", "a"));
  EXPECT_EQ(handled("c"), (Strings{"a1#1 nack", "a2#1 ack"}));
}

TEST_P(MessagingContract, OrderCanBeSwitchedForAGroupThatHasWork) {
  if (!can().key_order) GTEST_SKIP() << "the worker loop keeps the order, in one consumer";
  services::Consumer one = config("c", "t");
  one.concurrency = 1;
  one.ordered = true;
  start(one, {{"a1", {Outcome::retry(hours(1))}}});
  for (const char* payload : {"a1", "a2", "a3"}) publish(Message("t", payload, "a"));
  EXPECT_EQ(handled("c"), Strings{"a1#1 retry"});
  stop("c");
  one.ordered = false;
  start(one);
  EXPECT_EQ(handled("c"), (Strings{"a2#1 ack", "a3#1 ack"}));
  stop("c");
  publish(Message("t", "a4", "a"));
  one.ordered = true;
  start(one);
  EXPECT_EQ(handled("c"), Strings{}) << "a1 waits, and a4 behind it";
  advance(hours(1));
  EXPECT_EQ(handled("c"), (Strings{"a1#2 ack", "a4#1 ack"}));
}

TEST_P(MessagingContract, PatternsTakeWhatTheyStandFor) {
  if (!can().wildcards) GTEST_SKIP() << "no patterns";
  const bool all = can().styles == PatternStyles::all;
  const bool nats = all || can().styles == PatternStyles::nats;
  const bool mqtt = all || can().styles == PatternStyles::mqtt;
  if (nats) {
    start(config("star", "orders.*", "s"));
    start(config("tail", "orders.>", "t"));
  }
  if (mqtt) {
    start(config("plus", "home/+/temp", "p"));
    start(config("hash", "home/#", "h"));
  }
  for (const char* topic : {"orders", "orders.eu", "orders.eu.new", "home", "home/kitchen/temp", "home/kitchen", "other"})
    publish(topic, topic);
  if (nats) {
    EXPECT_EQ(handled("star"), Strings{"orders.eu#1 ack"});
    EXPECT_EQ(handled("tail"), (Strings{"orders.eu#1 ack", "orders.eu.new#1 ack"}));
  }
  if (mqtt) {
    EXPECT_EQ(handled("plus"), Strings{"home/kitchen/temp#1 ack"});
    EXPECT_EQ(handled("hash"), (Strings{"home#1 ack", "home/kitchen/temp#1 ack", "home/kitchen#1 ack"}));
  }
}

TEST_P(MessagingContract, APatternOfAnotherStyleIsRefused) {
  if (!can().wildcards) GTEST_SKIP() << "no patterns";
  if (can().styles == PatternStyles::all) GTEST_SKIP() << "it knows them all";
  const char* pattern = can().styles == PatternStyles::nats ? "home/#" : "orders.*";
  Result<ConsumerOptions> options = client->consumer_options(config("c", pattern));
  ASSERT_TRUE(options.ok());
  Result<std::shared_ptr<Consumer>> started =
      await(client->start_consumer(*loop, std::move(options).value(), std::make_shared<Script>(*loop)));
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().kind(), ErrorKind::unsupported);
}

TEST_P(MessagingContract, ReplayFromAPositionATimeOrAnEnd) {
  if (!can().replay) GTEST_SKIP() << "no replay";
  start(config("c", "t"));
  publish("t", "a");
  EXPECT_EQ(handled("c", 1).size(), 1U);
  pause(seconds(1), milliseconds(20));
  const WallTime then = time().wall();
  pause(seconds(1), milliseconds(20));
  const std::uint64_t position = publish("t", "b");
  publish("u", "other topic");
  advance(seconds(1));
  publish("t", "c");
  const Strings once{"a#1 ack", "b#1 ack", "c#1 ack"};
  EXPECT_EQ(handled("c"), once);
  const auto again = [&](Place place) {
    consumers.at("c").script->handled.clear();
    EXPECT_TRUE(await(client->seek(caller(), GroupName{"g", "t"}, std::move(place))).ok());
    settle();
    return handled("c");
  };
  EXPECT_EQ(again(position), (Strings{"b#1 ack", "c#1 ack"}));
  EXPECT_EQ(again(then), (Strings{"b#1 ack", "c#1 ack"}));
  EXPECT_EQ(again(Beginning{true}), once);
  EXPECT_EQ(again(Beginning{false}), Strings{});
  EXPECT_EQ(again(static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())), Strings{});
  publish("t", "d");
  EXPECT_EQ(handled("c"), Strings{"d#1 ack"}) << "a place beyond the end is the end";
  // A group that is not there yet begins there.
  ASSERT_TRUE(await(client->seek(caller(), GroupName{"new", "t"}, Place(position))).ok());
  start(config("n", "t", "new"));
  EXPECT_EQ(handled("n"), (Strings{"b#1 ack", "c#1 ack", "d#1 ack"}));
}

TEST_P(MessagingContract, ReplayFromATimeTakesAllOfItsMillisecond) {
  if (!can().replay) GTEST_SKIP() << "no replay";
  start(config("c", "t"));
  publish("t", "before");
  pause(std::chrono::microseconds(1700), milliseconds(3));
  publish("t", "a");
  EXPECT_EQ(handled("c", 2).size(), 2U);
  // A server has its own time.
  const WallTime published = real ? consumers.at("c").script->items.back()->enqueued : clock.wall();
  const WallTime milli = std::chrono::floor<milliseconds>(published);
  for (const WallTime from : {milli, published, milli + std::chrono::microseconds(999)}) {
    consumers.at("c").script->handled.clear();
    const Place place = from;
    EXPECT_TRUE(await(client->seek(caller(), GroupName{"g", "t"}, place)).ok());
    settle();
    EXPECT_EQ(handled("c"), Strings{"a#1 ack"}) << (from - milli).count() << " ns";
  }
}

TEST_P(MessagingContract, ReplayTakesWhatIsInHand) {
  if (!can().replay) GTEST_SKIP() << "no replay";
  start(config("c", "t"), {{"a", {Step(seconds(1), Outcome::ack())}}, {"b", {Outcome::retry(hours(1))}}});
  publish("t", "a");
  publish("t", "b");
  EXPECT_EQ(handled("c"), Strings{"b#1 retry"});
  ASSERT_TRUE(await(client->seek(caller(), GroupName{"g", "t"}, Place(Beginning{true}))).ok());
  settle();
  EXPECT_EQ(handled("c"), (Strings{"b#1 retry", "a#1 ack", "b#1 ack"}));
  advance(hours(2));
  const Strings all = handled("c").now();
  EXPECT_EQ(std::count(all.begin(), all.end(), "b#1 ack"), 1) << "its old retry is forgotten";
}

TEST_P(MessagingContract, DeadLettersAreListedPeekedRedrivenAndPurged) {
  if (!can().dead_letters) GTEST_SKIP() << "no dead letters";
  services::Consumer one = config("c", "t");
  one.dead_letter = "dead";
  std::map<std::string, std::deque<Step>> script;
  for (int i = 0; i < 5; ++i) script[std::to_string(i)] = {Outcome::nack(false)};
  start(one, script);
  start(config("other", "t", "other"));
  for (int i = 0; i < 5; ++i) publish(Message("t", std::to_string(i), "k", Headers{{"h", "v"}}));
  ASSERT_EQ(dead_letters("dead", 5).size(), 5U);
  EXPECT_EQ(handled("other", 5).size(), 5U);
  // Pages.
  DeadLetterQuery query("dead");
  query.limit = 2;
  Strings seen;
  std::vector<std::uint64_t> positions;
  for (bool more = true; more;) {
    Result<DeadLetterPage> page = await(client->list_dead_letters(caller(), query));
    ASSERT_TRUE(page.ok());
    for (const DeadLetter& letter : page->messages) {
      positions.push_back(letter.position);
      EXPECT_EQ(letter.message.payload, "") << "not asked for";
      EXPECT_EQ(letter.size, 1U);
      query.after = letter.position;
    }
    more = page->more;
  }
  ASSERT_EQ(positions.size(), 5U);
  // Peek: it stays.
  Result<DeadLetter> letter = await(client->peek_dead_letter(caller(), "dead", positions[3]));
  ASSERT_TRUE(letter.ok());
  EXPECT_EQ(letter->message.payload, "3");
  EXPECT_EQ(await(client->peek_dead_letter(caller(), "dead", 1'000'000)).error().kind(), ErrorKind::not_found);
  EXPECT_EQ(dead_letters("dead").size(), 5U);
  // Redrive of some: for the group that gave them up, with all their tries.
  consumers.at("c").script->handled.clear();
  consumers.at("other").script->handled.clear();
  const std::vector<std::uint64_t> two{positions[1], positions[3], 999'999};
  EXPECT_EQ(await(client->redrive_dead_letters(caller(), DeadLetterSelection("dead", two), "")).value(), 2U);
  settle();
  EXPECT_EQ(handled("c"), (Strings{"1#1 ack", "3#1 ack"}));
  EXPECT_EQ(handled("other"), Strings{});
  EXPECT_EQ(consumers.at("c").script->items.back()->headers, (Headers{{"h", "v"}})) << "as it was first";
  EXPECT_EQ(dead_letters("dead").size(), 3U);
  // To another topic, for all.
  start(config("e", "elsewhere", "e"));
  const std::vector<std::uint64_t> first{positions[0]};
  EXPECT_EQ(await(client->redrive_dead_letters(caller(), DeadLetterSelection("dead", first), "elsewhere")).value(), 1U);
  settle();
  EXPECT_EQ(handled("e"), Strings{"0#1 ack"});
  // Purge.
  const std::vector<std::uint64_t> third{positions[2], positions[2] + 1'000'000};
  EXPECT_EQ(await(client->purge_dead_letters(caller(), DeadLetterSelection("dead", third))).value(), 1U);
  ASSERT_EQ(dead_letters("dead").size(), 1U);
  EXPECT_EQ(dead_letters("dead")[0].message.payload, "4");
  EXPECT_EQ(await(client->purge_dead_letters(caller(), DeadLetterSelection("dead", std::nullopt))).value(), 1U);
  EXPECT_TRUE(dead_letters("dead").empty());
  EXPECT_EQ(await(client->purge_dead_letters(caller(), DeadLetterSelection("nowhere", std::nullopt))).value(), 0U);
  EXPECT_EQ(await(client->redrive_dead_letters(caller(), DeadLetterSelection("nowhere", std::nullopt), "")).value(), 0U);
}

TEST_P(MessagingContract, AConsumerOfTheDeadLetterTopicGetsThem) {
  services::Consumer one = config("c", "t");
  one.dead_letter = "t.dead";
  start(one, {{"a", {Outcome::nack(false)}}});
  start(config("d", "t.dead", "watch"));
  publish("t", "a");
  EXPECT_EQ(handled("d"), Strings{"a#1 ack"});
  EXPECT_EQ(dead_letters("t.dead", 1).size(), 1U) << "and they stay in the list";
}

TEST_P(MessagingContract, WhatIsPurgedReachesNobodyAndLetsTheNextOfItsKeyGo) {
  if (!can().dead_letters) GTEST_SKIP() << "no dead letters";
  if (!can().recalls) GTEST_SKIP() << "what lies in the topic of dead letters is the broker's";
  if (!can().key_order) GTEST_SKIP() << "the next of a key is in the consumer's hand, and stays there";
  services::Consumer one = config("c", "t");
  one.dead_letter = "t.dead";
  start(one, {{"a", {Outcome::nack(false)}}, {"b", {Outcome::nack(false)}}, {"c", {Outcome::nack(false)}}});
  services::Consumer watch = config("d", "t.dead", "watch");
  watch.ordered = true;
  start(watch, {{"a", {Step(hours(1), Outcome::ack())}}});
  for (const char* payload : {"a", "b", "c"}) publish(Message("t", payload, "k"));
  const std::vector<DeadLetter> dead = dead_letters("t.dead");
  ASSERT_EQ(dead.size(), 3U);
  EXPECT_EQ(handled("d"), Strings{});
  // The one in hand, and one that waits.
  const std::vector<std::uint64_t> two{dead[0].position, dead[1].position};
  EXPECT_EQ(await(client->purge_dead_letters(caller(), DeadLetterSelection("t.dead", two))).value(), 2U);
  settle();
  EXPECT_EQ(handled("d"), Strings{"c#1 ack"});
  if (can().replay) {
    services::Consumer late = config("e", "t.dead", "late");
    late.start_from = services::StartFrom::earliest;
    start(late);
    EXPECT_EQ(handled("e"), Strings{"c#1 ack"});
  }
  advance(hours(1));
  EXPECT_EQ(consumers.at("d").consumer->counts().acked, 1U) << "an ack of what is gone says nothing";
}

TEST_P(MessagingContract, RedriveOfAllEndsWithThoseThatWereThere) {
  if (!can().dead_letters) GTEST_SKIP() << "no dead letters";
  services::Consumer one = config("c", "t");
  one.dead_letter = "t.dead";
  one.concurrency = 256;
  const std::vector<Message> messages(1000, Message("t", "a"));
  std::deque<Step> rejects(5000, Step(Outcome::nack(false)));  // then it acks
  start(one, {{"a", rejects}});
  ASSERT_TRUE(await(client->publish_batch(caller(), messages)).ok());
  settle();
  until([&] { return client->counts().dead_lettered >= 1000; });
  EXPECT_EQ(await(client->redrive_dead_letters(caller(), DeadLetterSelection("t.dead", std::nullopt), "")).value(), 1000U);
}

TEST_P(MessagingContract, ARedrivenMessageThatFailsAgainIsADeadLetterAgain) {
  services::Consumer one = config("c", "t");
  one.dead_letter = "t.dead";
  start(one, {{"a", {Outcome::reject("first time"), Outcome::reject("second time")}}});
  publish("t", "a");
  until([&] { return client->counts().dead_lettered == 1; });
  ASSERT_TRUE(await(client->redrive_dead_letters(caller(), DeadLetterSelection("t.dead", std::nullopt), "")).ok());
  settle();
  until([&] { return client->counts().dead_lettered == 2; });
  const std::vector<DeadLetter> dead = dead_letters("t.dead");
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_EQ(header(dead[0], "x-error"), "second time");
  EXPECT_EQ(header(dead[0], "x-first-error"), "second time");
  EXPECT_EQ(header(dead[0], "x-delivery-count"), "1");
  EXPECT_EQ(std::count_if(dead[0].message.headers.begin(), dead[0].message.headers.end(),
                          [](const auto& one_header) { return one_header.first == "x-error"; }),
            1);
}

TEST_P(MessagingContract, AnInvalidMessageIsADeadLetterWithItsErrors) {
  services::Consumer one = config("c", "t");
  one.dead_letter = "t.dead";
  one.schema = json::parse(R"({"type": "object", "required": ["id"], "properties": {"n": {"type": "integer"}}})").value();
  start(one);
  publish("t", R"({"id": 1, "n": 2})");
  publish("t", R"({"n": "x"})");
  publish("t", "{");
  EXPECT_EQ(handled("c"), Strings{R"({"id": 1, "n": 2}#1 ack)"});
  const std::vector<DeadLetter> dead = dead_letters("t.dead", 2);
  ASSERT_EQ(dead.size(), 2U);
  EXPECT_EQ(dead[0].message.payload, R"({"n": "x"})");
  EXPECT_EQ(header(dead[0], "x-dead-letter-reason"), "invalid");
  EXPECT_EQ(header(dead[0], "x-error"), "2 validation errors in message");
  const std::string errors = header(dead[0], "x-validation-errors");
  EXPECT_NE(errors.find(R"("type":"missing","loc":["payload","id"])"), std::string::npos) << errors;
  EXPECT_NE(errors.find(R"("type":"int_parsing")"), std::string::npos) << errors;
  EXPECT_EQ(header(dead[1], "x-dead-letter-reason"), "invalid");
  EXPECT_NE(header(dead[1], "x-validation-errors").find("json_invalid"), std::string::npos);
}

TEST_P(MessagingContract, GroupsAreListedAndDeleted) {
  if (!can().groups) GTEST_SKIP() << "no list of groups";
  services::Consumer one = config("c", "t");
  one.concurrency = 1;
  start(one, {{"a", {Outcome::retry(hours(1))}}, {"b", {Step(hours(1), Outcome::ack())}}});
  for (const char* payload : {"a", "b", "c", "d"}) publish("t", payload);
  until([&] { return consumers.at("c").script->items.size() == 2; });
  Result<std::vector<GroupInfo>> groups = await(client->groups(caller()));
  ASSERT_TRUE(groups.ok()) << groups.error().to_string();
  ASSERT_EQ(groups->size(), 1U);
  EXPECT_EQ(groups->front().name, (GroupName{"g", "t"}));
  EXPECT_EQ(groups->front().waiting, 2U);
  EXPECT_EQ(groups->front().in_hand, 1U);
  EXPECT_EQ(groups->front().delayed, 1U);
  EXPECT_EQ(await(client->delete_group(caller(), GroupName{"g", "t"})).error().kind(), ErrorKind::conflict);
  kill("c");
  pause(seconds(4), lease() + milliseconds(200));
  EXPECT_TRUE(await(client->delete_group(caller(), GroupName{"g", "t"})).value());
  EXPECT_FALSE(await(client->delete_group(caller(), GroupName{"g", "t"})).value());
  EXPECT_TRUE(await(client->groups(caller()))->empty());
  start(one);
  EXPECT_EQ(handled("c"), Strings{}) << "a new one, that begins now";
}

TEST_P(MessagingContract, OptionsThatMakeNoSenseAreRefusedByName) {
  const auto refused = [&](const std::function<void(services::Consumer&)>& change) {
    services::Consumer one = config("c", "t");
    change(one);
    Result<ConsumerOptions> options = client->consumer_options(one, "consumers[0]");
    return options.ok() ? std::string() : options.error().message();
  };
  using C = services::Consumer;
  EXPECT_EQ(refused([](C&) {}), "");
  EXPECT_NE(refused([](C& c) { c.topic = ""; }).find("consumers[0].topic"), std::string::npos);
  EXPECT_NE(refused([](C& c) { c.dead_letter = "t"; }).find("consumers[0].dead_letter"), std::string::npos);
  EXPECT_NE(refused([](C& c) { c.topic = "t.>", c.dead_letter = "t.dead"; }).find("consumers[0].dead_letter"), std::string::npos);
  EXPECT_NE(refused([](C& c) { c.dead_letter = "t.*"; }).find("consumers[0].dead_letter"), std::string::npos);
  EXPECT_NE(refused([](C& c) { c.schema = json::parse(R"({"type": 1})").value(); }).find("consumers[0].schema"),
            std::string::npos);
  EXPECT_NE(refused([](C& c) { c.backoff.factor = json::parse("0.5").value(); }).find("consumers[0].backoff.factor"),
            std::string::npos);
}

TEST_P(MessagingContract, WhatWasConfirmedSurvives) {
  if (!can().durable) GTEST_SKIP() << "not durable";
  const Duration wait = either(hours(1), seconds(2));
  services::Consumer one = config("c", "t");
  one.dead_letter = "t.dead";
  start(one, {{"dead", {Outcome::nack(false)}},
              {"later", {Outcome::error("no"), Outcome::retry(wait)}},
              {"held", {Step(hours(9), Outcome::ack())}}});
  for (const char* payload : {"done", "dead", "later", "held"}) publish("t", payload);
  advance(milliseconds(100));
  EXPECT_EQ(handled("c"), (Strings{"done#1 ack", "dead#1 nack", "later#1 error", "later#2 retry"}));
  ASSERT_EQ(dead_letters("t.dead", 1).size(), 1U);
  const Instant begun = time().now();
  restart();
  publish("t", "while nobody was there");
  ASSERT_EQ(dead_letters("t.dead").size(), 1U);
  const Script& after = start(one);
  if (!real) {
    EXPECT_EQ(handled("c"), Strings{"while nobody was there#1 ack"});
    advance(seconds(3));
    EXPECT_EQ(handled("c", 2).back(), "held#2 ack") << "its lease ran out";
    advance(hours(1));
    EXPECT_EQ(handled("c", 3).back(), "later#3 ack") << "Retry{after} survives";
  }
  // A server may give nothing of the topic to anybody before the lease of the dead one has run out.
  Strings all = handled("c", 3);
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, (Strings{"held#2 ack", "later#3 ack", "while nobody was there#1 ack"}));
  ASSERT_EQ(after.items.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    const worker_loop::WorkItem& item = *after.items[i];
    if (item.payload == "held") EXPECT_EQ(item.tries, 1U);
    if (item.payload != "later") continue;
    if (real) EXPECT_GE(after.begun[i] - begun, wait - seconds(1)) << "a server may keep its waits by the second";
    EXPECT_EQ(item.tries, 2U);
    EXPECT_EQ(item.failures, 1U);
    EXPECT_EQ(item.first_error, "no");
  }
}

// ---- where the server owns the wait: lower bounds, in real time -----------------------------------------------------

/// The wait before the nth delivery of a script.
Duration before(const Script& script, std::size_t n) { return script.begun[n] - script.begun[n - 1]; }

struct MessagingRealTime : MessagingContract {
  void SetUp() override {
    MessagingContract::SetUp();
    if (IsSkipped()) return;
    if (!real) GTEST_SKIP() << "on the virtual clock, to the millisecond, above";
    if (!can().at_least_once) GTEST_SKIP() << "at most once";
  }
};

TEST_P(MessagingRealTime, ARetryComesAfterItsTime) {
  const Script& script = start(config("c", "t"), {{"a", {Outcome::retry(milliseconds(300))}}});
  publish("t", "a");
  EXPECT_EQ(handled("c"), (Strings{"a#1 retry", "a#2 ack"}));
  EXPECT_GE(before(script, 1), milliseconds(300));
}

TEST_P(MessagingRealTime, ErrorsAndTimeoutsComeAfterTheBackoff) {
  services::Consumer one = config("c", "t");
  one.max_retries = 10;
  one.handler_timeout_ms = 100;
  const Script& script =
      start(one, {{"a", {Outcome::error("no"), Outcome::error("no"), Step(seconds(60), Outcome::ack()), Outcome::error("no")}}});
  publish("t", "a");
  EXPECT_EQ(handled("c"), (Strings{"a#1 error", "a#2 error", "a#3 timeout", "a#4 error", "a#5 ack"}));
  EXPECT_GE(before(script, 1), milliseconds(100));
  EXPECT_GE(before(script, 2), milliseconds(200));
  EXPECT_GE(before(script, 3), milliseconds(100 + 400));
  EXPECT_GE(before(script, 4), milliseconds(800));
}

TEST_P(MessagingRealTime, WhatADeadConsumerHeldComesAfterItsLeaseAndUsesUpATry) {
  const Script& first = start(config("c1", "t"), {{"a", {Step(seconds(60), Outcome::ack())}}});
  const std::shared_ptr<Script> kept = consumers.at("c1").script;
  publish("t", "a");
  until([&] { return first.items.size() == 1; });
  kill("c1");
  const Script& second = start(config("c2", "t"));
  EXPECT_EQ(handled("c2"), Strings{"a#2 ack"});
  EXPECT_EQ(second.items.back()->tries, 1U);
  EXPECT_GE(second.begun[0] - kept->begun[0], lease() - milliseconds(100));
}

TEST_P(MessagingRealTime, ALastTryThatDiedIsADeadLetter) {
  services::Consumer one = config("c1", "t");
  one.max_retries = 0;
  one.dead_letter = "t.dead";
  const Script& first = start(one, {{"a", {Step(seconds(60), Outcome::ack())}}});
  publish("t", "a");
  until([&] { return first.items.size() == 1; });
  kill("c1");
  one.name = "c2";
  start(one);
  const std::vector<DeadLetter> dead = dead_letters("t.dead", 1);
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_EQ(handled("c2"), Strings{});
  EXPECT_EQ(header(dead[0], "x-dead-letter-reason"), "max_retries");
  EXPECT_EQ(header(dead[0], "x-delivery-count"), "1");
}

TEST_P(MessagingRealTime, ALongHandlerKeepsItsMessage) {
  start(config("c1", "t"), {{"a", {Step(lease() * 5 / 2, Outcome::ack())}}});
  publish("t", "a");
  until([&] { return consumers.at("c1").script->items.size() == 1; });
  start(config("c2", "t"));
  EXPECT_EQ(handled("c1"), Strings{"a#1 ack"});
  EXPECT_EQ(handled("c2"), Strings{});
}

TEST_P(MessagingRealTime, AMessageThatWasTriedInPlaceKeepsItsCountsWhenItsConsumerDies) {
  services::Consumer one = config("c1", "t");
  one.ordered = true;
  const Script& first = start(one, {{"a", {Outcome::error("no"), Step(seconds(60), Outcome::ack())}}});
  publish(Message("t", "a", "k"));
  until([&] { return first.items.size() == 2; });
  turn_for(lease() / 2);  // the record of the failure is there
  kill("c1");
  one.name = "c2";
  const Script& second = start(one);
  EXPECT_EQ(handled("c2"), Strings{"a#3 ack"});
  EXPECT_EQ(second.items.back()->tries, 2U);
  EXPECT_EQ(second.items.back()->failures, 1U);
  EXPECT_EQ(second.items.back()->first_error, "no");
}

TEST_P(MessagingRealTime, WhatWasFetchedAndNotBegunComesOnceAfterASeek) {
  if (!can().replay) GTEST_SKIP() << "no replay";
  services::Consumer one = config("c", "t");
  one.concurrency = 1;
  one.max_in_flight = 3;
  const Script& script = start(one, {{"a", {Step(milliseconds(500), Outcome::ack())}}});
  for (const char* payload : {"a", "b", "c"}) publish("t", payload);
  until([&] { return consumers.at("c").consumer->counts().in_hand == 3; });
  ASSERT_TRUE(await(client->seek(caller(), GroupName{"g", "t"}, Place(Beginning{true}))).ok());
  EXPECT_EQ(handled("c", 3).size(), 3U);
  turn_for(lease() + milliseconds(300));
  std::map<std::string, int> times;
  for (const std::string& payload : handled("c")) ++times[payload.substr(0, 1)];
  // Once again each at most: what was in hand at the seek may have been handled as well.
  for (const char* payload : {"a", "b", "c"}) {
    EXPECT_GE(times[payload], 1) << payload;
    EXPECT_LE(times[payload], 2) << payload;
  }
  EXPECT_GE(script.items.size(), 3U);
}

TEST_P(MessagingRealTime, ALateSettlementIsRefused) {
  SubscribeOptions options(TopicPattern::compile(TopicStyle::auto_, "t").value());
  options.group = "g";
  options.ack_wait = milliseconds(500);
  options.max_in_flight = 10;
  std::unique_ptr<Subscription> first = await(backend->subscribe(*loop, options)).value();
  publish("t", "a");
  std::vector<worker_loop::WorkItem> held = await(first->pull(10)).value();
  ASSERT_EQ(held.size(), 1U);
  const std::vector<std::uint64_t> ids{held[0].id};
  turn_for(milliseconds(300));
  EXPECT_TRUE(await(first->extend(ids)).value().empty());
  turn_for(milliseconds(300));
  worker_loop::Settlement keep;
  keep.id = held[0].id;
  keep.kind = worker_loop::Settlement::Kind::keep;
  keep.delivery_count = 2;
  EXPECT_TRUE(await(first->settle(std::span(&keep, 1))).value().empty()) << "it was extended";
  turn_for(milliseconds(600));
  worker_loop::Settlement back;
  back.id = held[0].id;
  back.kind = worker_loop::Settlement::Kind::hand_back;
  EXPECT_EQ(await(first->settle(std::span(&back, 1))).value(), ids) << "not ours any more";
  EXPECT_EQ(await(first->extend(ids)).value(), ids);
  EXPECT_TRUE(await(first->close()).ok());
}

TEST_P(MessagingContract, TheTraceTravels) {
  telemetry::SpanContext trace;
  trace.trace_id.fill(0xab);
  trace.span_id.fill(0xcd);
  trace.flags = 1;
  const Script& script = start(config("c", "t"));
  net::Caller with_trace(*loop, trace);
  ASSERT_TRUE(await(client->publish(with_trace, Message("t", "a"))).ok());
  ASSERT_TRUE(await(client->publish(with_trace,
                                    Message("t", "b", {},
                                            Headers{{"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}})))
                  .ok());
  settle();
  ASSERT_TRUE(until([&] { return script.items.size() == 2; }));
  EXPECT_EQ(script.items[0]->trace.trace_id, trace.trace_id);
  EXPECT_TRUE(script.items[0]->trace.remote);
  EXPECT_EQ(script.items[1]->trace.trace_id[0], 0x4b) << "what the headers say stays";
}

std::vector<BackendCase> backends() {
  std::vector<BackendCase> out;
  const auto by_url = [](services::MessagingConfig config) {
    return [config = std::move(config)](Clock& clock) { return messaging::open(config, Environment(clock)); };
  };
  out.push_back({"memory", [by_url] {
                   services::MessagingConfig config;
                   config.url = "memory:";
                   return by_url(config);
                 }});
#ifdef SPIKARD_MESSAGING_SQLITE
  out.push_back({"sqlite", [] {
                   struct Place {
                     store::sqlite::TemporaryFolder folder;
                     std::unique_ptr<net::BlockingPool> pool;
                     std::unique_ptr<store::sqlite::Databases> databases;
                     ~Place() {
                       if (databases != nullptr) databases->close();
                       if (pool != nullptr) pool->stop();
                     }
                   };
                   return [place = std::make_shared<Place>()](Clock& clock) {
                     if (place->pool == nullptr) {
                       place->pool = std::make_unique<net::BlockingPool>(clock);
                       place->databases = std::make_unique<store::sqlite::Databases>(*place->pool);
                     }
                     services::MessagingConfig config;
                     config.url = "sqlite:" + place->folder.file("app.db");
                     Environment environment(clock);
                     environment.databases = place->databases.get();
                     return messaging::open(config, environment);
                   };
                 }});
#endif
  return out;
}

const auto named = [](const auto& info) { return info.param.name; };
INSTANTIATE_TEST_SUITE_P(Backends, MessagingContract, ::testing::ValuesIn(backends()), named);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(MessagingRealTime);

#ifdef SPIKARD_MESSAGING_NATS
/// Streams of its own for each test, which go with it.
struct NatsPlace {
  std::string stream = "test_" + net::signing::hex(net::signing::random_bytes(6));
  std::string options;
  [[nodiscard]] std::string url() const { return contract::server_setting("NATS_URL") + "?stream=" + stream + options; }
  ~NatsPlace() {
    Result<nats::NatsOptions> parsed = nats::NatsOptions::parse(url());
    Result<std::unique_ptr<nats::Wire>> wire = nats::Wire::open(std::move(parsed).value());
    if (!wire.ok()) return;
    const std::shared_ptr<nats::Connection> connection = (*wire)->connection();
    const Result<void> gone = (*wire)->run([&](net::Loop& loop) -> Task<Result<void>> {
      std::vector<nats::Outgoing> deletions;
      for (const std::string& one : {stream, "KV_" + stream + "_state"})
        deletions.emplace_back("$JS.API.STREAM.DELETE." + one, "");
      Result<std::vector<nats::Reply>> replies = co_await connection->exchange(loop, std::move(deletions));
      (void)replies;
      co_return Result<void>();
    });
    EXPECT_TRUE(gone.ok());
  }
};
BackendCase nats_case(std::string name, std::string options) {
  BackendCase out;
  out.name = std::move(name);
  out.real_time = true;
  out.place = [options = std::move(options)]() -> BackendCase::Open {
    auto place = std::make_shared<NatsPlace>();
    place->options = options;
    return [place](Clock& clock) {
      services::MessagingConfig config;
      config.url = place->url();
      return messaging::open(config, Environment(clock));
    };
  };
  return out;
}
#endif

#if defined(SPIKARD_MESSAGING_NATS) || defined(SPIKARD_MESSAGING_REDIS)
std::string at_most_once(std::string_view test) {
  for (const std::string_view can :
       {"EveryByteOfAMessageArrives", "EveryGroupGetsItAndOneConsumerOfEach", "WhatCannotBePublishedIsRefused",
        "NoMoreHandlersThanConcurrency", "PatternsTakeWhatTheyStandFor", "TheTraceTravels",
        "OptionsThatMakeNoSenseAreRefusedByName"}) {
    if (test == can) return {};
  }
  return "at most once: no acknowledgements, retries or dead letters";
}
#endif

#ifdef SPIKARD_MESSAGING_NATS
BackendCase core_nats_case() {
  BackendCase out = nats_case("nats_core", "&jetstream=false");
  out.skip = at_most_once;
  return out;
}
INSTANTIATE_TEST_SUITE_P(Server_nats, MessagingContract, ::testing::Values(nats_case("nats", ""), core_nats_case()), named);
INSTANTIATE_TEST_SUITE_P(Server_nats, MessagingRealTime, ::testing::Values(nats_case("nats", "")), named);
#endif

#if defined(SPIKARD_MESSAGING_MQTT) && defined(SPIKARD_MESSAGING_SQLITE)
/// A delivery store and a name of its own for each test, and topics below a prefix that nobody else uses. The core owns every
/// wait: the clock is virtual, and a publish is over when the store has what the broker sent.
struct MqttPlace {
  std::string prefix = "test-" + net::signing::hex(net::signing::random_bytes(6)) + "/";
  std::string options;
  store::sqlite::TemporaryFolder folder;
  std::unique_ptr<net::BlockingPool> pool;
  std::unique_ptr<store::sqlite::Databases> databases;
  ~MqttPlace() {
    if (databases != nullptr) databases->close();
    if (pool != nullptr) pool->stop();
  }
};
BackendCase mqtt_case(std::string name, std::string options, std::string store = {}) {
  BackendCase out;
  out.name = std::move(name);
  out.place = [options = std::move(options), store = std::move(store)]() -> BackendCase::Open {
    auto place = std::make_shared<MqttPlace>();
    place->options = options;
    return [place, store](Clock& clock) {
      if (place->pool == nullptr) {
        place->pool = std::make_unique<net::BlockingPool>(clock);
        place->databases = std::make_unique<store::sqlite::Databases>(*place->pool);
      }
      services::MessagingConfig config;
      config.url = contract::server_setting("MQTT_URL") + "?session_expiry_s=60&prefix=" + place->prefix + place->options;
      config.store = store.empty() ? "sqlite:" + place->folder.file("deliveries.db") : store;
      Environment environment(clock);
      environment.databases = place->databases.get();
      return messaging::open(config, environment);
    };
  };
  return out;
}
INSTANTIATE_TEST_SUITE_P(Server_mqtt, MessagingContract,
                         ::testing::Values(mqtt_case("mqtt", ""), mqtt_case("mqtt_qos2", "&qos=2"),
                                           mqtt_case("mqtt_unshared", "&share=false"),
                                           mqtt_case("mqtt_store_in_memory", "", "memory:")),
                         named);
#endif
#ifdef SPIKARD_MESSAGING_REDIS
/// Keys of its own for each test, which go with it.
struct RedisPlace {
  std::string prefix = "test-" + net::signing::hex(net::signing::random_bytes(6));
  std::string options;
  [[nodiscard]] std::string url() const {
    return contract::server_setting("REDIS_URL") + "?poll_ms=100&prefix=" + prefix + options;
  }
  ~RedisPlace() {
    RealClock clock;
    const auto loop = net::Loop::create(clock).value();
    const auto client = std::make_shared<net::redis::Client>(*loop, redis::RedisOptions::parse(url()).value().server);
    bool ended = false;
    net::redis::Command all("KEYS");
    all.arg("{" + prefix + "}:*");
    const auto remove = [&](Result<net::redis::Reply> keys) -> Task<void> {
      if (!keys.ok()) co_return;
      for (const net::redis::View key : keys->view()) {
        net::redis::Command unlink("UNLINK");
        unlink.key(key.text());
        Result<net::redis::Reply> gone = co_await client->run(std::move(unlink));
        EXPECT_TRUE(gone.ok());
      }
    };
    std::optional<Result<net::redis::Reply>> keys;
    spawn(client->run(std::move(all)),
          [&](const std::exception_ptr&, std::optional<Result<net::redis::Reply>> found) { keys = std::move(found); });
    while (!keys) loop->turn(10);
    spawn(remove(std::move(*keys)), [&](const std::exception_ptr&) { ended = true; });
    while (!ended) loop->turn(10);
    client->close();
  }
};
BackendCase redis_case(std::string name, std::string options) {
  BackendCase out;
  out.name = std::move(name);
  out.real_time = true;
  out.place = [options = std::move(options)]() -> BackendCase::Open {
    auto place = std::make_shared<RedisPlace>();
    place->options = options;
    return [place](Clock& clock) {
      services::MessagingConfig config;
      config.url = place->url();
      return messaging::open(config, Environment(clock));
    };
  };
  return out;
}
BackendCase redis_pubsub_case() {
  BackendCase out = redis_case("redis_pubsub", "&mode=pubsub");
  out.skip = [](std::string_view test) -> std::string {
    if (test == "EveryGroupGetsItAndOneConsumerOfEach") return "pub/sub gives every consumer everything";
    return at_most_once(test);
  };
  return out;
}
INSTANTIATE_TEST_SUITE_P(Server_redis, MessagingContract,
                         ::testing::Values(redis_case("redis", ""), redis_case("redis_resp2", "&protocol=2"),
                                           redis_pubsub_case()),
                         named);
INSTANTIATE_TEST_SUITE_P(Server_redis, MessagingRealTime, ::testing::Values(redis_case("redis", "")), named);
#endif
#ifdef SPIKARD_MESSAGING_KAFKA
/// Topics and groups of its own for each test; the server is one for the tests, and goes with them.
BackendCase kafka_case(std::string name, std::string options, std::string with = {}) {
  BackendCase out;
  out.name = std::move(name);
  out.real_time = true;
  out.lease = seconds(6);  // group.min.session.timeout.ms
  const bool partitions = !options.empty();
  const bool rdkafka = !with.empty();
  out.skip = [partitions, rdkafka](std::string_view test) -> std::string {
    if (test == "ALateSettlementIsRefused") return "a member's session is its lease: while it lives, nothing of it runs out";
    if (partitions && test == "ReplayFromAPositionATimeOrAnEnd") return "no order between partitions";
    if (partitions && rdkafka && test == "GroupsAreListedAndDeleted")
      return "no order between partitions: which one is in hand is not said";
    return {};
  };
  out.place = [options = std::move(options), with = std::move(with)]() -> BackendCase::Open {
    services::MessagingConfig config;
    std::string server = contract::server_setting("KAFKA_URL");
    config.url = server.insert(server.find(':'), with) + "?prefix=test-" + net::signing::hex(net::signing::random_bytes(6)) +
                 "." + options;
    return [config](Clock& clock) { return messaging::open(config, Environment(clock)); };
  };
  return out;
}
INSTANTIATE_TEST_SUITE_P(Server_kafka, MessagingContract,
                         ::testing::Values(kafka_case("kafka", ""), kafka_case("kafka_3_partitions", "&partitions=3")), named);
INSTANTIATE_TEST_SUITE_P(Server_kafka, MessagingRealTime, ::testing::Values(kafka_case("kafka", "")), named);
#ifdef SPIKARD_MESSAGING_RDKAFKA
INSTANTIATE_TEST_SUITE_P(Server_kafka_rdkafka, MessagingContract,
                         ::testing::Values(kafka_case("kafka_rdkafka", "", "+rdkafka"),
                                           kafka_case("kafka_rdkafka_3_partitions", "&partitions=3", "+rdkafka")),
                         named);
INSTANTIATE_TEST_SUITE_P(Server_kafka_rdkafka, MessagingRealTime, ::testing::Values(kafka_case("kafka_rdkafka", "", "+rdkafka")),
                         named);
#endif
#endif

#ifdef SPIKARD_MESSAGING_AMQP
/// An exchange and queues of its own for each test; the server is one for the tests, and they go with it.
BackendCase amqp_case(std::string name) {
  BackendCase out;
  out.name = std::move(name);
  out.real_time = true;
  out.lease = milliseconds(100);  // the broker sees at once that a channel is gone
  out.skip = [](std::string_view test) -> std::string {
    if (test == "ALateSettlementIsRefused") return "a consumer's channel is its lease: while it lives, nothing of it runs out";
    if (test == "AMessageThatWasTriedInPlaceKeepsItsCountsWhenItsConsumerDies")
      return "a message in hand cannot be changed: tries in place are told when it is settled";
    return {};
  };
  out.place = []() -> BackendCase::Open {
    services::MessagingConfig config;
    config.url = contract::server_setting("AMQP_URL") + "?name=test-" + net::signing::hex(net::signing::random_bytes(6));
    return [config](Clock& clock) { return messaging::open(config, Environment(clock)); };
  };
  return out;
}
INSTANTIATE_TEST_SUITE_P(Server_amqp, MessagingContract, ::testing::Values(amqp_case("amqp")), named);
INSTANTIATE_TEST_SUITE_P(Server_amqp, MessagingRealTime, ::testing::Values(amqp_case("amqp")), named);
#endif

}  // namespace
}  // namespace spikard::messaging
