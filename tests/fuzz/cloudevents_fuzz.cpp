// Messages of every binding: a first byte for the binding, header lines `name:value`, an empty line, the body. What is taken is
// valid, and every mode of every binding brings it back as it was.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "cloudevents/json_format.hpp"
#include "cloudevents/message.hpp"
#include "cloudevents/text.hpp"

using namespace spikard;
using namespace spikard::cloudevents;

namespace {

constexpr Binding bindings[] = {Binding::http,  Binding::kafka, Binding::amqp, Binding::mqtt3,
                                Binding::mqtt5, Binding::nats,  Binding::redis};

std::vector<FieldView> views(const Fields& fields) {
  std::vector<FieldView> out;
  for (const auto& [name, value] : fields) out.push_back({name, value});
  return out;
}

/// As JSON whose `data` is compared by value: a binary message says the media type that was implied, and an empty payload is
/// none.
void same(const Event& event, const Result<Decoded>& back) {
  if (!back.ok() || back->events.size() != 1) std::abort();
  Event wanted = event;
  const Event& got = back->events[0];
  if (back->mode == Mode::binary) {
    if (wanted.data && wanted.data->to_bytes() != (got.data ? got.data->to_bytes() : std::string())) std::abort();
    if (wanted.datacontenttype.empty()) wanted.datacontenttype = got.datacontenttype;
    if (wanted.extensions.size() != got.extensions.size()) std::abort();
    for (const auto& [name, value] : wanted.extensions) {
      if (got.attribute(name) != value.text()) std::abort();
    }
    wanted.data = got.data;
    wanted.extensions = got.extensions;
  }
  if (to_json(wanted) != to_json(got)) std::abort();
}

void every_way(const Event& event) {
  if (!validate(event).ok()) std::abort();
  for (const Mode mode : {Mode::binary, Mode::structured, Mode::batched}) {
    // Data of a kind that its type does not allow (an object as text/plain) can be carried in the JSON format alone.
    const bool odd = event.data && event.data->kind() != Data::Kind::text && mode == Mode::binary;
    const auto http = encode_http(event, mode);
    if (!http.ok()) std::abort();
    const auto back = decode_http(views(http->headers), http->body);
    if (!odd || back.ok()) same(event, back);
    for (const Binding binding : bindings) {
      if (binding == Binding::http || mode == Mode::batched) continue;
      const auto message = encode_broker(event, binding, mode, "partitionkey");
      if (!message.ok()) {
        if (message.error().kind() != ErrorKind::unsupported) std::abort();
        continue;
      }
      const auto again =
          decode_broker(binding, views(message->fields), message->content_type.value_or(""), message->body.value_or(""));
      if (!odd || again.ok()) same(event, again);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Binding binding = bindings[data[0] % std::size(bindings)];
  const std::string input(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::vector<FieldView> headers;
  std::string_view rest = input;
  while (!rest.empty() && headers.size() < 400) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty()) break;
    const std::size_t colon = std::min(line.find(':', 1), line.size());
    headers.push_back({line.substr(0, colon), line.substr(std::min(colon + 1, line.size()))});
  }
  (void)is_http_event(headers);
  const auto decoded = binding == Binding::http ? decode_http(headers, rest, 100) : decode_broker(binding, headers, "", rest);
  if (decoded.ok()) {
    for (const Event& event : decoded->events) every_way(event);
  } else if (decoded.error().message().size() > 20000) {
    std::abort();
  }
  // Header values: what is encoded comes back.
  std::string encoded;
  cloudevents::detail::percent_encode(input, encoded);
  const auto plain = cloudevents::detail::decode_header_value(encoded);
  if (plain.has_value() != cloudevents::detail::is_utf8(input) || (plain && *plain != input)) std::abort();
  (void)cloudevents::detail::decode_header_value(input);
  return 0;
}
