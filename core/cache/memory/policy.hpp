#pragma once

#include <cstdint>

#include "cache/memory/frequency_sketch.hpp"
#include "cache/memory/slots.hpp"

namespace spikard::cache::memory {

/// Which entry goes: W-TinyLFU. A new entry starts in a small window (least recently used first); what falls out of it must have
/// been asked for more often than the next victim of the main part, which is probation and, for what was asked for again, the
/// protected part. How large the window is follows the hit ratio by hill climbing. The rules and constants are Caffeine's
/// (Einziger, Eytan, Friedman, Manes: Adaptive Software Cache Management, 2018), save that the newest entry always stays.
///
/// Of one shard, under its lock. Removing while `evict` runs is done by its callback, which calls `removed`.
class Policy {
 public:
  Policy(Slots& slots, std::uint64_t max_weight, bool by_entries, std::uint64_t seed) noexcept;

  void added(std::uint32_t i);
  void used(std::uint32_t i) noexcept {
    Slot& slot = slots_[i];
    sketch_.increment(slot.hash);
    ++hits_in_sample_;
    const auto queue = static_cast<Queue>(slot.queue);
    if (queue == Queue::probation && slot.weight <= main_max_) {
      promote(i);
    } else if (!queues_.is_last(slot)) {
      queues_.move_to_back(slot.queue, i, slot);
    }
  }
  void reweighed(std::uint32_t i, std::uint32_t weight) noexcept;
  void removed(std::uint32_t i) noexcept;

  /// Evicts while `over()` by `evict(i)`, never `keep`, and lets the window adapt.
  template <class Over, class Evict>
  void evict(std::uint32_t keep, Over over, Evict evict) {
    if (over() || window_weight_ > window_max_) {
      Search search(spill_window(keep));
      while (over()) {
        const std::uint32_t victim = next_victim(search, keep);
        if (victim == none) break;
        evict(victim);
      }
    }
    if (hits_in_sample_ + misses_in_sample_ >= sketch_.sample_size()) adapt();
  }

  [[nodiscard]] std::uint64_t weight() const noexcept { return weight_; }
  [[nodiscard]] std::uint64_t max_weight() const noexcept { return max_weight_; }
  [[nodiscard]] std::uint64_t window_max() const noexcept { return window_max_; }

 private:
  struct Search {
    explicit Search(std::uint32_t first) noexcept : candidate(first) {}
    std::uint32_t candidate;  ///< came out of the window and wants to stay
    std::uint32_t victim = none;
    Queue victims = Queue::probation;
    bool begun = false;
    bool window_searched = false;
  };
  [[nodiscard]] std::uint32_t spill_window(std::uint32_t keep) noexcept;
  [[nodiscard]] std::uint32_t next_victim(Search& search, std::uint32_t keep) noexcept;
  [[nodiscard]] std::uint32_t skip(std::uint32_t i, std::uint32_t keep) const noexcept;
  [[nodiscard]] bool admit(std::uint32_t candidate, std::uint32_t victim) noexcept;
  void promote(std::uint32_t i) noexcept;
  void move(std::uint32_t i, Queue to) noexcept;
  [[nodiscard]] std::uint32_t front(Queue queue) const noexcept { return queues_.front(static_cast<std::uint32_t>(queue)); }
  void adapt() noexcept;
  void grow_window(std::uint64_t quota) noexcept;
  void shrink_window(std::uint64_t quota) noexcept;
  void demote_protected() noexcept;

  Slots& slots_;
  SlotLists<&Slot::queue_prev, &Slot::queue_next, 3> queues_;
  FrequencySketch sketch_;
  const std::uint64_t max_weight_;
  const bool by_entries_;
  std::uint64_t window_max_;
  std::uint64_t main_max_;  // of the protected part
  std::uint64_t weight_ = 0;
  std::uint64_t window_weight_ = 0;
  std::uint64_t main_weight_ = 0;
  std::uint64_t hits_in_sample_ = 0;
  std::uint64_t misses_in_sample_ = 0;
  double previous_hit_rate_ = 0;
  double step_;
  std::uint64_t random_;
};

}  // namespace spikard::cache::memory
