#include "app/event_client.hpp"

#include <gtest/gtest.h>

#include "app/cloudevents_operations.hpp"
#include "base/json.hpp"
#include "cloudevents/json_format.hpp"
#include "http/test_server.hpp"
#include "messaging/registry.hpp"

namespace spikard::app {
namespace {

using namespace std::chrono_literals;
using cloudevents::Event;
using cloudevents::Mode;

/// A receiver on a real socket whose answers are scripted, on the virtual clock: retries wait for `advance`.
struct Sending : http::test::ServerTest {
  struct Answer {
    std::uint16_t status = 204;
    std::vector<http::HeaderField> headers{};
    std::string body{};
  };
  std::vector<Answer> answers;           // the last one stays
  std::vector<std::string> received;     // as JSON, "MODE [...]"
  std::vector<std::string> raw_headers;  // of the last request
  std::shared_ptr<HttpClients> http = std::make_shared<HttpClients>();
  std::string url;

  void SetUp() override {
    loop = net::Loop::create(virtual_clock).value();
    serve(R"({"routes":[{"method":"POST","path":"/in"}]})");
    sink.routes[0] = [this](http::Exchange& exchange) {
      const http::RequestRecord& record = exchange.record();
      std::vector<cloudevents::FieldView> headers;
      raw_headers.clear();
      for (const http::ViewPair* pair = record.header_begin(); pair != record.header_end(); ++pair) {
        headers.push_back({record.text(pair->name), record.text(pair->value)});
        raw_headers.push_back(std::string(record.text(pair->name)) + ": " + std::string(record.text(pair->value)));
      }
      auto decoded = cloudevents::decode_http(headers, record.text(record.body));
      EXPECT_TRUE(decoded.ok()) << decoded.error().message();
      if (decoded.ok()) received.push_back(std::string(name_of(decoded->mode)) + " " + to_json(decoded->events));
      const Answer answer = answers.empty() ? Answer{} : answers.front();
      if (answers.size() > 1) answers.erase(answers.begin());
      exchange.reply({.status = answer.status, .headers = answer.headers, .body = answer.body});
    };
    auto reserved = net::ReservedAddress::reserve({});
    url = "http://" + reserved->address() + "/in";
    ASSERT_TRUE(server->listen(reserved->listen().value()).ok());
  }
  void TearDown() override {
    http->forget(*loop);
    ServerTest::TearDown();
  }

  std::shared_ptr<EventClient> client(services::EventSender config = {}) {
    if (config.url.empty()) config.url = url;
    config.retry.jitter_percent = 0;
    EventClientOptions options;
    options.http = http;
    auto made = EventClient::create(std::move(config), std::move(options));
    EXPECT_TRUE(made.ok()) << made.error().message();
    return *made;
  }
  Event event() {
    Event e("t", "/s", "1");
    e.time = "2024-01-15T10:30:00Z";
    return e;
  }

  template <class T>
  struct Pending {
    std::optional<Result<T>> result;
    bool failed = false;
  };
  template <class T>
  std::shared_ptr<Pending<T>> begin(Task<Result<T>> task) {
    auto pending = std::make_shared<Pending<T>>();
    spawn(std::move(task), [pending](std::exception_ptr error, std::optional<Result<T>> result) {
      pending->failed = error != nullptr;
      pending->result = std::move(result);
    });
    return pending;
  }
  /// Turns until it is done or waits for a timer.
  template <class T>
  void drive(const std::shared_ptr<Pending<T>>& pending, std::size_t requests) {
    for (int i = 0; i < 3000 && !pending->result && received.size() < requests; ++i) loop->turn(1);
    for (int i = 0; i < 50 && !pending->result; ++i) loop->turn(1);
  }
  template <class T>
  Result<T> finish(Task<Result<T>> task) {
    auto pending = begin(std::move(task));
    for (int i = 0; i < 3000 && !pending->result && !pending->failed; ++i) loop->turn(1);
    EXPECT_FALSE(pending->failed);
    EXPECT_TRUE(pending->result.has_value());
    return pending->result ? std::move(*pending->result) : Result<T>(internal_error("not done"));
  }
};

TEST_F(Sending, EveryModeArrives) {
  const auto sender = client();
  Event e = event();
  e.subject = "é x";
  e.set_json(json::parse(R"({"a":1})")->root());
  const std::string as_json = to_json(e);
  EXPECT_EQ(finish(sender->send(net::Caller(*loop), e, Mode::binary))->attempts, 1U);
  EXPECT_EQ(finish(sender->send(net::Caller(*loop), e, Mode::structured))->status, 204);
  EXPECT_EQ(finish(sender->send_batch(net::Caller(*loop), {e, e}))->ids, (std::vector<std::string>{"1", "1"}));
  EXPECT_EQ(received, (std::vector<std::string>{"binary [" + as_json + "]", "structured [" + as_json + "]",
                                                "batched [" + as_json + "," + as_json + "]"}));
}

TEST_F(Sending, WhatIsLeftOutIsFilledIn) {
  services::EventSender config;
  config.source = "/configured";
  config.origin = "me.example.com";
  config.headers["authorization"] = "Bearer x";
  const auto sender = client(config);
  Event e;
  e.type = "t";
  const auto sent = finish(sender->send(net::Caller(*loop), e));
  ASSERT_TRUE(sent.ok()) << sent.error().to_string();
  EXPECT_EQ(sent->ids[0].size(), 36U);
  EXPECT_EQ(sent->ids[0][14], '4');
  EXPECT_NE(received[0].find(R"("source":"/configured")"), std::string::npos);
  EXPECT_NE(received[0].find(R"("time":"2026-01-01T00:00:00Z")"), std::string::npos) << received[0];
  EXPECT_NE(std::find(raw_headers.begin(), raw_headers.end(), "webhook-request-origin: me.example.com"), raw_headers.end());
  EXPECT_NE(std::find(raw_headers.begin(), raw_headers.end(), "authorization: Bearer x"), raw_headers.end());
  e.type.clear();
  EXPECT_EQ(finish(sender->send(net::Caller(*loop), e)).error().detail(), "invalid_event");
}

TEST_F(Sending, ItIsTriedAgainWithBackoffAndRetryAfter) {
  services::EventSender config;
  config.retry.initial_ms = 100;
  answers = {{503}, {429, {{"retry-after", "2"}}}, {204}};
  const auto sender = client(config);
  auto pending = begin(sender->send(net::Caller(*loop), event()));
  drive(pending, 1);
  EXPECT_FALSE(pending->result);
  advance(99);
  EXPECT_EQ(received.size(), 1U);
  advance(1);
  drive(pending, 2);
  EXPECT_EQ(received.size(), 2U);
  advance(1999);  // Retry-After is longer than 200 ms
  EXPECT_EQ(received.size(), 2U);
  advance(1);
  drive(pending, 3);
  ASSERT_TRUE(pending->result);
  EXPECT_EQ((*pending->result)->attempts, 3U);
}

TEST_F(Sending, AtLastItGivesUp) {
  services::EventSender config;
  config.retry.max_retries = 1;
  answers = {{500}};
  const auto sender = client(config);
  auto pending = begin(sender->send(net::Caller(*loop), event()));
  drive(pending, 1);
  advance(200);
  drive(pending, 2);
  ASSERT_TRUE(pending->result);
  EXPECT_EQ(pending->result->error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(pending->result->error().retry(), RetryClass::exhausted);
  EXPECT_EQ(received.size(), 2U);
}

TEST_F(Sending, WhatIsRefusedIsNotTriedAgain) {
  const auto sender = client();
  const std::vector<std::pair<std::uint16_t, ErrorKind>> cases{
      {400, ErrorKind::invalid_argument},  {415, ErrorKind::invalid_argument}, {401, ErrorKind::permission_denied},
      {403, ErrorKind::permission_denied}, {404, ErrorKind::not_found},        {410, ErrorKind::not_found},
      {413, ErrorKind::too_large},         {302, ErrorKind::invalid_argument}};
  for (const auto& [status, kind] : cases) {
    answers = {{status}};
    const auto sent = finish(sender->send(net::Caller(*loop), event()));
    ASSERT_FALSE(sent.ok());
    EXPECT_EQ(sent.error().kind(), kind) << status;
  }
  EXPECT_EQ(received.size(), cases.size());
}

TEST_F(Sending, AReplyIsAnEvent) {
  answers = {
      {200,
       {{"ce-specversion", "1.0"}, {"ce-id", "r"}, {"ce-source", "/r"}, {"ce-type", "reply"}, {"content-type", "text/plain"}},
       "hi"}};
  const auto sent = finish(client()->send(net::Caller(*loop), event()));
  ASSERT_TRUE(sent.ok() && sent->reply);
  EXPECT_EQ(to_json(*sent->reply),
            R"({"specversion":"1.0","id":"r","source":"/r","type":"reply","datacontenttype":"text/plain","data":"hi"})");
  answers = {{200, {{"content-type", "text/plain"}}, "thanks"}};
  EXPECT_FALSE(finish(client()->send(net::Caller(*loop), event()))->reply);
}

TEST_F(Sending, ExtensionsOfEveryEventAndFaultyConfigurations) {
  services::EventSender all;
  all.extensions["env"] = "prod";
  const auto sender = client(all);
  EXPECT_TRUE(finish(sender->send(net::Caller(*loop), event())).ok());
  EXPECT_NE(received[0].find(R"("env":"prod")"), std::string::npos);
  EXPECT_EQ(EventClient::create({}, {}).error().message(),
            "services.events.default.url: expected a URL, or K_SINK in the environment");
  all.url = url;
  all.extensions["Bad"] = "x";
  EXPECT_EQ(EventClient::create(all, {}).error().message(),
            "services.events.default.extensions.Bad: a name is made of lower-case letters and digits");
  services::EventSender config;
  config.url = "ftp://x";
  EXPECT_EQ(EventClient::create(config, {}).error().message(),
            "services.events.default.url: expected http:, https: or messaging:CLIENT/TOPIC");
  config.url = "messaging:x/y";
  EXPECT_EQ(EventClient::create(config, {}).error().message(), "services.events.default.url: services.messaging has no x");
}

TEST_F(Sending, ToABroker) {
  services::MessagingConfig broker_config;
  broker_config.url = "memory:";
  messaging::Environment environment(virtual_clock);
  auto backend = messaging::open(broker_config, environment);
  ASSERT_TRUE(backend.ok()) << backend.error().message();
  const std::shared_ptr<messaging::Client> broker = std::make_shared<messaging::Client>(*backend, messaging::ClientOptions());
  EventClientOptions options;
  options.broker = [&](const std::string& name) {
    std::pair<std::shared_ptr<messaging::Client>, std::string> found;
    if (name == "default") found = {broker, "memory"};
    return found;
  };
  services::EventSender config;
  config.url = "messaging:default/orders/created";
  auto made = EventClient::create(config, options);
  ASSERT_TRUE(made.ok()) << made.error().message();
  Event e = event();
  e.set("partitionkey", cloudevents::AttributeValue::string("k1"));
  EXPECT_TRUE(finish((*made)->send(net::Caller(*loop), e)).ok());
  EXPECT_EQ(finish((*made)->send_batch(net::Caller(*loop), {e, e}))->ids.size(), 2U);
}

TEST_F(Sending, Operations) {
  EventOperations operations(client());
  const auto call = [&](Operation operation, std::string_view args) {
    return finish(operations.call(net::Caller(*loop), operation, std::move(*json::parse(args)), nullptr));
  };
  const auto sent =
      call(Operation::cloudevents_send, R"({"event":{"type":"t","source":"/s","data":{"a":1}},"mode":"structured"})");
  ASSERT_TRUE(sent.ok()) << sent.error().to_string();
  EXPECT_EQ(sent->root().find("status").as_int(), 204);
  EXPECT_EQ(sent->root().find("id").text().size(), 36U);
  EXPECT_TRUE(sent->root().find("reply").is_null());
  EXPECT_TRUE(call(Operation::cloudevents_send_batch, R"({"events":[{"type":"t","source":"/s"}]})").ok());
  EXPECT_EQ(received.size(), 2U);
  EXPECT_EQ(call(Operation::cloudevents_send, R"({"event":{"type":"t"}})").error().message(), "source: is required");
  EXPECT_EQ(call(Operation::cloudevents_send, R"({"event":{"type":"t","source":"/s"},"mode":"batched"})").error().message(),
            "mode: expected binary or structured");
  const auto checked = call(Operation::cloudevents_validate, R"({"event":{"specversion":"1.0","id":"1","type":"t"}})");
  EXPECT_EQ(json::to_string(checked->root()), R"({"problems":["source: is required"]})");
  const auto encoded = call(
      Operation::cloudevents_encode,
      R"({"binding":"amqp","event":{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"text/plain","data":"x"}})");
  EXPECT_EQ(
      json::to_string(encoded->root()),
      R"({"headers":null,"properties":{"cloudEvents:specversion":"1.0","cloudEvents:id":"1","cloudEvents:source":"/s","cloudEvents:type":"t"},)"
      R"("property_prefix":"cloudEvents:","content_type":"text/plain","body":"eA==","has_body":true,"key":null})");
  const auto decoded =
      call(Operation::cloudevents_decode,
           R"({"headers":[["ce-id","1"],["ce-specversion","1.0"],["ce-type","t"],["ce-source","/s"]],"body":""})");
  EXPECT_EQ(json::to_string(decoded->root()),
            R"({"events":[{"specversion":"1.0","id":"1","source":"/s","type":"t"}],"mode":"binary"})");
  EXPECT_EQ(call(Operation::cloudevents_encode, R"({"binding":"smoke","event":{}})").error().message(),
            "binding: expected http, kafka, amqp, mqtt3, mqtt5, nats or redis");
  EventOperations none;
  EXPECT_EQ(finish(none.call(net::Caller(*loop), Operation::cloudevents_send, Document(), nullptr)).error().kind(),
            ErrorKind::unsupported);
}

TEST(RetryAfter, SecondsOrADate) {
  const WallTime now = std::chrono::sys_days(std::chrono::year(1994) / 11 / 6) + 8h;
  EXPECT_EQ(parse_retry_after("120", now), Duration(120s));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:00:10 GMT", now), Duration(10s));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 07:00:10 GMT", now), Duration(0));
  for (const char* bad : {"", "soon", "-1", "1.5", "Sun, 31 Feb 1994 08:00:10 GMT", "Sun, 06 Xxx 1994 08:00:10 GMT"})
    EXPECT_EQ(parse_retry_after(bad, now), std::nullopt) << bad;
}

}  // namespace
}  // namespace spikard::app
