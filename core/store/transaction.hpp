#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/function.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "net/loop/loop.hpp"

namespace spikard::store {

namespace sqlite {
class TransactionPart;
}
namespace postgres {
class TransactionPart;
}
namespace mysql {
class TransactionPart;
}

/// What the outbox keeps until its relay has handed it to whom it is for: a message or a task of a store that is not in the same
/// database.
struct OutboxEntry {
  OutboxEntry() = default;
  OutboxEntry(std::string of_target, std::string of_kind, std::string of_payload)
      : target(std::move(of_target)), kind(std::move(of_kind)), payload(std::move(of_payload)) {}
  std::string target;   ///< which client delivers it: `messaging.default`, `tasks.mail`
  std::string kind;     ///< what is done with it: `publish`, `enqueue`
  std::string payload;  ///< as that client wrote it, opaque here
};

/// A write transaction that others add to: what they write commits with the data, or not at all. Given out by the db client
/// (db/client.hpp); used by one task at a time, on the loop that began it.
///
/// A store whose tables are in the same database (`database()` equals its own id) writes through the engine's part; any other
/// puts an entry into the outbox. Wake-ups and cache invalidations are hooks.
class Transaction {
 public:
  /// As `store::sqlite::Database::id()`.
  [[nodiscard]] virtual const std::string& database() const noexcept = 0;
  /// Null for another engine.
  [[nodiscard]] virtual sqlite::TransactionPart* sqlite() noexcept { return nullptr; }
  [[nodiscard]] virtual postgres::TransactionPart* postgres() noexcept { return nullptr; }
  [[nodiscard]] virtual mysql::TransactionPart* mysql() noexcept { return nullptr; }
  /// conflict/transaction_aborted once a statement has failed.
  [[nodiscard]] virtual Task<Result<void>> outbox(OutboxEntry entry) = 0;
  /// Notes (source, id) of a message or an event; false when it was there before. In the transaction of what its handler does,
  /// that happens once however often it is delivered.
  [[nodiscard]] virtual Task<Result<bool>> inbox(std::string source, std::string id) = 0;
  /// Called on the loop's thread after the commit, in the order they came; dropped with the transaction or the nested scope they
  /// were given in. Must not throw.
  virtual void after_commit(Function<void()> fn) = 0;

 protected:
  ~Transaction() = default;
};

}  // namespace spikard::store
