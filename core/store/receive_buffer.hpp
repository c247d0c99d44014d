#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>

namespace spikard::store {

/// Received bytes that a protocol's reader cuts into messages. It grows with what has come, never with what a length announces.
class ReceiveBuffer {
 public:
  /// Room for `size` bytes or more; what was given out as views is gone.
  [[nodiscard]] char* room(std::size_t& size) {
    constexpr std::size_t least = 16384;
    if (begin_ == end_) begin_ = end_ = 0;
    const std::size_t held = end_ - begin_;
    const std::size_t want = std::max(least, std::min(wanted_ > held ? wanted_ - held : 0, std::max(held, least)));
    if (capacity_ - end_ < want) {
      if (held + want <= capacity_ && begin_ > 0) {
        std::memmove(bytes_.get(), bytes_.get() + begin_, held);
      } else {
        const std::size_t grown = std::max(held + want, capacity_ == 0 ? least : capacity_ * 2);
        auto bytes = std::make_unique_for_overwrite<char[]>(grown);
        if (held > 0) std::memcpy(bytes.get(), bytes_.get() + begin_, held);
        bytes_ = std::move(bytes);
        capacity_ = grown;
      }
      begin_ = 0;
      end_ = held;
    } else if (held == 0 && capacity_ > (std::size_t{1} << 20U)) {
      capacity_ = std::size_t{64} << 10U;  // what one large row took
      bytes_ = std::make_unique_for_overwrite<char[]>(capacity_);
    }
    size = capacity_ - end_;
    return bytes_.get() + end_;
  }
  void filled(std::size_t count) noexcept { end_ += count; }
  [[nodiscard]] std::size_t pending() const noexcept { return end_ - begin_; }

 protected:
  [[nodiscard]] const char* front() const noexcept { return bytes_.get() + begin_; }
  /// A message that is not whole yet: so many bytes from its start.
  void want(std::size_t bytes) noexcept { wanted_ = bytes; }
  void take(std::size_t bytes) noexcept {
    begin_ += bytes;
    wanted_ = 0;
  }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t wanted_ = 0;
};

}  // namespace spikard::store
