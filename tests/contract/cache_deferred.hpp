#pragma once

#include <memory>
#include <utility>

#include "cache/backend.hpp"

namespace spikard::cache {

/// A backend that answers a turn of the loop later, as a server would: what the cache does around one that is not immediate.
class Deferred final : public Backend {
 public:
  explicit Deferred(std::unique_ptr<Backend> inner) : inner_(std::move(inner)) {}

  [[nodiscard]] Capabilities capabilities() const noexcept override {
    Capabilities out = inner_->capabilities();
    out.immediate = false;
    return out;
  }
  Answer<std::optional<Payload>> get(const net::Caller* c, Key key) override {
    return later(c, [=, this] { return inner_->get(c, key); });
  }
  Answer<std::optional<Found>> find(const net::Caller* c, Key key) override {
    return later(c, [=, this] { return inner_->find(c, key); });
  }
  Answer<std::optional<Found>> peek(const net::Caller* c, Key key) override {
    return later(c, [=, this] { return inner_->peek(c, key); });
  }
  Answer<bool> contains(const net::Caller* c, Key key) override {
    return later(c, [=, this] { return inner_->contains(c, key); });
  }
  Answer<std::optional<Millis>> left(const net::Caller* c, Key key) override {
    return later(c, [=, this] { return inner_->left(c, key); });
  }
  Answer<void> put(const net::Caller* c, Key key, Put what) override {
    return later(c, [=, this] { return inner_->put(c, key, what); });
  }
  Answer<bool> put_if_absent(const net::Caller* c, Key key, Put what) override {
    return later(c, [=, this] { return inner_->put_if_absent(c, key, what); });
  }
  Answer<bool> remove(const net::Caller* c, Key key) override {
    return later(c, [=, this] { return inner_->remove(c, key); });
  }
  Answer<bool> remove_if(const net::Caller* c, Key key, std::string_view equals) override {
    return later(c, [=, this] { return inner_->remove_if(c, key, equals); });
  }
  Answer<bool> touch(const net::Caller* c, Key key, Millis ttl) override {
    return later(c, [=, this] { return inner_->touch(c, key, ttl); });
  }
  Answer<std::int64_t> increment(const net::Caller* c, Key key, std::int64_t by, Millis ttl) override {
    return later(c, [=, this] { return inner_->increment(c, key, by, ttl); });
  }
  Answer<std::vector<std::optional<Payload>>> get_many(const net::Caller* c, std::string_view space,
                                                       std::span<const std::string> names) override {
    return later(c, [=, this] { return inner_->get_many(c, space, names); });
  }
  Answer<void> clear(const net::Caller* c, std::string_view space) override {
    return later(c, [=, this] { return inner_->clear(c, space); });
  }
  Answer<std::uint64_t> count(const net::Caller* c, std::string_view space) override {
    return later(c, [=, this] { return inner_->count(c, space); });
  }
  Answer<void> invalidate(const net::Caller* c, std::span<const std::string> tags) override {
    return later(c, [=, this] { return inner_->invalidate(c, tags); });
  }
  [[nodiscard]] Statistics statistics() const override { return inner_->statistics(); }

 private:
  template <class F>
  static auto later(const net::Caller* caller, F fn) -> Task<Result<typename std::invoke_result_t<F&>::value_type>> {
    using T = typename std::invoke_result_t<F&>::value_type;
    const Result<void> slept = co_await net::sleep(*caller->loop, Duration::zero());
    if (!slept.ok()) co_return Result<T>(slept.error());
    Answer<T> answer = fn();
    co_return std::move(answer).take();
  }

  std::unique_ptr<Backend> inner_;
};

}  // namespace spikard::cache
