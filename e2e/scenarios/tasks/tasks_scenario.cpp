// A small application of tasks for the crash scenarios (tasks.py) and the benchmark: one process, one mode, events as JSON lines
// on standard output. It is the C++ client as an application uses it, without the runtime around it.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "net/await.hpp"
#include "net/blocking_pool.hpp"
#include "net/virtual_clock.hpp"
#ifdef SPIKARD_TASKS_MYSQL
#include "store/mysql/database.hpp"
#endif
#include "store/sqlite/databases.hpp"
#include "tasks/client.hpp"
#include "worker_loop/task_sink.hpp"

using namespace spikard;
using worker_loop::Outcome;
using worker_loop::WorkItem;

namespace {

void say(const std::string& line) {
  std::string out = line + "\n";
  if (::write(1, out.data(), out.size()) < 0) std::_Exit(3);
}
std::int64_t wall_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}
double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

struct Options {
  std::map<std::string, std::string> values;
  [[nodiscard]] std::string text(const std::string& name, const std::string& otherwise) const {
    const auto at = values.find(name);
    return at == values.end() ? otherwise : at->second;
  }
  [[nodiscard]] std::int64_t number(const std::string& name, std::int64_t otherwise) const {
    const auto at = values.find(name);
    return at == values.end() ? otherwise : std::atoll(at->second.c_str());
  }
};

class App {
 public:
  App(Clock& clock, const Options& options) : loop(net::Loop::create(clock).value()), pool(clock), databases(pool) {
    loop->turn(0);
    tasks::ClientOptions of_client;
    of_client.store.url = options.text("url", "memory:");
    tasks::Environment environment;
    environment.databases = &databases;
#ifdef SPIKARD_TASKS_MYSQL
    environment.mysql = &servers;
#endif
    auto opened = tasks::Client::open(std::move(of_client), environment);
    if (!opened.ok()) {
      say("{\"event\":\"failed\",\"error\":\"" + opened.error().message() + "\"}");
      std::_Exit(2);
    }
    client = *opened;
  }
  ~App() {
    client->close();
    client.reset();
    databases.close();
    pool.stop();
  }
  template <class T>
  T await(Task<T> task) {
    std::optional<T> value;
    bool ended = false;
    spawn(std::move(task), [&](const std::exception_ptr& error, std::optional<T> v) {
      if (error) std::rethrow_exception(error);
      value.emplace(std::move(*v));
      ended = true;
    });
    while (!ended) loop->turn(-1);
    return std::move(*value);
  }
  void await(Task<void> task) {
    bool ended = false;
    spawn(std::move(task), [&](const std::exception_ptr&) { ended = true; });
    while (!ended) loop->turn(-1);
  }
  [[nodiscard]] net::Caller caller() { return net::Caller(*loop); }

  std::unique_ptr<net::Loop> loop;
  net::BlockingPool pool;
  store::sqlite::Databases databases;
#ifdef SPIKARD_TASKS_MYSQL
  store::mysql::Databases servers;
#endif
  std::shared_ptr<tasks::Client> client;
};

/// Runs until SIGTERM, then drains.
int work(const Options& options) {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  RealClock clock;
  App app(clock, options);
  const auto run_ms = options.number("run_ms", 0);
  worker_loop::TaskSink::Handler handler = [&](std::shared_ptr<const WorkItem> item) -> Task<Outcome> {
    const tasks::Job& job = tasks::job_of(*item);
    say(fmt::format(R"({{"event":"begin","id":{},"attempt":{},"lease":{},"pid":{},"at":{}}})", job.id, job.attempt, job.lease,
                    ::getpid(), wall_ms()));
    if (run_ms > 0) {
      Result<void> slept = co_await net::sleep(*app.loop, std::chrono::milliseconds(run_ms));
      if (!slept.ok()) {
        say(fmt::format(R"({{"event":"cancelled","id":{},"pid":{}}})", job.id, ::getpid()));
        co_return Outcome::error("cancelled");
      }
    }
    say(fmt::format(R"({{"event":"end","id":{},"attempt":{},"pid":{},"at":{}}})", job.id, job.attempt, ::getpid(), wall_ms()));
    co_return Outcome::ack(std::to_string(::getpid()));
  };
  const std::vector<net::Loop*> loops{app.loop.get()};
  worker_loop::TaskSink sink(loops, handler);
  tasks::WorkerOptions of_worker("w" + std::to_string(::getpid()), options.text("queue", "q"));
  of_worker.lease_ms = options.number("lease_ms", 10'000);
  of_worker.concurrency = static_cast<std::uint32_t>(options.number("concurrency", 16));
  const auto worker = app.client->start_worker(std::move(of_worker), sink, *app.loop);
  say(fmt::format(R"({{"event":"ready","pid":{}}})", ::getpid()));
  class Signals final : public net::IoHandler {
   public:
    void on_io(std::uint32_t) override { came = true; }
    bool came = false;
  } signals;
  const int fd = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  (void)app.loop->watch(fd, 1, &signals);  // EPOLLIN
  while (!signals.came) app.loop->turn(-1);
  app.loop->unwatch(fd, &signals);
  ::close(fd);
  const auto drained = app.await(worker->stop(std::chrono::milliseconds(options.number("drain_ms", 200))));
  say(fmt::format(R"({{"event":"drained","drained":{},"unfinished":{},"lost":{},"pid":{}}})", drained.drained, drained.unfinished,
                  worker->counts().lost, ::getpid()));
  return 0;
}

int enqueue(const Options& options) {
  RealClock clock;
  App app(clock, options);
  std::vector<tasks::NewJob> jobs;
  for (std::int64_t i = 0; i < options.number("count", 1); ++i) {
    tasks::NewJob job(options.text("queue", "q"), "t", std::to_string(i));
    job.max_attempts = static_cast<std::uint32_t>(options.number("max_attempts", 5));
    jobs.push_back(std::move(job));
  }
  const auto done = app.await(app.client->enqueue_many(app.caller(), std::move(jobs)));
  if (!done.ok()) return 1;
  say(fmt::format(R"({{"event":"enqueued","first":{},"count":{}}})", done->front().id, done->size()));
  return 0;
}

/// Steps its own clock a tick (a minute) at a time, from `from` on, firing a schedule of every minute.
int schedule(const Options& options) {
  const WallTime start{std::chrono::milliseconds(options.number("epoch", 1767225600000))};
  const std::int64_t ticks = options.number("ticks", 10'000);
  const std::int64_t from = options.number("from", 0);
  net::VirtualClock clock(start + std::chrono::minutes(from));
  App app(clock, options);
  const auto settle = [&](Duration by) {
    const auto done = std::make_shared<std::atomic<bool>>(false);
    clock.advance(by, [&app, done] {
      done->store(true);
      app.loop->wake();
    });
    while (!done->load()) app.loop->turn(-1);
  };
  if (from == 0) {
    tasks::Schedule every;
    every.name = "tick";
    every.cron = "* * * * *";
    every.queue = "ticks";
    every.task = "tick";
    every.misfire = tasks::Misfire::all;
    if (!app.await(app.client->schedule(app.caller(), std::move(every))).ok()) return 1;
  }
  tasks::SchedulerOptions of_scheduler;
  of_scheduler.name = std::to_string(::getpid());
  const auto scheduler = app.client->start_scheduler(std::move(of_scheduler), *app.loop);
  for (std::int64_t tick = from; tick < ticks; ++tick) {
    settle(std::chrono::minutes(1));
    if (tick % 10 == 9) say(fmt::format(R"({{"event":"tick","tick":{},"fired":{}}})", tick + 1, scheduler->fired()));
  }
  app.await(scheduler->stopped());
  say(fmt::format(R"({{"event":"done","fired":{}}})", scheduler->fired()));
  return 0;
}

/// How much a job costs: `count` jobs in bulk, then run to their end; and single ones on an idle queue.
int bench(const Options& options) {
  RealClock clock;
  App app(clock, options);
  const auto count = options.number("count", 10'000);
  using Clk = std::chrono::steady_clock;
  std::vector<tasks::NewJob> jobs;
  for (std::int64_t i = 0; i < count; ++i) {
    tasks::NewJob job("q", "add", "[1,2]");
    job.args_are_json = true;
    jobs.push_back(std::move(job));
  }
  double cpu = cpu_seconds();
  auto begun = Clk::now();
  for (std::int64_t at = 0; at < count; at += 10'000) {
    std::vector<tasks::NewJob> part(jobs.begin() + at, jobs.begin() + std::min(count, at + 10'000));
    if (!app.await(app.client->enqueue_many(app.caller(), std::move(part))).ok()) return 1;
  }
  const auto per = [&](double seconds) { return seconds * 1e6 / static_cast<double>(count); };
  const double bulk_cpu = per(cpu_seconds() - cpu);
  const double bulk_wall = per(std::chrono::duration<double>(Clk::now() - begun).count());
  std::int64_t ran = 0;
  Clk::time_point started;
  worker_loop::TaskSink::Handler handler = [&](std::shared_ptr<const WorkItem>) -> Task<Outcome> {
    started = Clk::now();
    ++ran;
    co_return Outcome::ack("3");
  };
  const std::vector<net::Loop*> loops{app.loop.get()};
  worker_loop::TaskSink sink(loops, handler);
  cpu = cpu_seconds();
  begun = Clk::now();
  auto worker = app.client->start_worker(tasks::WorkerOptions("bench", "q"), sink, *app.loop);
  while (ran < count) app.loop->turn(-1);
  while (worker->counts().in_hand != 0) app.loop->turn(-1);
  const double run_cpu = per(cpu_seconds() - cpu);
  const double run_wall = per(std::chrono::duration<double>(Clk::now() - begun).count());

  // One at a time, enqueued while the worker runs: as huey's and apalis's benchmarks do.
  const std::int64_t singles = options.number("singles", 2000);
  cpu = cpu_seconds();
  begun = Clk::now();
  for (std::int64_t i = 0; i < singles; ++i) {
    tasks::NewJob job("q", "add", "[1,2]");
    if (!app.await(app.client->enqueue(app.caller(), std::move(job))).ok()) return 1;
  }
  while (ran < count + singles) app.loop->turn(-1);
  while (worker->counts().in_hand != 0) app.loop->turn(-1);
  const double single_cpu = (cpu_seconds() - cpu) * 1e6 / static_cast<double>(singles);
  const double single_wall = std::chrono::duration<double>(Clk::now() - begun).count() * 1e6 / static_cast<double>(singles);

  std::vector<double> latencies;
  for (int i = 0; i < 300; ++i) {
    const auto wait = Clk::now() + std::chrono::milliseconds(5);
    while (Clk::now() < wait) app.loop->turn(1);
    const std::int64_t before = ran;
    const auto asked = Clk::now();
    tasks::NewJob job("q", "add", "[1,2]");
    if (!app.await(app.client->enqueue(app.caller(), std::move(job))).ok()) return 1;
    while (ran == before) app.loop->turn(-1);
    latencies.push_back(std::chrono::duration<double, std::milli>(started - asked).count());
  }
  std::sort(latencies.begin(), latencies.end());
  (void)app.await(worker->stop(std::chrono::seconds(5)));
  say(fmt::format(
      R"({{"bulk_us":{{"cpu":{:.1f},"wall":{:.1f}}},"run_us":{{"cpu":{:.1f},"wall":{:.1f}}},"single_us":{{"cpu":{:.1f},"wall":{:.1f}}},"start_ms":{{"p50":{:.2f},"p99":{:.2f}}}}})",
      bulk_cpu, bulk_wall, run_cpu, run_wall, single_cpu, single_wall, latencies[150], latencies[297]));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 2; i < argc; ++i) {
    const std::string one = argv[i];
    const std::size_t at = one.find('=');
    if (at != std::string::npos) options.values[one.substr(0, at)] = one.substr(at + 1);
  }
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "work") return work(options);
  if (mode == "enqueue") return enqueue(options);
  if (mode == "schedule") return schedule(options);
  if (mode == "bench") return bench(options);
  std::fputs("tasks_scenario work|enqueue|schedule|bench NAME=VALUE...\n", stderr);
  return 2;
}
