#include "http/server.hpp"
#include "http/test_server.hpp"

namespace spikard::http {
namespace {

using test::ServerTest;

struct Pipeline : ServerTest {
  static Document object(const std::string& text) { return json::parse(text).value(); }
  void set_header(HookPhase phase, std::uint32_t hook, const char* name, const char* value, bool append = false) {
    sink.hooks[{phase, hook}] = [=](Exchange& e) {
      const HeaderField field{name, value};
      HookResult result;
      (append ? result.append : result.set) = {&field, 1};
      e.hook_done(result);
    };
  }
};

constexpr const char* hooked =
    R"({"hooks": {"on_request": ["a"], "pre_validation": ["b"], "pre_handler": ["c"], "on_response": ["d", "e"], "on_error": ["f"]},
  "routes": [{"method": "GET", "path": "/r", "parameters": [{"in": "query", "name": "n", "schema": {"type": "integer"}}]}]})";

TEST_F(Pipeline, hooks_run_in_order_and_share_a_context) {
  serve(hooked);
  sink.traces_requests = true;
  const Document one = object(R"({"user": "ann", "n": 1})");
  const Document two = object(R"({"n": [2]})");
  sink.hooks[{HookPhase::on_request, 0}] = [&](Exchange& e) { e.hook_done({.context = one.root()}); };
  sink.hooks[{HookPhase::pre_handler, 0}] = [&](Exchange& e) { e.hook_done({.context = two.root()}); };
  set_header(HookPhase::on_response, 0, "x-trace", "one", true);
  set_header(HookPhase::on_response, 1, "x-trace", "two", true);
  sink.routes[0] = [](Exchange& e) { e.reply({.format = BodyFormat::nodes, .value = e.record().value(e.record().context)}); };
  auto& client = connect();
  const std::string answer = exchange(client, get("/r"));
  EXPECT_EQ(body(answer), R"({"user":"ann","n":[2]})");
  EXPECT_NE(answer.find("x-trace: one, two"), std::string::npos) << answer;
  EXPECT_EQ(sink.trace, (std::vector<std::string>{"hook:0:0", "hook:1:0", "hook:2:0", "request", "hook:3:0", "hook:3:1"}));
}

TEST_F(Pipeline, validation_errors_pass_on_response_and_exceptions_on_error) {
  serve(hooked);
  auto& client = connect();
  EXPECT_EQ(status(exchange(client, get("/r?n=x"))), 422);
  EXPECT_EQ(sink.trace, (std::vector<std::string>{"hook:0:0", "hook:1:0", "hook:3:0", "hook:3:1"}));
  sink.trace.clear();
  set_header(HookPhase::on_error, 0, "x-error", "seen");
  sink.routes[0] = [](Exchange& e) { e.fail({.type = "Boom", .message = "secret", .trace = {}}); };
  const std::string answer = exchange(client, get("/r"));
  EXPECT_EQ(status(answer), 500);
  EXPECT_NE(answer.find("x-error: seen"), std::string::npos);
  EXPECT_NE(answer.find("internal-server-error"), std::string::npos);
  EXPECT_EQ(answer.find("secret"), std::string::npos);
  EXPECT_EQ(failures, std::vector<std::string>{"secret"});
  EXPECT_EQ(sink.trace, (std::vector<std::string>{"hook:0:0", "hook:1:0", "hook:2:0", "hook:4:0"}));
  EXPECT_FALSE(client.ended);
}

TEST_F(Pipeline, a_hook_may_answer_or_fail_later) {
  serve(hooked);
  std::vector<Exchange*> waiting;
  sink.hooks[{HookPhase::pre_handler, 0}] = [&](Exchange& e) { waiting.push_back(&e); };
  auto& client = connect();
  client.send(get("/r") + get("/r") + get("/r"));
  turn();
  ASSERT_EQ(waiting.size(), 3U);
  waiting[2]->hook_done({});
  waiting[1]->fail({.type = "E", .message = "m", .trace = {}});
  const Reply forbidden{.status = 403, .format = BodyFormat::text, .body = "no"};
  waiting[0]->hook_done({.answer = &forbidden});
  turn();
  EXPECT_LT(client.in.find("403"), client.in.find("500"));
  EXPECT_LT(client.in.find("500"), client.in.find("200 OK"));
  EXPECT_EQ(server->counts().in_flight, 0U);
}

TEST_F(Pipeline, early_headers_reach_every_answer_and_the_handler_wins) {
  serve(R"({"hooks": {"on_request": ["a"]}, "routes": [{"method": "GET", "path": "/r"}]})");
  set_header(HookPhase::on_request, 0, "X-A", "hook");
  auto& client = connect();
  EXPECT_NE(exchange(client, get("/r")).find("X-A: hook"), std::string::npos);
  sink.routes[0] = [](Exchange& e) {
    const HeaderField own{"x-a", "handler"};
    e.reply({.headers = {&own, 1}});
  };
  const std::string answer = exchange(client, get("/r"));
  EXPECT_NE(answer.find("x-a: handler"), std::string::npos);
  EXPECT_EQ(answer.find("X-A: hook"), std::string::npos);
}

TEST_F(Pipeline, on_error_may_replace_the_answer) {
  serve(hooked);
  const HeaderField type{"content-type", "application/json"};
  const Reply reply{.status = 503, .format = BodyFormat::json, .headers = {&type, 1}, .body = "{\"e\":1}"};
  sink.hooks[{HookPhase::on_error, 0}] = [&](Exchange& e) { e.hook_done({.answer = &reply}); };
  sink.routes[0] = [](Exchange& e) { e.fail({}); };
  auto& client = connect();
  const std::string answer = exchange(client, get("/r"));
  EXPECT_EQ(status(answer), 503);
  EXPECT_EQ(body(answer), "{\"e\":1}");
  EXPECT_EQ(count(answer, "ontent-"), 2U) << answer;
}

constexpr const char* wired = R"({"dependencies": [{"id": 0, "name": "config", "kind": "value", "type": "object", "token": 7},
  {"id": 1, "name": "db", "kind": "factory", "scope": "request", "depends_on": ["config"], "cleanup": true},
  {"id": 2, "name": "pool", "kind": "factory", "scope": "singleton", "depends_on": ["config"], "cleanup": true},
  {"id": 3, "name": "tx", "kind": "factory", "scope": "transient", "depends_on": ["db", "pool"], "cleanup": true}],
  "routes": [{"method": "GET", "path": "/r", "inject": ["config", "db", "tx", "pool"]}, {"method": "GET", "path": "/t", "inject": ["db"], "inject_types": {"db": "string"}}]})";

TEST_F(Pipeline, dependencies_open_in_order_and_close_in_reverse) {
  serve(wired);
  std::vector<std::uint64_t> tokens;
  sink.routes[0] = [&](Exchange& e) {
    const RequestRecord& r = e.record();
    const auto* first = reinterpret_cast<const std::uint64_t*>(r.base() + r.deps.off);
    tokens.assign(first, first + r.deps.len);
    e.reply({});
  };
  std::vector<std::uint64_t> arguments;
  sink.factories[3] = [&](Exchange& e, std::span<const std::uint64_t> given) {
    arguments.assign(given.begin(), given.end());
    e.factory_done(103, {});
  };
  auto& client = connect();
  EXPECT_EQ(status(exchange(client, get("/r"))), 200);
  EXPECT_EQ(tokens, (std::vector<std::uint64_t>{7, 101, 103, 102}));
  EXPECT_EQ(arguments, (std::vector<std::uint64_t>{101, 102}));
  EXPECT_EQ(sink.trace, (std::vector<std::string>{"open:1", "open:2", "open:3", "close:3", "close:1"}));
  sink.trace.clear();
  EXPECT_EQ(status(exchange(client, get("/r"))), 200);
  EXPECT_EQ(sink.trace, (std::vector<std::string>{"open:1", "open:3", "close:3", "close:1"}));
  sink.trace.clear();
  bool done = false;
  server->dispose_singletons([&] { done = true; });
  turn();
  EXPECT_TRUE(done);
  EXPECT_EQ(sink.trace, std::vector<std::string>{"close:2"});
  EXPECT_EQ(server->counts().in_flight, 0U);
}

TEST_F(Pipeline, others_wait_for_a_singleton_and_one_of_them_makes_it_when_the_first_fails) {
  serve(wired);
  std::vector<Exchange*> makers;
  sink.factories[2] = [&](Exchange& e, std::span<const std::uint64_t>) { makers.push_back(&e); };
  auto& one = connect();
  auto& two = connect();
  one.send(get("/r"));
  two.send(get("/r"));
  turn();
  ASSERT_EQ(makers.size(), 1U);
  makers[0]->fail({.type = "E", .message = "no pool", .trace = {}});
  turn();
  EXPECT_EQ(status(one.in), 500);
  EXPECT_EQ(two.in, "");
  ASSERT_EQ(makers.size(), 2U);
  makers[1]->factory_done(5, "object");
  turn();
  EXPECT_EQ(status(two.in), 200);
}

TEST_F(Pipeline, a_type_mismatch_is_a_dependency_error_and_cleans_up) {
  serve(wired);
  auto& client = connect();
  const std::string answer = exchange(client, get("/t"));
  EXPECT_EQ(status(answer), 500);
  EXPECT_NE(answer.find("dependency-error"), std::string::npos);
  EXPECT_NE(answer.find("\"expected_type\":\"string\""), std::string::npos) << answer;
  EXPECT_EQ(sink.trace, (std::vector<std::string>{"open:1", "close:1"}));
}

TEST_F(Pipeline, faulty_manifests_name_the_field) {
  const auto why = [](const std::string& text) {
    const auto document = json::parse(text).value();
    auto compiled = CompiledHttp::compile(*services::http_config_from_json(document.root(), "http"));
    return compiled.ok() ? std::string() : compiled.error().message();
  };
  EXPECT_NE(why(R"({"routes": [{"method": "GET", "path": "/a", "inject": ["x"]}]})").find("http.routes[0].inject"),
            std::string::npos);
  EXPECT_NE(
      why(R"({"routes": [{"method": "GET", "path": "/a"}, {"method": "POST", "path": "/a", "body": {"schema": {"type": 5}}}]})")
          .find("http.routes[1].body.schema"),
      std::string::npos);
  EXPECT_NE(
      why(R"({"routes": [{"method": "GET", "path": "/a", "parameters": [{"in": "query", "name": "q", "schema": {"minimum": "x"}}]}]})")
          .find("http.routes[0].parameters[0]"),
      std::string::npos);
  EXPECT_NE(why(R"({"routes": [{"method": "GET", "path": "/a/{"}]})").find("http.routes[0].path"), std::string::npos);
  EXPECT_EQ(
      why(R"({"auth": {"jwt": {}}, "routes": [{"method": "GET", "path": "/a", "auth": {"api_key": {}}, "scopes": ["a b"]}]})"),
      "http.auth.jwt.secret: expected the key of HS256\nhttp.routes[0].auth.api_key.keys: expected at least one key\n"
      "http.routes[0].scopes[0]: expected a scope: no blanks, quotes or backslashes");
  EXPECT_EQ(why(R"({"routes": [{"method": "GET", "path": "/a", "scopes": ["a"]}]})"),
            "http.routes[0].scopes: expected auth.jwt, for only tokens have scopes");
}

TEST_F(Pipeline, time_out_answers_and_the_late_answer_is_ignored) {
  serve(
      R"({"timeout": {"ms": 1000, "status": 504}, "routes": [{"method": "GET", "path": "/s"}, {"method": "GET", "path": "/r"}]})");
  Exchange* waiting = nullptr;
  sink.routes[0] = [&](Exchange& e) { waiting = &e; };
  auto& client = connect();
  client.send(get("/s"));
  turn();
  advance(999);
  EXPECT_EQ(client.in, "");
  advance(2);
  EXPECT_EQ(status(client.in), 504);
  EXPECT_NE(client.in.find("request-timeout"), std::string::npos);
  EXPECT_EQ(sink.trace, std::vector<std::string>{"cancel:2"});
  EXPECT_EQ(server->counts().in_flight, 1U);
  EXPECT_EQ(status(exchange(client, get("/r"))), 200);
  waiting->reply({});
  turn();
  EXPECT_EQ(server->counts().in_flight, 0U);
  EXPECT_EQ(count(client.in, "HTTP/1.1"), 1U);
}

TEST_F(Pipeline, request_ids_are_kept_or_made) {
  serve(R"({"request_id": {"enabled": true}, "routes": [{"method": "GET", "path": "/r"}]})");
  auto& client = connect();
  EXPECT_NE(exchange(client, get("/r", "X-Request-ID: abc\r\n")).find("x-request-id: abc"), std::string::npos) << client.in;
  const std::string one = exchange(client, get("/none"));
  const std::string two = exchange(client, get("/none"));
  const auto id = [](const std::string& s) { return s.substr(s.find("x-request-id: ") + 14, 36); };
  EXPECT_NE(one.find("x-request-id: "), std::string::npos) << one;
  EXPECT_NE(id(one), id(two));
  EXPECT_EQ(id(one)[14], '4');
  EXPECT_NE(exchange(client, "BAD\r\n\r\n").find("x-request-id: "), std::string::npos);
}

TEST_F(Pipeline, streamed_answers_are_chunked_and_a_failure_cuts_them_off) {
  serve(R"({"routes": [{"method": "GET", "path": "/s"}, {"method": "GET", "path": "/f"}]})");
  Exchange* open = nullptr;
  const HeaderField type{"content-type", "text/plain"};
  sink.routes[0] = [&](Exchange& e) {
    open = &e;
    e.start(200, {&type, 1});
    EXPECT_TRUE(e.write("a"));
  };
  auto& client = connect();
  EXPECT_EQ(body(exchange(client, get("/s"))), "1\r\na\r\n");
  client.in.clear();
  open->write("bc");
  open->end();
  turn();
  EXPECT_EQ(client.in, "2\r\nbc\r\n0\r\n\r\n");
  EXPECT_FALSE(client.ended);
  (void)exchange(client, get("/s"));
  client.in.clear();
  open->fail({.type = "E", .message = "in the middle", .trace = {}});
  turn();
  EXPECT_EQ(client.in, "");
  EXPECT_TRUE(client.ended);
  EXPECT_EQ(failures.size(), 1U);
}

TEST_F(Pipeline, a_streamed_answer_with_on_response_hooks) {
  serve(R"({"hooks": {"on_response": ["a"]}, "routes": [{"method": "GET", "path": "/s"}]})");
  Exchange* hook = nullptr;
  sink.hooks[{HookPhase::on_response, 0}] = [&](Exchange& e) { hook = &e; };
  const HeaderField type{"content-type", "text/plain"};
  sink.routes[0] = [&](Exchange& e) {
    e.start(200, {&type, 1});
    e.write("abc");
    e.end();
  };
  auto& client = connect();
  EXPECT_EQ(exchange(client, get("/s")), "");
  ASSERT_NE(hook, nullptr);
  const HeaderField field{"x-h", "1"};
  hook->hook_done({.set = {&field, 1}});
  turn();
  EXPECT_NE(client.in.find("x-h: 1"), std::string::npos);
  EXPECT_EQ(body(client.in), "3\r\nabc\r\n0\r\n\r\n");
  EXPECT_EQ(server->counts().in_flight, 0U);
}

TEST_F(Pipeline, a_slow_reader_stops_the_writer_until_credit) {
  serve(R"({"routes": [{"method": "GET", "path": "/s"}]})");
  const HeaderField type{"content-type", "text/plain"};
  const std::string piece(10000, 'x');
  std::size_t written = 0;
  Exchange* open = nullptr;
  sink.routes[0] = [&](Exchange& e) {
    open = &e;
    e.start(200, {&type, 1});
    while (e.write(piece)) ++written;
  };
  auto& client = connect(4096);
  client.reading = false;
  client.send(get("/s"));
  turn();
  EXPECT_LT(written, 40U);
  EXPECT_TRUE(sink.trace.empty());
  client.reading = true;
  client.on_io(0);
  turn(3000);
  EXPECT_EQ(sink.trace, std::vector<std::string>{"credit"});
  open->end();
  turn(100);
  EXPECT_EQ(count(client.in, "x"), 10000 * (written + 1) + 1 /* text */);
}

TEST_F(Pipeline, an_echo_reads_on_behind_its_head) {
  serve(
      R"({"limits": {"body_bytes": 1000000}, "routes": [{"method": "POST", "path": "/u", "body": {"content_types": ["*/*"], "mode": "stream"}}]})");
  Exchange* open = nullptr;
  bool last = false;
  sink.routes[0] = [&](Exchange& e) {
    open = &e;
    e.start(200, {});
  };
  sink.chunk = [&](Exchange& e, BodyChunk part) {
    if (part.data().size() != 0) e.write(part.data());
    e.grant(part.data().size());
    last = part.last();
    if (last) e.end();
  };
  auto& client = connect();
  client.reading = true;
  const std::string big(300000, 'y');
  client.send(post("/u", big) + post("/u", "more"));
  turn(3000);
  EXPECT_TRUE(last) << client.in;
  EXPECT_EQ(count(client.in, "y"), big.size());
  EXPECT_EQ(count(client.in, "more"), 1U);
  EXPECT_EQ(count(client.in, "\r\n0\r\n\r\n"), 2U);
  EXPECT_FALSE(client.ended);

  // Ended before the body was read: a small rest is dropped and the connection goes on, a large one ends it behind the answer.
  sink.chunk = [](Exchange&, BodyChunk) {};
  client.in.clear();
  const std::string head = "POST /u HTTP/1.1\r\nHost: t\r\nContent-Length: ";
  client.send(head + "5\r\n\r\nhe");
  turn();
  open->end();
  client.send("llo" + head + "100000\r\n\r\nhe");
  turn();
  EXPECT_EQ(count(client.in, "HTTP/1.1 200"), 2U);
  EXPECT_FALSE(client.ended);
  open->end();
  turn(100);
  EXPECT_EQ(count(client.in, "\r\n0\r\n\r\n"), 2U);
  EXPECT_TRUE(client.ended);
}

TEST_F(Pipeline, streamed_bodies_come_in_chunks_against_credit) {
  serve(
      R"({"limits": {"body_bytes": 1000000}, "routes": [{"method": "POST", "path": "/u", "body": {"content_types": ["application/octet-stream"], "mode": "stream"}}]})");
  Exchange* open = nullptr;
  std::string got;
  bool last = false;
  sink.routes[0] = [&](Exchange& e) {
    open = &e;
    EXPECT_TRUE(e.record().flags & record_stream);
  };
  sink.chunk = [&](Exchange&, BodyChunk part) {
    got += part.data();
    last = part.last();
  };
  auto& client = connect();
  const std::string big(200000, 'y');
  client.send(post("/u", big, "Content-Type: application/octet-stream\r\n"));
  turn(300);
  EXPECT_EQ(got.size(), 65536U);
  EXPECT_FALSE(client.out.empty());  // the socket is not read any more
  open->grant(100);
  turn();
  EXPECT_EQ(got.size(), 65636U);
  open->grant(1 << 20);
  turn(300);
  EXPECT_EQ(got, big);
  EXPECT_TRUE(last);
  open->reply({.status = 204});
  turn();
  EXPECT_EQ(status(client.in), 204);
  EXPECT_FALSE(client.ended);
  // An empty one, and a chunked one.
  got.clear();
  last = false;
  client.in.clear();
  client.send(post("/u", "", "Content-Type: application/octet-stream\r\n"));
  turn();
  EXPECT_TRUE(last);
  open->reply({.status = 200});
  turn();
  last = false;
  client.send(
      "POST /u HTTP/1.1\r\nHost: t\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: "
      "chunked\r\n\r\n5\r\nhello\r\n");
  turn();
  EXPECT_EQ(got, "hello");
  EXPECT_FALSE(last);
  client.send("0\r\n\r\n");
  turn();
  EXPECT_TRUE(last);
  open->reply({.status = 200});
  turn();
  EXPECT_EQ(count(client.in, "200 OK"), 2U);
}

TEST_F(Pipeline, a_route_has_a_body_limit_of_its_own) {
  serve(
      R"({"limits": {"body_bytes": 10}, "routes": [{"method": "POST", "path": "/more", "body": {"content_types": ["*/*"], "mode": "stream", "max_bytes": 20}}, {"method": "POST", "path": "/less", "body": {"content_types": ["*/*"], "max_bytes": 5}}, {"method": "POST", "path": "/as-all", "body": {"content_types": ["*/*"]}}]})");
  sink.chunk = [](Exchange& e, BodyChunk part) {
    if (part.last()) e.reply({});
  };
  sink.routes[0] = [](Exchange&) {};
  const std::string octets = "Content-Type: application/octet-stream\r\n";
  const std::pair<const char*, std::size_t> limits[] = {{"/more", 20}, {"/less", 5}, {"/as-all", 10}};
  for (const auto& [path, limit] : limits) {
    EXPECT_EQ(status(exchange(connect(), post(path, std::string(limit, 'x'), octets))), 200) << path;
    EXPECT_EQ(status(exchange(connect(), post(path, std::string(limit + 1, 'x'), octets))), 413) << path;
  }
  EXPECT_EQ(status(exchange(connect(), post("/nowhere", std::string(11, 'x'), octets))), 413);
  EXPECT_EQ(status(exchange(connect(), post("/nowhere", std::string(10, 'x'), octets))), 404);
  const std::string chunked = "POST /more HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(status(exchange(connect(), chunked + "14\r\n" + std::string(20, 'x') + "\r\n0\r\n\r\n")), 200);
  EXPECT_EQ(status(exchange(connect(), chunked + "15\r\n" + std::string(21, 'x') + "\r\n0\r\n\r\n")), 413);
}

TEST_F(Pipeline, limits_413_414_431) {
  serve(
      R"({"limits": {"body_bytes": 10, "uri_bytes": 20, "header_bytes": 256}, "routes": [{"method": "POST", "path": "/b", "body": {"schema": {}}}, {"method": "GET", "path": "/r"}]})");
  auto& client = connect();
  sink.routes[0] = [](Exchange& e) { e.reply({.format = BodyFormat::text, .body = "ok"}); };
  EXPECT_EQ(status(exchange(client, post("/b", "\"12345678\""))), 200);
  EXPECT_EQ(status(exchange(client, post("/b", "\"123456789\""))), 413);
  EXPECT_FALSE(client.ended);
  auto& large = connect();
  EXPECT_EQ(status(exchange(large, "POST /b HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000\r\n\r\n")), 413);
  EXPECT_TRUE(large.ended);
  auto& chunked = connect();
  EXPECT_EQ(
      status(exchange(chunked, "POST /b HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n3\r\n123\r\n")),
      413);
  auto& uri = connect();
  EXPECT_EQ(status(exchange(uri, get("/r?" + std::string(17, 'x')))), 200);
  EXPECT_EQ(status(exchange(uri, get("/r?" + std::string(18, 'x')))), 414);
  EXPECT_TRUE(uri.ended);
  auto& fields = connect();
  EXPECT_EQ(status(exchange(fields, get("/r", "X: " + std::string(300, 'x') + "\r\n"))), 431);
}

TEST_F(Pipeline, slow_clients_are_timed_out) {
  serve(R"({"limits": {"header_timeout_ms": 1000, "body_timeout_ms": 2000, "idle_timeout_ms": 5000, "write_timeout_ms": 3000},
    "routes": [{"method": "GET", "path": "/r"}, {"method": "POST", "path": "/b", "body": {"schema": {}}}]})");
  auto& idle = connect();
  auto& head = connect();
  auto& half = connect();
  head.send("GET /r HT");
  half.send("POST /b HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\n123");
  turn();
  advance(500);
  head.send("T");
  turn();
  advance(600);
  EXPECT_EQ(status(head.in), 408) << head.in;
  EXPECT_EQ(half.in, "");
  half.send("4");
  turn();
  advance(1500);
  EXPECT_EQ(half.in, "");
  advance(600);
  EXPECT_EQ(status(half.in), 408);
  EXPECT_FALSE(idle.ended);
  advance(2000);
  EXPECT_TRUE(idle.ended);
  const std::string big(100000, 'x');
  sink.routes[0] = [&](Exchange& e) { e.reply({.body = big}); };
  auto& slow = connect(1000);
  slow.reading = false;
  slow.send(get("/r"));
  turn();
  advance(2900);
  advance(200);
  slow.reading = true;
  slow.on_io(0);
  turn();
  EXPECT_TRUE(slow.broken || slow.ended);
  EXPECT_LT(slow.in.size(), 100000U);
}

TEST_F(Pipeline, defaults_forms_and_text_bodies) {
  serve(R"({"routes": [
    {"method": "POST", "path": "/j", "body": {"schema": {"type": "object", "properties": {"n": {"type": "integer", "default": 5}}}}},
    {"method": "POST", "path": "/f", "body": {"content_types": ["application/x-www-form-urlencoded"], "schema": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "array", "items": {"type": "boolean"}}}}}},
    {"method": "POST", "path": "/t", "body": {"content_types": ["text/plain"], "schema": {"type": "string", "maxLength": 3}}}]})");
  const auto echo = [](Exchange& e) { e.reply({.format = BodyFormat::nodes, .value = e.record().value(e.record().json)}); };
  for (std::uint32_t i = 0; i < 3; ++i) sink.routes[i] = echo;
  auto& client = connect();
  EXPECT_EQ(body(exchange(client, post("/j", "{\"m\": 1}"))), R"({"m":1,"n":5})");
  EXPECT_EQ(status(exchange(client, post("/j", "{\"n\": \"5\"}"))), 422);
  EXPECT_EQ(status(exchange(client, post("/j", "{}", "Content-Type: application/json; charset=latin-1\r\n"))), 415);
  EXPECT_NE(client.in.find("unsupported-charset"), std::string::npos);
  const std::string form = "Content-Type: application/x-www-form-urlencoded\r\n";
  EXPECT_EQ(body(exchange(client, post("/f", "a=12&b=true&b=0", form))), R"({"a":12,"b":[true,false]})");
  EXPECT_EQ(status(exchange(client, post("/f", "a=x", form))), 422);
  EXPECT_EQ(status(exchange(client, post("/f", "b[0]=1&b[2]=1", form))), 400);
  EXPECT_EQ(body(exchange(client, post("/t", "abc", "Content-Type: text/plain\r\n"))), "\"abc\"");
  EXPECT_EQ(status(exchange(client, post("/t", "abcd", "Content-Type: text/plain\r\n"))), 422);
}

TEST_F(Pipeline, who_may_call_is_asked_before_hooks_and_bodies) {
  serve(R"({"auth": {"api_key": {"keys": ["k"]}}, "hooks": {"on_request": ["a"], "on_response": ["b"]}, "routes": [
    {"method": "POST", "path": "/r", "body": {"schema": {"type": "object"}}}, {"method": "GET", "path": "/open", "auth": {}},
    {"method": "GET", "path": "/own", "auth": {"basic": {"users": {"ann": "p"}}}}]})");
  for (std::uint32_t route : {0U, 1U, 2U}) {
    sink.routes[route] = [](Exchange& e) {
      const Value auth = e.record().value(e.record().auth);
      if (auth) e.reply({.format = BodyFormat::nodes, .value = auth});
      else e.reply({.format = BodyFormat::text, .body = "nobody"});
    };
  }
  auto& client = connect();
  std::string answer = exchange(client, post("/r", "{", "Content-Type: nonsense\r\n"));
  EXPECT_EQ(status(answer), 401) << "before 415 and 400";
  EXPECT_NE(answer.find("www-authenticate: Bearer\r\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("problems/unauthorized"), std::string::npos) << answer;
  EXPECT_EQ(sink.trace, (std::vector<std::string>{"hook:3:0"}));
  answer = exchange(client, post("/r", "{}", "Content-Type: application/json\r\nX-API-Key: k\r\n"));
  EXPECT_EQ(body(answer), R"({"method":"api_key"})") << answer;
  answer = exchange(client, get("/open"));
  EXPECT_EQ(body(answer), "nobody");
  EXPECT_EQ(answer.find("www-authenticate"), std::string::npos) << "of an exchange before";
  EXPECT_EQ(status(exchange(client, get("/own", "X-API-Key: k\r\n"))), 401) << "the route's own, instead of the application's";
  EXPECT_EQ(body(exchange(client, get("/own", "Authorization: Basic YW5uOnA=\r\n"))), R"({"method":"basic","user":"ann"})");
  EXPECT_EQ(status(exchange(client, get("/healthz"))), 200);
  EXPECT_EQ(status(exchange(client, get("/none"))), 404);
}

TEST_F(Pipeline, health) {
  serve(R"({"routes": [{"method": "GET", "path": "/r"}]})");
  auto& client = connect();
  EXPECT_EQ(status(exchange(client, get("/healthz"))), 200);
  EXPECT_EQ(status(exchange(client, get("/readyz"))), 200);
  EXPECT_EQ(status(exchange(client, post("/readyz", "x"))), 405);
}

TEST_F(Pipeline, a_response_header_with_a_line_break_is_a_500) {
  serve(hooked);
  sink.routes[0] = [](Exchange& e) {
    const HeaderField evil{"x-a", "1\r\nset-cookie: a=b"};
    e.reply({.headers = {&evil, 1}});
  };
  auto& client = connect();
  const std::string answer = exchange(client, get("/r"));
  EXPECT_EQ(status(answer), 500);
  EXPECT_EQ(answer.find("set-cookie"), std::string::npos);
  EXPECT_EQ(server->counts().in_flight, 0U);
}

TEST_F(Pipeline, held_records_outlive_their_exchange) {
  serve(R"({"routes": [{"method": "GET", "path": "/r"}]})");
  const RequestRecord* kept = nullptr;
  sink.routes[0] = [&](Exchange& e) {
    kept = server->hold(e);
    e.reply({});
  };
  auto& client = connect();
  (void)exchange(client, get("/r?a=b"));
  sink.routes.clear();
  (void)exchange(client, get("/r?c=d"));
  EXPECT_EQ(kept->text(kept->query), "a=b");
  server->release(kept);
}

}  // namespace
}  // namespace spikard::http
