#include "app/db_http.hpp"

#include "db/json_rows.hpp"

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

struct DbHttp::Rows final : Job {
  Rows(net::Loop& loop, http::Exchange& of, std::shared_ptr<db::Client> of_client, telemetry::SpanContext trace)
      : Job(loop, of, std::move(trace)), client(std::move(of_client)) {}
  std::shared_ptr<db::Client> client;
};

void DbHttp::rows(http::Exchange& exchange, std::shared_ptr<db::Client> client, std::string sql, Document params,
                  RowsOptions options) {
  auto job = std::make_shared<Rows>(loop(), exchange, std::move(client), options.trace);
  Task<void> task = options.first ? answer_first(job, std::move(sql), std::move(params), std::move(options))
                                  : answer(job, std::move(sql), std::move(params), std::move(options));
  begin(std::move(job), std::move(task));
}

Task<void> DbHttp::answer(std::shared_ptr<Rows> job, std::string sql, Document params, RowsOptions options) {
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
    Result<bool> more = co_await stream->next(loop(), rows, limits);
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

Task<void> DbHttp::answer_first(std::shared_ptr<Rows> job, std::string sql, Document params, RowsOptions options) {
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
    case ErrorKind::rate_limited: return unavailable(exchange, "The database is not available");
    default: return fail(exchange, error.to_string());
  }
}

}  // namespace spikard::app
