#pragma once

#include "app/application.hpp"
#include "app/component.hpp"
#include "app/io_units.hpp"

namespace spikard::app {

/// In-process background tasks (`ctx.background`, `background.run`) as a component: every I/O unit's `worker_loop::Background`.
class BackgroundComponent final : public Component {
 public:
  BackgroundComponent(Application& application, IoUnits& units) : application_(application), units_(units) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "background"; }
  [[nodiscard]] Result<void> start() override { return {}; }
  // Requests in hand may still start tasks, so nothing is refused before `cancel`; the drain asks again when both are idle.
  void stop_taking(Function<void()> done) override { done(); }
  void finish(Function<void()> idle) override;
  void cancel() override;
  void close(Function<void()> done) override;
  [[nodiscard]] Counts counts() const override;

  /// Takes a unit's counts over, under the units' lock.
  void closing(IoUnit& unit);

 private:
  Application& application_;
  IoUnits& units_;
  Counts gone_;  // of units that were closed
};

}  // namespace spikard::app
