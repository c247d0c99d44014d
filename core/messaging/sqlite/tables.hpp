#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "messaging/backend.hpp"
#include "store/sqlite/connection.hpp"

namespace spikard::messaging::sqlite {

/// Steps of the tables (store::sqlite::Database::migrate); README.md describes them.
[[nodiscard]] std::span<const std::string_view> schema() noexcept;

using store::sqlite::Connection;
using Position = std::int64_t;
using Millis = std::int64_t;  ///< since the epoch: when it was published
using Nanos = std::int64_t;   ///< since the epoch: due times and leases, exact

[[nodiscard]] Millis floor_millis(WallTime time) noexcept;
[[nodiscard]] WallTime wall_time(Millis time) noexcept;
[[nodiscard]] inline Nanos nanos(WallTime time) noexcept { return time.time_since_epoch().count(); }

struct GroupRow {
  std::int64_t id = 0;
  Position cursor = 0;  ///< what lies behind it was not looked at yet
  bool ordered = false;
};

/// What a consumer has in hand: a row of deliveries is its own as long as `delivery` is there.
struct Held {
  Position position = 0;
  std::int64_t delivery = 0;
  bool has_key = false;
  std::string key{};
};

// Everything below is inside the caller's transaction.

[[nodiscard]] Result<Position> insert(Connection& connection, const Message& message, std::string_view for_group, bool dead,
                                      Millis now);
/// The last position that was ever given.
[[nodiscard]] Result<Position> last_position(Connection& connection);

/// Makes it where it is not there, at `cursor` (default: the end), and switches the order of keys if told to.
[[nodiscard]] Result<GroupRow> open_group(Connection& connection, const TopicPattern& pattern, const std::string& name,
                                          std::optional<Position> cursor, std::optional<bool> ordered);
[[nodiscard]] Result<std::optional<GroupRow>> find_group(Connection& connection, const std::string& topic,
                                                         const std::string& name);

struct Taken {
  std::int64_t group_id = 0;
  std::vector<worker_loop::WorkItem> items;
  std::vector<Held> held;       ///< of each item
  std::optional<Nanos> next{};  ///< nothing was taken: when something comes due
  bool more = false;            ///< it did not come to the end of the log
};
struct TakeOptions {
  TakeOptions(TopicPattern of_pattern, std::string of_group) : pattern(std::move(of_pattern)), group(std::move(of_group)) {}
  TopicPattern pattern;
  std::string group;
  std::uint32_t max = 1;
  std::int64_t first_delivery = 1;  ///< the numbers of the deliveries, one after another
  Nanos now = 0;
  Nanos lease_end = 0;
};
/// What is due first, then what is new. The group is made again if somebody deleted it.
[[nodiscard]] Result<Taken> take(Connection& connection, const TakeOptions& options);
/// Whether `take` would find something, or when. On a reader.
struct Outlook {
  bool now = false;
  std::optional<Nanos> next{};
};
[[nodiscard]] Result<Outlook> look(Connection& connection, const TopicPattern& pattern, const std::string& group, Nanos now);

struct SettleOptions {
  std::string group{};
  std::string dead_letter{};  ///< empty: dropped
  WallTime now{};
};
enum class Settled : std::uint8_t { not_ours, done, dead_lettered, dropped };
/// `woken`: somebody else may have something to do now.
[[nodiscard]] Result<Settled> settle(Connection& connection, std::int64_t group_id, const SettleOptions& options,
                                     const Held& held, const worker_loop::Settlement& settlement, bool& woken);
[[nodiscard]] Result<bool> extend(Connection& connection, std::int64_t group_id, const Held& held, Nanos lease_end);

[[nodiscard]] Result<void> seek(Connection& connection, const TopicPattern& pattern, const std::string& group,
                                const Place& place);
[[nodiscard]] Result<std::vector<GroupInfo>> groups(Connection& connection);
/// conflict while a lease of it runs.
[[nodiscard]] Result<bool> delete_group(Connection& connection, const GroupName& name, Nanos now);

[[nodiscard]] Result<DeadLetterPage> dead_letters(Connection& connection, const DeadLetterQuery& query);
/// Of `positions` those that are dead letters of the topic; returns the topics they went to.
[[nodiscard]] Result<std::vector<std::string>> redrive(Connection& connection, const std::string& topic,
                                                       std::span<const std::uint64_t> positions, const std::string& to,
                                                       Millis now);
/// `woken`: one that waited behind its key may go.
[[nodiscard]] Result<std::uint64_t> purge(Connection& connection, const std::string& topic,
                                          std::span<const std::uint64_t> positions, bool& woken);
/// The positions of a topic's dead letters behind `after` and up to `last`, at most `limit`.
[[nodiscard]] Result<std::vector<std::uint64_t>> dead_positions(Connection& connection, const std::string& topic,
                                                                std::uint64_t after, Position last, std::size_t limit);

/// Deletes up to `limit` messages that are older than `before` and that no group waits for, from `from` on; sets it to where to
/// go on, 0 once it has come to those that are younger.
[[nodiscard]] Result<void> trim(Connection& connection, Position& from, Millis before, std::size_t limit);

}  // namespace spikard::messaging::sqlite
