#include <benchmark/benchmark.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <thread>

#include "base/task.hpp"
#include "net/loop/loop.hpp"

namespace spikard::net {
namespace {

struct Nothing final : IoHandler {
  void on_io(std::uint32_t) override {}
};

void turn_with_one_ready_descriptor(benchmark::State& state) {
  RealClock clock;
  auto loop = Loop::create(clock).value();
  if (state.range(0) != 0) (void)loop->fd();
  Nothing handler;
  const int fd = ::eventfd(1, EFD_NONBLOCK);
  (void)loop->watch(fd, EPOLLIN, &handler);  // level: ready in every turn
  Timer timer(*loop, [] {});
  for (auto _ : state) {
    timer.start(std::chrono::seconds(10));
    benchmark::DoNotOptimize(loop->turn(0));
  }
  loop->unwatch(fd, &handler);
  ::close(fd);
}
BENCHMARK(turn_with_one_ready_descriptor)->Arg(0)->Arg(1)->ArgName("watched");

void epoll_wait_alone(benchmark::State& state) {
  const int epoll = ::epoll_create1(0);
  const int fd = ::eventfd(1, EFD_NONBLOCK);
  ::epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  ::epoll_event events[64];
  for (auto _ : state) benchmark::DoNotOptimize(::epoll_wait(epoll, events, 64, 0));
  ::close(fd);
  ::close(epoll);
}
BENCHMARK(epoll_wait_alone);

void timer_start_and_stop(benchmark::State& state) {
  RealClock clock;
  auto loop = Loop::create(clock).value();
  Timer timer(*loop, [] {});
  const Instant at = clock.now() + std::chrono::seconds(30);
  for (auto _ : state) {
    timer.start_at(at);
    timer.stop();
  }
}
BENCHMARK(timer_start_and_stop);

void posts_of_the_own_thread(benchmark::State& state) {
  RealClock clock;
  auto loop = Loop::create(clock).value();
  std::uint64_t ran = 0;
  for (auto _ : state) {
    for (int i = 0; i < 64; ++i) loop->post([&ran] { ++ran; });
    loop->turn(0);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(ran));
}
BENCHMARK(posts_of_the_own_thread);

void posts_from_another_thread(benchmark::State& state) {
  RealClock clock;
  auto loop = Loop::create(clock).value();
  std::uint64_t ran = 0;
  constexpr int each = 100000;
  for (auto _ : state) {
    const std::uint64_t until = ran + each;
    std::thread other([&] {
      for (int i = 0; i < each; ++i) loop->post([&ran] { ++ran; });
    });
    while (ran < until) loop->turn(-1);
    other.join();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(ran));
}
BENCHMARK(posts_from_another_thread)->UseRealTime();

Task<int> ready(int n) { co_return n; }
Task<long> sum(int count) {
  long out = 0;
  for (int i = 0; i < count; ++i) out += co_await ready(i);
  co_return out;
}

void ready_task(benchmark::State& state) {
  long total = 0;
  for (auto _ : state) spawn(sum(1000), [&](const std::exception_ptr&, std::optional<long> value) { total += *value; });
  benchmark::DoNotOptimize(total);
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(ready_task);

}  // namespace
}  // namespace spikard::net
