#include "worker_loop/memory_source.hpp"

#include <utility>

namespace spikard::worker_loop {

MemorySource::MemorySource(net::Loop& loop, MemorySourceOptions options)
    : loop_(loop), options_(options), arrived_(loop), timer_(loop, [this] { due(); }) {}

Result<void> MemorySource::push(WorkItem item, Duration delay) {
  if (entries_.size() >= options_.capacity) {
    return Error(ErrorKind::rate_limited, "the in-memory queue is full")
        .with_operation("worker.push")
        .with("capacity", std::to_string(options_.capacity));
  }
  const Sequence sequence = next_sequence_++;
  Entry& entry = entries_[sequence];
  entry.item = std::move(item);
  entry.item.id = 0;
  entry.item.delivery_count = 0;
  entry.item.tries = entry.item.failures = 0;
  entry.item.first_error.clear();
  entry.item.enqueued = loop_.clock().wall();
  if (delay > Duration::zero()) wait_until(sequence, entry, loop_.now() + delay);
  else make_ready(sequence, entry);
  return {};
}

void MemorySource::make_ready(Sequence sequence, Entry& entry) {
  if (entry.delivery != 0) deliveries_.erase(std::exchange(entry.delivery, 0));
  ready_.insert(sequence);
  arrived_.set();
}

void MemorySource::wait_until(Sequence sequence, Entry& entry, Instant at) {
  entry.at = at;
  timed_.emplace(at, sequence);
  arm();
}

void MemorySource::arm() {
  if (timed_.empty()) timer_.stop();
  else if (!timer_.armed() || timer_.when() != timed_.begin()->first) timer_.start_at(timed_.begin()->first);
}

void MemorySource::due() {
  const Instant now = loop_.now();
  while (!timed_.empty() && timed_.begin()->first <= now) {
    const Sequence sequence = timed_.begin()->second;
    timed_.erase(timed_.begin());
    Entry& entry = entries_.find(sequence)->second;
    // A lease that ran out: whoever held it died, and that used up a try.
    if (entry.delivery != 0) ++entry.item.tries;
    make_ready(sequence, entry);
  }
  arm();
}

Task<Result<std::vector<WorkItem>>> MemorySource::pull(std::uint32_t max) {
  while (ready_.empty()) {
    arrived_.reset();
    Result<void> waited = co_await arrived_.wait();
    if (!waited.ok()) co_return Result<std::vector<WorkItem>>(std::move(waited).error());
  }
  std::vector<WorkItem> out;
  while (!ready_.empty() && out.size() < max) {
    const Sequence sequence = *ready_.begin();
    ready_.erase(ready_.begin());
    Entry& entry = entries_.find(sequence)->second;
    entry.delivery = next_delivery_++;
    entry.item.id = entry.delivery;
    ++entry.item.delivery_count;
    deliveries_.emplace(entry.delivery, sequence);
    if (options_.lease > Duration::zero()) wait_until(sequence, entry, loop_.now() + options_.lease);
    out.push_back(entry.item);
  }
  co_return Result<std::vector<WorkItem>>(std::move(out));
}

bool MemorySource::settle_one(const Settlement& settlement) {
  const auto known = deliveries_.find(settlement.id);
  if (known == deliveries_.end()) return false;
  const Sequence sequence = known->second;
  const auto at = entries_.find(sequence);
  Entry& entry = at->second;
  using Kind = Settlement::Kind;
  if (settlement.kind != Kind::ack && settlement.kind != Kind::dead_letter) {
    entry.item.tries = settlement.tries;
    entry.item.failures = settlement.failures;
    entry.item.first_error = settlement.first_error;
    entry.item.delivery_count = settlement.delivery_count;
  }
  if (settlement.kind == Kind::keep) return true;
  timed_.erase({entry.at, sequence});
  if (settlement.kind == Kind::again || settlement.kind == Kind::hand_back) {
    if (settlement.after > Duration::zero()) {
      deliveries_.erase(std::exchange(entry.delivery, 0));
      wait_until(sequence, entry, loop_.now() + settlement.after);
    } else {
      make_ready(sequence, entry);
    }
    return true;
  }
  deliveries_.erase(known);
  if (settlement.kind == Kind::dead_letter) {
    if (options_.dead_letters) {
      if (dead_letters_.size() >= options_.dead_letter_capacity && !dead_letters_.empty()) dead_letters_.pop_front();
      entry.item.tries = settlement.tries;
      entry.item.failures = settlement.failures;
      dead_letters_.push_back({std::move(entry.item), settlement.reason, settlement.error, settlement.first_error});
    } else {
      ++dropped_;
    }
  }
  entries_.erase(at);
  return true;
}

Task<Result<std::vector<std::uint64_t>>> MemorySource::settle(std::span<const Settlement> settlements) {
  std::vector<std::uint64_t> not_ours;
  for (const Settlement& settlement : settlements) {
    if (!settle_one(settlement)) not_ours.push_back(settlement.id);
  }
  arm();
  co_return Result<std::vector<std::uint64_t>>(std::move(not_ours));
}

Task<Result<std::vector<std::uint64_t>>> MemorySource::extend(std::span<const std::uint64_t> ids) {
  std::vector<std::uint64_t> not_ours;
  for (const std::uint64_t id : ids) {
    const auto known = deliveries_.find(id);
    if (known == deliveries_.end()) {
      not_ours.push_back(id);
      continue;
    }
    Entry& entry = entries_.find(known->second)->second;
    if (options_.lease <= Duration::zero()) continue;
    timed_.erase({entry.at, known->second});
    entry.at = loop_.now() + options_.lease;
    timed_.emplace(entry.at, known->second);
  }
  arm();
  co_return Result<std::vector<std::uint64_t>>(std::move(not_ours));
}

}  // namespace spikard::worker_loop
