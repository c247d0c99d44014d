#pragma once

#include <functional>
#include <memory>

#include "messaging/client.hpp"
#include "messaging/consumer_set.hpp"
#include "net/operation_target.hpp"

namespace spikard::messaging {

/// Who is to handle the messages of a consumer that an operation starts, on the service loop: the port's sink, a test's.
/// `user`: as the operation was told.
using MakeSink = std::function<std::shared_ptr<worker_loop::WorkSink>(const std::string& name, std::uint64_t user)>;
/// The transaction of db with this number. On the caller's loop.
using FindTransaction = std::function<Result<std::shared_ptr<store::Transaction>>(std::uint64_t number)>;

/// spec/operations/messaging.yaml over a Client. Consumers are started on the loop of the caller, which must be the same for all
/// calls that name one: the service loop.
class Operations final : public net::OperationTarget {
 public:
  /// `make_sink` empty: start_consumer says unsupported; `find_transaction` empty: so does publish with `transaction`.
  Operations(std::shared_ptr<Client> client, MakeSink make_sink, FindTransaction find_transaction = {})
      : client_(std::move(client)), make_sink_(std::move(make_sink)), find_transaction_(std::move(find_transaction)) {}

  [[nodiscard]] std::optional<Result<Document>> call_now(Operation operation, Value args) override {
    return call_now_for({}, operation, args);
  }
  [[nodiscard]] std::optional<Result<Document>> call_now_for(const telemetry::SpanContext& trace, Operation operation,
                                                             Value args) override;
  [[nodiscard]] Task<Result<Document>> call(net::Caller caller, Operation operation, Document args,
                                            net::OperationStream* stream) override;

  /// Those that operations started: for the drain, on the service loop.
  [[nodiscard]] ConsumerSet& consumers() noexcept { return consumers_; }
  [[nodiscard]] const std::shared_ptr<Client>& client() const noexcept { return client_; }

 private:
  [[nodiscard]] Task<Result<Document>> publish(net::Caller caller, Document args);
  [[nodiscard]] Task<Result<Document>> publish_batch(net::Caller caller, Document args);
  [[nodiscard]] Task<Result<Document>> start_consumer(net::Caller caller, Document args);
  [[nodiscard]] Task<Result<Document>> stop_consumer(net::Caller caller, Document args);
  [[nodiscard]] Task<Result<Document>> kill_consumer(Document args);
  [[nodiscard]] Task<Result<Document>> list_dead_letters(net::Caller caller, Document args);
  [[nodiscard]] Task<Result<Document>> peek_dead_letter(net::Caller caller, Document args);
  [[nodiscard]] Task<Result<Document>> redrive(net::Caller caller, Document args);
  [[nodiscard]] Task<Result<Document>> purge(net::Caller caller, Document args);
  [[nodiscard]] Task<Result<Document>> seek(net::Caller caller, Document args);
  [[nodiscard]] Task<Result<Document>> groups(net::Caller caller);
  [[nodiscard]] Task<Result<Document>> delete_group(net::Caller caller, Document args);

  const std::shared_ptr<Client> client_;
  const MakeSink make_sink_;
  const FindTransaction find_transaction_;
  ConsumerSet consumers_;
};

}  // namespace spikard::messaging
