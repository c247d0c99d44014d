#pragma once

#include <chrono>

namespace spikard {

using Duration = std::chrono::nanoseconds;
/// A point of an application's monotonic time. Its zero means nothing.
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;
/// A point of civil time, UTC.
using WallTime = std::chrono::sys_time<Duration>;

/// Where time comes from: one clock for all loops of an application. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Instant now() const noexcept = 0;
  [[nodiscard]] virtual WallTime wall() const noexcept = 0;
  /// True: time moves only when a test moves it, and loops must not wait for it (net/virtual_clock.hpp).
  [[nodiscard]] virtual bool is_virtual() const noexcept { return false; }
};

/// The machine's clocks. One immutable instance serves every application.
class RealClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const noexcept override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] WallTime wall() const noexcept override {
    return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  }
};

}  // namespace spikard
