#include "http/server.hpp"

#include "http/test_server.hpp"

namespace spikard::http {
namespace {

using test::ServerTest;

constexpr const char* plain =
    R"({"routes": [{"method": "GET", "path": "/r"}, {"method": "POST", "path": "/b", "body": {"content_types": ["application/json"], "schema": {}}},
  {"method": "GET", "path": "/users/{id:int}", "parameters": [{"in": "query", "name": "verbose", "schema": {"type": "boolean", "default": false}}]}]})";

struct Plain : ServerTest {
  void SetUp() override {
    serve(plain);
    sink.routes[1] = [](Exchange& e) {
      e.reply({.status = 201, .format = BodyFormat::nodes, .value = e.record().value(e.record().json)});
    };
    sink.routes[2] = [](Exchange& e) {
      const RequestRecord& r = e.record();
      e.reply({.format = BodyFormat::text,
               .body = std::to_string(r.nodes(r.params)[1].i) + "," + std::to_string(r.nodes(r.params)[0].i)});
    };
  }
};

TEST(ServerOverTcp, answers_get_and_post_through_a_real_socket) {
  RealClock clock;
  auto loop = net::Loop::create(clock).value();
  test::ScriptedSink sink;
  sink.routes[1] = [](Exchange& e) {
    e.reply({.status = 201, .format = BodyFormat::nodes, .value = e.record().value(e.record().json)});
  };
  auto server = Server::create(*loop, test::compile(plain), sink).value();
  auto reserved = net::ReservedAddress::reserve({}).value();
  ASSERT_TRUE(server->listen(reserved.listen().value()).ok());
  net::test::Peer client(net::connect(*loop, reserved.address()).value());
  client.send("GET /r HTTP/1.1\r\nHost: t\r\n\r\n");
  for (int i = 0; i < 1000 && client.in.find("ok") == std::string::npos; ++i) loop->turn(100);
  EXPECT_EQ(client.in.substr(0, 15), "HTTP/1.1 200 OK");
  client.in.clear();
  client.send("POST /b HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{\"a\":[1]}");
  for (int i = 0; i < 1000 && client.in.find("{\"a\":[1]}") == std::string::npos; ++i) loop->turn(100);
  EXPECT_EQ(client.in.substr(0, 20), "HTTP/1.1 201 Created");
  server.reset();
}

TEST_F(Plain, a_get_is_answered_and_the_connection_kept) {
  auto& client = connect();
  const std::string first = exchange(client, get("/r"));
  EXPECT_EQ(status(first), 200) << first;
  EXPECT_EQ(body(first), "ok");
  EXPECT_NE(first.find("text/plain; charset=utf-8"), std::string::npos);
  EXPECT_EQ(status(exchange(client, get("/r"))), 200);
  EXPECT_FALSE(client.ended);
  EXPECT_EQ(server->counts().finished, 2U);
  EXPECT_EQ(server->counts().in_flight, 0U);
}

TEST_F(Plain, json_bodies_come_back_as_nodes) {
  auto& client = connect();
  const std::string text = R"({"name":"caf\u00e9","n":[1,2.5,null,true],"o":{}})";
  EXPECT_EQ(body(exchange(client, post("/b", text))), R"({"name":"café","n":[1,2.5,null,true],"o":{}})");
  EXPECT_EQ(status(exchange(client, post("/b", "{"))), 400);
  EXPECT_EQ(status(exchange(client, post("/b", ""))), 422);
  EXPECT_EQ(status(exchange(client, post("/b", "{}", "Content-Type: text/plain\r\n"))), 415);
}

TEST_F(Plain, parameters_are_typed_and_errors_are_together) {
  auto& client = connect();
  EXPECT_EQ(body(exchange(client, get("/users/42?verbose=1"))), "42,1");
  EXPECT_EQ(body(exchange(client, get("/users/0007"))), "7,0");
  const std::string wrong = exchange(client, get("/users/x?verbose=2"));
  EXPECT_EQ(status(wrong), 422);
  EXPECT_NE(wrong.find("\"int_parsing\""), std::string::npos) << wrong;
  EXPECT_NE(wrong.find("\"bool_parsing\""), std::string::npos);
  EXPECT_NE(wrong.find("2 validation errors in request"), std::string::npos);
}

TEST_F(Plain, pipelined_requests_are_answered_in_order) {
  std::vector<Exchange*> waiting;
  sink.routes[0] = [&](Exchange& e) { waiting.push_back(&e); };
  auto& client = connect();
  client.send(get("/r?n=0") + get("/r?n=1") + get("/users/5") + post("/b", "[1]") + get("/r?n=2"));
  turn();
  ASSERT_EQ(waiting.size(), 3U);
  EXPECT_EQ(client.in, "");
  for (const int i : {2, 1, 0})
    waiting[static_cast<std::size_t>(i)]->reply({.format = BodyFormat::text, .body = "n" + std::to_string(i)});
  turn();
  EXPECT_EQ(count(client.in, "HTTP/1.1 "), 5U);
  EXPECT_LT(client.in.find("n0"), client.in.find("n1"));
  EXPECT_LT(client.in.find("n1"), client.in.find("5,0"));
  EXPECT_LT(client.in.find("5,0"), client.in.find("[1]"));
  EXPECT_LT(client.in.find("[1]"), client.in.find("n2"));
}

TEST_F(Plain, a_request_in_pieces_of_one_byte) {
  auto& client = connect();
  for (const char c : "\r\n" + post("/b", "{\"a\":\"b\\n\"}")) {
    client.send(std::string(1, c));
    turn(3);
  }
  turn();
  EXPECT_EQ(body(client.in), "{\"a\":\"b\\n\"}");
}

TEST_F(Plain, chunked_bodies_in_pieces) {
  auto& client = connect();
  const std::string head = "POST /b HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n";
  EXPECT_EQ(body(exchange(client, head + "3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n")), "[1,2]");
  client.in.clear();
  for (const char c : head + "3\r\n[1,\r\n2;x=y\r\n3]\r\n0\r\nT: x\r\n\r\n" + get("/r")) {
    client.send(std::string(1, c));
    turn(3);
  }
  turn();
  EXPECT_NE(client.in.find("[1,3]"), std::string::npos) << client.in;
  EXPECT_EQ(count(client.in, "HTTP/1.1 200"), 1U);
  const std::string bad = exchange(client, head + "x\r\n");
  EXPECT_EQ(status(bad), 400);
  EXPECT_TRUE(client.ended);
}

TEST_F(Plain, large_bodies_move_to_bigger_blocks) {
  auto& client = connect();
  std::string big = "[\"" + std::string(300000, 'x') + "\"]";
  client.send(post("/b", big));
  turn(200);
  EXPECT_EQ(body(client.in), big);
  client.in.clear();
  std::string chunks;
  for (std::size_t i = 0; i < big.size(); i += 1000) {
    const std::string part = big.substr(i, 1000);
    char line[16];
    std::snprintf(line, sizeof line, "%zx\r\n", part.size());
    chunks += line + part + "\r\n";
  }
  client.send("POST /b HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + "0\r\n\r\n");
  turn(300);
  EXPECT_EQ(body(client.in), big);
}

TEST_F(Plain, not_found_method_not_allowed_options_and_head) {
  auto& client = connect();
  EXPECT_EQ(status(exchange(client, get("/none"))), 404);
  const std::string refused = exchange(client, "DELETE /r HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(status(refused), 405);
  EXPECT_NE(refused.find("GET"), std::string::npos);
  const std::string options = exchange(client, "OPTIONS /r HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(status(options), 204) << options;
  EXPECT_EQ(options.find("Content-Length"), std::string::npos);
  const std::string head = exchange(client, "HEAD /r HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(status(head), 200);
  EXPECT_EQ(body(head), "");
  EXPECT_NE(head.find("Content-Length: 2"), std::string::npos) << head;
  EXPECT_FALSE(client.ended);
}

TEST_F(Plain, http_1_0_and_connection_close) {
  auto& client = connect();
  const std::string answer = exchange(client, "GET /r HTTP/1.0\r\n\r\n");
  EXPECT_EQ(status(answer), 200) << answer;
  EXPECT_TRUE(client.ended);
  auto& kept = connect();
  const std::string keep = exchange(kept, "GET /r HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_FALSE(kept.ended) << keep;
  auto& other = connect();
  (void)exchange(other, get("/r", "Connection: close\r\n"));
  EXPECT_TRUE(other.ended);
}

TEST_F(Plain, malformed_requests_get_400_and_the_end) {
  for (const char* wrong :
       {"HELLO\r\n\r\n", "GET /r HTTP/1.1\r\n\r\n", "GET /r HTTP/1.1\r\nHost: t\r\nX-A: a\rb\r\n\r\n",
        "GET /r HTTP/1.1\r\nHost: t\r\nX-A: b\r\n c\r\n\r\n", "POST /b HTTP/1.1\r\nHost: t\r\nContent-Length: +1\r\n\r\n7",
        "POST /b HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n77"}) {
    auto& client = connect();
    EXPECT_EQ(status(exchange(client, wrong)), 400) << wrong;
    EXPECT_NE(client.in.find("bad-request"), std::string::npos);
    EXPECT_TRUE(client.ended) << wrong;
  }
}

TEST_F(Plain, expect_continue_is_answered_before_the_body) {
  auto& client = connect();
  EXPECT_EQ(
      exchange(
          client,
          "POST /b HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"),
      "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(body(exchange(client, "7")), "7");
  // 415 comes instead of 100.
  EXPECT_EQ(
      status(exchange(
          client, "POST /b HTTP/1.1\r\nHost: t\r\nContent-Type: text/css\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")),
      415);
}

TEST_F(Plain, a_half_closed_client_gets_its_answer) {
  auto& client = connect();
  client.send(get("/r"));
  client.transport->shutdown_write();
  turn();
  EXPECT_EQ(status(client.in), 200);
  EXPECT_TRUE(client.ended);
}

TEST_F(Plain, a_body_cut_short_gets_400) {
  auto& client = connect();
  client.send("POST /b HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n\r\n{}");
  client.transport->shutdown_write();
  turn();
  EXPECT_EQ(status(client.in), 400) << client.in;
  EXPECT_TRUE(client.ended);
}

TEST_F(Plain, a_reset_cancels_the_handler_and_late_answers_are_ignored) {
  Exchange* waiting = nullptr;
  sink.routes[0] = [&](Exchange& e) { waiting = &e; };
  auto& client = connect();
  client.send(get("/r"));
  turn();
  ASSERT_NE(waiting, nullptr);
  const std::uint64_t id = waiting->id();
  CancelToken token = waiting->token();
  client.transport->close(true);
  turn();
  EXPECT_EQ(sink.trace, std::vector<std::string>{"cancel:3"});
  EXPECT_EQ(token.reason(), CancelReason::client_gone);
  EXPECT_EQ(server->find(id), waiting);
  waiting->reply({.status = 200});
  turn();
  EXPECT_EQ(server->find(id), nullptr);
  EXPECT_EQ(server->counts().in_flight, 0U);
}

TEST_F(Plain, a_half_close_is_a_warning_after_a_second) {
  Exchange* waiting = nullptr;
  sink.routes[0] = [&](Exchange& e) { waiting = &e; };
  auto& client = connect();
  client.send(get("/r"));
  client.transport->shutdown_write();
  turn();
  ASSERT_NE(waiting, nullptr);
  advance(900);
  EXPECT_TRUE(sink.trace.empty());
  advance(200);
  EXPECT_EQ(sink.trace, std::vector<std::string>{"cancel:3"});
  waiting->reply({.status = 200, .format = BodyFormat::text, .body = "late"});
  turn();
  EXPECT_EQ(body(client.in), "late");
}

}  // namespace
}  // namespace spikard::http
