#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "base/cancel.hpp"
#include "base/clock.hpp"
#include "base/function.hpp"
#include "base/result.hpp"
#include "base/task.hpp"

namespace spikard::net {

class Loop;
namespace detail {
class TimerWheel;
class VirtualTimers;
}  // namespace detail

/// What a watched descriptor calls. The object must outlive its watch; `Loop::unwatch` may be called from anywhere on the loop's
/// thread, also from inside another handler of the same turn: a handler is never called after it.
class IoHandler {
 public:
  /// `events` as in epoll (EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR, EPOLLRDHUP).
  virtual void on_io(std::uint32_t events) = 0;

 protected:
  ~IoHandler() = default;
};

/// Runs `fn` when its time has come, on the loop's thread. One-shot; may be started again from inside `fn`. Its destructor stops
/// it. Resolution 1 ms, never early (counted from `Loop::now()`). start/stop are O(1) and make no system call unless the loop is
/// watched by its descriptor and its next time moves forward. `fn` may destroy its own Timer.
class Timer {
 public:
  Timer(Loop& loop, Function<void()> fn);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void start(Duration after);
  void start_at(Instant when);
  void stop();
  [[nodiscard]] bool armed() const noexcept { return armed_; }
  [[nodiscard]] Instant when() const noexcept { return when_; }

 private:
  friend class detail::TimerWheel;
  friend class detail::VirtualTimers;
  Loop* loop_;
  Function<void()> fn_;
  Instant when_{};
  Timer* next_ = nullptr;
  Timer** prev_ = nullptr;
  std::uint64_t tick_ = 0;  // wheel: the millisecond it is due; virtual clock: its place among those of the same time
  std::uint16_t slot_ = 0;
  bool armed_ = false;
};

namespace detail {
/// A place in one of the loop's intrusive lists.
struct Link {
  Link* next = nullptr;
  Link* prev = nullptr;
  [[nodiscard]] bool linked() const noexcept { return next != nullptr; }
  void unlink() noexcept {
    if (next == nullptr) return;
    next->prev = prev;
    prev->next = next;
    next = prev = nullptr;
  }
};
}  // namespace detail

/// Called once at the end of the turn in which it was queued (`Loop::at_turn_end`): the write phase. Intrusive and idempotent.
/// One queued while turn ends run waits for the next turn.
class TurnEnd : private detail::Link {
 public:
  virtual void on_turn_end() = 0;

 protected:
  TurnEnd() = default;
  TurnEnd(const TurnEnd&) = delete;
  TurnEnd& operator=(const TurnEnd&) = delete;
  ~TurnEnd() { unlink(); }

 private:
  friend class Loop;
};

/// Called once with the I/O handlers of the next turn (`Loop::defer`): readiness that no descriptor tells, such as bytes in an
/// in-memory pair or inside a TLS session. Intrusive and idempotent.
class Deferred : private detail::Link {
 public:
  virtual void on_deferred() = 0;

 protected:
  Deferred() = default;
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;
  ~Deferred() { unlink(); }
  void cancel_deferred() noexcept { unlink(); }

 private:
  friend class Loop;
};

/// Lives on a loop and may not outlive it (the connections of a client that others keep): called once, on the thread that
/// destroys the loop, while all of the loop is still there.
class LoopEnd : private detail::Link {
 public:
  virtual void on_loop_end() = 0;

 protected:
  LoopEnd() = default;
  LoopEnd(const LoopEnd&) = delete;
  LoopEnd& operator=(const LoopEnd&) = delete;
  ~LoopEnd() { unlink(); }
  void cancel_loop_end() noexcept { unlink(); }

 private:
  friend class Loop;
};

/// One thread's event loop (epoll, one timer wheel behind one timerfd, an MPSC post queue behind one eventfd). It has a
/// descriptor, so a host's loop can watch it. Nothing here is thread-safe except `post`, `stop` and `wake`.
///
/// A turn: wait → I/O handlers (at most 64 ready descriptors) → posts → timers → turn ends (writes). What handlers post or queue
/// for themselves waits for the next turn. Handlers never throw. A turn makes one system call (epoll_wait) when only I/O
/// happened, and reads the clock once (twice when it waits).
class Loop {
 public:
  /// `clock` outlives the loop. With a virtual clock timers fire only as it is advanced.
  [[nodiscard]] static Result<std::unique_ptr<Loop>> create(Clock& clock);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Readable (level) whenever `turn(0)` would do something. Call it on the loop's thread; from then on the loop keeps its
  /// timerfd armed.
  [[nodiscard]] int fd() const noexcept;
  /// One turn; waits at most `timeout_ms` (0: not at all, -1: until something happens). Returns how many handlers, posts and
  /// timers ran.
  int turn(int timeout_ms);
  /// Turns until `stop`.
  void run();
  void stop();  ///< any thread
  void wake();  ///< any thread: ends a wait
  /// Any thread. Runs on the loop's thread, in the order of one poster's calls. Work posted to a loop that is never turned again
  /// is destroyed with it.
  void post(Function<void()> fn);
  /// For those who may outlive the loop (a job on another thread): its post does nothing, but to destroy `fn`, once the loop is
  /// gone.
  class Mailbox;
  [[nodiscard]] const std::shared_ptr<Mailbox>& mailbox() const noexcept;

  /// Registers edge-triggered unless `events` says otherwise (pass EPOLLET yourself).
  [[nodiscard]] Result<void> watch(int fd, std::uint32_t events, IoHandler* handler);
  [[nodiscard]] Result<void> rewatch(int fd, std::uint32_t events, IoHandler* handler);
  void unwatch(int fd, IoHandler* handler);
  /// Like unwatch for a descriptor that the caller closes next: the close takes it out of epoll, without a system call of its
  /// own.
  void forget(int fd, IoHandler* handler);
  void at_turn_end(TurnEnd& hook);
  void defer(Deferred& hook);
  void at_end(LoopEnd& hook);

  /// The time at the start of this turn (cheap); a virtual clock's time is exact.
  [[nodiscard]] Instant now() const noexcept;
  [[nodiscard]] Clock& clock() const noexcept;
  /// True on the thread that is turning it now (or turned it last).
  [[nodiscard]] bool on_thread() const noexcept;

 private:
  friend class Timer;
  friend class VirtualClock;
  Loop();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class Loop::Mailbox {
 public:
  explicit Mailbox(Loop* loop) noexcept : loop_(loop) {}
  /// Any thread.
  void post(Function<void()> fn);

 private:
  friend class Loop;
  std::mutex mutex_;
  Loop* loop_;
};

/// Waits `after` on the loop's clock. Returns cancelled if the awaiting task's token fires first.
[[nodiscard]] Task<Result<void>> sleep(Loop& loop, Duration after);

}  // namespace spikard::net
