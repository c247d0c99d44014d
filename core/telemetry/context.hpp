#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

namespace spikard::telemetry {

/// What links a piece of work to the trace it belongs to (W3C Trace Context), and the baggage that travels with it. A value; all
/// zero means none. `shared` members are null in the common case, so that copying one costs a few words.
struct SpanContext {
  std::array<std::uint8_t, 16> trace_id{};
  std::array<std::uint8_t, 8> span_id{};
  std::uint8_t flags = 0;                        ///< bit 0: sampled
  bool remote = false;                           ///< it came from another process
  std::shared_ptr<const std::string> state{};    ///< tracestate, as it travels; null for none
  std::shared_ptr<const std::string> baggage{};  ///< baggage header, as it travels; null for none

  [[nodiscard]] bool valid() const noexcept { return trace_id != decltype(trace_id){} && span_id != decltype(span_id){}; }
  [[nodiscard]] bool sampled() const noexcept { return (flags & 1U) != 0; }
};

}  // namespace spikard::telemetry
