#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "net/http_client/resolver.hpp"
#include "net/http_client/url.hpp"
#include "net/loop/loop.hpp"
#include "net/stream.hpp"
#include "net/tls.hpp"

namespace spikard::net::http {

struct DialOptions {
  DialOptions() = default;
  std::string ca{};    ///< PEM file of trusted roots; empty: the system's
  bool verify = true;  ///< chain and name; off only for tests
  std::vector<std::string> alpn{};
  Duration timeout = std::chrono::seconds(5);  ///< for all addresses of a name together
};

/// Connects to what a URL names: its name resolved, its addresses tried one after another, the TLS handshake done. One loop's.
/// Outlives its tasks.
class Dialer {
 public:
  Dialer(Loop& loop, DialOptions options) : loop_(loop), options_(std::move(options)), resolver_(loop) {}
  /// Errors: unavailable, which names the host; invalid_argument for a bad `ca`; cancelled.
  [[nodiscard]] Task<Result<std::unique_ptr<Stream>>> dial(Url url);

 private:
  [[nodiscard]] Result<std::shared_ptr<TlsContext>> tls();
  [[nodiscard]] Task<Result<std::unique_ptr<Stream>>> one(std::string address, const Url* url);

  Loop& loop_;
  const DialOptions options_;
  Resolver resolver_;
  std::shared_ptr<TlsContext> tls_;
};

}  // namespace spikard::net::http
