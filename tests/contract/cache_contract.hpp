#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "cache/client.hpp"
#include "cache/registry.hpp"
#include "net/virtual_clock.hpp"

namespace spikard::cache {

/// A backend under the contract: a line of cache_contract.cpp.
struct Contender {
  std::string name;
  /// On an empty store of its own. `beside`: the same as another process has it, where there can be one.
  std::shared_ptr<Cache> (*open)(Clock& clock, const services::CacheConfig& config, std::shared_ptr<Cache>* beside);
  bool tags = true;
  bool server = false;  ///< answers come over a network: they are waited for
};
inline std::ostream& operator<<(std::ostream& out, const Contender& contender) { return out << contender.name; }

/// One loop on a virtual clock, turned by the test.
class CacheContract : public testing::TestWithParam<Contender> {
 protected:
  CacheContract() : loop_(std::move(net::Loop::create(clock_)).value()), caller_(*loop_) {
    loop_->turn(0);
    open({});
  }

  void open(const services::CacheConfig& config) { client_ = Client(GetParam().open(clock_, config, &beside_)); }

  /// Runs what `answer` needs at this time, and returns what it came to.
  template <class T>
  Result<T> run(Answer<T> answer) {
    return run(std::move(answer).task());
  }
  template <class T>
  Result<T> run(Task<Result<T>> task) {
    auto out = start(std::move(task));
    settle();
    EXPECT_TRUE(out->has_value()) << "it waits for something";
    if (!out->has_value()) return internal_error("it waits for something");
    return std::move(**out);
  }
  /// Goes on beside the test.
  template <class T>
  std::shared_ptr<std::optional<Result<T>>> start(Task<Result<T>> task, CancelToken token = {}) {
    auto out = std::make_shared<std::optional<Result<T>>>();
    loop_->post([task = std::move(task), out, token = std::move(token)]() mutable {
      spawn(std::move(task).with_token(std::move(token)), [out](std::exception_ptr error, std::optional<Result<T>> value) {
        EXPECT_FALSE(error) << "an exception";
        if (value) out->emplace(std::move(*value));
      });
    });
    return out;
  }
  void advance(std::chrono::milliseconds by) {
    bool done = false;
    clock_.advance(by, [&] { done = true; });
    // A server's answer keeps the clock busy until it is there.
    const Instant limit = RealClock().now() + std::chrono::seconds(20);
    while (!done && RealClock().now() < limit) loop_->turn(GetParam().server ? 1 : 0);
    ASSERT_TRUE(done) << "the server does not answer";
  }
  void settle() { advance(std::chrono::milliseconds(0)); }

  // Short forms; a miss is "-".
  std::string get(const Client& client, std::string_view key) {
    Result<std::optional<Payload>> value = run(client.get(caller_, key));
    EXPECT_TRUE(value.ok()) << value.error().to_string();
    return value.ok() && *value ? std::string((*value)->view()) : "-";
  }
  std::string get(std::string_view key) { return get(client_, key); }
  void set(std::string_view key, std::string_view value, const SetOptions& options = {}) {
    const Result<void> done = run(client_.set(caller_, key, value, options));
    EXPECT_TRUE(done.ok()) << done.error().to_string();
  }
  void set(std::string_view key, std::string_view value, Ttl ttl) { set(key, value, SetOptions(ttl)); }
  std::string ttl(std::string_view key) {
    const auto left = run(client_.ttl(caller_, key));
    if (!left.ok()) return std::string(name_of(left.error().kind()));
    return left->has_value() ? std::to_string((*left)->count()) : "forever";
  }

  net::VirtualClock clock_;
  std::unique_ptr<net::Loop> loop_;
  net::Caller caller_;
  std::shared_ptr<Cache> beside_;
  Client client_;
};

}  // namespace spikard::cache
