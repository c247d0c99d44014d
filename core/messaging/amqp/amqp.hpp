#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "messaging/amqp/connection.hpp"
#include "messaging/amqp/envelope.hpp"
#include "messaging/backend.hpp"

namespace spikard::messaging {
class Registry;
}

namespace spikard::messaging::amqp {

/// `amqp://HOST`, `amqps://HOST`
void register_amqp(Registry& registry);

/// AMQP 0-9-1 on RabbitMQ (README.md: the layout): a topic exchange, a quorum queue a group, a queue a length of delay, a queue a
/// topic of dead letters.
class AmqpBackend final : public Backend, public std::enable_shared_from_this<AmqpBackend> {
 public:
  /// Connects and makes the exchanges. Blocks.
  [[nodiscard]] static Result<std::shared_ptr<Backend>> open(AmqpOptions options);

  [[nodiscard]] const Capabilities& capabilities() const noexcept override;
  [[nodiscard]] std::string_view system() const noexcept override { return "rabbitmq"; }
  [[nodiscard]] Task<Result<std::vector<std::uint64_t>>> publish(net::Caller caller, std::vector<Message> messages) override;
  [[nodiscard]] Task<Result<std::unique_ptr<messaging::Subscription>>> subscribe(net::Loop& loop,
                                                                                 SubscribeOptions options) override;
  [[nodiscard]] Task<Result<DeadLetterPage>> list_dead_letters(net::Caller caller, DeadLetterQuery query) override;
  [[nodiscard]] Task<Result<std::uint64_t>> redrive(net::Caller caller, DeadLetterSelection which, std::string to) override;
  [[nodiscard]] Task<Result<std::uint64_t>> purge(net::Caller caller, DeadLetterSelection which) override;
  [[nodiscard]] Task<Result<void>> seek(net::Caller caller, TopicPattern pattern, std::string group, Place place) override;
  [[nodiscard]] Task<Result<std::vector<GroupInfo>>> groups(net::Caller caller) override;
  [[nodiscard]] Task<Result<bool>> delete_group(net::Caller caller, GroupName name) override;
  [[nodiscard]] BackendCounts counts() const noexcept override;

 private:
  friend class AmqpSubscription;
  /// What becomes of a message that is looked at: it stays, or goes once `instead` (nothing, or a copy elsewhere) is confirmed.
  struct Verdict {
    bool take = false;
    std::optional<Outgoing> instead{};
  };
  using Look = Function<Result<Verdict>(Received)>;

  AmqpBackend(AmqpOptions options, std::unique_ptr<Wire> wire);
  [[nodiscard]] Task<Result<void>> prepare(net::Loop* loop);
  /// These, on a channel of their own.
  [[nodiscard]] Task<Result<void>> run(net::Loop& loop, std::vector<Call> calls);
  [[nodiscard]] Task<Result<void>> make_group(net::Loop& loop, SubscribeOptions options);
  [[nodiscard]] Task<Result<void>> make_dead_queue(net::Loop& loop, std::string topic);
  [[nodiscard]] Task<Result<void>> make_delay(net::Loop& loop, std::uint64_t step_ms);
  void forget_delays();
  [[nodiscard]] Call declare_queue(std::string_view queue, std::string arguments) const;

  /// Every message that is ready in the queue when it begins, in the queue's order; alone, or not at all (conflict). How many
  /// went.
  [[nodiscard]] Task<Result<std::uint64_t>> browse(net::Loop& loop, std::string queue, bool with_payload, Look look);
  [[nodiscard]] Task<Result<std::uint64_t>> browse_locked(net::Loop* loop, const std::string* queue, bool with_payload,
                                                          Look* look);
  [[nodiscard]] Task<Result<std::uint64_t>> look_at(net::Loop* loop, std::uint64_t conversation, std::vector<Reply>* replies,
                                                    bool with_payload, Look* look);
  [[nodiscard]] Task<Result<void>> lock(net::Loop* loop, std::string queue);
  [[nodiscard]] Task<Result<void>> unlock(net::Loop* loop, std::string queue);

  /// A place in the list of dead letters: microseconds since 1970, never twice from one process.
  [[nodiscard]] std::uint64_t next_position();
  [[nodiscard]] std::string next_id();

  const AmqpOptions options_;
  const std::string id_base_;
  std::unique_ptr<Wire> wire_;
  std::atomic<std::uint64_t> next_id_{1};
  std::atomic<std::uint64_t> last_position_{0};
  std::atomic<std::uint64_t> published_{0};
  std::atomic<std::uint64_t> acked_{0};
  std::atomic<std::uint64_t> dead_lettered_{0};
  std::atomic<std::uint64_t> dropped_{0};

  std::mutex mutex_;
  std::set<std::uint64_t> delays_;  // steps whose queues are there
  std::set<std::string> browsed_;   // queues that this process looks through
};

}  // namespace spikard::messaging::amqp
