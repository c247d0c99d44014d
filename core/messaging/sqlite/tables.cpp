#include "messaging/sqlite/tables.hpp"

#include <algorithm>
#include <array>

#include "base/json.hpp"

namespace spikard::messaging::sqlite {
namespace {

using store::sqlite::Blob;
using store::sqlite::Statement;

constexpr std::array<std::string_view, 1> steps{R"sql(
CREATE TABLE spikard_messages (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  topic TEXT NOT NULL,
  payload BLOB NOT NULL DEFAULT x'',
  key TEXT,
  headers TEXT,
  published_ms INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)),
  for_group TEXT,
  dead INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX spikard_messages_topic ON spikard_messages (topic, position);
CREATE INDEX spikard_messages_dead ON spikard_messages (topic, position) WHERE dead = 1;
CREATE TABLE spikard_message_groups (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  topic TEXT NOT NULL,
  name TEXT NOT NULL,
  style TEXT NOT NULL,
  cursor INTEGER NOT NULL,
  ordered INTEGER NOT NULL,
  UNIQUE (topic, name)
);
CREATE TABLE spikard_message_deliveries (
  group_id INTEGER NOT NULL REFERENCES spikard_message_groups (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  state INTEGER NOT NULL,
  at_ns INTEGER NOT NULL,
  delivery INTEGER NOT NULL DEFAULT 0,
  deliveries INTEGER NOT NULL DEFAULT 0,
  tries INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  first_error TEXT,
  key TEXT,
  PRIMARY KEY (group_id, position)
) WITHOUT ROWID;
CREATE INDEX spikard_message_deliveries_due ON spikard_message_deliveries (group_id, at_ns);
CREATE INDEX spikard_message_deliveries_key ON spikard_message_deliveries (group_id, key, position) WHERE key IS NOT NULL;
)sql"};

// States of a delivery. `at_ns`: 0, never, due, end of the lease.
constexpr int ready = 0;
constexpr int blocked = 1;
constexpr int delayed = 2;
constexpr int out = 3;
constexpr Nanos never = INT64_MAX;

constexpr std::size_t scan = 1000;       // rows of the log that one call looks at, at most, for a pattern
constexpr std::size_t look_ahead = 200;  // rows beyond those it gives out, where some may have to wait behind their key

std::string write_headers(const Headers& headers) {
  std::string text;
  json::Writer writer(text);
  writer.begin_object();
  for (const auto& [name, value] : headers) {
    writer.key(name);
    writer.string(value);
  }
  writer.end_object();
  return text;
}

/// What plain SQL may have put there counts as none where it is no object of texts.
Headers read_headers(std::string_view text) {
  Headers out_headers;
  if (text.empty()) return out_headers;
  Result<Document> read = json::parse(text);
  if (!read.ok() || !read->root().is_object()) return out_headers;
  for (const auto& [name, value] : read->root().members()) {
    if (value.is_string()) out_headers.emplace_back(name, value.text());
  }
  return out_headers;
}

std::string_view style_text(const TopicPattern& pattern) noexcept {
  return pattern.exact() ? "topic" : services::name_of(pattern.style());
}

TopicPattern pattern_of(std::string_view style, std::string_view text) {
  if (const auto known = services::topic_style_from(style)) {
    if (Result<TopicPattern> pattern = TopicPattern::compile(*known, text); pattern.ok()) return std::move(pattern).value();
  }
  return TopicPattern::topic(text);
}

/// Columns: topic, payload, key, headers, from `first` on.
Message read_message(const Statement& row, int first) {
  Message message(std::string(row.text(first)), std::string(row.blob(first + 1)), row.maybe_text(first + 2));
  message.headers = read_headers(row.text(first + 3));
  return message;
}

/// The first of its key is given out next, if it only waited for this.
Result<void> unblock(Connection& connection, std::int64_t group_id, const std::string& key, bool& woken) {
  Result<std::int64_t> changed = connection.run(
      "UPDATE spikard_message_deliveries SET state = 0, at_ns = 0 WHERE group_id = ?1 AND state = 1 AND position = "
      "(SELECT position FROM spikard_message_deliveries WHERE group_id = ?1 AND key = ?2 ORDER BY position LIMIT 1)",
      group_id, key);
  if (!changed.ok()) return std::move(changed).error();
  woken = woken || *changed > 0;
  return {};
}

Result<void> set_ordered(Connection& connection, std::int64_t group_id, bool ordered) {
  Result<std::int64_t> done =
      connection.run("UPDATE spikard_message_groups SET ordered = ? WHERE id = ?", ordered ? 1 : 0, group_id);
  if (!done.ok()) return std::move(done).error();
  if (ordered) {
    done = connection.run(
        "UPDATE spikard_message_deliveries AS d SET state = 1, at_ns = ?2 WHERE group_id = ?1 AND state = 0 AND key IS NOT NULL "
        "AND EXISTS (SELECT 1 FROM spikard_message_deliveries AS e WHERE e.group_id = ?1 AND e.key = d.key AND e.position < "
        "d.position)",
        group_id, never);
  } else {
    done =
        connection.run("UPDATE spikard_message_deliveries SET state = 0, at_ns = 0 WHERE group_id = ? AND state = 1", group_id);
  }
  if (!done.ok()) return std::move(done).error();
  return {};
}

worker_loop::WorkItem item_of(Message message, Position position, Millis published, std::uint32_t deliveries, std::uint32_t tries,
                              std::uint32_t failures, std::string first_error) {
  worker_loop::WorkItem item;
  item.position = static_cast<std::uint64_t>(position);
  item.name = std::move(message.topic);
  item.payload = std::move(message.payload);
  item.has_key = message.key.has_value();
  if (message.key) item.key = std::move(*message.key);
  item.headers = std::move(message.headers);
  item.delivery_count = deliveries;
  item.tries = tries;
  item.failures = failures;
  item.first_error = std::move(first_error);
  item.enqueued = wall_time(published);
  return item;
}

Held held_of(const worker_loop::WorkItem& item, Position position, std::int64_t delivery) {
  Held held;
  held.position = position;
  held.delivery = delivery;
  held.has_key = item.has_key;
  held.key = item.key;
  return held;
}

/// What was given out before and may be again.
Result<void> take_due(Connection& connection, const GroupRow& group, const TakeOptions& options, Taken& taken) {
  Result<void> done = connection.query(
      "SELECT d.position, d.state, d.deliveries, d.tries, d.failures, d.first_error, m.published_ms, m.topic, m.payload, m.key, "
      "m.headers FROM spikard_message_deliveries AS d JOIN spikard_messages AS m ON m.position = d.position "
      "WHERE d.group_id = ? AND d.at_ns <= ? ORDER BY d.position LIMIT ?",
      [&](Statement& row) {
        const Position position = row.integer(0);
        // A lease that ran out: whoever held it died, and that used up a try.
        const auto tries = static_cast<std::uint32_t>(row.integer(3) + (row.integer(1) == out ? 1 : 0));
        worker_loop::WorkItem item =
            item_of(read_message(row, 7), position, row.integer(6), static_cast<std::uint32_t>(row.integer(2) + 1), tries,
                    static_cast<std::uint32_t>(row.integer(4)), std::string(row.text(5)));
        taken.held.push_back(held_of(item, position, options.first_delivery + static_cast<std::int64_t>(taken.items.size())));
        taken.items.push_back(std::move(item));
      },
      group.id, options.now, options.max);
  if (!done.ok()) return done;
  for (std::size_t i = 0; i < taken.items.size(); ++i) {
    Result<std::int64_t> given = connection.run(
        "UPDATE spikard_message_deliveries SET state = 3, at_ns = ?, delivery = ?, deliveries = ?, tries = ? WHERE group_id = ? "
        "AND position = ?",
        options.lease_end, taken.held[i].delivery, taken.items[i].delivery_count, taken.items[i].tries, group.id,
        taken.held[i].position);
    if (!given.ok()) return std::move(given).error();
  }
  return {};
}

constexpr std::string_view log_of_topic =
    "SELECT position, published_ms, for_group, topic, payload, key, headers FROM spikard_messages WHERE position > ?1 AND topic "
    "= "
    "?2 ORDER BY position LIMIT ?3";
constexpr std::string_view log_of_all =
    "SELECT position, published_ms, for_group, topic, payload, key, headers FROM spikard_messages WHERE position > ?1 AND ?2 = "
    "?2 "
    "ORDER BY position LIMIT ?3";

/// What nobody of the group had yet.
Result<void> take_new(Connection& connection, const GroupRow& group, const TakeOptions& options, Taken& taken) {
  Position cursor = group.cursor;
  std::size_t looked = 0;
  const std::size_t limit = options.pattern.exact() ? options.max + look_ahead : scan;
  struct Row {
    worker_loop::WorkItem item;
    Position position;
  };
  std::vector<Row> rows;
  const std::size_t room = options.max - taken.items.size();
  // Rows that must wait behind their key take no room, so it may look at some more than it gives out.
  Result<void> done = connection.query(
      options.pattern.exact() ? log_of_topic : log_of_all,
      [&](Statement& row) {
        ++looked;
        if (rows.size() == room + look_ahead) return false;
        cursor = row.integer(0);
        if (!row.is_null(2) && row.text(2) != options.group) return true;
        if (!options.pattern.exact() && !options.pattern.matches(row.text(3))) return true;
        rows.push_back({item_of(read_message(row, 3), cursor, row.integer(1), 1, 0, 0, {}), cursor});
        return group.ordered || rows.size() < room;
      },
      group.cursor, options.pattern.text(), limit);
  if (!done.ok()) return done;
  taken.more = looked == limit;
  for (Row& row : rows) {
    bool waits = false;
    if (group.ordered && row.item.has_key) {
      Result<std::optional<bool>> before = connection.first(
          "SELECT 1 FROM spikard_message_deliveries WHERE group_id = ? AND key = ? LIMIT 1", [](Statement&) { return true; },
          group.id, row.item.key);
      if (!before.ok()) return std::move(before).error();
      waits = before->has_value();
    }
    const bool given = !waits && taken.items.size() < options.max;
    const std::int64_t delivery = options.first_delivery + static_cast<std::int64_t>(taken.items.size());
    const int state = waits ? blocked : given ? out : ready;
    const Nanos at = waits ? never : given ? options.lease_end : 0;
    Result<store::sqlite::Statement> statement = connection.prepare(
        "INSERT INTO spikard_message_deliveries (group_id, position, state, at_ns, delivery, deliveries, key) VALUES (?, ?, ?, "
        "?, "
        "?, ?, ?)");
    if (!statement.ok()) return std::move(statement).error();
    statement->bind_all(group.id, row.position, state, at, given ? delivery : 0, given ? 1 : 0);
    if (row.item.has_key) statement->bind(7, std::string_view(row.item.key));
    else statement->bind(7, nullptr);
    if (Result<void> ran = statement->run(); !ran.ok()) return ran;
    if (!given) continue;
    taken.held.push_back(held_of(row.item, row.position, delivery));
    taken.items.push_back(std::move(row.item));
  }
  if (cursor == group.cursor) return {};
  Result<std::int64_t> moved = connection.run("UPDATE spikard_message_groups SET cursor = ? WHERE id = ?", cursor, group.id);
  if (!moved.ok()) return std::move(moved).error();
  return {};
}

Result<std::optional<Nanos>> next_due(Connection& connection, std::int64_t group_id) {
  std::optional<Nanos> at;
  Result<void> done = connection.query(
      "SELECT at_ns FROM spikard_message_deliveries WHERE group_id = ? ORDER BY at_ns LIMIT 1",
      [&](Statement& row) { at = row.integer(0); }, group_id);
  if (!done.ok()) return std::move(done).error();
  if (at == never) at.reset();
  return at;
}

struct GroupOfTrim {
  std::int64_t id;
  std::string name;
  TopicPattern pattern;
  Position cursor;
};
Result<std::vector<GroupOfTrim>> all_groups(Connection& connection) {
  std::vector<GroupOfTrim> found;
  Result<void> done = connection.query(
      "SELECT id, name, style, topic, cursor FROM spikard_message_groups ORDER BY topic, name", [&](Statement& row) {
        found.push_back({row.integer(0), std::string(row.text(1)), pattern_of(row.text(2), row.text(3)), row.integer(4)});
      });
  if (!done.ok()) return std::move(done).error();
  return found;
}

}  // namespace

std::span<const std::string_view> schema() noexcept { return steps; }

Millis floor_millis(WallTime time) noexcept {
  return std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
}
WallTime wall_time(Millis time) noexcept {
  constexpr Millis limit = INT64_MAX / 1'000'000;  // beyond it nanoseconds have no room
  return WallTime(std::chrono::milliseconds(std::clamp(time, -limit, limit)));
}

Result<Position> insert(Connection& connection, const Message& message, std::string_view for_group, bool dead, Millis now) {
  const std::string headers = message.headers.empty() ? std::string() : write_headers(message.headers);
  Result<store::sqlite::Statement> statement = connection.prepare(
      "INSERT INTO spikard_messages (topic, payload, key, headers, published_ms, for_group, dead) VALUES (?, ?, ?, ?, ?, ?, ?)");
  if (!statement.ok()) return std::move(statement).error();
  statement->bind(1, std::string_view(message.topic)).bind(2, Blob{message.payload});
  if (message.key) statement->bind(3, std::string_view(*message.key));
  else statement->bind(3, nullptr);
  if (headers.empty()) statement->bind(4, nullptr);
  else statement->bind(4, std::string_view(headers));
  statement->bind(5, now);
  if (for_group.empty()) statement->bind(6, nullptr);
  else statement->bind(6, for_group);
  statement->bind(7, dead ? 1 : 0);
  if (Result<void> done = statement->run(); !done.ok()) return std::move(done).error();
  return connection.last_insert_id();
}

Result<Position> last_position(Connection& connection) {
  Result<std::optional<Position>> found = connection.first("SELECT seq FROM sqlite_sequence WHERE name = 'spikard_messages'",
                                                           [](Statement& row) { return row.integer(0); });
  if (!found.ok()) return std::move(found).error();
  return found->value_or(0);
}

Result<std::optional<GroupRow>> find_group(Connection& connection, const std::string& topic, const std::string& name) {
  return connection.first(
      "SELECT id, cursor, ordered FROM spikard_message_groups WHERE topic = ? AND name = ?",
      [](Statement& row) {
        GroupRow group;
        group.id = row.integer(0);
        group.cursor = row.integer(1);
        group.ordered = row.integer(2) != 0;
        return group;
      },
      topic, name);
}

Result<GroupRow> open_group(Connection& connection, const TopicPattern& pattern, const std::string& name,
                            std::optional<Position> cursor, std::optional<bool> ordered) {
  Result<std::optional<GroupRow>> found = find_group(connection, pattern.text(), name);
  if (!found.ok()) return std::move(found).error();
  if (!found->has_value()) {
    GroupRow group;
    Result<Position> end = last_position(connection);
    if (!end.ok()) return std::move(end).error();
    group.cursor = cursor.value_or(*end);
    group.ordered = ordered.value_or(false);
    Result<std::int64_t> made =
        connection.run("INSERT INTO spikard_message_groups (topic, name, style, cursor, ordered) VALUES (?, ?, ?, ?, ?)",
                       pattern.text(), name, style_text(pattern), group.cursor, group.ordered ? 1 : 0);
    if (!made.ok()) return std::move(made).error();
    group.id = connection.last_insert_id();
    return group;
  }
  GroupRow group = **found;
  if (ordered && *ordered != group.ordered) {
    if (Result<void> done = set_ordered(connection, group.id, *ordered); !done.ok()) return std::move(done).error();
    group.ordered = *ordered;
  }
  return group;
}

Result<Taken> take(Connection& connection, const TakeOptions& options) {
  Result<GroupRow> group = open_group(connection, options.pattern, options.group, std::nullopt, std::nullopt);
  if (!group.ok()) return std::move(group).error();
  Taken taken;
  taken.group_id = group->id;
  if (Result<void> done = take_due(connection, *group, options, taken); !done.ok()) return std::move(done).error();
  if (taken.items.size() < options.max) {
    if (Result<void> done = take_new(connection, *group, options, taken); !done.ok()) return std::move(done).error();
  }
  if (taken.items.empty() && !taken.more) {
    Result<std::optional<Nanos>> next = next_due(connection, group->id);
    if (!next.ok()) return std::move(next).error();
    taken.next = *next;
  }
  return taken;
}

Result<Outlook> look(Connection& connection, const TopicPattern& pattern, const std::string& group, Nanos now) {
  Outlook outlook;
  Result<std::optional<GroupRow>> found = find_group(connection, pattern.text(), group);
  if (!found.ok()) return std::move(found).error();
  if (!found->has_value()) {
    outlook.now = true;  // somebody deleted it: `take` makes it again
    return outlook;
  }
  Result<std::optional<Nanos>> next = next_due(connection, (*found)->id);
  if (!next.ok()) return std::move(next).error();
  outlook.next = *next;
  outlook.now = outlook.next && *outlook.next <= now;
  if (outlook.now) return outlook;
  Result<std::optional<bool>> fresh = connection.first(
      pattern.exact() ? std::string_view("SELECT 1 FROM spikard_messages WHERE position > ?1 AND topic = ?2 LIMIT 1")
                      : std::string_view("SELECT 1 FROM spikard_messages WHERE position > ?1 AND ?2 = ?2 LIMIT 1"),
      [](Statement&) { return true; }, (*found)->cursor, pattern.text());
  if (!fresh.ok()) return std::move(fresh).error();
  outlook.now = fresh->has_value();
  return outlook;
}

Result<Settled> settle(Connection& connection, std::int64_t group_id, const SettleOptions& options, const Held& held,
                       const worker_loop::Settlement& settlement, bool& woken) {
  using Kind = worker_loop::Settlement::Kind;
  if (settlement.kind == Kind::ack || settlement.kind == Kind::dead_letter) {
    Result<std::int64_t> gone =
        connection.run("DELETE FROM spikard_message_deliveries WHERE group_id = ? AND position = ? AND delivery = ?", group_id,
                       held.position, held.delivery);
    if (!gone.ok()) return std::move(gone).error();
    if (*gone == 0) return Settled::not_ours;
    if (held.has_key) {
      if (Result<void> done = unblock(connection, group_id, held.key, woken); !done.ok()) return std::move(done).error();
    }
    if (settlement.kind == Kind::ack) return Settled::done;
    if (options.dead_letter.empty()) return Settled::dropped;
    Result<std::optional<Message>> original = connection.first(
        "SELECT topic, payload, key, headers FROM spikard_messages WHERE position = ?",
        [](Statement& row) { return read_message(row, 0); }, held.position);
    if (!original.ok()) return std::move(original).error();
    if (!original->has_value()) return Error(ErrorKind::corrupt, "a message that a group waits for is gone");
    const Message dead = dead_letter_of(**original, options.dead_letter, given_up_of(options.group, settlement), options.now);
    Result<Position> kept = insert(connection, dead, {}, true, floor_millis(options.now));
    if (!kept.ok()) return std::move(kept).error();
    woken = true;
    return Settled::dead_lettered;
  }
  if (settlement.kind == Kind::keep) {
    Result<std::int64_t> kept = connection.run(
        "UPDATE spikard_message_deliveries SET deliveries = ?, tries = ?, failures = ?, first_error = ? WHERE group_id = ? AND "
        "position = ? AND delivery = ?",
        settlement.delivery_count, settlement.tries, settlement.failures, settlement.first_error, group_id, held.position,
        held.delivery);
    if (!kept.ok()) return std::move(kept).error();
    return *kept == 0 ? Settled::not_ours : Settled::done;
  }
  const bool waits = settlement.after > Duration::zero();
  const Nanos at = waits ? nanos(options.now + settlement.after) : 0;
  Result<std::int64_t> back = connection.run(
      "UPDATE spikard_message_deliveries SET state = ?, at_ns = ?, delivery = 0, deliveries = ?, tries = ?, failures = ?, "
      "first_error = ? WHERE group_id = ? AND position = ? AND delivery = ?",
      waits ? delayed : ready, at, settlement.delivery_count, settlement.tries, settlement.failures, settlement.first_error,
      group_id, held.position, held.delivery);
  if (!back.ok()) return std::move(back).error();
  if (*back == 0) return Settled::not_ours;
  woken = true;
  return Settled::done;
}

Result<bool> extend(Connection& connection, std::int64_t group_id, const Held& held, Nanos lease_end) {
  Result<std::int64_t> changed =
      connection.run("UPDATE spikard_message_deliveries SET at_ns = ? WHERE group_id = ? AND position = ? AND delivery = ?",
                     lease_end, group_id, held.position, held.delivery);
  if (!changed.ok()) return std::move(changed).error();
  return *changed > 0;
}

Result<void> seek(Connection& connection, const TopicPattern& pattern, const std::string& group, const Place& place) {
  Result<Position> end = last_position(connection);
  if (!end.ok()) return std::move(end).error();
  Position from = *end + 1;
  if (const auto* position = std::get_if<std::uint64_t>(&place)) {
    from = static_cast<Position>(std::min<std::uint64_t>(*position, static_cast<std::uint64_t>(from)));
  } else if (const auto* time = std::get_if<WallTime>(&place)) {
    Result<std::optional<Position>> first = connection.first(
        "SELECT position FROM spikard_messages WHERE published_ms >= ? ORDER BY position LIMIT 1",
        [](Statement& row) { return row.integer(0); }, floor_millis(*time));
    if (!first.ok()) return std::move(first).error();
    from = first->value_or(from);
  } else if (std::get<Beginning>(place).earliest) {
    from = 0;
  }
  Result<GroupRow> row = open_group(connection, pattern, group, from - 1, std::nullopt);
  if (!row.ok()) return std::move(row).error();
  // What lies before and was never given out is skipped; the rest of what lies before stays.
  Result<std::int64_t> gone = connection.run(
      "DELETE FROM spikard_message_deliveries WHERE group_id = ?1 AND (position >= ?2 OR (deliveries = 0 AND state IN (0, 1)))",
      row->id, from);
  if (!gone.ok()) return std::move(gone).error();
  Result<std::int64_t> moved = connection.run("UPDATE spikard_message_groups SET cursor = ? WHERE id = ?", from - 1, row->id);
  if (!moved.ok()) return std::move(moved).error();
  if (!row->ordered) return {};
  // Behind what is gone.
  Result<std::int64_t> freed = connection.run(
      "UPDATE spikard_message_deliveries AS d SET state = 0, at_ns = 0 WHERE group_id = ?1 AND state = 1 AND NOT EXISTS (SELECT "
      "1 "
      "FROM spikard_message_deliveries AS e WHERE e.group_id = ?1 AND e.key = d.key AND e.position < d.position)",
      row->id);
  if (!freed.ok()) return std::move(freed).error();
  return {};
}

Result<std::vector<GroupInfo>> groups(Connection& connection) {
  Result<std::vector<GroupOfTrim>> all = all_groups(connection);
  if (!all.ok()) return std::move(all).error();
  std::vector<GroupInfo> found;
  for (const GroupOfTrim& group : *all) {
    GroupInfo& info = found.emplace_back();
    info.name = GroupName{group.name, group.pattern.text()};
    Result<void> done = connection.query(
        "SELECT state, count(*) FROM spikard_message_deliveries WHERE group_id = ? GROUP BY state",
        [&](Statement& row) {
          const auto count = static_cast<std::uint64_t>(row.integer(1));
          if (row.integer(0) == out) info.in_hand += count;
          else if (row.integer(0) == delayed) info.delayed += count;
          else info.waiting += count;
        },
        group.id);
    if (!done.ok()) return std::move(done).error();
    done = connection.query(
        group.pattern.exact()
            ? std::string_view("SELECT topic, for_group FROM spikard_messages WHERE position > ?1 AND topic = ?2")
            : std::string_view("SELECT topic, for_group FROM spikard_messages WHERE position > ?1 AND ?2 = ?2"),
        [&](Statement& row) {
          const bool for_it = row.is_null(1) || row.text(1) == group.name;
          if (for_it && group.pattern.matches(row.text(0))) ++info.waiting;
        },
        group.cursor, group.pattern.text());
    if (!done.ok()) return std::move(done).error();
  }
  return found;
}

Result<bool> delete_group(Connection& connection, const GroupName& name, Nanos now) {
  Result<std::optional<GroupRow>> group = find_group(connection, name.topic, name.group);
  if (!group.ok()) return std::move(group).error();
  if (!group->has_value()) return false;
  Result<std::optional<bool>> held = connection.first(
      "SELECT 1 FROM spikard_message_deliveries WHERE group_id = ? AND state = 3 AND at_ns > ? LIMIT 1",
      [](Statement&) { return true; }, (*group)->id, now);
  if (!held.ok()) return std::move(held).error();
  if (held->has_value())
    return Error(ErrorKind::conflict, "the group has consumers").with("group", name.group).with_retry(RetryClass::permanent);
  Result<std::int64_t> gone = connection.run("DELETE FROM spikard_message_groups WHERE id = ?", (*group)->id);
  if (!gone.ok()) return std::move(gone).error();
  return true;
}

Result<DeadLetterPage> dead_letters(Connection& connection, const DeadLetterQuery& query) {
  DeadLetterPage page;
  Result<void> done = connection.query(
      query.payloads
          ? std::string_view("SELECT position, published_ms, length(payload), topic, payload, key, headers FROM spikard_messages "
                             "WHERE dead = 1 AND topic = ? AND position > ? ORDER BY position LIMIT ?")
          : std::string_view("SELECT position, published_ms, length(payload), topic, x'', key, headers FROM spikard_messages "
                             "WHERE dead = 1 AND topic = ? AND position > ? ORDER BY position LIMIT ?"),
      [&](Statement& row) {
        if (page.messages.size() == query.limit) {
          page.more = true;
          return false;
        }
        DeadLetter& letter = page.messages.emplace_back();
        letter.position = static_cast<std::uint64_t>(row.integer(0));
        letter.time = wall_time(row.integer(1));
        letter.size = static_cast<std::size_t>(row.integer(2));
        letter.message = read_message(row, 3);
        return true;
      },
      query.topic, static_cast<std::int64_t>(std::min<std::uint64_t>(query.after, INT64_MAX)), std::int64_t{query.limit} + 1);
  if (!done.ok()) return std::move(done).error();
  return page;
}

Result<std::vector<std::uint64_t>> dead_positions(Connection& connection, const std::string& topic, std::uint64_t after,
                                                  Position last, std::size_t limit) {
  std::vector<std::uint64_t> found;
  Result<void> done = connection.query(
      "SELECT position FROM spikard_messages WHERE dead = 1 AND topic = ? AND position > ? AND position <= ? ORDER BY "
      "position LIMIT ?",
      [&](Statement& row) { found.push_back(static_cast<std::uint64_t>(row.integer(0))); }, topic,
      static_cast<std::int64_t>(std::min<std::uint64_t>(after, INT64_MAX)), last, static_cast<std::int64_t>(limit));
  if (!done.ok()) return std::move(done).error();
  return found;
}

Result<std::vector<std::string>> redrive(Connection& connection, const std::string& topic,
                                         std::span<const std::uint64_t> positions, const std::string& to, Millis now) {
  std::vector<std::string> topics;
  for (const std::uint64_t position : positions) {
    const auto at = static_cast<Position>(std::min<std::uint64_t>(position, INT64_MAX));
    Result<std::optional<Message>> letter = connection.first(
        "SELECT topic, payload, key, headers FROM spikard_messages WHERE position = ? AND dead = 1 AND topic = ?",
        [](Statement& row) { return read_message(row, 0); }, at, topic);
    if (!letter.ok()) return std::move(letter).error();
    if (!letter->has_value()) continue;
    std::optional<Redriven> back = redriven(std::move(**letter), to);
    if (!back) continue;
    Result<Position> sent = insert(connection, back->message, back->for_group, false, now);
    if (!sent.ok()) return std::move(sent).error();
    // Who consumes the topic of dead letters may not have come to it yet, so it goes by retention.
    Result<std::int64_t> gone = connection.run("UPDATE spikard_messages SET dead = 0 WHERE position = ?", at);
    if (!gone.ok()) return std::move(gone).error();
    topics.push_back(std::move(back->message.topic));
  }
  return topics;
}

Result<std::uint64_t> purge(Connection& connection, const std::string& topic, std::span<const std::uint64_t> positions,
                            bool& woken) {
  std::uint64_t count = 0;
  for (const std::uint64_t position : positions) {
    const auto at = static_cast<Position>(std::min<std::uint64_t>(position, INT64_MAX));
    Result<std::int64_t> gone =
        connection.run("DELETE FROM spikard_messages WHERE position = ? AND dead = 1 AND topic = ?", at, topic);
    if (!gone.ok()) return std::move(gone).error();
    if (*gone == 0) continue;
    ++count;
    std::vector<std::pair<std::int64_t, std::string>> keys;  // of the groups that have it to do
    Result<void> found = connection.query(
        "SELECT group_id, key FROM spikard_message_deliveries WHERE group_id IN (SELECT id FROM spikard_message_groups) AND "
        "position = ? AND key IS NOT NULL",
        [&](Statement& row) { keys.emplace_back(row.integer(0), row.text(1)); }, at);
    if (!found.ok()) return std::move(found).error();
    gone = connection.run(
        "DELETE FROM spikard_message_deliveries WHERE group_id IN (SELECT id FROM spikard_message_groups) AND position = ?", at);
    if (!gone.ok()) return std::move(gone).error();
    for (const auto& [group, key] : keys) {
      if (Result<void> done = unblock(connection, group, key, woken); !done.ok()) return std::move(done).error();
    }
  }
  return count;
}

Result<void> trim(Connection& connection, Position& from, Millis before, std::size_t limit) {
  struct Old {
    Position position;
    std::string topic;
    std::optional<std::string> for_group;
  };
  std::vector<Old> old;
  bool ended = true;
  Result<void> done = connection.query(
      "SELECT position, published_ms, dead, topic, for_group FROM spikard_messages WHERE position > ? ORDER BY position LIMIT ?",
      [&](Statement& row) {
        if (row.integer(1) >= before) {
          ended = true;
          return false;
        }
        ended = false;
        from = row.integer(0);
        if (row.integer(2) == 0) old.push_back({from, std::string(row.text(3)), row.maybe_text(4)});
        return true;
      },
      from, static_cast<std::int64_t>(limit));
  if (!done.ok()) return done;
  if (ended) from = 0;
  if (old.empty()) return {};
  Result<std::vector<GroupOfTrim>> all = all_groups(connection);
  if (!all.ok()) return std::move(all).error();
  for (const Old& one : old) {
    bool wanted = false;
    for (const GroupOfTrim& group : *all) {
      if ((one.for_group && *one.for_group != group.name) || !group.pattern.matches(one.topic)) continue;
      wanted = group.cursor < one.position;
      if (!wanted) {
        Result<std::optional<bool>> waits = connection.first(
            "SELECT 1 FROM spikard_message_deliveries WHERE group_id = ? AND position = ?", [](Statement&) { return true; },
            group.id, one.position);
        if (!waits.ok()) return std::move(waits).error();
        wanted = waits->has_value();
      }
      if (wanted) break;
    }
    if (wanted) continue;
    Result<std::int64_t> gone = connection.run("DELETE FROM spikard_messages WHERE position = ?", one.position);
    if (!gone.ok()) return std::move(gone).error();
  }
  return {};
}

}  // namespace spikard::messaging::sqlite
