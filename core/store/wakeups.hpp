#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/function.hpp"
#include "net/loop/loop.hpp"

namespace spikard::store {

/// Who is to look again when something happened in a database: the topics of one process. Thread-safe. The database of an engine
/// derives from it; what other processes did comes through the server where it tells, and by looking every `poll` where not.
class Wakeups : public std::enable_shared_from_this<Wakeups> {
 public:
  Wakeups(const Wakeups&) = delete;
  Wakeups& operator=(const Wakeups&) = delete;
  virtual ~Wakeups() = default;

  /// Calls `fn` on `loop` soon after `topic` was notified. Calls are merged and may come for nothing: also every `poll`, at least
  /// `least_poll`. Destroy the handle on the loop's thread.
  [[nodiscard]] std::shared_ptr<void> subscribe(net::Loop& loop, std::string topic, Duration poll, Function<void()> fn);
  /// Those of this process.
  void notify(std::string_view topic);

 protected:
  explicit Wakeups(Duration least_poll) noexcept : least_poll_(least_poll) {}
  /// Of one loop; `topic` null: all.
  void notify_on(net::Loop& loop, const std::string* topic);
  /// A loop has one subscription more.
  virtual void joined(net::Loop&) {}
  /// A loop has none any more; on its thread.
  virtual void left(net::Loop&) noexcept {}

 private:
  class Subscription;
  void remove(Subscription* subscription) noexcept;

  const Duration least_poll_;
  std::mutex mutex_;
  std::multimap<std::string, Subscription*, std::less<>> subscriptions_;
};

}  // namespace spikard::store
