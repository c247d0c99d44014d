#pragma once

#include <cstdint>

#include "base/clock.hpp"
#include "base/function.hpp"
#include "base/result.hpp"

namespace spikard::app {

struct SupervisorOptions {
  std::uint32_t workers = 1;
  Duration backoff_initial{std::chrono::milliseconds(100)};  ///< doubles for a worker that keeps dying young
  Duration backoff_max{std::chrono::seconds(5)};
  Duration young{std::chrono::seconds(5)};      ///< a life shorter than this counts as a failed start
  std::uint32_t give_up_after = 5;              ///< failed starts in a row, of one worker
  Duration deadline{std::chrono::seconds(25)};  ///< from the first signal on: then SIGKILL
};

struct Supervised {
  bool parent = false;       ///< true once in the parent, when every worker has ended
  std::uint32_t worker = 0;  ///< in a worker: its index
  int exit_code = 0;         ///< in the parent: 0 when every worker drained with 0
};

/// Forks `workers` processes. Returns in each of them at once, and in the parent when all have ended: until then it restarts
/// workers that die (with backoff), forwards SIGTERM and SIGINT (a second one too), and kills what is left after the deadline.
/// Call it while the process has one thread. `say(text)` logs, in the parent.
[[nodiscard]] Result<Supervised> supervise(const SupervisorOptions& options, Function<void(const std::string&)> say);

}  // namespace spikard::app
