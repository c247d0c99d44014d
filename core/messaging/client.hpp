#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "messaging/backend.hpp"
#include "messaging/consumer.hpp"
#include "net/operation_target.hpp"
#include "services/messaging.gen.hpp"
#include "store/transaction.hpp"
#include "telemetry/provider.hpp"

namespace spikard::messaging {

struct ClientOptions {
  ClientOptions() = default;
  TopicStyle topics = TopicStyle::auto_;
  std::size_t max_message_bytes = 1U << 20U;
  std::string name = "default";  ///< of `services.messaging`: the outbox names it
  telemetry::Tracer tracer{};
};

/// A message broker for the application's code. Shared and thread-safe; a consumer belongs to the loop it was started on.
///
///     co_await client->publish(caller, messaging::Message("orders.created", body, "customer-7"));
class Client final : public std::enable_shared_from_this<Client> {
 public:
  Client(std::shared_ptr<Backend> backend, ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] const Capabilities& capabilities() const noexcept { return backend_->capabilities(); }
  [[nodiscard]] const std::string& name() const noexcept { return options_.name; }

  /// Returns its position, 0 where the broker does not tell; confirmed by then.
  [[nodiscard]] Task<Result<std::uint64_t>> publish(net::Caller caller, Message message);
  [[nodiscard]] Task<Result<std::vector<std::uint64_t>>> publish_batch(net::Caller caller, std::vector<Message> messages);
  /// For a broker that confirms at once: any thread. Nothing (and `message` untouched): use `publish`.
  [[nodiscard]] std::optional<Result<std::uint64_t>> publish_now(const telemetry::SpanContext& trace, Message& message);
  /// Commits with the transaction: in the same database as a plain insert, else by the outbox and `deliver`.
  [[nodiscard]] Task<Result<void>> publish_in(net::Caller caller, store::Transaction& transaction, std::vector<Message> messages);
  /// For the outbox's relay: what `publish_in` left there. At least once.
  [[nodiscard]] Task<Result<void>> deliver(net::Caller caller, std::string outbox_payload);

  /// Checks `config` (invalid_argument naming the field below `path`).
  [[nodiscard]] Result<ConsumerOptions> consumer_options(const services::Consumer& config, const std::string& path = {}) const;
  /// Subscribes and begins to take messages, all on `loop`, which is the awaiting task's. The consumer keeps `sink`.
  [[nodiscard]] Task<Result<std::shared_ptr<Consumer>>> start_consumer(net::Loop& loop, ConsumerOptions options,
                                                                       std::shared_ptr<worker_loop::WorkSink> sink);

  [[nodiscard]] Task<Result<DeadLetterPage>> list_dead_letters(net::Caller caller, DeadLetterQuery query);
  /// not_found
  [[nodiscard]] Task<Result<DeadLetter>> peek_dead_letter(net::Caller caller, std::string topic, std::uint64_t position);
  /// `to` empty: each to where it came from, for the group that gave it up.
  [[nodiscard]] Task<Result<std::uint64_t>> redrive_dead_letters(net::Caller caller, DeadLetterSelection which, std::string to);
  [[nodiscard]] Task<Result<std::uint64_t>> purge_dead_letters(net::Caller caller, DeadLetterSelection which);

  [[nodiscard]] Task<Result<void>> seek(net::Caller caller, GroupName name, Place place);
  [[nodiscard]] Task<Result<std::vector<GroupInfo>>> groups(net::Caller caller);
  [[nodiscard]] Task<Result<bool>> delete_group(net::Caller caller, GroupName name);
  /// Of this process, since its start.
  [[nodiscard]] BackendCounts counts() const noexcept { return backend_->counts(); }

 private:
  /// `path` before the field in errors: `messages[3].`
  [[nodiscard]] Result<void> check(const Message& message, const std::string& path = {}) const;
  [[nodiscard]] Result<void> check(const std::vector<Message>& messages) const;
  /// Those were checked.
  [[nodiscard]] Task<Result<std::vector<std::uint64_t>>> send(net::Caller caller, std::vector<Message> messages);
  [[nodiscard]] telemetry::Span send_span(const telemetry::SpanContext& parent, const std::vector<Message>& messages) const;
  static void inject(const telemetry::SpanContext& context, std::vector<Message>& messages);
  void sent(Duration took, const std::string& topic, std::size_t count, const Error* error,
            const telemetry::SpanContext& context);

  const std::shared_ptr<Backend> backend_;
  const ClientOptions options_;
  telemetry::Counter sent_;
  telemetry::Histogram duration_;
  telemetry::Counter consumed_;
  telemetry::Histogram process_duration_;
};

}  // namespace spikard::messaging
