#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/exchange_jobs.hpp"
#include "base/result.hpp"
#include "db/client.hpp"
#include "telemetry/context.hpp"

namespace spikard::app {

/// How the rows of a statement become an answer.
struct RowsOptions {
  RowsOptions() = default;
  std::uint16_t status = 200;
  bool ndjson = false;  ///< one row a line (application/x-ndjson) instead of a JSON array
  bool first = false;   ///< the first row as an object; 404 when there is none
  std::vector<std::pair<std::string, std::string>> headers{};
  db::CallOptions call{};
  telemetry::SpanContext trace{};  ///< of the request
};

/// Rows as answers, on one loop, without host objects: `return db.query(...)`. Rows are written as JSON where they are read, and
/// read as fast as the connection takes them. What fits into one part (64 KiB) goes out whole, with Content-Length; more is
/// chunked. An error before the first byte is a problem (503 with Retry-After: no connection or too slow; 409: a constraint; else
/// 500, told to the log only), after it the answer is cut off.
class DbHttp final : public ExchangeJobs {
 public:
  /// `inner` outlives it. `problem_base` is the manifest's.
  DbHttp(net::Loop& loop, http::Sink& inner, std::string problem_base)
      : ExchangeJobs(loop, inner, std::move(problem_base), "db") {}

  void rows(http::Exchange& exchange, std::shared_ptr<db::Client> client, std::string sql, Document params,
            RowsOptions options = {});

 private:
  struct Rows;
  [[nodiscard]] Task<void> answer(std::shared_ptr<Rows> job, std::string sql, Document params, RowsOptions options);
  [[nodiscard]] Task<void> answer_first(std::shared_ptr<Rows> job, std::string sql, Document params, RowsOptions options);
  void refuse(Job& job, const Error& error);
};

}  // namespace spikard::app
