#include "telemetry/settings.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "telemetry/propagation.hpp"
#include "telemetry/version.hpp"

namespace spikard::telemetry {
namespace {

using services::Environment;
using services::TelemetryConfig;

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool equals(std::string_view a, std::string_view lower) noexcept {
  return a.size() == lower.size() && std::equal(a.begin(), a.end(), lower.begin(), [](char x, char y) {
           return (x >= 'A' && x <= 'Z' ? static_cast<char>(x + 32) : x) == y;
         });
}

/// Reads variables; the first one that is wrong stays.
class Reader {
 public:
  explicit Reader(const Environment& environment) noexcept : environment_(environment) {}

  /// Set and not empty (OpenTelemetry: empty is as unset).
  std::optional<std::string_view> text(std::string_view name) const {
    const auto at = environment_.find(name);
    if (at == environment_.end()) return std::nullopt;
    const std::string_view value = trim(at->second);
    if (value.empty()) return std::nullopt;
    return value;
  }
  std::optional<std::uint64_t> number(std::string_view name, std::uint64_t min, std::uint64_t max) {
    const auto value = text(name);
    if (!value) return std::nullopt;
    std::uint64_t out = 0;
    const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), out);
    if (error != std::errc() || end != value->data() + value->size() || out < min || out > max) {
      wrong(name, "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
      return std::nullopt;
    }
    return out;
  }
  std::optional<double> ratio(std::string_view name) {
    const auto value = text(name);
    if (!value) return std::nullopt;
    double out = 0;
    const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), out);
    if (error != std::errc() || end != value->data() + value->size() || !(out >= 0 && out <= 1)) {
      wrong(name, "a number from 0 to 1");
      return std::nullopt;
    }
    return out;
  }
  bool flag(std::string_view name) {
    const auto value = text(name);
    if (!value || equals(*value, "false")) return false;
    if (equals(*value, "true")) return true;
    wrong(name, "true or false");
    return false;
  }
  /// `k=v,k2=v2`, values percent-decoded, as baggage has it.
  std::vector<std::pair<std::string, std::string>> pairs(std::string_view name) {
    std::vector<std::pair<std::string, std::string>> out;
    const auto value = text(name);
    if (!value) return out;
    std::size_t members = 0;
    for (std::string_view rest = *value;;) {
      const auto comma = rest.find(',');
      if (!trim(rest.substr(0, comma)).empty()) {
        ++members;
        auto entries = parse_baggage({rest.substr(0, comma)});
        if (entries.size() == 1 && entries[0].properties.empty())
          out.emplace_back(std::move(entries[0].key), std::move(entries[0].value));
      }
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
    if (out.size() != members) wrong(name, "name=value pairs with commas between them, values percent-encoded");
    return out;
  }
  /// Never repeats the value, which may be a secret.
  void wrong(std::string_view name, std::string expected) {
    if (!problem) problem = std::string(name) + ": expected " + std::move(expected);
  }
  std::optional<std::string> problem;

 private:
  const Environment& environment_;
};

/// `OTEL_EXPORTER_OTLP_TRACES_X`, else `OTEL_EXPORTER_OTLP_X`: the name of the one that is set.
std::string otlp_name(const Reader& reader, std::string_view signal, std::string_view what) {
  std::string own = "OTEL_EXPORTER_OTLP_" + std::string(signal) + "_" + std::string(what);
  if (reader.text(own)) return own;
  return "OTEL_EXPORTER_OTLP_" + std::string(what);
}

bool is_url(std::string_view url) noexcept {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return false;
  return (equals(url.substr(0, scheme), "http") || equals(url.substr(0, scheme), "https")) && url.size() > scheme + 3 &&
         url[scheme + 3] != '/' &&
         std::none_of(url.begin(), url.end(), [](char c) { return static_cast<unsigned char>(c) <= 0x20; });
}

std::string joined(std::string_view base, std::string_view path) {
  while (base.ends_with('/')) base.remove_suffix(1);
  return std::string(base) + std::string(path);
}

std::optional<Sampler> sampler_of(std::string_view name) noexcept {
  if (name == "always_on") return Sampler{Sampler::Root::always_on, false};
  if (name == "always_off") return Sampler{Sampler::Root::always_off, false};
  if (name == "traceidratio") return Sampler{Sampler::Root::ratio, false};
  if (name == "parentbased_always_on") return Sampler{Sampler::Root::always_on, true};
  if (name == "parentbased_always_off") return Sampler{Sampler::Root::always_off, true};
  if (name == "parentbased_traceidratio") return Sampler{Sampler::Root::ratio, true};
  return std::nullopt;
}

Sampler sampler_of(services::TelemetrySampler which) noexcept {
  using S = services::TelemetrySampler;
  switch (which) {
    case S::always_on: return {Sampler::Root::always_on, false};
    case S::always_off: return {Sampler::Root::always_off, false};
    case S::traceidratio: return {Sampler::Root::ratio, false};
    case S::parentbased_always_on: return {Sampler::Root::always_on, true};
    case S::parentbased_always_off: return {Sampler::Root::always_off, true};
    case S::parentbased_traceidratio: return {Sampler::Root::ratio, true};
  }
  return {};
}

struct Signal {
  std::string_view name;  // in variables
  std::string_view path;
  SignalSettings* settings;
  bool wanted;
};

/// Whether OTEL_<SIGNAL>_EXPORTER asks for OTLP: yes, no, or it says nothing.
std::optional<bool> exporter_asked(Reader& reader, std::string_view signal, std::string& metrics_path) {
  const std::string variable = "OTEL_" + std::string(signal) + "_EXPORTER";
  const auto value = reader.text(variable);
  if (!value) return std::nullopt;
  bool otlp = false;
  for (std::string_view rest = *value;;) {
    const auto comma = rest.find(',');
    const std::string_view one = trim(rest.substr(0, comma));
    if (one == "otlp") otlp = true;
    else if (one == "prometheus" && signal == "METRICS") metrics_path = metrics_path.empty() ? "/metrics" : metrics_path;
    else if (one != "none") reader.wrong(variable, signal == "METRICS" ? "otlp, prometheus or none" : "otlp or none");
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return otlp;
}

Protocol protocol_of(services::TelemetryExporter exporter) noexcept {
  if (exporter == services::TelemetryExporter::otlp_http_json) return Protocol::http_json;
  return exporter == services::TelemetryExporter::otlp_grpc ? Protocol::grpc : Protocol::http_protobuf;
}

void read_signal(Reader& reader, const Signal& signal, const TelemetryConfig& config) {
  SignalSettings& out = *signal.settings;
  const std::string protocol = otlp_name(reader, signal.name, "PROTOCOL");
  if (config.exporter) {
    out.protocol = protocol_of(*config.exporter);
  } else if (const auto value = reader.text(protocol)) {
    if (*value == "grpc") out.protocol = Protocol::grpc;
    else if (*value == "http/json") out.protocol = Protocol::http_json;
    else if (*value != "http/protobuf") reader.wrong(protocol, "grpc, http/protobuf or http/json");
  }
  // gRPC takes the path from the service, whatever the endpoint's is.
  const bool grpc = out.protocol == Protocol::grpc;
  const std::string_view path = grpc ? std::string_view() : signal.path;
  // endpoint: the configuration, the signal's own variable as it stands, the common one with the path behind it
  if (config.endpoint) {
    out.url = joined(*config.endpoint, path);
    if (!is_url(*config.endpoint)) reader.wrong("telemetry.endpoint", "an http or https URL");
  } else {
    const std::string own = "OTEL_EXPORTER_OTLP_" + std::string(signal.name) + "_ENDPOINT";
    if (const auto url = reader.text(own)) {
      out.url = *url;
      if (!is_url(*url)) reader.wrong(own, "an http or https URL");
    } else {
      const std::string_view base =
          reader.text("OTEL_EXPORTER_OTLP_ENDPOINT").value_or(grpc ? "http://localhost:4317" : "http://localhost:4318");
      out.url = joined(base, path);
      if (!is_url(base)) reader.wrong("OTEL_EXPORTER_OTLP_ENDPOINT", "an http or https URL");
    }
  }
  const std::string compression = otlp_name(reader, signal.name, "COMPRESSION");
  if (config.compression) {
    out.gzip = *config.compression == services::TelemetryCompression::gzip;
  } else if (const auto value = reader.text(compression)) {
    out.gzip = *value == "gzip";
    if (*value != "gzip" && *value != "none") reader.wrong(compression, "gzip or none");
  }
  out.headers = reader.pairs(otlp_name(reader, signal.name, "HEADERS"));
  for (const auto& [name, value] : config.headers) {
    std::erase_if(out.headers, [&](const auto& h) { return h.first == name; });
    out.headers.emplace_back(name, value);
  }
  for (const auto& [name, value] : out.headers) {
    const bool good_name = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
             std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
    const bool good_value = std::none_of(value.begin(), value.end(), [](char c) {
      const auto u = static_cast<unsigned char>(c);
      return (u < 0x20 && c != '\t') || u == 0x7f;
    });
    if (!good_name || !good_value) reader.wrong("telemetry.headers", "header fields: tokens with values of one line");
  }
  out.certificate = config.certificate ? *config.certificate
                                       : std::string(reader.text(otlp_name(reader, signal.name, "CERTIFICATE")).value_or(""));
  const std::string timeout = otlp_name(reader, signal.name, "TIMEOUT");
  if (config.export_timeout_ms) out.timeout = std::chrono::milliseconds(*config.export_timeout_ms);
  else if (const auto ms = reader.number(timeout, 1, 600000)) out.timeout = std::chrono::milliseconds(*ms);
}

void read_batches(Reader& reader, std::string_view prefix, const TelemetryConfig& config, BatchSettings& out) {
  const auto name = [&](std::string_view what) { return "OTEL_" + std::string(prefix) + "_" + std::string(what); };
  if (config.schedule_delay_ms) out.delay = std::chrono::milliseconds(*config.schedule_delay_ms);
  else if (const auto ms = reader.number(name("SCHEDULE_DELAY"), 1, 600000)) out.delay = std::chrono::milliseconds(*ms);
  if (config.max_queue_size) out.queue = *config.max_queue_size;
  else if (const auto n = reader.number(name("MAX_QUEUE_SIZE"), 1, 1048576)) out.queue = static_cast<std::uint32_t>(*n);
  const auto batch = reader.number(name("MAX_EXPORT_BATCH_SIZE"), 1, 1048576);
  if (config.max_export_batch_size) {
    out.batch = *config.max_export_batch_size;
    if (out.batch > out.queue) reader.wrong("telemetry.max_export_batch_size", "at most max_queue_size");
  } else if (batch) {
    out.batch = static_cast<std::uint32_t>(*batch);
    if (out.batch > out.queue) reader.wrong(name("MAX_EXPORT_BATCH_SIZE"), "at most the queue's size");
  } else {
    out.batch = std::min(out.batch, out.queue);
  }
}

void read_sampler(Reader& reader, const TelemetryConfig& config, Sampler& out) {
  if (config.sampler) {
    out = sampler_of(*config.sampler);
  } else if (const auto name = reader.text("OTEL_TRACES_SAMPLER")) {
    if (const auto known = sampler_of(*name)) out = *known;
    else
      reader.wrong(
          "OTEL_TRACES_SAMPLER",
          "always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or parentbased_traceidratio");
  }
  const Value arg = config.sampler_arg.root();
  if (arg.exists() && !arg.is_null()) {
    const double ratio = arg.node().is_number() ? arg.as_double() : -1;
    if (!(ratio >= 0 && ratio <= 1)) reader.wrong("telemetry.sampler_arg", "a number from 0 to 1");
    out.ratio = ratio;
  } else if (out.root == Sampler::Root::ratio) {
    if (const auto ratio = reader.ratio("OTEL_TRACES_SAMPLER_ARG")) out.ratio = *ratio;
  }
}

void read_resource(Reader& reader, const TelemetryConfig& config, std::string_view name, Attributes& out) {
  std::map<std::string, std::string> all;
  all["service.name"] = name;
  for (auto& [key, value] : reader.pairs("OTEL_RESOURCE_ATTRIBUTES")) all[key] = value;
  if (const auto service = reader.text("OTEL_SERVICE_NAME")) all["service.name"] = *service;
  all["telemetry.sdk.name"] = "spikard";
  all["telemetry.sdk.version"] = version;
  all["telemetry.sdk.language"] = "cpp";
  for (const auto& [key, value] : config.resource) {
    if (key.empty()) reader.wrong("telemetry.resource", "names that are not empty");
    all[key] = value;
  }
  if (config.service_name) all["service.name"] = *config.service_name;
  for (const auto& [key, value] : all) out.set(key, value);
}

}  // namespace

Result<Settings> settings_from(const TelemetryConfig& config, const Environment& environment, std::string_view name) {
  using services::TelemetryExporter;
  Settings out;
  Reader reader(environment);
  if (config.metrics_path) out.metrics_path = *config.metrics_path;
  if (!out.metrics_path.empty() && out.metrics_path[0] != '/')
    reader.wrong("telemetry.metrics_path", "a path that begins with /");
  const bool disabled = reader.flag("OTEL_SDK_DISABLED");
  Signal signals[] = {{"TRACES", "/v1/traces", &out.traces, config.traces},
                      {"METRICS", "/v1/metrics", &out.metrics, config.metrics},
                      {"LOGS", "/v1/logs", &out.logs, config.logs}};
  for (const Signal& signal : signals) {
    const auto asked = exporter_asked(reader, signal.name, out.metrics_path);
    bool on = false;
    if (config.exporter) {
      on = *config.exporter != TelemetryExporter::none;
    } else if (asked) {
      on = *asked;
    } else {
      on = config.endpoint.has_value() || reader.text("OTEL_EXPORTER_OTLP_ENDPOINT") ||
           reader.text("OTEL_EXPORTER_OTLP_" + std::string(signal.name) + "_ENDPOINT");
    }
    signal.settings->enabled = on && signal.wanted;
    read_signal(reader, signal, config);
  }
  read_sampler(reader, config, out.sampler);
  read_resource(reader, config, name, out.resource);
  read_batches(reader, "BSP", config, out.span_batches);
  read_batches(reader, "BLRP", config, out.log_batches);
  if (config.metric_interval_ms) out.metric_interval = std::chrono::milliseconds(*config.metric_interval_ms);
  else if (const auto ms = reader.number("OTEL_METRIC_EXPORT_INTERVAL", 1, 86400000))
    out.metric_interval = std::chrono::milliseconds(*ms);
  for (const std::string_view variable : {"OTEL_ATTRIBUTE_COUNT_LIMIT", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"}) {
    if (const auto n = reader.number(variable, 0, 65536)) out.span_attributes = static_cast<std::uint32_t>(*n);
  }
  if (const auto n = reader.number("OTEL_SPAN_EVENT_COUNT_LIMIT", 0, 65536)) out.span_events = static_cast<std::uint32_t>(*n);
  if (const auto value = reader.text("OTEL_PROPAGATORS")) {
    for (std::string_view rest = *value;;) {
      const auto comma = rest.find(',');
      const std::string_view one = trim(rest.substr(0, comma));
      if (one != "tracecontext" && one != "baggage")
        reader.wrong("OTEL_PROPAGATORS", "tracecontext and baggage, which are always on");
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  if (reader.problem) return invalid_argument(*std::move(reader.problem));
  if (disabled) return Settings{};
  const bool any = out.traces.enabled || out.metrics.enabled || out.logs.enabled;
  if (any) out.exporter = config.exporter == TelemetryExporter::memory ? Settings::Exporter::memory : Settings::Exporter::otlp;
  return out;
}

}  // namespace spikard::telemetry
