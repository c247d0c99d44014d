#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/sink.hpp"

namespace spikard::http::h1 {

/// How the end of the answer is marked.
enum class BodyEnd : std::uint8_t {
  length,   ///< Content-Length
  chunked,  ///< Transfer-Encoding: chunked; with HTTP/1.0 it becomes `close`
  close,    ///< the end of the connection
  none,     ///< no body and no length (1xx, 204, 304)
};

/// What goes into a response head. Borrowed.
struct ResponseHead {
  std::uint16_t status = 200;
  std::uint8_t version = 11;  ///< the request's
  bool keep_alive = true;
  BodyEnd body_end = BodyEnd::length;
  std::uint64_t content_length = 0;
  /// `connection`, `keep-alive`, `transfer-encoding` and `content-length` among them are left out: the server frames.
  std::span<const HeaderField> headers{};
  std::string_view content_type{};  ///< written unless empty or among `headers`
  std::string_view date{};          ///< written unless empty or among `headers`
  std::string_view server{};        ///< written unless empty or among `headers`
};

/// Room that is enough for `write_head`.
[[nodiscard]] std::size_t max_head_size(const ResponseHead& head) noexcept;

/// Writes status line, headers and the empty line; returns the end, or null when a header's name is not a token or its value has
/// a CR, LF, NUL or another control: nothing must be sent then (an Error of the handler, not an injection). Statuses 1xx, 204 and
/// 304 get no framing headers whatever `body_end` says. `close` and HTTP/1.0 are reflected in Connection.
[[nodiscard]] char* write_head(char* out, const ResponseHead& head) noexcept;
/// The same at the end of a string; false and unchanged when refused.
[[nodiscard]] bool append_head(std::string& out, const ResponseHead& head);

/// The first header that `write_head` would refuse, for the log.
[[nodiscard]] const HeaderField* refused_header(std::span<const HeaderField> headers) noexcept;

/// True when the connection can be used again after an answer with this head (`close` ends it).
[[nodiscard]] bool stays_open(const ResponseHead& head) noexcept;
/// 1xx, 204, 304: never a body.
[[nodiscard]] constexpr bool bodiless(std::uint16_t status) noexcept { return status < 200 || status == 204 || status == 304; }
/// "Not Found"; empty for codes without a registered phrase.
[[nodiscard]] std::string_view reason_of(std::uint16_t status) noexcept;

inline constexpr std::string_view continue_response = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace spikard::http::h1
