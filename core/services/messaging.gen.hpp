// Generated from spec/services/messaging.yaml by codegen. Do not edit.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/node.hpp"
#include "base/result.hpp"

namespace spikard::services {

/// How topics and the patterns of consumers are written on an embedded broker: like those of the broker it stands in for.
enum class TopicStyle : std::uint8_t {
  auto_,  ///< A pattern is NATS (`orders.*`, `orders.>`) or MQTT (`orders/+`, `orders/#`) by its wildcards; without one it is a topic.
  nats,  ///< Tokens between dots; `*` is one token, `>` one or more at the end.
  mqtt,  ///< Levels between slashes; `+` is one level, `#` any number at the end, the level above included.
  amqp,  ///< Words between dots; `*` is one word, `#` any number.
};
[[nodiscard]] std::string_view name_of(TopicStyle v) noexcept;
[[nodiscard]] std::optional<TopicStyle> topic_style_from(std::string_view text) noexcept;

/// Where a group begins that the broker does not know yet.
enum class StartFrom : std::uint8_t {
  latest,  ///< With what is published from now on.
  earliest,  ///< With the oldest message that is still kept.
};
[[nodiscard]] std::string_view name_of(StartFrom v) noexcept;
[[nodiscard]] std::optional<StartFrom> start_from_from(std::string_view text) noexcept;

/// How the wait grows from failure to failure.
enum class BackoffKind : std::uint8_t {
  exponential,  ///< `initial_ms` times `factor` to the power of the failures before.
  constant,  ///< Always `initial_ms`.
};
[[nodiscard]] std::string_view name_of(BackoffKind v) noexcept;
[[nodiscard]] std::optional<BackoffKind> backoff_kind_from(std::string_view text) noexcept;

/// A message broker.
struct MessagingConfig {
  std::string url = "sqlite:data/app.db";  ///< `memory:`, `sqlite:FILE`, or the URL of another backend.
  std::string store = "sqlite:data/deliveries.db";  ///< The delivery store of `mqtt:`: `sqlite:FILE`, where messages lie from their arrival until they are settled, or `memory:` for what may be lost. Not the file of a `sqlite:` broker.
  TopicStyle topics = TopicStyle::auto_;  ///< How patterns are written, on `memory:` and `sqlite:`.
  std::uint32_t max_message_bytes = 1048576;  ///< The longest payload that is taken; keys and headers come on top (64 KiB together).
  std::uint64_t max_bytes = 268435456;  ///< What `memory:` may hold, dead letters included; at the limit `publish` is refused (rate_limited).
  std::uint64_t retention_ms = 86400000;  ///< How long a message that no group waits for is kept for replay, on `memory:`, `sqlite:` and `redis:`. `memory:` gives it up earlier when it needs the room. Dead letters stay until they are redriven or purged.
  std::uint32_t poll_ms = 50;  ///< How often `sqlite:` looks for what other processes did. Within a process consumers are woken at once.
};
[[nodiscard]] bool operator==(const MessagingConfig& a, const MessagingConfig& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<MessagingConfig> messaging_config_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const MessagingConfig& in, NodeBuilder& out);

/// When a message comes again after its handler failed.
struct Backoff {
  BackoffKind kind = BackoffKind::exponential;  ///< How the wait grows.
  std::uint32_t initial_ms = 1000;  ///< The wait after the first failure.
  Document factor{};  ///< A number from 1 to 100; null for 2.
  std::uint32_t max_ms = 300000;  ///< The longest wait.
  std::uint8_t jitter_percent = 0;  ///< Takes off up to this part of each wait, at random, so that failures do not come back together.
};
[[nodiscard]] bool operator==(const Backoff& a, const Backoff& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Backoff> backoff_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Backoff& in, NodeBuilder& out);

/// A subscription whose messages a handler of the application takes.
struct Consumer {
  std::string name{};  ///< Its name in reports, logs and telemetry; unique.
  std::string client = "default";  ///< Which of `services.messaging`.
  std::string topic{};  ///< Topic or pattern.
  std::string group{};  ///< Each message goes to one consumer of a group. What a group has taken is remembered by its name and topic; empty for the name of the consumer.
  std::uint32_t concurrency = 16;  ///< Handlers at once, in each process.
  std::uint32_t max_in_flight = 0;  ///< Messages in hand, those included that wait for a handler; 0 for as many as `concurrency`.
  bool ordered = false;  ///< A message waits until the one before it of the same key is settled, its retries included, in the whole group. Messages without a key do not wait.
  std::uint32_t max_retries = 3;  ///< After 1 + `max_retries` tries a message goes to the dead letters.
  Backoff backoff{};  ///< When it comes again after an exception or a time-out.
  std::optional<std::string> dead_letter{};  ///< Topic for what is given up. Null: it is dropped and counted.
  std::uint32_t ack_wait_ms = 10000;  ///< A message whose consumer died goes to another one after this time. A consumer that lives keeps its messages, however long a handler takes.
  std::optional<std::uint32_t> handler_timeout_ms{};  ///< The longest a handler may take; then it is cancelled and the message comes again. Null for no limit.
  StartFrom start_from = StartFrom::latest;  ///< Where a new group begins.
  Document schema{};  ///< JSON Schema 2020-12 of the payload, which is then JSON. A message that does not fit goes to the dead letters at once, with its validation errors.
};
[[nodiscard]] bool operator==(const Consumer& a, const Consumer& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Consumer> consumer_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Consumer& in, NodeBuilder& out);

}  // namespace spikard::services
