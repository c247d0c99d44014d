#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cache/backend.hpp"
#include "cache/memory/memory.hpp"
#include "cache/redis/redis.hpp"

namespace spikard::cache {

/// `tiered+redis:`: `memory:` in front of `redis:`. What was read there is kept here, at most as long as there, until the server
/// says that it changed (CLIENT TRACKING, BCAST of the cache's prefix, on one connection of the process). While that connection
/// is not there nothing in front is believed, and it is emptied. Writes go to the server, and what they change leaves the front
/// before they answer: a process reads its own writes; what others write is seen as soon as the server's word of it is here.
class Tiered final : public Backend {
 public:
  /// `clock` outlives it.
  Tiered(Clock& clock, MemoryOptions front, net::redis::Options back, std::string prefix);
  ~Tiered() override;

  [[nodiscard]] Capabilities capabilities() const noexcept override;
  Answer<std::optional<Payload>> get(const net::Caller* caller, Key key) override;
  Answer<std::optional<Found>> find(const net::Caller* caller, Key key) override;
  Answer<std::optional<Found>> peek(const net::Caller* caller, Key key) override;
  Answer<bool> contains(const net::Caller* caller, Key key) override;
  Answer<std::optional<Millis>> left(const net::Caller* caller, Key key) override;
  Answer<void> put(const net::Caller* caller, Key key, Put what) override;
  Answer<bool> put_if_absent(const net::Caller* caller, Key key, Put what) override;
  Answer<bool> remove(const net::Caller* caller, Key key) override;
  Answer<bool> remove_if(const net::Caller* caller, Key key, std::string_view equals) override;
  Answer<bool> touch(const net::Caller* caller, Key key, Millis ttl) override;
  Answer<std::int64_t> increment(const net::Caller* caller, Key key, std::int64_t by, Millis ttl) override;
  Answer<std::vector<std::optional<Payload>>> get_many(const net::Caller* caller, std::string_view space,
                                                       std::span<const std::string> names) override;
  Answer<void> put_many(const net::Caller* caller, std::string_view space, std::span<const Item> items, Put what) override;
  Answer<void> clear(const net::Caller* caller, std::string_view space) override;
  Answer<std::uint64_t> count(const net::Caller* caller, std::string_view space) override;
  Answer<void> invalidate(const net::Caller* caller, std::span<const std::string> tags) override;
  /// Hits of both, misses of the server; entries and weight of the front.
  [[nodiscard]] Statistics statistics() const override;
  [[nodiscard]] std::optional<Found> nearby(Key key) override;
  Answer<Lease> lease(const net::Caller* caller, Key key, Claim claim) override;
  Answer<bool> renew(const net::Caller* caller, Key key, std::string_view token, Millis lives) override;
  Answer<bool> keep(const net::Caller* caller, Key key, std::string_view token, std::optional<Put> what) override;
  Answer<void> release(const net::Caller* caller, Key key, std::string_view token) override;

  /// The front is believed (tests).
  [[nodiscard]] bool trusted() const noexcept;

 private:
  struct Front;
  template <class T>
  [[nodiscard]] Task<Result<T>> dropping(Key key, Answer<T> answer);
  [[nodiscard]] Task<Result<std::optional<Payload>>> fetch_value(const net::Caller* caller, Key key);
  [[nodiscard]] Task<Result<std::optional<Found>>> fetch(const net::Caller* caller, Key key, Redis::Counts counts);
  [[nodiscard]] Task<Result<std::vector<std::optional<Payload>>>> fetch_many(const net::Caller* caller, std::string_view space,
                                                                             std::span<const std::string> names);
  [[nodiscard]] Task<Result<void>> put_all(std::string_view space, std::span<const Item> items, Answer<void> answer);
  [[nodiscard]] Task<Result<void>> clear_both(std::string_view space, Answer<void> answer);
  [[nodiscard]] Task<Result<void>> drop_tags(const net::Caller* caller, std::span<const std::string> tags);
  void listen(net::Loop& loop);

  const std::shared_ptr<Front> front_;
  Redis back_;
};

}  // namespace spikard::cache
