#include "net/http_client/url.hpp"

#include <algorithm>

namespace spikard::net::http {
namespace {

bool same(std::string_view text, std::string_view lower) noexcept {
  return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
         });
}

Error wrong(const char* what) { return invalid_argument(std::string("url: ") + what); }

bool host_char(char c, bool v6) noexcept {
  const bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
  return v6 ? (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == ':' || c == '.'
            : alnum || c == '-' || c == '.' || c == '_';
}

}  // namespace

Result<Url> Url::parse(std::string_view text) {
  Url url;
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return wrong("expected http://host or https://host");
  const std::string_view scheme = text.substr(0, scheme_end);
  if (same(scheme, "https")) url.tls = true;
  else if (!same(scheme, "http")) return wrong("the scheme is neither http nor https");
  text.remove_prefix(scheme_end + 3);
  const auto authority_end = std::min(text.find_first_of("/?#"), text.size());
  std::string_view authority = text.substr(0, authority_end);
  std::string_view rest = text.substr(authority_end);
  if (authority.find('@') != std::string_view::npos) return wrong("user information is not taken; use a header");
  std::string_view port;
  bool has_port = false;
  const bool v6 = authority.starts_with('[');
  if (v6) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return wrong("the IPv6 address lacks its ]");
    url.host = authority.substr(1, close - 1);
    authority.remove_prefix(close + 1);
    if (!authority.empty() && authority[0] != ':') return wrong("expected a port behind ]");
    has_port = !authority.empty();
    if (has_port) port = authority.substr(1);
  } else {
    const auto colon = authority.find(':');
    url.host = authority.substr(0, colon);
    has_port = colon != std::string_view::npos;
    if (has_port) port = authority.substr(colon + 1);
  }
  for (char& c : url.host) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    if (!host_char(c, v6)) return wrong("the host has a character that no host has");
  }
  if (url.host.empty() || url.host.size() > 253) return wrong("expected a host of 1 to 253 characters");
  if (v6 && url.host.find(':') == std::string::npos) return wrong("only IPv6 addresses stand in brackets");
  url.port = url.tls ? 443 : 80;
  if (has_port && !port.empty()) {
    unsigned long number = 0;
    for (const char c : port) {
      if (c < '0' || c > '9' || number > 65535) return wrong("expected a port from 1 to 65535");
      number = number * 10 + static_cast<unsigned long>(c - '0');
    }
    if (number == 0 || number > 65535) return wrong("expected a port from 1 to 65535");
    url.port = static_cast<std::uint16_t>(number);
  }
  rest = rest.substr(0, rest.find('#'));
  if (rest.empty() || rest[0] != '/') url.target = "/";
  url.target += rest;
  for (const char c : url.target) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) return wrong("blanks and control characters must be percent-encoded");
  }
  return url;
}

std::string Url::authority() const {
  std::string out = host.find(':') != std::string::npos ? "[" + host + "]" : host;
  if (port != (tls ? 443 : 80)) out.append(":").append(std::to_string(port));
  return out;
}

}  // namespace spikard::net::http
