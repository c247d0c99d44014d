#include "telemetry/memory_exporter.hpp"

#include "telemetry/metrics.hpp"
#include "telemetry/propagation.hpp"

namespace spikard::telemetry {
namespace {

/// Of a name that stands twice, the last.
void write_attributes(NodeBuilder& out, const Attributes& attributes) {
  out.begin_object();
  for (const auto& [key, value] : attributes.root().members()) {
    if (attributes.find(key).ptr() != value.ptr()) continue;
    out.key(key);
    out.copy(value);
  }
  out.end();
}

template <std::size_t N>
void write_id(NodeBuilder& out, std::string_view name, const std::array<std::uint8_t, N>& id) {
  out.key(name);
  if (id == std::array<std::uint8_t, N>{}) out.null();
  else out.string(hex(id));
}

void write_text(NodeBuilder& out, std::string_view name, std::string_view text) {
  out.key(name);
  out.string(text);
}

void write_time(NodeBuilder& out, std::string_view name, WallTime time) {
  out.key(name);
  out.integer(time.time_since_epoch().count());
}

}  // namespace

void MemoryExporter::on_span(const SpanData& span) noexcept {
  const std::lock_guard lock(mutex_);
  if (spans_.size() >= capacity_) spans_.pop_front();
  spans_.push_back(span);
}

void MemoryExporter::on_log(const LogRecord& record) noexcept {
  const std::lock_guard lock(mutex_);
  if (logs_.size() >= capacity_) logs_.pop_front();
  logs_.push_back(record);
}

std::vector<SpanData> MemoryExporter::spans() const {
  const std::lock_guard lock(mutex_);
  return {spans_.begin(), spans_.end()};
}

std::vector<LogRecord> MemoryExporter::logs() const {
  const std::lock_guard lock(mutex_);
  return {logs_.begin(), logs_.end()};
}

std::vector<SpanData> MemoryExporter::take_spans() {
  const std::lock_guard lock(mutex_);
  std::vector<SpanData> all(std::make_move_iterator(spans_.begin()), std::make_move_iterator(spans_.end()));
  spans_.clear();
  return all;
}

std::vector<LogRecord> MemoryExporter::take_logs() {
  const std::lock_guard lock(mutex_);
  std::vector<LogRecord> all(std::make_move_iterator(logs_.begin()), std::make_move_iterator(logs_.end()));
  logs_.clear();
  return all;
}

void write(NodeBuilder& out, const SpanData& span, const Attributes& resource) {
  out.begin_object();
  write_text(out, "name", span.name);
  write_text(out, "kind", name_of(span.kind));
  write_text(out, "status", name_of(span.status));
  write_text(out, "status_message", span.status_message);
  write_id(out, "trace_id", span.context.trace_id);
  write_id(out, "span_id", span.context.span_id);
  write_id(out, "parent_span_id", span.parent_span_id);
  write_text(out, "trace_state", span.context.state == nullptr ? std::string_view() : *span.context.state);
  write_time(out, "start_unix_nano", span.start);
  write_time(out, "end_unix_nano", span.end);
  out.key("attributes");
  write_attributes(out, span.attributes);
  out.key("events");
  out.begin_array();
  for (const SpanData::Event& event : span.events) {
    out.begin_object();
    write_text(out, "name", event.name);
    write_time(out, "time_unix_nano", event.time);
    out.key("attributes");
    write_attributes(out, event.attributes);
    out.end();
  }
  out.end();
  out.key("links");
  out.begin_array();
  for (const SpanContext& link : span.links) {
    out.begin_object();
    write_id(out, "trace_id", link.trace_id);
    write_id(out, "span_id", link.span_id);
    out.end();
  }
  out.end();
  out.key("resource");
  write_attributes(out, resource);
  out.end();
}

void write(NodeBuilder& out, const LogRecord& record) {
  out.begin_object();
  write_time(out, "time_unix_nano", record.time);
  write_text(out, "severity", severity_text(record.level));
  write_text(out, "body", record.body);
  out.key("attributes");
  write_attributes(out, record.attributes);
  write_id(out, "trace_id", record.context.trace_id);
  write_id(out, "span_id", record.context.span_id);
  out.end();
}

void write(NodeBuilder& out, const MetricData& metric) {
  out.begin_object();
  write_text(out, "name", metric.name);
  write_text(out, "unit", metric.unit);
  write_text(out, "description", metric.description);
  write_text(out, "type", name_of(metric.type));
  const bool histogram = metric.type == MetricType::histogram;
  out.key("points");
  out.begin_array();
  for (const MetricPoint& point : metric.points) {
    out.begin_object();
    out.key("attributes");
    write_attributes(out, point.attributes);
    out.key(histogram ? "sum" : "value");
    out.number(point.value);
    if (histogram) {
      out.key("count");
      out.uinteger(point.count);
      out.key("buckets");
      out.begin_array();
      for (const std::uint64_t count : point.buckets) out.uinteger(count);
      out.end();
    }
    out.end();
  }
  out.end();
  if (histogram) {
    out.key("boundaries");
    out.begin_array();
    for (const double boundary : metric.boundaries) out.number(boundary);
    out.end();
  }
  out.end();
}

}  // namespace spikard::telemetry
