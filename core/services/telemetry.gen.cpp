// Generated from spec/services/telemetry.yaml by codegen. Do not edit.
#include "services/telemetry.gen.hpp"

#include <array>
#include <utility>

#include "services/codec.hpp"
#include "services/telemetry_codec.gen.hpp"

namespace spikard::services {

namespace {
constexpr std::array<std::string_view, 5> telemetry_exporter_names{"none", "memory", "otlp_http", "otlp_http_json", "otlp_grpc"};
}
std::string_view name_of(TelemetryExporter v) noexcept {
  return telemetry_exporter_names[static_cast<std::size_t>(v)];
}
std::optional<TelemetryExporter> telemetry_exporter_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < telemetry_exporter_names.size(); ++i) {
    if (telemetry_exporter_names[i] == text) return static_cast<TelemetryExporter>(i);
  }
  return std::nullopt;
}

namespace {
constexpr std::array<std::string_view, 6> telemetry_sampler_names{"always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"};
}
std::string_view name_of(TelemetrySampler v) noexcept {
  return telemetry_sampler_names[static_cast<std::size_t>(v)];
}
std::optional<TelemetrySampler> telemetry_sampler_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < telemetry_sampler_names.size(); ++i) {
    if (telemetry_sampler_names[i] == text) return static_cast<TelemetrySampler>(i);
  }
  return std::nullopt;
}

namespace {
constexpr std::array<std::string_view, 2> telemetry_compression_names{"none", "gzip"};
}
std::string_view name_of(TelemetryCompression v) noexcept {
  return telemetry_compression_names[static_cast<std::size_t>(v)];
}
std::optional<TelemetryCompression> telemetry_compression_from(std::string_view text) noexcept {
  for (std::size_t i = 0; i < telemetry_compression_names.size(); ++i) {
    if (telemetry_compression_names[i] == text) return static_cast<TelemetryCompression>(i);
  }
  return std::nullopt;
}

namespace detail {

void decode(Decoder& d, Value v, TelemetryExporter& out) {
  if (const auto i = d.choice(v, telemetry_exporter_names)) out = static_cast<TelemetryExporter>(*i);
}
void decode(Decoder& d, Value v, TelemetrySampler& out) {
  if (const auto i = d.choice(v, telemetry_sampler_names)) out = static_cast<TelemetrySampler>(*i);
}
void decode(Decoder& d, Value v, TelemetryCompression& out) {
  if (const auto i = d.choice(v, telemetry_compression_names)) out = static_cast<TelemetryCompression>(*i);
}

void decode(Decoder& d, Value v, TelemetryConfig& out) {
  static constexpr std::array<std::string_view, 18> known{"exporter", "service_name", "resource", "sampler", "sampler_arg", "endpoint", "headers", "certificate", "compression", "traces", "metrics", "logs", "export_timeout_ms", "schedule_delay_ms", "max_queue_size", "max_export_batch_size", "metric_interval_ms", "metrics_path"};
  if (!d.object(v, known)) return;
  if (const auto m = d.member(v, "exporter")) {
    if (m.value().is_null()) {
      out.exporter.reset();
    } else {
      decode(d, m.value(), out.exporter.emplace());
    }
  }
  if (const auto m = d.member(v, "service_name")) {
    if (m.value().is_null()) {
      out.service_name.reset();
    } else {
      d.text(m.value(), out.service_name.emplace(), 0, 1024);
    }
  }
  if (const auto m = d.member(v, "resource")) {
    if (d.any_object(m.value())) {
      out.resource.clear();
      for (const auto each : m.value().members()) {
        const auto entry = d.entry(each.value, each.key);
        auto& slot = out.resource[std::string(each.key)];
        d.text(entry.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "sampler")) {
    if (m.value().is_null()) {
      out.sampler.reset();
    } else {
      decode(d, m.value(), out.sampler.emplace());
    }
  }
  if (const auto m = d.member(v, "sampler_arg")) {
    d.json(m.value(), out.sampler_arg);
  }
  if (const auto m = d.member(v, "endpoint")) {
    if (m.value().is_null()) {
      out.endpoint.reset();
    } else {
      d.text(m.value(), out.endpoint.emplace(), 0, 2048);
    }
  }
  if (const auto m = d.member(v, "headers")) {
    if (d.any_object(m.value())) {
      out.headers.clear();
      for (const auto each : m.value().members()) {
        const auto entry = d.entry(each.value, each.key);
        auto& slot = out.headers[std::string(each.key)];
        d.text(entry.value(), slot);
      }
    }
  }
  if (const auto m = d.member(v, "certificate")) {
    if (m.value().is_null()) {
      out.certificate.reset();
    } else {
      d.text(m.value(), out.certificate.emplace(), 0, 4096);
    }
  }
  if (const auto m = d.member(v, "compression")) {
    if (m.value().is_null()) {
      out.compression.reset();
    } else {
      decode(d, m.value(), out.compression.emplace());
    }
  }
  if (const auto m = d.member(v, "traces")) {
    d.boolean(m.value(), out.traces);
  }
  if (const auto m = d.member(v, "metrics")) {
    d.boolean(m.value(), out.metrics);
  }
  if (const auto m = d.member(v, "logs")) {
    d.boolean(m.value(), out.logs);
  }
  if (const auto m = d.member(v, "export_timeout_ms")) {
    if (m.value().is_null()) {
      out.export_timeout_ms.reset();
    } else {
      d.integer(m.value(), out.export_timeout_ms.emplace(), 1U, 600000U);
    }
  }
  if (const auto m = d.member(v, "schedule_delay_ms")) {
    if (m.value().is_null()) {
      out.schedule_delay_ms.reset();
    } else {
      d.integer(m.value(), out.schedule_delay_ms.emplace(), 1U, 600000U);
    }
  }
  if (const auto m = d.member(v, "max_queue_size")) {
    if (m.value().is_null()) {
      out.max_queue_size.reset();
    } else {
      d.integer(m.value(), out.max_queue_size.emplace(), 1U, 1048576U);
    }
  }
  if (const auto m = d.member(v, "max_export_batch_size")) {
    if (m.value().is_null()) {
      out.max_export_batch_size.reset();
    } else {
      d.integer(m.value(), out.max_export_batch_size.emplace(), 1U, 1048576U);
    }
  }
  if (const auto m = d.member(v, "metric_interval_ms")) {
    if (m.value().is_null()) {
      out.metric_interval_ms.reset();
    } else {
      d.integer(m.value(), out.metric_interval_ms.emplace(), 1U, 86400000U);
    }
  }
  if (const auto m = d.member(v, "metrics_path")) {
    if (m.value().is_null()) {
      out.metrics_path.reset();
    } else {
      d.text(m.value(), out.metrics_path.emplace(), 1, 1024);
    }
  }
}

void encode(const TelemetryConfig& in, NodeBuilder& out) {
  out.begin_object();
  if (in.exporter.has_value()) {
    out.key("exporter");
    out.string(name_of(*in.exporter));
  }
  if (in.service_name.has_value()) {
    out.key("service_name");
    out.string(*in.service_name);
  }
  if (!in.resource.empty()) {
    out.key("resource");
    out.begin_object();
    for (const auto& [key, each] : in.resource) {
      out.key(key);
      out.string(each);
    }
    out.end();
  }
  if (in.sampler.has_value()) {
    out.key("sampler");
    out.string(name_of(*in.sampler));
  }
  if (!in.sampler_arg.empty()) {
    out.key("sampler_arg");
    if (in.sampler_arg.empty()) out.null();
    else out.copy(in.sampler_arg.root());
  }
  if (in.endpoint.has_value()) {
    out.key("endpoint");
    out.string(*in.endpoint);
  }
  if (!in.headers.empty()) {
    out.key("headers");
    out.begin_object();
    for (const auto& [key, each] : in.headers) {
      out.key(key);
      out.string(each);
    }
    out.end();
  }
  if (in.certificate.has_value()) {
    out.key("certificate");
    out.string(*in.certificate);
  }
  if (in.compression.has_value()) {
    out.key("compression");
    out.string(name_of(*in.compression));
  }
  if (!in.traces) {
    out.key("traces");
    out.boolean(in.traces);
  }
  if (!in.metrics) {
    out.key("metrics");
    out.boolean(in.metrics);
  }
  if (!in.logs) {
    out.key("logs");
    out.boolean(in.logs);
  }
  if (in.export_timeout_ms.has_value()) {
    out.key("export_timeout_ms");
    out.uinteger(*in.export_timeout_ms);
  }
  if (in.schedule_delay_ms.has_value()) {
    out.key("schedule_delay_ms");
    out.uinteger(*in.schedule_delay_ms);
  }
  if (in.max_queue_size.has_value()) {
    out.key("max_queue_size");
    out.uinteger(*in.max_queue_size);
  }
  if (in.max_export_batch_size.has_value()) {
    out.key("max_export_batch_size");
    out.uinteger(*in.max_export_batch_size);
  }
  if (in.metric_interval_ms.has_value()) {
    out.key("metric_interval_ms");
    out.uinteger(*in.metric_interval_ms);
  }
  if (in.metrics_path.has_value()) {
    out.key("metrics_path");
    out.string(*in.metrics_path);
  }
  out.end();
}

}  // namespace detail

bool operator==(const TelemetryConfig& a, const TelemetryConfig& b) {
  return a.exporter == b.exporter &&
         a.service_name == b.service_name &&
         a.resource == b.resource &&
         a.sampler == b.sampler &&
         detail::same(a.sampler_arg, b.sampler_arg) &&
         a.endpoint == b.endpoint &&
         a.headers == b.headers &&
         a.certificate == b.certificate &&
         a.compression == b.compression &&
         a.traces == b.traces &&
         a.metrics == b.metrics &&
         a.logs == b.logs &&
         a.export_timeout_ms == b.export_timeout_ms &&
         a.schedule_delay_ms == b.schedule_delay_ms &&
         a.max_queue_size == b.max_queue_size &&
         a.max_export_batch_size == b.max_export_batch_size &&
         a.metric_interval_ms == b.metric_interval_ms &&
         a.metrics_path == b.metrics_path;
}

Result<TelemetryConfig> telemetry_config_from_json(Value json, std::string path) {
  detail::Decoder d(std::move(path));
  TelemetryConfig out;
  if (json.exists()) detail::decode(d, json, out);
  else d.problem("nothing there");
  SPIKARD_TRY(d.finish());
  return out;
}

void to_nodes(const TelemetryConfig& in, NodeBuilder& out) { detail::encode(in, out); }

}  // namespace spikard::services
