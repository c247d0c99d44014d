#include "tasks/redis/store.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace spikard::tasks::redis {
namespace {

constexpr Millis origin_life = 86'400'000;
constexpr Millis schedule_life = 7 * origin_life;  // of what a schedule made: nothing is owed for so long
constexpr int tries = 5;

std::vector<Enqueued> were_there(std::string_view ids) {
  std::vector<Enqueued> out;
  while (!ids.empty()) {
    const std::size_t end = ids.find(',');
    out.push_back({id_from_text(ids.substr(0, end)).value_or(0), false});
    if (end == std::string_view::npos) break;
    ids.remove_prefix(end + 1);
  }
  return out;
}

Error across(const char* what) {
  return Error(ErrorKind::unsupported, std::string("on a cluster, which keeps each queue in a place of its own, ") + what)
      .with_operation("tasks.enqueue");
}

}  // namespace

Error no_such_job(JobId id) {
  return Error(ErrorKind::not_found, "there is no job " + std::to_string(id)).with("job", std::to_string(id));
}
Error stranger() { return Error(ErrorKind::corrupt, "the server's answer is none of ours").with_operation("tasks.redis"); }

Store::Store(const StoreOptions& of, net::redis::Options server, std::string prefix, std::shared_ptr<Hub> told)
    : options(of),
      names(std::move(prefix)),
      pool(std::move(server)),
      directory(pool, names, scripts),
      hub(std::move(told)),
      cluster_(pool.options().topology == net::redis::Topology::cluster),
      retention_(std::to_string(of.retention_ms)),
      failed_retention_(std::to_string(of.failed_retention_ms)) {}

Store::Command Store::begin(const net::redis::Script& script, std::string_view base, Millis now,
                            std::size_t expected_bytes) const {
  Command out(script, 1, expected_bytes);
  std::string counters(base);
  counters += 'n';
  out.key(counters);
  if (cluster_) out.arg(base);
  else out.arg(names.of_store({}));
  return std::move(out.arg(names.of_store({})).arg(hub->token()).arg(now).arg(retention_).arg(failed_retention_));
}

void Store::tell(View news) const {
  auto at = news.begin();
  if (at == news.end()) return;
  const std::string_view flags = (*at).text();
  for (++at; at != news.end(); ++at) {
    if (const std::optional<std::string> queue = names.queue_of((*at).text())) hub->notify(Backend::Topic::queue, *queue);
  }
  if (flags.find('r') != flags.npos) hub->notify(Backend::Topic::revoked);
  if (flags.find('e') != flags.npos) hub->notify(Backend::Topic::ended);
}

// ---- enqueueing -------------------------------------------------------------------------------------------------------------

/// Where all that a request names is.
struct Store::Plan {
  struct Of {
    Directory::Found queue;
    std::vector<std::string> needs{};  ///< keys
    std::string batch_key{};
    JobId id = 0;
  };
  std::vector<Of> jobs;  ///< in the order of the request, the callback last
  std::string batch_key;
  JobId batch = 0;
  std::map<std::string, JobId, std::less<>> named;  ///< ids by key
  Millis now = 0;
  Millis origin_life = redis::origin_life;

  [[nodiscard]] static const NewJob& job_of(const EnqueueRequest& request, std::size_t n) {
    return n < request.jobs.size() ? request.jobs[n] : *request.callback;
  }
  [[nodiscard]] JobId of(std::string_view key) const {
    const auto at = named.find(key);
    return at == named.end() ? 0 : at->second;
  }
};

namespace {
std::string key_of(const Queue& queue, char kind, std::uint64_t sequence) { return queue.base + kind + ':' + digits15(sequence); }
}  // namespace

Store::Async<void> Store::locate(net::Loop& loop, const EnqueueRequest& request, Plan& plan) {
  const std::size_t count = request.jobs.size() + (request.callback ? 1 : 0);
  plan.jobs.resize(count);
  for (std::size_t n = 0; n < count; ++n) {
    const NewJob& job = Plan::job_of(request, n);
    Plan::Of& of = plan.jobs[n];
    of.queue = directory.known(job.queue);
    if (of.queue == nullptr) {
      Result<Directory::Found> made = co_await directory.make(loop, job.queue);
      if (!made.ok()) co_return Result<void>(std::move(made).error());
      of.queue = std::move(*made);
    }
    if (cluster_ && of.queue->base != plan.jobs.front().queue->base) co_return across("the jobs of a request are of one queue");
    for (const JobId id : job.depends_on) {
      const Place place = Place::of(id);
      Result<Directory::Found> found = co_await directory.find(loop, place.queue);
      if (!found.ok()) co_return Result<void>(std::move(found).error());
      if (*found == nullptr) co_return Result<void>(no_such_job(id).with_operation("tasks.enqueue"));
      if (cluster_ && (*found)->base != of.queue->base) co_return across("a job and what it depends on are of one queue");
      of.needs.push_back(key_of(**found, 'j', place.sequence));
      plan.named[of.needs.back()] = id;
    }
    if (job.batch == 0 || n >= request.jobs.size()) continue;
    const Place place = Place::of(job.batch);
    Result<Directory::Found> found = co_await directory.find(loop, place.queue);
    if (!found.ok()) co_return Result<void>(std::move(found).error());
    if (*found == nullptr) {
      co_return Result<void>(
          Error(ErrorKind::not_found, "there is no batch " + std::to_string(job.batch)).with_operation("tasks.enqueue"));
    }
    if (cluster_ && (*found)->base != of.queue->base) co_return across("a batch is of one queue");
    of.batch_key = key_of(**found, 'b', place.sequence);
    plan.named[of.batch_key] = job.batch;
  }
  co_return Result<void>();
}

Store::Command Store::enqueue_command(const EnqueueRequest& request, const Plan& plan, bool again) const {
  std::size_t bytes = 512;
  for (std::size_t n = 0; n < plan.jobs.size(); ++n) bytes += 512 + Plan::job_of(request, n).args.size();
  Command out = begin(scripts.enqueue, plan.jobs.front().queue->base, plan.now, bytes);
  out.arg(again ? "1" : "0").arg(request.origin).arg(plan.origin_life);
  out.arg(plan.batch_key).arg(plan.batch).arg(request.callback ? "1" : "0").arg(plan.jobs.size());
  for (std::size_t n = 0; n < plan.jobs.size(); ++n) {
    const NewJob& job = Plan::job_of(request, n);
    const Plan::Of& of = plan.jobs[n];
    const bool callback = n >= request.jobs.size();
    const std::string& batch_key = callback || of.batch_key.empty() ? (callback ? of.batch_key : plan.batch_key) : of.batch_key;
    const JobId batch = batch_key.empty() ? 0 : of.batch_key.empty() ? plan.batch : job.batch;
    out.arg(of.queue->base).arg(digits15(Place::of(of.id).sequence)).arg(of.id).arg(job.priority);
    out.arg(job.run_at != 0 ? job.run_at : plan.now + job.delay_ms).arg(job.unique_key).arg(batch_key);
    out.arg(of.needs.size());
    for (const std::string& need : of.needs) out.arg(need);
    std::size_t count = batch != 0 ? 2 : 0;
    each_field(job, callback ? plan.batch : 0, batch_key,
               [&](std::string_view name, std::string_view) { count += name == "batch" ? 0 : 2; });
    out.arg(count);
    if (batch != 0) out.arg("batch").arg(batch);
    each_field(job, callback ? plan.batch : 0, batch_key, [&](std::string_view name, std::string_view value) {
      if (name != "batch") out.arg(name).arg(value);
    });
  }
  return out;
}

Store::Async<EnqueueResult> Store::enqueue(net::Loop& loop, EnqueueRequest request, std::vector<JobId> fixed) {
  if (request.jobs.empty() && !request.callback) co_return EnqueueResult();
  Plan plan;
  plan.now = now_ms(loop.clock());
  if (!fixed.empty()) plan.origin_life = schedule_life;
  Result<void> located = co_await locate(loop, request, plan);
  if (!located.ok()) co_return Result<EnqueueResult>(std::move(located).error());
  for (int attempt = 0;; ++attempt) {
    if (fixed.empty()) {
      Result<std::uint64_t> first = co_await directory.take(loop, plan.jobs.size() + 1);
      if (!first.ok()) co_return Result<EnqueueResult>(std::move(first).error());
      for (std::size_t n = 0; n < plan.jobs.size(); ++n) plan.jobs[n].id = Place{*first + n, plan.jobs[n].queue->number}.id();
      if (request.batch) {
        const Queue& home = *plan.jobs.back().queue;
        const Place place{*first + plan.jobs.size(), home.number};
        plan.batch = place.id();
        plan.batch_key = key_of(home, 'b', place.sequence);
      }
    } else {
      for (std::size_t n = 0; n < plan.jobs.size(); ++n) plan.jobs[n].id = fixed[n];
    }
    bool taken = false;
    const auto make = [&](bool again) { return enqueue_command(request, plan, again); };
    const auto decode = [&](View reply) -> Result<EnqueueResult> {
      const std::string_view word = reply[0].text();
      EnqueueResult out;
      if (word == "taken") {
        taken = true;
        return out;
      }
      if (word == "callbackkey")
        return Error(ErrorKind::conflict, "a job that has not ended has the callback's unique key")
            .with_operation("tasks.enqueue");
      if (reply.size() < 3) return stranger();
      const View what = reply[2];
      if (word == "nojob") return no_such_job(plan.of(what.text())).with_operation("tasks.enqueue");
      if (word == "nobatch")
        return Error(ErrorKind::not_found, "there is no batch " + std::to_string(plan.of(what.text())))
            .with_operation("tasks.enqueue");
      if (word == "donebatch") return Error(ErrorKind::conflict, "the batch is done").with_operation("tasks.enqueue");
      if (word == "origin") {
        out.jobs = were_there(what.text());
        return out;
      }
      if (word != "ok" || what.size() != plan.jobs.size()) return stranger();
      out.jobs.reserve(plan.jobs.size());
      for (const View one : what) {
        const std::string_view text = one.text();
        if (text.empty()) return stranger();
        out.jobs.push_back({id_from_text(text.substr(1)).value_or(0), text.front() == '+'});
      }
      if (request.callback) {
        out.callback = out.jobs.back().id;
        out.jobs.pop_back();
      }
      out.batch = plan.batch;
      return out;
    };
    Async<EnqueueResult> asking = ask_until_known<EnqueueResult>(loop, make, decode);
    Result<EnqueueResult> out = co_await std::move(asking);
    if (!taken) {
      // Asked again for as long as it makes sense, the first one may still have done it.
      co_return out;
    }
    directory.drop();
    if (!fixed.empty()) co_return EnqueueResult();  // it is there already
    if (attempt == tries)
      co_return Result<EnqueueResult>(
          Error(ErrorKind::corrupt, "the server gives out the same numbers again and again").with_operation("tasks.enqueue"));
  }
}

Store::Async<std::optional<Job>> Store::job(net::Loop& loop, JobId id) {
  const Place place = Place::of(id);
  Result<Directory::Found> found = co_await directory.find(loop, place.queue);
  if (!found.ok()) co_return Result<std::optional<Job>>(std::move(found).error());
  if (*found == nullptr) co_return std::optional<Job>();
  const Queue& queue = **found;
  const Millis now = now_ms(loop.clock());
  Command command = begin(scripts.job, queue.base, now);
  command.arg(digits15(place.sequence)).reads();
  const auto decode = [&](View reply) -> Result<std::optional<Job>> {
    if (reply.size() < 3) return stranger();
    std::optional<Job> job = read_job(reply[2], queue.name);
    if (job && has_ended(job->state) && job->expires_at <= now) job.reset();
    if (job && (job->state == JobState::scheduled || job->state == JobState::retryable) && job->run_at <= now)
      job->state = JobState::available;
    return job;
  };
  Async<std::optional<Job>> asking = ask<std::optional<Job>>(loop, std::move(command), decode);
  Result<std::optional<Job>> out = co_await std::move(asking);
  co_return out;
}

}  // namespace spikard::tasks::redis
