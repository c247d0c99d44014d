#include "app/faults/backends.hpp"

namespace spikard::app {
namespace {

using cache::Key;
using cache::Millis;
using cache::Payload;
using net::Caller;

/// Answers of a cache may be there before anybody waits for them, so the call itself waits in a task.
template <class T, class Call>
Task<Result<T>> asked(Call call) {
  cache::Answer<T> answer = call();
  Result<T> done = co_await std::move(answer);
  co_return done;
}

class FaultyBackend final : public cache::Backend {
 public:
  template <class T>
  using Answer = cache::Answer<T>;

  FaultyBackend(std::unique_ptr<cache::Backend> inner, FaultSite site) : inner_(std::move(inner)), site_(std::move(site)) {}

  cache::Capabilities capabilities() const noexcept override {
    cache::Capabilities out = inner_->capabilities();
    out.immediate = false;  // it may have to wait
    return out;
  }

  Answer<std::optional<Payload>> get(const Caller* caller, Key key) override {
    return step<std::optional<Payload>>(caller, "get", key.name, Effect::none, [=, this] { return inner_->get(caller, key); });
  }
  Answer<std::optional<cache::Found>> find(const Caller* caller, Key key) override {
    return step<std::optional<cache::Found>>(caller, "get", key.name, Effect::none,
                                             [=, this] { return inner_->find(caller, key); });
  }
  Answer<std::optional<cache::Found>> peek(const Caller* caller, Key key) override {
    return step<std::optional<cache::Found>>(caller, "get", key.name, Effect::none,
                                             [=, this] { return inner_->peek(caller, key); });
  }
  Answer<bool> contains(const Caller* caller, Key key) override {
    return step<bool>(caller, "contains", key.name, Effect::none, [=, this] { return inner_->contains(caller, key); });
  }
  Answer<std::optional<Millis>> left(const Caller* caller, Key key) override {
    return step<std::optional<Millis>>(caller, "left", key.name, Effect::none, [=, this] { return inner_->left(caller, key); });
  }
  Answer<void> put(const Caller* caller, Key key, cache::Put what) override {
    return step<void>(caller, "put", key.name, Effect::some, [=, this] { return inner_->put(caller, key, what); });
  }
  Answer<bool> put_if_absent(const Caller* caller, Key key, cache::Put what) override {
    return step<bool>(caller, "put_if_absent", key.name, Effect::some,
                      [=, this] { return inner_->put_if_absent(caller, key, what); });
  }
  Answer<bool> remove(const Caller* caller, Key key) override {
    return step<bool>(caller, "remove", key.name, Effect::some, [=, this] { return inner_->remove(caller, key); });
  }
  Answer<bool> remove_if(const Caller* caller, Key key, std::string_view equals) override {
    return step<bool>(caller, "remove_if", key.name, Effect::some, [=, this] { return inner_->remove_if(caller, key, equals); });
  }
  Answer<bool> touch(const Caller* caller, Key key, Millis ttl) override {
    return step<bool>(caller, "touch", key.name, Effect::some, [=, this] { return inner_->touch(caller, key, ttl); });
  }
  Answer<std::int64_t> increment(const Caller* caller, Key key, std::int64_t by, Millis ttl) override {
    return step<std::int64_t>(caller, "increment", key.name, Effect::some,
                              [=, this] { return inner_->increment(caller, key, by, ttl); });
  }
  Answer<std::vector<std::optional<Payload>>> get_many(const Caller* caller, std::string_view space,
                                                       std::span<const std::string> names) override {
    return step<std::vector<std::optional<Payload>>>(caller, "get_many", space, Effect::none,
                                                     [=, this] { return inner_->get_many(caller, space, names); });
  }
  Answer<void> clear(const Caller* caller, std::string_view space) override {
    return step<void>(caller, "clear", space, Effect::some, [=, this] { return inner_->clear(caller, space); });
  }
  Answer<std::uint64_t> count(const Caller* caller, std::string_view space) override {
    return step<std::uint64_t>(caller, "count", space, Effect::none, [=, this] { return inner_->count(caller, space); });
  }
  Answer<void> invalidate(const Caller* caller, std::span<const std::string> tags) override {
    return step<void>(caller, "invalidate", tags.empty() ? std::string_view() : std::string_view(tags.front()), Effect::some,
                      [=, this] { return inner_->invalidate(caller, tags); });
  }
  cache::Statistics statistics() const override { return inner_->statistics(); }
  Answer<cache::Lease> lease(const Caller* caller, Key key, cache::Claim claim) override {
    return step<cache::Lease>(caller, "lease", key.name, Effect::some, [=, this] { return inner_->lease(caller, key, claim); });
  }
  Answer<bool> renew(const Caller* caller, Key key, std::string_view token, Millis lives) override {
    return step<bool>(caller, "lease", key.name, Effect::some, [=, this] { return inner_->renew(caller, key, token, lives); });
  }
  Answer<bool> keep(const Caller* caller, Key key, std::string_view token, std::optional<cache::Put> what) override {
    return step<bool>(caller, "put", key.name, Effect::some, [=, this] { return inner_->keep(caller, key, token, what); });
  }
  Answer<void> release(const Caller* caller, Key key, std::string_view token) override {
    return step<void>(caller, "release", key.name, Effect::some, [=, this] { return inner_->release(caller, key, token); });
  }

 private:
  /// Without a loop (upkeep after a commit) there is nobody who could wait, or hear of it.
  template <class T, class Call>
  Answer<T> step(const Caller* caller, std::string operation, std::string_view subject, Effect effect, Call call) {
    if (caller == nullptr) return call();
    auto task = asked<T>(std::move(call));
    return inject(site_, *caller->loop, std::move(operation), std::string(subject), effect, std::move(task));
  }

  const std::unique_ptr<cache::Backend> inner_;
  const FaultSite site_;
};

}  // namespace

std::unique_ptr<cache::Backend> with_faults(std::unique_ptr<cache::Backend> backend, FaultSite site) {
  return std::make_unique<FaultyBackend>(std::move(backend), std::move(site));
}

}  // namespace spikard::app
