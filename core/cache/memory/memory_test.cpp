#include "cache/memory/memory.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "cache/memory/expiry_wheel.hpp"
#include "cache/memory/frequency_sketch.hpp"
#include "cache/memory/hash.hpp"
#include "net/virtual_clock.hpp"

namespace spikard::cache {

using namespace std::chrono_literals;

namespace {

MemoryOptions entries(std::uint64_t max, std::uint32_t shards = 0) {
  MemoryOptions out;
  out.max_entries = max;
  out.shards = shards;
  out.seed = 42;
  return out;
}

void put(Memory& cache, const std::string& key, const std::string& value = "v", Millis ttl = forever) {
  ASSERT_TRUE(cache.put(nullptr, Key{"", key}, Put(value, ttl)).take().ok());
}
bool has(Memory& cache, const std::string& key) { return cache.get(nullptr, Key{"", key}).take()->has_value(); }

void pass(net::VirtualClock& clock, Duration by) {
  bool done = false;
  clock.advance(by, [&] { done = true; });
  ASSERT_TRUE(done);
}

}  // namespace

TEST(FrequencySketch, Counts_at_least_what_it_saw_up_to_15) {
  memory::FrequencySketch sketch;
  sketch.increment(1);
  EXPECT_EQ(sketch.frequency(1), 0U) << "it has no room yet";
  sketch.ensure_capacity(512);
  for (std::uint32_t n = 1; n <= 20; ++n) {
    sketch.increment(7);
    EXPECT_EQ(sketch.frequency(7), std::min(n, 15U));
  }
  EXPECT_EQ(sketch.frequency(8), 0U);
}

TEST(FrequencySketch, Halves_every_ten_times_its_capacity) {
  memory::FrequencySketch sketch;
  sketch.ensure_capacity(64);
  for (int n = 0; n < 10; ++n) sketch.increment(123456789);
  EXPECT_EQ(sketch.frequency(123456789), 10U);
  std::mt19937 random(1);
  for (int n = 0; n < 640; ++n) sketch.increment(static_cast<std::uint32_t>(random()));
  EXPECT_LE(sketch.frequency(123456789), 15U);
  for (int round = 0; round < 40; ++round) {
    for (int n = 0; n < 640; ++n) sketch.increment(static_cast<std::uint32_t>(random()));
  }
  EXPECT_LT(sketch.frequency(123456789), 15U);
}

TEST(Hash, Bits_are_even_for_keys_that_differ_little) {
  std::map<std::uint64_t, int> shards;
  std::set<std::uint32_t> low;
  for (int n = 0; n < 64'000; ++n) {
    const std::uint64_t hash = memory::hash_of("user:" + std::to_string(n), 1);
    ++shards[hash >> 58U];
    low.insert(static_cast<std::uint32_t>(hash));
  }
  EXPECT_EQ(shards.size(), 64U);
  for (const auto& [shard, count] : shards) EXPECT_NEAR(count, 1000, 200);
  EXPECT_GT(low.size(), 63'990U);
  // Of every length the whole text counts.
  for (std::size_t length = 1; length < 70; ++length) {
    std::string text(length, 'x');
    const std::uint64_t before = memory::hash_of(text, 1);
    for (std::size_t at = 0; at < length; ++at) {
      if (length <= 3 && length > 1 && at != 0 && at != length / 2 && at != length - 1) continue;
      text[at] = 'y';
      EXPECT_NE(memory::hash_of(text, 1), before) << length << " " << at;
      text[at] = 'x';
    }
    EXPECT_NE(memory::hash_of(text, 2), before);
  }
}

TEST(ExpiryWheel, Removes_what_is_due_and_nothing_else_whatever_the_steps) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 20; ++round) {
    memory::Slots slots;
    Millis now = static_cast<Millis>(random() % 1'000'000'000);
    memory::ExpiryWheel wheel(slots, now);
    std::map<std::uint32_t, Millis> due;
    for (int step = 0; step < 2000; ++step) {
      const std::uint64_t kind = random() % 10;
      if (kind < 5) {
        const std::uint32_t i = slots.take();
        const Millis at = now + 1 + static_cast<Millis>(random() % (Millis{1} << (1 + random() % 38)));
        due[i] = at;
        wheel.add(i, at);
      } else if (kind < 6 && !due.empty()) {
        auto any = due.begin();
        std::advance(any, static_cast<std::ptrdiff_t>(random() % due.size()));
        wheel.remove(any->first);
        slots.give_back(any->first);
        due.erase(any);
      } else {
        now += static_cast<Millis>(random() % (Millis{1} << (1 + random() % 34)));
        const bool turns = wheel.turns(now);
        std::vector<std::uint32_t> removed;
        wheel.advance(
            now, [&](std::uint32_t i) { return due.at(i); },
            [&](std::uint32_t i) {
              wheel.remove(i);
              removed.push_back(i);
            });
        EXPECT_TRUE(turns || removed.empty());
        for (const std::uint32_t i : removed) {
          EXPECT_LE(due.at(i), now);
          due.erase(i);
          slots.give_back(i);
        }
        // Late by less than the wheel's second.
        for (const auto& [i, at] : due) EXPECT_GT(at, now - 1024) << at - now;
      }
    }
    EXPECT_EQ(wheel.empty(), due.empty());
  }
}

TEST(Memory, Does_what_a_map_does_as_long_as_there_is_room) {
  net::VirtualClock clock;
  Memory cache(clock, entries(1'000'000, 4));
  std::map<std::pair<std::string, std::string>, std::pair<std::string, Millis>> model;
  std::mt19937_64 random(3);
  Millis now = millis_of(clock.now());
  const auto live = [&](auto at) { return at != model.end() && (at->second.second == forever || now < at->second.second); };
  for (int step = 0; step < 60'000; ++step) {
    const std::string space = random() % 4 == 0 ? "n" : "";
    const std::string name = "k" + std::to_string(random() % 300);
    const Key key{space, name};
    const auto at = model.find({space, name});
    switch (random() % 9) {
      case 0:
      case 1: {
        const Millis ttl = random() % 2 == 0 ? forever : static_cast<Millis>(1 + random() % 20'000);
        std::string value(random() % 40, static_cast<char>('a' + random() % 26));
        ASSERT_TRUE(cache.put(nullptr, key, Put(value, ttl)).take().ok());
        model[{space, name}] = {value, ttl == forever ? forever : now + ttl};
        break;
      }
      case 2:
        EXPECT_EQ(*cache.remove(nullptr, key).take(), live(at));
        model.erase({space, name});
        break;
      case 3: {
        const Millis ttl = static_cast<Millis>(1 + random() % 20'000);
        EXPECT_EQ(*cache.touch(nullptr, key, ttl).take(), live(at));
        if (live(at)) at->second.second = now + ttl;
        break;
      }
      case 4: {
        const bool set = *cache.put_if_absent(nullptr, key, Put("absent")).take();
        EXPECT_EQ(set, !live(at));
        if (set) model[{space, name}] = {"absent", forever};
        break;
      }
      case 5: {
        const auto by = std::chrono::milliseconds(random() % 300);
        pass(clock, by);
        now += by.count();
        break;
      }
      case 6: {
        const auto left = *cache.left(nullptr, key).take();
        ASSERT_EQ(left.has_value(), live(at));
        if (left) EXPECT_EQ(*left, at->second.second == forever ? forever : at->second.second - now);
        break;
      }
      default: {
        const auto value = *cache.get(nullptr, key).take();
        ASSERT_EQ(value.has_value(), live(at)) << name;
        if (value) EXPECT_EQ(value->view(), at->second.first);
      }
    }
  }
  std::uint64_t count = 0;
  for (auto at = model.begin(); at != model.end(); ++at) count += live(at) && at->first.first.empty() ? 1 : 0;
  EXPECT_EQ(*cache.count(nullptr, "").take(), count);
}

TEST(Memory, Never_holds_more_than_it_may_and_always_the_newest) {
  net::VirtualClock clock;
  for (const std::uint64_t max : {1U, 2U, 3U, 10U, 100U, 1000U, 5000U}) {
    Memory cache(clock, entries(max));
    std::mt19937 random(5);
    for (int n = 0; n < 20'000; ++n) {
      const std::string key = std::to_string(random() % (3 * max));
      put(cache, key);
      ASSERT_TRUE(has(cache, key)) << max;
      for (int m = 0; m < 3; ++m) (void)has(cache, std::to_string(random() % (max / 2 + 1)));
    }
    EXPECT_LE(*cache.count(nullptr, "").take(), max);
    const Statistics now = cache.statistics();
    EXPECT_LE(now.weight, max);
    EXPECT_EQ(now.max_weight, max);
    EXPECT_GE(now.entries, max * 9 / 10);
  }
}

TEST(Memory, Bounded_by_bytes_it_counts_keys_values_and_overhead) {
  net::VirtualClock clock;
  MemoryOptions options;
  options.max_bytes = 1 << 20;
  options.seed = 1;
  Memory cache(clock, options);
  std::mt19937 random(5);
  for (int n = 0; n < 50'000; ++n) {
    const std::string key = std::to_string(random() % 20'000);
    put(cache, key, std::string(random() % 3000, 'x'));
    ASSERT_TRUE(has(cache, key));
    ASSERT_LE(cache.statistics().weight, 1U << 20U);
  }
  EXPECT_GT(cache.statistics().weight, (1U << 20U) * 95 / 100);
  put(cache, "all", std::string((1 << 20) - 100, 'x'));
  EXPECT_TRUE(has(cache, "all")) << "one that fills it";
  EXPECT_EQ(cache.statistics().entries, 1U);
  const auto over = cache.put(nullptr, Key{"", "all"}, Put(std::string(1 << 20, 'x'))).take();
  ASSERT_FALSE(over.ok());
  EXPECT_EQ(over.error().kind(), ErrorKind::too_large);
  EXPECT_TRUE(has(cache, "all")) << "what is refused changes nothing";
}

TEST(Memory, Both_bounds_hold) {
  net::VirtualClock clock;
  MemoryOptions options = entries(100);
  options.max_bytes = 100'000;
  Memory cache(clock, options);
  for (int n = 0; n < 1000; ++n) put(cache, std::to_string(n), std::string(5000, 'x'));
  EXPECT_LE(cache.statistics().entries, 19U);
  for (int n = 0; n < 1000; ++n) put(cache, std::to_string(n));
  EXPECT_EQ(cache.statistics().entries, 100U);
}

TEST(Memory, Weights_are_as_given) {
  net::VirtualClock clock;
  Memory cache(clock, entries(100));
  Put heavy("v");
  heavy.weight = 60;
  ASSERT_TRUE(cache.put(nullptr, Key{"", "a"}, heavy).take().ok());
  EXPECT_EQ(cache.statistics().weight, 60U);
  ASSERT_TRUE(cache.put(nullptr, Key{"", "b"}, heavy).take().ok());
  EXPECT_EQ(cache.statistics().weight, 60U);
  EXPECT_FALSE(has(cache, "a"));
  heavy.weight = 10;
  ASSERT_TRUE(cache.put(nullptr, Key{"", "b"}, heavy).take().ok());
  EXPECT_EQ(cache.statistics().weight, 10U);
  heavy.weight = 101;
  EXPECT_FALSE(cache.put(nullptr, Key{"", "c"}, heavy).take().ok());
}

TEST(Memory, What_is_often_asked_for_survives_a_scan) {
  net::VirtualClock clock;
  Memory cache(clock, entries(1000));
  const auto use = [&](const std::string& key) {
    if (has(cache, key)) return true;
    put(cache, key);
    return false;
  };
  for (int round = 0; round < 20; ++round) {
    for (int n = 0; n < 700; ++n) use("hot" + std::to_string(n));
  }
  for (int n = 0; n < 20'000; ++n) use("scan" + std::to_string(n));
  int kept = 0;
  for (int n = 0; n < 700; ++n) kept += has(cache, "hot" + std::to_string(n)) ? 1 : 0;
  EXPECT_GT(kept, 650);
}

TEST(Memory, Expired_entries_go_without_being_asked_for) {
  net::VirtualClock clock;
  Memory cache(clock, entries(100'000, 4));
  for (int n = 0; n < 1000; ++n) put(cache, std::to_string(n), "v", 1000 + n);
  EXPECT_EQ(cache.statistics().entries, 1000U);
  pass(clock, 1500ms);
  // A few writes anywhere turn the wheels of all shards.
  for (int n = 0; n < 2000; ++n) put(cache, "other");
  EXPECT_LT(cache.statistics().entries, 1000U);
  pass(clock, 3000ms);
  EXPECT_EQ(cache.statistics().entries, 1U);
  EXPECT_EQ(cache.statistics().expirations, 1000U);
  EXPECT_EQ(cache.statistics().evictions, 0U);
}

TEST(Memory, Tags_go_with_their_entries) {
  net::VirtualClock clock;
  Memory cache(clock, entries(64));
  std::mt19937 random(9);
  for (int n = 0; n < 20'000; ++n) {
    const std::string key = std::to_string(random() % 200);
    const std::vector<std::string> tags{"t" + std::to_string(random() % 5), "u" + std::to_string(random() % 50)};
    Put what("v", random() % 3 == 0 ? static_cast<Millis>(1 + random() % 5000) : forever);
    if (random() % 2 == 0) what.tags = tags;
    ASSERT_TRUE(cache.put(nullptr, Key{"", key}, what).take().ok());
    if (random() % 50 == 0) ASSERT_TRUE(cache.invalidate(nullptr, tags).take().ok());
    if (random() % 10 == 0) (void)cache.remove(nullptr, Key{"", std::to_string(random() % 200)}).take();
    if (random() % 20 == 0) pass(clock, std::chrono::milliseconds(random() % 500));
  }
  const std::vector<std::string> all{"t0", "t1", "t2", "t3", "t4"};
  ASSERT_TRUE(cache.invalidate(nullptr, all).take().ok());
  EXPECT_LE(cache.statistics().entries, 64U);
}

}  // namespace spikard::cache
