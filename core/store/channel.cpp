#include "store/channel.hpp"

#include <sys/epoll.h>
#include <sys/uio.h>

#include <utility>

namespace spikard::store {

void Channel::resume() noexcept {
  if (waiting_) std::exchange(waiting_, {}).resume();
}

void Channel::breaks(bool reset) noexcept {
  broken_ = true;
  transport_->close(reset);
  if (waiting_) wake_.tell();
}

bool Channel::pump() {
  if (broken_) return true;
  while (sent_ < out_.size()) {
    const ::iovec part{out_.data() + sent_, out_.size() - sent_};
    const net::IoResult put = transport_->write(&part, 1);
    if (put.status == net::IoStatus::would_block) break;
    if (put.status != net::IoStatus::ok) {
      // What the server said before it closed is still to be read.
      sent_ = out_.size();
      break;
    }
    sent_ += put.bytes;
  }
  if (sent_ == out_.size() && !out_.empty()) {
    out_.clear();
    sent_ = 0;
    if (out_.capacity() > (std::size_t{1} << 20U)) out_.shrink_to_fit();
  }
  if (drained_) return false;
  std::size_t size = 0;
  char* into = in_.room(size);
  const net::IoResult got = transport_->read(into, size);
  switch (got.status) {
    case net::IoStatus::ok:
      in_.filled(got.bytes);
      drained_ = got.bytes < size;
      return true;
    case net::IoStatus::would_block: drained_ = true; return false;
    default: {
      const std::string_view why = transport_->failure();
      on_lost(why.empty() ? std::string_view("the connection was lost") : why);
      return true;
    }
  }
}

void Channel::on_io(std::uint32_t events) {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) drained_ = false;
  if (waiting_) {
    if (pump()) resume();  // may destroy this
    return;
  }
  on_unasked();
}

}  // namespace spikard::store
