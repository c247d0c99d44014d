#include "app/http_component.hpp"

#include <atomic>

namespace spikard::app {

bool HttpComponent::ready() const noexcept { return !units_.empty(); }

void HttpComponent::closing(IoUnit& unit) {
  const http::ServerCounts counts = unit.server()->counts();
  gone_.finished += counts.finished;
  gone_.abandoned += counts.abandoned;
}

void HttpComponent::stop_taking(Function<void()> done) {
  units_.on_each(
      application_.service_loop(),
      [](IoUnit& unit, Function<void()> unit_done) {
        unit.server()->stop_accepting();
        unit_done();
      },
      std::move(done));
}

void HttpComponent::finish(Function<void()> idle) {
  units_.on_each(
      application_.service_loop(),
      [](IoUnit& unit, Function<void()> unit_done) {
        unit.server()->begin_drain();
        unit.server()->when_idle(std::move(unit_done));
      },
      std::move(idle));
}

void HttpComponent::cancel() {
  units_.on_each(
      application_.service_loop(),
      [](IoUnit& unit, Function<void()> unit_done) {
        unit.server()->cancel_all(CancelReason::shutdown);
        unit_done();
      },
      [] {});
}

void HttpComponent::close(Function<void()> done) {
  // Singletons once, on the first unit; then every connection.
  auto first = std::make_shared<std::atomic<bool>>(true);
  units_.on_each(
      application_.service_loop(),
      [first](IoUnit& unit, Function<void()> unit_done) {
        if (!first->exchange(false)) {
          unit_done();
          return;
        }
        unit.server()->dispose_singletons(std::move(unit_done));
      },
      [this, done = std::move(done)]() mutable {
        units_.on_each(
            application_.service_loop(),
            [](IoUnit& unit, Function<void()> unit_done) {
              unit.server()->close();
              unit_done();
            },
            std::move(done));
      });
}

Counts HttpComponent::counts() const {
  Counts sum;
  units_.visit([&](const std::vector<IoUnit*>& units) {
    sum = gone_;
    for (IoUnit* unit : units) {
      const http::ServerCounts c = unit->server()->counts();
      sum.finished += c.finished;
      sum.abandoned += c.abandoned;
      sum.in_flight += c.in_flight;
    }
  });
  return sum;
}

}  // namespace spikard::app
