#pragma once

#include <mutex>
#include <vector>

#include "app/application.hpp"
#include "app/component.hpp"

namespace spikard::app {

/// HTTP as a component: every I/O unit's server, reached by posts to its loop. A host that does not poll (blocked in a handler) answers late or never; the
/// drain's deadlines cover that.
class HttpComponent final : public Component {
 public:
  explicit HttpComponent(Application& application) : application_(application) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "http"; }
  [[nodiscard]] Result<void> start() override { return {}; }
  [[nodiscard]] bool ready() const noexcept override;
  void stop_taking(Function<void()> done) override;
  void finish(Function<void()> idle) override;
  void cancel() override;
  void close(Function<void()> done) override;
  [[nodiscard]] Counts counts() const override;

  /// Any thread.
  void opened(IoUnit& unit);
  /// The unit's thread, before its server goes. Takes its counts over.
  void closing(IoUnit& unit);

 private:
  /// Runs `on_unit` on each unit's loop and `all` on the service loop after the last has called its `done`.
  void on_each(Function<void(IoUnit&, Function<void()> done)> on_unit, Function<void()> all);

  Application& application_;
  mutable std::mutex mutex_;
  std::vector<IoUnit*> units_;
  Counts gone_;  // of units that were closed
};

}  // namespace spikard::app
