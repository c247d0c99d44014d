// Generated from spec/services/cloudevents.yaml by codegen. Do not edit.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/node.hpp"
#include "base/result.hpp"
#include "services/messaging.gen.hpp"

namespace spikard::services {

/// How an event is laid out in a message.
enum class EventMode : std::uint8_t {
  binary,  ///< Attributes as headers, the data as the body.
  structured,  ///< The whole event as a JSON document.
};
[[nodiscard]] std::string_view name_of(EventMode v) noexcept;
[[nodiscard]] std::optional<EventMode> event_mode_from(std::string_view text) noexcept;

/// Which of the protocol bindings lays an event out in a broker's message.
enum class EventBinding : std::uint8_t {
  automatic,  ///< The one of the broker: kafka for `kafka:`, amqp for `amqp:`, nats for `nats:`, mqtt for `mqtt:`; for `redis:`, `memory:` and `sqlite:`, which have none, the same headers as Kafka.
  kafka,  ///< Headers `ce_...` and `content-type`.
  amqp,  ///< Application properties `cloudEvents:...`.
  mqtt3,  ///< MQTT 3.1.1: structured only.
  mqtt5,  ///< User properties with the names of the attributes.
  nats,  ///< Headers `ce-...`, as those of HTTP (binding 1.0.3); a message without them is read as the JSON document (1.0.2).
  redis,  ///< Fields `ce_...` and `content-type` beside the payload.
};
[[nodiscard]] std::string_view name_of(EventBinding v) noexcept;
[[nodiscard]] std::optional<EventBinding> event_binding_from(std::string_view text) noexcept;

/// Which events go to which handler. Patterns are exact text, or have `*` for any run of characters.
struct EventSubscription {
  std::uint32_t handler{};  ///< Number of the handler in the port; several subscriptions may name the same.
  std::string type = "*";  ///< Pattern of the event's type; case counts. Exact beats a pattern, a longer pattern a shorter one.
  std::string source = "*";  ///< Pattern of its source.
  std::string subject = "*";  ///< Pattern of its subject; an event without one fits `*` only.
};
[[nodiscard]] bool operator==(const EventSubscription& a, const EventSubscription& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<EventSubscription> event_subscription_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const EventSubscription& in, NodeBuilder& out);

/// Remembers the events that were handled, by source and id, for this endpoint or consumer group alone, and acknowledges one that comes again without running its handler. What a handler refused is not remembered.
struct EventInbox {
  std::string db = "default";  ///< Which of `services.db` keeps it.
  std::uint64_t retention_ms = 604800000;  ///< How long an event is remembered.
};
[[nodiscard]] bool operator==(const EventInbox& a, const EventInbox& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<EventInbox> event_inbox_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const EventInbox& in, NodeBuilder& out);

/// A path that takes CloudEvents over HTTP and hands them to the application's event handlers.
struct EventEndpoint {
  std::string path{};  ///< Where events are posted; `/` for Knative and Cloud Functions.
  std::vector<EventSubscription> subscriptions{};  ///< Which events go to which handler; the best fit takes it.
  std::optional<std::uint32_t> handler{};  ///< Number of the handler of what no subscription takes. Null: refused with 400.
  std::vector<std::string> allowed_origins{};  ///< Senders that the webhook handshake grants (`WebHook-Request-Origin`, DNS names in any case, `*.example.com`, `*` for all). Empty: it grants none, and no origin is looked at.
  std::optional<std::uint32_t> allowed_rate{};  ///< What the handshake grants; requests beyond it get 429. It counts in each process. Null: no limit (`*`).
  std::vector<std::string> callback_hosts{};  ///< Hosts to which a `WebHook-Request-Callback` may be sent (`example.com`, `*.example.com`, with `:port` where it is not 443). A handshake that names such a host is granted by the callback, any other at once.
  bool callback_plain = false;  ///< Callbacks over plain http: are allowed as well (tests).
  std::uint32_t max_batch = 5000;  ///< Events of one batch; more gets 413.
  std::uint32_t batch_concurrency = 16;  ///< Events of one batch in hand at once; they begin in their order.
  std::optional<std::uint32_t> timeout_ms{};  ///< Time-out of a request; null for the HTTP server's.
  std::optional<EventInbox> inbox{};  ///< Handles an event once; null for at least once.
};
[[nodiscard]] bool operator==(const EventEndpoint& a, const EventEndpoint& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<EventEndpoint> event_endpoint_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const EventEndpoint& in, NodeBuilder& out);

/// A subscription to a broker whose messages are CloudEvents.
struct EventConsumer {
  Consumer consumer{};  ///< The consumer of the messages.
  EventBinding binding = EventBinding::automatic;  ///< How events are laid out in its messages.
  std::vector<EventSubscription> subscriptions{};  ///< Which events go to which handler; the best fit takes it.
  std::optional<std::uint32_t> handler{};  ///< Number of the handler of what no subscription takes. Null: to the dead letter.
  std::string reply{};  ///< Which of `services.events` takes the events that handlers answer with. Empty: an answer is a failure.
  std::optional<EventInbox> inbox{};  ///< Handles an event once; null for at least once.
};
[[nodiscard]] bool operator==(const EventConsumer& a, const EventConsumer& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<EventConsumer> event_consumer_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const EventConsumer& in, NodeBuilder& out);

/// When a failed delivery is tried again.
struct EventRetry {
  std::uint32_t max_retries = 5;  ///< Tries after the first.
  std::uint32_t initial_ms = 200;  ///< Wait before the first retry. A longer Retry-After of the receiver wins.
  std::uint32_t factor_percent = 200;  ///< Each wait is this part of the one before.
  std::uint32_t max_ms = 30000;  ///< The longest wait, Retry-After included.
  std::uint32_t jitter_percent = 20;  ///< Takes off up to this part of a wait, at random.
};
[[nodiscard]] bool operator==(const EventRetry& a, const EventRetry& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<EventRetry> event_retry_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const EventRetry& in, NodeBuilder& out);

/// Where an application sends events.
struct EventSender {
  std::string url{};  ///< An `http:` or `https:` URL, or `messaging:CLIENT/TOPIC` for a broker of `services.messaging`. `K_SINK` of the environment (Knative) sets that of `default`.
  EventMode mode = EventMode::binary;  ///< How events are laid out. Batches are always structured.
  EventBinding binding = EventBinding::automatic;  ///< How they are laid out in a broker's messages.
  std::string source{};  ///< The `source` of events that have none.
  std::map<std::string, std::string> extensions{};  ///< Attributes that every event gets; they replace its own. `K_CE_OVERRIDES` of the environment sets those of `default` beside `K_SINK`.
  std::string origin{};  ///< Value of `WebHook-Request-Origin`; empty: not sent.
  std::map<std::string, std::string> headers{};  ///< Further headers of every request, such as Authorization. Values are kept out of logs.
  std::uint32_t timeout_ms = 10000;  ///< The longest a try may take.
  EventRetry retry{};  ///< When a failed delivery is tried again.
};
[[nodiscard]] bool operator==(const EventSender& a, const EventSender& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<EventSender> event_sender_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const EventSender& in, NodeBuilder& out);

}  // namespace spikard::services
