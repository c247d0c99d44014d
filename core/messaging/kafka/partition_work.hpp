#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "messaging/message.hpp"

namespace spikard::messaging::kafka {

/// What is known of a message beside its bytes.
struct Counts {
  std::uint32_t deliveries = 0;
  std::uint32_t tries = 0;
  std::uint32_t failures = 0;
  std::string first_error{};
};

/// A record that is to be worked on.
struct Incoming {
  std::int64_t offset = 0;
  Message message{};  ///< of the topic it was first published to
  std::uint64_t position = 0;
  WallTime published{};
  Counts counts{};
  std::optional<WallTime> due{};  ///< a retry that is not to be tried before
};

/// What a group still has to do in one partition, in memory and as the note that lies beside its committed offset. The offset is
/// that of the first message that is not done; the note says what behind it is done, what is in hand, and how often the others
/// were tried. So who takes the partition over neither loses anything nor does again what is done, and a message whose consumer
/// died has used up a try. No I/O; one loop.
class PartitionWork {
 public:
  /// From where the group has come to. What the note says was in hand has used up a try: its consumer died.
  PartitionWork(std::int64_t committed, std::string_view note);

  /// Where to read on.
  [[nodiscard]] std::int64_t next_offset() const noexcept { return next_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

  /// Ascending. What is done, or lies before `next_offset`, is dropped.
  void add(Incoming in, WallTime now);
  /// Everything before was read, also what there is no record of.
  void read_to(std::int64_t next);

  struct Given {
    std::int64_t offset = 0;
    const Incoming* record = nullptr;
    std::uint32_t delivery = 1;
  };
  /// The next that may be handled: now in hand. `ordered`: none whose key waits for its next try.
  [[nodiscard]] std::optional<Given> take(WallTime now, bool ordered);
  /// When the next delayed one comes due.
  [[nodiscard]] std::optional<WallTime> next_due() const;
  [[nodiscard]] std::size_t in_hand() const noexcept { return in_hand_; }
  /// Of those that are not done, in their order.
  [[nodiscard]] std::vector<std::int64_t> offsets() const;
  [[nodiscard]] const Incoming* find(std::int64_t offset) const;

  // Of one in hand; false where it is not there any more.
  bool finish(std::int64_t offset);
  /// Comes again here, after `due` where it says one.
  bool again(std::int64_t offset, Counts counts, std::optional<WallTime> due);
  /// Stays in hand.
  bool keep(std::int64_t offset, Counts counts);

  /// Forgets it, in hand or not.
  void drop(std::int64_t offset);
  /// The broker has nothing before it any more.
  void drop_before(std::int64_t offset);
  /// The group begins anew at `target`: what lies from there on comes again, what lies before and was never given out does not
  /// come.
  void seek(std::int64_t target);

  /// What to commit.
  [[nodiscard]] std::int64_t commit_offset() const;
  [[nodiscard]] std::string note() const;
  /// Grows with every change of what is to be committed.
  [[nodiscard]] std::uint64_t version() const noexcept { return version_; }

  /// What a note says, for a look from outside.
  struct Outlook {
    std::uint64_t unfinished = 0;  ///< of what the note names
    std::uint64_t in_hand = 0;
    std::uint64_t delayed = 0;
    std::int64_t done_to = 0;  ///< everything before that the note does not name is done
  };
  [[nodiscard]] static Outlook look(std::int64_t committed, std::string_view note);

 private:
  enum class State : std::uint8_t { ready, out, delayed };
  struct Entry {
    Incoming record;
    State state = State::ready;
    WallTime due{};
  };
  struct Noted {
    Counts counts;
    std::optional<WallTime> due;
    bool in_hand = false;
  };
  struct Note {
    std::int64_t done_to = 0;
    std::map<std::int64_t, Noted> entries;
  };
  using Entries = std::map<std::int64_t, Entry>;
  [[nodiscard]] static Note read(std::int64_t committed, std::string_view text);
  Entries::iterator remove(Entries::iterator at);
  void wait_until(Entry& entry, WallTime due);
  void make_ready(Entry& entry);
  [[nodiscard]] bool waits_for_its_key(const Entry& entry) const;

  std::int64_t next_;
  std::int64_t done_to_;
  Entries entries_;                      // not done
  std::map<std::int64_t, Noted> noted_;  // of the note, not read yet
  std::set<std::int64_t> ready_;         // may be given out
  std::set<std::pair<WallTime, std::int64_t>> delays_;
  std::map<std::string, std::set<std::int64_t>> delayed_keys_;
  std::set<std::int64_t> worked_;  // of which the record itself does not say all
  std::size_t in_hand_ = 0;
  std::size_t bytes_ = 0;
  std::uint64_t version_ = 1;
};

}  // namespace spikard::messaging::kafka
