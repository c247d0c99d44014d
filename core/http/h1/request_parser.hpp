#pragma once

#include <cstdint>
#include <string_view>

#include "http/record.hpp"

namespace spikard::http::h1 {

/// Limits of a request head. A value that is exactly at the limit passes.
struct HeadLimits {
  std::uint32_t uri_bytes = 8192;      ///< the request target -> 414
  std::uint32_t header_bytes = 65536;  ///< all field lines with their line ends -> 431
  std::uint32_t header_count = 128;    ///< also the room of the caller's ViewPair array -> 431
};

/// How the end of the body is found (RFC 9112 section 6.3).
enum class Framing : std::uint8_t { none, length, chunked };

enum class Parse : std::uint8_t { need_more, done, error };

/// A refusal: the answer is a problem with this status, then the connection closes. All texts are static.
struct HeadError {
  std::uint16_t status = 0;
  std::string_view slug{};
  std::string_view message{};
};

/// Headers that the server itself looks at; `Head::known` tells where they are.
enum class Known : std::uint8_t {
  host,
  content_type,
  content_length,
  cookie,
  authorization,
  content_encoding,
  accept_encoding,
  origin,
  range,
  if_none_match,
  count
};

/// A parsed request head. Views count from the `base` that `parse` was given; the text stays in the caller's buffer.
struct Head {
  Method method{};
  std::uint8_t version = 11;  ///< 10 or 11 (1.2 to 1.9 are treated as 1.1, RFC 9110 section 2.5)
  Framing framing = Framing::none;
  bool keep_alive = true;
  bool expect_continue = false;
  bool upgrade = false;       ///< `Connection: upgrade` and an Upgrade header
  bool path_escaped = false;  ///< the path has a `%`
  std::uint64_t content_length = 0;
  View method_text;
  View target;  ///< as sent
  View path;    ///< without the query; never empty: starts with `/`, or is `*` (OPTIONS only)
  View query;   ///< without `?`
  std::uint32_t header_count = 0;
  std::uint32_t begin = 0;                             ///< where the request line starts: empty lines before it are skipped
  std::uint32_t end = 0;                               ///< where the body starts
  std::int16_t known[static_cast<int>(Known::count)];  ///< index into the ViewPair array of the first such header, or -1

  [[nodiscard]] int index(Known k) const noexcept { return known[static_cast<int>(k)]; }
};

/// Reads the head of one request from a buffer that fills up, as RFC 9112 has it and no looser: where the RFC lets a server
/// repair or refuse, this refuses (bare CR or LF, obs-fold, white space before the colon, NUL and controls, repeated
/// Content-Length, Content-Length beside Transfer-Encoding, ...). Scans with SSE2 where there is SSE2. Allocates nothing.
///
/// Call `parse` again with the same `begin` and a larger `end` when more bytes came: it goes on at the line it stopped in. Buffer
/// and ViewPair array may move between calls, their contents kept. Header names are put in lower case in place; of the value,
/// white space around it is left out. With an absolute-form target the value of Host becomes the target's authority (RFC 9112
/// section 3.2.2).
class RequestParser {
 public:
  RequestParser() noexcept { reset(); }
  void reset() noexcept;

  /// Bytes `base + begin` to `base + end`. `headers`: room for `limits.header_count`. After `done`, what follows the head starts
  /// at `head().end`. After `done` or `error`, reset before the next.
  [[nodiscard]] Parse parse(char* base, std::uint32_t begin, std::uint32_t end, ViewPair* headers,
                            const HeadLimits& limits) noexcept;

  [[nodiscard]] const Head& head() const noexcept { return head_; }
  [[nodiscard]] const HeadError& error() const noexcept { return error_; }

 private:
  struct Cursor;
  enum class Stage : std::uint8_t { before, request_line, fields };
  enum Seen : std::uint16_t {
    seen_transfer_encoding = 1,
    seen_close = 2,
    seen_keep_alive = 4,
    seen_upgrade_token = 8,
    seen_upgrade = 16,
    seen_absolute = 32
  };

  Parse fail(std::uint16_t status, std::string_view slug, std::string_view message) noexcept;
  Parse request_line(Cursor& in, const HeadLimits& limits) noexcept;
  Parse target(Cursor& in, char* from, const HeadLimits& limits) noexcept;
  Parse fields(Cursor& in, ViewPair* headers, const HeadLimits& limits) noexcept;
  bool field(std::string_view name, std::string_view value) noexcept;
  Parse finish(ViewPair* headers) noexcept;

  Head head_;
  HeadError error_;
  View authority_;
  std::uint32_t line_ = 0;     ///< start of the line that is not complete yet
  std::uint32_t scanned_ = 0;  ///< field lines: everything before is known to be clean
  std::uint32_t fields_ = 0;   ///< where the field lines start
  std::uint16_t seen_ = 0;
  Stage stage_ = Stage::before;
};

/// `tchar` of RFC 9110 section 5.6.2.
[[nodiscard]] bool is_token(std::string_view text) noexcept;
/// Field content without controls (HTAB is allowed); bytes above 0x7F pass.
[[nodiscard]] bool is_field_value(std::string_view text) noexcept;
/// `is_field_value` for outgoing headers too; same rule.
[[nodiscard]] Method method_from(std::string_view text) noexcept;
[[nodiscard]] std::string_view name_of(Method method) noexcept;

}  // namespace spikard::http::h1
