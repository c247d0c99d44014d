#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/function.hpp"
#include "base/result.hpp"
#include "cloudevents/dispatch.hpp"
#include "cloudevents/message.hpp"
#include "cloudevents/sink.hpp"
#include "http/problem.hpp"
#include "http/sink.hpp"
#include "net/loop/loop.hpp"
#include "services/cloudevents.gen.hpp"
#include "services/http.gen.hpp"
#include "telemetry/provider.hpp"

namespace spikard::app {

class EventGate;

/// The span of an event's handling (semantic conventions of CloudEvents), below `parent`, with a link to the trace that the event
/// itself names (its `traceparent`). What becomes of it is told by `end_event_span`.
[[nodiscard]] telemetry::Span event_span(const telemetry::Tracer& tracer, std::string_view verb, telemetry::SpanKind kind,
                                         const telemetry::SpanContext& parent, const cloudevents::Event& event);
void end_event_span(telemetry::Span& span, const cloudevents::EventOutcome& outcome);

/// A rate in requests a minute, shared by all loops of a process: a full minute's worth may come at once. Thread-safe.
class MinuteRate {
 public:
  explicit MinuteRate(std::optional<std::uint32_t> per_minute) noexcept;
  /// Zero: it may pass. Else how long to wait.
  [[nodiscard]] Duration take(Instant now) noexcept;

 private:
  std::int64_t interval_ns_;  // 0: no limit
  std::atomic<std::int64_t> due_ns_{INT64_MIN};
};

/// The manifest's `events`, compiled; one for all loops of an application. Each endpoint has two routes of the HTTP server, POST
/// and OPTIONS, behind those of the manifest.
class EventEndpoints {
 public:
  struct Endpoint {
    explicit Endpoint(services::EventEndpoint of_config);
    /// The name of its routes, and who it is in an inbox.
    [[nodiscard]] std::string name() const { return "events " + config.path; }
    services::EventEndpoint config;
    cloudevents::Dispatch dispatch;
    MinuteRate rate;
    /// `origin` may send: it, `*` or a `*.` pattern of it is in allowed_origins.
    [[nodiscard]] bool allows(std::string_view origin) const noexcept;
    /// Whether a callback may go to this URL.
    [[nodiscard]] bool calls_back(std::string_view url) const noexcept;
  };

  /// Appends the routes to `http`. Errors: invalid_argument naming the field (`events[0].path`).
  [[nodiscard]] static Result<std::shared_ptr<EventEndpoints>> create(const std::vector<services::EventEndpoint>& endpoints,
                                                                      services::HttpConfig& http);

  [[nodiscard]] bool is_route(std::uint32_t route) const noexcept { return route >= first_route_; }
  [[nodiscard]] Endpoint& of_route(std::uint32_t route) noexcept { return *endpoints_[(route - first_route_) / 2]; }
  [[nodiscard]] const std::string& problem_base() const noexcept { return problem_base_; }

 private:
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  std::uint32_t first_route_ = 0;
  std::string problem_base_;
};

/// What the endpoints of one loop need beyond the handlers. May be empty.
struct EventHttpOptions {
  /// Grants a handshake by its callback: a GET of this URL. Called on the loop's thread.
  Function<void(std::string url, std::string allowed_rate)> call_back{};
  /// Whether an event is new (inbox); null where no endpoint has one.
  std::shared_ptr<EventGate> gate{};
  telemetry::Tracer tracer{};
};

/// CloudEvents over HTTP on one loop (bindings/http-protocol-binding.md and http-webhook.md 1.0.2): takes the event routes out of
/// the server's requests and hands the events to the application's EventSink; everything else goes to `inner`.
///
/// | outcome | answer |
/// | --- | --- |
/// | ack | 204 |
/// | reply | 200, the event in binary mode (several of a batch: as a batch) |
/// | nack | 400: what neither Knative nor Event Grid tries again |
/// | retry | 503 with Retry-After |
/// | fail | 500 |
///
/// A batch has one answer: that of its worst outcome.
class EventHttpSink final : public http::Sink, public cloudevents::EventSource {
 public:
  /// `inner` and `handlers` outlive it.
  EventHttpSink(net::Loop& loop, std::shared_ptr<EventEndpoints> endpoints, http::Sink& inner, cloudevents::EventSink& handlers,
                EventHttpOptions options);
  ~EventHttpSink() override;

  // http::Sink
  void on_request(http::Exchange& exchange) override;
  void on_chunk(http::Exchange& exchange, http::BodyChunk chunk) override { inner_.on_chunk(exchange, std::move(chunk)); }
  void on_cancel(http::Exchange& exchange, CancelReason reason) override;
  void on_credit(http::Exchange& exchange) override;
  void on_hook(http::Exchange& exchange, http::HookPhase phase, std::uint32_t hook) override {
    inner_.on_hook(exchange, phase, hook);
  }
  void on_factory(http::Exchange& exchange, std::uint32_t dependency, std::span<const std::uint64_t> arguments) override {
    inner_.on_factory(exchange, dependency, arguments);
  }
  void on_dispose(http::Exchange& exchange, std::uint32_t dependency, std::uint64_t token) override {
    inner_.on_dispose(exchange, dependency, token);
  }
  void on_batch_end() override { inner_.on_batch_end(); }
  void on_close() override;

  // cloudevents::EventSource, on the loop's thread
  void complete(std::uint64_t ticket, cloudevents::EventOutcome outcome) override;

 private:
  using Endpoint = EventEndpoints::Endpoint;
  struct Request;
  struct Ticket {
    std::shared_ptr<Request> request;
    std::size_t index = 0;
    std::shared_ptr<telemetry::Span> span{};  // null where telemetry is off
  };

  void handshake(http::Exchange& exchange, Endpoint& endpoint);
  void post(http::Exchange& exchange, Endpoint& endpoint);
  [[nodiscard]] bool validates_subscription(http::Exchange& exchange, Endpoint& endpoint,
                                            std::span<const cloudevents::FieldView> headers, std::string_view body);
  void start(const std::shared_ptr<Request>& request);
  void deliver(const std::shared_ptr<Request>& request, std::size_t index);
  void settled(const std::shared_ptr<Request>& request, cloudevents::EventOutcome outcome);
  void answer(Request& request);
  void problem(http::Exchange& exchange, const http::ProblemKind& kind, std::string_view detail,
               std::span<const http::HeaderField> headers = {});
  void refuse(http::Exchange& exchange, const Error& error);

  net::Loop& loop_;
  std::shared_ptr<EventEndpoints> endpoints_;
  http::Sink& inner_;
  cloudevents::EventSink& handlers_;
  EventHttpOptions options_;
  std::unordered_map<std::uint64_t, std::shared_ptr<Request>> requests_;  // by exchange id
  std::unordered_map<std::uint64_t, Ticket> tickets_;
  std::uint64_t next_ticket_ = 1;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace spikard::app
