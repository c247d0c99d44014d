// Generated from spec/errors.yaml by codegen. Do not edit.
#pragma once

#include <cstdint>
#include <string_view>

namespace spikard {

enum class ErrorKind : std::uint8_t {
  not_found = 1,
  already_exists = 2,
  invalid_argument = 3,
  permission_denied = 4,
  condition_failed = 5,
  conflict = 6,
  timeout = 7,
  cancelled = 8,
  unavailable = 9,
  rate_limited = 10,
  unsupported = 11,
  too_large = 12,
  corrupt = 13,
  outcome_unknown = 14,
  internal = 15,
};

enum class RetryClass : std::uint8_t { permanent = 0, temporary = 1, exhausted = 2 };

[[nodiscard]] std::string_view name_of(ErrorKind kind) noexcept;
[[nodiscard]] RetryClass default_retry(ErrorKind kind) noexcept;

}  // namespace spikard
