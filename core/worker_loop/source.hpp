#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/cancel.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "worker_loop/work.hpp"

namespace spikard::worker_loop {

class WorkerLoop;

/// Where work comes from: a broker's subscription, a task queue, a list in memory. Lives on its worker loop's thread. Calls of
/// one kind do not overlap; a pull, a settle and an extend may.
class Source {
 public:
  virtual ~Source() = default;
  /// Waits for at least one item and gives at most `max`. With a fired token it ends at once, with what it has already taken or
  /// cancelled.
  [[nodiscard]] virtual Task<Result<std::vector<WorkItem>>> pull(std::uint32_t max) = 0;
  /// In this order. Returns the ids that were not ours any more (their lease had run out): nothing was done for those. An error:
  /// nothing is known of any.
  [[nodiscard]] virtual Task<Result<std::vector<std::uint64_t>>> settle(std::span<const Settlement> settlements) = 0;
  /// Renews the leases by `lease()` from now. Returns the ids that were lost.
  [[nodiscard]] virtual Task<Result<std::vector<std::uint64_t>>> extend(std::span<const std::uint64_t> ids) = 0;
  /// How long an item is ours without `extend`; zero: for as long as we live.
  [[nodiscard]] virtual Duration lease() const noexcept = 0;
};

/// Who handles work: C++ handlers (task_sink.hpp), or a host's through the port. Called on the worker loop's thread.
class WorkSink {
 public:
  virtual ~WorkSink() = default;
  /// To whom outcomes go; before its `start`. The loop does not outlive the sink, so a weak reference is enough.
  virtual void attach(const std::shared_ptr<WorkerLoop>& worker) { (void)worker; }
  /// Owes exactly one `WorkerLoop::complete(ticket, ...)`, from any thread, also after on_cancel.
  virtual void on_work(std::uint64_t ticket, std::shared_ptr<const WorkItem> item) = 0;
  /// Nobody waits for the answer any more: time-out (deadline), drain (shutdown), lost lease (requested). What complete brings is
  /// dropped.
  virtual void on_cancel(std::uint64_t ticket, CancelReason reason) = 0;
};

/// Sees handlers begin and end: spans, metrics. On the worker loop's thread; each begin has exactly one end or cut.
class WorkObserver {
 public:
  virtual ~WorkObserver() = default;
  /// Before the sink gets it; may set `item.trace`.
  virtual void on_begin(std::uint64_t ticket, WorkItem& item) = 0;
  virtual void on_end(std::uint64_t ticket, const WorkItem& item, const Outcome& outcome, const Settlement& settlement) = 0;
  /// Its answer counts no more: drain (shutdown; it is handed back), lost lease (requested).
  virtual void on_cut(std::uint64_t ticket, const WorkItem& item, CancelReason reason) = 0;
};

}  // namespace spikard::worker_loop
