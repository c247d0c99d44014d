// `mqtt:` messaging while its broker ends and begins again, or its connections are cut at random bytes: what was confirmed is
// handled.
#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <random>
#include <set>

#include "messaging/client.hpp"
#include "messaging/operations.hpp"
#include "messaging/registry.hpp"
#include "mosquitto.hpp"
#include "proxy_thread.hpp"
#include "store/sqlite/databases.hpp"
#include "store/sqlite/test_database.hpp"

namespace spikard::messaging {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct MqttFaults : ::testing::TestWithParam<std::string> {
  static constexpr int count = 10'000;
  RealClock clock;
  std::unique_ptr<net::Loop> loop = net::Loop::create(clock).value();
  store::sqlite::TemporaryFolder folder;
  net::BlockingPool pool{clock};
  store::sqlite::Databases databases{pool};
  contract::Mosquitto server;
  std::shared_ptr<Client> client;
  std::shared_ptr<Consumer> consumer;
  std::set<int> confirmed;
  std::map<int, int> handled;
  std::size_t repeated = 0;  // publishes that were tried again
  std::size_t under_way = 0;
  int next = 0;

  void SetUp() override { server.start(); }
  void TearDown() override {
    close();
    databases.close();
    pool.stop();
  }
  void close() {
    if (consumer != nullptr) {
      bool stopped = false;
      spawn(consumer->stop(seconds(5)),
            [&](const std::exception_ptr&, const std::optional<Consumer::Stopped>&) { stopped = true; });
      EXPECT_TRUE(until([&] { return stopped; }));
    }
    consumer.reset();
    client.reset();
  }
  template <class Condition>
  bool until(Condition condition, Duration limit = seconds(120)) {
    const Instant deadline = clock.now() + limit;
    while (!condition() && clock.now() < deadline) loop->turn(10);
    return condition();
  }
  void open(const std::string& url) {
    services::MessagingConfig config;
    config.url = url + GetParam();
    config.store = "sqlite:" + folder.file("deliveries.db");
    Environment environment(clock);
    environment.databases = &databases;
    Result<std::shared_ptr<Backend>> backend = messaging::open(config, environment);
    ASSERT_TRUE(backend.ok()) << backend.error().to_string();
    client = std::make_shared<Client>(std::move(backend).value(), ClientOptions());
  }
  void consume() {
    services::Consumer config;
    config.name = "c";
    config.topic = "t";
    config.group = "g";
    config.concurrency = 64;
    config.max_retries = 1000;
    config.ack_wait_ms = 3000;
    Handler handler = [this](Inbound item) -> Task<worker_loop::Outcome> {
      ++handled[std::stoi(item->payload)];
      co_return worker_loop::Outcome::ack();
    };
    const std::vector<net::Loop*> loops{loop.get()};
    std::shared_ptr<worker_loop::WorkSink> sink = handler_sink(loops, std::move(handler));
    bool started = false;
    ConsumerOptions options = client->consumer_options(config).value();
    spawn(client->start_consumer(*loop, std::move(options), std::move(sink)),
          [&](const std::exception_ptr&, std::optional<Result<std::shared_ptr<Consumer>>> how) {
            ASSERT_TRUE(how && how->ok()) << how->error().to_string();
            consumer = std::move(*how).value();
            started = true;
          });
    ASSERT_TRUE(until([&] { return started; }));
  }
  /// Again until it is confirmed, as an outbox would.
  Task<> publish(int number) {
    for (;;) {
      Message message("t", std::to_string(number), "k" + std::to_string(number % 10));
      Result<std::uint64_t> done = co_await client->publish(net::Caller(*loop), std::move(message));
      if (done.ok()) break;
      ++repeated;
      Result<void> waited = co_await net::sleep(*loop, milliseconds(50));
      (void)waited;
    }
    confirmed.insert(number);
    --under_way;
  }
  void feed() {
    // Not far ahead of the consumer, so that faults meet both.
    while (under_way < 64 && next < count && static_cast<std::size_t>(next) < handled.size() + 500) {
      ++under_way;
      spawn(publish(next++), [](const std::exception_ptr&) {});
    }
  }
  /// `fault` is called whenever so many more were handled.
  void flow(std::size_t every, const std::function<void()>& fault) {
    std::size_t mark = every;
    const bool good = until([&] {
      feed();
      if (handled.size() >= mark && confirmed.size() < count) {
        mark += every;
        fault();
      }
      return confirmed.size() == count && handled.size() == count;
    });
    EXPECT_TRUE(good) << confirmed.size() << " confirmed, " << handled.size() << " handled";
  }
  void report(const char* what, std::size_t faults) {
    std::size_t lost = 0;
    for (const int one : confirmed) lost += handled.contains(one) ? 0 : 1;
    std::size_t doubles = 0;
    for (const auto& [number, times] : handled) doubles += static_cast<std::size_t>(times - 1);
    EXPECT_EQ(lost, 0U);
    std::printf("%s (%s): %zu faults, %zu messages confirmed, %zu lost, %zu handled more than once, %zu publishes repeated\n",
                what, GetParam().c_str() + 1, faults, confirmed.size(), lost, doubles, repeated);
  }
};

TEST_P(MqttFaults, TheBrokerEndsAndBeginsAgain) {
  if (GetParam().find("share=false") == std::string::npos)
    GTEST_SKIP() << "Mosquitto 2.0 forgets shared subscriptions when it ends";
  open(server.url() + "?session_expiry_s=600");
  consume();
  std::size_t faults = 0;
  flow(2000, [&] {
    server.end(SIGTERM);
    server.start();
    ++faults;
  });
  EXPECT_GE(faults, 3U);
  report("broker ended by SIGTERM and begun again", faults);
}

TEST_P(MqttFaults, AfterTheBrokersEndTheGroupGoesOn) {
  open(server.url() + "?session_expiry_s=600");
  consume();
  for (int round = 0; round < 3; ++round) {
    server.end(SIGTERM);
    server.start();
    // What it forgets between its start and our subscription is lost where it is shared; then all of it comes again.
    const int first = next;
    const bool good = until([&] {
      if (under_way == 0) {
        ++under_way;
        spawn(publish(next++), [](const std::exception_ptr&) {});
      }
      return handled.size() > 0 && handled.rbegin()->first > first + 20;
    });
    EXPECT_TRUE(good) << "round " << round;
  }
}

TEST_P(MqttFaults, TheBrokerStandsStill) {
  open(server.url() + "?keep_alive_s=1&timeout_ms=2000");
  consume();
  std::size_t faults = 0;
  flow(4000, [&] {
    server.freeze(true);
    const Instant end = clock.now() + seconds(3);
    while (clock.now() < end) loop->turn(10);
    server.freeze(false);
    ++faults;
  });
  EXPECT_GE(faults, 1U);
  report("broker frozen for 3 s", faults);
}

TEST_P(MqttFaults, ConnectionsAreCutAtRandomBytes) {
  contract::ProxyThread proxy(server.address());
  open("mqtt://" + proxy.address() + "?connect_timeout_ms=5000");
  consume();
  std::minstd_rand random(11);
  flow(400, [&] { proxy.cut_after(1 + random() % 20'000); });
  const std::size_t cuts = proxy.cuts();
  EXPECT_GE(cuts, 10U);
  report("connections cut at random bytes", cuts);
  close();
}

INSTANTIATE_TEST_SUITE_P(Server_mqtt, MqttFaults, ::testing::Values("&qos=1", "&qos=1&share=false", "&qos=2&share=false"),
                         [](const auto& info) {
                           return "qos" + info.param.substr(5, 1) + (info.param.size() > 6 ? "" : "_shared");
                         });

}  // namespace
}  // namespace spikard::messaging
