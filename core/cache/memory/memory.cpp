#include "cache/memory/memory.hpp"

#include <algorithm>
#include <bit>
#include <random>

#include "cache/memory/hash.hpp"
#include "cache/memory/shard.hpp"

namespace spikard::cache {

namespace {

constexpr std::uint64_t usual_bytes = 64ULL << 20U;
constexpr std::uint64_t least_bytes = 4ULL << 20U;
constexpr std::uint64_t least_entries = 256;
constexpr std::uint64_t most_shards = 64;
constexpr std::uint32_t tend_every = 64;

std::uint64_t shards_for(const MemoryOptions& options) {
  if (options.shards != 0) return std::bit_floor(static_cast<std::uint64_t>(options.shards));
  std::uint64_t count = most_shards;
  if (options.max_entries != 0) count = std::min(count, options.max_entries / least_entries);
  if (options.max_bytes != 0) count = std::min(count, options.max_bytes / least_bytes);
  return std::bit_floor(std::max<std::uint64_t>(count, 1));
}

std::uint64_t share(std::uint64_t whole, std::uint64_t parts, std::uint64_t index) {
  return whole / parts + (index < whole % parts ? 1 : 0);
}

}  // namespace

/// A shard on cache lines of its own.
struct alignas(64) Memory::Part {
  Part(Clock& clock, memory::ShardLimits limits, std::uint64_t seed) : shard(clock, limits, seed) {}
  memory::Shard shard;
  std::atomic<std::uint32_t> writes{0};
};

Memory::Memory(Clock& clock, MemoryOptions options) {
  if (options.max_bytes == 0 && options.max_entries == 0) options.max_bytes = usual_bytes;
  if (options.seed) {
    seed_ = *options.seed;
  } else {
    std::random_device random;
    seed_ = static_cast<std::uint64_t>(random()) << 32U | random();
  }
  const std::uint64_t count = shards_for(options);
  shift_ = 64U - static_cast<unsigned>(std::countr_zero(count));
  for (std::uint64_t n = 0; n < count; ++n) {
    memory::ShardLimits limits;
    limits.bytes = share(options.max_bytes, count, n);
    limits.entries = share(options.max_entries, count, n);
    parts_.push_back(std::make_unique<Part>(clock, limits, seed_ + n));
  }
}

Memory::~Memory() = default;

[[gnu::always_inline]] inline Memory::Place Memory::place(Key key) const noexcept {
  std::uint64_t seed = seed_;
  if (!key.space.empty()) seed = memory::hash_of(key.space, seed);
  const std::uint64_t hash = memory::hash_of(key.name, seed);
  return {parts_[shift_ == 64 ? 0 : hash >> shift_].get(), static_cast<std::uint32_t>(hash)};
}

/// Shards that nobody writes to any more must lose what is over, too.
void Memory::tend_another(Part& part) {
  const std::uint32_t n = part.writes.fetch_add(1, std::memory_order_relaxed);
  if (n % tend_every == 0 && parts_.size() > 1) parts_[n / tend_every % parts_.size()]->shard.tend();
}

Capabilities Memory::capabilities() const noexcept {
  Capabilities out;
  out.immediate = true;
  out.tags = true;
  return out;
}

Answer<std::optional<Payload>> Memory::get(const net::Caller*, Key key) {
  const Place at = place(key);
  return at.part->shard.get(key, at.hash);
}

Answer<std::optional<Found>> Memory::find(const net::Caller*, Key key) {
  const Place at = place(key);
  return at.part->shard.find(key, at.hash, true);
}

Answer<std::optional<Found>> Memory::peek(const net::Caller*, Key key) {
  const Place at = place(key);
  return at.part->shard.find(key, at.hash, false);
}

Answer<bool> Memory::contains(const net::Caller*, Key key) {
  const Place at = place(key);
  return at.part->shard.left(key, at.hash).has_value();
}

Answer<std::optional<Millis>> Memory::left(const net::Caller*, Key key) {
  const Place at = place(key);
  return at.part->shard.left(key, at.hash);
}

Answer<void> Memory::put(const net::Caller*, Key key, Put what) {
  const Place at = place(key);
  Result<bool> done = at.part->shard.put(key, at.hash, what, false);
  tend_another(*at.part);
  if (!done.ok()) return std::move(done).error();
  return {};
}

Answer<bool> Memory::put_if_absent(const net::Caller*, Key key, Put what) {
  const Place at = place(key);
  Result<bool> done = at.part->shard.put(key, at.hash, what, true);
  tend_another(*at.part);
  return done;
}

Answer<bool> Memory::remove(const net::Caller*, Key key) {
  const Place at = place(key);
  return at.part->shard.remove(key, at.hash, nullptr);
}

Answer<bool> Memory::remove_if(const net::Caller*, Key key, std::string_view equals) {
  const Place at = place(key);
  return at.part->shard.remove(key, at.hash, &equals);
}

Answer<bool> Memory::touch(const net::Caller*, Key key, Millis ttl) {
  const Place at = place(key);
  return at.part->shard.touch(key, at.hash, ttl);
}

Answer<std::int64_t> Memory::increment(const net::Caller*, Key key, std::int64_t by, Millis ttl) {
  const Place at = place(key);
  Result<std::int64_t> done = at.part->shard.increment(key, at.hash, by, ttl);
  tend_another(*at.part);
  return done;
}

Answer<std::vector<std::optional<Payload>>> Memory::get_many(const net::Caller*, std::string_view space,
                                                             std::span<const std::string> names) {
  std::vector<std::optional<Payload>> out;
  out.reserve(names.size());
  for (const std::string& name : names) {
    const Key key{space, name};
    const Place at = place(key);
    out.push_back(at.part->shard.get(key, at.hash));
  }
  return out;
}

Answer<void> Memory::clear(const net::Caller*, std::string_view space) {
  for (const auto& part : parts_) part->shard.clear(&space);
  return {};
}

void Memory::clear_all() {
  for (const auto& part : parts_) part->shard.clear(nullptr);
}

Answer<std::uint64_t> Memory::count(const net::Caller*, std::string_view space) {
  std::uint64_t found = 0;
  for (const auto& part : parts_) found += part->shard.count(space);
  return found;
}

Answer<void> Memory::invalidate(const net::Caller*, std::span<const std::string> tags) {
  for (const std::string& tag : tags) {
    for (const auto& part : parts_) part->shard.invalidate(tag);
  }
  return {};
}

Statistics Memory::statistics() const {
  Statistics out;
  for (const auto& part : parts_) part->shard.add_statistics(out);
  return out;
}

}  // namespace spikard::cache
