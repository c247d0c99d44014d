// Our Redis client and the caches on it: `bench_redis URL` prints one JSON object, CPU time of this process an operation in µs
// (and of the server, where the name ends in " server"), and ns of a hit in memory.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "cache/client.hpp"
#include "cache/registry.hpp"
#include "net/redis/client.hpp"

using namespace spikard;
using net::redis::Client;
using net::redis::Command;
using net::redis::Options;
using net::redis::Reply;
using net::redis::View;

namespace {

constexpr int keys = 1000;

double own_cpu() {
  ::rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

class Bench {
 public:
  explicit Bench(const std::string& url) : loop_(std::move(net::Loop::create(clock_)).value()), caller_(*loop_), url_(url) {
    loop_->turn(0);
    client_ = std::make_shared<Client>(*loop_, Options::parse(url).value());
  }
  ~Bench() { client_->close(); }

  template <class T>
  T run(Task<T> task) {
    std::optional<T> out;
    spawn(std::move(task), [&](const std::exception_ptr&, std::optional<T> value) { out = std::move(value); });
    while (!out) loop_->turn(-1);
    return std::move(*out);
  }
  double server_cpu() {
    Command info("INFO");
    info.arg("cpu");
    const Result<Reply> reply = run(client_->run(std::move(info)));
    double sum = 0;
    for (const char* name : {"used_cpu_sys:", "used_cpu_user:"}) {
      const auto at = reply->text().find(name);
      sum += std::stod(std::string(reply->text().substr(at + std::string_view(name).size(), 20)));
    }
    return sum * 1e6;
  }
  /// `workers` tasks, each one operation after another.
  template <class Make>
  void measure(const std::string& name, int workers, int operations, Make make) {
    const double server = server_cpu();
    const double before = own_cpu();
    int left = workers;
    for (int n = 0; n < workers; ++n) {
      spawn(many(n, operations / workers, make), [&](const std::exception_ptr&) {
        if (--left == 0) loop_->wake();
      });
    }
    while (left > 0) loop_->turn(-1);
    const double after = own_cpu();
    out_[name] = (after - before) / operations;
    out_[name + " server"] = (server_cpu() - server) / operations;
  }
  template <class Make>
  static Task<void> many(int worker, int count, Make make) {
    for (int n = 0; n < count; ++n) co_await make((worker * 7919 + n * 31) % keys);
  }

  void client(int workers, int operations) {
    const std::string suffix = " " + std::to_string(workers);
    const std::string value(64, 'v');
    measure("set" + suffix, workers, operations, [&](int n) { return set(n, value); });
    measure("get" + suffix, workers, operations, [&](int n) { return get(n); });
  }
  Task<void> set(int n, std::string_view value) {
    Command command("SET");
    command.key("key:" + std::to_string(n)).arg(value).arg("PX").arg(600000);
    const auto decode = [](View reply) -> Result<bool> { return reply.truth(); };
    Task<Result<bool>> asking = client_->run(std::move(command), decode);
    (void)co_await std::move(asking);
  }
  Task<void> get(int n) {
    Command command("GET");
    command.key("key:" + std::to_string(n)).reads();
    const auto decode = [](View reply) -> Result<std::string> { return std::string(reply.text()); };
    Task<Result<std::string>> asking = client_->run(std::move(command), decode);
    (void)co_await std::move(asking);
  }

  cache::Client open(const std::string& url) {
    services::CacheConfig config;
    config.url = url;
    const cache::Environment environment(clock_);
    return cache::Client(cache::open(config, environment).value());
  }
  void caches(int workers, int operations) {
    const cache::Client cache = open(url_ + "?prefix=bench");
    const std::string suffix = " " + std::to_string(workers);
    const std::string value(64, 'v');
    measure("cache set" + suffix, workers, operations, [&](int n) { return put(cache, n, value); });
    measure("cache get" + suffix, workers, operations, [&](int n) { return look(cache, n); });
  }
  Task<void> put(const cache::Client& cache, int n, std::string_view value) {
    const std::string key = "key:" + std::to_string(n);
    const cache::SetOptions options(std::chrono::milliseconds(600000));
    cache::Answer<void> answer = cache.set(caller_, key, value, options);
    (void)co_await answer;
  }
  Task<void> look(const cache::Client& cache, int n) {
    const std::string key = "key:" + std::to_string(n);
    cache::Answer<std::optional<cache::Payload>> answer = cache.get(caller_, key);
    (void)co_await answer;
  }

  /// ns of a hit that is in memory.
  double hits(const cache::Client& cache) {
    std::vector<std::string> names;
    for (int n = 0; n < keys; ++n) names.push_back("key:" + std::to_string(n));
    double best = 1e9;
    for (int round = 0; round < 9; ++round) {
      const double before = own_cpu();
      std::size_t bytes = 0;
      constexpr int count = 300'000;
      for (int n = 0; n < count; ++n) {
        auto answer = cache.get(caller_, names[static_cast<std::size_t>(n * 7919 % keys)]);
        if (!answer.ready()) return -1;
        bytes += (*std::move(answer).take())->size();
      }
      if (bytes == 0) return -1;
      best = std::min(best, (own_cpu() - before) * 1000 / count);
    }
    return best;
  }
  void tiers() {
    const cache::Client near = open("memory:");
    const cache::Client tiered = open("tiered+" + url_ + "?prefix=bench");
    const std::string value(64, 'v');
    for (int n = 0; n < keys; ++n) {
      (void)run(near.set(caller_, "key:" + std::to_string(n), value, std::chrono::milliseconds(600000)).task());
      (void)run(tiered.set(caller_, "key:" + std::to_string(n), value, std::chrono::milliseconds(600000)).task());
    }
    for (int n = 0; n < keys;) {  // until the server's word about our own writes has come
      const std::string key = "key:" + std::to_string(n);
      (void)run(tiered.get(caller_, key).task());
      loop_->turn(0);
      n = tiered.get(caller_, key).ready() ? n + 1 : n;
    }
    out_["memory hit ns"] = hits(near);
    out_["tiered hit ns"] = hits(tiered);
  }

  void print() const {
    std::string text = "{";
    for (const auto& [name, value] : out_) text += (text.size() > 1 ? ", \"" : "\"") + name + "\": " + std::to_string(value);
    std::puts((text + "}").c_str());
  }

 private:
  RealClock clock_;
  std::unique_ptr<net::Loop> loop_;
  net::Caller caller_;
  std::string url_;
  std::shared_ptr<Client> client_;
  std::map<std::string, double> out_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  Bench bench(argv[1]);
  for (const int workers : {1, 64}) {
    const int operations = workers == 1 ? 20'000 : 128'000;
    bench.client(workers, operations);
    bench.caches(workers, operations);
  }
  bench.tiers();
  bench.print();
  return 0;
}
