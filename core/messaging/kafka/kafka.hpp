#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "messaging/backend.hpp"
#include "messaging/kafka/settings.hpp"
#include "messaging/kafka/subscription.hpp"

namespace spikard::messaging {
class Registry;
}

namespace spikard::messaging::kafka {

/// `kafka://[user:password@]host[:port][,...][?option=value&...]`, `kafkas:` over TLS.
void register_kafka(Registry& registry);

/// A Kafka cluster by our own client (core/net/kafka), or with another one where the messages are. Each loop that calls it has
/// connections of its own.
class KafkaBackend final : public Backend, public std::enable_shared_from_this<KafkaBackend> {
 public:
  KafkaBackend(Clock& clock, Settings settings, std::shared_ptr<Transport> transport)
      : clock_(clock), settings_(std::move(settings)), transport_(std::move(transport)) {}
  ~KafkaBackend() override;

  [[nodiscard]] const Capabilities& capabilities() const noexcept override;
  [[nodiscard]] std::string_view system() const noexcept override { return "kafka"; }
  [[nodiscard]] Task<Result<std::vector<std::uint64_t>>> publish(net::Caller caller, std::vector<Message> messages) override;
  [[nodiscard]] Task<Result<std::unique_ptr<Subscription>>> subscribe(net::Loop& loop, SubscribeOptions options) override;
  [[nodiscard]] Task<Result<DeadLetterPage>> list_dead_letters(net::Caller caller, DeadLetterQuery query) override;
  [[nodiscard]] Task<Result<std::uint64_t>> redrive(net::Caller caller, DeadLetterSelection which, std::string to) override;
  [[nodiscard]] Task<Result<std::uint64_t>> purge(net::Caller caller, DeadLetterSelection which) override;
  [[nodiscard]] Task<Result<void>> seek(net::Caller caller, TopicPattern pattern, std::string group, Place place) override;
  [[nodiscard]] Task<Result<std::vector<GroupInfo>>> groups(net::Caller caller) override;
  [[nodiscard]] Task<Result<bool>> delete_group(net::Caller caller, GroupName name) override;
  [[nodiscard]] BackendCounts counts() const noexcept override;

 private:
  friend class KafkaSubscription;
  using Targets = std::map<std::int32_t, std::int64_t>;
  struct Seat {
    std::shared_ptr<net::Loop::Mailbox> mailbox;
    LoopClient client;
  };
  struct Local {
    GroupName name;
    std::shared_ptr<net::Loop::Mailbox> mailbox;
    std::weak_ptr<Work> work;
  };

  [[nodiscard]] LoopClient client_of(net::Loop& loop);
  [[nodiscard]] Names names_of(const std::string& topic, const std::string& group) const;
  [[nodiscard]] std::vector<Local> locals(const std::string& group, const std::string& topic);
  void counted(const WorkCounts& counts) noexcept;

  // dead_letters.cpp
  [[nodiscard]] Task<Result<std::uint64_t>> take_away(net::Caller caller, DeadLetterSelection which, bool redrive,
                                                      std::string to);
  // groups.cpp
  [[nodiscard]] Task<Result<Targets>> targets(LoopClient client, std::string topic, Place place);
  [[nodiscard]] Task<Result<bool>> seek_locals(net::Loop* loop, std::vector<Local> works, Targets to, std::size_t partitions);
  [[nodiscard]] Task<Result<void>> seek_group(LoopClient client, Names names, Targets to);
  [[nodiscard]] Task<void> flush_locals(net::Loop* loop, std::vector<Local> works);

  Clock& clock_;
  const Settings settings_;
  const std::shared_ptr<Transport> transport_;
  std::atomic<std::uint64_t> published_{0};
  std::atomic<std::uint64_t> acked_{0};
  std::atomic<std::uint64_t> dead_lettered_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::mutex mutex_;
  std::vector<Seat> seats_;
  std::vector<Local> locals_;
};

}  // namespace spikard::messaging::kafka
