#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace spikard::store::mysql {

/// Where a database is and how to connect, from a URL:
/// `mysql://user:password@host:port,host2/database?ssl-mode=verify_identity&...`
/// (`mariadb://` is the same), with the names that the clients of MySQL have.
struct Options {
  enum class Ssl : std::uint8_t { disabled, preferred, required, verify_ca, verify_identity };
  struct Host {
    std::string name;  ///< a name, an address, or the path of a UNIX socket
    std::uint16_t port = 3306;
    [[nodiscard]] bool is_unix() const noexcept { return name.starts_with('/'); }
  };

  std::vector<Host> hosts;  ///< tried in this order, at least one
  std::string user = "root";
  std::string password;
  std::string database;
  Ssl ssl = Ssl::preferred;
  std::string ca;  ///< PEM file; empty: the system's roots
  std::string certificate;
  std::string key;
  Duration connect_timeout = std::chrono::seconds(5);

  /// Errors: invalid_argument, which never repeats the password.
  [[nodiscard]] static Result<Options> from_url(std::string_view url);
  /// The same for all URLs that mean the same tables; holds no password.
  [[nodiscard]] std::string id() const;
};

}  // namespace spikard::store::mysql
