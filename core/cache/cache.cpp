#include "cache/cache.hpp"

#include <algorithm>
#include <cstring>
#include <random>
#include <type_traits>

namespace spikard::cache {

namespace {

constexpr std::size_t max_many = 65536;
// Room for a clock's present time above it.
constexpr Millis max_millis = forever / 4;

Result<void> check_space(std::string_view space) {
  if (space.size() > max_space) return invalid_argument("namespace: at most 1024 bytes");
  return {};
}

Result<void> check(Key key) {
  if (key.name.size() > max_key) return invalid_argument("key: at most 16384 bytes");
  return check_space(key.space);
}

Result<void> check_tags(std::span<const std::string> tags) {
  if (tags.size() > max_tags) return invalid_argument("tags: at most 128");
  for (const std::string& tag : tags) {
    if (tag.empty() || tag.size() > max_tag) return invalid_argument("tags: 1 to 1024 bytes each");
  }
  return {};
}

template <class T>
Task<Result<T>> finish(telemetry::Span span, Answer<T> answer) {
  Result<T> result = co_await answer;
  if (!result.ok()) span.fail(result.error());
  co_return result;
}

void set_outcome(telemetry::Span& span, const Result<std::optional<Payload>>& result) {
  if (result.ok()) span.set("cache.hit", result.value().has_value());
}
template <class T>
void set_outcome(telemetry::Span&, const Result<T>&) {}

}  // namespace

Result<Millis> Ttl::resolve(Millis usual) const {
  if (kind_ == Kind::usual) return usual;
  if (kind_ == Kind::forever) return cache::forever;
  if (millis_ < 1) return invalid_argument("ttl_ms: at least 1");
  return std::min(millis_, max_millis);
}

Cache::Cache(std::unique_ptr<Backend> backend, Options options)
    : backend_(std::move(backend)), options_(std::move(options)), flights_(*options_.clock) {
  if (backend_->capabilities().leases) {
    std::random_device random;
    self_ = static_cast<std::uint64_t>(random()) << 32U | random();
  }
  if (options_.tracer) {
    telemetry::Metrics& metrics = options_.tracer.provider()->metrics();
    using telemetry::MetricType;
    const auto observe = [&](std::string_view name, std::string_view unit, std::string_view about, MetricType type,
                             std::uint64_t LoadStatistics::* member) {
      metrics.observe(this, name, unit, about, type, [this, member](telemetry::Observation& out) {
        out.observe(static_cast<double>(statistics().*member), {{"cache.name", options_.name}});
      });
    };
    metrics.observe(this, "cache.requests", "{request}", "Reads, by whether they found a value.", MetricType::counter,
                    [this](telemetry::Observation& out) {
                      const LoadStatistics now = statistics();
                      out.observe(static_cast<double>(now.hits), {{"cache.name", options_.name}, {"cache.hit", true}});
                      out.observe(static_cast<double>(now.misses), {{"cache.name", options_.name}, {"cache.hit", false}});
                    });
    observe("cache.evictions", "{entry}", "Entries that had to go for want of room.", MetricType::counter,
            &LoadStatistics::evictions);
    observe("cache.expirations", "{entry}", "Entries removed because their time was over.", MetricType::counter,
            &LoadStatistics::expirations);
    observe("cache.loads", "{load}", "Loads that succeeded.", MetricType::counter, &LoadStatistics::loads);
    observe("cache.load.failures", "{load}", "Loads that failed.", MetricType::counter, &LoadStatistics::load_failures);
    observe("cache.entries", "{entry}", "Entries present.", MetricType::up_down_counter, &LoadStatistics::entries);
    observe("cache.weight", "1", "Weight of the entries present, in the unit of the limit.", MetricType::up_down_counter,
            &LoadStatistics::weight);
  }
}

Cache::~Cache() {
  if (options_.tracer) options_.tracer.provider()->metrics().forget(this);
}

telemetry::Span Cache::span(On on, std::string_view operation) const {
  if (on.trace == nullptr || !options_.tracer) return telemetry::Span();
  std::string name = "cache.";
  name += operation;
  return options_.tracer.start(name, telemetry::SpanKind::client, *on.trace, {{"cache.operation", operation}});
}

template <class T>
Answer<T> Cache::ending(telemetry::Span span, Answer<T> answer) {
  if (!span.recording()) return answer;
  if (!answer.ready()) return finish(std::move(span), std::move(answer));
  Result<T> result = std::move(answer).take();
  if (!result.ok()) span.fail(result.error());
  set_outcome(span, result);
  return result;
}

Result<Put> Cache::put_of(Key key, std::string_view value, const SetOptions& options) const {
  SPIKARD_TRY(check(key));
  SPIKARD_TRY(check_tags(options.tags));
  Result<Millis> ttl = options.ttl.resolve(options_.default_ttl);
  if (!ttl.ok()) return std::move(ttl).error();
  Put put(value, *ttl);
  put.weight = options.weight;
  put.tags = options.tags;
  return put;
}

Answer<std::optional<Payload>> Cache::get(On on, Key key) {
  if (Result<void> good = check(key); !good.ok()) return std::move(good).error();
  if (!options_.tracer) return backend_->get(on.caller, key);
  telemetry::Span around = span(on, "get");
  return ending(std::move(around), backend_->get(on.caller, key));
}

std::optional<Payload> Cache::get_nearby(On on, Key key) {
  if (!check(key).ok()) return std::nullopt;
  std::optional<Found> found = backend_->nearby(key);
  if (!found || found->absent) return std::nullopt;
  telemetry::Span around = span(on, "get");
  around.set("cache.hit", true);
  return std::move(found->value);
}

Answer<void> Cache::set(On on, Key key, std::string_view value, const SetOptions& options) {
  const Result<Put> put = put_of(key, value, options);
  if (!put.ok()) return put.error();
  telemetry::Span around = span(on, "set");
  flights_.supersede(key);
  return ending(std::move(around), backend_->put(on.caller, key, *put));
}

Answer<bool> Cache::set_if_absent(On on, Key key, std::string_view value, const SetOptions& options) {
  const Result<Put> put = put_of(key, value, options);
  if (!put.ok()) return put.error();
  telemetry::Span around = span(on, "set_if_absent");
  flights_.supersede(key);
  return ending(std::move(around), backend_->put_if_absent(on.caller, key, *put));
}

Answer<bool> Cache::remove(On on, Key key) {
  if (Result<void> good = check(key); !good.ok()) return std::move(good).error();
  telemetry::Span around = span(on, "delete");
  flights_.supersede(key);
  return ending(std::move(around), backend_->remove(on.caller, key));
}

Answer<bool> Cache::remove_if(On on, Key key, std::string_view equals) {
  if (Result<void> good = check(key); !good.ok()) return std::move(good).error();
  telemetry::Span around = span(on, "delete_if");
  flights_.supersede(key);
  return ending(std::move(around), backend_->remove_if(on.caller, key, equals));
}

Answer<bool> Cache::exists(On on, Key key) {
  if (Result<void> good = check(key); !good.ok()) return std::move(good).error();
  telemetry::Span around = span(on, "exists");
  return ending(std::move(around), backend_->contains(on.caller, key));
}

Answer<bool> Cache::touch(On on, Key key, Ttl ttl) {
  if (Result<void> good = check(key); !good.ok()) return std::move(good).error();
  Result<Millis> lives = ttl.resolve(options_.default_ttl);
  if (!lives.ok()) return std::move(lives).error();
  telemetry::Span around = span(on, "touch");
  return ending(std::move(around), backend_->touch(on.caller, key, *lives));
}

namespace {

Result<std::optional<std::chrono::milliseconds>> span_left(Result<std::optional<Millis>> left) {
  using Span = std::optional<std::chrono::milliseconds>;
  if (!left.ok()) return std::move(left).error();
  if (!left->has_value()) return Error(ErrorKind::not_found, "no such key").with_operation("cache.ttl");
  if (**left == forever) return Span();
  return Span(std::chrono::milliseconds(**left));
}

Task<Result<std::optional<std::chrono::milliseconds>>> span_left_later(Answer<std::optional<Millis>> answer) {
  Result<std::optional<Millis>> left = co_await answer;
  co_return span_left(std::move(left));
}

}  // namespace

Answer<std::optional<std::chrono::milliseconds>> Cache::ttl(On on, Key key) {
  if (Result<void> good = check(key); !good.ok()) return std::move(good).error();
  telemetry::Span around = span(on, "ttl");
  Answer<std::optional<Millis>> answer = ending(std::move(around), backend_->left(on.caller, key));
  if (answer.ready()) return span_left(std::move(answer).take());
  return span_left_later(std::move(answer));
}

Answer<std::int64_t> Cache::increment(On on, Key key, std::int64_t by, Ttl ttl) {
  if (Result<void> good = check(key); !good.ok()) return std::move(good).error();
  Result<Millis> lives = ttl.resolve(options_.default_ttl);
  if (!lives.ok()) return std::move(lives).error();
  telemetry::Span around = span(on, "increment");
  flights_.supersede(key);
  return ending(std::move(around), backend_->increment(on.caller, key, by, *lives));
}

Answer<std::vector<std::optional<Payload>>> Cache::get_many(On on, std::string_view space, std::span<const std::string> keys) {
  if (keys.size() > max_many) return invalid_argument("keys: at most 65536");
  for (const std::string& name : keys) {
    if (Result<void> good = check(Key{space, name}); !good.ok()) return std::move(good).error();
  }
  telemetry::Span around = span(on, "get_many");
  return ending(std::move(around), backend_->get_many(on.caller, space, keys));
}

Answer<void> Cache::set_many(On on, std::string_view space, std::span<const Item> items, const SetOptions& options) {
  if (items.size() > max_many) return invalid_argument("items: at most 65536");
  Result<Put> put = put_of(Key{space, {}}, {}, options);
  if (!put.ok()) return std::move(put).error();
  for (const Item& item : items) {
    if (Result<void> good = check(Key{space, item.key}); !good.ok()) return std::move(good).error();
  }
  telemetry::Span around = span(on, "set_many");
  for (const Item& item : items) flights_.supersede(Key{space, item.key});
  return ending(std::move(around), backend_->put_many(on.caller, space, items, *put));
}

Answer<void> Cache::clear(On on, std::string_view space) {
  if (Result<void> good = check_space(space); !good.ok()) return std::move(good).error();
  telemetry::Span around = span(on, "clear");
  flights_.supersede_space(space);
  return ending(std::move(around), backend_->clear(on.caller, space));
}

Answer<std::uint64_t> Cache::count(On on, std::string_view space) {
  if (Result<void> good = check_space(space); !good.ok()) return std::move(good).error();
  telemetry::Span around = span(on, "count");
  return ending(std::move(around), backend_->count(on.caller, space));
}

Answer<void> Cache::invalidate_tags(On on, std::span<const std::string> tags) {
  if (Result<void> good = check_tags(tags); !good.ok()) return std::move(good).error();
  telemetry::Span around = span(on, "invalidate_tags");
  flights_.supersede_tags(tags);
  return ending(std::move(around), backend_->invalidate(on.caller, tags));
}

std::string Cache::token(std::uint64_t flight) const {
  std::string out(16, '\0');
  std::memcpy(out.data(), &self_, 8);
  std::memcpy(out.data() + 8, &flight, 8);
  return out;
}

LoadStatistics Cache::statistics() const {
  LoadStatistics out;
  static_cast<Statistics&>(out) = backend_->statistics();
  out.loads = loads_.load(std::memory_order_relaxed);
  out.load_failures = load_failures_.load(std::memory_order_relaxed);
  return out;
}

}  // namespace spikard::cache
