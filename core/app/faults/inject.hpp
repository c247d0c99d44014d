#pragma once

#include <memory>
#include <string>
#include <utility>

#include "app/faults/faults.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "net/loop/loop.hpp"

namespace spikard::app {

/// One client under test.
struct FaultSite {
  FaultSite(std::shared_ptr<Faults> of_faults, std::string of_client)
      : faults(std::move(of_faults)), client(std::move(of_client)) {}
  std::shared_ptr<Faults> faults;
  std::string client;  ///< `db.default`
};

/// Whether an operation has an effect that its caller may not hear of.
enum class Effect : std::uint8_t { none, some };

/// `task` (which has not begun: tasks are lazy) with what the place's decision makes of it. `loop` outlives it.
template <class T>
Task<Result<T>> inject(FaultSite site, net::Loop& loop, std::string operation, std::string subject, Effect effect,
                       Task<Result<T>> task) {
  Faults::Decision what = site.faults->next(site.client, operation, subject);
  if (what.delay > Duration::zero()) {
    site.faults->note(loop.clock(), what.place, FaultKind::delay);
    Task<Result<void>> wait = net::sleep(loop, what.delay);
    Result<void> slept = co_await std::move(wait);
    if (!slept.ok()) co_return Result<T>(std::move(slept).error());
  }
  if (what.unavailable) {
    site.faults->note(loop.clock(), what.place, FaultKind::unavailable);
    co_return Result<T>(
        Error(ErrorKind::unavailable, "made unavailable by the test (seed " + std::to_string(site.faults->seed()) + ")")
            .with_operation(site.client + " " + operation));
  }
  Result<T> done = co_await std::move(task);
  if (done.ok() && what.lost_answer && effect == Effect::some) {
    site.faults->note(loop.clock(), what.place, FaultKind::lost_answer);
    co_return Result<T>(
        Error(ErrorKind::outcome_unknown, "answer lost by the test (seed " + std::to_string(site.faults->seed()) + ")")
            .with_operation(site.client + " " + operation));
  }
  co_return done;
}

}  // namespace spikard::app
