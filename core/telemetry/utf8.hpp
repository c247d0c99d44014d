#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace spikard::telemetry {

/// Whether every byte is ASCII, eight at a time: nearly all names and values are.
[[nodiscard]] inline bool is_ascii(std::string_view text) noexcept {
  std::size_t at = 0;
  std::uint64_t all = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, text.data() + at, 8);
    all |= eight;
  }
  for (; at < text.size(); ++at) all |= static_cast<unsigned char>(text[at]);
  return (all & 0x8080808080808080ULL) == 0;
}

/// Appends `text` as UTF-8: each byte that is not part of it becomes U+FFFD.
void append_utf8(std::string& out, std::string_view text);

}  // namespace spikard::telemetry
