#pragma once

#include <cstdint>
#include <string_view>

#include "base/function.hpp"
#include "base/result.hpp"

namespace spikard::app {

/// What became of the work a component had in hand when the drain began, and after.
struct Counts {
  std::uint64_t finished = 0;     ///< since start-up
  std::uint64_t handed_back = 0;  ///< given back to its source without using up a try
  std::uint64_t abandoned = 0;    ///< neither: cut off
  std::uint64_t in_flight = 0;
};

/// One kind of work the application hosts: HTTP, a consumer group, a worker pool, a scheduler. The application starts components
/// in order and drains them together (DESIGN.md section 6). Every call but `start` is made on the service loop's thread, and so
/// is every callback.
class Component {
 public:
  virtual ~Component() = default;
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  /// On the thread that starts the application. An error stops the start-up; what was started before is closed again.
  [[nodiscard]] virtual Result<void> start() = 0;
  /// False keeps `/readyz` at 503.
  [[nodiscard]] virtual bool ready() const noexcept { return true; }
  /// Phase 2: take no new work. `done` when none can come any more.
  virtual void stop_taking(Function<void()> done) = 0;
  /// Phase 3: `idle` once nothing is in hand any more, at once if so; it may come during phase 4 and 5 as well.
  virtual void finish(Function<void()> idle) = 0;
  /// Phases 4 and 5: fire the tokens, hand back what is not finished. Answers that come later are ignored.
  virtual void cancel() = 0;
  /// Phase 6: close connections and pools. After it nothing of the component runs.
  virtual void close(Function<void()> done) = 0;
  [[nodiscard]] virtual Counts counts() const = 0;
};

}  // namespace spikard::app
