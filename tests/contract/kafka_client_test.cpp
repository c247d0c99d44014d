// The Kafka client (core/net/kafka) on a real broker.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "net/kafka/fetcher.hpp"
#include "net/kafka/group_member.hpp"
#include "net/kafka/producer.hpp"
#include "server.hpp"

namespace spikard::net::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Versions {
  std::string name;
  bool oldest;
};
void PrintTo(const Versions& one, std::ostream* out) { *out << one.name; }

struct KafkaClient : ::testing::TestWithParam<Versions> {
  RealClock clock;
  std::unique_ptr<Loop> loop = Loop::create(clock).value();
  std::shared_ptr<Cluster> cluster;
  std::vector<std::string> made;

  std::shared_ptr<Cluster> make_cluster(std::int32_t partitions = 3) {
    const std::string url = contract::server_setting("KAFKA_URL");
    const std::size_t colon = url.rfind(':');
    const std::size_t host = url.find("//") + 2;
    auto options = std::make_shared<ClusterOptions>();
    options->bootstrap.emplace_back(url.substr(host, colon - host), static_cast<std::uint16_t>(std::stoi(url.substr(colon + 1))));
    options->topics.partitions = partitions;
    options->topics.replication = 1;
    auto connection = std::make_shared<ConnectionOptions>();
    connection->oldest_versions = GetParam().oldest;
    options->connection = connection;
    return std::make_shared<Cluster>(*loop, options);
  }
  void SetUp() override { cluster = make_cluster(); }
  void TearDown() override {
    if (!made.empty()) {
      DeleteTopicsRequest request;
      request.topics = made;
      const auto connection = await(cluster->controller());
      if (connection.ok()) (void)await(call<DeleteTopicsAnswer>(*connection, request));
    }
    cluster->close();
    for (int i = 0; i < 10; ++i) loop->turn(1);
  }

  template <class T>
  T await(Task<T> task) {
    std::optional<T> value;
    spawn(std::move(task), [&](const std::exception_ptr& error, std::optional<T> v) {
      EXPECT_EQ(error, nullptr);
      value.emplace(std::move(*v));
    });
    const Instant until = clock.now() + seconds(60);
    while (!value && clock.now() < until) loop->turn(100);
    if (!value) throw std::runtime_error("it took a minute");
    return std::move(*value);
  }
  void until(const std::function<bool()>& done) {
    const Instant end = clock.now() + seconds(40);
    while (!done() && clock.now() < end) loop->turn(10);
    EXPECT_TRUE(done());
  }
  std::string fresh(const std::string& what) {
    static std::mt19937_64 random(std::random_device{}());
    return made.emplace_back("spikard-" + what + "-" + std::to_string(random()));
  }
};

TEST_P(KafkaClient, WhatIsProducedIsFetchedOnceAndInOrderOfItsKey) {
  const std::string topic = fresh("produce");
  // Of now: the broker deletes by the records' own time.
  const std::int64_t base = std::chrono::duration_cast<milliseconds>(clock.wall().time_since_epoch()).count();
  int number = 0;
  for (const Compression how : {Compression::none, Compression::gzip, Compression::snappy, Compression::lz4, Compression::zstd}) {
    ProducerOptions options;
    options.compression = how;
    const auto producer = std::make_shared<Producer>(cluster, options);
    std::vector<OutRecord> records;
    for (int i = 0; i < 200; ++i) {
      Record record;
      record.timestamp_ms = base + number;
      record.key = "key " + std::to_string(number % 10);
      record.value = std::to_string(number++) + std::string(300, 'x');
      record.headers = {{"h", "v"}};
      records.emplace_back(topic, std::move(record));
    }
    const auto places = await(producer->send(std::move(records)));
    ASSERT_TRUE(places.ok()) << places.error().to_string();
    ASSERT_EQ(places->size(), 200U);
    for (const Produced& one : *places) EXPECT_GE(one.offset, 0);
  }
  std::map<std::string, int> last;
  int count = 0;
  const auto ends = await(cluster->list_offsets(topic, latest_offset));
  ASSERT_TRUE(ends.ok());
  ASSERT_EQ(ends->size(), 3U);
  for (const auto& [partition, end] : *ends) {
    for (std::int64_t at = 0; at < end;) {
      const auto got = await(fetch_once(cluster, {topic, partition}, at, {}));
      ASSERT_TRUE(got.ok()) << got.error().to_string();
      for (const Record& one : got->data.records) {
        EXPECT_EQ(one.offset, at++);
        EXPECT_EQ(one.headers, (RecordHeaders{{"h", "v"}}));
        const int value = std::stoi(*one.value);
        EXPECT_EQ(one.timestamp_ms, base + value);
        const auto [known, first] = last.emplace(*one.key, value);
        if (!first) {
          EXPECT_GT(value, known->second);
          known->second = value;
        }
        ++count;
      }
    }
  }
  EXPECT_EQ(count, 1000);
  const auto by_time = await(cluster->list_offset({topic, 0}, base + 1'000'000'000));
  EXPECT_EQ(by_time.value(), -1);
  EXPECT_EQ(await(fetch_once(cluster, {topic, 0}, 1'000'000, {})).error().kind(), ErrorKind::not_found);
  EXPECT_EQ(await(cluster->topic("no-such-topic-" + topic)).error().kind(), ErrorKind::not_found);
}

struct Listener : GroupListener {
  std::set<TopicPartition> mine;
  int lost = 0;
  std::vector<std::string> failures;
  void on_assigned(const std::vector<TopicPartition>& partitions) override { mine.insert(partitions.begin(), partitions.end()); }
  Task<> on_revoked(std::vector<TopicPartition> partitions) override {
    for (const TopicPartition& one : partitions) mine.erase(one);
    co_return;
  }
  void on_kept(const std::vector<TopicPartition>& partitions) override { mine.insert(partitions.begin(), partitions.end()); }
  void on_lost() override {
    ++lost;
    mine.clear();
  }
  void on_failed(const Error& why) override {
    if (why.retry() != RetryClass::temporary) failures.push_back(why.to_string());
  }
};

TEST_P(KafkaClient, AGroupSharesItsPartitionsAndTheRestGetsThoseOfWhoLeft) {
  const std::string topic = fresh("group");
  ASSERT_TRUE(await(cluster->ensure(topic)).ok());
  GroupOptions options;
  options.group = topic + "-g";
  options.topics = {topic};
  options.session_timeout = seconds(6);
  options.heartbeat = milliseconds(200);
  Listener a;
  Listener b;
  const auto first = std::make_shared<GroupMember>(cluster, options, a);
  first->start();
  until([&] { return a.mine.size() == 3; });
  const auto second = std::make_shared<GroupMember>(cluster, options, b);
  second->start();
  until([&] { return b.mine.size() == 1 && a.mine.size() == 2; });
  EXPECT_EQ(a.lost + b.lost, 0);

  std::vector<OffsetCommitRequest::Partition> offsets{{topic, b.mine.begin()->partition, 7, "note"}};
  EXPECT_TRUE(await(second->commit(offsets)).ok());
  OffsetFetchRequest fetch;
  fetch.group = options.group;
  const auto connection = await(cluster->coordinator(options.group));
  ASSERT_TRUE(connection.ok());
  const auto committed = await(call<OffsetFetchAnswer>(*connection, fetch));
  ASSERT_TRUE(committed.ok());
  ASSERT_EQ(committed->partitions.size(), 1U);
  EXPECT_EQ(committed->partitions[0].offset, 7);
  EXPECT_EQ(committed->partitions[0].metadata, "note");
  DescribeGroupsRequest describe;
  describe.group = options.group;
  const auto described = await(call<DescribeGroupsAnswer>(*connection, describe));
  ASSERT_TRUE(described.ok());
  EXPECT_EQ(described->members.size(), 2U);
  EXPECT_EQ(described->protocol, cooperative_sticky);

  bool left = false;
  spawn(second->leave(), [&](const std::exception_ptr&) { left = true; });
  until([&] { return left && a.mine.size() == 3; });
  // A member that dies is missed after its session.
  Listener c;
  const auto third = std::make_shared<GroupMember>(cluster, options, c);
  third->start();
  until([&] { return c.mine.size() == 1; });
  third->abandon();
  until([&] { return a.mine.size() == 3; });
  left = false;
  spawn(first->leave(), [&](const std::exception_ptr&) { left = true; });
  until([&] { return left; });
  EXPECT_TRUE(a.failures.empty()) << a.failures.front();
  DeleteGroupsRequest remove;
  remove.group = options.group;
  const auto removed = await(call<DeleteGroupsAnswer>(*connection, remove));
  ASSERT_TRUE(removed.ok());
  EXPECT_EQ(removed->error, 0);
}

INSTANTIATE_TEST_SUITE_P(Server_kafka, KafkaClient, ::testing::Values(Versions{"newest", false}, Versions{"oldest", true}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace spikard::net::kafka
