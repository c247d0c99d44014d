#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "http/record.hpp"

namespace spikard::http {

/// The value of a request header, or empty; the first of several lines.
[[nodiscard]] std::string_view header_of(const RequestRecord& record, std::string_view lower_name) noexcept;
[[nodiscard]] bool has_header(const RequestRecord& record, std::string_view lower_name) noexcept;

/// An HTTP-date in any of its three forms (RFC 9110 5.6.7), as seconds since the epoch.
[[nodiscard]] std::optional<std::int64_t> parse_http_date(std::string_view text) noexcept;

/// One range of a Range header (RFC 9110 14.1.2).
struct ByteRange {
  std::optional<std::uint64_t> first;  ///< nothing: a suffix of `last` bytes
  std::optional<std::uint64_t> last;   ///< inclusive; the length of a suffix
};
/// Nothing for another unit, more than one range, or what is no range: such a header is ignored.
[[nodiscard]] std::optional<ByteRange> parse_range(std::string_view value) noexcept;

enum class Precondition : std::uint8_t { proceed, not_modified, failed };
/// If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since in the order of RFC 9110 13.2.2, for GET and HEAD.
[[nodiscard]] Precondition check_preconditions(const RequestRecord& record, std::string_view etag, WallTime last_modified);
/// Whether If-Range lets the Range stand: it is not there, or names this very state.
[[nodiscard]] bool range_stands(const RequestRecord& record, std::string_view etag, WallTime last_modified);

}  // namespace spikard::http
