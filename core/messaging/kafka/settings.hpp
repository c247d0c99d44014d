#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "messaging/message.hpp"
#include "net/kafka/cluster.hpp"
#include "net/kafka/producer.hpp"

namespace spikard::messaging::kafka {

/// What the URL says (docs/guide/messaging.md).
struct Settings {
  std::shared_ptr<const net::kafka::ClusterOptions> cluster;
  net::kafka::ProducerOptions producer;
  std::string prefix;  ///< of every topic and group
  bool tls = false;
  std::string ca{};  ///< PEM file; empty: the system's
  bool verify = true;
  std::optional<std::string> instance{};  ///< static membership: `instance.consumer`

  /// invalid_argument, naming the option; never the URL, which has a password. Reads the CA's file.
  [[nodiscard]] static Result<Settings> parse(std::string_view url);

  [[nodiscard]] std::string topic(std::string_view name) const { return prefix + std::string(name); }
  [[nodiscard]] std::string group(std::string_view name) const { return prefix + std::string(name); }
  /// Where a group's messages of this topic wait for their next try.
  [[nodiscard]] std::string retry_topic(std::string_view topic, std::string_view group) const;
};

/// Kafka's own rule. invalid_argument.
[[nodiscard]] Result<void> check_name(std::string_view topic);

/// A place in a topic as one number: partition 0 has offset + 1, the others their number above bit 48.
inline constexpr unsigned partition_shift = 48;
[[nodiscard]] constexpr std::uint64_t position_of(std::int32_t partition, std::int64_t offset) noexcept {
  return (static_cast<std::uint64_t>(partition) << partition_shift) | static_cast<std::uint64_t>(offset + 1);
}
[[nodiscard]] constexpr std::int32_t partition_in(std::uint64_t position) noexcept {
  return static_cast<std::int32_t>(position >> partition_shift);
}
[[nodiscard]] constexpr std::int64_t offset_in(std::uint64_t position) noexcept {
  return static_cast<std::int64_t>(position & ((std::uint64_t{1} << partition_shift) - 1)) - 1;
}

// Headers that never reach a handler.
inline constexpr std::string_view own_header = "x-spikard-";
inline constexpr std::string_view for_group_header = "x-spikard-for-group";
inline constexpr std::string_view removed_header = "x-spikard-removed";  ///< offsets of dead letters that are gone: `3,17`
inline constexpr std::string_view topic_header = "x-spikard-topic";
inline constexpr std::string_view position_header = "x-spikard-position";
inline constexpr std::string_view time_header_ms = "x-spikard-time";
inline constexpr std::string_view due_header = "x-spikard-due";  ///< milliseconds since the epoch
inline constexpr std::string_view tries_header = "x-spikard-tries";
inline constexpr std::string_view failures_header = "x-spikard-failures";
inline constexpr std::string_view deliveries_header = "x-spikard-deliveries";
inline constexpr std::string_view error_header_own = "x-spikard-first-error";

[[nodiscard]] std::int64_t millis_of(WallTime time) noexcept;
[[nodiscard]] WallTime time_of(std::int64_t millis) noexcept;
/// Whole and not negative, or nothing.
[[nodiscard]] std::optional<std::uint64_t> number_of(std::string_view text) noexcept;

[[nodiscard]] net::kafka::OutRecord to_record(std::string topic, Message message, std::int64_t time_ms);
/// Of `topic`, with the headers as they are.
[[nodiscard]] Message to_message(std::string topic, net::kafka::Record record);

}  // namespace spikard::messaging::kafka
