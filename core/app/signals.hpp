#pragma once

#include <memory>

#include "base/function.hpp"
#include "base/result.hpp"
#include "net/loop/loop.hpp"

namespace spikard::app {

/// SIGTERM, SIGINT and SIGHUP through a signalfd on a loop. The signals are blocked for the calling thread and every thread it
/// starts afterwards, so construct it before any other thread exists. Its destructor restores the mask.
class Signals final : private net::IoHandler {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Signals>> block();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// Loop thread. `fn(signal number)` for each signal that arrives.
  [[nodiscard]] Result<void> watch(net::Loop& loop, Function<void(int)> fn);
  /// Loop thread.
  void unwatch();

 private:
  Signals() = default;
  void on_io(std::uint32_t events) override;

  int fd_ = -1;
  net::Loop* loop_ = nullptr;
  Function<void(int)> fn_;
  struct Mask;
  std::unique_ptr<Mask> old_;
};

}  // namespace spikard::app
