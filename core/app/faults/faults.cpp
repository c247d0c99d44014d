#include "app/faults/faults.hpp"

#include <algorithm>
#include <tuple>

namespace spikard::app {
namespace {

/// SplitMix64 (Steele, Lea, Flood 2014).
std::uint64_t mixed(std::uint64_t& state) noexcept {
  std::uint64_t z = (state += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31U);
}

/// From 0 to below 1.
double uniform(std::uint64_t& state) noexcept { return static_cast<double>(mixed(state) >> 11U) * 0x1.0p-53; }

/// FNV-1a: the same on every machine, as std::hash is not.
std::uint64_t digest(std::string_view text, std::uint64_t hash = 0xCBF29CE484222325ULL) noexcept {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return (hash ^ 0xFFU) * 0x100000001B3ULL;  // "ab", "c" is not "a", "bc"
}

std::uint64_t state_of(std::uint64_t seed, const FaultPlace& place) noexcept {
  std::uint64_t from = seed;
  std::uint64_t state = mixed(from) ^ digest(place.subject, digest(place.operation, digest(place.client)));
  state ^= place.n * 0xD1B54A32D192ED03ULL;
  (void)mixed(state);
  return state;
}

Result<double> chance_of(const Document& document, const char* field) {
  const Value value = document.root();
  if (!value.exists() || value.is_null()) return 0.0;
  if (!value.node().is_number()) return invalid_argument(std::string("faults.") + field + ": expected a number from 0 to 1");
  return value.as_double();
}

}  // namespace

std::string_view name_of(FaultKind kind) noexcept {
  switch (kind) {
    case FaultKind::unavailable: return "unavailable";
    case FaultKind::lost_answer: return "lost_answer";
    case FaultKind::delay: return "delay";
    case FaultKind::repeated: return "repeated";
  }
  return "unknown";
}

Result<FaultPlan> FaultPlan::from(const services::Faults& config) {
  FaultPlan out;
  out.seed = config.seed;
  out.delay_ms = config.delay_ms;
  out.only = config.only;
  const auto take = [](const Document& from, const char* field, double& to) -> Result<void> {
    auto chance = chance_of(from, field);
    if (!chance.ok()) return std::move(chance).error();
    to = *chance;
    return {};
  };
  SPIKARD_TRY(take(config.unavailable, "unavailable", out.unavailable));
  SPIKARD_TRY(take(config.lost_answer, "lost_answer", out.lost_answer));
  SPIKARD_TRY(take(config.delay, "delay", out.delay));
  SPIKARD_TRY(take(config.repeated, "repeated", out.repeated));
  SPIKARD_TRY(out.check());
  return out;
}

Result<void> FaultPlan::check() const {
  const std::array<std::pair<const char*, double>, 4> chances{
      {{"unavailable", unavailable}, {"lost_answer", lost_answer}, {"delay", delay}, {"repeated", repeated}}};
  for (const auto& [field, chance] : chances) {
    if (chance >= 0 && chance <= 1) continue;
    return invalid_argument(std::string("faults.") + field + ": expected a number from 0 to 1, got " + std::to_string(chance));
  }
  if (delay_ms < 1 || delay_ms > 3'600'000)
    return invalid_argument("faults.delay_ms: expected 1 to 3600000, got " + std::to_string(delay_ms));
  return {};
}

bool Faults::covers(services::FaultyClients clients) const noexcept {
  return plan_.only.empty() || std::find(plan_.only.begin(), plan_.only.end(), clients) != plan_.only.end();
}

FaultPlace Faults::place(std::string_view client, std::string_view operation, std::string_view subject) {
  FaultPlace out{std::string(client), std::string(operation), std::string(subject), 0};
  std::string key = out.client;
  key.append(1, '\0').append(out.operation).append(1, '\0').append(out.subject);
  const std::lock_guard lock(mutex_);
  out.n = ++counts_[std::move(key)];
  return out;
}

Faults::Decision Faults::next(std::string_view client, std::string_view operation, std::string_view subject) {
  Decision out;
  out.place = place(client, operation, subject);
  std::uint64_t state = state_of(plan_.seed, out.place);
  // Always the same draws, so that one chance does not move the others.
  out.unavailable = uniform(state) < plan_.unavailable;
  out.lost_answer = uniform(state) < plan_.lost_answer;
  const bool late = uniform(state) < plan_.delay;
  const std::uint64_t wait_ms = 1 + mixed(state) % plan_.delay_ms;
  if (late) out.delay = std::chrono::milliseconds(wait_ms);
  return out;
}

Faults::Repeat Faults::repeat(std::string_view client, std::string_view operation, std::string_view subject) {
  Repeat out;
  if (plan_.repeated <= 0) return out;
  out.place = place(client, operation, subject);
  std::uint64_t state = state_of(plan_.seed, out.place);
  out.again = out.place.n <= most_repeats && uniform(state) < plan_.repeated;
  return out;
}

void Faults::note(const Clock& clock, FaultPlace place, FaultKind kind) {
  const auto at = std::chrono::floor<std::chrono::milliseconds>(clock.wall().time_since_epoch()).count();
  if (place.subject.size() > max_subject) place.subject.resize(max_subject);
  const std::lock_guard lock(mutex_);
  if (log_.size() < max_log) log_.push_back({at, std::move(place), kind});
}

std::vector<InjectedFault> Faults::log() const {
  std::vector<InjectedFault> out;
  {
    const std::lock_guard lock(mutex_);
    out = log_;
  }
  std::stable_sort(out.begin(), out.end(), [](const InjectedFault& a, const InjectedFault& b) {
    return std::tie(a.at_ms, a.place.client, a.place.operation, a.place.subject, a.place.n, a.kind) <
           std::tie(b.at_ms, b.place.client, b.place.operation, b.place.subject, b.place.n, b.kind);
  });
  return out;
}

Document faults_document(const Faults& faults) {
  NodeBuilder out;
  out.begin_object();
  out.key("faults");
  out.begin_array();
  for (const InjectedFault& fault : faults.log()) {
    out.begin_object();
    out.key("at_ms");
    out.integer(fault.at_ms);
    out.key("client");
    out.string(fault.place.client);
    out.key("operation");
    out.string(fault.place.operation);
    out.key("subject");
    out.string(fault.place.subject);
    out.key("kind");
    out.string(name_of(fault.kind));
    out.key("n");
    out.uinteger(fault.place.n);
    out.end();
  }
  out.end();
  out.end();
  return Document(std::move(out));
}

}  // namespace spikard::app
