#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "cache/answer.hpp"
#include "cache/payload.hpp"
#include "net/operation_target.hpp"

namespace spikard::cache {

/// Limits of names in bytes, and of tags an entry or a call.
inline constexpr std::size_t max_key = 16384;
inline constexpr std::size_t max_space = 1024;
inline constexpr std::size_t max_tag = 1024;
inline constexpr std::size_t max_tags = 128;

/// An entry's name: keys of two namespaces never meet, whatever their text. Borrowed.
struct Key {
  std::string_view space;
  std::string_view name;
};

/// Milliseconds of an entry's life.
using Millis = std::int64_t;
inline constexpr Millis forever = std::numeric_limits<Millis>::max();

/// What is written. Borrowed until the answer is there.
struct Put {
  explicit Put(std::string_view bytes, Millis lives = forever) noexcept : value(bytes), ttl(lives) {}
  std::string_view value;
  Millis ttl;                ///< at least 1, or `forever`
  Millis grace = 0;          ///< kept so long past `ttl`, for `find` only
  std::uint32_t weight = 0;  ///< 0: the backend's own measure
  bool absent = false;       ///< a remembered "there is nothing"; only `find` sees it
  std::span<const std::string> tags{};
};

/// One of many that are written.
struct Item {
  Item(std::string of_key, std::string of_value) : key(std::move(of_key)), value(std::move(of_value)) {}
  std::string key;
  std::string value;
};

/// What a load looks at: `find` also sees what `get` no longer does.
struct Found {
  Payload value;
  Millis left = forever;  ///< 0 or less: its time is over and it is in its grace
  bool absent = false;
};

/// Counted since the backend was opened, in this process, over all namespaces.
struct Statistics {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t evictions = 0;    ///< went for want of room
  std::uint64_t expirations = 0;  ///< went because their time was over
  std::uint64_t entries = 0;      ///< with those whose time is over and that are not yet removed
  std::uint64_t weight = 0;
  std::uint64_t max_weight = 0;  ///< entries or bytes; 0 where the server decides
};

struct Capabilities {
  bool immediate = false;  ///< every answer is ready, on any thread, and `caller` may be null
  bool tags = false;
  bool shared = false;  ///< other processes see the same entries
  bool nearby = false;  ///< some entries are known at once: `nearby`
  bool leases = false;  ///< of those processes one loads: `lease`, `keep`, `release`
};

/// The wish to load an entry, on behalf of this process.
struct Claim {
  Claim(std::string_view of_token, Millis for_so_long) noexcept : token(of_token), lives(for_so_long) {}
  std::string_view token;  ///< 16 bytes, nobody else's
  Millis lives;            ///< then another one may load, unless it is renewed
  bool refresh = false;    ///< also where there is an entry
  std::span<const std::string> tags{};
};
enum class Lease : std::uint8_t {
  mine,
  taken,  ///< somebody loads
  there,  ///< an entry has come
};

/// The port of cache backends; core/cache/README.md says how each keeps the promises. Thread-safe: calls come from several loops
/// at once. Every view passed in is borrowed until the answer is ready or its task has ended. The client above has checked keys,
/// namespaces and spans.
///
/// Errors: unavailable and timeout of a server (of a write that may have happened: outcome_unknown), too_large for a value that
/// can never be kept, invalid_argument with not_an_integer or out_of_range of `increment`. A miss is a value.
class Backend {
 public:
  virtual ~Backend() = default;
  [[nodiscard]] virtual Capabilities capabilities() const noexcept = 0;

  /// Counts a hit or a miss, and a use of the entry.
  virtual Answer<std::optional<Payload>> get(const net::Caller* caller, Key key) = 0;
  /// `get` for a load. Counts a hit for what is still in its time, else a miss.
  virtual Answer<std::optional<Found>> find(const net::Caller* caller, Key key) = 0;
  /// The same, counting nothing.
  virtual Answer<std::optional<Found>> peek(const net::Caller* caller, Key key) = 0;
  /// No use of it.
  virtual Answer<bool> contains(const net::Caller* caller, Key key) = 0;
  /// How long is left, rounded up; nothing for a miss.
  virtual Answer<std::optional<Millis>> left(const net::Caller* caller, Key key) = 0;
  virtual Answer<void> put(const net::Caller* caller, Key key, Put what) = 0;
  virtual Answer<bool> put_if_absent(const net::Caller* caller, Key key, Put what) = 0;
  /// True if it was there.
  virtual Answer<bool> remove(const net::Caller* caller, Key key) = 0;
  virtual Answer<bool> remove_if(const net::Caller* caller, Key key, std::string_view equals) = 0;
  virtual Answer<bool> touch(const net::Caller* caller, Key key, Millis ttl) = 0;
  /// `ttl` counts only if this makes the entry.
  virtual Answer<std::int64_t> increment(const net::Caller* caller, Key key, std::int64_t by, Millis ttl) = 0;
  /// In the order of `names`, which may have one twice.
  virtual Answer<std::vector<std::optional<Payload>>> get_many(const net::Caller* caller, std::string_view space,
                                                               std::span<const std::string> names) = 0;
  virtual Answer<void> clear(const net::Caller* caller, std::string_view space) = 0;
  virtual Answer<std::uint64_t> count(const net::Caller* caller, std::string_view space) = 0;
  /// Removes what was written with one of the tags, in any namespace. unsupported without the capability.
  virtual Answer<void> invalidate(const net::Caller* caller, std::span<const std::string> tags) = 0;
  [[nodiscard]] virtual Statistics statistics() const = 0;

  /// A live entry that is known at once, on any thread, and nobody could have changed; counts a hit then.
  [[nodiscard]] virtual std::optional<Found> nearby(Key key);
  /// One `put` after another, unless it can do better. `what.value` is not looked at.
  virtual Answer<void> put_many(const net::Caller* caller, std::string_view space, std::span<const Item> items, Put what);

  // Of those with `leases` only; of others unsupported. Any change of the entry, of its namespace or of a tag of the claim ends a
  // lease, so that what is loaded from older news is not kept.
  virtual Answer<Lease> lease(const net::Caller* caller, Key key, Claim claim);
  /// So long from now, if it still holds.
  virtual Answer<bool> renew(const net::Caller* caller, Key key, std::string_view token, Millis lives);
  /// The entry (nothing: none), if the lease still holds, which then ends. False if it does not.
  virtual Answer<bool> keep(const net::Caller* caller, Key key, std::string_view token, std::optional<Put> what);
  virtual Answer<void> release(const net::Caller* caller, Key key, std::string_view token);
};

/// Milliseconds of a clock, rounded down.
[[nodiscard]] inline Millis millis_of(Instant at) noexcept {
  return std::chrono::floor<std::chrono::milliseconds>(at.time_since_epoch()).count();
}

}  // namespace spikard::cache
