#include "app/worker_component.hpp"

#include <future>

namespace spikard::app {

WorkerComponent::~WorkerComponent() {
  if (worker_ != nullptr) worker_->abandon();  // the service thread has ended; after `close` nothing is left of it
}

Result<void> WorkerComponent::start() {
  std::promise<Result<void>> begun;
  application_.service_loop().post([&] { begun.set_value(begin()); });
  return begun.get_future().get();
}

Result<void> WorkerComponent::begin() {
  net::Loop& loop = application_.service_loop();
  Result<Parts> parts = make_(loop);
  if (!parts.ok()) return std::move(parts).error();
  parts_ = std::move(parts).value();
  worker_ = worker_loop::WorkerLoop::create(loop, *parts_.source, *parts_.sink, options_);
  parts_.sink->attach(worker_);
  worker_->start();
  return {};
}

void WorkerComponent::close(Function<void()> done) { worker_->close(std::move(done)); }

Counts WorkerComponent::counts() const {
  const worker_loop::WorkerCounts& c = worker_->counts();
  return {.finished = c.acked + c.failed, .handed_back = c.handed_back, .abandoned = c.abandoned, .in_flight = c.in_hand};
}

}  // namespace spikard::app
