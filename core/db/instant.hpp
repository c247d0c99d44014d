#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace spikard::db {

/// Microseconds since 1970-01-01T00:00:00Z: what `$timestamp` and TIMESTAMP columns are between text forms. Years 0001 to 9999.
using Microseconds = std::int64_t;

/// RFC 3339 with an offset; digits beyond microseconds are cut off. Leap seconds are refused: no database has them.
[[nodiscard]] std::optional<Microseconds> parse_rfc3339(std::string_view text) noexcept;
/// What databases write: `2024-03-10 10:30:00[.123456]` or with T, without an offset UTC, also `+02`, `+02:00`, `Z`.
[[nodiscard]] std::optional<Microseconds> parse_sql_timestamp(std::string_view text) noexcept;
/// `2024-03-10T10:30:00.123456Z`, without trailing zeros of the fraction, nor a fraction of nothing.
[[nodiscard]] std::string to_rfc3339(Microseconds at);
/// `2024-03-10 10:30:00.123456`, the same way: sorts as it should, beside CURRENT_TIMESTAMP too.
[[nodiscard]] std::string to_sql_timestamp(Microseconds at);

}  // namespace spikard::db
