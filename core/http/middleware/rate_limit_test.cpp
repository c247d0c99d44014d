#include "http/middleware/rate_limit.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace spikard::http {
namespace {

using std::chrono::milliseconds;

TEST(RateLimiter, a_bucket_empties_and_refills_with_time) {
  RateLimiter limiter(2, 3, 100);
  const Instant start{};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limiter.take("a", start), 0U) << i;
  EXPECT_EQ(limiter.take("a", start), 1U);
  EXPECT_EQ(limiter.take("b", start), 0U);
  EXPECT_EQ(limiter.take("a", start + milliseconds(499)), 1U);
  EXPECT_EQ(limiter.take("a", start + milliseconds(500)), 0U);
  EXPECT_EQ(limiter.take("a", start + milliseconds(500)), 1U);
  // Not more than the burst, however long it was.
  const Instant later = start + std::chrono::hours(1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limiter.take("a", later), 0U) << i;
  EXPECT_EQ(limiter.take("a", later), 1U);
}

TEST(RateLimiter, the_time_it_tells_is_enough_for_any_rate) {
  for (const double rate : {0.1, 0.3, 0.7, 1.0, 1.0 / 3, 3.0, 1e-3, 1e6}) {
    RateLimiter limiter(rate, 1, 100);
    Instant now{};
    ASSERT_EQ(limiter.take("a", now), 0U);
    for (int i = 0; i < 20; ++i) {
      const std::uint32_t wait = limiter.take("a", now);
      ASSERT_GE(wait, 1U) << rate;
      now += std::chrono::seconds(wait);
      ASSERT_EQ(limiter.take("a", now), 0U) << rate << " after " << wait;
    }
  }
}

TEST(RateLimiter, a_clock_behind_another_loops_takes_nothing_away) {
  RateLimiter limiter(1, 2, 100);
  const Instant start{milliseconds(10000)};
  EXPECT_EQ(limiter.take("a", start), 0U);
  EXPECT_EQ(limiter.take("a", start - milliseconds(50)), 0U);
  EXPECT_EQ(limiter.take("a", start), 1U);
}

TEST(RateLimiter, keys_are_bounded_and_the_one_used_longest_ago_goes) {
  RateLimiter limiter(1, 1, 2);
  const Instant now{};
  EXPECT_EQ(limiter.take("a", now), 0U);
  EXPECT_EQ(limiter.take("b", now), 0U);
  EXPECT_EQ(limiter.take("a", now), 1U);
  EXPECT_EQ(limiter.take("c", now), 0U);  // b goes
  EXPECT_EQ(limiter.take("a", now), 1U);
  EXPECT_EQ(limiter.take("b", now), 0U);
  EXPECT_EQ(limiter.size(), 2U);
  RateLimiter sharded(1, 1, 2048);
  for (int i = 0; i < 20000; ++i) (void)sharded.take(std::to_string(i), now);
  EXPECT_LE(sharded.size(), 2048U);
}

TEST(RateLimiter, threads_share_a_bucket) {
  RateLimiter limiter(1, 1000, 100);
  std::atomic<int> passed{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) passed += limiter.take("a", Instant{}) == 0 ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(passed, 1000);
}

TEST(RateLimiter, address_of_a_peer) {
  EXPECT_EQ(address_of("127.0.0.1:4711"), "127.0.0.1");
  EXPECT_EQ(address_of("[::1]:4711"), "[::1]");
  EXPECT_EQ(address_of("unix:"), "unix:");
  EXPECT_EQ(address_of("memory:"), "memory:");
}

}  // namespace
}  // namespace spikard::http
