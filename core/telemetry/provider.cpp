#include "telemetry/provider.hpp"

#include <sys/random.h>

#include <chrono>
#include <cstring>
#include <deque>
#include <vector>

#include "base/json.hpp"
#include "base/redact.hpp"
#include "telemetry/propagation.hpp"

namespace spikard::telemetry {
namespace {

std::uint64_t mix(std::uint64_t x) noexcept {  // splitmix64: a bijection, so that ids of one provider never meet
  x ^= x >> 30U;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27U;
  x *= 0x94d049bb133111ebULL;
  return x ^ x >> 31U;
}

void write(std::uint8_t* to, std::uint64_t value) noexcept { std::memcpy(to, &value, sizeof value); }

}  // namespace

std::string_view severity_text(log::Level level) noexcept {
  switch (level) {
    case log::Level::trace: return "TRACE";
    case log::Level::debug: return "DEBUG";
    case log::Level::info: return "INFO";
    case log::Level::warn: return "WARN";
    case log::Level::error:
    case log::Level::off: return "ERROR";
  }
  return "INFO";
}

std::uint32_t severity_number(log::Level level) noexcept {
  switch (level) {
    case log::Level::trace: return 1;
    case log::Level::debug: return 5;
    case log::Level::info: return 9;
    case log::Level::warn: return 13;
    case log::Level::error:
    case log::Level::off: return 17;
  }
  return 9;
}

Provider::Provider(ProviderOptions options) : options_(std::move(options)) { reseed(); }

Provider::~Provider() {
  for (std::atomic<SpanData*>& place : stock_) delete place.load(std::memory_order_relaxed);
}

void Provider::reseed() {
  std::uint64_t seed = 0;
  if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) {
    seed = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  }
  seed_.store(seed, std::memory_order_relaxed);
}

std::uint64_t Provider::random() noexcept {
  const std::uint64_t n = sequence_.fetch_add(1, std::memory_order_relaxed);
  const std::uint64_t value = mix(seed_.load(std::memory_order_relaxed) + n * 0x9e3779b97f4a7c15ULL);
  return value != 0 ? value : 1;
}

Span Provider::start(std::string_view name, SpanKind kind, const SpanContext& parent, AttributeList attributes, Instant begun) {
  const Instant now = options_.clock->now();
  if (begun == Instant{}) begun = now;
  Span span = start_at(name, kind, parent, begun, options_.clock->wall() - (now - begun));
  if (span.recording()) {
    for (const Attribute& one : attributes) span.set_attribute(one.key, one.value);
  }
  return span;
}

Span Provider::start_at(std::string_view name, SpanKind kind, const SpanContext& parent, Instant begun, WallTime wall) {
  SpanContext context;
  if (parent.valid()) {
    context.trace_id = parent.trace_id;
    context.state = parent.state;
  } else {
    write(context.trace_id.data(), random());
    write(context.trace_id.data() + 8, random());
  }
  context.baggage = parent.baggage;
  write(context.span_id.data(), random());
  const bool sampled = options_.traces && options_.sampler.samples(parent, context.trace_id);
  context.flags = static_cast<std::uint8_t>((parent.valid() ? parent.flags & 2U : 2U) | (sampled ? 1U : 0U));
  if (!sampled || options_.exporter == nullptr) return Span(std::move(context));
  SpanData* data = take();
  data->context = context;
  data->parent_span_id = parent.valid() ? parent.span_id : decltype(parent.span_id){};
  data->parent_remote = parent.valid() && parent.remote;
  data->kind = kind;
  data->name.assign(name);
  data->started = begun;
  data->start = wall;
  return Span(this, data, std::move(context));
}

void Provider::ended(SpanData* span, Instant at) noexcept {
  span->end = span->start + (at - span->started);
  options_.exporter->on_span(*span);
  give(span);
}

// A few finished spans' memory is kept: a span then costs no allocation. Wait-free; who finds nothing makes one.
SpanData* Provider::take() {
  for (std::atomic<SpanData*>& place : stock_) {
    if (place.load(std::memory_order_relaxed) == nullptr) continue;
    if (SpanData* data = place.exchange(nullptr, std::memory_order_acquire); data != nullptr) return data;
  }
  return new SpanData;
}

void Provider::give(SpanData* span) noexcept {
  span->clear();
  for (std::atomic<SpanData*>& place : stock_) {
    if (place.load(std::memory_order_relaxed) != nullptr) continue;
    SpanData* nothing = nullptr;
    if (place.compare_exchange_strong(nothing, span, std::memory_order_release, std::memory_order_relaxed)) return;
  }
  delete span;
}

void Logger::log(const SpanContext& context, log::Level level, std::string_view message, AttributeList attributes) const {
  write(context, level, message, Attributes(attributes));
}

void Logger::log(const SpanContext& context, log::Level level, std::string_view message, Value attributes) const {
  Attributes own;
  if (attributes.is_object()) {
    for (const auto& [key, value] : attributes.members()) own.set(key, value);
  }
  write(context, level, message, std::move(own));
}

void Logger::write(const SpanContext& context, log::Level level, std::string_view message, Attributes attributes) const {
  const bool line = logger_ != nullptr && logger_->enabled(level);
  if (line) {
    std::vector<log::Attribute> fields;
    std::deque<std::string> texts;  // of lists
    fields.reserve(attributes.size() + 2);
    for (const auto& [key, value] : attributes.root().members()) {
      switch (value.type()) {
        case NodeType::boolean: fields.push_back({key, value.as_bool()}); break;
        case NodeType::integer: fields.push_back({key, value.as_int()}); break;
        case NodeType::number: fields.push_back({key, value.as_double()}); break;
        case NodeType::string: fields.push_back({key, value.text()}); break;
        default:
          json::Writer(texts.emplace_back()).write(value);
          fields.push_back({key, log::Field::json(texts.back())});
          break;
      }
    }
    if (context.valid()) {
      fields.push_back({"trace_id", std::string_view(texts.emplace_back(hex(context.trace_id)))});
      fields.push_back({"span_id", std::string_view(texts.emplace_back(hex(context.span_id)))});
    }
    logger_->log_fields(level, message, fields);
  }
  if (provider_ == nullptr) return;
  LogRecord record;
  record.time = provider_->clock().wall();
  record.level = level;
  record.body = redact_urls(message);
  for (const auto& [key, value] : attributes.root().members()) {
    if (is_secret_name(key)) record.attributes.set(key, redacted);
    else if (value.is_string()) record.attributes.set(key, redact_urls(value.text()));
    else record.attributes.set(key, value);
  }
  record.context = context;
  provider_->emit(record);
}

}  // namespace spikard::telemetry
