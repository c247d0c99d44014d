#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace spikard::http::h1::scan {

enum Class : std::uint8_t { token = 1, common = 2, target = 4, host = 8, hex = 16 };

namespace detail {
constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> t{};
  const auto add = [&t](std::string_view chars, std::uint8_t bits) {
    for (const char c : chars) t[static_cast<unsigned char>(c)] |= bits;
  };
  add("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", token | host);
  add("!#$%&'*+-.^_`|~", token);
  add("-._~%!$&'()*+,;=:[]", host);
  add("0123456789abcdefABCDEF", hex);
  for (unsigned c = 0x21; c < 0x7F; ++c) t[c] |= target;
  for (const char c : std::string_view("\"#<>\\")) t[static_cast<unsigned char>(c)] &= static_cast<std::uint8_t>(~target);
  return t;
}
}  // namespace detail

inline constexpr std::array<std::uint8_t, 256> classes = detail::make_classes();

[[nodiscard]] inline bool is(char c, Class bits) noexcept { return (classes[static_cast<unsigned char>(c)] & bits) != 0; }
/// ASCII control other than HTAB.
[[nodiscard]] inline bool is_control(char c) noexcept {
  const auto u = static_cast<unsigned char>(c);
  return (u < 0x20 && u != '\t') || u == 0x7F;
}

/// First control (HTAB is none) of [p, end), or end.
[[nodiscard]] inline const char* find_control(const char* p, const char* end) noexcept {
#if defined(__SSE2__)
  const __m128i low = _mm_set1_epi8(0x1F);
  const __m128i tab = _mm_set1_epi8('\t');
  const __m128i del = _mm_set1_epi8(0x7F);
  while (end - p >= 16) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i control = _mm_andnot_si128(_mm_cmpeq_epi8(x, tab), _mm_cmpeq_epi8(_mm_min_epu8(x, low), x));
    const int mask = _mm_movemask_epi8(_mm_or_si128(control, _mm_cmpeq_epi8(x, del)));
    if (mask != 0) return p + __builtin_ctz(static_cast<unsigned>(mask));
    p += 16;
  }
#endif
  while (p != end && !is_control(*p)) ++p;
  return p;
}

/// First byte of [p, end) that a request target cannot have (controls, blank, `"`, `#`, `<`, `>`, `\`, DEL, above 0x7F), or `?`
/// when `stop_at_query`, or end. `escaped` becomes true when there is a `%` before it.
template <bool stop_at_query>
[[nodiscard]] inline const char* find_target_end(const char* p, const char* end, bool& escaped) noexcept {
#if defined(__SSE2__)
  while (end - p >= 16) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const auto equals = [x](char c) { return _mm_cmpeq_epi8(x, _mm_set1_epi8(c)); };
    __m128i stop = _mm_or_si128(_mm_cmplt_epi8(x, _mm_set1_epi8(0x21)), equals(0x7F));
    stop = _mm_or_si128(stop, _mm_or_si128(equals('"'), equals('#')));
    stop = _mm_or_si128(stop, _mm_or_si128(equals('<'), equals('>')));
    stop = _mm_or_si128(stop, equals('\\'));
    if constexpr (stop_at_query) stop = _mm_or_si128(stop, equals('?'));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(stop));
    auto percent = static_cast<unsigned>(_mm_movemask_epi8(equals('%')));
    if (mask != 0) {
      const int n = __builtin_ctz(mask);
      percent &= (1U << n) - 1;
      escaped |= percent != 0;
      return p + n;
    }
    escaped |= percent != 0;
    p += 16;
  }
#endif
  while (p != end && is(*p, target) && !(stop_at_query && *p == '?')) {
    escaped |= *p == '%';
    ++p;
  }
  return p;
}

/// Puts a field name in lower case up to the first byte that is no token character, and returns that place.
[[nodiscard]] inline char* lower_name(char* p, char* end) noexcept {
#if defined(__SSE2__)
  // Names are letters, digits and `-`: sixteen at once while they are.
  while (end - p >= 16) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i upper = _mm_and_si128(_mm_cmpgt_epi8(x, _mm_set1_epi8('A' - 1)), _mm_cmplt_epi8(x, _mm_set1_epi8('Z' + 1)));
    const __m128i y = _mm_or_si128(x, _mm_and_si128(upper, _mm_set1_epi8(0x20)));
    const __m128i letter = _mm_and_si128(_mm_cmpgt_epi8(y, _mm_set1_epi8('a' - 1)), _mm_cmplt_epi8(y, _mm_set1_epi8('z' + 1)));
    const __m128i digit = _mm_and_si128(_mm_cmpgt_epi8(y, _mm_set1_epi8('0' - 1)), _mm_cmplt_epi8(y, _mm_set1_epi8('9' + 1)));
    const __m128i fine = _mm_or_si128(_mm_or_si128(letter, digit), _mm_cmpeq_epi8(y, _mm_set1_epi8('-')));
    const unsigned other = static_cast<unsigned>(~_mm_movemask_epi8(fine)) & 0xFFFFU;
    if (other == 0) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(p), y);
      p += 16;
      continue;
    }
    const int n = __builtin_ctz(other);
    if (p[n] != ':') break;
    alignas(16) static constexpr std::uint8_t window[32] = {255, 255, 255, 255, 255, 255, 255, 255,
                                                            255, 255, 255, 255, 255, 255, 255, 255};
    const __m128i keep = _mm_loadu_si128(reinterpret_cast<const __m128i*>(window + 16 - n));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_or_si128(_mm_and_si128(keep, y), _mm_andnot_si128(keep, x)));
    return p + n;
  }
#endif
  while (p != end && is(*p, token)) {
    if (*p >= 'A' && *p <= 'Z') *p = static_cast<char>(*p | 0x20);
    ++p;
  }
  return p;
}

[[nodiscard]] inline char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

/// `plain` is in lower case.
[[nodiscard]] inline bool equals_lower(std::string_view text, std::string_view plain) noexcept {
  if (text.size() != plain.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (lower(text[i]) != plain[i]) return false;
  }
  return true;
}

[[nodiscard]] inline std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace spikard::http::h1::scan
