// In-process messaging, end to end: a message is published (and confirmed), handled and acked. One loop, one thread for memory:;
// sqlite: works on its pool.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "messaging/client.hpp"
#include "messaging/registry.hpp"
#ifdef SPIKARD_MESSAGING_SQLITE
#include "store/sqlite/databases.hpp"
#endif

namespace {

using namespace spikard;
using namespace spikard::messaging;

/// Acks at once, on the worker loop's thread.
struct AckSink final : worker_loop::WorkSink {
  void attach(const std::shared_ptr<worker_loop::WorkerLoop>& of) override { worker = of; }
  void on_work(std::uint64_t ticket, std::shared_ptr<const worker_loop::WorkItem> item) override {
    benchmark::DoNotOptimize(item->payload.data());
    ++handled;
    if (const auto to = worker.lock()) to->complete(ticket, worker_loop::Outcome::ack());
  }
  void on_cancel(std::uint64_t, CancelReason) override {}
  std::weak_ptr<worker_loop::WorkerLoop> worker;
  std::size_t handled = 0;
};

struct Rig {
  RealClock clock;
  std::unique_ptr<net::Loop> loop = net::Loop::create(clock).value();
  std::shared_ptr<Client> client;
  std::shared_ptr<AckSink> sink = std::make_shared<AckSink>();
  std::shared_ptr<Consumer> consumer;
#ifdef SPIKARD_MESSAGING_SQLITE
  std::string folder;
  std::unique_ptr<net::BlockingPool> pool;
  std::unique_ptr<store::sqlite::Databases> databases;
#endif

  explicit Rig(bool durable, std::uint32_t in_flight) {
    services::MessagingConfig config;
    Environment environment(clock);
    config.url = "memory:";
    config.retention_ms = 1000;
#ifdef SPIKARD_MESSAGING_SQLITE
    if (durable) {
      std::string name = (std::filesystem::temp_directory_path() / "spikard-bench-XXXXXX").string();
      folder = ::mkdtemp(name.data());
      pool = std::make_unique<net::BlockingPool>(clock);
      databases = std::make_unique<store::sqlite::Databases>(*pool);
      environment.databases = databases.get();
      config.url = "sqlite:" + folder + "/bench.db";
    }
#endif
    client = std::make_shared<Client>(messaging::open(config, environment).value(), ClientOptions());
    services::Consumer options;
    options.name = "bench";
    options.topic = "t";
    options.concurrency = in_flight;
    consumer = await(client->start_consumer(*loop, client->consumer_options(options).value(), sink)).value();
  }
  ~Rig() {
    (void)await(consumer->stop(std::chrono::seconds(10)));
    consumer.reset();
    client.reset();
#ifdef SPIKARD_MESSAGING_SQLITE
    if (databases != nullptr) databases->close();
    if (pool != nullptr) pool->stop();
    std::error_code ignored;
    if (!folder.empty()) std::filesystem::remove_all(folder, ignored);
#endif
  }
  template <class T>
  T await(Task<T> task) {
    std::optional<T> value;
    bool ended = false;
    spawn(std::move(task), [&](const std::exception_ptr&, std::optional<T> v) {
      value = std::move(v);
      ended = true;
    });
    while (!ended) loop->turn(-1);
    return std::move(*value);
  }
  void handle_all(std::size_t until) {
    while (sink->handled < until) loop->turn(-1);
  }
};

Task<Result<std::uint64_t>> publish_some(Client& client, net::Loop& loop, int count) {
  Result<std::uint64_t> position = std::uint64_t{0};
  for (int i = 0; i < count; ++i) {
    Message message("t", "0123456789012345678901234567890123456789012345678901234567890123");
    position = co_await client.publish(net::Caller(loop), std::move(message));
    if (!position.ok()) break;
  }
  co_return position;
}

/// One after another: the next is published when the one before was handled.
void one_by_one(benchmark::State& state, bool durable) {
  Rig rig(durable, 16);
  for (auto _ : state) {
    const std::size_t until = rig.sink->handled + 1;
    (void)rig.await(publish_some(*rig.client, *rig.loop, 1));
    rig.handle_all(until);
  }
  state.SetItemsProcessed(state.iterations());
}

/// A thousand published one by one, handled as they come.
void flow(benchmark::State& state, bool durable) {
  Rig rig(durable, 64);
  constexpr int count = 1000;
  for (auto _ : state) {
    const std::size_t until = rig.sink->handled + count;
    (void)rig.await(publish_some(*rig.client, *rig.loop, count));
    rig.handle_all(until);
  }
  state.SetItemsProcessed(state.iterations() * count);
}

/// A thousand in one batch.
void batch(benchmark::State& state, bool durable) {
  Rig rig(durable, 256);
  constexpr std::size_t count = 1000;
  const std::vector<Message> messages(count, Message("t", std::string(64, 'x')));
  for (auto _ : state) {
    const std::size_t until = rig.sink->handled + count;
    (void)rig.await(rig.client->publish_batch(net::Caller(*rig.loop), messages));
    rig.handle_all(until);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * count));
}

BENCHMARK_CAPTURE(one_by_one, memory, false);
BENCHMARK_CAPTURE(flow, memory, false);
BENCHMARK_CAPTURE(batch, memory, false);
#ifdef SPIKARD_MESSAGING_SQLITE
BENCHMARK_CAPTURE(one_by_one, sqlite, true)->UseRealTime()->MeasureProcessCPUTime();
BENCHMARK_CAPTURE(flow, sqlite, true)->UseRealTime()->MeasureProcessCPUTime();
BENCHMARK_CAPTURE(batch, sqlite, true)->UseRealTime()->MeasureProcessCPUTime();
#endif

}  // namespace
