// A broker: messages published one by one and pipelined, then 500 together, then pulled and acknowledged (bench/nats,
// bench/redis_streams). `bench_broker URL MESSAGES`: a line of JSON, µs of this process's CPU time a message.
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "messaging/client.hpp"
#include "messaging/registry.hpp"

namespace {

using namespace spikard;
using namespace spikard::messaging;

double cpu_seconds() {
  ::rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const ::timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct AckSink final : worker_loop::WorkSink {
  void attach(const std::shared_ptr<worker_loop::WorkerLoop>& of) override { worker = of; }
  void on_work(std::uint64_t ticket, std::shared_ptr<const worker_loop::WorkItem>) override {
    ++handled;
    if (const auto to = worker.lock()) to->complete(ticket, worker_loop::Outcome::ack());
  }
  void on_cancel(std::uint64_t, CancelReason) override {}
  std::weak_ptr<worker_loop::WorkerLoop> worker;
  int handled = 0;
};

/// One of those that are under way at once: the next when this one is confirmed.
Task<> lane(Client& client, net::Loop& loop, int& left, int& failed) {
  while (left > 0) {
    --left;
    Message message("bench", "0123456789012345678901234567890123456789012345678901234567890123");
    Result<std::uint64_t> position = co_await client.publish(net::Caller(loop), std::move(message));
    if (!position.ok()) ++failed;
  }
}

template <class T>
T await(net::Loop& loop, Task<T> task) {
  std::optional<T> value;
  bool ended = false;
  spawn(std::move(task), [&](const std::exception_ptr&, std::optional<T> v) {
    value = std::move(v);
    ended = true;
  });
  while (!ended) loop.turn(-1);
  return std::move(*value);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const int count = std::atoi(argv[2]);
  RealClock clock;
  const auto loop = net::Loop::create(clock).value();
  services::MessagingConfig config;
  config.url = argv[1];
  auto opened = messaging::open(config, Environment(clock));
  if (!opened.ok()) {
    std::fprintf(stderr, "%s\n", opened.error().to_string().c_str());
    return 1;
  }
  auto client = std::make_shared<Client>(std::move(opened).value(), ClientOptions());
  constexpr int lanes = 4000;  // what nats.go allows
  int left = count;
  int failed = 0;
  int open = lanes;
  double before = cpu_seconds();
  Instant begun = clock.now();
  for (int i = 0; i < lanes; ++i) spawn(lane(*client, *loop, left, failed), [&open](const std::exception_ptr&) { --open; });
  while (open > 0) loop->turn(-1);
  const double publish = (cpu_seconds() - before) * 1e6 / count;
  const double publish_rate = count / std::chrono::duration<double>(clock.now() - begun).count();

  before = cpu_seconds();
  for (int sent = 0; sent < count; sent += 500) {
    std::vector<Message> batch(500, Message("batch", "0123456789012345678901234567890123456789012345678901234567890123"));
    if (!await(*loop, client->publish_batch(net::Caller(*loop), std::move(batch))).ok()) ++failed;
  }
  const double batched = (cpu_seconds() - before) * 1e6 / count;

  services::Consumer consumer;
  consumer.name = "bench";
  consumer.topic = "bench";
  consumer.concurrency = 500;  // as many as the peer fetches at once
  consumer.start_from = services::StartFrom::earliest;
  const auto sink = std::make_shared<AckSink>();
  before = cpu_seconds();
  begun = clock.now();
  std::shared_ptr<Consumer> running =
      await(*loop, client->start_consumer(*loop, client->consumer_options(consumer).value(), sink)).value();
  while (sink->handled < count || client->counts().acked < static_cast<std::uint64_t>(count)) loop->turn(100);
  const double pull = (cpu_seconds() - before) * 1e6 / count;
  const double pull_rate = count / std::chrono::duration<double>(clock.now() - begun).count();
  (void)await(*loop, running->stop(std::chrono::seconds(10)));
  running.reset();
  client.reset();
  std::printf(
      "{\"publish\": %.2f, \"publish 500\": %.2f, \"pull + ack\": %.2f, \"publish/s\": %.0f, \"pull/s\": %.0f, \"failed\": %d}\n",
      publish, batched, pull, publish_rate, pull_rate, failed);
  return failed == 0 ? 0 : 1;
}
