#include "cache/memory/shard.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace spikard::cache::memory {

namespace {

constexpr std::uint32_t looked_at_once = 1024;
constexpr std::size_t copied_in_lock = 256;

Millis later(Millis a, Millis b) noexcept { return a >= forever - b ? forever : a + b; }

}  // namespace

/// Blocks to free once the lock is gone: declare it before the lock.
class Shard::Garbage {
 public:
  Garbage() = default;
  Garbage(const Garbage&) = delete;
  Garbage& operator=(const Garbage&) = delete;
  ~Garbage() {
    for (std::size_t n = 0; n < count_; ++n) few_[n]->release();
    for (detail::Block* block : many_) block->release();
  }
  void add(detail::Block* block) {
    if (count_ < few_.size()) {
      few_[count_++] = block;
    } else {
      many_.push_back(block);
    }
  }

 private:
  std::array<detail::Block*, 4> few_;
  std::size_t count_ = 0;
  std::vector<detail::Block*> many_;
};

/// The clock, read at most once a call, and not at all where nothing has a time.
class Shard::Now {
 public:
  explicit Now(Clock& clock) noexcept : clock_(clock) {}
  /// Milliseconds, rounded down: an entry whose time it is has lived at least as long as it should.
  [[nodiscard]] Millis floor() { return millis_of(at()); }
  /// Rounded up, to count a span from.
  [[nodiscard]] Millis ceil() { return std::chrono::ceil<std::chrono::milliseconds>(at().time_since_epoch()).count(); }

 private:
  Instant at() {
    if (!known_) {
      now_ = clock_.now();
      known_ = true;
    }
    return now_;
  }
  Clock& clock_;
  Instant now_{};
  bool known_ = false;
};

Shard::Shard(Clock& clock, ShardLimits limits, std::uint64_t seed)
    : clock_(clock),
      limits_(limits),
      buckets_(16, none),
      policy_(slots_, limits.entries != 0 ? limits.entries : limits.bytes, limits.entries != 0, seed) {}

Shard::~Shard() {
  for (std::uint32_t i = 0; i < slots_.end(); ++i) {
    if (slots_[i].block != nullptr) slots_[i].block->release();
  }
}

std::uint64_t Shard::bytes_of(const detail::Block& block) const noexcept {
  return entry_overhead + block.space_size + block.key_size + block.value_size;
}

std::uint64_t Shard::weight_of(Key key, const Put& what) const noexcept {
  if (what.weight != 0) return what.weight;
  return limits_.entries != 0 ? 1 : entry_overhead + key.space.size() + key.name.size() + what.value.size();
}

std::uint32_t Shard::lookup(Key key, std::uint32_t hash) const noexcept {
  for (std::uint32_t i = buckets_[hash & (buckets_.size() - 1)]; i != none; i = slots_[i].chain) {
    const Slot& slot = slots_[i];
    if (slot.hash == hash && slot.block->is(key.space, key.name)) return i;
  }
  return none;
}

std::uint32_t Shard::seen(Key key, std::uint32_t hash, Now& now, Garbage& garbage) {
  const std::uint32_t i = lookup(key, hash);
  if (i == none) return none;
  const Slot& slot = slots_[i];
  if (slot.expires != forever && now.floor() >= slot.expires) {
    if (now.floor() >= later(slot.expires, slot.block->extra().grace_ms)) {
      erase(i, garbage);
      ++expirations_;
    }
    return none;
  }
  return slot.block->extra().absent != 0 ? none : i;
}

std::optional<Payload> Shard::get(Key key, std::uint32_t hash) {
  std::unique_lock lock(mutex_);
  const std::uint32_t found = lookup(key, hash);
  if (found == none) {
    ++misses_;
    return std::nullopt;
  }
  const Slot& slot = slots_[found];
  if (slot.expires == forever && slot.block->extended == 0) {
    ++hits_;
    slot.block->retain();
    Payload value(slot.block);
    policy_.used(found);
    return value;
  }
  lock.unlock();
  return get_timed(key, hash);
}

std::optional<Payload> Shard::get_timed(Key key, std::uint32_t hash) {
  Garbage garbage;
  Now now(clock_);
  const std::lock_guard lock(mutex_);
  const std::uint32_t i = seen(key, hash, now, garbage);
  if (i == none) {
    ++misses_;
    return std::nullopt;
  }
  ++hits_;
  policy_.used(i);
  slots_[i].block->retain();
  return Payload(slots_[i].block);
}

std::optional<Found> Shard::find(Key key, std::uint32_t hash, bool counts) {
  Garbage garbage;
  Now now(clock_);
  const std::lock_guard lock(mutex_);
  const std::uint32_t i = lookup(key, hash);
  std::optional<Found> found;
  if (i != none) {
    const Slot& slot = slots_[i];
    const detail::BlockExtra extra = slot.block->extra();
    found.emplace();
    if (slot.expires != forever) found->left = slot.expires - now.floor();
    if (found->left <= -static_cast<Millis>(extra.grace_ms)) {
      erase(i, garbage);
      ++expirations_;
      found.reset();
    } else {
      found->absent = extra.absent != 0;
      slot.block->retain();
      found->value = Payload(slot.block);
    }
  }
  if (!counts) return found;
  if (found && found->left > 0) {
    ++hits_;
    policy_.used(i);
  } else {
    ++misses_;
  }
  return found;
}

std::optional<Millis> Shard::left(Key key, std::uint32_t hash) {
  Garbage garbage;
  Now now(clock_);
  const std::lock_guard lock(mutex_);
  const std::uint32_t i = seen(key, hash, now, garbage);
  if (i == none) return std::nullopt;
  return slots_[i].expires == forever ? forever : slots_[i].expires - now.floor();
}

Result<bool> Shard::put(Key key, std::uint32_t hash, const Put& what, bool if_absent) {
  const std::uint64_t weight = weight_of(key, what);
  const std::uint64_t bytes = entry_overhead + key.space.size() + key.name.size() + what.value.size();
  if (weight > policy_.max_weight() || weight > max_weight_of_one || bytes > max_weight_of_one ||
      (limits_.bytes != 0 && bytes > limits_.bytes)) {
    return Error(ErrorKind::too_large, "the entry is heavier than the cache may hold in one place")
        .with("weight", std::to_string(weight))
        .with("max_weight", std::to_string(std::min(policy_.max_weight(), static_cast<std::uint64_t>(max_weight_of_one))));
  }
  detail::BlockExtra extra;
  extra.grace_ms = static_cast<std::uint32_t>(std::clamp<Millis>(what.grace, 0, UINT32_MAX));
  extra.absent = what.absent ? 1 : 0;
  const bool extended = extra.grace_ms != 0 || extra.absent != 0;
  const auto make = [&] { return detail::Block::make(key.space, key.name, what.value, extended ? &extra : nullptr); };
  // Large ones are copied outside of the lock.
  Payload holder(what.value.size() > copied_in_lock ? make() : nullptr);

  Garbage garbage;
  Now now(clock_);
  const std::lock_guard lock(mutex_);
  turn_wheel(now, garbage);
  if (if_absent && seen(key, hash, now, garbage) != none) return false;
  std::uint32_t i = lookup(key, hash);
  if (i == none) {
    i = insert(hash, holder.size() != 0 ? holder.leave() : make(), static_cast<std::uint32_t>(weight));
  } else if (detail::Block& old = *slots_[i].block;
             holder.size() == 0 && !extended && old.extended == 0 && old.value_size == what.value.size() && old.held_once()) {
    // Nobody looks at the old value, and nobody can begin to.
    old.overwrite(what.value);
    if (slots_[i].weight != weight) policy_.reweighed(i, static_cast<std::uint32_t>(weight));
    policy_.used(i);
  } else {
    replace(i, holder.size() != 0 ? holder.leave() : make(), static_cast<std::uint32_t>(weight), garbage);
  }
  if (what.ttl != forever || slots_[i].expires != forever) set_expiry(i, what.ttl, extra.grace_ms, now);
  if (tags_ != nullptr && slots_[i].tags != none) tags_->remove(i);
  if (!what.tags.empty()) {
    if (tags_ == nullptr) tags_ = std::make_unique<TagIndex>(slots_);
    tags_->add(i, what.tags);
  }
  make_room(i, garbage);
  return true;
}

std::uint32_t Shard::insert(std::uint32_t hash, detail::Block* block, std::uint32_t weight) {
  if (slots_.size() >= buckets_.size()) grow_buckets();
  const std::uint32_t i = slots_.take();
  Slot& slot = slots_[i];
  slot.block = block;
  slot.hash = hash;
  slot.weight = weight & max_weight_of_one;
  std::uint32_t& bucket = buckets_[hash & (buckets_.size() - 1)];
  slot.chain = bucket;
  bucket = i;
  bytes_ += bytes_of(*block);
  policy_.added(i);
  return i;
}

void Shard::replace(std::uint32_t i, detail::Block* block, std::uint32_t weight, Garbage& garbage) {
  Slot& slot = slots_[i];
  bytes_ += bytes_of(*block);
  bytes_ -= bytes_of(*slot.block);
  garbage.add(std::exchange(slot.block, block));
  if (slot.weight != weight) policy_.reweighed(i, weight);
  policy_.used(i);
}

void Shard::erase(std::uint32_t i, Garbage& garbage) {
  Slot& slot = slots_[i];
  std::uint32_t* link = &buckets_[slot.hash & (buckets_.size() - 1)];
  while (*link != i) link = &slots_[*link].chain;
  *link = slot.chain;
  policy_.removed(i);
  if (slot.timed != 0) wheel_->remove(i);
  if (slot.tags != none) tags_->remove(i);
  bytes_ -= bytes_of(*slot.block);
  garbage.add(slot.block);
  slots_.give_back(i);
}

void Shard::set_expiry(std::uint32_t i, Millis ttl, Millis grace, Now& now) {
  Slot& slot = slots_[i];
  if (slot.timed != 0) wheel_->remove(i);
  slot.expires = ttl == forever ? forever : later(now.ceil(), ttl);
  if (slot.expires == forever) return;
  if (wheel_ == nullptr) wheel_ = std::make_unique<ExpiryWheel>(slots_, now.floor());
  wheel_->add(i, later(slot.expires, grace));
}

void Shard::make_room(std::uint32_t keep, Garbage& garbage) {
  policy_.evict(
      keep,
      [&] {
        return policy_.weight() > policy_.max_weight() || (limits_.bytes != 0 && limits_.entries != 0 && bytes_ > limits_.bytes);
      },
      [&](std::uint32_t i) {
        erase(i, garbage);
        ++evictions_;
      });
}

void Shard::turn_wheel(Now& now, Garbage& garbage) {
  if (wheel_ == nullptr || wheel_->empty() || !wheel_->turns(now.floor())) return;
  wheel_->advance(
      now.floor(), [&](std::uint32_t i) { return later(slots_[i].expires, slots_[i].block->extra().grace_ms); },
      [&](std::uint32_t i) {
        erase(i, garbage);
        ++expirations_;
      });
}

void Shard::grow_buckets() {
  std::vector<std::uint32_t> wider(buckets_.size() * 2, none);
  for (std::uint32_t i = 0; i < slots_.end(); ++i) {
    Slot& slot = slots_[i];
    if (slot.block == nullptr) continue;
    std::uint32_t& bucket = wider[slot.hash & (wider.size() - 1)];
    slot.chain = bucket;
    bucket = i;
  }
  buckets_ = std::move(wider);
}

bool Shard::remove(Key key, std::uint32_t hash, const std::string_view* equals) {
  Garbage garbage;
  Now now(clock_);
  const std::lock_guard lock(mutex_);
  if (equals != nullptr) {
    const std::uint32_t i = seen(key, hash, now, garbage);
    if (i == none || slots_[i].block->value() != *equals) return false;
    erase(i, garbage);
    return true;
  }
  const bool was = seen(key, hash, now, garbage) != none;
  const std::uint32_t i = lookup(key, hash);  // what only `find` sees goes as well
  if (i != none) erase(i, garbage);
  return was;
}

bool Shard::touch(Key key, std::uint32_t hash, Millis ttl) {
  Garbage garbage;
  Now now(clock_);
  const std::lock_guard lock(mutex_);
  const std::uint32_t i = seen(key, hash, now, garbage);
  if (i == none) return false;
  set_expiry(i, ttl, slots_[i].block->extra().grace_ms, now);
  return true;
}

Result<std::int64_t> Shard::increment(Key key, std::uint32_t hash, std::int64_t by, Millis ttl) {
  Garbage garbage;
  Now now(clock_);
  const std::lock_guard lock(mutex_);
  turn_wheel(now, garbage);
  std::uint32_t i = seen(key, hash, now, garbage);
  std::int64_t value = 0;
  if (i != none) {
    const std::string_view text = slots_[i].block->value();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    // As Redis reads it: no sign but a minus, no leading nought, nothing around it.
    const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
    if (error != std::errc{} || end != text.data() + text.size() || (digits.starts_with('0') && text != "0")) {
      return Error(ErrorKind::invalid_argument, "the value is no integer of 64 bits").with_detail("not_an_integer");
    }
  }
  if (__builtin_add_overflow(value, by, &value)) {
    return Error(ErrorKind::invalid_argument, "the sum does not fit 64 bits").with_detail("out_of_range");
  }
  std::array<char, 24> text{};
  const char* end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  const Put what(std::string_view(text.data(), static_cast<std::size_t>(end - text.data())), ttl);
  const auto weight = static_cast<std::uint32_t>(weight_of(key, what));
  if (i != none) {
    const detail::BlockExtra extra = slots_[i].block->extra();
    const bool extended = slots_[i].block->extended != 0;
    const std::uint32_t weighs = limits_.entries != 0 ? slots_[i].weight : weight;
    replace(i, detail::Block::make(key.space, key.name, what.value, extended ? &extra : nullptr), weighs, garbage);
  } else {
    i = lookup(key, hash);
    if (i != none) erase(i, garbage);  // known absent, or in its grace
    if (weight > policy_.max_weight())
      return Error(ErrorKind::too_large, "the entry is heavier than the cache may hold in one place");
    i = insert(hash, detail::Block::make(key.space, key.name, what.value), weight);
    set_expiry(i, ttl, 0, now);
  }
  make_room(i, garbage);
  return value;
}

void Shard::clear(const std::string_view* space) {
  for (std::uint32_t from = 0;;) {
    Garbage garbage;
    const std::lock_guard lock(mutex_);
    const std::uint32_t until = std::min(slots_.end(), from + looked_at_once);
    for (; from < until; ++from) {
      if (slots_[from].block == nullptr) continue;
      if (space == nullptr || slots_[from].block->space() == *space) erase(from, garbage);
    }
    if (from >= slots_.end()) return;
  }
}

std::uint64_t Shard::count(std::string_view space) {
  std::uint64_t found = 0;
  for (std::uint32_t from = 0;;) {
    Now now(clock_);
    const std::lock_guard lock(mutex_);
    const std::uint32_t until = std::min(slots_.end(), from + looked_at_once);
    for (; from < until; ++from) {
      const Slot& slot = slots_[from];
      if (slot.block == nullptr || slot.block->space() != space || slot.block->extra().absent != 0) continue;
      if (slot.expires == forever || now.floor() < slot.expires) ++found;
    }
    if (from >= slots_.end()) return found;
  }
}

void Shard::invalidate(std::string_view tag) {
  for (bool more = true; more;) {
    Garbage garbage;
    const std::lock_guard lock(mutex_);
    if (tags_ == nullptr) return;
    std::uint32_t i = tags_->first(tag);
    for (std::uint32_t n = 0; n < looked_at_once && i != none; ++n) {
      erase(i, garbage);
      i = tags_->first(tag);
    }
    more = i != none;
  }
}

void Shard::add_statistics(Statistics& to) {
  Garbage garbage;
  Now now(clock_);
  const std::lock_guard lock(mutex_);
  turn_wheel(now, garbage);
  to.hits += hits_;
  to.misses += misses_;
  to.evictions += evictions_;
  to.expirations += expirations_;
  to.entries += slots_.size();
  to.weight += policy_.weight();
  to.max_weight += policy_.max_weight();
}

void Shard::tend() {
  Garbage garbage;
  Now now(clock_);
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (lock.owns_lock()) turn_wheel(now, garbage);
}

}  // namespace spikard::cache::memory
