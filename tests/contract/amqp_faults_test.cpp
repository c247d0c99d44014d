// `amqp:` messaging and a RabbitMQ of its own: logins, TLS, alarms; and faults while 10,000 messages flow: what was confirmed is
// handled.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <map>
#include <random>
#include <set>

#include "messaging/client.hpp"
#include "messaging/registry.hpp"
#include "net/signing/hash.hpp"
#include "proxy_thread.hpp"
#include "rabbitmq.hpp"

namespace spikard::messaging {
namespace {

using namespace std::chrono_literals;

/// One for all tests: it takes long to start.
contract::RabbitMq& broker() {
  static contract::RabbitMq one;
  return one;
}

/// `int` stands for the prefix Server_amqp.
struct AmqpFaults : ::testing::TestWithParam<int> {
  static constexpr int count = 10'000;
  RealClock clock;
  std::unique_ptr<net::Loop> loop = net::Loop::create(clock).value();
  const std::string name = "&name=test-" + net::signing::hex(net::signing::random_bytes(6));
  std::shared_ptr<Client> client;
  std::shared_ptr<Consumer> consumer;
  int confirmed = 0;
  int failed = 0;
  std::string first_failure;
  int next = 0;
  std::map<int, int> handled;

  void TearDown() override { close(); }
  void close() {
    if (consumer != nullptr) {
      bool stopped = false;
      spawn(consumer->stop(5s), [&](const std::exception_ptr&, const std::optional<Consumer::Stopped>&) { stopped = true; });
      EXPECT_TRUE(until([&] { return stopped; }));
    }
    consumer.reset();
    client.reset();
  }
  Result<std::shared_ptr<Backend>> open(const std::string& url) {
    services::MessagingConfig config;
    config.url = url;
    return messaging::open(config, Environment(clock));
  }
  template <class Condition>
  bool until(Condition condition, Duration patience = 600s) {
    const Instant deadline = clock.now() + patience;
    while (!condition() && clock.now() < deadline) loop->turn(10);
    return condition();
  }
  template <class T>
  T await(Task<T> task) {
    std::optional<T> value;
    spawn(std::move(task), [&](const std::exception_ptr&, std::optional<T> v) { value.emplace(std::move(*v)); });
    EXPECT_TRUE(until([&] { return value.has_value(); }));
    return std::move(*value);
  }
  Error refused(const std::string& url, ErrorKind kind) {
    const Result<std::shared_ptr<Backend>> opened = open(url);
    EXPECT_FALSE(opened.ok()) << url;
    if (opened.ok()) return internal_error("it was taken");
    EXPECT_EQ(opened.error().kind(), kind) << opened.error().to_string();
    EXPECT_EQ(opened.error().to_string().find("s3cret"), std::string::npos) << opened.error().to_string();
    return opened.error();
  }
  void taken(const std::string& url) {
    const Result<std::shared_ptr<Backend>> opened = open(url);
    EXPECT_TRUE(opened.ok()) << opened.error().to_string();
  }

  void connect(const std::string& url) {
    Result<std::shared_ptr<Backend>> backend = open(url);
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
    Handler handler = [this](Inbound item) -> Task<worker_loop::Outcome> {
      ++handled[std::stoi(item->payload)];
      co_return worker_loop::Outcome::ack();
    };
    const std::vector<net::Loop*> loops{loop.get()};
    ConsumerOptions options = client->consumer_options(config).value();
    Result<std::shared_ptr<Consumer>> started =
        await(client->start_consumer(*loop, std::move(options), handler_sink(loops, std::move(handler))));
    ASSERT_TRUE(started.ok()) << started.error().to_string();
    consumer = std::move(started).value();
  }
  /// One of so many that are under way at once.
  void publish_next() {
    if (next < count) publish(next++);
  }
  /// What fails is published again, as a caller would.
  void publish(int number) {
    spawn(client->publish(net::Caller(*loop), Message("t", std::to_string(number))),
          [this, number](const std::exception_ptr&, const std::optional<Result<std::uint64_t>>& done) {
            if (done && done->ok()) {
              ++confirmed;
              return publish_next();
            }
            if (++failed == 1 && done) first_failure = done->error().to_string();
            ASSERT_LT(failed, count) << first_failure;
            publish(number);
          });
  }
  /// All of them, with `fault(i)` whenever another `every` are confirmed.
  void flow(int every, const std::function<void(int)>& fault) {
    for (int i = 0; i < 32; ++i) publish_next();
    for (int i = 1; i * every < count; ++i) {
      ASSERT_TRUE(until([&] { return confirmed >= i * every; })) << confirmed;
      fault(i);
    }
    EXPECT_TRUE(until([&] { return confirmed == count; })) << confirmed;
    EXPECT_TRUE(until([&] { return handled.size() == static_cast<std::size_t>(count); })) << handled.size();
    int again = 0;
    for (const auto& [number, times] : handled) again += times - 1;
    std::printf("     %d confirmed (%d after a failure): %zu lost, %d handled more than once %s\n", confirmed, failed,
                count - handled.size(), again, first_failure.c_str());
  }
};

TEST_P(AmqpFaults, WhoHasNoPasswordOrNoVirtualHostIsRefused) {
  const std::string at = "@" + broker().address();
  EXPECT_NE(refused("amqp://guest:s3cret" + at, ErrorKind::permission_denied).message().find("403"), std::string::npos);
  refused("amqp://guest:guest" + at + "/nowhere", ErrorKind::permission_denied);
  taken("amqp://guest:guest" + at + "/%2f?" + name);
}

TEST_P(AmqpFaults, TlsIsCheckedAndACertificateIsALogin) {
  const std::string ca = "&ca=" + broker().server.certificate;
  taken(broker().tls_url(name + ca));
  refused(broker().tls_url(name), ErrorKind::unavailable);  // the system does not know its certificate
  taken(broker().tls_url(name + "&verify=false"));
  const std::string certificate = broker().certificate();
  taken(broker().tls_url(name + ca + certificate + "&auth=external"));
  const net::test::Identity stranger("spikard-client");
  refused(broker().tls_url(name + ca + "&certificate=" + stranger.certificate + "&key=" + stranger.key + "&auth=external"),
          ErrorKind::unavailable);
}

TEST_P(AmqpFaults, AnotherServerOfTheListIsTaken) {
  const auto reserved = net::ReservedAddress::reserve({}).value();  // nobody listens there
  taken("amqp://" + reserved.address() + "," + broker().address() + "/?" + name);
}

TEST_P(AmqpFaults, PublishingToNobodyIsSaidWhereItIsAskedFor) {
  connect(broker().url(name + "&mandatory=true"));
  ASSERT_NE(client, nullptr);
  const Result<std::uint64_t> refused = await(client->publish(net::Caller(*loop), Message("t", "x")));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::not_found) << refused.error().to_string();
  consume();
  EXPECT_TRUE(await(client->publish(net::Caller(*loop), Message("t", "1"))).ok());
  EXPECT_TRUE(until([&] { return handled.size() == 1; }));
}

TEST_P(AmqpFaults, AnAlarmHoldsPublishersAndNotConsumers) {
  connect(broker().url(name + "&timeout_ms=2000"));
  ASSERT_NE(client, nullptr);
  consume();
  EXPECT_TRUE(await(client->publish(net::Caller(*loop), Message("t", "1"))).ok());
  EXPECT_TRUE(until([&] { return handled.size() == 1; }));
  broker().control("set_vm_memory_high_watermark absolute 1MB");
  std::optional<Error> why;
  // The broker says so once somebody publishes.
  EXPECT_TRUE(until([&] {
    const Result<std::uint64_t> done = await(client->publish(net::Caller(*loop), Message("t", "2")));
    if (!done.ok()) why = done.error();
    return why && why->message().find("takes no messages") != std::string::npos;
  }));
  ASSERT_TRUE(why);
  EXPECT_TRUE(why->kind() == ErrorKind::unavailable || why->kind() == ErrorKind::outcome_unknown) << why->to_string();
  broker().control("set_vm_memory_high_watermark 0.6");
  EXPECT_TRUE(until([&] { return await(client->publish(net::Caller(*loop), Message("t", "3"))).ok(); }));
  EXPECT_TRUE(until([&] { return handled.contains(3); }));
}

TEST_P(AmqpFaults, AMessageThatClosesItsChannelFailsAlone) {
  connect(broker().url(name));
  ASSERT_NE(client, nullptr);
  consume();
  // Longer than the broker takes: it closes the channel, with all that is under way on it.
  const std::string too_long(contract::RabbitMq::max_message + 1, '7');
  std::vector<std::optional<Result<std::uint64_t>>> done(20);
  for (std::size_t i = 0; i < done.size(); ++i) {
    spawn(client->publish(net::Caller(*loop), Message("t", i == 10 ? too_long : std::to_string(i))),
          [&done, i](const std::exception_ptr&, std::optional<Result<std::uint64_t>> how) { done[i] = std::move(how); });
  }
  EXPECT_TRUE(until([&] { return std::all_of(done.begin(), done.end(), [](const auto& one) { return one.has_value(); }); }));
  for (std::size_t i = 0; i < done.size(); ++i) EXPECT_EQ(done[i]->ok(), i != 10) << i;
  EXPECT_TRUE(until([&] { return handled.size() == 19; })) << handled.size();
}

TEST_P(AmqpFaults, ConnectionsCutAtRandomBytes) {
  contract::ProxyThread proxy(broker().address());
  connect("amqp://" + proxy.address() + "/?timeout_ms=60000" + name);
  ASSERT_NE(client, nullptr);
  consume();
  std::mt19937 random(7);
  flow(500, [&](int) { proxy.cut_after(std::uniform_int_distribution<std::uint64_t>(0, 20'000)(random)); });
  EXPECT_EQ(failed, 0) << first_failure;
  std::printf("     %zu cuts\n", proxy.cuts());
}

TEST_P(AmqpFaults, TheBrokerStoppedAndKilled) {
  connect(broker().url(name + "&timeout_ms=600000&heartbeat_s=1"));
  ASSERT_NE(client, nullptr);
  consume();
  flow(count / 4, [&](int i) {
    if (i == 2) {
      broker().signal(SIGSTOP);
      const Instant end = clock.now() + 4s;  // the silence is noticed
      while (clock.now() < end) loop->turn(10);
      broker().signal(SIGCONT);
    } else {
      broker().kill();
      broker().start();
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Server_amqp, AmqpFaults, ::testing::Values(0), [](const auto&) { return std::string("own"); });

}  // namespace
}  // namespace spikard::messaging
