#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace spikard::net {

/// One of the servers that a URL names.
struct Server {
  std::string host{};
  std::uint16_t port = 0;

  /// `HOST`, `HOST:PORT` or `[IPV6]:PORT`. invalid_argument that says `url: server: expected ...`.
  [[nodiscard]] static Result<Server> parse(std::string_view text, std::uint16_t default_port);
  [[nodiscard]] std::string text() const;
  friend bool operator==(const Server&, const Server&) = default;
};

}  // namespace spikard::net
