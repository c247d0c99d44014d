#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/json_text.hpp"
#include "base/node.hpp"

namespace spikard {

/// A growing buffer that serialisers write JSON into, token by token: the caller puts commas and brackets.
class JsonOut {
 public:
  JsonOut() = default;
  JsonOut(const JsonOut&) = delete;
  JsonOut& operator=(const JsonOut&) = delete;

  void clear() noexcept { at_ = begin_.get(); }
  [[nodiscard]] std::string_view view() const noexcept { return {begin_.get(), size()}; }
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

  void null() { raw("null"); }
  void boolean(bool v) { raw(v ? std::string_view("true") : std::string_view("false")); }
  void integer(std::int64_t v) { at_ = json::put_integer(room(json::max_number_text), v); }
  void uinteger(std::uint64_t v) { at_ = json::put_uinteger(room(json::max_number_text), v); }
  /// Shortest form that reads back the same; "1.0" for integral values; null where JSON has no number.
  void number(double v) { at_ = json::put_number(room(json::max_number_text), v); }
  /// With quotes and escapes; what is not UTF-8 becomes U+FFFD.
  void string(std::string_view text) {
    char* to = room(text.size() + 2 + 16);
    const char* from = text.data();
    const char* const stop = from + text.size();
    *to++ = '"';
#if defined(__SSE2__)
    // Copy 16 at a time as long as none of them is a quote, a backslash, a control character or beyond ASCII (one signed compare
    // takes the last two).
    while (stop - from >= 16) {
      const __m128i chunk = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
      const __m128i special =
          _mm_or_si128(_mm_cmplt_epi8(chunk, _mm_set1_epi8(0x20)),
                       _mm_or_si128(_mm_cmpeq_epi8(chunk, _mm_set1_epi8('"')), _mm_cmpeq_epi8(chunk, _mm_set1_epi8('\\'))));
      if (_mm_movemask_epi8(special) != 0) return escaped(text);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to), chunk);
      from += 16;
      to += 16;
    }
#endif
    for (; from != stop; ++from) {
      const auto c = static_cast<unsigned char>(*from);
      if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') return escaped(text);
      *to++ = *from;
    }
    *to++ = '"';
    at_ = to;
  }
  void value(Value v);

  /// This thread's buffer, emptied: a serialiser that hands its text over at once needs no allocation. Not to be held across
  /// calls that may serialise themselves.
  static JsonOut& scratch();

 private:
  void grow(std::size_t n);
  void escaped(std::string_view text) { at_ = json::put_quoted(room(json::max_quoted(text.size())), text); }

  std::unique_ptr<char[]> begin_;
  char* at_ = nullptr;
  char* end_ = nullptr;
};

}  // namespace spikard
