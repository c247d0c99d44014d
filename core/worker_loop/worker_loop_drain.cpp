// The drain of a WorkerLoop (DESIGN.md section 6).
#include <algorithm>

#include "worker_loop/worker_loop.hpp"

namespace spikard::worker_loop {
namespace {

/// Who asked first is told first.
Function<void()> both(Function<void()> first, Function<void()> then) {
  if (!first) return then;
  if (!then) return first;
  return [first = std::move(first), then = std::move(then)]() mutable {
    first();
    then();
  };
}

}  // namespace

void WorkerLoop::stop_taking(Function<void()> done) {
  stopping_ = true;
  stopped_ = both(std::move(stopped_), std::move(done));
  stop_pulling_.cancel(CancelReason::shutdown);
  std::vector<std::uint64_t> back(ready_.begin(), ready_.end());
  ready_.clear();
  for (const auto& [ticket, held] : held_) {
    if (held->place == Place::kept) back.push_back(ticket);
  }
  for (const std::uint64_t ticket : back) {
    const auto at = held_.find(ticket);
    if (at != held_.end() && at->second->place != Place::settling) hand_back(*at->second);
  }
  look();
}

void WorkerLoop::finish(Function<void()> idle) {
  idle_ = both(std::move(idle_), std::move(idle));
  look();
}

void WorkerLoop::cancel() {
  if (cancelled_ || dead_) return;
  cancelled_ = true;
  stopping_ = true;
  stop_pulling_.cancel(CancelReason::shutdown);
  ready_.clear();
  std::vector<std::uint64_t> order;
  order.reserve(held_.size());
  for (const auto& [ticket, held] : held_) order.push_back(ticket);
  std::sort(order.begin(), order.end());
  for (const std::uint64_t ticket : order) {
    Held& held = *held_.find(ticket)->second;
    if (held.place == Place::settling) continue;
    const bool running = held.place == Place::running;
    hand_back(held);
    if (running) cut(held, CancelReason::shutdown);
  }
  on_turn_end();  // in the same moment
}

void WorkerLoop::close(Function<void()> done) {
  cancel();
  closed_ = both(std::move(closed_), std::move(done));
  stop_all_.cancel(CancelReason::shutdown);
  look();
}

void WorkerLoop::abandon() {
  if (dead_) return;
  dead_ = true;
  stopping_ = true;
  lease_timer_.stop();
  for (const auto& [ticket, held] : held_) {
    if (held->place == Place::running) cut(*held, CancelReason::shutdown);
  }
  counts_.abandoned += held_.size();
  running_ = 0;
  ready_.clear();
  keys_.clear();
  tickets_.clear();
  settlements_.clear();
  held_.clear();
  stop_pulling_.cancel(CancelReason::shutdown);
  stop_all_.cancel(CancelReason::shutdown);
  look();
}

}  // namespace spikard::worker_loop
