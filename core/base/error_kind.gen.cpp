// Generated from spec/errors.yaml by codegen. Do not edit.
#include "base/error_kind.gen.hpp"

namespace spikard {

std::string_view name_of(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::not_found: return "not_found";
    case ErrorKind::already_exists: return "already_exists";
    case ErrorKind::invalid_argument: return "invalid_argument";
    case ErrorKind::permission_denied: return "permission_denied";
    case ErrorKind::condition_failed: return "condition_failed";
    case ErrorKind::conflict: return "conflict";
    case ErrorKind::timeout: return "timeout";
    case ErrorKind::cancelled: return "cancelled";
    case ErrorKind::unavailable: return "unavailable";
    case ErrorKind::rate_limited: return "rate_limited";
    case ErrorKind::unsupported: return "unsupported";
    case ErrorKind::too_large: return "too_large";
    case ErrorKind::corrupt: return "corrupt";
    case ErrorKind::outcome_unknown: return "outcome_unknown";
    case ErrorKind::internal: return "internal";
  }
  return "unknown";
}

std::optional<ErrorKind> error_kind_from(std::string_view name) noexcept {
  if (name == "not_found") return ErrorKind::not_found;
  if (name == "already_exists") return ErrorKind::already_exists;
  if (name == "invalid_argument") return ErrorKind::invalid_argument;
  if (name == "permission_denied") return ErrorKind::permission_denied;
  if (name == "condition_failed") return ErrorKind::condition_failed;
  if (name == "conflict") return ErrorKind::conflict;
  if (name == "timeout") return ErrorKind::timeout;
  if (name == "cancelled") return ErrorKind::cancelled;
  if (name == "unavailable") return ErrorKind::unavailable;
  if (name == "rate_limited") return ErrorKind::rate_limited;
  if (name == "unsupported") return ErrorKind::unsupported;
  if (name == "too_large") return ErrorKind::too_large;
  if (name == "corrupt") return ErrorKind::corrupt;
  if (name == "outcome_unknown") return ErrorKind::outcome_unknown;
  if (name == "internal") return ErrorKind::internal;
  return std::nullopt;
}

RetryClass default_retry(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::conflict: return RetryClass::temporary;
    case ErrorKind::timeout: return RetryClass::temporary;
    case ErrorKind::unavailable: return RetryClass::temporary;
    case ErrorKind::rate_limited: return RetryClass::temporary;
    default: return RetryClass::permanent;
  }
}

}  // namespace spikard
