#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.hpp"

namespace spikard::net::kafka {

/// Codes that this client acts on.
enum Code : std::int16_t {
  code_ok = 0,
  code_offset_out_of_range = 1,
  code_unknown_topic = 3,
  code_leader_not_available = 5,
  code_not_leader = 6,
  code_message_too_large = 10,
  code_coordinator_loading = 14,
  code_coordinator_not_available = 15,
  code_not_coordinator = 16,
  code_illegal_generation = 22,
  code_inconsistent_protocol = 23,
  code_unknown_member = 25,
  code_rebalance_in_progress = 27,
  code_unsupported_version = 35,
  code_topic_exists = 36,
  code_out_of_order_sequence = 45,
  code_duplicate_sequence = 46,
  code_invalid_producer_epoch = 47,
  code_unknown_producer = 59,
  code_non_empty_group = 68,
  code_group_not_found = 69,
  code_fenced_leader_epoch = 74,
  code_unknown_leader_epoch = 75,
  code_member_id_required = 79,
  code_fenced_instance = 82,
  code_subscribed_to_topic = 86,
};

/// Kafka's name of it, or `UNKNOWN`.
[[nodiscard]] std::string_view code_name(std::int16_t code) noexcept;
/// Again later, perhaps at another broker, may help: moving leaders and coordinators, time-outs, too few replicas.
[[nodiscard]] bool code_retriable(std::int16_t code) noexcept;
/// The leader or coordinator is elsewhere: ask for the metadata again.
[[nodiscard]] bool code_moved(std::int16_t code) noexcept;
/// The one mapping of Kafka's errors to ours. `code` is not 0.
[[nodiscard]] Error broker_error(std::int16_t code, std::string_view what);

}  // namespace spikard::net::kafka
