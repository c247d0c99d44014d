#include "messaging/memory/group.hpp"

#include <algorithm>

namespace spikard::messaging::memory {

void Group::join(const std::shared_ptr<Waker>& waker, bool ordered) {
  consumers_.push_back(waker);
  if (ordered == ordered_) return;
  ordered_ = ordered;
  queue_keys();
}

void Group::wake_all(Wakers& wake) {
  for (const std::shared_ptr<Waker>& consumer : consumers_) {
    if (std::exchange(consumer->waiting, false)) wake.push_back(consumer);
  }
}

void Group::make_ready(Position position, Entry& entry) {
  if (entry.delivery != 0) deliveries_.erase(std::exchange(entry.delivery, 0));
  entry.state = State::ready;
  again_.insert(position);
}

void Group::add(StoredPtr stored, Wakers& wake) {
  const Position position = stored->position;
  Entry& entry = entries_[position];
  entry.stored = std::move(stored);
  if (ordered_ && entry.stored->message.key) {
    std::deque<Position>& queue = keys_[*entry.stored->message.key];
    queue.push_back(position);
    if (queue.size() > 1) {
      entry.state = State::blocked;
      return;
    }
  }
  fresh_.push_back(position);
  wake_all(wake);
}

void Group::skip_to(Position from) {
  std::erase_if(entries_, [&](const auto& one) {
    const auto& [position, entry] = one;
    const bool waits = entry.state == State::ready || entry.state == State::blocked;
    if (position < from && (entry.deliveries > 0 || !waits)) return false;
    if (!waits) at_.erase({entry.at, position});
    if (entry.delivery != 0) deliveries_.erase(entry.delivery);
    again_.erase(position);
    return true;
  });
  fresh_.clear();  // every one of them is gone
  queue_keys();
}

void Group::drop(Position position, Wakers& wake) {
  const auto found = entries_.find(position);
  if (found == entries_.end()) return;
  const Entry& entry = found->second;
  if (entry.state == State::delayed || entry.state == State::out) at_.erase({entry.at, position});
  if (entry.delivery != 0) deliveries_.erase(entry.delivery);
  again_.erase(position);
  if (const auto fresh = std::lower_bound(fresh_.begin(), fresh_.end(), position); fresh != fresh_.end() && *fresh == position)
    fresh_.erase(fresh);
  const StoredPtr stored = entry.stored;
  entries_.erase(found);
  if (ordered_ && stored->message.key) next_of_key(*stored->message.key, position, wake);
}

// From nothing: the order of keys was switched, or messages went from the middle.
void Group::queue_keys() {
  keys_.clear();
  std::vector<Position> positions;
  positions.reserve(entries_.size());
  for (const auto& [position, entry] : entries_) positions.push_back(position);
  std::sort(positions.begin(), positions.end());
  for (const Position position : positions) {
    Entry& entry = entries_.find(position)->second;
    bool blocked = false;
    if (ordered_ && entry.stored->message.key) {
      std::deque<Position>& queue = keys_[*entry.stored->message.key];
      queue.push_back(position);
      blocked = queue.size() > 1;
    }
    if (blocked && entry.state == State::ready) {
      entry.state = State::blocked;
      again_.erase(position);
    } else if (!blocked && entry.state == State::blocked) {
      make_ready(position, entry);
    }
  }
  std::erase_if(fresh_, [this](Position position) { return entries_.find(position)->second.state != State::ready; });
}

void Group::due(Instant now) {
  while (!at_.empty() && at_.begin()->first <= now) {
    const Position position = at_.begin()->second;
    at_.erase(at_.begin());
    Entry& entry = entries_.find(position)->second;
    // A lease that ran out: whoever held it died, and that used up a try.
    if (entry.state == State::out) ++entry.tries;
    make_ready(position, entry);
  }
}

std::optional<Position> Group::next_ready() {
  if (!again_.empty() && (fresh_.empty() || *again_.begin() < fresh_.front())) {
    const Position position = *again_.begin();
    again_.erase(again_.begin());
    return position;
  }
  if (fresh_.empty()) return std::nullopt;
  const Position position = fresh_.front();
  fresh_.pop_front();
  return position;
}

std::vector<worker_loop::WorkItem> Group::take(std::uint32_t max, Instant now, Duration lease, std::optional<Instant>& next) {
  due(now);
  std::vector<worker_loop::WorkItem> out;
  while (out.size() < max) {
    const std::optional<Position> position = next_ready();
    if (!position) break;
    Entry& entry = entries_.find(*position)->second;
    entry.state = State::out;
    entry.delivery = next_delivery_++;
    entry.at = now + lease;
    ++entry.deliveries;
    deliveries_.emplace(entry.delivery, *position);
    at_.emplace(entry.at, *position);

    const Stored& stored = *entry.stored;
    worker_loop::WorkItem& item = out.emplace_back();
    item.id = entry.delivery;
    item.position = *position;
    item.name = stored.message.topic;
    item.payload = stored.message.payload;
    if (stored.message.key) {
      item.key = *stored.message.key;
      item.has_key = true;
    }
    item.headers = stored.message.headers;
    item.delivery_count = entry.deliveries;
    item.tries = entry.tries;
    item.failures = entry.failures;
    item.first_error = entry.first_error;
    item.enqueued = stored.published;
  }
  if (out.empty() && !at_.empty()) next = at_.begin()->first;
  return out;
}

bool Group::settle(const worker_loop::Settlement& settlement, Instant now, StoredPtr& dead, Wakers& wake) {
  using Kind = worker_loop::Settlement::Kind;
  const auto known = deliveries_.find(settlement.id);
  if (known == deliveries_.end()) return false;
  const Position position = known->second;
  const auto found = entries_.find(position);
  Entry& entry = found->second;
  if (settlement.kind == Kind::ack || settlement.kind == Kind::dead_letter) {
    at_.erase({entry.at, position});
    deliveries_.erase(known);
    const StoredPtr stored = std::move(entry.stored);
    entries_.erase(found);
    if (ordered_ && stored->message.key) next_of_key(*stored->message.key, position, wake);
    if (settlement.kind == Kind::dead_letter) dead = stored;
    return true;
  }
  entry.tries = settlement.tries;
  entry.failures = settlement.failures;
  entry.first_error = settlement.first_error;
  entry.deliveries = settlement.delivery_count;
  if (settlement.kind == Kind::keep) return true;
  at_.erase({entry.at, position});
  if (settlement.after > Duration::zero()) {
    deliveries_.erase(std::exchange(entry.delivery, 0));
    entry.state = State::delayed;
    entry.at = now + settlement.after;
    at_.emplace(entry.at, position);
  } else {
    make_ready(position, entry);
  }
  wake_all(wake);  // for a delay too: who waits must wait until then
  return true;
}

void Group::next_of_key(const std::string& key, Position done, Wakers& wake) {
  const auto queue = keys_.find(key);
  if (queue == keys_.end()) return;
  std::erase(queue->second, done);
  if (queue->second.empty()) {
    keys_.erase(queue);
    return;
  }
  const Position next = queue->second.front();
  Entry& entry = entries_.find(next)->second;
  if (entry.state != State::blocked) return;
  make_ready(next, entry);
  wake_all(wake);
}

bool Group::extend(std::uint64_t delivery, Instant until) {
  const auto known = deliveries_.find(delivery);
  if (known == deliveries_.end()) return false;
  Entry& entry = entries_.find(known->second)->second;
  at_.erase({entry.at, known->second});
  entry.at = until;
  at_.emplace(until, known->second);
  return true;
}

GroupInfo Group::info() const {
  GroupInfo out;
  out.name = name_;
  for (const auto& [position, entry] : entries_) {
    if (entry.state == State::out) ++out.in_hand;
    else if (entry.state == State::delayed) ++out.delayed;
    else ++out.waiting;
  }
  return out;
}

}  // namespace spikard::messaging::memory
