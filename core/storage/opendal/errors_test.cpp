#include "storage/opendal/errors.hpp"

#include <gtest/gtest.h>

#include "storage/opendal/opendal.h"

namespace spikard::storage::detail {
namespace {

TEST(OpendalErrors, Table) {
  struct Row {
    std::int32_t code;
    bool temporary;
    ErrorKind kind;
    const char* detail;
    RetryClass retry;
  };
  const Row rows[] = {
      {SPK_OPENDAL_UNEXPECTED, true, ErrorKind::unavailable, "", RetryClass::temporary},
      {SPK_OPENDAL_UNEXPECTED, false, ErrorKind::unavailable, "", RetryClass::permanent},
      {SPK_OPENDAL_UNSUPPORTED, false, ErrorKind::unsupported, "", RetryClass::permanent},
      {SPK_OPENDAL_CONFIG_INVALID, false, ErrorKind::invalid_argument, "", RetryClass::permanent},
      {SPK_OPENDAL_NOT_FOUND, false, ErrorKind::not_found, "", RetryClass::permanent},
      {SPK_OPENDAL_PERMISSION_DENIED, false, ErrorKind::permission_denied, "", RetryClass::permanent},
      {SPK_OPENDAL_ALREADY_EXISTS, false, ErrorKind::condition_failed, "condition_not_met", RetryClass::permanent},
      {SPK_OPENDAL_RATE_LIMITED, true, ErrorKind::rate_limited, "", RetryClass::temporary},
      {SPK_OPENDAL_CONDITION_FAILED, false, ErrorKind::condition_failed, "condition_not_met", RetryClass::permanent},
      {SPK_OPENDAL_RANGE, false, ErrorKind::invalid_argument, "range_not_satisfiable", RetryClass::permanent},
      {SPK_OPENDAL_CONFLICT, false, ErrorKind::conflict, "", RetryClass::temporary},
      {SPK_OPENDAL_OUTCOME_UNKNOWN, true, ErrorKind::outcome_unknown, "", RetryClass::permanent},
      {SPK_OPENDAL_CORRUPT, false, ErrorKind::corrupt, "", RetryClass::permanent},
      {SPK_OPENDAL_TOO_LARGE, false, ErrorKind::too_large, "", RetryClass::permanent},
      {SPK_OPENDAL_CANCELLED, false, ErrorKind::cancelled, "", RetryClass::permanent},
      {SPK_OPENDAL_REFUSED, false, ErrorKind::invalid_argument, "", RetryClass::permanent},
      {SPK_OPENDAL_NO_STORE, false, ErrorKind::not_found, "", RetryClass::permanent},
      {4711, false, ErrorKind::unavailable, "", RetryClass::permanent},
  };
  for (const Row& row : rows) {
    const Error error = opendal_error(row.code, row.temporary, "text", "k");
    EXPECT_EQ(error.kind(), row.kind) << row.code;
    EXPECT_EQ(error.detail(), row.detail) << row.code;
    EXPECT_EQ(error.retry(), row.retry) << row.code;
  }
}

TEST(OpendalErrors, UserInformationOfUrlsIsRedacted) {
  const Error error = opendal_error(SPK_OPENDAL_UNEXPECTED, true, "to http://me:secret@host/ it went wrong", "k");
  EXPECT_EQ(error.to_string().find("secret"), std::string::npos) << error.to_string();
}

}  // namespace
}  // namespace spikard::storage::detail
