#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "messaging/redelivery.hpp"
#include "messaging/redis/redis.hpp"

namespace spikard::messaging::redis {

/// A place in a group: reads from its streams on a connection of its own, where it may wait, and does the rest on the loop's
/// common one. On its loop's thread.
class RedisSubscription final : public messaging::Subscription {
 public:
  RedisSubscription(net::Loop& loop, std::shared_ptr<RedisBackend> backend, SubscribeOptions options, RedisBackend::Group group);
  ~RedisSubscription() override;
  /// Of a pattern: hears of new topics from now on.
  [[nodiscard]] Task<Result<void>> listen();

  Task<Result<std::vector<worker_loop::WorkItem>>> pull(std::uint32_t max) override;
  Task<Result<std::vector<std::uint64_t>>> settle(std::span<const worker_loop::Settlement> settlements) override;
  Task<Result<std::vector<std::uint64_t>>> extend(std::span<const std::uint64_t> ids) override;
  Duration lease() const noexcept override { return options_.ack_wait; }
  Task<Result<void>> close() override;

 private:
  struct Held {
    std::string stream;
    std::string id;
    std::uint64_t count = 1;  ///< the server's, of this delivery
    bool recorded = false;    ///< there is a record of it
  };
  struct Fetched {
    worker_loop::WorkItem item;
    Held held;
  };
  /// The connection that waits. Shared with who wakes it.
  struct Reader {
    std::shared_ptr<net::redis::Client> client;
    std::unique_ptr<net::redis::Dedicated> connection;
    std::string key;
    std::uint64_t round = 0;
    bool waits = false;
    bool waking = false;
  };
  using Settlements = std::vector<worker_loop::Settlement>;

  [[nodiscard]] std::vector<worker_loop::WorkItem> give(std::uint32_t max);
  void accept(std::string_view stream, net::redis::View id, std::uint64_t count, net::redis::View fields,
              std::string_view record);
  /// What `look` and `recover` answer.
  [[nodiscard]] Result<void> accept_all(net::redis::View answer);
  [[nodiscard]] Task<Result<void>> renew();
  [[nodiscard]] Task<Result<void>> look(std::uint32_t max);
  [[nodiscard]] Task<Result<void>> recover(std::uint32_t max);
  [[nodiscard]] Task<Result<void>> read(std::uint32_t max);
  [[nodiscard]] Task<Result<void>> wait_for_topics();
  /// Acks those that are for other groups.
  [[nodiscard]] Task<Result<void>> skip();
  void wake();
  static Task<void> unblock(net::Loop* loop, std::shared_ptr<Reader> reader);
  void wake_by(Instant due);

  [[nodiscard]] Task<Result<void>> ack(const Settlements* ours);
  /// Each in a script of its own; `not_ours` gets those that were lost.
  [[nodiscard]] Task<Result<void>> settle_rest(const Settlements* ours, std::vector<std::uint64_t>* not_ours);
  [[nodiscard]] Task<Result<std::unordered_map<std::uint64_t, Message>>> originals(const Settlements* ours);
  [[nodiscard]] net::redis::Command in_hand(const net::redis::Script& script, const Held& held, bool with_due) const;
  [[nodiscard]] net::redis::Command back(const Held& held, Duration lease, Duration after, std::string_view record) const;
  [[nodiscard]] net::redis::Command bury(const Held& held, const Message& letter) const;

  net::Loop& loop_;
  const std::shared_ptr<RedisBackend> backend_;
  const SubscribeOptions options_;
  const std::string me_;
  const std::shared_ptr<net::redis::Client> client_;
  RedisBackend::Group group_;
  std::shared_ptr<net::redis::Feed> feed_;
  std::shared_ptr<Reader> reader_;
  net::Event topics_changed_;
  net::Timer timer_;
  bool more_topics_ = false;
  bool lost_ = false;  // a connection, and with it what it was perhaps given
  Instant next_look_{};
  std::deque<Fetched> fetched_;
  std::vector<std::pair<std::string, std::string>> skipped_;  // stream and id
  std::unordered_map<std::uint64_t, Held> held_;
  std::uint64_t next_id_ = 1;
};

}  // namespace spikard::messaging::redis
