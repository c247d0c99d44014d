#pragma once

#include <map>
#include <memory>
#include <mutex>
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
  /// No two are the same, in any process: a server's news say who sent them, and who did has been told already.
  [[nodiscard]] const std::string& token() const noexcept { return token_; }

 private:
  struct State;
  std::shared_ptr<State> state_;
  std::string token_;
};

/// One hub for all clients of a store in this process. Thread-safe.
class Hubs {
 public:
  /// `store`: what the store is known by.
  [[nodiscard]] std::shared_ptr<Hub> of(const std::string& store);

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<Hub>> hubs_;
};

}  // namespace spikard::tasks
