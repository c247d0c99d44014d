#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace spikard::net::signing {

inline constexpr std::string_view unsigned_payload = "UNSIGNED-PAYLOAD";

struct Credentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  ///< empty for none
};

/// For whom and when AWS Signature Version 4 is made.
struct SigV4 {
  Credentials credentials;
  std::string region;
  std::string service;
  WallTime time{};
  /// The path is URI-encoded (once more) for the signature. S3's is not: there it is given as it stands in the request line.
  bool encode_path = true;
  /// Dot segments and repeated slashes go first. Not for S3.
  bool normalize_path = true;
  /// Header form: the payload's hash is sent, and signed, as x-amz-content-sha256 (S3 wants it).
  bool content_header = false;
  /// False: the token is sent but not signed (some services).
  bool sign_session_token = true;
};

/// A request about to be signed. Every header given is signed; `Host` must be among them.
struct SigningRequest {
  std::string method;
  std::string path;   ///< begins with `/`
  std::string query;  ///< as in the request line, without `?`
  std::vector<std::pair<std::string, std::string>> headers;
};

struct Signed {
  std::string canonical_request;
  std::string string_to_sign;
  std::string signature;                                         ///< hex
  std::vector<std::pair<std::string, std::string>> new_headers;  ///< header form: to be sent beside the request's own
  std::string query;                                             ///< query form: the whole query of the signed URL
};

/// `payload_hash` is the hex SHA-256 of the body, or `unsigned_payload`.
[[nodiscard]] Signed sign_headers(const SigV4& with, const SigningRequest& request, std::string_view payload_hash);
/// A URL that carries its signature, good for `expires_s` from `with.time`.
[[nodiscard]] Signed sign_query(const SigV4& with, const SigningRequest& request, std::string_view payload_hash,
                                std::uint32_t expires_s);

}  // namespace spikard::net::signing
