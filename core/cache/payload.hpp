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
