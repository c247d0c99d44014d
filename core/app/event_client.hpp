#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/http_clients.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "cloudevents/message.hpp"
#include "messaging/client.hpp"
#include "net/operation_target.hpp"
#include "services/cloudevents.gen.hpp"

namespace spikard::app {

/// What EventClient takes from around it.
struct EventClientOptions {
  EventClientOptions() = default;
  std::string name = "default";       ///< of `services.events`
  std::shared_ptr<HttpClients> http;  ///< for http: and https: targets
  telemetry::Tracer tracer{};
  /// A broker of `services.messaging` and the scheme of its URL, by name; null for one that is not there.
  std::function<std::pair<std::shared_ptr<messaging::Client>, std::string>(const std::string&)> broker{};
};

struct EventSent {
  std::vector<std::string> ids;
  std::uint16_t status = 0;  ///< HTTP: the one that took it
  std::uint32_t attempts = 0;
  std::optional<cloudevents::Event> reply;
};

/// Sends events: over HTTP with retries (Knative sinks, Event Grid, any webhook), or as messages of a broker. At least once: a
/// try whose outcome is not known is made again, and receivers dedupe by source and id. Thread-safe; a call works on its caller's
/// loop.
///
///     Event event("com.example.order.placed", "", "");
///     event.set_json(order);
///     co_await client->send(caller, std::move(event));   // id, source and time are filled in
class EventClient final {
 public:
  /// Errors: invalid_argument naming the field (`services.events.NAME.url`).
  [[nodiscard]] static Result<std::shared_ptr<EventClient>> create(services::EventSender config, EventClientOptions options);

  /// `mode`: binary or structured; nothing: as configured. `key`: of a broker's message; empty: the event's partitionkey.
  /// Errors: invalid_argument (no valid event, or the receiver says so: 400, 415, 3xx), permission_denied (401, 403), not_found
  /// (404, 410), too_large (413), and after the last retry unavailable, rate_limited or timeout.
  [[nodiscard]] Task<Result<EventSent>> send(net::Caller caller, cloudevents::Event event,
                                             std::optional<cloudevents::Mode> mode = std::nullopt, std::string key = {});
  /// HTTP: as one batch. Broker: one message each, published together.
  [[nodiscard]] Task<Result<EventSent>> send_batch(net::Caller caller, std::vector<cloudevents::Event> events);

  /// `event` with what `send` fills in: a missing id is a UUID, a missing source the configured one, a missing time now.
  void complete(const Clock& clock, cloudevents::Event& event) const;
  [[nodiscard]] const services::EventSender& config() const noexcept { return config_; }

 private:
  EventClient(services::EventSender config, EventClientOptions options);
  [[nodiscard]] Task<Result<EventSent>> deliver(net::Caller caller, cloudevents::HttpMessage message);
  [[nodiscard]] Task<Result<EventSent>> publish(net::Caller caller, std::vector<cloudevents::Event> events,
                                                cloudevents::Mode mode, std::string key);
  [[nodiscard]] Duration wait_before(std::uint32_t retry, std::optional<Duration> told) noexcept;
  [[nodiscard]] double random() noexcept;

  services::EventSender config_;
  EventClientOptions options_;
  std::vector<std::pair<std::string, cloudevents::AttributeValue>> overrides_;
  std::shared_ptr<messaging::Client> broker_;
  std::string topic_;
  cloudevents::Binding binding_ = cloudevents::Binding::redis;
  std::atomic<std::uint64_t> random_{0};
};

/// A random UUID (RFC 9562, version 4).
[[nodiscard]] std::string random_uuid();
/// Retry-After in seconds or as a date (RFC 9110 section 10.2.3); nothing when it is neither.
[[nodiscard]] std::optional<Duration> parse_retry_after(std::string_view text, WallTime now);

}  // namespace spikard::app
