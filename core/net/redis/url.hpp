#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace spikard::net::redis {

/// Where a server listens: host and port, or a UNIX socket.
struct Endpoint {
  Endpoint() = default;
  Endpoint(std::string of_host, std::uint16_t of_port) : host(std::move(of_host)), port(of_port) {}
  std::string host;
  std::uint16_t port = 0;
  std::string path;  ///< of a UNIX socket; then there is no host
  /// `host:port`, IPv6 in brackets, or `unix:PATH`.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool operator==(const Endpoint& other) const = default;
};

enum class Topology : std::uint8_t { single, sentinel, cluster };

/// How to reach a Redis, and how to treat it. Plain data, from a URL:
///
///     redis://[user:password@]host[:6379][/db][?option=value&...]
///     redis+unix://[user:password@]/path/of/socket[?db=1]         unix:/path
///     redis+sentinel://[user:password@]host[:26379],host.../master[/db]
///     redis+cluster://[user:password@]host[:6379],host...
///
/// `rediss` in the place of `redis` is TLS. User, password and names may have %-escapes. Options:
///
/// | option | default | |
/// | --- | --- | --- |
/// | `timeout_ms` | 5000 | the longest a command takes; then the connection is given up |
/// | `connect_timeout_ms` | 5000 | of one attempt, with TLS and login |
/// | `wait_ms` | 1000 | the longest a command waits for a connection |
/// | `max_waiting` | 65536 | commands on one connection without an answer; more are refused (rate_limited) |
/// | `max_waiting_bytes` | 67108864 | not yet sent on one connection |
/// | `protocol` | 3 | 2: RESP2 only (no tracking) |
/// | `client_name` | as the user of the client says | for CLIENT LIST; no blanks |
/// | `db` | 0 | where the path has no place for it |
/// | `tls_ca` | the system's | PEM file of trusted roots |
/// | `tls_verify` | true | false: any certificate; for tests only |
/// | `sentinel_auth` | none | `same`: user and password go to the sentinels as well |
struct Options {
  Options() = default;
  Topology topology = Topology::single;
  std::vector<Endpoint> endpoints{};  ///< one, or where to begin
  std::string master{};               ///< the sentinels' name of it
  std::string user{};
  std::string password{};
  bool sentinel_auth = false;
  std::uint32_t database = 0;
  bool tls = false;
  std::string tls_ca{};
  bool tls_verify = true;
  int protocol = 3;
  std::string client_name{};
  Duration timeout = std::chrono::seconds(5);
  Duration connect_timeout = std::chrono::seconds(5);
  Duration wait = std::chrono::seconds(1);
  Duration backoff_min = std::chrono::milliseconds(20);
  Duration backoff_max = std::chrono::seconds(2);
  std::size_t max_waiting = 65536;
  std::size_t max_waiting_bytes = 64U << 20U;
  /// Options that belong to the user of the client.
  std::map<std::string, std::string, std::less<>> extra{};

  /// `extra` names the options that are allowed beside those above. invalid_argument says what is wrong with which part, and
  /// never repeats the URL.
  [[nodiscard]] static Result<Options> parse(std::string_view url, std::span<const std::string_view> extra = {});
  /// The extra option `prefix`, which names of keys begin with: 1 to 256 bytes without braces (invalid_argument), else `usual`.
  [[nodiscard]] Result<std::string> prefix(std::string_view usual) const;
};

/// Whether the scheme is one of the above.
[[nodiscard]] bool is_scheme(std::string_view scheme) noexcept;

}  // namespace spikard::net::redis
