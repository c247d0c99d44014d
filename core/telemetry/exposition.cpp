#include "telemetry/exposition.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "base/json.hpp"
#include "base/json_text.hpp"
#include "telemetry/propagation.hpp"

namespace spikard::telemetry {
namespace {

bool name_char(char c, bool first) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!first && c >= '0' && c <= '9');
}

std::string sanitized(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (name_char(c, out.empty())) out.push_back(c);
    else if (out.empty() && c >= '0' && c <= '9') out.append("_").push_back(c);
    else if (out.empty() || out.back() != '_') out.push_back('_');
  }
  return out.empty() ? "_" : out;
}

/// UCUM to the words Prometheus uses; annotations in braces are dropped.
std::string unit_word(std::string_view unit, MetricType type) {
  static constexpr std::pair<std::string_view, std::string_view> words[] = {
      {"d", "days"},          {"h", "hours"},        {"min", "minutes"},   {"s", "seconds"},      {"ms", "milliseconds"},
      {"us", "microseconds"}, {"ns", "nanoseconds"}, {"By", "bytes"},      {"KiBy", "kibibytes"}, {"MiBy", "mebibytes"},
      {"GiBy", "gibibytes"},  {"kBy", "kilobytes"},  {"MBy", "megabytes"}, {"GBy", "gigabytes"},  {"m", "meters"},
      {"V", "volts"},         {"A", "amperes"},      {"J", "joules"},      {"W", "watts"},        {"g", "grams"},
      {"Cel", "celsius"},     {"Hz", "hertz"},       {"%", "percent"}};
  std::string bare;
  int depth = 0;
  for (const char c : unit) {
    if (c == '{') ++depth;
    else if (c == '}') depth = std::max(0, depth - 1);
    else if (depth == 0) bare.push_back(c);
  }
  if (bare == "1") return type == MetricType::gauge ? "ratio" : "";
  for (const auto& [symbol, word] : words) {
    if (bare == symbol) return std::string(word);
  }
  return bare.empty() || bare.find('/') != std::string::npos ? "" : sanitized(bare);
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') out += "\\\\";
    else if (c == '\n') out += "\\n";
    else if (c == '"' && quotes) out += "\\\"";
    else out.push_back(c);
  }
}

void append_number(std::string& out, double value) {
  if (std::isnan(value)) out += "NaN";
  else if (std::isinf(value)) out += value < 0 ? "-Inf" : "+Inf";
  else {
    char text[json::max_number_text];
    out.append(text, json::put_number(text, value));
  }
}

std::string text_of(Value value) {
  if (value.is_string()) return std::string(value.text());
  return json::to_string(value);
}

/// `a="1",b="2"`, without braces. Names that become the same are joined by a semicolon, as OpenTelemetry asks.
std::string labels_of(const Attributes& attributes) {
  std::map<std::string, std::string> all;
  for (const auto& [key, value] : attributes.root().members()) {
    if (attributes.find(key).ptr() != value.ptr()) continue;
    std::string& place = all[sanitized(key)];
    if (!place.empty()) place.push_back(';');
    place += text_of(value);
  }
  std::string out;
  for (const auto& [name, value] : all) {
    if (!out.empty()) out.push_back(',');
    out.append(name).append("=\"");
    append_escaped(out, value, true);
    out.push_back('"');
  }
  return out;
}

void append_sample(std::string& out, std::string_view name, std::string_view labels, std::string_view more) {
  out.append(name);
  if (!labels.empty() || !more.empty()) {
    out.push_back('{');
    out.append(labels);
    if (!labels.empty() && !more.empty()) out.push_back(',');
    out.append(more).push_back('}');
  }
  out.push_back(' ');
}

/// OpenMetrics, "Exemplars": behind the sample's value. Its labels are short enough for the 128 characters allowed.
void append_exemplar(std::string& out, const Exemplar& exemplar) {
  out += " # {trace_id=\"";
  out += hex(exemplar.trace_id);
  out += "\",span_id=\"";
  out += hex(exemplar.span_id);
  out += "\"} ";
  append_number(out, exemplar.value);
  out.push_back(' ');
  append_number(out, std::chrono::duration<double>(exemplar.at.time_since_epoch()).count());
}

void append_head(std::string& out, std::string_view name, std::string_view type, std::string_view unit, std::string_view help,
                 ExpositionFormat format) {
  out.append("# TYPE ").append(name).append(" ").append(type).append("\n");
  if (format == ExpositionFormat::openmetrics && !unit.empty())
    out.append("# UNIT ").append(name).append(" ").append(unit).append("\n");
  if (!help.empty()) {
    out.append("# HELP ").append(name).append(" ");
    append_escaped(out, help, format == ExpositionFormat::openmetrics);
    out.push_back('\n');
  }
}

void append_metric(std::string& out, const MetricData& metric, ExpositionFormat format, std::set<std::string>& seen) {
  const std::string unit = unit_word(metric.unit, metric.type);
  std::string name = sanitized(metric.name);
  if (metric.type == MetricType::counter && name.ends_with("_total")) name.resize(name.size() - 6);
  if (!unit.empty() && !name.ends_with("_" + unit)) name += "_" + unit;
  if (!seen.insert(name).second) return;  // a family may stand once only
  const std::string sample = metric.type == MetricType::counter ? name + "_total" : name;
  const bool open = format == ExpositionFormat::openmetrics;
  append_head(out, open ? name : sample,
              metric.type == MetricType::histogram ? "histogram"
              : metric.type == MetricType::counter ? "counter"
                                                   : "gauge",
              unit, metric.description, format);
  for (const MetricPoint& point : metric.points) {
    const std::string labels = labels_of(point.attributes);
    if (metric.type != MetricType::histogram) {
      append_sample(out, sample, labels, {});
      append_number(out, point.value);
      out.push_back('\n');
      continue;
    }
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < point.buckets.size(); ++i) {
      below += point.buckets[i];
      std::string bound = "le=\"";
      if (i < metric.boundaries.size()) append_number(bound, metric.boundaries[i]);
      else bound += "+Inf";
      bound.push_back('"');
      append_sample(out, name + "_bucket", labels, bound);
      out.append(std::to_string(below));
      if (open && i < point.exemplars.size() && point.exemplars[i]) append_exemplar(out, *point.exemplars[i]);
      out.push_back('\n');
    }
    append_sample(out, name + "_sum", labels, {});
    append_number(out, point.value);
    out.push_back('\n');
    append_sample(out, name + "_count", labels, {});
    out.append(std::to_string(point.count)).push_back('\n');
  }
}

double quality(std::string_view parameters) noexcept {
  const auto at = parameters.find("q=");
  if (at == std::string_view::npos) return 1;
  double q = 1;
  std::from_chars(parameters.data() + at + 2, parameters.data() + parameters.size(), q);
  return q;
}

}  // namespace

std::string exposition(const std::vector<MetricData>& metrics, const Attributes& resource, ExpositionFormat format) {
  std::string out;
  std::set<std::string> seen;
  if (!resource.empty()) {
    const bool open = format == ExpositionFormat::openmetrics;
    append_head(out, open ? "target" : "target_info", open ? "info" : "gauge", {}, "Target metadata", format);
    append_sample(out, "target_info", labels_of(resource), {});
    out += "1\n";
    seen.insert("target");
    seen.insert("target_info");
  }
  for (const MetricData& metric : metrics) append_metric(out, metric, format, seen);
  if (format == ExpositionFormat::openmetrics) out += "# EOF\n";
  return out;
}

ExpositionFormat exposition_format(std::string_view accept) noexcept {
  double open = 0;
  double plain = 0;
  for (std::string_view rest = accept;;) {
    const auto comma = rest.find(',');
    std::string_view one = rest.substr(0, comma);
    while (!one.empty() && one.front() == ' ') one.remove_prefix(1);
    if (one.starts_with("application/openmetrics-text")) open = std::max(open, quality(one));
    else if (one.starts_with("text/plain")) plain = std::max(plain, quality(one));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return open > 0 && open >= plain ? ExpositionFormat::openmetrics : ExpositionFormat::prometheus;
}

std::string_view content_type(ExpositionFormat format) noexcept {
  return format == ExpositionFormat::openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                                 : "text/plain; version=0.0.4; charset=utf-8";
}

}  // namespace spikard::telemetry
