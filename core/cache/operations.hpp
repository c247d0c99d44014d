#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "cache/cache.hpp"
#include "net/operation_target.hpp"

namespace spikard::cache {

/// A cache as the port and every binding see it: spec/operations/cache.yaml. `call_now` answers all that completes at once, which
/// for `memory:` is all but waiting for somebody else's load. With tracing on it leaves to `call` what it is not told
/// the trace of.
class Operations final : public net::OperationTarget {
 public:
  explicit Operations(std::shared_ptr<Cache> cache) noexcept : cache_(std::move(cache)) {}
  [[nodiscard]] std::optional<Result<Document>> call_now(Operation operation, Value args) override;
  [[nodiscard]] std::optional<Result<Document>> call_now_for(const telemetry::SpanContext& trace, Operation operation,
                                                             Value args) override;
  [[nodiscard]] Task<Result<Document>> call(net::Caller caller, Operation operation, Document args,
                                            net::OperationStream* stream) override;

 private:
  [[nodiscard]] std::optional<Result<Document>> at_once(On on, Operation operation, Value args);
  std::shared_ptr<Cache> cache_;
};

}  // namespace spikard::cache
