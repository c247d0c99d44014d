#pragma once

#include <cstddef>
#include <string_view>

namespace spikard {

/// A string literal as a template argument: `Path<"id", int>`.
template <std::size_t N>
struct FixedString {
  char data[N]{};
  constexpr FixedString(const char (&text)[N]) {
    for (std::size_t i = 0; i < N; ++i) data[i] = text[i];
  }
  [[nodiscard]] constexpr std::string_view view() const noexcept { return {data, N - 1}; }
};

}  // namespace spikard
