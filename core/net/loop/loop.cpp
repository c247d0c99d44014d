#include "net/loop/loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#include "net/loop/timer_wheel.hpp"
#include "net/loop/virtual_timers.hpp"
#include "net/virtual_clock.hpp"

namespace spikard::net {
namespace {

constexpr int batch = 64;
constexpr std::uint64_t of_eventfd = ~std::uint64_t{0};
constexpr std::uint64_t of_timerfd = ~std::uint64_t{0} - 1;
constexpr Duration tick = std::chrono::milliseconds(1);

/// A circular intrusive list; its head is a link as well.
struct List {
  detail::Link head{&head, &head};
  [[nodiscard]] bool empty() const noexcept { return head.next == &head; }
  void push_back(detail::Link& link) noexcept {
    link.prev = head.prev;
    link.next = &head;
    head.prev->next = &link;
    head.prev = &link;
  }
  void take_all(List& from) noexcept {
    if (from.empty()) return;
    head.next = from.head.next;
    head.prev = from.head.prev;
    head.next->prev = &head;
    head.prev->next = &head;
    from.head.next = from.head.prev = &from.head;
  }
  void clear() noexcept {
    while (!empty()) head.next->unlink();
  }
  ~List() { clear(); }
};

Error system_error(const char* what) {
  return Error(ErrorKind::unavailable, std::string(what) + ": " + std::strerror(errno)).with_operation("net.loop");
}

}  // namespace

struct Loop::Impl {
  struct Watch {
    IoHandler* handler = nullptr;
    std::uint32_t generation = 0;
  };

  Clock* clock = nullptr;
  VirtualClock* virtual_clock = nullptr;
  int epoll_fd = -1;
  int event_fd = -1;
  int timer_fd = -1;
  bool external = false;  // the descriptor is watched from outside, so it must tell everything
  bool in_turn = false;
  std::atomic<bool> stopping{false};
  std::atomic<std::thread::id> thread{};
  Instant epoch{};
  Instant now{};
  detail::TimerWheel wheel;
  std::uint64_t armed_tick = detail::TimerWheel::never;
  std::unique_ptr<detail::VirtualTimers> timers;  // instead of the wheel, with a virtual clock
  std::vector<Watch> watches;
  List turn_ends;
  List deferred;
  List ends;
  bool local_busy = false;  // the virtual clock counts turn ends and deferred work queued outside a turn

  std::shared_ptr<Mailbox> mailbox;
  std::mutex mutex;
  std::vector<Function<void()>> incoming;
  std::atomic<bool> has_posts{false};
  std::vector<Function<void()>> running;

  [[nodiscard]] std::uint64_t tick_at_or_after(Instant when) const noexcept {
    return when <= epoch ? 0 : static_cast<std::uint64_t>((when - epoch + tick - Duration(1)) / tick);
  }
  [[nodiscard]] std::uint64_t tick_before(Instant when) const noexcept {
    return when <= epoch ? 0 : static_cast<std::uint64_t>((when - epoch) / tick);
  }
  [[nodiscard]] bool has_local_work() const noexcept {
    return has_posts.load(std::memory_order_acquire) || !turn_ends.empty() || !deferred.empty();
  }
  void kick() const noexcept {
    const std::uint64_t one = 1;
    // Can only fail when the counter is full, and then the loop is woken already.
    [[maybe_unused]] const auto written = ::write(event_fd, &one, sizeof one);
  }
  void queued_locally() noexcept {
    if (in_turn) return;
    if (virtual_clock != nullptr && !local_busy) {
      local_busy = true;
      virtual_clock->busy();
    }
    if (external) kick();
  }
  void arm() noexcept {
    const std::uint64_t next = wheel.next();
    if (next >= armed_tick) return;
    const Instant at = epoch + next * tick;
    const auto ns = std::max<std::int64_t>(at.time_since_epoch().count(), 1);
    ::itimerspec spec{};
    spec.it_value.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
    spec.it_value.tv_nsec = static_cast<long>(ns % 1'000'000'000);
    if (::timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &spec, nullptr) == 0) armed_tick = next;
  }
  [[nodiscard]] int shorten(int timeout_ms) const noexcept {
    const std::uint64_t next = wheel.next();
    if (next == detail::TimerWheel::never) return timeout_ms;
    const Duration wait = (epoch + next * tick) - clock->now();
    if (wait <= Duration::zero()) return 0;
    const auto ms = (wait + tick - Duration(1)) / tick;
    if (timeout_ms >= 0 && timeout_ms <= ms) return timeout_ms;
    return static_cast<int>(std::min<std::int64_t>(ms, 1 << 30));
  }
  int dispatch(int timeout_ms);
  int run_posts();
};

Loop::Loop() : impl_(std::make_unique<Impl>()) { impl_->mailbox = std::make_shared<Mailbox>(this); }

Result<std::unique_ptr<Loop>> Loop::create(Clock& clock) {
  std::unique_ptr<Loop> loop(new Loop);
  Impl& impl = *loop->impl_;
  impl.clock = &clock;
  impl.epoch = impl.now = clock.now();
  impl.epoll_fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (impl.epoll_fd < 0) return system_error("epoll_create1");
  impl.event_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (impl.event_fd < 0) return system_error("eventfd");
  // Edge-triggered, so neither needs to be read.
  ::epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u64 = of_eventfd}};
  if (::epoll_ctl(impl.epoll_fd, EPOLL_CTL_ADD, impl.event_fd, &event) != 0) return system_error("epoll_ctl");
  if (clock.is_virtual()) {
    impl.virtual_clock = static_cast<VirtualClock*>(&clock);
    impl.timers = std::make_unique<detail::VirtualTimers>(*impl.virtual_clock, *loop);
  } else {
    impl.timer_fd = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (impl.timer_fd < 0) return system_error("timerfd_create");
    event.data.u64 = of_timerfd;
    if (::epoll_ctl(impl.epoll_fd, EPOLL_CTL_ADD, impl.timer_fd, &event) != 0) return system_error("epoll_ctl");
  }
  return loop;
}

Loop::~Loop() {
  Impl& impl = *impl_;
  while (!impl.ends.empty()) {
    detail::Link* link = impl.ends.head.next;
    link->unlink();
    static_cast<LoopEnd*>(link)->on_loop_end();
  }
  {
    const std::lock_guard lock(impl.mailbox->mutex_);
    impl.mailbox->loop_ = nullptr;
  }
  if (impl.timers != nullptr) impl.timers->detach();
  // What was posted and never ran is destroyed here, and may post again while it goes.
  std::size_t dropped = impl.local_busy ? 1 : 0;
  for (;;) {
    std::vector<Function<void()>> rest;
    {
      const std::lock_guard lock(impl.mutex);
      rest.swap(impl.incoming);
    }
    if (rest.empty()) break;
    dropped += rest.size();
  }
  impl.timers.reset();
  for (; impl.virtual_clock != nullptr && dropped > 0; --dropped) impl.virtual_clock->idle();
  impl.turn_ends.clear();
  impl.deferred.clear();
  for (const int fd : {impl.timer_fd, impl.event_fd, impl.epoll_fd}) {
    if (fd >= 0) ::close(fd);
  }
}

int Loop::fd() const noexcept {
  Impl& impl = *impl_;
  if (!impl.external) {
    impl.external = true;
    if (impl.has_local_work()) impl.kick();
    if (impl.timer_fd >= 0) impl.arm();
  }
  return impl.epoll_fd;
}

int Loop::Impl::dispatch(int timeout_ms) {
  ::epoll_event events[batch];
  if (timeout_ms != 0) {
    if (has_local_work() || stopping.load(std::memory_order_relaxed)) {
      timeout_ms = 0;
    } else if (virtual_clock == nullptr) {
      timeout_ms = shorten(timeout_ms);
    }
  }
  const int ready = ::epoll_wait(epoll_fd, events, batch, timeout_ms);
  if (virtual_clock != nullptr) virtual_clock->busy();
  else now = clock->now();
  int ran = 0;
  if (!deferred.empty()) {
    List list;
    list.take_all(deferred);
    while (!list.empty()) {
      detail::Link* link = list.head.next;
      link->unlink();
      static_cast<Deferred*>(link)->on_deferred();
      ++ran;
    }
  }
  for (int i = 0; i < ready; ++i) {
    const std::uint64_t key = events[i].data.u64;
    if (key == of_eventfd) continue;
    if (key == of_timerfd) {
      armed_tick = detail::TimerWheel::never;
      continue;
    }
    const auto fd = static_cast<std::uint32_t>(key);
    const Watch watch = watches[fd];
    // A handler before this one may have unwatched it, and the number may have been given out again.
    if (watch.handler == nullptr || watch.generation != key >> 32) continue;
    watch.handler->on_io(events[i].events);
    ++ran;
  }
  return ran;
}

int Loop::Impl::run_posts() {
  if (!has_posts.load(std::memory_order_acquire)) return 0;
  {
    const std::lock_guard lock(mutex);
    running.swap(incoming);
    has_posts.store(false, std::memory_order_relaxed);
  }
  for (Function<void()>& fn : running) {
    fn();
    fn.reset();
  }
  const int ran = static_cast<int>(running.size());
  running.clear();
  if (running.capacity() > 4096) running.shrink_to_fit();
  return ran;
}

int Loop::turn(int timeout_ms) {
  Impl& impl = *impl_;
  SPIKARD_ASSERT(!impl.in_turn, "a turn is not entered from inside a turn");
  impl.in_turn = true;
  const auto self = std::this_thread::get_id();
  if (impl.thread.load(std::memory_order_relaxed) != self) impl.thread.store(self, std::memory_order_relaxed);
  if (impl.timers != nullptr) {
    impl.timers->thread.store(self, std::memory_order_relaxed);
    impl.timers->in_turn.store(true, std::memory_order_relaxed);
  }
  int ran = impl.dispatch(timeout_ms);
  const int posts = impl.run_posts();
  ran += posts;
  if (impl.virtual_clock == nullptr) ran += impl.wheel.run(impl.tick_before(impl.now));
  if (!impl.turn_ends.empty()) {
    List list;
    list.take_all(impl.turn_ends);
    while (!list.empty()) {
      detail::Link* link = list.head.next;
      link->unlink();
      static_cast<TurnEnd*>(link)->on_turn_end();
      ++ran;
    }
  }
  impl.in_turn = false;
  const bool more = impl.has_local_work();
  if (impl.external) {
    if (more) impl.kick();
    if (impl.timer_fd >= 0) impl.arm();
  }
  if (impl.virtual_clock != nullptr) {
    const bool was_busy = impl.local_busy;
    impl.local_busy = !impl.turn_ends.empty() || !impl.deferred.empty();
    if (impl.local_busy) impl.virtual_clock->busy();
    for (int i = posts + (was_busy ? 1 : 0); i > 0; --i) impl.virtual_clock->idle();
    impl.virtual_clock->idle();  // this turn; at zero the clock may decide what comes next
    impl.timers->in_turn.store(false, std::memory_order_relaxed);
  }
  return ran;
}

void Loop::run() {
  while (!impl_->stopping.load(std::memory_order_acquire)) turn(-1);
  impl_->stopping.store(false, std::memory_order_relaxed);
}

void Loop::stop() {
  impl_->stopping.store(true, std::memory_order_release);
  impl_->kick();
}

void Loop::wake() { impl_->kick(); }

void Loop::post(Function<void()> fn) {
  Impl& impl = *impl_;
  if (impl.virtual_clock != nullptr) impl.virtual_clock->busy();
  bool first = false;
  {
    const std::lock_guard lock(impl.mutex);
    first = impl.incoming.empty();
    impl.incoming.push_back(std::move(fn));
    impl.has_posts.store(true, std::memory_order_release);
  }
  // The loop's own thread looks before it waits.
  if (first && !(impl.thread.load(std::memory_order_relaxed) == std::this_thread::get_id() && impl.in_turn)) impl.kick();
}

void Loop::Mailbox::post(Function<void()> fn) {
  // Under the lock, so that the loop does not go meanwhile; what is refused is destroyed after it.
  const std::lock_guard lock(mutex_);
  if (loop_ != nullptr) loop_->post(std::move(fn));
}

const std::shared_ptr<Loop::Mailbox>& Loop::mailbox() const noexcept { return impl_->mailbox; }

Result<void> Loop::watch(int fd, std::uint32_t events, IoHandler* handler) {
  Impl& impl = *impl_;
  SPIKARD_ASSERT(fd >= 0, "the descriptor is open");
  const auto index = static_cast<std::size_t>(fd);
  if (index >= impl.watches.size()) impl.watches.resize(std::max(index + 1, impl.watches.size() * 2));
  Impl::Watch& watch = impl.watches[index];
  // The last two generations of the last descriptors would look like the keys of our own two; no process has 2^32 descriptors.
  ++watch.generation;
  ::epoll_event event{.events = events, .data = {.u64 = std::uint64_t{watch.generation} << 32 | static_cast<std::uint32_t>(fd)}};
  if (::epoll_ctl(impl.epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) return system_error("epoll_ctl add");
  watch.handler = handler;
  return {};
}

Result<void> Loop::rewatch(int fd, std::uint32_t events, IoHandler* handler) {
  Impl& impl = *impl_;
  const auto index = static_cast<std::size_t>(fd);
  SPIKARD_ASSERT(index < impl.watches.size() && impl.watches[index].handler != nullptr, "the descriptor is watched");
  Impl::Watch& watch = impl.watches[index];
  ::epoll_event event{.events = events, .data = {.u64 = std::uint64_t{watch.generation} << 32 | static_cast<std::uint32_t>(fd)}};
  if (::epoll_ctl(impl.epoll_fd, EPOLL_CTL_MOD, fd, &event) != 0) return system_error("epoll_ctl mod");
  watch.handler = handler;
  return {};
}

void Loop::unwatch(int fd, IoHandler* handler) {
  forget(fd, handler);
  ::epoll_ctl(impl_->epoll_fd, EPOLL_CTL_DEL, fd, nullptr);
}

void Loop::forget(int fd, [[maybe_unused]] IoHandler* handler) {
  const auto index = static_cast<std::size_t>(fd);
  if (index < impl_->watches.size()) impl_->watches[index].handler = nullptr;
}

void Loop::at_turn_end(TurnEnd& hook) {
  if (hook.linked()) return;
  impl_->turn_ends.push_back(hook);
  impl_->queued_locally();
}

void Loop::defer(Deferred& hook) {
  if (hook.linked()) return;
  impl_->deferred.push_back(hook);
  impl_->queued_locally();
}

void Loop::at_end(LoopEnd& hook) {
  if (!hook.linked()) impl_->ends.push_back(hook);
}

Instant Loop::now() const noexcept {
  if (impl_->virtual_clock != nullptr || !impl_->in_turn) return impl_->clock->now();
  return impl_->now;
}

Clock& Loop::clock() const noexcept { return *impl_->clock; }

bool Loop::on_thread() const noexcept { return impl_->thread.load(std::memory_order_relaxed) == std::this_thread::get_id(); }

Timer::Timer(Loop& loop, Function<void()> fn) : loop_(&loop), fn_(std::move(fn)) {}

Timer::~Timer() {
  stop();
  Loop::Impl& impl = *loop_->impl_;
  if (impl.timers != nullptr) impl.timers->forget(*this);
  else impl.wheel.forget(*this);
}

void Timer::start(Duration after) { start_at(loop_->now() + after); }

void Timer::start_at(Instant when) {
  stop();
  when_ = when;
  Loop::Impl& impl = *loop_->impl_;
  if (impl.timers != nullptr) {
    impl.timers->insert(*this);
    return;
  }
  impl.wheel.insert(*this, impl.tick_at_or_after(when));
  if (impl.external && !impl.in_turn) impl.arm();
}

void Timer::stop() {
  if (!armed_) return;
  Loop::Impl& impl = *loop_->impl_;
  if (impl.timers != nullptr) impl.timers->remove(*this);
  else impl.wheel.remove(*this);
}

}  // namespace spikard::net
