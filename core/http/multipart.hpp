#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace spikard::http {

/// Headers of one part of a multipart/form-data body (RFC 7578). All texts are UTF-8; what was not has U+FFFD.
struct PartHead {
  std::string name;
  /// As sent, escapes undone. A part that has one is a file. Never a path to write to.
  std::optional<std::string> filename;
  std::string content_type;                                  ///< empty when there is none
  std::vector<std::pair<std::string, std::string>> headers;  ///< further ones, names in lower case
};

struct MultipartLimits {
  std::uint32_t parts = 1000;
  std::uint32_t header_bytes = 16384;  ///< of one part
};

/// A multipart/form-data body, parsed as it comes, whatever the pieces. No I/O; it holds back what may be the beginning of a
/// delimiter, and the headers of one part.
///
/// Strict where leniency would make two readings: lines end with CRLF, each part needs Content-Disposition `form-data` with a
/// name, the closing delimiter must come. Lenient as RFC 2046 asks: preamble and epilogue are skipped, blanks may follow a
/// delimiter, a line that only begins like a delimiter is content.
class MultipartParser {
 public:
  /// False from a call ends parsing: `push` returns false, and error() stays empty.
  class Handler {
   public:
    virtual bool on_part(PartHead&& head) = 0;
    virtual bool on_data(std::string_view bytes) = 0;
    virtual bool on_part_end() = 0;

   protected:
    ~Handler() = default;
  };

  MultipartParser(std::string_view boundary, const MultipartLimits& limits, Handler& handler);

  /// False after an error, or when the handler wants no more.
  [[nodiscard]] bool push(std::string_view bytes);
  /// The body has ended. False when the closing delimiter did not come.
  [[nodiscard]] bool finish();

  /// Static text of what is wrong with the body; empty when nothing is.
  [[nodiscard]] std::string_view error() const noexcept { return error_; }
  /// The error is a limit.
  [[nodiscard]] bool too_large() const noexcept { return too_large_; }

 private:
  enum class State : std::uint8_t { preamble, head, data, epilogue, failed };
  enum class Line : std::uint8_t { content, part, close, unknown };

  [[nodiscard]] std::size_t run(std::string_view view);
  [[nodiscard]] std::size_t delimited(std::string_view view, std::size_t at);
  [[nodiscard]] static Line after_delimiter(std::string_view rest, std::size_t& length) noexcept;
  [[nodiscard]] bool emit(std::string_view bytes);
  [[nodiscard]] bool head(std::string_view lines);
  bool fail(std::string_view why, bool too_large = false) noexcept;

  const std::string delimiter_;  // CRLF "--" boundary
  const MultipartLimits limits_;
  Handler& handler_;
  State state_ = State::preamble;
  std::string held_ = "\r\n";  // a body may begin with its first delimiter
  std::size_t scanned_ = 0;    // of a head that has not ended
  std::uint32_t parts_ = 0;
  bool too_large_ = false;
  std::string_view error_;
};

/// What Content-Disposition says. Nothing when it is malformed, is not `form-data`, or has no name.
struct FormDisposition {
  std::string name;
  std::optional<std::string> filename;
};
[[nodiscard]] std::optional<FormDisposition> parse_form_disposition(std::string_view header);

/// The media type that the first bytes of a file tell ("image/png", "image/jpeg", "image/gif", "application/pdf"), or nothing.
[[nodiscard]] std::string_view sniff_media_type(std::string_view first_bytes) noexcept;
/// Whether a file of the type `sniffed` may be declared as `declared` (other names of the type, parameters and letter case do not
/// matter).
[[nodiscard]] bool may_be_declared(std::string_view sniffed, std::string_view declared) noexcept;

}  // namespace spikard::http
