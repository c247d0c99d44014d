#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "messaging/backend.hpp"
#include "messaging/mqtt/inbox.hpp"
#include "messaging/mqtt/instance.hpp"
#include "messaging/mqtt/options.hpp"
#include "net/service_thread.hpp"

namespace spikard::messaging {
class Registry;
}

namespace spikard::messaging::mqtt {

/// `mqtt://HOST`, `mqtts://HOST`
void register_mqtt(Registry& registry);

/// An MQTT broker with a delivery store: another Backend (`sqlite:`) that has every message before the broker hears that we have
/// it, and from then on gives tries, delays, leases and dead letters (docs/adr/0017). Its connections live on a thread of their
/// own, on the real clock: one to publish, and one for each group.
class MqttBackend final : public Backend, public std::enable_shared_from_this<MqttBackend> {
 public:
  struct Setup {
    Setup() = default;
    MqttOptions options{};
    std::string name = "default";  ///< of the client, which keeps apart what the store has of several
    std::string store_url{};
    std::shared_ptr<Backend> store{};
  };
  /// Connects: blocks, for at most connect_timeout. `clock` outlives it.
  [[nodiscard]] static Result<std::shared_ptr<Backend>> open(Clock& clock, Setup setup);
  ~MqttBackend() override;

  [[nodiscard]] const Capabilities& capabilities() const noexcept override { return capabilities_; }
  [[nodiscard]] std::string_view system() const noexcept override { return "mqtt"; }
  [[nodiscard]] Task<Result<std::vector<std::uint64_t>>> publish(net::Caller caller, std::vector<Message> messages) override;
  [[nodiscard]] Task<Result<std::unique_ptr<Subscription>>> subscribe(net::Loop& loop, SubscribeOptions options) override;
  [[nodiscard]] Task<Result<DeadLetterPage>> list_dead_letters(net::Caller caller, DeadLetterQuery query) override;
  [[nodiscard]] Task<Result<std::uint64_t>> redrive(net::Caller caller, DeadLetterSelection which, std::string to) override;
  [[nodiscard]] Task<Result<std::uint64_t>> purge(net::Caller caller, DeadLetterSelection which) override;
  [[nodiscard]] Task<Result<void>> seek(net::Caller caller, TopicPattern pattern, std::string group, Place place) override;
  [[nodiscard]] Task<Result<std::vector<GroupInfo>>> groups(net::Caller caller) override;
  [[nodiscard]] Task<Result<bool>> delete_group(net::Caller caller, GroupName name) override;
  [[nodiscard]] BackendCounts counts() const noexcept override;

  /// What the broker has for this process's consumers is in the store: for tests, and on a virtual clock after every publish.
  [[nodiscard]] Task<Result<void>> settle(net::Loop& loop);

 private:
  friend class MqttSubscription;
  using Done = Inbox::Done;
  MqttBackend(Clock& clock, Setup setup);

  [[nodiscard]] Result<void> connect();
  /// Runs `work` on the wire's thread and waits until it has called what it was given.
  [[nodiscard]] Task<Result<void>> on_wire(net::Loop& loop, Function<void(Done)> work);
  [[nodiscard]] Task<Result<void>> send(net::Loop& loop, std::vector<net::mqtt::Publish> messages);
  [[nodiscard]] Result<std::shared_ptr<Inbox>> inbox(const std::string& group, const TopicPattern& pattern);
  [[nodiscard]] std::vector<std::shared_ptr<Inbox>> inboxes() const;

  // Where things lie in the store.
  [[nodiscard]] std::string queue_of(const std::string& group, const TopicPattern& pattern) const;
  [[nodiscard]] std::string dead_topic(std::string_view topic) const { return space_ + "dead/" + std::string(topic); }
  /// The broker's topic of one of the store's.
  [[nodiscard]] static std::string_view real_topic(std::string_view store_topic) noexcept;

  Clock& clock_;
  RealClock real_clock_;
  const Setup setup_;
  const std::string space_;  // before every topic of ours in the store: `$mqtt/NAME/`
  Capabilities capabilities_;
  std::atomic<std::uint64_t> published_{0};
  std::unique_ptr<net::ServiceThread> wire_;
  std::shared_ptr<net::mqtt::Client> publisher_;  // the wire's thread
  mutable std::mutex mutex_;
  std::optional<Instance> instance_;                                               // of a process that consumes
  std::map<std::pair<std::string, std::string>, std::shared_ptr<Inbox>> inboxes_;  // by group and pattern
};

}  // namespace spikard::messaging::mqtt
