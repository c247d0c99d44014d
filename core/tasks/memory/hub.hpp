#pragma once

#include <memory>
#include <string>

#include "base/function.hpp"
#include "net/loop/loop.hpp"
#include "tasks/backend.hpp"

namespace spikard::tasks {

/// Who wants to be told what, in one process. Thread-safe.
class Hub {
 public:
  Hub();
  ~Hub();
  /// As `Backend::subscribe`. The handle may outlive the hub.
  [[nodiscard]] std::shared_ptr<void> subscribe(net::Loop& loop, Backend::Topic topic, std::string queue, Function<void()> fn);
  void notify(Backend::Topic topic, const std::string& queue = {});

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace spikard::tasks
