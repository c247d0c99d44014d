#include "cloudevents/json_format.hpp"
#include "cloudevents/message.hpp"
#include "cloudevents/text.hpp"

namespace spikard::cloudevents {
namespace {

/// The protocol has a property of its own for the content type.
constexpr bool has_content_type(Binding binding) noexcept { return binding == Binding::amqp || binding == Binding::mqtt5; }
constexpr bool structured_only(Binding binding) noexcept { return binding == Binding::mqtt3; }

void put_content_type(BrokerMessage& message, Binding binding, std::string_view value) {
  if (has_content_type(binding)) message.content_type = std::string(value);
  else if (!structured_only(binding)) message.fields.emplace_back("content-type", value);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

/// NATS (1.0.3, section 3): headers as those of HTTP, but for the content type, which is an attribute like the others. Without
/// any of them it is the document, as 1.0.2 has it.
Result<Decoded> decode_nats(std::span<const Property> properties, std::string_view content_type, std::string_view body) {
  constexpr std::string_view prefix = "ce-";
  bool binary = false;
  for (const Property& property : properties) {
    binary = binary || detail::starts_ignoring_case(property.name, prefix);
    if (content_type.empty() && detail::equals_ignoring_case(property.name, "content-type")) content_type = property.value.text();
  }
  auto mode = detail::mode_of_media_type(content_type);
  if (!mode.ok()) return std::move(mode).error();
  if (*mode == Mode::batched)
    return Error(ErrorKind::unsupported, "brokers carry one event a message").with_detail("unknown_format");
  if (*mode == Mode::structured || !binary) return detail::decode_document(Mode::structured, body, 1);
  detail::BinaryReader reader;
  for (const Property& property : properties) {
    if (!detail::starts_ignoring_case(property.name, prefix)) continue;
    const std::string name = lower(property.name.substr(prefix.size()));
    std::optional<std::string> value = detail::decode_header_value(detail::trimmed(property.value.text()));
    if (!value) reader.problems().add(name, "is not UTF-8");
    else if (name == "datacontenttype") reader.content_type(*value);
    else reader.attribute(name, AttributeValue::string(std::move(*value)));
  }
  return reader.finish(body);
}

/// The name of the attribute that a property stands for; nothing when it is not the event's.
std::optional<std::string_view> attribute_name(Binding binding, std::string_view name) {
  switch (binding) {
    case Binding::kafka:
    case Binding::redis:
      if (!name.starts_with("ce_")) return std::nullopt;
      return name.substr(3);
    case Binding::amqp:
      if (!name.starts_with("cloudEvents:") && !name.starts_with("cloudEvents_")) return std::nullopt;
      return name.substr(12);
    case Binding::mqtt5:
      // Bare names: what cannot be an attribute is a property of something else.
      if (!detail::is_attribute_name(name)) return std::nullopt;
      return name;
    default: return std::nullopt;
  }
}

}  // namespace

Result<BrokerMessage> encode_broker(const Event& event, Binding binding, Mode mode, std::string_view key_mapper) {
  if (binding == Binding::http) return invalid_argument("binding: http has no broker's message");
  if (mode == Mode::batched || (mode == Mode::binary && structured_only(binding))) {
    return Error(ErrorKind::unsupported,
                 "the binding of " + std::string(name_of(binding)) + " has no " + std::string(name_of(mode)) + " mode");
  }
  SPIKARD_TRY(validate(event));
  BrokerMessage message;
  if (!key_mapper.empty()) {
    if (const std::string_view key = event.attribute(key_mapper); !key.empty()) message.key = std::string(key);
  }
  if (mode == Mode::structured) {
    put_content_type(message, binding, json_media_type);
    message.body = to_json(event);
    return message;
  }
  const std::string prefix(prefix_of(binding));
  const auto put = [&](std::string_view name, std::string_view value) {
    std::string encoded;
    if (binding == Binding::nats) detail::percent_encode(value, encoded);
    message.fields.emplace_back(prefix + std::string(name), binding == Binding::nats ? std::move(encoded) : std::string(value));
  };
  for (const std::string_view name : {"specversion", "id", "source", "type", "subject", "time", "dataschema"}) {
    if (const std::string_view value = event.attribute(name); !value.empty()) put(name, value);
  }
  for (const auto& [name, value] : event.extensions) put(name, value.text());
  if (const std::string_view type = detail::content_type_of(event); !type.empty()) {
    if (binding == Binding::nats) put("datacontenttype", type);
    else put_content_type(message, binding, type);
  }
  if (event.data) message.body = event.data->to_bytes();
  return message;
}

Result<Decoded> decode_broker(Binding binding, std::span<const Property> properties, std::string_view content_type,
                              std::string_view body) {
  if (binding == Binding::http) return invalid_argument("binding: http has no broker's message");
  if (binding == Binding::nats) return decode_nats(properties, content_type, body);
  if (structured_only(binding)) return detail::decode_document(Mode::structured, body, 1);
  for (const Property& property : properties) {
    if (!content_type.empty()) break;
    if (detail::equals_ignoring_case(property.name, "content-type")) content_type = property.value.text();
  }
  auto mode = detail::mode_of_media_type(content_type);
  if (!mode.ok()) return std::move(mode).error();
  if (*mode == Mode::batched)
    return Error(ErrorKind::unsupported, "brokers carry one event a message").with_detail("unknown_format");
  if (*mode == Mode::structured) return detail::decode_document(*mode, body, 1);
  detail::BinaryReader reader;
  reader.content_type(content_type);
  for (const Property& property : properties) {
    const std::optional<std::string_view> name = attribute_name(binding, property.name);
    if (!name || (*name == "datacontenttype" && !content_type.empty())) continue;
    reader.attribute(*name, property.value);
  }
  return reader.finish(body);
}

Result<Decoded> decode_broker(Binding binding, std::span<const FieldView> properties, std::string_view content_type,
                              std::string_view body) {
  std::vector<Property> list;
  list.reserve(properties.size());
  for (const FieldView& field : properties) list.push_back({field.name, AttributeValue::string(std::string(field.value))});
  return decode_broker(binding, list, content_type, body);
}

}  // namespace spikard::cloudevents
