#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace spikard::http {

struct CookiePair {
  std::string_view name;
  std::string_view value;  ///< optional quotes are off, nothing is decoded
};

/// Goes through a Cookie header (RFC 6265 section 4.2, leniently: any white space after `;`). Parts without `=` are skipped. Of
/// two with one name the first counts, which is for the caller to see to.
class CookiePairs {
 public:
  explicit CookiePairs(std::string_view header) noexcept : rest_(header) {}
  [[nodiscard]] bool next(CookiePair& out) noexcept;

 private:
  std::string_view rest_;
};

enum class SameSite : std::uint8_t { strict, lax, none };

/// A Set-Cookie header.
struct Cookie {
  std::string name;
  std::string value;
  std::optional<std::int64_t> max_age;
  std::string domain;
  std::string path;
  std::optional<SameSite> same_site;
  bool secure = false;
  bool http_only = false;
};

/// The value of Set-Cookie. Errors (invalid_argument): a name that is not a token, a value or attribute with characters that RFC
/// 6265 does not allow (controls, white space, `"`, `,`, `;`, `\`), SameSite=None without Secure, `__Host-` and `__Secure-` names
/// without what they demand.
[[nodiscard]] Result<std::string> set_cookie(const Cookie& cookie);

}  // namespace spikard::http
