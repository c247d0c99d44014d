// Our tasks on a SQLite file, with the defaults: `bench_tasks FILE` (or a URL), on PORT. `GET /run?jobs=N&idle=M` answers the
// figures, in µs of CPU time of the process a job and in ms.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include <spikard/spikard.hpp>

using namespace spikard;
using namespace std::chrono_literals;

namespace bench {

struct Work {
  int order{};
  std::string note;
};
BOOST_DESCRIBE_STRUCT(Work, (), (order, note))

struct Figures {
  double enqueue{}, run{}, bulk{}, start_p50{}, start_p99{};
};
BOOST_DESCRIBE_STRUCT(Figures, (), (enqueue, run, bulk, start_p50, start_p99))

double cpu_us() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

double now_ms() { return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

struct Seen {
  std::atomic<int> ran{0};
  std::atomic<double> started{0};
};

tasks::NewJob job(int i, std::string queue = "default") {
  return tasks::NewJob(std::move(queue), "work", R"({"order":)" + std::to_string(i) + R"(,"note":"leave it at the door"})");
}

Task<void> finish(Context& ctx, const Seen& seen, int until) {
  (void)(co_await ctx.tasks().pause(ctx, "default", false)).ok();
  while (seen.ran < until) (void)co_await ctx.sleep(10ms);
  while ((co_await ctx.tasks().pending_count(ctx, "default")).value() > 0) (void)co_await ctx.sleep(10ms);
  (void)co_await ctx.sleep(200ms);
}

Task<Figures> measure(Context& ctx, const Seen& seen, int jobs, int idle) {
  Figures out;
  int until = seen.ran + jobs;
  double before = cpu_us();
  for (int at = 0; at < jobs; ++at) {
    tasks::NewJob one = job(at, "nobody");  // no worker has it: this is what enqueueing takes
    (void)(co_await ctx.tasks().enqueue(ctx, std::move(one))).value();
  }
  out.enqueue = (cpu_us() - before) / jobs;
  (void)(co_await ctx.tasks().pause(ctx, "default", true)).ok();
  before = cpu_us();
  for (int at = 0; at < jobs;) {
    std::vector<tasks::NewJob> many;
    for (const int end = std::min(at + 1000, jobs); at < end; ++at) many.push_back(job(at));
    (void)(co_await ctx.tasks().enqueue_many(ctx, std::move(many))).value();
  }
  out.bulk = (cpu_us() - before) / jobs;
  before = cpu_us();
  co_await finish(ctx, seen, until);
  out.run = (cpu_us() - before) / jobs;
  (void)co_await ctx.sleep(1s);
  std::vector<double> waits;
  for (int i = 0; i < idle; ++i) {
    (void)co_await ctx.sleep(50ms);
    const double begun = now_ms();
    tasks::NewJob one = job(1);
    (void)(co_await ctx.tasks().enqueue(ctx, std::move(one))).value();
    ++until;
    while (seen.ran < until) (void)co_await ctx.sleep(1ms);
    waits.push_back(seen.started - begun);
  }
  std::sort(waits.begin(), waits.end());
  out.start_p50 = waits[waits.size() / 2];
  out.start_p99 = waits[waits.size() * 99 / 100];
  co_return out;
}

}  // namespace bench

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  App app;
  app.manifest().services.tasks["default"].url = std::string(std::strstr(argv[1], "://") != nullptr ? "" : "sqlite:") + argv[1];
  bench::Seen seen;
  app.task("work", [&seen](bench::Work) {
    seen.started = bench::now_ms();
    ++seen.ran;
  });
  app.get("/run", [&seen](Query<"jobs", int> jobs, Query<"idle", int> idle, Context& ctx) -> Task<bench::Figures> {
    co_return co_await bench::measure(ctx, seen, *jobs, *idle);
  });
  return app.run();
}
