// Spans of arbitrary contents: the protobuf is well-formed to the last byte and holds the same names, attributes and times; texts
// are UTF-8; the JSON parses. A decoder of its own, from the encoding's description alone.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "telemetry/otlp/encode.hpp"

using namespace spikard;
using namespace spikard::telemetry;

namespace {

struct Input {
  const std::uint8_t* data;
  std::size_t left;
  std::uint8_t byte() {
    if (left == 0) return 0;
    --left;
    return *data++;
  }
  std::uint64_t word() {
    std::uint64_t out = 0;
    for (int i = 0; i < 8; ++i) out = out << 8U | byte();
    return out;
  }
  std::string text() {
    const std::size_t n = std::min<std::size_t>(byte() * (1 + byte() % 4), left);
    std::string out(reinterpret_cast<const char*>(data), n);
    data += n;
    left -= n;
    return out;
  }
};

[[noreturn]] void wrong() { std::abort(); }

struct Field {
  std::uint32_t number;
  std::uint32_t wire;
  std::uint64_t value = 0;
  std::string_view bytes;
};

std::uint64_t varint(std::string_view& in) {
  std::uint64_t out = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    if (in.empty()) wrong();
    const auto byte = static_cast<std::uint8_t>(in[0]);
    in.remove_prefix(1);
    out |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
    if (byte < 0x80) {
      if (byte == 0 && shift > 0) wrong();  // not the shortest form
      return out;
    }
  }
  wrong();
}

std::vector<Field> fields(std::string_view in) {
  std::vector<Field> out;
  while (!in.empty()) {
    const std::uint64_t tag = varint(in);
    Field field{static_cast<std::uint32_t>(tag >> 3U), static_cast<std::uint32_t>(tag & 7U), 0, {}};
    std::size_t fixed = 0;
    if (field.wire == 0) field.value = varint(in);
    else if (field.wire == 1) fixed = 8;
    else if (field.wire == 5) fixed = 4;
    else if (field.wire != 2) wrong();
    if (field.wire == 2) fixed = varint(in);
    if (fixed > in.size()) wrong();
    field.bytes = in.substr(0, fixed);
    in.remove_prefix(fixed);
    if (field.wire == 1) std::memcpy(&field.value, field.bytes.data(), 8);
    out.push_back(field);
  }
  return out;
}

void same(const Field& any, Value want) {
  const auto value = fields(any.bytes);
  if (value.size() != 1) wrong();
  switch (want.type()) {
    case NodeType::string:
      if (value[0].number != 1 || value[0].bytes != want.text()) wrong();
      break;
    case NodeType::boolean:
      if (value[0].number != 2 || (value[0].value != 0) != want.as_bool()) wrong();
      break;
    case NodeType::integer:
      if (value[0].number != 3 || static_cast<std::int64_t>(value[0].value) != want.as_int()) wrong();
      break;
    case NodeType::number: {
      const double number = want.as_double();
      if (value[0].number != 4 || std::memcmp(&number, &value[0].value, 8) != 0) wrong();
      break;
    }
    case NodeType::array: {
      const auto list = fields(value[0].bytes);
      if (value[0].number != 5 || list.size() != want.size()) wrong();
      std::size_t i = 0;
      for (const Value one : want.elements()) same(list[i++], one);
      break;
    }
    default: wrong();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input in{data, size};
  SpanData span;
  for (auto& byte : span.context.trace_id) byte = in.byte();
  for (auto& byte : span.context.span_id) byte = in.byte();
  span.kind = static_cast<SpanKind>(1 + in.byte() % 5);
  span.status = static_cast<SpanStatus>(in.byte() % 3);
  span.start = WallTime(std::chrono::nanoseconds(static_cast<std::int64_t>(in.word() >> 2U)));
  span.end = span.start + std::chrono::nanoseconds(in.byte());
  span.name = in.text();
  span.status_message = in.text();
  for (int i = 0; i < 200 && in.left > 0; ++i) {
    const std::string key = in.text();
    switch (in.byte() % 6) {
      case 0: span.attributes.set(key, in.text()); break;
      case 1: span.attributes.set(key, static_cast<std::int64_t>(in.word())); break;
      case 2: span.attributes.set(key, static_cast<double>(in.word()) / 3); break;
      case 3: span.attributes.set(key, in.byte() % 2 == 0); break;
      case 4: {
        std::vector<std::string> list;
        for (int k = in.byte() % 5; k > 0; --k) list.push_back(in.text());
        span.attributes.set(key, list);
        break;
      }
      case 5: {
        Attributes inner;
        inner.set(in.text(), in.text());
        span.events.push_back({in.text(), span.start, inner});
        break;
      }
    }
  }
  std::string batch;
  otlp::append_span(batch, otlp::Encoding::protobuf, 0, span);
  const std::string whole = otlp::request(otlp::Signal::traces, otlp::Encoding::protobuf, span.attributes, batch);
  const auto outer = fields(whole);
  if (outer.size() != 1 || outer[0].number != 1) wrong();
  const auto resource_spans = fields(outer[0].bytes);
  if (resource_spans.size() != 2) wrong();
  const auto scope_spans = fields(resource_spans[1].bytes);
  if (scope_spans.size() != 2 || scope_spans[1].number != 2) wrong();
  std::vector<std::pair<std::string_view, Value>> want;
  const Value root = span.attributes.root();
  for (const auto& [key, value] : root.members()) {
    if (root.find(key).ptr() == value.ptr()) want.emplace_back(key, value);
  }
  std::size_t attribute = 0;
  std::size_t events = 0;
  std::uint32_t last = 0;
  for (const Field& field : fields(scope_spans[1].bytes)) {
    if (field.number < last) wrong();  // in order, each once but lists
    last = field.number;
    if (field.number == 1 && (field.bytes.size() != 16 || std::memcmp(field.bytes.data(), span.context.trace_id.data(), 16) != 0))
      wrong();
    if (field.number == 7 && field.value != static_cast<std::uint64_t>(span.start.time_since_epoch().count())) wrong();
    if (field.number == 9) {
      if (attribute == want.size()) wrong();
      const auto pair = fields(field.bytes);
      if (pair.size() != 2 || pair[0].bytes != want[attribute].first) wrong();
      same(pair[1], want[attribute].second);
      ++attribute;
    }
    if (field.number == 11) ++events;
    if (field.number == 5 || field.number == 15) (void)fields(field.number == 15 ? field.bytes : std::string_view());
  }
  if (attribute != want.size() || events != span.events.size()) wrong();
  std::string text;
  otlp::append_span(text, otlp::Encoding::json, 0, span);
  if (!json::parse(otlp::request(otlp::Signal::traces, otlp::Encoding::json, span.attributes, text)).ok()) wrong();
  (void)otlp::rejected(otlp::Signal::traces, otlp::Encoding::protobuf, {reinterpret_cast<const char*>(data), size});
  (void)otlp::rejected(otlp::Signal::logs, otlp::Encoding::json, {reinterpret_cast<const char*>(data), size});
  return 0;
}
