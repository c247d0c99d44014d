#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/kafka/connection.hpp"

namespace spikard::net::kafka {

struct TopicPartition {
  std::string topic;
  std::int32_t partition = 0;
  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
};

/// How topics are made that are not there.
struct TopicSettings {
  TopicSettings() = default;
  bool create = true;
  std::int32_t partitions = -1;   ///< -1: the broker's default
  std::int16_t replication = -1;  ///< -1: the broker's default
  std::vector<std::pair<std::string, std::string>> configs{};
};

struct ClusterOptions {
  ClusterOptions() = default;
  std::vector<std::pair<std::string, std::uint16_t>> bootstrap{};
  std::shared_ptr<const ConnectionOptions> connection = std::make_shared<ConnectionOptions>();
  TopicSettings topics{};
};

struct PartitionLeader {
  std::int32_t node = -1;
  std::int32_t epoch = -1;
};
struct TopicInfo {
  std::vector<PartitionLeader> partitions;  ///< by number
};

/// A Kafka cluster as one loop sees it: its brokers, who leads which partition, connections. Everything is asked for again when
/// an answer says that it moved. A lane is a set of connections of its own, for who may have a request pending for long (a fetch,
/// a join), since a broker answers one connection in order; lane 0 is everybody's.
class Cluster final : public std::enable_shared_from_this<Cluster> {
 public:
  Cluster(Loop& loop, std::shared_ptr<const ClusterOptions> options)
      : loop_(loop), options_(std::move(options)), resolver_(loop) {}
  ~Cluster() { close(); }

  [[nodiscard]] Loop& loop() noexcept { return loop_; }
  [[nodiscard]] const ClusterOptions& options() const noexcept { return *options_; }
  /// Ends every connection; who waits gets cancelled, and so does who comes later.
  void close();
  [[nodiscard]] bool closed() const noexcept { return closed_; }

  /// Asks the cluster. not_found: that topic is not there (now).
  [[nodiscard]] Task<Result<TopicInfo>> refresh(std::string topic);
  /// As last heard, or asked for.
  [[nodiscard]] Task<Result<TopicInfo>> topic(std::string name);
  /// Makes it where it is not there.
  [[nodiscard]] Task<Result<TopicInfo>> ensure(std::string name);
  [[nodiscard]] Task<Result<TopicInfo>> ensure_as(std::string name, TopicSettings settings);
  void forget_topic(const std::string& name) { topics_.erase(name); }
  [[nodiscard]] const TopicInfo* known(const std::string& name) const;

  [[nodiscard]] Task<Result<std::shared_ptr<Connection>>> any();
  [[nodiscard]] Task<Result<std::shared_ptr<Connection>>> node(std::int32_t id, std::uint64_t lane = 0);
  [[nodiscard]] Task<Result<std::shared_ptr<Connection>>> leader(TopicPartition of, std::uint64_t lane = 0);
  [[nodiscard]] Task<Result<std::shared_ptr<Connection>>> controller();
  [[nodiscard]] Task<Result<std::shared_ptr<Connection>>> coordinator(std::string group, std::uint64_t lane = 0);
  void forget_coordinator(const std::string& group) { coordinators_.erase(group); }
  /// After a failure that says that things moved: asks again what it says about.
  void moved(const TopicPartition& what) { forget_topic(what.topic); }

  [[nodiscard]] std::uint64_t new_lane() noexcept { return ++last_lane_; }
  void close_lane(std::uint64_t lane);

  /// Offset of each partition at that time, or at an end (latest_offset, earliest_offset); of a time behind the last record: -1.
  [[nodiscard]] Task<Result<std::map<std::int32_t, std::int64_t>>> list_offsets(std::string topic, std::int64_t timestamp);
  [[nodiscard]] Task<Result<std::int64_t>> list_offset(TopicPartition of, std::int64_t timestamp);
  /// Consumer groups of all brokers.
  [[nodiscard]] Task<Result<std::vector<std::string>>> groups();

 private:
  using SlotKey = std::pair<std::int32_t, std::uint64_t>;
  struct Slot {
    explicit Slot(Loop& loop) : changed(loop) {}
    std::shared_ptr<Connection> connection;
    std::optional<Error> failed;
    Event changed;
    bool opening = false;
    bool gone = false;
  };
  [[nodiscard]] Task<Result<std::shared_ptr<Connection>>> at(SlotKey key, std::string host, std::uint16_t port);
  [[nodiscard]] static Task<> open_slot(std::shared_ptr<Cluster> self, std::shared_ptr<Slot> slot, std::string host,
                                        std::uint16_t port);
  [[nodiscard]] Task<Result<MetadataAnswer>> metadata(std::vector<std::string> topics);
  void learn(const MetadataAnswer& answer);

  Loop& loop_;
  const std::shared_ptr<const ClusterOptions> options_;
  Resolver resolver_;
  std::map<std::int32_t, Node> nodes_;
  std::int32_t controller_ = -1;
  std::map<std::string, TopicInfo> topics_;
  std::map<std::string, Node> coordinators_;
  std::map<SlotKey, std::shared_ptr<Slot>> slots_;
  std::uint64_t last_lane_ = 0;
  std::size_t turn_ = 0;
  bool closed_ = false;
};

/// 50 ms, doubling, at most a second.
class Backoff {
 public:
  explicit Backoff(Loop& loop) noexcept : loop_(loop) {}
  [[nodiscard]] Task<Result<void>> wait();
  void reset() noexcept { next_ = std::chrono::milliseconds(50); }

 private:
  Loop& loop_;
  Duration next_{std::chrono::milliseconds(50)};
};

}  // namespace spikard::net::kafka
