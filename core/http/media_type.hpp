#pragma once

#include <optional>
#include <string_view>

namespace spikard::http {

/// A Content-Type taken apart (RFC 9110 section 8.3.1). Views into the header; case is as sent. Quotes of parameters are off.
struct MediaType {
  std::string_view type;
  std::string_view subtype;
  std::string_view charset;   ///< empty when there is none
  std::string_view boundary;  ///< empty when there is none

  /// `text` in lower case: "application/json".
  [[nodiscard]] bool is(std::string_view text) const noexcept;
  /// application/json and application/*+json.
  [[nodiscard]] bool is_json() const noexcept;
  [[nodiscard]] bool is_form() const noexcept { return is("application/x-www-form-urlencoded"); }
  [[nodiscard]] bool is_multipart_form() const noexcept { return is("multipart/form-data"); }
  /// No charset, UTF-8 or US-ASCII.
  [[nodiscard]] bool is_utf8() const noexcept;
};

/// Nothing when it is malformed. Of a parameter given twice the first counts; charset or boundary with a backslash escape is
/// refused.
[[nodiscard]] std::optional<MediaType> parse_media_type(std::string_view header) noexcept;

/// Whether a route that declares `accepted` (any case, parameters ignored) takes `given`: equal, `*/*`, `text/*`;
/// `application/json` takes every `application/*+json`.
[[nodiscard]] bool accepts(std::string_view accepted, const MediaType& given) noexcept;

/// ASCII letters only.
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;

}  // namespace spikard::http
