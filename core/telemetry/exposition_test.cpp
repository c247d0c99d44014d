#include "telemetry/exposition.hpp"

#include <gtest/gtest.h>

namespace spikard::telemetry {
namespace {

struct ExpositionTest : ::testing::Test {
  Metrics metrics;
  Attributes resource{{"service.name", "a \"b\"\n"}};
  void SetUp() override {
    metrics.counter("orders.created", "{order}", "Orders \\ made").add(3, {{"shop.id", 7}, {"b", true}});
    const double bounds[] = {0.5, 1};
    Histogram h = metrics.histogram("http.server.request.duration", "s", "Duration", bounds);
    h.record(0.2);
    h.record(0.75);
    h.record(9.0);
    metrics.up_down_counter("pool.size", "By", "").add(2.5);
  }
};

TEST_F(ExpositionTest, Prometheus) {
  EXPECT_EQ(
      exposition(metrics.collect(), resource, ExpositionFormat::prometheus),
      "# TYPE target_info gauge\n# HELP target_info Target metadata\ntarget_info{service_name=\"a \\\"b\\\"\\n\"} 1\n"
      "# TYPE http_server_request_duration_seconds histogram\n# HELP http_server_request_duration_seconds Duration\n"
      "http_server_request_duration_seconds_bucket{le=\"0.5\"} 1\nhttp_server_request_duration_seconds_bucket{le=\"1.0\"} 2\n"
      "http_server_request_duration_seconds_bucket{le=\"+Inf\"} 3\nhttp_server_request_duration_seconds_sum 9.95\n"
      "http_server_request_duration_seconds_count 3\n"
      "# TYPE orders_created_total counter\n# HELP orders_created_total Orders \\\\ made\n"
      "orders_created_total{b=\"true\",shop_id=\"7\"} 3.0\n# TYPE pool_size_bytes gauge\npool_size_bytes 2.5\n");
}

TEST_F(ExpositionTest, OpenMetrics) {
  const std::string text = exposition(metrics.collect(), resource, ExpositionFormat::openmetrics);
  EXPECT_TRUE(text.starts_with("# TYPE target info\n")) << text;
  EXPECT_NE(text.find("# TYPE orders_created counter\n# HELP orders_created Orders \\\\ made\norders_created_total{"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("# UNIT http_server_request_duration_seconds seconds\n"), std::string::npos);
  EXPECT_TRUE(text.ends_with("# EOF\n"));
}

TEST(ExpositionExemplars, StandBehindTheirBucketInOpenMetricsOnly) {
  struct Still final : Clock {
    Instant now() const noexcept override { return Instant(); }
    WallTime wall() const noexcept override { return WallTime(std::chrono::milliseconds(1500)); }
  } clock;
  Metrics metrics(2000, &clock);
  const double bounds[] = {1};
  SpanContext context;
  context.trace_id[0] = 0xab;
  context.span_id[0] = 0xcd;
  context.flags = 1;
  metrics.histogram("h", "s", "", bounds).record(2.5, {{"k", "v"}}, context);
  EXPECT_NE(exposition(metrics.collect(), {}, ExpositionFormat::openmetrics)
                .find("h_seconds_bucket{k=\"v\",le=\"1.0\"} 0\n"
                      "h_seconds_bucket{k=\"v\",le=\"+Inf\"} 1 # "
                      "{trace_id=\"ab000000000000000000000000000000\",span_id=\"cd00000000000000\"} "
                      "2.5 1.5\n"),
            std::string::npos);
  EXPECT_EQ(exposition(metrics.collect(), {}, ExpositionFormat::prometheus).find('#', 30), std::string::npos);
}

TEST(ExpositionFormatTest, ByAccept) {
  EXPECT_EQ(exposition_format(""), ExpositionFormat::prometheus);
  EXPECT_EQ(exposition_format("text/html, */*"), ExpositionFormat::prometheus);
  EXPECT_EQ(exposition_format("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
            ExpositionFormat::openmetrics);
  EXPECT_EQ(exposition_format("application/openmetrics-text;q=0.4,text/plain;q=0.5"), ExpositionFormat::prometheus);
}

}  // namespace
}  // namespace spikard::telemetry
