// Generated from spec/services/telemetry.yaml by codegen. Do not edit.
#pragma once

#include "services/telemetry.gen.hpp"

namespace spikard::services::detail {

class Decoder;

void decode(Decoder& d, Value v, TelemetryExporter& out);
void decode(Decoder& d, Value v, TelemetrySampler& out);
void decode(Decoder& d, Value v, TelemetryCompression& out);
void decode(Decoder& d, Value v, TelemetryConfig& out);
void encode(const TelemetryConfig& in, NodeBuilder& out);

}  // namespace spikard::services::detail
