#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"

namespace spikard::http {

/// Token buckets by key. Thread-safe: the loops of a process share one; sharded, and a lock is held for one look-up.
class RateLimiter {
 public:
  RateLimiter(double per_second, std::uint32_t burst, std::uint32_t max_keys);

  /// Takes a token. 0 when there was one, else the whole seconds until there is, at least 1.
  [[nodiscard]] std::uint32_t take(std::string_view key, Instant now);
  [[nodiscard]] std::size_t size() const;

 private:
  struct Bucket {
    std::string key;
    double tokens;
    Instant at;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::list<Bucket> buckets;  // used last first
    std::unordered_map<std::string_view, std::list<Bucket>::iterator> by_key;
  };

  double per_second_;
  double burst_;
  std::size_t keys_a_shard_;
  std::vector<Shard> shards_;
};

/// The address of a peer without its port: `127.0.0.1:4711` and `[::1]:4711`.
[[nodiscard]] std::string_view address_of(std::string_view peer) noexcept;

}  // namespace spikard::http
