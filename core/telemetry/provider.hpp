#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "telemetry/exporter.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/sampler.hpp"
#include "telemetry/span.hpp"

namespace spikard::telemetry {

struct ProviderOptions {
  explicit ProviderOptions(const Clock& of_clock) : clock(&of_clock) {}
  const Clock* clock;                    ///< outlives the provider
  std::shared_ptr<Exporter> exporter{};  ///< null: metrics only
  Sampler sampler{};
  Attributes resource{};  ///< what describes the process: `service.name`, ...
  bool traces = true;
  bool logs = true;
  std::uint32_t span_attributes = 128;
  std::uint32_t span_events = 128;
};

/// The telemetry of one application: makes spans, keeps metrics, takes log records. Thread-safe. Outlives the spans it made.
/// Where telemetry is off there is none: hold a Tracer, which may be null.
class Provider {
 public:
  explicit Provider(ProviderOptions options);
  ~Provider();
  Provider(const Provider&) = delete;
  Provider& operator=(const Provider&) = delete;

  /// `begun`: when the work began on the provider's clock; zero is now.
  [[nodiscard]] Span start(std::string_view name, SpanKind kind, const SpanContext& parent, AttributeList attributes = {},
                           Instant begun = {});
  /// As `start`, for who has read both clocks already (`begun` and `wall` are the same moment).
  [[nodiscard]] Span start_at(std::string_view name, SpanKind kind, const SpanContext& parent, Instant begun, WallTime wall);
  void emit(const LogRecord& record) noexcept {
    if (options_.logs && options_.exporter != nullptr) options_.exporter->on_log(record);
  }
  [[nodiscard]] Metrics& metrics() noexcept { return metrics_; }
  [[nodiscard]] const Attributes& resource() const noexcept { return options_.resource; }
  [[nodiscard]] const Clock& clock() const noexcept { return *options_.clock; }
  [[nodiscard]] Exporter* exporter() const noexcept { return options_.exporter.get(); }
  /// In each process after a fork, before its first span: ids of several processes must differ.
  void reseed();

  struct Limits {
    std::uint32_t attributes;
    std::uint32_t events;
  };
  [[nodiscard]] Limits limits() const noexcept { return {options_.span_attributes, options_.span_events}; }

 private:
  friend class Span;
  [[nodiscard]] WallTime wall(const SpanData& span) const noexcept { return span.start + (options_.clock->now() - span.started); }
  void ended(SpanData* span, Instant at) noexcept;
  [[nodiscard]] SpanData* take();
  void give(SpanData* span) noexcept;
  [[nodiscard]] std::uint64_t random() noexcept;

  static constexpr std::size_t stock_size = 32;

  const ProviderOptions options_;
  Metrics metrics_{2000, options_.clock};
  std::atomic<std::uint64_t> sequence_{0};
  std::atomic<std::uint64_t> seed_{0};
  std::atomic<SpanData*> stock_[stock_size]{};  // span data kept for reuse
};

/// What a client of the toolbox holds: the application's Provider, or null where telemetry is off (then everything costs a
/// branch). A value; keeps the provider alive. Thread-safe.
class Tracer {
 public:
  Tracer() noexcept = default;
  Tracer(std::shared_ptr<Provider> provider) noexcept : provider_(std::move(provider)) {}

  explicit operator bool() const noexcept { return provider_ != nullptr; }
  [[nodiscard]] const std::shared_ptr<Provider>& provider() const noexcept { return provider_; }

  /// Off: a span that records nothing and hands `parent` on.
  [[nodiscard]] Span start(std::string_view name, SpanKind kind, const SpanContext& parent, AttributeList attributes = {}) const {
    if (provider_ == nullptr) return Span(parent);
    return provider_->start(name, kind, parent, attributes);
  }
  /// Instruments; null ones where telemetry is off. Make them once, they are kept by name.
  [[nodiscard]] Counter counter(std::string_view name, std::string_view unit, std::string_view description) const {
    return provider_ == nullptr ? Counter() : provider_->metrics().counter(name, unit, description);
  }
  [[nodiscard]] UpDownCounter up_down_counter(std::string_view name, std::string_view unit, std::string_view description) const {
    return provider_ == nullptr ? UpDownCounter() : provider_->metrics().up_down_counter(name, unit, description);
  }
  /// `boundaries`: ascending; empty for those the semantic conventions advise for durations in seconds.
  [[nodiscard]] Histogram histogram(std::string_view name, std::string_view unit, std::string_view description,
                                    std::span<const double> boundaries = {}) const {
    return provider_ == nullptr ? Histogram() : provider_->metrics().histogram(name, unit, description, boundaries);
  }

 private:
  std::shared_ptr<Provider> provider_;
};

/// The application's logger with the trace a record belongs to: a line with `trace_id` and `span_id`, and a record for the
/// exporter. A value; `logger` outlives it and may be null.
class Logger {
 public:
  Logger() noexcept = default;
  Logger(log::Logger* logger, std::shared_ptr<Provider> provider) noexcept : logger_(logger), provider_(std::move(provider)) {}
  void log(const SpanContext& context, log::Level level, std::string_view message, AttributeList attributes = {}) const;
  /// As `log`, with attributes that come as nodes (a host's); `attributes` is an object or does not exist.
  void log(const SpanContext& context, log::Level level, std::string_view message, Value attributes) const;

 private:
  void write(const SpanContext& context, log::Level level, std::string_view message, Attributes attributes) const;
  log::Logger* logger_ = nullptr;
  std::shared_ptr<Provider> provider_;
};

}  // namespace spikard::telemetry
