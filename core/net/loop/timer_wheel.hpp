#pragma once

#include <array>
#include <cstdint>

#include "net/loop/loop.hpp"

namespace spikard::net::detail {

/// Hierarchical timing wheel: 6 levels of 64 slots, a level-0 slot is one millisecond, so all of it is 2.1 years (later times
/// wait in the last level and go round again). Insert and remove are O(1); a timer moves down at most five times. Occupied slots
/// are bits, so the next time is found without a scan.
class TimerWheel {
 public:
  static constexpr std::uint64_t never = ~std::uint64_t{0};

  void insert(Timer& timer, std::uint64_t tick);
  void remove(Timer& timer);
  /// Fires what is due at `now`, oldest tick first, in no order within a tick. Timers started meanwhile are due a tick later at
  /// the earliest. Returns how many.
  int run(std::uint64_t now);
  /// Not after the first timer's tick; it may be before it (of a slot not yet spread out, or a timer that was stopped). `never`
  /// when empty.
  [[nodiscard]] std::uint64_t next() const noexcept { return next_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  /// The timer that is being destroyed must not be touched after its callback.
  void forget(const Timer& timer) noexcept {
    if (firing_ == &timer) firing_ = nullptr;
  }

 private:
  static constexpr unsigned levels = 6;
  static constexpr std::uint16_t no_slot = 0xffff;
  void place(Timer& timer);
  static void link(Timer*& head, Timer& timer);
  void unlink(Timer& timer);
  [[nodiscard]] std::uint64_t first_slot(unsigned& level, unsigned& slot) const noexcept;

  std::array<std::uint64_t, levels> occupied_{};
  std::array<Timer*, levels * 64> slots_{};
  Timer* due_ = nullptr;
  Timer* firing_ = nullptr;
  std::uint64_t elapsed_ = 0;
  std::uint64_t next_ = never;
  std::uint64_t count_ = 0;
};

}  // namespace spikard::net::detail
