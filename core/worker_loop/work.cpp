#include "worker_loop/work.hpp"

#include <algorithm>
#include <cmath>

namespace spikard::worker_loop {
namespace {

/// Ten years: what a handler asks for is added to clocks, in nanoseconds.
constexpr Duration longest_wait{std::chrono::hours(24 * 3653)};

}  // namespace

std::string_view name_of(Outcome::Kind kind) noexcept {
  switch (kind) {
    case Outcome::Kind::ack: return "ack";
    case Outcome::Kind::nack:
    case Outcome::Kind::reject: return "nack";
    case Outcome::Kind::retry: return "retry";
    case Outcome::Kind::error: return "error";
    case Outcome::Kind::timeout: return "timeout";
  }
  return "";
}

Duration backoff(const RetryPolicy& policy, std::uint32_t failures_before, double random) noexcept {
  const auto initial = static_cast<double>(std::max(policy.initial, Duration::zero()).count());
  const auto limit = static_cast<double>(std::max(policy.max, Duration::zero()).count());
  double wait = initial * std::pow(std::max(policy.factor, 1.0), static_cast<double>(failures_before));
  if (!(wait < limit)) wait = limit;  // infinity too
  wait *= 1.0 - std::clamp(policy.jitter, 0.0, 1.0) * random;
  return Duration(static_cast<std::int64_t>(std::llround(wait)));
}

Settlement decide(const RetryPolicy& of_worker, const WorkItem& item, Outcome outcome, double random) {
  const RetryPolicy& policy = item.retry ? *item.retry : of_worker;
  using Kind = Outcome::Kind;
  Settlement out;
  out.cause = outcome.kind;
  out.id = item.id;
  out.tries = item.tries;
  out.failures = item.failures;
  out.delivery_count = item.delivery_count;
  out.first_error = item.first_error;
  if (outcome.kind == Kind::ack) {
    out.result = std::move(outcome.text);
    return out;
  }
  const bool failed = outcome.kind == Kind::error || outcome.kind == Kind::timeout;
  out.error = outcome.kind == Kind::timeout ? "timeout" : std::move(outcome.text);
  if (out.first_error.empty()) out.first_error = out.error;
  if (outcome.kind != Kind::retry || policy.retry_uses_try) ++out.tries;
  if (outcome.kind == Kind::reject) {
    out.kind = Settlement::Kind::dead_letter;
    out.reason = outcome.reason.empty() ? "rejected" : std::move(outcome.reason);
    out.details = std::move(outcome.details);
    return out;
  }
  if (out.tries > policy.max_retries && out.tries > item.tries) {
    out.kind = Settlement::Kind::dead_letter;
    out.reason = "max_retries";
    if (failed) ++out.failures;
    return out;
  }
  out.kind = Settlement::Kind::again;
  if (failed) {
    out.after = backoff(policy, item.failures, random);
    ++out.failures;
  } else if (outcome.kind == Kind::retry) {
    out.after = std::clamp(outcome.after, Duration::zero(), longest_wait);
  }
  return out;
}

}  // namespace spikard::worker_loop
