#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "cache/backend.hpp"
#include "cache/memory/expiry_wheel.hpp"
#include "cache/memory/policy.hpp"
#include "cache/memory/slots.hpp"
#include "cache/memory/tag_index.hpp"

namespace spikard::cache::memory {

/// What an entry costs beside its key and value, nearly: slot, bucket, header of its block, the allocator's part, its place in
/// the frequency sketch.
inline constexpr std::uint64_t entry_overhead = 90;

struct ShardLimits {
  std::uint64_t bytes = 0;    ///< 0: none
  std::uint64_t entries = 0;  ///< 0: none; else what weights count against
};

/// A part of the cache under one short lock: an index by hash, the eviction policy, the expiry wheel, tags. No call waits for
/// anything but the lock, and none but `count`, `clear` and `invalidate` looks at more than a few entries under it; those let it
/// go in between. Blocks that went are freed outside of it.
class Shard {
 public:
  Shard(Clock& clock, ShardLimits limits, std::uint64_t seed);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  [[nodiscard]] std::optional<Payload> get(Key key, std::uint32_t hash);
  [[nodiscard]] std::optional<Found> find(Key key, std::uint32_t hash, bool counts);
  [[nodiscard]] std::optional<Millis> left(Key key, std::uint32_t hash);
  /// False, with `if_absent`, where there is one. too_large when it could never be kept; nothing is changed then.
  [[nodiscard]] Result<bool> put(Key key, std::uint32_t hash, const Put& what, bool if_absent);
  /// With `equals`, only an entry of that value.
  [[nodiscard]] bool remove(Key key, std::uint32_t hash, const std::string_view* equals);
  [[nodiscard]] bool touch(Key key, std::uint32_t hash, Millis ttl);
  [[nodiscard]] Result<std::int64_t> increment(Key key, std::uint32_t hash, std::int64_t by, Millis ttl);
  /// Null: of every namespace.
  void clear(const std::string_view* space);
  [[nodiscard]] std::uint64_t count(std::string_view space);
  void invalidate(std::string_view tag);
  void add_statistics(Statistics& to);
  /// Removes what is due, unless somebody is in it.
  void tend();

 private:
  [[nodiscard]] std::optional<Payload> get_timed(Key key, std::uint32_t hash);
  class Garbage;
  class Now;

  [[nodiscard]] std::uint32_t lookup(Key key, std::uint32_t hash) const noexcept;
  /// `none` if it is not to be seen any more; removes it when not even `find` may see it.
  [[nodiscard]] std::uint32_t seen(Key key, std::uint32_t hash, Now& now, Garbage& garbage);
  [[nodiscard]] std::uint32_t insert(std::uint32_t hash, detail::Block* block, std::uint32_t weight);
  void replace(std::uint32_t i, detail::Block* block, std::uint32_t weight, Garbage& garbage);
  void erase(std::uint32_t i, Garbage& garbage);
  void set_expiry(std::uint32_t i, Millis ttl, Millis grace, Now& now);
  void make_room(std::uint32_t keep, Garbage& garbage);
  void turn_wheel(Now& now, Garbage& garbage);
  void grow_buckets();
  [[nodiscard]] std::uint64_t weight_of(Key key, const Put& what) const noexcept;
  [[nodiscard]] std::uint64_t bytes_of(const detail::Block& block) const noexcept;

  Clock& clock_;
  const ShardLimits limits_;
  std::mutex mutex_;
  Slots slots_;
  std::vector<std::uint32_t> buckets_;
  Policy policy_;
  std::unique_ptr<ExpiryWheel> wheel_;
  std::unique_ptr<TagIndex> tags_;
  std::uint64_t bytes_ = 0;
  std::uint64_t hits_ = 0;
  std::uint64_t misses_ = 0;
  std::uint64_t evictions_ = 0;
  std::uint64_t expirations_ = 0;
};

}  // namespace spikard::cache::memory
