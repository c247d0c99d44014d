#pragma once

#include <algorithm>
#include <cstdint>

#include "tasks/job.hpp"

namespace spikard::tasks {

/// The state of a rate limit in one number (GCRA): the instant, in µs since the epoch, at which the bucket would be full again.
struct RateState {
  std::int64_t full_at_us = 0;

  /// How many may begin now.
  [[nodiscard]] std::uint32_t allowed(const RateLimit& limit, Millis now) const noexcept {
    if (limit.count == 0) return UINT32_MAX;
    const std::int64_t room = now * 1000 + burst_us(limit) - std::max(full_at_us, now * 1000);
    return room <= 0 ? 0 : static_cast<std::uint32_t>(std::min<std::int64_t>(room / interval_us(limit), UINT32_MAX));
  }
  void take(const RateLimit& limit, Millis now, std::uint32_t count) noexcept {
    if (limit.count != 0 && count != 0) full_at_us = std::max(full_at_us, now * 1000) + interval_us(limit) * count;
  }
  /// When one may begin.
  [[nodiscard]] Millis next(const RateLimit& limit) const noexcept {
    return (full_at_us + interval_us(limit) - burst_us(limit) + 999) / 1000;
  }

 private:
  [[nodiscard]] static std::int64_t interval_us(const RateLimit& limit) noexcept {
    return std::max<std::int64_t>(limit.period_ms * 1000 / limit.count, 1);
  }
  [[nodiscard]] static std::int64_t burst_us(const RateLimit& limit) noexcept {
    return interval_us(limit) * (limit.burst != 0 ? limit.burst : limit.count);
  }
};

}  // namespace spikard::tasks
