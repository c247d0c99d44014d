#pragma once

#include <atomic>
#include <deque>
#include <mutex>
#include <vector>

#include "base/clock.hpp"
#include "base/function.hpp"

namespace spikard::net {

class Loop;
namespace detail {
class VirtualTimers;
}

/// The one clock of an application under test, for all its loops. It moves only by `advance`, and only when nothing is left to do
/// at the present time: it counts what is not at rest (turns in progress, posts, queued turn ends, blocking jobs, and whatever
/// takes a `Busy`), and at zero it fires the earliest due timer of any loop, alone, and waits for zero again. Timers that are due
/// now need no `advance`.
///
/// Thread-safe. Outlives its loops. A loop that has been turned must go on being turned (by its thread or the host), or the clock
/// waits for it.
class VirtualClock final : public Clock {
 public:
  /// `start` is the civil time at the beginning.
  explicit VirtualClock(WallTime start = WallTime{std::chrono::seconds(1767225600)});  // 2026-01-01T00:00:00Z
  ~VirtualClock() override;
  VirtualClock(const VirtualClock&) = delete;
  VirtualClock& operator=(const VirtualClock&) = delete;

  [[nodiscard]] Instant now() const noexcept override;
  [[nodiscard]] WallTime wall() const noexcept override;
  [[nodiscard]] bool is_virtual() const noexcept override { return true; }

  /// Something is not at rest until the matching `idle`: an event that a handler owes, a job on another thread. A handler that
  /// starts a wait of the core's (a timer) calls idle, and busy again when the wait ends.
  void busy() noexcept { busy_.fetch_add(1, std::memory_order_acq_rel); }
  void idle() noexcept;

  /// Moves the time by `by` once everything before it in the queue is done, firing every timer that comes due on the way (those
  /// at its end included), each followed by all it causes. Then calls `done`, on whatever thread finished last: post to your
  /// loop.
  void advance(Duration by, Function<void()> done);
  /// `advance` by nothing: `done` when all that can run at this time has run to its next wait.
  void settle(Function<void()> done) { advance(Duration::zero(), std::move(done)); }

  /// How much is not at rest, for diagnosis.
  [[nodiscard]] std::int64_t busy_count() const noexcept { return busy_.load(std::memory_order_acquire); }

 private:
  friend class Loop;
  friend class detail::VirtualTimers;
  struct Request {
    Duration by;
    Instant until{};
    bool begun = false;
    Function<void()> done;
  };
  void consider();
  void step();
  [[nodiscard]] detail::VirtualTimers* earliest() const;
  [[nodiscard]] bool has_work() const;

  std::atomic<std::int64_t> busy_{0};
  std::atomic<std::int64_t> now_ns_;
  const WallTime start_;
  const Instant zero_;
  std::mutex mutex_;
  std::vector<detail::VirtualTimers*> loops_;
  std::deque<Request> requests_;
  std::uint64_t sequence_ = 0;
};

/// Keeps a clock busy for a scope; does nothing for a real clock.
class Busy {
 public:
  explicit Busy(Clock& clock) noexcept : clock_(clock.is_virtual() ? static_cast<VirtualClock*>(&clock) : nullptr) {
    if (clock_ != nullptr) clock_->busy();
  }
  Busy(Busy&& other) noexcept : clock_(std::exchange(other.clock_, nullptr)) {}
  Busy& operator=(Busy&&) = delete;
  ~Busy() {
    if (clock_ != nullptr) clock_->idle();
  }

 private:
  VirtualClock* clock_;
};

}  // namespace spikard::net
