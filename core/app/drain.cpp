#include "app/drain.hpp"

#include <algorithm>

#include "base/json.hpp"

namespace spikard::app {

std::uint64_t DrainReport::abandoned() const noexcept {
  std::uint64_t sum = 0;
  for (const ComponentReport& c : components) sum += c.counts.abandoned;
  return sum;
}

std::string DrainReport::to_json() const {
  std::string out;
  json::Writer w(out);
  w.begin_object();
  w.key("components");
  w.begin_object();
  for (const ComponentReport& c : components) {
    w.key(c.name);
    w.begin_object();
    w.key("finished"), w.uinteger(c.counts.finished);
    w.key("handed_back"), w.uinteger(c.counts.handed_back);
    w.key("abandoned"), w.uinteger(c.counts.abandoned);
    w.end_object();
  }
  w.end_object();
  w.key("duration_ms"), w.uinteger(duration_ms);
  w.key("timed_out"), w.boolean(timed_out);
  w.key("forced"), w.boolean(forced);
  w.key("exit_code"), w.integer(exit_code());
  w.end_object();
  return out;
}

Drain::Drain(net::Loop& loop, std::vector<Component*> components, DrainLimits limits, Function<void()> not_ready,
             Function<void(const DrainReport&)> done)
    : loop_(loop),
      components_(std::move(components)),
      limits_(limits),
      not_ready_(std::move(not_ready)),
      done_(std::move(done)),
      timer_(loop,
             [this] {
               switch (phase_) {
                 case Phase::delay: stop_taking(); break;
                 case Phase::stop_taking:
                 case Phase::finish: cancel_rest(false); break;
                 case Phase::cleanup: close(); break;
                 case Phase::close: report(); break;
                 default: break;
               }
             }),
      alive_(std::make_shared<bool>(true)) {}

Drain::~Drain() { *alive_ = false; }

void Drain::signal() {
  switch (phase_) {
    case Phase::running:
      phase_ = Phase::delay;
      begun_at_ = loop_.now();
      not_ready_();
      if (limits_.delay.count() > 0) timer_.start(limits_.delay);
      else stop_taking();
      return;
    case Phase::delay:
    case Phase::stop_taking:
    case Phase::finish:
    case Phase::cleanup:
    case Phase::close: cancel_rest(true); return;
    case Phase::stopped: return;
  }
}

void Drain::stop_taking() {
  phase_ = Phase::stop_taking;
  timer_.start(limits_.timeout);
  waiting_stop_ = components_.size();
  waiting_idle_ = components_.size();
  if (components_.empty()) {
    close();
    return;
  }
  for (Component* c : components_) {
    c->stop_taking([this, alive = alive_] {
      if (*alive) one_done(Phase::stop_taking);
    });
  }
}

void Drain::finish() {
  phase_ = Phase::finish;
  for (Component* c : components_) {
    c->finish([this, alive = alive_] {
      if (*alive) one_done(Phase::finish);
    });
  }
}

void Drain::one_done(Phase of) {
  switch (of) {
    case Phase::stop_taking:
      if (--waiting_stop_ == 0 && phase_ == Phase::stop_taking) finish();
      return;
    case Phase::finish:
      if (--waiting_idle_ == 0 && (phase_ == Phase::finish || phase_ == Phase::cleanup)) all_idle();
      return;
    case Phase::close:
      if (--waiting_close_ == 0 && phase_ == Phase::close) report();
      return;
    default: return;
  }
}

void Drain::all_idle() {
  // What one component finished may have given another new work (a request its background task): ask those again.
  std::vector<Component*> busy;
  for (Component* c : components_) {
    if (c->counts().in_flight != 0) busy.push_back(c);
  }
  if (busy.empty()) {
    close();
    return;
  }
  waiting_idle_ = busy.size();
  for (Component* c : busy) {
    c->finish([this, alive = alive_] {
      if (*alive) one_done(Phase::finish);
    });
  }
}

void Drain::cancel_rest(bool forced) {
  if (forced) {
    report_.forced = true;
    limits_.cleanup = limits_.flush = Duration{0};
  }
  if (phase_ == Phase::cleanup || phase_ == Phase::close) {
    // Already cancelled: the second signal only takes the rest of the waiting away.
    timer_.start(Duration{0});
    return;
  }
  report_.timed_out = !forced;
  const bool asked_to_finish = phase_ == Phase::finish;
  phase_ = Phase::cleanup;
  timer_.start(limits_.cleanup);
  for (Component* c : components_) c->cancel();
  if (!asked_to_finish) {
    for (Component* c : components_) {
      c->finish([this, alive = alive_] {
        if (*alive) one_done(Phase::finish);
      });
    }
  }
}

void Drain::close() {
  if (phase_ == Phase::close || phase_ == Phase::stopped) return;
  phase_ = Phase::close;
  timer_.start(limits_.flush);
  waiting_close_ = components_.size();
  if (components_.empty()) {
    report();
    return;
  }
  for (Component* c : components_) {
    c->close([this, alive = alive_] {
      if (*alive) one_done(Phase::close);
    });
  }
}

void Drain::report() {
  phase_ = Phase::stopped;
  timer_.stop();
  for (Component* c : components_) {
    Counts counts = c->counts();
    // What a forced end did not wait for has perhaps not heard of its cancellation yet.
    counts.abandoned = std::max(counts.abandoned, counts.in_flight);
    report_.components.push_back({std::string(c->name()), counts});
  }
  report_.duration_ms =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(loop_.now() - begun_at_).count());
  done_(report_);
}

}  // namespace spikard::app
