#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "net/kafka/assignor.hpp"
#include "net/kafka/cluster.hpp"

namespace spikard::net::kafka {

struct GroupOptions {
  GroupOptions() = default;
  std::string group{};
  std::optional<std::string> instance{};  ///< static membership: it comes back under this name within the session
  std::vector<std::string> topics{};
  Duration session_timeout{std::chrono::seconds(10)};
  Duration rebalance_timeout{std::chrono::seconds(60)};
  Duration heartbeat{std::chrono::seconds(1)};
};

/// What a member tells whoever works on its partitions. On the loop's thread.
class GroupListener {
 public:
  virtual ~GroupListener() = default;
  /// These are ours from now on.
  virtual void on_assigned(const std::vector<TopicPartition>& partitions) = 0;
  /// End the work on these and commit; the others go on. They are given to nobody else before it is done, however long it takes.
  [[nodiscard]] virtual Task<> on_revoked(std::vector<TopicPartition> partitions) = 0;
  /// These are ours after all, while `on_revoked` was under way: it ends at once, and the work goes on.
  virtual void on_kept(const std::vector<TopicPartition>& partitions) = 0;
  /// The group has gone on without us: nothing is ours any more, and nothing can be committed.
  virtual void on_lost() = 0;
  /// It cannot be a member: `why`. It goes on trying when that is temporary.
  virtual void on_failed(const Error& why) = 0;
};

/// A member of a consumer group with the `cooperative-sticky` protocol (KIP-429): joins, leads when told to, heartbeats, joins
/// again at a rebalance while its work goes on. One coroutine, which holds it until `leave` or `abandon`.
class GroupMember final : public std::enable_shared_from_this<GroupMember> {
 public:
  GroupMember(std::shared_ptr<Cluster> cluster, GroupOptions options, GroupListener& listener);

  void start();
  /// The brokers are told (but of a static member, which they keep until its session ends).
  [[nodiscard]] Task<void> leave();
  /// As if it had died. The listener is called no more.
  void abandon();

  /// Commits with the rights of this member. temporary: again a little later; conflict: not ours any more.
  [[nodiscard]] Task<Result<void>> commit(std::vector<OffsetCommitRequest::Partition> partitions);
  [[nodiscard]] bool owns(const TopicPartition& one) const { return owned_.contains(one); }
  [[nodiscard]] bool joined() const noexcept { return generation_ >= 0 && !member_.empty(); }
  [[nodiscard]] const GroupOptions& options() const noexcept { return options_; }

 private:
  enum class Next : std::uint8_t { go_on, join, leave };
  [[nodiscard]] static Task<> run(std::shared_ptr<GroupMember> self);
  [[nodiscard]] Task<Result<void>> join();
  [[nodiscard]] Task<Result<std::vector<std::pair<std::string, std::string>>>> lead(const JoinGroupAnswer* joined);
  [[nodiscard]] Task<Next> beat();
  void take(const std::vector<TopicPartition>& assigned);
  void lose();
  [[nodiscard]] Error refused(std::int16_t code, std::string_view what);

  const std::shared_ptr<Cluster> cluster_;
  const GroupOptions options_;
  GroupListener* listener_;
  const std::uint64_t lane_;
  std::string member_;
  std::int32_t generation_ = -1;
  std::set<TopicPartition> owned_;
  std::set<TopicPartition> revoking_;
  bool rejoin_ = false;
  bool leaving_ = false;
  bool running_ = false;
  std::uint64_t losses_ = 0;
  Event poke_;
  Event ended_;
  CancelSource stop_;
};

}  // namespace spikard::net::kafka
