#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace spikard::json {

/// The longest integer and the longest double that these write.
inline constexpr std::size_t max_number_text = 32;

/// JSON tokens into memory that has room for them; each returns the end. The writers above them (json::Writer, the typed
/// serialiser of the C++ API) only see to room and commas.
[[nodiscard]] char* put_integer(char* out, std::int64_t v) noexcept;
[[nodiscard]] char* put_uinteger(char* out, std::uint64_t v) noexcept;
/// Shortest form that reads back the same, always with a fraction or exponent; `null` when not finite.
[[nodiscard]] char* put_number(char* out, double v) noexcept;
/// Room: `max_quoted(v.size())`.
[[nodiscard]] char* put_quoted(char* out, std::string_view v) noexcept;
[[nodiscard]] constexpr std::size_t max_quoted(std::size_t size) noexcept { return size * 6 + 2; }
/// Length of the leading part of `v` that needs no escape: neither `"`, `\`, control characters nor bytes above 0x7F.
[[nodiscard]] std::size_t plain_prefix(std::string_view v) noexcept;

}  // namespace spikard::json
