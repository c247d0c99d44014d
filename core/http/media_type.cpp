#include "http/media_type.hpp"

#include "http/h1/request_parser.hpp"
#include "http/h1/scan.hpp"

namespace spikard::http {

namespace {

namespace scan = h1::scan;

bool take_token(std::string_view& text, std::string_view& out) noexcept {
  std::size_t n = 0;
  while (n < text.size() && scan::is(text[n], scan::token)) ++n;
  out = text.substr(0, n);
  text.remove_prefix(n);
  return n != 0;
}

void skip_blanks(std::string_view& text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

/// The inside of a quoted string; `escaped` when it has backslashes.
bool take_quoted(std::string_view& text, std::string_view& out, bool& escaped) noexcept {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      out = text.substr(1, i - 1);
      text.remove_prefix(i + 1);
      return true;
    }
    if (scan::is_control(text[i])) return false;
    if (text[i] == '\\') {
      escaped = true;
      ++i;
    }
  }
  return false;
}

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (scan::lower(a[i]) != scan::lower(b[i])) return false;
  }
  return true;
}

bool MediaType::is(std::string_view text) const noexcept {
  return text.size() == type.size() + 1 + subtype.size() && text[type.size()] == '/' &&
         scan::equals_lower(type, text.substr(0, type.size())) && scan::equals_lower(subtype, text.substr(type.size() + 1));
}

bool MediaType::is_json() const noexcept {
  if (!scan::equals_lower(type, "application")) return false;
  if (scan::equals_lower(subtype, "json")) return true;
  return subtype.size() > 5 && scan::equals_lower(subtype.substr(subtype.size() - 5), "+json");
}

bool MediaType::is_utf8() const noexcept {
  return charset.empty() || scan::equals_lower(charset, "utf-8") || scan::equals_lower(charset, "utf8") ||
         scan::equals_lower(charset, "us-ascii");
}

std::optional<MediaType> parse_media_type(std::string_view header) noexcept {
  MediaType out;
  std::string_view rest = scan::trimmed(header);
  if (!take_token(rest, out.type) || rest.empty() || rest.front() != '/') return std::nullopt;
  rest.remove_prefix(1);
  if (!take_token(rest, out.subtype)) return std::nullopt;
  bool has_charset = false;
  bool has_boundary = false;
  for (;;) {
    skip_blanks(rest);
    if (rest.empty()) return out;
    if (rest.front() != ';') return std::nullopt;
    rest.remove_prefix(1);
    skip_blanks(rest);
    // RFC 9110 section 5.6.6: a parameter may be empty.
    if (rest.empty() || rest.front() == ';') continue;
    std::string_view name;
    std::string_view value;
    bool escaped = false;
    if (!take_token(rest, name) || rest.empty() || rest.front() != '=') return std::nullopt;
    rest.remove_prefix(1);
    const bool quoted = !rest.empty() && rest.front() == '"';
    if (quoted ? !take_quoted(rest, value, escaped) : !take_token(rest, value)) return std::nullopt;
    const auto keep = [&](std::string_view& where, bool& has) {
      if (has) return true;
      if (escaped || value.empty()) return false;
      where = value;
      return has = true;
    };
    if (scan::equals_lower(name, "charset") && !keep(out.charset, has_charset)) return std::nullopt;
    if (scan::equals_lower(name, "boundary") && !keep(out.boundary, has_boundary)) return std::nullopt;
  }
}

bool accepts(std::string_view accepted, const MediaType& given) noexcept {
  accepted = scan::trimmed(accepted.substr(0, accepted.find(';')));
  const std::size_t slash = accepted.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view type = accepted.substr(0, slash);
  const std::string_view subtype = accepted.substr(slash + 1);
  if (type == "*" && subtype == "*") return true;
  if (!equals_ignoring_case(type, given.type)) return false;
  if (subtype == "*" || equals_ignoring_case(subtype, given.subtype)) return true;
  return given.is_json() && scan::equals_lower(subtype, "json");
}

}  // namespace spikard::http
