#include "cache/flights.hpp"

#include <algorithm>

namespace spikard::cache {

struct Flights::Seat::State {
  explicit State(net::Loop& of_loop) : loop(&of_loop), event(of_loop) {}
  net::Loop* loop;
  net::Event event;  // on its loop only
  // Under the flights' lock:
  bool waiting = false;
  std::uint64_t flight = 0;  // the one it waits for
  Arrival arrival{};
};

Flights::Seat::Seat(Flights& flights, net::Loop& loop) : flights_(flights), state_(std::make_shared<State>(loop)) {}
Flights::Seat::~Seat() { flights_.leave(state_); }

void Flights::wake(const std::shared_ptr<Seat::State>& seat) {
  seat->waiting = false;
  // Its loop is there: the task that waits lives on it, and leaves under the lock that is held now.
  seat->loop->post([seat] { seat->event.set(); });
}

void Flights::unseat(Active& flight, const std::shared_ptr<Seat::State>& seat) {
  seat->waiting = false;
  std::erase(flight.seats, seat);
}

void Flights::lead(Table::iterator at, LoadTerms terms) {
  Active& flight = at->second;
  if (flight.id != 0) by_id_.erase(flight.id);
  flight.id = ++last_id_;
  flight.terms = std::move(terms);
  flight.late = clock_.now() + flight.terms.load_timeout;
  flight.superseded = false;
  for (const auto& seat : flight.seats) seat->flight = flight.id;
  by_id_.emplace(flight.id, at);
}

std::optional<Flights::Begun> Flights::begin(Key key, const LoadTerms& terms, Seat* seat) {
  Function<void()> abandon;  // of a late loader
  Begun begun;
  {
    const std::lock_guard lock(mutex_);
    auto at = active_.find(key);
    if (seat != nullptr && seat->state_->waiting && at != active_.end()) unseat(at->second, seat->state_);
    if (at == active_.end()) {
      at = active_.emplace(Name(std::string(key.space), std::string(key.name)), Active{}).first;
      count_.store(active_.size(), std::memory_order_release);
    } else if (clock_.now() < at->second.late) {
      if (seat == nullptr) return std::nullopt;
      take(at->second, seat->state_);
      begun.late = at->second.late;
      return begun;
    } else {
      abandon = std::move(at->second.abandon);
    }
    lead(at, terms);
    begun.lead = at->second.id;
    begun.late = at->second.late;
  }
  if (abandon) abandon();
  return begun;
}

void Flights::take(Active& flight, const std::shared_ptr<Seat::State>& seat) {
  seat->waiting = true;
  seat->flight = flight.id;
  seat->arrival = Arrival{};
  flight.seats.push_back(seat);
}

void Flights::sit(std::uint64_t flight, Seat& seat, Function<void()> abandon) {
  const std::lock_guard lock(mutex_);
  const auto at = by_id_.find(flight);
  if (at == by_id_.end()) return;
  Active& active = at->second->second;
  take(active, seat.state_);
  active.abandon = std::move(abandon);
}

std::optional<Flights::Arrival> Flights::look(Seat& seat) {
  const std::lock_guard lock(mutex_);
  Seat::State& state = *seat.state_;
  if (state.waiting || (state.arrival.lead == 0 && !state.arrival.loaded)) return std::nullopt;
  return std::exchange(state.arrival, Arrival{});
}

Task<Result<void>> Flights::wait(Seat& seat) {
  const std::shared_ptr<Seat::State> state = seat.state_;
  Result<void> waited = co_await state->event.wait();
  state->event.reset();
  co_return waited;
}

std::optional<Flights::Flight> Flights::flight(std::uint64_t id) const {
  const std::lock_guard lock(mutex_);
  const auto at = by_id_.find(id);
  if (at == by_id_.end()) return std::nullopt;
  const auto& [name, active] = *at->second;
  return Flight{name.first, name.second, active.terms, active.superseded, active.late};
}

void Flights::land(std::uint64_t id, const Loaded& outcome) {
  Function<void()> abandon;
  const std::lock_guard lock(mutex_);
  const auto at = by_id_.find(id);
  if (at == by_id_.end()) return;
  const Table::iterator flight = at->second;
  for (const auto& seat : flight->second.seats) {
    seat->arrival.loaded = outcome;
    wake(seat);
  }
  abandon = std::move(flight->second.abandon);
  by_id_.erase(at);
  active_.erase(flight);
  count_.store(active_.size(), std::memory_order_release);
}

/// The loader is gone: the first who waits is the next, or it is over.
void Flights::hand_on(Table::iterator at, Function<void()>& abandon) {
  Active& flight = at->second;
  abandon = std::move(flight.abandon);
  if (flight.seats.empty()) {
    by_id_.erase(flight.id);
    active_.erase(at);
    count_.store(active_.size(), std::memory_order_release);
    return;
  }
  const std::shared_ptr<Seat::State> next = flight.seats.front();
  flight.seats.erase(flight.seats.begin());
  lead(at, std::move(flight.terms));
  next->arrival.lead = flight.id;
  wake(next);
}

void Flights::give_up(std::uint64_t id) {
  Function<void()> abandon;
  const std::lock_guard lock(mutex_);
  const auto at = by_id_.find(id);
  if (at != by_id_.end()) hand_on(at->second, abandon);
}

void Flights::leave(const std::shared_ptr<Seat::State>& seat) {
  Function<void()> abandon;
  {
    const std::lock_guard lock(mutex_);
    const std::uint64_t led = std::exchange(seat->arrival.lead, 0);
    if (led != 0) {  // it was made the loader and never knew
      const auto at = by_id_.find(led);
      if (at != by_id_.end()) hand_on(at->second, abandon);
      return;
    }
    if (!seat->waiting) return;
    seat->waiting = false;
    const auto at = by_id_.find(seat->flight);
    if (at == by_id_.end()) return;
    Active& flight = at->second->second;
    std::erase(flight.seats, seat);
    if (!flight.seats.empty()) return;
    abandon = std::move(flight.abandon);
  }
  if (abandon) abandon();
}

void Flights::supersede(Key key) {
  if (count_.load(std::memory_order_acquire) == 0) return;
  const std::lock_guard lock(mutex_);
  const auto at = active_.find(key);
  if (at != active_.end()) at->second.superseded = true;
}

void Flights::supersede_space(std::string_view space) {
  if (count_.load(std::memory_order_acquire) == 0) return;
  const std::lock_guard lock(mutex_);
  for (auto& [name, flight] : active_) flight.superseded = flight.superseded || name.first == space;
}

void Flights::supersede_tags(std::span<const std::string> tags) {
  if (count_.load(std::memory_order_acquire) == 0) return;
  const std::lock_guard lock(mutex_);
  for (auto& [name, flight] : active_) {
    for (const std::string& tag : flight.terms.tags) {
      if (std::find(tags.begin(), tags.end(), tag) != tags.end()) flight.superseded = true;
    }
  }
}

}  // namespace spikard::cache
