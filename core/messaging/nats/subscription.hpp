#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "messaging/nats/nats.hpp"

namespace spikard::messaging::nats {

/// Where what was pulled comes in.
struct Intake {
  std::shared_ptr<Feed> feed;
  std::string inbox;
  std::uint64_t sid = 0;
  std::uint64_t outstanding = 0;  // asked for and not there
  std::deque<Incoming> buffer;
  bool gone = false;  // the consumer is not there any more
  bool silent = false;
};

/// A place in a group: pulls from its durable consumer, as much as there is room for. On its loop's thread.
class NatsSubscription final : public messaging::Subscription {
 public:
  NatsSubscription(net::Loop& loop, std::shared_ptr<NatsBackend> backend, SubscribeOptions options, std::string consumer);
  ~NatsSubscription() override;

  Task<Result<std::vector<worker_loop::WorkItem>>> pull(std::uint32_t max) override;
  Task<Result<std::vector<std::uint64_t>>> settle(std::span<const worker_loop::Settlement> settlements) override;
  Task<Result<std::vector<std::uint64_t>>> extend(std::span<const std::uint64_t> ids) override;
  Duration lease() const noexcept override { return options_.ack_wait; }
  Task<Result<void>> close() override;

 private:
  using Records = std::vector<std::optional<Record>>;
  struct Held {
    std::string reply;
    std::uint64_t count = 1;
    bool recorded = false;
    Instant until{};  // the end of the lease
  };
  /// What gives back what was fetched and nobody pulled: lives as long as that takes.
  struct Return {
    std::shared_ptr<NatsBackend> backend;
    std::string consumer;
    net::Loop* loop;
    Intake intake;
  };

  void open_intake();
  static void absorb(Intake& intake);
  void request(std::uint32_t max);
  [[nodiscard]] Task<Result<std::vector<worker_loop::WorkItem>>> deliver(std::uint32_t max);
  /// Of those that came before, nothing for the others.
  [[nodiscard]] static Task<Result<Records>> records_of(NatsBackend* backend, net::Loop* loop, const std::string* consumer,
                                                        const std::deque<Incoming>* messages, std::size_t count);
  [[nodiscard]] Task<Result<void>> renew();
  void retire();
  [[nodiscard]] static Task<Result<void>> give_back(std::shared_ptr<Return> what);
  /// The publications that must be there before the acknowledgements.
  [[nodiscard]] Task<Result<std::vector<Outgoing>>> prepare(const std::vector<worker_loop::Settlement>* settlements);

  net::Loop& loop_;
  const std::shared_ptr<NatsBackend> backend_;
  const SubscribeOptions options_;
  const std::string id_;  // of the group
  std::string consumer_;
  net::Event arrived_;
  net::Timer timer_;
  std::optional<Intake> intake_;
  std::unordered_map<std::uint64_t, Held> held_;  // by position
  std::shared_ptr<net::Event> returned_;
  std::shared_ptr<std::uint32_t> returning_ = std::make_shared<std::uint32_t>(0);
};

}  // namespace spikard::messaging::nats
