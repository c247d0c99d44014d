// CloudEvents in the messages of each broker: what a sender sends in either mode reaches the handler as it was.
#include <gtest/gtest.h>

#include "app/cloudevents_messaging.hpp"
#include "app/event_client.hpp"
#include "app/event_handlers.hpp"
#include "cloudevents/json_format.hpp"
#include "messaging/registry.hpp"
#include "net/await.hpp"
#include "net/signing/hash.hpp"
#include "server.hpp"

namespace spikard::app {
namespace {

using namespace std::chrono_literals;
using cloudevents::Event;
using cloudevents::EventOutcome;
using cloudevents::Mode;

struct EventBroker {
  std::string scheme;
  std::string url;
  std::string store = "memory:";
};

/// The servers' URLs are asked for in the tests only.
EventBroker broker_of(const std::string& name) {
  const std::string place = "events_" + net::signing::hex(net::signing::random_bytes(6));
  if (name == "amqp") return {"amqp", contract::server_setting("AMQP_URL") + "?name=" + place};
  if (name == "kafka") return {"kafka", contract::server_setting("KAFKA_URL") + "?prefix=" + place + "."};
  if (name == "nats") return {"nats", contract::server_setting("NATS_URL") + "?storage=memory&stream=" + place};
  if (name == "redis") return {"redis", contract::server_setting("REDIS_URL") + "?prefix=" + place};
  if (name == "mqtt") return {"mqtt", contract::server_setting("MQTT_URL") + "?prefix=" + place + "/"};
  return {name, name + ":"};
}

struct MessagingEvents : ::testing::TestWithParam<std::string> {
  RealClock clock;
  std::unique_ptr<net::Loop> loop = net::Loop::create(clock).value();
  const EventBroker broker = broker_of(GetParam());
  std::shared_ptr<messaging::Client> client;
  std::unique_ptr<EventHandlers> handlers;
  std::shared_ptr<messaging::Consumer> consumer;
  std::vector<std::string> handled;
  std::vector<messaging::Headers> headers;

  void SetUp() override {
    services::MessagingConfig config;
    config.url = broker.url;
    config.store = broker.store;
    auto opened = messaging::open(config, messaging::Environment(clock));
    ASSERT_TRUE(opened.ok()) << opened.error().to_string();
    client = std::make_shared<messaging::Client>(std::move(opened).value(), messaging::ClientOptions());
  }
  void TearDown() override {
    if (consumer != nullptr) {
      bool closed = false;
      consumer->close([&] { closed = true; });
      until([&] { return closed; });
    }
    handlers.reset();
    consumer.reset();
  }
  template <class Condition>
  void until(Condition condition) {
    const Instant deadline = clock.now() + 10s;
    while (!condition() && clock.now() < deadline) loop->turn(10);
    EXPECT_TRUE(condition());
  }
  template <class T>
  T finish(Task<T> task) {
    std::optional<T> out;
    spawn(std::move(task), [&](const std::exception_ptr&, std::optional<T> result) { out = std::move(result); });
    until([&] { return out.has_value(); });
    return std::move(*out);
  }
  void consume() {
    services::EventConsumer config;
    config.handler = 0;
    config.consumer.name = "c";
    config.consumer.topic = "orders";
    config.consumer.dead_letter = "dead";
    auto list = std::make_shared<std::vector<EventHandlers::Handler>>();
    list->push_back([this](cloudevents::Delivery delivery, net::Loop&) -> Task<EventOutcome> {
      handled.push_back(to_json(*delivery.event));
      co_return EventOutcome::ack();
    });
    handlers = std::make_unique<EventHandlers>(*loop, list);
    const auto sink = std::make_shared<EventWorkSink>(config, broker.scheme, std::vector<EventLane>{{loop.get(), handlers.get()}},
                                                      EventWorkSink::Options());
    auto checked = client->consumer_options(config.consumer);
    ASSERT_TRUE(checked.ok()) << checked.error().message();
    consumer = finish(client->start_consumer(*loop, std::move(*checked), sink)).value();
  }
};

TEST_P(MessagingEvents, BothModesArriveAsTheyWereSent) {
  consume();
  EventClientOptions options;
  options.broker = [this](const std::string&) { return std::pair(client, broker.scheme); };
  services::EventSender config;
  config.url = "messaging:default/orders";
  config.source = "/s";
  const std::shared_ptr<EventClient> sender = EventClient::create(config, options).value();
  std::vector<std::string> sent;
  for (const Mode mode : {Mode::binary, Mode::structured}) {
    Event event("order.created", "/s", std::string(name_of(mode)));
    event.subject = "€ \"x\" %41";
    event.time = "2024-01-15T10:30:00Z";
    event.set("partitionkey", cloudevents::AttributeValue::string("k7"));
    event.set_text("é\r\n");
    sent.push_back(to_json(event));
    const auto done = finish(sender->send(net::Caller(*loop), event, mode));
    ASSERT_TRUE(done.ok()) << done.error().to_string();
  }
  until([&] { return handled.size() == 2; });
  EXPECT_EQ(handled, sent);
}

TEST_P(MessagingEvents, WhatIsNoEventIsADeadLetter) {
  consume();
  ASSERT_TRUE(finish(client->publish(net::Caller(*loop), messaging::Message("orders", "no event"))).ok());
  std::vector<messaging::DeadLetter> dead;
  until([&] {
    messaging::DeadLetterQuery query("dead");
    query.payloads = true;
    dead = finish(client->list_dead_letters(net::Caller(*loop), query)).value().messages;
    return !dead.empty();
  });
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_EQ(dead[0].message.payload, "no event");
  EXPECT_TRUE(handled.empty());
}

const auto named = [](const auto& info) { return info.param; };
INSTANTIATE_TEST_SUITE_P(Backends, MessagingEvents, ::testing::Values("memory"), named);
#ifdef SPIKARD_MESSAGING_MQTT
INSTANTIATE_TEST_SUITE_P(Server_mqtt, MessagingEvents, ::testing::Values("mqtt"), named);
#endif
#ifdef SPIKARD_MESSAGING_AMQP
INSTANTIATE_TEST_SUITE_P(Server_amqp, MessagingEvents, ::testing::Values("amqp"), named);
#endif
#ifdef SPIKARD_MESSAGING_KAFKA
INSTANTIATE_TEST_SUITE_P(Server_kafka, MessagingEvents, ::testing::Values("kafka"), named);
#endif
#ifdef SPIKARD_MESSAGING_NATS
INSTANTIATE_TEST_SUITE_P(Server_nats, MessagingEvents, ::testing::Values("nats"), named);
#endif
#ifdef SPIKARD_MESSAGING_REDIS
INSTANTIATE_TEST_SUITE_P(Server_redis, MessagingEvents, ::testing::Values("redis"), named);
#endif

}  // namespace
}  // namespace spikard::app
