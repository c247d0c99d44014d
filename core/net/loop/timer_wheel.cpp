#include "net/loop/timer_wheel.hpp"

#include <algorithm>
#include <bit>

namespace spikard::net::detail {
namespace {
constexpr std::uint64_t range = std::uint64_t{1} << 36;  // ticks that all levels hold
}

void TimerWheel::link(Timer*& head, Timer& timer) {
  timer.next_ = head;
  timer.prev_ = &head;
  if (head != nullptr) head->prev_ = &timer.next_;
  head = &timer;
}

void TimerWheel::unlink(Timer& timer) {
  *timer.prev_ = timer.next_;
  if (timer.next_ != nullptr) timer.next_->prev_ = timer.prev_;
  timer.next_ = nullptr;
  timer.prev_ = nullptr;
  if (timer.slot_ != no_slot && slots_[timer.slot_] == nullptr)
    occupied_[timer.slot_ / 64] &= ~(std::uint64_t{1} << (timer.slot_ % 64));
}

void TimerWheel::place(Timer& timer) {
  // Far timers wait in the farthest slot and are placed again when it comes.
  const std::uint64_t tick = std::min(timer.tick_, elapsed_ + range - 1);
  std::uint64_t differing = (elapsed_ ^ tick) | 63;
  if (differing >= range) differing = range - 1;
  const unsigned level = (63U - static_cast<unsigned>(std::countl_zero(differing))) / 6;
  const unsigned slot = (tick >> (level * 6)) & 63;
  timer.slot_ = static_cast<std::uint16_t>(level * 64 + slot);
  link(slots_[timer.slot_], timer);
  occupied_[level] |= std::uint64_t{1} << slot;
}

void TimerWheel::insert(Timer& timer, std::uint64_t tick) {
  timer.tick_ = std::max(tick, elapsed_ + 1);
  timer.armed_ = true;
  place(timer);
  ++count_;
  next_ = std::min(next_, timer.tick_);
}

void TimerWheel::remove(Timer& timer) {
  unlink(timer);
  timer.armed_ = false;
  --count_;
}

std::uint64_t TimerWheel::first_slot(unsigned& level, unsigned& slot) const noexcept {
  std::uint64_t best = never;
  for (unsigned l = 0; l < levels; ++l) {
    if (occupied_[l] == 0) continue;
    const unsigned shift = l * 6;
    const auto here = static_cast<unsigned>(elapsed_ >> shift) & 63;
    // The slot we stand in can only hold what comes after a full turn (the last level).
    const std::uint64_t others = std::rotr(occupied_[l], static_cast<int>(here)) & ~std::uint64_t{1};
    const unsigned ahead = others != 0 ? static_cast<unsigned>(std::countr_zero(others)) : 64;
    const std::uint64_t start = ((elapsed_ >> shift) + ahead) << shift;
    if (start < best) {
      best = start;
      level = l;
      slot = (here + ahead) & 63;
    }
  }
  return best;
}

int TimerWheel::run(std::uint64_t now) {
  int fired = 0;
  if (now < next_) return 0;
  unsigned level = 0;
  unsigned slot = 0;
  for (;;) {
    const std::uint64_t start = first_slot(level, slot);
    if (start > now) break;
    elapsed_ = start;
    const unsigned index = level * 64 + slot;
    Timer* list = slots_[index];
    slots_[index] = nullptr;
    occupied_[level] &= ~(std::uint64_t{1} << slot);
    while (list != nullptr) {
      Timer& timer = *list;
      list = timer.next_;
      if (timer.tick_ <= start) {
        timer.slot_ = no_slot;
        link(due_, timer);
      } else {
        place(timer);
      }
    }
    while (due_ != nullptr) {
      Timer& timer = *due_;
      unlink(timer);
      timer.armed_ = false;
      --count_;
      ++fired;
      firing_ = &timer;
      Function<void()> fn = std::move(timer.fn_);  // the callback may destroy its timer
      fn();
      if (firing_ == &timer) timer.fn_ = std::move(fn);
      firing_ = nullptr;
    }
  }
  elapsed_ = std::max(elapsed_, now);
  next_ = first_slot(level, slot);
  return fired;
}

}  // namespace spikard::net::detail
