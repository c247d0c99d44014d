#include "cloudevents/json_format.hpp"
#include "cloudevents/message.hpp"
#include "cloudevents/text.hpp"

namespace spikard::cloudevents {
namespace {

/// The protocol has a property of its own for the content type.
constexpr bool has_content_type(Binding binding) noexcept { return binding == Binding::amqp || binding == Binding::mqtt5; }
constexpr bool structured_only(Binding binding) noexcept { return binding == Binding::mqtt3 || binding == Binding::nats; }

void put_content_type(BrokerMessage& message, Binding binding, std::string_view value) {
  if (has_content_type(binding)) message.content_type = std::string(value);
  else if (!structured_only(binding)) message.fields.emplace_back("content-type", value);
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
  for (const std::string_view name : {"specversion", "id", "source", "type", "subject", "time", "dataschema"}) {
    if (const std::string_view value = event.attribute(name); !value.empty())
      message.fields.emplace_back(prefix + std::string(name), value);
  }
  for (const auto& [name, value] : event.extensions) message.fields.emplace_back(prefix + name, value.text());
  if (const std::string_view type = detail::content_type_of(event); !type.empty()) put_content_type(message, binding, type);
  if (event.data) message.body = event.data->to_bytes();
  return message;
}

Result<Decoded> decode_broker(Binding binding, std::span<const Property> properties, std::string_view content_type,
                              std::string_view body) {
  if (binding == Binding::http) return invalid_argument("binding: http has no broker's message");
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
