#include "tasks/redis/redis.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <unordered_map>
#include <utility>

#include "tasks/redis/ear.hpp"
#include "tasks/redis/store.hpp"

namespace spikard::tasks {
namespace {

using net::redis::Command;
using net::redis::Reply;
using net::redis::View;
using redis::digits15;
using redis::Directory;
using redis::Ear;
using redis::Place;
using redis::Queue;
using redis::Store;
using redis::stranger;

constexpr Millis purge_every_ms = 60'000;
constexpr int purges = 20;               // of a queue, one after another
constexpr std::size_t looked_at = 1000;  // jobs, by one script of a list

/// What of one call is of one queue: places in the call, in order.
struct Share {
  Directory::Found queue;
  std::vector<std::size_t> at;
};

std::vector<std::size_t> indexes(View lost, std::size_t below) {
  std::vector<std::size_t> out;
  for (const View one : lost) {
    const std::optional<std::int64_t> n = one.integer();
    if (n && *n >= 1 && static_cast<std::size_t>(*n) <= below) out.push_back(static_cast<std::size_t>(*n) - 1);
  }
  return out;
}

/// 1, 0, or -1 for a job that is not there.
auto truth_or_none(JobId id) {
  return [id](View reply) -> Result<bool> {
    if (reply.size() < 3 || !reply[2].integer()) return stranger();
    if (*reply[2].integer() < 0) return redis::no_such_job(id);
    return *reply[2].integer() == 1;
  };
}

class RedisBackend final : public Backend {
 public:
  RedisBackend(const StoreOptions& options, net::redis::Options server, std::string prefix, std::shared_ptr<Hub> hub)
      : store_(std::make_shared<Store>(options, std::move(server), std::move(prefix), std::move(hub))) {}
  ~RedisBackend() override { store_->pool.close(); }
  RedisBackend(const RedisBackend&) = delete;
  RedisBackend& operator=(const RedisBackend&) = delete;

  [[nodiscard]] Capabilities capabilities() const noexcept override {
    Capabilities out;
    out.durable = true;
    out.shared = true;
    out.across_queues = !store_->cluster();
    return out;
  }
  void close() override { store_->pool.close(); }

  Async<EnqueueResult> enqueue(net::Loop& loop, EnqueueRequest request) override {
    return store_->enqueue(loop, std::move(request));
  }

  Async<ClaimResult> claim(net::Loop& loop, ClaimRequest request) override {
    const Millis now = now_ms(loop.clock());
    Millis purged = purged_.load(std::memory_order_relaxed);
    if (now >= purged + purge_every_ms && purged_.compare_exchange_strong(purged, now)) {
      Result<void> done = co_await purge(loop);
      if (!done.ok()) co_return Result<ClaimResult>(std::move(done).error());
    }
    const std::string base = store_->names.base(request.queue);
    const std::uint64_t number = claims_.fetch_add(1, std::memory_order_relaxed) + 1;
    const Instant until = loop.now() + Store::patience;
    const auto decode = [&](View reply) -> Result<ClaimResult> {
      if (reply.size() < 4) return stranger();
      ClaimResult out;
      out.next_at = reply[2].integer().value_or(0);
      const View jobs = reply[3];
      out.jobs.reserve(jobs.size());
      for (const View fields : jobs) {
        std::optional<Job> job = redis::read_job(fields, request.queue);
        if (!job) return stranger();
        out.jobs.push_back(std::move(*job));
      }
      return out;
    };
    for (bool again = false;; again = true) {
      Command command = store_->begin(store_->scripts.claim, base, now_ms(loop.clock()));
      command.arg(request.max).arg(request.worker).arg(request.lease_ms).arg(again ? "1" : "0").arg(number);
      // Jobs that were taken are given out, to be handed back by a worker that is stopping: nobody else knows that they are held.
      Async<ClaimResult> asking = store_->ask<ClaimResult>(loop, std::move(command), decode).with_token(CancelSource().token());
      Result<ClaimResult> out = co_await std::move(asking);
      if (out.ok() || loop.now() >= until) co_return out;
      const ErrorKind kind = out.error().kind();
      const bool unknown = kind == ErrorKind::outcome_unknown;
      if (!unknown && !(again && (kind == ErrorKind::unavailable || kind == ErrorKind::timeout))) co_return out;
      const Result<void> slept = co_await net::sleep(loop, Store::pause);
      if (!slept.ok()) co_return out;
    }
  }

  Async<std::vector<JobId>> settle(net::Loop& loop, std::vector<Completion> completions) override {
    std::vector<JobId> lost;
    const auto id_of = [](const Completion& one) { return one.run.id; };
    Result<std::vector<Share>> shares = co_await share(loop, completions, id_of, lost);
    if (!shares.ok()) co_return Result<std::vector<JobId>>(std::move(shares).error());
    const Millis now = now_ms(loop.clock());
    for (const Share& of : *shares) {
      const auto make = [&](bool again) { return settle_command(of, completions, now, again); };
      const auto decode = [&](View reply) -> Result<void> {
        if (reply.size() < 3) return stranger();
        for (const std::size_t n : indexes(reply[2], of.at.size())) lost.push_back(completions[of.at[n]].run.id);
        return {};
      };
      Async<void> asking = store_->ask_until_known<void>(loop, make, decode);
      Result<void> done = co_await std::move(asking);
      if (!done.ok()) co_return Result<std::vector<JobId>>(std::move(done).error());
    }
    co_return Result<std::vector<JobId>>(std::move(lost));
  }
  Async<std::vector<JobId>> extend(net::Loop& loop, std::vector<Run> runs, Millis lease_ms) override {
    return hold(loop, std::move(runs), lease_ms);
  }
  Async<std::vector<JobId>> lost(net::Loop& loop, std::vector<Run> runs) override { return hold(loop, std::move(runs), 0); }
  Async<void> progress(net::Loop& loop, Run run, std::string json) override {
    Result<Directory::Found> queue = co_await find(loop, run.id);
    if (!queue.ok()) co_return Result<void>(std::move(queue).error());
    Command command = store_->begin(store_->scripts.progress, (*queue)->base, now_ms(loop.clock()), 512 + json.size());
    command.arg(digits15(Place::of(run.id).sequence)).arg(run.lease).arg(json).reads();
    Result<std::int64_t> done = co_await number(loop, std::move(command));
    if (!done.ok()) co_return Result<void>(std::move(done).error());
    if (*done == 1) co_return Result<void>();
    if (*done < 0) co_return Result<void>(redis::no_such_job(run.id));
    co_return Result<void>(Error(ErrorKind::conflict, "the lease of this run was lost").with("job", std::to_string(run.id)));
  }

  Async<std::optional<Job>> job(net::Loop& loop, JobId id) override { return store_->job(loop, id); }
  Async<std::vector<Job>> list(net::Loop& loop, JobFilter filter) override {
    using Jobs = std::vector<Job>;
    Result<std::vector<Directory::Found>> queues = co_await store_->directory.all(loop);
    if (!queues.ok()) co_return Result<Jobs>(std::move(queues).error());
    Jobs out;
    for (const Directory::Found& queue : *queues) {
      if (!filter.queue.empty() && filter.queue != queue->name) continue;
      Async<void> part = list_queue(loop, *queue, filter, out);
      Result<void> done = co_await std::move(part);
      if (!done.ok()) co_return Result<Jobs>(std::move(done).error());
    }
    std::sort(out.begin(), out.end(), [](const Job& a, const Job& b) { return a.id < b.id; });
    if (out.size() > filter.limit) out.erase(out.begin() + filter.limit, out.end());
    co_return Result<Jobs>(std::move(out));
  }
  Async<bool> cancel(net::Loop& loop, JobId id, std::string reason) override {
    Result<Directory::Found> queue = co_await find(loop, id);
    if (!queue.ok()) co_return Result<bool>(std::move(queue).error());
    const auto make = [&](bool again) {
      Command command = store_->begin(store_->scripts.cancel, (*queue)->base, now_ms(loop.clock()));
      command.arg(again ? "1" : "0").arg(digits15(Place::of(id).sequence)).arg(reason);
      return command;
    };
    Async<bool> asking = store_->ask_until_known<bool>(loop, make, truth_or_none(id));
    Result<bool> out = co_await std::move(asking);
    co_return out;
  }
  Async<bool> retry(net::Loop& loop, JobId id) override {
    Result<Directory::Found> queue = co_await find(loop, id);
    if (!queue.ok()) co_return Result<bool>(std::move(queue).error());
    const auto make = [&](bool again) {
      Command command = store_->begin(store_->scripts.retry, (*queue)->base, now_ms(loop.clock()));
      command.arg(again ? "1" : "0").arg(digits15(Place::of(id).sequence));
      return command;
    };
    const auto otherwise = truth_or_none(id);
    const auto decode = [&](View reply) -> Result<bool> {
      if (reply[0].text() != "conflict") return otherwise(reply);
      return Error(ErrorKind::conflict, "another job that has not ended has its unique key")
          .with_operation("tasks.retry")
          .with("job", std::string(reply.size() > 2 ? reply[2].text() : std::string_view()));
    };
    Async<bool> asking = store_->ask_until_known<bool>(loop, make, decode);
    Result<bool> out = co_await std::move(asking);
    co_return out;
  }
  Async<std::optional<Batch>> batch(net::Loop& loop, JobId id) override {
    using Out = std::optional<Batch>;
    const Place place = Place::of(id);
    Result<Directory::Found> queue = co_await store_->directory.find(loop, place.queue);
    if (!queue.ok()) co_return Result<Out>(std::move(queue).error());
    if (*queue == nullptr) co_return Out();
    Command command = store_->begin(store_->scripts.batch, (*queue)->base, now_ms(loop.clock()));
    command.arg(digits15(place.sequence)).reads();
    const auto decode = [&](View reply) -> Result<Out> {
      if (reply.size() < 3 || reply[2].size() != 5) return stranger();
      std::array<std::uint64_t, 5> numbers{};
      std::size_t n = 0;
      if (reply[2][0].is_null()) return Out();
      for (const View one : reply[2]) numbers[n++] = static_cast<std::uint64_t>(one.integer().value_or(0));
      Batch out;
      out.id = id;
      out.total = numbers[0];
      out.completed = numbers[1];
      out.cancelled = numbers[2];
      out.discarded = numbers[3];
      out.callback = static_cast<JobId>(numbers[4]);
      return Out(out);
    };
    Async<Out> asking = store_->ask<Out>(loop, std::move(command), decode);
    Result<Out> out = co_await std::move(asking);
    co_return out;
  }

  Async<std::vector<QueueStats>> queues(net::Loop& loop) override {
    using All = std::vector<QueueStats>;
    Result<std::vector<Directory::Found>> queues = co_await store_->directory.all(loop);
    if (!queues.ok()) co_return Result<All>(std::move(queues).error());
    All out;
    for (const Directory::Found& queue : *queues) {
      Result<QueueStats> one = co_await stats(loop, queue->name);
      if (!one.ok()) co_return Result<All>(std::move(one).error());
      out.push_back(std::move(*one));
    }
    co_return Result<All>(std::move(out));
  }
  Async<std::uint64_t> pending_count(net::Loop& loop, std::string queue) override {
    Result<QueueStats> of = co_await stats(loop, std::move(queue));
    if (!of.ok()) co_return Result<std::uint64_t>(std::move(of).error());
    std::uint64_t out = 0;
    for (const JobState state : {JobState::pending, JobState::scheduled, JobState::available, JobState::retryable})
      out += of->by_state[static_cast<std::size_t>(state)];
    co_return out;
  }
  Async<void> pause(net::Loop& loop, std::string queue, bool paused) override {
    std::vector<std::string> settings{"paused", paused ? "1" : "0"};
    return set(loop, std::move(queue), std::move(settings), !paused);
  }
  Async<void> set_rate_limit(net::Loop& loop, std::string queue, RateLimit limit) override {
    std::vector<std::string> settings{
        "rate_count", std::to_string(limit.count), "rate_period_ms",  std::to_string(limit.period_ms),
        "rate_burst", std::to_string(limit.burst), "rate_full_at_us", "0"};
    return set(loop, std::move(queue), std::move(settings), true);
  }

  Async<Schedule> put_schedule(net::Loop& loop, Schedule schedule) override {
    return store_->put_schedule(loop, std::move(schedule));
  }
  Async<bool> remove_schedule(net::Loop& loop, std::string name) override {
    return store_->remove_schedule(loop, std::move(name));
  }
  Async<std::vector<Schedule>> schedules(net::Loop& loop) override { return store_->schedules(loop); }
  Async<FireResult> fire(net::Loop& loop, FireRequest request) override { return store_->fire(loop, std::move(request)); }

  std::shared_ptr<void> subscribe(net::Loop& loop, Topic topic, std::string queue, Duration poll, Function<void()> fn) override {
    (void)poll;
    const auto shared = std::make_shared<Function<void()>>(std::move(fn));
    auto here = store_->hub->subscribe(loop, topic, queue, [shared] { (*shared)(); });
    std::shared_ptr<void> there;
    if (const std::shared_ptr<Ear> ear = ear_on(loop)) there = ear->subscribe(topic, queue, [shared] { (*shared)(); });
    return std::make_shared<std::pair<std::shared_ptr<void>, std::shared_ptr<void>>>(std::move(here), std::move(there));
  }

 private:
  [[nodiscard]] std::shared_ptr<Ear> ear_on(net::Loop& loop) {
    const std::lock_guard lock(mutex_);
    std::erase_if(ears_, [](const auto& one) { return one.second.expired(); });
    std::weak_ptr<Ear>& known = ears_[&loop];
    std::shared_ptr<Ear> ear = known.lock();
    if (ear != nullptr && ear->open()) return ear;
    std::shared_ptr<net::redis::Client> client = store_->pool.on(loop);
    if (client->closed()) return nullptr;
    ear = Ear::open(std::move(client), store_->names, store_->hub->token());
    known = ear;
    return ear;
  }

  /// not_found.
  Async<Directory::Found> find(net::Loop& loop, JobId id) {
    Result<Directory::Found> found = co_await store_->directory.find(loop, Place::of(id).queue);
    if (found.ok() && *found == nullptr) co_return Result<Directory::Found>(redis::no_such_job(id));
    co_return found;
  }
  Async<std::int64_t> number(net::Loop& loop, Command command) {
    const auto decode = [](View reply) -> Result<std::int64_t> {
      if (reply.size() < 3 || !reply[2].integer()) return stranger();
      return *reply[2].integer();
    };
    Async<std::int64_t> asking = store_->ask<std::int64_t>(loop, std::move(command), decode);
    Result<std::int64_t> out = co_await std::move(asking);
    co_return out;
  }

  /// By queue, in their order; those of no queue are lost.
  template <class T, class Id>
  Async<std::vector<Share>> share(net::Loop& loop, const std::vector<T>& all, Id id_of, std::vector<JobId>& lost) {
    std::vector<Share> out;
    for (std::size_t n = 0; n < all.size(); ++n) {
      const std::uint32_t number = Place::of(id_of(all[n])).queue;
      auto of = std::find_if(out.begin(), out.end(), [&](const Share& one) { return one.queue->number == number; });
      if (of == out.end()) {
        Result<Directory::Found> queue = co_await store_->directory.find(loop, number);
        if (!queue.ok()) co_return Result<std::vector<Share>>(std::move(queue).error());
        if (*queue == nullptr) {
          lost.push_back(id_of(all[n]));
          continue;
        }
        Share made;
        made.queue = std::move(*queue);
        out.push_back(std::move(made));
        of = out.end() - 1;
      }
      of->at.push_back(n);
    }
    co_return Result<std::vector<Share>>(std::move(out));
  }
  [[nodiscard]] Command settle_command(const Share& of, const std::vector<Completion>& all, Millis now, bool again) const {
    std::size_t bytes = 512;
    for (const std::size_t n : of.at) bytes += 128 + all[n].result.size() + all[n].error.size();
    Command out = store_->begin(store_->scripts.settle, of.queue->base, now, bytes);
    out.arg(again ? "1" : "0").arg(of.at.size());
    for (const std::size_t n : of.at) {
      const Completion& one = all[n];
      constexpr std::array<std::string_view, 4> kinds{"c", "a", "h", "d"};
      out.arg(kinds[static_cast<std::size_t>(one.kind)]).arg(digits15(Place::of(one.run.id).sequence)).arg(one.run.lease);
      switch (one.kind) {
        case Completion::Kind::completed: out.arg(one.result); break;
        case Completion::Kind::hand_back: out.arg(one.attempt); break;
        case Completion::Kind::discarded: out.arg(one.attempt).arg(one.failures).arg(one.error).arg(one.error_code); break;
        case Completion::Kind::again:
          out.arg(one.attempt).arg(one.failures).arg(one.error).arg(one.error_code).arg(one.after_ms);
          break;
      }
    }
    return out;
  }
  /// Renews leases, or with 0 only looks at them.
  Async<std::vector<JobId>> hold(net::Loop& loop, std::vector<Run> runs, Millis lease_ms) {
    std::vector<JobId> lost;
    const auto id_of = [](const Run& one) { return one.id; };
    Result<std::vector<Share>> shares = co_await share(loop, runs, id_of, lost);
    if (!shares.ok()) co_return Result<std::vector<JobId>>(std::move(shares).error());
    for (const Share& of : *shares) {
      Command command = store_->begin(store_->scripts.extend, of.queue->base, now_ms(loop.clock()), 512 + 64 * of.at.size());
      command.arg(lease_ms).arg(of.at.size()).reads();  // twice is as once
      for (const std::size_t n : of.at) command.arg(digits15(Place::of(runs[n].id).sequence)).arg(runs[n].lease);
      const auto decode = [&](View reply) -> Result<void> {
        if (reply.size() < 3) return stranger();
        for (const std::size_t n : indexes(reply[2], of.at.size())) lost.push_back(runs[of.at[n]].id);
        return {};
      };
      Async<void> asking = store_->ask<void>(loop, std::move(command), decode);
      Result<void> done = co_await std::move(asking);
      if (!done.ok()) co_return Result<std::vector<JobId>>(std::move(done).error());
    }
    co_return Result<std::vector<JobId>>(std::move(lost));
  }

  /// A thousand jobs a script, so that no list keeps the others waiting.
  Async<void> list_queue(net::Loop& loop, const Queue& queue, const JobFilter& filter, std::vector<Job>& out) {
    const std::uint64_t after = Place::of(filter.after).sequence;
    std::string from = after == 0 ? std::string() : digits15(after);
    std::size_t found = 0;
    for (;;) {
      const Millis now = now_ms(loop.clock());
      Command command = store_->begin(store_->scripts.list, queue.base, now);
      command.arg(from).arg(filter.limit - found).arg(looked_at);
      command.arg(filter.state ? name_of(*filter.state) : std::string_view()).arg(filter.task).arg(filter.schedule);
      command.arg(filter.batch == 0 ? std::string() : std::to_string(filter.batch)).reads();
      const auto decode = [&](View reply) -> Result<std::string> {
        if (reply.size() < 4) return stranger();
        for (const View fields : reply[3]) {
          std::optional<Job> job = redis::read_job(fields, queue.name);
          if (!job) return stranger();
          if ((job->state == JobState::scheduled || job->state == JobState::retryable) && job->run_at <= now)
            job->state = JobState::available;
          out.push_back(std::move(*job));
          ++found;
        }
        return std::string(reply[2].text());
      };
      Async<std::string> asking = store_->ask<std::string>(loop, std::move(command), decode);
      Result<std::string> last = co_await std::move(asking);
      if (!last.ok()) co_return Result<void>(std::move(last).error());
      if (last->empty() || found >= filter.limit) co_return Result<void>();
      from = std::move(*last);
    }
  }

  Async<QueueStats> stats(net::Loop& loop, std::string queue) {
    Command command = store_->begin(store_->scripts.stats, store_->names.base(queue), now_ms(loop.clock()));
    command.reads();
    const auto decode = [&](View reply) -> Result<QueueStats> {
      if (reply.size() < 4) return stranger();
      QueueStats out;
      out.queue = queue;
      for (std::size_t n = 0; n < std::size(out.by_state); ++n) {
        if (const auto count = reply[2].find(name_of(static_cast<JobState>(n))))
          out.by_state[n] = static_cast<std::uint64_t>(std::max<std::int64_t>(count->integer().value_or(0), 0));
      }
      const auto setting = [&](std::string_view name) {
        const auto found = reply[3].find(name);
        return found ? found->integer().value_or(0) : 0;
      };
      out.paused = setting("paused") == 1;
      out.rate_limit.count = static_cast<std::uint32_t>(setting("rate_count"));
      if (out.rate_limit.count != 0) {
        out.rate_limit.period_ms = setting("rate_period_ms");
        out.rate_limit.burst = static_cast<std::uint32_t>(setting("rate_burst"));
      }
      return out;
    };
    Async<QueueStats> asking = store_->ask<QueueStats>(loop, std::move(command), decode);
    Result<QueueStats> out = co_await std::move(asking);
    co_return out;
  }
  Async<void> set(net::Loop& loop, std::string queue, std::vector<std::string> settings, bool wake) {
    Result<Directory::Found> of = co_await store_->directory.make(loop, std::move(queue));
    if (!of.ok()) co_return Result<void>(std::move(of).error());
    Command command = store_->begin(store_->scripts.set, (*of)->base, now_ms(loop.clock()));
    command.arg(wake ? "1" : "0").reads();  // twice is as once
    for (const std::string& one : settings) command.arg(one);
    const auto decode = [](View) -> Result<void> { return {}; };
    Async<void> asking = store_->ask<void>(loop, std::move(command), decode);
    Result<void> done = co_await std::move(asking);
    co_return done;
  }

  /// What is kept no longer goes with the claims and enqueueings of its queue; this is for queues that have none.
  Async<void> purge(net::Loop& loop) {
    Result<std::vector<Directory::Found>> queues = co_await store_->directory.all(loop);
    if (!queues.ok()) co_return Result<void>(std::move(queues).error());
    for (const Directory::Found& queue : *queues) {
      for (int n = 0; n < purges; ++n) {
        Command command = store_->begin(store_->scripts.purge, queue->base, now_ms(loop.clock()));
        command.reads();
        Result<std::int64_t> left = co_await number(loop, std::move(command));
        if (!left.ok()) co_return Result<void>(std::move(left).error());
        if (*left == 0) break;
      }
    }
    co_return Result<void>();
  }

  const std::shared_ptr<Store> store_;
  std::atomic<Millis> purged_{0};
  std::atomic<std::uint64_t> claims_{0};
  std::mutex mutex_;
  std::unordered_map<net::Loop*, std::weak_ptr<Ear>> ears_;
};

}  // namespace

Result<std::shared_ptr<Backend>> open_redis_backend(const StoreOptions& options, Hubs* hubs) {
  constexpr std::array<std::string_view, 1> own{"prefix"};
  Result<net::redis::Options> server = net::redis::Options::parse(options.url, own);
  if (!server.ok()) return std::move(server).error();
  Result<std::string> prefix = server->prefix("spikard:tasks");
  if (!prefix.ok()) return std::move(prefix).error();
  if (server->client_name.empty()) server->client_name = "spikard-tasks";
  std::string store = std::to_string(server->database) + "/" + *prefix;
  for (const net::redis::Endpoint& endpoint : server->endpoints) store += "," + endpoint.text();
  store += server->master;
  std::shared_ptr<Hub> hub = hubs != nullptr ? hubs->of(store) : std::make_shared<Hub>();
  return std::shared_ptr<Backend>(
      std::make_shared<RedisBackend>(options, std::move(*server), std::move(*prefix), std::move(hub)));
}

}  // namespace spikard::tasks
