#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "net/operation_target.hpp"
#include "tasks/client.hpp"

namespace spikard::tasks {

/// Makes the sink of a worker that a host starts at run time: its tasks become events of the port. Called on the loop's thread;
/// the sink lives until the worker has ended. `user`: as the operation was told.
using SinkFactory =
    std::function<Result<std::unique_ptr<worker_loop::WorkSink>>(const WorkerOptions&, std::uint64_t user, net::Loop&)>;

/// A host's open transaction of db by its number. On the caller's loop.
using FindTransaction = std::function<Result<std::shared_ptr<store::Transaction>>(std::uint64_t number)>;

/// The operations of spec/operations/tasks.yaml and cron.yaml over one client. Workers and schedulers run on the loop of the call
/// that started them (hosts': the service loop) and are stopped there.
class Operations final : public net::OperationTarget {
 public:
  /// Without a factory, `tasks.start_worker` is unsupported.
  /// `target`: whom the outbox's relay hands this client's entries to.
  explicit Operations(std::shared_ptr<Client> client, SinkFactory sinks = {}, FindTransaction transactions = {},
                      std::string target = "tasks.default");
  ~Operations() override;

  [[nodiscard]] std::optional<Result<Document>> call_now(Operation operation, Value args) override;
  [[nodiscard]] Task<Result<Document>> call(net::Caller caller, Operation operation, Document args,
                                            net::OperationStream* stream) override;

  /// Drains every worker and scheduler that was started here: on their loop, before the client closes.
  [[nodiscard]] Task<Worker::Drained> stop_all(Duration timeout);

 private:
  struct Running;
  [[nodiscard]] Task<Result<Document>> enqueue(net::Caller caller, Operation operation, Document args);
  [[nodiscard]] Task<Result<Document>> jobs(net::Caller caller, Operation operation, Document args);
  [[nodiscard]] Task<Result<Document>> queues(net::Caller caller, Operation operation, Document args);
  [[nodiscard]] Task<Result<Document>> workers(net::Caller caller, Operation operation, Document args);
  [[nodiscard]] Task<Result<Document>> schedules(net::Caller caller, Operation operation, Document args);

  const std::shared_ptr<Client> client_;
  const SinkFactory sinks_;
  const FindTransaction transactions_;
  const std::string target_;
  const std::shared_ptr<Running> running_;
};

/// `cron.next` alone, for those without a store.
[[nodiscard]] Result<Document> cron_next(TimeZones& zones, Value args, std::optional<Millis> now);

}  // namespace spikard::tasks
