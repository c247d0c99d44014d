#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/node.hpp"
#include "base/result.hpp"
#include "validation/issue.hpp"

namespace spikard::http {

inline constexpr std::string_view problem_media_type = "application/problem+json";

/// One of the framework's errors (docs: errors). `slug` is the last segment of `type`.
struct ProblemKind {
  std::uint16_t status;
  std::string_view slug;
  std::string_view title;
};

namespace problems {
inline constexpr ProblemKind bad_request{400, "bad-request", "Bad Request"};
inline constexpr ProblemKind unauthorized{401, "unauthorized", "Unauthorized"};
inline constexpr ProblemKind forbidden{403, "forbidden", "Forbidden"};
inline constexpr ProblemKind not_found{404, "not-found", "Not Found"};
inline constexpr ProblemKind method_not_allowed{405, "method-not-allowed", "Method Not Allowed"};
inline constexpr ProblemKind request_timeout{408, "request-timeout", "Request Timeout"};
inline constexpr ProblemKind payload_too_large{413, "payload-too-large", "Payload Too Large"};
inline constexpr ProblemKind uri_too_long{414, "uri-too-long", "URI Too Long"};
inline constexpr ProblemKind unsupported_media_type{415, "unsupported-media-type", "Unsupported Media Type"};
inline constexpr ProblemKind unsupported_charset{415, "unsupported-charset", "Unsupported Charset"};
inline constexpr ProblemKind expectation_failed{417, "expectation-failed", "Expectation Failed"};
inline constexpr ProblemKind validation_error{422, "validation-error", "Request Validation Failed"};
inline constexpr ProblemKind too_many_requests{429, "too-many-requests", "Too Many Requests"};
inline constexpr ProblemKind header_fields_too_large{431, "request-header-fields-too-large", "Request Header Fields Too Large"};
inline constexpr ProblemKind internal_server_error{500, "internal-server-error", "Internal Server Error"};
inline constexpr ProblemKind dependency_error{500, "dependency-error", "Dependency Error"};
inline constexpr ProblemKind not_implemented{501, "not-implemented", "Not Implemented"};
inline constexpr ProblemKind service_unavailable{503, "service-unavailable", "Service Unavailable"};
inline constexpr ProblemKind version_not_supported{505, "http-version-not-supported", "HTTP Version Not Supported"};

/// The kind with this slug, or null.
[[nodiscard]] const ProblemKind* find(std::string_view slug) noexcept;
}  // namespace problems

/// Appends a problem document (RFC 9457): type, title, status, detail (unless empty), instance (unless empty), then `errors_json`
/// (a JSON array) as `errors` (unless empty). `base` ends with `/`. `status` 0 is the kind's.
void append_problem(std::string& out, std::string_view base, const ProblemKind& kind, std::string_view detail,
                    std::uint16_t status = 0, std::string_view instance = {}, std::string_view errors_json = {});

/// The 422 of validation: sorts the issues and writes all of them. "1 validation error in request", "2 validation errors in
/// request".
void append_validation_problem(std::string& out, std::string_view base, validation::Issues& issues);

/// A problem that a handler raised. `members`: an object with any of type, title, status, detail, instance and extensions; it is
/// written as it is, standard members first, then the extensions in order (RFC 9457 section 3.2). A missing type is
/// `about:blank`, a missing title the status's phrase, a missing or bad status 500. Returns the status for the status line.
/// Errors: invalid_argument when a standard member has the wrong type.
[[nodiscard]] Result<std::uint16_t> append_custom_problem(std::string& out, Value members);

}  // namespace spikard::http
