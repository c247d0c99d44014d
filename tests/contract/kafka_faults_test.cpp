// A group of three on a real broker, whose members die, leave and come back while messages flow.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "messaging/client.hpp"
#include "messaging/kafka/kafka.hpp"
#include "messaging/registry.hpp"
#include "net/kafka/fetcher.hpp"
#include "net/signing/hash.hpp"
#include "server.hpp"

namespace spikard::messaging {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int keys = 24;
constexpr int partitions = 6;

struct KafkaFaults : ::testing::TestWithParam<int> {
  RealClock clock;
  std::unique_ptr<net::Loop> loop = net::Loop::create(clock).value();
  std::string prefix = "test-" + net::signing::hex(net::signing::random_bytes(6)) + ".";
  std::string url = contract::server_setting("KAFKA_URL") + "?partitions=" + std::to_string(partitions) + "&prefix=" + prefix;
  std::shared_ptr<Client> client;
  std::mt19937 random{static_cast<std::mt19937::result_type>(GetParam())};

  // What handlers did, by key.
  std::map<std::string, int> done;               // so far, in order
  std::map<std::string, std::set<int>> handled;  // ended
  std::set<std::string> running;
  std::set<std::pair<std::int32_t, std::int64_t>> finished;  // partition and offset
  int handlings = 0;
  std::vector<std::string> wrong;

  template <class T>
  T await(Task<T> task) {
    std::optional<T> value;
    spawn(std::move(task), [&](const std::exception_ptr&, std::optional<T> v) { value.emplace(std::move(*v)); });
    const Instant end = clock.now() + seconds(60);
    while (!value && clock.now() < end) loop->turn(20);
    if (!value) throw std::runtime_error("it took a minute");
    return std::move(*value);
  }
  void turn_for(Duration time) {
    const Instant end = clock.now() + time;
    while (clock.now() < end) loop->turn(5);
  }

  std::shared_ptr<Client> make_client() {
    services::MessagingConfig config;
    config.url = url;
    return std::make_shared<Client>(messaging::open(config, Environment(clock)).value(), ClientOptions());
  }

  Task<worker_loop::Outcome> handle(Inbound item) {
    const std::string key = item->key;
    const int number = std::stoi(item->payload);
    if (number > done[key]) wrong.push_back(key + ": " + std::to_string(number) + " before " + std::to_string(done[key]));
    Result<void> slept = co_await net::sleep(*loop, milliseconds(random() % 4));
    if (!slept.ok()) co_return worker_loop::Outcome::error("cancelled");
    ++handlings;
    if (handlings % 29 == 0) co_return worker_loop::Outcome::error("now and then");
    if (number == done[key]) ++done[key];
    handled[key].insert(number);
    finished.emplace(kafka::partition_in(item->position), kafka::offset_in(item->position));
    co_return worker_loop::Outcome::ack();
  }

  struct Member {
    std::shared_ptr<Client> client;  // a process of its own, but for the memory
    std::shared_ptr<Consumer> consumer;
  };
  void start(Member& member, int number) {
    member.client = make_client();
    services::Consumer config;
    config.name = "m" + std::to_string(number);
    config.topic = "t";
    config.group = "g";
    config.ordered = true;
    config.concurrency = 8;
    config.max_in_flight = 32;
    config.ack_wait_ms = 6000;
    config.max_retries = 100;
    config.backoff.initial_ms = 5;
    config.backoff.max_ms = 20;
    config.start_from = services::StartFrom::earliest;
    ConsumerOptions options = member.client->consumer_options(config).value();
    const std::vector<net::Loop*> loops{loop.get()};
    std::shared_ptr<worker_loop::WorkSink> sink = handler_sink(loops, [this](Inbound item) { return handle(std::move(item)); });
    // It may wait for the session of one that died; the others go on meanwhile.
    spawn(member.client->start_consumer(*loop, std::move(options), std::move(sink)),
          [&member](const std::exception_ptr&, std::optional<Result<std::shared_ptr<Consumer>>> made) {
            if (made && made->ok()) member.consumer = std::move(*made).value();
          });
  }

  /// No offset is committed before what lies before it has been handled.
  void check_commits() {
    auto settings = kafka::Settings::parse(url).value();
    const auto cluster = std::make_shared<net::kafka::Cluster>(*loop, settings.cluster);
    const auto connection = await(cluster->coordinator(settings.group("g")));
    if (connection.ok()) {
      net::kafka::OffsetFetchRequest request;
      request.group = settings.group("g");
      const auto offsets = await(net::kafka::call<net::kafka::OffsetFetchAnswer>(*connection, request));
      if (offsets.ok()) {
        for (const auto& one : offsets->partitions) {
          if (one.topic != settings.topic("t")) continue;
          for (std::int64_t offset = 0; offset < one.offset; ++offset) {
            if (!finished.contains({one.id, offset}))
              wrong.push_back("committed " + std::to_string(one.offset) + " of " + std::to_string(one.id) + ", " +
                              std::to_string(offset) + " is not handled");
          }
          ++commits_seen;
        }
      }
    }
    cluster->close();
    turn_for(milliseconds(5));
  }
  int commits_seen = 0;
};

TEST_P(KafkaFaults, MembersDieAndLeaveAndEveryKeyKeepsItsOrderAndNothingIsLost) {
  client = make_client();
  std::vector<Member> members(3);
  for (int i = 0; i < 3; ++i) start(members[static_cast<std::size_t>(i)], i);
  int published = 0;
  const auto publish = [&](int count) {
    std::vector<Message> batch;
    for (int i = 0; i < count; ++i, ++published)
      batch.emplace_back("t", std::to_string(published / keys), "key" + std::to_string(published % keys));
    const auto confirmed = await(client->publish_batch(net::Caller(*loop), std::move(batch)));
    ASSERT_TRUE(confirmed.ok()) << confirmed.error().to_string();
  };
  publish(keys * 20);
  int kills = 0;
  int leaves = 0;
  for (int round = 0; round < 7; ++round) {
    for (int i = 0; i < 10; ++i) {
      publish(keys * 2);
      turn_for(milliseconds(200));
    }
    std::size_t chosen = random() % 3;
    for (int i = 0; i < 3 && members[chosen].consumer == nullptr; ++i) chosen = (chosen + 1) % 3;
    Member& victim = members[chosen];
    if (victim.consumer != nullptr) {
      if (round % 3 != 2) {
        victim.consumer->kill();
        ++kills;
      } else {
        (void)await(victim.consumer->stop(seconds(5)));
        ++leaves;
      }
      victim.consumer = nullptr;
      start(victim, 10 + round);
    }
    check_commits();
  }
  const auto all_done = [&] {
    for (int key = 0; key < keys; ++key) {
      if (done["key" + std::to_string(key)] < published / keys) return false;
    }
    return true;
  };
  const Instant end = clock.now() + seconds(60);
  while (!all_done() && clock.now() < end) loop->turn(10);
  EXPECT_TRUE(all_done());
  turn_for(milliseconds(200));
  check_commits();
  for (int key = 0; key < keys; ++key)
    EXPECT_EQ(handled["key" + std::to_string(key)].size(), static_cast<std::size_t>(published / keys)) << key;
  EXPECT_TRUE(wrong.empty()) << wrong.size() << ", first: " << wrong.front();
  EXPECT_GE(kills, 3);
  EXPECT_GT(commits_seen, partitions);
  std::size_t total = 0;
  for (const auto& [key, numbers] : handled) total += numbers.size();
  RecordProperty("handlings", handlings);
  std::printf("     %d messages, %d killed, %d left, %d handlings\n", published, kills, leaves, handlings);
  EXPECT_EQ(total, static_cast<std::size_t>(published));
  for (Member& one : members) {
    if (one.consumer != nullptr) (void)await(one.consumer->stop(seconds(5)));
  }
  members.clear();
  client.reset();
  turn_for(milliseconds(50));
}

// As the broker does when a process was frozen for longer than its session.
TEST_P(KafkaFaults, AMemberThatTheGroupGaveUpIsToldSoAndComesBack) {
  if (GetParam() != 1) GTEST_SKIP() << "once is enough";
  const auto settings = kafka::Settings::parse(url).value();
  const auto backend = std::make_shared<kafka::KafkaBackend>(clock, settings, kafka::own_transport(settings.producer));
  SubscribeOptions options(TopicPattern::topic("t"));
  options.group = "g";
  options.earliest = true;
  std::unique_ptr<Subscription> subscription = await(backend->subscribe(*loop, options)).value();
  std::vector<Message> messages;
  messages.emplace_back("t", "a");
  ASSERT_TRUE(await(backend->publish(net::Caller(*loop), messages)).ok());
  const std::vector<worker_loop::WorkItem> held = await(subscription->pull(10)).value();
  ASSERT_EQ(held.size(), 1U);

  const auto cluster = std::make_shared<net::kafka::Cluster>(*loop, settings.cluster);
  const auto connection = await(cluster->coordinator(settings.group("g"))).value();
  net::kafka::DescribeGroupsRequest describe;
  describe.group = settings.group("g");
  const auto described = await(net::kafka::call<net::kafka::DescribeGroupsAnswer>(connection, describe)).value();
  ASSERT_EQ(described.members.size(), 1U);
  net::kafka::LeaveGroupRequest leave;
  leave.group = settings.group("g");
  leave.member = described.members[0].id;
  ASSERT_EQ(await(net::kafka::call<net::kafka::LeaveGroupAnswer>(connection, leave)).value().error, 0);

  const std::vector<std::uint64_t> ids{held[0].id};
  worker_loop::Settlement ack;
  ack.id = held[0].id;
  EXPECT_EQ(await(subscription->settle(std::span(&ack, 1))).value(), ids) << "not ours any more";
  EXPECT_EQ(await(subscription->extend(ids)).value(), ids);
  const std::vector<worker_loop::WorkItem> again = await(subscription->pull(10)).value();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].payload, "a");
  EXPECT_EQ(again[0].delivery_count, 2U);
  EXPECT_EQ(again[0].tries, 1U);
  ack.id = again[0].id;
  EXPECT_TRUE(await(subscription->settle(std::span(&ack, 1))).value().empty());
  EXPECT_TRUE(await(subscription->close()).ok());
  cluster->close();
  turn_for(milliseconds(20));
}

INSTANTIATE_TEST_SUITE_P(Server_kafka, KafkaFaults, ::testing::Values(1, 2));

}  // namespace
}  // namespace spikard::messaging
