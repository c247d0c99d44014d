// How functions become handlers of CloudEvents, over HTTP and from a broker, with what the application puts around them.
#include <gtest/gtest.h>

#include <mutex>

#include "app/application.hpp"
#include "spikard/spikard.hpp"
#include "spikard/test_client.hpp"

namespace spikard {
namespace {

using namespace std::chrono_literals;

TestResponse post(TestClient& client, std::string_view type, std::string_view id, std::string_view path = "/events") {
  return client.request(
      "POST", path, {{"ce-specversion", "1.0"}, {"ce-id", std::string(id)}, {"ce-source", "/s"}, {"ce-type", std::string(type)}});
}

struct Handled {
  std::mutex mutex;
  std::vector<std::string> list;
  void add(std::string what) {
    const std::lock_guard lock(mutex);
    list.push_back(std::move(what));
  }
  std::vector<std::string> take() {
    const std::lock_guard lock(mutex);
    return std::exchange(list, {});
  }
};

App quiet() {
  services::Manifest manifest;
  manifest.log.level = services::LogLevel::off;
  return App(std::move(manifest));
}

TEST(EventApi, WhatAHandlerReturns) {
  App app = quiet();
  app.event("nothing", [](const Event&) {});
  app.event("answer", [](const Event& event) { return Event("answered", "/here", event.id); });
  app.event("maybe", [](const Event&, EventWork&) -> std::optional<Event> { return std::nullopt; });
  app.event("outcome", [](EventWork&) { return EventOutcome::retry(2s); });
  app.event("error", [](const Event&) -> Result<void> { return internal_error("no"); });
  app.event("task", [](const Event&, EventWork& work) -> Task<void> {
    const Result<void> slept = co_await work.sleep(1ms);
    if (!slept.ok()) throw std::runtime_error("cancelled");
  });
  app.event("throw", [](const Event&) { throw std::runtime_error("secret"); });
  TestClient client(app);
  EXPECT_EQ(post(client, "nothing", "1").status, 204);
  const TestResponse answer = post(client, "answer", "2");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("ce-type"), "answered");
  EXPECT_EQ(post(client, "maybe", "3").status, 204);
  EXPECT_EQ(post(client, "outcome", "4").header("retry-after"), "2");
  EXPECT_EQ(post(client, "error", "5").status, 500);
  EXPECT_EQ(post(client, "task", "6").status, 204);
  const TestResponse thrown = post(client, "throw", "7");
  EXPECT_EQ(thrown.status, 500);
  EXPECT_EQ(thrown.body.find("secret"), std::string::npos);
  EXPECT_EQ(post(client, "other", "8").status, 400);
}

TEST(EventApi, BySourceAndSubjectOnAnotherPath) {
  App app = quiet();
  Handled handled;
  services::EventSubscription where;
  where.type = "t";
  where.source = "/s*";
  app.event(where, [&](const Event& event) { handled.add(event.id); }, "/in");
  app.event_endpoint("/in").allowed_origins = {"*"};
  TestClient client(app);
  EXPECT_EQ(post(client, "t", "1", "/in").status, 204);
  EXPECT_EQ(client.request("OPTIONS", "/in", {{"WebHook-Request-Origin", "x.example"}}).header("webhook-allowed-origin"),
            "x.example");
  EXPECT_EQ(handled.take(), std::vector<std::string>{"1"});
}

TEST(EventApi, TheInboxTakesAnEventOnce) {
  App app = quiet();
  Handled handled;
  app.event("*", [&](const Event& event) -> Result<void> {
    handled.add(event.id);
    if (event.type == "bad") return internal_error("again, please");
    return {};
  });
  app.event_endpoint().inbox.emplace();
  TestClient client(app);
  EXPECT_EQ(post(client, "t", "1").status, 204);
  EXPECT_EQ(post(client, "t", "1").status, 204);
  EXPECT_EQ(post(client, "t", "2").status, 204);
  EXPECT_EQ(post(client, "bad", "3").status, 500);
  EXPECT_EQ(post(client, "bad", "3").status, 500);
  EXPECT_EQ(handled.take(), (std::vector<std::string>{"1", "2", "3", "3"}));
}

TEST(EventApi, FromAnEndpointThroughABrokerAndBack) {
  App app = quiet();
  Handled handled;
  app.manifest().services.messaging["default"].url = "memory:";
  app.manifest().services.events["orders"].url = "messaging:default/orders";
  app.manifest().services.events["answers"].url = "messaging:default/answers";
  app.event("order.*", [](const Event& event, EventWork& work) -> Task<Result<void>> {
    Event next("billing.due", "/billing", event.id);
    next.set_text("é");
    auto sending = work.events("orders").send(work, std::move(next));
    const Result<app::EventSent> sent = co_await std::move(sending);
    if (!sent.ok()) co_return Result<void>(sent.error());
    co_return Result<void>();
  });
  app.event_from("orders", "billing.*", [&](const Event& event) {
    handled.add(event.type + " " + event.data->to_bytes());
    return Event("billed", "/billing", event.id);
  });
  app.event_consumer("orders").reply = "answers";
  app.event_from("answers", "billed", [&](const Event& event) { handled.add(event.type + " " + event.id); });
  TestClient client(app, {.virtual_clock = true});
  client.settle();
  EXPECT_EQ(post(client, "order.placed", "7").status, 204);
  client.settle();
  EXPECT_EQ(handled.take(), (std::vector<std::string>{"billing.due é", "billed 7"}));
}

TEST(EventApi, FaultyConfigurationsAreRefusedAtTheStart) {
  const auto problem = [](App app) {
    auto built = app.build(app::ApplicationOptions{}, true);
    return built.ok() ? std::string() : built.error().message();
  };
  App one = quiet();
  one.event("t", [](const Event&) {});
  one.event_endpoint().inbox.emplace().db = "none";
  EXPECT_EQ(problem(std::move(one)), "events[0].inbox.db: there is no \"none\" in services.db");
  App two = quiet();
  two.event_from("orders", "t", [](const Event&) {});
  two.event_consumer("orders").reply = "none";
  EXPECT_EQ(problem(std::move(two)), "event_consumers[0].reply: there is no \"none\" in services.events");
}

}  // namespace
}  // namespace spikard
