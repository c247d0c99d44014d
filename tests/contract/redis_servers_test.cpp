// Servers of our own that are killed, frozen, failed over and resharded: the client, and the cache on it.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>

#include "cache/client.hpp"
#include "cache/registry.hpp"
#include "net/redis/client.hpp"
#include "net/test_peer.hpp"
#include "redis_rig.hpp"

namespace spikard {

using namespace std::chrono_literals;
using contract::RedisServer;
using net::redis::Client;
using net::redis::Command;
using net::redis::Options;
using net::redis::Reply;

namespace {

/// With caches.
template <class Rig>
class WithCache : public Rig {
 protected:
  cache::Client open_cache(const std::string& url) {
    services::CacheConfig config;
    config.url = url;
    const cache::Environment environment(this->clock_);
    auto opened = cache::open(config, environment);
    EXPECT_TRUE(opened.ok()) << opened.error().to_string();
    return cache::Client(std::move(*opened));
  }
};
using RedisServers = WithCache<contract::RedisRig>;
using RedisCluster = WithCache<contract::RedisClusterRig>;

INSTANTIATE_TEST_SUITE_P(Server_redis, RedisServers, testing::Values(0), [](const auto&) { return "own"; });

INSTANTIATE_TEST_SUITE_P(Server_redis, RedisCluster, testing::Values(0), [](const auto&) { return "own"; });

}  // namespace

TEST_P(RedisServers, Ten_thousand_writes_while_the_server_is_killed_and_begun_again_none_that_was_answered_is_lost) {
  RedisServer server({"--appendonly", "yes"});
  server.start();
  auto client = open(server.url() + "?wait_ms=10000");
  says(*client, {"PING"}, "PONG");
  std::map<int, std::shared_ptr<std::optional<Result<Reply>>>> out;
  int kills = 0;
  for (int n = 0; n < 10'000; ++n) {
    out[n] = start(client->run(set_of("k" + std::to_string(n), std::to_string(n))));
    if (n % 50 == 0) loop_->turn(1);
    if (n % 2500 == 1250) {
      server.end(SIGKILL);
      server.start();
      ++kills;
    }
  }
  until([&] { return std::all_of(out.begin(), out.end(), [](const auto& one) { return one.second->has_value(); }); });
  int answered = 0;
  int unknown = 0;
  for (const auto& [n, reply] : out) {
    const std::string text = text_of(**reply);
    if (text == "OK") {
      ++answered;
    } else {
      EXPECT_EQ(text, "outcome_unknown");
      ++unknown;
    }
  }
  EXPECT_EQ(kills, 4);
  EXPECT_EQ(answered + unknown, 10'000);
  std::vector<Command> reads;
  for (int n = 0; n < 10'000; ++n) {
    Command command("GET");
    command.key("k" + std::to_string(n)).reads();
    reads.push_back(std::move(command));
  }
  const auto values = run(client->run_all(std::move(reads)));
  int lost = 0;
  for (int n = 0; n < 10'000; ++n) {
    if (text_of(**out[n]) == "OK" && text_of(values[static_cast<std::size_t>(n)]) != std::to_string(n)) ++lost;
  }
  EXPECT_EQ(lost, 0);
  RecordProperty("answered", answered);
  RecordProperty("outcome_unknown", unknown);
}

TEST_P(RedisServers, A_frozen_server_is_timed_out_and_found_again) {
  RedisServer server;
  server.start();
  ready(server);
  auto client = open(server.url() + "?timeout_ms=200&connect_timeout_ms=200&wait_ms=300");
  EXPECT_EQ(set(*client, "k", "v"), "OK");
  server.freeze(true);
  const Instant begun = clock_.now();
  EXPECT_EQ(get(*client, "k"), "timeout");
  EXPECT_EQ(get(*client, "k"), "unavailable");
  EXPECT_EQ(set(*client, "k", "w"), "unavailable") << "it was not sent";
  EXPECT_LT(clock_.now() - begun, 5s);
  server.freeze(false);
  until([&] { return get(*client, "k") == "v"; });
}

TEST_P(RedisServers, A_cache_whose_server_is_killed_frozen_and_begun_again) {
  RedisServer server({"--appendonly", "yes"});
  server.start();
  ready(server);
  const cache::Client far = open_cache("tiered+" + server.url() + "?timeout_ms=300&wait_ms=10000&connect_timeout_ms=1000");
  const auto put = [&](std::string_view key, std::string_view value) {
    const auto done = run(far.set(caller_, key, value).task());
    return done.ok() ? "ok" : std::string(name_of(done.error().kind()));
  };
  const auto read = [&](std::string_view key) -> std::string {
    const auto value = run(far.get(caller_, key).task());
    if (!value.ok()) return std::string(name_of(value.error().kind()));
    return *value ? std::string((*value)->view()) : "-";
  };
  ASSERT_EQ(put("k", "v"), "ok");
  until([&] {
    (void)read("k");
    return far.get(caller_, "k").ready();
  });
  server.end(SIGKILL);
  server.start();
  EXPECT_EQ(read("k"), "v");
  EXPECT_EQ(put("k", "w"), "ok");
  EXPECT_EQ(read("k"), "w");
  server.freeze(true);
  EXPECT_EQ(put("k", "x"), "outcome_unknown");
  server.freeze(false);
  until([&] { return read("k") == "x"; });
}

TEST_P(RedisServers, Over_TLS_with_a_certificate_that_is_checked) {
  const net::test::Identity identity;
  const net::test::Identity other;
  const std::uint16_t port = RedisServer::free_port();
  RedisServer server({"--tls-port", std::to_string(port), "--tls-cert-file", identity.certificate, "--tls-key-file", identity.key,
                      "--tls-ca-cert-file", identity.certificate, "--tls-auth-clients", "no"});
  server.start();
  ready(server);
  const std::string url = "rediss://localhost:" + std::to_string(port);
  auto client = open(url + "?tls_ca=" + identity.certificate);
  const std::string large(300'000, 'x');
  EXPECT_EQ(set(*client, "k", large), "OK");
  EXPECT_EQ(get(*client, "k"), large);
  for (const std::string& wrong : {url + "?wait_ms=2000", url + "?wait_ms=2000&tls_ca=" + other.certificate}) {
    const auto refused = run(open(wrong)->ping());
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind(), ErrorKind::unavailable) << refused.error().to_string();
    EXPECT_NE(refused.error().message().find("certificate"), std::string::npos) << refused.error().message();
  }
  EXPECT_TRUE(run(open(url + "?tls_verify=false")->ping()).ok());
}

TEST_P(RedisServers, A_UNIX_socket_and_a_password) {
  RedisServer server({"--requirepass", "p@ss:w/rd"});
  const std::string path = server.folder() + "/socket";
  server.add({"--unixsocket", path});
  server.start();
  auto client = open("redis+unix://:p%40ss%3Aw%2Frd@" + path + "?db=3&wait_ms=10000");
  EXPECT_EQ(set(*client, "k", "v"), "OK");
  EXPECT_EQ(get(*client, "k"), "v");
  auto old = open("redis://:p%40ss%3Aw%2Frd@" + server.address() + "/3?protocol=2");
  EXPECT_EQ(get(*old, "k"), "v");
  EXPECT_EQ(get(*open("redis://:p%40ss%3Aw%2Frd@" + server.address()), "k"), "-");
  for (const std::string more : {"", "?protocol=2"}) {
    const auto without = run(open(server.url() + more)->ping());
    ASSERT_FALSE(without.ok());
    EXPECT_EQ(without.error().kind(), ErrorKind::permission_denied) << without.error().to_string();
  }
}

TEST_P(RedisServers, Sentinels_lead_to_the_new_master) {
  RedisServer master;
  RedisServer replica({"--replicaof", "127.0.0.1 " + std::to_string(master.port())});
  RedisServer sentinel;
  master.start();
  replica.start();
  auto to_replica = open(replica.url());
  says(*to_replica, {"INFO", "replication"}, "master_link_status:up");
  sentinel.start_sentinel("sentinel monitor mymaster 127.0.0.1 " + std::to_string(master.port()) +
                          " 1\nsentinel down-after-milliseconds mymaster 500\nsentinel failover-timeout mymaster 3000\n");
  auto to_sentinel = open(sentinel.url());
  says(*to_sentinel, {"SENTINEL", "CKQUORUM", "mymaster"}, "OK");
  // The first sentinel that is named is not there.
  const std::string url = "redis+sentinel://127.0.0.1:" + std::to_string(RedisServer::free_port()) + "," + sentinel.address() +
                          "/mymaster?timeout_ms=500&wait_ms=20000";
  auto client = open(url);
  EXPECT_EQ(set(*client, "k", "1"), "OK");
  says(*to_replica, {"GET", "k"}, "1");
  until([&] {  // the sentinel knows of the replica
    const auto reply = run(to_sentinel->run([] {
      Command command("SENTINEL");
      command.arg("REPLICAS").arg("mymaster");
      return command;
    }()));
    return reply.ok() && reply->view().size() == 1;
  });

  master.freeze(true);
  const std::string first = set(*client, "k", "2");
  EXPECT_TRUE(first == "outcome_unknown" || first == "OK") << first;
  until([&] { return set(*client, "k", "3") == "OK"; });
  EXPECT_EQ(ask(*to_replica, {"GET", "k"}), "3") << "it is the master now";
  master.freeze(false);  // it is made a replica; what is sent there meets READONLY or a closed connection
  EXPECT_EQ(get(*client, "k"), "3");

  auto unknown = open("redis+sentinel://" + sentinel.address() + "/nobody?wait_ms=200");
  const auto refused = run(unknown->ping());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::unavailable);
  EXPECT_NE(refused.error().message().find("nobody"), std::string::npos);
}

TEST_P(RedisCluster, Commands_go_to_the_nodes_of_their_keys_and_follow_them) {
  auto client = open(url());
  std::vector<Command> writes;
  for (int n = 0; n < 300; ++n) writes.push_back(set_of("k" + std::to_string(n), std::to_string(n)));
  for (const auto& reply : run(client->run_all(std::move(writes)))) EXPECT_EQ(text_of(reply), "OK");
  for (int n = 0; n < 300; n += 7) EXPECT_EQ(get(*client, "k" + std::to_string(n)), std::to_string(n));
  std::size_t together = 0;
  for (std::size_t n = 0; n < 3; ++n) {
    const std::string size = ask(*node_[n], {"DBSIZE"});
    EXPECT_GT(std::stoi(size), 50);
    together += std::stoul(size);
  }
  EXPECT_EQ(together, 300U);
  const net::redis::Script script("return redis.call('INCRBY', KEYS[1], ARGV[1])");
  for (const char* key : {"a", "b", "c", "d"}) {
    Command command(script, 1);
    command.key(key).arg(5);
    EXPECT_EQ(text_of(run(client->run(std::move(command)))), "5");
  }

  // An empty slot moves to another node: MOVED, and the map is learned again.
  const std::string key = "moving";
  const int slot = net::redis::slot_of(key);
  const std::size_t from = slot <= 5460 ? 0 : slot <= 10922 ? 1 : 2;
  const std::size_t to = (from + 1) % 3;
  EXPECT_EQ(get(*client, key), "-");
  EXPECT_EQ(ask(*node_[to], {"CLUSTER", "SETSLOT", std::to_string(slot), "IMPORTING", id_[from]}), "OK");
  EXPECT_EQ(ask(*node_[from], {"CLUSTER", "SETSLOT", std::to_string(slot), "MIGRATING", id_[to]}), "OK");
  EXPECT_EQ(set(*client, key, "1"), "OK") << "by ASK";
  EXPECT_EQ(get(*client, key), "1");
  for (const std::size_t node : {to, from})
    EXPECT_EQ(ask(*node_[node], {"CLUSTER", "SETSLOT", std::to_string(slot), "NODE", id_[to]}), "OK");
  EXPECT_EQ(get(*client, key), "1") << "by MOVED";
  EXPECT_EQ(set(*client, key, "2"), "OK");

  auto own = run(client->dedicated(key));
  ASSERT_TRUE(own.ok()) << own.error().to_string();
  Command read("GET");
  read.key(key);
  EXPECT_EQ(text_of(run((*own)->run(std::move(read), 5s))), "2");
}

TEST_P(RedisCluster, A_dead_master_is_followed_to_its_replica) {
  auto client = open(url());
  std::string key;  // of the first node
  for (int n = 0; key.empty() || net::redis::slot_of(key) > 5460; ++n) key = "k" + std::to_string(n);
  EXPECT_EQ(set(*client, key, "1"), "OK");
  says(*node_[3], {"INFO", "replication"}, "master_link_status:up");
  says(*node_[0], {"WAIT", "1", "1000"}, "1");
  cluster_.nodes[0]->end(SIGKILL);
  until([&] { return get(*client, key) == "1"; });
  EXPECT_EQ(set(*client, key, "2"), "OK");
  EXPECT_EQ(ask(*node_[3], {"GET", key}), "2");
}

TEST_P(RedisCluster, A_cache_on_it) {
  const cache::Client cache = open_cache(url());
  const std::vector<std::string> red{"red"};
  for (int n = 0; n < 60; ++n) {
    const cache::Client space = cache.in(std::to_string(n % 6));
    ASSERT_TRUE(
        run(space.set(caller_, std::to_string(n), "v", n % 2 == 0 ? cache::SetOptions().with_tags(red) : cache::SetOptions())
                .task())
            .ok());
  }
  EXPECT_EQ(*run(cache.in("1").count(caller_).task()), 10U);
  const std::vector<std::string> names{"1", "7", "none"};
  const auto many = run(cache.in("1").get_many(caller_, names).task());
  ASSERT_TRUE(many.ok());
  EXPECT_TRUE((*many)[0] && (*many)[1] && !(*many)[2]);
  ASSERT_TRUE(run(cache.invalidate_tags(caller_, red).task()).ok());
  for (int n = 0; n < 6; ++n) EXPECT_EQ(*run(cache.in(std::to_string(n)).count(caller_).task()), n % 2 == 0 ? 0U : 10U);
  ASSERT_TRUE(run(cache.in("1").clear(caller_).task()).ok());
  EXPECT_EQ(*run(cache.in("1").count(caller_).task()), 0U);
  EXPECT_EQ(*run(cache.in("3").count(caller_).task()), 10U);
  EXPECT_EQ(*run(cache.increment(caller_, "n", 3).task()), 3);
}

}  // namespace spikard
