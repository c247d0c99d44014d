#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/function.hpp"
#include "telemetry/attributes.hpp"
#include "telemetry/context.hpp"

namespace spikard::telemetry {

enum class MetricType : std::uint8_t { counter, up_down_counter, gauge, histogram };
[[nodiscard]] std::string_view name_of(MetricType type) noexcept;

/// What the semantic conventions advise for durations in seconds.
inline constexpr double duration_boundaries[] = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10};

/// A measurement kept with the trace it was made in (OpenTelemetry, "Exemplar"): of a histogram's bucket the last one of a
/// sampled span.
struct Exemplar {
  double value = 0;
  WallTime at{};
  std::array<std::uint8_t, 16> trace_id{};
  std::array<std::uint8_t, 8> span_id{};
};

namespace detail {

struct ExemplarSlot {
  std::atomic<bool> busy{false};
  bool set = false;
  Exemplar last;
};

/// One attribute set's sum or distribution. Written by any thread with atomics, never locked.
struct Point {
  explicit Point(std::size_t bucket_count) : buckets(bucket_count) {}
  Attributes attributes;
  std::string key;
  std::atomic<double> sum{0};
  std::vector<std::atomic<std::uint64_t>> buckets;  // of a histogram: one more than boundaries
  std::atomic<ExemplarSlot*> exemplars{nullptr};    // one a bucket, from the first sampled measurement on
  ~Point() { delete[] exemplars.load(std::memory_order_relaxed); }
  Point(const Point&) = delete;
  Point& operator=(const Point&) = delete;

  /// Who finds the slot in use leaves it: the other measurement is as good.
  void keep(std::size_t bucket, double value, const SpanContext& context, WallTime at) noexcept;

  void add(double value) noexcept {
    double old = sum.load(std::memory_order_relaxed);
    while (!sum.compare_exchange_weak(old, old + value, std::memory_order_relaxed)) {
    }
  }
};

struct Instrument {
  std::string name;
  std::string unit;
  std::string description;
  MetricType type = MetricType::counter;
  std::vector<double> boundaries;
  std::size_t max_points = 0;
  const Clock* clock = nullptr;  // of exemplars; null: none are kept
  mutable std::mutex mutex;
  std::map<std::string, std::unique_ptr<Point>, std::less<>> points;

  /// The set's point; the overflow point (`otel.metric.overflow`) when there are too many already.
  [[nodiscard]] Point& point(AttributeList attributes);
  [[nodiscard]] Point& point(const Attributes& attributes);
  [[nodiscard]] Point& point(std::span<const Attribute* const> sorted);
};

}  // namespace detail

/// A point that is looked up once, for hot paths. Null ones do nothing. As long as the Metrics lives.
class BoundCounter {
 public:
  BoundCounter() noexcept = default;
  explicit BoundCounter(detail::Point* point) noexcept : point_(point) {}
  void add(double by = 1) noexcept {
    if (point_ != nullptr) point_->add(by);
  }

 private:
  detail::Point* point_ = nullptr;
};

class BoundHistogram {
 public:
  BoundHistogram() noexcept = default;
  BoundHistogram(detail::Point* point, const detail::Instrument* instrument) noexcept : point_(point), instrument_(instrument) {}
  explicit operator bool() const noexcept { return point_ != nullptr; }
  void record(double value) noexcept {
    if (point_ != nullptr) put(value);
  }
  /// In a span: kept as an exemplar where that is sampled.
  void record(double value, const SpanContext& context) noexcept {
    if (point_ == nullptr) return;
    const std::size_t bucket = put(value);
    if (context.sampled() && context.valid() && instrument_->clock != nullptr)
      point_->keep(bucket, value, context, instrument_->clock->wall());
  }

 private:
  std::size_t put(double value) noexcept {
    std::size_t bucket = 0;
    const std::vector<double>& upper = instrument_->boundaries;
    while (bucket < upper.size() && value > upper[bucket]) ++bucket;
    point_->buckets[bucket].fetch_add(1, std::memory_order_relaxed);
    point_->add(value);
    return bucket;
  }

  detail::Point* point_ = nullptr;
  const detail::Instrument* instrument_ = nullptr;
};

/// A sum that only grows. A value; null ones do nothing. Thread-safe, as long as the Metrics lives.
class Counter {
 public:
  Counter() noexcept = default;
  explicit Counter(detail::Instrument* instrument) noexcept : instrument_(instrument) {}
  /// Below nought is left out.
  void add(double by = 1, AttributeList attributes = {}) {
    if (instrument_ != nullptr && by >= 0) instrument_->point(attributes).add(by);
  }
  [[nodiscard]] BoundCounter bind(AttributeList attributes = {}) {
    return instrument_ == nullptr ? BoundCounter() : BoundCounter(&instrument_->point(attributes));
  }
  [[nodiscard]] BoundCounter bind(const Attributes& attributes) {
    return instrument_ == nullptr ? BoundCounter() : BoundCounter(&instrument_->point(attributes));
  }

 private:
  detail::Instrument* instrument_ = nullptr;
};

/// A sum that goes both ways: what is in flight, in a queue. As Counter.
class UpDownCounter {
 public:
  UpDownCounter() noexcept = default;
  explicit UpDownCounter(detail::Instrument* instrument) noexcept : instrument_(instrument) {}
  void add(double by, AttributeList attributes = {}) {
    if (instrument_ != nullptr) instrument_->point(attributes).add(by);
  }
  [[nodiscard]] BoundCounter bind(AttributeList attributes = {}) {
    return instrument_ == nullptr ? BoundCounter() : BoundCounter(&instrument_->point(attributes));
  }
  [[nodiscard]] BoundCounter bind(const Attributes& attributes) {
    return instrument_ == nullptr ? BoundCounter() : BoundCounter(&instrument_->point(attributes));
  }

 private:
  detail::Instrument* instrument_ = nullptr;
};

/// A distribution in fixed buckets. As Counter.
class Histogram {
 public:
  Histogram() noexcept = default;
  explicit Histogram(detail::Instrument* instrument) noexcept : instrument_(instrument) {}
  explicit operator bool() const noexcept { return instrument_ != nullptr; }
  void record(double value, AttributeList attributes = {}) {
    if (instrument_ != nullptr) bind(attributes).record(value);
  }
  void record(double value, AttributeList attributes, const SpanContext& context) {
    if (instrument_ != nullptr) bind(attributes).record(value, context);
  }
  /// Records a duration in seconds.
  void record(Duration value, AttributeList attributes, const SpanContext& context) {
    record(std::chrono::duration<double>(value).count(), attributes, context);
  }
  [[nodiscard]] BoundHistogram bind(AttributeList attributes = {}) {
    return instrument_ == nullptr ? BoundHistogram() : BoundHistogram(&instrument_->point(attributes), instrument_);
  }
  [[nodiscard]] BoundHistogram bind(const Attributes& attributes) {
    return instrument_ == nullptr ? BoundHistogram() : BoundHistogram(&instrument_->point(attributes), instrument_);
  }

 private:
  detail::Instrument* instrument_ = nullptr;
};

/// What `collect` gives: cumulative since the start.
struct MetricPoint {
  Attributes attributes;
  double value = 0;                                  ///< sum of a counter or histogram, value of a gauge
  std::uint64_t count = 0;                           ///< of a histogram
  std::vector<std::uint64_t> buckets{};              ///< of a histogram: not cumulative, one more than boundaries
  std::vector<std::optional<Exemplar>> exemplars{};  ///< one a bucket, or none at all
};
struct MetricData {
  std::string name;
  std::string unit;
  std::string description;
  MetricType type = MetricType::counter;
  std::vector<double> boundaries{};
  std::vector<MetricPoint> points{};
};

/// Reports the present values of something that is counted elsewhere (a pool's size, a queue's length).
class Observation {
 public:
  virtual void observe(double value, AttributeList attributes = {}) = 0;

 protected:
  ~Observation() = default;
};

/// The instruments of an application. Thread-safe. An instrument is made once a name; asking again gives the same one. The
/// number of points of one is bounded (OpenTelemetry's 2000): what is over goes to one point `otel.metric.overflow`.
class Metrics {
 public:
  /// `clock`: of exemplars, outlives this; null: none are kept.
  explicit Metrics(std::size_t max_points = 2000, const Clock* clock = nullptr) noexcept
      : max_points_(max_points), clock_(clock) {}
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  [[nodiscard]] Counter counter(std::string_view name, std::string_view unit, std::string_view description);
  [[nodiscard]] UpDownCounter up_down_counter(std::string_view name, std::string_view unit, std::string_view description);
  [[nodiscard]] Histogram histogram(std::string_view name, std::string_view unit, std::string_view description,
                                    std::span<const double> boundaries = {});
  /// `read` is called at each collection, on the collecting thread, until `forget(owner)`, which waits for a call in progress.
  void observe(const void* owner, std::string_view name, std::string_view unit, std::string_view description, MetricType type,
               Function<void(Observation&)> read);
  void forget(const void* owner);

  /// All metrics that have a point, by name.
  [[nodiscard]] std::vector<MetricData> collect();

 private:
  struct Observed {
    const void* owner;
    MetricData head;
    Function<void(Observation&)> read;
  };
  [[nodiscard]] detail::Instrument* instrument(std::string_view name, std::string_view unit, std::string_view description,
                                               MetricType type, std::span<const double> boundaries);

  const std::size_t max_points_;
  const Clock* const clock_;
  std::mutex mutex_;
  std::deque<detail::Instrument> instruments_;  // addresses stay
  std::mutex observed_mutex_;
  std::vector<Observed> observed_;
};

}  // namespace spikard::telemetry
