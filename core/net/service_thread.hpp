#pragma once

#include <memory>
#include <string>
#include <thread>

#include "net/loop/loop.hpp"

namespace spikard::net {

/// A thread of the core with a loop of its own: leases, heartbeats, brokers' sessions, schedulers, the drain. Make it after every
/// fork. Stopping it does not wait for work that is on its loop; what was posted and did not run is destroyed on the stopping
/// thread.
class ServiceThread {
 public:
  /// `name` shows in debuggers (at most 15 bytes). The thread blocks every signal. `clock` outlives it.
  [[nodiscard]] static Result<std::unique_ptr<ServiceThread>> start(Clock& clock, const std::string& name = "spikard-service");
  ~ServiceThread() { stop(); }
  ServiceThread(const ServiceThread&) = delete;
  ServiceThread& operator=(const ServiceThread&) = delete;

  /// Alive until this object is destroyed; only post, wake and on_thread from other threads.
  [[nodiscard]] net::Loop& loop() noexcept { return *loop_; }
  /// Ends the loop after its present turn and joins. Idempotent. Not from the thread itself.
  void stop();

 private:
  ServiceThread() = default;
  std::unique_ptr<net::Loop> loop_;
  std::thread thread_;
};

}  // namespace spikard::net
