#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "telemetry/attributes.hpp"
#include "telemetry/metrics.hpp"

namespace spikard::telemetry {

enum class ExpositionFormat : std::uint8_t { prometheus, openmetrics };

/// Metrics as text: Prometheus 0.0.4 or OpenMetrics 1.0.0, named by OpenTelemetry's rules (`http.server.request.duration` in `s`
/// is `http_server_request_duration_seconds`, counters end in `_total`, the resource is `target_info`).
[[nodiscard]] std::string exposition(const std::vector<MetricData>& metrics, const Attributes& resource, ExpositionFormat format);
/// By the Accept header of the request: OpenMetrics where it is preferred to plain text or wanted as much.
[[nodiscard]] ExpositionFormat exposition_format(std::string_view accept) noexcept;
[[nodiscard]] std::string_view content_type(ExpositionFormat format) noexcept;

}  // namespace spikard::telemetry
