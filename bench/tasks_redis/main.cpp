// Our tasks on Redis: `bench_tasks_redis URL JOBS`; one JSON line, µs of CPU time of this process a job.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "net/await.hpp"
#include "tasks/client.hpp"

using namespace spikard;

namespace {

constexpr int under_way = 100;
constexpr int at_once = 1000;

double cpu_us() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}
double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

tasks::NewJob job(int i) { return {"work", "work", R"({"order":)" + std::to_string(i) + R"(,"note":"leave it at the door"})"}; }

/// Every run is done at once.
class Done final : public worker_loop::WorkSink {
 public:
  void attach(const std::shared_ptr<worker_loop::WorkerLoop>& worker) override { worker_ = worker; }
  void on_work(std::uint64_t ticket, std::shared_ptr<const worker_loop::WorkItem>) override {
    ++ran;
    if (const auto worker = worker_.lock()) worker->complete(ticket, worker_loop::Outcome::ack("null"));
  }
  void on_cancel(std::uint64_t, CancelReason) override {}
  int ran = 0;

 private:
  std::weak_ptr<worker_loop::WorkerLoop> worker_;
};

Task<int> add(std::shared_ptr<tasks::Client> client, net::Loop& loop, int& next, int jobs) {
  while (next < jobs) {
    tasks::NewJob one = job(next++);
    Task<Result<tasks::Enqueued>> call = client->enqueue(net::Caller(loop), std::move(one));
    (void)(co_await std::move(call)).value();
  }
  co_return 0;
}
Task<int> add_many(std::shared_ptr<tasks::Client> client, net::Loop& loop, int jobs) {
  for (int at = 0; at < jobs;) {
    std::vector<tasks::NewJob> many;
    for (const int end = std::min(at + at_once, jobs); at < end; ++at) many.push_back(job(at));
    Task<Result<std::vector<tasks::Enqueued>>> call = client->enqueue_many(net::Caller(loop), std::move(many));
    (void)(co_await std::move(call)).value();
  }
  co_return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const int jobs = std::atoi(argv[2]);
  RealClock clock;
  const auto loop = net::Loop::create(clock).value();
  tasks::ClientOptions options;
  options.store.url = argv[1];
  const auto client = tasks::Client::open(std::move(options), {}).value();
  int open = 0;
  const auto start = [&](Task<int> task) {
    ++open;
    loop->post([&open, task = std::move(task)]() mutable {
      spawn(std::move(task), [&open](const std::exception_ptr& error, std::optional<int>) {
        if (error) std::abort();
        --open;
      });
    });
  };
  const auto turn_until_done = [&] {
    while (open > 0) loop->turn(-1);
  };
  double begun = cpu_us();
  int next = 0;
  for (int i = 0; i < under_way; ++i) start(add(client, *loop, next, jobs));
  turn_until_done();
  const double added = (cpu_us() - begun) / jobs;
  begun = cpu_us();
  start(add_many(client, *loop, jobs));
  turn_until_done();
  const double bulk = (cpu_us() - begun) / jobs;
  begun = cpu_us();
  const double at = seconds();
  Done done;
  tasks::WorkerOptions of("bench", "work");
  of.concurrency = under_way;
  auto worker = client->start_worker(of, done, *loop);
  while (done.ran < 2 * jobs || worker->counts().acked < static_cast<std::uint64_t>(2 * jobs)) loop->turn(10);
  const double ran = (cpu_us() - begun) / (2 * jobs);
  const double rate = 2 * jobs / (seconds() - at);
  const auto stop = [](std::shared_ptr<tasks::Worker> one) -> Task<int> {
    (void)co_await one->stop(std::chrono::seconds(1));
    co_return 0;
  };
  start(stop(std::move(worker)));
  turn_until_done();
  client->close();
  std::printf("{\"add\": %.2f, \"bulk\": %.2f, \"run\": %.2f, \"run/s\": %.0f}\n", added, bulk, ran, rate);
  return 0;
}
