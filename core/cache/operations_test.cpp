#include "cache/operations.hpp"

#include <string>

#include <gtest/gtest.h>

#include "base/json.hpp"
#include "cache/registry.hpp"
#include "net/virtual_clock.hpp"
#include "telemetry/memory_exporter.hpp"

namespace spikard::cache {

namespace {

class OperationsTest : public testing::Test {
 protected:
  OperationsTest() : loop_(std::move(net::Loop::create(clock_)).value()) { loop_->turn(0); }

  Operations open(telemetry::Tracer tracer = {}) {
    Environment environment(clock_);
    environment.tracer = std::move(tracer);
    return Operations(std::move(cache::open(services::CacheConfig(), environment)).value());
  }
  static std::string text(const Result<Document>& result) {
    if (!result.ok()) return std::string(name_of(result.error().kind())) + ": " + result.error().message();
    return render(result->root());
  }
  /// JSON, with bytes as text.
  static std::string render(Value v) {
    if (v.is(NodeType::bytes)) return "b'" + std::string(v.text()) + "'";
    if (v.is_array() || v.is_object()) {
      std::string out = v.is_array() ? "[" : "{";
      if (v.is_array()) {
        for (const Value one : v.elements()) out += (out.size() > 1 ? "," : "") + render(one);
      } else {
        for (const auto& [key, value] : v.members()) out += (out.size() > 1 ? "," : "") + std::string(key) + ":" + render(value);
      }
      return out + (v.is_array() ? "]" : "}");
    }
    return json::to_string(v);
  }
  static Document args(std::string_view text) {
    Result<Document> parsed = json::parse(text);
    EXPECT_TRUE(parsed.ok()) << text;
    return std::move(parsed).value();
  }
  /// At once, or "later".
  std::string now(Operations& target, Operation operation, std::string_view json) {
    const Document document = args(json);
    const auto result = target.call_now(operation, document.root());
    return result ? text(*result) : "later";
  }
  std::shared_ptr<std::string> later(Operations& target, Operation operation, std::string_view json, CancelToken token = {}) {
    auto out = std::make_shared<std::string>();
    spawn(target.call(net::Caller(*loop_), operation, args(json), nullptr).with_token(std::move(token)),
          [out](const std::exception_ptr& error, std::optional<Result<Document>> result) {
            *out = error ? "exception" : text(*result);
          });
    return out;
  }
  void advance(std::chrono::milliseconds by) {
    bool done = false;
    clock_.advance(by, [&] { done = true; });
    while (!done) loop_->turn(0);
  }

  net::VirtualClock clock_;
  std::unique_ptr<net::Loop> loop_;
};

}  // namespace

TEST_F(OperationsTest, Everything_of_memory_is_answered_at_once) {
  Operations target = open();
  using enum Operation;
  EXPECT_EQ(now(target, cache_get, R"({"key": "k"})"), "{value:null}");
  EXPECT_EQ(now(target, cache_set, R"({"key": "k", "value": "v", "ttl_ms": 1000, "tags": ["t"]})"), "{}");
  EXPECT_EQ(now(target, cache_get, R"({"key": "k", "namespace": ""})"), "{value:b'v'}");
  EXPECT_EQ(now(target, cache_get, R"({"key": "k", "namespace": "n"})"), "{value:null}");
  EXPECT_EQ(now(target, cache_exists, R"({"key": "k"})"), "{value:true}");
  EXPECT_EQ(now(target, cache_ttl, R"({"key": "k"})"), "{value:1000}");
  EXPECT_EQ(now(target, cache_touch, R"({"key": "k", "forever": true})"), "{value:true}");
  EXPECT_EQ(now(target, cache_ttl, R"({"key": "k"})"), "{value:null}");
  EXPECT_EQ(now(target, cache_increment, R"({"key": "n", "by": -3})"), "{value:-3}");
  EXPECT_EQ(now(target, cache_set_if_absent, R"({"key": "k", "value": "w"})"), "{value:false}");
  EXPECT_EQ(now(target, cache_delete_if, R"({"key": "k", "equals": "w"})"), "{value:false}");
  EXPECT_EQ(now(target, cache_set_many, R"({"items": {"a": "1", "b": "2"}})"), "{}");
  EXPECT_EQ(now(target, cache_get_many, R"({"keys": ["b", "x", "a"]})"), "{value:[b'2',null,b'1']}");
  EXPECT_EQ(now(target, cache_count, R"({})"), "{value:4}");
  EXPECT_EQ(now(target, cache_invalidate_tags, R"({"tags": ["t"]})"), "{}");
  EXPECT_EQ(now(target, cache_count, R"({})"), "{value:3}");
  EXPECT_EQ(now(target, cache_delete, R"({"key": "a"})"), "{value:true}");
  EXPECT_EQ(now(target, cache_clear, R"({})"), "{}");
  EXPECT_EQ(now(target, cache_stats, R"({})"),
            "{hits:3,misses:3,evictions:0,expirations:0,loads:0,load_failures:0,entries:0,weight:0,max_weight:67108864}");
  EXPECT_EQ(now(target, test_settle, R"({})").substr(0, 12), "unsupported:");
  EXPECT_EQ(*later(target, cache_get, R"({"key": "k"})"), "{value:null}") << "and by call";
}

TEST_F(OperationsTest, Bad_arguments_name_the_member) {
  Operations target = open();
  using enum Operation;
  EXPECT_EQ(now(target, cache_get, "{}"), "invalid_argument: key: expected text");
  EXPECT_EQ(now(target, cache_get, R"({"key": 1})"), "invalid_argument: key: expected text");
  EXPECT_EQ(now(target, cache_get, R"({"key": "k", "ky": 1})"), "invalid_argument: unknown argument `ky`");
  EXPECT_EQ(now(target, cache_get, "[]"), "invalid_argument: arguments: expected an object");
  EXPECT_EQ(now(target, cache_set, R"({"key": "k"})"), "invalid_argument: value: expected text or bytes");
  for (const std::string_view wrong : {"0", "-1", "1.5", "\"1\""}) {
    EXPECT_EQ(now(target, cache_set, R"({"key": "k", "value": "v", "ttl_ms": )" + std::string(wrong) + "}"),
              "invalid_argument: ttl_ms: expected whole milliseconds, at least 1");
  }
  EXPECT_EQ(now(target, cache_set, R"({"key": "k", "value": "v", "ttl_ms": 1, "forever": true})"),
            "invalid_argument: forever: expected false beside ttl_ms");
  EXPECT_EQ(now(target, cache_set, R"({"key": "k", "value": "v", "weight": -1})"),
            "invalid_argument: weight: expected 0 to 4294967295");
  EXPECT_EQ(now(target, cache_set, R"({"key": "k", "value": "v", "tags": [1]})"),
            "invalid_argument: tags: expected a list of texts");
  EXPECT_EQ(now(target, cache_set, R"({"key": "k", "value": "v", "ttl_ms": 18446744073709551615})"), "{}");
  EXPECT_EQ(now(target, cache_increment, R"({"key": "n", "by": 1.5})"), "invalid_argument: by: expected an integer of 64 bits");
  EXPECT_EQ(now(target, cache_end_load, R"({"flight": 1, "outcome": "done"})"),
            "invalid_argument: outcome: expected value, absent, failed or given_up");
  EXPECT_EQ(now(target, cache_end_load, R"({"flight": 1, "outcome": "value"})"),
            "invalid_argument: value: expected text or bytes");
  EXPECT_EQ(now(target, cache_end_load, R"({"outcome": "absent"})"),
            "invalid_argument: flight: expected the number from cache.get_or_begin_load");
  EXPECT_EQ(now(target, cache_get_or_begin_load, R"({"key": "k", "wait_ms": 0})"),
            "invalid_argument: wait_ms: expected whole milliseconds, at least 1");
}

TEST_F(OperationsTest, A_hosts_get_or_load_is_two_operations) {
  Operations target = open();
  using enum Operation;
  const std::string begin = R"({"key": "k", "ttl_ms": 1000, "early_refresh_ms": 100, "stale_if_error_ms": 500})";
  EXPECT_EQ(now(target, cache_get_or_begin_load, begin), "{state:\"load\",value:null,flight:1}");
  EXPECT_EQ(now(target, cache_get_or_begin_load, begin), "later") << "somebody loads it";
  const auto second = later(target, cache_get_or_begin_load, begin);
  const auto hasty = later(target, cache_get_or_begin_load, R"({"key": "k", "wait_ms": 10})");
  CancelSource cancel;
  const auto cancelled = later(target, cache_get_or_begin_load, begin, cancel.token());
  cancel.cancel();
  advance(std::chrono::milliseconds(10));
  EXPECT_EQ(hasty->substr(0, 8), "timeout:");
  EXPECT_EQ(cancelled->substr(0, 10), "cancelled:");
  EXPECT_EQ(*second, "");
  EXPECT_EQ(now(target, cache_end_load, R"({"flight": 1, "outcome": "value", "value": "v"})"), "{value:b'v'}");
  advance(std::chrono::milliseconds(0));
  EXPECT_EQ(*second, "{state:\"value\",value:b'v',flight:null}");
  EXPECT_EQ(now(target, cache_get_or_begin_load, begin), "{state:\"value\",value:b'v',flight:null}");
  advance(std::chrono::milliseconds(950));
  EXPECT_EQ(now(target, cache_get_or_begin_load, begin), "{state:\"value\",value:b'v',flight:2}") << "near its end";
  EXPECT_EQ(now(target, cache_get_or_begin_load, begin), "{state:\"value\",value:b'v',flight:null}") << "by one only";
  EXPECT_EQ(now(target, cache_end_load, R"({"flight": 2, "outcome": "failed", "message": "down"})"), "{value:b'v'}")
      << "the old one";
  advance(std::chrono::milliseconds(100));
  EXPECT_EQ(now(target, cache_get_or_begin_load, begin), "{state:\"load\",value:null,flight:3}");
  EXPECT_EQ(now(target, cache_end_load, R"({"flight": 3, "outcome": "failed", "message": "down"})"), "{value:b'v'}") << "stale";
  advance(std::chrono::milliseconds(500));
  EXPECT_EQ(now(target, cache_get_or_begin_load, begin), "{state:\"load\",value:null,flight:4}");
  EXPECT_EQ(now(target, cache_end_load, R"({"flight": 4, "outcome": "failed", "message": "down"})"),
            "internal: the load failed: down");
  EXPECT_EQ(now(target, cache_get_or_begin_load, R"({"key": "k", "negative_ttl_ms": 50})"),
            "{state:\"load\",value:null,flight:5}");
  EXPECT_EQ(now(target, cache_end_load, R"({"flight": 5, "outcome": "absent"})"), "{value:null}");
  EXPECT_EQ(now(target, cache_get_or_begin_load, begin), "{state:\"value\",value:null,flight:null}") << "known not to exist";
}

TEST_F(OperationsTest, Spans_say_what_was_done_and_whether_it_hit) {
  auto exporter = std::make_shared<telemetry::MemoryExporter>();
  telemetry::ProviderOptions options(clock_);
  options.exporter = exporter;
  const auto provider = std::make_shared<telemetry::Provider>(std::move(options));
  Operations target = open(telemetry::Tracer(provider));
  using enum Operation;
  EXPECT_EQ(now(target, cache_get, R"({"key": "k"})"), "later") << "only `call` knows the trace";
  EXPECT_EQ(*later(target, cache_get, R"({"key": "k"})"), "{value:null}");
  EXPECT_EQ(*later(target, cache_set, R"({"key": "k", "value": "v"})"), "{}");
  EXPECT_EQ(*later(target, cache_get, R"({"key": "k"})"), "{value:b'v'}");
  EXPECT_EQ(*later(target, cache_increment, R"({"key": "k"})"), "invalid_argument: the value is no integer of 64 bits");
  const Document miss = args(R"({"key": "x"})");
  const telemetry::Span handler = telemetry::Tracer(provider).start("handler", telemetry::SpanKind::server, {});
  EXPECT_EQ(text(*target.call_now_for(handler.context(), cache_get, miss.root())), "{value:null}") << "at once, with its trace";
  const auto spans = exporter->spans();
  ASSERT_EQ(spans.size(), 5U);
  EXPECT_EQ(spans[4].parent_span_id, handler.context().span_id);
  const auto rendered = [&](const telemetry::SpanData& span) {
    NodeBuilder out;
    telemetry::write(out, span, provider->resource());
    return render(out.root().find("attributes"));
  };
  EXPECT_EQ(rendered(spans[0]), "{cache.operation:\"get\",cache.hit:false}");
  EXPECT_EQ(rendered(spans[1]), "{cache.operation:\"set\"}");
  EXPECT_EQ(rendered(spans[2]), "{cache.operation:\"get\",cache.hit:true}");
  EXPECT_NE(rendered(spans[3]).find("error.type:\"not_an_integer\""), std::string::npos);
}

TEST(Registry, An_absent_backend_is_unsupported_and_says_what_adds_it) {
  net::VirtualClock clock;
  const Environment environment(clock);
  services::CacheConfig config;
  config.url = "redis://127.0.0.1";
  Registry registry;  // as in a build without it
  register_memory(registry);
  auto opened = registry.open(config, environment);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().kind(), ErrorKind::unsupported);
  EXPECT_NE(opened.error().message().find("SPIKARD_CACHE_REDIS"), std::string::npos);
  config.url = "memory:x";
  EXPECT_EQ(cache::open(config, environment).error().kind(), ErrorKind::invalid_argument);
  config.url = "nonsense";
  EXPECT_EQ(cache::open(config, environment).error().kind(), ErrorKind::invalid_argument);
}

}  // namespace spikard::cache
