#include "telemetry/otlp/encode.hpp"

#include <charconv>
#include <cmath>

#include "base/json.hpp"
#include "telemetry/otlp/protobuf.hpp"
#include "telemetry/propagation.hpp"
#include "telemetry/version.hpp"

namespace spikard::telemetry::otlp {
namespace {

constexpr std::string_view scope_name = "spikard";

std::uint64_t nanos(WallTime time) noexcept { return static_cast<std::uint64_t>(time.time_since_epoch().count()); }

/// Bit 8: it is known whether the parent is remote; bit 9: it is.
std::uint32_t flags_of(const SpanContext& context, bool remote) noexcept {
  return context.flags | 0x100U | (remote ? 0x200U : 0U);
}

template <std::size_t N>
std::string_view bytes_of(const std::array<std::uint8_t, N>& id) noexcept {
  return {reinterpret_cast<const char*>(id.data()), N};
}

/// Calls `fn(key, value)` for each attribute; of a name that stands twice, the last one only.
template <class F>
void each(const Attributes& attributes, F fn) {
  const Value root = attributes.root();
  const bool look = attributes.maybe_twice();
  for (const auto& [key, value] : root.members()) {
    if (!look || root.find(key).ptr() == value.ptr()) fn(key, value);
  }
}

// ---- protobuf ----------------------------------------------------------------------------------------------------------

void put_any(ProtobufWriter& w, Value value) {
  switch (value.type()) {
    case NodeType::boolean: return w.uint_field(2, value.as_bool() ? 1 : 0);
    case NodeType::integer: return w.uint_field(3, static_cast<std::uint64_t>(value.as_int()));
    case NodeType::number: return w.double_field(4, value.as_double());
    case NodeType::array: {
      const std::size_t list = w.begin(5);
      for (const Value one : value.elements()) {
        const std::size_t any = w.begin(1);
        put_any(w, one);
        w.end(any);
      }
      return w.end(list);
    }
    default: return w.bytes_field(1, value.text());
  }
}

/// A KeyValue whose AnyValue has `size` bytes, which `fill` writes. Lengths are known beforehand, nothing is moved.
template <class Fill>
void put_pair(ProtobufWriter& w, std::uint32_t field, std::string_view key, std::size_t size, Fill fill) {
  using W = ProtobufWriter;
  const std::size_t pair = W::bytes_size(1, key.size()) + W::bytes_size(2, size);
  char* at = w.grow(W::bytes_size(field, pair));
  at = W::put_varint(W::put_varint(at, std::uint64_t{field} << 3U | 2U), pair);
  at = W::put_bytes(at, 1, key);
  fill(W::put_varint(W::put_varint(at, 2U << 3U | 2U), size));
}

void put_attributes(ProtobufWriter& w, std::uint32_t field, const Attributes& attributes) {
  using W = ProtobufWriter;
  each(attributes, [&](std::string_view key, Value value) {
    if (value.is_string()) {  // most are
      const std::string_view text = value.text();
      return put_pair(w, field, key, W::bytes_size(1, text.size()), [&](char* at) { W::put_bytes(at, 1, text); });
    }
    if (value.is(NodeType::integer)) {
      const auto number = static_cast<std::uint64_t>(value.as_int());
      return put_pair(w, field, key, 1 + W::varint_size(number),
                      [&](char* at) { W::put_varint(W::put_varint(at, 3U << 3U), number); });
    }
    const std::size_t pair = w.begin(field);
    w.bytes_field(1, key);
    const std::size_t any = w.begin(2);
    put_any(w, value);
    w.end(any);
    w.end(pair);
  });
}

void span_protobuf(std::string& batch, const SpanData& span) {
  ProtobufWriter w(batch);
  const std::size_t message = w.begin(2);
  w.bytes_field(1, bytes_of(span.context.trace_id));
  w.bytes_field(2, bytes_of(span.context.span_id));
  if (span.context.state != nullptr) w.text_field(3, *span.context.state);
  if (span.has_parent()) w.bytes_field(4, bytes_of(span.parent_span_id));
  w.text_field(5, span.name);
  w.uint_field(6, static_cast<std::uint64_t>(span.kind));
  w.fixed64_field(7, nanos(span.start));
  w.fixed64_field(8, nanos(span.end));
  put_attributes(w, 9, span.attributes);
  if (span.dropped_attributes != 0) w.uint_field(10, span.dropped_attributes);
  for (const SpanData::Event& event : span.events) {
    const std::size_t inner = w.begin(11);
    w.fixed64_field(1, nanos(event.time));
    w.text_field(2, event.name);
    put_attributes(w, 3, event.attributes);
    w.end(inner);
  }
  if (span.dropped_events != 0) w.uint_field(12, span.dropped_events);
  for (const SpanContext& link : span.links) {
    const std::size_t inner = w.begin(13);
    w.bytes_field(1, bytes_of(link.trace_id));
    w.bytes_field(2, bytes_of(link.span_id));
    if (link.state != nullptr) w.text_field(3, *link.state);
    w.fixed32_field(6, flags_of(link, link.remote));
    w.end(inner);
  }
  if (span.status != SpanStatus::unset) {
    const std::size_t inner = w.begin(15);
    if (!span.status_message.empty()) w.text_field(2, span.status_message);
    w.uint_field(3, static_cast<std::uint64_t>(span.status));
    w.end(inner);
  }
  w.fixed32_field(16, flags_of(span.context, span.parent_remote));
  w.end(message);
}

void log_protobuf(std::string& batch, const LogRecord& record) {
  ProtobufWriter w(batch);
  const std::size_t message = w.begin(2);
  w.fixed64_field(1, nanos(record.time));
  w.uint_field(2, severity_number(record.level));
  w.bytes_field(3, severity_text(record.level));
  const std::size_t body = w.begin(5);
  w.text_field(1, record.body);
  w.end(body);
  put_attributes(w, 6, record.attributes);
  if (record.context.valid()) {
    w.fixed32_field(8, record.context.flags);
    w.bytes_field(9, bytes_of(record.context.trace_id));
    w.bytes_field(10, bytes_of(record.context.span_id));
  }
  w.fixed64_field(11, nanos(record.time));
  w.end(message);
}

void metric_protobuf(std::string& batch, const MetricData& metric, WallTime start, WallTime now) {
  ProtobufWriter w(batch);
  const std::size_t message = w.begin(2);
  w.text_field(1, metric.name);
  if (!metric.description.empty()) w.text_field(2, metric.description);
  if (!metric.unit.empty()) w.text_field(3, metric.unit);
  const bool histogram = metric.type == MetricType::histogram;
  const std::size_t data = w.begin(histogram ? 9 : metric.type == MetricType::gauge ? 5 : 7);
  for (const MetricPoint& point : metric.points) {
    const std::size_t inner = w.begin(1);
    if (metric.type != MetricType::gauge) w.fixed64_field(2, nanos(start));
    w.fixed64_field(3, nanos(now));
    if (histogram) {
      w.fixed64_field(4, point.count);
      w.double_field(5, point.value);
      w.tag(6, 2);
      w.varint(point.buckets.size() * 8);
      for (const std::uint64_t count : point.buckets) w.raw(count);
      w.tag(7, 2);
      w.varint(metric.boundaries.size() * 8);
      for (const double boundary : metric.boundaries) w.raw(boundary);
      for (const auto& exemplar : point.exemplars) {
        if (!exemplar) continue;
        const std::size_t kept = w.begin(8);
        w.fixed64_field(2, nanos(exemplar->at));
        w.double_field(3, exemplar->value);
        w.bytes_field(4, bytes_of(exemplar->span_id));
        w.bytes_field(5, bytes_of(exemplar->trace_id));
        w.end(kept);
      }
      put_attributes(w, 9, point.attributes);
    } else {
      w.double_field(4, point.value);
      put_attributes(w, 7, point.attributes);
    }
    w.end(inner);
  }
  if (metric.type != MetricType::gauge) w.uint_field(2, 2);  // cumulative
  if (metric.type == MetricType::counter) w.uint_field(3, 1);
  w.end(data);
  w.end(message);
}

// ---- JSON: ids in hex, 64-bit integers as text, enumerations as numbers ------------------------------------------------------

void number_json(json::Writer& w, double value) {
  if (std::isnan(value)) w.string("NaN");
  else if (std::isinf(value)) w.string(value < 0 ? "-Infinity" : "Infinity");
  else w.number(value);
}

void text_number(json::Writer& w, std::uint64_t value) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  w.string({text, static_cast<std::size_t>(end - text)});
}

void any_json(json::Writer& w, Value value) {
  w.begin_object();
  switch (value.type()) {
    case NodeType::boolean: w.key("boolValue"), w.boolean(value.as_bool()); break;
    case NodeType::integer: {
      char text[24];
      const auto end = std::to_chars(text, text + sizeof text, value.as_int()).ptr;
      w.key("intValue"), w.string({text, static_cast<std::size_t>(end - text)});
      break;
    }
    case NodeType::number: w.key("doubleValue"), number_json(w, value.as_double()); break;
    case NodeType::array:
      w.key("arrayValue");
      w.begin_object();
      w.key("values");
      w.begin_array();
      for (const Value one : value.elements()) any_json(w, one);
      w.end_array();
      w.end_object();
      break;
    default: w.key("stringValue"), w.string(value.text()); break;
  }
  w.end_object();
}

void attributes_json(json::Writer& w, const Attributes& attributes) {
  w.key("attributes");
  w.begin_array();
  each(attributes, [&](std::string_view key, Value value) {
    w.begin_object();
    w.key("key"), w.string(key);
    w.key("value");
    any_json(w, value);
    w.end_object();
  });
  w.end_array();
}

void time_json(json::Writer& w, std::string_view name, WallTime time) {
  w.key(name);
  text_number(w, nanos(time));
}

void span_json(std::string& batch, const SpanData& span) {
  json::Writer w(batch);
  w.begin_object();
  w.key("traceId"), w.string(hex(span.context.trace_id));
  w.key("spanId"), w.string(hex(span.context.span_id));
  if (span.context.state != nullptr) w.key("traceState"), w.string(*span.context.state);
  if (span.has_parent()) w.key("parentSpanId"), w.string(hex(span.parent_span_id));
  w.key("name"), w.string(span.name);
  w.key("kind"), w.integer(static_cast<int>(span.kind));
  time_json(w, "startTimeUnixNano", span.start);
  time_json(w, "endTimeUnixNano", span.end);
  attributes_json(w, span.attributes);
  if (span.dropped_attributes != 0) w.key("droppedAttributesCount"), w.uinteger(span.dropped_attributes);
  if (!span.events.empty()) {
    w.key("events");
    w.begin_array();
    for (const SpanData::Event& event : span.events) {
      w.begin_object();
      time_json(w, "timeUnixNano", event.time);
      w.key("name"), w.string(event.name);
      attributes_json(w, event.attributes);
      w.end_object();
    }
    w.end_array();
  }
  if (span.dropped_events != 0) w.key("droppedEventsCount"), w.uinteger(span.dropped_events);
  if (!span.links.empty()) {
    w.key("links");
    w.begin_array();
    for (const SpanContext& link : span.links) {
      w.begin_object();
      w.key("traceId"), w.string(hex(link.trace_id));
      w.key("spanId"), w.string(hex(link.span_id));
      if (link.state != nullptr) w.key("traceState"), w.string(*link.state);
      w.key("flags"), w.uinteger(flags_of(link, link.remote));
      w.end_object();
    }
    w.end_array();
  }
  if (span.status != SpanStatus::unset) {
    w.key("status");
    w.begin_object();
    if (!span.status_message.empty()) w.key("message"), w.string(span.status_message);
    w.key("code"), w.integer(static_cast<int>(span.status));
    w.end_object();
  }
  w.key("flags"), w.uinteger(flags_of(span.context, span.parent_remote));
  w.end_object();
}

void log_json(std::string& batch, const LogRecord& record) {
  json::Writer w(batch);
  w.begin_object();
  time_json(w, "timeUnixNano", record.time);
  time_json(w, "observedTimeUnixNano", record.time);
  w.key("severityNumber"), w.uinteger(severity_number(record.level));
  w.key("severityText"), w.string(severity_text(record.level));
  w.key("body");
  w.begin_object();
  w.key("stringValue"), w.string(record.body);
  w.end_object();
  attributes_json(w, record.attributes);
  if (record.context.valid()) {
    w.key("traceId"), w.string(hex(record.context.trace_id));
    w.key("spanId"), w.string(hex(record.context.span_id));
    w.key("flags"), w.uinteger(record.context.flags);
  }
  w.end_object();
}

void metric_json(std::string& batch, const MetricData& metric, WallTime start, WallTime now) {
  json::Writer w(batch);
  w.begin_object();
  w.key("name"), w.string(metric.name);
  if (!metric.description.empty()) w.key("description"), w.string(metric.description);
  if (!metric.unit.empty()) w.key("unit"), w.string(metric.unit);
  const bool histogram = metric.type == MetricType::histogram;
  w.key(histogram ? "histogram" : metric.type == MetricType::gauge ? "gauge" : "sum");
  w.begin_object();
  w.key("dataPoints");
  w.begin_array();
  for (const MetricPoint& point : metric.points) {
    w.begin_object();
    attributes_json(w, point.attributes);
    if (metric.type != MetricType::gauge) time_json(w, "startTimeUnixNano", start);
    time_json(w, "timeUnixNano", now);
    if (histogram) {
      w.key("count"), text_number(w, point.count);
      w.key("sum"), number_json(w, point.value);
      w.key("bucketCounts");
      w.begin_array();
      for (const std::uint64_t count : point.buckets) text_number(w, count);
      w.end_array();
      w.key("explicitBounds");
      w.begin_array();
      for (const double boundary : metric.boundaries) number_json(w, boundary);
      w.end_array();
      if (!point.exemplars.empty()) {
        w.key("exemplars");
        w.begin_array();
        for (const auto& exemplar : point.exemplars) {
          if (!exemplar) continue;
          w.begin_object();
          time_json(w, "timeUnixNano", exemplar->at);
          w.key("asDouble"), number_json(w, exemplar->value);
          w.key("spanId"), w.string(hex(exemplar->span_id));
          w.key("traceId"), w.string(hex(exemplar->trace_id));
          w.end_object();
        }
        w.end_array();
      }
    } else {
      w.key("asDouble"), number_json(w, point.value);
    }
    w.end_object();
  }
  w.end_array();
  if (metric.type != MetricType::gauge) w.key("aggregationTemporality"), w.integer(2);
  if (metric.type == MetricType::counter) w.key("isMonotonic"), w.boolean(true);
  w.end_object();
  w.end_object();
}

std::uint64_t read_varint(std::string_view& bytes, bool& ok) noexcept {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes[0]);
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
    if (byte < 0x80) return value;
  }
  ok = false;
  return 0;
}

/// The first field 1 of a message: bytes in `inner` or a number.
bool first_field(std::string_view bytes, std::string_view& inner, std::uint64_t& number) noexcept {
  bool ok = true;
  while (ok && !bytes.empty()) {
    const std::uint64_t tag = read_varint(bytes, ok);
    const std::uint64_t wire = tag & 7U;
    std::uint64_t size = 0;
    if (wire == 0) number = read_varint(bytes, ok);
    else if (wire == 1) size = 8;
    else if (wire == 2) size = read_varint(bytes, ok);
    else if (wire == 5) size = 4;
    else return false;
    if (!ok || size > bytes.size()) return false;
    inner = bytes.substr(0, size);
    bytes.remove_prefix(size);
    if (tag >> 3U == 1) return true;
  }
  return false;
}

}  // namespace

void append_span(std::string& batch, Encoding encoding, std::size_t count, const SpanData& span) {
  if (encoding == Encoding::protobuf) return span_protobuf(batch, span);
  if (count != 0) batch.push_back(',');
  span_json(batch, span);
}

void append_log(std::string& batch, Encoding encoding, std::size_t count, const LogRecord& record) {
  if (encoding == Encoding::protobuf) return log_protobuf(batch, record);
  if (count != 0) batch.push_back(',');
  log_json(batch, record);
}

void append_metric(std::string& batch, Encoding encoding, std::size_t count, const MetricData& metric, WallTime start,
                   WallTime now) {
  if (encoding == Encoding::protobuf) return metric_protobuf(batch, metric, start, now);
  if (count != 0) batch.push_back(',');
  metric_json(batch, metric, start, now);
}

std::string request(Signal signal, Encoding encoding, const Attributes& resource, std::string_view batch) {
  std::string out;
  out.reserve(batch.size() + 1024);
  if (encoding == Encoding::protobuf) {  // the same numbers for all three signals
    ProtobufWriter w(out);
    const std::size_t outer = w.begin(1);
    const std::size_t described = w.begin(1);
    put_attributes(w, 1, resource);
    w.end(described);
    const std::size_t scoped = w.begin(2);
    const std::size_t scope = w.begin(1);
    w.bytes_field(1, scope_name);
    w.bytes_field(2, version);
    w.end(scope);
    out.append(batch);
    w.end(scoped);
    w.end(outer);
    return out;
  }
  static constexpr std::string_view names[3][3] = {{"resourceSpans", "scopeSpans", "spans"},
                                                   {"resourceMetrics", "scopeMetrics", "metrics"},
                                                   {"resourceLogs", "scopeLogs", "logRecords"}};
  const auto& [outer, scoped, items] = names[static_cast<std::size_t>(signal)];
  json::Writer w(out);
  w.begin_object();
  w.key(outer);
  w.begin_array();
  w.begin_object();
  w.key("resource");
  w.begin_object();
  attributes_json(w, resource);
  w.end_object();
  w.key(scoped);
  w.begin_array();
  w.begin_object();
  w.key("scope");
  w.begin_object();
  w.key("name"), w.string(scope_name);
  w.key("version"), w.string(version);
  w.end_object();
  w.key(items);
  w.raw("[" + std::string(batch) + "]");
  w.end_object();
  w.end_array();
  w.end_object();
  w.end_array();
  w.end_object();
  return out;
}

std::string_view content_type(Encoding encoding) noexcept {
  return encoding == Encoding::protobuf ? "application/x-protobuf" : "application/json";
}

std::uint64_t rejected(Signal signal, Encoding encoding, std::string_view body) {
  if (encoding == Encoding::protobuf) {
    std::string_view inner;
    std::uint64_t number = 0;
    if (!first_field(body, inner, number)) return 0;
    const std::string_view partial = inner;
    return first_field(partial, inner, number) ? number : 0;
  }
  const auto document = json::parse(body);
  if (!document.ok() || !document->root().is_object()) return 0;
  const Value partial = document->root().find("partialSuccess");
  if (!partial.is_object()) return 0;
  const Value count = partial.find(signal == Signal::traces    ? "rejectedSpans"
                                   : signal == Signal::metrics ? "rejectedDataPoints"
                                                               : "rejectedLogRecords");
  if (!count.exists()) return 0;
  std::uint64_t number = 0;
  if (count.is_string()) std::from_chars(count.text().data(), count.text().data() + count.text().size(), number);
  else if (count.is(NodeType::integer)) number = count.as_uint();
  return number;
}

}  // namespace spikard::telemetry::otlp
