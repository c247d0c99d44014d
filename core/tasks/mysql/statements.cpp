#include "tasks/mysql/statements.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>
#include <utility>

#include "tasks/co_try.hpp"
#include "tasks/job_json.hpp"
#include "tasks/rate.hpp"

namespace spikard::tasks::mysql {
namespace {

using sql::Ended;
using sql::lease_lost;
using sql::no_such_job;
using sql::number;
using sql::origin_kept_ms;
using sql::read_job;
using sql::read_schedule;
using sql::reason_of;
using sql::schedule_columns;
using sql::state;
using sql::text;
using store::mysql::Argument;
using store::mysql::integer_argument;
using store::mysql::real_argument;
using store::mysql::text_argument;
using Arguments = Statements::Arguments;
using Rows = Statements::Rows;

constexpr std::int64_t at_once = 500;          // rows of one sweep or purge
constexpr std::size_t inserted_at_once = 128;  // statements of one round trip

struct OrNull {
  std::string_view text;
};
Argument argument(std::string_view v) { return text_argument(v); }
Argument argument(OrNull v) { return v.text.empty() ? Argument() : text_argument(v.text); }
Argument argument(double v) { return real_argument(v); }
template <class T>
  requires std::is_integral_v<T>
Argument argument(T v) {
  return integer_argument(static_cast<std::int64_t>(v));
}
template <class... A>
Arguments args(const A&... values) {
  Arguments out;
  out.reserve(sizeof...(values));
  (out.push_back(argument(values)), ...);
  return out;
}
Argument or_null(std::int64_t v) { return v == 0 ? Argument() : integer_argument(v); }

/// ` IN (?, ?, ...)`, at least one, for so many that few statements are different: the last id fills it up.
std::string in_list(const std::vector<JobId>& ids, Arguments& arguments) {
  std::size_t room = 1;
  while (room < ids.size()) room *= 2;
  std::string out = " IN (";
  for (std::size_t i = 0; i < room; ++i) {
    out += i == 0 ? "?" : ", ?";
    arguments.push_back(integer_argument(ids[std::min(i, ids.size() - 1)]));
  }
  return out + ")";
}

bool is_plain(const NewJob& job) noexcept { return job.unique_key.empty() && job.depends_on.empty() && job.batch == 0; }

/// What an INSERT of a job takes beside its values.
struct Place {
  JobState state = JobState::available;
  std::int64_t waits = 0;
  JobId batch = 0;
  JobId callback_of = 0;
};
constexpr const char* insert_sql =
    "INSERT INTO spikard_tasks (queue, task, args, state, priority, run_at, max_attempts, backoff_initial_ms, backoff_factor, "
    "backoff_max_ms, backoff_jitter, timeout_ms, unique_key, concurrency_key, concurrency_limit, waits, batch, callback_of, "
    "tags, "
    "retention_ms, schedule, scheduled_at, trace, enqueued_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
    "?, "
    "?, ?, ?, ?)";
Arguments insert_args(const NewJob& job, const Place& place, Millis run_at, Millis now) {
  const std::string tags = job.tags.empty() ? std::string() : tags_to_json(job.tags);
  Arguments out = args(job.queue, job.task, job.args, name_of(place.state), job.priority, run_at, job.max_attempts,
                       job.backoff.initial_ms, job.backoff.factor, job.backoff.max_ms, job.backoff.jitter, job.timeout_ms,
                       OrNull{job.unique_key}, OrNull{job.concurrency_key}, job.concurrency_limit, place.waits);
  out.push_back(or_null(place.batch));
  out.push_back(or_null(place.callback_of));
  out.push_back(argument(OrNull{tags}));
  out.push_back(integer_argument(job.retention_ms));
  out.push_back(argument(OrNull{job.schedule}));
  out.push_back(or_null(job.scheduled_at));
  out.push_back(argument(OrNull{job.trace}));
  out.push_back(integer_argument(now));
  return out;
}
Millis run_at_of(const NewJob& job, Millis now) noexcept { return job.run_at != 0 ? job.run_at : now + job.delay_ms; }

constexpr const char* ready_sql = "SELECT " SPIKARD_JOB_COLUMNS
                                  " FROM spikard_tasks FORCE INDEX (spikard_tasks_ready) WHERE queue = ? AND state = 'available' "
                                  "AND held = 0 ORDER BY priority "
                                  "DESC, run_at, id LIMIT ? FOR UPDATE SKIP LOCKED";

/// A queue's row.
struct Limits {
  bool paused = false;
  RateLimit limit;
  RateState rate;
  /// `paused, rate_count, rate_period_ms, rate_burst, rate_full_at_us` from that column on; NULL where there is no row.
  void read(const Rows& rows, std::size_t from = 0) {
    if (rows.size() == 0 || !rows.at(0, from)) return;
    paused = number(rows.at(0, from)) != 0;
    limit.count = static_cast<std::uint32_t>(number(rows.at(0, from + 1)));
    limit.period_ms = number(rows.at(0, from + 2));
    limit.burst = static_cast<std::uint32_t>(number(rows.at(0, from + 3)));
    rate.full_at_us = number(rows.at(0, from + 4));
  }
};

/// The next instant at which something may be done without being told.
Millis next_of(Millis due, Millis lease, bool ready, const Limits& limits, Millis now) {
  Millis out = 0;
  const auto soonest = [&](Millis at) {
    if (at != 0) out = out == 0 ? at : std::min(out, at);
  };
  soonest(due);
  soonest(lease);
  if (!limits.paused && ready && limits.limit.count != 0) soonest(std::max(limits.rate.next(limits.limit), now + 1));
  return out;
}

constexpr const char* look_sql =
    "SELECT EXISTS (SELECT 1 FROM spikard_tasks WHERE queue = ? AND state = 'available' AND held = 0), (SELECT min(run_at) FROM "
    "spikard_tasks WHERE queue = ? AND state = 'scheduled'), (SELECT min(run_at) FROM spikard_tasks WHERE queue = ? AND state = "
    "'retryable'), (SELECT min(lease_until) FROM spikard_tasks WHERE queue = ? AND state = 'running'), q.paused, q.rate_count, "
    "q.rate_period_ms, q.rate_burst, q.rate_full_at_us FROM (SELECT 1) one LEFT JOIN spikard_task_queues q ON q.queue = ?";

struct Seen {
  bool ready = false;
  Millis due = 0;
  Millis lease = 0;
  Limits limits;
  explicit Seen(const Rows& rows) {
    ready = number(rows.at(0, 0)) != 0;
    const Millis scheduled = number(rows.at(0, 1));
    const Millis retryable = number(rows.at(0, 2));
    due = scheduled == 0 ? retryable : retryable == 0 ? scheduled : std::min(scheduled, retryable);
    lease = number(rows.at(0, 3));
    limits.read(rows, 4);
  }
};

}  // namespace

Statements::Async<Rows> Statements::q(std::string sql, Arguments arguments) {
  return c_.query(std::move(sql), std::move(arguments));
}

// -- enqueueing

bool Statements::is_plain(const EnqueueRequest& request) noexcept {
  return !request.jobs.empty() && !request.batch && !request.callback && request.origin.empty() &&
         std::all_of(request.jobs.begin(), request.jobs.end(), mysql::is_plain);
}

/// One statement each, many in a round trip: their numbers need not follow one another.
Statements::Async<std::vector<JobId>> Statements::insert_plain(const std::vector<NewJob>& jobs) {
  std::vector<JobId> ids;
  ids.reserve(jobs.size());
  std::vector<Connection::Query> some;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const NewJob& job = jobs[i];
    const Millis run_at = run_at_of(job, now_);
    Place place;
    place.state = run_at > now_ ? JobState::scheduled : JobState::available;
    some.emplace_back(insert_sql, insert_args(job, place, run_at, now_));
    news.queues.insert(job.queue);
    if (some.size() < inserted_at_once && i + 1 < jobs.size()) continue;
    CO_LET(made, c_.query_all(std::move(some)));
    for (const Rows& one : made) ids.push_back(static_cast<JobId>(one.last_id));
    some = {};
  }
  co_return std::move(ids);
}

Statements::Async<JobId> Statements::insert(const NewJob& job, JobId batch, JobId callback_of) {
  const Millis run_at = run_at_of(job, now_);
  Place place;
  place.batch = batch;
  place.callback_of = callback_of;
  std::vector<JobId> wanted = job.depends_on;
  std::sort(wanted.begin(), wanted.end());  // locked in this order by everybody
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  std::vector<JobId> needed;
  std::string broken;
  for (const JobId needs : wanted) {
    CO_LET(found, q("SELECT state FROM spikard_tasks WHERE id = ? AND (expires_at IS NULL OR expires_at > ?) FOR UPDATE",
                    args(needs, now_)));
    if (found.size() == 0) co_return no_such_job(needs);
    const JobState is = state(found.at(0, 0));
    if (is == JobState::completed) continue;
    if (has_ended(is)) broken = reason_of(needs, is);
    else needed.push_back(needs);
  }
  place.waits = static_cast<std::int64_t>(needed.size()) + (callback_of != 0 ? 1 : 0);
  const bool pending = place.waits != 0 || !broken.empty();
  place.state = pending ? JobState::pending : run_at > now_ ? JobState::scheduled : JobState::available;
  auto made = co_await q(insert_sql, insert_args(job, place, run_at, now_));
  if (!made.ok()) {
    if (made.error().detail() != "unique_violation") co_return std::move(made).error();
    co_return JobId{0};
  }
  const auto id = static_cast<JobId>(made->last_id);
  for (const JobId needs : needed) {
    CO_TRY(c_.later("INSERT INTO spikard_task_dependencies (needs, job) VALUES (?, ?)", args(needs, id)));
    CO_TRY(c_.later("UPDATE spikard_tasks SET dependants = dependants + 1 WHERE id = ?", args(needs)));
  }
  if (batch != 0) CO_TRY(c_.later("UPDATE spikard_task_batches SET total = total + 1 WHERE id = ?", args(batch)));
  if (!broken.empty()) CO_TRY(end(id, JobState::cancelled, broken, "dependency"));
  else if (!pending) news.queues.insert(job.queue);
  co_return id;
}

Statements::Async<Enqueued> Statements::insert_or_find(const NewJob& job, JobId batch) {
  // The job that has the key may end between the two statements: then it is free.
  for (int tries = 0; tries < 6; ++tries) {
    CO_LET(id, insert(job, batch, 0));
    if (id != 0) co_return Enqueued{id, true};
    CO_LET(other, q("SELECT id FROM spikard_tasks WHERE active_key = ? FOR UPDATE", args(job.unique_key)));
    if (other.size() > 0) co_return Enqueued{number(other.at(0, 0)), false};
  }
  co_return Error(ErrorKind::conflict, "its unique key is taken and given free all the time");
}

Statements::Async<EnqueueResult> Statements::enqueue(const EnqueueRequest& request) {
  EnqueueResult out;
  if (!request.origin.empty()) {
    auto noted = co_await q("INSERT INTO spikard_task_origins (origin, job, at) VALUES (?, 0, ?)", args(request.origin, now_));
    if (!noted.ok()) {
      if (noted.error().detail() != "unique_violation") co_return std::move(noted).error();
      CO_LET(before, q("SELECT job FROM spikard_task_origins WHERE origin = ? FOR UPDATE", args(request.origin)));
      const JobId job = before.size() == 0 ? 0 : number(before.at(0, 0));
      out.jobs.assign(request.jobs.size(), Enqueued{job, false});
      co_return std::move(out);
    }
  }
  bool plain = !request.batch && !request.callback;
  for (const NewJob& job : request.jobs) {
    plain = plain && mysql::is_plain(job);
    if (job.batch == 0) continue;
    CO_LET(found, batch(job.batch, true));
    if (!found)
      co_return Error(ErrorKind::not_found, "there is no batch " + std::to_string(job.batch)).with_operation("tasks.enqueue");
    if (found->pending() == 0) co_return Error(ErrorKind::conflict, "the batch is done").with_operation("tasks.enqueue");
  }
  if (request.batch) {
    CO_LET(made, q("INSERT INTO spikard_task_batches () VALUES ()"));
    out.batch = static_cast<JobId>(made.last_id);
  }
  out.jobs.reserve(request.jobs.size());
  if (plain) {
    CO_LET(ids, insert_plain(request.jobs));
    for (const JobId id : ids) out.jobs.push_back({id, true});
  } else {
    for (const NewJob& job : request.jobs) {
      CO_LET(one, insert_or_find(job, request.batch ? out.batch : job.batch));
      out.jobs.push_back(one);
    }
  }
  if (request.callback) {
    CO_LET(id, insert(*request.callback, 0, out.batch));
    if (id == 0)
      co_return Error(ErrorKind::conflict, "a job that has not ended has the callback's unique key")
          .with_operation("tasks.enqueue");
    out.callback = id;
    CO_TRY(c_.later("UPDATE spikard_task_batches SET callback = ? WHERE id = ?", args(id, out.batch)));
  }
  if (request.batch) CO_TRY(look_at_batch(out.batch));
  if (!request.origin.empty()) {
    const JobId first = out.jobs.empty() ? JobId{0} : out.jobs.front().id;
    CO_TRY(c_.later("UPDATE spikard_task_origins SET job = ? WHERE origin = ?", args(first, request.origin)));
  }
  co_return std::move(out);
}

// -- claiming

Statements::Async<std::optional<ClaimResult>> Statements::look(const ClaimRequest& request) {
  CO_LET(rows, q(look_sql, args(request.queue, request.queue, request.queue, request.queue, request.queue)));
  const Seen seen(rows);
  const bool due = (seen.due != 0 && seen.due <= now_) || (seen.lease != 0 && seen.lease <= now_);
  const bool allowed = !seen.limits.paused && seen.limits.rate.allowed(seen.limits.limit, now_) > 0;
  if (due || (seen.ready && allowed)) co_return std::optional<ClaimResult>();
  ClaimResult out;
  out.next_at = next_of(seen.due, seen.lease, seen.ready, seen.limits, now_);
  co_return std::optional<ClaimResult>(std::move(out));
}

/// What waits for a time that has come. Who is locked is somebody else's to see to.
Statements::Async<void> Statements::make_available(const std::string& queue) {
  for (const std::string_view waits : {"scheduled", "retryable"}) {
    CO_LET(rows,
           q("SELECT id FROM spikard_tasks FORCE INDEX (spikard_tasks_due) WHERE queue = ? AND state = ? AND run_at <= ? ORDER "
             "BY run_at LIMIT 500 FOR UPDATE SKIP LOCKED",
             args(queue, waits, now_)));
    if (rows.size() == 0) continue;
    std::vector<JobId> ids;
    for (std::size_t i = 0; i < rows.size(); ++i) ids.push_back(number(rows.at(i, 0)));
    Arguments values;
    std::string sql = "UPDATE spikard_tasks SET state = 'available' WHERE id" + in_list(ids, values);
    CO_TRY(c_.later(std::move(sql), std::move(values)));
  }
  co_return Result<void>();
}

Statements::Async<void> Statements::take(const std::vector<JobId>& ids, const ClaimRequest& request) {
  if (ids.empty()) co_return Result<void>();
  Arguments values = args(now_ + request.lease_ms, request.worker, now_);
  std::string sql =
      "UPDATE spikard_tasks SET state = 'running', attempt = attempt + 1, lease = lease + 1, lease_until = ?, worker = ?, "
      "started_at = ?, progress = NULL WHERE id" +
      in_list(ids, values);
  CO_TRY(c_.later(std::move(sql), std::move(values)));
  co_return Result<void>();
}

Statements::Async<ClaimResult> Statements::claim(const ClaimRequest& request) {
  ClaimResult out;
  CO_TRY(sweep(request.queue));
  Limits limits;
  {
    CO_LET(rows,
           q("SELECT paused, rate_count, rate_period_ms, rate_burst, rate_full_at_us FROM spikard_task_queues WHERE queue = ?",
             args(request.queue)));
    limits.read(rows);
  }
  if (!limits.paused && limits.limit.count != 0) {
    CO_LET(locked,
           q("SELECT paused, rate_count, rate_period_ms, rate_burst, rate_full_at_us FROM spikard_task_queues WHERE queue = "
             "? FOR UPDATE",
             args(request.queue)));
    limits.read(locked);
  }
  const std::uint32_t allowed = limits.paused ? 0 : std::min(limits.rate.allowed(limits.limit, now_), request.max);
  std::vector<JobId> taken;
  std::unordered_map<std::string, std::int64_t> running;  // of the concurrency keys that were met
  // Held ones leave the index, so a pass that met some is followed by another one where places are left.
  for (bool again = allowed != 0; again;) {
    const std::size_t wanted = allowed - out.jobs.size();
    CO_LET(rows, q(ready_sql, args(request.queue, wanted)));
    std::vector<Job> ready;
    for (std::size_t i = 0; i < rows.size(); ++i) ready.push_back(read_job(rows, i));
    std::set<std::string> keys;
    for (const Job& job : ready) {
      if (!job.concurrency_key.empty() && !running.contains(job.concurrency_key)) keys.insert(job.concurrency_key);
    }
    for (const std::string& key : keys) {
      CO_TRY(lock_key(key));
      CO_LET(count, q("SELECT count(*) FROM spikard_tasks WHERE concurrency_key = ? AND state = 'running'", args(key)));
      running.emplace(key, number(count.at(0, 0)));
    }
    std::vector<JobId> held;
    for (Job& job : ready) {
      if (!job.concurrency_key.empty()) {
        std::int64_t& places = running[job.concurrency_key];
        if (places >= job.concurrency_limit) {
          held.push_back(job.id);
          continue;
        }
        ++places;
      }
      job.state = JobState::running;
      ++job.attempt;
      ++job.lease;
      job.lease_until = now_ + request.lease_ms;
      job.worker = request.worker;
      job.started_at = now_;
      taken.push_back(job.id);
      out.jobs.push_back(std::move(job));
    }
    CO_TRY(take(taken, request));
    taken.clear();
    if (held.empty()) break;
    Arguments values;
    std::string sql = "UPDATE spikard_tasks SET held = 1 WHERE id" + in_list(held, values);
    CO_TRY(c_.later(std::move(sql), std::move(values)));
    again = ready.size() >= wanted && out.jobs.size() < allowed;
  }
  if (limits.limit.count != 0 && !out.jobs.empty()) {
    limits.rate.take(limits.limit, now_, static_cast<std::uint32_t>(out.jobs.size()));
    CO_TRY(c_.later("UPDATE spikard_task_queues SET rate_full_at_us = ? WHERE queue = ?",
                    args(limits.rate.full_at_us, request.queue)));
  }
  if (!out.jobs.empty()) co_return std::move(out);  // who got some looks again at once
  CO_LET(rows, q(look_sql, args(request.queue, request.queue, request.queue, request.queue, request.queue)));
  const Seen seen(rows);
  out.next_at = next_of(seen.due, seen.lease, seen.ready, limits, now_);
  co_return std::move(out);
}

Statements::Async<void> Statements::sweep(const std::string& queue) {
  CO_LET(rows,
         q("SELECT id, attempt, max_attempts, concurrency_key FROM spikard_tasks FORCE INDEX (spikard_tasks_leases) WHERE state "
           "= 'running' AND lease_until <= ? AND queue = ? ORDER BY lease_until LIMIT 500 FOR UPDATE SKIP LOCKED",
           args(now_, queue)));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const JobId id = number(rows.at(i, 0));
    if (number(rows.at(i, 1)) >= number(rows.at(i, 2))) {
      CO_TRY(c_.later("UPDATE spikard_tasks SET failures = failures + 1 WHERE id = ?", args(id)));
      CO_TRY(end(id, JobState::discarded, "the worker's lease ran out", "lease_lost"));
      continue;
    }
    CO_TRY(
        c_.later("UPDATE spikard_tasks SET state = 'available', held = 0, failures = failures + 1, run_at = ?, lease_until = "
                 "NULL, error = 'the worker''s lease ran out', error_code = 'lease_lost' WHERE id = ?",
                 args(now_, id)));
    if (const std::string key = text(rows.at(i, 3)); !key.empty()) CO_TRY(let_out(key));
    news.queues.insert(queue);
  }
  CO_TRY(make_available(queue));
  co_return Result<void>();
}

Statements::Async<void> Statements::sweep_all() {
  CO_LET(rows, q("SELECT DISTINCT queue FROM spikard_tasks WHERE state = 'running' AND lease_until <= ?", args(now_)));
  for (std::size_t i = 0; i < rows.size(); ++i) CO_TRY(sweep(text(rows.at(i, 0))));
  co_return Result<void>();
}

// -- settling

Statements::Async<std::vector<JobId>> Statements::settle(const std::vector<Completion>& completions) {
  std::vector<const Completion*> completed;
  for (const Completion& one : completions) {
    if (one.kind == Completion::Kind::completed) completed.push_back(&one);
  }
  std::vector<JobId> lost;
  if (!completed.empty()) {
    CO_LET(missing, settle_completed(completed));
    lost = std::move(missing);
  }
  for (const Completion& one : completions) {
    if (one.kind == Completion::Kind::completed) continue;
    CO_LET(held, settle_one(one));
    if (!held) lost.push_back(one.run.id);
  }
  co_return std::move(lost);
}

Statements::Async<std::vector<JobId>> Statements::settle_completed(const std::vector<const Completion*>& completions) {
  std::vector<JobId> ids;
  for (const Completion* one : completions) ids.push_back(one->run.id);
  Arguments which;
  std::string select =
      "SELECT id, lease, state, in_transaction, queue, batch, concurrency_key, dependants FROM spikard_tasks WHERE id" +
      in_list(ids, which) + " ORDER BY id FOR UPDATE";
  CO_LET(rows, q(std::move(select), std::move(which)));
  std::map<JobId, std::size_t> places;
  for (std::size_t i = 0; i < rows.size(); ++i) places.emplace(number(rows.at(i, 0)), i);
  std::vector<JobId> lost;
  std::vector<JobId> ended_ids;
  std::vector<Ended> followed;
  std::string results;
  std::size_t results_given = 0;
  Arguments values;
  for (const Completion* one : completions) {
    const auto at = places.find(one->run.id);
    const std::size_t row = at == places.end() ? 0 : at->second;
    if (at == places.end() || number(rows.at(row, 1)) != static_cast<std::int64_t>(one->run.lease)) {
      lost.push_back(one->run.id);
      continue;
    }
    if (rows.at(row, 2) == "completed" && number(rows.at(row, 3)) == 1) {
      // Its handler completed it in the transaction of its own writes.
      CO_TRY(c_.later("UPDATE spikard_tasks SET in_transaction = 0 WHERE id = ?", args(one->run.id)));
      continue;
    }
    if (rows.at(row, 2) != "running") {
      lost.push_back(one->run.id);
      continue;
    }
    ended_ids.push_back(one->run.id);
    if (!one->result.empty()) {
      ++results_given;
      results += " WHEN ? THEN ?";
      values.push_back(integer_argument(one->run.id));
      values.push_back(text_argument(one->result));
    }
    Ended ended;
    ended.id = one->run.id;
    ended.queue = text(rows.at(row, 4));
    ended.batch = number(rows.at(row, 5));
    ended.key = text(rows.at(row, 6));
    ended.has_dependants = number(rows.at(row, 7)) != 0;
    ended.frees_key = true;
    news.ended = true;
    if (ended.batch != 0 || !ended.key.empty() || ended.has_dependants) followed.push_back(std::move(ended));
  }
  if (!ended_ids.empty()) {
    // So that few texts are different, as in_list does: no job has the id 0.
    for (; (results_given & (results_given - 1)) != 0; ++results_given) {
      results += " WHEN ? THEN ?";
      values.push_back(integer_argument(0));
      values.emplace_back();
    }
    values.push_back(integer_argument(now_));
    values.push_back(integer_argument(now_));
    values.push_back(integer_argument(options_.retention_ms));
    std::string update = "UPDATE spikard_tasks SET state = 'completed', result = " +
                         (results.empty() ? std::string("NULL") : "CASE id" + results + " END") +
                         ", error = NULL, error_code = NULL, ended_at = ?, expires_at = ? + CASE retention_ms WHEN 0 THEN ? ELSE "
                         "retention_ms END, lease_until = NULL WHERE id" +
                         in_list(ended_ids, values);
    CO_TRY(c_.later(std::move(update), std::move(values)));
  }
  for (Ended& ended : followed) CO_TRY(after_end(std::move(ended), JobState::completed));
  co_return std::move(lost);
}

Statements::Async<bool> Statements::settle_one(const Completion& one) {
  const auto lease = static_cast<std::int64_t>(one.run.lease);
  CO_LET(found, q("SELECT queue, concurrency_key FROM spikard_tasks WHERE id = ? AND lease = ? AND state = 'running' FOR UPDATE",
                  args(one.run.id, lease)));
  if (found.size() == 0) co_return false;
  const std::string queue = text(found.at(0, 0));
  const std::string key = text(found.at(0, 1));
  if (one.kind == Completion::Kind::discarded) {
    CO_TRY(
        c_.later("UPDATE spikard_tasks SET attempt = ?, failures = ? WHERE id = ?", args(one.attempt, one.failures, one.run.id)));
    CO_TRY(end(one.run.id, JobState::discarded, one.error, one.error_code));
    co_return true;
  }
  if (one.kind == Completion::Kind::again) {
    const std::string_view next = one.after_ms > 0 ? "retryable" : "available";
    CO_TRY(c_.later(
        "UPDATE spikard_tasks SET state = ?, held = 0, attempt = ?, failures = ?, error = ?, error_code = ?, run_at = ?, "
        "lease_until = NULL WHERE id = ?",
        args(next, one.attempt, one.failures, OrNull{one.error}, OrNull{one.error_code}, now_ + one.after_ms, one.run.id)));
  } else {
    CO_TRY(c_.later("UPDATE spikard_tasks SET state = 'available', held = 0, attempt = ?, lease_until = NULL WHERE id = ?",
                    args(one.attempt, one.run.id)));
  }
  if (!key.empty()) CO_TRY(let_out(key));
  news.queues.insert(queue);
  co_return true;
}

Statements::Async<void> Statements::complete_in(const Run& run, const std::string& result) {
  Completion one;
  one.run = run;
  one.result = result;
  const std::vector<Completion> all{one};
  CO_LET(lost, settle(all));
  if (!lost.empty()) co_return lease_lost(run.id);
  CO_TRY(c_.later("UPDATE spikard_tasks SET in_transaction = 1 WHERE id = ?", args(run.id)));
  co_return Result<void>();
}

/// Ends a job that has not ended, and all that follows from it.
Statements::Async<void> Statements::end(JobId id, JobState to, std::string error, std::string code) {
  CO_LET(found,
         q("SELECT queue, batch, concurrency_key, dependants, state, held FROM spikard_tasks WHERE id = ? AND " SPIKARD_NOT_ENDED
           " FOR UPDATE",
           args(id)));
  if (found.size() == 0) co_return Result<void>();
  Ended ended;
  ended.id = id;
  ended.queue = text(found.at(0, 0));
  ended.batch = number(found.at(0, 1));
  ended.key = text(found.at(0, 2));
  ended.has_dependants = number(found.at(0, 3)) != 0;
  const bool ran = found.at(0, 4) == "running";
  ended.frees_key = ran || (found.at(0, 4) == "available" && number(found.at(0, 5)) == 0);
  CO_TRY(
      c_.later("UPDATE spikard_tasks SET state = ?, held = 0, error = ?, error_code = ?, ended_at = ?, expires_at = ? + CASE "
               "retention_ms WHEN 0 THEN ? ELSE retention_ms END, lease_until = NULL WHERE id = ?",
               args(name_of(to), OrNull{error}, OrNull{code}, now_, now_, options_.failed_retention_ms, id)));
  if (ran && to == JobState::cancelled) news.revoked = true;
  CO_TRY(after_end(std::move(ended), to));
  co_return Result<void>();
}

Statements::Async<void> Statements::after_end(Ended first, JobState first_state) {
  // Breadth first, so that a long chain of dependants needs no stack.
  std::deque<std::pair<Ended, JobState>> steps;
  steps.emplace_back(std::move(first), first_state);
  while (!steps.empty()) {
    const auto [ended, is] = std::move(steps.front());
    steps.pop_front();
    news.ended = true;
    if (ended.frees_key && !ended.key.empty()) CO_TRY(let_out(ended.key));
    if (ended.has_dependants) {
      CO_LET(dependants, q("SELECT job FROM spikard_task_dependencies WHERE needs = ? ORDER BY job FOR UPDATE", args(ended.id)));
      CO_TRY(c_.later("DELETE FROM spikard_task_dependencies WHERE needs = ?", args(ended.id)));
      CO_TRY(c_.later("UPDATE spikard_tasks SET dependants = 0 WHERE id = ?", args(ended.id)));
      for (std::size_t i = 0; i < dependants.size(); ++i) {
        const JobId dependant = number(dependants.at(i, 0));
        if (is == JobState::completed) {
          CO_TRY(release(dependant));
          continue;
        }
        CO_LET(cancelled, cancel_dependant(dependant, reason_of(ended.id, is)));
        if (cancelled) steps.emplace_back(std::move(*cancelled), JobState::cancelled);
      }
    }
    if (ended.batch != 0) {
      CO_TRY(batch_changed(ended.batch, is, 1));
      CO_TRY(look_at_batch(ended.batch));
    }
  }
  co_return Result<void>();
}

Statements::Async<std::optional<Ended>> Statements::cancel_dependant(JobId id, const std::string& reason) {
  CO_LET(found, q("SELECT queue, batch, dependants FROM spikard_tasks WHERE id = ? AND state = 'pending' FOR UPDATE", args(id)));
  if (found.size() == 0) co_return std::optional<Ended>();
  CO_TRY(c_.later(
      "UPDATE spikard_tasks SET state = 'cancelled', error = ?, error_code = 'dependency', ended_at = ?, expires_at = ? + "
      "CASE retention_ms WHEN 0 THEN ? ELSE retention_ms END WHERE id = ?",
      args(reason, now_, now_, options_.failed_retention_ms, id)));
  Ended next;
  next.id = id;
  next.queue = text(found.at(0, 0));
  next.batch = number(found.at(0, 1));
  next.has_dependants = number(found.at(0, 2)) != 0;
  co_return std::optional<Ended>(std::move(next));
}

Statements::Async<void> Statements::batch_changed(JobId id, JobState is, int by) {
  const std::string column(is == JobState::completed ? "completed" : is == JobState::cancelled ? "cancelled" : "discarded");
  CO_TRY(c_.later("UPDATE spikard_task_batches SET " + column + " = " + column + " + ? WHERE id = ?", args(by, id)));
  co_return Result<void>();
}

/// One of the things a pending job waits for has come.
Statements::Async<void> Statements::release(JobId id) {
  CO_LET(rows, q("SELECT queue, waits, run_at FROM spikard_tasks WHERE id = ? AND state = 'pending' FOR UPDATE", args(id)));
  if (rows.size() == 0) co_return Result<void>();
  if (const std::int64_t waits = number(rows.at(0, 1)); waits > 1) {
    CO_TRY(c_.later("UPDATE spikard_tasks SET waits = ? WHERE id = ?", args(waits - 1, id)));
    co_return Result<void>();
  }
  const Millis run_at = number(rows.at(0, 2));
  const std::string_view next = run_at > now_ ? "scheduled" : "available";
  CO_TRY(
      c_.later("UPDATE spikard_tasks SET waits = 0, state = ?, run_at = ? WHERE id = ?", args(next, std::max(run_at, now_), id)));
  news.queues.insert(text(rows.at(0, 0)));
  co_return Result<void>();
}

Statements::Async<void> Statements::look_at_batch(JobId id) {
  CO_LET(found, batch(id, true));
  if (!found || found->pending() != 0) co_return Result<void>();
  CO_TRY(c_.later("UPDATE spikard_task_batches SET expires_at = ? WHERE id = ?", args(now_ + options_.failed_retention_ms, id)));
  if (found->callback != 0) CO_TRY(release(found->callback));
  co_return Result<void>();
}

/// Who counts the running ones of a key, and who ends one, come after each other: a row that is locked until the transaction
/// ends.
Statements::Async<void> Statements::lock_key(const std::string& key) {
  CO_TRY(q("INSERT INTO spikard_task_keys (name) VALUES (?) ON DUPLICATE KEY UPDATE name = name", args(key)));
  co_return Result<void>();
}

/// The first of each queue: one that is paused, or has no worker, keeps no place from the others. Who finds none is held again.
Statements::Async<void> Statements::let_out(const std::string& key) {
  CO_TRY(lock_key(key));
  std::string queue;
  for (;;) {
    CO_LET(rows, q("SELECT id, queue FROM spikard_tasks FORCE INDEX (spikard_tasks_keys) WHERE concurrency_key = ? AND state = "
                   "'available' AND held = 1 AND queue > ? ORDER BY queue, priority DESC, run_at, id LIMIT 1 FOR UPDATE",
                   args(key, queue)));
    if (rows.size() == 0) co_return Result<void>();
    queue = text(rows.at(0, 1));
    CO_TRY(c_.later("UPDATE spikard_tasks SET held = 0 WHERE id = ?", args(number(rows.at(0, 0)))));
    news.queues.insert(queue);
  }
}

// -- leases

Statements::Async<std::vector<JobId>> Statements::held_of(const std::vector<Run>& runs, bool locked) {
  std::vector<JobId> ids;
  std::map<JobId, std::int64_t> leases;  // the newest, should one job be there twice
  for (const Run& run : runs) {
    ids.push_back(run.id);
    leases[run.id] = std::max(leases[run.id], static_cast<std::int64_t>(run.lease));
  }
  Arguments which;
  std::string select = "SELECT id, lease FROM spikard_tasks WHERE state = 'running' AND id" + in_list(ids, which);
  if (locked) select += " ORDER BY id FOR UPDATE";
  CO_LET(rows, q(std::move(select), std::move(which)));
  std::vector<JobId> held;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const JobId id = number(rows.at(i, 0));
    if (leases[id] == number(rows.at(i, 1))) held.push_back(id);
  }
  co_return std::move(held);
}

namespace {
std::vector<JobId> not_held(const std::vector<Run>& runs, const std::vector<JobId>& held) {
  Rows rows;
  rows.columns = 1;
  for (const JobId id : held) rows.values.emplace_back(std::to_string(id));
  return sql::without(runs, rows);
}
}  // namespace

Statements::Async<std::vector<JobId>> Statements::extend(const std::vector<Run>& runs, Millis lease_ms) {
  if (runs.empty()) co_return std::vector<JobId>();
  CO_LET(held, held_of(runs, true));
  if (!held.empty()) {
    Arguments values = args(now_ + lease_ms);
    std::string update = "UPDATE spikard_tasks SET lease_until = ? WHERE id" + in_list(held, values);
    CO_TRY(c_.later(std::move(update), std::move(values)));
  }
  co_return not_held(runs, held);
}

Statements::Async<std::vector<JobId>> Statements::lost(const std::vector<Run>& runs) {
  if (runs.empty()) co_return std::vector<JobId>();
  CO_LET(held, held_of(runs, false));
  co_return not_held(runs, held);
}

Statements::Async<void> Statements::progress(const Run& run, const std::string& json) {
  CO_LET(changed, q("UPDATE spikard_tasks SET progress = ? WHERE id = ? AND lease = ? AND state = 'running'",
                    args(json, run.id, static_cast<std::int64_t>(run.lease))));
  if (changed.affected != 0) co_return Result<void>();
  CO_LET(found, q("SELECT 1 FROM spikard_tasks WHERE id = ?", args(run.id)));
  if (found.size() == 0) co_return no_such_job(run.id);
  co_return lease_lost(run.id);
}

// -- one job

Statements::Async<bool> Statements::cancel(JobId id, const std::string& reason) {
  CO_LET(found,
         q("SELECT state FROM spikard_tasks WHERE id = ? AND (expires_at IS NULL OR expires_at > ?) FOR UPDATE", args(id, now_)));
  if (found.size() == 0) co_return no_such_job(id);
  if (has_ended(state(found.at(0, 0)))) co_return false;
  CO_TRY(end(id, JobState::cancelled, reason, {}));
  co_return true;
}

Statements::Async<bool> Statements::retry(JobId id) {
  CO_LET(found,
         q("SELECT state, queue, batch FROM spikard_tasks WHERE id = ? AND (expires_at IS NULL OR expires_at > ?) FOR UPDATE",
           args(id, now_)));
  if (found.size() == 0) co_return no_such_job(id);
  const JobState was = state(found.at(0, 0));
  const std::string queue = text(found.at(0, 1));
  const JobId of_batch = number(found.at(0, 2));
  if (!has_ended(was)) co_return false;
  auto changed = co_await q(
      "UPDATE spikard_tasks SET state = 'available', held = 0, waits = 0, run_at = ?, ended_at = NULL, expires_at = NULL, result "
      "= "
      "NULL, max_attempts = greatest(max_attempts, attempt + 1) WHERE id = ?",
      args(now_, id));
  if (!changed.ok()) {
    if (changed.error().detail() != "unique_violation") co_return std::move(changed).error();
    co_return Error(ErrorKind::conflict, "another job that has not ended has its unique key").with_operation("tasks.retry");
  }
  if (of_batch != 0) CO_TRY(batch_changed(of_batch, was, -1));
  news.queues.insert(queue);
  co_return true;
}

Statements::Async<void> Statements::purge() {
  const auto purge_of = [this](std::string_view table, std::string_view id, std::string where, Arguments values) -> Async<void> {
    values.push_back(integer_argument(at_once));
    CO_LET(rows,
           q("SELECT " + std::string(id) + " FROM " + std::string(table) + " WHERE " + where + " LIMIT ? FOR UPDATE SKIP LOCKED",
             std::move(values)));
    std::vector<JobId> ids;
    for (std::size_t i = 0; i < rows.size(); ++i) ids.push_back(number(rows.at(i, 0)));
    if (ids.empty()) co_return Result<void>();
    Arguments which;
    std::string sql = "DELETE FROM " + std::string(table) + " WHERE id" + in_list(ids, which);
    CO_TRY(c_.later(std::move(sql), std::move(which)));
    co_return Result<void>();
  };
  Arguments now = args(now_);
  CO_TRY(purge_of("spikard_tasks", "id", "expires_at <= ?", now));
  CO_TRY(purge_of("spikard_task_batches", "id", "expires_at <= ? AND total = completed + cancelled + discarded", now));
  CO_TRY(c_.later("DELETE FROM spikard_task_origins WHERE at <= ? ORDER BY at LIMIT 500", args(now_ - origin_kept_ms)));
  CO_TRY(
      c_.later("DELETE FROM spikard_task_keys WHERE NOT EXISTS (SELECT 1 FROM spikard_tasks t WHERE t.concurrency_key = "
               "spikard_task_keys.name) LIMIT 500",
               {}));
  co_return Result<void>();
}

// -- looking

Statements::Async<std::optional<Job>> Statements::job(JobId id, bool& stale) {
  CO_LET(rows, q("SELECT " SPIKARD_JOB_COLUMNS " FROM spikard_tasks WHERE id = ? AND (expires_at IS NULL OR expires_at > ?)",
                 args(id, now_)));
  if (rows.size() == 0) co_return std::optional<Job>();
  Job found = read_job(rows, 0);
  stale = found.state == JobState::running && found.lease_until <= now_;
  if ((found.state == JobState::scheduled || found.state == JobState::retryable) && found.run_at <= now_)
    found.state = JobState::available;
  co_return std::optional<Job>(std::move(found));
}

Statements::Async<std::vector<Job>> Statements::list(const JobFilter& filter) {
  std::string sql = "SELECT " SPIKARD_JOB_COLUMNS " FROM spikard_tasks WHERE id > ? AND (expires_at IS NULL OR expires_at > ?)";
  Arguments values = args(filter.after, now_);
  const auto add = [&](const char* what, Argument value) {
    values.push_back(std::move(value));
    sql += std::string(" AND ") + what + " = ?";
  };
  if (!filter.queue.empty()) add("queue", argument(filter.queue));
  if (!filter.task.empty()) add("task", argument(filter.task));
  if (!filter.schedule.empty()) add("schedule", argument(filter.schedule));
  if (filter.batch != 0) add("batch", argument(filter.batch));
  if (filter.state == JobState::available) {
    sql += " AND (state = 'available' OR (state IN ('scheduled', 'retryable') AND run_at <= ?))";
    values.push_back(integer_argument(now_));
  } else if (filter.state) {
    add("state", argument(name_of(*filter.state)));
    if (filter.state == JobState::scheduled || filter.state == JobState::retryable) {
      sql += " AND run_at > ?";
      values.push_back(integer_argument(now_));
    }
  }
  values.push_back(argument(filter.limit));
  sql += " ORDER BY id LIMIT ?";
  CO_LET(rows, q(std::move(sql), std::move(values)));
  std::vector<Job> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Job one = read_job(rows, i);
    if ((one.state == JobState::scheduled || one.state == JobState::retryable) && one.run_at <= now_)
      one.state = JobState::available;
    out.push_back(std::move(one));
  }
  co_return std::move(out);
}

Statements::Async<std::vector<QueueStats>> Statements::queues() {
  std::map<std::string, QueueStats> all;
  std::vector<Connection::Query> both;
  both.emplace_back("SELECT queue, paused, rate_count, rate_period_ms, rate_burst FROM spikard_task_queues", Arguments());
  both.emplace_back(
      "SELECT queue, CASE WHEN state IN ('scheduled', 'retryable') AND run_at <= ? THEN 'available' ELSE state END AS shown, "
      "count(*) FROM spikard_tasks WHERE expires_at IS NULL OR expires_at > ? GROUP BY queue, shown",
      args(now_, now_));
  CO_LET(found, c_.query_all(std::move(both)));
  for (std::size_t i = 0; i < found[0].size(); ++i) {
    QueueStats& stats = all[text(found[0].at(i, 0))];
    stats.paused = number(found[0].at(i, 1)) != 0;
    stats.rate_limit.count = static_cast<std::uint32_t>(number(found[0].at(i, 2)));
    stats.rate_limit.period_ms = number(found[0].at(i, 3));
    stats.rate_limit.burst = static_cast<std::uint32_t>(number(found[0].at(i, 4)));
  }
  for (std::size_t i = 0; i < found[1].size(); ++i) {
    all[text(found[1].at(i, 0))].by_state[static_cast<std::size_t>(state(found[1].at(i, 1)))] =
        static_cast<std::uint64_t>(number(found[1].at(i, 2)));
  }
  std::vector<QueueStats> out;
  for (auto& [name, stats] : all) {
    stats.queue = name;
    out.push_back(std::move(stats));
  }
  co_return std::move(out);
}

Statements::Async<std::uint64_t> Statements::pending_count(const std::string& queue) {
  CO_LET(rows,
         q("SELECT (SELECT count(*) FROM spikard_tasks WHERE queue = ? AND state IN ('available', 'scheduled', 'retryable', "
           "'pending')) + (SELECT count(*) FROM spikard_tasks WHERE queue = ? AND state = 'running' AND lease_until <= ? AND "
           "attempt < max_attempts)",
           args(queue, queue, now_)));
  co_return static_cast<std::uint64_t>(number(rows.at(0, 0)));
}

Statements::Async<std::optional<Batch>> Statements::batch(JobId id, bool locked) {
  std::string sql = "SELECT id, total, completed, cancelled, discarded, callback FROM spikard_task_batches WHERE id = ?";
  if (locked) sql += " FOR UPDATE";
  CO_LET(rows, q(std::move(sql), args(id)));
  if (rows.size() == 0) co_return std::optional<Batch>();
  Batch out;
  out.id = number(rows.at(0, 0));
  out.total = static_cast<std::uint64_t>(number(rows.at(0, 1)));
  out.completed = static_cast<std::uint64_t>(number(rows.at(0, 2)));
  out.cancelled = static_cast<std::uint64_t>(number(rows.at(0, 3)));
  out.discarded = static_cast<std::uint64_t>(number(rows.at(0, 4)));
  out.callback = number(rows.at(0, 5));
  co_return std::optional<Batch>(out);
}

// -- queues and schedules

Statements::Async<std::vector<Schedule>> Statements::schedules() {
  CO_LET(rows, q(std::string(schedule_columns) + "ORDER BY name"));
  std::vector<Schedule> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(read_schedule(rows, i));
  co_return std::move(out);
}

Statements::Async<Schedule> Statements::put_schedule(const Schedule& schedule) {
  // Assignments see those before them: what is compared comes first.
  CO_TRY(q(
      "INSERT INTO spikard_task_schedules (name, cron, timezone, queue, task, args, priority, max_attempts, timeout_ms, misfire, "
      "overlap, declared, next_at, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE next_at = "
      "IF(cron = VALUES(cron) AND timezone = VALUES(timezone), next_at, VALUES(next_at)), cron = VALUES(cron), timezone = "
      "VALUES(timezone), queue = VALUES(queue), task = VALUES(task), args = VALUES(args), priority = VALUES(priority), "
      "max_attempts = VALUES(max_attempts), timeout_ms = VALUES(timeout_ms), misfire = VALUES(misfire), overlap = "
      "VALUES(overlap), declared = VALUES(declared), version = greatest(version + 1, VALUES(version))",
      args(schedule.name, schedule.cron, schedule.timezone, schedule.queue, schedule.task, schedule.args, schedule.priority,
           schedule.max_attempts, schedule.timeout_ms, name_of(schedule.misfire), name_of(schedule.overlap),
           schedule.declared ? 1 : 0, schedule.next_at, now_)));
  news.schedules = true;
  CO_LET(rows, q(std::string(schedule_columns) + "WHERE name = ?", args(schedule.name)));
  if (rows.size() == 0) co_return internal_error("the schedule is not there");
  co_return read_schedule(rows, 0);
}

Statements::Async<bool> Statements::remove_schedule(const std::string& name) {
  CO_LET(removed, q("DELETE FROM spikard_task_schedules WHERE name = ?", args(name)));
  news.schedules = removed.affected != 0;
  co_return removed.affected != 0;
}

Statements::Async<void> Statements::pause(const std::string& queue, bool paused) {
  CO_TRY(q("INSERT INTO spikard_task_queues (queue, paused) VALUES (?, ?) ON DUPLICATE KEY UPDATE paused = VALUES(paused)",
           args(queue, paused ? 1 : 0)));
  if (!paused) news.queues.insert(queue);
  co_return Result<void>();
}

Statements::Async<void> Statements::set_rate_limit(const std::string& queue, const RateLimit& limit) {
  CO_TRY(
      q("INSERT INTO spikard_task_queues (queue, rate_count, rate_period_ms, rate_burst) VALUES (?, ?, ?, ?) ON DUPLICATE KEY "
        "UPDATE rate_count = VALUES(rate_count), rate_period_ms = VALUES(rate_period_ms), rate_burst = VALUES(rate_burst), "
        "rate_full_at_us = 0",
        args(queue, limit.count, limit.period_ms, limit.burst)));
  news.queues.insert(queue);
  co_return Result<void>();
}

Statements::Async<FireResult> Statements::fire(const FireRequest& request) {
  FireResult out;
  CO_LET(found, q("SELECT last_job FROM spikard_task_schedules WHERE name = ? AND version = ? AND next_at = ? FOR UPDATE",
                  args(request.name, static_cast<std::int64_t>(request.version), request.expected_next)));
  if (found.size() == 0) co_return std::move(out);
  out.ours = true;
  JobId last_job = number(found.at(0, 0));
  Millis last_at = 0;
  for (const NewJob& job : request.jobs) {
    if (request.forbid_overlap && last_job != 0) {
      CO_LET(running, q("SELECT 1 FROM spikard_tasks WHERE id = ? AND " SPIKARD_NOT_ENDED, args(last_job)));
      if (running.size() > 0) continue;
    }
    CO_LET(id, insert(job, 0, 0));
    last_job = id;
    last_at = job.scheduled_at;
    out.jobs.push_back(id);
  }
  CO_TRY(c_.later(
      "UPDATE spikard_task_schedules SET next_at = ?, last_job = ?, last_at = CASE ? WHEN 0 THEN last_at ELSE ? END WHERE "
      "name = ?",
      args(request.new_next, last_job, last_at, last_at, request.name)));
  co_return std::move(out);
}

#undef CO_LET
#undef CO_TRY

}  // namespace spikard::tasks::mysql
