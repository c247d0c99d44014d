#include "net/mqtt/session.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace spikard::net::mqtt {
namespace {

/// A session whose server is the test: what it sends is read by the same codec, packet by packet, as text.
struct SessionTest : ::testing::Test, SessionEvents {
  SessionOptions options;
  std::optional<Session> session;
  std::vector<Publish> messages;
  std::vector<Delivery> deliveries;
  std::vector<std::string> told;

  void open(Version version = Version::v5) {
    options.version = version;
    session.emplace(options, *this);
  }
  void on_message(Publish message, Delivery delivery) override {
    messages.push_back(std::move(message));
    deliveries.push_back(delivery);
  }
  void on_published(std::uint64_t number, std::optional<Error> failure) override {
    told.push_back(std::to_string(number) + (failure ? " " + std::string(name_of(failure->kind())) : " ok"));
  }
  void on_granted(std::uint64_t number, std::optional<Error> failure) override {
    told.push_back((number == subscribed ? "granted" : "granted?") +
                   (failure ? " " + std::string(name_of(failure->kind())) : ""));
  }
  void on_pong() override { told.emplace_back("pong"); }
  std::uint64_t subscribed = 0;

  static Publish message(std::string payload, std::uint8_t qos, std::uint16_t id = 0, bool dup = false) {
    Publish out;
    out.topic = "t";
    out.payload = std::move(payload);
    out.qos = qos;
    out.id = id;
    out.dup = dup;
    return out;
  }
  void begin(bool present, std::optional<std::uint32_t> receive_maximum = std::nullopt) {
    Connack connack;
    connack.session_present = present;
    if (receive_maximum) connack.properties.add(PropertyId::receive_maximum, *receive_maximum);
    session->begin(connack);
  }
  void get(Packet packet) {
    const Result<void> good = session->handle(std::move(packet));
    EXPECT_TRUE(good.ok()) << good.error().to_string();
  }
  void get(PacketType type, std::uint16_t id, std::uint8_t reason = 0) { get(Ack{type, id, reason, {}}); }
  static std::string text(const Packet& packet) {
    if (const auto* publish = std::get_if<Publish>(&packet)) {
      return "publish " + publish->payload + " q" + std::to_string(publish->qos) + " #" + std::to_string(publish->id) +
             (publish->dup ? " dup" : "");
    }
    if (const auto* ack = std::get_if<Ack>(&packet)) {
      const char* names[] = {"puback", "pubrec", "pubrel", "pubcomp"};
      return std::string(names[static_cast<int>(ack->type) - 4]) + " #" + std::to_string(ack->id) +
             (ack->reason != 0 ? " " + std::to_string(ack->reason) : "");
    }
    if (const auto* subscribe = std::get_if<Subscribe>(&packet))
      return "subscribe " + subscribe->filters[0].filter + " #" + std::to_string(subscribe->id);
    if (const auto* unsubscribe = std::get_if<Unsubscribe>(&packet)) return "unsubscribe " + unsubscribe->filters[0];
    if (std::holds_alternative<Ping>(packet)) return "ping";
    return "?";
  }
  /// What it sent since the last time.
  std::vector<std::string> sent() {
    Reader reader(options.version, SIZE_MAX);
    std::string& out = session->output();
    std::memcpy(reader.room(out.size()), out.data(), out.size());
    reader.filled(out.size());
    out.clear();
    std::vector<std::string> texts;
    for (;;) {
      Result<std::optional<Packet>> next = reader.next();
      EXPECT_TRUE(next.ok());
      if (!next.ok() || !next->has_value()) return texts;
      texts.push_back(text(**next));
    }
  }
  void publish(std::string payload, std::uint8_t qos) {
    ASSERT_TRUE(session->publish(message(std::move(payload), qos)).ok());
    session->write_more();
  }
};
using Texts = std::vector<std::string>;

TEST_F(SessionTest, EachQosIsConfirmedInItsWay) {
  open();
  begin(false);
  publish("a", 0);
  publish("b", 1);
  publish("c", 2);
  EXPECT_EQ(sent(), (Texts{"publish a q0 #0", "publish b q1 #1", "publish c q2 #2"}));
  EXPECT_EQ(told, Texts{"1 ok"});
  get(PacketType::puback, 1, 0x10);
  EXPECT_EQ(told.back(), "2 ok");
  get(PacketType::pubrec, 2);
  EXPECT_EQ(sent(), Texts{"pubrel #2"});
  EXPECT_EQ(told.size(), 2U);
  get(PacketType::pubcomp, 2);
  EXPECT_EQ(told.back(), "3 ok");
  EXPECT_EQ(session->waiting(), 0U);
}

TEST_F(SessionTest, ARefusalIsAnError) {
  open();
  begin(false);
  publish("a", 1);
  publish("b", 2);
  get(PacketType::puback, 1, 0x97);
  get(PacketType::pubrec, 2, 0x87);
  EXPECT_EQ(told, (Texts{"1 rate_limited", "2 permission_denied"}));
  EXPECT_EQ(sent(), (Texts{"publish a q1 #1", "publish b q2 #2"})) << "no PUBREL";
}

TEST_F(SessionTest, NoMoreUnderWayThanTheServersReceiveMaximum) {
  open();
  begin(false, 2);
  for (const char* payload : {"a", "b", "c", "d"}) publish(payload, 1);
  EXPECT_EQ(sent(), (Texts{"publish a q1 #1", "publish b q1 #2"}));
  get(PacketType::puback, 2);
  EXPECT_EQ(sent(), Texts{"publish c q1 #3"});
  get(PacketType::puback, 1);
  get(PacketType::puback, 3);
  EXPECT_EQ(sent(), Texts{"publish d q1 #4"});
}

TEST_F(SessionTest, TheServersLimitsAreKept) {
  open();
  Connack connack;
  connack.properties.add(PropertyId::maximum_qos, 1);
  connack.properties.add(PropertyId::retain_available, 0);
  connack.properties.add(PropertyId::maximum_packet_size, 20);
  session->begin(connack);
  publish("a", 2);
  publish(std::string(20, 'x'), 1);
  Publish retained = message("r", 1);
  retained.retain = true;
  ASSERT_TRUE(session->publish(retained).ok());
  publish("b", 1);
  EXPECT_EQ(told, (Texts{"1 unsupported", "2 too_large", "3 unsupported"}));
  EXPECT_EQ(sent(), Texts{"publish b q1 #2"});
}

TEST_F(SessionTest, WhatWasNotAcknowledgedIsSentAgainInOrder) {
  open();
  begin(false);
  for (const char* payload : {"a", "b"}) publish(payload, 1);
  for (const char* payload : {"c", "d"}) publish(payload, 2);
  get(PacketType::puback, 1);
  get(PacketType::pubrec, 3);
  (void)sent();
  session->end();
  publish("e", 1);
  begin(true);
  EXPECT_EQ(sent(), (Texts{"publish b q1 #2 dup", "pubrel #3", "publish d q2 #4 dup", "publish e q1 #5"}));
  // The server has forgotten us: all of it is new, and nothing is lost.
  session->end();
  begin(false);
  EXPECT_EQ(sent(), (Texts{"publish b q1 #6", "publish c q2 #7", "publish d q2 #8", "publish e q1 #9"}));
  get(PacketType::pubcomp, 3);  // of the old session
  EXPECT_EQ(told, Texts{"1 ok"});
}

TEST_F(SessionTest, AMessageThatNobodyWaitsForIsForgottenUnlessItWasSent) {
  open();
  const std::uint64_t first = session->publish(message("a", 1)).value();
  EXPECT_FALSE(session->abandon(first));
  const std::uint64_t second = session->publish(message("b", 1)).value();
  begin(false);
  EXPECT_EQ(sent(), Texts{"publish b q1 #1"});
  EXPECT_TRUE(session->abandon(second));
  get(PacketType::puback, 1);
  EXPECT_TRUE(told.empty());
  EXPECT_EQ(session->waiting(), 0U);
}

TEST_F(SessionTest, WhatNobodyWaitsForIsNotSentAgain) {
  for (const bool present : {true, false}) {
    open();
    begin(false);
    const std::uint64_t first = session->publish(message("a", 1)).value();
    const std::uint64_t second = session->publish(message("b", 2)).value();
    session->write_more();
    publish("c", 1);
    (void)sent();
    EXPECT_TRUE(session->abandon(first));
    EXPECT_TRUE(session->abandon(second));
    session->end();
    begin(present);
    if (present) {
      EXPECT_EQ(sent(), (Texts{"pubrel #2", "publish c q1 #3 dup"})) << "the server may know its identifier";
      get(PacketType::pubcomp, 2, 0x92);
    } else {
      EXPECT_EQ(sent(), Texts{"publish c q1 #4"});
    }
    EXPECT_EQ(session->waiting(), 1U);
    EXPECT_TRUE(told.empty());
  }
}

TEST_F(SessionTest, ThereIsALimitToWhatWaits) {
  options.max_waiting = 2;
  open();
  ASSERT_TRUE(session->publish(message("a", 1)).ok());
  ASSERT_TRUE(session->publish(message("b", 1)).ok());
  EXPECT_EQ(session->publish(message("c", 1)).error().kind(), ErrorKind::rate_limited);
}

TEST_F(SessionTest, AMessageIsAcknowledgedWhenItsOwnerSaysSo) {
  open();
  begin(false);
  get(message("a", 0));
  get(message("b", 1, 7));
  get(message("c", 2, 8));
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_EQ(sent(), Texts{});
  for (const Delivery& one : deliveries) session->acknowledge(one);
  EXPECT_EQ(sent(), (Texts{"puback #7", "pubrec #8"}));
  for (const Delivery& one : deliveries) {
    if (one.id != 0) session->acknowledge(one);
  }
  EXPECT_EQ(sent(), Texts{}) << "once";
  get(PacketType::pubrel, 8);
  EXPECT_EQ(sent(), Texts{"pubcomp #8"});
  get(PacketType::pubrel, 8);
  EXPECT_EQ(sent(), Texts{"pubcomp #8 146"}) << "0x92, packet identifier not found";
}

TEST_F(SessionTest, NothingIsReadWhileReceiveMaximumIsInHand) {
  options.receive_maximum = 2;
  open();
  begin(false);
  get(message("a", 1, 1));
  EXPECT_TRUE(session->may_read());
  get(message("b", 0));
  EXPECT_FALSE(session->may_read());
  session->acknowledge(deliveries[1]);
  EXPECT_TRUE(session->may_read());
}

TEST_F(SessionTest, WhatIsInHandIsNotHandedOutAgainOverAReconnect) {
  open();
  begin(false);
  get(message("a", 1, 1));
  get(message("b", 1, 2));
  get(message("c", 2, 3));
  session->end();
  session->acknowledge(deliveries[0]);  // stored while there was no connection
  begin(true);
  EXPECT_EQ(sent(), Texts{}) << "the server asks first";
  get(message("a", 1, 1, true));
  EXPECT_EQ(sent(), Texts{"puback #1"});
  get(message("b", 1, 2, true));
  get(message("c", 2, 3, true));
  EXPECT_EQ(messages.size(), 3U);
  session->acknowledge(deliveries[1]);
  session->acknowledge(deliveries[2]);
  EXPECT_EQ(sent(), (Texts{"puback #2", "pubrec #3"}));
  // PUBREC was lost: once more, and the message is not.
  session->end();
  begin(true);
  get(message("c", 2, 3, true));
  EXPECT_EQ(messages.size(), 3U);
  EXPECT_EQ(sent(), Texts{"pubrec #3"});
}

TEST_F(SessionTest, AnotherMessageUnderAFreedIdentifierIsHandedOut) {
  open();
  begin(false);
  get(message("a", 1, 1));
  session->end();
  begin(true);
  get(message("new", 1, 1));
  ASSERT_EQ(messages.size(), 2U);
  session->acknowledge(deliveries[0]);
  EXPECT_EQ(sent(), Texts{}) << "an old delivery acknowledges nothing new";
  session->acknowledge(deliveries[1]);
  EXPECT_EQ(sent(), Texts{"puback #1"});
  EXPECT_EQ(session->in_hand(), 0U);
}

TEST_F(SessionTest, ALostSessionForgetsWhatWasInHand) {
  open();
  begin(false);
  get(message("a", 1, 1));
  get(message("b", 2, 2));
  session->end();
  begin(false);
  EXPECT_EQ(session->in_hand(), 0U);
  for (const Delivery& one : deliveries) session->acknowledge(one);
  EXPECT_EQ(sent(), Texts{});
  get(message("b", 2, 2));
  EXPECT_EQ(messages.size(), 3U);
}

TEST_F(SessionTest, SubscriptionsAreMadeAgainOnEveryConnection) {
  open();
  subscribed = session->subscribe(Filter{"a/#", 1, false, false, 0});
  begin(false);
  EXPECT_EQ(sent(), Texts{"subscribe a/# #1"});
  get(Granted{PacketType::suback, 1, {1}, {}});
  EXPECT_EQ(told, Texts{"granted"});
  session->end();
  begin(true);
  EXPECT_EQ(sent(), Texts{"subscribe a/# #2"});
  get(Granted{PacketType::suback, 2, {0x87}, {}});
  session->end();
  begin(false);
  EXPECT_EQ(sent(), Texts{}) << "refused";
}

TEST_F(SessionTest, AnUnansweredSubscriptionIsAskedForAgain) {
  open(Version::v3_1_1);
  begin(false);
  subscribed = session->subscribe(Filter{"a", 1, false, false, 0});
  (void)sent();
  session->end();
  begin(true);
  EXPECT_EQ(sent(), Texts{"subscribe a #2"});
  get(Granted{PacketType::suback, 2, {0x80}, {}});
  EXPECT_EQ(told, Texts{"granted permission_denied"});
}

TEST_F(SessionTest, AnAnswerOfTheWrongKindLeavesTheQuestionAsItIs) {
  open();
  begin(false);
  (void)session->subscribe(Filter{"a", 1, false, false, 0});
  (void)sent();
  EXPECT_FALSE(session->handle(Granted{PacketType::unsuback, 1, {0}, {}}).ok());
  session->end();
  begin(true);
  EXPECT_EQ(sent(), Texts{"subscribe a #2"});
}

TEST_F(SessionTest, WhatAServerMustNotSendEndsTheConnection) {
  const auto refused = [&](Packet packet) {
    open();
    begin(false);
    publish("a", 1);
    Result<void> good = session->handle(std::move(packet));
    return good.ok() ? std::string() : good.error().to_string();
  };
  EXPECT_NE(refused(Connect()), "");
  EXPECT_NE(refused(Connack()), "");
  EXPECT_NE(refused(Ping{PacketType::pingreq}), "");
  EXPECT_NE(refused(Ack{PacketType::pubrec, 1, 0, {}}), "") << "of another QoS";
  Publish alias = message("a", 0);
  alias.properties.add(PropertyId::topic_alias, 1);
  EXPECT_NE(refused(alias), "");
  EXPECT_NE(refused(Notice{PacketType::disconnect, 0x8e, {}}).find("taken over"), std::string::npos);
  EXPECT_EQ(refused(Ack{PacketType::puback, 99, 0, {}}), "") << "late, of something that is over";
}

TEST_F(SessionTest, PacketIdentifiersGoRoundPastThoseInUse) {
  open();
  options.send_maximum = 65535;
  begin(false);
  publish("kept", 2);
  for (int i = 0; i < 70'000; ++i) {
    publish("x", 1);
    (void)sent();
    const auto id = static_cast<std::uint16_t>(2 + i % 65534);
    get(PacketType::puback, id);
    ASSERT_EQ(told.size(), static_cast<std::size_t>(i) + 1) << i;
  }
}

}  // namespace
}  // namespace spikard::net::mqtt
