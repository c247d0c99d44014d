// Our MQTT client against Mosquitto, in both versions of the protocol.
#include "net/mqtt/client.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "mosquitto.hpp"
#include "net/signing/hash.hpp"
#include "net/test_peer.hpp"
#include "proxy.hpp"
#include "server.hpp"

namespace spikard::net::mqtt {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct MqttClient : ::testing::TestWithParam<Version> {
  RealClock clock;
  std::unique_ptr<Loop> loop = Loop::create(clock).value();
  const std::string unique = signing::hex(signing::random_bytes(6));
  const std::string topic = "test/" + unique;
  std::vector<std::shared_ptr<Client>> clients;

  [[nodiscard]] bool v5() const { return GetParam() == Version::v5; }

  void TearDown() override {
    for (const auto& client : clients) stop(client);
  }
  template <class Condition>
  bool until(Condition condition, Duration limit = seconds(30)) {
    const Instant deadline = clock.now() + limit;
    while (!condition() && clock.now() < deadline) loop->turn(10);
    EXPECT_TRUE(condition());
    return condition();
  }
  [[nodiscard]] ClientOptions options(const std::string& id,
                                      const std::string& url = contract::server_setting("MQTT_URL")) const {
    ClientOptions out = Url::parse(url).value().client;
    out.version = GetParam();
    out.client_id = id + "-" + unique;
    out.session_expiry = seconds(60);
    return out;
  }
  struct Received {
    Publish message;
    Delivery delivery;
  };
  /// Acknowledges what it gets at once, unless told otherwise.
  struct Peer {
    std::shared_ptr<Client> client;
    std::vector<Received> received;
    bool acknowledges = true;
    [[nodiscard]] std::vector<std::string> payloads() const {
      std::vector<std::string> out;
      for (const Received& one : received) out.push_back(one.message.payload);
      return out;
    }
  };
  std::shared_ptr<Peer> connect(ClientOptions with, const std::string& filter = {}, std::uint8_t qos = 2,
                                bool acknowledges = true) {
    auto peer = std::make_shared<Peer>();
    peer->acknowledges = acknowledges;
    peer->client = std::make_shared<Client>(*loop, std::move(with));
    clients.push_back(peer->client);
    peer->client->on_message([weak = std::weak_ptr(peer)](Publish message, Delivery delivery) {
      const auto self = weak.lock();
      if (self == nullptr) return;
      self->received.push_back({std::move(message), delivery});
      if (self->acknowledges) self->client->acknowledge(delivery);
    });
    peer->client->start([](const Result<void>& up) { EXPECT_TRUE(up.ok()) << up.error().to_string(); });
    until([&] { return peer->client->connected(); });
    if (!filter.empty()) {
      Filter wanted;
      wanted.filter = filter;
      wanted.qos = qos;
      EXPECT_TRUE(wait([&](Client::Done done) { peer->client->subscribe(wanted, std::move(done)); }).ok());
    }
    return peer;
  }
  Result<void> refused(ClientOptions with) {
    auto client = std::make_shared<Client>(*loop, std::move(with));
    clients.push_back(client);
    return wait([&](Client::Done done) { client->start(std::move(done)); });
  }
  Result<void> wait(const std::function<void(Client::Done)>& start) {
    std::optional<Result<void>> out;
    start([&](Result<void> how) { out.emplace(std::move(how)); });
    until([&] { return out.has_value(); });
    return out ? std::move(*out) : Result<void>(internal_error("no answer"));
  }
  [[nodiscard]] Publish message(std::string payload, std::uint8_t qos) const {
    Publish out;
    out.topic = topic;
    out.payload = std::move(payload);
    out.qos = qos;
    return out;
  }
  Result<void> publish(const std::shared_ptr<Client>& client, Publish what) {
    return wait([&](Client::Done done) { client->publish(std::move(what), std::move(done)); });
  }
  void stop(const std::shared_ptr<Client>& client) {
    bool stopped = false;
    client->stop([&] { stopped = true; });
    until([&] { return stopped; });
  }
  /// As if its process had been killed: no DISCONNECT.
  static std::string address(const std::string& url) { return Url::parse(url).value().client.servers[0].text(); }
};
using Strings = std::vector<std::string>;

TEST_P(MqttClient, EveryQosGoesThereWithAllItSays) {
  const auto sub = connect(options("sub"), topic + "/#");
  const auto pub = connect(options("pub"));
  for (std::uint8_t qos = 0; qos <= 2; ++qos) {
    Publish what = message(std::string("p\0", 2) + std::to_string(qos), qos);
    what.topic += "/" + std::to_string(qos);
    what.properties.add(PropertyId::content_type, "text/plain");
    what.properties.add_user("k", "v");
    what.properties.add_user("k", "ü");
    EXPECT_TRUE(publish(pub->client, what).ok());
  }
  until([&] { return sub->received.size() == 3; });
  for (std::uint8_t qos = 0; qos <= 2; ++qos) {
    const Publish& got = sub->received[qos].message;
    EXPECT_EQ(got.topic, topic + "/" + std::to_string(qos));
    EXPECT_EQ(got.payload, std::string("p\0", 2) + std::to_string(qos));
    EXPECT_EQ(got.qos, qos);
    EXPECT_FALSE(got.retain);
    if (!v5()) continue;
    EXPECT_EQ(*got.properties.text(PropertyId::content_type), "text/plain");
    ASSERT_EQ(got.properties.list.size(), 3U);
    EXPECT_EQ(got.properties.list[2].value, "ü");
  }
}

TEST_P(MqttClient, WhatWasNotAcknowledgedComesAgainToTheNextOfThisName) {
  for (std::uint8_t qos = 1; qos <= 2; ++qos) {
    const std::string name = "sub" + std::to_string(qos);
    auto first = connect(options(name), topic, qos, false);
    const auto pub = connect(options("pub" + std::to_string(qos)));
    EXPECT_TRUE(publish(pub->client, message("a", qos)).ok());
    EXPECT_TRUE(publish(pub->client, message("b", qos)).ok());
    until([&] { return first->received.size() == 2; });
    first->client->acknowledge(first->received[0].delivery);
    EXPECT_TRUE(wait([&](Client::Done done) { first->client->ping(std::move(done)); }).ok());
    stop(first->client);
    EXPECT_TRUE(publish(pub->client, message("while nobody was there", qos)).ok());
    const auto second = connect(options(name));
    until([&] { return second->received.size() == 2; });
    EXPECT_EQ(second->payloads(), (Strings{"b", "while nobody was there"}));
    EXPECT_TRUE(second->received[0].message.dup);
    EXPECT_FALSE(second->received[1].message.dup);
    EXPECT_TRUE(wait([&](Client::Done done) { second->client->unsubscribe(topic, std::move(done)); }).ok());
  }
}

TEST_P(MqttClient, ACleanStartForgets) {
  stop(connect(options("sub"), topic, 1)->client);
  const auto pub = connect(options("pub"));
  EXPECT_TRUE(publish(pub->client, message("a", 1)).ok());
  ClientOptions clean = options("sub");
  clean.clean_start = true;
  const auto second = connect(clean, topic, 1);
  EXPECT_TRUE(publish(pub->client, message("b", 1)).ok());
  until([&] { return !second->received.empty(); });
  EXPECT_EQ(second->payloads(), Strings{"b"});
}

TEST_P(MqttClient, RetainedOnesComeFirstAndSayIt) {
  const auto pub = connect(options("pub"));
  Publish kept = message("kept", 1);
  kept.retain = true;
  EXPECT_TRUE(publish(pub->client, kept).ok());
  const auto sub = connect(options("sub"), topic);
  until([&] { return !sub->received.empty(); });
  EXPECT_TRUE(sub->received[0].message.retain);
  Publish gone = message("", 1);
  gone.retain = true;
  EXPECT_TRUE(publish(pub->client, gone).ok());
}

TEST_P(MqttClient, TheWillIsForThoseWhoAreCutOff) {
  contract::Proxy proxy(*loop, address(contract::server_setting("MQTT_URL")));
  const auto sub = connect(options("sub"), topic + "/will");
  const auto with_will = [&](const std::string& id, const std::string& payload) {
    ClientOptions out = options(id, "mqtt://" + proxy.address());
    out.will = Will{topic + "/will", payload, 1, false, {}};
    return out;
  };
  stop(connect(with_will("a", "left in order"))->client);
  const auto cut = connect(with_will("b", "cut off"));
  proxy.refuse(true);
  proxy.cut();
  until([&] { return !sub->received.empty(); });
  EXPECT_EQ(sub->payloads(), Strings{"cut off"});
}

TEST_P(MqttClient, ASharedSubscriptionGivesEachMessageToOne) {
  // Mosquitto takes them with 3.1.1 as well.
  const std::string filter = "$share/g/" + topic;
  const auto a = connect(options("a"), filter, 1);
  const auto b = connect(options("b"), filter, 1);
  const auto pub = connect(options("pub"));
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(publish(pub->client, message(std::to_string(i), 1)).ok());
  until([&] { return a->received.size() + b->received.size() >= 20; });
  EXPECT_FALSE(a->received.empty());
  EXPECT_FALSE(b->received.empty());
  std::set<std::string> all;
  for (const auto& peer : {a, b}) {
    for (const std::string& payload : peer->payloads()) EXPECT_TRUE(all.insert(payload).second) << payload;
  }
}

TEST_P(MqttClient, WhoMayNotIsTold) {
  contract::Mosquitto server("");
  server.add_user("me", "right");
  std::ofstream(server.folder() + "/acl") << "user me\ntopic readwrite open/#\n";
  server.add("acl_file " + server.folder() + "/acl\n");
  server.start();
  Result<void> up = refused(options("c", server.url()));
  ASSERT_FALSE(up.ok());
  EXPECT_EQ(up.error().kind(), ErrorKind::permission_denied);
  up = refused(options("c", server.url("me:wrong")));
  ASSERT_FALSE(up.ok());
  EXPECT_EQ(up.error().kind(), ErrorKind::permission_denied);
  EXPECT_EQ(up.error().to_string().find("wrong"), std::string::npos) << up.error().to_string();
  const auto me = connect(options("c", server.url("me:right")), "open/a");
  Publish what = message("a", 1);
  what.topic = "open/a";
  EXPECT_TRUE(publish(me->client, what).ok());
  what.topic = "closed";
  up = publish(me->client, what);
  if (v5()) {
    ASSERT_FALSE(up.ok());
    EXPECT_EQ(up.error().kind(), ErrorKind::permission_denied);
  } else {
    EXPECT_TRUE(up.ok()) << "3.1.1 has no way to say it";
  }
}

TEST_P(MqttClient, TlsIsVerified) {
  const test::Identity identity;
  contract::Mosquitto server("allow_anonymous true\ncertfile " + identity.certificate + "\nkeyfile " + identity.key + "\n");
  server.start();
  const std::string url = "mqtts://" + server.address();
  const auto sub = connect(options("c", url + "?ca=" + identity.certificate), topic);
  EXPECT_TRUE(publish(sub->client, message(std::string(300'000, 'x'), 1)).ok());
  until([&] { return sub->received.size() == 1; });
  EXPECT_EQ(sub->received[0].message.payload.size(), 300'000U);
  Result<void> up = refused(options("d", url));
  ASSERT_FALSE(up.ok());
  EXPECT_EQ(up.error().kind(), ErrorKind::unavailable);
}

TEST_P(MqttClient, NobodyThereIsUnavailable) {
  ClientOptions nowhere = options("c", "mqtt://127.0.0.1:1");
  const Result<void> up = refused(nowhere);
  ASSERT_FALSE(up.ok());
  EXPECT_EQ(up.error().kind(), ErrorKind::unavailable);
}

TEST_P(MqttClient, CutAtAnyByteNothingIsLostAndQos2ComesOnce) {
  // Mosquitto 2.0 sends all it has, whatever is in flight, when the first acknowledgement comes, so a cut makes much of it come
  // again with QoS 1, and its default queue of 1,000 would not hold it.
  contract::Mosquitto server;
  server.start();
  contract::Proxy proxy(*loop, server.address());
  const std::string through = "mqtt://" + proxy.address();
  ClientOptions in = options("sub", through);
  ClientOptions out = options("pub", through);
  out.timeout = in.timeout = seconds(60);
  std::minstd_rand random(7);
  for (std::uint8_t qos = 1; qos <= 2; ++qos) {
    in.client_id += "x";
    out.client_id += "x";
    const auto sub = connect(in, topic + "/" + std::to_string(qos), qos);
    const auto pub = connect(out);
    constexpr int count = 500;
    std::size_t confirmed = 0;
    const std::size_t before = proxy.cuts();
    int next = 0;
    const auto feed = [&] {
      // Not far ahead, so that cuts meet what flows however fast the broker is; and on until there were some.
      while ((next < count || proxy.cuts() - before < 3) && static_cast<std::size_t>(next) < confirmed + 20) {
        Publish what = message(std::to_string(next++), qos);
        what.topic += "/" + std::to_string(qos);
        pub->client->publish(what, [&](const Result<void>& how) {
          EXPECT_TRUE(how.ok()) << how.error().to_string();
          ++confirmed;
        });
      }
    };
    std::set<std::string> all;
    std::size_t seen = 0;
    std::size_t next_cut = 0;
    until(
        [&] {
          feed();
          for (; seen < sub->received.size(); ++seen) all.insert(sub->received[seen].message.payload);
          if (all.size() >= next_cut && proxy.cuts() - before < 15) {
            next_cut = all.size() + 20;
            proxy.cut_after(1 + random() % 600);
          }
          return next >= count && proxy.cuts() - before >= 3 && confirmed == static_cast<std::size_t>(next) &&
                 all.size() == confirmed;
        },
        seconds(60));
    EXPECT_GE(next, count);
    EXPECT_EQ(all.size(), static_cast<std::size_t>(next));
    EXPECT_GE(proxy.cuts() - before, 3U);
    if (qos == 2) EXPECT_EQ(sub->received.size(), all.size()) << "exactly once";
    std::size_t again = 0;
    for (const Received& one : sub->received) again += one.message.dup ? 1 : 0;
    std::printf("QoS %d: %zu cuts, %zu doubles (%zu say so), %zu and %zu connections\n", qos, proxy.cuts() - before,
                sub->received.size() - all.size(), again, static_cast<std::size_t>(sub->client->connections()),
                static_cast<std::size_t>(pub->client->connections()));
    proxy.cut_after(std::numeric_limits<std::uint64_t>::max());
    stop(pub->client);
    stop(sub->client);
  }
}

TEST_P(MqttClient, ASilentServerIsNoticedAndWhatWaitsIsTold) {
  contract::Proxy proxy(*loop, address(contract::server_setting("MQTT_URL")));
  ClientOptions impatient = options("c", "mqtt://" + proxy.address() + "?keep_alive_s=1&connect_timeout_ms=500");
  impatient.timeout = milliseconds(700);
  const auto one = connect(impatient, topic);
  proxy.freeze(true);
  Result<void> how = publish(one->client, message("sent", 1));
  ASSERT_FALSE(how.ok());
  EXPECT_EQ(how.error().kind(), ErrorKind::outcome_unknown);
  until([&] { return !one->client->connected(); }, seconds(10));
  how = publish(one->client, message("not sent", 1));
  ASSERT_FALSE(how.ok());
  EXPECT_EQ(how.error().kind(), ErrorKind::unavailable);
  proxy.freeze(false);
  until([&] { return one->client->connected(); });
  EXPECT_TRUE(publish(one->client, message("after", 1)).ok());
  until([&] { return one->received.size() >= 2; });
  // What was sent and not confirmed may have come before or comes now; what was given up comes never.
  const std::vector<std::string> payloads = one->payloads();
  EXPECT_EQ(std::count(payloads.begin(), payloads.end(), "not sent"), 0);
  EXPECT_EQ(std::count(payloads.begin(), payloads.end(), "after"), 1);
}

TEST_P(MqttClient, TwoOfOneNameDoNotFightWithoutAPause) {
  const auto first = connect(options("same"));
  const auto second = connect(options("same"));
  const Instant end = clock.now() + seconds(3);
  while (clock.now() < end) loop->turn(20);
  EXPECT_GE(first->client->connections() + second->client->connections(), 4U);
  EXPECT_LT(first->client->connections() + second->client->connections(), 30U) << "the backoff grows";
}

TEST_P(MqttClient, TheServersReceiveMaximumIsFlowControl) {
  // Of 3.1.1 it throws out who sends more, without having said how many.
  contract::Mosquitto server("allow_anonymous true\nmax_inflight_messages 3\n");
  server.start();
  const auto sub = connect(options("sub", server.url()), topic, 2);
  const auto pub = connect(options("pub", server.url() + (v5() ? "" : "?send_maximum=3")));
  std::size_t confirmed = 0;
  for (int i = 0; i < 200; ++i) {
    pub->client->publish(message(std::to_string(i), static_cast<std::uint8_t>(1 + i % 2)), [&](const Result<void>& how) {
      EXPECT_TRUE(how.ok()) << how.error().to_string();
      ++confirmed;
    });
  }
  until([&] { return confirmed == 200 && sub->received.size() == 200; });
  EXPECT_EQ(pub->client->connections(), 1U) << "it was not thrown out";
}

INSTANTIATE_TEST_SUITE_P(Server_mqtt, MqttClient, ::testing::Values(Version::v3_1_1, Version::v5),
                         [](const auto& info) { return info.param == Version::v5 ? "v5" : "v3_1_1"; });

}  // namespace
}  // namespace spikard::net::mqtt
