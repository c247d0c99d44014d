#include "cloudevents/json_format.hpp"
#include "cloudevents/message.hpp"
#include "cloudevents/text.hpp"

namespace spikard::cloudevents {
namespace {

constexpr std::string_view prefix = "ce-";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

void put_attribute(HttpMessage& message, std::string_view name, std::string_view value) {
  std::string header(prefix);
  header += name;
  std::string encoded;
  detail::percent_encode(value, encoded);
  message.headers.emplace_back(std::move(header), std::move(encoded));
}

}  // namespace

Result<Mode> http_mode(std::string_view content_type) { return detail::mode_of_media_type(content_type); }

bool is_http_event(std::span<const FieldView> headers) noexcept {
  for (const FieldView& header : headers) {
    if (detail::equals_ignoring_case(header.name, "content-type")) {
      if (detail::starts_ignoring_case(detail::trimmed(header.value), "application/cloudevents")) return true;
    } else if (detail::equals_ignoring_case(header.name, "ce-specversion") ||
               detail::equals_ignoring_case(header.name, "ce-id")) {
      return true;
    }
  }
  return false;
}

Result<Decoded> decode_http(std::span<const FieldView> headers, std::string_view body, std::size_t max_events) {
  std::string_view content_type;
  for (const FieldView& header : headers) {
    if (detail::equals_ignoring_case(header.name, "content-type")) {
      content_type = header.value;
      break;
    }
  }
  auto mode = http_mode(content_type);
  if (!mode.ok()) return std::move(mode).error();
  if (*mode != Mode::binary) return detail::decode_document(*mode, body, max_events);
  detail::BinaryReader reader;
  reader.content_type(content_type);
  for (const FieldView& header : headers) {
    if (!detail::starts_ignoring_case(header.name, prefix)) continue;
    const std::string name = lower(header.name.substr(prefix.size()));
    if (name == "datacontenttype") {
      reader.problems().add(name, "is the Content-Type of a binary event (no ce- header)");
      continue;
    }
    std::optional<std::string> value = detail::decode_header_value(detail::trimmed(header.value));
    if (!value) reader.problems().add(name, "is not UTF-8");
    else reader.attribute(name, AttributeValue::string(std::move(*value)));
  }
  return reader.finish(body);
}

Result<HttpMessage> encode_http(const Event& event, Mode mode) {
  if (mode == Mode::batched) return encode_http(std::span<const Event>(&event, 1));
  SPIKARD_TRY(validate(event));
  HttpMessage message;
  if (mode == Mode::structured) {
    message.headers.emplace_back("content-type", json_media_type);
    message.body = to_json(event);
    return message;
  }
  for (const std::string_view name : {"specversion", "id", "source", "type", "subject", "time", "dataschema"}) {
    if (const std::string_view value = event.attribute(name); !value.empty()) put_attribute(message, name, value);
  }
  for (const auto& [name, value] : event.extensions) put_attribute(message, name, value.text());
  if (const std::string_view type = detail::content_type_of(event); !type.empty())
    message.headers.emplace_back("content-type", type);
  if (event.data) message.body = event.data->to_bytes();
  return message;
}

Result<HttpMessage> encode_http(std::span<const Event> batch) {
  for (const Event& event : batch) SPIKARD_TRY(validate(event));
  HttpMessage message;
  message.headers.emplace_back("content-type", batch_media_type);
  message.body = to_json(batch);
  return message;
}

}  // namespace spikard::cloudevents
