#include "cache/memory/policy.hpp"

#include <algorithm>
#include <cmath>

namespace spikard::cache::memory {

namespace {
constexpr double main_share = 0.99;
constexpr double protected_share = 0.80;
constexpr double restart_change = 0.05;
constexpr double step_share = 0.0625;
constexpr double step_decay = 0.98;
constexpr unsigned transfers_at_once = 1000;
// A candidate this frequent that was refused is let in one time in 128, so that a collision of the sketch cannot be used to keep
// the cache full of what nobody wants.
constexpr unsigned hash_flood_frequency = 6;
}  // namespace

Policy::Policy(Slots& slots, std::uint64_t max_weight, bool by_entries, std::uint64_t seed) noexcept
    : slots_(slots),
      queues_(slots),
      max_weight_(max_weight),
      by_entries_(by_entries),
      step_(-step_share * static_cast<double>(max_weight)),
      random_(seed | 1U) {
  const auto main = static_cast<std::uint64_t>(main_share * static_cast<double>(max_weight));
  window_max_ = max_weight - main;
  main_max_ = static_cast<std::uint64_t>(protected_share * static_cast<double>(main));
}

void Policy::added(std::uint32_t i) {
  const std::uint32_t weight = slots_[i].weight;
  weight_ += weight;
  window_weight_ += weight;
  if (weight_ >= max_weight_ / 2) sketch_.ensure_capacity(by_entries_ ? max_weight_ : slots_.size());
  sketch_.increment(slots_[i].hash);
  ++misses_in_sample_;
  slots_[i].queue = static_cast<std::uint32_t>(Queue::window);
  queues_.push_back(static_cast<std::uint32_t>(Queue::window), i);
}

void Policy::promote(std::uint32_t i) noexcept {
  move(i, Queue::main);
  main_weight_ += slots_[i].weight;
  demote_protected();
}

void Policy::reweighed(std::uint32_t i, std::uint32_t weight) noexcept {
  Slot& slot = slots_[i];
  const std::uint64_t before = slot.weight;
  weight_ = weight_ - before + weight;
  if (slot.queue == static_cast<std::uint32_t>(Queue::window)) window_weight_ = window_weight_ - before + weight;
  if (slot.queue == static_cast<std::uint32_t>(Queue::main)) main_weight_ = main_weight_ - before + weight;
  slot.weight = weight & max_weight_of_one;
}

void Policy::removed(std::uint32_t i) noexcept {
  const Slot& slot = slots_[i];
  weight_ -= slot.weight;
  if (slot.queue == static_cast<std::uint32_t>(Queue::window)) window_weight_ -= slot.weight;
  if (slot.queue == static_cast<std::uint32_t>(Queue::main)) main_weight_ -= slot.weight;
  queues_.remove(i);
}

void Policy::move(std::uint32_t i, Queue to) noexcept {
  queues_.remove(i);
  slots_[i].queue = static_cast<std::uint32_t>(to);
  queues_.push_back(static_cast<std::uint32_t>(to), i);
}

std::uint32_t Policy::spill_window(std::uint32_t keep) noexcept {
  std::uint32_t first = none;
  for (std::uint32_t i = front(Queue::window); i != none && window_weight_ > window_max_;) {
    const std::uint32_t following = queues_.next(i);
    if (i != keep) {
      move(i, Queue::probation);
      window_weight_ -= slots_[i].weight;
      if (first == none) first = i;
    }
    i = following;
  }
  return first;
}

std::uint32_t Policy::skip(std::uint32_t i, std::uint32_t keep) const noexcept {
  return i == keep && i != none ? queues_.next(i) : i;
}

std::uint32_t Policy::next_victim(Search& search, std::uint32_t keep) noexcept {
  if (!search.begun) {
    search.begun = true;
    search.victim = front(Queue::probation);
  }
  for (;;) {
    if (search.candidate == none && !search.window_searched) {
      search.window_searched = true;
      search.candidate = front(Queue::window);
    }
    search.candidate = skip(search.candidate, keep);
    search.victim = skip(search.victim, keep);
    if (search.candidate == none && search.victim == none) {
      if (search.victims == Queue::probation) {
        search.victims = Queue::main;
      } else if (search.victims == Queue::main) {
        search.victims = Queue::window;
      } else {
        return none;
      }
      search.victim = front(search.victims);
      continue;
    }
    bool take_candidate = search.victim == none;
    if (search.candidate != none && search.victim != none) {
      if (search.candidate == search.victim) {
        const std::uint32_t out = search.victim;
        search.victim = queues_.next(out);
        search.candidate = none;
        return out;
      } else {
        take_candidate = !admit(search.candidate, search.victim);
      }
      if (!take_candidate) {  // it is in: the next candidate meets the next victim
        const std::uint32_t out = search.victim;
        search.victim = queues_.next(out);
        search.candidate = queues_.next(search.candidate);
        return out;
      }
    }
    std::uint32_t& from = take_candidate ? search.candidate : search.victim;
    const std::uint32_t out = from;
    from = queues_.next(out);
    return out;
  }
}

bool Policy::admit(std::uint32_t candidate, std::uint32_t victim) noexcept {
  const unsigned wanted = sketch_.frequency(slots_[candidate].hash);
  if (wanted > sketch_.frequency(slots_[victim].hash)) return true;
  if (wanted < hash_flood_frequency) return false;
  random_ ^= random_ << 13U;
  random_ ^= random_ >> 7U;
  random_ ^= random_ << 17U;
  return (random_ & 127U) == 0;
}

void Policy::adapt() noexcept {
  if (!sketch_.counts()) {
    hits_in_sample_ = misses_in_sample_ = 0;
    return;
  }
  const std::uint64_t requests = hits_in_sample_ + misses_in_sample_;
  const double hit_rate = static_cast<double>(hits_in_sample_) / static_cast<double>(requests);
  const double change = hit_rate - previous_hit_rate_;
  const double amount = change >= 0 ? step_ : -step_;
  step_ = std::abs(change) >= restart_change ? step_share * static_cast<double>(max_weight_) * (amount >= 0 ? 1 : -1)
                                             : step_decay * amount;
  previous_hit_rate_ = hit_rate;
  hits_in_sample_ = misses_in_sample_ = 0;

  demote_protected();
  if (amount >= 1) grow_window(static_cast<std::uint64_t>(amount));
  if (amount <= -1) shrink_window(static_cast<std::uint64_t>(-amount));
}

void Policy::grow_window(std::uint64_t quota) noexcept {
  quota = std::min(quota, main_max_);
  main_max_ -= quota;
  window_max_ += quota;
  demote_protected();
  for (unsigned n = 0; n < transfers_at_once; ++n) {
    std::uint32_t i = front(Queue::probation);
    if (i == none || quota < slots_[i].weight) i = front(Queue::main);
    if (i == none || quota < slots_[i].weight) return;  // what is left comes in as it is set
    const std::uint32_t weight = slots_[i].weight;
    if (slots_[i].queue == static_cast<std::uint32_t>(Queue::main)) main_weight_ -= weight;
    move(i, Queue::window);
    window_weight_ += weight;
    quota -= weight;
  }
}

void Policy::shrink_window(std::uint64_t quota) noexcept {
  if (window_max_ <= 1) return;
  quota = std::min(quota, window_max_ - 1);
  main_max_ += quota;
  window_max_ -= quota;
  for (unsigned n = 0; n < transfers_at_once; ++n) {
    const std::uint32_t i = front(Queue::window);
    if (i == none || quota < slots_[i].weight) return;
    const std::uint32_t weight = slots_[i].weight;
    move(i, Queue::probation);
    window_weight_ -= weight;
    quota -= weight;
  }
}

void Policy::demote_protected() noexcept {
  for (unsigned n = 0; n < transfers_at_once && main_weight_ > main_max_; ++n) {
    const std::uint32_t i = front(Queue::main);
    if (i == none) return;
    move(i, Queue::probation);
    main_weight_ -= slots_[i].weight;
  }
}

}  // namespace spikard::cache::memory
