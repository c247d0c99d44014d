#pragma once

#include <memory>
#include <string>

#include "base/result.hpp"
#include "base/task.hpp"
#include "cloudevents/event.hpp"
#include "net/loop/loop.hpp"
#include "services/cloudevents.gen.hpp"

namespace spikard::app {

/// Remembers which events were handled, by (source, id). Thread-safe.
class EventGate {
 public:
  virtual ~EventGate() = default;
  /// Whether the event may be handled now: false when it was handled before.
  [[nodiscard]] virtual Task<Result<bool>> is_new(net::Loop& loop, const services::EventInbox& inbox,
                                                  std::shared_ptr<const cloudevents::Event> event) = 0;
  /// The handler is done with it for good (acked, replied, refused).
  [[nodiscard]] virtual Task<Result<void>> handled(net::Loop& loop, const services::EventInbox& inbox,
                                                   std::shared_ptr<const cloudevents::Event> event) = 0;
};

}  // namespace spikard::app
