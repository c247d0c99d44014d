#include "toolbox/toolbox.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include <fmt/format.h>

#include "base/base64.hpp"
#include "base/json.hpp"
#include "telemetry/settings.hpp"

namespace spikard::e2e {
namespace {

// A case's longest wait of its own; one that ends never must not turn the clock for ever.
constexpr int max_steps = 600'000;

std::vector<Subsystem> subsystems() {
  return {cache_subsystem(),     cloudevents_subsystem(), cron_subsystem(),  db_subsystem(),
          messaging_subsystem(), storage_subsystem(),     tasks_subsystem(), telemetry_subsystem()};
}

Subsystem subsystem_of(std::string_view name) {
  for (Subsystem& one : subsystems()) {
    if (one.name == name) return std::move(one);
  }
  throw NotBuilt("client " + std::string(name));
}

/// `args` with bytes as bytes.
void copy_args(NodeBuilder& out, Value v) {
  if (v.is_array()) {
    out.begin_array();
    for (const Value one : v.elements()) copy_args(out, one);
    out.end();
  } else if (v.is_object()) {
    if (v.size() == 1) {
      if (const Value text = v.find("$text")) {
        out.bytes(text.text());
        return;
      }
      if (const Value encoded = v.find("$bytes")) {
        const auto bytes = base64::decode(encoded.text());
        if (!bytes) throw std::runtime_error("$bytes: not base64");
        out.bytes(*bytes);
        return;
      }
    }
    out.begin_object();
    for (const auto& [key, value] : v.members()) {
      out.key(key);
      copy_args(out, value);
    }
    out.end();
  } else {
    out.copy(v);
  }
}

void write_json(json::Writer& out, Value v) {
  switch (v.type()) {
    case NodeType::array:
      out.begin_array();
      for (const Value one : v.elements()) write_json(out, one);
      out.end_array();
      return;
    case NodeType::object:
      out.begin_object();
      for (const auto& [key, value] : v.members()) {
        out.key(key);
        write_json(out, value);
      }
      out.end_object();
      return;
    case NodeType::bytes:
      out.begin_object();
      out.key("$bytes");
      out.string(base64::encode(v.text()));
      out.end_object();
      return;
    default: out.write(v);
  }
}

}  // namespace

Stage::Stage(WallTime start, bool real_time) : real_(real_time), clock_(start) {
  auto loop = net::Loop::create(clock());
  if (!loop.ok()) throw std::runtime_error(loop.error().message());
  loop_ = std::move(*loop);
  loop_->turn(0);  // the loop is this thread's from here on
  pool_.emplace(clock());
}

Stage::~Stage() {
  pool_->stop();
  loop_.reset();
  if (!folder_.empty()) {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
}

const std::string& Stage::folder() {
  if (folder_.empty()) {
    std::string name = (std::filesystem::temp_directory_path() / "spikard-e2e-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = name;
  }
  return folder_;
}

void Stage::advance(Duration by) {
  if (real_) {
    const Instant end = real_clock_.now() + by;
    do loop_->turn(by > Duration::zero() ? 1 : 0);
    while (real_clock_.now() < end);
    return;
  }
  const auto done = std::make_shared<std::atomic<bool>>(false);
  clock_.advance(by, [this, done] {
    done->store(true);
    loop_->wake();
  });
  while (!done->load()) loop_->turn(-1);
}

Result<Document> Stage::finish(Task<Result<Document>> task) {
  struct Ended {
    bool done = false;
    std::exception_ptr error;
    std::optional<Result<Document>> value;
  };
  const auto ended = std::make_shared<Ended>();
  loop_->post([task = std::move(task), ended]() mutable {
    spawn(std::move(task), [ended](std::exception_ptr error, std::optional<Result<Document>> value) {
      ended->done = true;
      ended->error = std::move(error);
      ended->value = std::move(value);
    });
  });
  settle();
  for (int step = 0; !ended->done; ++step) {
    if (step == max_steps) throw std::runtime_error("the op did not end in ten minutes of its clock");
    advance(std::chrono::milliseconds(1));
  }
  if (ended->error) std::rethrow_exception(ended->error);
  return std::move(*ended->value);
}

void Stage::observe(Value telemetry) {
  auto config = services::telemetry_config_from_json(telemetry, "telemetry");
  if (!config.ok()) throw std::runtime_error(config.error().message());
  auto settings = telemetry::settings_from(*config, {}, "case");
  if (!settings.ok()) throw std::runtime_error(settings.error().message());
  if (settings->exporter != telemetry::Settings::Exporter::memory) throw NotBuilt("telemetry.exporter");
  memory_ = std::make_shared<telemetry::MemoryExporter>();
  telemetry::ProviderOptions options(clock());
  options.exporter = memory_;
  options.sampler = settings->sampler;
  options.resource = settings->resource;
  provider_ = std::make_shared<telemetry::Provider>(std::move(options));
}

std::vector<std::string> Toolbox::backends(std::string_view subsystem) { return subsystem_of(subsystem).backends; }

Toolbox::Toolbox(Value client) {
  Value config;
  std::optional<Subsystem> subsystem;
  Value telemetry;
  for (const auto& [name, value] : client.members()) {
    if (name == "telemetry" && client.size() > 1) {
      telemetry = value;
      continue;
    }
    if (subsystem) throw NotBuilt("client " + std::string(name) + " beside another");
    subsystem = subsystem_of(name);
    config = value;
  }
  if (!subsystem || subsystem->open == nullptr) throw NotBuilt("client");
  const Value start = config.find("clock");
  const std::vector<std::string>& real = subsystem->in_real_time;
  const bool real_time = std::find(real.begin(), real.end(), text_or(config, "backend")) != real.end();
  const WallTime from =
      start ? instant_of(start.text()) : std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  stage_ = std::make_unique<Stage>(from, real_time);
  if (telemetry) stage_->observe(telemetry);
  auto opened = stage_->finish(
      [](Task<Result<std::shared_ptr<ToolboxClient>>> opening, std::shared_ptr<ToolboxClient>& to) -> Task<Result<Document>> {
        auto result = co_await std::move(opening);
        if (!result.ok()) co_return Result<Document>(std::move(result).error());
        to = std::move(result).value();
        co_return nothing();
      }(subsystem->open(*stage_, Document(config)), client_));
  if (!opened.ok()) throw Failed(std::move(opened).error());
}

Toolbox::~Toolbox() {
  if (client_ == nullptr) return;
  try {
    (void)close();
  } catch (const std::exception& e) {
    fmt::print(stderr, "closing the client: {}\n", e.what());
  }
}

Result<Document> Toolbox::run(std::string op, Value args) {
  if (op == "advance_clock") {
    only(args, {"ms"}, op);
    stage_->advance(std::chrono::milliseconds(int_or(args, "ms", 0)));
    return nothing();
  }
  NodeBuilder copy;
  copy_args(copy, args);
  Result<Document> result = stage_->finish(client_->run(std::move(op), Document(std::move(copy))));
  stage_->settle();
  return result;
}

Result<Document> Toolbox::close() {
  if (client_ == nullptr) return nothing();
  Result<Document> result = stage_->finish(client_->close());
  client_.reset();
  stage_->settle();
  return result;
}

// ---- for the subsystems' files ---------------------------------------------------------------------------------------------

Document nothing() {
  NodeBuilder out;
  out.null();
  return Document(std::move(out));
}
Document of(bool v) {
  NodeBuilder out;
  out.boolean(v);
  return Document(std::move(out));
}
Document of(std::int64_t v) {
  NodeBuilder out;
  out.integer(v);
  return Document(std::move(out));
}
Document of(std::string_view text) {
  NodeBuilder out;
  out.string(text);
  return Document(std::move(out));
}
Document of_bytes(std::string_view bytes) {
  NodeBuilder out;
  out.bytes(bytes);
  return Document(std::move(out));
}

std::string rfc3339(WallTime when) {
  const auto days = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss time(when - days);
  std::string out =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()), time.hours().count(), time.minutes().count(), time.seconds().count());
  if (const auto nanoseconds = time.subseconds().count(); nanoseconds != 0) {
    out += fmt::format(".{:09}", nanoseconds);
    out.erase(out.find_last_not_of('0') + 1);
  }
  return out + "Z";
}

WallTime instant_of(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, used = 0, zone_hour = 0, zone_minute = 0;
  double second = 0;
  char zone = 0;
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%lf%c%n", &year, &month, &day, &hour, &minute, &second, &zone, &used) != 7)
    throw std::runtime_error("not RFC 3339: " + copy);
  if (zone != 'Z' && std::sscanf(copy.c_str() + used, "%2d:%2d", &zone_hour, &zone_minute) != 2)
    throw std::runtime_error("not RFC 3339: " + copy);
  const auto days = std::chrono::sys_days(std::chrono::year(year) / month / static_cast<unsigned>(day)) +
                    std::chrono::hours(hour) + std::chrono::minutes(minute) -
                    (std::chrono::hours(zone_hour) + std::chrono::minutes(zone_minute)) * (zone == '-' ? -1 : 1);
  return days + std::chrono::nanoseconds(std::llround(second * 1e9));
}

std::string_view bytes_of(Value v) {
  if (!v.is(NodeType::bytes) && !v.is_string()) throw std::runtime_error("neither bytes nor text");
  return v.text();
}

std::optional<Duration> ms_of(Value object, std::string_view key) {
  const Value v = object.find(key);
  if (!v || v.is_null()) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(v.as_double()));
}

Script::Script(Value spec) : spec_(spec) { only(spec, {"default", "known", "outcomes"}, "handler"); }

Script::Entry Script::next(std::string_view name) {
  const Value root = spec_.root();
  Value entry = root.find("default");
  if (const Value outcomes = root.find("outcomes")) {
    for (const Value one : outcomes.elements()) {
      const Value of_payload = one.find("payload");
      if ((of_payload ? of_payload : one.find("task")).text() != name) continue;
      const Value sequence = one.find("sequence");
      std::size_t& taken = taken_[std::string(name)];
      if (taken < sequence.size()) entry = sequence.at(static_cast<std::uint32_t>(taken));
      ++taken;
      break;
    }
  }
  Entry out;
  while (entry.is_object() && entry.find("sleep_ms")) {
    out.sleep += ms_of(entry, "sleep_ms").value_or(Duration::zero());
    entry = entry.find("then");
  }
  using Kind = Entry::Kind;
  if (entry.is_string()) {
    if (entry.text() != "ack" && entry.text() != "throw") throw NotBuilt("outcome " + std::string(entry.text()));
    out.kind = entry.text() == "ack" ? Kind::ack : Kind::fail;
  } else if (const Value nack = entry.find("nack")) {
    out.kind = flag(nack, "requeue") ? Kind::nack : Kind::reject;
  } else if (const Value retry = entry.find("retry")) {
    out.kind = Kind::retry;
    out.after = ms_of(retry, "after_ms").value_or(Duration::zero());
  } else if (const Value result = entry.find("result")) {
    out.kind = Kind::result;
    out.result = Document(result);
  } else if (const Value fatal = entry.find("fatal")) {
    out.kind = Kind::fatal;
    out.text = fatal.text();
  } else {
    throw NotBuilt("outcome " + json::to_string(entry));
  }
  return out;
}

bool Script::knows(std::string_view task) const {
  const Value known = spec_.root().find("known");
  if (!known) return true;
  for (const Value one : known.elements()) {
    if (one.text() == task) return true;
  }
  return false;
}

Task<Result<worker_loop::Outcome>> act(net::Loop& loop, Script::Entry entry) {
  using worker_loop::Outcome;
  if (entry.sleep > Duration::zero()) {
    const Result<void> slept = co_await net::sleep(loop, entry.sleep);
    if (!slept.ok()) co_return Result<Outcome>(slept.error());
  }
  switch (entry.kind) {
    case Script::Entry::Kind::ack: co_return Result<Outcome>(Outcome::ack());
    case Script::Entry::Kind::nack: co_return Result<Outcome>(Outcome::nack(true));
    case Script::Entry::Kind::reject: co_return Result<Outcome>(Outcome::nack(false));
    case Script::Entry::Kind::retry: co_return Result<Outcome>(Outcome::retry(entry.after));
    case Script::Entry::Kind::fail: co_return Result<Outcome>(Outcome::error("the script threw"));
    case Script::Entry::Kind::result: co_return Result<Outcome>(Outcome::ack(json::to_string(entry.result.root())));
    case Script::Entry::Kind::fatal: co_return Result<Outcome>(Outcome::reject(entry.text));
  }
  co_return Result<Outcome>(internal_error("no such outcome"));
}

void write_result(std::string& out, Value v) {
  json::Writer writer(out);
  write_json(writer, v);
}

}  // namespace spikard::e2e
