// Generated from spec/errors.yaml by codegen. Do not edit.
#include "base/error_kind.gen.hpp"

namespace spikard {

std::string_view name_of(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::not_found: return "not_found";
    case ErrorKind::timeout: return "timeout";
  }
  return "unknown";
}

std::optional<ErrorKind> error_kind_from(std::string_view name) noexcept {
  if (name == "not_found") return ErrorKind::not_found;
  if (name == "timeout") return ErrorKind::timeout;
  return std::nullopt;
}

RetryClass default_retry(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::timeout: return RetryClass::temporary;
    default: return RetryClass::permanent;
  }
}

}  // namespace spikard
