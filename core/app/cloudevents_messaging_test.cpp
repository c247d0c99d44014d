#include "app/cloudevents_messaging.hpp"

#include <gtest/gtest.h>

#include "app/event_handlers.hpp"
#include "cloudevents/json_format.hpp"
#include "messaging/registry.hpp"
#include "net/virtual_clock.hpp"

namespace spikard::app {
namespace {

using namespace std::chrono_literals;
using cloudevents::Event;
using cloudevents::EventOutcome;

class FakeGate final : public EventGate {
 public:
  std::vector<std::string> seen;  // "who id"
  Duration takes = 1ms;
  Task<Result<bool>> is_new(net::Loop& loop, const services::EventInbox&, std::string who,
                            std::shared_ptr<const Event> event) override {
    const Result<void> slept = co_await net::sleep(loop, takes);
    if (!slept.ok()) co_return Result<bool>(slept.error());
    co_return std::find(seen.begin(), seen.end(), who + " " + event->id) == seen.end();
  }
  Task<Result<void>> handled(net::Loop&, const services::EventInbox&, std::string who,
                             std::shared_ptr<const Event> event) override {
    seen.push_back(who + " " + event->id);
    co_return Result<void>();
  }
};

/// A memory broker, a sender and a consumer of events on one loop.
struct EventMessaging : ::testing::Test {
  net::VirtualClock clock;
  std::unique_ptr<net::Loop> loop = net::Loop::create(clock).value();
  std::shared_ptr<messaging::Client> broker;
  std::shared_ptr<EventClient> sender;
  std::shared_ptr<EventClient> replies;
  std::unique_ptr<EventHandlers> handlers;
  std::shared_ptr<messaging::Consumer> consumer;
  std::shared_ptr<FakeGate> gate = std::make_shared<FakeGate>();
  std::vector<std::string> handled;
  std::function<EventOutcome(const Event&)> act = [](const Event&) { return EventOutcome::ack(); };

  void SetUp() override {
    loop->turn(0);
    services::MessagingConfig config;
    config.url = "memory:";
    broker = std::make_shared<messaging::Client>(messaging::open(config, messaging::Environment(clock)).value(),
                                                 messaging::ClientOptions());
    sender = client_to("orders");
    replies = client_to("replies");
  }
  void TearDown() override {
    if (consumer != nullptr) {
      bool closed = false;
      consumer->close([&] { closed = true; });
      settle();
      EXPECT_TRUE(closed);
    }
    handlers.reset();
    consumer.reset();
  }
  std::shared_ptr<EventClient> client_to(const std::string& topic) {
    EventClientOptions options;
    options.broker = [this](const std::string&) { return std::pair(broker, std::string("memory")); };
    services::EventSender config;
    config.url = "messaging:default/" + topic;
    config.source = "/s";
    return EventClient::create(config, options).value();
  }
  void consume(services::EventConsumer config) {
    config.consumer.name = "c";
    config.consumer.topic = "orders";
    config.consumer.dead_letter = "dead";
    config.consumer.max_retries = 1;
    auto list = std::make_shared<std::vector<EventHandlers::Handler>>();
    for (int i = 0; i < 2; ++i) {
      list->push_back([this, i](cloudevents::Delivery delivery, net::Loop&) -> Task<EventOutcome> {
        handled.push_back(std::to_string(i) + " " + to_json(*delivery.event));
        co_return act(*delivery.event);
      });
    }
    handlers = std::make_unique<EventHandlers>(*loop, list);
    EventWorkSink::Options options;
    options.gate = gate;
    if (!config.reply.empty()) options.replies = replies;
    const auto sink =
        std::make_shared<EventWorkSink>(config, "memory", std::vector<EventLane>{{loop.get(), handlers.get()}}, options);
    auto checked = broker->consumer_options(config.consumer);
    ASSERT_TRUE(checked.ok()) << checked.error().message();
    consumer = finish(broker->start_consumer(*loop, std::move(*checked), sink)).value();
  }
  void advance(Duration by) {
    bool done = false;
    clock.advance(by, [&] { done = true; });
    for (int i = 0; i < 100000 && !done; ++i) loop->turn(0);
    ASSERT_TRUE(done);
  }
  void settle() { advance(0ms); }
  template <class T>
  Result<T> finish(Task<Result<T>> task) {
    std::optional<Result<T>> out;
    spawn(std::move(task), [&](std::exception_ptr, std::optional<Result<T>> result) { out = std::move(result); });
    settle();
    return out ? std::move(*out) : Result<T>(internal_error("not done"));
  }
  void send(const std::string& type, const std::string& id, std::optional<cloudevents::Mode> mode = std::nullopt) {
    Event e(type, "/s", id);
    e.time = "2024-01-15T10:30:00Z";
    e.set_text("é");
    const auto sent = finish(sender->send(net::Caller(*loop), e, mode));
    EXPECT_TRUE(sent.ok()) << sent.error().to_string();
    advance(1ms);
  }
  std::vector<messaging::DeadLetter> dead_letters() {
    messaging::DeadLetterQuery query("dead");
    return finish(broker->list_dead_letters(net::Caller(*loop), query)).value().messages;
  }
  static services::EventConsumer everything() {
    services::EventConsumer config;
    config.handler = 0;
    return config;
  }
  static std::string json(const std::string& type, const std::string& id) {
    return R"({"specversion":"1.0","id":")" + id + R"(","source":"/s","type":")" + type +
           R"(","datacontenttype":"text/plain; charset=utf-8","time":"2024-01-15T10:30:00Z","data":"é"})";
  }
};

TEST_F(EventMessaging, BothModesReachTheHandlerOfTheType) {
  services::EventConsumer config = everything();
  services::EventSubscription s;
  s.type = "b.*";
  s.handler = 1;
  config.subscriptions.push_back(s);
  consume(config);
  send("a", "1");
  send("b.x", "2", cloudevents::Mode::structured);
  EXPECT_EQ(handled, (std::vector<std::string>{"0 " + json("a", "1"), "1 " + json("b.x", "2")}));
  EXPECT_EQ(consumer->counts().acked, 2U);
}

TEST_F(EventMessaging, WhatIsNoEventGoesToTheDeadLetter) {
  services::EventConsumer config;
  services::EventSubscription s;
  s.type = "known";
  config.subscriptions.push_back(s);
  consume(config);
  EXPECT_TRUE(finish(broker->publish(net::Caller(*loop), messaging::Message("orders", "{}"))).ok());
  send("unknown", "1");
  const auto letters = dead_letters();
  ASSERT_EQ(letters.size(), 2U);
  const std::string* why = messaging::find_header(letters[0].message.headers, messaging::error_header);
  ASSERT_NE(why, nullptr);
  EXPECT_NE(why->find("specversion: is required"), std::string::npos) << *why;
  EXPECT_TRUE(handled.empty());
}

TEST_F(EventMessaging, OutcomesSettleTheMessage) {
  consume(everything());
  act = [](const Event&) { return EventOutcome::nack(false, "no good"); };
  send("t", "1");
  EXPECT_EQ(dead_letters().size(), 1U);
  act = [this](const Event&) { return handled.size() < 3 ? EventOutcome::retry(5s) : EventOutcome::ack(); };
  send("t", "2");
  EXPECT_EQ(handled.size(), 2U);
  advance(5s);
  EXPECT_EQ(handled.size(), 3U);
  EXPECT_EQ(consumer->counts().acked, 1U);
  act = [](const Event&) -> EventOutcome { throw std::runtime_error("broken"); };
  send("t", "3");
  advance(10s);
  EXPECT_EQ(handled.size(), 5U) << "max_retries is 1";
  EXPECT_EQ(dead_letters().size(), 2U);
}

TEST_F(EventMessaging, RepliesAreSent) {
  services::EventConsumer config = everything();
  config.reply = "replies";
  consume(config);
  act = [](const Event& event) { return EventOutcome::reply(Event("reply", "/r", "to-" + event.id)); };
  send("t", "1");
  EXPECT_EQ(consumer->counts().acked, 1U);
}

TEST_F(EventMessaging, AReplyWithoutAPlaceIsAFailure) {
  consume(everything());
  act = [](const Event&) { return EventOutcome::reply(Event("reply", "/r", "1")); };
  send("t", "1");
  EXPECT_EQ(consumer->counts().acked, 0U);
  EXPECT_EQ(consumer->counts().failed, 1U);
}

TEST_F(EventMessaging, TheInboxTakesAnEventOnce) {
  services::EventConsumer config = everything();
  config.inbox.emplace();
  consume(config);
  send("t", "1");
  advance(1ms);
  send("t", "1");
  advance(1ms);
  EXPECT_EQ(handled.size(), 1U);
  EXPECT_EQ(consumer->counts().acked, 2U);
}

TEST_F(EventMessaging, TheInboxIsOfEachGroup) {
  services::EventConsumer config = everything();
  config.inbox.emplace();
  consume(config);
  const std::unique_ptr<EventHandlers> first_handlers = std::move(handlers);
  const std::shared_ptr<messaging::Consumer> first = std::move(consumer);
  config.consumer.group = "other";
  consume(config);
  send("t", "1");
  advance(1ms);
  EXPECT_EQ(handled.size(), 2U);
  EXPECT_EQ(gate->seen, (std::vector<std::string>{"messaging:default/orders c 1", "messaging:default/orders other 1"}));
  send("t", "1");
  advance(1ms);
  EXPECT_EQ(handled.size(), 2U);
  EXPECT_EQ(first->counts().acked, 2U);
  EXPECT_EQ(consumer->counts().acked, 2U);
  bool closed = false;
  first->close([&] { closed = true; });
  settle();
  EXPECT_TRUE(closed);
}

TEST_F(EventMessaging, WhatWasRefusedIsHandledAgainWhenItIsRedriven) {
  services::EventConsumer config = everything();
  config.inbox.emplace();
  consume(config);
  act = [this](const Event&) { return handled.size() < 2 ? EventOutcome::nack(false, "not yet") : EventOutcome::ack(); };
  send("t", "1");
  advance(1ms);
  ASSERT_EQ(dead_letters().size(), 1U);
  EXPECT_TRUE(gate->seen.empty());
  const messaging::DeadLetterSelection all("dead", std::nullopt);
  EXPECT_EQ(finish(broker->redrive_dead_letters(net::Caller(*loop), all, "")).value(), 1U);
  advance(2ms);
  EXPECT_EQ(handled.size(), 2U);
  EXPECT_EQ(consumer->counts().acked, 1U);
}

TEST_F(EventMessaging, WhatIsCancelledWhileTheInboxIsAskedReachesNoHandler) {
  services::EventConsumer config = everything();
  config.inbox.emplace();
  config.consumer.handler_timeout_ms = 10;
  config.consumer.backoff.initial_ms = 5000;
  gate->takes = 1s;
  consume(config);
  send("t", "1");
  advance(2s);
  EXPECT_TRUE(handled.empty()) << "its time was over when the inbox answered";
  EXPECT_EQ(consumer->counts().failed, 1U);
  gate->takes = 1ms;
  advance(5s);
  EXPECT_EQ(handled.size(), 1U);
  EXPECT_EQ(consumer->counts().acked, 1U);
}

}  // namespace
}  // namespace spikard::app
