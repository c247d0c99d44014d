#pragma once

#include <Python.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace spikard::py {

/// Growing bytes for what is submitted. Growth may fail: then `failed` stays set, writes go nowhere, and MemoryError is for the
/// caller to raise.
class Buffer {
 public:
  Buffer() noexcept = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { PyMem_RawFree(data_); }

  [[nodiscard]] char* data() noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// A cleared buffer gives back what a rare big answer made it grow to.
  void clear() noexcept {
    size_ = 0;
    if (capacity_ > keep) {
      PyMem_RawFree(data_);
      data_ = nullptr;
      capacity_ = 0;
    }
  }
  void truncate(std::size_t size) noexcept { size_ = size; }

  /// Room for `n` bytes behind the end, or null.
  char* reserve(std::size_t n) noexcept {
    if (size_ + n > capacity_ && !grow(n)) return nullptr;
    return data_ + size_;
  }
  void advance(std::size_t n) noexcept { size_ += n; }
  bool append(const void* bytes, std::size_t n) noexcept {
    if (n == 0) return true;
    char* to = reserve(n);
    if (to == nullptr) return false;
    std::memcpy(to, bytes, n);
    size_ += n;
    return true;
  }
  bool append(std::string_view text) noexcept { return append(text.data(), text.size()); }
  bool put(char c) noexcept {
    char* to = reserve(1);
    if (to == nullptr) return false;
    *to = c;
    ++size_;
    return true;
  }
  bool align(std::size_t to) noexcept {
    while (size_ % to != 0) {
      if (!put('\0')) return false;
    }
    return true;
  }

 private:
  static constexpr std::size_t keep = 1U << 20;
  bool grow(std::size_t n) noexcept {
    std::size_t capacity = capacity_ < 4096 ? 4096 : capacity_ * 2;
    while (capacity < size_ + n) capacity *= 2;
    void* data = PyMem_RawRealloc(data_, capacity);
    if (data == nullptr) {
      PyErr_NoMemory();
      return false;
    }
    data_ = static_cast<char*>(data);
    capacity_ = capacity;
    return true;
  }
  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace spikard::py
