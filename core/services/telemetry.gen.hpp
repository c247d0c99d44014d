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

/// Telemetry. Off unless an exporter is named here or by the `OTEL_...` variables.
struct TelemetryConfig {
  std::optional<std::string> service_name{};  ///< Resource attribute `service.name`; null for the name of the application.
};
[[nodiscard]] bool operator==(const TelemetryConfig& a, const TelemetryConfig& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<TelemetryConfig> telemetry_config_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const TelemetryConfig& in, NodeBuilder& out);

}  // namespace spikard::services
