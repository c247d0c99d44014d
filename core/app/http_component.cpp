#include "app/http_component.hpp"

#include <algorithm>
#include <atomic>

namespace spikard::app {

bool HttpComponent::ready() const noexcept {
  const std::lock_guard lock(mutex_);
  return !units_.empty();
}

void HttpComponent::opened(IoUnit& unit) {
  const std::lock_guard lock(mutex_);
  units_.push_back(&unit);
}

void HttpComponent::closing(IoUnit& unit) {
  const http::ServerCounts counts = unit.server()->counts();
  const std::lock_guard lock(mutex_);
  std::erase(units_, &unit);
  gone_.finished += counts.finished;
  gone_.abandoned += counts.abandoned;
}

void HttpComponent::on_each(Function<void(IoUnit&, Function<void()> done)> on_unit, Function<void()> all) {
  struct Shared {
    Function<void(IoUnit&, Function<void()>)> on_unit;
    Function<void()> all;
    std::size_t left = 0;
    net::Loop* service = nullptr;
  };
  auto shared = std::make_shared<Shared>();
  shared->on_unit = std::move(on_unit);
  shared->all = std::move(all);
  shared->service = &application_.service_loop();
  const std::lock_guard lock(mutex_);
  shared->left = units_.size();
  if (units_.empty()) {
    shared->service->post([shared] { shared->all(); });
    return;
  }
  for (IoUnit* unit : units_) {
    // A unit closed in the meantime destroys the post with its loop: the ticket then counts it as done.
    struct Ticket {
      std::shared_ptr<Shared> shared;
      explicit Ticket(std::shared_ptr<Shared> s) : shared(std::move(s)) {}
      Ticket(Ticket&&) noexcept = default;
      Ticket& operator=(Ticket&&) noexcept = default;
      ~Ticket() { finish(); }
      void finish() {
        if (shared == nullptr) return;
        net::Loop* service = shared->service;
        service->post([s = std::move(shared)] {
          if (--s->left == 0) s->all();
        });
      }
    };
    unit->loop().post([unit, ticket = Ticket(shared)]() mutable {
      auto& s = *ticket.shared;
      s.on_unit(*unit, [t = std::make_shared<Ticket>(std::move(ticket))] { t->finish(); });
    });
  }
}

void HttpComponent::stop_taking(Function<void()> done) {
  on_each(
      [](IoUnit& unit, Function<void()> unit_done) {
        unit.server()->stop_accepting();
        unit_done();
      },
      std::move(done));
}

void HttpComponent::finish(Function<void()> idle) {
  on_each(
      [](IoUnit& unit, Function<void()> unit_done) {
        unit.server()->begin_drain();
        unit.server()->when_idle(std::move(unit_done));
      },
      std::move(idle));
}

void HttpComponent::cancel() {
  on_each(
      [](IoUnit& unit, Function<void()> unit_done) {
        unit.server()->cancel_all(CancelReason::shutdown);
        unit_done();
      },
      [] {});
}

void HttpComponent::close(Function<void()> done) {
  // Singletons once, on the first unit; then every connection.
  auto first = std::make_shared<std::atomic<bool>>(true);
  on_each(
      [first](IoUnit& unit, Function<void()> unit_done) {
        if (!first->exchange(false)) {
          unit_done();
          return;
        }
        unit.server()->dispose_singletons(std::move(unit_done));
      },
      [this, done = std::move(done)]() mutable {
        on_each(
            [](IoUnit& unit, Function<void()> unit_done) {
              unit.server()->close();
              unit_done();
            },
            std::move(done));
      });
}

Counts HttpComponent::counts() const {
  const std::lock_guard lock(mutex_);
  Counts sum = gone_;
  for (const IoUnit* unit : units_) {
    const http::ServerCounts c = unit->server_->counts();
    sum.finished += c.finished;
    sum.abandoned += c.abandoned;
    sum.in_flight += c.in_flight;
  }
  return sum;
}

}  // namespace spikard::app
