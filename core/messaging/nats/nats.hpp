#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "messaging/backend.hpp"
#include "messaging/nats/connection.hpp"
#include "messaging/nats/jetstream.hpp"

namespace spikard::messaging {
class Registry;
}

namespace spikard::messaging::nats {

/// `nats://HOST`
void register_nats(Registry& registry);

/// JetStream (README.md: the layout): one stream for the messages, one bucket for the groups and for what is known of messages
/// that come again.
class NatsBackend final : public Backend, public std::enable_shared_from_this<NatsBackend> {
 public:
  /// Connects and makes the streams. Blocks.
  [[nodiscard]] static Result<std::shared_ptr<Backend>> open(NatsOptions options);

  [[nodiscard]] const Capabilities& capabilities() const noexcept override;
  [[nodiscard]] std::string_view system() const noexcept override { return "nats"; }
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
  friend class NatsSubscription;
  /// A message where it lies in a stream.
  struct Stored {
    std::uint64_t sequence = 0;
    WallTime time{};
    std::string subject;
    Headers headers;
    Headers own;
    std::string payload;
  };
  struct GroupEntry {
    GroupRecord record;
    std::uint64_t revision = 0;  ///< 0: there was none
  };
  struct Scan {
    std::string stream;
    std::string filter;
    std::uint64_t from = 1;
    bool headers_only = false;
    bool last_per_subject = false;
  };
  NatsBackend(NatsOptions options, std::unique_ptr<Wire> wire);

  [[nodiscard]] Connection& connection() const noexcept { return *wire_->connection(); }
  [[nodiscard]] std::string api(std::string_view what) const { return api_ + std::string(what); }
  [[nodiscard]] Task<Result<void>> prepare(net::Loop* loop);
  /// An answer of the API, its error mapped.
  [[nodiscard]] Task<Result<Document>> call(net::Loop& loop, std::string subject, std::string request);
  /// For each: its sequence in the stream.
  [[nodiscard]] Task<Result<std::vector<std::uint64_t>>> store(net::Loop& loop, std::vector<Outgoing> messages);
  /// For each: the message, nothing where there is none.
  [[nodiscard]] Task<Result<std::vector<std::optional<Stored>>>> fetch(net::Loop& loop, std::vector<std::uint64_t> sequences);
  /// Messages of a subject, in order, until `take` says no or there are no more of those that were there at the beginning.
  [[nodiscard]] Task<Result<void>> scan(net::Loop& loop, Scan what, Function<bool(Stored)> take);
  [[nodiscard]] Task<Result<void>> scan_with(net::Loop* loop, const Scan* what, const std::string* consumer, std::uint64_t count,
                                             Function<bool(Stored)>* take);
  [[nodiscard]] Task<Result<std::vector<std::uint64_t>>> dead_positions(net::Loop& loop, const DeadLetterSelection& which);
  /// How many there were.
  [[nodiscard]] Task<Result<std::uint64_t>> remove_all(net::Loop& loop, std::vector<Outgoing> removals);
  [[nodiscard]] Outgoing outgoing(const Message& message, const HeaderExtras& extras) const;
  [[nodiscard]] std::string next_id();

  [[nodiscard]] std::string group_subject(std::string_view id) const { return state_ + "g." + std::string(id); }
  [[nodiscard]] std::string record_subject(std::string_view consumer, std::uint64_t sequence) const {
    return state_ + "d." + std::string(consumer) + "." + std::to_string(sequence);
  }
  [[nodiscard]] Task<Result<GroupEntry>> find_group(net::Loop& loop, std::string id);
  /// condition_failed: somebody else was faster.
  [[nodiscard]] Task<Result<void>> put_group(net::Loop& loop, std::string id, GroupEntry entry);
  /// Makes a consumer of a new name.
  [[nodiscard]] Task<Result<std::string>> make_consumer(net::Loop& loop, std::string id, TopicPattern pattern, std::string group,
                                                        ConsumerConfig config);
  [[nodiscard]] Task<Result<void>> delete_consumer(net::Loop& loop, std::string consumer);
  /// The consumer of a group, made where it is not there.
  [[nodiscard]] Task<Result<std::string>> open_group(net::Loop& loop, SubscribeOptions options);
  [[nodiscard]] Task<Result<std::vector<GroupEntry>>> all_groups(net::Loop& loop);
  [[nodiscard]] Task<Result<std::uint64_t>> delayed(net::Loop& loop, std::string consumer);

  const NatsOptions options_;
  const std::string api_;
  const std::string state_stream_;
  const std::string state_;  // subjects of the bucket
  const std::string id_base_;
  bool message_ttl_ = false;
  std::unique_ptr<Wire> wire_;
  std::atomic<std::uint64_t> next_id_{1};
  std::atomic<std::uint64_t> published_{0};
  std::atomic<std::uint64_t> acked_{0};
  std::atomic<std::uint64_t> dead_lettered_{0};
  std::atomic<std::uint64_t> dropped_{0};

  std::mutex mutex_;
  std::multiset<std::string> consumed_;  // ids of groups that this process consumes
};

/// Core NATS: at most once, to who listens at that moment.
[[nodiscard]] Result<std::shared_ptr<Backend>> open_core(NatsOptions options);

}  // namespace spikard::messaging::nats
