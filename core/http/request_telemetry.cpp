#include "http/request_telemetry.hpp"

#include "base/redact.hpp"
#include "http/plan.hpp"
#include "telemetry/propagation.hpp"

namespace spikard::http::detail {
namespace {

using telemetry::SpanStatus;

std::string_view method_text(Method method) noexcept {
  switch (method) {
    case Method::get: return "GET";
    case Method::head: return "HEAD";
    case Method::post: return "POST";
    case Method::put: return "PUT";
    case Method::patch: return "PATCH";
    case Method::del: return "DELETE";
    case Method::options: return "OPTIONS";
    case Method::trace: return "TRACE";
    case Method::connect: return "CONNECT";
    case Method::other: return "_OTHER";
  }
  return "_OTHER";
}

/// `127.0.0.1:4711`, `[::1]:4711`, `unix:`, `example.com`.
struct Authority {
  std::string_view host;
  std::int64_t port = 0;  // 0: none
};
Authority split(std::string_view text) noexcept {
  const auto colon = text.rfind(':');
  const auto bracket = text.rfind(']');
  Authority out{text};
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket) && colon + 1 < text.size()) {
    std::int64_t port = 0;
    bool digits = true;
    for (const char c : text.substr(colon + 1)) {
      digits = digits && c >= '0' && c <= '9' && port < 65536;
      port = port * 10 + (c - '0');
    }
    if (digits && port < 65536) out = {text.substr(0, colon), port};
  }
  if (out.host.size() > 2 && out.host.front() == '[' && out.host.back() == ']')
    out.host = out.host.substr(1, out.host.size() - 2);
  return out;
}

/// The conventions' list of signatures in queries, and what is secret by its name, without their values.
std::string redacted_query(std::string_view query) {
  std::string out;
  for (std::string_view rest = query;;) {
    const auto amp = rest.find('&');
    const std::string_view one = rest.substr(0, amp);
    const auto equals = one.find('=');
    const std::string_view name = one.substr(0, equals);
    const bool secret = name == "AWSAccessKeyId" || name == "Signature" || name == "signature" || name == "sig" ||
                        name == "X-Goog-Signature" || name == "X-Amz-Signature" || is_secret_name(name);
    if (secret && equals != std::string_view::npos) out.append(name).append("=REDACTED");
    else out.append(one);
    if (amp == std::string_view::npos) return out;
    out.push_back('&');
    rest.remove_prefix(amp + 1);
  }
}

struct Carrier {
  std::string_view traceparent;
  std::string_view tracestate;
  std::string_view baggage;
  std::string_view host;
  std::string_view user_agent;
  int traceparents = 0;
  std::string joined_state;    // of several lines
  std::string joined_baggage;  // of several lines
};

void join(std::string_view& one, std::string& joined, std::string_view more) {
  if (one.empty()) {
    one = more;
    return;
  }
  if (joined.empty()) joined.assign(one);
  joined.append(",").append(more);
  one = joined;
}

/// One pass; most names are told apart by their length.
void read(const RequestRecord& record, Carrier& out) {
  for (const ViewPair* pair = record.header_begin(); pair != record.header_end(); ++pair) {
    const std::string_view name = record.text(pair->name);
    switch (name.size()) {
      case 4:
        if (name == "host") out.host = record.text(pair->value);
        break;
      case 7:
        if (name == "baggage") join(out.baggage, out.joined_baggage, record.text(pair->value));
        break;
      case 10:
        if (name == "user-agent") out.user_agent = record.text(pair->value);
        else if (name == "tracestate") join(out.tracestate, out.joined_state, record.text(pair->value));
        break;
      case 11:
        if (name == "traceparent") {
          out.traceparent = record.text(pair->value);
          ++out.traceparents;
        }
        break;
      default: break;
    }
  }
}

telemetry::SpanContext context_of(const Carrier& carrier) {
  if (carrier.traceparents == 0 && carrier.baggage.empty()) return {};
  return telemetry::extract(carrier.traceparents == 1 ? carrier.traceparent : std::string_view(), carrier.tracestate,
                            carrier.baggage);
}

}  // namespace

telemetry::SpanContext trace_of(const RequestRecord& record) {
  Carrier carrier;
  read(record, carrier);
  return context_of(carrier);
}

RequestTelemetry::RequestTelemetry(std::shared_ptr<telemetry::Provider> provider, const Compiled& plan, net::Loop& loop)
    : provider_(std::move(provider)),
      plan_(plan),
      loop_(loop),
      duration_(provider_->metrics().histogram("http.server.request.duration", "s", "Duration of HTTP server requests.")) {
  for (auto& one : active_) one.store(-1, std::memory_order_relaxed);
  provider_->metrics().observe(this, "http.server.active_requests", "{request}", "Number of active HTTP server requests.",
                               telemetry::MetricType::up_down_counter, [this](telemetry::Observation& out) {
                                 for (std::size_t i = 0; i < active_.size(); ++i) {
                                   const std::int64_t count = active_[i].load(std::memory_order_relaxed);
                                   if (count < 0) continue;
                                   out.observe(
                                       static_cast<double>(count),
                                       {{"http.request.method", method_text(static_cast<Method>(i / 2))},
                                        {"url.scheme", i % 2 != 0 ? std::string_view("https") : std::string_view("http")}});
                                 }
                               });
}

RequestTelemetry::~RequestTelemetry() { provider_->metrics().forget(this); }

void RequestTelemetry::active(const State& state, std::int64_t by) noexcept {
  std::atomic<std::int64_t>& count = active_[2 * static_cast<std::size_t>(state.method) + (state.tls ? 1 : 0)];
  const std::int64_t before = count.load(std::memory_order_relaxed);
  count.store((before < 0 ? 0 : before) + by, std::memory_order_relaxed);
}

void RequestTelemetry::begin(State& state, const RequestRecord& record, const RoutePlan* route, bool tls,
                             std::string_view original) {
  state.begun = loop_.now();
  state.method = record.method;
  state.tls = tls;
  state.route = route != nullptr ? route->id : UINT32_MAX;
  state.open = true;
  state.failed = false;
  active(state, 1);
  Carrier carrier;
  read(record, carrier);
  const telemetry::SpanContext parent = context_of(carrier);
  if (turn_ != state.begun) {  // the clocks are read once a turn
    turn_ = state.begun;
    turn_wall_ = loop_.clock().wall() - (loop_.clock().now() - turn_);
  }
  const std::string_view method = method_text(record.method);
  const std::string_view path = route != nullptr ? std::string_view(plan_.config.routes[route->id].path) : std::string_view();
  name_.assign(record.method == Method::other ? std::string_view("HTTP") : method);
  if (!path.empty()) name_.append(" ").append(path);
  state.span = provider_->start_at(name_, telemetry::SpanKind::server, parent, state.begun, turn_wall_);
  telemetry::Span& span = state.span;
  if (!span.recording()) return;
  span.set("http.request.method", method);
  if (record.method == Method::other && !original.empty()) span.set("http.request.method_original", original);
  if (!path.empty()) span.set("http.route", path);
  span.set("url.path", record.text(record.path));
  span.set("url.scheme", tls ? std::string_view("https") : std::string_view("http"));
  if (record.query.len != 0) span.set("url.query", redacted_query(record.text(record.query)));
  span.set("network.protocol.version", record.version == 10 ? std::string_view("1.0") : std::string_view("1.1"));
  if (!carrier.host.empty()) {
    const Authority server = split(carrier.host);
    span.set("server.address", server.host);
    if (server.port != 0) span.set("server.port", server.port);
  }
  if (const Authority peer = split(record.text(record.peer)); peer.port != 0) {
    span.set("client.address", peer.host);
    span.set("network.peer.address", peer.host);
    span.set("network.peer.port", peer.port);
  }
  if (!carrier.user_agent.empty()) span.set("user_agent.original", carrier.user_agent);
}

void RequestTelemetry::failure(State& state, const Failure& failure) {
  if (!state.open || !state.span.recording()) return;
  if (!state.failed) {
    state.failed = true;
    if (!failure.type.empty()) state.span.set("error.type", failure.type);
    else state.failed = false;  // the status will say it
  }
  state.span.exception(failure.type, redact_urls(failure.message), failure.trace);
}

void RequestTelemetry::end(State& state, std::uint16_t status) {
  if (!state.open) return;
  finish(state, status, {});
}

void RequestTelemetry::cut(State& state, std::uint16_t status, std::string_view why) {
  if (!state.open) return;
  finish(state, status, why);
}

void RequestTelemetry::finish(State& state, std::uint16_t status, std::string_view error_type) {
  state.open = false;
  active(state, -1);
  const Instant now = loop_.clock().now();
  const bool error = status >= 500 || !error_type.empty();
  const std::uint64_t cut = error_type.empty() ? 0U : error_type == "aborted" ? 1U : 4U;
  char digits[4] = {static_cast<char>('0' + status / 100 % 10), static_cast<char>('0' + status / 10 % 10),
                    static_cast<char>('0' + status % 10), 0};
  if (error && error_type.empty()) error_type = {digits, 3};
  telemetry::Span& span = state.span;
  if (span.recording()) {
    if (status != 0) span.set("http.response.status_code", static_cast<std::int64_t>(status));
    if (error) {
      if (!state.failed) span.set("error.type", error_type);
      span.status(SpanStatus::error);
    }
    span.end_at(now);
  }
  const std::uint64_t key = std::uint64_t{state.route} << 32U | std::uint64_t{status} << 16U |
                            std::uint64_t{static_cast<std::uint8_t>(state.method)} << 8U | (state.tls ? 2U : 0U) | cut;
  if (key != last_key_) {
    last_key_ = key;
    telemetry::BoundHistogram& bound = bound_[key];
    if (!bound) {
      telemetry::Attributes attributes;
      attributes.set("http.request.method", method_text(state.method));
      attributes.set("url.scheme", state.tls ? std::string_view("https") : std::string_view("http"));
      if (state.route != UINT32_MAX) attributes.set("http.route", plan_.config.routes[state.route].path);
      if (status != 0) attributes.set("http.response.status_code", static_cast<std::int64_t>(status));
      if (error) attributes.set("error.type", error_type);
      bound = duration_.bind(attributes);
    }
    last_ = bound;
  }
  last_.record(std::chrono::duration<double>(now - state.begun).count(), span.context());
}

}  // namespace spikard::http::detail
