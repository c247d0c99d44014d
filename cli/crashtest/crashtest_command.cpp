// `spikard crashtest`: the application of one's own under SIGKILL, SIGTERM and SIGSTOP, counted.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <random>

#include "../command.hpp"
#include "app/process_config.hpp"
#include "app/signals.hpp"
#include "base/json.hpp"
#include "runner.hpp"

namespace spikard::cli {
namespace {

using namespace crash;

struct Asked {
  std::vector<std::string> requests, checks, queries, headers;
  std::string key, weights = "kill=12,start=2,term=5,stop=1", url, ready, log;
  StoreUrls stores;
  std::uint64_t seed = 0;
  bool seeded = false, retry = false, no_manifest = false, plan = false;
  std::uint32_t kills = 20, processes = 1, clients = 4;
  std::uint32_t shortest_ms = 50, longest_ms = 400;
  double for_s = 0, timeout_s = 10, ready_s = 15, drain_s = 0, stop_s = 0, settle_s = 60;
};

Duration span(double seconds) { return Duration(static_cast<std::int64_t>(seconds * 1e9)); }

int refuse(std::string_view where, const Error& error) {
  (void)fail(where, error);
  return crashtest_not_made;
}

/// The manifest as the application will have it; nothing with --no-manifest.
Result<std::optional<services::Manifest>> manifest_of_app(const Asked& asked) {
  using R = Result<std::optional<services::Manifest>>;
  if (asked.no_manifest) return R(std::nullopt);
  auto text = manifest_text({});
  if (!text.ok()) return R(std::move(text).error());
  auto document = json::parse(*text);
  if (!document.ok()) return R(std::move(document).error());
  auto sources = app::process_config();
  if (!sources.ok()) return R(std::move(sources).error());
  auto manifest = app::configured_manifest(document->root(), *sources);
  if (!manifest.ok()) return R(std::move(manifest).error());
  return R(std::move(*manifest));
}

Result<void> read_templates(const Asked& asked, Settings& out) {
  bool makes = false, names = false;
  for (const std::string& text : asked.requests) {
    auto one = parse_request(text);
    if (!one.ok()) return std::move(one).error();
    makes = makes || one->makes;
    names = names || (one->makes && (one->body.names() || one->path.names()));
    out.load.push_back(std::move(*one));
  }
  if (!makes) return invalid_argument("--request: at least one has to make something that is to be kept (POST, PUT, ...)");
  for (const std::string& text : asked.checks) {
    auto one = parse_request(text);
    if (!one.ok()) return std::move(one).error();
    out.checks.push_back(std::move(*one));
  }
  out.key = Template::parse(!asked.key.empty() ? asked.key : names ? "{uuid}" : "{n}");
  for (const std::string& text : asked.headers) {
    const std::size_t colon = text.find(':');
    const std::size_t value = text.find_first_not_of(' ', std::min(colon, text.size() - 1) + 1);
    if (colon == std::string::npos || !net::http::is_field_name(std::string_view(text).substr(0, colon)))
      return invalid_argument("--header: expected `Name: value`");
    out.headers.emplace_back(text.substr(0, colon), value == std::string::npos ? "" : text.substr(value));
  }
  return {};
}

Result<void> read_spans(const Asked& asked, const services::Manifest* manifest, Settings& out) {
  out.timeout = span(asked.timeout_s);
  out.ready_within = span(asked.ready_s);
  out.settle = span(asked.settle_s);
  if (asked.for_s > 0) out.longest = span(asked.for_s);
  const services::Manifest standard;
  const services::Manifest& m = manifest != nullptr ? *manifest : standard;
  const auto& s = m.shutdown;
  out.drain = asked.drain_s > 0 ? span(asked.drain_s)
                                : std::chrono::milliseconds(1000LL + s.delay_ms + s.timeout_ms + s.cleanup_ms + s.flush_ms);
  std::uint32_t lease_ms = m.workers.empty() ? services::Worker{}.lease_ms : 0;
  for (const services::Worker& one : m.workers) lease_ms = std::max(lease_ms, one.lease_ms);
  out.stop = asked.stop_s > 0 ? span(asked.stop_s) : std::chrono::milliseconds(1000LL + lease_ms);
  out.ready = !asked.ready.empty() ? asked.ready : m.http ? m.http->health.ready : "/readyz";
  if (!out.ready.starts_with('/')) return invalid_argument("--ready: expected a path");
  return {};
}

/// Where the application prints to: a file that goes when all is kept.
class Log {
 public:
  explicit Log(const std::string& path) : kept_(!path.empty()), path_(path) {
    if (kept_) {
      fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    } else {
      const char* folder = std::getenv("TMPDIR");
      path_ = std::string(folder != nullptr && *folder != '\0' ? folder : "/tmp") + "/spikard-crashtest-XXXXXX";
      fd_ = ::mkostemp(path_.data(), O_APPEND | O_CLOEXEC);
    }
  }
  ~Log() {
    if (fd_ >= 0) ::close(fd_);
    if (!kept_ && fd_ >= 0) ::unlink(path_.c_str());
  }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  void keep() noexcept { kept_ = true; }
  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  bool kept_;
  std::string path_;
  int fd_ = -1;
};

int print_plan(const Report& report, const std::vector<Step>& steps, const Common& common) {
  const auto milliseconds = [](Duration span) { return std::chrono::duration_cast<std::chrono::milliseconds>(span).count(); };
  Table table({"AFTER", "INTERRUPTED BY", "PROCESS"});
  NodeBuilder out;
  out.begin_object();
  out.key("seed"), out.uinteger(report.seed);
  out.key("steps");
  out.begin_array();
  for (const Step& step : steps) {
    const auto kind = static_cast<std::size_t>(step.kind);
    table.add({std::to_string(milliseconds(step.after)) + " ms", std::string(kind_names[kind]), std::to_string(step.process)});
    out.begin_object();
    out.key("after_ms"), out.integer(milliseconds(step.after));
    out.key("kind"), out.string(kind_words[kind]);
    out.key("process"), out.uinteger(step.process);
    out.end();
  }
  out.end();
  out.end();
  if (common.json) print_json(out.root());
  else table.print("no kills");
  return 0;
}

int crashtest(const Asked& asked, const Common& common) {
  Settings settings;
  const auto sources = app::process_config();
  if (!sources.ok()) return refuse("spikard", sources.error());
  auto command = services::app_command(*sources);
  if (!command.ok()) return refuse("spikard", command.error());
  if (!*command) return refuse("spikard", invalid_argument("put `[app]` with `command = \"...\"` into spikard.toml"));
  settings.command = **command;
  if (Result<void> read = read_templates(asked, settings); !read.ok()) return refuse("spikard", read.error());
  const auto weights = parse_weights(asked.weights);
  if (!weights.ok()) return refuse("--weights", weights.error());
  if (asked.shortest_ms > asked.longest_ms) return refuse("--between", invalid_argument("the first is the longer one"));
  if (!asked.url.empty() && asked.processes > 1) {
    return refuse("--url", invalid_argument("several processes need a port each: leave it out, they are told theirs by PORT"));
  }
  auto manifest = manifest_of_app(asked);
  if (!manifest.ok()) return refuse("spikard", manifest.error());
  const services::Manifest* known = *manifest ? &**manifest : nullptr;
  if (Result<void> read = read_spans(asked, known, settings); !read.ok()) return refuse("spikard", read.error());
  auto stores = Stores::create(known, asked.stores, !asked.queries.empty());
  if (!stores.ok()) return refuse("spikard", stores.error());
  if (asked.checks.empty() && asked.queries.empty())
    return refuse("spikard",
                  invalid_argument("how is one to see what was kept? By --check 'GET /...', --query 'SELECT ...', or both"));

  Report report;
  std::random_device device;
  settings.run = (std::uint64_t{device()} << 32U) | device();
  report.seed = asked.seeded ? asked.seed : device();
  report.processes = asked.processes;
  report.looked_at = (*stores)->looked_at();
  settings.base = asked.url;
  while (settings.base.ends_with('/')) settings.base.pop_back();
  settings.queries = asked.queries;
  settings.processes = asked.processes;
  settings.clients = asked.clients;
  settings.retry = asked.retry;
  settings.judge_term = (*weights)[static_cast<std::size_t>(Kind::term)] > 0;
  settings.steps = schedule(report.seed, asked.kills, *weights, asked.processes, std::chrono::milliseconds(asked.shortest_ms),
                            std::chrono::milliseconds(asked.longest_ms));
  if (asked.plan) return print_plan(report, settings.steps, common);
  std::fprintf(stderr, "spikard: crashtest with --seed %llu\n", static_cast<unsigned long long>(report.seed));

  Log log(asked.log);
  if (log.fd() < 0) return refuse(log.path(), Error(ErrorKind::unavailable, "cannot be written"));
  settings.log_fd = log.fd();
  auto signals = app::Signals::block();  // before there is a second thread
  if (!signals.ok()) return refuse("spikard", signals.error());
  AppProcess::become_reaper();
  RealClock clock;
  auto loop = net::Loop::create(clock);
  if (!loop.ok()) return refuse("spikard", loop.error());
  std::optional<Result<void>> result;
  int interrupted = 0;
  {
    Runner runner(**loop, std::move(settings), **stores, report);
    const Result<void> watched = (*signals)->watch(**loop, [&](int number) { interrupted = number; });
    if (!watched.ok()) return refuse("spikard", watched.error());
    spawn(runner.run(), [&](const std::exception_ptr& thrown, std::optional<Result<void>> value) {
      if (value) result = std::move(value);
      else result.emplace(internal_error(thrown ? "exception" : "nothing came back"));
    });
    while (!result && interrupted == 0) (*loop)->turn(1000);
    (*signals)->unwatch();
    if (interrupted != 0) {  // its coroutines still wait: they, and all that they use, end with this process
      runner.abandon();
      std::fflush(nullptr);
      ::_exit(128 + interrupted);
    }
  }
  if (!result->ok()) {
    log.keep();
    (void)refuse("spikard", result->error());
    std::fprintf(stderr, "spikard: what the application printed: %s\n", log.path().c_str());
    return crashtest_not_made;
  }
  const bool kept = report.promises_broken().empty();
  if (!kept) log.keep();
  if (!kept || !asked.log.empty()) report.log = log.path();
  print(report, common);
  return kept ? 0 : 1;
}

}  // namespace

void add_crashtest(CLI::App& root, Common& common, std::vector<Command>& commands) {
  auto o = std::make_shared<Asked>();
  CLI::App* c = root.add_subcommand("crashtest", "Kill the application of spikard.toml under load, and count what it has kept");
  // Lists take one text each time: what follows belongs to nobody else.
  const auto list = [&](const char* name, std::vector<std::string>& to, const char* doc) {
    return c->add_option(name, to, doc)->expected(1)->take_all();
  };
  list("--request", o->requests, "METHOD /PATH [BODY] of the load; {n}, {uuid}: of this request; may be given again")->required();
  list("--check", o->checks, "GET /PATH that must say 2xx for what was acknowledged; {/id}: that member of its answer");
  list("--query", o->queries, "SELECT of the keys that are there, and how often in a second column");
  list("--header", o->headers, "Name: value of every request");
  c->add_option("--key", o->key, "What a query's key is for a request; {uuid} where a request has one, else {n}");
  c->add_option("--kills", o->kills, "How often it is interrupted")->capture_default_str()->check(CLI::Range(0, 1000000));
  c->add_option("--for", o->for_s, "Seconds; no kills after it");
  c->add_option("--seed", o->seed, "Of the schedule; else a new one, which is printed")->each([o](const std::string&) {
    o->seeded = true;
  });
  c->add_option("--weights", o->weights, "How often which: SIGKILL, SIGKILL again at the start, SIGTERM, SIGSTOP")
      ->capture_default_str();
  c->add_option("--shortest", o->shortest_ms, "Milliseconds under load between two kills, at least")->capture_default_str();
  c->add_option("--longest", o->longest_ms, "Milliseconds under load between two kills, at most")->capture_default_str();
  c->add_option("--processes", o->processes, "Processes of the application on the same stores")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  c->add_option("--clients", o->clients, "Requests at once")->capture_default_str()->check(CLI::Range(1, 1000));
  c->add_flag("--retry", o->retry, "Send a request again, the same, until its outcome is known; 409 then says that it is there");
  c->add_option("--db", o->stores.db, "URL of the database; else as the application says");
  c->add_option("--tasks", o->stores.tasks, "URL of its tasks; else as the application says");
  c->add_option("--messaging", o->stores.messaging, "URL of its messages; else as the application says");
  c->add_option("--url", o->url, "Where it listens; else it is told a free port by PORT");
  c->add_option("--ready", o->ready, "Path that says 2xx once it is up; else as the application says, or /readyz");
  c->add_option("--ready-within", o->ready_s, "Seconds a start may take")->capture_default_str();
  c->add_option("--timeout", o->timeout_s, "Seconds until a request's outcome is unknown")->capture_default_str();
  c->add_option("--drain", o->drain_s, "Seconds SIGTERM may take; else the sum of its [shutdown], and one");
  c->add_option("--stop", o->stop_s, "Seconds of a SIGSTOP; else the longest lease of its workers, and one");
  c->add_option("--settle", o->settle_s, "Seconds after the load until what is not done is stuck")->capture_default_str();
  c->add_option("--log", o->log, "File for what the application prints; else one that is kept when a promise is broken");
  c->add_flag("--plan", o->plan, "Only print when it would be interrupted how");
  c->add_flag("--no-manifest", o->no_manifest, "It is no application of Spikard: do not ask it for its manifest");
  commands.push_back({c, [o, &common] { return crashtest(*o, common); }});
}

}  // namespace spikard::cli
