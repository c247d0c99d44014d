#include "http/server.hpp"
#include "http/test_server.hpp"

namespace spikard::http {
namespace {

using test::ServerTest;

struct Draining : ServerTest {
  std::vector<Exchange*> waiting;
  void SetUp() override {
    serve(R"({"routes": [{"method": "GET", "path": "/w"}, {"method": "GET", "path": "/r"}, {"method": "GET", "path": "/s"}]})");
    sink.routes[0] = [this](Exchange& e) { waiting.push_back(&e); };
    sink.routes[2] = [this](Exchange& e) {
      waiting.push_back(&e);
      e.start(200, {});
      e.write("part");
    };
  }
};

TEST_F(Draining, requests_in_hand_are_answered_in_full_then_the_connection_ends) {
  auto& idle = connect();
  EXPECT_EQ(status(exchange(idle, get("/r"))), 200);
  auto& busy = connect();
  busy.send(get("/w") + get("/w"));
  auto& partial = connect();
  partial.send("GET /r HTTP/1.1\r\nHo");
  turn();
  auto& raced = connect();
  turn();
  raced.send(get("/r"));  // in the queue, not read yet
  server->begin_drain();
  bool done = false;
  server->when_idle([&] { done = true; });
  turn();
  EXPECT_TRUE(idle.ended);
  EXPECT_EQ(status(raced.in), 200) << raced.in;
  EXPECT_NE(raced.in.find("Connection: close"), std::string::npos) << raced.in;
  EXPECT_FALSE(done);
  partial.send("st: t\r\n\r\n");
  for (Exchange* e : waiting) e->reply({.format = BodyFormat::text, .body = "late"});
  turn();
  EXPECT_EQ(status(partial.in), 200);
  EXPECT_EQ(count(busy.in, "HTTP/1.1 200"), 2U) << busy.in;
  EXPECT_EQ(count(busy.in, "Connection: close"), 1U);
  EXPECT_TRUE(busy.ended);
  EXPECT_TRUE(partial.ended);
  EXPECT_TRUE(done);
  EXPECT_EQ(server->counts().abandoned, 0U);
  EXPECT_EQ(server->counts().finished, 5U);
  advance(1100);
  EXPECT_EQ(server->counts().connections, 0U);
}

TEST_F(Draining, an_idle_server_is_idle_at_once) {
  bool done = false;
  server->begin_drain();
  server->when_idle([&] { done = true; });
  EXPECT_TRUE(done);
}

TEST_F(Draining, cancel_all_answers_503_and_cuts_streams) {
  auto& one = connect();
  auto& two = connect();
  one.send(get("/w"));
  two.send(get("/s"));
  turn();
  server->begin_drain();
  server->cancel_all();
  turn();
  EXPECT_EQ(status(one.in), 503);
  EXPECT_NE(one.in.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(one.ended);
  EXPECT_EQ(two.in.find("0\r\n\r\n"), std::string::npos);
  EXPECT_TRUE(two.ended);
  EXPECT_EQ(sink.trace, (std::vector<std::string>{"cancel:4", "cancel:4"}));
  EXPECT_EQ(server->counts().abandoned, 2U);
  EXPECT_EQ(server->counts().finished, 0U);
  bool done = false;
  server->when_idle([&] { done = true; });
  EXPECT_FALSE(done);
  for (Exchange* e : waiting) e->fail({});
  turn();
  EXPECT_TRUE(done);
  EXPECT_TRUE(failures.empty());
}

TEST_F(Draining, close_forgets_what_is_owed) {
  auto& one = connect();
  one.send(get("/w"));
  turn();
  const std::uint64_t id = waiting[0]->id();
  server->close();
  EXPECT_EQ(server->find(id), nullptr);
  EXPECT_EQ(server->counts().abandoned, 1U);
  turn();
  EXPECT_TRUE(one.ended || one.broken);
}

}  // namespace
}  // namespace spikard::http
