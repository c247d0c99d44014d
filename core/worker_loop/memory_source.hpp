#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "net/await.hpp"
#include "net/loop/loop.hpp"
#include "worker_loop/source.hpp"

namespace spikard::worker_loop {

struct MemorySourceOptions {
  std::size_t capacity = 100'000;             ///< items not settled yet; one more is refused
  Duration lease{};                           ///< zero: an item given out comes back only when told
  bool dead_letters = true;                   ///< false: what would go there is dropped and counted
  std::size_t dead_letter_capacity = 10'000;  ///< the oldest goes first
};

struct DeadLetter {
  WorkItem item;
  std::string reason;
  std::string error;
  std::string first_error;
};

/// Work in memory: first in, first out among what is due, leases with fencing (an id is one delivery), delays. Several worker
/// loops on its loop may share it. Belongs to its loop's thread.
class MemorySource final : public Source {
 public:
  explicit MemorySource(net::Loop& loop, MemorySourceOptions options = {});

  /// rate_limited when it is full. `id`, `delivery_count` and the counts of tries are the source's.
  [[nodiscard]] Result<void> push(WorkItem item, Duration delay = Duration::zero());

  [[nodiscard]] Task<Result<std::vector<WorkItem>>> pull(std::uint32_t max) override;
  [[nodiscard]] Task<Result<std::vector<std::uint64_t>>> settle(std::span<const Settlement> settlements) override;
  [[nodiscard]] Task<Result<std::vector<std::uint64_t>>> extend(std::span<const std::uint64_t> ids) override;
  [[nodiscard]] Duration lease() const noexcept override { return options_.lease; }

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] std::size_t given_out() const noexcept { return deliveries_.size(); }
  [[nodiscard]] const std::deque<DeadLetter>& dead_letters() const noexcept { return dead_letters_; }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  struct Entry {
    WorkItem item;
    std::uint64_t delivery = 0;  // 0: not given out
    Instant at{};                // due, or the end of the lease
  };
  using Sequence = std::uint64_t;
  void due();
  void arm();
  void wait_until(Sequence sequence, Entry& entry, Instant at);
  void make_ready(Sequence sequence, Entry& entry);
  bool settle_one(const Settlement& settlement);

  net::Loop& loop_;
  const MemorySourceOptions options_;
  net::Event arrived_;
  net::Timer timer_;
  std::map<Sequence, Entry> entries_;
  std::set<Sequence> ready_;
  std::set<std::pair<Instant, Sequence>> timed_;  // delays and leases
  std::map<std::uint64_t, Sequence> deliveries_;
  std::deque<DeadLetter> dead_letters_;
  std::uint64_t next_sequence_ = 1;
  std::uint64_t next_delivery_ = 1;
  std::uint64_t dropped_ = 0;
};

}  // namespace spikard::worker_loop
