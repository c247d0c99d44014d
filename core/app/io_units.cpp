#include "app/io_units.hpp"

#include <algorithm>
#include <memory>

#include "app/application.hpp"

namespace spikard::app {

void IoUnits::opened(IoUnit& unit) {
  const std::lock_guard lock(mutex_);
  units_.push_back(&unit);
}

void IoUnits::closing(IoUnit& unit, Function<void()> last) {
  const std::lock_guard lock(mutex_);
  if (std::erase(units_, &unit) != 0) last();
}

bool IoUnits::empty() const noexcept {
  const std::lock_guard lock(mutex_);
  return units_.empty();
}

void IoUnits::on_each(net::Loop& service, Function<void(IoUnit&, Function<void()> done)> on_unit, Function<void()> all) {
  struct Shared {
    Function<void(IoUnit&, Function<void()>)> on_unit;
    Function<void()> all;
    std::size_t left = 0;
    net::Loop* service = nullptr;
  };
  auto shared = std::make_shared<Shared>();
  shared->on_unit = std::move(on_unit);
  shared->all = std::move(all);
  shared->service = &service;
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

}  // namespace spikard::app
