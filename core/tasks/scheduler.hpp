#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "base/tz.hpp"
#include "net/loop/loop.hpp"
#include "tasks/backend.hpp"
#include "tasks/cron.hpp"

namespace spikard::tasks {

struct SchedulerOptions {
  SchedulerOptions() = default;
  std::string name = "scheduler";
  std::vector<std::string> declared{};             ///< schedules of the manifest that this application has
  Duration poll{std::chrono::milliseconds(1000)};  ///< for schedules that another process made, where the store does not tell it
};

/// Fires the schedules of a store when their time comes. Any number may run, in any number of processes: the store's compare and
/// set lets each occurrence be fired once. What was missed while no scheduler ran follows the schedule's misfire policy: a time
/// before this scheduler's start, or more than a minute ago (a machine that slept).
///
/// Belongs to its loop's thread, and goes on until it is stopped, whoever holds it.
class Scheduler final : public std::enable_shared_from_this<Scheduler> {
  struct Private {};

 public:
  [[nodiscard]] static std::shared_ptr<Scheduler> start(std::shared_ptr<Backend> backend, SchedulerOptions options,
                                                        std::shared_ptr<TimeZones> zones, net::Loop& loop);
  Scheduler(Private, std::shared_ptr<Backend> backend, SchedulerOptions options, std::shared_ptr<TimeZones> zones,
            net::Loop& loop);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return options_.name; }
  /// Fires no more. `done` when nothing of it runs.
  void stop(Function<void()> done);
  /// The same, to wait for.
  [[nodiscard]] Task<void> stopped();
  [[nodiscard]] std::uint64_t fired() const noexcept { return fired_; }

 private:
  struct Known {
    Schedule schedule;
    Cron cron;
    std::shared_ptr<const TimeZone> zone;
  };
  void kick();
  [[nodiscard]] Task<void> work();
  [[nodiscard]] Task<bool> load();
  [[nodiscard]] Task<bool> fire(Known& known);
  void arm();

  const std::shared_ptr<Backend> backend_;
  const SchedulerOptions options_;
  const std::shared_ptr<TimeZones> zones_;
  net::Loop& loop_;
  const Millis begun_;
  net::Timer timer_;
  std::map<std::string, Known> known_;
  std::shared_ptr<void> news_;
  std::shared_ptr<Scheduler> running_;  // itself, while it runs
  Function<void()> stopped_;
  std::uint64_t fired_ = 0;
  std::uint32_t failures_ = 0;
  bool stale_ = true;
  bool working_ = false;
  bool again_ = false;
  bool stopping_ = false;
};

/// The times of a schedule after `next_at` (included) up to `now`, and the first one after those.
struct Occurrences {
  std::vector<Millis> due;  ///< for which a job is made
  Millis next = 0;          ///< 0: there is none
};
/// Times before `since` were missed. At most `limit` are returned; `next` then is one that is due as well.
[[nodiscard]] Occurrences occurrences_of(const Cron& cron, const TimeZone& zone, Misfire misfire, Millis next_at, Millis since,
                                         Millis now, std::size_t limit);

}  // namespace spikard::tasks
