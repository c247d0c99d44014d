#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/function.hpp"
#include "base/task.hpp"
#include "http/cookies.hpp"
#include "http/sink.hpp"
#include "spikard/codec.hpp"

namespace spikard {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// Attributes of a Set-Cookie line (RFC 6265).
using SetCookie = http::Cookie;

/// A whole answer.
struct Response {
  std::uint16_t status = 200;
  Headers headers{};
  std::string body{};
  http::BodyFormat format = http::BodyFormat::raw;

  template <class T>
  static Response json(const T& value, std::uint16_t status = 200) {
    return {.status = status, .headers = {}, .body = to_json(value), .format = http::BodyFormat::json};
  }
  static Response text(std::string body, std::uint16_t status = 200) {
    return {.status = status, .headers = {}, .body = std::move(body), .format = http::BodyFormat::text};
  }
  static Response bytes(std::string body, std::string media_type = "application/octet-stream", std::uint16_t status = 200) {
    return {.status = status, .headers = {{"content-type", std::move(media_type)}}, .body = std::move(body), .format = http::BodyFormat::raw};
  }
  static Response empty(std::uint16_t status = 204) { return {.status = status}; }

  Response&& header(std::string name, std::string value) && {
    headers.emplace_back(std::move(name), std::move(value));
    return std::move(*this);
  }
  /// Throws std::invalid_argument when the cookie cannot be written.
  Response&& cookie(const SetCookie& cookie) &&;
};

/// An RFC 9457 problem, returned or thrown by a handler. `extensions` stand beside the standard members.
struct Problem : std::exception {
  std::uint16_t status = 500;
  std::string type = "about:blank";
  std::string title{};
  std::string detail{};
  std::string instance{};
  Json extensions{};
  Headers headers{};

  Problem() = default;
  explicit Problem(std::uint16_t code, std::string why = {}) : status(code), detail(std::move(why)) {}
  [[nodiscard]] const char* what() const noexcept override { return detail.c_str(); }
  /// application/problem+json; an empty title becomes the status's reason phrase, other empty members are left out.
  [[nodiscard]] Response response() const;
};

/// Writes a streamed answer. Lives in the core; the producer gets a reference.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  /// Sends one chunk; waits while the client is slower than the producer. Returns cancelled when the client has gone.
  [[nodiscard]] virtual Task<Result<void>> write(std::string chunk) = 0;
};

/// An answer that is made piece by piece, sent chunked. When `produce` throws, the connection is closed without the last chunk, so that the client can tell.
struct StreamingResponse {
  using Producer = Function<Task<void>(BodyWriter&)>;
  Producer produce;
  std::string media_type = "application/octet-stream";
  std::uint16_t status = 200;
  Headers headers{};
};

using AnyResponse = std::variant<Response, StreamingResponse>;

}  // namespace spikard
