#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "cache/backend.hpp"
#include "cache/redis/entry.hpp"
#include "net/redis/pool.hpp"

namespace spikard::cache {

/// `redis:`, shared by every process that names the same server, database and prefix. Times are the core's: each entry carries
/// when it ends by the clock of who wrote it, and the server's own expiry, a little later, only makes room (entry.hpp). Reads are
/// one MGET of generation and entry, writes one script each (scripts.hpp); core/cache/README.md has the layout.
class Redis final : public Backend {
 public:
  /// `clock` outlives it. `prefix` without braces.
  Redis(Clock& clock, net::redis::Options options, std::string prefix);
  ~Redis() override;

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
  /// A new generation, in one step; what it cleared away is removed in the background.
  Answer<void> clear(const net::Caller* caller, std::string_view space) override;
  /// Goes through all keys of the server, a few at a time.
  Answer<std::uint64_t> count(const net::Caller* caller, std::string_view space) override;
  Answer<void> invalidate(const net::Caller* caller, std::span<const std::string> tags) override;
  /// Of this process; the server counts entries and weight (nought here).
  [[nodiscard]] Statistics statistics() const override;
  Answer<Lease> lease(const net::Caller* caller, Key key, Claim claim) override;
  Answer<bool> renew(const net::Caller* caller, Key key, std::string_view token, Millis lives) override;
  Answer<bool> keep(const net::Caller* caller, Key key, std::string_view token, std::optional<Put> what) override;
  Answer<void> release(const net::Caller* caller, Key key, std::string_view token) override;

  // For the tier in front.
  enum class Counts : std::uint8_t { nothing, finds, values };
  [[nodiscard]] Task<Result<std::optional<Found>>> read(const net::Caller* caller, Key key, Counts counts);
  void count_reads(std::uint64_t hits, std::uint64_t misses) noexcept;
  [[nodiscard]] const redis::Names& names() const noexcept;
  [[nodiscard]] std::shared_ptr<net::redis::Client> client(net::Loop& loop) const;
  /// Several as `peek`, in the order of `keys`; counts nothing.
  [[nodiscard]] Task<Result<std::vector<std::optional<Found>>>> peek_many(const net::Caller& caller, std::string_view space,
                                                                          std::span<const std::string_view> names);
  using Dropped = std::function<void(std::string_view)>;
  /// `invalidate`, telling the server's names of the entries that went.
  [[nodiscard]] Task<Result<void>> drop_tags(const net::Caller* caller, std::span<const std::string> tags,
                                             const Dropped* dropped);

 private:
  struct State;
  enum class Mode : std::uint8_t { set, if_absent, keep };

  [[nodiscard]] Task<Result<std::optional<Payload>>> read_value(const net::Caller* caller, Key key);
  [[nodiscard]] Task<Result<std::optional<Millis>>> read_left(const net::Caller* caller, Key key);
  [[nodiscard]] Task<Result<bool>> is_there(const net::Caller* caller, Key key);
  [[nodiscard]] Task<Result<bool>> write(const net::Caller* caller, Key key, Put what, Mode mode, std::string_view token);
  [[nodiscard]] Task<Result<void>> write_one(const net::Caller* caller, Key key, Put what);
  [[nodiscard]] Task<Result<void>> write_many(const net::Caller* caller, std::string_view space, std::span<const Item> items,
                                              Put what);
  [[nodiscard]] Task<Result<bool>> change(const net::Caller* caller, net::redis::Command command);
  [[nodiscard]] Task<Result<std::int64_t>> add(const net::Caller* caller, Key key, std::int64_t by, Millis ttl);
  [[nodiscard]] Task<Result<std::vector<std::optional<Payload>>>> read_many(const net::Caller* caller, std::string_view space,
                                                                            std::span<const std::string> names);
  [[nodiscard]] Task<Result<void>> forget(const net::Caller* caller, std::string_view space);
  [[nodiscard]] Task<Result<Lease>> ask_lease(const net::Caller* caller, Key key, Claim claim);
  [[nodiscard]] Task<Result<void>> end_lease(const net::Caller* caller, Key key, std::string_view token);
  [[nodiscard]] net::redis::Command on_entry(const net::redis::Script& script, Key key, std::size_t more_keys = 0) const;
  [[nodiscard]] Result<net::redis::Command> write_command(Key key, const Put& what, Mode mode, std::string_view token) const;
  [[nodiscard]] Task<void> register_tags(const net::Caller* caller, std::string_view space, std::span<const std::string> tags);
  static Task<Result<std::uint64_t>> look(std::shared_ptr<State> state, net::Caller caller, std::string space, bool sweep);
  static Task<void> reap(std::shared_ptr<State> state, net::Caller caller, std::string space, std::string name);

  const std::shared_ptr<State> state_;
};

}  // namespace spikard::cache
