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

RetryClass default_retry(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::timeout:
    case ErrorKind::unavailable:
    case ErrorKind::rate_limited:
    case ErrorKind::conflict: return RetryClass::temporary;
    default: return RetryClass::permanent;
  }
}

}  // namespace spikard
