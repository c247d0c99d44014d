#include "tasks/redis/record.hpp"

#include <algorithm>
#include <array>

#include "base/json.hpp"

namespace spikard::tasks::redis {
namespace {

using net::redis::View;

template <class T>
T number(std::string_view text) noexcept {
  T out{};
  (void)std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

struct Field {
  std::string_view name;
  void (*set)(Job& job, std::string_view text);
};
#define SPIKARD_TEXT(member) {#member, [](Job& job, std::string_view text) { job.member = text; }}
#define SPIKARD_NUMBER(member) {#member, [](Job& job, std::string_view text) { job.member = number<decltype(job.member)>(text); }}
#define SPIKARD_BACKOFF(member) \
  {"backoff_" #member, [](Job& job, std::string_view text) { job.backoff.member = number<decltype(job.backoff.member)>(text); }}
constexpr Field fields[] = {
    // in the order of their names
    SPIKARD_TEXT(args),
    SPIKARD_NUMBER(attempt),
    SPIKARD_BACKOFF(factor),
    SPIKARD_BACKOFF(initial_ms),
    SPIKARD_BACKOFF(jitter),
    SPIKARD_BACKOFF(max_ms),
    SPIKARD_NUMBER(batch),
    SPIKARD_NUMBER(callback_of),
    SPIKARD_TEXT(concurrency_key),
    SPIKARD_NUMBER(concurrency_limit),
    SPIKARD_NUMBER(ended_at),
    SPIKARD_NUMBER(enqueued_at),
    SPIKARD_TEXT(error),
    SPIKARD_TEXT(error_code),
    SPIKARD_NUMBER(expires_at),
    SPIKARD_NUMBER(failures),
    SPIKARD_NUMBER(id),
    SPIKARD_NUMBER(lease),
    SPIKARD_NUMBER(lease_until),
    SPIKARD_NUMBER(max_attempts),
    SPIKARD_NUMBER(priority),
    SPIKARD_TEXT(progress),
    SPIKARD_TEXT(result),
    SPIKARD_NUMBER(retention_ms),
    SPIKARD_NUMBER(run_at),
    SPIKARD_TEXT(schedule),
    SPIKARD_NUMBER(scheduled_at),
    SPIKARD_NUMBER(started_at),
    {"state", [](Job& job, std::string_view text) { job.state = job_state_from(text).value_or(JobState::pending); }},
    {"tags", [](Job& job, std::string_view text) { job.tags = tags_from_json(text); }},
    SPIKARD_TEXT(task),
    SPIKARD_NUMBER(timeout_ms),
    SPIKARD_TEXT(trace),
    SPIKARD_TEXT(unique_key),
    SPIKARD_TEXT(worker),
};
#undef SPIKARD_TEXT
#undef SPIKARD_NUMBER
#undef SPIKARD_BACKOFF
static_assert(std::is_sorted(std::begin(fields), std::end(fields),
                             [](const Field& a, const Field& b) { return a.name < b.name; }));

Error corrupt(const char* what) {
  return Error(ErrorKind::corrupt, std::string(what) + " is none of ours").with_operation("tasks.redis");
}

}  // namespace

std::optional<Job> read_job(View all, std::string_view queue) {
  if (all.size() == 0 || all.size() % 2 != 0) return std::nullopt;
  std::optional<Job> out(std::in_place);
  Job& job = *out;
  job.queue = queue;
  job.args = NewJob().args;
  for (auto at = all.begin(); at != all.end(); ++at) {
    const std::string_view name = (*at).text();
    ++at;
    const Field* found = std::lower_bound(std::begin(fields), std::end(fields), name,
                                          [](const Field& a, std::string_view b) { return a.name < b; });
    if (found != std::end(fields) && found->name == name) found->set(job, (*at).text());
  }
  job.max_attempts = std::max(job.max_attempts, 1U);
  if (job.state != JobState::running) job.lease_until = 0;
  return out;
}

std::string to_record(const Schedule& schedule) {
  std::string out;
  json::Writer w(out);
  w.begin_object();
  w.key("cron"), w.string(schedule.cron);
  w.key("timezone"), w.string(schedule.timezone);
  w.key("queue"), w.string(schedule.queue);
  w.key("task"), w.string(schedule.task);
  w.key("args"), w.raw(schedule.args);
  w.key("priority"), w.integer(schedule.priority);
  w.key("max_attempts"), w.integer(schedule.max_attempts);
  w.key("timeout_ms"), w.integer(schedule.timeout_ms);
  w.key("misfire"), w.string(name_of(schedule.misfire));
  w.key("overlap"), w.string(name_of(schedule.overlap));
  w.key("declared"), w.boolean(schedule.declared);
  w.key("next_at"), w.integer(schedule.next_at);
  w.key("last_at"), w.integer(schedule.last_at);
  w.key("last_job"), w.string(id_to_text(schedule.last_job));
  w.key("version"), w.integer(static_cast<std::int64_t>(schedule.version));
  w.end_object();
  return out;
}

Result<Schedule> schedule_from_record(std::string_view name, std::string_view record) {
  const Result<Document> document = json::parse(record);
  if (!document.ok() || !document->root().is_object()) return corrupt("the record of a schedule");
  Members in(document->root());
  Schedule out;
  out.name = name;
  out.cron = in.text("cron");
  out.timezone = in.text("timezone");
  out.queue = in.text("queue");
  out.task = in.text("task");
  out.args = in.json("args");
  out.priority = static_cast<std::int32_t>(in.integer("priority", 0, INT32_MIN, INT32_MAX));
  out.max_attempts = static_cast<std::uint32_t>(in.integer("max_attempts", 5, 1, UINT32_MAX));
  out.timeout_ms = in.integer("timeout_ms", 0, 0, INT64_MAX);
  out.misfire = misfire_from(in.text("misfire")).value_or(Misfire::once);
  out.overlap = overlap_from(in.text("overlap")).value_or(Overlap::allow);
  if (const Value declared = in.any("declared"); declared.exists())
    out.declared = declared.is(NodeType::boolean) && declared.as_bool();
  out.next_at = in.integer("next_at", 0, 0, INT64_MAX);
  out.last_at = in.integer("last_at", 0, 0, INT64_MAX);
  out.last_job = id_from_text(in.text("last_job")).value_or(0);
  out.version = static_cast<std::uint64_t>(in.integer("version", 0, 0, INT64_MAX));
  if (!in.finish().ok() || out.cron.empty() || out.task.empty() || out.queue.empty()) return corrupt("the record of a schedule");
  return out;
}

std::string to_record(const Owed& owed) {
  std::string out;
  json::Writer w(out);
  w.begin_object();
  w.key("id"), w.string(id_to_text(owed.id));
  w.key("schedule"), w.string(owed.job.schedule);
  w.key("scheduled_at"), w.integer(owed.job.scheduled_at);
  w.key("job"), w.raw(new_job_to_json(owed.job));
  w.end_object();
  return out;
}

Result<Owed> owed_from_record(std::string_view record) {
  const Result<Document> document = json::parse(record);
  if (!document.ok() || !document->root().is_object()) return corrupt("what a schedule owes");
  Members in(document->root());
  Result<NewJob> job = new_job_from_nodes(in.any("job"), "job.", true);
  Owed out;
  out.id = id_from_text(in.text("id")).value_or(0);
  const std::string schedule = in.text("schedule");
  const Millis scheduled_at = in.integer("scheduled_at", 0, 0, INT64_MAX);
  if (!job.ok() || !in.finish().ok() || out.id == 0) return corrupt("what a schedule owes");
  out.job = std::move(*job);
  out.job.schedule = schedule;
  out.job.scheduled_at = scheduled_at;
  return out;
}

}  // namespace spikard::tasks::redis
