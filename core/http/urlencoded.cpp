#include "http/urlencoded.hpp"

#include <algorithm>
#include <cstring>

#include "http/h1/scan.hpp"

namespace spikard::http {

namespace {

/// -1 unless `text[i]` starts an escape.
int escape_at(std::string_view text, std::size_t i) noexcept {
  namespace scan = h1::scan;
  if (i + 2 >= text.size() || !scan::is(text[i + 1], scan::hex) || !scan::is(text[i + 2], scan::hex)) return -1;
  const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  return digit(text[i + 1]) << 4 | digit(text[i + 2]);
}

/// Length of the well-formed UTF-8 sequence at `i`, or minus the length of the maximal ill-formed part (Unicode 15, table 3-7).
int utf8_at(std::string_view text, std::size_t i) noexcept {
  const auto at = [&](std::size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0U; };
  const unsigned lead = at(i);
  if (lead < 0x80) return 1;
  int size = 0;
  unsigned low = 0x80;
  unsigned high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) size = 2;
  else if (lead >= 0xE0 && lead <= 0xEF) size = 3;
  else if (lead >= 0xF0 && lead <= 0xF4) size = 4;
  else return -1;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  for (int k = 1; k < size; ++k) {
    const unsigned next = at(i + static_cast<std::size_t>(k));
    if (next < low || next > high) return -k;
    low = 0x80;
    high = 0xBF;
  }
  return size;
}

bool is_utf8(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    const int n = utf8_at(text, i);
    if (n < 0) return false;
    i += static_cast<std::size_t>(n);
  }
  return true;
}

std::string_view replace_ill_formed(std::string_view text, TextRoom& room) noexcept {
  std::size_t size = 0;
  for (std::size_t i = 0; i < text.size();) {
    const int n = utf8_at(text, i);
    size += n > 0 ? static_cast<std::size_t>(n) : 3;
    i += static_cast<std::size_t>(n > 0 ? n : -n);
  }
  char* const out = room.take(size);
  if (out == nullptr) return {};
  char* p = out;
  for (std::size_t i = 0; i < text.size();) {
    const int n = utf8_at(text, i);
    if (n > 0) {
      std::memcpy(p, text.data() + i, static_cast<std::size_t>(n));
      p += n;
      i += static_cast<std::size_t>(n);
    } else {
      std::memcpy(p, "\xEF\xBF\xBD", 3);
      p += 3;
      i += static_cast<std::size_t>(-n);
    }
  }
  return {out, size};
}

}  // namespace

std::string_view decode_component(std::string_view text, TextRoom& room, bool plus_is_blank) noexcept {
  bool coded = false;
  bool high = false;
  for (const char c : text) {
    coded |= c == '%' || (c == '+' && plus_is_blank);
    high |= static_cast<signed char>(c) < 0;
  }
  if (coded) {
    char* const out = room.take(text.size());
    if (out == nullptr) return {};
    char* p = out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      char c = text[i];
      if (c == '%') {
        if (const int byte = escape_at(text, i); byte >= 0) {
          c = static_cast<char>(byte);
          i += 2;
        }
      } else if (c == '+' && plus_is_blank) {
        c = ' ';
      }
      high |= static_cast<signed char>(c) < 0;
      *p++ = c;
    }
    room.at = p;
    text = {out, static_cast<std::size_t>(p - out)};
  }
  return high && !is_utf8(text) ? replace_ill_formed(text, room) : text;
}

std::string_view utf8_text(std::string_view text, TextRoom& room) noexcept {
  bool high = false;
  for (const char c : text) high |= static_cast<signed char>(c) < 0;
  return high && !is_utf8(text) ? replace_ill_formed(text, room) : text;
}

bool decodes_to(std::string_view text, std::string_view plain, bool plus_is_blank) noexcept {
  std::size_t at = 0;
  for (std::size_t i = 0; i < text.size(); ++i, ++at) {
    char c = text[i];
    if (c == '%') {
      if (const int byte = escape_at(text, i); byte >= 0) {
        c = static_cast<char>(byte);
        i += 2;
      }
    } else if (c == '+' && plus_is_blank) {
      c = ' ';
    }
    if (at == plain.size() || plain[at] != c) return false;
  }
  return at == plain.size();
}

bool QueryPairs::next(QueryPair& out) noexcept {
  while (!rest_.empty()) {
    const auto* end = static_cast<const char*>(std::memchr(rest_.data(), '&', rest_.size()));
    const std::size_t size = end == nullptr ? rest_.size() : static_cast<std::size_t>(end - rest_.data());
    const std::string_view part = rest_.substr(0, size);
    rest_.remove_prefix(std::min(size + 1, rest_.size()));
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    out.name = part.substr(0, equals);
    out.value = equals == std::string_view::npos ? std::string_view(part.data() + part.size(), 0) : part.substr(equals + 1);
    return true;
  }
  return false;
}

}  // namespace spikard::http
