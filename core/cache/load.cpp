// Cache's loads: get_or_load and what a binding makes its own of.
#include <algorithm>

#include "cache/cache.hpp"

namespace spikard::cache {

namespace {

Error load_failed(std::string_view why) {
  std::string message = "the load failed";
  if (!why.empty()) message.append(": ").append(why);
  return Error(ErrorKind::internal, std::move(message)).with_detail("load_failed").with_operation("cache.get_or_load");
}

constexpr Duration first_look = std::chrono::milliseconds(5);
constexpr Duration last_look = std::chrono::milliseconds(100);
constexpr std::chrono::milliseconds longest_lease = std::chrono::seconds(10);
constexpr Duration renewal = std::chrono::seconds(3);

Millis millis(std::chrono::milliseconds span) noexcept { return std::clamp<Millis>(span.count(), 0, forever / 4); }

Millis lease_of(const LoadTerms& terms) noexcept {
  return std::clamp<Millis>(std::chrono::ceil<std::chrono::milliseconds>(terms.load_timeout).count(), 1, longest_lease.count());
}

Duration duration(std::chrono::milliseconds span) noexcept {
  return std::min(span, std::chrono::milliseconds(std::chrono::hours(24) * 365 * 100));
}

}  // namespace

Result<LoadTerms> Cache::terms(const LoadOptions& options) const {
  Result<Millis> ttl = options.ttl.resolve(options_.default_ttl);
  if (!ttl.ok()) return std::move(ttl).error();
  const auto nought = std::chrono::milliseconds(0);
  if (options.negative_ttl < nought) return invalid_argument("negative_ttl_ms: not below 0");
  if (options.stale_if_error < nought) return invalid_argument("stale_if_error_ms: not below 0");
  if (options.early_refresh < nought) return invalid_argument("early_refresh_ms: not below 0");
  if (options.load_timeout <= nought) return invalid_argument("load_timeout_ms: at least 1");
  if (options.wait && *options.wait <= nought) return invalid_argument("wait_ms: at least 1");
  LoadTerms out;
  out.ttl = *ttl;
  out.negative_ttl = millis(options.negative_ttl);
  out.grace = millis(options.stale_if_error);
  out.load_timeout = duration(options.load_timeout);
  out.tags = options.tags;
  out.weight = options.weight;
  return out;
}

std::optional<Instant> Cache::until(const LoadOptions& options) const {
  if (!options.wait) return std::nullopt;
  return options_.clock->now() + duration(*options.wait);
}

std::optional<Cache::Begun> Cache::hit(Key key, const std::optional<Found>& found, const LoadTerms& terms, Millis early) {
  if (!found || found->left <= 0) return std::nullopt;
  Begun out;
  if (!found->absent) out.value = found->value;
  if (!found->absent && found->left < early) {
    if (const auto begun = flights_.begin(key, terms, nullptr)) out.flight = begun->lead;
  }
  return out;
}

std::optional<Result<Cache::Begun>> Cache::begin_load_now(On on, Key key, const LoadOptions& options) {
  if (!backend_->capabilities().immediate) return std::nullopt;
  const SetOptions about = SetOptions(options.ttl).with_tags(options.tags);
  if (Result<Put> good = put_of(key, {}, about); !good.ok()) return Result<Begun>(std::move(good).error());
  Result<LoadTerms> how = terms(options);
  if (!how.ok()) return Result<Begun>(std::move(how).error());
  // Where somebody must be waited for, `begin_load` looks again and counts.
  Result<std::optional<Found>> found = backend_->peek(nullptr, key).take();
  if (!found.ok()) return Result<Begun>(std::move(found).error());
  std::optional<Begun> begun = hit(key, *found, *how, millis(options.early_refresh));
  if (!begun) {
    const auto flight = flights_.begin(key, *how, nullptr);
    if (!flight) return std::nullopt;
    begun.emplace();
    begun->flight = flight->lead;
    begun->loads = true;
  }
  telemetry::Span around = span(on, "get_or_load");
  found = backend_->find(nullptr, key).take();
  if (begun->loads && found.ok() && *found && (*found)->left > 0) {
    // It landed between the look and the begin.
    begun->loads = false;
    if (!(*found)->absent) begun->value = (*found)->value;
    flights_.land(std::exchange(begun->flight, 0), Loaded(begun->value));
  }
  around.set("cache.hit", !begun->loads);
  return Result<Begun>(std::move(*begun));
}

std::optional<Cache::Begun> Cache::begin_load_nearby(On on, Key key, const LoadOptions& options) {
  // What is wrong with the options is said by begin_load.
  if (!put_of(key, {}, SetOptions(options.ttl).with_tags(options.tags)).ok() || !terms(options).ok()) return std::nullopt;
  std::optional<Found> found = backend_->nearby(key);
  if (!found || found->left < millis(options.early_refresh)) return std::nullopt;
  Begun begun;
  if (!found->absent) begun.value = std::move(found->value);
  telemetry::Span around = span(on, "get_or_load");
  around.set("cache.hit", true);
  return begun;
}

Task<Result<Cache::Begun>> Cache::begin_load(net::Caller caller, std::string space, std::string name, LoadOptions options) {
  const Key key{space, name};
  const SetOptions about = SetOptions(options.ttl).with_tags(options.tags);
  if (Result<Put> good = put_of(key, {}, about); !good.ok()) co_return Result<Begun>(std::move(good).error());
  const Result<LoadTerms> how = terms(options);
  if (!how.ok()) co_return Result<Begun>(how.error());
  telemetry::Span around = span(&caller, "get_or_load");
  if (around.recording()) caller.trace = around.context();
  Result<Begun> begun = co_await begin(caller, key, *how, millis(options.early_refresh), until(options));
  if (!begun.ok()) around.fail(begun.error());
  if (begun.ok()) around.set("cache.hit", !begun->loads);
  co_return begun;
}

/// Waits until the seat has something, or for `until` (timeout), or for `late` (an arrival of nothing).
Task<Result<Flights::Arrival>> Cache::arrive(net::Loop& loop, Flights::Seat& seat, std::optional<Instant> until,
                                             std::optional<Instant> late) {
  for (;;) {
    if (auto arrival = flights_.look(seat)) co_return Result<Flights::Arrival>(std::move(*arrival));
    const Instant now = options_.clock->now();
    if (until && now >= *until) {
      co_return Result<Flights::Arrival>(
          Error(ErrorKind::timeout, "the load did not end in the time this caller waits").with_operation("cache.get_or_load"));
    }
    if (late && now >= *late) co_return Result<Flights::Arrival>(Flights::Arrival{});
    std::optional<Instant> limit = until;
    if (late && (!limit || *late < *limit)) limit = late;
    Task<Result<void>> waiting = flights_.wait(seat);
    if (limit) waiting = net::with_deadline(loop, *limit - now, std::move(waiting));
    Result<void> waited = co_await waiting;
    if (waited.ok() || waited.error().kind() == ErrorKind::timeout) continue;
    co_return Result<Flights::Arrival>(Error(ErrorKind::cancelled, "the caller gave up").with_operation("cache.get_or_load"));
  }
}

Task<Result<Cache::Begun>> Cache::begin(const net::Caller& caller, Key key, const LoadTerms& terms, Millis early,
                                        std::optional<Instant> until) {
  Flights::Seat seat(flights_, *caller.loop);
  const bool leases = backend_->capabilities().leases;
  const Millis lease_time = lease_of(terms);
  Answer<std::optional<Found>> looking = backend_->find(&caller, key);
  Result<std::optional<Found>> found = co_await looking;
  for (;;) {
    if (!found.ok()) co_return Result<Begun>(std::move(found).error());
    if (auto there = hit(key, *found, terms, early)) {
      if (there->flight != 0 && leases) {  // one process is enough
        const std::string mine = token(there->flight);
        Claim wish(mine, lease_time);
        wish.refresh = true;
        wish.tags = terms.tags;
        Answer<Lease> asking = backend_->lease(&caller, key, wish);
        const Result<Lease> lease = co_await asking;
        if (lease.ok() && *lease == Lease::mine) {
          hold(caller, there->flight);
        } else {
          if (!lease.ok()) release_later(caller, key, mine);
          flights_.give_up(std::exchange(there->flight, 0));
        }
      }
      co_return Result<Begun>(std::move(*there));
    }
    const auto flight = flights_.begin(key, terms, &seat);
    Begun begun;
    std::uint64_t led = flight->lead;
    if (flight->lead != 0) {
      // It may have landed between the look and the begin.
      Answer<std::optional<Found>> again = backend_->peek(&caller, key);
      found = co_await again;
      if (!found.ok()) {
        flights_.give_up(flight->lead);
        co_return Result<Begun>(std::move(found).error());
      }
      begun.loads = !*found || (*found)->left <= 0;
      if (!begun.loads) {
        if (!(*found)->absent) begun.value = (*found)->value;
        flights_.land(flight->lead, Loaded(begun.value));
        co_return Result<Begun>(std::move(begun));
      }
    } else {
      Result<Flights::Arrival> arrival = co_await arrive(*caller.loop, seat, until, flight->late);
      if (!arrival.ok()) co_return Result<Begun>(std::move(arrival).error());
      if (arrival->loaded) {
        if (!arrival->loaded->ok()) co_return Result<Begun>(arrival->loaded->error());
        begun.value = std::move(**arrival->loaded);
        co_return Result<Begun>(std::move(begun));
      }
      led = arrival->lead;
    }
    if (led != 0 && leases) {
      Result<std::optional<Begun>> claimed = co_await claim(caller, key, terms, led, until);
      if (!claimed.ok()) co_return Result<Begun>(std::move(claimed).error());
      if (*claimed) co_return Result<Begun>(std::move(**claimed));
    } else if (led != 0) {
      begun.loads = true;
      begun.flight = led;
      co_return Result<Begun>(std::move(begun));
    }
    Answer<std::optional<Found>> again = backend_->peek(&caller, key);  // the loader is late
    found = co_await again;
  }
}

Task<Result<std::optional<Cache::Begun>>> Cache::claim(const net::Caller& caller, Key key, const LoadTerms& terms,
                                                       std::uint64_t flight, std::optional<Instant> until) {
  using Claimed = Result<std::optional<Begun>>;
  struct Led {
    ~Led() {
      if (flight != 0) flights.give_up(flight);
    }
    Flights& flights;
    std::uint64_t flight;
  };
  Led led{flights_, flight};
  const std::string mine = token(flight);
  Begun begun;
  for (Duration pause = first_look;; pause = std::min(pause * 2, last_look)) {
    Claim wish(mine, lease_of(terms));
    wish.tags = terms.tags;
    Answer<Lease> asking = backend_->lease(&caller, key, wish);
    const Result<Lease> lease = co_await asking;
    if (!lease.ok()) {
      release_later(caller, key, mine);
      co_return Claimed(lease.error());
    }
    if (*lease == Lease::mine) {
      led.flight = 0;
      hold(caller, flight);
      begun.loads = true;
      begun.flight = flight;
      co_return Claimed(std::move(begun));
    }
    if (*lease == Lease::there) {
      Answer<std::optional<Found>> looking = backend_->peek(&caller, key);
      Result<std::optional<Found>> found = co_await looking;
      if (!found.ok()) co_return Claimed(std::move(found).error());
      if (*found && (*found)->left > 0) {
        if (!(*found)->absent) begun.value = (*found)->value;
        led.flight = 0;
        flights_.land(flight, Loaded(begun.value));
        co_return Claimed(std::move(begun));
      }
      continue;
    }
    const Instant now = options_.clock->now();
    if (until && now >= *until) {
      co_return Claimed(
          Error(ErrorKind::timeout, "the load did not end in the time this caller waits").with_operation("cache.get_or_load"));
    }
    const Result<void> slept = co_await net::sleep(*caller.loop, until ? std::min(pause, *until - now) : pause);
    if (!slept.ok()) co_return Claimed(Error(ErrorKind::cancelled, "the caller gave up").with_operation("cache.get_or_load"));
    if (!flights_.flight(flight)) {
      led.flight = 0;
      co_return Claimed(std::optional<Begun>());
    }
  }
}

void Cache::hold(const net::Caller& caller, std::uint64_t flight) {
  const CancelSource unbound;
  spawn(renew(weak_from_this(), caller, flight).with_token(unbound.token()), [](const std::exception_ptr&) {});
}

Task<void> Cache::renew(std::weak_ptr<Cache> weak, net::Caller caller, std::uint64_t flight) {
  struct Ends final : net::LoopEnd {
    void on_loop_end() override { source.cancel(CancelReason::shutdown); }
    CancelSource source;
  } ends;
  caller.loop->at_end(ends);
  for (;;) {
    Task<Result<void>> sleeping = net::sleep(*caller.loop, renewal).with_token(ends.source.token());
    const Result<void> slept = co_await sleeping;
    const std::shared_ptr<Cache> cache = weak.lock();
    if (!slept.ok() || cache == nullptr) co_return;
    const std::optional<Flights::Flight> about = cache->flights_.flight(flight);
    const Instant now = cache->options_.clock->now();
    if (!about || now >= about->late) co_return;
    const std::string mine = cache->token(flight);
    const Millis lives =
        std::min(lease_of(about->terms), std::chrono::ceil<std::chrono::milliseconds>(about->late - now).count());
    Answer<bool> renewing = cache->backend_->renew(&caller, Key{about->space, about->name}, mine, lives);
    const Result<bool> done = co_await renewing;
    if (done.ok() && !*done) co_return;
  }
}

/// Of one that may have been given although the answer was an error.
void Cache::release_later(const net::Caller& caller, Key key, const std::string& token) {
  const CancelSource unbound;
  spawn(release(shared_from_this(), caller, std::string(key.space), std::string(key.name), token).with_token(unbound.token()),
        [](const std::exception_ptr&) {});
}

Task<void> Cache::release(std::shared_ptr<Cache> cache, net::Caller caller, std::string space, std::string name,
                          std::string token) {
  Answer<void> releasing = cache->backend_->release(&caller, Key{space, name}, token);
  (void)co_await releasing;
}

Task<Loaded> Cache::end_load(const net::Caller* caller, std::uint64_t id, End end, std::string_view value,
                             std::string_view message) {
  const std::optional<Flights::Flight> flight = flights_.flight(id);
  const bool leases = backend_->capabilities().leases;
  const std::string mine = leases ? token(id) : std::string();
  if (end != End::value && end != End::absent && leases && flight) {
    Answer<void> releasing = backend_->release(caller, Key{flight->space, flight->name}, mine);
    (void)co_await releasing;  // else it ends by itself
  }
  if (end == End::given_up) {
    flights_.give_up(id);
    co_return Loaded(std::optional<Payload>());
  }
  if (end == End::failed) {
    load_failures_.fetch_add(1, std::memory_order_relaxed);
    Loaded outcome = load_failed(message);
    if (flight) {
      Answer<std::optional<Found>> looking = backend_->peek(caller, Key{flight->space, flight->name});
      Result<std::optional<Found>> found = co_await looking;
      if (found.ok() && *found && !(*found)->absent) outcome = Loaded(std::optional<Payload>(std::move((*found)->value)));
      flights_.land(id, outcome);
    }
    co_return outcome;
  }
  loads_.fetch_add(1, std::memory_order_relaxed);
  Loaded outcome = std::optional<Payload>();
  if (end == End::value) outcome = std::optional<Payload>(Payload::copy_of(value));
  if (!flight) co_return outcome;

  const Key key{flight->space, flight->name};
  Put put(value, flight->terms.ttl);
  put.grace = flight->terms.grace;
  put.weight = flight->terms.weight;
  put.tags = flight->terms.tags;
  if (end == End::absent) {
    put = Put({}, flight->terms.negative_ttl);
    put.absent = true;
    put.tags = flight->terms.tags;
  }
  const bool keeps = end == End::value || flight->terms.negative_ttl > 0;
  if (backend_->capabilities().immediate) {
    flights_.keep(id, [&] {
      // What is too large to be kept must not leave an older value in its place.
      if (!keeps || !backend_->put(nullptr, key, put).take().ok()) (void)backend_->remove(nullptr, key).take();
    });
  } else if (leases) {
    std::optional<Put> what;
    if (keeps) what = put;
    if (flight->superseded) {
      Answer<void> releasing = backend_->release(caller, key, mine);
      (void)co_await releasing;
    } else {
      Answer<bool> keeping = backend_->keep(caller, key, mine, what);
      const Result<bool> kept = co_await keeping;
      if (!kept.ok() && what) {  // too large to be kept: no older value stays in its place
        Answer<bool> dropping = backend_->keep(caller, key, mine, std::nullopt);
        (void)co_await dropping;
      }
    }
  } else if (!flight->superseded) {
    bool kept = false;
    if (keeps) {
      Answer<void> putting = backend_->put(caller, key, put);
      const Result<void> done = co_await putting;
      kept = done.ok();
    }
    if (!kept) {
      Answer<bool> removing = backend_->remove(caller, key);
      (void)co_await removing;
    }
  }
  flights_.land(id, outcome);
  co_return outcome;
}

Task<void> Cache::run_load(std::shared_ptr<Cache> cache, net::Caller caller, std::uint64_t flight, std::shared_ptr<Loader> load,
                           std::shared_ptr<CancelSource> source) {
  using Made = Result<std::optional<std::string>>;
  Made made = std::optional<std::string>();
  try {
    Task<Made> loading = (*load)();
    made = co_await loading;
  } catch (const std::exception& e) {
    made = internal_error(e.what());
  } catch (...) {
    made = internal_error("an exception of unknown type");
  }
  End end = End::value;
  std::string text;
  if (!made.ok()) {
    // Nobody waited any more, so it was stopped: whoever came since begins again.
    end = source->token().cancelled() ? End::given_up : End::failed;
    text = made.error().message();
  } else if (!made->has_value()) {
    end = End::absent;
  }
  const std::string_view value = end == End::value ? std::string_view(**made) : std::string_view();
  // Also when nobody waits any more: others are told.
  const CancelSource unbound;
  Task<Loaded> ending = cache->end_load(&caller, flight, end, value, text).with_token(unbound.token());
  (void)co_await ending;
}

void Cache::start_load(const net::Caller& caller, std::uint64_t flight, const std::shared_ptr<Loader>& load,
                       const std::shared_ptr<CancelSource>& source) {
  spawn(run_load(shared_from_this(), caller, flight, load, source).with_token(source->token()), [](const std::exception_ptr&) {});
}

/// The load runs beside its caller, who waits for it like anybody else.
Task<Loaded> Cache::fly(const net::Caller& caller, Key key, const LoadTerms& terms, std::uint64_t flight,
                        const std::shared_ptr<Loader>& load, std::optional<Instant> until) {
  Flights::Seat seat(flights_, *caller.loop);
  while (flight != 0) {
    const auto source = std::make_shared<CancelSource>();
    flights_.sit(flight, seat, [mailbox = caller.loop->mailbox(), source] { mailbox->post([source] { source->cancel(); }); });
    start_load(caller, flight, load, source);
    Result<Flights::Arrival> arrival = co_await arrive(*caller.loop, seat, until, std::nullopt);
    if (!arrival.ok()) co_return Loaded(std::move(arrival).error());
    if (arrival->loaded) co_return std::move(*arrival->loaded);
    flight = arrival->lead;
    if (!backend_->capabilities().leases) continue;
    Result<std::optional<Begun>> claimed = co_await claim(caller, key, terms, flight, until);
    if (!claimed.ok()) co_return Loaded(std::move(claimed).error());
    if (!*claimed) {
      Result<Begun> begun = co_await begin(caller, key, terms, 0, until);
      if (!begun.ok()) co_return Loaded(std::move(begun).error());
      *claimed = std::move(*begun);
    }
    if (!(*claimed)->loads) co_return Loaded(std::move((*claimed)->value));
    flight = (*claimed)->flight;
  }
  co_return Loaded(internal_error("a seat without a flight"));
}

Task<Loaded> Cache::get_or_load(net::Caller caller, std::string space, std::string name, LoadOptions options, Loader load) {
  const Key key{space, name};
  const SetOptions about = SetOptions(options.ttl).with_tags(options.tags);
  if (Result<Put> good = put_of(key, {}, about); !good.ok()) co_return Loaded(std::move(good).error());
  const Result<LoadTerms> how = terms(options);
  if (!how.ok()) co_return Loaded(how.error());
  const std::optional<Instant> limit = until(options);
  telemetry::Span around = span(&caller, "get_or_load");
  if (around.recording()) caller.trace = around.context();

  Result<Begun> begun = co_await begin(caller, key, *how, millis(options.early_refresh), limit);
  Loaded outcome = std::optional<Payload>();
  if (!begun.ok()) {
    outcome = std::move(begun).error();
  } else if (begun->loads) {
    const auto shared = std::make_shared<Loader>(std::move(load));
    outcome = co_await fly(caller, key, *how, begun->flight, shared, limit);
    around.set("cache.hit", false);
  } else {
    if (begun->flight != 0)
      start_load(caller, begun->flight, std::make_shared<Loader>(std::move(load)), std::make_shared<CancelSource>());
    outcome = std::move(begun->value);
    around.set("cache.hit", true);
  }
  if (!outcome.ok()) around.fail(outcome.error());
  co_return outcome;
}

}  // namespace spikard::cache
