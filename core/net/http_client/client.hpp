#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/function.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "net/http_client/message.hpp"
#include "net/loop/loop.hpp"
#include "net/tls.hpp"

namespace spikard::net::http {

/// A streamed request body: the next part, nothing after the last. Awaited on the client's loop.
using BodySource = Function<Task<Result<std::optional<std::string>>>()>;

struct Request {
  explicit Request(std::string of_method, std::string of_url) : method(std::move(of_method)), url(std::move(of_url)) {}
  std::string method;
  std::string url;  ///< http or https
  /// Host, Content-Length, Transfer-Encoding and User-Agent are the client's where they are not here. Names and values are
  /// checked, so that nothing from outside can add a line.
  Headers headers{};
  std::string body{};
  BodySource source{};                         ///< instead of `body`
  std::optional<std::uint64_t> source_size{};  ///< null: chunked
  /// `send`: for everything. `open`: until the response's head, and then for each read.
  Duration timeout = std::chrono::seconds(30);
  std::size_t max_response_bytes = std::size_t{8} << 20U;  ///< of `send`; more is too_large
  /// May be sent again when a connection breaks before the answer. Null: by the method (RFC 9110, 9.2.2).
  std::optional<bool> idempotent{};
};

struct Response {
  int status = 0;
  Headers headers{};
  std::string body{};
};

/// An answer whose body is read as it comes. Destroyed before its end, its connection closes.
class ResponseStream {
 public:
  virtual ~ResponseStream() = default;
  [[nodiscard]] virtual int status() const noexcept = 0;
  [[nodiscard]] virtual const Headers& headers() const noexcept = 0;
  /// The next part of the body (at most 64 KiB), nothing after the last. The peer is not read on until it is asked for.
  [[nodiscard]] virtual Task<Result<std::optional<std::string>>> read() = 0;
};

struct ClientOptions {
  ClientOptions() = default;
  std::string ca{};    ///< PEM file of trusted roots; empty: the system's
  bool verify = true;  ///< chain and name of servers; off only for tests
  Duration connect_timeout = std::chrono::seconds(5);
  Duration idle_timeout = std::chrono::seconds(30);  ///< a kept connection without a request closes after it
  std::size_t idle_per_host = 8;
  std::size_t connections_per_host = 64;  ///< one more request waits
  std::string user_agent = "spikard";
};

/// A small HTTP/1.1 client on one loop: kept connections a host, TLS with verification, deadlines, cancellation by the awaiting
/// task's token, bounded reads. No redirects, no proxies, no content codings, no cookies: callers that need one do it.
///
/// Errors: invalid_argument (URL, header), unavailable (name, connect, broken before an answer), timeout, too_large, corrupt (no
/// valid HTTP), cancelled; outcome_unknown where a request that must not be sent twice was sent and no answer came. Any status is
/// an answer, not an error. Messages name the host, never the path or query.
class Client {
 public:
  explicit Client(Loop& loop, ClientOptions options = {});
  /// Kept connections close; requests in progress go on to their end.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] Task<Result<Response>> send(Request request);
  [[nodiscard]] Task<Result<std::unique_ptr<ResponseStream>>> open(Request request);
  /// Closes the connections that are kept.
  void close_idle();
  /// Open connections, kept ones among them.
  [[nodiscard]] std::size_t connections() const noexcept;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace spikard::net::http
