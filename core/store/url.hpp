#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace spikard::store {

/// `USER:PASSWORD@HOST:PORT,HOST2:PORT2/DATABASE?NAME=VALUE&...`: what stands behind the scheme of a server's URL, decoded.
struct ServerUrl {
  struct Host {
    std::string name;        ///< a name, an address, or a path
    std::uint16_t port = 0;  ///< 0: the usual one
  };
  std::optional<std::string> user;  ///< nothing where it is empty
  std::string password;
  std::vector<Host> hosts;  ///< as they stand there; an empty name is localhost
  std::string database;
  std::vector<std::pair<std::string, std::string>> options;

  /// Errors: invalid_argument, which repeats neither password nor value.
  [[nodiscard]] static Result<ServerUrl> parse(std::string_view behind_the_scheme);
  /// `HOST:PORT,[::1]:PORT`.
  [[nodiscard]] static Result<std::vector<Host>> parse_hosts(std::string_view list);
};

/// Whole seconds from 1 to 3600; nothing for anything else.
[[nodiscard]] std::optional<std::uint32_t> seconds_of(std::string_view text) noexcept;

}  // namespace spikard::store
