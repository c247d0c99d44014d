#pragma once

#include <cstdint>

#include "telemetry/context.hpp"

namespace spikard::telemetry {

/// Those of OTEL_TRACES_SAMPLER. A value; the default is what OpenTelemetry's is.
struct Sampler {
  enum class Root : std::uint8_t { always_on, always_off, ratio };
  Root root = Root::always_on;
  bool parent_based = true;  ///< a parent's flag decides; `root` only for a new trace
  double ratio = 1.0;        ///< of Root::ratio: 0 to 1

  /// The same for every process that sees the trace: a ratio looks at the id alone (its low 63 bits, as the OpenTelemetry SDKs
  /// do).
  [[nodiscard]] bool samples(const SpanContext& parent, const std::array<std::uint8_t, 16>& trace_id) const noexcept {
    if (parent_based && parent.valid()) return parent.sampled();
    switch (root) {
      case Root::always_on: return true;
      case Root::always_off: return false;
      case Root::ratio: break;
    }
    if (ratio >= 1.0) return true;
    if (!(ratio > 0.0)) return false;
    std::uint64_t low = 0;
    for (std::size_t i = 8; i < 16; ++i) low = low << 8U | trace_id[i];
    return (low >> 1U) < static_cast<std::uint64_t>(ratio * 0x1p63);
  }
};

}  // namespace spikard::telemetry
