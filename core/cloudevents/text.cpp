#include "cloudevents/text.hpp"

#include <cstdint>

#include "validation/format.hpp"

namespace spikard::cloudevents::detail {
namespace {

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

/// The code point that begins at `at`, which moves past it; nothing when the bytes are no UTF-8 (RFC 3629: no overlong forms, no
/// surrogates, nothing above U+10FFFF).
std::optional<char32_t> next_code_point(std::string_view text, std::size_t& at) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(at);
  if (first < 0x80) {
    ++at;
    return first;
  }
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() - at < length) return std::nullopt;
  char32_t code = first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0U) != 0x80) return std::nullopt;
    code = code << 6 | (byte(at + i) & 0x3FU);
  }
  constexpr char32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < smallest[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return std::nullopt;
  at += length;
  return code;
}

constexpr bool token_char(char c) noexcept {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string_view token_at(std::string_view text, std::size_t& at) noexcept {
  const std::size_t begin = at;
  while (at < text.size() && token_char(text[at])) ++at;
  return text.substr(begin, at - begin);
}

void skip_blanks(std::string_view text, std::size_t& at) noexcept {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) ++at;
}

/// False when `text` is no media type; calls `parameter(name, value)` for each parameter, quotes off.
template <class F>
bool parse_media_type(std::string_view text, MediaType& out, F parameter) noexcept {
  text = trimmed(text);
  std::size_t at = 0;
  out.type = token_at(text, at);
  if (out.type.empty() || at >= text.size() || text[at] != '/') return false;
  ++at;
  out.subtype = token_at(text, at);
  if (out.subtype.empty()) return false;
  while (true) {
    skip_blanks(text, at);
    if (at == text.size()) return true;
    if (text[at] != ';') return false;
    ++at;
    skip_blanks(text, at);
    if (at == text.size()) return true;  // `text/plain;` is seen in the wild
    const std::string_view name = token_at(text, at);
    if (name.empty() || at >= text.size() || text[at] != '=') return false;
    ++at;
    std::string_view value;
    if (at < text.size() && text[at] == '"') {
      const std::size_t begin = ++at;
      while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
      if (at >= text.size()) return false;
      value = text.substr(begin, at - begin);
      ++at;
    } else {
      value = token_at(text, at);
      if (value.empty()) return false;
    }
    parameter(name, value);
  }
}

}  // namespace

bool is_attribute_name(std::string_view name) noexcept {
  if (name.empty() || name == "data") return false;
  for (const char c : name) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) return false;
  }
  return true;
}

std::string_view string_problem(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    const std::optional<char32_t> code = next_code_point(text, at);
    if (!code) return "is not UTF-8";
    if (*code < 0x20 || (*code >= 0x7F && *code <= 0x9F)) return "has a control character";
    if ((*code & 0xFFFE) == 0xFFFE || (*code >= 0xFDD0 && *code <= 0xFDEF)) return "has a noncharacter of Unicode";
  }
  return {};
}

bool is_utf8(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    if (!next_code_point(text, at)) return false;
  }
  return true;
}

bool is_uri_reference(std::string_view text) {
  if (validation::detail::is_uri(text)) return true;
  // A relative reference: its first segment has no colon, and behind a scheme it would be a URI.
  if (text.substr(0, text.find_first_of("/?#")).find(':') != std::string_view::npos) return false;
  std::string absolute = "s:";
  absolute += text;
  return validation::detail::is_uri(absolute);
}

bool is_media_type(std::string_view text) noexcept {
  MediaType type;
  return parse_media_type(text, type, [](std::string_view, std::string_view) {});
}

MediaType media_type(std::string_view text) noexcept {
  MediaType type;
  std::string_view charset;
  const bool good = parse_media_type(text, type, [&](std::string_view name, std::string_view value) {
    if (charset.empty() && equals_ignoring_case(name, "charset")) charset = value;
  });
  if (!good) return {};
  type.charset = charset;
  return type;
}

bool declares_json(std::string_view content_type) noexcept {
  const std::string_view subtype = media_type(content_type).subtype;
  if (equals_ignoring_case(subtype, "json")) return true;
  return subtype.size() > 5 && equals_ignoring_case(subtype.substr(subtype.size() - 5), "+json");
}

bool declares_text(std::string_view content_type) noexcept {
  const MediaType type = media_type(content_type);
  if (!type.charset.empty()) return equals_ignoring_case(type.charset, "utf-8") || equals_ignoring_case(type.charset, "us-ascii");
  if (equals_ignoring_case(type.type, "text") || equals_ignoring_case(type.subtype, "xml")) return true;
  return type.subtype.size() > 4 && equals_ignoring_case(type.subtype.substr(type.subtype.size() - 4), "+xml");
}

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && starts_ignoring_case(a, b);
}

bool starts_ignoring_case(std::string_view text, std::string_view prefix) noexcept {
  if (text.size() < prefix.size()) return false;
  for (std::size_t i = 0; i < prefix.size(); ++i) {
    if (lower(text[i]) != lower(prefix[i])) return false;
  }
  return true;
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

void percent_encode(std::string_view text, std::string& out) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte > 0x20 && byte < 0x7F && c != '"' && c != '%') {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(digits[byte >> 4]);
      out.push_back(digits[byte & 15U]);
    }
  }
}

std::optional<std::string> decode_header_value(std::string_view value) {
  const auto hex = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  std::string plain;
  if (value.size() >= 2 && value.front() == '"') {
    // One quoted string that is the whole value; anything else is taken as it stands.
    std::size_t at = 1;
    while (at < value.size() && value[at] != '"') {
      if (value[at] == '\\' && at + 1 < value.size()) ++at;
      plain.push_back(value[at++]);
    }
    if (at + 1 == value.size()) value = plain;
  }
  std::string out;
  out.reserve(value.size());
  for (std::size_t at = 0; at < value.size(); ++at) {
    if (value[at] == '%' && at + 2 < value.size() && hex(value[at + 1]) >= 0 && hex(value[at + 2]) >= 0) {
      out.push_back(static_cast<char>(hex(value[at + 1]) << 4 | hex(value[at + 2])));
      at += 2;
    } else {
      out.push_back(value[at]);
    }
  }
  if (!is_utf8(out)) return std::nullopt;
  return out;
}

}  // namespace spikard::cloudevents::detail
