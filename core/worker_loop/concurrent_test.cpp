// The worker loop on the service thread, handlers on others. Run under TSan.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "net/service_thread.hpp"
#include "net/virtual_clock.hpp"
#include "worker_loop/memory_source.hpp"
#include "worker_loop/task_sink.hpp"
#include "worker_loop/worker_loop.hpp"

namespace spikard::worker_loop {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Happens {
  std::promise<void> promise;
  std::future<void> future = promise.get_future();
  void now() { promise.set_value(); }
  void wait() { future.get(); }
};

/// Runs `fn` on the service thread and waits.
template <class F>
void on_service(net::ServiceThread& service, F fn) {
  Happens done;
  service.loop().post([&] {
    fn();
    done.now();
  });
  done.wait();
}

void pass(net::VirtualClock& clock, Duration by) {
  Happens done;
  clock.advance(by, [&] { done.now(); });
  done.wait();
}

WorkItem item(std::string payload) {
  WorkItem out;
  out.payload = std::move(payload);
  return out;
}

/// A host with one thread of its own, like a language runtime that polls: it takes one event after the other and blocks in each
/// handler.
class Host final : public WorkSink {
 public:
  explicit Host(net::VirtualClock& clock) : clock_(clock), thread_([this] { poll(); }) {}
  ~Host() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  void on_work(std::uint64_t ticket, std::shared_ptr<const WorkItem> work) override {
    clock_.busy();
    const std::lock_guard lock(mutex_);
    events_.emplace_back(ticket, std::move(work));
    changed_.notify_all();
  }
  void on_cancel(std::uint64_t, CancelReason) override { ++cancelled; }

  /// In the nth handler.
  void until_blocked(int n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this, n] { return blocked_ == n; });
  }
  void unblock() {
    clock_.busy();  // from now on the handler is at work again
    const std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }
  std::weak_ptr<WorkerLoop> worker;
  std::atomic<int> cancelled{0};

 private:
  void poll() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return stopping_ || !events_.empty(); });
      if (events_.empty()) return;
      auto [ticket, work] = std::move(events_.front());
      events_.erase(events_.begin());
      // Blocks as foreign code does, which no clock of ours knows: time goes on meanwhile.
      ++blocked_;
      changed_.notify_all();
      clock_.idle();
      changed_.wait(lock, [this] { return released_; });
      released_ = false;
      if (const auto to = worker.lock()) to->complete(ticket, Outcome::ack());
      clock_.idle();
    }
  }

  net::VirtualClock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::pair<std::uint64_t, std::shared_ptr<const WorkItem>>> events_;
  bool stopping_ = false, released_ = false;
  int blocked_ = 0;
  std::thread thread_;
};

TEST(WorkerThreads, AHandlerThatBlocksTheHostForThreeLeasesKeepsItsLease) {
  net::VirtualClock clock;
  auto service = net::ServiceThread::start(clock).value();
  std::unique_ptr<MemorySource> source;
  std::shared_ptr<WorkerLoop> worker;
  {
    Host host(clock);
    on_service(*service, [&] {
      source = std::make_unique<MemorySource>(service->loop(), MemorySourceOptions{.lease = seconds(10)});
      worker = WorkerLoop::create(service->loop(), *source, host, {.max_in_flight = 2});
      host.worker = worker;
      worker->start();
      ASSERT_TRUE(source->push(item("first")).ok());
      ASSERT_TRUE(source->push(item("second")).ok());
    });
    host.until_blocked(1);
    pass(clock, seconds(31));
    on_service(*service, [&] {
      EXPECT_EQ(worker->counts().running, 1U);
      EXPECT_EQ(worker->counts().lost, 0U);
      EXPECT_EQ(source->given_out(), 2U) << "the one that waits for the host keeps its lease too";
    });
    host.unblock();
    host.until_blocked(2);
    pass(clock, seconds(31));
    host.unblock();
    pass(clock, milliseconds(1));
    on_service(*service, [&] {
      EXPECT_EQ(worker->counts().acked, 2U);
      EXPECT_EQ(source->size(), 0U);
      EXPECT_TRUE(source->dead_letters().empty());
    });
    EXPECT_EQ(host.cancelled, 0);
    Happens closed;
    service->loop().post([&] { worker->close([&] { closed.now(); }); });
    closed.wait();
  }
  on_service(*service, [&] {
    worker.reset();
    source.reset();
  });
}

TEST(WorkerThreads, WithoutTheServiceThreadsExtensionsTheLeaseWouldBeLost) {
  // The same source, with the one who extends gone: proof that the test above can fail.
  net::VirtualClock clock;
  auto service = net::ServiceThread::start(clock).value();
  std::unique_ptr<MemorySource> source;
  std::shared_ptr<WorkerLoop> worker;
  Host host(clock);
  on_service(*service, [&] {
    source = std::make_unique<MemorySource>(service->loop(), MemorySourceOptions{.lease = seconds(10)});
    worker = WorkerLoop::create(service->loop(), *source, host, {});
    host.worker = worker;
    worker->start();
    ASSERT_TRUE(source->push(item("first")).ok());
  });
  host.until_blocked(1);
  on_service(*service, [&] { worker->abandon(); });
  pass(clock, seconds(10));
  on_service(*service, [&] { EXPECT_EQ(source->given_out(), 0U); });
  host.unblock();
  pass(clock, milliseconds(1));
  on_service(*service, [&] {
    EXPECT_EQ(worker->counts().acked, 0U);
    EXPECT_EQ(source->size(), 1U);
    worker.reset();
    source.reset();
  });
}

TEST(WorkerThreads, TasksRunOnIoLoopsSleepOnTheClockFailAndAreCancelled) {
  net::VirtualClock clock;
  auto service = net::ServiceThread::start(clock).value();
  auto first = net::ServiceThread::start(clock, "io-1").value();
  auto second = net::ServiceThread::start(clock, "io-2").value();
  std::atomic<int> on_first{0}, on_second{0}, cancelled{0};
  const auto handler = [&](std::shared_ptr<const WorkItem> work) -> Task<Outcome> {
    net::Loop& mine = first->loop().on_thread() ? first->loop() : second->loop();
    ++(first->loop().on_thread() ? on_first : on_second);
    if (work->payload == "throws") throw std::runtime_error("thrown by a handler");
    const Duration wait = work->payload == "for ever" ? Duration(std::chrono::hours(24)) : Duration(milliseconds(20));
    Result<void> slept = co_await net::sleep(mine, wait);
    if (!slept.ok()) ++cancelled;
    co_return Outcome::ack("slept");
  };
  TaskSink sink({&first->loop(), &second->loop()}, handler);
  std::unique_ptr<MemorySource> source;
  std::shared_ptr<WorkerLoop> worker;
  on_service(*service, [&] {
    source = std::make_unique<MemorySource>(service->loop(), MemorySourceOptions{.lease = seconds(10)});
    worker = WorkerLoop::create(service->loop(), *source, sink, {.concurrency = 8, .retry = {.max_retries = 0}});
    sink.attach(worker);
    worker->start();
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(source->push(item("sleeps")).ok());
    ASSERT_TRUE(source->push(item("throws")).ok());
  });
  pass(clock, seconds(1));
  on_service(*service, [&] {
    EXPECT_EQ(worker->counts().acked, 100U);
    EXPECT_EQ(source->dead_letters().size(), 1U);
    if (!source->dead_letters().empty()) EXPECT_EQ(source->dead_letters().front().error, "thrown by a handler");
    ASSERT_TRUE(source->push(item("for ever")).ok());
  });
  EXPECT_GT(on_first.load(), 0);
  EXPECT_GT(on_second.load(), 0);
  pass(clock, seconds(60));
  Happens closed;
  service->loop().post([&] { worker->close([&] { closed.now(); }); });
  closed.wait();
  pass(clock, Duration::zero());
  EXPECT_EQ(cancelled.load(), 1);
  on_service(*service, [&] {
    EXPECT_EQ(worker->counts().handed_back, 1U);
    worker.reset();
    source.reset();
  });
}

TEST(WorkerThreads, TenThousandItemsOverThreeLoopsAreEachHandledOnce) {
  RealClock clock;
  auto service = net::ServiceThread::start(clock).value();
  std::vector<std::unique_ptr<net::ServiceThread>> io;
  std::vector<net::Loop*> loops;
  for (int i = 0; i < 3; ++i) {
    io.push_back(net::ServiceThread::start(clock).value());
    loops.push_back(&io.back()->loop());
  }
  std::vector<std::atomic<int>> handled(10000);
  TaskSink sink(loops, [&](std::shared_ptr<const WorkItem> work) -> Task<Outcome> {
    ++handled[static_cast<std::size_t>(std::stoi(work->payload))];
    co_return Outcome::ack();
  });
  std::unique_ptr<MemorySource> source;
  std::shared_ptr<WorkerLoop> worker;
  Happens closed;
  on_service(*service, [&] {
    source = std::make_unique<MemorySource>(service->loop(), MemorySourceOptions{});
    worker = WorkerLoop::create(service->loop(), *source, sink, {.concurrency = 16, .max_in_flight = 64});
    sink.attach(worker);
    worker->start();
    for (std::size_t i = 0; i < handled.size(); ++i) ASSERT_TRUE(source->push(item(std::to_string(i))).ok());
  });
  // Done when the source is empty; asked on its thread, again and again.
  std::function<void()> ask = [&] {
    if (source->size() == 0) worker->close([&] { closed.now(); });
    else service->loop().post([&] { ask(); });
  };
  service->loop().post([&] { ask(); });
  closed.wait();
  for (const auto& one : handled) EXPECT_EQ(one.load(), 1);
  on_service(*service, [&] {
    EXPECT_EQ(worker->counts().acked, handled.size());
    worker.reset();
    source.reset();
  });
}

}  // namespace
}  // namespace spikard::worker_loop
