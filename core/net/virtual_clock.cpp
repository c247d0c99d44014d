#include "net/virtual_clock.hpp"

#include <algorithm>
#include <thread>

#include "base/assert.hpp"
#include "net/loop/loop.hpp"
#include "net/loop/virtual_timers.hpp"

namespace spikard::net {
namespace {
// Not zero, so that "an hour ago" is a valid Instant.
constexpr std::int64_t beginning_ns = std::int64_t{1'000'000} * 1'000'000'000;
}  // namespace

VirtualClock::VirtualClock(WallTime start) : now_ns_(beginning_ns), start_(start), zero_(Duration(beginning_ns)) {}
VirtualClock::~VirtualClock() = default;

Instant VirtualClock::now() const noexcept { return Instant(Duration(now_ns_.load(std::memory_order_acquire))); }
WallTime VirtualClock::wall() const noexcept { return start_ + (now() - zero_); }

void VirtualClock::idle() noexcept {
  if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) consider();
}

void VirtualClock::advance(Duration by, Function<void()> done) {
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(Request{.by = std::max(by, Duration::zero()), .until = {}, .begun = false, .done = std::move(done)});
  }
  consider();
}

detail::VirtualTimers* VirtualClock::earliest() const {
  detail::VirtualTimers* best = nullptr;
  for (detail::VirtualTimers* timers : loops_) {
    if (!timers->empty() && (best == nullptr || timers->first() < best->first())) best = timers;
  }
  return best;
}

bool VirtualClock::has_work() const {
  if (!requests_.empty()) return true;
  const detail::VirtualTimers* first = earliest();
  return first != nullptr && first->first().first <= now();
}

// A loop's thread outside a turn may be in the middle of something (a batch of commands that ends one thing and begins the next),
// so the decision is left to the end of that loop's next turn.
void VirtualClock::consider() {
  {
    const std::lock_guard lock(mutex_);
    if (busy_.load(std::memory_order_acquire) != 0 || !has_work()) return;
    detail::VirtualTimers* mine = nullptr;
    const auto self = std::this_thread::get_id();
    for (detail::VirtualTimers* timers : loops_) {
      if (timers->thread.load(std::memory_order_relaxed) != self) continue;
      mine = timers;
      if (timers->in_turn.load(std::memory_order_relaxed)) {
        mine = nullptr;
        break;
      }
    }
    if (mine != nullptr) {
      mine->loop.wake();
      return;
    }
  }
  step();
}

void VirtualClock::step() {
  for (;;) {
    Function<void()> done;
    {
      const std::lock_guard lock(mutex_);
      if (busy_.load(std::memory_order_acquire) != 0) return;
      if (!requests_.empty() && !requests_.front().begun) {
        requests_.front().begun = true;
        requests_.front().until = now() + requests_.front().by;
      }
      const Instant limit = requests_.empty() ? now() : requests_.front().until;
      if (detail::VirtualTimers* first = earliest(); first != nullptr && first->first().first <= limit) {
        now_ns_.store(std::max(now(), first->first().first).time_since_epoch().count(), std::memory_order_release);
        // Under the mutex, because a loop takes itself off the list under it before it goes.
        first->loop.post([first] { first->fire_first(); });
        return;
      }
      if (requests_.empty()) return;
      now_ns_.store(limit.time_since_epoch().count(), std::memory_order_release);
      done = std::move(requests_.front().done);
      requests_.pop_front();
      busy();  // nothing else is decided while `done` runs
    }
    if (done) done();
    if (busy_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  }
}

namespace detail {

VirtualTimers::VirtualTimers(VirtualClock& clock, Loop& of) : loop(of), clock_(clock) {
  const std::lock_guard lock(clock_.mutex_);
  clock_.loops_.push_back(this);
}

VirtualTimers::~VirtualTimers() { detach(); }

void VirtualTimers::detach() {
  const std::lock_guard lock(clock_.mutex_);
  std::erase(clock_.loops_, this);
}

void VirtualTimers::insert(Timer& timer) {
  bool due = false;
  {
    const std::lock_guard lock(clock_.mutex_);
    timer.tick_ = ++clock_.sequence_;
    timer.armed_ = true;
    timers_.emplace(std::pair(timer.when_, timer.tick_), &timer);
    due = timer.when_ <= clock_.now();
  }
  if (due) clock_.consider();
}

void VirtualTimers::remove(Timer& timer) {
  const std::lock_guard lock(clock_.mutex_);
  timers_.erase(std::pair(timer.when_, timer.tick_));
  timer.armed_ = false;
}

bool VirtualTimers::fire_first() {
  Timer* timer = nullptr;
  {
    const std::lock_guard lock(clock_.mutex_);
    if (timers_.empty() || timers_.begin()->first.first > clock_.now()) return false;
    timer = timers_.begin()->second;
    timers_.erase(timers_.begin());
    timer->armed_ = false;
  }
  firing_ = timer;
  Function<void()> fn = std::move(timer->fn_);  // the callback may destroy its timer
  fn();
  if (firing_ == timer) timer->fn_ = std::move(fn);
  firing_ = nullptr;
  return true;
}

}  // namespace detail
}  // namespace spikard::net
