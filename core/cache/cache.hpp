#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cache/backend.hpp"
#include "cache/flights.hpp"
#include "cache/options.hpp"
#include "telemetry/provider.hpp"

namespace spikard::cache {

/// On whose behalf: a caller, or (of a backend that answers at once) only the trace of one, or nobody's.
struct On {
  On(const net::Caller* of) noexcept : caller(of), trace(of == nullptr ? nullptr : &of->trace) {}
  explicit On(const telemetry::SpanContext& of) noexcept : trace(&of) {}
  const net::Caller* caller = nullptr;
  const telemetry::SpanContext* trace;
};

/// One open cache: a backend, and what is the same on every one: checks of arguments, the default time to live, loads in
/// progress, spans and counts. Shared and thread-safe. `Client` and `Operations` are its faces; a null `caller` is for backends
/// that answer at once (`immediate`), without a span.
class Cache : public std::enable_shared_from_this<Cache> {
 public:
  struct Options {
    explicit Options(Clock& of_clock) noexcept : clock(&of_clock) {}
    Clock* clock;  ///< outlives the cache
    Millis default_ttl = forever;
    telemetry::Tracer tracer{};
    std::string name = "default";  ///< `cache.name` of metrics
  };
  Cache(std::unique_ptr<Backend> backend, Options options);
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  [[nodiscard]] Capabilities capabilities() const noexcept { return backend_->capabilities(); }
  [[nodiscard]] bool traced() const noexcept { return static_cast<bool>(options_.tracer); }
  [[nodiscard]] Backend& backend() noexcept { return *backend_; }

  Answer<std::optional<Payload>> get(On on, Key key);
  /// Of a backend that has some entries nearby: `get` without a caller, where it is known at once.
  [[nodiscard]] std::optional<Payload> get_nearby(On on, Key key);
  Answer<void> set(On on, Key key, std::string_view value, const SetOptions& options);
  Answer<bool> set_if_absent(On on, Key key, std::string_view value, const SetOptions& options);
  Answer<bool> remove(On on, Key key);
  Answer<bool> remove_if(On on, Key key, std::string_view equals);
  Answer<bool> exists(On on, Key key);
  Answer<bool> touch(On on, Key key, Ttl ttl);
  Answer<std::optional<std::chrono::milliseconds>> ttl(On on, Key key);
  Answer<std::int64_t> increment(On on, Key key, std::int64_t by, Ttl ttl);
  Answer<std::vector<std::optional<Payload>>> get_many(On on, std::string_view space, std::span<const std::string> keys);
  Answer<void> set_many(On on, std::string_view space, std::span<const Item> items, const SetOptions& options);
  Answer<void> clear(On on, std::string_view space);
  Answer<std::uint64_t> count(On on, std::string_view space);
  Answer<void> invalidate_tags(On on, std::span<const std::string> tags);

  /// What a caller who wants a value is told: it, or a flight to fly, or (a value near its end) both.
  struct Begun {
    bool loads = false;  ///< the caller must load
    std::optional<Payload> value{};
    std::uint64_t flight = 0;  ///< 0: none
  };
  /// Of a backend that answers at once, where nobody must be waited for.
  [[nodiscard]] std::optional<Result<Begun>> begin_load_now(On on, Key key, const LoadOptions& options);
  /// Of one that has the entry nearby, and it is not to be loaded again yet.
  [[nodiscard]] std::optional<Begun> begin_load_nearby(On on, Key key, const LoadOptions& options);
  /// Waits for another's load.
  [[nodiscard]] Task<Result<Begun>> begin_load(net::Caller caller, std::string space, std::string name, LoadOptions options);

  enum class End : std::uint8_t { value, absent, failed, given_up };
  /// What the one who flew it answers: the value, the stale one after a failure, or load_failed. `caller` null: the backend
  /// answers at once, and so the task runs through.
  [[nodiscard]] Task<Loaded> end_load(const net::Caller* caller, std::uint64_t flight, End end, std::string_view value,
                                      std::string_view message);
  [[nodiscard]] Task<Loaded> get_or_load(net::Caller caller, std::string space, std::string name, LoadOptions options,
                                         Loader load);

  [[nodiscard]] LoadStatistics statistics() const;

 private:
  [[nodiscard]] Result<LoadTerms> terms(const LoadOptions& options) const;
  [[nodiscard]] Result<Put> put_of(Key key, std::string_view value, const SetOptions& options) const;
  [[nodiscard]] std::optional<Begun> hit(Key key, const std::optional<Found>& found, const LoadTerms& terms, Millis early);
  [[nodiscard]] Task<Result<Flights::Arrival>> arrive(net::Loop& loop, Flights::Seat& seat, std::optional<Instant> until,
                                                      std::optional<Instant> late);
  [[nodiscard]] Task<Result<Begun>> begin(const net::Caller& caller, Key key, const LoadTerms& terms, Millis early,
                                          std::optional<Instant> until);
  /// Of a cache with leases, for the leader of a flight: the right to load it (`loads`), what another process has loaded, or
  /// nothing where the flight is another's by now. The flight is given up with every error.
  [[nodiscard]] Task<Result<std::optional<Begun>>> claim(const net::Caller& caller, Key key, const LoadTerms& terms,
                                                         std::uint64_t flight, std::optional<Instant> until);
  /// Renews the lease of a flight until it is over.
  void hold(const net::Caller& caller, std::uint64_t flight);
  [[nodiscard]] static Task<void> renew(std::weak_ptr<Cache> weak, net::Caller caller, std::uint64_t flight);
  void release_later(const net::Caller& caller, Key key, const std::string& token);
  [[nodiscard]] static Task<void> release(std::shared_ptr<Cache> cache, net::Caller caller, std::string space, std::string name,
                                          std::string token);
  [[nodiscard]] Task<Loaded> fly(const net::Caller& caller, Key key, const LoadTerms& terms, std::uint64_t flight,
                                 const std::shared_ptr<Loader>& load, std::optional<Instant> until);
  /// Whose lease it is.
  [[nodiscard]] std::string token(std::uint64_t flight) const;
  [[nodiscard]] static Task<void> run_load(std::shared_ptr<Cache> cache, net::Caller caller, std::uint64_t flight,
                                           std::shared_ptr<Loader> load, std::shared_ptr<CancelSource> source);
  void start_load(const net::Caller& caller, std::uint64_t flight, const std::shared_ptr<Loader>& load,
                  const std::shared_ptr<CancelSource>& source);
  [[nodiscard]] std::optional<Instant> until(const LoadOptions& options) const;
  [[nodiscard]] telemetry::Span span(On on, std::string_view operation) const;
  /// Ends the span with the answer.
  template <class T>
  static Answer<T> ending(telemetry::Span span, Answer<T> answer);

  const std::unique_ptr<Backend> backend_;
  const Options options_;
  Flights flights_;
  std::uint64_t self_ = 0;  // of tokens
  std::atomic<std::uint64_t> loads_{0};
  std::atomic<std::uint64_t> load_failures_{0};
};

}  // namespace spikard::cache
