#include "http/server.hpp"
#include "http/test_server.hpp"

namespace spikard::http {
namespace {

struct Middleware : test::ServerTest {
  static std::string refusal(const std::string& json) {
    auto document = json::parse(json);
    auto config = services::http_config_from_json(document.value().root(), "http");
    if (!config.ok()) return config.error().to_string();
    auto compiled = CompiledHttp::compile(*config);
    return compiled.ok() ? "" : compiled.error().to_string();
  }
  static std::string preflight(const std::string& target, const std::string& headers) {
    return "OPTIONS " + target + " HTTP/1.1\r\nHost: t\r\n" + headers + "\r\n";
  }
  static bool has(const std::string& answer, const std::string& line) {
    return answer.find("\r\n" + line + "\r\n") != std::string::npos;
  }
};

constexpr const char* with_cors =
    R"({"cors": {"allow_origins": ["https://a.test"], "allow_methods": ["GET", "PUT"], "allow_credentials": true},
  "request_id": {"enabled": true}, "limits": {"body_bytes": 4},
  "routes": [{"method": "GET", "path": "/r"}, {"method": "PUT", "path": "/b", "body": {"content_types": ["text/plain"], "as": "raw"}}, {"method": "GET", "path": "/s"}]})";
constexpr const char* allowed = "access-control-allow-origin: https://a.test";

TEST_F(Middleware, cors_headers_are_on_every_answer_and_a_handler_cannot_change_them) {
  serve(with_cors);
  const std::string origin = "Origin: https://a.test\r\n";
  sink.routes[0] = [](Exchange& e) {
    const HeaderField own[] = {{"Access-Control-Allow-Origin", "*"}, {"vary", "Accept"}};
    e.reply({.headers = own});
  };
  sink.routes[2] = [](Exchange& e) {
    e.start(200, {});
    e.write("x");
    e.end();
  };
  auto& client = connect();
  std::string answer = exchange(client, get("/r", origin));
  EXPECT_TRUE(has(answer, allowed)) << answer;
  EXPECT_TRUE(has(answer, "access-control-allow-credentials: true"));
  EXPECT_TRUE(has(answer, "vary: Accept"));
  EXPECT_TRUE(has(answer, "vary: Origin"));
  EXPECT_EQ(answer.find("Allow-Origin: *"), std::string::npos);
  answer = exchange(client, get("/s", origin));
  EXPECT_TRUE(has(answer, allowed)) << answer;
  answer = exchange(client, get("/none", origin));
  EXPECT_EQ(status(answer), 404);
  EXPECT_TRUE(has(answer, allowed)) << answer;
  EXPECT_NE(answer.find("x-request-id: "), std::string::npos);
  answer = exchange(client, "PUT /b HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n" + origin + "\r\n12345");
  EXPECT_EQ(status(answer), 413);
  EXPECT_TRUE(has(answer, allowed)) << answer;
  answer = exchange(client, get("/r"));
  EXPECT_EQ(answer.find("access-control"), std::string::npos);
  EXPECT_TRUE(has(answer, "vary: Origin"));
}

TEST_F(Middleware, a_preflight_is_answered_before_routing_and_hooks) {
  serve(with_cors);
  sink.traces_requests = true;
  auto& client = connect();
  std::string answer = exchange(client, preflight("/none", "Origin: https://a.test\r\nAccess-Control-Request-Method: PUT\r\n"));
  EXPECT_EQ(status(answer), 204) << answer;
  EXPECT_TRUE(has(answer, "access-control-allow-methods: GET, PUT"));
  answer = exchange(client, preflight("/r", "Origin: https://a.test\r\nAccess-Control-Request-Method: DELETE\r\n"));
  EXPECT_EQ(status(answer), 403);
  EXPECT_EQ(answer.find("access-control"), std::string::npos) << answer;
  answer = exchange(client, preflight("/r", "Origin: https://b.test\r\nAccess-Control-Request-Method: GET\r\n"));
  EXPECT_EQ(status(answer), 403);
  // An OPTIONS that asks for nothing is the route's.
  answer = exchange(client, preflight("/r", "Origin: https://a.test\r\n"));
  EXPECT_EQ(status(answer), 204);
  EXPECT_TRUE(has(answer, "allow: GET, HEAD")) << answer;
  EXPECT_TRUE(has(answer, allowed));
  EXPECT_TRUE(sink.trace.empty());
}

TEST_F(Middleware, a_preflight_with_a_body_leaves_the_connection_in_order) {
  serve(with_cors);
  auto& client = connect();
  const std::string answer =
      exchange(client, preflight("/b", "Origin: https://a.test\r\nAccess-Control-Request-Method: PUT\r\nContent-Length: 3\r\n") +
                           "abc" + get("/r"));
  EXPECT_EQ(status(answer), 204);
  EXPECT_EQ(count(answer, "HTTP/1.1 200"), 1U) << answer;
}

TEST_F(Middleware, rejects_other_origins_where_told_to) {
  serve(
      R"({"cors": {"allow_origins": ["https://a.test"], "on_disallowed": "reject"}, "routes": [{"method": "GET", "path": "/r"}]})");
  auto& client = connect();
  EXPECT_EQ(status(exchange(client, get("/r", "Origin: null\r\n"))), 403);
  EXPECT_EQ(status(exchange(client, get("/r"))), 200);
  EXPECT_EQ(status(exchange(client, get("/r", "Origin: https://a.test\r\n"))), 200);
}

TEST_F(Middleware, rate_limit_comes_first_and_leaves_health_alone) {
  serve(R"({"rate_limit": {"per_second": 0.5, "burst": 2, "by": "header", "header": "X-Client"}, "cors": {"allow_origins": ["*"]},
    "routes": [{"method": "GET", "path": "/r"}]})");
  auto& client = connect();
  const std::string a = "x-client: a\r\n";
  EXPECT_EQ(status(exchange(client, get("/none", a))), 404);
  EXPECT_EQ(status(exchange(client, get("/r", a))), 200);
  const std::string answer = exchange(client, get("/r", a));
  EXPECT_EQ(status(answer), 429);
  EXPECT_TRUE(has(answer, "retry-after: 2")) << answer;
  EXPECT_TRUE(has(answer, "access-control-allow-origin: *"));
  EXPECT_EQ(status(exchange(client, get("/healthz", a))), 200);
  EXPECT_EQ(status(exchange(client, get("/r", "x-client: b\r\n"))), 200);
  EXPECT_EQ(status(exchange(client, get("/r"))), 200);  // by address
  advance(2000);
  EXPECT_EQ(status(exchange(client, get("/r", a))), 200);
  EXPECT_EQ(status(exchange(client, get("/r", a))), 429);
}

TEST_F(Middleware, rate_limit_refuses_nothing_but_its_own) {
  serve(
      R"({"rate_limit": {"per_second": 1}, "routes": [{"method": "PUT", "path": "/b", "body": {"content_types": ["text/plain"], "as": "raw"}}]})");
  auto& client = connect();
  const std::string put = "PUT /b HTTP/1.1\r\nHost: t\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc";
  const std::string answer = exchange(client, put + put + get("/healthz"));
  EXPECT_EQ(count(answer, "HTTP/1.1 200"), 2U) << answer;
  EXPECT_EQ(count(answer, "HTTP/1.1 429"), 1U);
  EXPECT_EQ(server->counts().in_flight, 0U);
}

TEST_F(Middleware, trusted_hosts) {
  serve(R"({"trusted_hosts": ["Example.com", "*.example.org", "[::1]"], "routes": [{"method": "GET", "path": "/r"}]})");
  auto& client = connect();
  const auto ask = [&](const std::string& host, const std::string& target = "/r") {
    return status(exchange(client, "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n"));
  };
  for (const char* host : {"example.com", "EXAMPLE.com:8000", "example.com.", "a.example.org", "a.b.example.org:1", "[::1]:80"})
    EXPECT_EQ(ask(host), 200) << host;
  for (const char* host : {"example.org", "evil-example.org", "example.com.evil.test", "a.example.com", "[::2]", "127.0.0.1"})
    EXPECT_EQ(ask(host), 400) << host;
  EXPECT_EQ(ask("10.0.0.7:8000", "/readyz"), 200);
}

TEST_F(Middleware, security_headers_give_way_to_the_handlers) {
  serve(
      R"({"security_headers": {"frame_options": "SAMEORIGIN", "referrer_policy": ""}, "routes": [{"method": "GET", "path": "/r"}]})");
  auto& client = connect();
  std::string answer = exchange(client, get("/r"));
  EXPECT_TRUE(has(answer, "x-content-type-options: nosniff")) << answer;
  EXPECT_TRUE(has(answer, "x-frame-options: SAMEORIGIN"));
  EXPECT_EQ(answer.find("referrer-policy"), std::string::npos);
  EXPECT_EQ(answer.find("strict-transport"), std::string::npos);  // plain text
  sink.routes[0] = [](Exchange& e) {
    const HeaderField own{"X-Frame-Options", "DENY"};
    e.reply({.headers = {&own, 1}});
  };
  answer = exchange(client, get("/r"));
  EXPECT_TRUE(has(answer, "X-Frame-Options: DENY"));
  EXPECT_EQ(answer.find("SAMEORIGIN"), std::string::npos);
  EXPECT_TRUE(has(exchange(client, get("/none")), "x-content-type-options: nosniff"));
}

TEST_F(Middleware, configuration_errors_name_the_field) {
  const auto names = [](const std::string& json, const std::string& field) {
    const std::string text = refusal(json);
    EXPECT_NE(text.find(field + ": "), std::string::npos) << json << " -> " << text;
  };
  names(R"({"cors": {"allow_origins": ["https://a.test/"]}})", "http.cors.allow_origins[0]");
  names(R"({"cors": {}})", "http.cors.allow_origins");
  names(R"({"cors": {"allow_origin_patterns": ["["]}})", "http.cors.allow_origin_patterns[0]");
  names(R"({"compression": {"gzip": false, "brotli": false}})", "http.compression");
  names(R"({"compression": {"quality": 12}})", "http.compression.quality");
  names(R"({"rate_limit": {"per_second": 0}})", "http.rate_limit.per_second");
  names(R"({"rate_limit": {"per_second": "fast"}})", "http.rate_limit.per_second");
  names(R"({"rate_limit": {"per_second": 1, "by": "header"}})", "http.rate_limit.header");
  names(R"({"rate_limit": {"per_second": 1, "header": "x-a"}})", "http.rate_limit.header");
  names(R"({"rate_limit": {"per_second": 1, "burst": 0}})", "http.rate_limit.burst");
  names(R"({"static_files": [{"prefix": "s", "directory": "/tmp"}]})", "http.static_files[0].prefix");
  names(R"({"static_files": [{"prefix": "/s", "directory": "/does/not/exist"}]})", "http.static_files[0].directory");
  names(R"({"static_files": [{"prefix": "/s", "directory": "/tmp"}, {"prefix": "/s/", "directory": "/tmp"}]})",
        "http.static_files[1].prefix");
  names(R"({"trusted_hosts": ["example.com:80"]})", "http.trusted_hosts[0]");
  names(R"({"security_headers": {"frame_options": "a\nb"}})", "http.security_headers.frame_options");
}

}  // namespace
}  // namespace spikard::http
