#pragma once

#include <charconv>
#include <cstdint>
#include <string_view>

namespace spikard::db {

/// Text that is put together on the stack.
class Text {
 public:
  void put(char c) noexcept { *at_++ = c; }
  void put(std::string_view text) noexcept {
    for (const char c : text) put(c);
  }
  void digits(std::uint64_t value, int width) noexcept {
    for (int i = width - 1; i >= 0; --i) {
      at_[i] = static_cast<char>('0' + value % 10);
      value /= 10;
    }
    at_ += width;
  }
  void number(std::int64_t value) noexcept { at_ = std::to_chars(at_, bytes_ + sizeof bytes_, value).ptr; }
  /// `.123456` without what is nothing.
  void fraction(std::int64_t micro) noexcept {
    if (micro == 0) return;
    put('.');
    digits(static_cast<std::uint64_t>(micro), 6);
    while (at_[-1] == '0') --at_;
  }
  [[nodiscard]] std::string_view view() const noexcept { return {bytes_, static_cast<std::size_t>(at_ - bytes_)}; }

 private:
  char bytes_[96];
  char* at_ = bytes_;
};

/// A float as the double that has the digits it was written with, not those of the double beside it. Finite.
[[nodiscard]] inline double widened(float narrow) noexcept {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, narrow).ptr;
  double wide = narrow;
  std::from_chars(digits, end, wide);
  return wide;
}

}  // namespace spikard::db
