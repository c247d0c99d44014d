#pragma once

#include <mutex>
#include <vector>

#include "base/function.hpp"
#include "net/loop/loop.hpp"

namespace spikard::app {

class IoUnit;

/// The open I/O units of an application: how components on the service loop reach what lives on the units' loops. Thread-safe. A
/// host that does not poll (blocked in a handler) answers late or never; the drain's deadlines cover that.
class IoUnits {
 public:
  void opened(IoUnit& unit);
  /// `last` takes the unit's counts over; nobody sees it in the list and in its successor's sum at once.
  void closing(IoUnit& unit, Function<void()> last);
  [[nodiscard]] bool empty() const noexcept;
  /// Runs `on_unit` on each unit's loop and `all` on the service loop after the last has called its `done`.
  void on_each(net::Loop& service, Function<void(IoUnit&, Function<void()> done)> on_unit, Function<void()> all);
  /// Calls `fn` with each unit under the lock; what it reads of them must be thread-safe.
  template <class F>
  void visit(F fn) const {
    const std::lock_guard lock(mutex_);
    fn(units_);
  }

 private:
  mutable std::mutex mutex_;
  std::vector<IoUnit*> units_;
};

}  // namespace spikard::app
