#include "app/background_component.hpp"

namespace spikard::app {

void BackgroundComponent::finish(Function<void()> idle) {
  units_.on_each(
      application_.service_loop(),
      [](IoUnit& unit, Function<void()> unit_done) { unit.background().finish(std::move(unit_done)); }, std::move(idle));
}

void BackgroundComponent::cancel() {
  units_.on_each(
      application_.service_loop(),
      [](IoUnit& unit, Function<void()> unit_done) {
        unit.background().cancel();
        unit_done();
      },
      [] {});
}

void BackgroundComponent::close(Function<void()> done) {
  units_.on_each(
      application_.service_loop(),
      [](IoUnit& unit, Function<void()> unit_done) { unit.background().close(std::move(unit_done)); }, std::move(done));
}

void BackgroundComponent::closing(IoUnit& unit) {
  const worker_loop::BackgroundCounts counts = unit.background().counts();
  gone_.finished += counts.finished + counts.failed;
  gone_.abandoned += counts.abandoned;
}

Counts BackgroundComponent::counts() const {
  Counts sum;
  units_.visit([&](const std::vector<IoUnit*>& units) {
    sum = gone_;
    for (IoUnit* unit : units) {
      const worker_loop::BackgroundCounts c = unit->background().counts();
      sum.finished += c.finished + c.failed;
      sum.abandoned += c.abandoned;
      sum.in_flight += c.in_flight;
    }
  });
  return sum;
}

}  // namespace spikard::app
