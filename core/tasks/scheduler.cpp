#include "tasks/scheduler.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "net/await.hpp"

namespace spikard::tasks {
namespace {

constexpr Millis late_ms = 60'000;
constexpr std::size_t fired_at_once = 500;
// A time that came just before this scheduler may be in another one's hands: it was not missed.
constexpr Millis deploy_ms = 1000;

UnixSeconds seconds_of(Millis ms) noexcept { return ms / 1000 - (ms % 1000 < 0 ? 1 : 0); }

/// The latest time from `from` to `until`, both included, and how it is found without going through all of them: the spans
/// before `until` that are looked through grow until one has a time in it.
std::optional<UnixSeconds> latest(const Cron& cron, const TimeZone& zone, UnixSeconds from, UnixSeconds until) {
  static constexpr std::array<UnixSeconds, 6> spans{60, 3600, 86400, 32 * 86400, 367 * 86400, 40000LL * 86400};
  for (const UnixSeconds span : spans) {
    const UnixSeconds begin = std::max(from - 1, until - span);
    std::optional<UnixSeconds> at = cron.next(begin, zone);
    if (at && *at <= until) {
      std::optional<UnixSeconds> last;
      for (; at && *at <= until; at = cron.next(*at, zone)) last = at;
      return last;
    }
    if (begin == from - 1) break;
  }
  return std::nullopt;
}

}  // namespace

Occurrences occurrences_of(const Cron& cron, const TimeZone& zone, Misfire misfire, Millis next_at, Millis since, Millis now,
                           std::size_t limit) {
  Occurrences out;
  Millis at = next_at;
  const Millis missed_before = std::max(since, now - late_ms);
  if (at < missed_before && misfire != Misfire::all) {
    const UnixSeconds last_missed = seconds_of(missed_before - 1);
    if (misfire == Misfire::once) {
      if (const auto last = latest(cron, zone, seconds_of(at), last_missed)) out.due.push_back(*last * 1000);
    }
    at = cron.next(last_missed, zone).value_or(0) * 1000;
  }
  while (at != 0 && at <= now && out.due.size() < limit) {
    out.due.push_back(at);
    at = cron.next(seconds_of(at), zone).value_or(0) * 1000;
  }
  out.next = at;
  return out;
}

std::shared_ptr<Scheduler> Scheduler::start(std::shared_ptr<Backend> backend, SchedulerOptions options,
                                            std::shared_ptr<TimeZones> zones, net::Loop& loop) {
  auto out = std::make_shared<Scheduler>(Private(), std::move(backend), std::move(options), std::move(zones), loop);
  out->running_ = out;
  out->kick();
  return out;
}

Scheduler::Scheduler(Private, std::shared_ptr<Backend> backend, SchedulerOptions options, std::shared_ptr<TimeZones> zones,
                     net::Loop& loop)
    : backend_(std::move(backend)),
      options_(std::move(options)),
      zones_(std::move(zones)),
      loop_(loop),
      begun_(now_ms(loop.clock()) - (loop.clock().is_virtual() ? 0 : deploy_ms)),
      timer_(loop, [this] { kick(); }) {
  news_ = backend_->subscribe(loop, Backend::Topic::schedules, {}, options_.poll, [this] {
    stale_ = true;
    kick();
  });
}

Scheduler::~Scheduler() = default;

void Scheduler::stop(Function<void()> done) {
  stopping_ = true;
  stopped_ = std::move(done);
  timer_.stop();
  news_.reset();
  kick();
}

Task<void> Scheduler::stopped() {
  const auto self = shared_from_this();
  net::Event end(loop_);
  bool done = false;
  stop([&] {
    done = true;
    end.set();
  });
  // Whatever becomes of the caller: what runs must be over first.
  while (!done) {
    end.reset();
    Task<Result<void>> wait = end.wait().with_token(CancelSource().token());
    Result<void> waited = co_await std::move(wait);
    (void)waited;
  }
}

void Scheduler::kick() {
  again_ = true;
  if (working_) return;
  working_ = true;
  spawn(work(), [self = shared_from_this()](const std::exception_ptr&) {
    self->working_ = false;
    if (!self->stopping_) {
      if (self->again_) self->kick();
      return;
    }
    const auto last = std::move(self->running_);
    if (self->stopped_) std::exchange(self->stopped_, Function<void()>())();
  });
}

Task<void> Scheduler::work() {
  while (again_ && !stopping_) {
    again_ = false;
    bool good = true;
    if (stale_) {
      stale_ = false;
      good = co_await load();
    }
    const Millis now = now_ms(loop_.clock());
    std::vector<std::string> due;
    for (const auto& [name, known] : known_) {
      if (known.schedule.next_at != 0 && known.schedule.next_at <= now) due.push_back(name);
    }
    for (const std::string& name : due) {
      if (stopping_) co_return;
      if (const auto at = known_.find(name); at != known_.end() && good) good = co_await fire(at->second);
    }
    if (!good) {
      stale_ = true;
      ++failures_;
    } else {
      failures_ = 0;
    }
    arm();
  }
}

void Scheduler::arm() {
  if (stopping_) return;
  if (failures_ != 0) {
    const std::int64_t wait = std::min<std::int64_t>(100LL << std::min(failures_, 6U), 5000);
    timer_.start(std::chrono::milliseconds(wait));
    return;
  }
  if (again_) return;
  Millis next = 0;
  for (const auto& [name, known] : known_) {
    if (known.schedule.next_at != 0 && (next == 0 || known.schedule.next_at < next)) next = known.schedule.next_at;
  }
  if (next == 0) {
    timer_.stop();
    return;
  }
  // Civil time may be set; the loop's timers do not follow it, so look again at least every minute.
  const Duration longest =
      loop_.clock().is_virtual() ? Duration(std::chrono::hours(24 * 365 * 100)) : Duration(std::chrono::minutes(1));
  timer_.start(std::clamp<Duration>(WallTime{std::chrono::milliseconds(next)} - loop_.clock().wall(), Duration::zero(), longest));
}

Task<bool> Scheduler::load() {
  Task<Result<std::vector<Schedule>>> call = backend_->schedules(loop_);
  Result<std::vector<Schedule>> all = co_await std::move(call);
  if (!all.ok()) co_return false;
  std::map<std::string, Known> known;
  for (Schedule& schedule : *all) {
    if (schedule.declared &&
        std::find(options_.declared.begin(), options_.declared.end(), schedule.name) == options_.declared.end())
      continue;
    Result<Cron> cron = Cron::parse(schedule.cron);
    Result<std::shared_ptr<const TimeZone>> zone = zones_->find(schedule.timezone);
    // Checked when it was made; a store that another release has written may know more than we do.
    if (!cron.ok() || !zone.ok()) continue;
    const std::string name = schedule.name;
    known.emplace(name, Known{std::move(schedule), std::move(*cron), std::move(*zone)});
  }
  known_ = std::move(known);
  co_return true;
}

Task<bool> Scheduler::fire(Known& known) {
  const Schedule& schedule = known.schedule;
  const Millis now = now_ms(loop_.clock());
  const Occurrences times =
      occurrences_of(known.cron, *known.zone, schedule.misfire, schedule.next_at, begun_, now, fired_at_once);
  FireRequest request;
  request.name = schedule.name;
  request.version = schedule.version;
  request.expected_next = schedule.next_at;
  request.new_next = times.next;
  request.forbid_overlap = schedule.overlap == Overlap::forbid;
  for (const Millis at : times.due) {
    NewJob job(schedule.queue, schedule.task, schedule.args);
    job.priority = schedule.priority;
    job.max_attempts = schedule.max_attempts;
    job.timeout_ms = schedule.timeout_ms;
    job.schedule = schedule.name;
    job.scheduled_at = at;
    request.jobs.push_back(std::move(job));
  }
  const std::string name = schedule.name;
  Task<Result<FireResult>> call = backend_->fire(loop_, std::move(request));
  Result<FireResult> done = co_await std::move(call);
  if (!done.ok()) co_return false;
  if (!done->ours) {
    stale_ = true;  // another scheduler was first, or it was changed
    again_ = true;
    co_return true;
  }
  fired_ += done->jobs.size();
  // `known` may be gone: a load cannot have come between, but be plain about it.
  if (const auto at = known_.find(name); at != known_.end()) at->second.schedule.next_at = times.next;
  if (times.next != 0 && times.next <= now) again_ = true;
  co_return true;
}

}  // namespace spikard::tasks
