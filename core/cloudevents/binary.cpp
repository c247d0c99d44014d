// What the bindings have in common.
#include <array>

#include "base/json.hpp"
#include "cloudevents/json_format.hpp"
#include "cloudevents/message.hpp"
#include "cloudevents/text.hpp"

namespace spikard::cloudevents {
namespace {

constexpr std::array<std::string_view, 3> mode_names{"binary", "structured", "batched"};
constexpr std::array<std::string_view, 7> binding_names{"http", "kafka", "amqp", "mqtt3", "mqtt5", "nats", "redis"};
constexpr std::size_t max_attributes = 256;

}  // namespace

std::string_view name_of(Mode mode) noexcept { return mode_names[static_cast<std::size_t>(mode)]; }
std::string_view name_of(Binding binding) noexcept { return binding_names[static_cast<std::size_t>(binding)]; }

std::optional<Mode> mode_of(std::string_view name) noexcept {
  for (std::size_t i = 0; i < mode_names.size(); ++i) {
    if (mode_names[i] == name) return static_cast<Mode>(i);
  }
  return std::nullopt;
}

std::optional<Binding> binding_of(std::string_view name) noexcept {
  for (std::size_t i = 0; i < binding_names.size(); ++i) {
    if (binding_names[i] == name) return static_cast<Binding>(i);
  }
  return std::nullopt;
}

Binding binding_of_scheme(std::string_view scheme) noexcept {
  if (scheme == "kafka" || scheme == "amqp" || scheme == "nats") return *binding_of(scheme);
  if (scheme == "kafkas") return Binding::kafka;
  if (scheme == "amqps") return Binding::amqp;
  if (scheme == "mqtt" || scheme == "mqtts") return Binding::mqtt5;
  return Binding::redis;
}

std::string_view prefix_of(Binding binding) noexcept {
  switch (binding) {
    case Binding::http:
    case Binding::nats: return "ce-";
    case Binding::kafka:
    case Binding::redis: return "ce_";
    case Binding::amqp: return "cloudEvents:";
    case Binding::mqtt3:
    case Binding::mqtt5: return {};
  }
  return {};
}

namespace detail {

Result<Mode> mode_of_media_type(std::string_view content_type) {
  constexpr std::string_view family = "application/cloudevents";
  if (!starts_ignoring_case(trimmed(content_type), family)) return Mode::binary;
  const MediaType type = media_type(content_type);
  const bool batch = equals_ignoring_case(type.subtype, "cloudevents-batch+json");
  if (!batch && !equals_ignoring_case(type.subtype, "cloudevents+json")) {
    return Error(ErrorKind::unsupported,
                 "the event formats are application/cloudevents+json and application/cloudevents-batch+json")
        .with_detail("unknown_format");
  }
  if (!type.charset.empty() && !equals_ignoring_case(type.charset, "utf-8") && !equals_ignoring_case(type.charset, "us-ascii"))
    return Error(ErrorKind::unsupported, "JSON is UTF-8").with_detail("unsupported_charset");
  return batch ? Mode::batched : Mode::structured;
}

Result<Decoded> decode_document(Mode mode, std::string_view body, std::size_t max_events) {
  auto document = json::parse(body);
  if (!document.ok()) {
    Problems problems;
    problems.add(mode == Mode::batched ? "batch" : "event", "is not JSON: " + document.error().message());
    return problems.error();
  }
  Decoded decoded;
  decoded.mode = mode;
  if (mode == Mode::batched) {
    auto events = batch_from_json(document->root(), max_events);
    if (!events.ok()) return std::move(events).error();
    decoded.events = std::move(events).value();
  } else {
    auto event = from_json(document->root());
    if (!event.ok()) return std::move(event).error();
    decoded.events.push_back(std::move(event).value());
  }
  return decoded;
}

void BinaryReader::attribute(std::string_view name, AttributeValue value) {
  for (const std::string& other : seen_) {
    if (other == name) return problems_.add(name, "is there twice");
  }
  if (seen_.size() == max_attributes) return problems_.add("event", "has too many attributes");
  seen_.emplace_back(name);
  if (!is_attribute_name(name)) return problems_.add(name, "a name is made of lower-case letters and digits");
  if (const std::string_view what = value.problem(); !what.empty()) return problems_.add(name, what);
  if (name == "specversion") {
    version_ = true;
    if (value.text() != spec_version) problems_.add(name, "must be \"1.0\"");
  } else if (std::string* text = standard_attribute(event_, name)) {
    if (value.text().empty()) problems_.add(name, "must not be empty");
    else *text = value.text();
  } else {
    event_.set(name, std::move(value));
  }
}

void BinaryReader::content_type(std::string_view value) {
  value = trimmed(value);
  if (!value.empty()) event_.datacontenttype = value;
}

Result<Decoded> BinaryReader::finish(std::string_view body) {
  if (!version_) problems_.add("specversion", "is required");
  if (!body.empty()) set_payload(event_, body, problems_);
  check(event_, problems_);
  if (!problems_.empty()) return problems_.error();
  Decoded decoded;
  decoded.events.push_back(std::move(event_));
  return decoded;
}

std::string_view content_type_of(const Event& event) noexcept {
  if (!event.datacontenttype.empty()) return event.datacontenttype;
  // The JSON format implies it; elsewhere it must be said (spec, datacontenttype).
  if (event.data && event.data->kind() == Data::Kind::json) return "application/json";
  return {};
}

}  // namespace detail
}  // namespace spikard::cloudevents
