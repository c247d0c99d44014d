#include "http/middleware/rate_limit.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace spikard::http {
namespace {

constexpr std::size_t shard_count = 16;
/// Below this, shards would make the bound too uneven.
constexpr std::uint32_t sharded_from = 1024;

}  // namespace

RateLimiter::RateLimiter(double per_second, std::uint32_t burst, std::uint32_t max_keys)
    : per_second_(per_second),
      burst_(burst),
      keys_a_shard_(max_keys < sharded_from ? std::max<std::uint32_t>(max_keys, 1) : max_keys / shard_count),
      shards_(max_keys < sharded_from ? 1 : shard_count) {}

std::uint32_t RateLimiter::take(std::string_view key, Instant now) {
  Shard& shard = shards_[std::hash<std::string_view>()(key) % shards_.size()];
  const std::scoped_lock lock(shard.mutex);
  const auto found = shard.by_key.find(key);
  if (found == shard.by_key.end()) {
    if (shard.buckets.size() >= keys_a_shard_) {
      shard.by_key.erase(shard.buckets.back().key);
      shard.buckets.pop_back();
    }
    shard.buckets.push_front({std::string(key), burst_ - 1, now});
    shard.by_key.emplace(shard.buckets.front().key, shard.buckets.begin());
    return 0;
  }
  shard.buckets.splice(shard.buckets.begin(), shard.buckets, found->second);
  Bucket& bucket = *found->second;
  // Loops read the clock by themselves, so another's `now` may be a little older.
  if (now > bucket.at) {
    bucket.tokens = std::min(burst_, bucket.tokens + std::chrono::duration<double>(now - bucket.at).count() * per_second_);
    bucket.at = now;
  }
  // A time that was waited for exactly must be enough, whatever binary fractions make of it.
  constexpr double one = 1 - 1e-9;
  if (bucket.tokens >= one) {
    bucket.tokens = std::max(0.0, bucket.tokens - 1);
    return 0;
  }
  return static_cast<std::uint32_t>(std::clamp(std::ceil((1 - bucket.tokens) / per_second_), 1.0, 4e9));
}

std::size_t RateLimiter::size() const {
  std::size_t n = 0;
  for (const Shard& shard : shards_) {
    const std::scoped_lock lock(shard.mutex);
    n += shard.buckets.size();
  }
  return n;
}

std::string_view address_of(std::string_view peer) noexcept {
  if (peer.starts_with('[')) {
    const std::size_t end = peer.find(']');
    return end == peer.npos ? peer : peer.substr(0, end + 1);
  }
  return peer.starts_with("unix:") || peer.starts_with("memory:") ? peer : peer.substr(0, peer.find(':'));
}

}  // namespace spikard::http
