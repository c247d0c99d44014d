#include "validation/text.hpp"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string>

namespace spikard::validation::detail {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

std::size_t digits(std::string_view s, std::size_t& i) noexcept {
  const std::size_t first = i;
  while (i < s.size() && is_digit(s[i])) ++i;
  return i - first;
}

bool equals_lower(std::string_view text, std::string_view lower) noexcept {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 32) : text[i];
    if (c != lower[i]) return false;
  }
  return true;
}

}  // namespace

bool parse_integer(std::string_view text, std::int64_t& out) noexcept {
  if (!text.empty() && text[0] == '+') {
    text.remove_prefix(1);
    if (!text.empty() && text[0] == '-') return false;
  }
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  return ec == std::errc() && end == text.data() + text.size() && !text.empty();
}

bool parse_number(std::string_view text, double& out) noexcept {
  std::size_t i = 0;
  if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
  const std::size_t start = text.starts_with('+') ? 1 : 0;
  std::size_t count = digits(text, i);
  if (i < text.size() && text[i] == '.') {
    ++i;
    count += digits(text, i);
  }
  if (count == 0) return false;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (digits(text, i) == 0) return false;
  }
  if (i != text.size()) return false;
  const auto [end, ec] = std::from_chars(text.data() + start, text.data() + text.size(), out);
  if (ec == std::errc::result_out_of_range)
    out = std::strtod(std::string(text.substr(start)).c_str(), nullptr);  // underflow is a number
  return std::isfinite(out);
}

bool parse_boolean(std::string_view text, bool& out) noexcept {
  if (text.empty() || text == "0" || equals_lower(text, "false")) {
    out = false;
    return true;
  }
  out = true;
  return text == "1" || equals_lower(text, "true");
}

}  // namespace spikard::validation::detail
