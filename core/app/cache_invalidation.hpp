#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "net/operation_target.hpp"
#include "store/open_transactions.hpp"

namespace spikard::app {

/// A cache's operations with `cache.invalidate`, which may wait for the commit of a transaction of db: the wiring of the two. All
/// others go to the cache. Thread-safe; `call` with a transaction on the loop that began it.
class CacheInvalidation final : public net::OperationTarget {
 public:
  CacheInvalidation(std::shared_ptr<net::OperationTarget> cache, const store::OpenTransactions& transactions)
      : cache_(std::move(cache)), transactions_(transactions) {}

  [[nodiscard]] std::optional<Result<Document>> call_now(Operation operation, Value args) override {
    return operation == Operation::cache_invalidate ? std::nullopt : cache_->call_now(operation, args);
  }
  [[nodiscard]] Task<Result<Document>> call(net::Caller caller, Operation operation, Document args,
                                            net::OperationStream* stream) override;

 private:
  [[nodiscard]] static Task<Result<Document>> invalidate(std::shared_ptr<net::OperationTarget> cache, net::Caller caller,
                                                         Document args);

  const std::shared_ptr<net::OperationTarget> cache_;
  const store::OpenTransactions& transactions_;
};

}  // namespace spikard::app
