// Messages on a Redis of the test's own, which is ended, killed, frozen, cut off, failed over and spread over a cluster while
// they flow.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>
#include <set>

#include "messaging/client.hpp"
#include "messaging/registry.hpp"
#include "net/await.hpp"
#include "net/redis/client.hpp"
#include "proxy.hpp"
#include "redis_servers.hpp"

namespace spikard::messaging {
namespace {

using namespace std::chrono_literals;
using contract::RedisServer;
using worker_loop::Outcome;

constexpr int total = 10'000;
constexpr int lanes = 16;

struct RedisFaults : ::testing::TestWithParam<int> {
  RealClock clock;
  std::unique_ptr<net::Loop> loop = net::Loop::create(clock).value();
  std::vector<std::shared_ptr<Consumer>> consumers;
  std::set<std::string> confirmed;
  std::map<std::string, int> handled;
  int refused = 0;  // publishes that were tried again
  int deliveries = 0;

  void TearDown() override {
    for (const auto& one : consumers) {
      if (!one->closing()) one->kill();
    }
    turn_for(100ms);
    consumers.clear();
  }
  void turn_for(Duration time) {
    const Instant end = clock.now() + time;
    while (clock.now() < end) loop->turn(5);
  }
  template <class Condition>
  bool until(Condition condition, std::chrono::seconds longest = 90s) {
    const Instant end = clock.now() + longest;
    while (!condition() && clock.now() < end) loop->turn(10);
    EXPECT_TRUE(condition()) << "not within " << longest.count() << " s";
    return condition();
  }
  template <class T>
  T await(Task<T> task) {
    std::optional<T> value;
    spawn(std::move(task), [&](const std::exception_ptr&, std::optional<T> v) { value = std::move(v); });
    if (!until([&] { return value.has_value(); })) throw std::runtime_error("it took too long");
    return std::move(*value);
  }
  std::string ask(const std::string& url, std::vector<std::string> words) {
    const auto client = std::make_shared<net::redis::Client>(*loop, net::redis::Options::parse(url).value());
    net::redis::Command command(words[0]);
    for (std::size_t i = 1; i < words.size(); ++i) command.arg(words[i]);
    const Result<net::redis::Reply> reply = await(client->run(std::move(command)));
    client->close();
    return reply.ok() ? std::string(reply->text()) : reply.error().to_string();
  }
  void says(const std::string& url, const std::vector<std::string>& words, const std::string& what) {
    EXPECT_TRUE(until([&] { return ask(url, words).find(what) != std::string::npos; }, 30s)) << words[0] << " says no " << what;
  }
  void ready(const RedisServer& server) { says(server.url(), {"PING"}, "PONG"); }

  std::shared_ptr<Client> open(const std::string& url) {
    services::MessagingConfig config;
    config.url = url;
    return std::make_shared<Client>(messaging::open(config, Environment(clock)).value(), ClientOptions());
  }
  services::Consumer config(const std::string& name) const {
    services::Consumer out;
    out.name = name;
    out.topic = "t";
    out.group = "g";
    out.concurrency = 32;
    out.ack_wait_ms = 10'000;
    out.max_retries = 3;
    out.backoff.initial_ms = 10;
    out.backoff.max_ms = 50;
    out.dead_letter = "dead";
    return out;
  }
  std::shared_ptr<Consumer> start(Client& client, const services::Consumer& of, Handler handler) {
    const std::vector<net::Loop*> loops{loop.get()};
    ConsumerOptions options = client.consumer_options(of).value();
    auto started = await(client.start_consumer(*loop, std::move(options), handler_sink(loops, std::move(handler))));
    EXPECT_TRUE(started.ok()) << started.error().to_string();
    consumers.push_back(started.value());
    return consumers.back();
  }
  /// Every 17th fails once.
  Handler counting() {
    return [this](Inbound item) -> Task<Outcome> {
      if (++deliveries % 17 == 0 && item->failures == 0) co_return Outcome::error("now and then");
      ++handled[item->payload];
      co_return Outcome::ack();
    };
  }
  Task<> lane(std::shared_ptr<Client> client, int number) {
    for (int i = 0; i < total / lanes; ++i) {
      const std::string id = std::to_string(number) + "-" + std::to_string(i);
      for (;;) {
        Message message("t", id, id);
        Result<std::uint64_t> position = co_await client->publish(net::Caller(*loop), std::move(message));
        if (position.ok()) break;
        ++refused;
        Result<void> slept = co_await net::sleep(*loop, 50ms);
        (void)slept;
      }
      confirmed.insert(id);
      Result<void> paced = co_await net::sleep(*loop, 2ms);  // messages flow until the last fault
      (void)paced;
    }
  }
  /// 10,000 messages to one consumer and back, with the faults while they flow; each at its share of what is confirmed.
  void flow(const std::string& url, const std::vector<std::function<void()>>& faults) {
    const auto client = open(url);
    start(*client, config("c"), counting());
    int running = lanes;
    for (int i = 0; i < lanes; ++i) spawn(lane(client, i), [&](const std::exception_ptr&) { --running; });
    std::size_t done = 0;
    for (const auto& fault : faults) {
      ++done;
      until([&] { return confirmed.size() * (faults.size() + 1) >= done * total; });
      fault();
    }
    until([&] { return running == 0; });
    const Instant last = clock.now();
    until([&] { return handled.size() == confirmed.size(); });
    const double waited = std::chrono::duration<double>(clock.now() - last).count();
    int doubles = 0;
    for (const std::string& id : confirmed) EXPECT_GE(handled[id], 1) << id << " is lost";
    for (const auto& [id, times] : handled) doubles += times - 1;
    EXPECT_EQ(confirmed.size(), static_cast<std::size_t>(total));
    EXPECT_LT(waited, 15.0);
    DeadLetterQuery query("dead");
    const auto dead = await(client->list_dead_letters(net::Caller(*loop), query));
    ASSERT_TRUE(dead.ok()) << dead.error().to_string();
    EXPECT_TRUE(dead->messages.empty()) << "no fault uses up four tries";
    until([&] {
      const auto groups = await(client->groups(net::Caller(*loop)));
      return groups.ok() && groups->size() == 1 &&
             groups->front().waiting + groups->front().in_hand + groups->front().delayed == 0;
    });
    std::printf(
        "     %d confirmed, 0 lost, %d handled twice, %d publishes tried again, the last handled %.1f s after the last publish\n",
        total, doubles, refused, waited);
  }
};

TEST_P(RedisFaults, AServerThatIsEndedAndBegunAgainLosesNothing) {
  RedisServer server({"--appendonly", "yes", "--appendfsync", "always"});
  server.start();
  ready(server);
  const auto restart = [&] {
    server.end(SIGTERM);
    server.start();
  };
  flow(server.url(), {restart, restart, restart});
}

TEST_P(RedisFaults, AServerThatIsKilledLosesNothingThatWasConfirmed) {
  RedisServer server({"--appendonly", "yes", "--appendfsync", "always"});
  server.start();
  ready(server);
  const auto kill = [&] {
    server.end(SIGKILL);
    server.start();
  };
  flow(server.url(), {kill, kill, kill, kill});
}

TEST_P(RedisFaults, AServerThatIsFrozenGoesOn) {
  RedisServer server({"--appendonly", "yes"});
  server.start();
  ready(server);
  const auto freeze = [&] {
    server.freeze(true);
    turn_for(3s);
    server.freeze(false);
  };
  flow(server.url() + "?timeout_ms=1000", {freeze, freeze});
}

TEST_P(RedisFaults, ConnectionsAreCutAtRandomBytes) {
  RedisServer server({"--appendonly", "yes"});
  server.start();
  ready(server);
  contract::Proxy proxy(*loop, server.address());
  std::mt19937 random{7};
  std::vector<std::function<void()>> cuts(30, [&] { proxy.cut_after(random() % 4000); });
  flow("redis://" + proxy.address(), cuts);
  EXPECT_GE(proxy.cuts(), 20U);
}

TEST_P(RedisFaults, WhatADeadConsumerHeldAndWhatWaitsComeToAnother) {
  RedisServer server({"--appendonly", "yes", "--appendfsync", "always"});
  server.start();
  ready(server);
  const auto client = open(server.url());
  int begun = 0;
  const Handler holding = [&](Inbound item) -> Task<Outcome> {
    ++begun;
    if (item->payload == "later") co_return Outcome::retry(2s);
    Result<void> slept = co_await net::sleep(*loop, 1h);
    (void)slept;
    co_return Outcome::error("cancelled");
  };
  const auto first = start(*client, config("first"), holding);
  for (const char* payload : {"a", "b", "later"}) {
    Message message("t", payload);
    ASSERT_TRUE(await(client->publish(net::Caller(*loop), std::move(message))).ok());
  }
  until([&] { return begun == 3; });
  turn_for(4s);  // renewed once at least; `later` waits in the hand of nobody
  first->kill();
  const Instant died = clock.now();
  server.end(SIGKILL);  // the server as well
  server.start();
  std::map<std::string, std::pair<Duration, std::uint32_t>> seen;
  const auto other = open(server.url());
  start(*other, config("second"), [&](Inbound item) -> Task<Outcome> {
    seen.emplace(item->payload, std::pair(clock.now() - died, item->tries));
    co_return Outcome::ack();
  });
  until([&] { return seen.size() == 3; }, 20s);
  for (const auto& [payload, when] : seen) {
    EXPECT_LT(when.first, 15s) << payload;
    EXPECT_EQ(when.second, payload == "later" ? when.second : 1U) << payload;
    std::printf("     %s came %.1f s after the consumer's death, with %u tries used\n", payload.c_str(),
                std::chrono::duration<double>(when.first).count(), when.second);
  }
}

/// Publishes, fails, buries, redrives, seeks, by a topic and by patterns.
void everything(RedisFaults& test, const std::string& url) {
  const auto client = test.open(url);
  std::vector<std::string> seen;
  services::Consumer pattern = test.config("p");
  pattern.topic = "orders.*";
  pattern.group = "p";
  test.start(*client, pattern, [&](Inbound item) -> Task<Outcome> {
    seen.push_back(item->payload);
    co_return Outcome::ack();
  });
  int rejected = 0;
  services::Consumer exact = test.config("e");
  exact.topic = "orders.eu";
  test.start(*client, exact, [&](Inbound item) -> Task<Outcome> {
    if (item->failures == 0 && item->tries == 0 && rejected == 0) co_return Outcome::error("once");
    if (++rejected == 1) co_return Outcome::reject("no");
    co_return Outcome::ack();
  });
  std::vector<Message> batch;
  for (const char* topic : {"orders.eu", "orders.us", "orders.asia"}) batch.emplace_back(topic, topic);
  const auto positions = test.await(client->publish_batch(net::Caller(*test.loop), batch));
  ASSERT_TRUE(positions.ok()) << positions.error().to_string();
  test.until([&] { return seen.size() == 3 && rejected == 1; });
  test.until([&] { return client->counts().dead_lettered == 1; });
  const auto redriven =
      test.await(client->redrive_dead_letters(net::Caller(*test.loop), DeadLetterSelection("dead", std::nullopt), ""));
  ASSERT_TRUE(redriven.ok()) << redriven.error().to_string();
  EXPECT_EQ(*redriven, 1U);
  test.until([&] { return rejected == 2; });
  EXPECT_EQ(seen.size(), 3U) << "it was for the other group";
  ASSERT_TRUE(test.await(client->seek(net::Caller(*test.loop), GroupName{"p", "orders.*"}, Place(Beginning{true}))).ok());
  test.until([&] { return seen.size() == 6; });
  for (const auto& one : test.consumers) {
    const Consumer::Stopped stopped = test.await(one->stop(5s));
    EXPECT_TRUE(stopped.drained);
  }
  test.consumers.clear();
  test.turn_for(20ms);
  const auto deleted = test.await(client->delete_group(net::Caller(*test.loop), GroupName{"p", "orders.*"}));
  ASSERT_TRUE(deleted.ok()) << deleted.error().to_string();
  EXPECT_TRUE(*deleted);
}

TEST_P(RedisFaults, EverythingOnACluster) {
  std::vector<std::unique_ptr<RedisServer>> nodes;
  std::vector<std::string> buses;
  for (int i = 0; i < 2; ++i) {
    buses.push_back(std::to_string(RedisServer::free_port()));
    nodes.push_back(
        std::make_unique<RedisServer>(std::vector<std::string>{"--cluster-enabled", "yes", "--cluster-port", buses.back()}));
    nodes.back()->start();
    ready(*nodes.back());
  }
  EXPECT_EQ(ask(nodes[0]->url(), {"CLUSTER", "ADDSLOTSRANGE", "0", "8191"}), "OK");
  EXPECT_EQ(ask(nodes[1]->url(), {"CLUSTER", "ADDSLOTSRANGE", "8192", "16383"}), "OK");
  EXPECT_EQ(ask(nodes[0]->url(), {"CLUSTER", "MEET", "127.0.0.1", std::to_string(nodes[1]->port()), buses[1]}), "OK");
  for (const auto& one : nodes) says(one->url(), {"CLUSTER", "INFO"}, "cluster_state:ok");
  for (const auto& one : nodes) says(one->url(), {"CLUSTER", "INFO"}, "cluster_known_nodes:2");
  // One prefix on each node, and a seed that is the other one at least once.
  for (const char* prefix : {"a", "b", "c", "d"}) {
    everything(*this, "redis+cluster://" + nodes[0]->address() + "?poll_ms=200&prefix=" + prefix);
  }
  EXPECT_NE(net::redis::slot_of("a") < 8192, net::redis::slot_of("b") < 8192) << "they are on different nodes";
}

TEST_P(RedisFaults, AConsumerFollowsTheSentinelsToTheNewMaster) {
  RedisServer master;
  RedisServer replica({"--replicaof", "127.0.0.1 " + std::to_string(master.port())});
  RedisServer sentinel;
  master.start();
  replica.start();
  says(replica.url(), {"INFO", "replication"}, "master_link_status:up");
  sentinel.start_sentinel("sentinel monitor mymaster 127.0.0.1 " + std::to_string(master.port()) +
                          " 1\nsentinel down-after-milliseconds mymaster 500\nsentinel failover-timeout mymaster 3000\n");
  says(sentinel.url(), {"SENTINEL", "CKQUORUM", "mymaster"}, "OK");
  const auto client = open("redis+sentinel://" + sentinel.address() + "/mymaster?timeout_ms=500&wait_ms=20000");
  start(*client, config("c"), counting());
  const auto publish = [&](const std::string& payload) {
    until(
        [&] {
          Message message("t", payload);
          return await(client->publish(net::Caller(*loop), std::move(message))).ok();
        },
        60s);
  };
  publish("before");
  until([&] { return handled.contains("before"); });
  says(replica.url(), {"EXISTS", "{spikard}:s:t"}, "1");
  turn_for(2s);  // the sentinel knows of the replica
  master.freeze(true);
  publish("after");
  until([&] { return handled.contains("after"); });
  master.freeze(false);
}

INSTANTIATE_TEST_SUITE_P(Server_redis, RedisFaults, ::testing::Values(0), [](const auto&) { return "own"; });

}  // namespace
}  // namespace spikard::messaging
