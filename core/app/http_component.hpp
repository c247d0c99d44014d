#pragma once

#include "app/application.hpp"
#include "app/component.hpp"
#include "app/io_units.hpp"

namespace spikard::app {

/// HTTP as a component: every I/O unit's server.
class HttpComponent final : public Component {
 public:
  HttpComponent(Application& application, IoUnits& units) : application_(application), units_(units) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "http"; }
  [[nodiscard]] Result<void> start() override { return {}; }
  [[nodiscard]] bool ready() const noexcept override;
  void stop_taking(Function<void()> done) override;
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
