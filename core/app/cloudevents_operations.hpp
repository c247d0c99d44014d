#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "net/operation_target.hpp"

namespace spikard::app {

class EventClient;

/// spec/operations/cloudevents.yaml: encoding, decoding and checking complete at once; sending goes through the client.
/// Thread-safe.
class EventOperations final : public net::OperationTarget {
 public:
  /// `client` is asked for each send, and may say why there is none. Null: sending is `unsupported`.
  using FindClient = std::function<Result<std::shared_ptr<EventClient>>()>;
  explicit EventOperations(FindClient client = {}) : client_(std::move(client)) {}
  explicit EventOperations(std::shared_ptr<EventClient> client);

  [[nodiscard]] std::optional<Result<Document>> call_now(Operation operation, Value args) override;
  [[nodiscard]] Task<Result<Document>> call(net::Caller caller, Operation operation, Document args,
                                            net::OperationStream* stream) override;

 private:
  FindClient client_;
};

}  // namespace spikard::app
