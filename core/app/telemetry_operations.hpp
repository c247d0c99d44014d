#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "app/telemetry.hpp"
#include "net/operation_target.hpp"

namespace spikard::app {

/// spec/operations/telemetry.yaml: spans, log records and metrics of a host's own code. All but the flush complete at once.
/// Thread-safe.
class TelemetryOperations final : public net::OperationTarget {
 public:
  /// `telemetry` outlives it.
  explicit TelemetryOperations(Telemetry& telemetry) : telemetry_(telemetry) {}

  [[nodiscard]] std::optional<Result<Document>> call_now(Operation operation, Value args) override {
    return call_now_for({}, operation, args);
  }
  [[nodiscard]] std::optional<Result<Document>> call_now_for(const telemetry::SpanContext& trace, Operation operation,
                                                             Value args) override;
  [[nodiscard]] Task<Result<Document>> call(net::Caller caller, Operation operation, Document args,
                                            net::OperationStream* stream) override;

 private:
  [[nodiscard]] Result<Document> start_span(const telemetry::SpanContext& trace, Value args);
  [[nodiscard]] Result<Document> end_span(Value args);
  [[nodiscard]] Result<Document> log(const telemetry::SpanContext& trace, Value args);
  [[nodiscard]] Result<Document> measure(const telemetry::SpanContext& trace, Operation operation, Value args);
  [[nodiscard]] Result<Document> kept(Operation operation);

  static constexpr std::size_t max_open = 65536;

  Telemetry& telemetry_;
  std::mutex mutex_;
  std::map<std::uint64_t, telemetry::Span> open_;  // of hosts, by number
  std::uint64_t next_ = 1;
};

}  // namespace spikard::app
