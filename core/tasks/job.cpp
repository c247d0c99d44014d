#include "tasks/job.hpp"

#include <array>
#include <charconv>

#include "telemetry/propagation.hpp"

namespace spikard::tasks {
namespace {
constexpr std::array<std::string_view, 8> state_names{"pending",   "scheduled", "available", "running",
                                                      "retryable", "completed", "cancelled", "discarded"};
}  // namespace

std::string_view name_of(JobState state) noexcept { return state_names[static_cast<std::size_t>(state)]; }

std::optional<JobState> job_state_from(std::string_view name) noexcept {
  for (std::size_t i = 0; i < state_names.size(); ++i) {
    if (state_names[i] == name) return static_cast<JobState>(i);
  }
  return std::nullopt;
}

std::string trace_to_text(const telemetry::SpanContext& trace) {
  std::array<std::string, 3> parts;
  telemetry::inject(trace, [&](std::string_view name, std::string_view value) {
    parts[name == telemetry::traceparent_header ? 0U : name == telemetry::tracestate_header ? 1U : 2U] = value;
  });
  if (parts[0].empty() && parts[2].empty()) return {};
  std::string out = std::move(parts[0]);
  if (!parts[1].empty() || !parts[2].empty()) out += "\n" + parts[1];
  if (!parts[2].empty()) out += "\n" + parts[2];
  return out;
}

telemetry::SpanContext trace_from_text(std::string_view text) {
  if (text.empty()) return {};
  std::array<std::string_view, 3> parts;
  for (std::string_view& part : parts) {
    const std::size_t end = text.find('\n');
    part = text.substr(0, end);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return telemetry::extract(parts[0], parts[1], parts[2]);
}

std::string id_to_text(JobId id) { return std::to_string(id); }

std::optional<JobId> id_from_text(std::string_view text) noexcept {
  JobId id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || end != text.data() + text.size() || id <= 0 || text.front() == '0') return std::nullopt;
  return id;
}

}  // namespace spikard::tasks
