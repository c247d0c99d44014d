#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/result.hpp"
#include "store/transaction.hpp"

namespace spikard::store {

/// The transactions that hosts have open, by the number they were given (`db.begin`): how `messaging.publish`, `tasks.enqueue`
/// and `cache.invalidate` of the port join one. One an application, on its service loop, where all operations of hosts run.
class OpenTransactions {
 public:
  [[nodiscard]] std::uint64_t add(std::shared_ptr<Transaction> transaction) {
    open_.emplace(++last_, std::move(transaction));
    return last_;
  }
  void remove(std::uint64_t number) noexcept {
    open_.erase(number);
    std::erase_if(over_, [number](const auto& one) { return one.first == number; });
  }
  /// It has ended, and not because its host said so: who uses its number is told why, as long as few others ended so since.
  void end(std::uint64_t number, Error why) {
    remove(number);
    over_.emplace_back(number, std::move(why));
    if (over_.size() > most_over) over_.pop_front();
  }
  /// Whoever waits for something of it keeps what this gives: the host may end it meanwhile. not_found once it has ended.
  [[nodiscard]] Result<std::shared_ptr<Transaction>> find(std::uint64_t number) const {
    const auto at = open_.find(number);
    if (at != open_.end()) return at->second;
    for (const auto& [ended, why] : over_) {
      if (ended == number) return why;
    }
    return Error(ErrorKind::not_found, "transaction: there is no open transaction " + std::to_string(number));
  }

 private:
  static constexpr std::size_t most_over = 256;
  std::unordered_map<std::uint64_t, std::shared_ptr<Transaction>> open_;
  std::deque<std::pair<std::uint64_t, Error>> over_;
  std::uint64_t last_ = 0;
};

}  // namespace spikard::store
