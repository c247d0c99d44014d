#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/loop/loop.hpp"

namespace spikard::net {

enum class IoStatus : std::uint8_t {
  ok,           ///< `bytes` > 0
  would_block,  ///< wait for on_io
  eof,          ///< the peer ended its side in order
  error,        ///< broken (reset, TLS failure): close it
};
struct IoResult {
  IoStatus status;
  std::size_t bytes = 0;
};

/// A connected byte stream of one loop: TCP, UNIX socket, TLS over either, or an in-memory pair. Non-blocking and edge-triggered:
/// after `would_block`, or after a read that filled less than its room, the handler's `on_io` is called when it makes sense to
/// try again: a short read means drained, on every transport, so a second read for EAGAIN is never needed (an end of stream
/// behind the last bytes is told by another on_io). Likewise a short write means full. Protocols know only this interface.
class Transport {
 public:
  virtual ~Transport() = default;

  /// Who to tell. Set once, before the first read; the handler outlives the transport or calls close().
  [[nodiscard]] virtual Result<void> start(IoHandler* handler) = 0;
  [[nodiscard]] virtual IoResult read(void* into, std::size_t room) = 0;
  [[nodiscard]] virtual IoResult write(const ::iovec* parts, int count) = 0;
  /// Ends the writing side (FIN, close_notify).
  virtual void shutdown_write() = 0;
  /// At once; idempotent. With `reset`, a TCP peer sees RST. No on_io after it.
  virtual void close(bool reset = false) = 0;

  /// `127.0.0.1:4711`, `[::1]:4711`, `unix:`, `memory:`.
  [[nodiscard]] virtual const std::string& peer() const noexcept = 0;
  /// The protocol ALPN chose, or empty.
  [[nodiscard]] virtual std::string_view alpn() const noexcept { return {}; }
  [[nodiscard]] virtual bool encrypted() const noexcept { return false; }
  /// False while bytes that `write` took still wait inside (TLS, a slow peer): close() would lose them, shutdown_write() would
  /// not. on_io tells when they are out.
  [[nodiscard]] virtual bool flushed() const noexcept { return true; }
  /// Why a read or write said `error`, for logs; empty where nothing but "reset" is known.
  [[nodiscard]] virtual std::string_view failure() const noexcept { return {}; }
};

/// Accepts on one loop and hands out connected transports that are not started. Not destroyed from inside `Accept`; close() may
/// be called there.
class Listener {
 public:
  virtual ~Listener() = default;
  using Accept = Function<void(std::unique_ptr<Transport>)>;
  [[nodiscard]] virtual Result<void> start(Loop& loop, Accept accept) = 0;
  /// Accepts until EAGAIN, then closes the listening socket (drain, phase 2).
  virtual void drain() = 0;
  virtual void close() = 0;
  /// `http://127.0.0.1:8000` style address without scheme: `127.0.0.1:8000`.
  [[nodiscard]] virtual std::string address() const = 0;
};

struct ListenOptions {
  std::string address = "127.0.0.1";  ///< IPv4, IPv6, or `unix:/path`
  std::uint16_t port = 0;             ///< 0: the system chooses
  bool reuse_port = true;
  int backlog = 1024;
};

/// An address reserved before any worker exists: bound, not listening. Port 0 is resolved here. Every `listen` binds another
/// socket to the same address by SO_REUSEPORT, so that each loop accepts its own.
class ReservedAddress {
 public:
  [[nodiscard]] static Result<ReservedAddress> reserve(const ListenOptions& options);
  ReservedAddress(ReservedAddress&& other) noexcept;
  ReservedAddress& operator=(ReservedAddress&& other) noexcept;
  ~ReservedAddress();
  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] Result<std::unique_ptr<Listener>> listen() const;

 private:
  ReservedAddress() = default;
  void release() noexcept;
  ListenOptions options_;
  std::string address_;
  std::uint16_t port_ = 0;
  int fd_ = -1;
  int owner_ = 0;  // the process that bound a UNIX path and so removes it
};

/// Begins to connect to `127.0.0.1:8000`, `[::1]:8000` or `unix:/path` (no names: resolve first). The result is a transport whose
/// reads and writes would block until on_io; a refused connection shows as `error` there.
[[nodiscard]] Result<std::unique_ptr<Transport>> connect(Loop& loop, const std::string& address);

struct MemoryPair {
  std::unique_ptr<Transport> a;
  std::unique_ptr<Transport> b;
};
/// Two ends of a stream inside one loop; `capacity` bytes each way, then writes block.
[[nodiscard]] MemoryPair memory_pair(Loop& loop, std::size_t capacity = 65536);

}  // namespace spikard::net
