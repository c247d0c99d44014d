#include "app/cloudevents_http.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "app/cloudevents_gate.hpp"
#include "app/event_handlers.hpp"
#include "cloudevents/json_format.hpp"
#include "http/test_server.hpp"

namespace spikard::app {
namespace {

using namespace std::chrono_literals;
using cloudevents::Delivery;
using cloudevents::EventOutcome;

class FakeGate final : public EventGate {
 public:
  std::vector<std::string> seen;  // "who id"
  Duration takes{};
  Task<Result<bool>> is_new(net::Loop& loop, const services::EventInbox&, std::string who,
                            std::shared_ptr<const cloudevents::Event> event) override {
    if (takes > Duration::zero()) {
      const Result<void> slept = co_await net::sleep(loop, takes);
      if (!slept.ok()) co_return Result<bool>(slept.error());
    }
    co_return std::find(seen.begin(), seen.end(), who + " " + event->id) == seen.end();
  }
  Task<Result<void>> handled(net::Loop&, const services::EventInbox&, std::string who,
                             std::shared_ptr<const cloudevents::Event> event) override {
    seen.push_back(who + " " + event->id);
    co_return Result<void>();
  }
};

/// An HTTP server with event endpoints in one loop, on the virtual clock.
struct EventHttp : http::test::ServerTest {
  std::shared_ptr<std::vector<EventHandlers::Handler>> handlers = std::make_shared<std::vector<EventHandlers::Handler>>();
  std::shared_ptr<EventEndpoints> endpoints;
  std::unique_ptr<EventHandlers> dispatcher;
  std::unique_ptr<EventHttpSink> events;
  std::vector<std::string> handled;    // "handler type id"
  std::vector<std::string> callbacks;  // "url rate"
  EventOutcome outcome;
  std::shared_ptr<FakeGate> gate = std::make_shared<FakeGate>();
  int running = 0;
  int most = 0;

  void serve_events(services::EventEndpoint endpoint, std::uint32_t count = 3) {
    loop = net::Loop::create(virtual_clock).value();
    services::HttpConfig config;
    services::Route other;
    other.path = "/other";
    config.routes.push_back(other);
    auto made = EventEndpoints::create({std::move(endpoint)}, config);
    ASSERT_TRUE(made.ok()) << made.error().message();
    endpoints = *made;
    for (std::uint32_t i = 0; i < count; ++i) {
      handlers->push_back([this, i](Delivery delivery, net::Loop&) -> Task<EventOutcome> {
        handled.push_back(std::to_string(i) + " " + delivery.event->type + " " + delivery.event->id);
        ++running;
        most = std::max(most, running);
        const Result<void> slept = co_await net::sleep(*loop, delivery.event->type == "slow" ? Duration(1s) : Duration(1ms));
        --running;
        if (!slept.ok()) handled.push_back("cancelled " + delivery.event->id);
        if (delivery.event->type == "throw") throw std::runtime_error("secret 42");
        co_return outcome;
      });
    }
    dispatcher = std::make_unique<EventHandlers>(*loop, handlers);
    EventHttpOptions options;
    options.call_back = [this](std::string url, std::string rate) { callbacks.push_back(url + " " + rate); };
    options.gate = gate;
    events = std::make_unique<EventHttpSink>(*loop, endpoints, sink, *dispatcher, std::move(options));
    auto compiled = http::CompiledHttp::compile(config);
    ASSERT_TRUE(compiled.ok()) << compiled.error().message();
    http::ServerOptions server_options;
    server_options.on_failure = [this](const http::Exchange&, const http::Failure& f) { failures.emplace_back(f.message); };
    server = http::Server::create(*loop, *compiled, *events, std::move(server_options)).value();
  }

  static services::EventEndpoint endpoint() {
    services::EventEndpoint e;
    e.path = "/ce";
    e.handler = 0;
    return e;
  }
  static std::string event(std::string_view type, std::string_view id, const std::string& more = {}) {
    return post("/ce", "",
                "ce-specversion: 1.0\r\nce-source: /s\r\nce-type: " + std::string(type) + "\r\nce-id: " + std::string(id) +
                    "\r\n" + more);
  }
  static std::string batch(std::string_view type, int count) {
    std::string body = "[";
    for (int i = 0; i < count; ++i) {
      body += (i == 0 ? "" : ",") + std::string(R"({"specversion":"1.0","source":"/s","type":")") + std::string(type) +
              R"(","id":")" + std::to_string(i) + "\"}";
    }
    return post("/ce", body + "]", "Content-Type: application/cloudevents-batch+json\r\n");
  }
  /// After the handlers have slept.
  std::string send(const std::string& bytes, int ms = 1) {
    auto& client = connect();
    exchange(client, bytes);
    if (client.in.empty()) advance(ms);
    return client.in;
  }
  void TearDown() override {
    server.reset();
    events.reset();
    dispatcher.reset();
    ServerTest::TearDown();
  }
};

TEST_F(EventHttp, OutcomesAreStatuses) {
  serve_events(endpoint());
  EXPECT_EQ(status(send(event("t", "1"))), 204);
  outcome = EventOutcome::nack(false);
  const std::string refused = send(event("t", "2"));
  EXPECT_EQ(status(refused), 400);
  EXPECT_NE(refused.find("/bad-request\""), std::string::npos);
  outcome = EventOutcome::retry(1500ms);
  const std::string again = send(event("t", "3"));
  EXPECT_EQ(status(again), 503);
  EXPECT_NE(again.find("retry-after: 2\r\n"), std::string::npos) << again;
  outcome = EventOutcome::nack(true);
  EXPECT_NE(send(event("t", "4")).find("retry-after: 0\r\n"), std::string::npos);
  const std::string thrown = send(event("throw", "5"));
  EXPECT_EQ(status(thrown), 500);
  EXPECT_EQ(thrown.find("secret"), std::string::npos);
  EXPECT_EQ(failures, std::vector<std::string>{"secret 42"});
  EXPECT_EQ(handled.size(), 5U);
}

TEST_F(EventHttp, AReplyIsAnEventInBinaryMode) {
  serve_events(endpoint());
  cloudevents::Event reply("reply.type", "/here", "r1");
  reply.subject = "é";
  reply.set_text("hi", "text/plain");
  outcome = EventOutcome::reply(reply);
  const std::string answer = send(event("t", "1"));
  EXPECT_EQ(status(answer), 200);
  for (const char* line : {"ce-specversion: 1.0\r\n", "ce-id: r1\r\n", "ce-type: reply.type\r\n", "ce-subject: %C3%A9\r\n",
                           "content-type: text/plain\r\n"})
    EXPECT_NE(answer.find(line), std::string::npos) << line;
  EXPECT_EQ(body(answer), "hi");
  outcome = EventOutcome::reply(cloudevents::Event());
  EXPECT_EQ(status(send(event("t", "2"))), 500) << "a reply that is no event";
}

TEST_F(EventHttp, WhatIsNoEventIsRefusedBeforeAnyHandler) {
  serve_events(endpoint());
  EXPECT_EQ(status(send(post("/ce", "{}"))), 400);
  EXPECT_EQ(status(send(post("/ce", "{", "Content-Type: application/cloudevents+json\r\n"))), 400);
  EXPECT_EQ(status(send(event("t", "1", "Content-Type: application/cloudevents+avro\r\n"))), 415);
  EXPECT_EQ(status(send(post("/ce", "{}", "Content-Type: application/cloudevents+json; charset=utf-16\r\n"))), 415);
  EXPECT_EQ(status(send(get("/ce"))), 405);
  EXPECT_EQ(status(send(get("/other"))), 200) << "the application's own routes are left alone";
  EXPECT_TRUE(handled.empty());
}

TEST_F(EventHttp, DispatchOfABatchIsAllOrNothing) {
  services::EventEndpoint e = endpoint();
  e.handler.reset();
  services::EventSubscription s;
  s.handler = 2;
  s.type = "t*";
  e.subscriptions.push_back(s);
  e.max_batch = 3;
  serve_events(e);
  EXPECT_EQ(status(send(event("other", "1"))), 400);
  EXPECT_EQ(status(send(batch("t1", 3))), 204);
  EXPECT_EQ(handled, (std::vector<std::string>{"2 t1 0", "2 t1 1", "2 t1 2"}));
  EXPECT_EQ(status(send(batch("t1", 4))), 413);
  EXPECT_EQ(status(send(batch("x", 1))), 400);
  EXPECT_EQ(status(send(batch("x", 0))), 204) << "an empty batch";
  EXPECT_EQ(handled.size(), 3U);
}

TEST_F(EventHttp, ABatchRunsWithinItsBoundsAndTellsTheWorst) {
  services::EventEndpoint e = endpoint();
  e.batch_concurrency = 2;
  serve_events(e);
  EXPECT_EQ(status(send(batch("t", 5), 3)), 204);
  EXPECT_EQ(handled.size(), 5U);
  EXPECT_EQ(most, 2);
  outcome = EventOutcome::retry(3s);
  EXPECT_NE(send(batch("t", 2)).find("retry-after: 3\r\n"), std::string::npos);
  EXPECT_EQ(status(send(batch("throw", 2))), 500);
  cloudevents::Event reply("r", "/r", "1");
  outcome = EventOutcome::reply(reply);
  const std::string answer = send(batch("t", 2));
  EXPECT_NE(answer.find("content-type: application/cloudevents-batch+json"), std::string::npos);
}

TEST_F(EventHttp, AHandlerIsToldWhenTheClientGoes) {
  serve_events(endpoint());
  auto& client = connect();
  exchange(client, event("slow", "1"));
  EXPECT_EQ(running, 1);
  client.transport->close(true);
  turn();
  EXPECT_EQ(running, 0);
  EXPECT_EQ(handled.back(), "cancelled 1");
}

TEST_F(EventHttp, TheInboxIsOfTheEndpointAndTakesWhatWasNotRefusedOnce) {
  services::EventEndpoint e = endpoint();
  e.inbox.emplace();
  serve_events(e);
  outcome = EventOutcome::nack(false);
  EXPECT_EQ(status(send(event("t", "1"))), 400);
  EXPECT_EQ(status(send(event("t", "1"))), 400) << "what was refused is not acknowledged when it comes again";
  outcome = EventOutcome::ack();
  EXPECT_EQ(status(send(event("t", "1"))), 204);
  EXPECT_EQ(status(send(event("t", "1"))), 204);
  EXPECT_EQ(handled.size(), 3U);
  EXPECT_EQ(gate->seen, std::vector<std::string>{"events /ce 1"});
}

TEST_F(EventHttp, WhoGoesWhileTheInboxIsAskedReachesNoHandler) {
  services::EventEndpoint e = endpoint();
  e.inbox.emplace();
  gate->takes = 10ms;
  serve_events(e);
  auto& client = connect();
  exchange(client, event("t", "1"));
  client.transport->close(true);
  turn();
  advance(20);
  EXPECT_TRUE(handled.empty());
  EXPECT_EQ(status(send(event("t", "1"), 11)), 204);
  EXPECT_EQ(handled.size(), 1U);
}

TEST_F(EventHttp, TheServerCanCloseWithAnEventInHand) {
  serve_events(endpoint());
  auto& client = connect();
  exchange(client, event("slow", "1"));
  server->close();
  events->on_close();
  advance(2000);
  EXPECT_EQ(running, 0);
}

std::string options(const std::string& headers) { return "OPTIONS /ce HTTP/1.1\r\nHost: t\r\n" + headers + "\r\n"; }

TEST_F(EventHttp, Handshake) {
  services::EventEndpoint e = endpoint();
  e.allowed_origins = {"eventemitter.example.com", "*.azure.net"};
  e.allowed_rate = 120;
  e.callback_hosts = {"*.example.com"};
  serve_events(e);
  const std::string granted = send(options("WebHook-Request-Origin: EventEmitter.example.com\r\nWebHook-Request-Rate: 1000\r\n"));
  EXPECT_EQ(status(granted), 200);
  EXPECT_NE(granted.find("webhook-allowed-origin: EventEmitter.example.com\r\n"), std::string::npos) << granted;
  EXPECT_NE(granted.find("webhook-allowed-rate: 120\r\n"), std::string::npos);
  EXPECT_NE(granted.find("allow: POST\r\n"), std::string::npos);
  EXPECT_EQ(status(send(options("WebHook-Request-Origin: eventgrid.azure.net\r\n"))), 200);
  const std::string refused = send(options("WebHook-Request-Origin: evil.example.com\r\n"));
  EXPECT_EQ(status(refused), 403);
  EXPECT_EQ(refused.find("webhook-allowed"), std::string::npos);
  const std::string plain = send(options(""));
  EXPECT_EQ(status(plain), 204);
  EXPECT_EQ(plain.find("webhook-allowed"), std::string::npos);
  EXPECT_NE(plain.find("allow: OPTIONS, POST\r\n"), std::string::npos);
  // By callback, to hosts that were named only.
  const std::string origin = "WebHook-Request-Origin: eventemitter.example.com\r\n";
  const std::string later = send(options(origin + "WebHook-Request-Callback: https://a.example.com/confirm?id=1\r\n"));
  EXPECT_EQ(status(later), 200);
  EXPECT_EQ(later.find("webhook-allowed"), std::string::npos);
  EXPECT_EQ(callbacks, std::vector<std::string>{"https://a.example.com/confirm?id=1 120"});
  for (const char* other : {"https://example.org/", "http://a.example.com/", "https://a.example.com:8443/",
                            "https://x@a.example.com/", "file:///etc/passwd", "https://a.example.com.evil.org/"}) {
    const std::string at_once = send(options(origin + "WebHook-Request-Callback: " + other + "\r\n"));
    EXPECT_NE(at_once.find("webhook-allowed-origin"), std::string::npos) << other;
  }
  EXPECT_EQ(callbacks.size(), 1U);
  EXPECT_EQ(status(send(event("t", "1", "WebHook-Request-Origin: evil.example.com\r\n"))), 403);
  EXPECT_EQ(status(send(event("t", "2", origin))), 204);
}

TEST_F(EventHttp, EventGridValidatesASubscription) {
  services::EventEndpoint e = endpoint();
  e.allowed_origins = {"eventgrid.azure.net"};
  serve_events(e);
  const std::string own =
      R"([{"id":"1","topic":"/t","subject":"","data":{"validationCode":"512d38b6","validationUrl":"https://x"},)"
      R"("eventType":"Microsoft.EventGrid.SubscriptionValidationEvent","eventTime":"2018-01-25T22:12:19.4556811Z","dataVersion":"1"}])";
  const std::string answer =
      send(post("/ce", own, "Content-Type: application/json\r\naeg-event-type: SubscriptionValidation\r\n"));
  EXPECT_EQ(status(answer), 200);
  EXPECT_EQ(body(answer), R"({"validationResponse":"512d38b6"})");
  const std::string cloud =
      R"({"specversion":"1.0","id":"1","source":"/s","type":"Microsoft.EventGrid.SubscriptionValidationEvent","data":{"validationCode":"c"}})";
  EXPECT_EQ(body(send(post("/ce", cloud, "Content-Type: application/cloudevents+json\r\n"))), R"({"validationResponse":"c"})");
  EXPECT_TRUE(handled.empty());
}

TEST_F(EventHttp, EventGridIsNotValidatedWithoutAnOrigin) {
  services::EventEndpoint e = endpoint();
  e.allowed_origins = {"other.example.com"};
  serve_events(e);
  const std::string own =
      R"([{"id":"1","data":{"validationCode":"c"},"eventType":"Microsoft.EventGrid.SubscriptionValidationEvent"}])";
  EXPECT_EQ(status(send(post("/ce", own, "Content-Type: application/json\r\naeg-event-type: SubscriptionValidation\r\n"))), 403);
}

TEST_F(EventHttp, RateIsOfAMinute) {
  services::EventEndpoint e = endpoint();
  e.allowed_rate = 3;
  serve_events(e);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(status(send(event("t", "1"))), 204);
  const std::string over = send(event("t", "4"));
  EXPECT_EQ(status(over), 429);
  EXPECT_NE(over.find("retry-after: 20\r\n"), std::string::npos) << over;
  advance(20000);
  EXPECT_EQ(status(send(event("t", "5"))), 204);
  EXPECT_EQ(status(send(event("t", "6"))), 429);
}

TEST(EventEndpointsTest, ConfigurationErrorsNameTheField) {
  services::HttpConfig http;
  services::EventEndpoint e;
  e.path = "/ce";
  const auto message = [&](std::vector<services::EventEndpoint> list) {
    services::HttpConfig copy = http;
    auto made = EventEndpoints::create(list, copy);
    return made.ok() ? std::string() : made.error().message();
  };
  EXPECT_EQ(message({e}), "events[0]: expected subscriptions, or a handler for every event");
  e.handler = 0;
  EXPECT_EQ(message({e, e}), "events[1].path: another endpoint has it");
  services::Route route;
  route.method = services::HttpMethod::post;
  route.path = "/ce";
  http.routes.push_back(route);
  EXPECT_EQ(message({e}), "events[0].path: a route of http.routes has it, with POST or OPTIONS");
}

}  // namespace
}  // namespace spikard::app
