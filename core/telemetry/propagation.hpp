#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/context.hpp"

namespace spikard::telemetry {

// The text forms of W3C Trace Context (level 1, later versions as section 4 asks) and W3C Baggage, as headers of HTTP, messages,
// tasks and events carry them.

/// Nothing when it is not valid: then a new trace begins.
[[nodiscard]] std::optional<SpanContext> parse_traceparent(std::string_view value) noexcept;
/// 55 characters; empty for an invalid context.
[[nodiscard]] std::string format_traceparent(const SpanContext& context);

/// The members in order (several header lines are one list), views into `values`; none when anything in them is invalid, a key
/// stands twice, or they are more than 32.
[[nodiscard]] std::vector<std::pair<std::string_view, std::string_view>> parse_tracestate(
    const std::vector<std::string_view>& values);

struct BaggageEntry {
  std::string key;
  std::string value;  ///< percent-decoded
  std::vector<std::string> properties{};
};
/// What is invalid is left out; at most 64 entries of the first 8192 bytes.
[[nodiscard]] std::vector<BaggageEntry> parse_baggage(const std::vector<std::string_view>& values);
[[nodiscard]] std::string format_baggage(const std::vector<BaggageEntry>& entries);

/// Names of the headers, lower case.
inline constexpr std::string_view traceparent_header = "traceparent";
inline constexpr std::string_view tracestate_header = "tracestate";
inline constexpr std::string_view baggage_header = "baggage";

/// The remote parent that a carrier's headers name. Invalid (but with its baggage) where there is no valid traceparent; a
/// tracestate that is not valid is dropped, empty texts mean that the header is not there.
[[nodiscard]] SpanContext extract(std::string_view traceparent, std::string_view tracestate = {}, std::string_view baggage = {});

/// Calls `set(name, text)` for each header that carries `context`.
template <class Set>
void inject(const SpanContext& context, Set&& set) {
  if (context.valid()) {
    set(traceparent_header, std::string_view(format_traceparent(context)));
    if (context.state != nullptr && !context.state->empty()) set(tracestate_header, std::string_view(*context.state));
  }
  if (context.baggage != nullptr && !context.baggage->empty()) set(baggage_header, std::string_view(*context.baggage));
}

/// Lower-case hex of an id.
template <std::size_t N>
[[nodiscard]] std::string hex(const std::array<std::uint8_t, N>& id) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out(2 * N, '0');
  for (std::size_t i = 0; i < N; ++i) {
    out[2 * i] = digits[id[i] >> 4U];
    out[2 * i + 1] = digits[id[i] & 15U];
  }
  return out;
}

}  // namespace spikard::telemetry
