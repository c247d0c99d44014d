#include "store/opening.hpp"

namespace spikard::store {

Error Opening::broken() const {
  const std::string_view why = inner_->failure();
  return Error(ErrorKind::unavailable, inner_->peer() + ": " + std::string(why.empty() ? "cannot be reached" : why));
}

Task<Result<void>> Opening::send(std::string bytes) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ::iovec part{bytes.data() + sent, bytes.size() - sent};
    const net::IoResult put = inner_->write(&part, 1);
    if (put.status == net::IoStatus::ok) {
      sent += put.bytes;
      continue;
    }
    if (put.status != net::IoStatus::would_block) co_return Result<void>(broken());
    Result<void> waited = co_await changed_.wait();
    if (!waited.ok()) co_return waited;
    changed_.reset();
  }
  co_return Result<void>();
}

Task<Result<std::string>> Opening::receive(std::size_t count) {
  std::string out(count, '\0');
  for (std::size_t had = 0; had < count;) {
    const net::IoResult got = inner_->read(out.data() + had, count - had);
    if (got.status == net::IoStatus::ok) {
      had += got.bytes;
      continue;
    }
    if (got.status != net::IoStatus::would_block) co_return Result<std::string>(broken());
    Result<void> waited = co_await changed_.wait();
    if (!waited.ok()) co_return Result<std::string>(std::move(waited).error());
    changed_.reset();
  }
  co_return Result<std::string>(std::move(out));
}

}  // namespace spikard::store
