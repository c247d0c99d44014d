#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/http_client/message.hpp"

namespace spikard::net::http {

struct ResponseLimits {
  std::size_t head_bytes = 65536;
  std::size_t header_count = 256;
};

/// HTTP/1.1 responses from bytes (RFC 9112), in whatever pieces they come. Sans I/O; one response an object.
///
/// Where the RFC lets a client repair, it refuses (corrupt): folded lines, bare CR, unequal Content-Lengths, a coding other than
/// chunked. Interim answers (1xx) are skipped. Trailers are checked and dropped.
class ResponseParser {
 public:
  /// `head_request`: the answer has no body whatever its headers say.
  explicit ResponseParser(bool head_request = false, ResponseLimits limits = {}) noexcept
      : limits_(limits), head_request_(head_request) {}

  /// Takes bytes and appends what they hold of the body to `body`, at most `body_room` bytes; returns how many it took, fewer
  /// only when the response has ended or the room is used up.
  [[nodiscard]] Result<std::size_t> feed(std::string_view bytes, std::string& body, std::size_t body_room = SIZE_MAX);
  /// The stream has ended. An error when the response had not.
  [[nodiscard]] Result<void> end_of_stream();

  [[nodiscard]] bool head_done() const noexcept { return state_ > State::head; }
  [[nodiscard]] bool done() const noexcept { return state_ == State::done; }
  [[nodiscard]] int status() const noexcept { return status_; }
  [[nodiscard]] Headers& headers() noexcept { return headers_; }
  /// Once done: whether the connection may take another request.
  [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }
  /// Whether any byte of it was seen.
  [[nodiscard]] bool begun() const noexcept { return begun_; }

 private:
  enum class State : std::uint8_t { head, sized, until_close, chunk_size, chunk_data, chunk_end, trailers, done };
  [[nodiscard]] Result<void> read_head();
  [[nodiscard]] Result<void> read_line(std::string_view line);
  [[nodiscard]] Result<void> frame();
  [[nodiscard]] Result<bool> take_line(std::string_view bytes, std::size_t& at, std::size_t limit);

  ResponseLimits limits_;
  bool head_request_;
  State state_ = State::head;
  bool begun_ = false;
  bool keep_alive_ = true;
  int status_ = 0;
  int interim_ = 0;
  std::uint64_t left_ = 0;  // of a sized body or a chunk
  std::size_t trailer_bytes_ = 0;
  std::string text_;  // a head or line that is not complete
  Headers headers_;
};

}  // namespace spikard::net::http
