#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "db/client.hpp"
#include "http/sink.hpp"
#include "net/loop/loop.hpp"
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
///
/// It stands between server and sink: what it has taken over it keeps to itself, everything else goes to `inner`, which may call
/// `rows` for any exchange that it owes an answer and has not begun one. From then on it owes nothing.
class DbHttp final : public http::Sink {
 public:
  /// `inner` outlives it. `problem_base` is the manifest's.
  DbHttp(net::Loop& loop, http::Sink& inner, std::string problem_base);
  ~DbHttp() override;

  void rows(http::Exchange& exchange, std::shared_ptr<db::Client> client, std::string sql, Document params,
            RowsOptions options = {});

  // http::Sink
  void on_request(http::Exchange& exchange) override { inner_.on_request(exchange); }
  void on_chunk(http::Exchange& exchange, http::BodyChunk chunk) override;
  void on_cancel(http::Exchange& exchange, CancelReason reason) override;
  void on_credit(http::Exchange& exchange) override;
  void on_hook(http::Exchange& exchange, http::HookPhase phase, std::uint32_t hook) override {
    inner_.on_hook(exchange, phase, hook);
  }
  void on_factory(http::Exchange& exchange, std::uint32_t dependency, std::span<const std::uint64_t> arguments) override {
    inner_.on_factory(exchange, dependency, arguments);
  }
  void on_dispose(http::Exchange& exchange, std::uint32_t dependency, std::uint64_t token) override {
    inner_.on_dispose(exchange, dependency, token);
  }
  void on_batch_end() override { inner_.on_batch_end(); }
  void on_close() override;

  [[nodiscard]] std::size_t in_hand() const noexcept { return jobs_.size(); }

 private:
  struct Job;
  struct Frame;
  using JobPtr = std::shared_ptr<Job>;

  Frame run(JobPtr job, Task<void> task);
  [[nodiscard]] Task<void> answer(JobPtr job, std::string sql, Document params, RowsOptions options);
  [[nodiscard]] Task<void> answer_first(JobPtr job, std::string sql, Document params, RowsOptions options);
  void refuse(Job& job, const Error& error);
  void problem(http::Exchange& exchange, std::uint16_t status, std::string_view slug, std::string_view title,
               std::string_view detail, std::span<const http::HeaderField> headers = {});
  void drop_all();

  net::Loop& loop_;
  http::Sink& inner_;
  const std::string problem_base_;
  std::unordered_map<std::uint64_t, JobPtr> jobs_;  // by exchange id
};

}  // namespace spikard::app
