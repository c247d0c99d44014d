#include "tasks/job_json.hpp"

#include <algorithm>
#include <cmath>

#include "base/json.hpp"
#include "base/tz.hpp"

namespace spikard::tasks {
namespace {

constexpr std::int64_t furthest = 253'402'300'799'999;

}  // namespace

Members::Members(Value object, std::string where) : object_(object), where_(std::move(where)) {
  if (!object_.is_object()) {
    problem_ = invalid_argument((where_.empty() ? std::string("arguments") : where_) + ": an object is expected");
    object_ = Value();
  }
}

void Members::wrong(std::string_view name, std::string_view expected) {
  if (!problem_) problem_ = invalid_argument(where_ + std::string(name) + ": " + std::string(expected));
}

Value Members::any(std::string_view name) {
  known_.push_back(name);
  if (!object_.exists()) return {};
  const Value found = object_.find(name);
  return found.is_null() ? Value() : found;
}

std::string Members::text(std::string_view name, std::string_view otherwise, std::size_t shortest, std::size_t longest) {
  const Value v = any(name);
  if (v.exists() && !v.is_string()) {
    wrong(name, "text is expected");
    return {};
  }
  std::string out(v.exists() ? v.text() : otherwise);
  if (out.size() < shortest || out.size() > longest) {
    if (shortest == 0) wrong(name, std::to_string(longest) + " bytes at most are expected");
    else wrong(name, std::to_string(shortest) + " to " + std::to_string(longest) + " bytes are expected");
  }
  return out;
}

std::int64_t Members::integer(std::string_view name, std::int64_t otherwise, std::int64_t low, std::int64_t high) {
  const Value v = any(name);
  if (!v.exists()) return otherwise;
  if (v.is(NodeType::integer) && v.as_int() >= low && v.as_int() <= high) return v.as_int();
  // The range first: outside of it the cast means nothing. 2^63 is the double of INT64_MAX.
  if (v.is(NodeType::number) && v.node().f >= static_cast<double>(low) && v.node().f <= static_cast<double>(high) &&
      v.node().f < 0x1p63 && v.node().f == static_cast<double>(static_cast<std::int64_t>(v.node().f)))
    return static_cast<std::int64_t>(v.node().f);
  wrong(name, "a whole number from " + std::to_string(low) + " to " + std::to_string(high) + " is expected");
  return otherwise;
}

double Members::number(std::string_view name, double otherwise) {
  const Value v = any(name);
  if (!v.exists()) return otherwise;
  if (v.node().is_number()) return v.as_double();
  wrong(name, "a number is expected");
  return otherwise;
}

Millis Members::instant(std::string_view name) {
  const Value v = any(name);
  if (!v.exists()) return 0;
  if (v.is(NodeType::integer) && v.as_int() >= 0 && v.as_int() <= furthest) return v.as_int();
  if (v.is_string()) {
    if (const auto at = parse_rfc3339_ms(v.text()); at && *at >= 0) return *at;
  }
  wrong(name, "an instant is expected: RFC 3339 text or ms since the epoch");
  return 0;
}

std::string Members::json(std::string_view name) {
  const Value v = any(name);
  return v.exists() ? json::to_string(v) : std::string("null");
}

std::vector<std::string> Members::texts(std::string_view name) {
  const Value v = any(name);
  std::vector<std::string> out;
  if (!v.exists()) return out;
  if (!v.is_array()) {
    wrong(name, "an array of texts is expected");
    return out;
  }
  for (const Value one : v.elements()) {
    if (one.is_string()) out.emplace_back(one.text());
    else wrong(name, "an array of texts is expected");
  }
  return out;
}

JobId Members::id(std::string_view name) {
  const Value v = any(name);
  if (!v.exists()) return 0;
  if (v.is(NodeType::integer) && v.as_int() > 0) return v.as_int();
  if (v.is_string() && v.text().empty()) return 0;
  // Any other text is an id that does not exist.
  if (v.is_string()) return id_from_text(v.text()).value_or(-1);
  wrong(name, "an id is expected");
  return 0;
}

Result<void> Members::finish() {
  if (problem_) return *problem_;
  if (object_.exists()) {
    for (const auto& [name, value] : object_.members()) {
      if (std::find(known_.begin(), known_.end(), name) == known_.end())
        return invalid_argument(where_ + std::string(name) + ": not known");
    }
  }
  return {};
}

Result<NewJob> new_job_from_nodes(Value object, std::string where, bool stored, std::uint64_t* transaction) {
  Members in(object, where);
  NewJob job;
  job.queue = in.text("queue", "default", 1, 255);
  job.task = in.text("task", "", 1, 255);
  job.args = in.json("args");
  job.args_are_json = true;
  job.delay_ms = in.integer("delay_ms", 0, 0, furthest);
  job.run_at = in.instant("run_at");
  if (job.run_at != 0 && job.delay_ms != 0) in.wrong("run_at", "not together with delay_ms");
  job.priority = static_cast<std::int32_t>(in.integer("priority", 0, INT32_MIN, INT32_MAX));
  job.max_attempts = static_cast<std::uint32_t>(in.integer("max_attempts", 5, 1, 1'000'000));
  if (const Value backoff = in.any("backoff"); backoff.exists()) {
    Members of(backoff, where + "backoff.");
    job.backoff.initial_ms = of.integer("initial_ms", 1000, 0, furthest);
    job.backoff.factor = of.number("factor", 2.0);
    job.backoff.max_ms = of.integer("max_ms", 300'000, 0, furthest);
    job.backoff.jitter = of.number("jitter_percent", 0.0) / 100;
    if (!(job.backoff.factor >= 1.0)) of.wrong("factor", "at least 1 is expected");
    if (!(job.backoff.jitter >= 0.0 && job.backoff.jitter <= 1.0)) of.wrong("jitter_percent", "0 to 100 is expected");
    if (Result<void> good = of.finish(); !good.ok()) return std::move(good).error();
  }
  job.timeout_ms = in.integer("timeout_ms", 0, 0, furthest);
  job.unique_key = in.text("unique_key", "", 0, 1024);
  job.concurrency_key = in.text("concurrency_key", "", 0, 1024);
  job.concurrency_limit = static_cast<std::uint32_t>(in.integer("concurrency_limit", 1, 1, UINT32_MAX));
  for (const std::string& id : in.texts("depends_on")) job.depends_on.push_back(id_from_text(id).value_or(-1));
  job.batch = in.id("batch");
  job.tags = in.texts("tags");
  job.retention_ms = in.integer("retention_ms", 0, 0, furthest);
  if (stored) job.trace = in.text("trace"), job.origin = in.text("origin");
  if (transaction != nullptr) *transaction = static_cast<std::uint64_t>(in.integer("transaction", 0, 1, INT64_MAX));
  if (Result<void> good = in.finish(); !good.ok()) return std::move(good).error();
  return job;
}

std::string new_job_to_json(const NewJob& job) {
  std::string out;
  json::Writer w(out);
  w.begin_object();
  w.key("queue"), w.string(job.queue);
  w.key("task"), w.string(job.task);
  w.key("args"), w.raw(job.args);
  w.key("delay_ms"), w.integer(job.delay_ms);
  if (job.run_at != 0) w.key("run_at"), w.integer(job.run_at);
  w.key("priority"), w.integer(job.priority);
  w.key("max_attempts"), w.integer(job.max_attempts);
  w.key("backoff"), w.begin_object();
  w.key("initial_ms"), w.integer(job.backoff.initial_ms);
  w.key("factor"), w.number(job.backoff.factor);
  w.key("max_ms"), w.integer(job.backoff.max_ms);
  // To a millionth: what is read is written again as it was.
  w.key("jitter_percent"), w.number(std::round(job.backoff.jitter * 1e8) / 1e6);
  w.end_object();
  w.key("timeout_ms"), w.integer(job.timeout_ms);
  w.key("unique_key"), w.string(job.unique_key);
  w.key("concurrency_key"), w.string(job.concurrency_key);
  w.key("concurrency_limit"), w.integer(job.concurrency_limit);
  w.key("depends_on"), w.begin_array();
  for (const JobId id : job.depends_on) w.string(id_to_text(id));
  w.end_array();
  if (job.batch != 0) w.key("batch"), w.string(id_to_text(job.batch));
  w.key("tags"), w.raw(tags_to_json(job.tags));
  w.key("retention_ms"), w.integer(job.retention_ms);
  w.key("trace"), w.string(job.trace);
  if (!job.origin.empty()) w.key("origin"), w.string(job.origin);
  w.end_object();
  return out;
}

std::string tags_to_json(const std::vector<std::string>& tags) {
  std::string out;
  json::Writer w(out);
  w.begin_array();
  for (const std::string& tag : tags) w.string(tag);
  w.end_array();
  return out;
}

std::vector<std::string> tags_from_json(std::string_view text) {
  std::vector<std::string> out;
  const Result<Document> document = json::parse(text);
  if (!document.ok() || !document->root().is_array()) return out;
  for (const Value one : document->root().elements()) {
    if (one.is_string()) out.emplace_back(one.text());
  }
  return out;
}

namespace {

void member(NodeBuilder& out, std::string_view name, std::string_view text) {
  out.key(name);
  out.string(text);
}
void member(NodeBuilder& out, std::string_view name, std::int64_t v) {
  out.key(name);
  out.integer(v);
}
void text_or_null(NodeBuilder& out, std::string_view name, std::string_view text) {
  out.key(name);
  if (text.empty()) out.null();
  else out.string(text);
}
void instant_or_null(NodeBuilder& out, std::string_view name, Millis at) {
  out.key(name);
  if (at == 0) out.null();
  else out.integer(at);
}
void id_or_null(NodeBuilder& out, std::string_view name, JobId id) {
  out.key(name);
  if (id == 0) out.null();
  else out.string(id_to_text(id));
}
void json_or_null(NodeBuilder& out, std::string_view name, std::string_view text) {
  out.key(name);
  Result<Document> document = text.empty() ? Result<Document>(invalid_argument("")) : json::parse(text);
  if (document.ok()) out.copy(document->root());
  else if (text.empty()) out.null();
  else out.string(text);  // plain SQL has put something else there
}

}  // namespace

void put(NodeBuilder& out, const Job& job) {
  out.begin_object();
  member(out, "id", id_to_text(job.id));
  member(out, "queue", job.queue);
  member(out, "task", job.task);
  json_or_null(out, "args", job.args);
  member(out, "state", name_of(job.state));
  member(out, "priority", job.priority);
  member(out, "attempt", std::int64_t{job.attempt});
  member(out, "max_attempts", std::int64_t{job.max_attempts});
  member(out, "run_at", job.run_at);
  member(out, "enqueued_at", job.enqueued_at);
  instant_or_null(out, "started_at", job.started_at);
  instant_or_null(out, "ended_at", job.ended_at);
  instant_or_null(out, "scheduled_at", job.scheduled_at);
  text_or_null(out, "schedule", job.schedule);
  text_or_null(out, "worker", job.state == JobState::running ? std::string_view(job.worker) : std::string_view());
  text_or_null(out, "unique_key", job.unique_key);
  text_or_null(out, "concurrency_key", job.concurrency_key);
  id_or_null(out, "batch", job.batch);
  id_or_null(out, "batch_done", job.callback_of);
  out.key("tags");
  out.begin_array();
  for (const std::string& tag : job.tags) out.string(tag);
  out.end();
  json_or_null(out, "progress", job.progress);
  json_or_null(out, "result", job.result);
  text_or_null(out, "error", job.error);
  text_or_null(out, "error_code", job.error_code);
  out.end();
}

void put(NodeBuilder& out, const Enqueued& enqueued) {
  out.begin_object();
  member(out, "id", enqueued.id == 0 ? std::string() : id_to_text(enqueued.id));
  out.key("created");
  out.boolean(enqueued.created);
  out.end();
}

void put(NodeBuilder& out, const QueueStats& stats) {
  out.begin_object();
  member(out, "queue", stats.queue);
  out.key("paused");
  out.boolean(stats.paused);
  out.key("rate_limit");
  if (stats.rate_limit.count == 0) {
    out.null();
  } else {
    out.begin_object();
    member(out, "count", std::int64_t{stats.rate_limit.count});
    member(out, "period_ms", stats.rate_limit.period_ms);
    member(out, "burst", std::int64_t{stats.rate_limit.burst != 0 ? stats.rate_limit.burst : stats.rate_limit.count});
    out.end();
  }
  for (std::size_t i = 0; i < 8; ++i)
    member(out, name_of(static_cast<JobState>(i)), static_cast<std::int64_t>(stats.by_state[i]));
  out.end();
}

void put(NodeBuilder& out, const Schedule& schedule) {
  out.begin_object();
  member(out, "name", schedule.name);
  member(out, "cron", schedule.cron);
  member(out, "timezone", schedule.timezone);
  member(out, "queue", schedule.queue);
  member(out, "task", schedule.task);
  json_or_null(out, "args", schedule.args);
  member(out, "priority", schedule.priority);
  member(out, "max_attempts", std::int64_t{schedule.max_attempts});
  member(out, "timeout_ms", schedule.timeout_ms);
  member(out, "misfire", name_of(schedule.misfire));
  member(out, "overlap", name_of(schedule.overlap));
  instant_or_null(out, "next", schedule.next_at);
  instant_or_null(out, "last", schedule.last_at);
  out.end();
}

std::string_view name_of(Misfire misfire) noexcept {
  switch (misfire) {
    case Misfire::skip: return "skip";
    case Misfire::once: return "once";
    case Misfire::all: return "all";
  }
  return "";
}
std::string_view name_of(Overlap overlap) noexcept { return overlap == Overlap::allow ? "allow" : "forbid"; }

std::optional<Misfire> misfire_from(std::string_view name) noexcept {
  for (const Misfire one : {Misfire::skip, Misfire::once, Misfire::all}) {
    if (name_of(one) == name) return one;
  }
  return std::nullopt;
}
std::optional<Overlap> overlap_from(std::string_view name) noexcept {
  for (const Overlap one : {Overlap::allow, Overlap::forbid}) {
    if (name_of(one) == name) return one;
  }
  return std::nullopt;
}

}  // namespace spikard::tasks
