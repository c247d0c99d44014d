#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace spikard::store::postgres {

/// Where a database is and how to connect, from a URL as libpq has them:
/// `postgres://user:password@host:port,host2:port2/database?sslmode=verify-full&sslrootcert=FILE&...`.
struct Options {
  enum class Ssl : std::uint8_t { disable, prefer, require, verify_ca, verify_full };
  enum class Target : std::uint8_t { any, read_write, read_only, primary, standby, prefer_standby };
  struct Host {
    std::string name;  ///< a name, an address, or the folder of a UNIX socket
    std::uint16_t port = 5432;
    [[nodiscard]] bool is_unix() const noexcept { return name.starts_with('/'); }
  };

  std::vector<Host> hosts;  ///< tried in this order, at least one
  std::string user = "postgres";
  std::string password;
  std::string database;
  Ssl ssl = Ssl::prefer;
  std::string ca;  ///< PEM file; empty: the system's roots
  std::string certificate;
  std::string key;
  Target target = Target::any;
  std::string application_name = "spikard";
  std::string startup_options;  ///< `-c search_path=...`
  Duration connect_timeout = std::chrono::seconds(5);
  bool prepared = true;  ///< false: no statement has a name (`prepared=false`), as poolers in transaction mode want it

  /// Errors: invalid_argument, which never repeats the password.
  [[nodiscard]] static Result<Options> from_url(std::string_view url);
  /// The same for all URLs that mean the same tables; holds no password.
  [[nodiscard]] std::string id() const;
};

}  // namespace spikard::store::postgres
