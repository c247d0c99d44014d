#include <sys/epoll.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "net/transport.hpp"

namespace spikard::net {
namespace {

/// One direction: what was written and not read yet.
struct Pipe {
  explicit Pipe(std::size_t capacity) : bytes(std::make_unique<char[]>(capacity)), room(capacity) {}
  std::unique_ptr<char[]> bytes;
  std::size_t room;
  std::size_t first = 0;
  std::size_t used = 0;
  bool ended = false;   // no more will be written
  bool broken = false;  // the reader is gone, or the writer reset it

  std::size_t put(const char* data, std::size_t length) {
    length = std::min(length, room - used);
    const std::size_t at = (first + used) % room;
    const std::size_t head = std::min(length, room - at);
    std::memcpy(bytes.get() + at, data, head);
    std::memcpy(bytes.get(), data + head, length - head);
    used += length;
    return length;
  }
  std::size_t take(char* into, std::size_t length) {
    length = std::min(length, used);
    const std::size_t head = std::min(length, room - first);
    std::memcpy(into, bytes.get() + first, head);
    std::memcpy(into + head, bytes.get(), length - head);
    first = (first + length) % room;
    used -= length;
    return length;
  }
};

class MemoryEnd final : public Transport, private Deferred {
 public:
  MemoryEnd(Loop& loop, std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out)
      : loop_(loop), in_(std::move(in)), out_(std::move(out)) {}
  ~MemoryEnd() { close(false); }

  void join(MemoryEnd* other) noexcept { other_ = other; }

  Result<void> start(IoHandler* handler) override {
    handler_ = handler;
    tell(EPOLLOUT | (in_->used > 0 ? EPOLLIN : 0U) | (in_->ended ? EPOLLIN | EPOLLRDHUP : 0U));
    return {};
  }

  IoResult read(void* into, std::size_t room) override {
    if (closed_ || in_->broken) return {IoStatus::error};
    const bool was_full = in_->used == in_->room;
    const std::size_t got = in_->take(static_cast<char*>(into), room);
    if (got == 0) return {in_->ended && room > 0 ? IoStatus::eof : IoStatus::would_block};
    if (was_full && other_ != nullptr) other_->tell(EPOLLOUT);
    if (in_->ended && got < room) tell(EPOLLIN | EPOLLRDHUP);
    return {IoStatus::ok, got};
  }

  IoResult write(const ::iovec* parts, int count) override {
    if (closed_ || out_->broken || out_->ended) return {IoStatus::error};
    std::size_t put = 0;
    std::size_t asked = 0;
    for (int i = 0; i < count; ++i) {
      asked += parts[i].iov_len;
      put += out_->put(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
      if (put < asked) break;
    }
    if (put == 0 && asked > 0) return {IoStatus::would_block};
    if (other_ != nullptr && put > 0) other_->tell(EPOLLIN);
    return {IoStatus::ok, put};
  }

  void shutdown_write() override {
    if (closed_ || out_->ended) return;
    out_->ended = true;
    if (other_ != nullptr) other_->tell(EPOLLIN | EPOLLRDHUP);
  }

  void close(bool reset) override {
    if (closed_) return;
    closed_ = true;
    cancel_deferred();
    in_->broken = true;
    out_->ended = true;
    if (reset) out_->broken = true;
    if (other_ != nullptr) {
      other_->other_ = nullptr;
      other_->tell(EPOLLIN | EPOLLRDHUP | EPOLLOUT | (reset ? EPOLLHUP | EPOLLERR : 0U));
    }
    other_ = nullptr;
  }

  const std::string& peer() const noexcept override { return peer_; }

 private:
  void tell(std::uint32_t events) {
    if (closed_ || handler_ == nullptr) return;
    events_ |= events;
    loop_.defer(*this);
  }
  void on_deferred() override { handler_->on_io(std::exchange(events_, 0)); }

  Loop& loop_;
  std::shared_ptr<Pipe> in_;
  std::shared_ptr<Pipe> out_;
  MemoryEnd* other_ = nullptr;
  IoHandler* handler_ = nullptr;
  std::uint32_t events_ = 0;
  bool closed_ = false;
  std::string peer_ = "memory:";
};

}  // namespace

MemoryPair memory_pair(Loop& loop, std::size_t capacity) {
  auto there = std::make_shared<Pipe>(std::max<std::size_t>(capacity, 1));
  auto back = std::make_shared<Pipe>(std::max<std::size_t>(capacity, 1));
  auto a = std::make_unique<MemoryEnd>(loop, back, there);
  auto b = std::make_unique<MemoryEnd>(loop, there, back);
  a->join(b.get());
  b->join(a.get());
  return {std::move(a), std::move(b)};
}

}  // namespace spikard::net
