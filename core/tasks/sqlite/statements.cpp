#include "tasks/sqlite/statements.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>
#include <utility>

#include "tasks/job_json.hpp"
#include "tasks/rate.hpp"

namespace spikard::tasks::sqlite {
namespace {

using store::sqlite::Statement;

constexpr std::int64_t at_once = 500;  // rows of one sweep or purge
constexpr Millis origin_kept_ms = 86'400'000;

Error no_such_job(JobId id) {
  return Error(ErrorKind::not_found, "there is no job " + std::to_string(id)).with("job", std::to_string(id));
}
Error lease_lost(JobId id) {
  return Error(ErrorKind::conflict, "the lease of this run was lost").with("job", std::to_string(id));
}

std::optional<std::string_view> text_or_null(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string_view>(text);
}
std::optional<std::int64_t> number_or_null(std::int64_t v) { return v == 0 ? std::nullopt : std::optional<std::int64_t>(v); }

#define SPIKARD_JOB_COLUMNS                                                                                                     \
  "id, queue, task, args, state, priority, run_at, attempt, failures, max_attempts, backoff_initial_ms, backoff_factor, "       \
  "backoff_max_ms, backoff_jitter, timeout_ms, unique_key, concurrency_key, concurrency_limit, batch, callback_of, tags, "      \
  "retention_ms, schedule, scheduled_at, trace, lease, lease_until, worker, progress, result, error, error_code, enqueued_at, " \
  "started_at, ended_at, expires_at"

Job read_job(Statement& row) {
  int at = 0;
  const auto integer = [&] { return row.integer(at++); };
  const auto text = [&] { return std::string(row.text(at++)); };
  Job job;
  job.id = integer();
  job.queue = text();
  job.task = text();
  job.args = text();
  job.state = job_state_from(row.text(at++)).value_or(JobState::pending);
  job.priority = static_cast<std::int32_t>(integer());
  job.run_at = integer();
  job.attempt = static_cast<std::uint32_t>(integer());
  job.failures = static_cast<std::uint32_t>(integer());
  job.max_attempts = static_cast<std::uint32_t>(std::max<std::int64_t>(integer(), 1));
  job.backoff.initial_ms = integer();
  job.backoff.factor = row.real(at++);
  job.backoff.max_ms = integer();
  job.backoff.jitter = row.real(at++);
  job.timeout_ms = integer();
  job.unique_key = text();
  job.concurrency_key = text();
  job.concurrency_limit = static_cast<std::uint32_t>(integer());
  job.batch = integer();
  job.callback_of = integer();
  if (const std::string_view tags = row.text(at++); !tags.empty()) job.tags = tags_from_json(tags);
  job.retention_ms = integer();
  job.schedule = text();
  job.scheduled_at = integer();
  job.trace = text();
  job.lease = static_cast<std::uint64_t>(integer());
  job.lease_until = integer();
  job.worker = text();
  job.progress = text();
  job.result = text();
  job.error = text();
  job.error_code = text();
  job.enqueued_at = integer();
  job.started_at = integer();
  job.ended_at = integer();
  job.expires_at = integer();
  return job;
}

Schedule read_schedule(Statement& row) {
  Schedule out;
  out.name = row.text(0);
  out.cron = row.text(1);
  out.timezone = row.text(2);
  out.queue = row.text(3);
  out.task = row.text(4);
  out.args = row.text(5);
  out.priority = static_cast<std::int32_t>(row.integer(6));
  out.max_attempts = static_cast<std::uint32_t>(row.integer(7));
  out.timeout_ms = row.integer(8);
  out.misfire = misfire_from(row.text(9)).value_or(Misfire::once);
  out.overlap = overlap_from(row.text(10)).value_or(Overlap::allow);
  out.declared = row.integer(11) != 0;
  out.next_at = row.integer(12);
  out.last_at = row.integer(13);
  out.last_job = row.integer(14);
  out.version = static_cast<std::uint64_t>(row.integer(15));
  return out;
}
constexpr std::string_view schedule_columns =
    "SELECT name, cron, timezone, queue, task, args, priority, max_attempts, timeout_ms, misfire, overlap, declared, next_at, "
    "last_at, last_job, version FROM spikard_task_schedules ";

std::string reason_of(JobId id, JobState state) {
  return "job " + std::to_string(id) + ", which it depends on, was " + std::string(name_of(state));
}

}  // namespace

// A SPIKARD_TRY that keeps the value.
#define TRY_ASSIGN(name, expr)                                      \
  auto name##_result = (expr);                                      \
  if (!name##_result.ok()) return std::move(name##_result).error(); \
  auto& name = *name##_result

Result<JobId> Statements::insert(const NewJob& job, JobId batch, JobId callback_of) {
  const Millis run_at = job.run_at != 0 ? job.run_at : now_ + job.delay_ms;
  std::int64_t waits = callback_of != 0 ? 1 : 0;
  std::vector<JobId> needed;
  std::string broken;
  for (const JobId needs : job.depends_on) {
    TRY_ASSIGN(state, c_.first(
                          "SELECT state FROM spikard_tasks WHERE id = ? AND (expires_at IS NULL OR expires_at > ?)",
                          [](Statement& row) { return job_state_from(row.text(0)).value_or(JobState::pending); }, needs, now_));
    if (!state) return no_such_job(needs);
    if (*state == JobState::completed) continue;
    if (has_ended(*state)) broken = reason_of(needs, *state);
    else if (std::find(needed.begin(), needed.end(), needs) == needed.end()) needed.push_back(needs);
  }
  waits += static_cast<std::int64_t>(needed.size());
  const bool pending = waits != 0 || !broken.empty();
  const JobState state = pending ? JobState::pending : run_at > now_ ? JobState::scheduled : JobState::available;
  TRY_ASSIGN(
      statement,
      c_.prepare("INSERT INTO spikard_tasks (queue, task, args, state, priority, run_at, max_attempts, backoff_initial_ms, "
                 "backoff_factor, backoff_max_ms, backoff_jitter, timeout_ms, unique_key, concurrency_key, "
                 "concurrency_limit, waits, batch, callback_of, tags, retention_ms, schedule, scheduled_at, trace, "
                 "enqueued_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                 "ON CONFLICT DO NOTHING"));
  const std::string tags = job.tags.empty() ? std::string() : tags_to_json(job.tags);
  statement.bind_all(job.queue, job.task, job.args, name_of(state), job.priority, run_at, job.max_attempts,
                     job.backoff.initial_ms, job.backoff.factor, job.backoff.max_ms, job.backoff.jitter, job.timeout_ms,
                     text_or_null(job.unique_key), text_or_null(job.concurrency_key), job.concurrency_limit, waits,
                     number_or_null(batch), number_or_null(callback_of), text_or_null(tags), job.retention_ms,
                     text_or_null(job.schedule), number_or_null(job.scheduled_at), text_or_null(job.trace), now_);
  SPIKARD_TRY(statement.run());
  if (c_.changes() == 0) return JobId{0};  // its unique key is taken
  const JobId id = c_.last_insert_id();
  for (const JobId needs : needed) {
    SPIKARD_TRY(c_.run("INSERT INTO spikard_task_dependencies (needs, job) VALUES (?, ?)", needs, id));
    SPIKARD_TRY(c_.run("UPDATE spikard_tasks SET dependants = dependants + 1 WHERE id = ?", needs));
  }
  if (batch != 0) SPIKARD_TRY(c_.run("UPDATE spikard_task_batches SET total = total + 1 WHERE id = ?", batch));
  if (!broken.empty()) SPIKARD_TRY(end(id, JobState::cancelled, broken, "dependency"));
  else if (!pending) news.queues.insert(job.queue);
  return id;
}

Result<EnqueueResult> Statements::enqueue(const EnqueueRequest& request) {
  EnqueueResult out;
  if (!request.origin.empty()) {
    TRY_ASSIGN(before, c_.first(
                           "SELECT job FROM spikard_task_origins WHERE origin = ?", [](Statement& row) { return row.integer(0); },
                           request.origin));
    if (before) {
      out.jobs.assign(request.jobs.size(), Enqueued{*before, false});
      return out;
    }
  }
  for (const NewJob& job : request.jobs) {
    if (job.batch == 0) continue;
    TRY_ASSIGN(found, batch(job.batch));
    if (!found)
      return Error(ErrorKind::not_found, "there is no batch " + std::to_string(job.batch)).with_operation("tasks.enqueue");
    if (found->pending() == 0) return Error(ErrorKind::conflict, "the batch is done").with_operation("tasks.enqueue");
  }
  if (request.batch) {
    SPIKARD_TRY(c_.run("INSERT INTO spikard_task_batches DEFAULT VALUES"));
    out.batch = c_.last_insert_id();
  }
  out.jobs.reserve(request.jobs.size());
  for (const NewJob& job : request.jobs) {
    TRY_ASSIGN(id, insert(job, request.batch ? out.batch : job.batch, 0));
    if (id != 0) {
      out.jobs.push_back({id, true});
      continue;
    }
    TRY_ASSIGN(other, c_.first(
                          "SELECT id FROM spikard_tasks WHERE unique_key = ? AND unique_key IS NOT NULL AND state NOT IN "
                          "('completed', 'cancelled', 'discarded')",
                          [](Statement& row) { return row.integer(0); }, job.unique_key));
    if (!other) return internal_error("the job of a unique key that is taken is not there");
    out.jobs.push_back({*other, false});
  }
  if (request.callback) {
    TRY_ASSIGN(id, insert(*request.callback, 0, out.batch));
    if (id == 0)
      return Error(ErrorKind::conflict, "a job that has not ended has the callback's unique key").with_operation("tasks.enqueue");
    out.callback = id;
    SPIKARD_TRY(c_.run("UPDATE spikard_task_batches SET callback = ? WHERE id = ?", id, out.batch));
  }
  if (request.batch) SPIKARD_TRY(look_at_batch(out.batch));
  if (!request.origin.empty()) {
    SPIKARD_TRY(c_.run("INSERT INTO spikard_task_origins (origin, job, at) VALUES (?, ?, ?)", request.origin,
                       out.jobs.empty() ? JobId{0} : out.jobs.front().id, now_));
  }
  return out;
}

Result<ClaimResult> Statements::claim(const ClaimRequest& request) {
  SPIKARD_TRY(sweep(request.queue));
  ClaimResult out;
  bool paused = false;
  RateLimit limit;
  RateState rate;
  SPIKARD_TRY(c_.query(
      "SELECT paused, rate_count, rate_period_ms, rate_burst, rate_full_at_us FROM spikard_task_queues WHERE queue = ?",
      [&](Statement& row) {
        paused = row.integer(0) != 0;
        limit.count = static_cast<std::uint32_t>(row.integer(1));
        limit.period_ms = row.integer(2);
        limit.burst = static_cast<std::uint32_t>(row.integer(3));
        rate.full_at_us = row.integer(4);
      },
      request.queue));
  const std::uint32_t allowed = paused ? 0 : std::min(rate.allowed(limit, now_), request.max);
  bool more = allowed == 0;
  std::unordered_map<std::string, std::int64_t> running;  // of the concurrency keys that were met
  std::vector<JobId> held;
  // Held ones leave the index, so a pass that met some is followed by another one where places are left.
  for (bool again = allowed != 0; again;) {
    again = false;
    const auto wanted = static_cast<std::int64_t>(allowed - out.jobs.size());
    std::vector<Job> ready;
    SPIKARD_TRY(c_.query(
        "SELECT " SPIKARD_JOB_COLUMNS
        " FROM spikard_tasks WHERE queue = ? AND state = 'available' AND held = 0 "
        "ORDER BY priority DESC, run_at, id LIMIT ?",
        [&](Statement& row) { ready.push_back(read_job(row)); }, request.queue, wanted));
    more = static_cast<std::int64_t>(ready.size()) == wanted;
    for (Job& job : ready) {
      if (!job.concurrency_key.empty()) {
        auto known = running.find(job.concurrency_key);
        if (known == running.end()) {
          TRY_ASSIGN(count, c_.first(
                                "SELECT count(*) FROM spikard_tasks WHERE concurrency_key = ? AND state = 'running'",
                                [](Statement& row) { return row.integer(0); }, job.concurrency_key));
          known = running.emplace(job.concurrency_key, count.value_or(0)).first;
        }
        if (known->second >= job.concurrency_limit) {
          SPIKARD_TRY(c_.run("UPDATE spikard_tasks SET held = 1 WHERE id = ?", job.id));
          again = more;
          continue;
        }
        ++known->second;
      }
      SPIKARD_TRY(
          c_.run("UPDATE spikard_tasks SET state = 'running', attempt = attempt + 1, lease = lease + 1, lease_until = ?, "
                 "worker = ?, started_at = ?, progress = NULL WHERE id = ?",
                 now_ + request.lease_ms, request.worker, now_, job.id));
      job.state = JobState::running;
      ++job.attempt;
      ++job.lease;
      job.lease_until = now_ + request.lease_ms;
      job.worker = request.worker;
      job.started_at = now_;
      out.jobs.push_back(std::move(job));
    }
  }
  if (limit.count != 0 && !out.jobs.empty()) {
    rate.take(limit, now_, static_cast<std::uint32_t>(out.jobs.size()));
    SPIKARD_TRY(c_.run("UPDATE spikard_task_queues SET rate_full_at_us = ? WHERE queue = ?", rate.full_at_us, request.queue));
  }
  if (!out.jobs.empty()) return out;  // who got some looks again at once
  const auto soonest = [&](Millis at) {
    if (at != 0) out.next_at = out.next_at == 0 ? at : std::min(out.next_at, at);
  };
  SPIKARD_TRY(c_.query(
      "SELECT min(run_at) FROM spikard_tasks WHERE queue = ? AND state IN ('scheduled', 'retryable')",
      [&](Statement& row) { soonest(row.integer(0)); }, request.queue));
  SPIKARD_TRY(c_.query(
      "SELECT min(lease_until) FROM spikard_tasks WHERE queue = ? AND state = 'running'",
      [&](Statement& row) { soonest(row.integer(0)); }, request.queue));
  if (!paused && more && limit.count != 0) {
    TRY_ASSIGN(any, c_.first(
                        "SELECT 1 FROM spikard_tasks WHERE queue = ? AND state = 'available' AND held = 0",
                        [](Statement&) { return true; }, request.queue));
    if (any) soonest(std::max(rate.next(limit), now_ + 1));
  }
  return out;
}

Result<void> Statements::sweep(const std::string& queue) {
  struct Lost {
    JobId id;
    std::int64_t attempt;
    std::int64_t max_attempts;
    std::string key;
  };
  std::vector<Lost> lost;
  SPIKARD_TRY(c_.query(
      "SELECT id, attempt, max_attempts, concurrency_key FROM spikard_tasks WHERE queue = ? AND state = 'running' "
      "AND lease_until <= ? ORDER BY lease_until LIMIT ?",
      [&](Statement& row) { lost.push_back({row.integer(0), row.integer(1), row.integer(2), std::string(row.text(3))}); }, queue,
      now_, at_once));
  for (const Lost& one : lost) {
    if (one.attempt >= one.max_attempts) {
      SPIKARD_TRY(c_.run("UPDATE spikard_tasks SET failures = failures + 1 WHERE id = ?", one.id));
      SPIKARD_TRY(end(one.id, JobState::discarded, "the worker's lease ran out", "lease_lost"));
      continue;
    }
    SPIKARD_TRY(
        c_.run("UPDATE spikard_tasks SET state = 'available', held = 0, failures = failures + 1, run_at = ?, lease_until = "
               "NULL, error = 'the worker''s lease ran out', error_code = 'lease_lost' WHERE id = ?",
               now_, one.id));
    if (!one.key.empty()) SPIKARD_TRY(let_out(one.key));
    news.queues.insert(queue);
  }
  SPIKARD_TRY(
      c_.run("UPDATE spikard_tasks SET state = 'available' WHERE queue = ? AND state IN ('scheduled', 'retryable') AND "
             "run_at <= ?",
             queue, now_));
  return {};
}

Result<bool> Statements::settle(const Completion& one) {
  Ended ended;
  ended.id = one.run.id;
  bool found = false;
  const auto read = [&](Statement& row) {
    found = true;
    ended.queue = row.text(0);
    ended.batch = row.integer(1);
    ended.key = row.text(2);
    ended.has_dependants = row.integer(3) != 0;
    ended.frees_key = true;
  };
  const auto lease = static_cast<std::int64_t>(one.run.lease);
  switch (one.kind) {
    case Completion::Kind::completed: {
      SPIKARD_TRY(
          c_.query("UPDATE spikard_tasks SET state = 'completed', result = ?, error = NULL, error_code = NULL, ended_at = ?, "
                   "expires_at = ? + CASE retention_ms WHEN 0 THEN ? ELSE retention_ms END, lease_until = NULL "
                   "WHERE id = ? AND lease = ? AND state = 'running' RETURNING queue, batch, concurrency_key, dependants",
                   read, text_or_null(one.result), now_, now_, options_.retention_ms, one.run.id, lease));
      if (found) {
        SPIKARD_TRY(after_end(ended, JobState::completed));
        return true;
      }
      // Perhaps the handler completed it in the transaction of its own writes.
      TRY_ASSIGN(changed,
                 c_.run("UPDATE spikard_tasks SET in_transaction = 0 WHERE id = ? AND lease = ? AND state = 'completed' AND "
                        "in_transaction = 1",
                        one.run.id, lease));
      return changed != 0;
    }
    case Completion::Kind::discarded: {
      TRY_ASSIGN(changed,
                 c_.run("UPDATE spikard_tasks SET attempt = ?, failures = ? WHERE id = ? AND lease = ? AND state = 'running'",
                        one.attempt, one.failures, one.run.id, lease));
      if (changed == 0) return false;
      SPIKARD_TRY(end(one.run.id, JobState::discarded, one.error, one.error_code));
      return true;
    }
    case Completion::Kind::again:
      SPIKARD_TRY(
          c_.query("UPDATE spikard_tasks SET state = ?, held = 0, attempt = ?, failures = ?, error = ?, error_code = ?, "
                   "run_at = ?, lease_until = NULL WHERE id = ? AND lease = ? AND state = 'running' RETURNING queue, batch, "
                   "concurrency_key, dependants",
                   read, one.after_ms > 0 ? std::string_view("retryable") : std::string_view("available"), one.attempt,
                   one.failures, text_or_null(one.error), text_or_null(one.error_code), now_ + one.after_ms, one.run.id, lease));
      break;
    case Completion::Kind::hand_back:
      SPIKARD_TRY(
          c_.query("UPDATE spikard_tasks SET state = 'available', held = 0, attempt = ?, lease_until = NULL WHERE id = ? AND "
                   "lease = ? AND state = 'running' RETURNING queue, batch, concurrency_key, dependants",
                   read, one.attempt, one.run.id, lease));
      break;
  }
  if (!found) return false;
  if (!ended.key.empty()) SPIKARD_TRY(let_out(ended.key));
  news.queues.insert(ended.queue);
  return true;
}

Result<void> Statements::complete_in(const Run& run, const std::string& result) {
  Completion one;
  one.run = run;
  one.result = result;
  TRY_ASSIGN(held, settle(one));
  if (!held) return lease_lost(run.id);
  SPIKARD_TRY(c_.run("UPDATE spikard_tasks SET in_transaction = 1 WHERE id = ?", run.id));
  return {};
}

/// Ends a job that has not ended, and all that follows from it.
Result<void> Statements::end(JobId id, JobState state, const std::string& error, const std::string& code) {
  Ended ended;
  ended.id = id;
  bool found = false;
  bool ran = false;
  SPIKARD_TRY(c_.query(
      "SELECT queue, batch, concurrency_key, dependants, state, held FROM spikard_tasks WHERE id = ? AND state NOT IN "
      "('completed', 'cancelled', 'discarded')",
      [&](Statement& row) {
        found = true;
        ended.queue = row.text(0);
        ended.batch = row.integer(1);
        ended.key = row.text(2);
        ended.has_dependants = row.integer(3) != 0;
        ran = row.text(4) == "running";
        ended.frees_key = ran || (row.text(4) == "available" && row.integer(5) == 0);
      },
      id));
  if (!found) return {};
  SPIKARD_TRY(
      c_.run("UPDATE spikard_tasks SET state = ?, held = 0, error = ?, error_code = ?, ended_at = ?, expires_at = ? + CASE "
             "retention_ms WHEN 0 THEN ? ELSE retention_ms END, lease_until = NULL WHERE id = ?",
             name_of(state), text_or_null(error), text_or_null(code), now_, now_, options_.failed_retention_ms, id));
  if (ran && state == JobState::cancelled) news.revoked = true;
  return after_end(ended, state);
}

Result<void> Statements::after_end(const Ended& first, JobState first_state) {
  // Breadth first, so that a long chain of dependants needs no stack.
  std::deque<std::pair<Ended, JobState>> steps{{first, first_state}};
  while (!steps.empty()) {
    const auto [ended, state] = std::move(steps.front());
    steps.pop_front();
    news.ended = true;
    if (ended.frees_key && !ended.key.empty()) SPIKARD_TRY(let_out(ended.key));
    if (ended.has_dependants) {
      std::vector<JobId> dependants;
      SPIKARD_TRY(c_.query(
          "SELECT job FROM spikard_task_dependencies WHERE needs = ? ORDER BY job",
          [&](Statement& row) { dependants.push_back(row.integer(0)); }, ended.id));
      SPIKARD_TRY(c_.run("DELETE FROM spikard_task_dependencies WHERE needs = ?", ended.id));
      SPIKARD_TRY(c_.run("UPDATE spikard_tasks SET dependants = 0 WHERE id = ?", ended.id));
      for (const JobId dependant : dependants) {
        if (state == JobState::completed) {
          SPIKARD_TRY(release(dependant));
          continue;
        }
        SPIKARD_TRY(c_.query(
            "UPDATE spikard_tasks SET state = 'cancelled', error = ?, error_code = 'dependency', ended_at = ?, "
            "expires_at = ? + CASE retention_ms WHEN 0 THEN ? ELSE retention_ms END WHERE id = ? AND state = "
            "'pending' RETURNING queue, batch, dependants",
            [&, steps_end = &steps](Statement& row) {
              Ended next;
              next.id = dependant;
              next.queue = row.text(0);
              next.batch = row.integer(1);
              next.has_dependants = row.integer(2) != 0;
              steps_end->emplace_back(std::move(next), JobState::cancelled);
            },
            reason_of(ended.id, state), now_, now_, options_.failed_retention_ms, dependant));
      }
    }
    if (ended.batch != 0) {
      SPIKARD_TRY(c_.run(state == JobState::completed ? "UPDATE spikard_task_batches SET completed = completed + 1 WHERE id = ?"
                         : state == JobState::cancelled
                             ? "UPDATE spikard_task_batches SET cancelled = cancelled + 1 WHERE id = ?"
                             : "UPDATE spikard_task_batches SET discarded = discarded + 1 WHERE id = ?",
                         ended.batch));
      SPIKARD_TRY(look_at_batch(ended.batch));
    }
  }
  return {};
}

/// One of the things a pending job waits for has come.
Result<void> Statements::release(JobId id) {
  return c_.query(
      "UPDATE spikard_tasks SET waits = max(waits - 1, 0), state = CASE WHEN waits > 1 THEN 'pending' WHEN run_at > ? THEN "
      "'scheduled' ELSE 'available' END, run_at = CASE WHEN waits > 1 THEN run_at ELSE max(run_at, ?) END "
      "WHERE id = ? AND state = 'pending' RETURNING queue, state",
      [&](Statement& row) {
        if (row.text(1) != "pending") news.queues.insert(std::string(row.text(0)));
      },
      now_, now_, id);
}

Result<void> Statements::look_at_batch(JobId id) {
  TRY_ASSIGN(found, batch(id));
  if (!found || found->pending() != 0) return {};
  SPIKARD_TRY(c_.run("UPDATE spikard_task_batches SET expires_at = ? WHERE id = ?", now_ + options_.failed_retention_ms, id));
  return found->callback == 0 ? Result<void>() : release(found->callback);
}

/// The first of each queue: one that is paused, or has no worker, keeps no place from the others. Who finds none is held again.
Result<void> Statements::let_out(const std::string& key) {
#define SPIKARD_HELD "FROM spikard_tasks WHERE concurrency_key = ?1 AND state = 'available' AND held = 1"
  return c_.query(
      "WITH RECURSIVE waiting(queue) AS (SELECT min(queue) " SPIKARD_HELD " UNION ALL SELECT (SELECT min(queue) " SPIKARD_HELD
      " AND queue > waiting.queue) FROM waiting WHERE queue IS NOT NULL) UPDATE spikard_tasks SET held = 0 WHERE id IN (SELECT "
      "(SELECT id " SPIKARD_HELD
      " AND queue = waiting.queue ORDER BY priority DESC, run_at, id LIMIT 1) FROM waiting WHERE queue IS NOT NULL) RETURNING "
      "queue",
      [&](Statement& row) { news.queues.insert(std::string(row.text(0))); }, key);
#undef SPIKARD_HELD
}

Result<bool> Statements::extend(const Run& run, Millis lease_ms) {
  TRY_ASSIGN(changed, c_.run("UPDATE spikard_tasks SET lease_until = ? WHERE id = ? AND lease = ? AND state = 'running'",
                             now_ + lease_ms, run.id, static_cast<std::int64_t>(run.lease)));
  return changed != 0;
}

Result<bool> Statements::is_held(const Run& run) {
  TRY_ASSIGN(found, c_.first(
                        "SELECT 1 FROM spikard_tasks WHERE id = ? AND lease = ? AND state = 'running'",
                        [](Statement&) { return true; }, run.id, static_cast<std::int64_t>(run.lease)));
  return found.has_value();
}

Result<void> Statements::progress(const Run& run, const std::string& json) {
  TRY_ASSIGN(changed, c_.run("UPDATE spikard_tasks SET progress = ? WHERE id = ? AND lease = ? AND state = 'running'", json,
                             run.id, static_cast<std::int64_t>(run.lease)));
  if (changed != 0) return {};
  TRY_ASSIGN(found, c_.first("SELECT 1 FROM spikard_tasks WHERE id = ?", [](Statement&) { return true; }, run.id));
  if (!found) return no_such_job(run.id);
  return lease_lost(run.id);
}

Result<bool> Statements::cancel(JobId id, const std::string& reason) {
  TRY_ASSIGN(state, c_.first(
                        "SELECT state FROM spikard_tasks WHERE id = ? AND (expires_at IS NULL OR expires_at > ?)",
                        [](Statement& row) { return job_state_from(row.text(0)).value_or(JobState::pending); }, id, now_));
  if (!state) return no_such_job(id);
  if (has_ended(*state)) return false;
  SPIKARD_TRY(end(id, JobState::cancelled, reason, {}));
  return true;
}

Result<bool> Statements::retry(JobId id) {
  bool stale = false;
  TRY_ASSIGN(found, job(id, stale));
  if (!found) return no_such_job(id);
  if (!has_ended(found->state)) return false;
  Result<std::int64_t> changed = c_.run(
      "UPDATE spikard_tasks SET state = 'available', held = 0, waits = 0, run_at = ?, ended_at = NULL, expires_at = "
      "NULL, "
      "result = NULL, max_attempts = max(max_attempts, attempt + 1) WHERE id = ?",
      now_, id);
  if (!changed.ok()) {
    if (changed.error().detail() != "unique_violation") return std::move(changed).error();
    return Error(ErrorKind::conflict, "another job that has not ended has its unique key").with_operation("tasks.retry");
  }
  if (found->batch != 0) {
    const JobState was = found->state;
    SPIKARD_TRY(c_.run(was == JobState::completed   ? "UPDATE spikard_task_batches SET completed = completed - 1 WHERE id = ?"
                       : was == JobState::cancelled ? "UPDATE spikard_task_batches SET cancelled = cancelled - 1 WHERE id = ?"
                                                    : "UPDATE spikard_task_batches SET discarded = discarded - 1 WHERE id = ?",
                       found->batch));
  }
  news.queues.insert(found->queue);
  return true;
}

Result<void> Statements::purge() {
  SPIKARD_TRY(
      c_.run("DELETE FROM spikard_tasks WHERE id IN (SELECT id FROM spikard_tasks WHERE expires_at IS NOT NULL AND expires_at "
             "<= ? LIMIT ?)",
             now_, at_once));
  SPIKARD_TRY(
      c_.run("DELETE FROM spikard_task_batches WHERE id IN (SELECT id FROM spikard_task_batches WHERE expires_at <= ? AND "
             "total = completed + cancelled + discarded LIMIT ?)",
             now_, at_once));
  SPIKARD_TRY(
      c_.run("DELETE FROM spikard_task_origins WHERE origin IN (SELECT origin FROM spikard_task_origins WHERE at <= ? LIMIT ?)",
             now_ - origin_kept_ms, at_once));
  return {};
}

Result<std::optional<Job>> Statements::job(JobId id, bool& stale) {
  TRY_ASSIGN(found,
             c_.first(
                 "SELECT " SPIKARD_JOB_COLUMNS " FROM spikard_tasks WHERE id = ? AND (expires_at IS NULL OR expires_at > ?)",
                 [](Statement& row) { return read_job(row); }, id, now_));
  if (found) {
    stale = found->state == JobState::running && found->lease_until <= now_;
    if ((found->state == JobState::scheduled || found->state == JobState::retryable) && found->run_at <= now_)
      found->state = JobState::available;
  }
  return std::move(found);
}

Result<std::vector<Job>> Statements::list(const JobFilter& filter) {
  std::string sql = "SELECT " SPIKARD_JOB_COLUMNS
                    " FROM spikard_tasks WHERE id > ?1 AND (expires_at IS NULL OR expires_at > ?2) AND (?3 = '' OR "
                    "queue = ?3) AND (?4 = '' OR task = ?4)";
  if (!filter.schedule.empty()) sql += " AND schedule = ?5";
  if (filter.batch != 0) sql += " AND batch = ?6";
  if (filter.state == JobState::available) sql += " AND (state = ?7 OR (state IN ('scheduled', 'retryable') AND run_at <= ?2))";
  else if (filter.state == JobState::scheduled || filter.state == JobState::retryable) sql += " AND state = ?7 AND run_at > ?2";
  else if (filter.state) sql += " AND state = ?7";
  sql += " ORDER BY id LIMIT ?8";
  TRY_ASSIGN(statement, c_.prepare(sql));
  statement.bind_all(filter.after, now_, filter.queue, filter.task);
  if (!filter.schedule.empty()) statement.bind(5, filter.schedule);
  if (filter.batch != 0) statement.bind(6, filter.batch);
  if (filter.state) statement.bind(7, name_of(*filter.state));
  statement.bind(8, filter.limit);
  std::vector<Job> out;
  for (;;) {
    TRY_ASSIGN(more, statement.step());
    if (!more) return out;
    Job job = read_job(statement);
    if ((job.state == JobState::scheduled || job.state == JobState::retryable) && job.run_at <= now_)
      job.state = JobState::available;
    out.push_back(std::move(job));
  }
}

Result<std::vector<QueueStats>> Statements::queues() {
  std::map<std::string, QueueStats> all;
  SPIKARD_TRY(
      c_.query("SELECT queue, paused, rate_count, rate_period_ms, rate_burst FROM spikard_task_queues", [&](Statement& row) {
        QueueStats& stats = all[std::string(row.text(0))];
        stats.paused = row.integer(1) != 0;
        stats.rate_limit.count = static_cast<std::uint32_t>(row.integer(2));
        stats.rate_limit.period_ms = row.integer(3);
        stats.rate_limit.burst = static_cast<std::uint32_t>(row.integer(4));
      }));
  SPIKARD_TRY(c_.query(
      "SELECT queue, CASE WHEN state IN ('scheduled', 'retryable') AND run_at <= ? THEN 'available' ELSE state END AS "
      "shown, count(*) FROM spikard_tasks WHERE expires_at IS NULL OR expires_at > ? GROUP BY queue, shown",
      [&](Statement& row) {
        const auto state = job_state_from(row.text(1)).value_or(JobState::pending);
        all[std::string(row.text(0))].by_state[static_cast<std::size_t>(state)] = static_cast<std::uint64_t>(row.integer(2));
      },
      now_, now_));
  std::vector<QueueStats> out;
  for (auto& [name, stats] : all) {
    stats.queue = name;
    out.push_back(std::move(stats));
  }
  return out;
}

Result<std::uint64_t> Statements::pending_count(const std::string& queue) {
  TRY_ASSIGN(count,
             c_.first(
                 "SELECT (SELECT count(*) FROM spikard_tasks WHERE queue = ?1 AND state = 'available') + (SELECT count(*) FROM "
                 "spikard_tasks WHERE queue = ?1 AND state IN ('scheduled', 'retryable')) + (SELECT count(*) FROM spikard_tasks "
                 "WHERE queue = ?1 AND state = 'pending') + (SELECT count(*) FROM spikard_tasks WHERE queue = ?1 AND state = "
                 "'running' AND lease_until <= ?2 AND attempt < max_attempts)",
                 [](Statement& row) { return static_cast<std::uint64_t>(row.integer(0)); }, queue, now_));
  return count.value_or(0);
}

Result<std::vector<std::string>> Statements::queues_with_lost_leases() {
  std::vector<std::string> out;
  SPIKARD_TRY(c_.query(
      "SELECT DISTINCT queue FROM spikard_tasks WHERE state = 'running' AND lease_until <= ?",
      [&](Statement& row) { out.emplace_back(row.text(0)); }, now_));
  return out;
}

Result<std::optional<Batch>> Statements::batch(JobId id) {
  return c_.first(
      "SELECT id, total, completed, cancelled, discarded, callback FROM spikard_task_batches WHERE id = ?",
      [](Statement& row) {
        Batch out;
        out.id = row.integer(0);
        out.total = static_cast<std::uint64_t>(row.integer(1));
        out.completed = static_cast<std::uint64_t>(row.integer(2));
        out.cancelled = static_cast<std::uint64_t>(row.integer(3));
        out.discarded = static_cast<std::uint64_t>(row.integer(4));
        out.callback = row.integer(5);
        return out;
      },
      id);
}

Result<std::vector<Schedule>> Statements::schedules() {
  std::vector<Schedule> out;
  SPIKARD_TRY(
      c_.query(std::string(schedule_columns) + "ORDER BY name", [&](Statement& row) { out.push_back(read_schedule(row)); }));
  return out;
}

Result<Schedule> Statements::put_schedule(const Schedule& schedule) {
  SPIKARD_TRY(
      c_.run("INSERT INTO spikard_task_schedules (name, cron, timezone, queue, task, args, priority, max_attempts, timeout_ms, "
             "misfire, overlap, declared, next_at, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
             "ON CONFLICT (name) DO UPDATE SET next_at = CASE WHEN cron = excluded.cron AND timezone = excluded.timezone THEN "
             "next_at ELSE excluded.next_at END, cron = excluded.cron, timezone = excluded.timezone, queue = excluded.queue, "
             "task = excluded.task, args = excluded.args, priority = excluded.priority, max_attempts = "
             "excluded.max_attempts, timeout_ms = excluded.timeout_ms, misfire = excluded.misfire, overlap = "
             "excluded.overlap, declared = excluded.declared, version = max(version + 1, excluded.version)",
             schedule.name, schedule.cron, schedule.timezone, schedule.queue, schedule.task, schedule.args, schedule.priority,
             schedule.max_attempts, schedule.timeout_ms, name_of(schedule.misfire), name_of(schedule.overlap),
             schedule.declared ? 1 : 0, schedule.next_at, now_));
  news.schedules = true;
  TRY_ASSIGN(kept, c_.first(
                       std::string(schedule_columns) + "WHERE name = ?", [](Statement& row) { return read_schedule(row); },
                       schedule.name));
  if (!kept) return internal_error("the schedule is not there");
  return std::move(*kept);
}

Result<bool> Statements::remove_schedule(const std::string& name) {
  TRY_ASSIGN(removed, c_.run("DELETE FROM spikard_task_schedules WHERE name = ?", name));
  news.schedules = removed != 0;
  return removed != 0;
}

Result<void> Statements::pause(const std::string& queue, bool paused) {
  SPIKARD_TRY(
      c_.run("INSERT INTO spikard_task_queues (queue, paused) VALUES (?, ?) ON CONFLICT (queue) DO UPDATE SET paused = "
             "excluded.paused",
             queue, paused ? 1 : 0));
  if (!paused) news.queues.insert(queue);
  return {};
}

Result<void> Statements::set_rate_limit(const std::string& queue, const RateLimit& limit) {
  SPIKARD_TRY(
      c_.run("INSERT INTO spikard_task_queues (queue, rate_count, rate_period_ms, rate_burst) VALUES (?, ?, ?, ?) ON CONFLICT "
             "(queue) DO UPDATE SET rate_count = excluded.rate_count, rate_period_ms = excluded.rate_period_ms, rate_burst = "
             "excluded.rate_burst, rate_full_at_us = 0",
             queue, limit.count, limit.period_ms, limit.burst));
  news.queues.insert(queue);
  return {};
}

Result<FireResult> Statements::fire(const FireRequest& request) {
  FireResult out;
  TRY_ASSIGN(last, c_.first(
                       "SELECT last_job FROM spikard_task_schedules WHERE name = ? AND version = ? AND next_at = ?",
                       [](Statement& row) { return row.integer(0); }, request.name, static_cast<std::int64_t>(request.version),
                       request.expected_next));
  if (!last) return out;
  out.ours = true;
  JobId last_job = *last;
  Millis last_at = 0;
  for (const NewJob& job : request.jobs) {
    if (request.forbid_overlap && last_job != 0) {
      TRY_ASSIGN(running, c_.first(
                              "SELECT 1 FROM spikard_tasks WHERE id = ? AND state NOT IN ('completed', 'cancelled', 'discarded')",
                              [](Statement&) { return true; }, last_job));
      if (running) continue;
    }
    TRY_ASSIGN(id, insert(job, 0, 0));
    last_job = id;
    last_at = job.scheduled_at;
    out.jobs.push_back(id);
  }
  SPIKARD_TRY(
      c_.run("UPDATE spikard_task_schedules SET next_at = ?, last_job = ?, last_at = CASE ? WHEN 0 THEN last_at ELSE ? END WHERE "
             "name = ?",
             request.new_next, last_job, last_at, last_at, request.name));
  return out;
}

#undef TRY_ASSIGN
#undef SPIKARD_JOB_COLUMNS

}  // namespace spikard::tasks::sqlite
