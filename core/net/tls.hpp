#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/transport.hpp"

namespace spikard::net {

enum class TlsVersion : std::uint8_t { v1_2, v1_3 };

struct TlsServerOptions {
  std::string certificate;  ///< PEM file: the certificate, then its chain
  std::string key;          ///< PEM file
  std::vector<std::string>
      alpn{};  ///< offered protocols, best first; a client that offers only others is refused (RFC 7301, 3.2)
  TlsVersion min_version = TlsVersion::v1_2;
};

struct TlsClientOptions {
  std::string ca{};  ///< PEM file of trusted roots; empty: the system's
  std::vector<std::string> alpn{};
  bool verify = true;  ///< chain and name; off only for tests
  TlsVersion min_version = TlsVersion::v1_2;
  TlsVersion max_version = TlsVersion::v1_3;
  bool verify_name = true;    ///< false: any name that the chain of trust vouches for
  std::string certificate{};  ///< PEM file of the client's own certificate and its chain, with `key`; empty: none
  std::string key{};
};

/// Certificates and settings of one side, for any number of connections on any thread. Kept alive by its connections.
class TlsContext : public std::enable_shared_from_this<TlsContext> {
 public:
  /// Errors: invalid_argument naming the file and why.
  [[nodiscard]] static Result<std::shared_ptr<TlsContext>> server(TlsServerOptions options);
  [[nodiscard]] static Result<std::shared_ptr<TlsContext>> client(TlsClientOptions options);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  /// Reads the files again, for handshakes that begin after it; connections go on with what they have. When it fails everything
  /// stays as it was. Any thread.
  [[nodiscard]] Result<void> reload();

  /// TLS over a transport that is not started. The handshake runs by itself from start() on: the handler is first told when it is
  /// over (then `alpn()` is set), or when it failed (reads say `error`, `failure()` says why). A time-out on it is the owner's.
  /// `loop` is the inner transport's. `server_name` is what a client asks for and checks: a DNS name or an IP address.
  [[nodiscard]] Result<std::unique_ptr<Transport>> wrap(Loop& loop, std::unique_ptr<Transport> inner,
                                                        const std::string& server_name = {});

 private:
  struct Impl;
  explicit TlsContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Hands out TLS transports of what `inner` accepts.
[[nodiscard]] std::unique_ptr<Listener> tls_listener(std::unique_ptr<Listener> inner, std::shared_ptr<TlsContext> context);

}  // namespace spikard::net
