#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "net/loop/loop.hpp"

namespace spikard::net {

/// Names to addresses by c-ares, on one loop, without a thread: a name server that does not answer costs a timer. Numeric
/// addresses and `localhost` need no server. Answers are kept for their TTL, at most a minute; failures are not kept.
class Resolver {
 public:
  explicit Resolver(Loop& loop);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Addresses for `net::connect`, best first, at least one. unavailable when the name cannot be found, cancelled with the task.
  [[nodiscard]] Task<Result<std::vector<std::string>>> resolve(std::string host, std::uint16_t port);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace spikard::net
