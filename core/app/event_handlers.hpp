#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/task.hpp"
#include "cloudevents/sink.hpp"
#include "net/loop/loop.hpp"

namespace spikard::app {

/// C++ handlers of events as coroutines on one loop; one a loop. Handlers that have not ended when it goes are destroyed: it goes
/// before its loop.
class EventHandlers final : public cloudevents::EventSink {
 public:
  /// Called on every loop, at once on several: it must be thread-safe. The task runs under a token that fires when nobody waits
  /// for it any more. An exception is `fail`.
  using Handler = std::function<Task<cloudevents::EventOutcome>(cloudevents::Delivery, net::Loop&)>;
  EventHandlers(net::Loop& loop, std::shared_ptr<const std::vector<Handler>> handlers);
  ~EventHandlers() override;
  EventHandlers(const EventHandlers&) = delete;
  EventHandlers& operator=(const EventHandlers&) = delete;

  void on_event(std::uint64_t ticket, cloudevents::Delivery delivery, cloudevents::EventSource& source) override;
  void on_cancel(std::uint64_t ticket, cloudevents::EventSource& source, CancelReason reason) override;

 private:
  using Key = std::pair<cloudevents::EventSource*, std::uint64_t>;
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept {
      return std::hash<void*>()(key.first) ^ std::hash<std::uint64_t>()(key.second);
    }
  };
  struct Frame;
  struct Running {
    CancelSource cancel;
    std::coroutine_handle<> frame;
  };
  static Frame drive(EventHandlers& self, Key key, Task<cloudevents::EventOutcome> task);
  void ended(Key key, cloudevents::EventOutcome outcome);

  net::Loop& loop_;
  std::shared_ptr<const std::vector<Handler>> handlers_;
  std::unordered_map<Key, Running, Hash> running_;
};

}  // namespace spikard::app
