#pragma once

#include <atomic>
#include <map>
#include <thread>
#include <utility>

#include "net/loop/loop.hpp"
#include "net/virtual_clock.hpp"

namespace spikard::net::detail {

/// A loop's timers under a virtual clock, in time order; the clock's mutex guards the map, the loop's thread alone changes it.
class VirtualTimers {
 public:
  VirtualTimers(VirtualClock& clock, Loop& loop);
  ~VirtualTimers();
  VirtualTimers(const VirtualTimers&) = delete;
  VirtualTimers& operator=(const VirtualTimers&) = delete;

  /// The clock asks and posts no more.
  void detach();
  void insert(Timer& timer);
  void remove(Timer& timer);
  void forget(const Timer& timer) noexcept {
    if (firing_ == &timer) firing_ = nullptr;
  }
  /// Fires the first timer if it is (still) due.
  bool fire_first();

  // What the clock asks, under its mutex.
  [[nodiscard]] bool empty() const noexcept { return timers_.empty(); }
  [[nodiscard]] std::pair<Instant, std::uint64_t> first() const { return timers_.begin()->first; }
  Loop& loop;
  std::atomic<bool> in_turn{false};
  std::atomic<std::thread::id> thread{};

 private:
  VirtualClock& clock_;
  std::map<std::pair<Instant, std::uint64_t>, Timer*> timers_;
  Timer* firing_ = nullptr;
};

}  // namespace spikard::net::detail
