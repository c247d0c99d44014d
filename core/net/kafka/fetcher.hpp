#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "net/kafka/cluster.hpp"

namespace spikard::net::kafka {

struct FetchOptions {
  FetchOptions() = default;
  std::chrono::milliseconds max_wait{500};
  std::int32_t max_partition_bytes = 1 << 20;
  std::int32_t max_bytes = 8 << 20;
  std::size_t max_batch_bytes = 64U << 20U;  ///< decompressed
};

struct Fetched {
  DecodedRecords data;
  std::int64_t high_watermark = -1;
  std::int64_t log_start = -1;
};

/// One partition, once: what lies from `offset` on, or nothing after `max_wait`. OFFSET_OUT_OF_RANGE is not_found.
[[nodiscard]] Task<Result<Fetched>> fetch_once(std::shared_ptr<Cluster> cluster, TopicPartition of, std::int64_t offset,
                                               FetchOptions options, std::uint64_t lane = 0);

/// Who wants records, and what becomes of them. On the loop's thread.
class FetchTarget {
 public:
  struct Wanted {
    TopicPartition of;
    std::int64_t offset = 0;
  };
  virtual ~FetchTarget() = default;
  /// Those with room for more; paused ones are left out.
  virtual void wanted(std::vector<Wanted>& out) = 0;
  /// Asked for from `offset` on; what is wanted by now may be elsewhere.
  virtual void on_fetched(const TopicPartition& of, std::int64_t offset, Fetched fetched) = 0;
  virtual void on_out_of_range(const TopicPartition& of, std::int64_t offset) = 0;
  virtual void on_fetch_failed(const TopicPartition& of, const Error& why) = 0;
};

/// Keeps a fetch pending at every broker that leads a wanted partition. A partition that is wanted anew while one is pending gets
/// one of its own (a few lanes a broker), so nobody waits for another's long poll.
class Fetcher final : public std::enable_shared_from_this<Fetcher>, private TurnEnd {
 public:
  Fetcher(std::shared_ptr<Cluster> cluster, FetchOptions options, FetchTarget& target);
  ~Fetcher();
  /// What is wanted may have changed.
  void poke();
  /// The target is called no more.
  void stop();

 private:
  static constexpr std::size_t lanes = 4;
  void on_turn_end() override { dispatch(); }
  void dispatch();
  [[nodiscard]] static Task<> fetch(std::shared_ptr<Fetcher> self, std::int32_t node, std::size_t lane,
                                    std::vector<FetchTarget::Wanted> what);
  [[nodiscard]] static Task<> look_up(std::shared_ptr<Fetcher> self, std::string topic);
  /// Whether it may go on at once.
  [[nodiscard]] bool deliver(const Reply& reply, const std::vector<FetchTarget::Wanted>& what);

  const std::shared_ptr<Cluster> cluster_;
  const FetchOptions options_;
  FetchTarget* target_;
  std::vector<std::uint64_t> lanes_;
  std::set<TopicPartition> pending_;
  std::set<std::pair<std::int32_t, std::size_t>> busy_;  // broker and lane
  std::set<std::string> asked_;                          // topics whose leaders are being asked for
  CancelSource stop_;
};

}  // namespace spikard::net::kafka
