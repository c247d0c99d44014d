#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "app/component.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "http/server.hpp"
#include "net/service_thread.hpp"
#include "services/config_layers.hpp"
#include "services/manifest.gen.hpp"
#include "telemetry/memory_exporter.hpp"
#include "telemetry/otlp/exporter.hpp"
#include "telemetry/provider.hpp"

namespace spikard::app {

/// An application's telemetry: built from its configuration and the environment, exporting on the service loop, flushed by the
/// drain within `shutdown.flush`. Off, it is empty and costs nothing.
class Telemetry {
 public:
  /// Opens nothing. Errors: invalid_argument naming the field or the variable.
  [[nodiscard]] static Result<std::unique_ptr<Telemetry>> create(const services::Manifest& manifest,
                                                                 const services::Environment& environment, const Clock& clock,
                                                                 log::Logger& logger);

  /// Null where telemetry is off.
  [[nodiscard]] const std::shared_ptr<telemetry::Provider>& provider() const noexcept { return provider_; }
  [[nodiscard]] telemetry::Tracer tracer() const { return telemetry::Tracer(provider_); }
  /// Lines with trace ids, and records for the exporter.
  [[nodiscard]] const telemetry::Logger& logger() const noexcept { return logger_; }
  /// Null but with exporter `memory`.
  [[nodiscard]] telemetry::MemoryExporter* memory() const noexcept { return memory_.get(); }
  /// Null but with OTLP.
  [[nodiscard]] telemetry::otlp::OtlpExporter* otlp() const noexcept { return otlp_.get(); }
  /// Spans and durations of a server's requests, and `telemetry.metrics_path`.
  void serve(http::ServerOptions& options) const;

  /// Exports from now on; after the fork, on the thread that starts the application.
  [[nodiscard]] Result<void> start(net::Loop& service);
  /// Stops exporting at once; on the loop's thread or when it does not run any more. Idempotent.
  void stop();
  /// The component that flushes in the drain, to stand last; null where there is nothing to flush.
  [[nodiscard]] std::unique_ptr<Component> component(Duration flush);

 private:
  Telemetry() = default;
  std::string metrics_path_;
  std::shared_ptr<telemetry::MemoryExporter> memory_;
  std::shared_ptr<telemetry::otlp::OtlpExporter> otlp_;
  std::shared_ptr<telemetry::Provider> provider_;
  telemetry::Logger logger_;
  net::Loop* loop_ = nullptr;
};

}  // namespace spikard::app
