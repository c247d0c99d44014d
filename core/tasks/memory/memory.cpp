#include "tasks/memory/memory.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "tasks/memory/hub.hpp"
#include "tasks/rate.hpp"

namespace spikard::tasks {
namespace {

constexpr std::size_t purged_at_once = 100;
constexpr Millis origin_kept_ms = 86'400'000;

Error no_such_job(JobId id) {
  return Error(ErrorKind::not_found, "there is no job " + std::to_string(id)).with("job", std::to_string(id));
}

/// priority, then when it became ready, then first come.
using ReadyKey = std::tuple<std::int64_t, Millis, JobId>;
using TimeKey = std::pair<Millis, JobId>;

struct Entry {
  Job job;
  std::uint32_t waits = 0;  // for so many jobs, or its batch
  bool held = false;        // available, but its concurrency key is full
  std::vector<JobId> dependants;
  [[nodiscard]] ReadyKey ready_key() const { return {-std::int64_t{job.priority}, job.run_at, job.id}; }
};

struct Queue {
  std::set<ReadyKey> ready;
  std::set<TimeKey> due;     // scheduled and retryable
  std::set<TimeKey> leases;  // running
  bool paused = false;
  RateLimit limit;
  RateState rate;
  std::uint64_t by_state[8] = {};
};

struct ConcurrencyKey {
  std::uint32_t running = 0;
  std::map<std::string, std::set<ReadyKey>> held;  // by queue, none of them empty
};

struct BatchEntry {
  Batch batch;
  Millis expires_at = 0;  // once it is done
};

class MemoryBackend final : public Backend {
 public:
  explicit MemoryBackend(const StoreOptions& options) : options_(options) {}

  [[nodiscard]] Capabilities capabilities() const noexcept override { return {}; }
  void close() override {}

  Async<EnqueueResult> enqueue(net::Loop& loop, EnqueueRequest request) override {
    const std::lock_guard lock(mutex_);
    co_return do_enqueue(now_ms(loop.clock()), std::move(request));
  }
  Async<ClaimResult> claim(net::Loop& loop, ClaimRequest request) override {
    const std::lock_guard lock(mutex_);
    co_return do_claim(now_ms(loop.clock()), request);
  }
  Async<std::vector<JobId>> settle(net::Loop& loop, std::vector<Completion> completions) override {
    const std::lock_guard lock(mutex_);
    std::vector<JobId> lost;
    for (Completion& one : completions) {
      if (!do_settle(now_ms(loop.clock()), one)) lost.push_back(one.run.id);
    }
    co_return lost;
  }
  Async<std::vector<JobId>> extend(net::Loop& loop, std::vector<Run> runs, Millis lease_ms) override {
    const std::lock_guard lock(mutex_);
    std::vector<JobId> lost;
    for (const Run& run : runs) {
      Entry* entry = held_by(run);
      if (entry == nullptr) {
        lost.push_back(run.id);
        continue;
      }
      Queue& queue = queues_[entry->job.queue];
      queue.leases.erase({entry->job.lease_until, run.id});
      entry->job.lease_until = now_ms(loop.clock()) + lease_ms;
      queue.leases.emplace(entry->job.lease_until, run.id);
    }
    co_return lost;
  }
  Async<std::vector<JobId>> lost(net::Loop& loop, std::vector<Run> runs) override {
    (void)loop;
    const std::lock_guard lock(mutex_);
    std::vector<JobId> lost;
    for (const Run& run : runs) {
      if (held_by(run) == nullptr) lost.push_back(run.id);
    }
    co_return lost;
  }
  Async<void> progress(net::Loop& loop, Run run, std::string json) override {
    (void)loop;
    const std::lock_guard lock(mutex_);
    if (Entry* entry = held_by(run)) {
      entry->job.progress = std::move(json);
      co_return Result<void>();
    }
    if (!jobs_.contains(run.id)) co_return Result<void>(no_such_job(run.id));
    co_return Result<void>(Error(ErrorKind::conflict, "the lease of this run was lost").with("job", std::to_string(run.id)));
  }

  Async<std::optional<Job>> job(net::Loop& loop, JobId id) override {
    const std::lock_guard lock(mutex_);
    const Entry* entry = find(id, now_ms(loop.clock()));
    co_return entry == nullptr ? std::optional<Job>() : std::optional(entry->job);
  }
  Async<std::vector<Job>> list(net::Loop& loop, JobFilter filter) override {
    const std::lock_guard lock(mutex_);
    const Millis now = now_ms(loop.clock());
    for (auto& [name, queue] : queues_) sweep(queue, now);
    std::vector<Job> out;
    for (auto at = jobs_.upper_bound(filter.after); at != jobs_.end() && out.size() < filter.limit; ++at) {
      const Job& job = at->second.job;
      if (job.expires_at != 0 && job.expires_at <= now) continue;
      if ((filter.queue.empty() || filter.queue == job.queue) && (!filter.state || *filter.state == job.state) &&
          (filter.task.empty() || filter.task == job.task) && (filter.schedule.empty() || filter.schedule == job.schedule) &&
          (filter.batch == 0 || filter.batch == job.batch))
        out.push_back(job);
    }
    co_return out;
  }
  Async<bool> cancel(net::Loop& loop, JobId id, std::string reason) override {
    const std::lock_guard lock(mutex_);
    Entry* entry = find(id, now_ms(loop.clock()));
    if (entry == nullptr) co_return no_such_job(id);
    if (has_ended(entry->job.state)) co_return false;
    end(*entry, JobState::cancelled, now_ms(loop.clock()), std::move(reason), {});
    co_return true;
  }
  Async<bool> retry(net::Loop& loop, JobId id) override {
    const std::lock_guard lock(mutex_);
    co_return do_retry(now_ms(loop.clock()), id);
  }
  Async<std::optional<Batch>> batch(net::Loop& loop, JobId id) override {
    (void)loop;
    const std::lock_guard lock(mutex_);
    const auto at = batches_.find(id);
    co_return at == batches_.end() ? std::optional<Batch>() : std::optional(at->second.batch);
  }

  Async<std::vector<QueueStats>> queues(net::Loop& loop) override {
    const std::lock_guard lock(mutex_);
    std::vector<QueueStats> out;
    for (auto& [name, queue] : queues_) {
      sweep(queue, now_ms(loop.clock()));
      QueueStats stats;
      stats.queue = name;
      stats.paused = queue.paused;
      stats.rate_limit = queue.limit;
      std::copy(std::begin(queue.by_state), std::end(queue.by_state), std::begin(stats.by_state));
      out.push_back(std::move(stats));
    }
    co_return out;
  }
  Async<std::uint64_t> pending_count(net::Loop& loop, std::string name) override {
    const std::lock_guard lock(mutex_);
    const auto at = queues_.find(name);
    if (at == queues_.end()) co_return std::uint64_t{0};
    sweep(at->second, now_ms(loop.clock()));
    std::uint64_t count = 0;
    for (const JobState state : {JobState::pending, JobState::scheduled, JobState::available, JobState::retryable})
      count += at->second.by_state[static_cast<std::size_t>(state)];
    co_return count;
  }
  Async<void> pause(net::Loop& loop, std::string name, bool paused) override {
    (void)loop;
    const std::lock_guard lock(mutex_);
    queues_[name].paused = paused;
    if (!paused) hub_.notify(Topic::queue, name);
    co_return Result<void>();
  }
  Async<void> set_rate_limit(net::Loop& loop, std::string name, RateLimit limit) override {
    (void)loop;
    const std::lock_guard lock(mutex_);
    Queue& queue = queues_[name];
    queue.limit = limit;
    queue.rate = {};
    hub_.notify(Topic::queue, name);
    co_return Result<void>();
  }

  Async<Schedule> put_schedule(net::Loop& loop, Schedule schedule) override {
    (void)loop;
    const std::lock_guard lock(mutex_);
    Schedule& kept = schedules_[schedule.name];
    if (kept.version != 0) {
      if (kept.cron == schedule.cron && kept.timezone == schedule.timezone) schedule.next_at = kept.next_at;
      schedule.last_at = kept.last_at;
      schedule.last_job = kept.last_job;
    }
    schedule.version = ++next_version_;
    kept = schedule;
    hub_.notify(Topic::schedules);
    co_return schedule;
  }
  Async<bool> remove_schedule(net::Loop& loop, std::string name) override {
    (void)loop;
    const std::lock_guard lock(mutex_);
    const bool removed = schedules_.erase(name) != 0;
    if (removed) hub_.notify(Topic::schedules);
    co_return removed;
  }
  Async<std::vector<Schedule>> schedules(net::Loop& loop) override {
    (void)loop;
    const std::lock_guard lock(mutex_);
    std::vector<Schedule> out;
    for (const auto& [name, schedule] : schedules_) out.push_back(schedule);
    co_return out;
  }
  Async<FireResult> fire(net::Loop& loop, FireRequest request) override {
    const std::lock_guard lock(mutex_);
    const Millis now = now_ms(loop.clock());
    FireResult out;
    const auto at = schedules_.find(request.name);
    if (at == schedules_.end() || at->second.version != request.version || at->second.next_at != request.expected_next)
      co_return out;
    Schedule& schedule = at->second;
    schedule.next_at = request.new_next;
    out.ours = true;
    for (NewJob& job : request.jobs) {
      if (request.forbid_overlap && schedule.last_job != 0) {
        const Entry* last = find(schedule.last_job, now);
        if (last != nullptr && !has_ended(last->job.state)) continue;
      }
      schedule.last_at = job.scheduled_at;
      schedule.last_job = insert(now, std::move(job), 0);
      out.jobs.push_back(schedule.last_job);
    }
    co_return out;
  }

  std::shared_ptr<void> subscribe(net::Loop& loop, Topic topic, std::string queue, Duration poll, Function<void()> fn) override {
    (void)poll;
    return hub_.subscribe(loop, topic, std::move(queue), std::move(fn));
  }

 private:
  // Everything below: under the lock.

  [[nodiscard]] Entry* find(JobId id, Millis now) {
    const auto at = jobs_.find(id);
    if (at == jobs_.end()) return nullptr;
    if (at->second.job.expires_at != 0 && at->second.job.expires_at <= now) return nullptr;
    sweep(queues_[at->second.job.queue], now);
    return &at->second;
  }
  [[nodiscard]] Entry* held_by(const Run& run) {
    const auto at = jobs_.find(run.id);
    if (at == jobs_.end() || at->second.job.state != JobState::running || at->second.job.lease != run.lease) return nullptr;
    return &at->second;
  }

  /// Out of the indexes of its state. Whoever calls it puts it into another one.
  void leave(Entry& entry) {
    Job& job = entry.job;
    Queue& queue = queues_[job.queue];
    --queue.by_state[static_cast<std::size_t>(job.state)];
    switch (job.state) {
      case JobState::available:
        if (entry.held) forget_held(entry);
        else queue.ready.erase(entry.ready_key());
        break;
      case JobState::scheduled:
      case JobState::retryable: queue.due.erase({job.run_at, job.id}); break;
      case JobState::running: queue.leases.erase({job.lease_until, job.id}); break;
      default: break;
    }
    if (job.concurrency_key.empty()) return;
    // A place of its key becomes free, or a job that was let out to take one goes: the next ones are let out.
    if (job.state == JobState::running) --keys_[job.concurrency_key].running;
    if (job.state == JobState::running || (job.state == JobState::available && !entry.held)) let_out(job.concurrency_key);
    entry.held = false;
  }
  void forget_held(Entry& entry) {
    auto& held = keys_[entry.job.concurrency_key].held;
    const auto at = held.find(entry.job.queue);
    at->second.erase(entry.ready_key());
    if (at->second.empty()) held.erase(at);
  }
  /// The first of each queue: one that is paused, or has no worker, keeps no place from the others. Who finds none is held again.
  void let_out(const std::string& name) {
    const auto at = keys_.find(name);
    if (at == keys_.end()) return;
    ConcurrencyKey& key = at->second;
    if (key.held.empty() && key.running == 0) {
      keys_.erase(at);
      return;
    }
    for (auto of = key.held.begin(); of != key.held.end();) {
      auto& [queue, held] = *of;
      Entry& next = jobs_.find(std::get<2>(*held.begin()))->second;
      held.erase(held.begin());
      next.held = false;
      queues_[queue].ready.insert(next.ready_key());
      hub_.notify(Topic::queue, queue);
      of = held.empty() ? key.held.erase(of) : std::next(of);
    }
  }
  void enter(Entry& entry, JobState state) {
    Job& job = entry.job;
    Queue& queue = queues_[job.queue];
    job.state = state;
    ++queue.by_state[static_cast<std::size_t>(state)];
    switch (state) {
      case JobState::available:
        queue.ready.insert(entry.ready_key());
        hub_.notify(Topic::queue, job.queue);
        break;
      case JobState::scheduled:
      case JobState::retryable:
        queue.due.emplace(job.run_at, job.id);
        hub_.notify(Topic::queue, job.queue);
        break;
      case JobState::running:
        queue.leases.emplace(job.lease_until, job.id);
        if (!job.concurrency_key.empty()) ++keys_[job.concurrency_key].running;
        break;
      default: break;
    }
  }
  /// To where a job that waits for nothing but its time belongs.
  void enter_by_time(Entry& entry, Millis now, JobState waiting) {
    enter(entry, entry.job.run_at > now ? waiting : JobState::available);
  }

  Result<EnqueueResult> do_enqueue(Millis now, EnqueueRequest request) {
    purge(now);
    if (!request.origin.empty()) {
      while (!origins_by_age_.empty() && origins_by_age_.begin()->first + origin_kept_ms <= now) {
        origins_.erase(origins_by_age_.begin()->second);
        origins_by_age_.erase(origins_by_age_.begin());
      }
      if (const auto at = origins_.find(request.origin); at != origins_.end()) return at->second;
    }
    const auto all_there = [&](const NewJob& job) -> Result<void> {
      for (const JobId id : job.depends_on) {
        if (find(id, now) == nullptr) return no_such_job(id);
      }
      return {};
    };
    for (const NewJob& job : request.jobs) {
      SPIKARD_TRY(all_there(job));
      if (job.batch == 0) continue;
      const auto at = batches_.find(job.batch);
      if (at == batches_.end())
        return Error(ErrorKind::not_found, "there is no batch " + std::to_string(job.batch)).with_operation("tasks.enqueue");
      if (at->second.batch.pending() == 0) return Error(ErrorKind::conflict, "the batch is done").with_operation("tasks.enqueue");
    }
    if (request.callback) {
      NewJob& callback = *request.callback;
      callback.batch = 0;  // it waits for one, and is in none
      SPIKARD_TRY(all_there(callback));
      const std::string& key = callback.unique_key;
      const auto has_it = [&](const NewJob& job) { return job.unique_key == key; };
      if (!key.empty() && (unique_.contains(key) || std::any_of(request.jobs.begin(), request.jobs.end(), has_it)))
        return Error(ErrorKind::conflict, "a job that has not ended has the callback's unique key")
            .with_operation("tasks.enqueue");
    }
    EnqueueResult out;
    if (request.batch) {
      out.batch = next_batch_++;
      batches_[out.batch].batch.id = out.batch;
    }
    for (NewJob& job : request.jobs) {
      if (!job.unique_key.empty()) {
        if (const auto at = unique_.find(job.unique_key); at != unique_.end()) {
          out.jobs.push_back({at->second, false});
          continue;
        }
      }
      if (request.batch) job.batch = out.batch;
      out.jobs.push_back({insert(now, std::move(job), 0), true});
    }
    if (request.callback) {
      out.callback = insert(now, std::move(*request.callback), out.batch);
      batches_[out.batch].batch.callback = out.callback;
    }
    if (request.batch) look_at_batch(out.batch, now);
    if (!request.origin.empty()) {
      EnqueueResult again = out;
      for (Enqueued& one : again.jobs) one.created = false;
      origins_by_age_.emplace(now, request.origin);
      origins_.emplace(std::move(request.origin), std::move(again));
    }
    return out;
  }

  JobId insert(Millis now, NewJob&& from, JobId callback_of) {
    const JobId id = next_id_++;
    Entry& entry = jobs_[id];
    Job& job = entry.job;
    job.id = id;
    job.queue = std::move(from.queue);
    job.task = std::move(from.task);
    job.args = std::move(from.args);
    job.priority = from.priority;
    job.run_at = from.run_at != 0 ? from.run_at : now + from.delay_ms;
    job.max_attempts = from.max_attempts;
    job.backoff = from.backoff;
    job.timeout_ms = from.timeout_ms;
    job.unique_key = std::move(from.unique_key);
    job.concurrency_key = std::move(from.concurrency_key);
    job.concurrency_limit = from.concurrency_limit;
    job.batch = from.batch;
    job.callback_of = callback_of;
    job.tags = std::move(from.tags);
    job.retention_ms = from.retention_ms;
    job.schedule = std::move(from.schedule);
    job.scheduled_at = from.scheduled_at;
    job.trace = std::move(from.trace);
    job.enqueued_at = now;
    if (!job.unique_key.empty()) unique_[job.unique_key] = id;
    if (job.batch != 0) ++batches_[job.batch].batch.total;
    if (callback_of != 0) entry.waits = 1;
    std::string broken;
    for (const JobId needs : from.depends_on) {
      Entry& other = jobs_.find(needs)->second;
      if (other.job.state == JobState::completed) continue;
      if (has_ended(other.job.state)) {
        broken = reason_of(other.job);
      } else {
        other.dependants.push_back(id);
        ++entry.waits;
      }
    }
    if (entry.waits != 0 || !broken.empty()) enter(entry, JobState::pending);
    else enter_by_time(entry, now, JobState::scheduled);
    if (!broken.empty()) end(entry, JobState::cancelled, now, std::move(broken), "dependency");
    return id;
  }

  static std::string reason_of(const Job& job) {
    return "job " + std::to_string(job.id) + ", which it depends on, was " + std::string(name_of(job.state));
  }

  /// Ends a job and all that follows from it.
  void end(Entry& first, JobState state, Millis now, std::string error, std::string code) {
    struct Step {
      JobId id;
      JobState state;
      std::string error;
      std::string code;
    };
    std::deque<Step> steps;
    steps.push_back({first.job.id, state, std::move(error), std::move(code)});
    while (!steps.empty()) {
      Step step = std::move(steps.front());
      steps.pop_front();
      Entry& entry = jobs_.find(step.id)->second;
      Job& job = entry.job;
      if (has_ended(job.state)) continue;
      const bool ran = job.state == JobState::running;
      leave(entry);
      job.error = std::move(step.error);
      job.error_code = std::move(step.code);
      job.ended_at = now;
      const Millis kept = step.state == JobState::completed ? options_.retention_ms : options_.failed_retention_ms;
      job.expires_at = now + (job.retention_ms != 0 ? job.retention_ms : kept);
      expiry_.emplace(job.expires_at, job.id);
      job.lease_until = 0;
      enter(entry, step.state);
      if (!job.unique_key.empty()) unique_.erase(job.unique_key);
      for (const JobId dependant : std::exchange(entry.dependants, {})) {
        const auto at = jobs_.find(dependant);
        if (at == jobs_.end() || at->second.job.state != JobState::pending) continue;
        if (step.state == JobState::completed) release_one(at->second, now);
        else steps.push_back({dependant, JobState::cancelled, reason_of(job), "dependency"});
      }
      if (const auto of = batches_.find(job.batch); of != batches_.end()) {
        ++count_of(of->second.batch, step.state);
        look_at_batch(job.batch, now);
      }
      if (ran && step.state == JobState::cancelled) hub_.notify(Topic::revoked);
      hub_.notify(Topic::ended);
    }
  }
  /// One of the things a pending job waits for has come.
  void release_one(Entry& entry, Millis now) {
    if (entry.waits == 0 || --entry.waits != 0) return;
    leave(entry);
    entry.job.run_at = std::max(entry.job.run_at, now);
    enter_by_time(entry, now, JobState::scheduled);
  }
  static std::uint64_t& count_of(Batch& batch, JobState state) {
    return state == JobState::completed ? batch.completed : state == JobState::cancelled ? batch.cancelled : batch.discarded;
  }
  void look_at_batch(JobId id, Millis now) {
    BatchEntry& entry = batches_.find(id)->second;
    if (entry.batch.pending() != 0) return;
    batch_expiry_.erase({entry.expires_at, id});
    entry.expires_at = now + options_.failed_retention_ms;
    batch_expiry_.emplace(entry.expires_at, id);
    const auto at = jobs_.find(entry.batch.callback);
    if (at != jobs_.end() && at->second.job.state == JobState::pending) release_one(at->second, now);
  }

  /// What time alone changes in a queue.
  void sweep(Queue& queue, Millis now) {
    while (!queue.leases.empty() && queue.leases.begin()->first <= now) {
      Entry& entry = jobs_.find(queue.leases.begin()->second)->second;
      ++entry.job.failures;
      if (entry.job.attempt >= entry.job.max_attempts) {
        end(entry, JobState::discarded, now, "the worker's lease ran out", "lease_lost");
        continue;
      }
      leave(entry);
      entry.job.error = "the worker's lease ran out";
      entry.job.error_code = "lease_lost";
      entry.job.run_at = now;
      entry.job.lease_until = 0;
      enter(entry, JobState::available);
    }
    while (!queue.due.empty() && queue.due.begin()->first <= now) {
      Entry& entry = jobs_.find(queue.due.begin()->second)->second;
      leave(entry);
      enter(entry, JobState::available);
    }
  }

  ClaimResult do_claim(Millis now, const ClaimRequest& request) {
    purge(now);
    Queue& queue = queues_[request.queue];
    sweep(queue, now);
    ClaimResult out;
    const std::uint32_t allowed = queue.paused ? 0 : std::min(queue.rate.allowed(queue.limit, now), request.max);
    while (out.jobs.size() < allowed && !queue.ready.empty()) {
      Entry& entry = jobs_.find(std::get<2>(*queue.ready.begin()))->second;
      Job& job = entry.job;
      if (!job.concurrency_key.empty()) {
        ConcurrencyKey& key = keys_[job.concurrency_key];
        if (key.running >= job.concurrency_limit) {
          queue.ready.erase(queue.ready.begin());
          entry.held = true;
          key.held[job.queue].insert(entry.ready_key());
          continue;
        }
      }
      queue.ready.erase(queue.ready.begin());
      --queue.by_state[static_cast<std::size_t>(JobState::available)];
      ++job.attempt;
      ++job.lease;
      job.lease_until = now + request.lease_ms;
      job.worker = request.worker;
      job.started_at = now;
      job.progress.clear();
      enter(entry, JobState::running);
      out.jobs.push_back(job);
    }
    queue.rate.take(queue.limit, now, static_cast<std::uint32_t>(out.jobs.size()));
    const auto soonest = [&](Millis at) { out.next_at = out.next_at == 0 ? at : std::min(out.next_at, at); };
    if (!queue.due.empty()) soonest(queue.due.begin()->first);
    if (!queue.leases.empty()) soonest(queue.leases.begin()->first);
    if (!queue.paused && !queue.ready.empty() && queue.limit.count != 0) soonest(std::max(queue.rate.next(queue.limit), now + 1));
    return out;
  }

  bool do_settle(Millis now, Completion& one) {
    Entry* entry = held_by(one.run);
    if (entry == nullptr) return false;
    Job& job = entry->job;
    switch (one.kind) {
      case Completion::Kind::completed:
        job.result = std::move(one.result);
        end(*entry, JobState::completed, now, {}, {});
        return true;
      case Completion::Kind::discarded:
        job.attempt = one.attempt;
        job.failures = one.failures;
        end(*entry, JobState::discarded, now, std::move(one.error), std::move(one.error_code));
        return true;
      case Completion::Kind::again:
        leave(*entry);
        job.attempt = one.attempt;
        job.failures = one.failures;
        job.error = std::move(one.error);
        job.error_code = std::move(one.error_code);
        job.run_at = now + one.after_ms;
        job.lease_until = 0;
        enter_by_time(*entry, now, JobState::retryable);
        return true;
      case Completion::Kind::hand_back:
        leave(*entry);
        job.attempt = one.attempt;
        job.lease_until = 0;
        enter(*entry, JobState::available);
        return true;
    }
    return true;
  }

  Result<bool> do_retry(Millis now, JobId id) {
    Entry* entry = find(id, now);
    if (entry == nullptr) return no_such_job(id);
    Job& job = entry->job;
    if (!has_ended(job.state)) return false;
    if (!job.unique_key.empty()) {
      if (unique_.contains(job.unique_key)) {
        return Error(ErrorKind::conflict, "another job that has not ended has its unique key")
            .with_operation("tasks.retry")
            .with("job", std::to_string(unique_[job.unique_key]));
      }
      unique_[job.unique_key] = id;
    }
    if (const auto of = batches_.find(job.batch); of != batches_.end()) --count_of(of->second.batch, job.state);
    leave(*entry);
    expiry_.erase({job.expires_at, id});
    job.expires_at = job.ended_at = 0;
    job.max_attempts = std::max(job.max_attempts, job.attempt + 1);
    job.result.clear();
    entry->waits = 0;
    job.run_at = now;
    enter(*entry, JobState::available);
    return true;
  }

  void purge(Millis now) {
    for (std::size_t i = 0; i < purged_at_once && !expiry_.empty() && expiry_.begin()->first <= now; ++i) {
      const JobId id = expiry_.begin()->second;
      expiry_.erase(expiry_.begin());
      Entry& entry = jobs_.find(id)->second;
      --queues_[entry.job.queue].by_state[static_cast<std::size_t>(entry.job.state)];
      jobs_.erase(id);
    }
    for (std::size_t i = 0; i < purged_at_once && !batch_expiry_.empty() && batch_expiry_.begin()->first <= now; ++i) {
      const auto at = batches_.find(batch_expiry_.begin()->second);
      batch_expiry_.erase(batch_expiry_.begin());
      // One of a job that was tried again gets another time when that has ended.
      if (at->second.batch.pending() == 0) batches_.erase(at);
    }
  }

  const StoreOptions options_;
  Hub hub_;
  std::mutex mutex_;
  std::map<JobId, Entry> jobs_;
  std::map<std::string, Queue> queues_;
  std::unordered_map<std::string, JobId> unique_;
  std::unordered_map<std::string, ConcurrencyKey> keys_;
  std::map<JobId, BatchEntry> batches_;
  std::map<std::string, Schedule> schedules_;
  std::set<TimeKey> expiry_;
  std::set<TimeKey> batch_expiry_;  // of those that were over
  std::unordered_map<std::string, EnqueueResult> origins_;
  std::multimap<Millis, std::string> origins_by_age_;
  JobId next_id_ = 1;
  JobId next_batch_ = 1;
  std::uint64_t next_version_ = 0;
};

}  // namespace

std::shared_ptr<Backend> make_memory_backend(const StoreOptions& options) { return std::make_shared<MemoryBackend>(options); }

}  // namespace spikard::tasks
