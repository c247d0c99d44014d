#include "net/server.hpp"

#include <charconv>
#include <system_error>

namespace spikard::net {

Result<Server> Server::parse(std::string_view text, std::uint16_t default_port) {
  const auto bad = [] { return invalid_argument("url: server: expected HOST or HOST:PORT, separated by commas"); };
  Server out;
  out.port = default_port;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return bad();
    out.host = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    if (!text.empty() && (text.front() != ':' || text.size() == 1)) return bad();
    port = text.empty() ? text : text.substr(1);
  } else {
    const std::size_t colon = text.find(':');
    out.host = text.substr(0, colon);
    if (colon != std::string_view::npos) {
      port = text.substr(colon + 1);
      if (port.empty()) return bad();
    }
  }
  if (out.host.empty() || out.host.find_first_of("/@ ") != std::string::npos) return bad();
  if (!port.empty()) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (error != std::errc() || end != port.data() + port.size() || out.port == 0) return bad();
  }
  return out;
}

std::string Server::text() const {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

}  // namespace spikard::net
