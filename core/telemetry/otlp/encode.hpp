#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/span.hpp"

namespace spikard::telemetry::otlp {

enum class Encoding : std::uint8_t { protobuf, json };
enum class Signal : std::uint8_t { traces, metrics, logs };

// OTLP 1.x (opentelemetry-proto), sans I/O. Items are appended one by one to a batch's bytes, which `request` wraps.

/// Appends one item to a batch that has `count` already.
void append_span(std::string& batch, Encoding encoding, std::size_t count, const SpanData& span);
void append_log(std::string& batch, Encoding encoding, std::size_t count, const LogRecord& record);
/// Cumulative since `start`.
void append_metric(std::string& batch, Encoding encoding, std::size_t count, const MetricData& metric, WallTime start,
                   WallTime now);

/// The body of an export request.
[[nodiscard]] std::string request(Signal signal, Encoding encoding, const Attributes& resource, std::string_view batch);
[[nodiscard]] std::string_view content_type(Encoding encoding) noexcept;

/// How many items the collector says it refused in an answer of status 200 (`partial_success`); 0 for what cannot be read.
[[nodiscard]] std::uint64_t rejected(Signal signal, Encoding encoding, std::string_view body);

}  // namespace spikard::telemetry::otlp
