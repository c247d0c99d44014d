#pragma once

#include <sys/socket.h>

#include <memory>
#include <string>

#include "net/transport.hpp"

namespace spikard::net::detail {

/// `127.0.0.1:8000`, `[::1]:8000`, `unix:/path` or `unix:`.
[[nodiscard]] std::string address_text(const ::sockaddr_storage& address, ::socklen_t length);
[[nodiscard]] Error socket_error(const char* what, const std::string& address);

/// Reads `host` (a name is resolved, blocking: start-up only) and `port`, or `unix:/path`.
[[nodiscard]] Result<std::pair<::sockaddr_storage, ::socklen_t>> read_address(const std::string& host, std::uint16_t port,
                                                                              bool names);

/// Takes over a connected (or connecting), non-blocking descriptor.
[[nodiscard]] std::unique_ptr<Transport> socket_transport(Loop& loop, int fd, std::string peer, bool connecting);

/// Accepts on a listening, non-blocking descriptor, which it owns.
[[nodiscard]] std::unique_ptr<Listener> socket_listener(int fd, std::string address);

}  // namespace spikard::net::detail
