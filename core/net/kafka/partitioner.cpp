#include "net/kafka/partitioner.hpp"

namespace spikard::net::kafka {

std::uint32_t murmur2(std::string_view bytes) noexcept {
  constexpr std::uint32_t m = 0x5bd1e995U;
  const auto byte = [&](std::size_t at) { return static_cast<std::uint32_t>(static_cast<std::uint8_t>(bytes[at])); };
  std::uint32_t h = 0x9747b28cU ^ static_cast<std::uint32_t>(bytes.size());
  std::size_t at = 0;
  for (; at + 4 <= bytes.size(); at += 4) {
    std::uint32_t k = byte(at) | byte(at + 1) << 8U | byte(at + 2) << 16U | byte(at + 3) << 24U;
    k *= m;
    k ^= k >> 24U;
    k *= m;
    h *= m;
    h ^= k;
  }
  const std::size_t left = bytes.size() - at;
  if (left == 3) h ^= byte(at + 2) << 16U;
  if (left >= 2) h ^= byte(at + 1) << 8U;
  if (left >= 1) {
    h ^= byte(at);
    h *= m;
  }
  h ^= h >> 13U;
  h *= m;
  h ^= h >> 15U;
  return h;
}

}  // namespace spikard::net::kafka
