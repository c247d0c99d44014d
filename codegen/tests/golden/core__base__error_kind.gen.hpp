// Generated from spec/errors.yaml by codegen. Do not edit.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace spikard {

/// The closed list of what can go wrong. Callers branch on it; nobody parses messages.
enum class ErrorKind : std::uint8_t {
  not_found = 1,  ///< Not there.
  timeout = 7,  ///< Too long, by far.
};

enum class RetryClass : std::uint8_t {
  permanent = 0,  ///< Never.
  temporary = 1,  ///< Later.
};

[[nodiscard]] std::string_view name_of(ErrorKind kind) noexcept;
[[nodiscard]] std::optional<ErrorKind> error_kind_from(std::string_view name) noexcept;
[[nodiscard]] RetryClass default_retry(ErrorKind kind) noexcept;

}  // namespace spikard
