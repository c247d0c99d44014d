#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "messaging/backend.hpp"
#include "net/redis/command.hpp"
#include "net/redis/resp.hpp"

// What lies in Redis: names of keys, entries of streams, messages of channels (README.md has the layout). Pure functions.
namespace spikard::messaging::redis {

/// Where an entry lies in its stream: `MILLISECONDS-NUMBER`, given by the server.
struct EntryId {
  std::uint64_t ms = 0;
  std::uint64_t number = 0;

  [[nodiscard]] static std::optional<EntryId> parse(std::string_view text) noexcept;
  /// The other way round. A position is the milliseconds times 2^21 and the number in that millisecond.
  [[nodiscard]] static EntryId at(std::uint64_t position) noexcept;
  [[nodiscard]] std::uint64_t position() const noexcept;
  [[nodiscard]] std::string text() const;
  /// The last one before it.
  [[nodiscard]] EntryId before() const noexcept;
  friend auto operator<=>(const EntryId&, const EntryId&) = default;
};

/// Keys and channels of one prefix. Its braces make one slot of a cluster of them all, so that a script may do with them what it
/// has to in one step.
class Names {
 public:
  explicit Names(std::string_view prefix) : base_("{" + std::string(prefix) + "}:") {}
  [[nodiscard]] std::string stream(std::string_view topic) const { return name("s:", topic); }
  [[nodiscard]] std::string dead(std::string_view topic) const { return name("d:", topic); }
  /// Set: topics that were ever published to.
  [[nodiscard]] std::string topics() const { return base_ + "topics"; }
  /// Hash: what is known of the groups.
  [[nodiscard]] std::string groups() const { return base_ + "groups"; }
  /// Number of the last group that was made.
  [[nodiscard]] std::string generation() const { return base_ + "generation"; }
  /// Channel: new topics.
  [[nodiscard]] std::string bell() const { return base_ + "bell"; }
  /// Sorted set of a group: what comes again, by when.
  [[nodiscard]] std::string due(std::string_view group) const { return name("due:", group); }
  /// Hash of a group: records (redelivery.hpp) of what came before.
  [[nodiscard]] std::string records(std::string_view group) const { return name("records:", group); }
  [[nodiscard]] std::string channel(std::string_view topic) const { return name("c:", topic); }

  [[nodiscard]] std::string_view topic_of_stream(std::string_view key) const noexcept { return rest(key); }
  [[nodiscard]] std::string_view topic_of_channel(std::string_view channel) const noexcept { return rest(channel); }
  /// For PSUBSCRIBE: channels of which those of the pattern's topics are a part.
  [[nodiscard]] std::string channels_of(const TopicPattern& pattern) const;

 private:
  [[nodiscard]] std::string name(std::string_view kind, std::string_view what) const {
    std::string out;
    out.reserve(base_.size() + kind.size() + what.size());
    return out.append(base_).append(kind).append(what);
  }
  [[nodiscard]] std::string_view rest(std::string_view name) const noexcept {
    return name.size() < base_.size() + 2 ? std::string_view() : name.substr(base_.size() + 2);
  }
  std::string base_;
};

/// A group as the hash of groups has it. Its consumer groups have a name that no other had before, so that what comes late from
/// before a seek or a deletion goes nowhere.
struct GroupRecord {
  std::string name;   ///< of its consumer groups: GROUP:NUMBER
  std::string style;  ///< of its pattern: `topic` for one topic
  Duration lease{};   ///< of who joined last

  [[nodiscard]] static std::string field(std::string_view group, std::string_view topic);
  [[nodiscard]] static std::optional<GroupName> read_field(std::string_view field);
  /// `STYLE LEASE_MS NAME`, as the scripts write it.
  [[nodiscard]] static std::optional<GroupRecord> parse(std::string_view text);
  [[nodiscard]] TopicPattern pattern(const std::string& topic) const;
};
[[nodiscard]] std::string_view style_of(const TopicPattern& pattern) noexcept;

/// A message as arguments of XADD behind the ID: `payload`, `key` where it has one, `for` for a redriven one, and its headers as
/// `h:NAME`, in their order.
void append_fields(net::redis::Command& command, const Message& message, std::string_view for_group = {});
[[nodiscard]] std::size_t fields_size(const Message& message) noexcept;

struct Entry {
  Message message{};
  std::string for_group{};  ///< empty: for all
};
/// Of an entry's list of fields and values. Fields that are none of ours are headers, so whoever can XADD can publish.
[[nodiscard]] Entry read_fields(net::redis::View fields, std::string_view topic);

/// A message of pub/sub: the payload as it is, or in an envelope where there is a key or are headers.
[[nodiscard]] std::string channel_text(const Message& message);
/// What is no whole envelope is a payload.
[[nodiscard]] Message read_channel_text(std::string_view topic, std::string_view text);

}  // namespace spikard::messaging::redis
