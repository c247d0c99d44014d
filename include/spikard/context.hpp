#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/cancel.hpp"
#include "base/function.hpp"
#include "base/task.hpp"
#include "net/loop/loop.hpp"
#include "spikard/request.hpp"
#include "spikard/response.hpp"

namespace spikard {

class App;
namespace detail {
class Dispatcher;
class Call;
}  // namespace detail

/// Everything about the request in hand that is not a typed parameter. A handler takes `Context&`; it is valid until the handler has ended.
class Context {
 public:
  Context(http::Exchange& exchange, detail::Dispatcher& dispatcher) noexcept : exchange_(exchange), dispatcher_(dispatcher) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  [[nodiscard]] Request request() const noexcept { return Request(exchange_); }
  /// Fires when the client goes, the time-out passes or the application stops. A coroutine's waits of the core's honour it by themselves.
  [[nodiscard]] CancelToken token() const noexcept { return exchange_.token(); }
  [[nodiscard]] net::Loop& loop() const noexcept;
  [[nodiscard]] Task<Result<void>> sleep(Duration after) const { return net::sleep(loop(), after).with_token(token()); }

  /// Added to whatever the handler answers.
  void set_header(std::string name, std::string value) { headers_.emplace_back(std::move(name), std::move(value)); }
  void set_cookie(const SetCookie& cookie);
  /// Status of an answer that is not a Response of its own; default 200 (204 for void).
  void status(std::uint16_t code) noexcept { status_ = code; }

  /// Runs after the answer was made, on this loop. It must own what it uses: this Context is gone by then. The drain waits for it; not durable (tasks are).
  void background(Function<Task<void>()> task);

  /// Parts of a streamed request body (`route.stream_body()`), in order; nothing after the last. Returns cancelled when the client has gone.
  [[nodiscard]] Task<Result<std::optional<std::string>>> next_chunk();

  [[nodiscard]] http::Exchange& exchange() const noexcept { return exchange_; }
  [[nodiscard]] const Headers& headers() const noexcept { return headers_; }
  [[nodiscard]] std::optional<std::uint16_t> stated_status() const noexcept { return status_; }

 private:
  friend class detail::Dispatcher;
  friend class detail::Call;
  http::Exchange& exchange_;
  detail::Dispatcher& dispatcher_;
  Headers headers_;
  std::optional<std::uint16_t> status_;
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
    auto json = json::parse(to_json(value));
    if (json.ok()) set_context_json(key, std::move(json).value());
  }
  void set_context_json(std::string_view key, Json value) { context_.emplace_back(std::string(key), std::move(value)); }
  void set_header(std::string name, std::string value) { set_.emplace_back(std::move(name), std::move(value)); }
  void append_header(std::string name, std::string value) { append_.emplace_back(std::move(name), std::move(value)); }
  /// Answers here: before the handler it does not run any more; after it this replaces its answer.
  void respond(Response response) { answer_ = std::move(response); }

  /// In on_response and on_error: the answer so far.
  [[nodiscard]] std::uint16_t response_status() const noexcept { return exchange_.response_status(); }
  [[nodiscard]] std::optional<std::string_view> response_header(std::string_view name) const noexcept {
    for (const http::HeaderField& field : exchange_.response_headers()) {
      if (field.name == name) return field.value;
    }
    return std::nullopt;
  }

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
