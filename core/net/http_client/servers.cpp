#include "net/http_client/servers.hpp"

#include <algorithm>
#include <optional>

#include "net/await.hpp"

namespace spikard::net {

void Servers::add(Server server) {
  if (std::find(servers_.begin(), servers_.end(), server) == servers_.end()) servers_.push_back(std::move(server));
}

Task<Result<void>> Servers::connect(Duration timeout, std::string_view operation,
                                    Function<Task<Result<void>>(Server, std::string)> attempt) {
  std::optional<Error> first;
  const std::size_t count = servers_.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Server server = servers_[next_++ % servers_.size()];
    Result<std::vector<std::string>> addresses = co_await resolver_.resolve(server.host, server.port);
    if (!addresses.ok()) {
      if (addresses.error().kind() == ErrorKind::cancelled) co_return std::move(addresses).error();
      if (!first) first = std::move(addresses).error();
      continue;
    }
    const Duration each = timeout / static_cast<long>(count * addresses->size());
    for (std::string& address : *addresses) {
      Task<Result<void>> trying = attempt(server, std::move(address));
      Result<void> up = co_await with_deadline(loop_, each, std::move(trying));
      if (up.ok() || up.error().kind() == ErrorKind::cancelled) co_return up;
      if (first) continue;
      if (up.error().kind() == ErrorKind::timeout)
        first = Error(ErrorKind::unavailable, server.text() + " does not answer").with_operation(std::string(operation));
      else first = std::move(up).error();
    }
  }
  co_return std::move(*first);
}

}  // namespace spikard::net
