#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/middleware/jwt.hpp"
#include "http/record.hpp"
#include "services/http.gen.hpp"

namespace spikard::http {

/// Who may call, compiled: bearer tokens, names and passwords, API keys. Immutable and thread-safe. Keys and passwords are kept
/// as hashes, and all of them are compared, so that time tells nothing about them.
class Authenticator {
 public:
  /// Null when something was reported, or when `config` has no scheme: then everybody may.
  [[nodiscard]] static std::shared_ptr<const Authenticator> compile(const services::Auth& config, const std::string& path,
                                                                    const ReportProblem& report);

  struct Outcome {
    std::uint16_t status = 0;  ///< 0: let through; 401, 403
    std::string_view why{};    ///< static text
    std::string challenge{};   ///< of WWW-Authenticate
    /// `{method: "jwt", claims}`, `{method: "basic", user}` or `{method: "api_key"}` was appended.
  };
  /// `scopes`: what the route wants. Appends one value to `identity` where the request is let through.
  [[nodiscard]] Outcome check(const RequestRecord& request, const std::vector<std::string>& scopes, WallTime now,
                              json::Reader& reader, NodeBuilder& identity) const;
  [[nodiscard]] bool has_scopes() const noexcept { return jwt_ != nullptr; }

 private:
  struct User {
    std::string name;
    std::string digest;
  };
  Authenticator() = default;
  [[nodiscard]] Outcome refuse(std::string_view why, bool token_was_bad = false) const;
  [[nodiscard]] Outcome check_bearer(std::string_view token, const std::vector<std::string>& scopes, WallTime now,
                                     json::Reader& reader, NodeBuilder& identity) const;
  [[nodiscard]] bool check_basic(std::string_view credentials, NodeBuilder& identity) const;
  [[nodiscard]] bool check_key(std::string_view key) const;

  std::shared_ptr<const JwtVerifier> jwt_;
  bool has_basic_ = false;
  std::string realm_;
  std::vector<User> users_;
  bool has_keys_ = false;
  std::string key_header_;  // lower case
  std::string key_query_;
  std::vector<std::string> key_digests_;
};

}  // namespace spikard::http
