#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace spikard::messaging {

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;
/// RFC 3339 in UTC, with milliseconds: `2026-01-01T00:00:00.000Z`.
[[nodiscard]] std::string format_instant(WallTime time);
/// RFC 3339 with any offset; nothing when it is none, or outside the years 1678 to 2261.
[[nodiscard]] std::optional<WallTime> parse_instant(std::string_view text);

}  // namespace spikard::messaging
