#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "messaging/consumer.hpp"

namespace spikard::messaging {

/// Consumers that come and go while the application runs, drained as one. On its loop's thread.
class ConsumerSet final {
 public:
  ConsumerSet() = default;
  ConsumerSet(const ConsumerSet&) = delete;
  ConsumerSet& operator=(const ConsumerSet&) = delete;

  /// Its number, from 1.
  std::uint64_t add(std::shared_ptr<Consumer> consumer);
  [[nodiscard]] std::shared_ptr<Consumer> find(std::uint64_t number) const;
  /// Once it is closed or dead: its counts stay.
  void retire(std::uint64_t number);
  /// No more of them from here on: the drain has begun.
  [[nodiscard]] bool draining() const noexcept { return draining_; }

  // As worker_loop::WorkerLoop has them.
  void stop_taking(Function<void()> done);
  void finish(Function<void()> idle);
  void cancel();
  void close(Function<void()> done);
  /// Of all there were.
  [[nodiscard]] worker_loop::WorkerCounts counts() const;

 private:
  template <class Step>
  void each(Function<void()> done, Step step);

  std::map<std::uint64_t, std::shared_ptr<Consumer>> consumers_;
  worker_loop::WorkerCounts past_;
  std::uint64_t next_ = 1;
  bool draining_ = false;
};

}  // namespace spikard::messaging
