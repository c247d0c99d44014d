#include "http/request_telemetry.hpp"

#include <algorithm>

#include "http/test_server.hpp"
#include "telemetry/memory_exporter.hpp"
#include "telemetry/propagation.hpp"

namespace spikard::http::test {
namespace {

using telemetry::SpanData;
using telemetry::SpanStatus;

struct Observed : ServerTest {
  std::shared_ptr<telemetry::MemoryExporter> memory = std::make_shared<telemetry::MemoryExporter>();
  std::shared_ptr<telemetry::Provider> provider;

  void SetUp() override {
    telemetry::ProviderOptions of(virtual_clock);
    of.exporter = memory;
    provider = std::make_shared<telemetry::Provider>(std::move(of));
    tune = [this](ServerOptions& options) {
      options.telemetry = provider;
      options.metrics_path = "/metrics";
      options.metrics = [](std::string_view accept) {
        return Exposition{"text/plain; version=0.0.4", "accept " + std::string(accept)};
      };
    };
    serve(
        R"({"routes": [{"method": "GET", "path": "/items/{id}", "parameters": [{"in": "path", "name": "id", "required": true, "schema": {"type": "integer"}}]},
              {"method": "GET", "path": "/fail"}, {"method": "GET", "path": "/later"}, {"method": "POST", "path": "/body", "body": {}}],
              "limits": {"body_bytes": 10}})");
    sink.routes[1] = [](Exchange& e) {
      e.fail({.type = "std::runtime_error", .message = "boom http://u:p@h/", .trace = "at x"});
    };
  }
  SpanData one() {
    auto spans = memory->take_spans();
    EXPECT_EQ(spans.size(), 1U);
    return spans.empty() ? SpanData{} : spans[0];
  }
  static std::string text(const SpanData& span, std::string_view key) {
    const Value v = span.attributes.find(key);
    return v.is_string() ? std::string(v.text()) : v.exists() ? json::to_string(v) : "(none)";
  }
};

TEST_F(Observed, a_request_is_a_server_span_by_the_conventions) {
  telemetry::SpanContext seen;
  sink.routes[0] = [&](Exchange& e) {
    seen = e.trace();
    e.reply({.status = 200, .body = "ok"});
  };
  exchange(connect(),
           "GET /items/1?a=b&sig=secret&password=x&signature=s HTTP/1.1\r\nHost: shop.example:8080\r\nUser-Agent: test/1\r\n"
           "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\ntracestate: a=1\r\nTracestate: b=2\r\n"
           "baggage: k=v\r\n\r\n");
  const SpanData span = one();
  EXPECT_EQ(span.name, "GET /items/{id}");
  EXPECT_EQ(span.kind, telemetry::SpanKind::server);
  EXPECT_EQ(span.status, SpanStatus::unset);
  EXPECT_EQ(telemetry::hex(span.context.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(telemetry::hex(span.parent_span_id), "00f067aa0ba902b7");
  EXPECT_EQ(*span.context.state, "a=1,b=2");
  EXPECT_EQ(seen.span_id, span.context.span_id);
  EXPECT_EQ(*seen.baggage, "k=v");
  EXPECT_EQ(text(span, "http.request.method"), "GET");
  EXPECT_EQ(text(span, "http.route"), "/items/{id}");
  EXPECT_EQ(text(span, "http.response.status_code"), "200");
  EXPECT_EQ(text(span, "url.path"), "/items/1");
  EXPECT_EQ(text(span, "url.query"), "a=b&sig=REDACTED&password=REDACTED&signature=REDACTED");
  EXPECT_EQ(text(span, "url.scheme"), "http");
  EXPECT_EQ(text(span, "server.address"), "shop.example");
  EXPECT_EQ(text(span, "server.port"), "8080");
  EXPECT_EQ(text(span, "user_agent.original"), "test/1");
  EXPECT_EQ(text(span, "network.protocol.version"), "1.1");
  EXPECT_EQ(text(span, "error.type"), "(none)");
}

TEST_F(Observed, traceparent_that_is_none_or_two_begins_a_trace) {
  auto& client = connect();
  for (const char* headers : {"traceparent: garbage\r\n",
                              "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
                              "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4737-00f067aa0ba902b7-01\r\n"}) {
    exchange(client, get("/items/1", headers));
    const SpanData span = one();
    EXPECT_FALSE(span.has_parent());
    EXPECT_NE(telemetry::hex(span.context.trace_id).substr(0, 31), "4bf92f3577b34da6a3ce929d0e0e473");
  }
}

TEST_F(Observed, errors_of_the_server_and_of_the_client) {
  auto& client = connect();
  exchange(client, get("/fail"));
  SpanData span = one();
  EXPECT_EQ(span.status, SpanStatus::error);
  EXPECT_EQ(text(span, "error.type"), "std::runtime_error");
  EXPECT_EQ(text(span, "http.response.status_code"), "500");
  ASSERT_EQ(span.events.size(), 1U);
  EXPECT_EQ(span.events[0].name, "exception");
  EXPECT_EQ(span.events[0].attributes.find("exception.message").text(), "boom http://[redacted]@h/");
  exchange(client, get("/items/x"));
  span = one();
  EXPECT_EQ(span.name, "GET /items/{id}");
  EXPECT_EQ(span.status, SpanStatus::unset);
  EXPECT_EQ(text(span, "http.response.status_code"), "422");
  exchange(client, get("/nowhere"));
  span = one();
  EXPECT_EQ(span.name, "GET");
  EXPECT_EQ(text(span, "http.route"), "(none)");
  EXPECT_EQ(text(span, "http.response.status_code"), "404");
  exchange(client, "BREW /items/1 HTTP/1.1\r\nHost: t\r\n\r\n");
  span = one();
  EXPECT_EQ(span.name, "HTTP");
  EXPECT_EQ(text(span, "http.request.method"), "_OTHER");
  EXPECT_EQ(text(span, "http.request.method_original"), "BREW");
  exchange(connect(), post("/body", "more than ten bytes"));
  EXPECT_EQ(text(one(), "http.response.status_code"), "413");
}

TEST_F(Observed, a_client_that_leaves_is_an_error_without_a_status) {
  Exchange* held = nullptr;
  sink.routes[2] = [&](Exchange& e) { held = &e; };
  auto& client = connect();
  exchange(client, get("/later"));
  client.transport->close(true);
  turn();
  ASSERT_NE(held, nullptr);
  held->reply({.status = 200});
  turn();
  const SpanData span = one();
  EXPECT_EQ(text(span, "error.type"), "cancelled");
  EXPECT_EQ(text(span, "http.response.status_code"), "(none)");
}

TEST_F(Observed, a_stream_lasts_to_its_end_and_one_that_breaks_says_so) {
  Exchange* held = nullptr;
  sink.routes[2] = [&](Exchange& e) {
    e.start(200, {});
    held = &e;
  };
  auto& client = connect();
  exchange(client, get("/later"));
  EXPECT_TRUE(memory->spans().empty());
  advance(250);
  held->write("x");
  held->end();
  turn();
  SpanData span = one();
  EXPECT_EQ(span.end - span.start, std::chrono::milliseconds(250));
  EXPECT_EQ(span.status, SpanStatus::unset);
  exchange(client, get("/later"));
  held->fail({.type = "E", .message = "late"});
  turn();
  span = one();
  EXPECT_EQ(span.status, SpanStatus::error);
  EXPECT_EQ(text(span, "error.type"), "E");
  EXPECT_EQ(text(span, "http.response.status_code"), "200");
}

TEST_F(Observed, durations_by_method_route_and_status) {
  auto& client = connect();
  for (int i = 0; i < 3; ++i) exchange(client, get("/items/1"));
  exchange(client, get("/fail"));
  auto metrics = provider->metrics().collect();
  ASSERT_EQ(metrics.size(), 2U);
  EXPECT_EQ(metrics[0].name, "http.server.active_requests");
  ASSERT_EQ(metrics[0].points.size(), 1U);
  EXPECT_EQ(metrics[0].points[0].value, 0);
  metrics.erase(metrics.begin());
  EXPECT_EQ(metrics[0].name, "http.server.request.duration");
  EXPECT_EQ(metrics[0].unit, "s");
  EXPECT_EQ(metrics[0].boundaries.size(), 14U);
  ASSERT_EQ(metrics[0].points.size(), 2U);
  const auto& ok = metrics[0].points[0].count == 3 ? metrics[0].points[0] : metrics[0].points[1];
  const auto& failed = metrics[0].points[0].count == 3 ? metrics[0].points[1] : metrics[0].points[0];
  EXPECT_EQ(json::to_string(ok.attributes.root()),
            R"({"http.request.method":"GET","http.response.status_code":200,"http.route":"/items/{id}","url.scheme":"http"})");
  EXPECT_EQ(failed.attributes.find("error.type").text(), "500");
}

TEST_F(Observed, requests_in_hand_are_counted_by_method_and_scheme) {
  std::vector<Exchange*> held;
  sink.routes[2] = [&](Exchange& e) { held.push_back(&e); };
  for (int i = 0; i < 2; ++i) exchange(connect(), get("/later"));
  const auto count = [&] {
    const auto metrics = provider->metrics().collect();
    EXPECT_EQ(metrics.at(0).name, "http.server.active_requests");
    EXPECT_EQ(metrics[0].points.size(), 1U);
    EXPECT_EQ(json::to_string(metrics[0].points.at(0).attributes.root()), R"({"http.request.method":"GET","url.scheme":"http"})");
    return metrics[0].points[0].value;
  };
  EXPECT_EQ(count(), 2);
  held.at(0)->reply({.status = 200});
  turn();
  EXPECT_EQ(count(), 1);
  held.at(1)->reply({.status = 200});
  turn();
  EXPECT_EQ(count(), 0);
}

TEST_F(Observed, streams_cut_by_either_side_are_counted_apart) {
  Exchange* held = nullptr;
  sink.routes[2] = [&](Exchange& e) {
    e.start(200, {});
    held = &e;
  };
  exchange(connect(), get("/later"));
  held->abort();
  turn();
  auto& client = connect();
  exchange(client, get("/later"));
  client.transport->close(true);
  turn();
  held->end();
  turn();
  std::vector<std::string> kinds;
  const auto collected = provider->metrics().collect();
  for (const auto& point : collected.at(1).points) kinds.emplace_back(point.attributes.find("error.type").text());
  std::sort(kinds.begin(), kinds.end());
  EXPECT_EQ(kinds, (std::vector<std::string>{"aborted", "cancelled"}));
}

TEST_F(Observed, own_paths_are_not_observed_and_metrics_are_served) {
  auto& client = connect();
  EXPECT_EQ(status(exchange(client, get("/healthz"))), 200);
  const std::string answer = exchange(client, get("/metrics", "Accept: text/plain\r\n"));
  EXPECT_EQ(body(answer), "accept text/plain");
  EXPECT_NE(answer.find("Content-Type: text/plain; version=0.0.4"), std::string::npos) << answer;
  EXPECT_TRUE(memory->spans().empty());
}

TEST_F(ServerTest, without_telemetry_the_headers_trace_is_handed_on) {
  serve(R"({"routes": [{"method": "GET", "path": "/x"}]})");
  telemetry::SpanContext seen;
  sink.routes[0] = [&](Exchange& e) {
    seen = e.trace();
    e.reply({.status = 200});
  };
  exchange(connect(), get("/x", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"));
  EXPECT_EQ(telemetry::hex(seen.span_id), "00f067aa0ba902b7");
}

}  // namespace
}  // namespace spikard::http::test
