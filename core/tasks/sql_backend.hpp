#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tasks/backend.hpp"

namespace spikard::tasks::sql {

/// How a transaction of a store is run.
enum class How : std::uint8_t {
  usual,
  once,        ///< not knowing what became of it is an error of its own, for it must not be done twice
  alone,       ///< it is a transaction of its own
  alone_once,  ///< both
};

/// What a backend on a SQL server is, whatever the server: `Self` has `write<T>(loop, fn, How)`, `write_in<T>(loop, transaction,
/// fn)` and `read<T>(loop, fn)`, which run `fn(Statements&)` in a transaction, in somebody's, or without one; and again where
/// that is in order.
template <class Self, class Statements>
class SqlBackend : public Backend {
 public:
  [[nodiscard]] Capabilities capabilities() const noexcept override {
    Capabilities out;
    out.durable = true;
    out.shared = true;
    out.transactions = true;
    return out;
  }

  Async<EnqueueResult> enqueue_in(net::Loop& loop, store::Transaction& transaction, EnqueueRequest request) override {
    auto fn = [request = std::make_shared<const EnqueueRequest>(std::move(request))](Statements& in) {
      return in.enqueue(*request);
    };
    return self().template write_in<EnqueueResult>(loop, transaction, std::move(fn));
  }
  Async<void> complete_in(net::Loop& loop, store::Transaction& transaction, Run run, std::string result) override {
    auto fn = [run, result = std::make_shared<const std::string>(std::move(result))](Statements& in) {
      return in.complete_in(run, *result);
    };
    return self().template write_in<void>(loop, transaction, std::move(fn));
  }

  Async<std::vector<JobId>> settle(net::Loop& loop, std::vector<Completion> completions) override {
    auto fn = [all = std::make_shared<const std::vector<Completion>>(std::move(completions))](Statements& in) {
      return in.settle(*all);
    };
    return self().template write<std::vector<JobId>>(loop, std::move(fn));
  }
  Async<std::vector<JobId>> extend(net::Loop& loop, std::vector<Run> runs, Millis lease_ms) override {
    auto fn = [all = std::make_shared<const std::vector<Run>>(std::move(runs)), lease_ms](Statements& in) {
      return in.extend(*all, lease_ms);
    };
    return self().template write<std::vector<JobId>>(loop, std::move(fn));
  }
  Async<std::vector<JobId>> lost(net::Loop& loop, std::vector<Run> runs) override {
    auto fn = [all = std::make_shared<const std::vector<Run>>(std::move(runs))](Statements& in) { return in.lost(*all); };
    return self().template read<std::vector<JobId>>(loop, std::move(fn));
  }
  Async<void> progress(net::Loop& loop, Run run, std::string json) override {
    auto fn = [run, json = std::make_shared<const std::string>(std::move(json))](Statements& in) {
      return in.progress(run, *json);
    };
    return self().template write<void>(loop, std::move(fn));
  }

  Async<std::optional<Job>> job(net::Loop& loop, JobId id) override {
    auto stale = std::make_shared<bool>(false);
    auto look = [id, stale](Statements& in) { return in.job(id, *stale); };
    Async<std::optional<Job>> call = self().template read<std::optional<Job>>(loop, look);
    Result<std::optional<Job>> found = co_await std::move(call);
    if (!found.ok() || !found->has_value() || !*stale) co_return found;
    auto sweep = [queue = std::make_shared<const std::string>((*found)->queue)](Statements& in) { return in.sweep(*queue); };
    Async<void> swept_call = self().template write<void>(loop, std::move(sweep));
    Result<void> swept = co_await std::move(swept_call);
    if (!swept.ok()) co_return Result<std::optional<Job>>(std::move(swept).error());
    call = self().template read<std::optional<Job>>(loop, look);
    Result<std::optional<Job>> again = co_await std::move(call);
    co_return again;
  }
  Async<std::vector<Job>> list(net::Loop& loop, JobFilter filter) override {
    auto sweep = [](Statements& in) { return in.sweep_all(); };
    Async<void> swept_call = self().template write<void>(loop, std::move(sweep));
    Result<void> swept = co_await std::move(swept_call);
    if (!swept.ok()) co_return Result<std::vector<Job>>(std::move(swept).error());
    auto look = [filter = std::make_shared<const JobFilter>(std::move(filter))](Statements& in) { return in.list(*filter); };
    Async<std::vector<Job>> call = self().template read<std::vector<Job>>(loop, std::move(look));
    Result<std::vector<Job>> found = co_await std::move(call);
    co_return found;
  }
  Async<bool> cancel(net::Loop& loop, JobId id, std::string reason) override {
    auto fn = [id, reason = std::make_shared<const std::string>(std::move(reason))](Statements& in) {
      return in.cancel(id, *reason);
    };
    return self().template write<bool>(loop, std::move(fn));
  }
  Async<bool> retry(net::Loop& loop, JobId id) override {
    auto fn = [id](Statements& in) { return in.retry(id); };
    return self().template write<bool>(loop, std::move(fn));
  }
  Async<std::optional<Batch>> batch(net::Loop& loop, JobId id) override {
    auto fn = [id](Statements& in) { return in.batch(id); };
    return self().template read<std::optional<Batch>>(loop, std::move(fn));
  }

  Async<std::vector<QueueStats>> queues(net::Loop& loop) override {
    auto sweep = [](Statements& in) { return in.sweep_all(); };
    Async<void> swept_call = self().template write<void>(loop, std::move(sweep));
    Result<void> swept = co_await std::move(swept_call);
    if (!swept.ok()) co_return Result<std::vector<QueueStats>>(std::move(swept).error());
    auto look = [](Statements& in) { return in.queues(); };
    Async<std::vector<QueueStats>> call = self().template read<std::vector<QueueStats>>(loop, std::move(look));
    Result<std::vector<QueueStats>> found = co_await std::move(call);
    co_return found;
  }
  Async<std::uint64_t> pending_count(net::Loop& loop, std::string queue) override {
    auto fn = [queue = std::make_shared<const std::string>(std::move(queue))](Statements& in) {
      return in.pending_count(*queue);
    };
    return self().template read<std::uint64_t>(loop, std::move(fn));
  }
  Async<void> pause(net::Loop& loop, std::string queue, bool paused) override {
    auto fn = [queue = std::make_shared<const std::string>(std::move(queue)), paused](Statements& in) {
      return in.pause(*queue, paused);
    };
    return self().template write<void>(loop, std::move(fn));
  }
  Async<void> set_rate_limit(net::Loop& loop, std::string queue, RateLimit limit) override {
    auto fn = [queue = std::make_shared<const std::string>(std::move(queue)), limit](Statements& in) {
      return in.set_rate_limit(*queue, limit);
    };
    return self().template write<void>(loop, std::move(fn));
  }

  Async<Schedule> put_schedule(net::Loop& loop, Schedule schedule) override {
    auto fn = [schedule = std::make_shared<const Schedule>(std::move(schedule))](Statements& in) {
      return in.put_schedule(*schedule);
    };
    return self().template write<Schedule>(loop, std::move(fn));
  }
  Async<bool> remove_schedule(net::Loop& loop, std::string name) override {
    auto fn = [name = std::make_shared<const std::string>(std::move(name))](Statements& in) { return in.remove_schedule(*name); };
    return self().template write<bool>(loop, std::move(fn));
  }
  Async<std::vector<Schedule>> schedules(net::Loop& loop) override {
    auto fn = [](Statements& in) { return in.schedules(); };
    return self().template read<std::vector<Schedule>>(loop, std::move(fn));
  }
  Async<FireResult> fire(net::Loop& loop, FireRequest request) override {
    auto fn = [request = std::make_shared<const FireRequest>(std::move(request))](Statements& in) { return in.fire(*request); };
    return self().template write<FireResult>(loop, std::move(fn));
  }

 protected:
  /// Once a minute, by whoever looks for work.
  Async<void> purge_now_and_then(net::Loop& loop) {
    const Millis now = now_ms(loop.clock());
    Millis purged = purged_.load(std::memory_order_relaxed);
    if (now < purged + purge_every_ms || !purged_.compare_exchange_strong(purged, now)) co_return Result<void>();
    auto purge = [](Statements& in) { return in.purge(); };
    Async<void> call = self().template write<void>(loop, std::move(purge));
    Result<void> done = co_await std::move(call);
    co_return done;
  }

  [[nodiscard]] static Error is_closed() {
    return Error(ErrorKind::unavailable, "the task store was closed").with_detail("closed");
  }

 private:
  static constexpr Millis purge_every_ms = 60'000;
  [[nodiscard]] Self& self() noexcept { return static_cast<Self&>(*this); }
  std::atomic<Millis> purged_{0};
};

}  // namespace spikard::tasks::sql
