#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "messaging/backend.hpp"
#include "messaging/mqtt/options.hpp"
#include "net/loop/loop.hpp"
#include "net/mqtt/client.hpp"
#include "net/virtual_clock.hpp"

namespace spikard::messaging::mqtt {

/// A group's way from the broker into the delivery store: a client with one subscription, whose messages are acknowledged once
/// the store has them. Connected while somebody uses it; between, the broker keeps its session. Everything on the wire's thread.
class Inbox final : public std::enable_shared_from_this<Inbox> {
 public:
  using Done = Function<void(Result<void>)>;
  struct Setup {
    Setup() = default;
    net::mqtt::ClientOptions client{};
    std::string filter{};
    std::string store_topic{};  ///< before a message's topic, in the store
  };
  /// `clock` is the application's: a virtual one waits for what came in.
  Inbox(net::Loop& loop, Clock& clock, MqttOptions options, Setup setup, std::shared_ptr<Backend> store);

  /// Done when the broker has confirmed the subscription. After an error it is not used.
  void use(Done done);
  /// The last one ends the connection, when the store has what came.
  void leave(Done done);
  /// For the end of the process: now.
  void stop(Function<void()> done);
  /// What the broker had for us by now is in the store.
  void settle(Done done);

  /// Any thread.
  [[nodiscard]] std::uint64_t stored() const noexcept { return stored_.load(std::memory_order_relaxed); }

 private:
  struct Arrived {
    Message message;
    net::mqtt::Delivery delivery;
    std::shared_ptr<net::mqtt::Client> client;
  };
  void begin();
  void began(Result<void> how);
  void end();
  void settle_again(std::uint64_t before, Done done);
  void arrived(net::mqtt::Publish publish, net::mqtt::Delivery delivery);
  [[nodiscard]] Task<> pump();
  void rest();

  net::Loop& loop_;
  Clock& clock_;
  const MqttOptions options_;
  const Setup setup_;
  const std::shared_ptr<Backend> store_;
  std::shared_ptr<net::mqtt::Client> client_;
  enum class State : std::uint8_t { off, starting, on, stopping };
  State state_ = State::off;
  std::size_t users_ = 0;
  bool closed_ = false;
  std::vector<Done> starting_;
  std::vector<Done> leaving_;
  std::vector<Function<void()>> stopped_;
  std::vector<Function<void()>> resting_;  // until nothing is in our hand
  std::deque<Arrived> arrived_;
  std::optional<net::Busy> busy_;
  bool pumping_ = false;
  std::atomic<std::uint64_t> stored_{0};
};

}  // namespace spikard::messaging::mqtt
