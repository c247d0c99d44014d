#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/cancel.hpp"
#include "base/function.hpp"
#include "base/task.hpp"
#include "net/blocking_pool.hpp"
#include "net/loop/loop.hpp"
#include "spikard/clients.hpp"
#include "spikard/request.hpp"
#include "spikard/response.hpp"

namespace spikard {

namespace detail {
class Dispatcher;
[[nodiscard]] net::BlockingPool& blocking_pool(Dispatcher& dispatcher);

/// A plain function or a coroutine function, as the latter.
template <class F>
Function<Task<void>()> as_task(F fn) {
  if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
    return [fn = std::move(fn)]() mutable -> Task<void> {
      fn();
      co_return;
    };
  } else {
    return Function<Task<void>()>(std::move(fn));
  }
}
}  // namespace detail

/// Everything about the request in hand that is not a typed parameter. A handler takes `Context&`; it is valid until the handler
/// has ended.
class Context : public HasClients<Context> {
 public:
  Context(http::Exchange& exchange, detail::Dispatcher& dispatcher) noexcept : exchange_(exchange), dispatcher_(dispatcher) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  [[nodiscard]] Request request() const noexcept { return Request(exchange_); }
  /// Fires when the client goes, the time-out passes or the application stops. A coroutine's waits of the core's honour it by
  /// themselves.
  [[nodiscard]] CancelToken token() const noexcept { return exchange_.token(); }
  [[nodiscard]] net::Loop& loop() const noexcept;
  [[nodiscard]] app::Application& application() const noexcept;
  /// The span of this request, for what is done on its behalf.
  [[nodiscard]] telemetry::SpanContext trace() const;
  /// Fires when the drain begins: an endless stream ends then, or it is cut off when the drain's time is over. Everything else
  /// just goes on.
  [[nodiscard]] CancelToken stopping() const noexcept;
  /// Returns cancelled when the token fires first.
  [[nodiscard]] Task<Result<void>> sleep(Duration after) const { return net::sleep(loop(), after).with_token(token()); }

  /// Runs a function that blocks on the pool and comes back with a Result of what it returned. It must own what it uses.
  template <class F>
  [[nodiscard]] auto blocking(F fn) const {
    return net::blocking(loop(), detail::blocking_pool(dispatcher_), std::move(fn));
  }

  /// Added to whatever the handler answers.
  void set_header(std::string name, std::string value) { headers_.emplace_back(std::move(name), std::move(value)); }
  /// Throws std::invalid_argument for what RFC 6265 does not allow.
  void set_cookie(const SetCookie& cookie);
  /// Status of an answer that is not a Response of its own; default 200 (204 for void).
  void status(std::uint16_t code) noexcept { status_ = code; }

  /// Runs after the answer was made, on this loop; not when the handler throws. `task` is a function or a coroutine function and
  /// must own what it uses: this Context is gone by then. The drain waits for it; it is not durable.
  template <class F>
  void background(F task) {
    background_.push_back(detail::as_task(std::move(task)));
  }

  [[nodiscard]] http::Exchange& exchange() const noexcept { return exchange_; }
  [[nodiscard]] detail::Dispatcher& dispatcher() const noexcept { return dispatcher_; }
  [[nodiscard]] const Headers& headers() const noexcept { return headers_; }
  [[nodiscard]] std::uint16_t status_or(std::uint16_t code) const noexcept { return status_.value_or(code); }
  /// Takes over what the handler stated about its answer.
  void take_answer_of(Context& other) {
    headers_ = std::move(other.headers_);
    background_ = std::move(other.background_);
    status_ = other.status_;
  }
  /// After the answer: hands the background tasks over.
  void answered() {
    if (!background_.empty()) start_background();
  }

 private:
  void start_background();

  http::Exchange& exchange_;
  detail::Dispatcher& dispatcher_;
  Headers headers_;
  std::vector<Function<Task<void>()>> background_;
  std::optional<std::uint16_t> status_;
};

/// A streamed request body, as a parameter of a coroutine handler. It is not validated; the body limit holds. The client is
/// slowed down to what is read.
///
///     while (auto chunk = (co_await body.next()).value()) use(*chunk);
class BodyStream {
 public:
  explicit BodyStream(Context& context) noexcept : context_(&context) {}
  /// The next part; nothing after the last. Errors: cancelled when the client has gone or the body broke off.
  [[nodiscard]] Task<Result<std::optional<std::string>>> next();

 private:
  Context* context_;
};

/// What a hook sees and may do.
class Hook {
 public:
  Hook(http::Exchange& exchange, http::HookPhase phase) noexcept : exchange_(exchange), phase_(phase) {}
  Hook(const Hook&) = delete;
  Hook& operator=(const Hook&) = delete;

  [[nodiscard]] Request request() const noexcept { return Request(exchange_); }
  [[nodiscard]] http::HookPhase phase() const noexcept { return phase_; }
  [[nodiscard]] CancelToken token() const noexcept { return exchange_.token(); }
  /// A member of the request's context; handlers read it by `ctx.request().context()`.
  template <class T>
  void set_context(std::string_view key, const T& value) {
    set_context_json(key, to_document(value));
  }
  void set_context_json(std::string_view key, Json value) { context_.emplace_back(std::string(key), std::move(value)); }
  void set_header(std::string name, std::string value) { set_.emplace_back(std::move(name), std::move(value)); }
  void append_header(std::string name, std::string value) { append_.emplace_back(std::move(name), std::move(value)); }
  /// Answers here: before the handler it does not run any more; after it this replaces its answer.
  void respond(Response response) { answer_ = std::move(response); }

  /// In on_response and on_error: the answer so far.
  [[nodiscard]] std::uint16_t response_status() const noexcept { return exchange_.response_status(); }
  /// By its name in lower case.
  [[nodiscard]] std::optional<std::string_view> response_header(std::string_view name) const noexcept;

 private:
  friend class detail::Dispatcher;
  http::Exchange& exchange_;
  http::HookPhase phase_;
  std::vector<std::pair<std::string, Json>> context_;
  Headers set_;
  Headers append_;
  std::optional<Response> answer_;
};

}  // namespace spikard
