#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/result.hpp"
#include "http/record.hpp"

namespace spikard::http {

/// Memory of one request: a RequestRecord in front, then the bytes as they came from the socket, then what parsing and the phases
/// append. Offsets in it are relative to the record, so a block moves by memcpy. Owned by a BlockPool; handled by pointer.
class Block {
 public:
  [[nodiscard]] RequestRecord& record() noexcept { return *reinterpret_cast<RequestRecord*>(base()); }
  [[nodiscard]] char* base() noexcept { return reinterpret_cast<char*>(this) + prefix; }
  /// Bytes from the record's start.
  [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }
  /// The block whose record this is.
  [[nodiscard]] static Block* of(const RequestRecord* record) noexcept {
    return reinterpret_cast<Block*>(const_cast<char*>(reinterpret_cast<const char*>(record)) - prefix);
  }
  static constexpr std::uint32_t first_byte = sizeof(RequestRecord);  ///< where the receive buffer begins

  bool held = false;  ///< lives on after its exchange (Server::hold)

 private:
  friend class BlockPool;
  static constexpr std::size_t prefix = 32;
  std::uint32_t capacity_ = 0;
  std::uint8_t size_class_ = 0;
  Block* next_ = nullptr;
};

/// Blocks of one server. Sizes 16 KiB, 64 KiB, 256 KiB and 1 MiB come from one mapping (`region`) and go to free lists; bigger
/// ones, and those that no longer fit, from malloc. Memory that was never used is not resident. One loop's.
class BlockPool {
 public:
  [[nodiscard]] static Result<std::unique_ptr<BlockPool>> create(std::size_t region_bytes = std::size_t{1} << 30);
  ~BlockPool();
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  /// At least `capacity` bytes, its record zeroed. Null when memory is short or `capacity` is above `max_capacity`.
  [[nodiscard]] Block* take(std::size_t capacity = 0) noexcept;
  void give(Block* block) noexcept;
  /// A bigger block with the first `used` bytes of `block`, which is given back. Null (and `block` untouched) when memory is
  /// short.
  [[nodiscard]] Block* grow(Block* block, std::size_t used, std::size_t capacity) noexcept;

  [[nodiscard]] std::pair<const void*, std::size_t> region() const noexcept { return {region_, region_bytes_}; }
  [[nodiscard]] std::size_t in_use() const noexcept { return in_use_; }
  static constexpr std::size_t max_capacity = std::size_t{0xfff00000};

 private:
  BlockPool() = default;
  static constexpr int classes = 4;
  static constexpr std::uint8_t outside = 0xff;
  char* region_ = nullptr;
  std::size_t region_bytes_ = 0;
  std::size_t carved_ = 0;
  std::size_t in_use_ = 0;
  Block* free_[classes] = {};
  unsigned free_count_[classes] = {};
};

}  // namespace spikard::http
