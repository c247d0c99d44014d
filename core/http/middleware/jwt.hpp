#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/node.hpp"
#include "services/http.gen.hpp"

struct evp_pkey_st;

namespace spikard::http {

/// A problem of the configuration: the field's place, and what was expected. Never a key.
using ReportProblem = std::function<void(const std::string& path, std::string_view what)>;

/// Checks JSON Web Tokens (RFC 7519, 7515, 8725) against one configuration. Immutable and thread-safe.
///
/// The algorithm is the configured one, whatever the token's header says, and a key is of that algorithm's kind: neither `none`
/// nor a public key taken for a secret can pass. A header with `crit` is refused, for no extension is known.
class JwtVerifier {
 public:
  /// Null when something was reported. Reads the files that the configuration names.
  [[nodiscard]] static std::shared_ptr<const JwtVerifier> compile(const services::Jwt& config, const std::string& path,
                                                                  const ReportProblem& report);

  enum class Verdict : std::uint8_t { good, bad, forbidden };
  struct Outcome {
    Verdict verdict = Verdict::bad;
    std::string_view why{};  ///< static text, for the client
    Document claims{};       ///< an object, where good
  };
  /// `reader` is the thread's. forbidden: all is well, but a required claim is missing.
  [[nodiscard]] Outcome verify(std::string_view token, WallTime now, json::Reader& reader) const;

 private:
  struct Key {
    std::string id;      // `kid` of a set's key
    std::string secret;  // HMAC
    std::shared_ptr<evp_pkey_st> key;
  };
  JwtVerifier() = default;
  void read_keys(const std::string& path, const ReportProblem& report);
  void read_set(std::string_view text, const std::string& path, const ReportProblem& report);
  [[nodiscard]] bool fits(evp_pkey_st* key, std::string& why) const;
  [[nodiscard]] bool signed_by(const Key& key, std::string_view input, std::string_view signature) const;
  [[nodiscard]] std::string_view check_claims(Value claims, WallTime now) const;

  services::Jwt config_;
  std::string_view algorithm_;
  std::vector<Key> keys_;
  bool by_id_ = false;
};

/// The scopes that a token's `scope` (a text with blanks), `scp` or `scopes` (either form) name include all of these.
[[nodiscard]] bool has_scopes(Value claims, const std::vector<std::string>& wanted);

}  // namespace spikard::http
