#include "storage/opendal/errors.hpp"

#include <utility>

#include "base/redact.hpp"
#include "storage/opendal/opendal.h"
#include "storage/upload.hpp"

namespace spikard::storage::detail {

Error opendal_error(std::int32_t code, bool temporary, std::string message, const std::string& subject) {
  message = redact_urls(message);
  const auto with_subject = [&] { return subject.empty() ? message : message + " ('" + subject + "')"; };
  switch (code) {
    case SPK_OPENDAL_NOT_FOUND: return {ErrorKind::not_found, "no object '" + subject + "'"};
    case SPK_OPENDAL_CONDITION_FAILED:
    case SPK_OPENDAL_ALREADY_EXISTS:
      return Error(ErrorKind::condition_failed, "the object does not meet the condition ('" + subject + "')")
          .with_detail("condition_not_met");
    case SPK_OPENDAL_RANGE:
      return invalid_argument("offset, length, suffix: the object has no such bytes ('" + subject + "')")
          .with_detail("range_not_satisfiable");
    case SPK_OPENDAL_UNSUPPORTED: return {ErrorKind::unsupported, std::move(message)};
    case SPK_OPENDAL_CONFIG_INVALID: return invalid_argument(std::move(message));
    case SPK_OPENDAL_PERMISSION_DENIED: return {ErrorKind::permission_denied, with_subject()};
    case SPK_OPENDAL_RATE_LIMITED: return {ErrorKind::rate_limited, with_subject()};
    case SPK_OPENDAL_CONFLICT:
      // Two writers at once: the server took neither's side. It may be tried again.
      return {ErrorKind::conflict, with_subject()};
    case SPK_OPENDAL_OUTCOME_UNKNOWN: return {ErrorKind::outcome_unknown, "the server's answer was lost: " + with_subject()};
    case SPK_OPENDAL_CORRUPT: return {ErrorKind::corrupt, with_subject()};
    case SPK_OPENDAL_TOO_LARGE: return {ErrorKind::too_large, with_subject()};
    case SPK_OPENDAL_REFUSED: return invalid_argument("the server refused it: " + with_subject());
    case SPK_OPENDAL_NO_STORE: return {ErrorKind::not_found, "the bucket or container does not exist"};
    case SPK_OPENDAL_NO_UPLOAD: return no_such_upload(subject);
    case SPK_OPENDAL_INVALID_PART: return invalid_part(std::move(message));
    case SPK_OPENDAL_CANCELLED: return {ErrorKind::cancelled, std::move(message)};
    default:
      if (temporary) return {ErrorKind::unavailable, with_subject()};
      return Error(ErrorKind::unavailable, with_subject()).with_retry(RetryClass::permanent);
  }
}

}  // namespace spikard::storage::detail
