#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "messaging/message.hpp"
#include "messaging/topic.hpp"
#include "net/operation_target.hpp"
#include "store/transaction.hpp"
#include "worker_loop/source.hpp"

namespace spikard::messaging {

/// Whose wildcards a broker knows.
enum class PatternStyles : std::uint8_t { all, nats, mqtt, amqp };

/// What a backend does by itself. What it does not, the client supplies where it can, else the operation says unsupported.
struct Capabilities {
  bool at_least_once = true;      ///< false: pub/sub without acknowledgement; no retries, no dead letters
  bool durable = false;           ///< what was confirmed survives the process
  bool shared = false;            ///< several processes may consume one group
  bool replay = false;            ///< seek, and `earliest` for a new group
  bool wildcards = false;         ///< patterns
  bool key_order = false;         ///< keeps the order of a key in the whole group; else the worker loop does, in one process
  bool positions = false;         ///< publish tells them
  bool batch_atomic = false;      ///< a batch is published as a whole or not at all
  bool dead_letters = true;       ///< list, redrive, purge
  bool groups = false;            ///< groups, delete_group
  bool owns_delays = true;        ///< waits are computed by the core, so they run on the application's clock
  bool confirms_at_once = false;  ///< publish needs no wait: `publish_now`
  bool exact_deliveries = true;   ///< a hand-back before the handler began leaves the delivery count as it was
  bool headers = true;            ///< and keys: they travel with a message
  bool recalls = true;            ///< a dead letter that is purged reaches no consumer of its topic that has not had it
  PatternStyles styles = PatternStyles::all;
};

struct GroupName {
  std::string group;
  std::string topic;  ///< as the consumer wrote it
  friend bool operator==(const GroupName&, const GroupName&) = default;
};

struct SubscribeOptions {
  explicit SubscribeOptions(TopicPattern of_pattern) : pattern(std::move(of_pattern)) {}
  TopicPattern pattern;
  std::string group{};     ///< never empty
  std::string consumer{};  ///< for logs and the broker's own lists
  bool earliest = false;   ///< where a group begins that is new
  bool ordered = false;
  Duration ack_wait{std::chrono::seconds(10)};
  std::string dead_letter{};        ///< empty: dropped and counted
  std::uint32_t max_in_flight = 1;  ///< what the broker may push
};

/// One consumer's place in a group: the source of its worker loop, on that loop's thread. Gone without `close` it is a consumer
/// that died: what it holds comes again when its leases run out.
class Subscription : public worker_loop::Source {
 public:
  /// Leaves the group. After the worker loop's close.
  [[nodiscard]] virtual Task<Result<void>> close() = 0;
};

struct GroupInfo {
  GroupName name;
  std::uint64_t waiting = 0;  ///< not given out yet
  std::uint64_t in_hand = 0;
  std::uint64_t delayed = 0;  ///< waits for its next try
};

struct DeadLetterQuery {
  explicit DeadLetterQuery(std::string of_topic) : topic(std::move(of_topic)) {}
  std::string topic;
  std::uint64_t after = 0;
  std::uint32_t limit = 100;
  bool payloads = false;
};
struct DeadLetterPage {
  std::vector<DeadLetter> messages;
  bool more = false;
};
struct DeadLetterSelection {
  DeadLetterSelection(std::string of_topic, std::optional<std::vector<std::uint64_t>> which)
      : topic(std::move(of_topic)), positions(std::move(which)) {}
  std::string topic;
  std::optional<std::vector<std::uint64_t>> positions;  ///< nothing: all
};

struct Beginning {
  bool earliest = true;  ///< else latest
};
/// Where a replay begins: a position, when it was published (from the beginning of that millisecond), or an end.
using Place = std::variant<std::uint64_t, WallTime, Beginning>;

[[nodiscard]] inline GivenUp given_up_of(std::string_view group, const worker_loop::Settlement& settlement) {
  GivenUp out;
  out.group = group;
  out.reason = settlement.reason;
  out.error = settlement.error;
  out.first_error = settlement.first_error;
  out.details = settlement.details;
  out.delivery_count = settlement.delivery_count;
  return out;
}

struct BackendCounts {
  std::uint64_t published = 0;
  std::uint64_t acked = 0;
  std::uint64_t dead_lettered = 0;
  std::uint64_t dropped = 0;
};

/// A message broker. Thread-safe: clients of several loops call it; a subscription belongs to one. Arguments were checked by the
/// Client. Errors: those of spec/errors.yaml, mapped from the broker's own in one function of the backend.
class Backend {
 public:
  virtual ~Backend() = default;
  [[nodiscard]] virtual const Capabilities& capabilities() const noexcept = 0;
  /// `messaging.system` of telemetry.
  [[nodiscard]] virtual std::string_view system() const noexcept = 0;

  /// In this order; done when the broker has confirmed all. Returns their positions, none where it does not tell.
  [[nodiscard]] virtual Task<Result<std::vector<std::uint64_t>>> publish(net::Caller caller, std::vector<Message> messages) = 0;
  /// With `confirms_at_once` only. Any thread.
  [[nodiscard]] virtual Result<std::vector<std::uint64_t>> publish_now(std::vector<Message>& messages) {
    (void)messages;
    return Error(ErrorKind::unsupported, "this broker confirms later");
  }
  /// Commits with the transaction, or not at all. False: it is not in this broker's database; then the caller uses the outbox.
  [[nodiscard]] virtual Task<Result<bool>> publish_in(net::Caller caller, store::Transaction& transaction,
                                                      std::vector<Message> messages) {
    (void)caller, (void)transaction, (void)messages;
    co_return Result<bool>(false);
  }
  /// Makes the group when it is not there.
  [[nodiscard]] virtual Task<Result<std::unique_ptr<Subscription>>> subscribe(net::Loop& loop, SubscribeOptions options) = 0;

  [[nodiscard]] virtual Task<Result<DeadLetterPage>> list_dead_letters(net::Caller caller, DeadLetterQuery query) = 0;
  /// Back to where they came from (message.hpp, `redriven`); each is removed as it is sent, never before. `to` empty: its own.
  [[nodiscard]] virtual Task<Result<std::uint64_t>> redrive(net::Caller caller, DeadLetterSelection which, std::string to) = 0;
  /// Nobody gets them any more: neither the groups of the topic that have them to do or in hand, nor a replay.
  [[nodiscard]] virtual Task<Result<std::uint64_t>> purge(net::Caller caller, DeadLetterSelection which) = 0;

  /// Makes the group when it is not there. What is given out from there on counts no more.
  [[nodiscard]] virtual Task<Result<void>> seek(net::Caller caller, TopicPattern pattern, std::string group, Place place) = 0;
  [[nodiscard]] virtual Task<Result<std::vector<GroupInfo>>> groups(net::Caller caller) = 0;
  /// conflict while somebody consumes it.
  [[nodiscard]] virtual Task<Result<bool>> delete_group(net::Caller caller, GroupName name) = 0;

  /// Of this process.
  [[nodiscard]] virtual BackendCounts counts() const noexcept = 0;
};

}  // namespace spikard::messaging
