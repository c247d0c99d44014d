#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/node.hpp"
#include "base/result.hpp"

namespace spikard::cloudevents {

/// The one `specversion` there is here.
inline constexpr std::string_view spec_version = "1.0";

/// The type system of CloudEvents. Most bindings carry the canonical text only, so what comes back is a string where it was a
/// URI or a time.
enum class AttributeType : std::uint8_t { boolean, integer, string, binary, uri, uri_reference, timestamp };

/// The value of an extension: its type and its canonical string encoding.
class AttributeValue {
 public:
  AttributeValue() = default;
  static AttributeValue boolean(bool v) { return {AttributeType::boolean, v ? "true" : "false"}; }
  static AttributeValue integer(std::int32_t v) { return {AttributeType::integer, std::to_string(v)}; }
  static AttributeValue string(std::string v) { return {AttributeType::string, std::move(v)}; }
  /// Any bytes; their text is base64.
  static AttributeValue binary(std::string_view bytes);
  static AttributeValue uri(std::string v) { return {AttributeType::uri, std::move(v)}; }
  static AttributeValue uri_reference(std::string v) { return {AttributeType::uri_reference, std::move(v)}; }
  static AttributeValue timestamp(WallTime time);

  [[nodiscard]] AttributeType type() const noexcept { return type_; }
  /// The canonical string encoding.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] bool as_boolean() const noexcept { return text_ == "true"; }
  [[nodiscard]] std::int32_t as_integer() const noexcept;
  /// What is wrong with it (`"has a control character"`), or empty.
  [[nodiscard]] std::string_view problem() const;
  friend bool operator==(const AttributeValue&, const AttributeValue&) = default;

 private:
  AttributeValue(AttributeType type, std::string text) : type_(type), text_(std::move(text)) {}
  AttributeType type_ = AttributeType::string;
  std::string text_;
};

/// The payload of an event. `json` is a value (with the text it came as, where it came as text), `text` characters, `bytes`
/// anything.
class Data {
 public:
  enum class Kind : std::uint8_t { json, text, bytes };

  static Data json(Value value) { return Data(Kind::json, Document(value), {}); }
  static Data json(Document value) { return Data(Kind::json, std::move(value), {}); }
  /// A JSON text, which is kept: re-encoding gives the same bytes. Errors: invalid_argument when it is no JSON.
  static Result<Data> json_text(std::string text);
  static Data text(std::string text) { return Data(Kind::text, {}, std::move(text)); }
  static Data bytes(std::string bytes) { return Data(Kind::bytes, {}, std::move(bytes)); }

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  /// kind json only.
  [[nodiscard]] Value value() const noexcept { return value_.root(); }
  /// The payload as bytes, as a binary message carries it; JSON is serialised unless its text is there.
  [[nodiscard]] std::string to_bytes() const;
  /// kinds text and bytes.
  [[nodiscard]] const std::string& content() const noexcept { return content_; }

 private:
  Data(Kind kind, Document value, std::string content) : kind_(kind), value_(std::move(value)), content_(std::move(content)) {}
  Kind kind_;
  Document value_;
  std::string content_;  // json: the text it came as, or empty
};

/// A CloudEvent 1.0 as plain data. Optional attributes are absent when empty, for the specification has no empty ones.
///
///     cloudevents::Event event("com.example.order.placed", "/orders", "o-1");
///     event.set_json(body);
///     event.set("tenant", cloudevents::AttributeValue::string("acme"));
struct Event {
  Event() = default;
  Event(std::string of_type, std::string of_source, std::string with_id)
      : id(std::move(with_id)), source(std::move(of_source)), type(std::move(of_type)) {}

  std::string id;
  std::string source;  ///< URI-reference
  std::string type;
  std::string subject;
  std::string time;  ///< RFC 3339
  std::string datacontenttype;
  std::string dataschema;  ///< URI
  std::vector<std::pair<std::string, AttributeValue>> extensions;
  std::optional<Data> data;

  /// Sets an extension, in its place when it is there.
  void set(std::string_view name, AttributeValue value);
  [[nodiscard]] const AttributeValue* extension(std::string_view name) const noexcept;
  /// Any attribute by its name as its canonical text; empty when it is not there.
  [[nodiscard]] std::string_view attribute(std::string_view name) const noexcept;
  void set_time(WallTime when);

  void set_json(Value value) {
    data = Data::json(value);
    datacontenttype = "application/json";
  }
  void set_text(std::string text, std::string content_type = "text/plain; charset=utf-8") {
    data = Data::text(std::move(text));
    datacontenttype = std::move(content_type);
  }
  void set_bytes(std::string bytes, std::string content_type = "application/octet-stream") {
    data = Data::bytes(std::move(bytes));
    datacontenttype = std::move(content_type);
  }
};

/// What is wrong with an event, the first thing of each attribute: `id: must not be empty`. Bounded.
class Problems {
 public:
  static constexpr std::size_t max_lines = 32;
  void add(std::string_view attribute, std::string_view what);
  [[nodiscard]] bool empty() const noexcept { return lines_.empty(); }
  [[nodiscard]] const std::vector<std::string>& lines() const noexcept { return lines_; }
  /// invalid_argument/invalid_event; the message is the lines.
  [[nodiscard]] Error error() const;

 private:
  std::vector<std::string> lines_;
};

/// Every rule of the specification, the schema's and those only its text has.
void check(const Event& event, Problems& problems);
/// Errors: invalid_argument, detail invalid_event.
[[nodiscard]] Result<void> validate(const Event& event);

/// `2026-01-01T00:00:00.5Z`: in UTC, with as many digits as it takes.
[[nodiscard]] std::string to_rfc3339(WallTime when);

namespace detail {
/// Sets any attribute but specversion from its canonical text; names are checked by the caller.
void set_attribute(Event& event, std::string_view name, std::string text);
/// A member of Event for a standard attribute (specversion aside), or null.
[[nodiscard]] std::string* standard_attribute(Event& event, std::string_view name) noexcept;
/// Payload bytes as data by their declared type: JSON is parsed, text is text, the rest bytes. Errors: a problem at `data`.
void set_payload(Event& event, std::string_view bytes, Problems& problems);
}  // namespace detail

}  // namespace spikard::cloudevents
