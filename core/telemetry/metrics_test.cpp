#include "telemetry/metrics.hpp"

#include <thread>

#include <gtest/gtest.h>

namespace spikard::telemetry {
namespace {

SpanContext sampled(std::uint8_t id) {
  SpanContext context;
  context.trace_id[15] = id;
  context.span_id[7] = id;
  context.flags = 1;
  return context;
}

TEST(MetricsTest, SumsDistributionsAndObservations) {
  Metrics metrics;
  metrics.counter("c", "1", "count").add(2, {{"b", 1}, {"a", "x"}});
  metrics.counter("c", "1", "count").add(3, {{"a", "x"}, {"b", 1}});
  metrics.counter("c", "1", "count").add(-1);
  UpDownCounter waiting = metrics.up_down_counter("u", "1", "waiting");
  waiting.add(5);
  waiting.add(-2);
  Histogram h = metrics.histogram("h", "s", "durations");
  for (const double v : {0.005, 0.0051, 11.0}) h.record(v);
  metrics.observe(this, "g", "By", "size", MetricType::gauge, [](Observation& o) { o.observe(7, {{"pool", "p"}}); });
  auto all = metrics.collect();
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0].name, "c");
  ASSERT_EQ(all[0].points.size(), 1U);  // the order of attributes makes no other point
  EXPECT_EQ(all[0].points[0].value, 5);
  EXPECT_EQ(all[1].points[0].value, 7);
  EXPECT_EQ(all[2].boundaries.size(), 14U);
  EXPECT_EQ(all[2].points[0].count, 3U);
  EXPECT_EQ(all[2].points[0].buckets[0], 1U);  // upper bounds are inclusive
  EXPECT_EQ(all[2].points[0].buckets[1], 1U);
  EXPECT_EQ(all[2].points[0].buckets[14], 1U);
  EXPECT_EQ(all[3].points[0].value, 3);
  metrics.forget(this);
  EXPECT_EQ(metrics.collect().size(), 3U);
}

TEST(MetricsTest, SumsOfSeveralOwnersAddUp) {
  Metrics metrics;
  int owners[2] = {};
  for (const int& owner : owners) {
    metrics.observe(&owner, "busy", "1", "", MetricType::up_down_counter, [](Observation& o) {
      o.observe(2, {{"kind", "a"}});
      o.observe(1, {{"kind", "b"}});
    });
  }
  const auto all = metrics.collect();
  ASSERT_EQ(all.size(), 1U);
  ASSERT_EQ(all[0].points.size(), 2U);
  EXPECT_EQ(all[0].points[0].value, 4);
  EXPECT_EQ(all[0].points[1].value, 2);
}

TEST(MetricsTest, TooManyAttributeSetsOverflowIntoOne) {
  Metrics metrics(10);
  Counter counter = metrics.counter("c", "1", "");
  for (int i = 0; i < 100; ++i) counter.add(1, {{"i", i}});
  const auto all = metrics.collect();
  ASSERT_EQ(all[0].points.size(), 10U);
  double sum = 0;
  for (const MetricPoint& point : all[0].points) {
    sum += point.value;
    if (point.attributes.find("otel.metric.overflow").exists()) EXPECT_EQ(point.value, 91);
  }
  EXPECT_EQ(sum, 100);
}

TEST(MetricsTest, ThreadsLoseNothing) {
  RealClock clock;
  Metrics metrics(2000, &clock);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      Counter counter = metrics.counter("c", "1", "");
      BoundHistogram bound = metrics.histogram("h", "s", "").bind({{"k", "v"}});
      for (int i = 0; i < 10000; ++i) {
        counter.add(1, {{"i", i % 7}});
        if (i % 2 == 0) bound.record(1, sampled(1));
        else bound.record(1);
        if (i % 1000 == 0) (void)metrics.collect();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto all = metrics.collect();
  double sum = 0;
  for (const MetricPoint& point : all[0].points) sum += point.value;
  EXPECT_EQ(sum, 40000);
  EXPECT_EQ(all[1].points[0].count, 40000U);
  EXPECT_EQ(all[1].points[0].value, 40000);
}

TEST(MetricsTest, HistogramsKeepTheLastSampledMeasurementOfEachBucket) {
  struct Still final : Clock {
    Instant now() const noexcept override { return Instant(); }
    WallTime wall() const noexcept override { return WallTime(std::chrono::seconds(7)); }
  } clock;
  Metrics metrics(2000, &clock);
  const double bounds[] = {1, 2};
  Histogram histogram = metrics.histogram("h", "s", "", bounds);
  histogram.record(0.5, {}, sampled(1));
  EXPECT_EQ(metrics.collect()[0].points[0].exemplars.size(), 3U);
  histogram.record(0.7, {}, sampled(2));
  SpanContext unsampled = sampled(3);
  unsampled.flags = 0;
  histogram.record(0.9, {}, unsampled);
  histogram.record(1.5, {}, SpanContext());
  histogram.record(9, {}, sampled(4));
  const auto all = metrics.collect();
  const auto& exemplars = all[0].points[0].exemplars;
  ASSERT_EQ(exemplars.size(), 3U);
  ASSERT_TRUE(exemplars[0] && exemplars[2]);
  EXPECT_FALSE(exemplars[1]);
  EXPECT_EQ(exemplars[0]->value, 0.7);
  EXPECT_EQ(exemplars[0]->trace_id[15], 2);
  EXPECT_EQ(exemplars[0]->at, WallTime(std::chrono::seconds(7)));
  EXPECT_EQ(exemplars[2]->span_id[7], 4);
  histogram.record(3, {{"plain", true}});
  EXPECT_TRUE(metrics.collect()[0].points[1].exemplars.empty());
  Metrics none;
  none.histogram("h", "s", "").record(1, {}, sampled(1));
  EXPECT_TRUE(none.collect()[0].points[0].exemplars.empty());
}

TEST(MetricsTest, NullInstrumentsDoNothing) {
  Counter().add();
  UpDownCounter().add(1);
  Histogram().record(1.0);
  BoundHistogram().record(1);
  Histogram().bind().record(1);
}

}  // namespace
}  // namespace spikard::telemetry
