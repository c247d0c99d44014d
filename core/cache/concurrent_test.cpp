// What several threads do at once: for TSan.
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "cache/client.hpp"
#include "cache/memory/memory.hpp"
#include "net/service_thread.hpp"

namespace spikard::cache {

using namespace std::chrono_literals;

TEST(MemoryConcurrent, Four_threads_do_everything_to_a_small_cache) {
  RealClock clock;
  MemoryOptions options;
  options.max_entries = 600;
  Memory cache(clock, options);
  std::atomic<std::uint64_t> wrong{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      const std::vector<std::string> tags{"t" + std::to_string(t)};
      for (int n = 0; n < 20'000; ++n) {
        const std::string name = std::to_string(random() % 1500);
        const Key key{random() % 3 == 0 ? "n" : "", name};
        switch (random() % 16) {
          case 0: (void)cache.remove(nullptr, key).take(); break;
          case 1: (void)cache.touch(nullptr, key, 5).take(); break;
          case 2: {
            Put put(name, 1 + static_cast<Millis>(random() % 20));
            put.tags = tags;
            (void)cache.put(nullptr, key, put).take();
            break;
          }
          case 3:
          case 4:
          case 5: (void)cache.put(nullptr, key, Put(name)).take(); break;
          case 6: (void)cache.put_if_absent(nullptr, key, Put(name)).take(); break;
          case 7: (void)cache.remove_if(nullptr, key, name).take(); break;
          default: {
            const auto value = cache.get(nullptr, key).take();
            if (*value && (*value)->view() != name) wrong.fetch_add(1);
          }
        }
        if (n % 2000 == 0) (void)cache.invalidate(nullptr, tags).take();
        if (n % 5000 == 0) (void)cache.clear(nullptr, "n").take();
        if (n % 1000 == 0) (void)cache.statistics();
        if (n % 3000 == 0) (void)cache.count(nullptr, "").take();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0U);
  EXPECT_LE(cache.statistics().weight, 600U);
}

TEST(MemoryConcurrent, Increments_of_four_threads_all_count) {
  RealClock clock;
  Memory cache(clock, MemoryOptions());
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int n = 0; n < 10'000; ++n) (void)cache.increment(nullptr, Key{"", "n"}, 1, forever).take();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ((*cache.get(nullptr, Key{"", "n"}).take())->view(), "40000");
}

TEST(LoadsConcurrent, Callers_on_four_loops_share_each_load) {
  RealClock clock;
  const auto cache = std::make_shared<Cache>(std::make_unique<Memory>(clock, MemoryOptions()), Cache::Options(clock));
  const Client client(cache);
  constexpr int rounds = 300;
  std::atomic<int> loads{0};
  std::atomic<int> ended{0};
  std::atomic<int> wrong{0};
  std::vector<std::unique_ptr<net::ServiceThread>> threads;
  for (int t = 0; t < 4; ++t) threads.push_back(std::move(net::ServiceThread::start(clock)).value());
  for (int round = 0; round < rounds; ++round) {
    for (const auto& thread : threads) {
      net::Loop* loop = &thread->loop();
      loop->post([&, loop, round] {
        const std::string key = std::to_string(round);
        Loader load = [&, loop, key]() -> Task<Result<std::optional<std::string>>> {
          const std::string mine = key;
          loads.fetch_add(1);
          const Result<void> slept = co_await net::sleep(*loop, 1ms);
          (void)slept;
          co_return Result<std::optional<std::string>>(std::optional<std::string>(mine));
        };
        LoadOptions options;
        if (round % 3 == 0) options.wait = 5ms;  // some give up, now and then
        spawn(client.get_or_load(net::Caller(*loop), key, options, std::move(load)).task(),
              [&, key](const std::exception_ptr&, std::optional<Result<std::optional<Payload>>> value) {
                const bool gave_up = value && !value->ok() && value->error().kind() == ErrorKind::timeout;
                if (!gave_up && (!value || !value->ok() || !**value || (**value)->view() != key)) wrong.fetch_add(1);
                ended.fetch_add(1);
                ended.notify_one();
              });
      });
    }
  }
  for (int now = ended.load(); now < 4 * rounds; now = ended.load()) ended.wait(now);
  for (const auto& thread : threads) thread->stop();
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_GE(loads.load(), rounds * 2 / 3);
  EXPECT_LE(loads.load(), rounds + rounds / 3);
}

}  // namespace spikard::cache
