#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/loop/loop.hpp"
#include "net/operation_target.hpp"
#include "net/redis/client.hpp"
#include "redis_servers.hpp"

namespace spikard::contract {

using namespace std::chrono_literals;
using net::redis::Client;
using net::redis::Command;
using net::redis::Options;
using net::redis::Reply;

/// One loop on real time, and clients of servers of the test's own.
class RedisRig : public testing::TestWithParam<int> {
 protected:
  RedisRig() : loop_(std::move(net::Loop::create(clock_)).value()), caller_(*loop_) { loop_->turn(0); }
  ~RedisRig() override {
    for (const auto& client : clients_) client->close();
  }

  std::shared_ptr<Client> open(const std::string& url) {
    Result<Options> options = Options::parse(url);
    EXPECT_TRUE(options.ok()) << options.error().message();
    clients_.push_back(std::make_shared<Client>(*loop_, std::move(*options)));
    return clients_.back();
  }
  template <class F>
  void until(F done, std::chrono::seconds longest = 30s) {
    const Instant limit = clock_.now() + longest;
    while (!done() && clock_.now() < limit) loop_->turn(20);
    ASSERT_TRUE(done()) << "not in " << longest.count() << " s";
  }
  template <class T>
  std::shared_ptr<std::optional<T>> start(Task<T> task) {
    auto out = std::make_shared<std::optional<T>>();
    loop_->post([task = std::move(task), out]() mutable {
      spawn(std::move(task), [out](std::exception_ptr error, std::optional<T> value) {
        EXPECT_FALSE(error) << "an exception";
        if (value) out->emplace(std::move(*value));
      });
    });
    return out;
  }
  template <class T>
  T run(Task<T> task) {
    auto out = start(std::move(task));
    until([&] { return out->has_value(); });
    return std::move(**out);
  }
  static std::string text_of(const Result<Reply>& reply) {
    if (!reply.ok()) return std::string(name_of(reply.error().kind()));
    return reply->is_null() ? "-" : std::string(reply->text());
  }
  std::string ask(Client& client, std::vector<std::string> words) {
    Command command(words[0]);
    for (std::size_t n = 1; n < words.size(); ++n) command.arg(words[n]);
    return text_of(run(client.run(std::move(command))));
  }
  Command set_of(std::string_view key, std::string_view value) const {
    Command command("SET");
    command.key(key).arg(value);
    return command;
  }
  std::string set(Client& client, std::string_view key, std::string_view value) {
    return text_of(run(client.run(set_of(key, value))));
  }
  std::string get(Client& client, std::string_view key) {
    Command command("GET");
    command.key(key).reads();
    return text_of(run(client.run(std::move(command))));
  }
  /// Turns until it says so.
  void says(Client& client, const std::vector<std::string>& words, std::string_view what) {
    const Instant limit = clock_.now() + 30s;
    std::string said;
    while (clock_.now() < limit) {
      said = ask(client, words);
      if (said.find(what) != std::string::npos) return;
      loop_->turn(50);
    }
    FAIL() << words[0] << " says " << said << ", not " << what;
  }
  void ready(const RedisServer& server) { says(*open(server.url()), {"PING"}, "PONG"); }

  RealClock clock_;
  std::unique_ptr<net::Loop> loop_;
  net::Caller caller_;
  std::vector<std::shared_ptr<Client>> clients_;
};

/// Three masters, and one replica of the first.
struct Cluster {
  Cluster() {
    for (int n = 0; n < 4; ++n) {
      buses.push_back(RedisServer::free_port());
      nodes.push_back(std::make_unique<RedisServer>(
          std::vector<std::string>{"--cluster-enabled", "yes", "--cluster-port", std::to_string(buses.back()),
                                   "--cluster-node-timeout", "500", "--appendonly", "no"}));
      nodes.back()->start();
    }
  }
  std::vector<std::uint16_t> buses;
  std::vector<std::unique_ptr<RedisServer>> nodes;
};

class RedisClusterRig : public RedisRig {
 protected:
  RedisClusterRig() {
    const std::vector<std::pair<int, int>> ranges{{0, 5460}, {5461, 10922}, {10923, 16383}};
    for (std::size_t n = 0; n < 4; ++n) {
      node_.push_back(open(cluster_.nodes[n]->url()));
      says(*node_[n], {"PING"}, "PONG");
      id_.push_back(ask(*node_[n], {"CLUSTER", "MYID"}));
      if (n < 3)
        EXPECT_EQ(ask(*node_[n], {"CLUSTER", "ADDSLOTSRANGE", std::to_string(ranges[n].first), std::to_string(ranges[n].second)}),
                  "OK");
    }
    for (std::size_t n = 1; n < 4; ++n) {
      EXPECT_EQ(ask(*node_[0], {"CLUSTER", "MEET", "127.0.0.1", std::to_string(cluster_.nodes[n]->port()),
                                std::to_string(cluster_.buses[n])}),
                "OK");
    }
    says(*node_[3], {"CLUSTER", "NODES"}, id_[0]);
    says(*node_[3], {"CLUSTER", "REPLICATE", id_[0]}, "OK");
    for (std::size_t n = 0; n < 4; ++n) {
      says(*node_[n], {"CLUSTER", "INFO"}, "cluster_state:ok");
      for (const std::string& id : id_) says(*node_[n], {"CLUSTER", "NODES"}, id);
    }
  }
  std::string url(std::size_t seed = 1) const { return "redis+cluster://" + cluster_.nodes[seed]->address() + "?wait_ms=20000"; }

  Cluster cluster_;
  std::vector<std::shared_ptr<Client>> node_;
  std::vector<std::string> id_;
};

}  // namespace spikard::contract
