#include "telemetry/span.hpp"

#include <set>

#include <gtest/gtest.h>

#include "base/json.hpp"
#include "telemetry/memory_exporter.hpp"
#include "telemetry/propagation.hpp"
#include "telemetry/provider.hpp"

namespace spikard::telemetry {
namespace {

class ManualClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const noexcept override { return at; }
  [[nodiscard]] WallTime wall() const noexcept override { return WallTime(std::chrono::hours(1)) + at.time_since_epoch(); }
  Instant at{std::chrono::seconds(5)};
};

struct SpanTest : ::testing::Test {
  ManualClock clock;
  std::shared_ptr<MemoryExporter> memory = std::make_shared<MemoryExporter>();
  std::shared_ptr<Provider> make(Sampler sampler = {}) {
    ProviderOptions options(clock);
    options.exporter = memory;
    options.sampler = sampler;
    options.span_attributes = 4;
    return std::make_shared<Provider>(std::move(options));
  }
};

std::string json_of(const Attributes& attributes) {
  std::string text;
  json::Writer(text).write(attributes.root());
  return text;
}

TEST(AttributesTest, EveryTypeAndTheLastOfAName) {
  Attributes attributes;
  EXPECT_TRUE(attributes.root().is_object());
  const std::vector<std::string> list{"x", "y"};
  const std::int64_t numbers[] = {1, 2};
  attributes.set("s", "text");
  attributes.set("i", 42);
  attributes.set("d", 0.5);
  attributes.set("b", true);
  attributes.set("l", list);
  attributes.set("n", std::span<const std::int64_t>(numbers));
  attributes.set("i", 43);
  EXPECT_EQ(json_of(attributes), R"({"s":"text","i":42,"d":0.5,"b":true,"l":["x","y"],"n":[1,2],"i":43})");
  EXPECT_EQ(attributes.find("i").as_int(), 43);
  attributes.replace("i", 44);
  EXPECT_EQ(json_of(attributes), R"({"s":"text","d":0.5,"b":true,"l":["x","y"],"n":[1,2],"i":44})");
  attributes.clear();
  EXPECT_EQ(json_of(attributes), "{}");
}

TEST_F(SpanTest, NullTracerHandsTheParentOn) {
  Tracer tracer;
  const SpanContext parent = extract("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  Span span = tracer.start("x", SpanKind::client, parent, {{"a", 1}});
  span.set("k", "v");
  span.fail(invalid_argument("no"));
  EXPECT_FALSE(span.recording());
  EXPECT_EQ(span.context().span_id, parent.span_id);
}

TEST_F(SpanTest, ChildOfARemoteParentWithTimesEventsAndStatus) {
  Tracer tracer(make());
  SpanContext parent = extract("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "a=1", "b=2");
  {
    Span span = tracer.start("work", SpanKind::client, parent, {{"a", 1}, {"b", "two"}});
    clock.at += std::chrono::milliseconds(3);
    span.event("half", {{"n", 1}});
    clock.at += std::chrono::milliseconds(4);
    span.fail(Error(ErrorKind::conflict, "taken").with_detail("unique_violation"));
    EXPECT_EQ(span.context().trace_id, parent.trace_id);
    EXPECT_NE(span.context().span_id, parent.span_id);
    EXPECT_EQ(*span.context().state, "a=1");
    EXPECT_EQ(*span.context().baggage, "b=2");
    span.set("c", 1);
    span.set("over", 1);
  }
  const auto spans = memory->take_spans();
  ASSERT_EQ(spans.size(), 1U);
  const SpanData& span = spans[0];
  EXPECT_EQ(span.name, "work");
  EXPECT_EQ(span.parent_span_id, parent.span_id);
  EXPECT_TRUE(span.parent_remote);
  EXPECT_EQ(span.end - span.start, std::chrono::milliseconds(7));
  EXPECT_EQ(span.status, SpanStatus::error);
  EXPECT_EQ(span.attributes.find("error.type").text(), "unique_violation");
  EXPECT_EQ(span.dropped_attributes, 1U);
  ASSERT_EQ(span.events.size(), 2U);
  EXPECT_EQ(span.events[0].time - span.start, std::chrono::milliseconds(3));
  EXPECT_EQ(span.events[1].name, "exception");
  EXPECT_EQ(span.events[1].attributes.find("exception.message").text(), "taken");
}

TEST_F(SpanTest, SamplersDecideAndWhatIsNotSampledStillHasAContext) {
  const SpanContext yes = extract("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  const SpanContext no = extract("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
  const auto records = [&](Sampler sampler, const SpanContext& parent) {
    auto provider = make(sampler);
    Span span = provider->start("x", SpanKind::server, parent);
    EXPECT_TRUE(span.context().valid());
    EXPECT_EQ(span.context().sampled(), span.recording());
    return span.recording();
  };
  EXPECT_FALSE(records({.root = Sampler::Root::always_off, .parent_based = false}, yes));
  EXPECT_TRUE(records({.root = Sampler::Root::always_on, .parent_based = false}, no));
  EXPECT_FALSE(records({.root = Sampler::Root::always_on}, no));
  EXPECT_TRUE(records({.root = Sampler::Root::always_off}, yes));
  EXPECT_FALSE(records({.root = Sampler::Root::always_off}, {}));
  EXPECT_FALSE(records({.root = Sampler::Root::ratio, .parent_based = false, .ratio = 0}, yes));
  EXPECT_TRUE(records({.root = Sampler::Root::ratio, .parent_based = false, .ratio = 1}, no));
  int sampled = 0;
  auto provider = make({.root = Sampler::Root::ratio, .ratio = 0.25});
  for (int i = 0; i < 10000; ++i) sampled += provider->start("x", SpanKind::server, {}).recording() ? 1 : 0;
  EXPECT_NEAR(sampled, 2500, 250);
}

TEST_F(SpanTest, IdsAreNeverTheSame) {
  auto provider = make();
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const Span span = provider->start("x", SpanKind::internal, {});
    EXPECT_TRUE(seen.insert(hex(span.context().trace_id)).second);
    EXPECT_TRUE(seen.insert(hex(span.context().span_id)).second);
  }
}

TEST_F(SpanTest, MovedSpanEndsOnce) {
  auto provider = make();
  Span a = provider->start("x", SpanKind::internal, {});
  Span b = std::move(a);
  a.end();
  a = std::move(b);
  a.end();
  a.end();
  EXPECT_EQ(memory->spans().size(), 1U);
}

TEST_F(SpanTest, LogRecordsKnowTheirSpanAndHideSecrets) {
  struct Lines final : log::Sink {
    void write(log::Level, std::string_view line) noexcept override { text += line; }
    std::string text;
  };
  auto lines = std::make_shared<Lines>();
  log::Logger logger(lines, clock);
  const SpanContext context = extract("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  Logger(&logger, make()).log(context, log::Level::warn, "hello", {{"n", 1}, {"password", "x"}});
  EXPECT_NE(lines->text.find(
                R"("n":1,"password":"[redacted]","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7")"),
            std::string::npos)
      << lines->text;
  const auto records = memory->take_logs();
  ASSERT_EQ(records.size(), 1U);
  NodeBuilder out;
  write(out, records[0]);
  EXPECT_EQ(out.root().find("severity").text(), "WARN");
  EXPECT_EQ(out.root().find("attributes").find("password").text(), "[redacted]");
  EXPECT_EQ(out.root().find("trace_id").text(), "4bf92f3577b34da6a3ce929d0e0e4736");
}

TEST_F(SpanTest, MemoryFormIsWhatFixturesName) {
  auto provider = make();
  provider->start("GET /items/{id}", SpanKind::server, {}, {{"a", 1}, {"a", 2}}).end();
  NodeBuilder out;
  write(out, memory->spans()[0], provider->resource());
  EXPECT_EQ(out.root().find("kind").text(), "server");
  EXPECT_TRUE(out.root().find("parent_span_id").is_null());
  EXPECT_EQ(out.root().find("attributes").size(), 1U);
  EXPECT_EQ(out.root().find("attributes").find("a").as_int(), 2);
}

TEST(AttributesTest, KnowWhetherANameMayStandTwice) {
  Attributes attributes;
  EXPECT_FALSE(attributes.maybe_twice());
  for (const std::string_view key :
       {"http.request.method", "http.route", "url.path", "url.scheme", "url.query", "network.protocol.version", "server.address",
        "server.port", "client.address", "network.peer.address", "network.peer.port", "user_agent.original",
        "http.response.status_code", "error.type", ""})
    attributes.set(key, 1);
  EXPECT_FALSE(attributes.maybe_twice()) << "the names of a server's span are told apart";
  attributes.set("server.port", 2);
  EXPECT_TRUE(attributes.maybe_twice());
  attributes.clear();
  EXPECT_FALSE(attributes.maybe_twice());
  attributes.set("\xff", 1);
  attributes.set("\xfe", 2);
  EXPECT_TRUE(attributes.maybe_twice()) << "both are kept as U+FFFD";
  attributes.clear();
  for (int i = 0; i < 300; ++i) attributes.set("k" + std::to_string(i), i);
  EXPECT_TRUE(attributes.maybe_twice()) << "more names than bits";
}

}  // namespace
}  // namespace spikard::telemetry
