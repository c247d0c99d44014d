#include "app/telemetry.hpp"

#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "app/application.hpp"
#include "app/telemetry_operations.hpp"
#include "base/json.hpp"
#include "telemetry/propagation.hpp"

namespace spikard::app {
namespace {

constexpr std::string_view parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

struct TelemetryOperationsTest : ::testing::Test {
  RealClock clock;
  log::Logger logger{nullptr, clock};
  services::Manifest manifest;
  std::unique_ptr<Telemetry> telemetry;
  std::unique_ptr<TelemetryOperations> operations;

  void open(services::TelemetryExporter exporter = services::TelemetryExporter::memory) {
    manifest.telemetry.exporter = exporter;
    telemetry = Telemetry::create(manifest, {}, clock, logger).value();
    operations = std::make_unique<TelemetryOperations>(*telemetry);
  }
  Result<Document> call(Operation operation, const std::string& args, const telemetry::SpanContext& trace = {}) {
    const Document document = json::parse(args).value();
    auto result = operations->call_now_for(trace, operation, document.root());
    return result ? *std::move(result) : Result<Document>(internal_error("not at once"));
  }
  std::string ok(Operation operation, const std::string& args, const telemetry::SpanContext& trace = {}) {
    auto result = call(operation, args, trace);
    return result.ok() ? json::to_string(result->root()) : result.error().message();
  }
};

TEST_F(TelemetryOperationsTest, SpansOfAHostJoinTheTrace) {
  open();
  const auto trace = telemetry::extract(parent, "a=1", "b=2");
  EXPECT_EQ(ok(Operation::telemetry_context, "{}", trace),
            R"({"traceparent":")" + std::string(parent) + R"(","tracestate":"a=1","baggage":"b=2"})");
  const auto begun =
      call(Operation::telemetry_start_span, R"({"name":"work","kind":"client","attributes":{"n":1,"l":["x"]}})", trace);
  ASSERT_TRUE(begun.ok());
  EXPECT_EQ(begun->root().find("span").as_int(), 1);
  const std::string inner(begun->root().find("traceparent").text());
  EXPECT_EQ(inner.substr(3, 32), parent.substr(3, 32));
  const auto child = call(Operation::telemetry_start_span, R"({"name":"inner","traceparent":")" + inner + "\"}", trace);
  EXPECT_EQ(ok(Operation::telemetry_end_span, R"({"span":2})"), "{}");
  EXPECT_EQ(
      ok(Operation::telemetry_end_span,
         R"({"span":1,"name":"renamed","attributes":{"m":true},"events":[{"name":"e","time_unix_nano":5,"attributes":{"x":1}}],"status":"error","message":"bad"})"),
      "{}");
  EXPECT_EQ(ok(Operation::telemetry_end_span, R"({"span":1})"), "{}");
  const auto spans = call(Operation::telemetry_take_spans, "{}");
  ASSERT_EQ(spans->root().find("spans").size(), 2U);
  const Value one = spans->root().find("spans").at(1);
  EXPECT_EQ(one.find("name").text(), "renamed");
  EXPECT_EQ(one.find("kind").text(), "client");
  EXPECT_EQ(one.find("status").text(), "error");
  EXPECT_EQ(one.find("parent_span_id").text(), "00f067aa0ba902b7");
  EXPECT_EQ(json::to_string(one.find("attributes")), R"({"n":1,"l":["x"],"m":true})");
  EXPECT_EQ(json::to_string(one.find("events")), R"([{"name":"e","time_unix_nano":5,"attributes":{"x":1}}])");
  EXPECT_EQ(spans->root().find("spans").at(0).find("parent_span_id").text(), inner.substr(36, 16));
  EXPECT_EQ(spans->root().find("spans").at(0).find("trace_state").text(), "a=1");
}

TEST_F(TelemetryOperationsTest, LogsAndMetrics) {
  open();
  EXPECT_EQ(
      ok(Operation::telemetry_log, R"({"message":"hello","level":"warn","attributes":{"n":1}})", telemetry::extract(parent)),
      "{}");
  const auto logs = call(Operation::telemetry_take_logs, "{}");
  EXPECT_EQ(logs->root().find("logs").at(0).find("trace_id").text(), parent.substr(3, 32));
  EXPECT_EQ(ok(Operation::telemetry_add, R"({"name":"c","value":2,"attributes":{"a":"b"}})"), "{}");
  EXPECT_EQ(ok(Operation::telemetry_add, R"({"name":"c","attributes":{"a":"b"}})"), "{}");
  EXPECT_EQ(ok(Operation::telemetry_record, R"({"name":"h","value":0.5,"unit":"s","boundaries":[1,2]})"), "{}");
  const auto metrics = call(Operation::telemetry_collect_metrics, "{}");
  EXPECT_EQ(metrics->root().find("metrics").size(), 2U);
  EXPECT_EQ(metrics->root().find("metrics").at(0).find("points").at(0).find("value").as_double(), 3);
}

TEST_F(TelemetryOperationsTest, WrongArgumentsAreNamed) {
  open();
  const std::pair<Operation, const char*> wrong[] = {
      {Operation::telemetry_start_span, R"({"kind":"x","name":"n"})"},
      {Operation::telemetry_start_span, "{}"},
      {Operation::telemetry_start_span, R"({"name":"n","traceparent":"00"})"},
      {Operation::telemetry_end_span, R"({"span":"1"})"},
      {Operation::telemetry_end_span, R"({"span":1,"status":"good"})"},
      {Operation::telemetry_end_span, R"({"span":1,"events":{}})"},
      {Operation::telemetry_end_span, R"({"span":1,"events":[{"name":"e","time_unix_nano":"now"}]})"},
      {Operation::telemetry_log, R"({"message":"m","level":"off"})"},
      {Operation::telemetry_add, R"({"name":"c","value":-1})"},
      {Operation::telemetry_record, R"({"name":"h"})"},
      {Operation::telemetry_record, R"({"name":"h","value":1,"boundaries":[2,1]})"},
      {Operation::telemetry_parse_baggage, R"({"values":"x"})"}};
  for (const auto& [operation, args] : wrong) {
    const auto result = call(operation, args);
    ASSERT_FALSE(result.ok()) << args;
    EXPECT_EQ(result.error().kind(), ErrorKind::invalid_argument);
    EXPECT_NE(result.error().message().find(": expected "), std::string::npos) << result.error().message();
  }
}

TEST_F(TelemetryOperationsTest, OffHandsContextsOn) {
  open(services::TelemetryExporter::none);
  EXPECT_EQ(ok(Operation::telemetry_start_span, R"({"name":"n"})", telemetry::extract(parent)),
            R"({"span":0,"traceparent":")" + std::string(parent) + "\"}");
  EXPECT_EQ(call(Operation::telemetry_take_spans, "{}").error().kind(), ErrorKind::unsupported);
  EXPECT_EQ(ok(Operation::telemetry_add, R"({"name":"c"})"), "{}");
  EXPECT_EQ(ok(Operation::telemetry_parse_traceparent, R"({"value":"00"})"), R"({"value":null})");
}

struct NoLog final : log::Sink {
  void write(log::Level, std::string_view) noexcept override {}
};

TEST(ApplicationTelemetry, InvalidConfigurationStopsTheStart) {
  ApplicationOptions options;
  options.log_sink = std::make_shared<NoLog>();
  options.environment = {{"OTEL_TRACES_SAMPLER", "sometimes"}};
  const auto created = Application::create({}, std::move(options));
  ASSERT_FALSE(created.ok());
  EXPECT_TRUE(created.error().message().starts_with("OTEL_TRACES_SAMPLER: expected ")) << created.error().message();
}

/// A collector that accepts and says nothing: the drain takes its flush and no longer, and says what was lost.
TEST(ApplicationTelemetry, BlackHoledCollectorEndsWithTheFlush) {
  auto hole = net::ReservedAddress::reserve({}).value();
  const auto listener = hole.listen().value();  // never accepts
  services::Manifest manifest;
  manifest.handle_signals = false;
  manifest.shutdown.flush_ms = 200;
  manifest.telemetry.exporter = services::TelemetryExporter::otlp_http;
  manifest.telemetry.endpoint = "http://" + hole.address();
  ApplicationOptions options;
  options.log_sink = std::make_shared<NoLog>();
  auto application = Application::create(std::move(manifest), std::move(options)).value();
  std::promise<int> ended;
  std::thread thread([&] { ended.set_value(application->run([](IoUnit&) { return nullptr; }).value()); });
  for (int i = 0; i < 10; ++i) application->telemetry().tracer().start("s", telemetry::SpanKind::internal, {}).end();
  while (application->state() < State::ready) std::this_thread::yield();
  const RealClock clock;
  const Instant before = clock.now();
  application->drain();
  EXPECT_EQ(ended.get_future().get(), 0);
  EXPECT_LT(clock.now() - before, std::chrono::milliseconds(1500));
  thread.join();
  const auto counts = application->telemetry().otlp()->spans();
  EXPECT_EQ(counts.ended, 10U);
  EXPECT_EQ(counts.failed + counts.dropped, 10U);
}

}  // namespace
}  // namespace spikard::app
