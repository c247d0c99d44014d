#include "telemetry/metrics.hpp"

#include <algorithm>
#include <new>
#include <thread>

#include "base/json.hpp"

namespace spikard::telemetry {

std::string_view name_of(MetricType type) noexcept {
  switch (type) {
    case MetricType::counter: return "counter";
    case MetricType::up_down_counter: return "up_down_counter";
    case MetricType::gauge: return "gauge";
    case MetricType::histogram: return "histogram";
  }
  return "counter";
}

namespace detail {
namespace {

/// The same set gives the same text, in whatever order it comes.
std::string key_of(std::span<const Attribute* const> sorted) {
  std::string key;
  for (const Attribute* one : sorted) {
    Attributes single;
    single.set(one->key, one->value);
    json::Writer(key).write(single.root());
  }
  return key;
}

void sort(std::vector<const Attribute*>& list) {
  std::sort(list.begin(), list.end(), [](const Attribute* a, const Attribute* b) { return a->key < b->key; });
}

}  // namespace

void Point::keep(std::size_t bucket, double value, const SpanContext& context, WallTime at) noexcept {
  ExemplarSlot* slots = exemplars.load(std::memory_order_acquire);
  if (slots == nullptr) {
    auto* made = new (std::nothrow) ExemplarSlot[buckets.size()];
    if (made == nullptr) return;
    if (exemplars.compare_exchange_strong(slots, made, std::memory_order_acq_rel)) slots = made;
    else delete[] made;
  }
  ExemplarSlot& slot = slots[bucket];
  if (slot.busy.exchange(true, std::memory_order_acquire)) return;
  slot.last = Exemplar{value, at, context.trace_id, context.span_id};
  slot.set = true;
  slot.busy.store(false, std::memory_order_release);
}

Point& Instrument::point(AttributeList attributes) {
  std::vector<const Attribute*> list;
  list.reserve(attributes.size());
  for (const Attribute& one : attributes) list.push_back(&one);
  sort(list);
  return point(list);
}

Point& Instrument::point(const Attributes& attributes) {
  std::vector<Attribute> owned;
  owned.reserve(attributes.size());
  for (const auto& [key, value] : attributes.root().members()) {
    if (attributes.find(key).ptr() == value.ptr()) owned.push_back({key, value});
  }
  std::vector<const Attribute*> list;
  list.reserve(owned.size());
  for (const Attribute& one : owned) list.push_back(&one);
  sort(list);
  return point(list);
}

Point& Instrument::point(std::span<const Attribute* const> sorted) {
  std::string key = key_of(sorted);
  const std::lock_guard lock(mutex);
  if (const auto at = points.find(key); at != points.end()) return *at->second;
  const bool over = points.size() + 1 >= max_points;
  if (over) {
    key = "overflow";  // no key of key_of's
    if (const auto at = points.find(key); at != points.end()) return *at->second;
  }
  auto made = std::make_unique<Point>(type == MetricType::histogram ? boundaries.size() + 1 : 0);
  made->key = key;
  if (over) made->attributes.set("otel.metric.overflow", true);
  else
    for (const Attribute* one : sorted) made->attributes.set(one->key, one->value);
  return *points.emplace(std::move(key), std::move(made)).first->second;
}

}  // namespace detail

detail::Instrument* Metrics::instrument(std::string_view name, std::string_view unit, std::string_view description,
                                        MetricType type, std::span<const double> boundaries) {
  const std::lock_guard lock(mutex_);
  for (detail::Instrument& one : instruments_) {
    if (one.name == name && one.type == type) return &one;
  }
  detail::Instrument& made = instruments_.emplace_back();
  made.name = name;
  made.unit = unit;
  made.description = description;
  made.type = type;
  made.max_points = max_points_;
  made.clock = clock_;
  made.boundaries.assign(boundaries.begin(), boundaries.end());
  return &made;
}

Counter Metrics::counter(std::string_view name, std::string_view unit, std::string_view description) {
  return Counter(instrument(name, unit, description, MetricType::counter, {}));
}

UpDownCounter Metrics::up_down_counter(std::string_view name, std::string_view unit, std::string_view description) {
  return UpDownCounter(instrument(name, unit, description, MetricType::up_down_counter, {}));
}

Histogram Metrics::histogram(std::string_view name, std::string_view unit, std::string_view description,
                             std::span<const double> boundaries) {
  return Histogram(instrument(name, unit, description, MetricType::histogram,
                              boundaries.empty() ? std::span<const double>(duration_boundaries) : boundaries));
}

void Metrics::observe(const void* owner, std::string_view name, std::string_view unit, std::string_view description,
                      MetricType type, Function<void(Observation&)> read) {
  MetricData head{std::string(name), std::string(unit), std::string(description), type};
  const std::lock_guard lock(observed_mutex_);
  observed_.push_back({owner, std::move(head), std::move(read)});
}

void Metrics::forget(const void* owner) {
  const std::lock_guard lock(observed_mutex_);
  std::erase_if(observed_, [owner](const Observed& one) { return one.owner == owner; });
}

std::vector<MetricData> Metrics::collect() {
  std::vector<MetricData> all;
  {
    const std::lock_guard lock(mutex_);
    for (const detail::Instrument& one : instruments_) {
      MetricData data{one.name, one.unit, one.description, one.type, one.boundaries};
      const std::lock_guard points_lock(one.mutex);
      for (const auto& [key, point] : one.points) {
        MetricPoint out;
        out.attributes = point->attributes;
        out.value = point->sum.load(std::memory_order_relaxed);
        for (const auto& bucket : point->buckets) {
          out.buckets.push_back(bucket.load(std::memory_order_relaxed));
          out.count += out.buckets.back();
        }
        if (detail::ExemplarSlot* slots = point->exemplars.load(std::memory_order_acquire); slots != nullptr) {
          out.exemplars.resize(point->buckets.size());
          for (std::size_t i = 0; i < out.exemplars.size(); ++i) {
            while (slots[i].busy.exchange(true, std::memory_order_acquire)) std::this_thread::yield();
            if (slots[i].set) out.exemplars[i] = slots[i].last;
            slots[i].busy.store(false, std::memory_order_release);
          }
        }
        data.points.push_back(std::move(out));
      }
      if (!data.points.empty()) all.push_back(std::move(data));
    }
  }
  {
    struct Into final : Observation {
      MetricData* data = nullptr;
      void observe(double value, AttributeList attributes) override {
        MetricPoint point;
        point.attributes = Attributes(attributes);
        point.value = value;
        for (MetricPoint& one : data->points) {
          if (data->type != MetricType::gauge && equal(one.attributes.root(), point.attributes.root())) {
            one.value += value;
            return;
          }
        }
        data->points.push_back(std::move(point));
      }
    } into;
    const std::lock_guard lock(observed_mutex_);
    for (Observed& one : observed_) {
      // Several owners may report one metric (one a pool): their points stand together, sums of the same attributes add up.
      auto at = std::find_if(all.begin(), all.end(), [&](const MetricData& d) { return d.name == one.head.name; });
      if (at == all.end()) at = all.insert(all.end(), one.head);
      into.data = &*at;
      one.read(into);
    }
  }
  std::erase_if(all, [](const MetricData& d) { return d.points.empty(); });
  std::sort(all.begin(), all.end(), [](const MetricData& a, const MetricData& b) { return a.name < b.name; });
  return all;
}

}  // namespace spikard::telemetry
