#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace spikard::cloudevents::detail {

/// Lower-case letters and digits, at least one (spec, "Attribute Naming Convention"); `data` and `data_base64` are none.
[[nodiscard]] bool is_attribute_name(std::string_view name) noexcept;
/// What keeps `text` from being a String of the type system (UTF-8 without control characters, noncharacters and surrogates), or
/// empty.
[[nodiscard]] std::string_view string_problem(std::string_view text) noexcept;
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;
/// RFC 3986 section 4.1.
[[nodiscard]] bool is_uri_reference(std::string_view text);
/// RFC 2046: type/subtype with well-formed parameters.
[[nodiscard]] bool is_media_type(std::string_view text) noexcept;

/// A media type without its parameters, views into `text`: `type` "application", `subtype` "cloudevents+json", `charset` (quotes
/// off). Empty views where `text` is none.
struct MediaType {
  std::string_view type;
  std::string_view subtype;
  std::string_view charset;
};
[[nodiscard]] MediaType media_type(std::string_view text) noexcept;
/// The subtype is `json` or ends with `+json` (JSON format, section 3.1.1).
[[nodiscard]] bool declares_json(std::string_view content_type) noexcept;
/// Text by its declaration: `text/*`, XML, or a charset of UTF-8 or US-ASCII, and none of another charset.
[[nodiscard]] bool declares_text(std::string_view content_type) noexcept;
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;
[[nodiscard]] bool starts_ignoring_case(std::string_view text, std::string_view prefix) noexcept;
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

/// HTTP binding, section 3.1.3.2: everything outside U+0021-U+007E, `"` and `%`, as %XY of its UTF-8 bytes. Appends.
void percent_encode(std::string_view text, std::string& out);
/// The other way: a double-quoted value is unquoted first, then one round of percent-decoding; `%` without two hex digits stays.
/// Nothing when the result is not UTF-8.
[[nodiscard]] std::optional<std::string> decode_header_value(std::string_view value);

}  // namespace spikard::cloudevents::detail
