#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "telemetry/attributes.hpp"
#include "telemetry/context.hpp"

namespace spikard::telemetry {

class Provider;

enum class SpanKind : std::uint8_t { internal = 1, server, client, producer, consumer };  ///< values of OTLP
enum class SpanStatus : std::uint8_t { unset, ok, error };                                ///< values of OTLP
[[nodiscard]] std::string_view name_of(SpanKind kind) noexcept;
[[nodiscard]] std::string_view name_of(SpanStatus status) noexcept;

/// A finished span, as exporters see it.
struct SpanData {
  struct Event {
    std::string name;
    WallTime time;
    Attributes attributes;
  };

  SpanContext context;
  std::array<std::uint8_t, 8> parent_span_id{};  ///< zero for a root
  bool parent_remote = false;
  SpanKind kind = SpanKind::internal;
  SpanStatus status = SpanStatus::unset;
  std::string status_message;
  std::string name;
  WallTime start{};
  WallTime end{};
  Instant started{};  ///< the same on the monotonic clock
  Attributes attributes;
  std::vector<Event> events;
  std::vector<SpanContext> links;
  std::uint32_t dropped_attributes = 0;
  std::uint32_t dropped_events = 0;

  [[nodiscard]] bool has_parent() const noexcept { return parent_span_id != decltype(parent_span_id){}; }
  void clear() noexcept;  ///< keeps the memory
};

/// One piece of work in a trace. Move-only; ends with its destructor at the latest. A default one, or one of a null Tracer, does
/// nothing and costs a branch a call; one that is not sampled still has a context to hand on. Used by one thread at a time; may
/// end on another thread than it began on. Its Provider outlives it.
///
///     telemetry::Span span = tracer_.start("get", telemetry::SpanKind::client, caller.trace, {{"cache.operation", "get"}});
///     caller.trace = span.context();      // for what is called below
///     ...
///     span.set("cache.hit", hit);
///     if (!result.ok()) span.fail(result.error());
class Span {
 public:
  Span() noexcept = default;
  /// Not recorded; hands `context` on.
  explicit Span(SpanContext context) noexcept : context_(std::move(context)) {}
  Span(Span&& other) noexcept
      : provider_(std::exchange(other.provider_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        context_(std::move(other.context_)) {}
  Span& operator=(Span&& other) noexcept {
    if (this != &other) {
      end();
      provider_ = std::exchange(other.provider_, nullptr);
      data_ = std::exchange(other.data_, nullptr);
      context_ = std::move(other.context_);
    }
    return *this;
  }
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;
  ~Span() { end(); }

  /// Whether attributes are kept at all: ask before making one that costs something.
  [[nodiscard]] bool recording() const noexcept { return data_ != nullptr; }
  /// To hand on to what is called on its behalf. Valid after `end` too.
  [[nodiscard]] const SpanContext& context() const noexcept { return context_; }

  void set(std::string_view key, const AttributeValue& value) {
    if (data_ != nullptr) set_attribute(key, value);
  }
  void set(AttributeList attributes) {
    if (data_ == nullptr) return;
    for (const Attribute& one : attributes) set_attribute(one.key, one.value);
  }
  void rename(std::string_view name) {
    if (data_ != nullptr) data_->name.assign(name);
  }
  void event(std::string_view name, AttributeList attributes = {}) {
    if (data_ != nullptr) add_event(name, attributes);
  }
  /// As `event`, for one that was noted elsewhere; no time is now.
  void event_at(std::string_view name, std::optional<WallTime> time, Attributes attributes);
  /// Event `exception` by the semantic conventions. Sets no status. `type` may be empty.
  void exception(std::string_view type, std::string_view message, std::string_view stacktrace = {});
  /// Joins another trace to it (a batch, an event's origin). An invalid one is left out.
  void link(const SpanContext& to) {
    if (data_ != nullptr && to.valid()) data_->links.push_back(to);
  }
  void status(SpanStatus status, std::string_view message = {});
  /// Status error and `error.type` (detail, or the kind), and the event `exception`.
  void fail(const Error& error);
  /// Idempotent.
  void end() noexcept {
    if (data_ != nullptr) finish();
  }
  /// As `end`, at a time of the provider's clock that the caller has read.
  void end_at(Instant at) noexcept {
    if (data_ != nullptr) finish_at(at);
  }

 private:
  friend class Provider;
  Span(Provider* provider, SpanData* data, SpanContext context) noexcept
      : provider_(provider), data_(data), context_(std::move(context)) {}
  void set_attribute(std::string_view key, const AttributeValue& value);
  void add_event(std::string_view name, AttributeList attributes);
  void finish() noexcept;
  void finish_at(Instant at) noexcept;

  Provider* provider_ = nullptr;
  SpanData* data_ = nullptr;  // owned; from the provider's stock
  SpanContext context_;
};

}  // namespace spikard::telemetry
