#include "telemetry/metrics.hpp"

#include <thread>

#include <gtest/gtest.h>

namespace spikard::telemetry {
namespace {

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
  Metrics metrics;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      Counter counter = metrics.counter("c", "1", "");
      BoundHistogram bound = metrics.histogram("h", "s", "").bind({{"k", "v"}});
      for (int i = 0; i < 10000; ++i) {
        counter.add(1, {{"i", i % 7}});
        bound.record(1);
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

TEST(MetricsTest, NullInstrumentsDoNothing) {
  Counter().add();
  UpDownCounter().add(1);
  Histogram().record(1.0);
  BoundHistogram().record(1);
  Histogram().bind().record(1);
}

}  // namespace
}  // namespace spikard::telemetry
