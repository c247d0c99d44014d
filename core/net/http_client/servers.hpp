#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/function.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "net/http_client/resolver.hpp"
#include "net/loop/loop.hpp"
#include "net/server.hpp"

namespace spikard::net {

/// The servers of one service on one loop, tried in turn. Outlives its tasks.
class Servers {
 public:
  Servers(Loop& loop, std::vector<Server> servers) : loop_(loop), resolver_(loop), servers_(std::move(servers)) {}

  [[nodiscard]] std::size_t size() const noexcept { return servers_.size(); }
  /// One more, unless it is known.
  void add(Server server);
  /// The first that `attempt` succeeds at, of all addresses of all servers, from the server behind the last one tried. `timeout`
  /// is shared by them: none but the last may use up the time of those behind it. Else the error at what was tried first, which
  /// says most: unavailable, under `operation`, where it did not answer; cancelled with the task.
  [[nodiscard]] Task<Result<void>> connect(Duration timeout, std::string_view operation,
                                           Function<Task<Result<void>>(Server, std::string)> attempt);

 private:
  Loop& loop_;
  Resolver resolver_;
  std::vector<Server> servers_;
  std::size_t next_ = 0;
};

}  // namespace spikard::net
