#include "tasks/postgres/statements.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "tasks/co_try.hpp"
#include "tasks/job_json.hpp"
#include "tasks/rate.hpp"

namespace spikard::tasks::postgres {
namespace {

using store::postgres::Argument;
using store::postgres::array_argument;
using store::postgres::integer_argument;
using store::postgres::text_argument;
using Arguments = Statements::Arguments;
using Rows = Statements::Rows;

using sql::digits;
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
using sql::without;

constexpr std::int64_t at_once = 500;  // rows of one sweep or purge

struct OrNull {
  std::string_view text;
};
Argument argument(std::string_view v) { return text_argument(v); }
Argument argument(OrNull v) { return v.text.empty() ? Argument() : text_argument(v.text); }
Argument argument(const std::vector<std::int64_t>& v) { return array_argument(v); }
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

/// A column of an INSERT: its values as text; empty where null.
struct Column {
  const char* name;
  const char* type;
  const char* usual;  ///< the table's default; null: none, or NULL where `nullable`
  bool nullable;
  std::string (*value)(const NewJob& job, Millis now);
};
constexpr Column columns[] = {
    {"queue", "text", "default", false, [](const NewJob& j, Millis) { return j.queue; }},
    {"task", "text", nullptr, false, [](const NewJob& j, Millis) { return j.task; }},
    {"args", "text", "null", false, [](const NewJob& j, Millis) { return j.args; }},
    {"state", "text", "available", false,
     [](const NewJob& j, Millis now) {
       return std::string((j.run_at != 0 ? j.run_at : now + j.delay_ms) > now ? "scheduled" : "available");
     }},
    {"priority", "integer", "0", false, [](const NewJob& j, Millis) { return std::to_string(j.priority); }},
    {"run_at", "bigint", nullptr, false,
     [](const NewJob& j, Millis now) { return std::to_string(j.run_at != 0 ? j.run_at : now + j.delay_ms); }},
    {"max_attempts", "integer", "5", false, [](const NewJob& j, Millis) { return std::to_string(j.max_attempts); }},
    {"backoff_initial_ms", "bigint", "1000", false, [](const NewJob& j, Millis) { return std::to_string(j.backoff.initial_ms); }},
    {"backoff_factor", "double precision", "2", false, [](const NewJob& j, Millis) { return digits(j.backoff.factor); }},
    {"backoff_max_ms", "bigint", "300000", false, [](const NewJob& j, Millis) { return std::to_string(j.backoff.max_ms); }},
    {"backoff_jitter", "double precision", "0.1", false, [](const NewJob& j, Millis) { return digits(j.backoff.jitter); }},
    {"timeout_ms", "bigint", "0", false, [](const NewJob& j, Millis) { return std::to_string(j.timeout_ms); }},
    {"concurrency_key", "text", nullptr, true, [](const NewJob& j, Millis) { return j.concurrency_key; }},
    {"concurrency_limit", "bigint", "1", false, [](const NewJob& j, Millis) { return std::to_string(j.concurrency_limit); }},
    {"tags", "text", nullptr, true,
     [](const NewJob& j, Millis) { return j.tags.empty() ? std::string() : tags_to_json(j.tags); }},
    {"retention_ms", "bigint", "0", false, [](const NewJob& j, Millis) { return std::to_string(j.retention_ms); }},
    {"schedule", "text", nullptr, true, [](const NewJob& j, Millis) { return j.schedule; }},
    {"scheduled_at", "bigint", nullptr, true,
     [](const NewJob& j, Millis) { return j.scheduled_at == 0 ? std::string() : std::to_string(j.scheduled_at); }},
    {"trace", "text", nullptr, true, [](const NewJob& j, Millis) { return j.trace; }},
    {"enqueued_at", "bigint", nullptr, false, [](const NewJob&, Millis now) { return std::to_string(now); }},
};

bool is_plain(const NewJob& job) noexcept { return job.unique_key.empty() && job.depends_on.empty() && job.batch == 0; }

}  // namespace

Statements::Connection::Query notify_query(const std::vector<std::string>& topics) {
  std::vector<std::optional<std::string_view>> views;
  for (const std::string& topic : topics) views.emplace_back(topic);
  Arguments arguments;
  arguments.push_back(array_argument(views));
  return {"SELECT pg_notify('spikard', t) FROM unnest($1::text[]) AS t", std::move(arguments)};
}

Statements::Async<Rows> Statements::q(std::string sql, Arguments arguments) {
  return c_.query(std::move(sql), std::move(arguments));
}

/// One statement for all: a column that is the same in each is one parameter, one that is as the table has it is none.
Statements::Connection::Query Statements::plain_query(const std::vector<NewJob>& jobs) {
  std::string names;
  std::string values;
  std::string unnested;
  std::string aliases;
  Arguments arguments;
  const std::size_t count = jobs.size();
  std::vector<std::string> texts(count);
  for (const Column& column : columns) {
    bool same = true;
    for (std::size_t i = 0; i < count; ++i) {
      texts[i] = column.value(jobs[i], now_);
      same = same && texts[i] == texts[0];
    }
    if (same && (column.usual != nullptr ? texts[0] == column.usual : column.nullable && texts[0].empty())) continue;
    names += names.empty() ? "" : ", ";
    names += column.name;
    values += values.empty() ? "" : ", ";
    const std::string placeholder = "$" + std::to_string(arguments.size() + 1);
    if (same) {
      values += placeholder + "::" + column.type;
      arguments.push_back(column.nullable ? argument(OrNull{texts[0]}) : text_argument(texts[0]));
      continue;
    }
    std::vector<std::optional<std::string_view>> views;
    views.reserve(count);
    for (const std::string& one : texts) {
      if (column.nullable && one.empty()) views.emplace_back(std::nullopt);
      else views.emplace_back(one);
    }
    arguments.push_back(array_argument(views));
    unnested += (unnested.empty() ? "" : ", ") + placeholder + "::text[]";
    values += std::string("u.") + column.name + "::" + column.type;
    aliases += std::string(column.name) + ", ";
  }
  std::string sql = "INSERT INTO spikard_tasks (" + names + ") ";
  if (count == 1) {
    sql += "VALUES (" + values + ")";
  } else if (unnested.empty()) {
    sql += "SELECT " + values + " FROM generate_series(1, " + std::to_string(count) + ")";
  } else {
    sql += "SELECT " + values + " FROM unnest(" + unnested + ") WITH ORDINALITY AS u(" + aliases + "place) ORDER BY u.place";
  }
  sql += " RETURNING id";
  for (const NewJob& job : jobs) news.queues.insert(job.queue);
  return {std::move(sql), std::move(arguments)};
}

bool Statements::is_plain(const EnqueueRequest& request) noexcept {
  return !request.jobs.empty() && !request.batch && !request.callback && request.origin.empty() &&
         std::all_of(request.jobs.begin(), request.jobs.end(), postgres::is_plain);
}

Statements::Async<EnqueueResult> Statements::enqueue_plain(const EnqueueRequest& request) {
  std::vector<Connection::Query> both;
  both.push_back(plain_query(request.jobs));
  both.push_back(notify_query(news.topics()));
  CO_LET(rows, c_.query_all(std::move(both)));
  EnqueueResult out;
  out.jobs.reserve(rows[0].size());
  for (std::size_t i = 0; i < rows[0].size(); ++i) out.jobs.push_back({number(rows[0].at(i, 0)), true});
  co_return std::move(out);
}

Statements::Async<JobId> Statements::insert(const NewJob& job, JobId batch, JobId callback_of) {
  const Millis run_at = job.run_at != 0 ? job.run_at : now_ + job.delay_ms;
  std::int64_t waits = callback_of != 0 ? 1 : 0;
  std::vector<JobId> wanted = job.depends_on;
  std::sort(wanted.begin(), wanted.end());  // locked in this order by everybody
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  std::vector<JobId> needed;
  std::string broken;
  for (const JobId needs : wanted) {
    CO_LET(found, q("SELECT state FROM spikard_tasks WHERE id = $1 AND (expires_at IS NULL OR expires_at > $2) FOR UPDATE",
                    args(needs, now_)));
    if (found.size() == 0) co_return no_such_job(needs);
    const JobState is = state(found.at(0, 0));
    if (is == JobState::completed) continue;
    if (has_ended(is)) broken = reason_of(needs, is);
    else needed.push_back(needs);
  }
  waits += static_cast<std::int64_t>(needed.size());
  const bool pending = waits != 0 || !broken.empty();
  const JobState is = pending ? JobState::pending : run_at > now_ ? JobState::scheduled : JobState::available;
  const std::string tags = job.tags.empty() ? std::string() : tags_to_json(job.tags);
  const std::string factor = digits(job.backoff.factor);
  const std::string jitter = digits(job.backoff.jitter);
  const auto or_null = [](std::int64_t v) { return v == 0 ? Argument() : integer_argument(v); };
  Arguments values = args(job.queue, job.task, job.args, name_of(is), job.priority, run_at, job.max_attempts,
                          job.backoff.initial_ms, factor, job.backoff.max_ms, jitter, job.timeout_ms, OrNull{job.unique_key},
                          OrNull{job.concurrency_key}, job.concurrency_limit, waits);
  values.push_back(or_null(batch));
  values.push_back(or_null(callback_of));
  values.push_back(argument(OrNull{tags}));
  values.push_back(integer_argument(job.retention_ms));
  values.push_back(argument(OrNull{job.schedule}));
  values.push_back(or_null(job.scheduled_at));
  values.push_back(argument(OrNull{job.trace}));
  values.push_back(integer_argument(now_));
  CO_LET(made, q("INSERT INTO spikard_tasks (queue, task, args, state, priority, run_at, max_attempts, backoff_initial_ms, "
                 "backoff_factor, backoff_max_ms, backoff_jitter, timeout_ms, unique_key, concurrency_key, concurrency_limit, "
                 "waits, batch, callback_of, tags, retention_ms, schedule, scheduled_at, trace, enqueued_at) VALUES ($1, $2, $3, "
                 "$4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24) "
                 "ON CONFLICT DO NOTHING RETURNING id",
                 std::move(values)));
  if (made.size() == 0) co_return JobId{0};  // its unique key is taken
  const JobId id = number(made.at(0, 0));
  for (const JobId needs : needed) {
    CO_TRY(c_.later("INSERT INTO spikard_task_dependencies (needs, job) VALUES ($1, $2)", args(needs, id)));
    CO_TRY(c_.later("UPDATE spikard_tasks SET dependants = dependants + 1 WHERE id = $1", args(needs)));
  }
  if (batch != 0) CO_TRY(c_.later("UPDATE spikard_task_batches SET total = total + 1 WHERE id = $1", args(batch)));
  if (!broken.empty()) CO_TRY(end(id, JobState::cancelled, broken, "dependency"));
  else if (!pending) news.queues.insert(job.queue);
  co_return id;
}

Statements::Async<EnqueueResult> Statements::enqueue(const EnqueueRequest& request) {
  EnqueueResult out;
  if (!request.origin.empty()) {
    CO_LET(noted, q("INSERT INTO spikard_task_origins (origin, job, at) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING",
                    args(request.origin, now_)));
    if (noted.affected == 0) {
      CO_LET(before, q("SELECT job FROM spikard_task_origins WHERE origin = $1", args(request.origin)));
      const JobId job = before.size() == 0 ? 0 : number(before.at(0, 0));
      out.jobs.assign(request.jobs.size(), Enqueued{job, false});
      co_return std::move(out);
    }
  }
  bool plain = !request.batch && !request.callback;
  for (const NewJob& job : request.jobs) {
    plain = plain && postgres::is_plain(job);
    if (job.batch == 0) continue;
    CO_LET(found, batch(job.batch, true));
    if (!found)
      co_return Error(ErrorKind::not_found, "there is no batch " + std::to_string(job.batch)).with_operation("tasks.enqueue");
    if (found->pending() == 0) co_return Error(ErrorKind::conflict, "the batch is done").with_operation("tasks.enqueue");
  }
  if (request.batch) {
    CO_LET(made, q("INSERT INTO spikard_task_batches DEFAULT VALUES RETURNING id"));
    out.batch = number(made.at(0, 0));
  }
  out.jobs.reserve(request.jobs.size());
  if (plain && !request.jobs.empty()) {
    Connection::Query insert_all = plain_query(request.jobs);
    CO_LET(made, q(std::move(insert_all.sql), std::move(insert_all.arguments)));
    for (std::size_t i = 0; i < made.size(); ++i) out.jobs.push_back({number(made.at(i, 0)), true});
  } else {
    for (const NewJob& job : request.jobs) {
      Enqueued one;
      // The job that has the key may end between the two statements: then it is free.
      for (int tries = 0; one.id == 0; ++tries) {
        CO_LET(id, insert(job, request.batch ? out.batch : job.batch, 0));
        if (id != 0) {
          one = {id, true};
          break;
        }
        CO_LET(other, q("SELECT id FROM spikard_tasks WHERE unique_key = $1 AND unique_key IS NOT NULL AND " SPIKARD_NOT_ENDED,
                        args(job.unique_key)));
        if (other.size() > 0) one = {number(other.at(0, 0)), false};
        else if (tries == 5) co_return Error(ErrorKind::conflict, "its unique key is taken and given free all the time");
      }
      out.jobs.push_back(one);
    }
  }
  if (request.callback) {
    CO_LET(id, insert(*request.callback, 0, out.batch));
    if (id == 0)
      co_return Error(ErrorKind::conflict, "a job that has not ended has the callback's unique key")
          .with_operation("tasks.enqueue");
    out.callback = id;
    CO_TRY(c_.later("UPDATE spikard_task_batches SET callback = $1 WHERE id = $2", args(id, out.batch)));
  }
  if (request.batch) CO_TRY(look_at_batch(out.batch));
  if (!request.origin.empty()) {
    CO_TRY(c_.later("UPDATE spikard_task_origins SET job = $2 WHERE origin = $1",
                    args(request.origin, out.jobs.empty() ? JobId{0} : out.jobs.front().id)));
  }
  co_return std::move(out);
}

namespace {
constexpr const char* due_sql =
    "UPDATE spikard_tasks SET state = 'available' WHERE id IN (SELECT id FROM spikard_tasks WHERE queue = $1 AND state IN "
    "('scheduled', 'retryable') AND run_at <= $2 ORDER BY run_at LIMIT 500 FOR UPDATE SKIP LOCKED)";
constexpr const char* lost_sql =
    "SELECT id, attempt, max_attempts, concurrency_key, queue FROM spikard_tasks WHERE queue = $1 AND state = 'running' AND "
    "lease_until <= $2 ORDER BY lease_until LIMIT 500 FOR UPDATE SKIP LOCKED";
constexpr const char* ready_sql =
    "SELECT " SPIKARD_JOB_COLUMNS
    " FROM spikard_tasks WHERE queue = $1 AND state = 'available' AND held = 0 ORDER BY priority DESC, run_at, id LIMIT $2 FOR "
    "UPDATE SKIP LOCKED";
}  // namespace

Statements::Async<ClaimResult> Statements::claim_plain(const ClaimRequest& request) {
  std::vector<Connection::Query> both;
  both.emplace_back(due_sql, args(request.queue, now_));
  both.emplace_back(
      "WITH ready AS (SELECT id, concurrency_key FROM spikard_tasks WHERE queue = $1 AND state = 'available' AND held = 0 ORDER "
      "BY "
      "priority DESC, run_at, id LIMIT $2 FOR UPDATE SKIP LOCKED), plain AS (SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM ready "
      "WHERE "
      "concurrency_key IS NOT NULL) AND NOT EXISTS (SELECT 1 FROM spikard_task_queues WHERE queue = $1 AND (paused <> 0 OR "
      "rate_count "
      "<> 0)) AND NOT EXISTS (SELECT 1 FROM spikard_tasks WHERE queue = $1 AND state = 'running' AND lease_until <= $3)) UPDATE "
      "spikard_tasks SET state = 'running', attempt = attempt + 1, lease = lease + 1, lease_until = $4, worker = $5, started_at "
      "= $3, "
      "progress = NULL FROM plain WHERE id IN (SELECT id FROM ready) RETURNING " SPIKARD_JOB_COLUMNS,
      args(request.queue, request.max, now_, now_ + request.lease_ms, request.worker));
  CO_LET(rows, c_.query_all(std::move(both)));
  ClaimResult out;
  for (std::size_t i = 0; i < rows[1].size(); ++i) out.jobs.push_back(read_job(rows[1], i));
  std::sort(out.jobs.begin(), out.jobs.end(), [](const Job& a, const Job& b) {
    return std::tuple(-std::int64_t{a.priority}, a.run_at, a.id) < std::tuple(-std::int64_t{b.priority}, b.run_at, b.id);
  });
  co_return std::move(out);
}

Statements::Async<ClaimResult> Statements::claim(const ClaimRequest& request) {
  ClaimResult out;
  std::vector<Connection::Query> first;
  first.emplace_back(due_sql, args(request.queue, now_));
  first.emplace_back(lost_sql, args(request.queue, now_));
  first.emplace_back(
      "SELECT paused, rate_count, rate_period_ms, rate_burst, rate_full_at_us FROM spikard_task_queues WHERE queue = $1",
      args(request.queue));
  first.emplace_back(ready_sql, args(request.queue, request.max));
  CO_LET(found, c_.query_all(std::move(first)));
  bool paused = false;
  RateLimit limit;
  RateState rate;
  const auto read_queue = [&](const Rows& rows) {
    if (rows.size() == 0) return;
    paused = number(rows.at(0, 0)) != 0;
    limit.count = static_cast<std::uint32_t>(number(rows.at(0, 1)));
    limit.period_ms = number(rows.at(0, 2));
    limit.burst = static_cast<std::uint32_t>(number(rows.at(0, 3)));
    rate.full_at_us = number(rows.at(0, 4));
  };
  read_queue(found[2]);
  Rows ready_rows = std::move(found[3]);
  if (found[1].size() > 0) {
    CO_TRY(sweep(request.queue));
    CO_LET(again, q(ready_sql, args(request.queue, request.max)));
    ready_rows = std::move(again);
  }
  if (!paused && limit.count != 0) {
    CO_LET(locked,
           q("SELECT paused, rate_count, rate_period_ms, rate_burst, rate_full_at_us FROM spikard_task_queues WHERE queue = "
             "$1 FOR UPDATE",
             args(request.queue)));
    read_queue(locked);
  }
  const std::uint32_t allowed = paused ? 0 : std::min(rate.allowed(limit, now_), request.max);
  bool more = allowed == 0;
  std::vector<std::int64_t> taken;
  std::unordered_map<std::string, std::int64_t> running;  // of the concurrency keys that were met
  // Held ones leave the index, so a pass that met some is followed by another one where places are left.
  for (bool again = allowed != 0; again;) {
    again = false;
    const std::size_t wanted = allowed - out.jobs.size();
    std::vector<Job> ready;
    for (std::size_t i = 0; i < ready_rows.size() && ready.size() < wanted; ++i) ready.push_back(read_job(ready_rows, i));
    more = ready_rows.size() >= wanted;
    std::set<std::string> keys;
    for (const Job& job : ready) {
      if (!job.concurrency_key.empty() && !running.contains(job.concurrency_key)) keys.insert(job.concurrency_key);
    }
    for (const std::string& key : keys) {
      CO_TRY(lock_key(key));
      CO_LET(count, q("SELECT count(*) FROM spikard_tasks WHERE concurrency_key = $1 AND state = 'running'", args(key)));
      running.emplace(key, number(count.at(0, 0)));
    }
    std::vector<std::int64_t> held;
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
    if (held.empty()) break;
    CO_TRY(q("UPDATE spikard_tasks SET held = 1 WHERE id = ANY($1::bigint[])", args(held)));
    again = more && out.jobs.size() < allowed;
    if (again) {
      if (!taken.empty()) {
        CO_TRY(
            c_.later("UPDATE spikard_tasks SET state = 'running', attempt = attempt + 1, lease = lease + 1, lease_until = $2, "
                     "worker = $3, started_at = $4, progress = NULL WHERE id = ANY($1::bigint[])",
                     args(taken, now_ + request.lease_ms, request.worker, now_)));
        taken.clear();
      }
      CO_LET(next, q(ready_sql, args(request.queue, allowed - out.jobs.size())));
      ready_rows = std::move(next);
    }
  }
  if (!taken.empty()) {
    CO_TRY(
        c_.later("UPDATE spikard_tasks SET state = 'running', attempt = attempt + 1, lease = lease + 1, lease_until = $2, "
                 "worker = $3, started_at = $4, progress = NULL WHERE id = ANY($1::bigint[])",
                 args(taken, now_ + request.lease_ms, request.worker, now_)));
  }
  if (limit.count != 0 && !out.jobs.empty()) {
    rate.take(limit, now_, static_cast<std::uint32_t>(out.jobs.size()));
    CO_TRY(
        c_.later("UPDATE spikard_task_queues SET rate_full_at_us = $1 WHERE queue = $2", args(rate.full_at_us, request.queue)));
  }
  if (!out.jobs.empty()) co_return std::move(out);  // who got some looks again at once
  const auto soonest = [&](Millis at) {
    if (at != 0) out.next_at = out.next_at == 0 ? at : std::min(out.next_at, at);
  };
  CO_LET(next,
         q("SELECT (SELECT min(run_at) FROM spikard_tasks WHERE queue = $1 AND state IN ('scheduled', 'retryable')), (SELECT "
           "min(lease_until) FROM spikard_tasks WHERE queue = $1 AND state = 'running'), EXISTS (SELECT 1 FROM spikard_tasks "
           "WHERE queue = $1 AND state = 'available' AND held = 0)::int",
           args(request.queue)));
  soonest(number(next.at(0, 0)));
  soonest(number(next.at(0, 1)));
  if (!paused && more && limit.count != 0 && number(next.at(0, 2)) != 0) soonest(std::max(rate.next(limit), now_ + 1));
  co_return std::move(out);
}

Statements::Async<void> Statements::sweep(const std::string& queue) {
  CO_LET(rows, q(lost_sql, args(queue, now_)));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const JobId id = number(rows.at(i, 0));
    if (number(rows.at(i, 1)) >= number(rows.at(i, 2))) {
      CO_TRY(c_.later("UPDATE spikard_tasks SET failures = failures + 1 WHERE id = $1", args(id)));
      CO_TRY(end(id, JobState::discarded, "the worker's lease ran out", "lease_lost"));
      continue;
    }
    CO_TRY(c_.later(
        "UPDATE spikard_tasks SET state = 'available', held = 0, failures = failures + 1, run_at = $1, lease_until = NULL, "
        "error = 'the worker''s lease ran out', error_code = 'lease_lost' WHERE id = $2",
        args(now_, id)));
    if (const std::string key = text(rows.at(i, 3)); !key.empty()) CO_TRY(let_out(key));
    news.queues.insert(queue);
  }
  CO_TRY(c_.later(due_sql, args(queue, now_)));
  co_return Result<void>();
}

Statements::Async<void> Statements::sweep_all() {
  CO_LET(rows, q("SELECT DISTINCT queue FROM spikard_tasks WHERE state = 'running' AND lease_until <= $1", args(now_)));
  for (std::size_t i = 0; i < rows.size(); ++i) CO_TRY(sweep(text(rows.at(i, 0))));
  co_return Result<void>();
}

Statements::Async<std::vector<JobId>> Statements::settle(const std::vector<Completion>& completions) {
  std::vector<JobId> lost;
  std::vector<std::int64_t> ids;
  std::vector<std::int64_t> leases;
  std::vector<std::optional<std::string_view>> results;
  for (const Completion& one : completions) {
    if (one.kind != Completion::Kind::completed) continue;
    ids.push_back(one.run.id);
    leases.push_back(static_cast<std::int64_t>(one.run.lease));
    if (one.result.empty()) results.emplace_back(std::nullopt);
    else results.emplace_back(one.result);
  }
  if (!ids.empty()) {
    Arguments values = args(ids, leases);
    values.push_back(array_argument(results));
    values.push_back(integer_argument(now_));
    values.push_back(integer_argument(options_.retention_ms));
    CO_LET(
        done,
        q("UPDATE spikard_tasks t SET state = 'completed', result = c.result, error = NULL, error_code = NULL, ended_at = "
          "$4::bigint, expires_at = $4::bigint + CASE retention_ms WHEN 0 THEN $5::bigint ELSE retention_ms END, lease_until = "
          "NULL FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS c(id, lease, result) WHERE t.id = c.id AND t.lease = "
          "c.lease AND t.state = 'running' RETURNING t.id, t.queue, t.batch, t.concurrency_key, t.dependants",
          std::move(values)));
    std::set<JobId> ended_ids;
    for (std::size_t i = 0; i < done.size(); ++i) {
      Ended ended;
      ended.id = number(done.at(i, 0));
      ended_ids.insert(ended.id);
      ended.queue = text(done.at(i, 1));
      ended.batch = number(done.at(i, 2));
      ended.key = text(done.at(i, 3));
      ended.has_dependants = number(done.at(i, 4)) != 0;
      ended.frees_key = true;
      news.ended = true;
      if (ended.batch != 0 || !ended.key.empty() || ended.has_dependants)
        CO_TRY(after_end(std::move(ended), JobState::completed));
    }
    std::vector<std::int64_t> missing;
    for (const JobId id : ids) {
      if (!ended_ids.contains(id)) missing.push_back(id);
    }
    if (!missing.empty()) {
      // Perhaps the handler completed it in the transaction of its own writes.
      CO_LET(
          before,
          q("UPDATE spikard_tasks t SET in_transaction = 0 FROM unnest($1::bigint[], $2::bigint[]) AS c(id, lease) WHERE t.id = "
            "c.id AND t.lease = c.lease AND t.state = 'completed' AND t.in_transaction = 1 RETURNING t.id",
            args(ids, leases)));
      std::set<JobId> known;
      for (std::size_t i = 0; i < before.size(); ++i) known.insert(number(before.at(i, 0)));
      for (const JobId id : missing) {
        if (!known.contains(id)) lost.push_back(id);
      }
    }
  }
  for (const Completion& one : completions) {
    if (one.kind == Completion::Kind::completed) continue;
    CO_LET(held, settle_one(one));
    if (!held) lost.push_back(one.run.id);
  }
  co_return std::move(lost);
}

Statements::Async<bool> Statements::settle_one(const Completion& one) {
  const auto lease = static_cast<std::int64_t>(one.run.lease);
  Rows rows;
  if (one.kind == Completion::Kind::discarded) {
    CO_LET(changed, q("UPDATE spikard_tasks SET attempt = $1, failures = $2 WHERE id = $3 AND lease = $4 AND state = 'running'",
                      args(one.attempt, one.failures, one.run.id, lease)));
    if (changed.affected == 0) co_return false;
    CO_TRY(end(one.run.id, JobState::discarded, one.error, one.error_code));
    co_return true;
  }
  if (one.kind == Completion::Kind::again) {
    const std::string_view next = one.after_ms > 0 ? "retryable" : "available";
    CO_LET(changed,
           q("UPDATE spikard_tasks SET state = $1, held = 0, attempt = $2, failures = $3, error = $4, error_code = $5, run_at = "
             "$6, lease_until = NULL WHERE id = $7 AND lease = $8 AND state = 'running' RETURNING queue, concurrency_key",
             args(next, one.attempt, one.failures, OrNull{one.error}, OrNull{one.error_code}, now_ + one.after_ms, one.run.id,
                  lease)));
    rows = std::move(changed);
  } else {
    CO_LET(changed,
           q("UPDATE spikard_tasks SET state = 'available', held = 0, attempt = $1, lease_until = NULL WHERE id = $2 AND lease = "
             "$3 AND state = 'running' RETURNING queue, concurrency_key",
             args(one.attempt, one.run.id, lease)));
    rows = std::move(changed);
  }
  if (rows.size() == 0) co_return false;
  if (const std::string key = text(rows.at(0, 1)); !key.empty()) CO_TRY(let_out(key));
  news.queues.insert(text(rows.at(0, 0)));
  co_return true;
}

Statements::Async<void> Statements::complete_in(const Run& run, const std::string& result) {
  Completion one;
  one.run = run;
  one.result = result;
  const std::vector<Completion> all{one};
  CO_LET(lost, settle(all));
  if (!lost.empty()) co_return lease_lost(run.id);
  CO_TRY(c_.later("UPDATE spikard_tasks SET in_transaction = 1 WHERE id = $1", args(run.id)));
  co_return Result<void>();
}

/// Ends a job that has not ended, and all that follows from it.
Statements::Async<void> Statements::end(JobId id, JobState to, std::string error, std::string code) {
  CO_LET(found,
         q("SELECT queue, batch, concurrency_key, dependants, state, held FROM spikard_tasks WHERE id = $1 AND " SPIKARD_NOT_ENDED
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
      c_.later("UPDATE spikard_tasks SET state = $1, held = 0, error = $2, error_code = $3, ended_at = $4::bigint, expires_at = "
               "$4::bigint + CASE retention_ms WHEN 0 THEN $5::bigint ELSE retention_ms END, lease_until = NULL WHERE id = $6",
               args(name_of(to), OrNull{error}, OrNull{code}, now_, options_.failed_retention_ms, id)));
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
      CO_LET(dependants, q("DELETE FROM spikard_task_dependencies WHERE needs = $1 RETURNING job", args(ended.id)));
      CO_TRY(c_.later("UPDATE spikard_tasks SET dependants = 0 WHERE id = $1", args(ended.id)));
      std::vector<JobId> ids;
      for (std::size_t i = 0; i < dependants.size(); ++i) ids.push_back(number(dependants.at(i, 0)));
      std::sort(ids.begin(), ids.end());
      for (const JobId dependant : ids) {
        if (is == JobState::completed) {
          CO_TRY(release(dependant));
          continue;
        }
        const std::string reason = reason_of(ended.id, is);
        CO_LET(cancelled,
               q("UPDATE spikard_tasks SET state = 'cancelled', error = $1, error_code = 'dependency', ended_at = $2::bigint, "
                 "expires_at = $2::bigint + CASE retention_ms WHEN 0 THEN $3::bigint ELSE retention_ms END WHERE id = $4 AND "
                 "state = 'pending' RETURNING queue, batch, dependants",
                 args(reason, now_, options_.failed_retention_ms, dependant)));
        if (cancelled.size() == 0) continue;
        Ended next;
        next.id = dependant;
        next.queue = text(cancelled.at(0, 0));
        next.batch = number(cancelled.at(0, 1));
        next.has_dependants = number(cancelled.at(0, 2)) != 0;
        steps.emplace_back(std::move(next), JobState::cancelled);
      }
    }
    if (ended.batch != 0) {
      CO_TRY(batch_changed(ended.batch, is, 1));
      CO_TRY(look_at_batch(ended.batch));
    }
  }
  co_return Result<void>();
}

Statements::Async<void> Statements::batch_changed(JobId id, JobState is, int by) {
  const std::string column(is == JobState::completed ? "completed" : is == JobState::cancelled ? "cancelled" : "discarded");
  CO_TRY(c_.later("UPDATE spikard_task_batches SET " + column + " = " + column + " + $1 WHERE id = $2", args(by, id)));
  co_return Result<void>();
}

/// One of the things a pending job waits for has come.
Statements::Async<void> Statements::release(JobId id) {
  CO_LET(rows,
         q("UPDATE spikard_tasks SET waits = greatest(waits - 1, 0), state = CASE WHEN waits > 1 THEN 'pending' WHEN run_at > "
           "$1::bigint THEN 'scheduled' ELSE 'available' END, run_at = CASE WHEN waits > 1 THEN run_at ELSE greatest(run_at, "
           "$1::bigint) END WHERE id = $2 AND state = 'pending' RETURNING queue, state",
           args(now_, id)));
  if (rows.size() > 0 && rows.at(0, 1) != "pending") news.queues.insert(text(rows.at(0, 0)));
  co_return Result<void>();
}

Statements::Async<void> Statements::look_at_batch(JobId id) {
  CO_LET(found, batch(id, true));
  if (!found || found->pending() != 0) co_return Result<void>();
  CO_TRY(
      c_.later("UPDATE spikard_task_batches SET expires_at = $1 WHERE id = $2", args(now_ + options_.failed_retention_ms, id)));
  if (found->callback != 0) CO_TRY(release(found->callback));
  co_return Result<void>();
}

/// Who counts the running ones of a key, and who ends one, come after each other.
Statements::Async<void> Statements::lock_key(const std::string& key) {
  CO_TRY(q("SELECT pg_advisory_xact_lock(hashtextextended($1, 7957695018201833333))", args(key)));
  co_return Result<void>();
}

/// The first of each queue: one that is paused, or has no worker, keeps no place from the others. Who finds none is held again.
Statements::Async<void> Statements::let_out(const std::string& key) {
  CO_TRY(lock_key(key));
  CO_LET(
      rows,
      q("UPDATE spikard_tasks SET held = 0 WHERE id IN (SELECT DISTINCT ON (queue) id FROM spikard_tasks WHERE concurrency_key = "
        "$1 AND state = 'available' AND held = 1 ORDER BY queue, priority DESC, run_at, id) RETURNING queue",
        args(key)));
  for (std::size_t i = 0; i < rows.size(); ++i) news.queues.insert(text(rows.at(i, 0)));
  co_return Result<void>();
}

namespace {
Arguments runs_of(const std::vector<Run>& runs) {
  std::vector<std::int64_t> ids;
  std::vector<std::int64_t> leases;
  for (const Run& run : runs) {
    ids.push_back(run.id);
    leases.push_back(static_cast<std::int64_t>(run.lease));
  }
  return args(ids, leases);
}
}  // namespace

Statements::Async<std::vector<JobId>> Statements::extend(const std::vector<Run>& runs, Millis lease_ms) {
  Arguments values = runs_of(runs);
  values.push_back(integer_argument(now_ + lease_ms));
  CO_LET(rows, q("UPDATE spikard_tasks t SET lease_until = $3::bigint FROM unnest($1::bigint[], $2::bigint[]) AS c(id, lease) "
                 "WHERE t.id = "
                 "c.id AND t.lease = c.lease AND t.state = 'running' RETURNING t.id",
                 std::move(values)));
  co_return without(runs, rows);
}

Statements::Async<std::vector<JobId>> Statements::lost(const std::vector<Run>& runs) {
  CO_LET(
      rows,
      q("SELECT t.id FROM spikard_tasks t JOIN unnest($1::bigint[], $2::bigint[]) AS c(id, lease) ON t.id = c.id AND t.lease = "
        "c.lease WHERE t.state = 'running'",
        runs_of(runs)));
  co_return without(runs, rows);
}

Statements::Async<void> Statements::progress(const Run& run, const std::string& json) {
  CO_LET(changed, q("UPDATE spikard_tasks SET progress = $1 WHERE id = $2 AND lease = $3 AND state = 'running'",
                    args(json, run.id, static_cast<std::int64_t>(run.lease))));
  if (changed.affected != 0) co_return Result<void>();
  CO_LET(found, q("SELECT 1 FROM spikard_tasks WHERE id = $1", args(run.id)));
  if (found.size() == 0) co_return no_such_job(run.id);
  co_return lease_lost(run.id);
}

Statements::Async<bool> Statements::cancel(JobId id, const std::string& reason) {
  CO_LET(found, q("SELECT state FROM spikard_tasks WHERE id = $1 AND (expires_at IS NULL OR expires_at > $2) FOR UPDATE",
                  args(id, now_)));
  if (found.size() == 0) co_return no_such_job(id);
  if (has_ended(state(found.at(0, 0)))) co_return false;
  CO_TRY(end(id, JobState::cancelled, reason, {}));
  co_return true;
}

Statements::Async<bool> Statements::retry(JobId id) {
  CO_LET(found,
         q("SELECT state, queue, batch FROM spikard_tasks WHERE id = $1 AND (expires_at IS NULL OR expires_at > $2) FOR UPDATE",
           args(id, now_)));
  if (found.size() == 0) co_return no_such_job(id);
  const JobState was = state(found.at(0, 0));
  const std::string queue = text(found.at(0, 1));
  const JobId of_batch = number(found.at(0, 2));
  if (!has_ended(was)) co_return false;
  auto changed = co_await q(
      "UPDATE spikard_tasks SET state = 'available', held = 0, waits = 0, run_at = $1, ended_at = NULL, expires_at = NULL, "
      "result = NULL, "
      "max_attempts = greatest(max_attempts, attempt + 1) WHERE id = $2",
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
  CO_TRY(c_.later(
      "DELETE FROM spikard_tasks WHERE id IN (SELECT id FROM spikard_tasks WHERE expires_at IS NOT NULL AND expires_at <= $1 "
      "LIMIT $2 FOR UPDATE SKIP LOCKED)",
      args(now_, at_once)));
  CO_TRY(c_.later(
      "DELETE FROM spikard_task_batches WHERE id IN (SELECT id FROM spikard_task_batches WHERE expires_at <= $1 AND total = "
      "completed + cancelled + discarded LIMIT $2 FOR UPDATE SKIP LOCKED)",
      args(now_, at_once)));
  CO_TRY(c_.later(
      "DELETE FROM spikard_task_origins WHERE origin IN (SELECT origin FROM spikard_task_origins WHERE at <= $1 LIMIT $2 FOR "
      "UPDATE SKIP LOCKED)",
      args(now_ - origin_kept_ms, at_once)));
  co_return Result<void>();
}

Statements::Async<std::optional<Job>> Statements::job(JobId id, bool& stale) {
  CO_LET(rows, q("SELECT " SPIKARD_JOB_COLUMNS " FROM spikard_tasks WHERE id = $1 AND (expires_at IS NULL OR expires_at > $2)",
                 args(id, now_)));
  if (rows.size() == 0) co_return std::optional<Job>();
  Job found = read_job(rows, 0);
  stale = found.state == JobState::running && found.lease_until <= now_;
  if ((found.state == JobState::scheduled || found.state == JobState::retryable) && found.run_at <= now_)
    found.state = JobState::available;
  co_return std::optional<Job>(std::move(found));
}

Statements::Async<std::vector<Job>> Statements::list(const JobFilter& filter) {
  std::string sql = "SELECT " SPIKARD_JOB_COLUMNS " FROM spikard_tasks WHERE id > $1 AND (expires_at IS NULL OR expires_at > $2)";
  Arguments values = args(filter.after, now_);
  const auto add = [&](const char* what, Argument value) {
    values.push_back(std::move(value));
    sql += std::string(" AND ") + what + " = $" + std::to_string(values.size());
  };
  if (!filter.queue.empty()) add("queue", argument(filter.queue));
  if (!filter.task.empty()) add("task", argument(filter.task));
  if (!filter.schedule.empty()) add("schedule", argument(filter.schedule));
  if (filter.batch != 0) add("batch", argument(filter.batch));
  if (filter.state == JobState::available) {
    sql += " AND (state = 'available' OR (state IN ('scheduled', 'retryable') AND run_at <= $2))";
  } else if (filter.state) {
    add("state", argument(name_of(*filter.state)));
    if (filter.state == JobState::scheduled || filter.state == JobState::retryable) sql += " AND run_at > $2";
  }
  values.push_back(argument(filter.limit));
  sql += " ORDER BY id LIMIT $" + std::to_string(values.size());
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
      "SELECT queue, CASE WHEN state IN ('scheduled', 'retryable') AND run_at <= $1 THEN 'available' ELSE state END AS shown, "
      "count(*) "
      "FROM spikard_tasks WHERE expires_at IS NULL OR expires_at > $1 GROUP BY 1, 2",
      args(now_));
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
  CO_LET(rows, q("SELECT (SELECT count(*) FROM spikard_tasks WHERE queue = $1 AND state = 'available') + (SELECT count(*) FROM "
                 "spikard_tasks WHERE queue = $1 AND state IN ('scheduled', 'retryable')) + (SELECT count(*) FROM spikard_tasks "
                 "WHERE queue "
                 "= $1 AND state = 'pending') + (SELECT count(*) FROM spikard_tasks WHERE queue = $1 AND state = 'running' AND "
                 "lease_until "
                 "<= $2 AND attempt < max_attempts)",
                 args(queue, now_)));
  co_return static_cast<std::uint64_t>(number(rows.at(0, 0)));
}

Statements::Async<std::optional<Batch>> Statements::batch(JobId id, bool locked) {
  std::string sql = "SELECT id, total, completed, cancelled, discarded, callback FROM spikard_task_batches WHERE id = $1";
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

Statements::Async<std::vector<Schedule>> Statements::schedules() {
  CO_LET(rows, q(std::string(schedule_columns) + "ORDER BY name COLLATE \"C\""));
  std::vector<Schedule> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(read_schedule(rows, i));
  co_return std::move(out);
}

Statements::Async<Schedule> Statements::put_schedule(const Schedule& schedule) {
  CO_TRY(
      q("INSERT INTO spikard_task_schedules AS s (name, cron, timezone, queue, task, args, priority, max_attempts, timeout_ms, "
        "misfire, "
        "overlap, declared, next_at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT "
        "(name) DO "
        "UPDATE SET next_at = CASE WHEN s.cron = excluded.cron AND s.timezone = excluded.timezone THEN s.next_at ELSE "
        "excluded.next_at "
        "END, cron = excluded.cron, timezone = excluded.timezone, queue = excluded.queue, task = excluded.task, args = "
        "excluded.args, "
        "priority = excluded.priority, max_attempts = excluded.max_attempts, timeout_ms = excluded.timeout_ms, misfire = "
        "excluded.misfire, overlap = excluded.overlap, declared = excluded.declared, version = greatest(s.version + 1, "
        "excluded.version)",
        args(schedule.name, schedule.cron, schedule.timezone, schedule.queue, schedule.task, schedule.args, schedule.priority,
             schedule.max_attempts, schedule.timeout_ms, name_of(schedule.misfire), name_of(schedule.overlap),
             schedule.declared ? 1 : 0, schedule.next_at, now_)));
  news.schedules = true;
  CO_LET(rows, q(std::string(schedule_columns) + "WHERE name = $1", args(schedule.name)));
  if (rows.size() == 0) co_return internal_error("the schedule is not there");
  co_return read_schedule(rows, 0);
}

Statements::Async<bool> Statements::remove_schedule(const std::string& name) {
  CO_LET(removed, q("DELETE FROM spikard_task_schedules WHERE name = $1", args(name)));
  news.schedules = removed.affected != 0;
  co_return removed.affected != 0;
}

Statements::Async<void> Statements::pause(const std::string& queue, bool paused) {
  CO_TRY(
      q("INSERT INTO spikard_task_queues (queue, paused) VALUES ($1, $2) ON CONFLICT (queue) DO UPDATE SET paused = "
        "excluded.paused",
        args(queue, paused ? 1 : 0)));
  if (!paused) news.queues.insert(queue);
  co_return Result<void>();
}

Statements::Async<void> Statements::set_rate_limit(const std::string& queue, const RateLimit& limit) {
  CO_TRY(q(
      "INSERT INTO spikard_task_queues (queue, rate_count, rate_period_ms, rate_burst) VALUES ($1, $2, $3, $4) ON CONFLICT "
      "(queue) DO "
      "UPDATE SET rate_count = excluded.rate_count, rate_period_ms = excluded.rate_period_ms, rate_burst = excluded.rate_burst, "
      "rate_full_at_us = 0",
      args(queue, limit.count, limit.period_ms, limit.burst)));
  news.queues.insert(queue);
  co_return Result<void>();
}

Statements::Async<FireResult> Statements::fire(const FireRequest& request) {
  FireResult out;
  CO_LET(found, q("SELECT last_job FROM spikard_task_schedules WHERE name = $1 AND version = $2 AND next_at = $3 FOR UPDATE",
                  args(request.name, static_cast<std::int64_t>(request.version), request.expected_next)));
  if (found.size() == 0) co_return std::move(out);
  out.ours = true;
  JobId last_job = number(found.at(0, 0));
  Millis last_at = 0;
  for (const NewJob& job : request.jobs) {
    if (request.forbid_overlap && last_job != 0) {
      CO_LET(running, q("SELECT 1 FROM spikard_tasks WHERE id = $1 AND " SPIKARD_NOT_ENDED, args(last_job)));
      if (running.size() > 0) continue;
    }
    CO_LET(id, insert(job, 0, 0));
    last_job = id;
    last_at = job.scheduled_at;
    out.jobs.push_back(id);
  }
  CO_TRY(c_.later(
      "UPDATE spikard_task_schedules SET next_at = $1, last_job = $2, last_at = CASE $3::bigint WHEN 0 THEN last_at ELSE "
      "$3::bigint END WHERE name = $4",
      args(request.new_next, last_job, last_at, request.name)));
  co_return std::move(out);
}

#undef CO_LET
#undef CO_TRY

}  // namespace spikard::tasks::postgres
