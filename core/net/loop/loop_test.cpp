#include "net/loop/loop.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <random>

#include "net/loop/timer_wheel.hpp"

namespace spikard::net {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

/// A clock that a test sets, which the loop takes for a real one.
struct ManualClock final : Clock {
  Instant at{Duration(1'000'000'007)};
  Instant now() const noexcept override { return at; }
  WallTime wall() const noexcept override { return {}; }
};

struct Called final : IoHandler {
  std::function<void(std::uint32_t)> then;
  int times = 0;
  void on_io(std::uint32_t events) override {
    ++times;
    if (then) then(events);
  }
};

struct Hook final : TurnEnd {
  std::function<void()> then;
  void on_turn_end() override { then(); }
};

struct LoopTest : ::testing::Test {
  RealClock clock;
  std::unique_ptr<Loop> loop = Loop::create(clock).value();
  [[nodiscard]] bool readable() const {
    ::pollfd one{loop->fd(), POLLIN, 0};
    return ::poll(&one, 1, 0) == 1;
  }
};

TEST_F(LoopTest, AStaleEventOfAnUnwatchedHandlerIsNotDelivered) {
  // Two ready descriptors in one turn; whoever is called first takes the other one away, closes it, and opens a new one with the
  // same number.
  std::array<int, 2> fds{::eventfd(1, EFD_NONBLOCK), ::eventfd(1, EFD_NONBLOCK)};
  std::array<Called, 2> handlers;
  Called renewed;
  for (std::size_t i = 0; i < 2; ++i) {
    handlers[i].then = [&, i](std::uint32_t) {
      const std::size_t other = 1 - i;
      loop->unwatch(fds[other], &handlers[other]);
      ::close(fds[other]);
      const int again = ::eventfd(0, EFD_NONBLOCK);
      EXPECT_EQ(again, fds[other]);
      ASSERT_TRUE(loop->watch(again, EPOLLIN | EPOLLET, &renewed).ok());
    };
    ASSERT_TRUE(loop->watch(fds[i], EPOLLIN | EPOLLET, &handlers[i]).ok());
  }
  EXPECT_EQ(loop->turn(0), 1);
  EXPECT_EQ(handlers[0].times + handlers[1].times, 1);
  EXPECT_EQ(renewed.times, 0);
  for (const int fd : fds) ::close(fd);
}

TEST_F(LoopTest, MoreThan64ReadyDescriptorsTakeSeveralTurns) {
  std::vector<int> fds;
  std::vector<std::unique_ptr<Called>> handlers;
  for (int i = 0; i < 100; ++i) {
    fds.push_back(::eventfd(1, EFD_NONBLOCK));
    handlers.push_back(std::make_unique<Called>());
    ASSERT_TRUE(loop->watch(fds.back(), EPOLLIN | EPOLLET, handlers.back().get()).ok());
  }
  EXPECT_EQ(loop->turn(0), 64);
  EXPECT_TRUE(readable());
  EXPECT_EQ(loop->turn(0), 36);
  for (const auto& handler : handlers) EXPECT_EQ(handler->times, 1);
  for (std::size_t i = 0; i < fds.size(); ++i) {
    loop->unwatch(fds[i], handlers[i].get());
    ::close(fds[i]);
  }
}

TEST_F(LoopTest, WatchingAClosedDescriptorIsAnError) {
  Called handler;
  EXPECT_EQ(loop->watch(1'000'000 - 1, EPOLLIN, &handler).error().kind(), ErrorKind::unavailable);
}

TEST_F(LoopTest, ATurnRunsHandlersThenPostsThenTimersThenTurnEnds) {
  std::string order;
  const int fd = ::eventfd(1, EFD_NONBLOCK);
  Called handler;
  handler.then = [&](std::uint32_t) { order += 'i'; };
  Hook hook;
  hook.then = [&] { order += 'e'; };
  Timer timer(*loop, [&] { order += 't'; });
  timer.start_at(loop->now() - milliseconds(5));
  loop->at_turn_end(hook);
  loop->at_turn_end(hook);  // idempotent
  loop->post([&] { order += 'p'; });
  ASSERT_TRUE(loop->watch(fd, EPOLLIN | EPOLLET, &handler).ok());
  while (timer.armed()) loop->turn(-1);
  EXPECT_TRUE(order == "ipte" || order == "ipet") << order;  // a timer is due a millisecond later at the earliest
  loop->unwatch(fd, &handler);
  ::close(fd);
}

TEST_F(LoopTest, PostsOfATurnWaitForTheNextAndKeepTheirOrder) {
  std::string order;
  loop->post([&] {
    order += 'a';
    loop->post([&] { order += 'c'; });
  });
  loop->post([&] { order += 'b'; });
  EXPECT_EQ(loop->turn(0), 2);
  EXPECT_EQ(order, "ab");
  EXPECT_EQ(loop->turn(-1), 1);  // does not wait
  EXPECT_EQ(order, "abc");
}

TEST_F(LoopTest, PostsThatNeverRanAreDestroyedWithTheLoop) {
  auto held = std::make_shared<int>(1);
  loop->post([held] {});
  EXPECT_EQ(held.use_count(), 2);
  loop.reset();
  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(LoopTest, ATurnEndQueuedByATurnEndWaitsForTheNextTurn) {
  int times = 0;
  Hook hook;
  hook.then = [&] {
    if (++times < 3) loop->at_turn_end(hook);
  };
  loop->at_turn_end(hook);
  EXPECT_EQ(loop->turn(-1), 1);
  EXPECT_EQ(loop->turn(-1), 1);
  EXPECT_EQ(loop->turn(-1), 1);
  EXPECT_EQ(times, 3);
}

TEST_F(LoopTest, ADestroyedTurnEndTakesItselfOffTheList) {
  int times = 0;
  auto gone = std::make_unique<Hook>();
  Hook first;
  Hook last;
  gone->then = [&] { ADD_FAILURE(); };
  first.then = [&] {
    ++times;
    gone.reset();
  };
  last.then = [&] { ++times; };
  loop->at_turn_end(first);
  loop->at_turn_end(*gone);
  loop->at_turn_end(last);
  loop->turn(0);
  EXPECT_EQ(times, 2);
}

TEST_F(LoopTest, TheDescriptorIsReadableWheneverATurnWouldDoSomething) {
  EXPECT_FALSE(readable());
  loop->post([] {});
  EXPECT_TRUE(readable());
  loop->turn(0);
  EXPECT_FALSE(readable());

  loop->post([this] { loop->post([] {}); });
  loop->turn(0);
  EXPECT_TRUE(readable()) << "a post from inside a turn";
  loop->turn(0);
  EXPECT_FALSE(readable());

  Hook hook;
  hook.then = [] {};
  loop->at_turn_end(hook);
  EXPECT_TRUE(readable()) << "a turn end queued outside a turn";
  loop->turn(0);
  EXPECT_FALSE(readable());

  Timer timer(*loop, [] {});
  timer.start(milliseconds(1));
  ::pollfd one{loop->fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&one, 1, -1), 1) << "a due timer";
  while (timer.armed()) loop->turn(0);
  EXPECT_FALSE(readable());

  loop->post([&] { timer.start(milliseconds(1)); });
  loop->turn(0);
  EXPECT_EQ(::poll(&one, 1, -1), 1) << "a timer started in a turn";
  while (timer.armed()) loop->turn(0);

  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
  Called handler;
  ASSERT_TRUE(loop->watch(pair[0], EPOLLIN | EPOLLET, &handler).ok());
  EXPECT_FALSE(readable());
  ASSERT_EQ(::write(pair[1], "x", 1), 1);
  EXPECT_TRUE(readable());
  loop->turn(0);
  EXPECT_EQ(handler.times, 1);
  EXPECT_FALSE(readable());
  loop->unwatch(pair[0], &handler);
  ::close(pair[0]);
  ::close(pair[1]);
}

TEST_F(LoopTest, TheDescriptorTellsWorkFromBeforeItWasAskedFor) {
  Timer timer(*loop, [] {});
  timer.start(milliseconds(1));
  Hook hook;
  hook.then = [] {};
  loop->at_turn_end(hook);
  EXPECT_TRUE(readable());
  loop->turn(0);
  ::pollfd one{loop->fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&one, 1, -1), 1);
}

TEST_F(LoopTest, StopBeforeRunEndsItAndItRunsAgain) {
  loop->stop();
  loop->run();
  int ran = 0;
  loop->post([&] {
    ++ran;
    loop->stop();
  });
  loop->run();
  EXPECT_EQ(ran, 1);
}

TEST(TimerTest, IsNeverEarlyAndAtMostAMillisecondLate) {
  ManualClock clock;
  auto loop = Loop::create(clock).value();
  const Instant start = clock.at;
  std::vector<std::unique_ptr<Timer>> timers;
  std::vector<Instant> fired;
  std::vector<Duration> after{Duration(0),
                              Duration(1),
                              milliseconds(1),
                              milliseconds(5) + Duration(1),
                              milliseconds(63),
                              milliseconds(64),
                              milliseconds(65),
                              milliseconds(4095),
                              milliseconds(4096),
                              milliseconds(4097),
                              milliseconds(262143),
                              milliseconds(262145),
                              milliseconds(16777217),
                              hours(400),
                              hours(24 * 400)};
  fired.resize(after.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    timers.push_back(std::make_unique<Timer>(*loop, [&, i] { fired[i] = clock.at; }));
    timers.back()->start(after[i]);
  }
  for (const Duration wait : after) {
    clock.at = start + wait - Duration(1);
    loop->turn(0);
    clock.at = start + wait + milliseconds(1);
    loop->turn(0);
  }
  for (std::size_t i = 0; i < after.size(); ++i) {
    EXPECT_FALSE(timers[i]->armed()) << after[i].count();
    EXPECT_GE(fired[i], start + after[i]) << after[i].count();
    EXPECT_LE(fired[i], start + after[i] + milliseconds(1)) << after[i].count();
  }
}

TEST(TimerTest, TenThousandRandomOnesAgreeWithASortedList) {
  ManualClock clock;
  auto loop = Loop::create(clock).value();
  std::mt19937 random(7);
  struct One {
    std::unique_ptr<Timer> timer;
    Instant due{};
    bool expected = false;
    int fired = 0;
  };
  std::vector<One> all(10000);
  for (One& one : all) {
    one.timer = std::make_unique<Timer>(*loop, [&clock, &one] {
      ++one.fired;
      EXPECT_GE(clock.at, one.due);
      EXPECT_TRUE(one.expected);
      one.expected = false;
    });
  }
  for (int round = 0; round < 300; ++round) {
    for (int i = 0; i < 200; ++i) {
      One& one = all[random() % all.size()];
      if (random() % 4 == 0) {
        one.timer->stop();
        one.expected = false;
      } else {
        one.due = clock.at + milliseconds(random() % (1U << (random() % 26)));
        one.timer->start_at(one.due);
        one.expected = true;
      }
      EXPECT_EQ(one.timer->armed(), one.expected);
    }
    clock.at += Duration(random() % (1U << (random() % 31)));
    loop->turn(0);
    for (const One& one : all) {
      // A timer started this round is due a tick later at the earliest.
      if (one.expected) ASSERT_GE(one.due + milliseconds(2), clock.at);
    }
  }
  clock.at += hours(24);
  loop->turn(0);
  for (const One& one : all) EXPECT_FALSE(one.expected);
}

TEST(TimerTest, MayRestartStopAndDestroyItselfAndOthersFromItsCallback) {
  ManualClock clock;
  auto loop = Loop::create(clock).value();
  int times = 0;
  std::unique_ptr<Timer> victim, self, again;
  again = std::make_unique<Timer>(*loop, [&] {
    if (++times < 3) again->start(milliseconds(1));
  });
  victim = std::make_unique<Timer>(*loop, [&] { ADD_FAILURE() << "destroyed by another of the same tick"; });
  auto other = std::make_unique<Timer>(*loop, [&] { victim.reset(); });
  self = std::make_unique<Timer>(*loop, [&, kept = std::make_shared<int>(5)] {
    self.reset();
    EXPECT_EQ(*kept, 5);
  });
  again->start(milliseconds(1));
  victim->start(milliseconds(10));
  other->start(milliseconds(9));
  self->start(milliseconds(1));
  for (int i = 0; i < 20; ++i) {
    clock.at += milliseconds(1);
    loop->turn(0);
  }
  EXPECT_EQ(times, 3);
  EXPECT_EQ(self, nullptr);
  EXPECT_EQ(victim, nullptr);
}

TEST(TimerTest, OneTurnAfterAYearFiresAllInOrderOfTicks) {
  ManualClock clock;
  auto loop = Loop::create(clock).value();
  std::vector<int> order;
  std::vector<std::unique_ptr<Timer>> timers;
  for (const int ms : {900000, 5, 70, 1000000000, 4097, 64}) {
    timers.push_back(std::make_unique<Timer>(*loop, [&order, ms] { order.push_back(ms); }));
    timers.back()->start(milliseconds(ms));
  }
  clock.at += hours(24 * 365);
  EXPECT_EQ(loop->turn(0), 6);
  EXPECT_EQ(order, (std::vector<int>{5, 64, 70, 4097, 900000, 1000000000}));
}

TEST(SleepTest, ReturnsAfterItsTimeAndCancelledWhenTheTokenFires) {
  ManualClock clock;
  auto loop = Loop::create(clock).value();
  std::string order;
  CancelSource source;
  const auto waits = [](Loop& on, std::string& out) -> Task<> {
    const Result<void> first = co_await sleep(on, milliseconds(5));
    out += first.ok() ? "ok " : "cancelled ";
    const Result<void> second = co_await sleep(on, hours(1));
    out += second.ok() ? "ok " : std::string(name_of(second.error().kind())) + " ";
    const Result<void> third = co_await sleep(on, hours(1));
    out += third.ok() ? "ok" : "at once";
  };
  bool done = false;
  spawn(waits(*loop, order).with_token(source.token()), [&](const std::exception_ptr& error) {
    EXPECT_EQ(error, nullptr);
    done = true;
  });
  clock.at += milliseconds(6);
  loop->turn(0);
  EXPECT_EQ(order, "ok ");
  source.cancel();
  EXPECT_TRUE(done);
  EXPECT_EQ(order, "ok cancelled at once");
}

TEST(SleepTest, ADestroyedTaskUnhooksItsTimer) {
  ManualClock clock;
  auto loop = Loop::create(clock).value();
  struct Guard {
    int& gone;
    ~Guard() { ++gone; }
  };
  int gone = 0;
  {
    struct Held {
      Task<> task;
    };
    const auto waits = [](Loop& on, int& out) -> Task<> {
      Guard guard{out};
      const Result<void> slept = co_await sleep(on, milliseconds(5));
      EXPECT_TRUE(slept.ok());
      ADD_FAILURE() << "resumed";
    };
    auto held = std::make_unique<Held>(Held{waits(*loop, gone)});
    // Awaits the task by hand, as a frame that is destroyed in the middle would.
    struct Outer {
      struct promise_type {
        Outer get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
      };
      std::coroutine_handle<promise_type> handle;
    };
    const auto outer = [](Task<>& task) -> Outer { co_await task; };
    Outer running = outer(held->task);
    EXPECT_EQ(gone, 0);
    held.reset();
    EXPECT_EQ(gone, 1);
    running.handle.destroy();
  }
  clock.at += milliseconds(10);
  loop->turn(0);
}

}  // namespace
}  // namespace spikard::net
