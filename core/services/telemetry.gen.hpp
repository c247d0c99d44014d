// Generated from spec/services/telemetry.yaml by codegen. Do not edit.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/node.hpp"
#include "base/result.hpp"

namespace spikard::services {

/// Where spans, metrics and log records go.
enum class TelemetryExporter : std::uint8_t {
  none,  ///< Nowhere. Metrics are still kept for `metrics_path`.
  memory,  ///< Kept in the process for tests.
  otlp_http,  ///< To a collector by OTLP over HTTP, as protobuf.
  otlp_http_json,  ///< To a collector by OTLP over HTTP, as JSON.
  otlp_grpc,  ///< To a collector by OTLP over gRPC.
};
[[nodiscard]] std::string_view name_of(TelemetryExporter v) noexcept;
[[nodiscard]] std::optional<TelemetryExporter> telemetry_exporter_from(std::string_view text) noexcept;

/// Which traces are recorded; those of `OTEL_TRACES_SAMPLER`.
enum class TelemetrySampler : std::uint8_t {
  always_on,  ///< All.
  always_off,  ///< None.
  traceidratio,  ///< The share `sampler_arg` of all traces, decided by the trace's id.
  parentbased_always_on,  ///< As the caller decided; all where there is none.
  parentbased_always_off,  ///< As the caller decided; none where there is none.
  parentbased_traceidratio,  ///< As the caller decided; the share `sampler_arg` where there is none.
};
[[nodiscard]] std::string_view name_of(TelemetrySampler v) noexcept;
[[nodiscard]] std::optional<TelemetrySampler> telemetry_sampler_from(std::string_view text) noexcept;

/// How what is exported is compressed.
enum class TelemetryCompression : std::uint8_t {
  none,  ///< Not at all.
  gzip,  ///< By gzip.
};
[[nodiscard]] std::string_view name_of(TelemetryCompression v) noexcept;
[[nodiscard]] std::optional<TelemetryCompression> telemetry_compression_from(std::string_view text) noexcept;

/// Telemetry. Off unless an exporter is named here or by the environment (`OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER`, `OTEL_LOGS_EXPORTER`, or any of the `OTEL_EXPORTER_OTLP_...ENDPOINT` variables). What is null here comes from the `OTEL_...` variable it names, else from OpenTelemetry's default. `OTEL_SDK_DISABLED=true` turns everything off.
struct TelemetryConfig {
  std::optional<TelemetryExporter> exporter{};  ///< Where it goes; null for what `OTEL_TRACES_EXPORTER` and its like say.
  std::optional<std::string> service_name{};  ///< Resource attribute `service.name`; null for `OTEL_SERVICE_NAME`, else the name of the application.
  std::map<std::string, std::string> resource{};  ///< Further resource attributes. `OTEL_RESOURCE_ATTRIBUTES` is merged with them, what stands here wins.
  std::optional<TelemetrySampler> sampler{};  ///< Which traces are recorded (`OTEL_TRACES_SAMPLER`, `parentbased_always_on`).
  Document sampler_arg{};  ///< The share of the two ratio samplers, a number from 0 to 1 (`OTEL_TRACES_SAMPLER_ARG`, 1).
  std::optional<std::string> endpoint{};  ///< Base URL of the collector, to which `/v1/traces`, `/v1/metrics` and `/v1/logs` are added but for gRPC (`OTEL_EXPORTER_OTLP_ENDPOINT`, `http://localhost:4318`, for gRPC `http://localhost:4317`).
  std::map<std::string, std::string> headers{};  ///< Header fields sent to the collector, beside those of `OTEL_EXPORTER_OTLP_HEADERS`. Never logged.
  std::optional<std::string> certificate{};  ///< PEM file of the roots that an `https` collector is checked against (`OTEL_EXPORTER_OTLP_CERTIFICATE`, the system's).
  std::optional<TelemetryCompression> compression{};  ///< How it is compressed (`OTEL_EXPORTER_OTLP_COMPRESSION`, none).
  bool traces = true;  ///< Spans are made and exported.
  bool metrics = true;  ///< Metrics are exported.
  bool logs = true;  ///< Log records are exported.
  std::optional<std::uint32_t> export_timeout_ms{};  ///< The longest that one export may take, retries included (`OTEL_EXPORTER_OTLP_TIMEOUT`, 10000).
  std::optional<std::uint32_t> schedule_delay_ms{};  ///< The longest that a span or log record waits for its batch (`OTEL_BSP_SCHEDULE_DELAY`, `OTEL_BLRP_SCHEDULE_DELAY`, 5000 and 1000).
  std::optional<std::uint32_t> max_queue_size{};  ///< Spans, and log records, that may wait; one more is dropped and counted (`OTEL_BSP_MAX_QUEUE_SIZE`, `OTEL_BLRP_MAX_QUEUE_SIZE`, 2048).
  std::optional<std::uint32_t> max_export_batch_size{};  ///< Spans, and log records, of one request to the collector (`OTEL_BSP_MAX_EXPORT_BATCH_SIZE`, `OTEL_BLRP_MAX_EXPORT_BATCH_SIZE`, 512).
  std::optional<std::uint32_t> metric_interval_ms{};  ///< Time between two exports of the metrics (`OTEL_METRIC_EXPORT_INTERVAL`, 60000).
  std::optional<std::string> metrics_path{};  ///< Path at which the application's HTTP server answers with all metrics, in the text format of Prometheus or, where the client prefers it, OpenMetrics. Null: nowhere.
};
[[nodiscard]] bool operator==(const TelemetryConfig& a, const TelemetryConfig& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<TelemetryConfig> telemetry_config_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const TelemetryConfig& in, NodeBuilder& out);

}  // namespace spikard::services
