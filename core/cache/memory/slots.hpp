#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "cache/backend.hpp"
#include "cache/payload.hpp"

namespace spikard::cache::memory {

/// Links are numbers of slots; the high bit marks the head of a list.
inline constexpr std::uint32_t end_bit = 0x8000'0000U;
inline constexpr std::uint32_t none = 0xffff'ffffU;
inline constexpr std::uint32_t max_weight_of_one = (1U << 29U) - 1;

enum class Queue : std::uint8_t { window, probation, main };

/// An entry: 48 bytes beside its block.
struct Slot {
  detail::Block* block = nullptr;  ///< null: free
  Millis expires = forever;        ///< on the clock
  std::uint32_t hash = 0;
  std::uint32_t chain = none;  ///< next of the same bucket, or next free
  std::uint32_t queue_prev = none;
  std::uint32_t queue_next = none;
  std::uint32_t wheel_prev = none;
  std::uint32_t wheel_next = none;
  std::uint32_t tags = none;
  std::uint32_t weight : 29 = 0;
  std::uint32_t queue : 2 = 0;
  std::uint32_t timed : 1 = 0;  ///< is in the wheel
};
static_assert(sizeof(Slot) == 48);

/// Slots by number, in chunks that never move: growth copies nothing.
class Slots {
 public:
  [[nodiscard]] Slot& operator[](std::uint32_t i) noexcept { return chunks_[i / chunk][i % chunk]; }
  [[nodiscard]] const Slot& operator[](std::uint32_t i) const noexcept { return chunks_[i / chunk][i % chunk]; }
  /// One past the highest number ever taken.
  [[nodiscard]] std::uint32_t end() const noexcept { return end_; }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }

  [[nodiscard]] std::uint32_t take() {
    std::uint32_t i = free_;
    if (i != none) {
      free_ = (*this)[i].chain;
    } else {
      if (end_ % chunk == 0) chunks_.push_back(std::make_unique<Slot[]>(chunk));
      i = end_++;
    }
    ++size_;
    return i;
  }
  void give_back(std::uint32_t i) noexcept {
    Slot& slot = (*this)[i];
    slot = Slot{};
    slot.chain = free_;
    free_ = i;
    --size_;
  }

 private:
  static constexpr std::uint32_t chunk = 128;
  std::vector<std::unique_ptr<Slot[]>> chunks_;
  std::uint32_t free_ = none;
  std::uint32_t end_ = 0;
  std::uint32_t size_ = 0;
};

/// Doubly linked lists of slots over one pair of their links.
template <std::uint32_t Slot::* Prev, std::uint32_t Slot::* Next, std::size_t Heads>
class SlotLists {
 public:
  explicit SlotLists(Slots& slots) noexcept : slots_(slots) {
    for (std::uint32_t h = 0; h < Heads; ++h) heads_[h] = {end_bit | h, end_bit | h};
  }

  void push_back(std::uint32_t head, std::uint32_t i) noexcept {
    const std::uint32_t at = end_bit | head;
    const std::uint32_t last = heads_[head].prev;
    slots_[i].*Prev = last;
    slots_[i].*Next = at;
    next_of(last) = i;
    heads_[head].prev = i;
  }
  void remove(std::uint32_t i) noexcept {
    const std::uint32_t before = slots_[i].*Prev;
    const std::uint32_t after = slots_[i].*Next;
    next_of(before) = after;
    prev_of(after) = before;
  }
  void move_to_back(std::uint32_t head, std::uint32_t i, Slot& slot) noexcept {
    const std::uint32_t before = slot.*Prev;
    const std::uint32_t after = slot.*Next;
    next_of(before) = after;
    prev_of(after) = before;
    const std::uint32_t last = heads_[head].prev;
    slot.*Prev = last;
    slot.*Next = end_bit | head;
    next_of(last) = i;
    heads_[head].prev = i;
  }
  [[nodiscard]] static bool is_last(const Slot& slot) noexcept { return (slot.*Next & end_bit) != 0; }
  /// `none` at the end.
  [[nodiscard]] std::uint32_t front(std::uint32_t head) const noexcept { return checked(heads_[head].next); }
  [[nodiscard]] std::uint32_t back(std::uint32_t head) const noexcept { return checked(heads_[head].prev); }
  [[nodiscard]] std::uint32_t next(std::uint32_t i) const noexcept { return checked(slots_[i].*Next); }

 private:
  struct Head {
    std::uint32_t prev;
    std::uint32_t next;
  };
  [[nodiscard]] static std::uint32_t checked(std::uint32_t i) noexcept { return (i & end_bit) != 0 ? none : i; }
  [[nodiscard]] std::uint32_t& next_of(std::uint32_t i) noexcept {
    return (i & end_bit) != 0 ? heads_[i & ~end_bit].next : slots_[i].*Next;
  }
  [[nodiscard]] std::uint32_t& prev_of(std::uint32_t i) noexcept {
    return (i & end_bit) != 0 ? heads_[i & ~end_bit].prev : slots_[i].*Prev;
  }

  Slots& slots_;
  std::array<Head, Heads> heads_;
};

}  // namespace spikard::cache::memory
