#include <algorithm>

#include "app/faults/backends.hpp"

namespace spikard::app {
namespace {

using tasks::Completion;
using tasks::EnqueueRequest;
using tasks::EnqueueResult;
using tasks::JobId;
using tasks::Run;

/// Claims and leases are left alone: how often a worker looks depends on the threads, and what is lost there shows as `repeated`.
class FaultyBackend final : public tasks::Backend {
 public:
  FaultyBackend(std::shared_ptr<tasks::Backend> inner, FaultSite site) : inner_(std::move(inner)), site_(std::move(site)) {}

  tasks::Capabilities capabilities() const noexcept override { return inner_->capabilities(); }
  void close() override { inner_->close(); }

  Async<EnqueueResult> enqueue(net::Loop& loop, EnqueueRequest request) override {
    std::string task = task_of(request);
    return inject(site_, loop, "enqueue", std::move(task), Effect::some, inner_->enqueue(loop, std::move(request)));
  }
  /// Its answer is the transaction's.
  Async<EnqueueResult> enqueue_in(net::Loop& loop, store::Transaction& transaction, EnqueueRequest request) override {
    std::string task = task_of(request);
    auto call = inner_->enqueue_in(loop, transaction, std::move(request));
    return inject(site_, loop, "enqueue_in", std::move(task), Effect::none, std::move(call));
  }
  bool shares(const store::Transaction& transaction) const noexcept override { return inner_->shares(transaction); }

  Async<tasks::ClaimResult> claim(net::Loop& loop, tasks::ClaimRequest request) override {
    return inner_->claim(loop, std::move(request));
  }
  Async<std::vector<JobId>> settle(net::Loop& loop, std::vector<Completion> completions) override {
    std::vector<std::pair<JobId, FaultPlace>> again;
    for (Completion& one : completions) {
      if (one.kind != Completion::Kind::completed) continue;
      Faults::Repeat what = site_.faults->repeat(site_.client, "deliver", tasks::id_to_text(one.run.id));
      if (!what.again) continue;
      one.kind = Completion::Kind::hand_back;
      again.emplace_back(one.run.id, std::move(what.place));
    }
    return settled(site_, loop, std::move(again), inner_->settle(loop, std::move(completions)));
  }
  Async<void> complete_in(net::Loop& loop, store::Transaction& transaction, Run run, std::string result) override {
    auto call = inner_->complete_in(loop, transaction, run, std::move(result));
    return of_job(loop, "complete_in", run.id, Effect::none, std::move(call));
  }
  Async<std::vector<JobId>> extend(net::Loop& loop, std::vector<Run> runs, tasks::Millis lease_ms) override {
    return inner_->extend(loop, std::move(runs), lease_ms);
  }
  Async<std::vector<JobId>> lost(net::Loop& loop, std::vector<Run> runs) override { return inner_->lost(loop, std::move(runs)); }
  Async<void> progress(net::Loop& loop, Run run, std::string json) override {
    return of_job(loop, "progress", run.id, Effect::some, inner_->progress(loop, run, std::move(json)));
  }

  Async<std::optional<tasks::Job>> job(net::Loop& loop, JobId id) override {
    return of_job(loop, "job", id, Effect::none, inner_->job(loop, id));
  }
  Async<std::vector<tasks::Job>> list(net::Loop& loop, tasks::JobFilter filter) override {
    std::string task = filter.task;
    return inject(site_, loop, "list", std::move(task), Effect::none, inner_->list(loop, std::move(filter)));
  }
  Async<bool> cancel(net::Loop& loop, JobId id, std::string reason) override {
    return of_job(loop, "cancel", id, Effect::some, inner_->cancel(loop, id, std::move(reason)));
  }
  Async<bool> retry(net::Loop& loop, JobId id) override {
    return of_job(loop, "retry", id, Effect::some, inner_->retry(loop, id));
  }
  Async<std::optional<tasks::Batch>> batch(net::Loop& loop, JobId id) override {
    return of_job(loop, "batch", id, Effect::none, inner_->batch(loop, id));
  }

  Async<std::vector<tasks::QueueStats>> queues(net::Loop& loop) override {
    return inject(site_, loop, "queues", "", Effect::none, inner_->queues(loop));
  }
  Async<std::uint64_t> pending_count(net::Loop& loop, std::string queue) override {
    return inject(site_, loop, "pending_count", queue, Effect::none, inner_->pending_count(loop, queue));
  }
  Async<void> pause(net::Loop& loop, std::string queue, bool paused) override {
    return inject(site_, loop, "pause", queue, Effect::some, inner_->pause(loop, queue, paused));
  }
  Async<void> set_rate_limit(net::Loop& loop, std::string queue, tasks::RateLimit limit) override {
    return inject(site_, loop, "set_rate_limit", queue, Effect::some, inner_->set_rate_limit(loop, queue, limit));
  }

  Async<tasks::Schedule> put_schedule(net::Loop& loop, tasks::Schedule schedule) override {
    return inner_->put_schedule(loop, std::move(schedule));
  }
  Async<bool> remove_schedule(net::Loop& loop, std::string name) override {
    return inject(site_, loop, "remove_schedule", name, Effect::some, inner_->remove_schedule(loop, name));
  }
  Async<std::vector<tasks::Schedule>> schedules(net::Loop& loop) override { return inner_->schedules(loop); }
  Async<tasks::FireResult> fire(net::Loop& loop, tasks::FireRequest request) override {
    std::string name = request.name;
    return inject(site_, loop, "fire", std::move(name), Effect::some, inner_->fire(loop, std::move(request)));
  }
  std::shared_ptr<void> subscribe(net::Loop& loop, Topic topic, std::string queue, Duration poll, Function<void()> fn) override {
    return inner_->subscribe(loop, topic, std::move(queue), poll, std::move(fn));
  }

 private:
  static std::string task_of(const EnqueueRequest& request) {
    return request.jobs.empty() ? std::string() : request.jobs.front().task;
  }
  template <class T>
  Async<T> of_job(net::Loop& loop, std::string operation, JobId id, Effect effect, Async<T> call) {
    return inject(site_, loop, std::move(operation), tasks::id_to_text(id), effect, std::move(call));
  }
  static Async<std::vector<JobId>> settled(FaultSite site, net::Loop& loop, std::vector<std::pair<JobId, FaultPlace>> again,
                                           Async<std::vector<JobId>> call) {
    Result<std::vector<JobId>> not_ours = co_await std::move(call);
    if (!not_ours.ok()) co_return not_ours;
    for (auto& [id, place] : again) {
      if (std::find(not_ours->begin(), not_ours->end(), id) != not_ours->end()) continue;
      site.faults->note(loop.clock(), std::move(place), FaultKind::repeated);
    }
    co_return not_ours;
  }

  const std::shared_ptr<tasks::Backend> inner_;
  const FaultSite site_;
};

}  // namespace

std::shared_ptr<tasks::Backend> with_faults(std::shared_ptr<tasks::Backend> backend, FaultSite site) {
  return std::make_shared<FaultyBackend>(std::move(backend), std::move(site));
}

}  // namespace spikard::app
