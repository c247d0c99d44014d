#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "cache/cache.hpp"
#include "net/operation_target.hpp"

namespace spikard::cache {

/// A cache as the port and every binding see it: spec/operations/cache.yaml. `call_now` answers all that completes at once, which
/// for `memory:` is all but waiting for somebody else's load. With tracing on it answers nothing: only `call` knows the trace.
class Operations final : public net::OperationTarget {
 public:
  explicit Operations(std::shared_ptr<Cache> cache) noexcept : cache_(std::move(cache)) {}
  [[nodiscard]] std::optional<Result<Document>> call_now(Operation operation, Value args) override;
  [[nodiscard]] Task<Result<Document>> call(net::Caller caller, Operation operation, Document args,
                                            net::OperationStream* stream) override;

 private:
  std::shared_ptr<Cache> cache_;
};

}  // namespace spikard::cache
