#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/client.hpp"
#include "telemetry/metrics.hpp"

namespace spikard::db::detail {

/// What a client, its transactions and its streams share.
struct Core {
  Core(std::shared_ptr<Backend> of_backend, ClientOptions of_options, telemetry::Tracer of_tracer);

  std::shared_ptr<Backend> backend;
  const ClientOptions options;
  telemetry::Tracer tracer;
  telemetry::Histogram duration;
  std::string name_space;
  std::shared_ptr<Limiter> limiter;
  std::atomic<bool> closed{false};
  std::atomic<bool> outbox_there{false};
  std::atomic<bool> inbox_there{false};
  std::mutex listeners_mutex;
  std::vector<std::weak_ptr<OutboxListener>> listeners;

  void outbox_grew();

  [[nodiscard]] std::optional<Duration> timeout(const CallOptions& call) const {
    return call.timeout.has_value() ? call.timeout : options.statement_timeout;
  }
};

/// Span and measure of one call; tells them how it ended.
class Call {
 public:
  Call(Core& core, const net::Caller& caller, std::string_view operation, std::string_view sql, bool has_params);
  template <class T>
  Result<T> ended(Result<T> result) {
    note(result.ok() ? nullptr : &result.error());
    return result;
  }
  void rows(std::uint64_t count) { span_.set("db.response.returned_rows", count); }
  void batch(std::size_t size) { span_.set("db.operation.batch.size", size); }
  [[nodiscard]] telemetry::Span take() { return std::move(span_); }

 private:
  void note(const Error* error);
  Core& core_;
  const Clock& clock_;
  Instant begun_;
  std::string operation_;
  telemetry::Span span_;
};

/// Runs `task` under a token that fires after `limit`, with the caller's own, and with `life` (of a transaction). Waits for it to
/// end. timeout where the limit passed.
template <class T>
[[nodiscard]] Task<Result<T>> guarded(net::Loop& loop, Task<Result<T>> task, std::optional<Duration> limit,
                                      CancelToken life = {}) {
  CancelToken outer = co_await current_token();
  CancelSource source(outer);
  bool late = false;
  CancelCallback on_life(life, [&](CancelReason why) { source.cancel(why); });
  net::Timer timer(loop, [&] {
    late = true;
    source.cancel(CancelReason::deadline);
  });
  if (limit.has_value()) timer.start(*limit);
  Task<Result<T>> inner = std::move(task).with_token(source.token());
  Result<T> result = co_await inner;
  if (late && !result.ok() && result.error().kind() == ErrorKind::cancelled)
    co_return Result<T>(Error(ErrorKind::timeout, "the statement took longer than it may"));
  co_return result;
}

}  // namespace spikard::db::detail
