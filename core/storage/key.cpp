#include "storage/key.hpp"

#include <cstdint>

namespace spikard::storage {

namespace {

Error invalid_key(std::string why) { return invalid_argument("key: " + std::move(why)).with_detail("invalid_key"); }

bool is_token(std::string_view text) noexcept {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  if (text.empty()) return false;
  for (const char c : text) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || marks.find(c) != marks.npos;
    if (!fine) return false;
  }
  return true;
}

/// A header's value can carry it: no control characters, no blank at the ends.
bool is_field_value(std::string_view text) noexcept {
  for (const char c : text) {
    const auto b = static_cast<unsigned char>(c);
    if ((b < 0x20 && c != '\t') || b == 0x7F) return false;
  }
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  return is_utf8(text) && (text.empty() || (!blank(text.front()) && !blank(text.back())));
}

Result<void> check_header(std::string_view name, const std::optional<std::string>& value) {
  if (!value.has_value()) return {};
  if (value->empty() || value->size() > max_header_bytes || !is_field_value(*value)) {
    return invalid_argument(std::string(name) + ": expected 1 to " + std::to_string(max_header_bytes) +
                            " bytes of text without control characters and without blanks at its ends");
  }
  return {};
}

/// Why not, or null.
const char* fault_of(std::string_view key) noexcept {
  if (key.empty()) return "expected 1 to 1024 bytes, it is empty";
  if (key.size() > max_key_bytes) return "expected 1 to 1024 bytes, it is longer";
  if (key.find('\0') != key.npos) return "expected text without NUL";
  if (!is_utf8(key)) return "expected UTF-8";
  for (std::size_t at = 0; at <= key.size();) {
    std::size_t end = key.find('/', at);
    if (end == key.npos) end = key.size();
    const std::string_view segment = key.substr(at, end - at);
    if (segment.empty()) return "expected no leading or trailing '/' and no empty segment";
    if (segment == "." || segment == "..") return "expected no segment '.' or '..'";
    at = end + 1;
  }
  return nullptr;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    std::size_t more = 0;
    std::uint32_t low = 0;
    std::uint32_t point = 0;
    if (lead < 0x80) {
      ++i;
      continue;
    }
    if (lead >= 0xC2 && lead <= 0xDF) {
      more = 1, low = 0x80, point = lead & 0x1FU;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      more = 2, low = 0x800, point = lead & 0x0FU;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      more = 3, low = 0x10000, point = lead & 0x07U;
    } else {
      return false;
    }
    if (i + more >= text.size()) return false;
    for (std::size_t k = 1; k <= more; ++k) {
      const auto b = static_cast<unsigned char>(text[i + k]);
      if ((b & 0xC0U) != 0x80U) return false;
      point = point << 6U | (b & 0x3FU);
    }
    if (point < low || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return false;
    i += more + 1;
  }
  return true;
}

bool valid_key(std::string_view key) noexcept { return fault_of(key) == nullptr; }

Result<void> check_key(std::string_view key) {
  if (const char* fault = fault_of(key); fault != nullptr) return invalid_key(fault);
  return {};
}

Result<void> check_and_fold(WriteOptions& options) {
  SPIKARD_TRY(check_header("content_type", options.content_type));
  SPIKARD_TRY(check_header("cache_control", options.cache_control));
  SPIKARD_TRY(check_header("content_disposition", options.content_disposition));
  SPIKARD_TRY(check_conditions_form(options.conditions));
  std::size_t bytes = 0;
  std::map<std::string, std::string> folded;
  for (auto& [name, value] : options.metadata) {
    if (!is_token(name)) return invalid_argument("metadata: expected names that are tokens (letters, digits, '-', '_', ...)");
    if (!is_field_value(value))
      return invalid_argument("metadata." + name + ": expected text without control characters and without blanks at its ends");
    bytes += name.size() + value.size();
    std::string lower = name;
    for (char& c : lower)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (!folded.emplace(lower, std::move(value)).second)
      return invalid_argument("metadata." + lower + ": expected once, whatever its case");
  }
  if (bytes > max_metadata_bytes)
    return invalid_argument("metadata: expected names and values of " + std::to_string(max_metadata_bytes) +
                            " bytes together, they have " + std::to_string(bytes));
  options.metadata = std::move(folded);
  return {};
}

Result<void> check_conditions_form(const WriteConditions& conditions) {
  if (conditions.if_none_match.has_value() && *conditions.if_none_match != "*")
    return invalid_argument("if_none_match: expected '*' where something is written");
  return {};
}

}  // namespace spikard::storage
