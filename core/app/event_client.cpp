#include "app/event_client.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <random>

#include "app/cloudevents_http.hpp"
#include "base/json.hpp"
#include "cloudevents/json_format.hpp"
#include "cloudevents/text.hpp"
#include "telemetry/propagation.hpp"

namespace spikard::app {
namespace {

using cloudevents::Event;
using cloudevents::Mode;

/// What an answer's status says; nothing: it was taken.
std::optional<Error> refusal(int status) {
  if (status >= 200 && status < 300) return std::nullopt;
  const std::string text = "the receiver answered " + std::to_string(status);
  if (status >= 300 && status < 400) return invalid_argument(text + "; redirects are not followed");
  switch (status) {
    case 401:
    case 403: return Error(ErrorKind::permission_denied, text);
    case 404:
    case 410: return Error(ErrorKind::not_found, text);
    case 413: return Error(ErrorKind::too_large, text);
    case 429: return Error(ErrorKind::rate_limited, text);
    case 408:
    case 409:
    case 425: return Error(ErrorKind::unavailable, text);
    default: break;
  }
  if (status >= 500) return Error(ErrorKind::unavailable, text);
  return invalid_argument(text);
}

/// Whether a later try may fare better. Not knowing is such a case, for receivers know an event by source and id.
bool retryable(const Error& error) noexcept {
  return error.kind() == ErrorKind::unavailable || error.kind() == ErrorKind::rate_limited ||
         error.kind() == ErrorKind::timeout || error.kind() == ErrorKind::outcome_unknown;
}

std::optional<Event> reply_of(const net::http::Response& response) {
  std::vector<cloudevents::FieldView> headers;
  for (const auto& [name, value] : response.headers) headers.push_back({name, value});
  if (!cloudevents::is_http_event(headers)) return std::nullopt;
  auto decoded = cloudevents::decode_http(headers, response.body, 1);
  if (!decoded.ok() || decoded->events.empty()) return std::nullopt;
  return std::move(decoded->events[0]);
}

}  // namespace

std::string random_uuid() {
  std::random_device device;
  std::array<std::uint32_t, 4> words{device(), device(), device(), device()};
  words[1] = (words[1] & 0xFFFF0FFFU) | 0x4000U;
  words[2] = (words[2] & 0x3FFFFFFFU) | 0x80000000U;
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) out.push_back('-');
    out.push_back(digits[words[static_cast<std::size_t>(i / 8)] >> (28 - 4 * (i % 8)) & 15U]);
  }
  return out;
}

std::optional<Duration> parse_retry_after(std::string_view text, WallTime now) {
  text = cloudevents::detail::trimmed(text);
  std::uint32_t seconds = 0;
  if (const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), seconds);
      code == std::errc() && end == text.data() + text.size())
    return std::chrono::seconds(seconds);
  // Sun, 06 Nov 1994 08:49:37 GMT
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != 29 || text.substr(25) != " GMT" || text[3] != ',') return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t length) {
    int value = -1;
    const auto [end, code] = std::from_chars(text.data() + at, text.data() + at + length, value);
    return code == std::errc() && end == text.data() + at + length ? value : -1;
  };
  const std::size_t month = months.find(text.substr(8, 3));
  const int day = number(5, 2);
  const int year = number(12, 4);
  const int hour = number(17, 2);
  const int minute = number(20, 2);
  const int second = number(23, 2);
  if (month == std::string_view::npos || month % 3 != 0 || day < 1 || year < 0 || hour < 0 || minute < 0 || second < 0)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month / 3 + 1)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  const WallTime when =
      std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);
  return std::max(Duration::zero(), std::chrono::duration_cast<Duration>(when - now));
}

EventClient::EventClient(services::EventSender config, EventClientOptions options)
    : config_(std::move(config)), options_(std::move(options)), random_(std::random_device()()) {}

Result<std::shared_ptr<EventClient>> EventClient::create(services::EventSender config, EventClientOptions options) {
  const std::string where = "services.events." + options.name + ".";
  std::shared_ptr<EventClient> self(new EventClient(std::move(config), std::move(options)));
  if (self->config_.url.empty()) return invalid_argument(where + "url: expected a URL, or K_SINK in the environment");
  for (const auto& [name, value] : self->config_.extensions) {
    if (!cloudevents::detail::is_attribute_name(name) || name == "specversion")
      return invalid_argument(where + "extensions." + name + ": a name is made of lower-case letters and digits");
    self->overrides_.emplace_back(name, cloudevents::AttributeValue::string(value));
  }
  const std::string& url = self->config_.url;
  if (url.starts_with("messaging:")) {
    const std::size_t slash = url.find('/');
    if (slash == std::string::npos || slash + 1 == url.size() || slash == 10)
      return invalid_argument(where + "url: expected messaging:CLIENT/TOPIC");
    const std::string client = url.substr(10, slash - 10);
    auto [broker, scheme] =
        self->options_.broker ? self->options_.broker(client) : std::pair<std::shared_ptr<messaging::Client>, std::string>{};
    if (broker == nullptr) return invalid_argument(where + "url: services.messaging has no " + client);
    self->broker_ = std::move(broker);
    self->topic_ = url.substr(slash + 1);
    self->binding_ = self->config_.binding == services::EventBinding::automatic
                         ? cloudevents::binding_of_scheme(scheme)
                         : static_cast<cloudevents::Binding>(self->config_.binding);
  } else if (cloudevents::detail::starts_ignoring_case(url, "http://") ||
             cloudevents::detail::starts_ignoring_case(url, "https://")) {
    if (self->options_.http == nullptr) return Error(ErrorKind::unsupported, where + "url: there is no HTTP client");
    for (const auto& [name, value] : self->config_.headers) {
      if (!net::http::is_field_name(name) || !net::http::is_field_value(value))
        return invalid_argument(where + "headers: expected names and values of headers");
    }
  } else {
    return invalid_argument(where + "url: expected http:, https: or messaging:CLIENT/TOPIC");
  }
  return self;
}

void EventClient::complete(const Clock& clock, Event& event) const {
  if (event.id.empty()) event.id = random_uuid();
  if (event.source.empty()) event.source = config_.source;
  if (event.time.empty())
    event.set_time(std::chrono::time_point_cast<Duration>(std::chrono::floor<std::chrono::milliseconds>(clock.wall())));
  for (const auto& [name, value] : overrides_) {
    if (std::string* attribute = cloudevents::detail::standard_attribute(event, name)) *attribute = value.text();
    else event.set(name, value);
  }
}

Task<Result<EventSent>> EventClient::send(net::Caller caller, Event event, std::optional<Mode> mode, std::string key) {
  complete(caller.loop->clock(), event);
  const Mode as = mode.value_or(config_.mode == services::EventMode::binary ? Mode::binary : Mode::structured);
  const std::string id = event.id;
  telemetry::Span span = event_span(options_.tracer, "Create", telemetry::SpanKind::producer, caller.trace, event);
  caller.trace = span.context();
  Result<EventSent> sent = EventSent{};
  if (broker_ != nullptr) {
    std::vector<Event> one;
    one.push_back(std::move(event));
    sent = co_await publish(caller, std::move(one), as, std::move(key));
  } else {
    auto message = cloudevents::encode_http(event, as);
    if (!message.ok()) {
      span.fail(message.error());
      co_return Result<EventSent>(std::move(message).error());
    }
    sent = co_await deliver(caller, std::move(message).value());
    if (sent.ok()) sent->ids.push_back(id);
  }
  if (!sent.ok()) span.fail(sent.error());
  co_return sent;
}

Task<Result<EventSent>> EventClient::send_batch(net::Caller caller, std::vector<Event> events) {
  std::vector<std::string> ids;
  for (Event& event : events) {
    complete(caller.loop->clock(), event);
    ids.push_back(event.id);
  }
  if (broker_ != nullptr) {
    const Mode mode = config_.mode == services::EventMode::binary ? Mode::binary : Mode::structured;
    co_return co_await publish(caller, std::move(events), mode, std::string());
  }
  auto message = cloudevents::encode_http(events);
  if (!message.ok()) co_return Result<EventSent>(std::move(message).error());
  Result<EventSent> sent = co_await deliver(caller, std::move(message).value());
  if (sent.ok()) sent->ids = std::move(ids);
  co_return sent;
}

Task<Result<EventSent>> EventClient::deliver(net::Caller caller, cloudevents::HttpMessage message) {
  net::Loop& loop = *caller.loop;
  for (std::uint32_t attempt = 1;; ++attempt) {
    net::http::Request request("POST", config_.url);
    for (auto& [name, value] : message.headers) request.headers.emplace_back(name, value);
    for (const auto& [name, value] : config_.headers) request.headers.emplace_back(name, value);
    if (!config_.origin.empty()) request.headers.emplace_back("webhook-request-origin", config_.origin);
    telemetry::inject(caller.trace,
                      [&](std::string_view name, std::string_view value) { request.headers.emplace_back(name, value); });
    request.body = message.body;
    request.timeout = std::chrono::milliseconds(config_.timeout_ms);
    request.idempotent = true;
    Result<net::http::Response> response = co_await options_.http->of(loop).send(std::move(request));
    std::optional<Error> error;
    std::optional<Duration> told;
    if (response.ok()) {
      error = refusal(response->status);
      if (!error) {
        EventSent sent;
        sent.status = static_cast<std::uint16_t>(response->status);
        sent.attempts = attempt;
        sent.reply = reply_of(*response);
        co_return Result<EventSent>(std::move(sent));
      }
      told = parse_retry_after(net::http::find_header(response->headers, "retry-after"), loop.clock().wall());
    } else {
      error = std::move(response).error();
    }
    if (!retryable(*error)) co_return Result<EventSent>(std::move(*error).with_operation("cloudevents.send"));
    if (attempt > config_.retry.max_retries) {
      co_return Result<EventSent>(std::move(*error)
                                      .with_retry(RetryClass::exhausted)
                                      .with_operation("cloudevents.send")
                                      .with("attempts", std::to_string(attempt)));
    }
    const Result<void> slept = co_await net::sleep(loop, wait_before(attempt, told));
    if (!slept.ok()) co_return Result<EventSent>(Error(slept.error()).with_operation("cloudevents.send"));
  }
}

Task<Result<EventSent>> EventClient::publish(net::Caller caller, std::vector<Event> events, Mode mode, std::string key) {
  EventSent sent;
  std::vector<messaging::Message> messages;
  // A binding that has no binary mode: structured is what it means.
  if (binding_ == cloudevents::Binding::mqtt3) mode = Mode::structured;
  for (const Event& event : events) {
    auto encoded = cloudevents::encode_broker(event, binding_, mode, "partitionkey");
    if (!encoded.ok()) co_return Result<EventSent>(std::move(encoded).error());
    messaging::Message message(topic_, std::move(encoded->body).value_or(std::string()));
    message.headers = std::move(encoded->fields);
    // A broker client has one place for the media type: its headers. AMQP and MQTT 5 backends put it into their property.
    if (encoded->content_type) message.headers.emplace_back("content-type", *encoded->content_type);
    message.key = key.empty() ? std::move(encoded->key) : std::optional<std::string>(key);
    messages.push_back(std::move(message));
    sent.ids.push_back(event.id);
  }
  Result<std::vector<std::uint64_t>> published = co_await broker_->publish_batch(caller, std::move(messages));
  if (!published.ok()) co_return Result<EventSent>(std::move(published).error());
  sent.attempts = 1;
  co_return Result<EventSent>(std::move(sent));
}

Duration EventClient::wait_before(std::uint32_t retry, std::optional<Duration> told) noexcept {
  const services::EventRetry& r = config_.retry;
  const double ms = std::min<double>(r.initial_ms * std::pow(r.factor_percent / 100.0, retry - 1), r.max_ms);
  const double less = ms * (1.0 - random() * r.jitter_percent / 100.0);
  const Duration own = std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>(less));
  if (!told) return own;
  return std::min<Duration>(std::max(own, *told), std::chrono::milliseconds(r.max_ms));
}

double EventClient::random() noexcept {
  // splitmix64: enough for jitter, and safe from every thread.
  std::uint64_t z = random_.fetch_add(0x9E3779B97F4A7C15U, std::memory_order_relaxed);
  z = (z ^ z >> 30U) * 0xBF58476D1CE4E5B9U;
  z = (z ^ z >> 27U) * 0x94D049BB133111EBU;
  return static_cast<double>((z ^ z >> 31U) >> 11U) * 0x1.0p-53;
}

}  // namespace spikard::app
