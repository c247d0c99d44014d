#include <gtest/gtest.h>

#include <stdexcept>

#include "spikard/spikard.hpp"
#include "spikard/test_client.hpp"

namespace shop {

struct Item {
  std::string sku;
  int quantity = 1;
};
BOOST_DESCRIBE_STRUCT(Item, (), (sku, quantity))
SPIKARD_CONSTRAIN(Item, sku, pattern("^[A-Z]{3}$"))
SPIKARD_CONSTRAIN(Item, quantity, ge(1), le(100))

struct Order {
  std::string customer;
  std::vector<Item> items;
  std::optional<std::string> note;
};
BOOST_DESCRIBE_STRUCT(Order, (), (customer, items, note))
SPIKARD_CONSTRAIN(Order, items, min_items(1))

struct Answer {
  std::int64_t id{};
  bool verbose{};
  std::string key;
};
BOOST_DESCRIBE_STRUCT(Answer, (), (id, verbose, key))

}  // namespace shop

namespace spikard {
namespace {

using shop::Order;

std::string slug(const TestResponse& r) {
  const Json problem = r.json();
  const std::string type(problem.root().find("type").text());
  return type.substr(type.rfind('/') + 1);
}

TEST(Api, TypedParametersOfEverySource) {
  App app;
  app.get("/users/{id:int}",
          [](Path<"id", std::int64_t, Ge<1>> id, Query<"verbose", bool, Default<false>> verbose,
             Header<"X-Key", std::optional<std::string>> key, Cookie<"session", std::string, DefaultText<"none">> session) {
            return shop::Answer{*id, *verbose, key->value_or("-") + *session};
          });
  TestClient client(app);
  const auto plain = client.get("/users/7");
  EXPECT_EQ(plain.status, 200);
  EXPECT_EQ(plain.header("content-type"), "application/json");
  EXPECT_EQ(plain.body, R"({"id":7,"verbose":false,"key":"-none"})");
  EXPECT_EQ(client.get("/users/7?verbose=true", {{"x-key", "k"}, {"Cookie", "session=s"}}).body,
            R"({"id":7,"verbose":true,"key":"ks"})");
  const auto wrong = client.get("/users/0?verbose=maybe");
  EXPECT_EQ(wrong.status, 422);
  EXPECT_EQ(slug(wrong), "validation-error");
  EXPECT_EQ(wrong.json().root().find("errors").size(), 2U);
}

TEST(Api, BodyIsValidatedAgainstTheStruct) {
  App app;
  app.post("/orders", [](const Body<Order>& order, Context& ctx) {
    ctx.status(201);
    ctx.set_header("location", "/orders/1");
    return *order;
  });
  TestClient client(app);
  const auto made = client.post("/orders", Order{.customer = "Ada", .items = {{"ABC", 2}}, .note = std::nullopt});
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.header("location"), "/orders/1");
  EXPECT_EQ(made.body, R"({"customer":"Ada","items":[{"sku":"ABC","quantity":2}],"note":null})");
  // The default of `quantity` is filled in.
  EXPECT_EQ(client.send_json("POST", "/orders", R"({"customer":"Ada","items":[{"sku":"ABC"}]})").as<Order>().items[0].quantity,
            1);
  const auto wrong = client.send_json("POST", "/orders", R"({"items":[{"sku":"abc","quantity":101}]})");
  EXPECT_EQ(wrong.status, 422);
  EXPECT_EQ(wrong.json().root().find("errors").size(), 3U) << wrong.body;
  EXPECT_EQ(client.send_json("POST", "/orders", "{").status, 400);
}

TEST(Api, WhatHandlersReturn) {
  App app;
  app.get("/text", [] { return "hello"; });
  app.get("/string", [] { return std::string("hello"); });
  app.get("/nothing", [] {});
  app.get("/json", [] { return json::parse(R"({"a":[1,2.5,null]})").value(); });
  app.get("/list", [] { return std::vector<shop::Item>{{"ABC", 1}, {"DEF", 2}}; });
  app.get("/response", [] {
    return Response::text("teapot", 418).header("x-a", "b").cookie({.name = "c", .value = "d", .path = "/", .http_only = true});
  });
  app.get("/result", [](Query<"fail", bool, Default<false>> fail) -> Result<shop::Answer> {
    if (*fail) return Error(ErrorKind::not_found, "No such answer");
    return shop::Answer{1, true, "k"};
  });
  app.get("/task", []() -> Task<shop::Answer> { co_return shop::Answer{2, false, ""}; });
  app.get("/task/void", []() -> Task<void> { co_return; });
  app.get("/task/result", []() -> Task<Result<std::string>> { co_return Error(ErrorKind::conflict, "taken"); });
  TestClient client(app);
  EXPECT_EQ(client.get("/text").body, "hello");
  EXPECT_EQ(client.get("/text").header("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(client.get("/string").body, "hello");
  EXPECT_EQ(client.get("/nothing").status, 204);
  EXPECT_EQ(client.get("/json").body, R"({"a":[1,2.5,null]})");
  EXPECT_EQ(client.get("/list").body, R"([{"sku":"ABC","quantity":1},{"sku":"DEF","quantity":2}])");
  const auto response = client.get("/response");
  EXPECT_EQ(response.status, 418);
  EXPECT_EQ(response.header("x-a"), "b");
  EXPECT_EQ(response.header("set-cookie"), "c=d; Path=/; HttpOnly");
  EXPECT_EQ(client.get("/result").status, 200);
  const auto missing = client.get("/result?fail=true");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(slug(missing), "not-found");
  EXPECT_EQ(missing.json().root().find("detail").text(), "No such answer");
  EXPECT_EQ(client.get("/task").body, R"({"id":2,"verbose":false,"key":""})");
  EXPECT_EQ(client.get("/task/void").status, 204);
  EXPECT_EQ(client.get("/task/result").status, 409);
}

TEST(Api, ProblemsAndExceptions) {
  App app;
  app.http().problem_base = "https://shop.example/errors/";
  app.get("/problem", []() -> std::string { throw Problem::conflict("Order 7 is shipped").with("order", 7); });
  app.get("/task", []() -> Task<std::string> {
    throw Problem(418, "short and stout");
    co_return "";
  });
  app.get("/throws", []() -> std::string { throw std::runtime_error("secret detail"); });
  app.get("/task/throws", [](Context& ctx) -> Task<void> {
    (void)co_await ctx.sleep(Duration(0));
    throw std::runtime_error("secret detail");
  });
  TestClient client(app);
  const auto problem = client.get("/problem");
  EXPECT_EQ(problem.status, 409);
  EXPECT_EQ(problem.header("content-type"), "application/problem+json");
  EXPECT_EQ(problem.json().root().find("type").text(), "https://shop.example/errors/conflict");
  EXPECT_EQ(problem.json().root().find("title").text(), "Conflict");
  EXPECT_EQ(problem.json().root().find("order").as_int(), 7);
  EXPECT_EQ(client.get("/task").json().root().find("type").text(), "about:blank");
  for (const char* path : {"/throws", "/task/throws"}) {
    const auto thrown = client.get(path);
    EXPECT_EQ(thrown.status, 500) << path;
    EXPECT_EQ(slug(thrown), "internal-server-error");
    EXPECT_EQ(thrown.body.find("secret"), std::string::npos);
  }
  std::string logs;
  for (const std::string& line : client.logs()) logs += line + "\n";
  EXPECT_NE(logs.find("secret detail"), std::string::npos);
  EXPECT_NE(logs.find("std::runtime_error"), std::string::npos);
}

TEST(Api, SleepFollowsTheVirtualClock) {
  App app;
  app.get("/slow", [](Context& ctx) -> Task<std::string> {
    (void)co_await ctx.sleep(std::chrono::hours(1));
    co_return "done";
  });
  TestClient client(app, {.virtual_clock = true});
  auto stream = client.open("GET", "/slow");
  client.settle();
  EXPECT_FALSE(stream.ended());
  client.advance(std::chrono::hours(1));
  EXPECT_EQ(stream.finish().body, "done");
}

TEST(Api, TokenFiresWhenTheClientGoes) {
  App app;
  auto outcome = std::make_shared<std::string>();
  app.get("/wait", [outcome](Context& ctx) -> Task<void> {
    const auto slept = co_await ctx.sleep(std::chrono::hours(1));
    *outcome = slept.ok() ? "slept" : std::string(name_of(slept.error().kind()));
  });
  TestClient client(app, {.virtual_clock = true});
  auto stream = client.open("GET", "/wait");
  client.settle();
  EXPECT_EQ(*outcome, "");
  stream.close();
  client.advance(std::chrono::seconds(2));  // a client that only ended its side would still get its answer
  EXPECT_EQ(*outcome, "cancelled");
}

TEST(Api, StreamsAreWrittenAgainstCredit) {
  App app;
  auto written = std::make_shared<int>(0);
  app.get("/big", [written] {
    return StreamingResponse{.produce = [written](BodyWriter& out) -> Task<void> {
      for (int i = 0; i < 1000; ++i) {
        std::string part(4096, static_cast<char>('a' + i % 26));
        const auto sent = co_await out.write(std::move(part));
        if (!sent.ok()) co_return;
        ++*written;
      }
    }};
  });
  app.get("/cut", []() -> Task<StreamingResponse> {
    StreamingResponse response;
    response.media_type = "text/plain";
    response.produce = [](BodyWriter& out) -> Task<void> {
      (void)co_await out.write("one");
      throw std::runtime_error("broke");
    };
    co_return std::move(response);
  });
  TestClient client(app);
  const auto whole = client.get("/big");
  EXPECT_EQ(whole.body.size(), 4096U * 1000);
  EXPECT_EQ(*written, 1000);
  EXPECT_EQ(whole.header("content-type"), "application/octet-stream");
  const auto cut = client.get("/cut");
  EXPECT_EQ(cut.body, "one");
  EXPECT_EQ(cut.header("content-type"), "text/plain");
  EXPECT_TRUE(cut.aborted);
}

TEST(Api, BodyStreamIsReadPartByPart) {
  App app;
  app.put("/upload", [](BodyStream body) -> Task<Result<std::string>> {
    std::size_t size = 0;
    int parts = 0;
    while (true) {
      auto part = co_await body.next();
      if (!part.ok()) co_return std::move(part).error();
      if (!*part) break;
      size += (*part)->size();
      ++parts;
    }
    co_return std::to_string(size) + (parts > 1 ? " in parts" : " at once");
  });
  TestClient client(app);
  EXPECT_EQ(client.request("PUT", "/upload", {}, std::string(1'000'000, 'x')).body, "1000000 in parts");
  EXPECT_EQ(client.request("PUT", "/upload").body, "0 at once");
  auto slow = client.open("PUT", "/upload", {{"Transfer-Encoding", "chunked"}});
  client.settle();
  slow.send("3\r\nabc\r\n");
  client.settle();
  slow.send("2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(slow.finish().body, "5 in parts");
}

TEST(Api, BackgroundRunsAfterTheAnswer) {
  App app;
  auto done = std::make_shared<std::vector<std::string>>();
  app.post("/jobs", [done](Context& ctx) {
    ctx.background([done] { done->push_back("plain"); });
    ctx.background([done]() -> Task<void> {
      done->push_back("task");
      co_return;
    });
    ctx.status(202);
    return std::to_string(done->size());
  });
  app.post("/fails", [done](Context& ctx) -> std::string {
    ctx.background([done] { done->push_back("never"); });
    throw Problem(400);
  });
  TestClient client(app);
  const auto answer = client.request("POST", "/jobs");
  EXPECT_EQ(answer.status, 202);
  EXPECT_EQ(answer.body, "0");
  client.request("POST", "/fails");
  client.settle();
  EXPECT_EQ(*done, (std::vector<std::string>{"plain", "task"}));
}

TEST(Api, HooksSeeAndChange) {
  App app;
  app.on_request([](Hook& hook) {
    hook.set_context("user", std::string("ada"));
    if (hook.request().header("x-deny")) throw Problem::forbidden("no");
  });
  app.pre_handler([](Hook& hook) -> Task<void> {
    hook.set_header("x-hook", "yes");
    co_return;
  });
  app.on_response([](Hook& hook) { hook.set_header("x-status", std::to_string(hook.response_status())); });
  app.on_error([](Hook& hook) { hook.respond(Response::text("sorry", 503)); });
  app.get("/me", [](Context& ctx) { return std::string(ctx.request().context().find("user").text()); });
  app.get("/throws", []() -> std::string { throw std::runtime_error("x"); });
  TestClient client(app);
  const auto me = client.get("/me");
  EXPECT_EQ(me.body, "ada");
  EXPECT_EQ(me.header("x-hook"), "yes");
  EXPECT_EQ(me.header("x-status"), "200");
  const auto denied = client.get("/me", {{"x-deny", "1"}});
  EXPECT_EQ(denied.status, 403);
  EXPECT_EQ(slug(denied), "forbidden");
  EXPECT_EQ(client.get("/throws").status, 503);
}

struct Db {
  std::string name;
  std::shared_ptr<std::vector<std::string>> trace;
};

TEST(Api, DependenciesByScopeWithCleanup) {
  const auto trace = std::make_shared<std::vector<std::string>>();
  {
    App app;
    app.value("config", std::string("cfg"));
    app.dependency(
        "db", Scope::singleton,
        [trace](Inject<"config", std::string> config) {
          trace->push_back("open");
          return Db{*config, trace};
        },
        [](Db& db) { db.trace->push_back("close"); });
    app.dependency(
        "session", Scope::request,
        [trace](Inject<"db", Db> db) -> Task<std::string> {
          trace->push_back("begin");
          co_return db->name + "!";
        },
        [trace](std::string&) -> Task<void> {
          trace->push_back("end");
          co_return;
        });
    app.get("/", [](Inject<"session", std::string> session, Inject<"db", Db> db) { return *session + db->name; });
    TestClient client(app);
    EXPECT_EQ(client.get("/").body, "cfg!cfg");
    client.settle();
    EXPECT_EQ(*trace, (std::vector<std::string>{"open", "begin", "end"}));
    EXPECT_EQ(client.get("/").body, "cfg!cfg");
    client.settle();
    EXPECT_EQ(*trace, (std::vector<std::string>{"open", "begin", "end", "begin", "end"}));
    EXPECT_EQ(client.stop(), 0);
  }
  EXPECT_EQ(trace->back(), "close");
}

TEST(Api, BlockingHandlersRunOnThePool) {
  App app;
  const auto here = std::this_thread::get_id();
  app.get("/blocking/{n:int}",
          [here](Path<"n", int> n) -> std::string {
            if (*n == 0) throw Problem::not_found("none");
            return (std::this_thread::get_id() == here ? "loop " : "pool ") + std::to_string(*n);
          })
      .blocking();
  TestClient client(app);
  EXPECT_EQ(client.get("/blocking/5").body, "pool 5");
  EXPECT_EQ(client.get("/blocking/0").status, 404);
}

TEST(Api, BlockingNeedsAPlainFunction) {
  App app;
  app.get("/", [](Context&) { return "x"; }).blocking();
  const auto built = app.build();
  ASSERT_FALSE(built.ok());
  EXPECT_NE(built.error().message().find("http.routes[0].blocking"), std::string::npos);
}

TEST(Api, WrongManifestIsRefusedByField) {
  App app;
  app.get("/users/{id", [] { return "x"; });
  const auto built = app.build();
  ASSERT_FALSE(built.ok());
  EXPECT_NE(built.error().message().find("http.routes[0].path"), std::string::npos) << built.error().message();
}

TEST(Api, StoppingWithHandlersInHandDestroysThem) {
  App app;
  app.manifest().shutdown = {.delay_ms = 0, .timeout_ms = 0, .cleanup_ms = 0, .flush_ms = 0};
  struct Witness {
    std::shared_ptr<bool> gone;
    ~Witness() {
      if (gone) *gone = true;
    }
  };
  auto gone = std::make_shared<bool>(false);
  app.get("/forever", [gone](Context& ctx) -> Task<void> {
    auto witness = std::make_unique<Witness>(Witness{gone});
    // Its own token: nothing cancels this sleep, and its timer must go before the loop.
    CancelSource own;
    (void)co_await net::sleep(ctx.loop(), std::chrono::hours(1)).with_token(own.token());
  });
  {
    TestClient client(app);
    auto stream = client.open("GET", "/forever");
    client.settle();
    EXPECT_EQ(client.stop(), 1);
  }
  EXPECT_TRUE(*gone);
}

TEST(Api, FormsAreCoerced) {
  App app;
  app.post("/form", [](Form<shop::Item> item) { return *item; });
  TestClient client(app);
  EXPECT_EQ(client.request("POST", "/form", {{"Content-Type", "application/x-www-form-urlencoded"}}, "sku=ABC&quantity=7").body,
            R"({"sku":"ABC","quantity":7})");
}

TEST(Api, RawBodyOfAnyType) {
  App app;
  app.post("/raw", [](RawBody body, Request request) {
    return std::string(body.value) + std::string(request.header("content-type").value_or("none"));
  });
  TestClient client(app);
  EXPECT_EQ(client.request("POST", "/raw", {{"Content-Type", "a/b"}}, "abc").body, "abca/b");
}

}  // namespace
}  // namespace spikard
