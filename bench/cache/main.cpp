// Our side of bench/cache/run, and the maker of the traces all sides read.
//
//     bench_cache traces FOLDER    writes the traces (fixed seeds)
//     bench_cache speed -          one JSON object: the hot paths alone
//     bench_cache run FOLDER       one JSON object: hit ratios, ns an operation, bytes an entry
#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "cache/client.hpp"
#include "cache/memory/memory.hpp"

using namespace spikard;

namespace {

constexpr std::uint32_t accesses = 2'000'000;
constexpr std::uint64_t capacities[] = {1'000, 10'000};

/// Ranks 0 to n-1, the probability of rank r proportional to 1 / (r + 1)^s.
class Zipf {
 public:
  Zipf(std::uint32_t n, double s) : sums_(n) {
    double sum = 0;
    for (std::uint32_t r = 0; r < n; ++r) sums_[r] = sum += std::pow(r + 1, -s);
    for (double& one : sums_) one /= sum;
  }
  std::uint32_t operator()(std::mt19937_64& random) const {
    const double at = static_cast<double>(random() >> 11U) * 0x1p-53;
    return static_cast<std::uint32_t>(std::lower_bound(sums_.begin(), sums_.end(), at) - sums_.begin());
  }

 private:
  std::vector<double> sums_;
};

using Trace = std::vector<std::uint32_t>;

void write(const std::filesystem::path& folder, const std::string& name, const Trace& trace) {
  std::ofstream out(folder / (name + ".trace"), std::ios::binary);
  out.write(reinterpret_cast<const char*>(trace.data()), static_cast<std::streamsize>(trace.size() * sizeof trace[0]));
}

void make_traces(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  for (const char* s : {"0.7", "0.8", "0.9", "1.0", "1.1"}) {
    std::mt19937_64 random(1);
    const Zipf zipf(100'000, std::strtod(s, nullptr));
    Trace trace(accesses);
    for (auto& one : trace) one = zipf(random);
    write(folder, std::string("zipf-") + s, trace);
  }
  for (const std::uint64_t capacity : capacities) {
    Trace trace(accesses);
    for (std::uint32_t n = 0; n < accesses; ++n) trace[n] = static_cast<std::uint32_t>(n % (capacity * 3 / 2));
    write(folder, fmt::format("loop-{}", capacity), trace);
  }
  {
    // Zipf 0.9 with a scan of 20,000 keys that never come again, every 40,000 accesses.
    std::mt19937_64 random(2);
    const Zipf zipf(100'000, 0.9);
    Trace trace;
    std::uint32_t fresh = 1'000'000;
    while (trace.size() < accesses) {
      for (int n = 0; n < 40'000; ++n) trace.push_back(zipf(random));
      for (int n = 0; n < 20'000; ++n) trace.push_back(fresh++);
    }
    trace.resize(accesses);
    write(folder, "scan", trace);
  }
  {
    // Zipf 0.9 whose ranks move to other keys every 200,000 accesses.
    std::mt19937_64 random(3);
    const Zipf zipf(100'000, 0.9);
    Trace trace(accesses);
    for (std::uint32_t n = 0; n < accesses; ++n) trace[n] = (zipf(random) + n / 200'000 * 7'919) % 100'000;
    write(folder, "shift", trace);
  }
}

Trace read(const std::filesystem::path& path) {
  Trace trace(std::filesystem::file_size(path) / sizeof(std::uint32_t));
  std::ifstream in(path, std::ios::binary);
  in.read(reinterpret_cast<char*>(trace.data()), static_cast<std::streamsize>(trace.size() * sizeof trace[0]));
  return trace;
}

std::string key_of(std::uint32_t n) { return fmt::format("key:{}", n); }

cache::MemoryOptions bounded(std::uint64_t entries, std::uint32_t shards = 0) {
  cache::MemoryOptions out;
  out.max_entries = entries;
  out.shards = shards;
  out.seed = 1;
  return out;
}

double hit_ratio(Clock& clock, const Trace& trace, std::uint64_t capacity, std::uint32_t shards) {
  cache::Memory memory(clock, bounded(capacity, shards));
  std::uint64_t hits = 0;
  std::string key;
  for (const std::uint32_t one : trace) {
    key = key_of(one);
    const cache::Key at{"", key};
    if (memory.get(nullptr, at).take()->has_value()) {
      ++hits;
    } else {
      (void)memory.put(nullptr, at, cache::Put("0123456789abcdef")).take();
    }
  }
  return static_cast<double>(hits) / static_cast<double>(trace.size());
}

double cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// The best of five rounds, by CPU time of the process.
template <class F>
double ns_an_operation(std::uint64_t operations, F run) {
  double best = 1e18;
  for (int round = 0; round < 5; ++round) {
    const double before = cpu_ns();
    run();
    best = std::min(best, (cpu_ns() - before) / static_cast<double>(operations));
  }
  return best;
}

struct Speed {
  double get, set, churn;
};

Speed speed(Clock& clock, std::uint32_t entries, unsigned threads, cache::Millis ttl = cache::forever) {
  cache::Memory memory(clock, bounded(entries));
  std::vector<std::string> keys;
  for (std::uint32_t n = 0; n < 4 * entries; ++n) keys.push_back(key_of(n));
  for (std::uint32_t n = 0; n < entries; ++n)
    (void)memory.put(nullptr, cache::Key{"", keys[n]}, cache::Put("0123456789abcdef", ttl)).take();
  std::vector<std::uint32_t> order(1U << 20U);
  std::mt19937 random(4);
  for (auto& one : order) one = static_cast<std::uint32_t>(random() % entries);
  const auto each = [&](auto operation) {
    return ns_an_operation(order.size() * threads, [&] {
      const auto work = [&](unsigned t) {
        for (std::size_t n = 0; n < order.size(); ++n) operation(order[(n + t * 7919) % order.size()], n);
      };
      if (threads == 1) return work(0);
      std::vector<std::thread> pool;
      for (unsigned t = 0; t < threads; ++t) pool.emplace_back(work, t);
      for (std::thread& one : pool) one.join();
    });
  };
  Speed out{};
  out.get = each([&](std::uint32_t i, std::size_t) { (void)memory.get(nullptr, cache::Key{"", keys[i]}).take(); });
  out.set = each([&](std::uint32_t i, std::size_t) {
    (void)memory.put(nullptr, cache::Key{"", keys[i]}, cache::Put("0123456789abcdef", ttl)).take();
  });
  out.churn = each([&](std::uint32_t i, std::size_t n) {
    (void)memory.put(nullptr, cache::Key{"", keys[(i + n) % keys.size()]}, cache::Put("0123456789abcdef", ttl)).take();
  });
  return out;
}

/// What 200,000 entries with keys of 16 and values of 32 bytes take beside these.
double overhead(Clock& clock) {
  constexpr std::uint32_t entries = 200'000;
  std::vector<std::string> keys;
  for (std::uint32_t n = 0; n < entries; ++n) keys.push_back(fmt::format("key:{:012}", n));
  const std::string value(32, 'v');
  malloc_trim(0);
  const struct mallinfo2 before = mallinfo2();
  cache::Memory memory(clock, bounded(entries + 20'000));
  for (const std::string& key : keys) (void)memory.put(nullptr, cache::Key{"", key}, cache::Put(value)).take();
  const struct mallinfo2 after = mallinfo2();
  const auto used = static_cast<double>(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd);
  return used / static_cast<double>(memory.statistics().entries) - 48;
}

void print(const char* name, Speed s) { fmt::print("\"{}\": [{:.1f}, {:.1f}, {:.1f}], ", name, s.get, s.set, s.churn); }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  if (std::string(argv[1]) == "traces") {
    make_traces(argv[2]);
    return 0;
  }
  RealClock clock;
  if (std::string(argv[1]) == "speed") {
    const Speed seen = speed(clock, 1000, 1);
    fmt::print("{{\"get\": {:.1f}, \"set\": {:.1f}, \"churn\": {:.1f}}}\n", seen.get, seen.set, seen.churn);
    return 0;
  }
  fmt::print("{{\"version\": \"\", \"hits\": {{");
  std::vector<std::filesystem::path> traces;
  for (const auto& entry : std::filesystem::directory_iterator(argv[2])) traces.push_back(entry.path());
  std::sort(traces.begin(), traces.end());
  bool first = true;
  for (const auto& path : traces) {
    const Trace trace = read(path);
    for (const std::uint64_t capacity : capacities) {
      fmt::print("{}\"{}/{}\": {:.5f}", first ? "" : ", ", path.stem().string(), capacity, hit_ratio(clock, trace, capacity, 0));
      first = false;
    }
  }
  fmt::print("}}, \"ns\": {{");
  print("1000 entries", speed(clock, 1000, 1));
  print("1000 entries, a ttl", speed(clock, 1000, 1, 3'600'000));
  print("1000 entries, 2 threads", speed(clock, 1000, 2));
  print("100000 entries", speed(clock, 100'000, 1));
  fmt::print("\"\": [0, 0, 0]}}, \"overhead\": {:.1f}}}\n", overhead(clock));
  return 0;
}
