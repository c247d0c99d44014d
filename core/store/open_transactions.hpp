#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "base/result.hpp"
#include "store/transaction.hpp"

namespace spikard::store {

/// The transactions that hosts have open, by the number they were given (`db.begin`): how `messaging.publish`, `tasks.enqueue`
/// and `cache.invalidate` of the port join one. One an application, on its service loop, where all operations of hosts run.
class OpenTransactions {
 public:
  [[nodiscard]] std::uint64_t add(Transaction& transaction) {
    open_.emplace(++last_, &transaction);
    return last_;
  }
  void remove(std::uint64_t number) noexcept { open_.erase(number); }
  /// not_found once it has ended.
  [[nodiscard]] Result<Transaction*> find(std::uint64_t number) const {
    const auto at = open_.find(number);
    if (at != open_.end()) return at->second;
    return Error(ErrorKind::not_found, "transaction: there is no open transaction " + std::to_string(number));
  }

 private:
  std::unordered_map<std::uint64_t, Transaction*> open_;
  std::uint64_t last_ = 0;
};

}  // namespace spikard::store
