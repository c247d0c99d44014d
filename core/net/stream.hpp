#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/task.hpp"
#include "net/await.hpp"
#include "net/transport.hpp"

namespace spikard::net {

/// A transport whose reads and writes are awaited: for clients. One task at a time; cancelled with that task's token.
class Stream final : private IoHandler {
 public:
  Stream(Loop& loop, std::unique_ptr<Transport> transport) noexcept : transport_(std::move(transport)), changed_(loop) {}
  ~Stream() { close(); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  [[nodiscard]] Result<void> start() { return transport_->start(this); }
  /// Now, without waiting.
  [[nodiscard]] IoResult try_read(void* into, std::size_t room);
  /// Whether it is open: `ok` where a byte is there already (the next read has it), `would_block`, `eof` or `error`.
  [[nodiscard]] IoStatus peek();
  [[nodiscard]] IoResult try_write(std::string_view bytes);
  /// Until something may have changed since the last try: then try again.
  [[nodiscard]] Task<Result<void>> wait();
  /// Bytes that came, 0 at the end of the stream. unavailable when it is broken.
  [[nodiscard]] Task<Result<std::size_t>> read(void* into, std::size_t room);
  /// All of it.
  [[nodiscard]] Task<Result<void>> write(std::string_view bytes);
  void close(bool reset = false) { transport_->close(reset); }

  [[nodiscard]] Transport& transport() noexcept { return *transport_; }
  /// `unavailable`, with the reason where the transport knows one.
  [[nodiscard]] Error broken() const;
  /// Called (also) whenever something may have changed; null for none. For who watches an idle stream.
  void on_change(Function<void()> fn) { on_change_ = std::move(fn); }

 private:
  void on_io(std::uint32_t events) override;

  std::unique_ptr<Transport> transport_;
  Event changed_;
  Function<void()> on_change_;
  std::optional<char> peeked_;
};

}  // namespace spikard::net
