#include "net/stream.hpp"

#include <sys/uio.h>

#include <utility>

namespace spikard::net {

void Stream::on_io(std::uint32_t) {
  changed_.set();
  if (on_change_) on_change_();  // last: it may destroy this
}

IoStatus Stream::peek() {
  if (peeked_) return IoStatus::ok;
  char first = 0;
  const IoResult got = transport_->read(&first, 1);
  if (got.status == IoStatus::ok) peeked_ = first;
  return got.status;
}

IoResult Stream::try_read(void* into, std::size_t room) {
  if (!peeked_ || room == 0) return transport_->read(into, room);
  *static_cast<char*>(into) = *std::exchange(peeked_, std::nullopt);
  if (room == 1) return {IoStatus::ok, 1};
  const IoResult more = transport_->read(static_cast<char*>(into) + 1, room - 1);
  if (more.status == IoStatus::ok) return {IoStatus::ok, more.bytes + 1};
  if (more.status != IoStatus::would_block) changed_.set();  // the end behind it is told by no other on_io
  return {IoStatus::ok, 1};
}

IoResult Stream::try_write(std::string_view bytes) {
  const ::iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  return transport_->write(&part, 1);
}

Error Stream::broken() const {
  const std::string_view why = transport_->failure();
  return Error(ErrorKind::unavailable,
               "the connection to " + transport_->peer() + " broke" + (why.empty() ? "" : ": ") + std::string(why))
      .with_operation("net.stream");
}

Task<Result<void>> Stream::wait() {
  Result<void> waited = co_await changed_.wait();
  changed_.reset();
  co_return waited;
}

Task<Result<std::size_t>> Stream::read(void* into, std::size_t room) {
  for (;;) {
    const IoResult got = try_read(into, room);
    if (got.status == IoStatus::ok) co_return Result<std::size_t>(got.bytes);
    if (got.status == IoStatus::eof) co_return Result<std::size_t>(std::size_t{0});
    if (got.status == IoStatus::error) co_return Result<std::size_t>(broken());
    Result<void> waited = co_await wait();
    if (!waited.ok()) co_return Result<std::size_t>(std::move(waited).error());
  }
}

Task<Result<void>> Stream::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const IoResult put = try_write(bytes);
    if (put.status == IoStatus::error || put.status == IoStatus::eof) co_return Result<void>(broken());
    if (put.status == IoStatus::ok) bytes.remove_prefix(put.bytes);
    if (bytes.empty()) break;
    if (put.status == IoStatus::ok && put.bytes > 0) continue;  // a short write would block next
    Result<void> waited = co_await wait();
    if (!waited.ok()) co_return waited;
  }
  co_return Result<void>();
}

}  // namespace spikard::net
