#pragma once

#include <memory>
#include <optional>

#include "net/operation_target.hpp"

namespace spikard::app {

class EventClient;

/// spec/operations/cloudevents.yaml: encoding, decoding and checking complete at once; sending goes through the client.
/// Thread-safe.
class EventOperations final : public net::OperationTarget {
 public:
  /// Without a client sending is `unsupported`.
  explicit EventOperations(std::shared_ptr<EventClient> client = nullptr) : client_(std::move(client)) {}

  [[nodiscard]] std::optional<Result<Document>> call_now(Operation operation, Value args) override;
  [[nodiscard]] Task<Result<Document>> call(net::Caller caller, Operation operation, Document args,
                                            net::OperationStream* stream) override;

 private:
  std::shared_ptr<EventClient> client_;
};

}  // namespace spikard::app
