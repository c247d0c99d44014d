#pragma once

#include <memory>
#include <string>

#include "base/result.hpp"
#include "base/task.hpp"
#include "cloudevents/event.hpp"
#include "net/loop/loop.hpp"
#include "services/cloudevents.gen.hpp"

namespace spikard::app {

/// Remembers who handled which events: (source, id) for each endpoint and each consumer group (`who`). Thread-safe.
class EventGate {
 public:
  virtual ~EventGate() = default;
  /// Whether `who` may handle the event now: false when it did before.
  [[nodiscard]] virtual Task<Result<bool>> is_new(net::Loop& loop, const services::EventInbox& inbox, std::string who,
                                                  std::shared_ptr<const cloudevents::Event> event) = 0;
  /// The handler has done what it does (acked, replied). What it refused is not noted: sent again, from the dead letter or by
  /// its sender, it is handled again.
  [[nodiscard]] virtual Task<Result<void>> handled(net::Loop& loop, const services::EventInbox& inbox, std::string who,
                                                   std::shared_ptr<const cloudevents::Event> event) = 0;
};

}  // namespace spikard::app
