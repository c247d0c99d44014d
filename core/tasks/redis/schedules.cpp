#include <algorithm>
#include <utility>

#include "tasks/redis/store.hpp"

// Schedules are in one hash of the store, jobs in the places of their queues, which a cluster may keep on another node. So a
// firing is two steps that each are one: the schedule moves on and the jobs that it owes now are noted beside it; then each job
// is put into its queue under the id that was noted, which a second try does not do twice, and the note goes. Who loads the
// schedules does for others what they have not come to.

namespace spikard::tasks::redis {
namespace {

using net::redis::Reply;

std::string field_of(std::string_view name) { return "s:" + std::string(name); }
std::string field_of(const Owed& owed) { return "f:" + id_to_text(owed.id); }

}  // namespace

Store::Async<std::optional<Schedule>> Store::schedule(net::Loop& loop, std::string name, std::string& record) {
  using Out = Result<std::optional<Schedule>>;
  Command command("HGET");
  command.key(names.of_store("schedules")).arg(field_of(name)).reads();
  const std::shared_ptr<net::redis::Client> client = pool.on(loop);
  Result<Reply> reply = co_await client->run(std::move(command));
  if (!reply.ok()) co_return Out(std::move(reply).error());
  record = reply->text();
  if (reply->is_null()) co_return std::optional<Schedule>();
  Result<Schedule> out = schedule_from_record(name, record);
  if (!out.ok()) co_return Out(std::move(out).error());
  co_return std::optional<Schedule>(std::move(*out));
}

Store::Async<bool> Store::swap(net::Loop& loop, std::string name, std::string before, std::string after, std::vector<Owed> owed,
                               bool told) {
  const Instant until = loop.now() + patience;
  const std::shared_ptr<net::redis::Client> client = pool.on(loop);
  for (;;) {
    Command command(scripts.swap, 1, before.size() + after.size() + 512);
    command.key(names.of_store("schedules")).arg(told ? names.of_store("changed") : std::string()).arg(hub->token());
    command.arg(field_of(name)).arg(before).arg(after);
    for (const Owed& one : owed) command.arg(field_of(one)).arg(to_record(one));
    Result<Reply> reply = co_await client->run(std::move(command));
    if (reply.ok()) {
      const bool done = reply->integer() == 1;
      if (done && told) hub->notify(Backend::Topic::schedules);
      co_return done;
    }
    if (reply.error().kind() != ErrorKind::outcome_unknown || loop.now() >= until)
      co_return Result<bool>(std::move(reply).error());
    // Which of both it was is to be seen.
    const Result<void> slept = co_await net::sleep(loop, pause);
    std::string now_there;
    if (slept.ok()) {
      Result<std::optional<Schedule>> seen = co_await schedule(loop, name, now_there);
      if (!seen.ok()) co_return Result<bool>(std::move(reply).error());
    }
    if (!slept.ok()) co_return Result<bool>(std::move(reply).error());
    if (now_there == after) {
      if (told) hub->notify(Backend::Topic::schedules);
      co_return true;
    }
    if (now_there != before) co_return false;
  }
}

Store::Async<void> Store::deliver(net::Loop& loop, Owed owed) {
  EnqueueRequest request;
  request.origin = "schedule:" + id_to_text(owed.id);
  request.jobs.push_back(owed.job);
  std::vector<JobId> ids{owed.id};
  Async<EnqueueResult> call = enqueue(loop, std::move(request), std::move(ids));
  Result<EnqueueResult> done = co_await std::move(call);
  if (!done.ok()) co_return Result<void>(std::move(done).error());
  Command command("HDEL");
  command.key(names.of_store("schedules")).arg(field_of(owed)).reads();
  const std::shared_ptr<net::redis::Client> client = pool.on(loop);
  Result<Reply> reply = co_await client->run(std::move(command));
  if (!reply.ok()) co_return Result<void>(std::move(reply).error());
  co_return Result<void>();
}

Store::Async<Schedule> Store::put_schedule(net::Loop& loop, Schedule given) {
  for (;;) {
    std::string record;
    Result<std::optional<Schedule>> there = co_await schedule(loop, given.name, record);
    if (!there.ok()) co_return Result<Schedule>(std::move(there).error());
    Schedule out = given;
    const std::uint64_t version = static_cast<std::uint64_t>(std::max<Millis>(now_ms(loop.clock()), 1));
    out.version = version;
    if (*there) {
      const Schedule& before = **there;
      if (before.cron == out.cron && before.timezone == out.timezone) out.next_at = before.next_at;
      out.last_at = before.last_at;
      out.last_job = before.last_job;
      out.version = std::max(version, before.version + 1);
    }
    std::string after = to_record(out);
    std::vector<Owed> nothing;
    Async<bool> swapping = swap(loop, given.name, std::move(record), std::move(after), std::move(nothing), true);
    Result<bool> done = co_await std::move(swapping);
    if (!done.ok()) co_return Result<Schedule>(std::move(done).error());
    if (*done) co_return out;
  }
}

Store::Async<bool> Store::remove_schedule(net::Loop& loop, std::string name) {
  for (;;) {
    std::string record;
    Result<std::optional<Schedule>> there = co_await schedule(loop, name, record);
    if (!there.ok()) co_return Result<bool>(std::move(there).error());
    if (!*there) co_return false;
    std::vector<Owed> nothing;
    std::string gone;
    Async<bool> swapping = swap(loop, name, std::move(record), std::move(gone), std::move(nothing), true);
    Result<bool> done = co_await std::move(swapping);
    if (!done.ok() || *done) co_return done;
  }
}

Store::Async<std::vector<Schedule>> Store::schedules(net::Loop& loop) {
  using All = std::vector<Schedule>;
  Command command("HGETALL");
  command.key(names.of_store("schedules")).reads();
  const std::shared_ptr<net::redis::Client> client = pool.on(loop);
  Result<Reply> reply = co_await client->run(std::move(command));
  if (!reply.ok()) co_return Result<All>(std::move(reply).error());
  All out;
  std::vector<Owed> owed;
  const View view = reply->view();
  for (auto at = view.begin(); at != view.end(); ++at) {
    const std::string_view field = (*at).text();
    if (++at == view.end()) break;
    const std::string_view record = (*at).text();
    if (field.starts_with("s:")) {
      Result<Schedule> one = schedule_from_record(field.substr(2), record);
      if (!one.ok()) co_return Result<All>(std::move(one).error().with("schedule", std::string(field.substr(2))));
      out.push_back(std::move(*one));
    } else if (field.starts_with("f:")) {
      Result<Owed> one = owed_from_record(record);
      if (!one.ok()) co_return Result<All>(std::move(one).error());
      owed.push_back(std::move(*one));
    }
  }
  for (Owed& one : owed) {
    Result<void> done = co_await deliver(loop, std::move(one));
    if (!done.ok()) co_return Result<All>(std::move(done).error());
  }
  std::sort(out.begin(), out.end(), [](const Schedule& a, const Schedule& b) { return a.name < b.name; });
  co_return Result<All>(std::move(out));
}

Store::Async<FireResult> Store::fire(net::Loop& loop, FireRequest request) {
  for (;;) {
    std::string record;
    Result<std::optional<Schedule>> there = co_await schedule(loop, request.name, record);
    if (!there.ok()) co_return Result<FireResult>(std::move(there).error());
    if (!*there || (*there)->version != request.version || (*there)->next_at != request.expected_next) co_return FireResult();
    Schedule after = std::move(**there);
    std::vector<NewJob> jobs = request.jobs;
    if (request.forbid_overlap && after.last_job != 0 && !jobs.empty()) {
      Result<std::optional<Job>> last = co_await job(loop, after.last_job);
      if (!last.ok()) co_return Result<FireResult>(std::move(last).error());
      if (*last && !has_ended((*last)->state)) jobs.clear();
    }
    if (request.forbid_overlap && jobs.size() > 1) jobs.resize(1);
    std::vector<Owed> owed;
    FireResult out;
    out.ours = true;
    if (!jobs.empty()) {
      Result<std::uint64_t> first = co_await directory.take(loop, jobs.size());
      if (!first.ok()) co_return Result<FireResult>(std::move(first).error());
      for (std::size_t n = 0; n < jobs.size(); ++n) {
        Result<Directory::Found> queue = co_await directory.make(loop, jobs[n].queue);
        if (!queue.ok()) co_return Result<FireResult>(std::move(queue).error());
        Owed one;
        one.id = Place{*first + n, (*queue)->number}.id();
        one.job = std::move(jobs[n]);
        if (one.job.run_at == 0) one.job.run_at = now_ms(loop.clock()) + std::exchange(one.job.delay_ms, 0);
        after.last_job = one.id;
        after.last_at = one.job.scheduled_at;
        out.jobs.push_back(one.id);
        owed.push_back(std::move(one));
      }
    }
    after.next_at = request.new_next;
    std::string new_record = to_record(after);
    std::vector<Owed> noted = owed;
    Async<bool> swapping = swap(loop, request.name, std::move(record), std::move(new_record), std::move(noted), false);
    Result<bool> done = co_await std::move(swapping);
    if (!done.ok()) co_return Result<FireResult>(std::move(done).error());
    if (!*done) continue;
    for (Owed& one : owed) {
      Result<void> delivered = co_await deliver(loop, std::move(one));
      if (!delivered.ok()) co_return Result<FireResult>(std::move(delivered).error());
    }
    co_return out;
  }
}

}  // namespace spikard::tasks::redis
