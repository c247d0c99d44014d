#include "runner.hpp"

#include <algorithm>
#include <csignal>

#include "base/json.hpp"

namespace spikard::cli::crash {
namespace {

constexpr std::size_t most_examples = 5, most_broken = 20;
constexpr Duration look_every = std::chrono::milliseconds(2);

}  // namespace

Runner::Runner(net::Loop& loop, Settings settings, Stores& stores, Report& report)
    : loop_(loop), http_(loop), s_(std::move(settings)), stores_(stores), report_(report) {
  checked_.resize(s_.checks.size());
  for (const RequestTemplate& one : s_.checks) report_.checks.push_back({one.text, false});
  for (const std::string& one : s_.queries) report_.checks.push_back({one, true});
}

void Runner::abandon() { instances_.clear(); }

void Runner::broken(std::string line) {
  if (report_.broken.size() < most_broken) report_.broken.push_back(std::move(line));
}

net::http::Request Runner::request(const std::string& method, std::string url, std::string body) const {
  net::http::Request out(method, std::move(url));
  out.headers = s_.headers;
  if (!body.empty() && !net::http::has_header(out.headers, "content-type"))
    out.headers.emplace_back("content-type", "application/json");
  out.body = std::move(body);
  out.timeout = s_.timeout;
  out.idempotent = false;  // what is sent twice is for this test to know
  return out;
}

// ---- the application

Task<bool> Runner::is_ready(const Instance& at) {
  net::http::Request asked = request("GET", at.base + s_.ready, {});
  asked.timeout = std::min<Duration>(s_.timeout, std::chrono::seconds(1));
  auto answer = co_await http_.send(std::move(asked));
  co_return answer.ok() && answer->status / 100 == 2;
}

/// Counts the time from now until it is ready.
Task<Result<void>> Runner::become_ready(Instance& at, Kind kind) {
  const Instant began = loop_.clock().now();
  while (true) {
    const bool ready = co_await is_ready(at);
    const Duration took = loop_.clock().now() - began;
    if (ready) {
      Duration& slowest = report_.kills[static_cast<std::size_t>(kind)].slowest;
      slowest = std::max(slowest, took);
      at.serving = true;
      co_return Result<void>();
    }
    if (const auto status = at.process->ended())
      co_return Error(ErrorKind::unavailable, "the application ended with " + AppProcess::how(*status) + " while it started");
    if (took > s_.ready_within)
      co_return Error(ErrorKind::timeout, "the application did not answer GET " + s_.ready + " with 2xx in time");
    (void)co_await net::sleep(loop_, look_every);
  }
}

Task<void> Runner::end_group(Instance& at) {
  at.serving = false;
  at.process->signal_group(SIGKILL);
  while (!at.process->gone()) (void)co_await net::sleep(loop_, look_every);
  http_.close_idle();
}

Task<void> Runner::terminate(Instance& at, bool judged) {
  at.serving = false;
  const Instant began = loop_.clock().now();
  at.process->signal_leader(SIGTERM);
  std::optional<int> status;
  while (!(status = at.process->ended()) && loop_.clock().now() - began <= s_.drain) (void)co_await net::sleep(loop_, look_every);
  if (judged && !status) {
    broken("SIGTERM: it had not ended after " +
           std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(s_.drain).count()) + " ms");
  } else if (judged && *status != 0) {
    broken("SIGTERM: it ended with " + AppProcess::how(*status) + ", not with exit code 0");
  }
  co_await end_group(at);
}

/// Nobody but this test ends it.
Task<Result<void>> Runner::revive() {
  for (Instance& at : instances_) {
    const auto status = at.process->ended();
    if (!status) continue;
    broken("the application ended with " + AppProcess::how(*status) + ", which nobody had asked for");
    co_await end_group(at);
    Result<void> ready = at.process->start();
    if (ready.ok()) ready = co_await become_ready(at, Kind::kill);
    if (!ready.ok()) co_return ready;
  }
  co_return Result<void>();
}

Task<Result<void>> Runner::interrupt(const Step& step) {
  Instance& at = instances_[step.process];
  if (step.kind == Kind::stop) {
    at.serving = false;
    at.process->signal_group(SIGSTOP);
    (void)co_await net::sleep(loop_, s_.stop);
    at.process->signal_group(SIGCONT);
    http_.close_idle();
  } else if (step.kind == Kind::term) {
    co_await terminate(at, true);
  } else {
    co_await end_group(at);
    if (step.kind == Kind::start) {
      Result<void> started = at.process->start();
      if (!started.ok()) co_return started;
      (void)co_await net::sleep(loop_, step.extra);
      co_await end_group(at);
    }
  }
  ++report_.kills[static_cast<std::size_t>(step.kind)].count;
  if (at.process->gone()) {
    Result<void> started = at.process->start();
    if (!started.ok()) co_return started;
  }
  co_return co_await become_ready(at, step.kind);
}

// ---- the load

Task<void> Runner::client() {
  while (!load_over_) {
    Instance* at = nullptr;
    for (std::size_t i = 0; i < instances_.size() && at == nullptr; ++i) {
      Instance& one = instances_[++turn_ % instances_.size()];
      if (one.serving) at = &one;
    }
    if (at == nullptr) (void)co_await net::sleep(loop_, look_every);
    else co_await once(*at);
  }
  --working_;
}

Task<void> Runner::once(Instance& at) {
  std::uint64_t n = 0;
  if (!again_.empty()) {
    n = again_.front();
    again_.pop_front();
  }
  const std::size_t which = n != 0 ? sent_[n - 1].request : static_cast<std::size_t>(turn_ % s_.load.size());
  const RequestTemplate& chosen = s_.load[which];
  if (!chosen.makes) {  // about one that is there
    if (acknowledged_.empty()) {
      (void)co_await net::sleep(loop_, look_every);
      co_return;
    }
    const std::uint64_t about = acknowledged_[turn_ % acknowledged_.size()];
    Values values{about, uuid_of(s_.run, about), {}};
    auto path = chosen.path.fill(values, true);
    auto body = chosen.body.fill(values, false);
    if (!path.ok() || !body.ok()) co_return;
    net::http::Request sent = request(chosen.method, at.base + *path, std::move(*body));
    auto answer = co_await http_.send(std::move(sent));
    if (answer.ok() && answer->status / 100 == 2) ++report_.others;
    co_return;
  }
  if (n == 0) {
    sent_.emplace_back();
    n = sent_.size();
    sent_[n - 1].request = static_cast<std::uint32_t>(which);
  }
  Values values{n, uuid_of(s_.run, n), {}};
  auto path = chosen.path.fill(values, true);
  auto body = chosen.body.fill(values, false);
  if (!s_.key.asks()) sent_[n - 1].key = s_.key.fill(values, false).value();
  net::http::Request sent = request(chosen.method, at.base + path.value(), std::move(body).value());
  auto answer = co_await http_.send(std::move(sent));
  if (answer.ok()) answered(n, *answer);
  if (!answer.ok() && s_.retry && !load_over_) again_.push_back(n);
}

void Runner::answered(std::uint64_t n, const net::http::Response& response) {
  ++report_.answers[response.status];
  Sent& sent = sent_[n - 1];
  // One that is sent again because its answer was lost may be told that it is there.
  const bool taken = response.status / 100 == 2 || (s_.retry && response.status == 409);
  if (!taken) {
    if (response.status / 100 == 4) sent.state = State::refused;  // what a 5xx has done, nobody knows
    else if (s_.retry && !load_over_) again_.push_back(n);
    return;
  }
  Values values{n, uuid_of(s_.run, n), {}};
  auto document = json::parse(response.body);
  if (document.ok()) values.answer = document->root();
  bool whole = true;
  if (s_.key.asks()) {
    auto filled = s_.key.fill(values, false);
    if (filled.ok()) sent.key = std::move(*filled);
    else whole = false;
  }
  for (const RequestTemplate& one : s_.checks) {
    auto filled = one.path.fill(values, true);
    if (filled.ok()) sent.checks.push_back(std::move(*filled));
    else whole = false;
  }
  if (!whole) {
    broken("request " + std::to_string(n) + " was answered with " + std::to_string(response.status) +
           " and without the member that --check or --key names");
    sent.checks.clear();
    return;
  }
  sent.state = State::acknowledged;
  acknowledged_.push_back(n);
}

Task<Result<void>> Runner::wait_for_clients(std::uint32_t until) {
  while (working_ > until) (void)co_await net::sleep(loop_, look_every);
  co_return Result<void>();
}

// ---- what is there

void Runner::note(Found& found, const char* what, const std::string& key) const {
  const auto same =
      std::count_if(found.examples.begin(), found.examples.end(), [&](const std::string& one) { return one.starts_with(what); });
  if (static_cast<std::size_t>(same) < most_examples) found.examples.push_back(std::string(what) + " " + key);
}

Task<void> Runner::check_some(std::size_t number, std::shared_ptr<std::size_t> next) {
  Found& found = report_.checks[number];
  while (*next < acknowledged_.size()) {
    const std::uint64_t n = acknowledged_[(*next)++];
    if (checked_[number][n - 1]) continue;
    const std::string& path = sent_[n - 1].checks[number];
    const Instance& at = instances_[n % instances_.size()];
    net::http::Request asked = request(s_.checks[number].method, at.base + path, {});
    auto answer = co_await http_.send(std::move(asked));
    if (answer.ok() && answer->status / 100 == 2) {
      checked_[number][n - 1] = true;
      ++found.there;
    } else {
      ++found.lost;
      note(found, "lost", path + (answer.ok() ? " (" + std::to_string(answer->status) + ")" : " (no answer)"));
    }
  }
  --working_;
}

Task<void> Runner::check(std::size_t number) {
  Found& found = report_.checks[number];
  found.lost = 0;
  found.examples.clear();
  checked_[number].resize(sent_.size());
  auto next = std::make_shared<std::size_t>(0);
  working_ = s_.clients;
  for (std::uint32_t i = 0; i < s_.clients; ++i) spawn(check_some(number, next), [](const std::exception_ptr&) {});
  (void)co_await wait_for_clients(0);
}

Result<void> Runner::ask(std::size_t number) {
  Found& found = report_.checks[s_.checks.size() + number];
  auto rows = stores_.ask(s_.queries[number]);
  if (!rows.ok()) return std::move(rows).error();
  for (const auto& [key, times] : before_[number]) (*rows)[key] -= times;
  std::erase_if(*rows, [](const auto& one) { return one.second <= 0; });
  found.there = rows->size();
  found.lost = found.doubled = found.phantom = 0;
  found.examples.clear();
  std::uint64_t nameless = 0;  // may be there under a key that nobody was told
  for (const Sent& sent : sent_) {
    if (sent.key.empty() && sent.state == State::unknown) ++nameless;
    const auto row = rows->find(sent.key);
    if (row == rows->end()) {
      if (sent.state == State::acknowledged) ++found.lost, note(found, "lost", sent.key);
      continue;
    }
    if (row->second > 1) ++found.doubled, note(found, "doubled", sent.key + " (" + std::to_string(row->second) + " times)");
    if (sent.state == State::refused) ++found.phantom, note(found, "phantom", sent.key + " (refused)");
    rows->erase(row);
  }
  std::uint64_t strangers = 0;
  for (const auto& [key, times] : *rows) {
    if (times > 1) ++found.doubled, note(found, "doubled", key + " (" + std::to_string(times) + " times)");
    if (++strangers > nameless) ++found.phantom, note(found, "phantom", key);
  }
  return {};
}

/// Until nothing is left to do and all is there, or the time for it is over.
Task<Result<void>> Runner::settle() {
  const Instant began = loop_.clock().now();
  while (true) {
    auto left = stores_.left();
    if (!left.ok()) co_return std::move(left).error();
    bool missing = false;
    for (std::size_t i = 0; i < s_.checks.size(); ++i) {
      co_await check(i);
      missing = missing || report_.checks[i].lost > 0;
    }
    for (std::size_t i = 0; i < s_.queries.size(); ++i) {
      Result<void> asked = ask(i);
      if (!asked.ok()) co_return asked;
      missing = missing || report_.checks[s_.checks.size() + i].lost > 0;
    }
    const bool waits = std::any_of(left->begin(), left->end(), [](const Left& one) { return !one.ended; });
    report_.settled = loop_.clock().now() - began;
    if ((!waits && !missing) || report_.settled > s_.settle) {
      report_.stuck.clear();
      for (const Left& one : *left) report_.stuck.push_back({one.what, one.count});
      co_return Result<void>();
    }
    (void)co_await net::sleep(loop_, std::chrono::milliseconds(100));
  }
}

Task<Result<void>> Runner::run() {
  const Instant began = loop_.clock().now();
  for (std::uint32_t i = 0; i < s_.processes; ++i) {
    Instance one;
    std::uint16_t port = 0;
    one.base = s_.base;
    if (s_.base.empty()) {
      auto free = free_port();
      if (!free.ok()) co_return std::move(free).error();
      port = *free;
      one.base = "http://127.0.0.1:" + std::to_string(port);
    }
    one.process = std::make_unique<AppProcess>(s_.command, port, s_.log_fd);
    instances_.push_back(std::move(one));
  }
  for (Instance& one : instances_) {  // one after the other: the first makes what all of them share
    Result<void> ready = one.process->start();
    if (ready.ok()) ready = co_await become_ready(one, Kind::kill);
    if (!ready.ok()) co_return ready;
  }
  report_.kills = {};  // the first start is no recovery
  Result<void> opened = stores_.begin();
  if (!opened.ok()) co_return opened;
  for (const std::string& query : s_.queries) {
    auto rows = stores_.ask(query);
    if (!rows.ok()) co_return std::move(rows).error();
    before_.push_back(std::move(*rows));
  }

  working_ = s_.clients;
  for (std::uint32_t i = 0; i < s_.clients; ++i) spawn(client(), [](const std::exception_ptr&) {});
  bool up = true;
  for (const Step& step : s_.steps) {
    if (s_.longest && loop_.clock().now() - began > *s_.longest) break;
    (void)co_await net::sleep(loop_, step.after);
    Result<void> recovered = co_await revive();
    if (recovered.ok()) recovered = co_await interrupt(step);
    if (!recovered.ok()) {
      broken("after " + std::string(kind_names[static_cast<std::size_t>(step.kind)]) + ": " + recovered.error().message());
      up = false;
      break;
    }
  }
  load_over_ = true;
  (void)co_await wait_for_clients(0);
  if (up) {
    Result<void> alive = co_await revive();
    if (!alive.ok()) broken("after the load: " + alive.error().message()), up = false;
  }
  if (up) {
    Result<void> settled = co_await settle();
    if (!settled.ok()) co_return settled;
  }
  for (Instance& one : instances_) {
    if (one.serving) co_await terminate(one, s_.judge_term);
    else co_await end_group(one);
  }
  for (std::size_t i = 0; i < s_.queries.size(); ++i) {  // once more: nobody writes now
    Result<void> asked = ask(i);
    if (!asked.ok()) co_return asked;
  }
  report_.sent = sent_.size();
  for (const Sent& one : sent_) {
    report_.acknowledged += one.state == State::acknowledged;
    report_.refused += one.state == State::refused;
    report_.unknown += one.state == State::unknown;
  }
  if (report_.acknowledged == 0) broken("no request was acknowledged, so nothing is shown");
  report_.took = loop_.clock().now() - began;
  co_return Result<void>();
}

}  // namespace spikard::cli::crash
