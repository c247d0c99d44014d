// Several threads, and what stands for several processes, on one broker; on the real clock.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <set>

#include "messaging/client.hpp"
#include "messaging/registry.hpp"
#include "net/service_thread.hpp"
#if defined(SPIKARD_MESSAGING_AMQP) || defined(SPIKARD_MESSAGING_KAFKA) || defined(SPIKARD_MESSAGING_MQTT) || \
    defined(SPIKARD_MESSAGING_NATS) || defined(SPIKARD_MESSAGING_REDIS)
#include "net/signing/hash.hpp"
#include "server.hpp"
#endif
#ifdef SPIKARD_MESSAGING_SQLITE
#include "messaging/sqlite/sqlite.hpp"
#include "store/sqlite/test_database.hpp"
#endif

namespace spikard::messaging {
namespace {

using std::chrono::seconds;
using worker_loop::Outcome;

/// What was handled, by any thread; `wait_for` blocks until so many were.
struct Seen {
  void add(const worker_loop::WorkItem& item) {
    const std::lock_guard lock(mutex);
    payloads.push_back(item.payload);
    if (item.has_key) by_key[item.key].push_back(item.payload);
    changed.notify_all();
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, seconds(60), [&] { return payloads.size() >= count; });
  }
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> payloads;
  std::map<std::string, std::vector<std::string>> by_key;
};

/// Runs a task on another thread's loop and waits for it here.
template <class T>
T run_on(net::Loop& loop, std::function<Task<T>()> make) {
  std::promise<T> promise;
  std::future<T> future = promise.get_future();
  loop.post([&] {
    spawn(make(), [&promise](const std::exception_ptr& error, std::optional<T> value) {
      if (error) promise.set_exception(error);
      else promise.set_value(std::move(*value));
    });
  });
  return future.get();
}

struct Process {
  explicit Process(RealClock& clock, int threads) {
    for (int i = 0; i < threads; ++i) loops.push_back(net::ServiceThread::start(clock).value());
  }
  std::vector<std::unique_ptr<net::ServiceThread>> loops;
  std::unique_ptr<net::BlockingPool> pool;
#ifdef SPIKARD_MESSAGING_SQLITE
  std::unique_ptr<store::sqlite::Databases> databases;
#endif
  std::shared_ptr<Client> client;
  std::vector<std::pair<net::Loop*, std::shared_ptr<Consumer>>> consumers;

  void consume(net::Loop& loop, const services::Consumer& config, Handler handler) {
    std::vector<net::Loop*> handlers;
    for (const auto& one : loops) handlers.push_back(&one->loop());
    ConsumerOptions options = client->consumer_options(config).value();
    Result<std::shared_ptr<Consumer>> started = run_on<Result<std::shared_ptr<Consumer>>>(
        loop, [&] { return client->start_consumer(loop, options, handler_sink(handlers, std::move(handler))); });
    consumers.emplace_back(&loop, std::move(started).value());
  }
  void stop() {
    for (auto& [loop, consumer] : consumers) {
      const auto stopped = run_on<Consumer::Stopped>(*loop, [&one = consumer] { return one->stop(seconds(30)); });
      EXPECT_TRUE(stopped.drained);
      std::promise<void> gone;
      loop->post([&, one = std::move(consumer)]() mutable {
        one.reset();
        gone.set_value();
      });
      gone.get_future().get();
    }
    consumers.clear();
  }
  ~Process() {
    stop();
    client.reset();
#ifdef SPIKARD_MESSAGING_SQLITE
    if (databases != nullptr) databases->close();
#endif
    if (pool != nullptr) pool->stop();
    for (auto& one : loops) one->stop();
  }
};

struct MessagingConcurrent : ::testing::TestWithParam<std::string> {
  RealClock clock;
  std::string place;  // on a server: this test's own
#ifdef SPIKARD_MESSAGING_SQLITE
  store::sqlite::TemporaryFolder folder;
  int stores = 0;
#endif
  std::unique_ptr<Process> process(int threads = 3) {
    auto out = std::make_unique<Process>(clock, threads);
    services::MessagingConfig config;
    Environment environment(clock);
    config.url = "memory:";
#ifdef SPIKARD_MESSAGING_AMQP
    if (GetParam() == "amqp") {
      if (place.empty()) place = "concurrent-" + net::signing::hex(net::signing::random_bytes(6));
      config.url = contract::server_setting("AMQP_URL") + "?name=" + place;
    }
#endif
#ifdef SPIKARD_MESSAGING_KAFKA
    if (GetParam() == "kafka") {
      if (place.empty()) place = "concurrent-" + net::signing::hex(net::signing::random_bytes(6)) + ".";
      config.url = contract::server_setting("KAFKA_URL") + "?partitions=3&prefix=" + place;
    }
#endif
#ifdef SPIKARD_MESSAGING_NATS
    if (GetParam() == "nats") {
      if (place.empty()) place = "concurrent_" + net::signing::hex(net::signing::random_bytes(6));
      config.url = contract::server_setting("NATS_URL") + "?storage=memory&stream=" + place;
    }
#endif
#ifdef SPIKARD_MESSAGING_REDIS
    if (GetParam() == "redis") {
      if (place.empty()) place = "concurrent-" + net::signing::hex(net::signing::random_bytes(6));
      config.url = contract::server_setting("REDIS_URL") + "?prefix=" + place;
    }
#endif
#if defined(SPIKARD_MESSAGING_MQTT) && defined(SPIKARD_MESSAGING_SQLITE)
    if (GetParam() == "mqtt") {
      if (place.empty()) place = "concurrent-" + net::signing::hex(net::signing::random_bytes(6));
      out->pool = std::make_unique<net::BlockingPool>(clock);
      out->databases = std::make_unique<store::sqlite::Databases>(*out->pool);
      environment.databases = out->databases.get();
      config.url = contract::server_setting("MQTT_URL") + "?session_expiry_s=60&prefix=" + place + "/";
      // As on two machines: a store for each.
      config.store = "sqlite:" + folder.file("deliveries" + std::to_string(++stores) + ".db") + "?synchronous=normal";
    }
#endif
#ifdef SPIKARD_MESSAGING_SQLITE
    if (GetParam() == "sqlite") {
      out->pool = std::make_unique<net::BlockingPool>(clock);
      out->databases = std::make_unique<store::sqlite::Databases>(*out->pool);
      environment.databases = out->databases.get();
      config.url = "sqlite:" + folder.file("app.db") + "?synchronous=normal";
      config.poll_ms = 10;
    }
#endif
    Result<std::shared_ptr<Backend>> backend = messaging::open(config, environment);
    EXPECT_TRUE(backend.ok()) << backend.error().to_string();
    out->client = std::make_shared<Client>(std::move(backend).value(), ClientOptions());
    return out;
  }
  static services::Consumer config(const std::string& name, const std::string& topic) {
    services::Consumer out;
    out.name = name;
    out.topic = topic;
    out.group = "g";
    out.concurrency = 8;
    return out;
  }
  static Handler ack(Seen& seen) {
    return [&seen](Inbound item) -> Task<Outcome> {
      seen.add(*item);
      co_return Outcome::ack();
    };
  }
  static void publish_some(Process& process, std::size_t thread, const std::string& prefix, int count, int keys) {
    net::Loop& loop = process.loops[thread]->loop();
    const auto done = run_on<Result<std::uint64_t>>(loop, [&]() -> Task<Result<std::uint64_t>> {
      return [](Client& client, net::Loop& on, std::string with, int n, int of) -> Task<Result<std::uint64_t>> {
        for (int i = 0; i < n; ++i) {
          Message message("t", with + std::to_string(i));
          message.key = with + "key" + std::to_string(i % of);
          Result<std::uint64_t> position = co_await client.publish(net::Caller(on), std::move(message));
          if (!position.ok()) co_return position;
        }
        co_return Result<std::uint64_t>(0);
      }(*process.client, loop, prefix, count, keys);
    });
    ASSERT_TRUE(done.ok()) << done.error().to_string();
  }
};

TEST_P(MessagingConcurrent, EachMessageIsHandledOnceByOneConsumerOfTheGroup) {
  Seen seen;
  const auto process = this->process();
  for (int i = 0; i < 3; ++i)
    process->consume(process->loops[static_cast<std::size_t>(i)]->loop(), config("c" + std::to_string(i), "t"), ack(seen));
  std::vector<std::thread> publishers;
  constexpr int each = 300;
  for (std::size_t i = 0; i < 3; ++i)
    publishers.emplace_back([&, i] { publish_some(*process, i, "p" + std::to_string(i) + "-", each, 7); });
  for (std::thread& one : publishers) one.join();
  ASSERT_TRUE(seen.wait_for(3 * each));
  process->stop();
  EXPECT_EQ(seen.payloads.size(), 3U * each);
  EXPECT_EQ(std::set(seen.payloads.begin(), seen.payloads.end()).size(), 3U * each);
  EXPECT_EQ(process->client->counts().acked, 3U * each);
}

TEST_P(MessagingConcurrent, AKeyKeepsItsOrderOverConsumersAndRetries) {
  Seen seen;
  const auto process = this->process();
  std::atomic<int> calls{0};
  services::Consumer one = config("c", "t");
  one.ordered = true;
  one.max_retries = 1000;
  one.backoff.initial_ms = 1;
  one.backoff.max_ms = 1;
  // Where the broker does not keep the order, one consumer does.
  const int consumers = process->client->capabilities().key_order ? 3 : 1;
  for (int i = 0; i < consumers; ++i) {
    one.name = "c" + std::to_string(i);
    process->consume(process->loops[static_cast<std::size_t>(i)]->loop(), one, [&](Inbound item) -> Task<Outcome> {
      if (calls.fetch_add(1) % 5 == 4) co_return Outcome::error("now and then");
      seen.add(*item);
      co_return Outcome::ack();
    });
  }
  std::vector<std::thread> publishers;
  constexpr int each = 100;
  for (std::size_t i = 0; i < 2; ++i)
    publishers.emplace_back([&, i] { publish_some(*process, i, "p" + std::to_string(i) + "-", each, 5); });
  for (std::thread& publisher : publishers) publisher.join();
  ASSERT_TRUE(seen.wait_for(2 * each));
  process->stop();
  EXPECT_EQ(seen.payloads.size(), 2U * each);
  for (const auto& [key, payloads] : seen.by_key) {
    int last = -1;
    for (const std::string& payload : payloads) {
      const int number = std::stoi(payload.substr(payload.find('-') + 1));
      EXPECT_GT(number, last) << key;
      last = number;
    }
  }
}

TEST_P(MessagingConcurrent, TwoProcessesShareAGroup) {
  if (GetParam() == "memory") GTEST_SKIP() << "in this process only";
  if (GetParam() == "kafka") GTEST_SKIP() << "who comes second waits for its partitions: kafka_faults_test";
  Seen first_seen;
  Seen second_seen;
  Seen all_seen;
  const auto into_both = [&](Seen& own) -> Handler {
    return [&own, &all_seen](Inbound item) -> Task<Outcome> {
      own.add(*item);
      all_seen.add(*item);
      co_return Outcome::ack();
    };
  };
  const auto first = process(2);
  const auto second = process(2);
  first->consume(first->loops[0]->loop(), config("c", "t"), into_both(first_seen));
  second->consume(second->loops[0]->loop(), config("c", "t"), into_both(second_seen));
  constexpr int each = 200;
  std::thread other([&] { publish_some(*second, 1, "s-", each, 3); });
  publish_some(*first, 1, "f-", each, 3);
  other.join();
  // Both count into one.
  ASSERT_TRUE(all_seen.wait_for(2 * each));
  first->stop();
  second->stop();
  std::multiset<std::string> all(first_seen.payloads.begin(), first_seen.payloads.end());
  all.insert(second_seen.payloads.begin(), second_seen.payloads.end());
  EXPECT_EQ(all.size(), 2U * each);
  EXPECT_EQ(std::set(all.begin(), all.end()).size(), 2U * each);
  EXPECT_FALSE(first_seen.payloads.empty());
  EXPECT_FALSE(second_seen.payloads.empty());
}

#ifdef SPIKARD_MESSAGING_SQLITE
TEST_P(MessagingConcurrent, PlainSqlPublishes) {
  if (GetParam() != "sqlite") GTEST_SKIP() << "no SQL";
  Seen seen;
  std::string header;
  const auto process = this->process(1);
  process->consume(process->loops[0]->loop(), config("c", "t"), [&](Inbound item) -> Task<Outcome> {
    header = item->headers.empty() ? "" : item->headers[0].first + "=" + item->headers[0].second;
    seen.add(*item);
    co_return Outcome::ack();
  });
  store::sqlite::ConnectionOptions options;
  options.path = folder.file("app.db");
  auto connection = store::sqlite::Connection::open(options).value();
  ASSERT_TRUE(
      connection->run("INSERT INTO spikard_messages (topic, payload, headers) VALUES ('t', 'by hand', '{\"h\":\"v\"}')").ok());
  ASSERT_TRUE(seen.wait_for(1)) << "seen by the poll";
  EXPECT_EQ(seen.payloads[0], "by hand");
  process->stop();
  EXPECT_EQ(header, "h=v");
}

TEST_P(MessagingConcurrent, ConsumedMessagesGoByRetention) {
  if (GetParam() != "sqlite") GTEST_SKIP() << "sqlite's own way";
  store::sqlite::ConnectionOptions connection_options;
  connection_options.path = folder.file("trim.db");
  auto connection = store::sqlite::Connection::open(connection_options).value();
  for (const std::string_view step : sqlite::schema()) ASSERT_TRUE(connection->script(step).ok());
  const TopicPattern t = TopicPattern::topic("t");
  ASSERT_TRUE(sqlite::open_group(*connection, t, "g", 0, false).ok());
  ASSERT_TRUE(sqlite::open_group(*connection, TopicPattern::compile(TopicStyle::nats, "other.*").value(), "o", 0, false).ok());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(sqlite::insert(*connection, Message("t", std::to_string(i)), {}, false, i).ok());
  ASSERT_TRUE(sqlite::insert(*connection, Message("other.x", "kept: a group waits"), {}, false, 0).ok());
  ASSERT_TRUE(sqlite::insert(*connection, Message("unknown", "gone: nobody waits"), {}, false, 0).ok());
  ASSERT_TRUE(sqlite::insert(*connection, Message("t.dead", "kept: a dead letter"), {}, true, 0).ok());
  ASSERT_TRUE(sqlite::insert(*connection, Message("t", "kept: for another group", {}), "o", false, 0).ok());
  sqlite::TakeOptions options(t, "g");
  options.max = 6;
  options.now = 1;
  options.lease_end = 1000;
  sqlite::Taken taken = sqlite::take(*connection, options).value();
  ASSERT_EQ(taken.items.size(), 6U);
  sqlite::SettleOptions settle;
  bool woken = false;
  for (const int i : {0, 1, 2, 4}) {
    ASSERT_EQ(sqlite::settle(*connection, taken.group_id, settle, taken.held[static_cast<std::size_t>(i)], {}, woken).value(),
              sqlite::Settled::done);
  }
  sqlite::Position from = 0;
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(sqlite::trim(*connection, from, 100, 3).ok());
  std::vector<std::string> left;
  ASSERT_TRUE(connection
                  ->query("SELECT payload FROM spikard_messages ORDER BY position",
                          [&](store::sqlite::Statement& row) { left.emplace_back(row.blob(0)); })
                  .ok());
  EXPECT_EQ(left, (std::vector<std::string>{"3", "5", "6", "7", "8", "9", "kept: a group waits", "kept: a dead letter"}));
}
#endif

std::vector<std::string> backends() {
#ifdef SPIKARD_MESSAGING_SQLITE
  return {"memory", "sqlite"};
#else
  return {"memory"};
#endif
}
INSTANTIATE_TEST_SUITE_P(Backends, MessagingConcurrent, ::testing::ValuesIn(backends()),
                         [](const auto& info) { return info.param; });
#if defined(SPIKARD_MESSAGING_MQTT) && defined(SPIKARD_MESSAGING_SQLITE)
INSTANTIATE_TEST_SUITE_P(Server_mqtt, MessagingConcurrent, ::testing::Values("mqtt"),
                         [](const auto& info) { return std::string(info.param); });
#endif
#ifdef SPIKARD_MESSAGING_AMQP
INSTANTIATE_TEST_SUITE_P(Server_amqp, MessagingConcurrent, ::testing::Values("amqp"),
                         [](const auto& info) { return std::string(info.param); });
#endif
#ifdef SPIKARD_MESSAGING_KAFKA
INSTANTIATE_TEST_SUITE_P(Server_kafka, MessagingConcurrent, ::testing::Values("kafka"),
                         [](const auto& info) { return std::string(info.param); });
#endif
#ifdef SPIKARD_MESSAGING_NATS
INSTANTIATE_TEST_SUITE_P(Server_nats, MessagingConcurrent, ::testing::Values("nats"),
                         [](const auto& info) { return std::string(info.param); });
#endif
#ifdef SPIKARD_MESSAGING_REDIS
INSTANTIATE_TEST_SUITE_P(Server_redis, MessagingConcurrent, ::testing::Values("redis"),
                         [](const auto& info) { return std::string(info.param); });
#endif

}  // namespace
}  // namespace spikard::messaging
