#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/config_layers.hpp"
#include "services/telemetry.gen.hpp"
#include "telemetry/attributes.hpp"
#include "telemetry/sampler.hpp"

namespace spikard::telemetry {

enum class Protocol : std::uint8_t { http_protobuf, http_json, grpc };

/// Where one signal (traces, metrics or logs) goes by OTLP.
struct SignalSettings {
  bool enabled = false;
  std::string url;
  Protocol protocol = Protocol::http_protobuf;
  bool gzip = false;
  std::vector<std::pair<std::string, std::string>> headers;  ///< may be secret
  std::string certificate;                                   ///< PEM file; empty: the system's roots
  Duration timeout = std::chrono::seconds(10);               ///< of one export, retries included
};

struct BatchSettings {
  std::uint32_t queue = 2048;
  std::uint32_t batch = 512;
  Duration delay = std::chrono::seconds(5);
};

/// An application's telemetry, decided: the configuration, the `OTEL_...` variables and the defaults laid over each other, and
/// checked.
struct Settings {
  enum class Exporter : std::uint8_t { none, memory, otlp };
  Exporter exporter = Exporter::none;
  std::string metrics_path;  ///< empty: none
  Sampler sampler;
  Attributes resource;
  SignalSettings traces;
  SignalSettings metrics;
  SignalSettings logs;
  BatchSettings span_batches;
  BatchSettings log_batches{2048, 512, std::chrono::seconds(1)};
  Duration metric_interval = std::chrono::seconds(60);
  std::uint32_t span_attributes = 128;
  std::uint32_t span_events = 128;

  [[nodiscard]] bool off() const noexcept { return exporter == Exporter::none && metrics_path.empty(); }
};

/// `name` is the application's, `service.name` where nothing else says one. What `config` states wins over the environment.
/// Errors: invalid_argument naming the field (`telemetry.endpoint`) or the variable (`OTEL_TRACES_SAMPLER_ARG`), and what was
/// expected.
[[nodiscard]] Result<Settings> settings_from(const services::TelemetryConfig& config, const services::Environment& environment,
                                             std::string_view name);

}  // namespace spikard::telemetry
