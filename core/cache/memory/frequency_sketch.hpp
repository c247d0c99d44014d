#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace spikard::cache::memory {

/// How often a hash was seen of late: a count-min sketch of 4-bit counters (the least of four, so never too few), halved every
/// `sample_size` increments. The four counters of a hash lie in one cache line. 8 bytes for each entry of the capacity.
class FrequencySketch {
 public:
  /// Nothing is counted before the first call; growing forgets what was counted.
  void ensure_capacity(std::uint64_t capacity) {
    capacity = std::min<std::uint64_t>(capacity, 1ULL << 30U);
    if (!table_.empty() && table_.size() >= capacity) return;
    table_.assign(std::max<std::uint64_t>(std::bit_ceil(std::max<std::uint64_t>(capacity, 1)), 8), 0);
    block_mask_ = static_cast<std::uint32_t>(table_.size() / 8 - 1);
    sample_size_ = std::max<std::uint64_t>(10 * capacity, 10);
    size_ = 0;
  }
  [[nodiscard]] bool counts() const noexcept { return !table_.empty(); }
  [[nodiscard]] std::uint64_t sample_size() const noexcept { return sample_size_; }

  /// 0 to 15.
  [[nodiscard]] unsigned frequency(std::uint32_t hash) const noexcept {
    if (table_.empty()) return 0;
    const std::uint32_t counters = rehash(hash);
    const std::size_t block = static_cast<std::size_t>(hash & block_mask_) * 8;
    unsigned least = 15;
    for (unsigned i = 0; i < 4; ++i) {
      const std::uint32_t h = counters >> (i * 8);
      const unsigned shift = ((h >> 1U) & 15U) * 4;
      least = std::min(least, static_cast<unsigned>((table_[block + (h & 1U) + i * 2] >> shift) & 15U));
    }
    return least;
  }

  void increment(std::uint32_t hash) noexcept {
    if (table_.empty()) return;
    const std::uint32_t counters = rehash(hash);
    const std::size_t block = static_cast<std::size_t>(hash & block_mask_) * 8;
    bool added = false;
    for (unsigned i = 0; i < 4; ++i) {
      const std::uint32_t h = counters >> (i * 8);
      const unsigned shift = ((h >> 1U) & 15U) * 4;
      std::uint64_t& word = table_[block + (h & 1U) + i * 2];
      if (((word >> shift) & 15U) != 15U) {
        word += 1ULL << shift;
        added = true;
      }
    }
    if (added && ++size_ >= sample_size_) age();
  }

 private:
  static std::uint32_t rehash(std::uint32_t x) noexcept {
    x ^= x >> 15U;
    x *= 0x31848babU;
    return x ^ (x >> 14U);
  }
  void age() noexcept {
    std::uint64_t odd = 0;
    for (std::uint64_t& word : table_) {
      odd += static_cast<std::uint64_t>(std::popcount(word & 0x1111'1111'1111'1111ULL));
      word = (word >> 1U) & 0x7777'7777'7777'7777ULL;
    }
    size_ = (size_ - std::min(size_, odd / 4)) / 2;
  }

  std::vector<std::uint64_t> table_;
  std::uint32_t block_mask_ = 0;
  std::uint64_t sample_size_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace spikard::cache::memory
