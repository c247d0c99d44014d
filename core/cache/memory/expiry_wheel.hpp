#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "cache/memory/slots.hpp"

namespace spikard::cache::memory {

/// When entries are to be removed: a hierarchical timer wheel over the slots of one shard. Adding and removing is O(1), and so is
/// moving the time, amortised. Coarse (1 s): whether an entry is still to be seen is decided by the clock when it is read.
class ExpiryWheel {
 public:
  ExpiryWheel(Slots& slots, Millis now) noexcept : slots_(slots), lists_(slots), now_(now) {}

  void add(std::uint32_t i, Millis due) noexcept {
    lists_.push_back(head_for(due), i);
    slots_[i].timed = 1;
    ++size_;
  }
  void remove(std::uint32_t i) noexcept {
    lists_.remove(i);
    slots_[i].timed = 0;
    --size_;
  }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// Whether moving to `now` would look at anything.
  [[nodiscard]] bool turns(Millis now) const noexcept { return now >> shift[0] > now_ >> shift[0]; }

  /// Moves to `now`. `due_of(i)` is when slot i is due; `expire(i)` removes it, and removes it from here.
  template <class DueOf, class Expire>
  void advance(Millis now, DueOf due_of, Expire expire) {
    const Millis before = now_;
    if (now <= before) return;
    now_ = now;
    for (std::size_t level = 0; level < levels; ++level) {
      const Millis from = before >> shift[level];
      const Millis to = now >> shift[level];
      if (to <= from) break;
      const Millis steps = std::min<Millis>(to - from + 1, static_cast<Millis>(width[level]));
      for (Millis tick = from; tick < from + steps; ++tick) sweep(head_at(level, tick), now, due_of, expire);
    }
  }

 private:
  static constexpr std::size_t levels = 5;
  static constexpr std::array<unsigned, levels> shift{10, 16, 22, 27, 30};  // 1 s, 66 s, 70 min, 37 h, 12.4 d
  static constexpr std::array<std::uint32_t, levels> width{64, 64, 32, 8, 1};
  static constexpr std::array<std::uint32_t, levels> first{0, 64, 128, 160, 168};
  static constexpr std::size_t heads = 169;

  [[nodiscard]] static std::uint32_t head_at(std::size_t level, Millis tick) noexcept {
    return first[level] + static_cast<std::uint32_t>(static_cast<std::uint64_t>(tick) & (width[level] - 1));
  }
  [[nodiscard]] std::uint32_t head_for(Millis due) const noexcept {
    const Millis away = due > now_ ? due - now_ : 0;
    for (std::size_t level = 0; level + 1 < levels; ++level) {
      if (away < Millis{1} << shift[level + 1]) return head_at(level, std::max(due, now_) >> shift[level]);
    }
    return first[levels - 1];
  }
  template <class DueOf, class Expire>
  void sweep(std::uint32_t head, Millis now, DueOf& due_of, Expire& expire) {
    // Those that are not due go to where they belong now, which may be this list again: end at the last one there is.
    const std::uint32_t last = lists_.back(head);
    if (last == none) return;
    for (std::uint32_t i = lists_.front(head);;) {
      const std::uint32_t following = lists_.next(i);
      const bool ends = i == last;
      const Millis due = due_of(i);
      if (due <= now) {
        expire(i);
      } else {
        remove(i);
        add(i, due);
      }
      if (ends) return;
      i = following;
    }
  }

  Slots& slots_;
  SlotLists<&Slot::wheel_prev, &Slot::wheel_next, heads> lists_;
  Millis now_;
  std::uint32_t size_ = 0;
};

}  // namespace spikard::cache::memory
