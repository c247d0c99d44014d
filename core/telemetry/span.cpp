#include "telemetry/span.hpp"

#include "telemetry/provider.hpp"

namespace spikard::telemetry {

std::string_view name_of(SpanKind kind) noexcept {
  switch (kind) {
    case SpanKind::internal: return "internal";
    case SpanKind::server: return "server";
    case SpanKind::client: return "client";
    case SpanKind::producer: return "producer";
    case SpanKind::consumer: return "consumer";
  }
  return "internal";
}

std::string_view name_of(SpanStatus status) noexcept {
  switch (status) {
    case SpanStatus::unset: return "unset";
    case SpanStatus::ok: return "ok";
    case SpanStatus::error: return "error";
  }
  return "unset";
}

void SpanData::clear() noexcept {
  context = {};
  parent_span_id = {};
  parent_remote = false;
  kind = SpanKind::internal;
  status = SpanStatus::unset;
  status_message.clear();
  name.clear();
  attributes.clear();
  events.clear();
  links.clear();
  dropped_attributes = dropped_events = 0;
}

void Span::set_attribute(std::string_view key, const AttributeValue& value) {
  if (data_->attributes.size() >= provider_->limits().attributes) {
    ++data_->dropped_attributes;
    return;
  }
  data_->attributes.set(key, value);
}

void Span::add_event(std::string_view name, AttributeList attributes) {
  if (data_->events.size() >= provider_->limits().events) {
    ++data_->dropped_events;
    return;
  }
  data_->events.push_back({std::string(name), provider_->wall(*data_), Attributes(attributes)});
}

void Span::event_at(std::string_view name, std::optional<WallTime> time, Attributes attributes) {
  if (data_ == nullptr) return;
  if (data_->events.size() >= provider_->limits().events) {
    ++data_->dropped_events;
    return;
  }
  data_->events.push_back({std::string(name), time ? *time : provider_->wall(*data_), std::move(attributes)});
}

void Span::exception(std::string_view type, std::string_view message, std::string_view stacktrace) {
  if (data_ == nullptr) return;
  if (data_->events.size() >= provider_->limits().events) {
    ++data_->dropped_events;
    return;
  }
  SpanData::Event event{"exception", provider_->wall(*data_), {}};
  if (!type.empty()) event.attributes.set("exception.type", type);
  event.attributes.set("exception.message", message);
  if (!stacktrace.empty()) event.attributes.set("exception.stacktrace", stacktrace);
  data_->events.push_back(std::move(event));
}

void Span::status(SpanStatus status, std::string_view message) {
  // OTel: ok is final, unset never overwrites.
  if (data_ == nullptr || status == SpanStatus::unset || data_->status == SpanStatus::ok) return;
  data_->status = status;
  data_->status_message.assign(status == SpanStatus::error ? message : std::string_view());
}

void Span::fail(const Error& error) {
  if (data_ == nullptr) return;
  const std::string_view type = error.detail().empty() ? name_of(error.kind()) : std::string_view(error.detail());
  set_attribute("error.type", type);
  exception(type, error.message());
  status(SpanStatus::error, error.message());
}

void Span::finish() noexcept { finish_at(provider_->clock().now()); }

void Span::finish_at(Instant at) noexcept {
  SpanData* data = std::exchange(data_, nullptr);
  provider_->ended(data, at);
}

}  // namespace spikard::telemetry
