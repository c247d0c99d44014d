#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

#include "telemetry/exporter.hpp"

namespace spikard::telemetry {

/// Keeps what ended, for tests and the fixtures (`exporter: memory`). Bounded: the oldest go first.
class MemoryExporter final : public Exporter {
 public:
  explicit MemoryExporter(std::size_t capacity = 65536) noexcept : capacity_(capacity) {}

  void on_span(const SpanData& span) noexcept override;
  void on_log(const LogRecord& record) noexcept override;
  /// In the order they ended; `take` also forgets them.
  [[nodiscard]] std::vector<SpanData> spans() const;
  [[nodiscard]] std::vector<LogRecord> logs() const;
  [[nodiscard]] std::vector<SpanData> take_spans();
  [[nodiscard]] std::vector<LogRecord> take_logs();

 private:
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::deque<SpanData> spans_;
  std::deque<LogRecord> logs_;
};

/// `{name, kind, status, trace_id, span_id, parent_span_id, attributes, events, links, resource, ...}`, as the fixtures name
/// them; `parent_span_id` null for a root. `{severity, body, attributes, trace_id, span_id}`. `{name, unit, type, points,
/// boundaries}`.
void write(NodeBuilder& out, const SpanData& span, const Attributes& resource);
void write(NodeBuilder& out, const LogRecord& record);
void write(NodeBuilder& out, const struct MetricData& metric);

}  // namespace spikard::telemetry
