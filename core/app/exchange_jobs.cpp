#include "app/exchange_jobs.hpp"

#include <exception>
#include <utility>
#include <vector>

#include "http/problem.hpp"

namespace spikard::app {

/// The frame of one job. Frees itself at its end; `drop_all` destroys it before.
struct ExchangeJobs::Frame {
  struct promise_type {
    Frame get_return_object() noexcept { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
  std::coroutine_handle<> handle;
};

void ExchangeJobs::drop_all() {
  auto jobs = std::exchange(jobs_, {});
  for (auto& [id, job] : jobs) {
    job->exchange = nullptr;
    if (job->frame) std::exchange(job->frame, {}).destroy();
  }
}

void ExchangeJobs::begin(std::shared_ptr<Job> job, Task<void> task) {
  jobs_[job->id] = job;
  job->frame = run(job, std::move(task).with_token(job->cancel.token())).handle;
  const std::coroutine_handle<> frame = job->frame;
  frame.resume();
}

ExchangeJobs::Frame ExchangeJobs::run(std::shared_ptr<Job> job, Task<void> task) {
  std::string thrown;
  try {
    co_await task;
  } catch (const std::exception& error) {
    thrown = error.what();
  } catch (...) {
    thrown = "unknown exception";
  }
  job->frame = {};
  jobs_.erase(job->id);
  if (!job->answered) fail(*job->exchange, thrown);
}

std::shared_ptr<ExchangeJobs::Job> ExchangeJobs::find(const http::Exchange& exchange) const {
  const auto at = jobs_.find(exchange.id());
  return at == jobs_.end() ? nullptr : at->second;
}

void ExchangeJobs::on_chunk(http::Exchange& exchange, http::BodyChunk chunk) {
  if (find(exchange) == nullptr) inner_.on_chunk(exchange, std::move(chunk));
}

void ExchangeJobs::on_cancel(http::Exchange& exchange, CancelReason reason) {
  // What its token has ended already has no record any more: only the id may be looked at.
  const std::shared_ptr<Job> job = find(exchange);  // may end in here
  if (job == nullptr) return inner_.on_cancel(exchange, reason);
  job->cancel.cancel(reason);
}

void ExchangeJobs::on_credit(http::Exchange& exchange) {
  const std::shared_ptr<Job> job = find(exchange);
  if (job == nullptr) return inner_.on_credit(exchange);
  job->room.set();
}

void ExchangeJobs::on_close() {
  drop_all();
  inner_.on_close();
}

void ExchangeJobs::problem(http::Exchange& exchange, std::uint16_t status, std::string_view slug, std::string_view title,
                           std::string_view detail, std::span<const http::HeaderField> headers) const {
  std::string body;
  http::append_problem(body, problem_base_, http::ProblemKind{status, slug, title}, detail);
  std::vector<http::HeaderField> fields{{"content-type", http::problem_media_type}};
  fields.insert(fields.end(), headers.begin(), headers.end());
  exchange.reply({.status = status, .format = http::BodyFormat::raw, .headers = fields, .body = body, .value = {}});
}

void ExchangeJobs::unavailable(http::Exchange& exchange, std::string_view detail) const {
  const http::HeaderField retry{"retry-after", "1"};
  problem(exchange, 503, "service-unavailable", "Service Unavailable", detail, {&retry, 1});
}

void ExchangeJobs::fail(http::Exchange& exchange, std::string_view text) const {
  http::Failure failure{};
  failure.type = name_;
  failure.message = text;
  exchange.fail(failure);
}

}  // namespace spikard::app
