#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "messaging/backend.hpp"
#include "messaging/redis/entry.hpp"
#include "messaging/redis/options.hpp"
#include "messaging/redis/scripts.hpp"
#include "net/redis/pool.hpp"

namespace spikard::messaging {
class Registry;
}

namespace spikard::messaging::redis {

/// `redis:`, and the other schemes of net/redis/url.hpp.
void register_redis(Registry& registry);

/// Redis Streams (README.md: the layout): a stream a topic, a consumer group a group, scripts for what must be one step. Delays
/// and leases are of the server's clock.
class RedisBackend final : public Backend, public std::enable_shared_from_this<RedisBackend> {
 public:
  explicit RedisBackend(RedisOptions options);
  ~RedisBackend() override;

  [[nodiscard]] const Capabilities& capabilities() const noexcept override;
  [[nodiscard]] std::string_view system() const noexcept override { return "redis"; }
  [[nodiscard]] Task<Result<std::vector<std::uint64_t>>> publish(net::Caller caller, std::vector<Message> messages) override;
  [[nodiscard]] Task<Result<std::unique_ptr<messaging::Subscription>>> subscribe(net::Loop& loop,
                                                                                 SubscribeOptions options) override;
  [[nodiscard]] Task<Result<DeadLetterPage>> list_dead_letters(net::Caller caller, DeadLetterQuery query) override;
  [[nodiscard]] Task<Result<std::uint64_t>> redrive(net::Caller caller, DeadLetterSelection which, std::string to) override;
  [[nodiscard]] Task<Result<std::uint64_t>> purge(net::Caller caller, DeadLetterSelection which) override;
  [[nodiscard]] Task<Result<void>> seek(net::Caller caller, TopicPattern pattern, std::string group, Place place) override;
  [[nodiscard]] Task<Result<std::vector<GroupInfo>>> groups(net::Caller caller) override;
  [[nodiscard]] Task<Result<bool>> delete_group(net::Caller caller, GroupName name) override;
  [[nodiscard]] BackendCounts counts() const noexcept override;

 private:
  friend class RedisSubscription;
  struct Group {
    std::string name;  ///< of its consumer groups
    std::vector<std::string> streams;
  };
  struct Stored {
    std::string id;
    Entry entry;
  };

  [[nodiscard]] std::shared_ptr<net::redis::Client> client(net::Loop& loop) const { return pool_->on(loop); }
  [[nodiscard]] net::redis::Command add(const Message& message) const;
  [[nodiscard]] Task<Result<void>> announce(net::Loop& loop, std::vector<std::string> topics);
  struct Noted {
    std::vector<std::string> unknown;  ///< topics that nobody was told of for a while
    std::vector<std::string> full;     ///< topics that are to be trimmed
  };
  [[nodiscard]] Noted note(Instant now, const std::vector<Message>& messages);
  /// Nobody waits for it, and what fails is tried with the next ones.
  void trim(net::Loop& loop, const std::vector<std::string>& topics);

  /// Streams of the pattern's topics, and how many topics there are in all (-1: it does not matter).
  struct Streams {
    std::vector<std::string> keys;
    std::int64_t topics = -1;
  };
  [[nodiscard]] Task<Result<Streams>> streams_of(net::Loop& loop, TopicPattern pattern);
  /// The group, made where it is not there, with a place in each stream of its pattern.
  [[nodiscard]] Task<Result<Group>> open_group(net::Loop& loop, SubscribeOptions options);
  [[nodiscard]] Task<Result<std::string>> group_text(net::Loop& loop, std::string field);
  [[nodiscard]] Task<Result<std::vector<std::string>>> dead_ids(net::Loop& loop, DeadLetterSelection which);
  [[nodiscard]] Task<Result<std::vector<Stored>>> fetch(net::Loop& loop, std::string key, std::string topic,
                                                        std::vector<std::string> ids);

  const RedisOptions options_;
  const Names names_;
  const Scripts scripts_;
  const std::shared_ptr<net::redis::Pool> pool_;
  std::atomic<std::uint64_t> published_{0};
  std::atomic<std::uint64_t> acked_{0};
  std::atomic<std::uint64_t> dead_lettered_{0};
  std::atomic<std::uint64_t> dropped_{0};

  struct Topic {
    Instant announced{};
    std::uint32_t published = 0;  ///< since it was trimmed
  };
  std::mutex mutex_;
  std::map<std::string, Topic, std::less<>> topics_;             // that this process publishes to
  std::multiset<std::pair<std::string, std::string>> consumed_;  // topic and group, by this process
};

/// Redis pub/sub: at most once, to who listens at that moment.
[[nodiscard]] std::shared_ptr<Backend> open_pubsub(RedisOptions options);

}  // namespace spikard::messaging::redis
