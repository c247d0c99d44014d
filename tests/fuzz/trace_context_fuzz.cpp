// What parses is written and read back the same; what is written is always valid.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "telemetry/propagation.hpp"

using namespace spikard::telemetry;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto context = parse_traceparent(text)) {
    const auto again = parse_traceparent(format_traceparent(*context));
    if (!again || again->trace_id != context->trace_id || again->span_id != context->span_id ||
        again->sampled() != context->sampled())
      std::abort();
  }
  const auto half = text.size() / 2;
  const auto members = parse_tracestate({text.substr(0, half), text.substr(half)});
  std::string joined;
  for (const auto& [key, value] : members) joined.append(joined.empty() ? "" : ",").append(key).append("=").append(value);
  if (members.size() > 32 || parse_tracestate({joined}).size() != members.size()) std::abort();
  const auto entries = parse_baggage({text.substr(0, half), text.substr(half)});
  const std::string written = format_baggage(entries);
  const auto again = parse_baggage({written});
  if (written.size() <= 8192) {  // percent-encoding may make it longer than what is read
    if (again.size() != entries.size()) std::abort();
    for (std::size_t i = 0; i < again.size(); ++i) {
      if (again[i].key != entries[i].key || again[i].value != entries[i].value || again[i].properties != entries[i].properties)
        std::abort();
    }
  }
  const SpanContext context = extract(text.substr(0, half), text.substr(half), text);
  inject(context, [](std::string_view, std::string_view) {});
  return 0;
}
