#pragma once

#include <memory>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "net/kafka/fetcher.hpp"
#include "net/kafka/group_member.hpp"
#include "net/kafka/producer.hpp"

namespace spikard::messaging::kafka {

/// A producer of one loop.
class Sender {
 public:
  virtual ~Sender() = default;
  /// As net::kafka::Producer::send.
  [[nodiscard]] virtual Task<Result<std::vector<net::kafka::Produced>>> send(std::vector<net::kafka::OutRecord> records) = 0;
};

/// A member of a group with what it reads, of one loop: net::kafka::GroupMember and net::kafka::Fetcher, whose words it keeps.
class Member {
 public:
  virtual ~Member() = default;
  virtual void start() = 0;
  [[nodiscard]] virtual Task<void> leave() = 0;
  virtual void abandon() = 0;
  [[nodiscard]] virtual Task<Result<void>> commit(std::vector<net::kafka::OffsetCommitRequest::Partition> partitions) = 0;
  [[nodiscard]] virtual bool owns(const net::kafka::TopicPartition& one) const = 0;
  /// What is wanted may have changed.
  virtual void poke() = 0;
  /// Nothing is wanted any more.
  virtual void stop_reading() = 0;
};

/// Who talks to the brokers where messages are: our own client, or librdkafka. What is asked about topics and groups is asked by
/// our own.
class Transport {
 public:
  virtual ~Transport() = default;
  [[nodiscard]] virtual std::shared_ptr<Sender> sender(std::shared_ptr<net::kafka::Cluster> cluster) = 0;
  /// `listener` and `target` outlive it, or are told nothing more after `abandon` or `leave`.
  [[nodiscard]] virtual std::shared_ptr<Member> member(std::shared_ptr<net::kafka::Cluster> cluster,
                                                       net::kafka::GroupOptions options, net::kafka::GroupListener& listener,
                                                       net::kafka::FetchTarget& target) = 0;
};
[[nodiscard]] std::shared_ptr<Transport> own_transport(net::kafka::ProducerOptions options);

}  // namespace spikard::messaging::kafka
