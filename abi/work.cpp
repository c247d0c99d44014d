#include "work.hpp"

#include <algorithm>

#include "port.hpp"

namespace spikard::abi {

void Ports::opened(Port& port) {
  const std::lock_guard lock(mutex_);
  ports_.push_back(&port);
  for (; !waiting_.empty(); waiting_.pop_front()) post(std::move(waiting_.front()));
}

void Ports::closing(Port& port) {
  const std::lock_guard lock(mutex_);
  std::erase(ports_, &port);
}

void Ports::post_to_least(Function<void(Port&)> fn) {
  const std::lock_guard lock(mutex_);
  if (ports_.empty()) waiting_.push_back(std::move(fn));
  else post(std::move(fn));
}

// Under the lock, so that the port cannot go between the choice and the post.
void Ports::post(Function<void(Port&)> fn) {
  Port* const least = *std::min_element(ports_.begin(), ports_.end(), [](Port* a, Port* b) { return a->owed() < b->owed(); });
  least->post(std::move(fn));
}

void Ports::post_to(Port* port, Function<void(Port&)> fn) {
  const std::lock_guard lock(mutex_);
  if (std::find(ports_.begin(), ports_.end(), port) != ports_.end()) port->post(std::move(fn));
}

Delivery::~Delivery() {
  if (!finished_) finish(worker_loop::Outcome::nack(true));
}

void Delivery::finish(worker_loop::Outcome outcome) {
  finished_ = true;
  if (const auto worker = worker_.lock()) worker->complete(ticket_, std::move(outcome));
}

void PortSink::on_work(std::uint64_t ticket, std::shared_ptr<const worker_loop::WorkItem> item) {
  auto delivery = std::make_unique<Delivery>(worker_, ticket, std::move(item));
  delivery->origin = origin_;
  {
    const std::lock_guard lock(places_->mutex);
    places_->by_ticket.emplace(ticket, Place{});
  }
  ports_->post_to_least([places = places_, ticket, delivery = std::move(delivery)](Port& port) mutable {
    {
      const std::lock_guard lock(places->mutex);
      const auto at = places->by_ticket.find(ticket);
      if (at->second.cancelled) {  // nobody waits for it any more
        places->by_ticket.erase(at);
        return;
      }
    }
    const std::uint64_t id = port.deliver(std::move(delivery), [places, ticket] {
      const std::lock_guard lock(places->mutex);
      places->by_ticket.erase(ticket);
    });
    const std::lock_guard lock(places->mutex);
    places->by_ticket[ticket] = {&port, id, false};
  });
}

void PortSink::on_cancel(std::uint64_t ticket, CancelReason reason) {
  Place place;
  {
    const std::lock_guard lock(places_->mutex);
    const auto at = places_->by_ticket.find(ticket);
    if (at == places_->by_ticket.end()) return;  // answered already
    at->second.cancelled = true;
    place = at->second;
  }
  if (place.port != nullptr)
    ports_->post_to(place.port, [id = place.id, reason](Port& port) { port.cancel_delivery(id, reason); });
}

}  // namespace spikard::abi
