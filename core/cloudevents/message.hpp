#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "cloudevents/event.hpp"

namespace spikard::cloudevents {

enum class Mode : std::uint8_t { binary, structured, batched };
[[nodiscard]] std::string_view name_of(Mode mode) noexcept;
[[nodiscard]] std::optional<Mode> mode_of(std::string_view name) noexcept;

/// A protocol's message as names and bytes.
using Fields = std::vector<std::pair<std::string, std::string>>;
struct FieldView {
  std::string_view name;
  std::string_view value;
};

struct HttpMessage {
  Fields headers;  ///< in lower case, Content-Type included
  std::string body;
};

struct Decoded {
  Mode mode = Mode::binary;
  std::vector<Event> events;  ///< one, unless batched
};

// -- HTTP (bindings/http-protocol-binding.md 1.0.2)

/// Which mode a Content-Type says. Errors: unsupported with detail unknown_format (`application/cloudevents+avro`) or
/// unsupported_charset.
[[nodiscard]] Result<Mode> http_mode(std::string_view content_type);
/// The event or events of a request or an answer. Headers in any case; ce- headers beside a structured event do not count. An
/// empty body is no data. Errors: those of http_mode, invalid_argument/invalid_event with all problems, too_large.
[[nodiscard]] Result<Decoded> decode_http(std::span<const FieldView> headers, std::string_view body,
                                          std::size_t max_events = SIZE_MAX);
/// Whether the headers look like an event's at all: a CloudEvents media type, or `ce-specversion` or `ce-id`.
[[nodiscard]] bool is_http_event(std::span<const FieldView> headers) noexcept;
/// mode batched: a batch of one. Errors: invalid_argument/invalid_event.
[[nodiscard]] Result<HttpMessage> encode_http(const Event& event, Mode mode);
[[nodiscard]] Result<HttpMessage> encode_http(std::span<const Event> batch);

// -- brokers

/// `redis` is our own, for no binding is specified: fields as Kafka's headers. The memory: and sqlite: brokers use it too.
enum class Binding : std::uint8_t { http, kafka, amqp, mqtt3, mqtt5, nats, redis };
[[nodiscard]] std::string_view name_of(Binding binding) noexcept;
[[nodiscard]] std::optional<Binding> binding_of(std::string_view name) noexcept;
/// The binding of a broker's URL scheme (`mqtt` is mqtt5); redis for what has none.
[[nodiscard]] Binding binding_of_scheme(std::string_view scheme) noexcept;
/// What the names of a binding's properties begin with: `ce_`, `cloudEvents:`, nothing.
[[nodiscard]] std::string_view prefix_of(Binding binding) noexcept;

struct BrokerMessage {
  Fields fields;  ///< Kafka's and NATS' headers, AMQP's application properties, MQTT's user properties, Redis' fields
  std::optional<std::string> content_type;  ///< where the protocol has a place of its own for it (AMQP, MQTT 5)
  std::optional<std::string> body;          ///< nothing: the event has no data
  std::optional<std::string> key;           ///< Kafka, Redis
};

/// `key_mapper`: the attribute that becomes the key, or empty. The event is not changed. Errors: invalid_argument/invalid_event,
/// unsupported for a mode that the binding has not (MQTT 3.1.1: structured only; batched: none).
[[nodiscard]] Result<BrokerMessage> encode_broker(const Event& event, Binding binding, Mode mode,
                                                  std::string_view key_mapper = {});

/// A property as it came: AMQP has types of its own, the others text alone.
struct Property {
  std::string_view name;
  AttributeValue value;
};
/// NATS without a header of an event is structured (binding 1.0.2). AMQP takes both prefixes (`cloudEvents:`, `cloudEvents_`).
/// `content_type`: the protocol's own place; where it is empty a property `content-type` counts. A body of nothing, and an empty
/// one, are no data. Errors as decode_http.
[[nodiscard]] Result<Decoded> decode_broker(Binding binding, std::span<const Property> properties, std::string_view content_type,
                                            std::string_view body);
/// The same for properties of text.
[[nodiscard]] Result<Decoded> decode_broker(Binding binding, std::span<const FieldView> properties, std::string_view content_type,
                                            std::string_view body);

namespace detail {
/// The mode that a media type says, by section 3 of each binding.
[[nodiscard]] Result<Mode> mode_of_media_type(std::string_view content_type);
[[nodiscard]] Result<Decoded> decode_document(Mode mode, std::string_view body, std::size_t max_events);
/// Collects a binary event attribute by attribute.
class BinaryReader {
 public:
  /// `name` without prefix, in lower case.
  void attribute(std::string_view name, AttributeValue value);
  void content_type(std::string_view value);
  [[nodiscard]] Result<Decoded> finish(std::string_view body);
  [[nodiscard]] Problems& problems() noexcept { return problems_; }

 private:
  Event event_;
  Problems problems_;
  std::vector<std::string> seen_;
  bool version_ = false;
};
/// The Content-Type of an event in binary mode: its own, or what its data implies.
[[nodiscard]] std::string_view content_type_of(const Event& event) noexcept;
}  // namespace detail

}  // namespace spikard::cloudevents
