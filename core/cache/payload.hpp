#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

namespace spikard::cache {

namespace detail {

/// What only entries of loads have.
struct BlockExtra {
  std::uint32_t grace_ms = 0;  ///< kept so long past its time
  std::uint32_t absent = 0;    ///< 1: it is known that there is nothing
};

/// One allocation: this header, a BlockExtra where `extended`, the namespace, the key, the value. Never changed once it is
/// shared.
struct Block {
  template <class T>
  [[nodiscard]] static T word(const char* p) noexcept {
    T v;
    std::memcpy(&v, p, sizeof v);
    return v;
  }
  [[nodiscard]] static bool same(const char* a, const char* b, std::size_t n) noexcept {
    using W = std::uint64_t;
    if (n >= 8 && n <= 32) {
      bool equal = word<W>(a + n - 8) == word<W>(b + n - 8);
      for (std::size_t at = 0; at + 8 < n; at += 8) equal = equal && word<W>(a + at) == word<W>(b + at);
      return equal;
    }
    return n == 0 || std::memcmp(a, b, n) == 0;
  }

  std::atomic<std::uint32_t> refs;
  std::uint32_t value_size;
  std::uint16_t key_size;
  std::uint16_t space_size : 15;
  std::uint16_t extended : 1;

  [[nodiscard]] static Block* make(std::string_view space, std::string_view key, std::string_view value,
                                   const BlockExtra* extra = nullptr) {
    const std::size_t before = sizeof(Block) + (extra == nullptr ? 0 : sizeof(BlockExtra));
    auto* raw = static_cast<char*>(::operator new(before + space.size() + key.size() + value.size()));
    auto* block = ::new (raw) Block;
    block->refs.store(1, std::memory_order_relaxed);
    block->value_size = static_cast<std::uint32_t>(value.size());
    block->key_size = static_cast<std::uint16_t>(key.size());
    block->space_size = static_cast<std::uint16_t>(space.size() & 0x7fffU);
    block->extended = extra != nullptr ? 1 : 0;
    char* to = raw + sizeof(Block);
    if (extra != nullptr) {
      std::memcpy(to, extra, sizeof(BlockExtra));
      to += sizeof(BlockExtra);
    }
    for (const std::string_view part : {space, key, value}) {
      if (!part.empty()) std::memcpy(to, part.data(), part.size());
      to += part.size();
    }
    return block;
  }

  [[nodiscard]] const char* text() const noexcept {
    return reinterpret_cast<const char*>(this) + sizeof(Block) + (extended != 0 ? sizeof(BlockExtra) : 0);
  }
  [[nodiscard]] std::string_view space() const noexcept { return {text(), space_size}; }
  [[nodiscard]] std::string_view key() const noexcept { return {text() + space_size, key_size}; }
  [[nodiscard]] std::string_view value() const noexcept { return {text() + space_size + key_size, value_size}; }
  [[nodiscard]] BlockExtra extra() const noexcept {
    BlockExtra out;
    if (extended != 0) std::memcpy(&out, reinterpret_cast<const char*>(this) + sizeof(Block), sizeof out);
    return out;
  }

  /// Whether it is of this key; most keys are short, and then this calls nothing.
  [[nodiscard]] bool is(std::string_view of_space, std::string_view of_key) const noexcept {
    return key_size == of_key.size() && space_size == of_space.size() &&
           same(text() + space_size, of_key.data(), of_key.size()) &&
           (of_space.empty() || std::memcmp(text(), of_space.data(), of_space.size()) == 0);
  }
  /// Puts a value of the same size in the place of the old one. Only for whoever holds the one reference there is.
  void overwrite(std::string_view value) noexcept {
    if (!value.empty()) std::memcpy(const_cast<char*>(text()) + space_size + key_size, value.data(), value.size());
  }
  [[nodiscard]] bool held_once() const noexcept { return refs.load(std::memory_order_acquire) == 1; }

  void retain() noexcept { refs.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    // Most are held once when they go: no read-modify-write then.
    if (refs.load(std::memory_order_acquire) == 1 || refs.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      this->~Block();
      ::operator delete(static_cast<void*>(this));
    }
  }
};
static_assert(sizeof(Block) == 12);

}  // namespace detail

/// A value of a cache: bytes that never change, shared with the cache, so that a hit copies nothing. It stays valid whatever
/// becomes of the entry. Cheap to copy; any thread.
class Payload {
 public:
  Payload() noexcept = default;
  [[nodiscard]] static Payload copy_of(std::string_view bytes) { return Payload(detail::Block::make({}, {}, bytes)); }
  /// Takes over one reference.
  explicit Payload(detail::Block* block) noexcept : block_(block) {}
  Payload(const Payload& other) noexcept : block_(other.block_) {
    if (block_ != nullptr) block_->retain();
  }
  Payload(Payload&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Payload& operator=(Payload other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Payload() {
    if (block_ != nullptr) block_->release();
  }

  /// Gives the reference away.
  [[nodiscard]] detail::Block* leave() noexcept { return std::exchange(block_, nullptr); }

  [[nodiscard]] std::string_view view() const noexcept { return block_ == nullptr ? std::string_view() : block_->value(); }
  [[nodiscard]] std::size_t size() const noexcept { return block_ == nullptr ? 0 : block_->value_size; }

 private:
  detail::Block* block_ = nullptr;
};

}  // namespace spikard::cache
