#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/function.hpp"
#include "cache/backend.hpp"
#include "cache/cache.hpp"
#include "cache/options.hpp"

namespace spikard::cache {

/// A cache, as C++ code uses it: a value, cheap to copy, for any thread. Everything is awaited on the caller's loop; what is
/// known at once (all of `memory:`, but for waiting for a load) suspends nothing. Text passed in is borrowed until the await is
/// over.
///
///     cache::Client sessions = cache.in("sessions");
///     const auto found = co_await sessions.get(caller, id);          // Result<std::optional<Payload>>
///     if (found.ok() && *found) use((*found)->view());
///     (void)co_await sessions.set(caller, id, text, cache::Ttl(30min));
class Client {
 public:
  Client() noexcept = default;
  explicit Client(std::shared_ptr<Cache> cache, std::string space = {}) noexcept
      : cache_(std::move(cache)), space_(std::move(space)) {}

  /// The same cache, another namespace.
  [[nodiscard]] Client in(std::string space) const { return Client(cache_, std::move(space)); }
  [[nodiscard]] const std::string& space() const noexcept { return space_; }
  [[nodiscard]] const std::shared_ptr<Cache>& cache() const noexcept { return cache_; }

  /// Nothing for a miss.
  Answer<std::optional<Payload>> get(const net::Caller& caller, std::string_view key) const {
    return cache_->get(&caller, at(key));
  }
  /// too_large for what could never be kept.
  Answer<void> set(const net::Caller& caller, std::string_view key, std::string_view value,
                   const SetOptions& options = {}) const {
    return cache_->set(&caller, at(key), value, options);
  }
  Answer<void> set(const net::Caller& caller, std::string_view key, std::string_view value, Ttl ttl) const {
    return cache_->set(&caller, at(key), value, SetOptions(ttl));
  }
  /// Whether it was set.
  Answer<bool> set_if_absent(const net::Caller& caller, std::string_view key, std::string_view value,
                             const SetOptions& options = {}) const {
    return cache_->set_if_absent(&caller, at(key), value, options);
  }
  /// Whether it was there.
  Answer<bool> remove(const net::Caller& caller, std::string_view key) const { return cache_->remove(&caller, at(key)); }
  /// Whether it had this value, and so was deleted.
  Answer<bool> remove_if(const net::Caller& caller, std::string_view key, std::string_view equals) const {
    return cache_->remove_if(&caller, at(key), equals);
  }
  Answer<bool> exists(const net::Caller& caller, std::string_view key) const { return cache_->exists(&caller, at(key)); }
  /// A new time to live from now; whether it is there.
  Answer<bool> touch(const net::Caller& caller, std::string_view key, Ttl ttl = {}) const {
    return cache_->touch(&caller, at(key), ttl);
  }
  /// What it has left, nothing for an entry without a time; not_found for a miss.
  Answer<std::optional<std::chrono::milliseconds>> ttl(const net::Caller& caller, std::string_view key) const {
    return cache_->ttl(&caller, at(key));
  }
  /// The new value, kept as decimal text. `ttl` counts if this makes it.
  Answer<std::int64_t> increment(const net::Caller& caller, std::string_view key, std::int64_t by = 1, Ttl ttl = {}) const {
    return cache_->increment(&caller, at(key), by, ttl);
  }
  /// In the order of `keys`.
  Answer<std::vector<std::optional<Payload>>> get_many(const net::Caller& caller, std::span<const std::string> keys) const {
    return cache_->get_many(&caller, space_, keys);
  }
  Answer<void> set_many(const net::Caller& caller, std::span<const Item> items, const SetOptions& options = {}) const {
    return cache_->set_many(&caller, space_, items, options);
  }
  /// Of this namespace only, as `count` is.
  Answer<void> clear(const net::Caller& caller) const { return cache_->clear(&caller, space_); }
  Answer<std::uint64_t> count(const net::Caller& caller) const { return cache_->count(&caller, space_); }
  /// Deletes what was set with one of the tags, in any namespace.
  Answer<void> invalidate_tags(const net::Caller& caller, std::span<const std::string> tags) const {
    return cache_->invalidate_tags(&caller, tags);
  }

  /// The value of `key`, loaded by `load` if it is not there. Of those in this process who want it at the same time one loads, on
  /// its own loop and for all: the load goes on when the one who began it gives up, as long as somebody waits, and its token
  /// fires when nobody does. Nothing where the loader found nothing. A load that fails is internal, detail load_failed, for all
  /// who wait; with `stale_if_error` they get the old value. timeout after `options.wait`, cancelled by the caller's token.
  /// `load` owns what it uses, and may be called again if a load was given up.
  Answer<std::optional<Payload>> get_or_load(net::Caller caller, std::string key, LoadOptions options, Loader load) const {
    return cache_->get_or_load(std::move(caller), space_, std::move(key), std::move(options), std::move(load));
  }
  [[nodiscard]] LoadStatistics statistics() const { return cache_->statistics(); }

 private:
  [[nodiscard]] Key at(std::string_view key) const noexcept { return {space_, key}; }
  std::shared_ptr<Cache> cache_;
  std::string space_;
};

}  // namespace spikard::cache
