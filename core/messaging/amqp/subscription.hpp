#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "messaging/amqp/amqp.hpp"

namespace spikard::messaging::amqp {

/// A place in a group: a consumer of its queue, with as many messages as may be in hand. On its loop's thread. What its channel
/// gave is ours as long as the channel lives: `ack_wait` only says how soon a handler hears that it is not.
class AmqpSubscription final : public messaging::Subscription {
 public:
  AmqpSubscription(net::Loop& loop, std::shared_ptr<AmqpBackend> backend, SubscribeOptions options);
  ~AmqpSubscription() override;

  Task<Result<std::vector<worker_loop::WorkItem>>> pull(std::uint32_t max) override;
  Task<Result<std::vector<std::uint64_t>>> settle(std::span<const worker_loop::Settlement> settlements) override;
  Task<Result<std::vector<std::uint64_t>>> extend(std::span<const std::uint64_t> ids) override;
  Duration lease() const noexcept override { return options_.ack_wait; }
  Task<Result<void>> close() override;

 private:
  struct Held {
    Incoming message;  // with its payload: a dead letter, or a copy, is made of it
    std::uint64_t id_hash = 0;
  };
  /// Messages whose ack may not have reached the broker when the connection broke, by hashes of their ids: they are not handled
  /// twice when they come again. The last ones.
  class Done {
   public:
    void add(std::uint64_t hash) {
      if (hash != 0) ring_[next_++ % ring_.size()] = hash;
    }
    void remember();
    [[nodiscard]] bool take(std::uint64_t hash) { return hash != 0 && known_.erase(hash) != 0; }
    void add_known(std::uint64_t hash) {
      if (hash != 0) known_.insert(hash);
    }

   private:
    std::array<std::uint64_t, 4096> ring_{};
    std::size_t next_ = 0;
    std::unordered_set<std::uint64_t> known_;
  };
  /// What gives back what was delivered and nobody pulled: lives as long as that takes.
  struct Return {
    std::shared_ptr<AmqpBackend> backend;
    net::Loop* loop;
    std::shared_ptr<Feed> feed;
    std::string queue;
    std::uint64_t consumer = 0;
    std::uint64_t session = 0;
    bool ordered = false;
    std::deque<Incoming> buffer;
  };

  void consume();
  void absorb();
  void lose();
  [[nodiscard]] Task<Result<std::vector<worker_loop::WorkItem>>> deliver(std::uint32_t max);
  [[nodiscard]] Task<Result<void>> wait_longer(const Received* received);
  void retire();
  [[nodiscard]] Task<Result<void>> retired();
  [[nodiscard]] static Task<Result<void>> give_back(std::shared_ptr<Return> what);
  /// The publications that must be there before the acknowledgements.
  [[nodiscard]] Task<Result<std::vector<Outgoing>>> prepare(const std::vector<worker_loop::Settlement>* settlements);
  [[nodiscard]] Task<Result<void>> publish(const std::vector<worker_loop::Settlement>* settlements);
  [[nodiscard]] Result<Outgoing> dead_letter(const worker_loop::Settlement& settlement, Incoming original);
  /// A nack says all there is to say.
  [[nodiscard]] bool by_nack(const worker_loop::Settlement& settlement) const noexcept;

  net::Loop& loop_;
  const std::shared_ptr<AmqpBackend> backend_;
  const SubscribeOptions options_;
  const std::string queue_;
  net::Event arrived_;
  std::shared_ptr<Feed> feed_;
  std::uint64_t consumer_ = 0;
  std::uint64_t session_ = 0;
  bool consuming_ = false;
  std::optional<Error> ended_;
  std::deque<Incoming> buffer_;
  std::shared_ptr<Return> return_;  // once nobody pulls any more: what still comes in is its
  std::uint64_t next_id_ = 1;
  std::unordered_map<std::uint64_t, Held> held_;            // of this session
  std::unordered_map<std::uint64_t, std::uint64_t> stale_;  // of the session before: id by the hash of the message's id
  Done done_;
  std::shared_ptr<net::Event> returned_;
  std::shared_ptr<std::uint32_t> returning_ = std::make_shared<std::uint32_t>(0);
};

}  // namespace spikard::messaging::amqp
