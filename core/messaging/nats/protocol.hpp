#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "messaging/message.hpp"

namespace spikard::messaging::nats {

/// What a server sends (the NATS client protocol), cut out of a byte stream. No I/O. Views are into its buffer, until the next
/// `room`.
class Parser {
 public:
  enum class Kind : std::uint8_t { none, info, message, ping, pong, ok, error };
  struct Event {
    Kind kind = Kind::none;
    std::uint64_t sid = 0;
    std::string_view subject{};
    std::string_view reply{};
    std::string_view headers{};  ///< the whole block, `NATS/1.0` first; empty: none
    std::string_view payload{};
    std::string_view text{};  ///< info: JSON; error: what the server says
  };
  static constexpr std::size_t max_line = 64U << 10U;  // INFO of a large cluster

  /// `max_message`: of headers and payload together.
  explicit Parser(std::size_t max_message) noexcept : max_message_(max_message) {}

  /// Where to put at least `size` more bytes; then say how many came.
  [[nodiscard]] char* room(std::size_t size);
  void filled(std::size_t size) noexcept { end_ += size; }
  void feed(std::string_view bytes);
  /// `none`: more bytes are needed. corrupt: this is no NATS server, or one that ran mad; nothing more comes out.
  [[nodiscard]] Result<Event> next();

 private:
  [[nodiscard]] Result<Event> message(std::string_view line, bool with_headers, std::size_t line_end);

  const std::size_t max_message_;
  std::string buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t scanned_ = 0;  // no end of line before it
  std::size_t needed_ = 0;   // bytes from begin_ on that the message in progress has
};

/// A block of headers: those of a message, or a status that the server sends in a message's place.
struct HeaderBlock {
  int status = 0;  ///< 0: none
  std::string description{};
  Headers headers{};
  Headers own{};  ///< those of append_own
};
/// corrupt
[[nodiscard]] Result<HeaderBlock> parse_headers(std::string_view block);

/// `NATS/1.0\r\n`, then these to `append_header`, then `\r\n`. Names and values that NATS cannot carry travel as
/// `Spikard-Header: NAME=VALUE`, percent-encoded; parse_headers turns them back in their place.
inline constexpr std::string_view headers_begin = "NATS/1.0\r\n";
void append_header(std::string& out, std::string_view name, std::string_view value);
/// One of ours (`Spikard-Key`): what NATS cannot carry in its value is percent-encoded, and `%` always.
inline constexpr std::string_view own_prefix = "Spikard-";
void append_own(std::string& out, std::string_view name, std::string_view value);

/// Whether a text may stand as a subject in a command: not empty, no blanks or control characters.
[[nodiscard]] bool is_subject(std::string_view text) noexcept;

/// `PUB` or, where `headers` is not empty (a whole block), `HPUB`.
void append_publish(std::string& out, std::string_view subject, std::string_view reply, std::string_view headers,
                    std::string_view payload);

}  // namespace spikard::messaging::nats
