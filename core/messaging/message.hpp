#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace spikard::messaging {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// The last value of that name, or null. Case counts.
[[nodiscard]] const std::string* find_header(const Headers& headers, std::string_view name) noexcept;
/// Replaces every value of that name.
void set_header(Headers& headers, std::string_view name, std::string value);

/// What is published.
struct Message {
  Message() = default;
  Message(std::string to, std::string body) : topic(std::move(to)), payload(std::move(body)) {}
  Message(std::string to, std::string body, std::optional<std::string> of_key, Headers with = {})
      : topic(std::move(to)), payload(std::move(body)), key(std::move(of_key)), headers(std::move(with)) {}

  std::string topic;
  std::string payload;
  std::optional<std::string> key{};
  Headers headers{};

  /// What limits count.
  [[nodiscard]] std::size_t size() const noexcept;
};

/// A dead letter, where it lies.
struct DeadLetter {
  std::uint64_t position = 0;
  WallTime time{};
  std::size_t size = 0;  ///< of the payload, whether it is here or not
  Message message{};     ///< as it lies in the dead letter topic, with what the headers below say
};

/// Headers of a dead letter.
inline constexpr std::string_view original_topic_header = "x-original-topic";
inline constexpr std::string_view reason_header = "x-dead-letter-reason";
inline constexpr std::string_view delivery_count_header = "x-delivery-count";
inline constexpr std::string_view error_header = "x-error";
inline constexpr std::string_view first_error_header = "x-first-error";
inline constexpr std::string_view trace_id_header = "x-trace-id";
inline constexpr std::string_view group_header = "x-dead-letter-group";
inline constexpr std::string_view time_header = "x-dead-letter-time";
inline constexpr std::string_view validation_errors_header = "x-validation-errors";

/// What the worker loop knows about a message that is given up (worker_loop::Settlement).
struct GivenUp {
  std::string_view group;
  std::string_view reason;
  std::string_view error;
  std::string_view first_error;
  std::string_view details;
  std::uint32_t delivery_count = 0;
};
/// The same payload, key and headers on the way to `topic`, with the headers above.
[[nodiscard]] Message dead_letter_of(const Message& original, std::string topic, const GivenUp& given_up, WallTime now);

struct Redriven {
  Message message;
  std::string for_group;  ///< empty: for all
};
/// The way back: without the headers above, to where it came from and for the group that gave it up, or to `to` and for all.
/// Nothing when it does not say where it came from and `to` is empty.
[[nodiscard]] std::optional<Redriven> redriven(Message dead_letter, std::string_view to);

}  // namespace spikard::messaging
