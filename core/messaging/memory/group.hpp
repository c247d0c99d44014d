#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "messaging/backend.hpp"
#include "net/await.hpp"

namespace spikard::messaging::memory {

using Position = std::uint64_t;

/// A message the broker has. Immutable; the log, the dead letters and every group that waits for it share one.
struct Stored {
  Stored(std::shared_ptr<std::atomic<std::uint64_t>> counter, Message of_message)
      : message(std::move(of_message)), size(message.size() + overhead), bytes(std::move(counter)) {
    bytes->fetch_add(size, std::memory_order_relaxed);
  }
  ~Stored() { bytes->fetch_sub(size, std::memory_order_relaxed); }
  Stored(const Stored&) = delete;
  Stored& operator=(const Stored&) = delete;

  static constexpr std::size_t overhead = 256;  // what a message costs beside its bytes, about
  Position position = 0;
  Message message;
  WallTime published{};
  std::string for_group;  // a redriven one: nobody else takes it
  std::size_t size;
  std::shared_ptr<std::atomic<std::uint64_t>> bytes;
};
using StoredPtr = std::shared_ptr<const Stored>;

/// How a subscription is told that there may be something. `waiting` is under the broker's lock, `event` on the loop's thread.
struct Waker {
  explicit Waker(net::Loop& of_loop) : loop(&of_loop), mailbox(of_loop.mailbox()) {}
  const net::Loop* loop;  // to compare with, only
  std::shared_ptr<net::Loop::Mailbox> mailbox;
  net::Event* event = nullptr;  // null once the subscription is gone
  bool waiting = false;
};
using Wakers = std::vector<std::shared_ptr<Waker>>;

/// What one group has to do yet. Every call is under the broker's lock.
class Group {
 public:
  Group(GroupName name, TopicPattern pattern) : name_(std::move(name)), pattern_(std::move(pattern)) {}

  [[nodiscard]] const GroupName& name() const noexcept { return name_; }
  [[nodiscard]] const TopicPattern& pattern() const noexcept { return pattern_; }
  [[nodiscard]] bool wants(const Stored& stored) const noexcept {
    return (stored.for_group.empty() || stored.for_group == name_.group) && pattern_.matches(stored.message.topic);
  }

  /// The last one to join says whether the group keeps the order of keys.
  void join(const std::shared_ptr<Waker>& waker, bool ordered);
  void leave(const std::shared_ptr<Waker>& waker) noexcept { std::erase(consumers_, waker); }
  [[nodiscard]] bool consumed() const noexcept { return !consumers_.empty(); }

  /// A new message; positions only grow.
  void add(StoredPtr stored, Wakers& wake);
  /// Forgets everything from `from` on, given out or not, and what lies before and was never given out.
  void skip_to(Position from);
  /// Forgets this one, given out or not; the next of its key may go.
  void drop(Position position, Wakers& wake);
  /// What is due is made ready, then up to `max` are given out. `next`: when something comes due, where nothing was given.
  [[nodiscard]] std::vector<worker_loop::WorkItem> take(std::uint32_t max, Instant now, Duration lease,
                                                        std::optional<Instant>& next);
  /// False: it is not ours any more. What is given up is handed out in `dead`.
  [[nodiscard]] bool settle(const worker_loop::Settlement& settlement, Instant now, StoredPtr& dead, Wakers& wake);
  [[nodiscard]] bool extend(std::uint64_t delivery, Instant until);
  [[nodiscard]] GroupInfo info() const;
  void wake_all(Wakers& wake);

 private:
  enum class State : std::uint8_t { ready, blocked, delayed, out };
  struct Entry {
    StoredPtr stored;
    State state = State::ready;
    std::uint32_t deliveries = 0;
    std::uint32_t tries = 0;
    std::uint32_t failures = 0;
    std::uint64_t delivery = 0;  // the present one, while it is out
    Instant at{};                // delayed: due; out: the end of the lease
    std::string first_error;
  };

  void due(Instant now);
  void make_ready(Position position, Entry& entry);
  void next_of_key(const std::string& key, Position done, Wakers& wake);
  void queue_keys();
  [[nodiscard]] std::optional<Position> next_ready();

  const GroupName name_;
  const TopicPattern pattern_;
  bool ordered_ = false;
  std::unordered_map<Position, Entry> entries_;
  std::deque<Position> fresh_;                 // ready and never given out, ascending
  std::set<Position> again_;                   // ready, the others
  std::set<std::pair<Instant, Position>> at_;  // delays and leases
  std::unordered_map<std::uint64_t, Position> deliveries_;
  std::unordered_map<std::string, std::deque<Position>> keys_;  // ordered: only the first may be given out
  Wakers consumers_;
  std::uint64_t next_delivery_ = 1;
};

}  // namespace spikard::messaging::memory
