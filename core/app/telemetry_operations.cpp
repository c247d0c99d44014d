#include "app/telemetry_operations.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "net/await.hpp"
#include "telemetry/propagation.hpp"

namespace spikard::app {
namespace {

using telemetry::Attributes;
using telemetry::SpanContext;

Error bad(std::string_view operation, std::string_view member, std::string_view expected) {
  return invalid_argument(std::string(operation) + ": " + std::string(member) + ": expected " + std::string(expected));
}

Document empty() {
  NodeBuilder out;
  out.begin_object();
  out.end();
  return Document(std::move(out));
}

/// Absent and null are the same.
Value given(Value args, std::string_view name) {
  const Value v = args.find(name);
  return v.exists() && !v.is_null() ? v : Value();
}

Result<std::string_view> text(std::string_view operation, Value args, std::string_view name, std::string_view fallback = {}) {
  const Value v = given(args, name);
  if (!v.exists()) return fallback;
  if (!v.is_string()) return bad(operation, name, "text");
  return v.text();
}

Result<Attributes> attributes(std::string_view operation, Value object, std::string_view name = "attributes") {
  Attributes out;
  const Value v = object.exists() ? given(object, name) : Value();
  if (!v.exists()) return out;
  if (!v.is_object()) return bad(operation, name, "an object");
  for (const auto& [key, value] : v.members()) out.replace(key, value);
  return out;
}

Result<std::vector<std::string_view>> texts(std::string_view operation, Value args, std::string_view name) {
  const Value list = given(args, name);
  if (!list.is_array()) return bad(operation, name, "a list of texts");
  std::vector<std::string_view> out;
  for (const Value one : list.elements()) {
    if (!one.is_string()) return bad(operation, name, "a list of texts");
    out.push_back(one.text());
  }
  return out;
}

/// The parent that the arguments name: null for the handler's, empty for none.
Result<SpanContext> parent_of(std::string_view operation, const SpanContext& trace, Value args) {
  const Value v = given(args, "traceparent");
  if (!v.exists()) return trace;
  auto header = text(operation, args, "traceparent");
  auto state = text(operation, args, "tracestate");
  auto baggage = text(operation, args, "baggage");
  if (!header.ok()) return std::move(header).error();
  if (!state.ok()) return std::move(state).error();
  if (!baggage.ok()) return std::move(baggage).error();
  SpanContext context = telemetry::extract(*header, *state, *baggage);
  if (!context.valid() && !header->empty()) return bad(operation, "traceparent", "a traceparent");
  context.remote = false;
  // An inner span of the handler's own: what else travels is the handler's.
  if (context.trace_id == trace.trace_id) {
    if (context.state == nullptr) context.state = trace.state;
    if (context.baggage == nullptr) context.baggage = trace.baggage;
  }
  return context;
}

void put_text_or_null(NodeBuilder& out, std::string_view name, std::string_view value) {
  out.key(name);
  if (value.empty()) out.null();
  else out.string(value);
}

Document context(const SpanContext& trace) {
  NodeBuilder out;
  out.begin_object();
  put_text_or_null(out, "traceparent", telemetry::format_traceparent(trace));
  put_text_or_null(out, "tracestate", trace.state == nullptr ? std::string_view() : *trace.state);
  put_text_or_null(out, "baggage", trace.baggage == nullptr ? std::string_view() : *trace.baggage);
  out.end();
  return Document(std::move(out));
}

Result<Document> parse(Operation operation, Value args) {
  const std::string_view name = name_of(operation);
  NodeBuilder out;
  out.begin_object();
  out.key("value");
  if (operation == Operation::telemetry_parse_traceparent) {
    auto value = text(name, args, "value");
    if (!value.ok()) return std::move(value).error();
    if (const auto parsed = telemetry::parse_traceparent(*value)) {
      out.begin_object();
      out.key("trace_id"), out.string(telemetry::hex(parsed->trace_id));
      out.key("parent_id"), out.string(telemetry::hex(parsed->span_id));
      out.key("sampled"), out.boolean(parsed->sampled());
      out.end();
    } else {
      out.null();
    }
  } else {
    auto values = texts(name, args, "values");
    if (!values.ok()) return std::move(values).error();
    out.begin_array();
    if (operation == Operation::telemetry_parse_tracestate) {
      for (const auto& [key, value] : telemetry::parse_tracestate(*values)) {
        out.begin_array();
        out.string(key), out.string(value);
        out.end();
      }
    } else {
      for (const telemetry::BaggageEntry& entry : telemetry::parse_baggage(*values)) {
        out.begin_object();
        out.key("key"), out.string(entry.key);
        out.key("value"), out.string(entry.value);
        if (!entry.properties.empty()) {
          out.key("properties");
          out.begin_array();
          for (const std::string& property : entry.properties) out.string(property);
          out.end();
        }
        out.end();
      }
    }
    out.end();
  }
  out.end();
  return Document(std::move(out));
}

void put_counts(NodeBuilder& out, std::string_view name, const telemetry::otlp::Counts& counts) {
  out.key(name);
  out.begin_object();
  out.key("ended"), out.uinteger(counts.ended);
  out.key("exported"), out.uinteger(counts.exported);
  out.key("dropped"), out.uinteger(counts.dropped);
  out.key("failed"), out.uinteger(counts.failed);
  out.key("waiting"), out.uinteger(counts.waiting);
  out.end();
}

}  // namespace

std::optional<Result<Document>> TelemetryOperations::call_now_for(const SpanContext& trace, Operation operation, Value args) {
  switch (operation) {
    case Operation::telemetry_context: return context(trace);
    case Operation::telemetry_start_span: return start_span(trace, args);
    case Operation::telemetry_end_span: return end_span(args);
    case Operation::telemetry_log: return log(trace, args);
    case Operation::telemetry_add:
    case Operation::telemetry_record: return measure(trace, operation, args);
    case Operation::telemetry_statistics: {
      NodeBuilder out;
      out.begin_object();
      put_counts(out, "spans", telemetry_.otlp() == nullptr ? telemetry::otlp::Counts{} : telemetry_.otlp()->spans());
      put_counts(out, "logs", telemetry_.otlp() == nullptr ? telemetry::otlp::Counts{} : telemetry_.otlp()->logs());
      out.end();
      return Document(std::move(out));
    }
    case Operation::telemetry_take_spans:
    case Operation::telemetry_take_logs:
    case Operation::telemetry_collect_metrics: return kept(operation);
    case Operation::telemetry_parse_traceparent:
    case Operation::telemetry_parse_tracestate:
    case Operation::telemetry_parse_baggage: return parse(operation, args);
    default: return std::nullopt;
  }
}

Result<Document> TelemetryOperations::start_span(const SpanContext& trace, Value args) {
  constexpr std::string_view operation = "telemetry.start_span";
  auto name = text(operation, args, "name");
  if (!name.ok()) return std::move(name).error();
  if (name->empty()) return bad(operation, "name", "text that is not empty");
  auto kind_name = text(operation, args, "kind", "internal");
  if (!kind_name.ok()) return std::move(kind_name).error();
  using telemetry::SpanKind;
  std::optional<SpanKind> kind;
  for (const SpanKind one : {SpanKind::internal, SpanKind::server, SpanKind::client, SpanKind::producer, SpanKind::consumer}) {
    if (telemetry::name_of(one) == *kind_name) kind = one;
  }
  if (!kind) return bad(operation, "kind", "internal, server, client, producer or consumer");
  auto parent = parent_of(operation, trace, args);
  if (!parent.ok()) return std::move(parent).error();
  auto given_attributes = attributes(operation, args);
  if (!given_attributes.ok()) return std::move(given_attributes).error();
  telemetry::Span span = telemetry_.tracer().start(*name, *kind, *parent);
  for (const auto& [key, value] : given_attributes->root().members()) span.set(key, value);
  if (given(args, "links").exists()) {
    auto links = texts(operation, args, "links");
    if (!links.ok()) return std::move(links).error();
    for (const std::string_view link : *links) span.link(telemetry::extract(link));
  }
  const std::string header = telemetry::format_traceparent(span.context());
  std::uint64_t number = 0;
  if (span.recording()) {
    const std::lock_guard lock(mutex_);
    if (open_.size() < max_open) {
      number = next_++;
      open_.emplace(number, std::move(span));
    }
  }
  NodeBuilder out;
  out.begin_object();
  out.key("span"), out.uinteger(number);
  put_text_or_null(out, "traceparent", header);
  out.end();
  return Document(std::move(out));
}

Result<Document> TelemetryOperations::end_span(Value args) {
  constexpr std::string_view operation = "telemetry.end_span";
  const Value number = given(args, "span");
  if (!number.is(NodeType::integer)) return bad(operation, "span", "a number");
  auto name = text(operation, args, "name");
  if (!name.ok()) return std::move(name).error();
  auto message = text(operation, args, "message");
  if (!message.ok()) return std::move(message).error();
  auto status = text(operation, args, "status", "unset");
  if (!status.ok()) return std::move(status).error();
  if (*status != "unset" && *status != "ok" && *status != "error") return bad(operation, "status", "unset, ok or error");
  auto further = attributes(operation, args);
  if (!further.ok()) return std::move(further).error();
  struct Noted {
    std::string_view name;
    std::optional<WallTime> at;
    telemetry::Attributes attributes;
  };
  std::vector<Noted> noted;  // all of it is looked at before the span is touched
  if (const Value events = given(args, "events"); events.exists()) {
    if (!events.is_array()) return bad(operation, "events", "a list of objects");
    for (const Value one : events.elements()) {
      if (!one.is_object()) return bad(operation, "events", "a list of objects");
      auto event_name = text(operation, one, "name", "event");
      if (!event_name.ok()) return std::move(event_name).error();
      auto event_attributes = attributes(operation, one);
      if (!event_attributes.ok()) return std::move(event_attributes).error();
      const Value time = given(one, "time_unix_nano");
      if (time.exists() && !time.is(NodeType::integer)) return bad(operation, "events.time_unix_nano", "an integer");
      std::optional<WallTime> at;
      if (time.exists()) at = WallTime(std::chrono::nanoseconds(time.as_int()));
      noted.push_back({*event_name, at, *std::move(event_attributes)});
    }
  }
  telemetry::Span span;
  {
    const std::lock_guard lock(mutex_);
    const auto at = open_.find(static_cast<std::uint64_t>(number.as_int()));
    if (at == open_.end()) return empty();
    span = std::move(at->second);
    open_.erase(at);
  }
  if (!name->empty()) span.rename(*name);
  for (const auto& [key, value] : further->root().members()) span.set(key, value);
  for (Noted& one : noted) span.event_at(one.name, one.at, std::move(one.attributes));
  if (*status == "ok") span.status(telemetry::SpanStatus::ok);
  else if (*status == "error") span.status(telemetry::SpanStatus::error, *message);
  span.end();
  return empty();
}

Result<Document> TelemetryOperations::log(const SpanContext& trace, Value args) {
  constexpr std::string_view operation = "telemetry.log";
  auto message = text(operation, args, "message");
  if (!message.ok()) return std::move(message).error();
  auto level_name = text(operation, args, "level", "info");
  if (!level_name.ok()) return std::move(level_name).error();
  const auto level = log::level_from(*level_name);
  if (!level || *level == log::Level::off) return bad(operation, "level", "trace, debug, info, warn or error");
  auto parent = parent_of(operation, trace, args);
  if (!parent.ok()) return std::move(parent).error();
  const Value fields = given(args, "attributes");
  if (fields.exists() && !fields.is_object()) return bad(operation, "attributes", "an object");
  const Value line = given(args, "line");
  if (line.is(NodeType::boolean) && !line.as_bool())
    telemetry::Logger(nullptr, telemetry_.provider()).log(*parent, *level, *message, fields);
  else telemetry_.logger().log(*parent, *level, *message, fields);
  return empty();
}

Result<Document> TelemetryOperations::measure(const SpanContext& trace, Operation operation, Value args) {
  const std::string_view called = name_of(operation);
  auto name = text(called, args, "name");
  if (!name.ok()) return std::move(name).error();
  if (name->empty()) return bad(called, "name", "text that is not empty");
  auto unit = text(called, args, "unit");
  if (!unit.ok()) return std::move(unit).error();
  auto description = text(called, args, "description");
  if (!description.ok()) return std::move(description).error();
  auto given_attributes = attributes(called, args);
  if (!given_attributes.ok()) return std::move(given_attributes).error();
  const Value number = given(args, "value");
  double value = 1;
  if (number.exists()) {
    if (!number.node().is_number()) return bad(called, "value", "a number");
    value = number.as_double();
  } else if (operation == Operation::telemetry_record) {
    return bad(called, "value", "a number");
  }
  if (!std::isfinite(value)) return bad(called, "value", "a finite number");
  const telemetry::Tracer tracer = telemetry_.tracer();
  if (operation == Operation::telemetry_add) {
    const Value both = given(args, "up_down");
    if (both.is(NodeType::boolean) && both.as_bool()) {
      tracer.up_down_counter(*name, *unit, *description).bind(*given_attributes).add(value);
    } else {
      if (value < 0) return bad(called, "value", "a number not below nought");
      tracer.counter(*name, *unit, *description).bind(*given_attributes).add(value);
    }
    return empty();
  }
  std::vector<double> boundaries;
  if (const Value list = given(args, "boundaries"); list.exists()) {
    if (!list.is_array()) return bad(called, "boundaries", "a list of ascending numbers");
    for (const Value one : list.elements()) {
      if (!one.node().is_number() || (!boundaries.empty() && one.as_double() <= boundaries.back()) || boundaries.size() == 1000)
        return bad(called, "boundaries", "a list of at most 1000 ascending numbers");
      boundaries.push_back(one.as_double());
    }
  }
  tracer.histogram(*name, *unit, *description, boundaries).bind(*given_attributes).record(value, trace);
  return empty();
}

Result<Document> TelemetryOperations::kept(Operation operation) {
  NodeBuilder out;
  out.begin_object();
  if (operation == Operation::telemetry_collect_metrics) {
    out.key("metrics");
    out.begin_array();
    if (telemetry_.provider() != nullptr) {
      for (const telemetry::MetricData& metric : telemetry_.provider()->metrics().collect()) telemetry::write(out, metric);
    }
    out.end();
  } else {
    telemetry::MemoryExporter* const memory = telemetry_.memory();
    if (memory == nullptr)
      return Error(ErrorKind::unsupported, "only exporter `memory` keeps them").with_operation(std::string(name_of(operation)));
    const bool spans = operation == Operation::telemetry_take_spans;
    out.key(spans ? "spans" : "logs");
    out.begin_array();
    if (spans) {
      for (const telemetry::SpanData& span : memory->take_spans()) telemetry::write(out, span, telemetry_.provider()->resource());
    } else {
      for (const telemetry::LogRecord& record : memory->take_logs()) telemetry::write(out, record);
    }
    out.end();
  }
  out.end();
  return Document(std::move(out));
}

Task<Result<Document>> TelemetryOperations::call(net::Caller caller, Operation operation, Document args,
                                                 net::OperationStream* stream) {
  (void)stream;
  if (auto now = call_now_for(caller.trace, operation, args.root())) co_return *std::move(now);
  if (operation != Operation::telemetry_flush) {
    co_return Result<Document>(Error(ErrorKind::unsupported, std::string(name_of(operation)) + " is no operation of telemetry"));
  }
  const Value timeout = given(args.root(), "timeout_ms");
  const std::int64_t ms = timeout.is(NodeType::integer) ? std::clamp<std::int64_t>(timeout.as_int(), 0, 600000) : 2000;
  bool flushed = true;
  if (const auto otlp = telemetry_.otlp(); otlp != nullptr) {
    struct State {
      explicit State(net::Loop& loop) : done(loop) {}
      net::Event done;
      bool ok = false;
    };
    // The operation runs on the service loop, which is the exporter's.
    auto state = std::make_shared<State>(*caller.loop);
    otlp->flush(std::chrono::milliseconds(ms), [state](bool ok) {
      state->ok = ok;
      state->done.set();
    });
    Result<void> waited = co_await state->done.wait();
    if (!waited.ok()) co_return Result<Document>(std::move(waited).error());
    flushed = state->ok;
  }
  NodeBuilder out;
  out.begin_object();
  out.key("flushed"), out.boolean(flushed);
  out.end();
  co_return Result<Document>(Document(std::move(out)));
}

}  // namespace spikard::app
