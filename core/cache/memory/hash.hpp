#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace spikard::cache::memory {

__extension__ using Wide = unsigned __int128;
[[nodiscard]] inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}
template <class T>
[[nodiscard]] std::uint64_t load(const char* p) noexcept {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

/// A keyed hash of 64 good bits, by folded multiplication (after Wang Yi's wyhash). Not cryptographic: with a seed that nobody
/// knows it is good enough against keys that are chosen to collide.
[[nodiscard]] inline std::uint64_t hash_of(std::string_view text, std::uint64_t seed) noexcept {
  constexpr std::uint64_t k0 = 0xa0761d6478bd642fULL;
  constexpr std::uint64_t k1 = 0xe7037ed1a0b428dbULL;
  const char* p = text.data();
  const std::size_t n = text.size();

  std::uint64_t a = 0;
  std::uint64_t b = 0;
  seed ^= k0;
  if (n <= 16) {
    if (n >= 8) {
      a = load<std::uint64_t>(p);
      b = load<std::uint64_t>(p + n - 8);
    } else if (n >= 4) {
      a = load<std::uint32_t>(p);
      b = load<std::uint32_t>(p + n - 4);
    } else if (n > 0) {
      a = static_cast<std::uint64_t>(static_cast<unsigned char>(p[0])) << 16U |
          static_cast<std::uint64_t>(static_cast<unsigned char>(p[n / 2])) << 8U | static_cast<unsigned char>(p[n - 1]);
    }
  } else {
    std::size_t left = n;
    for (; left > 16; left -= 16, p += 16) seed = fold(load<std::uint64_t>(p) ^ k1, load<std::uint64_t>(p + 8) ^ seed);
    a = load<std::uint64_t>(p + left - 16);
    b = load<std::uint64_t>(p + left - 8);
  }
  return fold(k1 ^ n, fold(a ^ k1, b ^ seed));
}

}  // namespace spikard::cache::memory
