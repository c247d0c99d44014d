#include "http/cookies.hpp"

#include <algorithm>

#include "http/h1/request_parser.hpp"
#include "http/h1/scan.hpp"

namespace spikard::http {

namespace {

/// `cookie-octet` of RFC 6265 section 4.1.1.
bool is_cookie_octet(char c) noexcept { return c > 0x20 && c < 0x7F && c != '"' && c != ',' && c != ';' && c != '\\'; }

bool is_cookie_value(std::string_view value) noexcept {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
  return std::all_of(value.begin(), value.end(), is_cookie_octet);
}

bool is_attribute(std::string_view value) noexcept {
  return std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c < 0x7F && c != ';'; });
}

}  // namespace

bool CookiePairs::next(CookiePair& out) noexcept {
  while (!rest_.empty()) {
    const std::size_t end = std::min(rest_.find(';'), rest_.size());
    const std::string_view part = h1::scan::trimmed(rest_.substr(0, end));
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    out.name = h1::scan::trimmed(part.substr(0, equals));
    out.value = h1::scan::trimmed(part.substr(equals + 1));
    if (out.value.size() >= 2 && out.value.front() == '"' && out.value.back() == '"')
      out.value = out.value.substr(1, out.value.size() - 2);
    return true;
  }
  return false;
}

Result<std::string> set_cookie(const Cookie& cookie) {
  const auto refuse = [&](std::string_view why) { return invalid_argument("cookie '" + cookie.name + "': " + std::string(why)); };
  if (!h1::is_token(cookie.name)) return invalid_argument("the name of a cookie is not a token");
  if (!is_cookie_value(cookie.value)) return refuse("the value has characters that a cookie cannot have");
  if (!is_attribute(cookie.domain)) return refuse("malformed domain");
  if (!is_attribute(cookie.path) || (!cookie.path.empty() && cookie.path.front() != '/')) return refuse("malformed path");
  if (cookie.same_site == SameSite::none && !cookie.secure) return refuse("SameSite=None needs Secure");
  if (cookie.name.starts_with("__Secure-") && !cookie.secure) return refuse("the prefix __Secure- needs Secure");
  if (cookie.name.starts_with("__Host-") && (!cookie.secure || cookie.path != "/" || !cookie.domain.empty())) {
    return refuse("the prefix __Host- needs Secure, Path=/ and no Domain");
  }
  std::string out = cookie.name + "=" + cookie.value;
  if (cookie.max_age) out += "; Max-Age=" + std::to_string(*cookie.max_age);
  if (!cookie.domain.empty()) out += "; Domain=" + cookie.domain;
  if (!cookie.path.empty()) out += "; Path=" + cookie.path;
  if (cookie.secure) out += "; Secure";
  if (cookie.http_only) out += "; HttpOnly";
  if (cookie.same_site) {
    out += *cookie.same_site == SameSite::strict ? "; SameSite=Strict"
           : *cookie.same_site == SameSite::lax  ? "; SameSite=Lax"
                                                 : "; SameSite=None";
  }
  return out;
}

}  // namespace spikard::http
