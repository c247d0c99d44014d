#include "app/db_http.hpp"

#include <coroutine>
#include <exception>

#include "db/json_rows.hpp"
#include "http/problem.hpp"
#include "net/await.hpp"

namespace spikard::app {
namespace {

using http::HeaderField;

constexpr std::size_t part_size = 65536;

std::vector<HeaderField> fields_of(const RowsOptions& options) {
  std::vector<HeaderField> fields{{"content-type", options.ndjson ? "application/x-ndjson" : "application/json"}};
  for (const auto& [name, value] : options.headers) fields.push_back({name, value});
  return fields;
}

}  // namespace

/// One exchange in hand.
struct DbHttp::Job {
  Job(net::Loop& loop, http::Exchange& of, std::shared_ptr<db::Client> of_client, telemetry::SpanContext trace)
      : exchange(&of), id(of.id()), client(std::move(of_client)), room(loop), caller(loop, std::move(trace)) {}
  http::Exchange* exchange;
  std::uint64_t id;
  std::shared_ptr<db::Client> client;
  bool answered = false;
  CancelSource cancel;
  net::Event room;  ///< the connection takes more
  net::Caller caller;
  std::coroutine_handle<> frame;
};

/// The frame of one job. Frees itself at its end; `drop_all` destroys it before.
struct DbHttp::Frame {
  struct promise_type {
    Frame get_return_object() noexcept { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
  std::coroutine_handle<> handle;
};

DbHttp::DbHttp(net::Loop& loop, http::Sink& inner, std::string problem_base)
    : loop_(loop), inner_(inner), problem_base_(std::move(problem_base)) {}

DbHttp::~DbHttp() { drop_all(); }

void DbHttp::drop_all() {
  auto jobs = std::exchange(jobs_, {});
  for (auto& [id, job] : jobs) {
    job->exchange = nullptr;
    if (job->frame) std::exchange(job->frame, {}).destroy();
  }
}

void DbHttp::rows(http::Exchange& exchange, std::shared_ptr<db::Client> client, std::string sql, Document params,
                  RowsOptions options) {
  auto job = std::make_shared<Job>(loop_, exchange, std::move(client), options.trace);
  jobs_[job->id] = job;
  Task<void> task = options.first ? answer_first(job, std::move(sql), std::move(params), std::move(options))
                                  : answer(job, std::move(sql), std::move(params), std::move(options));
  job->frame = run(job, std::move(task).with_token(job->cancel.token())).handle;
  const std::coroutine_handle<> frame = job->frame;
  frame.resume();
}

DbHttp::Frame DbHttp::run(JobPtr job, Task<void> task) {
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
  if (!job->answered) {
    http::Failure failure{};
    failure.type = "db";
    failure.message = thrown;
    job->exchange->fail(failure);
  }
}

Task<void> DbHttp::answer(JobPtr job, std::string sql, Document params, RowsOptions options) {
  Result<std::unique_ptr<db::Stream>> opened =
      co_await job->client->stream(job->caller, std::move(sql), std::move(params), options.call);
  if (!opened.ok()) {
    refuse(*job, opened.error());
    co_return;
  }
  const std::unique_ptr<db::Stream> stream = std::move(*opened);
  auto rows = std::make_shared<db::JsonRows>(options.ndjson ? db::JsonFormat::ndjson : db::JsonFormat::array);
  rows->begin(stream->columns());
  const db::RowLimits limits(~std::uint64_t{0}, part_size);
  bool begun = false;
  for (;;) {
    Result<bool> more = co_await stream->next(loop_, rows, limits);
    if (!more.ok()) {
      if (begun) {
        job->answered = true;
        job->exchange->abort();
      } else {
        refuse(*job, more.error());
      }
      co_return;
    }
    if (!*more) rows->finish();
    if (!begun) {
      const std::vector<HeaderField> fields = fields_of(options);
      if (!*more) {
        job->answered = true;
        job->exchange->reply(
            {.status = options.status, .format = http::BodyFormat::raw, .headers = fields, .body = rows->view(), .value = {}});
        co_return;
      }
      job->exchange->start(options.status, fields);
      begun = true;
    }
    job->room.reset();
    const bool room = job->exchange->write(rows->view());
    rows->clear();
    if (!*more) break;
    if (!room) {
      Result<void> waited = co_await job->room.wait();
      if (!waited.ok()) {
        job->answered = true;
        job->exchange->abort();
        co_return;
      }
    }
  }
  job->answered = true;
  job->exchange->end();
}

Task<void> DbHttp::answer_first(JobPtr job, std::string sql, Document params, RowsOptions options) {
  auto rows = std::make_shared<db::JsonRows>(db::JsonFormat::ndjson);
  db::RowLimits limits(1, ~std::size_t{0});
  limits.partial = true;
  Result<db::Outcome> outcome =
      co_await job->client->query_into(job->caller, std::move(sql), std::move(params), rows, limits, options.call);
  if (!outcome.ok()) {
    refuse(*job, outcome.error());
    co_return;
  }
  job->answered = true;
  if (outcome->rows == 0) {
    problem(*job->exchange, 404, "not-found", "Not Found", "There is no such row");
    co_return;
  }
  std::string_view body = rows->view();
  body.remove_suffix(1);  // the line's end
  const std::vector<HeaderField> fields = fields_of(options);
  job->exchange->reply({.status = options.status, .format = http::BodyFormat::raw, .headers = fields, .body = body, .value = {}});
}

void DbHttp::refuse(Job& job, const Error& error) {
  job.answered = true;
  http::Exchange& exchange = *job.exchange;
  switch (error.kind()) {
    case ErrorKind::cancelled: return exchange.abort();
    case ErrorKind::already_exists:
    case ErrorKind::conflict: return problem(exchange, 409, "conflict", "Conflict", "The request conflicts with what is stored");
    case ErrorKind::timeout:
    case ErrorKind::unavailable:
    case ErrorKind::rate_limited: {
      const HeaderField retry{"retry-after", "1"};
      return problem(exchange, 503, "service-unavailable", "Service Unavailable", "The database is not available", {&retry, 1});
    }
    default: {
      const std::string text = error.to_string();
      http::Failure failure{};
      failure.type = "db";
      failure.message = text;
      return exchange.fail(failure);
    }
  }
}

void DbHttp::problem(http::Exchange& exchange, std::uint16_t status, std::string_view slug, std::string_view title,
                     std::string_view detail, std::span<const HeaderField> headers) {
  std::string body;
  http::append_problem(body, problem_base_, http::ProblemKind{status, slug, title}, detail);
  std::vector<HeaderField> fields{{"content-type", http::problem_media_type}};
  fields.insert(fields.end(), headers.begin(), headers.end());
  exchange.reply({.status = status, .format = http::BodyFormat::raw, .headers = fields, .body = body, .value = {}});
}

void DbHttp::on_chunk(http::Exchange& exchange, http::BodyChunk chunk) {
  if (!jobs_.contains(exchange.id())) inner_.on_chunk(exchange, std::move(chunk));
}

void DbHttp::on_cancel(http::Exchange& exchange, CancelReason reason) {
  const auto at = jobs_.find(exchange.id());
  if (at == jobs_.end()) return inner_.on_cancel(exchange, reason);
  const JobPtr job = at->second;  // may end in here
  job->cancel.cancel(reason);
}

void DbHttp::on_credit(http::Exchange& exchange) {
  const auto at = jobs_.find(exchange.id());
  if (at == jobs_.end()) return inner_.on_credit(exchange);
  at->second->room.set();
}

void DbHttp::on_close() {
  drop_all();
  inner_.on_close();
}

}  // namespace spikard::app
