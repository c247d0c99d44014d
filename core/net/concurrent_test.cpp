// What crosses threads: posts, stop, the virtual clock, the blocking pool, the service thread. Run under TSan.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "net/blocking_pool.hpp"
#include "net/loop/loop.hpp"
#include "net/service_thread.hpp"
#include "net/transport.hpp"
#include "net/virtual_clock.hpp"

namespace spikard::net {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

/// A thing that happens once, for the test's thread to wait on.
struct Happens {
  std::promise<void> promise;
  std::future<void> future = promise.get_future();
  void now() { promise.set_value(); }
  void wait() { future.get(); }
};

TEST(LoopThreads, PostsFromManyThreadsAllRunInEachPostersOrder) {
  RealClock clock;
  auto loop = Loop::create(clock).value();
  constexpr int threads = 4;
  constexpr int each = 5000;
  std::vector<int> next(threads, 0);
  int total = 0;
  std::vector<std::thread> posters;
  for (int t = 0; t < threads; ++t) {
    posters.emplace_back([&, t] {
      for (int i = 0; i < each; ++i) {
        loop->post([&, t, i] {
          EXPECT_EQ(next[static_cast<std::size_t>(t)]++, i);
          if (++total == threads * each) loop->stop();
        });
      }
    });
  }
  loop->run();
  for (std::thread& poster : posters) poster.join();
  EXPECT_EQ(total, threads * each);
}

TEST(LoopThreads, StopAndWakeFromAnotherThreadEndAWait) {
  RealClock clock;
  auto loop = Loop::create(clock).value();
  for (int i = 0; i < 200; ++i) {
    std::thread other([&] { loop->stop(); });
    loop->run();
    other.join();
  }
  std::thread other([&] { loop->wake(); });
  loop->turn(-1);
  other.join();
}

TEST(LoopThreads, PingPongBetweenTwoLoops) {
  RealClock clock;
  auto service = ServiceThread::start(clock).value();
  auto loop = Loop::create(clock).value();
  int left = 2000;
  std::function<void()> ping = [&] {
    EXPECT_TRUE(loop->on_thread());
    EXPECT_FALSE(service->loop().on_thread());
    if (--left == 0) {
      loop->stop();
      return;
    }
    service->loop().post([&] { loop->post([&] { ping(); }); });
  };
  loop->post([&] { ping(); });
  loop->run();
  EXPECT_EQ(left, 0);
}

TEST(ServiceThreadTest, StopDestroysWhatDidNotRunAndIsIdempotent) {
  RealClock clock;
  auto service = ServiceThread::start(clock, "a-name-longer-than-fifteen").value();
  Happens ran;
  service->loop().post([&] { ran.now(); });
  ran.wait();
  service->stop();
  service->stop();
  auto held = std::make_shared<int>(0);
  service->loop().post([held] {});
  service.reset();
  EXPECT_EQ(held.use_count(), 1);
}

TEST(BlockingPoolTest, RunsJobsAndPostsResultsBack) {
  RealClock clock;
  auto loop = Loop::create(clock).value();
  BlockingPool pool(clock, {.threads = 3, .queue = 1000});
  int finished = 0;
  const auto one = [](Loop& on, BlockingPool& in, int n, int& count) -> Task<> {
    const auto caller = std::this_thread::get_id();
    auto square = [n, caller] {
      EXPECT_NE(std::this_thread::get_id(), caller);
      return n * n;
    };
    Result<int> result = co_await blocking(on, in, std::move(square));
    EXPECT_EQ(result.value(), n * n);
    EXPECT_EQ(std::this_thread::get_id(), caller);
    ++count;
  };
  for (int i = 0; i < 500; ++i)
    spawn(one(*loop, pool, i, finished), [](const std::exception_ptr& error) { EXPECT_EQ(error, nullptr); });
  while (finished < 500) loop->turn(-1);
}

TEST(BlockingPoolTest, ErrorsAndExceptionsComeBack) {
  RealClock clock;
  auto loop = Loop::create(clock).value();
  BlockingPool pool(clock);
  int finished = 0;
  const auto all = [](Loop& on, BlockingPool& in, int& count) -> Task<> {
    auto refuse = []() -> Result<int> { return Error(ErrorKind::not_found, "no"); };
    Result<int> refused = co_await blocking(on, in, refuse);
    EXPECT_EQ(refused.error().kind(), ErrorKind::not_found);
    auto nothing = [] {};
    Result<void> done = co_await blocking(on, in, nothing);
    EXPECT_TRUE(done.ok());
    auto fail = []() -> int { throw std::runtime_error("thrown"); };
    bool caught = false;
    try {
      Result<int> never = co_await blocking(on, in, fail);
      EXPECT_FALSE(never.ok());
    } catch (const std::runtime_error&) {
      caught = true;
    }
    EXPECT_TRUE(caught);
    ++count;
  };
  spawn(all(*loop, pool, finished), [](const std::exception_ptr& error) { EXPECT_EQ(error, nullptr); });
  while (finished < 1) loop->turn(-1);
}

struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  int waiting = 0;
  void wait() {
    std::unique_lock lock(mutex);
    ++waiting;
    changed.notify_all();
    changed.wait(lock, [this] { return open; });
  }
  void until_waiting(int n) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this, n] { return waiting == n; });
  }
  void let_through() {
    const std::lock_guard lock(mutex);
    open = true;
    changed.notify_all();
  }
};

TEST(BlockingPoolTest, AFullQueueRefusesAndStopCancelsWhatWaits) {
  RealClock clock;
  auto loop = Loop::create(clock).value();
  BlockingPool pool(clock, {.threads = 1, .queue = 2});
  Gate gate;
  std::vector<std::string> outcomes;
  const auto one = [](Loop& on, BlockingPool& in, Gate& at, std::vector<std::string>& out) -> Task<> {
    auto wait = [&at] { at.wait(); };
    Result<void> result = co_await blocking(on, in, wait);
    out.push_back(result.ok() ? "ok" : std::string(name_of(result.error().kind())));
  };
  const auto begin = [&] { spawn(one(*loop, pool, gate, outcomes), [](const std::exception_ptr&) {}); };
  begin();
  gate.until_waiting(1);
  begin();
  begin();
  EXPECT_TRUE(outcomes.empty());
  begin();
  EXPECT_EQ(outcomes, std::vector<std::string>{"rate_limited"});
  std::thread stopper([&] { pool.stop(); });
  while (outcomes.size() < 3) loop->turn(-1);  // while the first still runs
  EXPECT_EQ(outcomes, (std::vector<std::string>{"rate_limited", "cancelled", "cancelled"}));
  gate.let_through();
  stopper.join();
  while (outcomes.size() < 4) loop->turn(-1);
  EXPECT_EQ(outcomes.back(), "ok");
  begin();
  EXPECT_EQ(outcomes.back(), "unavailable");
}

TEST(BlockingPoolTest, ADestroyedTaskLeavesItsJobAlone) {
  RealClock clock;
  auto loop = Loop::create(clock).value();
  BlockingPool pool(clock, {.threads = 1, .queue = 2});
  Gate gate;
  auto job = [&gate] { gate.wait(); };
  {
    Task<Result<void>> task = blocking(*loop, pool, job);
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
    const auto outer = [](Task<Result<void>>& inner) -> Outer { (void)co_await inner; };
    Outer running = outer(task);
    gate.until_waiting(1);
    task = Task<Result<void>>();
    running.handle.destroy();
  }
  gate.let_through();
  EXPECT_EQ(loop->turn(-1), 1);  // the post that finds nobody
}

TEST(VirtualClockTest, AdvanceFiresTimersOfAllLoopsOneByOneInTimeOrder) {
  VirtualClock clock;
  auto first = ServiceThread::start(clock, "first").value();
  auto second = ServiceThread::start(clock, "second").value();
  std::mutex mutex;
  std::vector<std::pair<int, std::int64_t>> order;
  const Instant start = clock.now();
  std::vector<std::unique_ptr<Timer>> timers;  // each belongs to its loop's thread; made and destroyed while that is at rest
  Happens made;
  const auto make = [&](ServiceThread& on, int id, int ms) {
    on.loop().post([&, id, ms] {
      auto timer = std::make_unique<Timer>(on.loop(), [&, id] {
        const std::lock_guard lock(mutex);
        order.emplace_back(id, (clock.now() - start) / milliseconds(1));
      });
      timer->start(milliseconds(ms));
      const std::lock_guard lock(mutex);
      timers.push_back(std::move(timer));
    });
  };
  for (int i = 0; i < 10; ++i) make(i % 2 == 0 ? *first : *second, i, 100 - 10 * i);
  clock.settle([&] { made.now(); });
  made.wait();
  {
    const std::lock_guard lock(mutex);
    EXPECT_TRUE(order.empty());
  }
  Happens half;
  clock.advance(milliseconds(50), [&] { half.now(); });
  half.wait();
  EXPECT_EQ(clock.now() - start, milliseconds(50));
  {
    const std::lock_guard lock(mutex);
    EXPECT_EQ(order, (std::vector<std::pair<int, std::int64_t>>{{9, 10}, {8, 20}, {7, 30}, {6, 40}, {5, 50}}))
        << "what comes due at its end included";
  }
  Happens rest;
  clock.advance(hours(1), [&] { rest.now(); });
  rest.wait();
  EXPECT_EQ(clock.now() - start, hours(1) + milliseconds(50));
  EXPECT_EQ(order.size(), 10U);
  first->stop();
  second->stop();
  timers.clear();
}

TEST(VirtualClockTest, AdvanceWaitsForPostsJobsAndBusyScopes) {
  VirtualClock clock;
  auto service = ServiceThread::start(clock).value();
  BlockingPool pool(clock);
  Gate gate;
  std::atomic<bool> settled{false};
  Happens done;
  // post -> job -> post -> timer of no time -> post: settle sees the end of it all.
  std::unique_ptr<Timer> timer;
  std::string order;
  service->loop().post([&] {
    ASSERT_TRUE(pool.run([&] {
                      gate.wait();
                      service->loop().post([&] {
                        order += 'a';
                        timer = std::make_unique<Timer>(service->loop(), [&] {
                          order += 'b';
                          service->loop().post([&] { order += 'c'; });
                        });
                        timer->start(Duration::zero());
                      });
                    })
                    .ok());
  });
  clock.settle([&] {
    settled = true;
    done.now();
  });
  gate.until_waiting(1);
  EXPECT_FALSE(settled);
  gate.let_through();
  done.wait();
  EXPECT_EQ(order, "abc");

  Happens later;
  settled = false;
  {
    Busy busy(clock);
    clock.settle([&] {
      settled = true;
      later.now();
    });
    Happens turned;
    service->loop().post([&] { turned.now(); });
    turned.wait();
    EXPECT_FALSE(settled);
  }
  later.wait();
  service->stop();
  timer.reset();
}

TEST(VirtualClockTest, TimersDueNowFireWithoutAdvance) {
  VirtualClock clock;
  auto loop = Loop::create(clock).value();
  int fired = 0;
  Timer outside(*loop, [&] { ++fired; });
  outside.start(Duration::zero());
  while (fired < 1) loop->turn(-1);
  Timer inside(*loop, [&] { ++fired; });
  loop->post([&] { inside.start(Duration::zero()); });
  while (fired < 2) loop->turn(-1);
}

TEST(VirtualClockTest, ATimerStoppedAtItsOwnTimeDoesNotFire) {
  VirtualClock clock;
  auto loop = Loop::create(clock).value();
  std::string order;
  Timer second(*loop, [&] { order += '2'; });
  Timer first(*loop, [&] {
    order += '1';
    second.stop();
  });
  first.start(milliseconds(5));
  second.start(milliseconds(5));
  bool done = false;
  clock.advance(milliseconds(10), [&] { done = true; });
  while (!done) loop->turn(-1);
  EXPECT_EQ(order, "1");
}

TEST(VirtualClockTest, ALoopsThreadThatEndsOneThingAndBeginsTheNextIsNotAtRestBetween) {
  VirtualClock clock;
  auto loop = Loop::create(clock).value();
  loop->turn(0);
  const Instant start = clock.now();
  clock.busy();  // an event that the host owes
  bool done = false;
  clock.advance(milliseconds(100), [&] { done = true; });
  loop->turn(0);
  // Outside a turn, as when a host submits a batch: the handler goes into a wait of the core's, and only then the timer starts.
  clock.idle();
  Instant fired{};
  Timer timer(*loop, [&] { fired = clock.now(); });
  timer.start(milliseconds(10));
  EXPECT_FALSE(done);
  while (!done) loop->turn(-1);
  EXPECT_EQ(fired - start, milliseconds(10));
  EXPECT_EQ(clock.now() - start, milliseconds(100));
}

TEST(VirtualClockTest, TurnEndsAndInMemoryTransportsAreNotAtRest) {
  VirtualClock clock;
  auto loop = Loop::create(clock).value();
  MemoryPair pair = memory_pair(*loop);
  struct Reader final : IoHandler {
    Transport* transport = nullptr;
    std::string in;
    void on_io(std::uint32_t) override {
      char buffer[100];
      for (IoResult got = transport->read(buffer, sizeof buffer); got.status == IoStatus::ok;
           got = transport->read(buffer, sizeof buffer))
        in.append(buffer, got.bytes);
    }
  } a, b;
  a.transport = pair.a.get();
  b.transport = pair.b.get();
  ASSERT_TRUE(pair.a->start(&a).ok());
  ASSERT_TRUE(pair.b->start(&b).ok());
  char text[] = "hello";
  const ::iovec part{text, 5};
  ASSERT_EQ(pair.a->write(&part, 1).bytes, 5U);
  bool done = false;
  clock.settle([&] { done = true; });
  while (!done) loop->turn(-1);
  EXPECT_EQ(b.in, "hello");
}

TEST(VirtualClockTest, RequestsAreServedInOrderAndALoopThatGoesReleasesWhatItHeld) {
  VirtualClock clock;
  auto loop = Loop::create(clock).value();
  loop->post([] {});
  std::string order;
  clock.advance(milliseconds(1), [&] { order += 'a'; });
  clock.settle([&] { order += 'b'; });
  EXPECT_EQ(order, "");
  loop.reset();
  EXPECT_EQ(order, "ab");
  EXPECT_EQ(clock.busy_count(), 0);
}

TEST(VirtualClockTest, CivilTimeMovesWithIt) {
  VirtualClock clock(WallTime{std::chrono::seconds(1000)});
  clock.advance(hours(1), {});
  EXPECT_EQ(clock.wall(), WallTime{std::chrono::seconds(4600)});
}

TEST(VirtualClockTest, ManyThreadsUnderOneClock) {
  VirtualClock clock;
  std::vector<std::unique_ptr<ServiceThread>> threads;
  for (int i = 0; i < 4; ++i) threads.push_back(ServiceThread::start(clock).value());
  std::atomic<int> fired{0};
  std::vector<std::unique_ptr<Timer>> timers(400);
  for (std::size_t i = 0; i < timers.size(); ++i) {
    Loop& on = threads[i % 4]->loop();
    Loop& next = threads[(i + 1) % 4]->loop();
    on.post([&, i] {
      timers[i] = std::make_unique<Timer>(on, [&, i] {
        next.post([&] { ++fired; });
        if (fired < 2000) timers[i]->start(milliseconds(1 + i % 7));
      });
      timers[i]->start(milliseconds(1 + i % 13));
    });
  }
  for (int i = 0; i < 20; ++i) {
    Happens done;
    clock.advance(milliseconds(5), [&] { done.now(); });
    done.wait();
  }
  EXPECT_GE(fired.load(), 2000);
  for (auto& thread : threads) thread->stop();
  timers.clear();
}

}  // namespace
}  // namespace spikard::net
