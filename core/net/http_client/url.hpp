#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace spikard::net::http {

/// `http://host[:port][/path][?query]` or `https:`. A fragment is dropped; user information is refused (headers carry secrets).
struct Url {
  bool tls = false;
  std::string host;  ///< in lower case, IPv6 addresses without brackets
  std::uint16_t port = 0;
  std::string target;  ///< what a request line has: path and query, at least `/`

  /// invalid_argument, which never repeats what may be a secret.
  [[nodiscard]] static Result<Url> parse(std::string_view text);
  /// `host`, or `host:port` where it is not the scheme's; IPv6 in brackets.
  [[nodiscard]] std::string authority() const;
};

}  // namespace spikard::net::http
