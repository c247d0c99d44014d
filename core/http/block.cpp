#include "http/block.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define SPIKARD_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SPIKARD_ASAN 1
#endif
#endif
#ifdef SPIKARD_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace spikard::http {
namespace {

constexpr std::size_t class_bytes(int size_class) noexcept { return std::size_t{16384} << (2 * size_class); }
/// Free big blocks beyond this many give their pages back.
constexpr unsigned warm_blocks = 8;

#ifdef SPIKARD_ASAN
void poison(void* at, std::size_t n) noexcept { ASAN_POISON_MEMORY_REGION(at, n); }
void unpoison(void* at, std::size_t n) noexcept { ASAN_UNPOISON_MEMORY_REGION(at, n); }
#else
void poison(void*, std::size_t) noexcept {}
void unpoison(void*, std::size_t) noexcept {}
#endif

}  // namespace

Result<std::unique_ptr<BlockPool>> BlockPool::create(std::size_t region_bytes) {
  std::unique_ptr<BlockPool> pool(new BlockPool);
  void* at = ::mmap(nullptr, region_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  while (at == MAP_FAILED && region_bytes > (std::size_t{1} << 20)) {  // an address-space limit: take what there is
    region_bytes /= 2;
    at = ::mmap(nullptr, region_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  }
  if (at == MAP_FAILED) return Error(ErrorKind::unavailable, "no memory for request records");
  pool->region_ = static_cast<char*>(at);
  pool->region_bytes_ = region_bytes;
  return pool;
}

BlockPool::~BlockPool() {
  if (region_ != nullptr) {
    unpoison(region_, carved_);
    ::munmap(region_, region_bytes_);
  }
}

Block* BlockPool::take(std::size_t capacity) noexcept {
  if (capacity > max_capacity) return nullptr;
  const std::size_t bytes = capacity + Block::prefix;
  Block* block = nullptr;
  for (int c = 0; c < classes && block == nullptr; ++c) {
    if (bytes > class_bytes(c)) continue;
    if (free_[c] != nullptr) {
      block = free_[c];
      unpoison(block, class_bytes(c));
      free_[c] = block->next_;
      --free_count_[c];
    } else if (region_bytes_ - carved_ >= class_bytes(c)) {
      block = ::new (static_cast<void*>(region_ + carved_)) Block;
      carved_ += class_bytes(c);
    } else {
      break;
    }
    block->capacity_ = static_cast<std::uint32_t>(class_bytes(c) - Block::prefix);
    block->size_class_ = static_cast<std::uint8_t>(c);
  }
  if (block == nullptr) {
    const std::size_t rounded = (bytes + 4095) & ~std::size_t{4095};
    void* at = std::malloc(rounded);
    if (at == nullptr) return nullptr;
    block = ::new (at) Block;
    block->capacity_ = static_cast<std::uint32_t>(rounded - Block::prefix);
    block->size_class_ = outside;
  }
  block->next_ = nullptr;
  block->held = false;
  ::new (static_cast<void*>(block->base())) RequestRecord;
  ++in_use_;
  return block;
}

void BlockPool::give(Block* block) noexcept {
  --in_use_;
  if (block->size_class_ == outside) {
    std::free(static_cast<void*>(block));
    return;
  }
  const int c = block->size_class_;
  if (c >= 2 && free_count_[c] >= warm_blocks) {
    ::madvise(reinterpret_cast<char*>(block) + 4096, class_bytes(c) - 4096, MADV_DONTNEED);
  }
  block->next_ = free_[c];
  free_[c] = block;
  ++free_count_[c];
  poison(block, class_bytes(c));
}

Block* BlockPool::grow(Block* block, std::size_t used, std::size_t capacity) noexcept {
  Block* bigger = take(capacity);
  if (bigger == nullptr) return nullptr;
  std::memcpy(static_cast<void*>(bigger->base()), block->base(), used);
  bigger->held = block->held;
  give(block);
  return bigger;
}

}  // namespace spikard::http
