#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace spikard::http::h1 {

/// Takes the chunked coding (RFC 9112 section 7.1) off a body, in place and resumable at any byte. Strict: CRLF only, sizes
/// within 63 bits, at most `max_extension` bytes of extensions a chunk and `max_extensions` in a body (read and ignored),
/// trailers checked for syntax, bounded and dropped.
class ChunkedDecoder {
 public:
  enum class Status : std::uint8_t { need_more, done, error };
  static constexpr std::uint32_t max_extension = 1024;
  static constexpr std::uint32_t max_extensions = 16384;
  static constexpr std::uint32_t max_trailers = 16384;

  struct Result {
    Status status;
    std::size_t consumed;  ///< of the input; all of it with need_more. After `done` the next request starts here
    std::size_t produced;  ///< body bytes, now at the front of `data`
  };

  void reset() noexcept { *this = ChunkedDecoder(); }
  /// After `error` (a 400) or `done` call reset before the next body.
  [[nodiscard]] Result decode(char* data, std::size_t size) noexcept;
  /// Why it failed; static text.
  [[nodiscard]] std::string_view error() const noexcept { return error_; }

 private:
  enum class State : std::uint8_t {
    size_first,
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    line_start,
    trailer_name,
    trailer_value,
    trailer_lf,
    end_lf,
    done
  };

  std::uint64_t left_ = 0;
  std::uint32_t extension_ = 0;
  std::uint32_t extensions_ = 0;
  std::uint32_t trailers_ = 0;
  std::uint8_t digits_ = 0;
  bool semicolon_ = false;
  State state_ = State::size_first;
  std::string_view error_{};
};

inline constexpr std::string_view last_chunk = "0\r\n\r\n";
/// The line before a chunk: at most 18 bytes; returns the end. `size` is not 0. The data and CRLF follow.
[[nodiscard]] char* put_chunk_line(char* out, std::uint64_t size) noexcept;
inline constexpr std::size_t max_chunk_line = 18;
/// One whole chunk; nothing for empty data (an empty chunk would end the body).
void append_chunk(std::string& out, std::string_view data);

}  // namespace spikard::http::h1
