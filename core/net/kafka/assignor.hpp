#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "net/kafka/cluster.hpp"

namespace spikard::net::kafka {

/// What a member says when it joins (the `consumer` protocol's subscription, version 2, with the user data of
/// cooperative-sticky).
struct MemberSubscription {
  std::vector<std::string> topics;
  std::vector<TopicPartition> owned;
  std::int32_t generation = -1;
};
[[nodiscard]] std::string write_subscription(const MemberSubscription& in);
[[nodiscard]] Result<MemberSubscription> read_subscription(std::string_view bytes);
[[nodiscard]] std::string write_assignment(const std::vector<TopicPartition>& partitions);
[[nodiscard]] Result<std::vector<TopicPartition>> read_assignment(std::string_view bytes);

inline constexpr std::string_view cooperative_sticky = "cooperative-sticky";

/// The leader's part: as even as the subscriptions allow, everybody keeps what it has as far as that is even, and what is to go
/// to another is given to nobody until its owner has let go of it (KIP-429). `partitions`: of each topic.
[[nodiscard]] std::map<std::string, std::vector<TopicPartition>> assign_cooperative(
    const std::map<std::string, MemberSubscription>& members, const std::map<std::string, std::int32_t>& partitions);

}  // namespace spikard::net::kafka
