#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "messaging/backend.hpp"
#include "messaging/memory/group.hpp"

namespace spikard::messaging {
class Registry;
}

namespace spikard::messaging::memory {

/// `memory:`
void register_memory(Registry& registry);

struct MemoryOptions {
  MemoryOptions() = default;
  std::uint64_t max_bytes = 256U << 20U;
  Duration retention{std::chrono::hours(24)};
};

/// The broker in this process: the reference of all others. One lock, held for some hundred nanoseconds a message and never
/// while anything waits. A message lives as long as a group waits for it, it is a dead letter, or the log of replays has it.
class MemoryBackend final : public Backend, public std::enable_shared_from_this<MemoryBackend> {
 public:
  /// `clock` outlives it.
  MemoryBackend(Clock& clock, MemoryOptions options) : clock_(clock), options_(options) {}

  [[nodiscard]] const Capabilities& capabilities() const noexcept override;
  [[nodiscard]] std::string_view system() const noexcept override { return "memory"; }
  [[nodiscard]] Task<Result<std::vector<std::uint64_t>>> publish(net::Caller caller, std::vector<Message> messages) override;
  [[nodiscard]] Result<std::vector<std::uint64_t>> publish_now(std::vector<Message>& messages) override;
  [[nodiscard]] Task<Result<std::unique_ptr<Subscription>>> subscribe(net::Loop& loop, SubscribeOptions options) override;
  [[nodiscard]] Task<Result<DeadLetterPage>> list_dead_letters(net::Caller caller, DeadLetterQuery query) override;
  [[nodiscard]] Task<Result<std::uint64_t>> redrive(net::Caller caller, DeadLetterSelection which, std::string to) override;
  [[nodiscard]] Task<Result<std::uint64_t>> purge(net::Caller caller, DeadLetterSelection which) override;
  [[nodiscard]] Task<Result<void>> seek(net::Caller caller, TopicPattern pattern, std::string group, Place place) override;
  [[nodiscard]] Task<Result<std::vector<GroupInfo>>> groups(net::Caller caller) override;
  [[nodiscard]] Task<Result<bool>> delete_group(net::Caller caller, GroupName name) override;
  [[nodiscard]] BackendCounts counts() const noexcept override;

 private:
  friend class MemorySubscription;
  using GroupPtr = std::shared_ptr<Group>;
  using DeadLetters = std::map<Position, StoredPtr>;

  [[nodiscard]] Result<std::vector<std::uint64_t>> append_all(std::vector<Message>& messages, Wakers& wake);
  StoredPtr append(Message message, std::string for_group, Wakers& wake);
  [[nodiscard]] Result<void> make_room(std::size_t size);
  [[nodiscard]] GroupPtr group(const TopicPattern& pattern, const std::string& name, bool earliest);
  [[nodiscard]] const std::vector<GroupPtr>& groups_of(const std::string& topic);
  void replay(Group& group, Position from, Wakers& wake);
  void give_up(const StoredPtr& stored, const Group& group, const std::string& topic, const worker_loop::Settlement& settlement,
               Wakers& wake);
  /// After the lock is released. `here`: the loop whose thread this is, or null.
  static void wake(const Wakers& wakers, const net::Loop* here);

  Clock& clock_;
  const MemoryOptions options_;
  const std::shared_ptr<std::atomic<std::uint64_t>> bytes_ = std::make_shared<std::atomic<std::uint64_t>>(0);
  std::atomic<std::uint64_t> published_{0};
  std::atomic<std::uint64_t> acked_{0};
  std::atomic<std::uint64_t> dead_lettered_{0};
  std::atomic<std::uint64_t> dropped_{0};

  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, GroupPtr> groups_;  // by topic, then name
  std::unordered_map<std::string, std::vector<GroupPtr>> routes_;   // what `groups_of` has found so far
  std::deque<StoredPtr> log_;                                       // for replays; ascending
  std::map<std::string, DeadLetters, std::less<>> dead_letters_;    // by topic
  Position next_position_ = 1;
};

}  // namespace spikard::messaging::memory
