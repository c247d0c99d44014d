#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/kafka/cluster.hpp"

namespace spikard::net::kafka {

struct ProducerOptions {
  ProducerOptions() = default;
  Compression compression = Compression::none;
  Duration delivery_timeout{std::chrono::seconds(60)};  ///< a killed broker is back after 14 s, on a busy machine after 30
  std::size_t max_batch_bytes = 900U << 10U;            ///< below the brokers' default limit of 1 MiB; a larger record goes alone
  std::size_t max_buffered_bytes = 32U << 20U;
};

struct OutRecord {
  OutRecord() = default;
  OutRecord(std::string to, Record what) : topic(std::move(to)), record(std::move(what)) {}
  std::string topic{};
  std::optional<std::int32_t> partition{};  ///< nothing: by the key; without a key one for all records of a call
  Record record{};
};
struct Produced {
  std::int32_t partition = 0;
  std::int64_t offset = -1;  ///< -1: it is there, but the broker no longer says where
};

/// An idempotent producer of one loop, acks=all. What is sent in one turn of the loop, and what comes while a batch is under way,
/// is one batch a partition; a partition has one batch under way, so its order stays and each is there once, also when it was
/// sent again. Topics that are not there are made (ClusterOptions).
class Producer final : public std::enable_shared_from_this<Producer>, private TurnEnd {
 public:
  Producer(std::shared_ptr<Cluster> cluster, ProducerOptions options)
      : cluster_(std::move(cluster)), options_(options), room_(cluster_->loop()) {}

  /// Done when the broker has all of them. An error: of the first that failed; others may be there. A cancelled caller leaves
  /// them on their way.
  [[nodiscard]] Task<Result<std::vector<Produced>>> send(std::vector<OutRecord> records);

 private:
  struct Call {
    explicit Call(Loop& loop) : done(loop) {}
    std::vector<Produced> places;
    std::optional<Error> error;
    std::size_t left = 0;
    Event done;
  };
  struct Batch {
    std::vector<Record> records;
    std::vector<std::pair<std::shared_ptr<Call>, std::size_t>> owners;
    std::size_t bytes = 0;
    Instant deadline{};
  };
  struct Queue {
    TopicPartition of;
    std::deque<Batch> waiting;
    bool busy = false;
    std::int64_t id = -1;  // of its own producer: when it must be another, no other partition cares
    std::int16_t epoch = 0;
    std::int32_t sequence = 0;
  };
  void append(const TopicPartition& to, Record record, const std::shared_ptr<Call>& call, std::size_t index);
  void on_turn_end() override;
  [[nodiscard]] static Task<> work(std::shared_ptr<Producer> self, Queue* queue);
  [[nodiscard]] Task<Result<std::int64_t>> deliver(Queue* queue, const Batch* batch);
  [[nodiscard]] Task<Result<void>> identify(Queue* queue);
  void complete(const Queue& queue, Batch& batch, const Result<std::int64_t>& base);
  void split(Queue& queue, Batch batch);

  const std::shared_ptr<Cluster> cluster_;
  const ProducerOptions options_;
  std::map<TopicPartition, std::unique_ptr<Queue>> queues_;
  std::vector<Queue*> ready_;
  std::size_t buffered_ = 0;
  Event room_;
  std::uint32_t sticky_ = 0;
};

}  // namespace spikard::net::kafka
