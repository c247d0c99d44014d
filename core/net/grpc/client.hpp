#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "net/http_client/message.hpp"
#include "net/loop/loop.hpp"

namespace spikard::net::grpc {

/// Status codes (grpc.io, "Status codes and their use in gRPC").
enum class Code : int {
  ok = 0,
  cancelled = 1,
  unknown = 2,
  invalid_argument = 3,
  deadline_exceeded = 4,
  not_found = 5,
  already_exists = 6,
  permission_denied = 7,
  resource_exhausted = 8,
  failed_precondition = 9,
  aborted = 10,
  out_of_range = 11,
  unimplemented = 12,
  internal = 13,
  unavailable = 14,
  data_loss = 15,
  unauthenticated = 16,
};
[[nodiscard]] std::string_view name_of(Code code) noexcept;

struct ClientOptions {
  ClientOptions() = default;
  std::string ca{};    ///< PEM file of trusted roots; empty: the system's
  bool verify = true;  ///< chain and name of the server; off only for tests
  Duration connect_timeout = std::chrono::seconds(5);
  std::string user_agent = "spikard";
};

struct Call {
  Call(std::string of_path, std::string of_message) : path(std::move(of_path)), message(std::move(of_message)) {}
  std::string path;          ///< `/package.Service/Method`
  std::string message;       ///< one protobuf message
  http::Headers metadata{};  ///< names in lower case are sent; of others the lower case is
  bool gzipped = false;      ///< `message` is compressed by gzip already (`grpc-encoding`)
  Duration timeout = std::chrono::seconds(30);
  std::size_t max_response_bytes = std::size_t{4} << 20U;
};

struct Answer {
  Code code = Code::ok;
  std::string text;                     ///< `grpc-message`, or what an HTTP status without one says
  std::string message;                  ///< with `ok` only
  std::optional<Duration> retry_delay;  ///< google.rpc.RetryInfo of `grpc-status-details-bin`
};

/// Unary gRPC calls over HTTP/2 (nghttp2) on one loop: one connection, made when it is needed and made anew after a GOAWAY, a
/// break or a call that got no answer in time. Calls share it. `http` URLs speak HTTP/2 at once (prior knowledge), `https` by
/// ALPN. Cancelling a call resets its stream.
///
/// Errors: unavailable (name, connect, broken before an answer), timeout, cancelled, too_large, corrupt, invalid_argument (URL,
/// metadata). A status other than `ok` is an answer. Messages name the host, never metadata.
class Client {
 public:
  Client(Loop& loop, std::string url, ClientOptions options = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] Task<Result<Answer>> call(Call call);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// The `retry_delay` of a google.rpc.RetryInfo in a serialized google.rpc.Status; nothing where there is none or it cannot be
/// read. Sans I/O.
[[nodiscard]] std::optional<Duration> retry_delay_of(std::string_view status) noexcept;

}  // namespace spikard::net::grpc
