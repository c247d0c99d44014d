// Generated from spec/errors.yaml by codegen. Do not edit.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace spikard {

/// The closed list of what can go wrong. Callers branch on it; nobody parses messages.
enum class ErrorKind : std::uint8_t {
  not_found = 1,  ///< What must be there is not.
  already_exists = 2,  ///< What must not be there is.
  invalid_argument = 3,  ///< The request or the configuration is wrong, whatever the state.
  permission_denied = 4,  ///< The caller may not do this.
  condition_failed = 5,  ///< A condition that the caller named does not hold.
  conflict = 6,  ///< Somebody else changed the same thing at the same time.
  timeout = 7,  ///< It took longer than allowed, and did not happen.
  cancelled = 8,  ///< The caller or a shutdown stopped it.
  unavailable = 9,  ///< A service or resource cannot be reached or is overloaded.
  rate_limited = 10,  ///< Too many requests or no room in a queue.
  unsupported = 11,  ///< This backend or build cannot do it.
  too_large = 12,  ///< A limit on size was passed.
  corrupt = 13,  ///< Stored or received data cannot be understood.
  outcome_unknown = 14,  ///< It may have happened or not; the answer was lost.
  internal = 15,  ///< A bug or something that was not foreseen.
};

enum class RetryClass : std::uint8_t {
  permanent = 0,  ///< Trying the same again gives the same answer.
  temporary = 1,  ///< Trying again later may work.
  exhausted = 2,  ///< It was tried as often as allowed.
};

[[nodiscard]] std::string_view name_of(ErrorKind kind) noexcept;
[[nodiscard]] std::optional<ErrorKind> error_kind_from(std::string_view name) noexcept;
[[nodiscard]] RetryClass default_retry(ErrorKind kind) noexcept;

}  // namespace spikard
