#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "app/component.hpp"
#include "base/clock.hpp"
#include "net/loop/loop.hpp"

namespace spikard::app {

struct DrainLimits {
  Duration delay{0};
  Duration timeout{std::chrono::seconds(20)};
  Duration cleanup{std::chrono::seconds(1)};
  Duration flush{std::chrono::seconds(2)};
};

struct ComponentReport {
  std::string name;
  Counts counts;
};

/// What the drain did (phase 7).
struct DrainReport {
  std::vector<ComponentReport> components;
  std::uint64_t duration_ms = 0;
  bool forced = false;     ///< a second signal cut it short
  bool timed_out = false;  ///< phase 4 was reached
  [[nodiscard]] std::uint64_t abandoned() const noexcept;
  /// 0 only when nothing was abandoned and nobody forced it.
  [[nodiscard]] int exit_code() const noexcept { return forced || abandoned() != 0 ? 1 : 0; }
  /// One JSON object: `{"components": {"http": {"finished": 3, "handed_back": 0, "abandoned": 0}}, "duration_ms": 12, "forced":
  /// false, "exit_code": 0}`.
  [[nodiscard]] std::string to_json() const;
};

/// The seven phases of DESIGN.md section 6 over a set of components. Lives on one loop (the service loop).
class Drain {
 public:
  /// `not_ready` is phase 1's: readiness turns 503. `done` is called once, with the report.
  Drain(net::Loop& loop, std::vector<Component*> components, DrainLimits limits, Function<void()> not_ready,
        Function<void(const DrainReport&)> done);
  ~Drain();
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;

  /// The first call begins; a second one goes to phase 4 with cleanup 0 and flush 0.
  void signal();
  /// Replaces `timeout`, before the drain begins.
  void limit(Duration timeout) noexcept {
    if (!begun()) limits_.timeout = timeout;
  }
  [[nodiscard]] bool begun() const noexcept { return phase_ != Phase::running; }

 private:
  enum class Phase : std::uint8_t { running, delay, stop_taking, finish, cleanup, close, stopped };
  void stop_taking();
  void finish();
  void all_idle();
  void cancel_rest(bool forced);
  void close();
  void report();
  void one_done(Phase of);

  net::Loop& loop_;
  std::vector<Component*> components_;
  DrainLimits limits_;
  Function<void()> not_ready_;
  Function<void(const DrainReport&)> done_;
  Phase phase_ = Phase::running;
  std::size_t waiting_stop_ = 0;
  std::size_t waiting_idle_ = 0;
  std::size_t waiting_close_ = 0;
  Instant begun_at_{};
  DrainReport report_;
  net::Timer timer_;
  std::shared_ptr<bool> alive_;
};

}  // namespace spikard::app
