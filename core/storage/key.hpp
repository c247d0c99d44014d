#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.hpp"
#include "storage/object.hpp"

namespace spikard::storage {

inline constexpr std::size_t max_key_bytes = 1024;
inline constexpr std::size_t max_metadata_bytes = 2048;  ///< names and values together, as S3 has it
inline constexpr std::size_t max_header_bytes = 1024;    ///< content type and its like

/// Whether every backend can hold it: 1 to 1024 bytes of UTF-8 without NUL, no leading or trailing `/`, no empty, `.` or `..`
/// segment.
[[nodiscard]] bool valid_key(std::string_view key) noexcept;
/// Errors: invalid_key.
[[nodiscard]] Result<void> check_key(std::string_view key);
/// Header values without control characters, names of metadata as tokens; these become lower case. Errors: invalid_argument,
/// naming the member.
[[nodiscard]] Result<void> check_and_fold(WriteOptions& options);
/// Errors: invalid_argument, naming the member.
[[nodiscard]] Result<void> check_conditions_form(const WriteConditions& conditions);
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace spikard::storage
