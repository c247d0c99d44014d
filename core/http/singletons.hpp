#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/function.hpp"

namespace spikard::http {

/// What singleton factories have made, for all servers of a process. Thread-safe. The first one to claim a singleton makes it;
/// the others wait.
class Singletons {
 public:
  struct Made {
    std::uint64_t token = 0;
    std::string type;
  };
  struct Disposable {
    std::uint32_t dependency;
    std::uint64_t token;
  };
  enum class State : std::uint8_t { made, claimed, waiting };

  /// `made`: `out` has it. `claimed`: the caller makes it and calls `done` or `give_up`. `waiting`: someone else makes it; `wake`
  /// is called (on any thread, under the lock: it only posts) when it is there or was given up: ask again.
  [[nodiscard]] State claim(std::uint32_t dependency, Made& out, const void* owner, Function<void()> wake);
  /// No waiter of this owner is called after it returns.
  void forget(const void* owner);
  void done(std::uint32_t dependency, Made made);
  void give_up(std::uint32_t dependency);
  /// To be disposed of at the end, newest first.
  void note(Disposable disposable);
  [[nodiscard]] std::vector<Disposable> take_disposables();

 private:
  struct Waiter {
    const void* owner;
    Function<void()> wake;
  };
  struct Entry {
    bool there = false;
    Made made;
    std::vector<Waiter> waiters;
  };

  std::mutex mutex_;
  std::map<std::uint32_t, Entry> entries_;
  std::vector<Disposable> disposables_;
};

}  // namespace spikard::http
