#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "messaging/backend.hpp"
#include "messaging/kafka/partition_work.hpp"
#include "messaging/kafka/settings.hpp"
#include "messaging/kafka/transport.hpp"

namespace spikard::messaging::kafka {

/// A loop's connections.
struct LoopClient {
  std::shared_ptr<net::kafka::Cluster> cluster;
  std::shared_ptr<Sender> producer;
};

/// Kafka's names of a subscription.
struct Names {
  std::string group;        ///< group.id
  std::string topic;        ///< as the broker has it
  std::string retry_topic;  ///< one partition; where those wait that come again after a time
  std::string dead_letter;  ///< empty: none
};

struct WorkCounts {
  std::uint64_t acked = 0;
  std::uint64_t dead_lettered = 0;
  std::uint64_t dropped = 0;
};

/// One member of a group with all it has in hand: what the member, the fetcher and the worker loop's source meet in. On its
/// loop's thread; kept by what it has under way.
class Work final : public std::enable_shared_from_this<Work>, public net::kafka::GroupListener, public net::kafka::FetchTarget {
 public:
  Work(LoopClient client, Transport& transport, Names names, SubscribeOptions options, std::optional<std::string> instance,
       Clock& clock);

  /// Joins; done when it knows what is its own, or when the group waits for a member that seems to be dead.
  [[nodiscard]] Task<Result<void>> start();
  [[nodiscard]] Task<Result<std::vector<worker_loop::WorkItem>>> pull(std::uint32_t max);
  [[nodiscard]] Task<Result<std::vector<std::uint64_t>>> settle(std::vector<worker_loop::Settlement> settlements);
  [[nodiscard]] std::vector<std::uint64_t> lost(std::span<const std::uint64_t> ids);
  [[nodiscard]] Duration lease() const noexcept { return session_; }
  [[nodiscard]] Task<Result<void>> close();
  void abandon();

  /// Those that it has of the topic, in numbers.
  [[nodiscard]] std::vector<std::int32_t> partitions() const;
  /// Of its partitions of the topic, and of what waits for a next try.
  [[nodiscard]] Task<Result<void>> seek(std::map<std::int32_t, std::int64_t> targets);
  /// Until what was done is committed.
  [[nodiscard]] Task<Result<void>> flush();

  [[nodiscard]] const Names& names() const noexcept { return names_; }
  [[nodiscard]] WorkCounts take_counts() noexcept { return std::exchange(counts_, {}); }

 private:
  using TopicPartition = net::kafka::TopicPartition;
  struct Part {
    PartitionWork work;
    bool leaving = false;
    std::uint64_t committed = 0;  // version
    std::uint64_t serial = 0;     // tells it from an earlier one of the same partition
  };
  struct Handed {
    TopicPartition of;
    std::int64_t offset = 0;
    std::uint64_t serial = 0;
  };

  void on_assigned(const std::vector<TopicPartition>& partitions) override;
  [[nodiscard]] Task<> on_revoked(std::vector<TopicPartition> partitions) override;
  void on_kept(const std::vector<TopicPartition>& partitions) override;
  void on_lost() override;
  void on_failed(const Error& why) override;
  void wanted(std::vector<Wanted>& out) override;
  void on_fetched(const TopicPartition& of, std::int64_t offset, net::kafka::Fetched fetched) override;
  void on_out_of_range(const TopicPartition& of, std::int64_t offset) override;
  void on_fetch_failed(const TopicPartition& of, const Error& why) override;

  [[nodiscard]] static Task<> begin(std::shared_ptr<Work> self, std::vector<TopicPartition> partitions);
  [[nodiscard]] Task<Result<void>> begin_all(const std::vector<TopicPartition>* partitions);
  [[nodiscard]] static Task<> reset(std::shared_ptr<Work> self, TopicPartition of, std::uint64_t serial);
  [[nodiscard]] static Task<> commit_all(std::shared_ptr<Work> self);
  void commit_soon();
  [[nodiscard]] Task<Result<void>> committed(std::vector<Handed> what);
  [[nodiscard]] Part* part(const TopicPartition& of);
  [[nodiscard]] Part* part(const Handed& handed);
  void take_records(Part& part, const TopicPartition& of, net::kafka::Fetched fetched);
  [[nodiscard]] std::optional<net::kafka::OutRecord> copy_of(const Incoming& original,
                                                             const worker_loop::Settlement& settlement) const;
  [[nodiscard]] bool apply(const Handed& handed, const worker_loop::Settlement& settlement);
  [[nodiscard]] bool comes_by_retry_topic(const Incoming& original, const worker_loop::Settlement& settlement) const;
  void wake();

  LoopClient client_;
  net::Loop& loop_;
  Clock& clock_;
  const Names names_;
  const SubscribeOptions options_;
  const Duration session_;
  std::shared_ptr<Member> member_;
  std::map<TopicPartition, Part> parts_;
  std::unordered_map<std::uint64_t, Handed> handed_;
  std::uint64_t next_id_ = 1;
  std::uint64_t next_serial_ = 1;
  std::size_t turn_ = 0;
  std::uint64_t losses_ = 0;
  bool committing_ = false;
  bool stopped_ = false;
  std::optional<Error> failed_;
  net::Event arrived_;
  net::Event begun_;
  net::Event changed_;  // commits, revocations
  net::Timer due_;
  WorkCounts counts_;
};

}  // namespace spikard::messaging::kafka
