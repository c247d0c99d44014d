#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace spikard {

/// A growing buffer that serialisers write JSON into. One a thread is kept and used again (`JsonOut::scratch`), so that a reply costs no allocation.
class JsonOut {
 public:
  JsonOut() = default;
  JsonOut(const JsonOut&) = delete;
  JsonOut& operator=(const JsonOut&) = delete;

  void clear() noexcept { at_ = begin_.get(); }
  [[nodiscard]] std::string_view view() const noexcept { return {begin_.get(), static_cast<std::size_t>(at_ - begin_.get())}; }
  [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(at_ - begin_.get()); }

  /// Room for `n` more bytes at the returned place; tell how many were used with `advance_to`.
  char* room(std::size_t n) {
    if (static_cast<std::size_t>(end_ - at_) < n) grow(n);
    return at_;
  }
  void advance_to(char* at) noexcept { at_ = at; }

  void put(char c) {
    *room(1) = c;
    ++at_;
  }
  void raw(std::string_view text) {
    std::memcpy(room(text.size()), text.data(), text.size());
    at_ += text.size();
  }
  void pop() noexcept { --at_; }
  [[nodiscard]] char last() const noexcept { return at_[-1]; }

  void null() { raw("null"); }
  void boolean(bool v) { raw(v ? std::string_view("true") : std::string_view("false")); }
  template <class Int>
  void integer(Int v) {
    char* to = room(24);
    at_ = std::to_chars(to, to + 24, v).ptr;
  }
  /// Shortest form that reads back the same; "1.0" for integral values; null where JSON has no number.
  void number(double v) {
    if (!std::isfinite(v)) {
      null();
      return;
    }
    char* to = room(40);
    char* stop = std::to_chars(to, to + 32, v).ptr;
    if (std::memchr(to, '.', static_cast<std::size_t>(stop - to)) == nullptr && std::memchr(to, 'e', static_cast<std::size_t>(stop - to)) == nullptr) {
      *stop++ = '.';
      *stop++ = '0';
    }
    at_ = stop;
  }
  void string(std::string_view text);

  /// This thread's buffer, emptied.
  static JsonOut& scratch();

 private:
  void grow(std::size_t n);

  std::unique_ptr<char[]> begin_;
  char* at_ = nullptr;
  char* end_ = nullptr;
};

inline void JsonOut::string(std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  const char* from = text.data();
  const char* const stop = from + text.size();
  char* to = room(text.size() + 2 + 16);
  *to++ = '"';
  while (true) {
#if defined(__SSE2__)
    // Copy 16 at a time as long as none of them needs an escape: a quote, a backslash or a control character.
    while (stop - from >= 16) {
      const __m128i chunk = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
      const __m128i special = _mm_or_si128(
          _mm_or_si128(_mm_cmpeq_epi8(chunk, _mm_set1_epi8('"')), _mm_cmpeq_epi8(chunk, _mm_set1_epi8('\\'))),
          _mm_cmpeq_epi8(_mm_min_epu8(chunk, _mm_set1_epi8(0x1f)), chunk));
      const int mask = _mm_movemask_epi8(special);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to), chunk);
      if (mask != 0) {
        const int clean = __builtin_ctz(static_cast<unsigned>(mask));
        from += clean;
        to += clean;
        break;
      }
      from += 16;
      to += 16;
    }
#endif
    while (from != stop) {
      const auto c = static_cast<unsigned char>(*from);
      if (c < 0x20 || c == '"' || c == '\\') break;
      *to++ = *from++;
    }
    if (from == stop) break;
    const auto c = static_cast<unsigned char>(*from++);
    at_ = to;
    to = room(static_cast<std::size_t>(stop - from) + 6 + 2 + 16);
    *to++ = '\\';
    switch (c) {
      case '"': *to++ = '"'; break;
      case '\\': *to++ = '\\'; break;
      case '\b': *to++ = 'b'; break;
      case '\f': *to++ = 'f'; break;
      case '\n': *to++ = 'n'; break;
      case '\r': *to++ = 'r'; break;
      case '\t': *to++ = 't'; break;
      default:
        std::memcpy(to, "u00", 3);
        to[3] = hex[c >> 4];
        to[4] = hex[c & 15];
        to += 5;
    }
  }
  *to++ = '"';
  at_ = to;
}

}  // namespace spikard
