#include "app/cloudevents_http.hpp"

#include <algorithm>
#include <chrono>
#include <set>

#include "app/cloudevents_gate.hpp"
#include "base/json.hpp"
#include "cloudevents/json_format.hpp"
#include "cloudevents/text.hpp"
#include "telemetry/propagation.hpp"

namespace spikard::app {
namespace {

using cloudevents::EventOutcome;
using cloudevents::FieldView;
using Kind = EventOutcome::Kind;
namespace text = cloudevents::detail;

constexpr std::string_view event_grid = "eventgrid.azure.net";
constexpr std::string_view event_grid_validation = "Microsoft.EventGrid.SubscriptionValidationEvent";

std::string_view header(const http::RequestRecord& record, std::string_view name) noexcept {
  for (const http::ViewPair* pair = record.header_begin(); pair != record.header_end(); ++pair) {
    if (record.text(pair->name) == name) return record.text(pair->value);
  }
  return {};
}

/// `*`, the name itself, or `*.` and a name below it; any case.
bool host_fits(std::string_view pattern, std::string_view host) noexcept {
  if (pattern == "*") return true;
  if (!pattern.starts_with("*.")) return text::equals_ignoring_case(pattern, host);
  const std::string_view tail = pattern.substr(1);
  return host.size() > tail.size() && text::equals_ignoring_case(host.substr(host.size() - tail.size()), tail);
}

/// Whole seconds, never early.
std::string retry_after(Duration wait) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(std::max(wait, Duration::zero())).count();
  return std::to_string(seconds);
}

/// How bad an outcome is for the sender of a batch.
int severity(Kind kind) noexcept {
  switch (kind) {
    case Kind::ack:
    case Kind::reply: return 0;
    case Kind::nack: return 1;
    case Kind::retry: return 2;
    case Kind::timeout:
    case Kind::fail: return 3;
  }
  return 3;
}

}  // namespace

telemetry::Span event_span(const telemetry::Tracer& tracer, std::string_view verb, telemetry::SpanKind kind,
                           const telemetry::SpanContext& parent, const cloudevents::Event& event) {
  if (!tracer) return telemetry::Span(parent);
  telemetry::Span span = tracer.start("CloudEvents " + std::string(verb) + " " + event.type, kind, parent);
  if (span.recording()) {
    span.set("cloudevents.event_id", event.id);
    span.set("cloudevents.event_source", event.source);
    span.set("cloudevents.event_type", event.type);
    span.set("cloudevents.event_spec_version", cloudevents::spec_version);
    if (!event.subject.empty()) span.set("cloudevents.event_subject", event.subject);
    if (const auto origin = telemetry::parse_traceparent(event.attribute("traceparent"))) span.link(*origin);
  }
  return span;
}

void end_event_span(telemetry::Span& span, const EventOutcome& outcome) {
  if (outcome.kind == Kind::fail) {
    span.exception(outcome.type, outcome.message);
    span.set("error.type", outcome.type);
    span.status(telemetry::SpanStatus::error);
  } else if (outcome.kind == Kind::nack || outcome.kind == Kind::timeout) {
    span.set("error.type", outcome.kind == Kind::nack ? "rejected" : "timeout");
    span.status(telemetry::SpanStatus::error);
  }
  span.end();
}

MinuteRate::MinuteRate(std::optional<std::uint32_t> per_minute) noexcept
    : interval_ns_(per_minute ? std::int64_t{60'000'000'000} / *per_minute : 0) {}

Duration MinuteRate::take(Instant now) noexcept {
  if (interval_ns_ == 0) return {};
  // Generic cell rate: `due` is when the last one let through would have been due at an even pace.
  const std::int64_t at = std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
  const std::int64_t ahead = std::int64_t{60'000'000'000} - interval_ns_;
  std::int64_t due = due_ns_.load(std::memory_order_relaxed);
  for (;;) {
    const std::int64_t from = std::max(due, at);
    if (from - at > ahead) return std::chrono::nanoseconds(from - at - ahead);
    if (due_ns_.compare_exchange_weak(due, from + interval_ns_, std::memory_order_relaxed)) return {};
  }
}

EventEndpoints::Endpoint::Endpoint(services::EventEndpoint of_config)
    : config(std::move(of_config)), dispatch(config.subscriptions, config.handler), rate(config.allowed_rate) {}

bool EventEndpoints::Endpoint::allows(std::string_view origin) const noexcept {
  return !origin.empty() && std::any_of(config.allowed_origins.begin(), config.allowed_origins.end(),
                                        [&](const std::string& pattern) { return host_fits(pattern, origin); });
}

bool EventEndpoints::Endpoint::calls_back(std::string_view url) const noexcept {
  std::size_t scheme = 0;
  if (text::starts_ignoring_case(url, "https://")) scheme = 8;
  else if (config.callback_plain && text::starts_ignoring_case(url, "http://")) scheme = 7;
  if (scheme == 0) return false;
  const std::string_view authority = url.substr(scheme, url.find_first_of("/?#", scheme) - scheme);
  if (authority.find('@') != std::string_view::npos) return false;
  return std::any_of(config.callback_hosts.begin(), config.callback_hosts.end(),
                     [&](const std::string& pattern) { return host_fits(pattern, authority); });
}

Result<std::shared_ptr<EventEndpoints>> EventEndpoints::create(const std::vector<services::EventEndpoint>& endpoints,
                                                               services::HttpConfig& http) {
  auto self = std::make_shared<EventEndpoints>();
  self->first_route_ = static_cast<std::uint32_t>(http.routes.size());
  self->problem_base_ = http.problem_base;
  std::set<std::string> paths;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const std::string where = "events[" + std::to_string(i) + "]";
    const services::EventEndpoint& config = endpoints[i];
    if (!paths.insert(config.path).second) return invalid_argument(where + ".path: another endpoint has it");
    for (const services::Route& route : http.routes) {
      if (route.path == config.path &&
          (route.method == services::HttpMethod::post || route.method == services::HttpMethod::options))
        return invalid_argument(where + ".path: a route of http.routes has it, with POST or OPTIONS");
    }
    if (config.subscriptions.empty() && !config.handler)
      return invalid_argument(where + ": expected subscriptions, or a handler for every event");
    self->endpoints_.push_back(std::make_unique<Endpoint>(config));
  }
  // No declared body: it is buffered within the server's limit and left as it is.
  for (const std::unique_ptr<Endpoint>& endpoint : self->endpoints_) {
    services::Route route;
    route.path = endpoint->config.path;
    route.name = endpoint->name();
    route.timeout_ms = endpoint->config.timeout_ms;
    route.method = services::HttpMethod::post;
    http.routes.push_back(route);
    route.method = services::HttpMethod::options;
    http.routes.push_back(std::move(route));
  }
  return self;
}

/// One POST in hand.
struct EventHttpSink::Request {
  http::Exchange* exchange = nullptr;
  std::uint64_t id = 0;
  Endpoint* endpoint = nullptr;
  std::vector<std::shared_ptr<const cloudevents::Event>> events;
  std::vector<std::uint32_t> handlers;  // by event
  telemetry::SpanContext trace;
  std::size_t next = 0;
  std::size_t in_hand = 0;
  bool starting = false;
  bool cancelled = false;
  EventOutcome worst;
  std::vector<cloudevents::Event> replies;
};

EventHttpSink::EventHttpSink(net::Loop& loop, std::shared_ptr<EventEndpoints> endpoints, http::Sink& inner,
                             cloudevents::EventSink& handlers, EventHttpOptions options)
    : loop_(loop), endpoints_(std::move(endpoints)), inner_(inner), handlers_(handlers), options_(std::move(options)) {}

EventHttpSink::~EventHttpSink() { *alive_ = false; }

void EventHttpSink::on_request(http::Exchange& exchange) {
  const http::RequestRecord& record = exchange.record();
  if (!endpoints_->is_route(record.route)) return inner_.on_request(exchange);
  exchange.user = nullptr;  // not one of the inner sink's
  Endpoint& endpoint = endpoints_->of_route(record.route);
  if (record.method == http::Method::options) handshake(exchange, endpoint);
  else post(exchange, endpoint);
}

void EventHttpSink::on_credit(http::Exchange& exchange) {
  if (!endpoints_->is_route(exchange.record().route)) inner_.on_credit(exchange);
}

void EventHttpSink::on_cancel(http::Exchange& exchange, CancelReason reason) {
  // What its token has ended already has no record any more: only the id may be looked at.
  const auto found = requests_.find(exchange.id());
  if (found == requests_.end()) return inner_.on_cancel(exchange, reason);
  const std::shared_ptr<Request> request = found->second;
  request->cancelled = true;
  std::vector<std::uint64_t> tickets;
  for (const auto& [ticket, of] : tickets_) {
    if (of.request == request) tickets.push_back(ticket);
  }
  for (const std::uint64_t ticket : tickets) handlers_.on_cancel(ticket, *this, reason);
}

void EventHttpSink::on_close() {
  requests_.clear();
  tickets_.clear();
  inner_.on_close();
}

void EventHttpSink::handshake(http::Exchange& exchange, Endpoint& endpoint) {
  const http::RequestRecord& record = exchange.record();
  const std::string_view origin = text::trimmed(header(record, "webhook-request-origin"));
  if (origin.empty()) {
    const http::HeaderField allow{"allow", "OPTIONS, POST"};
    exchange.reply({.status = 204, .headers = {&allow, 1}});
    return;
  }
  const http::HeaderField allow{"allow", "POST"};
  if (!endpoint.allows(origin))
    return problem(exchange, http::problems::forbidden, "This origin may not send events here", {&allow, 1});
  const std::string rate = endpoint.config.allowed_rate ? std::to_string(*endpoint.config.allowed_rate) : "*";
  const std::string_view callback = text::trimmed(header(record, "webhook-request-callback"));
  if (!callback.empty() && options_.call_back && endpoint.calls_back(callback)) {
    // Granted by the callback: the answer says nothing (http-webhook.md 4.2).
    options_.call_back(std::string(callback), rate);
    exchange.reply({.status = 200, .headers = {&allow, 1}});
    return;
  }
  const http::HeaderField fields[] = {allow, {"webhook-allowed-origin", origin}, {"webhook-allowed-rate", rate}};
  exchange.reply({.status = 200, .headers = fields});
}

void EventHttpSink::post(http::Exchange& exchange, Endpoint& endpoint) {
  const http::RequestRecord& record = exchange.record();
  const std::string_view origin = text::trimmed(header(record, "webhook-request-origin"));
  if (!origin.empty() && !endpoint.config.allowed_origins.empty() && !endpoint.allows(origin))
    return problem(exchange, http::problems::forbidden, "This origin may not send events here");
  if (const Duration wait = endpoint.rate.take(loop_.now()); wait > Duration::zero()) {
    const std::string seconds = retry_after(wait);
    const http::HeaderField after{"retry-after", seconds};
    return problem(exchange, http::problems::too_many_requests, "More requests a minute than were granted", {&after, 1});
  }
  std::vector<FieldView> headers;
  headers.reserve(record.headers.len);
  for (const http::ViewPair* pair = record.header_begin(); pair != record.header_end(); ++pair)
    headers.push_back({record.text(pair->name), record.text(pair->value)});
  const std::string_view body = record.text(record.body);
  if (validates_subscription(exchange, endpoint, headers, body)) return;
  auto decoded = cloudevents::decode_http(headers, body, endpoint.config.max_batch);
  if (!decoded.ok()) return refuse(exchange, decoded.error());
  auto request = std::make_shared<Request>();
  request->exchange = &exchange;
  request->id = exchange.id();
  request->endpoint = &endpoint;
  request->trace = exchange.trace();
  for (cloudevents::Event& event : decoded->events) {
    const std::optional<std::uint32_t> handler = endpoint.dispatch.handler_of(event);
    if (!handler)
      return problem(exchange, http::problems::bad_request, "No handler takes events of this type, source and subject");
    request->handlers.push_back(*handler);
    request->events.push_back(std::make_shared<const cloudevents::Event>(std::move(event)));
  }
  requests_.emplace(request->id, request);
  start(request);
}

bool EventHttpSink::validates_subscription(http::Exchange& exchange, Endpoint& endpoint, std::span<const FieldView> headers,
                                           std::string_view body) {
  // Event Grid's own schema says it in a header; as a CloudEvent it is the type.
  const bool said = text::equals_ignoring_case(header(exchange.record(), "aeg-event-type"), "SubscriptionValidation");
  if (!said && body.find(event_grid_validation) == std::string_view::npos) return false;
  auto document = json::parse(body);
  if (!document.ok()) return false;
  Value event = document->root();
  if (event.is_array() && event.size() == 1) event = event.at(0);
  if (!event.is_object()) return false;
  const Value type = event.find("eventType") ? event.find("eventType") : event.find("type");
  if (!type.is_string() || type.text() != event_grid_validation) {
    // In binary mode the type is a header and the body its data.
    const auto by_header = std::find_if(headers.begin(), headers.end(), [](const FieldView& f) { return f.name == "ce-type"; });
    if (by_header == headers.end() || by_header->value != event_grid_validation) return false;
  } else {
    event = event.find("data");
  }
  const Value code = event.is_object() ? event.find("validationCode") : Value();
  if (!code.is_string()) return false;
  if (!endpoint.allows(event_grid)) {
    problem(exchange, http::problems::forbidden, "This origin may not send events here");
    return true;
  }
  std::string answer;
  json::Writer out(answer);
  out.begin_object();
  out.key("validationResponse");
  out.string(code.text());
  out.end_object();
  exchange.reply({.status = 200, .format = http::BodyFormat::json, .body = answer});
  return true;
}

void EventHttpSink::start(const std::shared_ptr<Request>& request) {
  if (request->starting) return;  // an outcome came from inside on_event: the loop below goes on
  request->starting = true;
  while (!request->cancelled && request->next < request->events.size() &&
         request->in_hand < request->endpoint->config.batch_concurrency) {
    ++request->in_hand;
    const std::size_t index = request->next++;
    const std::optional<services::EventInbox>& inbox = request->endpoint->config.inbox;
    if (!inbox || options_.gate == nullptr) {
      deliver(request, index);
      continue;
    }
    Task<Result<bool>> asked = options_.gate->is_new(loop_, *inbox, request->endpoint->name(), request->events[index]);
    spawn(std::move(asked), [this, request, index, alive = alive_](std::exception_ptr error, std::optional<Result<bool>> is_new) {
      if (!*alive) return;
      if (error || !is_new->ok())
        return settled(request, EventOutcome::fail("inbox", error ? "an exception" : is_new->error().to_string()));
      if (!**is_new) return settled(request, EventOutcome::ack());
      if (request->cancelled) return settled(request, EventOutcome::retry(Duration::zero()));  // nobody waits any more
      deliver(request, index);
    });
  }
  request->starting = false;
  if (request->in_hand == 0 && (request->cancelled || request->next == request->events.size())) answer(*request);
}

void EventHttpSink::deliver(const std::shared_ptr<Request>& request, std::size_t index) {
  if (requests_.find(request->id) == requests_.end()) return;  // closed meanwhile
  const std::uint64_t ticket = next_ticket_++;
  Ticket entry{request, index};
  cloudevents::Delivery delivery;
  delivery.event = request->events[index];
  delivery.handler = request->handlers[index];
  delivery.trace = request->trace;
  if (options_.tracer) {
    entry.span = std::make_shared<telemetry::Span>(
        event_span(options_.tracer, "Process", telemetry::SpanKind::consumer, request->trace, *request->events[index]));
    delivery.trace = entry.span->context();
  }
  tickets_.emplace(ticket, std::move(entry));
  handlers_.on_event(ticket, std::move(delivery), *this);
}

void EventHttpSink::complete(std::uint64_t ticket, EventOutcome outcome) {
  const auto found = tickets_.find(ticket);
  if (found == tickets_.end()) return;
  const Ticket of = found->second;
  tickets_.erase(found);
  if (of.span != nullptr) end_event_span(*of.span, outcome);
  const std::optional<services::EventInbox>& inbox = of.request->endpoint->config.inbox;
  if (!inbox || options_.gate == nullptr || severity(outcome.kind) > 0) return settled(of.request, std::move(outcome));
  Task<Result<void>> noted = options_.gate->handled(loop_, *inbox, of.request->endpoint->name(), of.request->events[of.index]);
  spawn(std::move(noted), [this, of, outcome = std::move(outcome), alive = alive_](std::exception_ptr error,
                                                                                   std::optional<Result<void>> done) mutable {
    if (!*alive) return;
    // What is not remembered comes again: then the sender must know nothing was acknowledged.
    if (error || !done->ok()) outcome = EventOutcome::fail("inbox", error ? "an exception" : done->error().to_string());
    settled(of.request, std::move(outcome));
  });
}

void EventHttpSink::settled(const std::shared_ptr<Request>& request, EventOutcome outcome) {
  if (requests_.find(request->id) == requests_.end()) return;  // closed meanwhile
  --request->in_hand;
  if (outcome.kind == Kind::reply && outcome.event) request->replies.push_back(std::move(*outcome.event));
  const int now = severity(outcome.kind);
  const int before = severity(request->worst.kind);
  if (now > before || (now == before && outcome.after > request->worst.after)) request->worst = std::move(outcome);
  start(request);
}

void EventHttpSink::answer(Request& request) {
  http::Exchange& exchange = *request.exchange;
  const EventOutcome worst = std::move(request.worst);
  const std::vector<cloudevents::Event> replies = std::move(request.replies);
  requests_.erase(request.id);  // `request` lives in its callers' hands
  switch (worst.kind) {
    case Kind::nack: return problem(exchange, http::problems::bad_request, "The event was refused");
    case Kind::retry: {
      const std::string seconds = retry_after(worst.after);
      const http::HeaderField after{"retry-after", seconds};
      return problem(exchange, http::problems::service_unavailable, "The event cannot be handled now", {&after, 1});
    }
    case Kind::timeout: return problem(exchange, http::problems::service_unavailable, "The event cannot be handled now");
    case Kind::fail: return exchange.fail({worst.type, worst.message, worst.trace});
    case Kind::ack:
    case Kind::reply: break;
  }
  if (replies.empty()) return exchange.reply({.status = 204});
  auto message =
      replies.size() == 1 ? cloudevents::encode_http(replies[0], cloudevents::Mode::binary) : cloudevents::encode_http(replies);
  if (!message.ok()) return exchange.fail({"invalid_event", "the reply: " + message.error().message(), {}});
  std::vector<http::HeaderField> fields;
  for (const auto& [name, value] : message->headers) fields.push_back({name, value});
  exchange.reply({.status = 200, .headers = fields, .body = message->body});
}

void EventHttpSink::refuse(http::Exchange& exchange, const Error& error) {
  if (error.detail() == "unknown_format") return problem(exchange, http::problems::unsupported_media_type, error.message());
  if (error.detail() == "unsupported_charset") return problem(exchange, http::problems::unsupported_charset, error.message());
  if (error.kind() == ErrorKind::too_large) return problem(exchange, http::problems::payload_too_large, error.message());
  problem(exchange, http::problems::bad_request, error.message());
}

void EventHttpSink::problem(http::Exchange& exchange, const http::ProblemKind& kind, std::string_view detail,
                            std::span<const http::HeaderField> headers) {
  std::string body;
  http::append_problem(body, endpoints_->problem_base(), kind, detail);
  std::vector<http::HeaderField> fields{{"content-type", http::problem_media_type}};
  fields.insert(fields.end(), headers.begin(), headers.end());
  exchange.reply({.status = kind.status, .headers = fields, .body = body});
}

}  // namespace spikard::app
