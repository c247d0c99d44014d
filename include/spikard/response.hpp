#pragma once

#include <cstdint>
#include <exception>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/function.hpp"
#include "base/node.hpp"
#include "base/task.hpp"
#include "http/sink.hpp"
#include "spikard/codec.hpp"

namespace spikard {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// Attributes of a Set-Cookie line (RFC 6265). What that does not allow is an error when it is sent.
struct SetCookie {
  std::string name;
  std::string value;
  std::optional<std::int64_t> max_age{};  ///< seconds
  std::string domain{};
  std::string path{};
  std::string same_site{};  ///< Strict, Lax, None
  bool secure = false;
  bool http_only = false;
};

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
    return {.status = status,
            .headers = {{"content-type", std::move(media_type)}},
            .body = std::move(body),
            .format = http::BodyFormat::raw};
  }
  static Response empty(std::uint16_t status = 204) { return {.status = status}; }
  static Response redirect(std::string location, std::uint16_t status = 307) {
    return {.status = status, .headers = {{"location", std::move(location)}}};
  }

  [[nodiscard]] Response header(std::string name, std::string value) && {
    headers.emplace_back(std::move(name), std::move(value));
    return std::move(*this);
  }
  /// Throws std::invalid_argument for what RFC 6265 does not allow.
  [[nodiscard]] Response cookie(const SetCookie& cookie) &&;
};

/// An RFC 9457 problem, returned or thrown by a handler or hook. `extensions` stand beside the standard members.
///
///     throw Problem::not_found("No order 7");
struct Problem : std::exception {
  std::uint16_t status = 500;
  /// A URI; or, without a colon, the last segment of one below the application's `problem_base`.
  std::string type = "about:blank";
  std::string title{};  ///< empty: the status's phrase
  std::string detail{};
  std::string instance{};
  Json extensions{};  ///< an object, or empty
  Headers headers{};

  Problem() = default;
  explicit Problem(std::uint16_t code, std::string why = {}) : status(code), detail(std::move(why)) {}
  Problem(std::uint16_t code, std::string slug, std::string why) : status(code), type(std::move(slug)), detail(std::move(why)) {}
  [[nodiscard]] const char* what() const noexcept override { return detail.c_str(); }

  static Problem bad_request(std::string why = {}) { return {400, "bad-request", std::move(why)}; }
  static Problem unauthorized(std::string why = {}) { return {401, "unauthorized", std::move(why)}; }
  static Problem forbidden(std::string why = {}) { return {403, "forbidden", std::move(why)}; }
  static Problem not_found(std::string why = {}) { return {404, "not-found", std::move(why)}; }
  static Problem conflict(std::string why = {}) { return {409, "conflict", std::move(why)}; }
  /// `{"key": value}` beside the standard members.
  template <class T>
  [[nodiscard]] Problem with(std::string_view key, const T& value) && {
    add_extension(key, to_json(value));
    return std::move(*this);
  }

  /// application/problem+json. `base` is what a relative type is put behind.
  [[nodiscard]] Response response(std::string_view base = "https://spikard.dev/problems/") const;

 private:
  void add_extension(std::string_view key, const std::string& json);
};

/// Writes a streamed answer. Lives in the core; the producer gets a reference.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  /// Sends one chunk; waits while the client is slower than the producer. Returns cancelled when the client has gone: then stop.
  [[nodiscard]] virtual Task<Result<void>> write(std::string chunk) = 0;
};

/// An answer that is made piece by piece, sent chunked. When `produce` throws, the connection is cut without the last chunk, so
/// that the client can tell.
struct StreamingResponse {
  /// A coroutine; as a lambda it may capture: it lives until the stream's end.
  using Producer = Function<Task<void>(BodyWriter&)>;
  Producer produce;
  std::string media_type = "application/octet-stream";
  std::uint16_t status = 200;
  Headers headers{};
};

using AnyResponse = std::variant<Response, StreamingResponse>;

/// A stored object as the answer to GET and HEAD. The core does it all: ETag, Last-Modified, conditions (304, 412), Range (206,
/// 416), back pressure; what is not there is 404. What is not given here is the object's.
///
///     app.get("/files/{key:path}", [](Path<"key"> key) { return StoredObject{.key = *key}; });
struct StoredObject {
  std::string key;
  std::string store = "default";
  std::optional<std::string> content_type{};
  std::optional<std::string> cache_control{};
  std::optional<std::string> content_disposition{};
};

/// The rows of a statement as the answer, as JSON from the database to the connection without objects between, read as fast as
/// the client takes them. Few rows go out whole, with Content-Length; more are chunked. An error before the first byte becomes a
/// problem (503 when the database is not available, 409 for a constraint, else 500), after it the answer is cut off.
///
///     app.get("/orders", [] { return Rows{.sql = "SELECT id, total FROM orders ORDER BY id"}; });
struct Rows {
  std::string sql;
  Document params{};               ///< `db::params(...)`
  std::string client = "default";  ///< of `services.db`
  std::uint16_t status = 200;
  bool ndjson = false;  ///< one row a line (application/x-ndjson) instead of a JSON array
  bool first = false;   ///< the first row as an object; 404 when there is none
};

/// The request's body becomes an object, and the answer tells its etag. `If-Match` with one etag and `If-None-Match: *` of the
/// request are conditions of the write (412). The content type is the request's where it is not given. A handler that takes a
/// BodyStream, and leaves it unread, stores bodies of any size as they come; else the body is buffered first.
///
///     app.put("/files/{key:path}", [](Path<"key"> key, BodyStream) -> Task<StoreBody> { co_return StoreBody{.key = *key}; });
struct StoreBody {
  std::string key;
  std::string store = "default";
  std::optional<std::string> content_type{};
  std::optional<std::string> cache_control{};
  std::optional<std::string> content_disposition{};
  std::map<std::string, std::string> metadata{};
  std::uint64_t max_bytes = UINT64_MAX;  ///< more is 413; the route's limit comes first
  std::uint16_t status = 201;
};

}  // namespace spikard
