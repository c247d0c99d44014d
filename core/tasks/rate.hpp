#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "tasks/job.hpp"

namespace spikard::tasks {

/// The state of a rate limit in one number (GCRA): the instant, in µs since the epoch, at which the bucket would be full again.
struct RateState {
  std::int64_t full_at_us = 0;

  /// How many may begin now.
  [[nodiscard]] std::uint32_t allowed(const RateLimit& limit, Millis now) const noexcept {
    if (limit.count == 0) return UINT32_MAX;
    const std::int64_t room = burst_us(limit) - std::max<std::int64_t>(full_at_us - now * 1000, 0);
    return room <= 0 ? 0 : static_cast<std::uint32_t>(std::min<std::int64_t>(room / interval_us(limit), UINT32_MAX));
  }
  void take(const RateLimit& limit, Millis now, std::uint32_t count) noexcept {
    if (limit.count != 0 && count != 0) full_at_us = plus(std::max(full_at_us, now * 1000), times(interval_us(limit), count));
  }
  /// When one may begin.
  [[nodiscard]] Millis next(const RateLimit& limit) const noexcept {
    const std::int64_t at = plus(full_at_us - burst_us(limit), interval_us(limit));
    return at / 1000 + (at % 1000 > 0 ? 1 : 0);
  }

 private:
  // Periods go up to the year 9999 and counts to 2^32: what is beyond all instants stays there.
  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
  [[nodiscard]] static std::int64_t plus(std::int64_t a, std::int64_t b) noexcept { return a > never - b ? never : a + b; }
  [[nodiscard]] static std::int64_t times(std::int64_t a, std::uint32_t b) noexcept { return a > never / b ? never : a * b; }
  [[nodiscard]] static std::int64_t interval_us(const RateLimit& limit) noexcept {
    return std::max<std::int64_t>(times(limit.period_ms, 1000) / limit.count, 1);
  }
  [[nodiscard]] static std::int64_t burst_us(const RateLimit& limit) noexcept {
    return times(interval_us(limit), limit.burst != 0 ? limit.burst : limit.count);
  }
};

}  // namespace spikard::tasks
