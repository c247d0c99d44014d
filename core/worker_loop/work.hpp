#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "telemetry/context.hpp"

namespace spikard::worker_loop {

/// When a failed item comes again, and when no more. `initial` times `factor` to the power of the failures before, at most `max`;
/// factor 1 is constant.
struct RetryPolicy {
  std::uint32_t max_retries = 3;  ///< 1 + max_retries tries
  Duration initial{std::chrono::seconds(1)};
  double factor = 2.0;
  Duration max{std::chrono::minutes(5)};
  double jitter = 0.0;         ///< 0 to 1: takes off up to this part, at random
  bool retry_uses_try = true;  ///< false for tasks
};

/// One message or task in hand, as its source gave it.
struct WorkItem {
  std::uint64_t id = 0;        ///< the source's; unique among what is in hand
  std::uint64_t position = 0;  ///< its place in the topic's log, the job's number; 0: none
  std::string name;            ///< topic or task name
  std::string payload;
  std::string key;
  bool has_key = false;
  std::vector<std::pair<std::string, std::string>> headers;
  std::uint32_t delivery_count = 1;  ///< this delivery included, whatever the causes were
  std::uint32_t tries = 0;           ///< used up before this delivery
  std::uint32_t failures = 0;        ///< of those, exceptions and time-outs
  std::string first_error;
  WallTime enqueued{};
  telemetry::SpanContext trace{};      ///< what the handler's own work belongs to; set by an observer
  std::shared_ptr<void> local{};       ///< what cannot be bytes: in-process work, a task's job
  std::optional<RetryPolicy> retry{};  ///< its own rules, before those of the worker
  Duration timeout{};                  ///< its own limit for a handler, before that of the worker; zero: none of its own
};

/// What became of a handler. An exception is `error`; `reject` says that trying again is of no use.
struct Outcome {
  enum class Kind : std::uint8_t { ack, nack, reject, retry, error, timeout };
  Kind kind = Kind::ack;
  Duration after{};       ///< retry
  std::string text{};     ///< error: its message; ack: the task's result
  std::string reason{};   ///< reject: of the dead letter; empty: `rejected`
  std::string details{};  ///< reject: what travels with the dead letter (a message's validation errors, JSON)

  static Outcome ack(std::string result = {}) { return {Kind::ack, {}, std::move(result), {}, {}}; }
  static Outcome nack(bool requeue) { return {requeue ? Kind::nack : Kind::reject, {}, {}, {}, {}}; }
  static Outcome reject(std::string why) { return {Kind::reject, {}, std::move(why), {}, {}}; }
  static Outcome retry(Duration after) { return {Kind::retry, after, {}, {}, {}}; }
  static Outcome error(std::string message) { return {Kind::error, {}, std::move(message), {}, {}}; }
};
[[nodiscard]] std::string_view name_of(Outcome::Kind kind) noexcept;

/// `random` is from 0 to below 1; it only matters with jitter.
[[nodiscard]] Duration backoff(const RetryPolicy& policy, std::uint32_t failures_before, double random) noexcept;

/// What a source is told to do with an item it gave out. One per item; `keep` alone leaves it in hand.
struct Settlement {
  enum class Kind : std::uint8_t {
    ack,    ///< done
    again,  ///< comes again after `after`
    keep,   ///< record `tries`, `failures` and the error, and leave the lease with us: it is tried again here, in its key's order
    hand_back,    ///< comes again at once, as if this delivery had never been, but for its delivery count
    dead_letter,  ///< to the dead-letter place (confirmed before the original goes), or dropped and counted where there is none
  };
  Kind kind = Kind::ack;
  Outcome::Kind cause = Outcome::Kind::ack;  ///< what the handler's end was; meaningless for hand_back
  std::uint64_t id = 0;
  Duration after{};
  std::uint32_t tries = 0;  ///< used up by now
  std::uint32_t failures = 0;
  std::uint32_t delivery_count = 0;  ///< those that a handler began
  std::string reason;                ///< dead_letter: `max_retries`, `rejected`, or what the outcome says
  std::string error;                 ///< the last one
  std::string first_error;
  std::string details;  ///< dead_letter: the outcome's
  std::string result;   ///< ack: the task's
};

/// The delivery rules (fixtures/README.md, Delivery), without any state.
[[nodiscard]] Settlement decide(const RetryPolicy& policy, const WorkItem& item, Outcome outcome, double random);

}  // namespace spikard::worker_loop
