#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "messaging/amqp/connection.hpp"
#include "messaging/message.hpp"
#include "messaging/topic.hpp"
#include "worker_loop/work.hpp"

// How messages, topics and groups look on the broker (README.md has the layout). Pure functions.
namespace spikard::messaging::amqp {

/// Names of exchanges and queues, all of which begin with the URL's `name`. At most 255 bytes: what is longer ends in a hash.
[[nodiscard]] std::string dead_exchange(std::string_view name);
[[nodiscard]] std::string dead_queue(std::string_view name, std::string_view topic);
[[nodiscard]] std::string group_queue(std::string_view name, std::string_view group, std::string_view topic);
[[nodiscard]] std::string delay_name(std::string_view name, std::uint64_t step_ms);
/// A queue that is ours alone while we look through another one.
[[nodiscard]] std::string lock_queue(std::string_view queue);

/// A topic as a routing key: `/` becomes `.`.
[[nodiscard]] std::string routing_key(std::string_view topic);
/// Stands for at least the pattern's topics: what else it lets through, the pattern itself sorts out.
[[nodiscard]] std::string binding_key(const TopicPattern& pattern);

/// The queue in which a message waits: the least of 8 steps an octave that is not shorter, so that there are few and none is
/// early. At most max_step, about 46 days; a longer wait is cut.
inline constexpr std::uint64_t max_step_ms = 15ULL << 28U;
[[nodiscard]] std::uint64_t step_of(Duration wait) noexcept;

/// What a copy of a message remembers of the deliveries before it.
struct Record {
  std::uint32_t tries = 0;
  std::uint32_t deliveries = 0;
  std::uint32_t failures = 0;
  std::string first_error{};
  [[nodiscard]] static Record of(const worker_loop::Settlement& settlement);
};

struct Extras {
  std::string_view id{};         ///< message-id
  std::string_view for_group{};  ///< a redriven one: nobody else takes it
  std::string_view queue{};      ///< of a dead letter: the group's
  std::uint64_t position = 0;    ///< of a dead letter
  std::int64_t due_ms = 0;       ///< since 1970: waits longer than a queue can
  bool with_topic = false;       ///< the routing key is not the topic's
  Record record{};
  WallTime time{};  ///< timestamp, in seconds
};
/// invalid_argument where AMQP cannot carry it: names of headers of more than 255 bytes.
[[nodiscard]] Result<std::string> properties_for(const Message& message, const Extras& extras);

struct Received {
  Message message{};
  Record record{};
  std::string id{};
  std::string for_group{};
  std::string queue{};
  std::uint64_t position = 0;
  std::int64_t due_ms = 0;
  std::uint32_t returned = 0;  ///< `x-delivery-count`: how often a queue got it back
  WallTime time{};
};
/// corrupt where its properties or headers are cut off. The payload stays in `incoming` where it is not wanted.
[[nodiscard]] Result<Received> received_of(Incoming& incoming, bool with_payload = true);

}  // namespace spikard::messaging::amqp
