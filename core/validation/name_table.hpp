#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace spikard::validation::detail {

/// A fixed set of names, looked up in an open table whose seed is chosen for few collisions (none, in small ones). The first and
/// last eight bytes and the length decide; only names over sixteen bytes are compared whole.
class NameTable {
 public:
  static constexpr std::uint32_t not_found = UINT32_MAX;

  void set(std::vector<std::string> names);
  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(entries_.size()); }
  [[nodiscard]] std::string_view name(std::uint32_t index) const noexcept {
    return {text_.data() + entries_[index].offset, entries_[index].length};
  }
  [[nodiscard]] std::uint32_t find(std::string_view name) const noexcept {
    return entries_.empty() ? not_found : probe(name, key(name));
  }
  /// `find`, when the name is probably that of entry `guess`.
  [[nodiscard, gnu::always_inline]] std::uint32_t find(std::string_view name, std::uint32_t guess) const noexcept {
    if (entries_.empty()) return not_found;
    const Key k = key(name);
    if (guess < entries_.size() && is(guess, k, name)) return guess;
    return probe(name, k);
  }

 private:
  struct Key {
    std::uint64_t head;
    std::uint64_t tail;
    std::uint32_t length;
  };
  struct Entry {
    Key key;
    std::uint32_t offset;
    std::uint32_t length;
  };
  static Key key(std::string_view s) noexcept {
    Key k{0, 0, static_cast<std::uint32_t>(s.size())};
    if (s.size() >= 8) {
      std::memcpy(&k.head, s.data(), 8);
      std::memcpy(&k.tail, s.data() + s.size() - 8, 8);
    } else if (s.size() >= 4) {
      std::uint32_t a = 0;
      std::uint32_t b = 0;
      std::memcpy(&a, s.data(), 4);
      std::memcpy(&b, s.data() + s.size() - 4, 4);
      k.head = a;
      k.tail = b;
    } else if (!s.empty()) {
      const auto byte = [&](std::size_t i) { return static_cast<std::uint64_t>(static_cast<unsigned char>(s[i])); };
      k.head = byte(0) | byte(s.size() / 2) << 8U | byte(s.size() - 1) << 16U;
    }
    return k;
  }
  static std::uint32_t hash(const Key& k, std::uint64_t seed) noexcept {
    const std::uint64_t h = (k.head ^ std::rotl(k.tail, 29) ^ k.length) * (seed | 1U);
    return static_cast<std::uint32_t>((h ^ (h >> 29U)) * 0x9E3779B97F4A7C15U >> 32U);
  }
  [[nodiscard]] bool is(std::uint32_t index, const Key& k, std::string_view s) const noexcept {
    const Entry& e = entries_[index];
    if (e.key.head != k.head || e.key.tail != k.tail || e.key.length != k.length) return false;
    return k.length <= 16 || std::memcmp(text_.data() + e.offset, s.data(), s.size()) == 0;
  }

  [[nodiscard]] std::uint32_t probe(std::string_view name, const Key& k) const noexcept {
    for (std::uint32_t at = hash(k, seed_) >> shift_;; at = (at + 1) & (static_cast<std::uint32_t>(slots_.size()) - 1)) {
      const std::uint32_t index = slots_[at];
      if (index == not_found || is(index, k, name)) return index;
    }
  }

  std::vector<Entry> entries_;
  std::vector<std::uint32_t> slots_;
  std::string text_;
  std::uint64_t seed_ = 0;
  std::uint32_t shift_ = 31;
};

}  // namespace spikard::validation::detail
