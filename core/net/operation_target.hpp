#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/node.hpp"
#include "base/operation.gen.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "net/loop/loop.hpp"
#include "telemetry/context.hpp"

namespace spikard::net {

/// On whose behalf a client of the toolbox works: the loop of the task that awaits it, and the trace it belongs to. Every call of
/// every client takes one, first. Cancellation and deadlines come from the awaiting task's token.
struct Caller {
  explicit Caller(Loop& of_loop, telemetry::SpanContext of_trace = {}) noexcept : loop(&of_loop), trace(std::move(of_trace)) {}
  Loop* loop;
  telemetry::SpanContext trace;
};

/// The two directions of a streamed operation (storage.read, storage.write, db.query_stream). Used on the caller's loop only, by
/// one task. The other side is the port (SPK_EV_CHUNK and SPK_CMD_CHUNK under credit) or a test.
class OperationStream {
 public:
  /// To the caller; waits until there is room again. cancelled when nobody reads any more: stop then.
  [[nodiscard]] virtual Task<Result<void>> write(std::string chunk) = 0;
  /// From the caller: the next part, nothing after the last. cancelled when the caller gave up before its end.
  [[nodiscard]] virtual Task<Result<std::optional<std::string>>> read() = 0;

 protected:
  ~OperationStream() = default;
};

/// A client of the toolbox as the port sees it: operations of spec/operations by number, arguments and results as nodes. One for
/// each client of `services.*`; it lives as long as the application and is thread-safe.
class OperationTarget {
 public:
  virtual ~OperationTarget() = default;
  /// For what completes without waiting (a cache hit): any thread, never blocks. Nothing: use `call`.
  [[nodiscard]] virtual std::optional<Result<Document>> call_now(Operation operation, Value args) {
    (void)operation, (void)args;
    return std::nullopt;
  }
  /// As `call_now`, on behalf of a handler whose trace is known. For those that make spans.
  [[nodiscard]] virtual std::optional<Result<Document>> call_now_for(const telemetry::SpanContext& trace, Operation operation,
                                                                     Value args) {
    (void)trace;
    return call_now(operation, args);
  }
  /// `args` is one object with the operation's members, checked here. `stream` is null where the caller did not ask for one. The
  /// result is one object (spec/operations).
  [[nodiscard]] virtual Task<Result<Document>> call(Caller caller, Operation operation, Document args,
                                                    OperationStream* stream) = 0;
};

}  // namespace spikard::net
