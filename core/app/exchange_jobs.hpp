#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/cancel.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "http/sink.hpp"
#include "net/await.hpp"
#include "net/loop/loop.hpp"
#include "net/operation_target.hpp"
#include "telemetry/context.hpp"

namespace spikard::app {

/// Answers that the core makes by itself, on one loop, without host bytes: one coroutine an exchange (StorageHttp, DbHttp). It
/// stands between server and sink: an exchange in hand it keeps to itself, everything else goes to `inner`. Whoever gives an
/// exchange here owes it an answer and has not begun one; from then on it owes nothing.
class ExchangeJobs : public http::Sink {
 public:
  ~ExchangeJobs() override { drop_all(); }

  // http::Sink
  void on_request(http::Exchange& exchange) override { inner_.on_request(exchange); }
  void on_chunk(http::Exchange& exchange, http::BodyChunk chunk) override;
  void on_cancel(http::Exchange& exchange, CancelReason reason) final;
  void on_credit(http::Exchange& exchange) override;
  void on_hook(http::Exchange& exchange, http::HookPhase phase, std::uint32_t hook) final {
    inner_.on_hook(exchange, phase, hook);
  }
  void on_factory(http::Exchange& exchange, std::uint32_t dependency, std::span<const std::uint64_t> arguments) final {
    inner_.on_factory(exchange, dependency, arguments);
  }
  void on_dispose(http::Exchange& exchange, std::uint32_t dependency, std::uint64_t token) final {
    inner_.on_dispose(exchange, dependency, token);
  }
  void on_batch_end() final { inner_.on_batch_end(); }
  void on_close() final;

  [[nodiscard]] std::size_t in_hand() const noexcept { return jobs_.size(); }

 protected:
  /// One exchange in hand.
  struct Job {
    Job(net::Loop& loop, http::Exchange& of, telemetry::SpanContext trace)
        : exchange(&of), id(of.id()), room(loop), caller(loop, std::move(trace)) {}
    virtual ~Job() = default;
    http::Exchange* exchange;
    std::uint64_t id;
    bool answered = false;  ///< the final command was given
    CancelSource cancel;
    net::Event room;  ///< the connection takes more
    net::Caller caller;
    std::coroutine_handle<> frame;
  };

  /// `inner` outlives it. `problem_base` is the manifest's. `name` is the type of failures ("storage").
  ExchangeJobs(net::Loop& loop, http::Sink& inner, std::string problem_base, std::string_view name)
      : loop_(loop), inner_(inner), problem_base_(std::move(problem_base)), name_(name) {}

  /// Runs `task`, which answers the job's exchange; one that ends without an answer fails it.
  void begin(std::shared_ptr<Job> job, Task<void> task);
  [[nodiscard]] std::shared_ptr<Job> find(const http::Exchange& exchange) const;
  [[nodiscard]] net::Loop& loop() const noexcept { return loop_; }
  [[nodiscard]] http::Sink& inner() const noexcept { return inner_; }

  void problem(http::Exchange& exchange, std::uint16_t status, std::string_view slug, std::string_view title,
               std::string_view detail, std::span<const http::HeaderField> headers = {}) const;
  /// 503 with Retry-After.
  void unavailable(http::Exchange& exchange, std::string_view detail) const;
  /// 500; the text goes to the log only.
  void fail(http::Exchange& exchange, std::string_view text) const;

 private:
  struct Frame;
  Frame run(std::shared_ptr<Job> job, Task<void> task);
  void drop_all();

  net::Loop& loop_;
  http::Sink& inner_;
  const std::string problem_base_;
  const std::string_view name_;
  std::unordered_map<std::uint64_t, std::shared_ptr<Job>> jobs_;  // by exchange id
};

}  // namespace spikard::app
