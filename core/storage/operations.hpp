#pragma once

#include <memory>
#include <optional>

#include "net/operation_target.hpp"
#include "storage/client.hpp"

namespace spikard::storage {

/// A store as the port sees it: spec/operations/storage.yaml over a Client. Thread-safe.
class Operations final : public net::OperationTarget {
 public:
  explicit Operations(std::shared_ptr<Client> client) noexcept : client_(std::move(client)) {}

  [[nodiscard]] Task<Result<Document>> call(net::Caller caller, Operation operation, Document args,
                                            net::OperationStream* stream) override;
  [[nodiscard]] const std::shared_ptr<Client>& client() const noexcept { return client_; }

 private:
  [[nodiscard]] Task<Result<Document>> read(net::Caller caller, Document args);
  [[nodiscard]] Task<Result<Document>> read_stream(net::Caller caller, Document args, net::OperationStream* stream);
  [[nodiscard]] Task<Result<Document>> write(net::Caller caller, Document args);
  [[nodiscard]] Task<Result<Document>> write_stream(net::Caller caller, Document args, net::OperationStream* stream);
  [[nodiscard]] Task<Result<Document>> about_key(net::Caller caller, Operation operation, Document args);
  [[nodiscard]] Task<Result<Document>> remove_many(net::Caller caller, Document args);
  [[nodiscard]] Task<Result<Document>> list(net::Caller caller, Document args);
  [[nodiscard]] Task<Result<Document>> copy_or_rename(net::Caller caller, Operation operation, Document args);
  [[nodiscard]] Task<Result<Document>> presign(net::Caller caller, Document args);

  [[nodiscard]] Task<Result<Document>> plan_upload(net::Caller caller, Document args);
  [[nodiscard]] Task<Result<Document>> end_upload(net::Caller caller, Operation operation, Document args);

  std::shared_ptr<Client> client_;
};

}  // namespace spikard::storage
