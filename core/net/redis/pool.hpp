#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "net/redis/client.hpp"

namespace spikard::net::redis {

/// One Client a loop, made when the loop first asks and closed before the loop goes. Thread-safe; keep it in a shared_ptr.
class Pool {
 public:
  explicit Pool(Options options);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// On the loop's thread. After `close` one that is closed.
  [[nodiscard]] std::shared_ptr<Client> on(Loop& loop);
  [[nodiscard]] const Options& options() const noexcept { return options_; }
  /// Closes every client, each on its loop (at once on this thread's). Any thread.
  void close();

 private:
  struct Seat;
  struct Shared;
  const Options options_;
  const std::shared_ptr<Shared> shared_;
};

}  // namespace spikard::net::redis
