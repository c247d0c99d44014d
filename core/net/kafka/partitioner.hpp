#pragma once

#include <cstdint>
#include <string_view>

namespace spikard::net::kafka {

/// As Java's clients compute it, so that a key goes to the same partition whoever produces it.
[[nodiscard]] std::uint32_t murmur2(std::string_view bytes) noexcept;
[[nodiscard]] inline std::int32_t partition_of(std::string_view key, std::int32_t partitions) noexcept {
  return static_cast<std::int32_t>(murmur2(key) & 0x7fffffffU) % partitions;
}

}  // namespace spikard::net::kafka
