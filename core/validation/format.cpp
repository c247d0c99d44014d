#include "validation/format.hpp"

#include <array>
#include <cstddef>

namespace spikard::validation::detail {
namespace {

constexpr bool digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool hex(char c) { return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
constexpr bool alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool alnum(char c) { return alpha(c) || digit(c); }
int two(std::string_view s, std::size_t at) {
  return digit(s[at]) && digit(s[at + 1]) ? (s[at] - '0') * 10 + (s[at + 1] - '0') : -1;
}
constexpr bool unreserved(char c) { return alnum(c) || c == '-' || c == '.' || c == '_' || c == '~'; }
constexpr bool sub_delim(char c) {
  return c == '!' || c == '$' || c == '&' || c == '\'' || c == '(' || c == ')' || c == '*' || c == '+' || c == ',' || c == ';' ||
         c == '=';
}

/// Characters for which `allowed` holds, and well-formed percent escapes.
template <class Allowed>
bool uri_text(std::string_view s, Allowed allowed) {
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '%') {
      if (i + 2 >= s.size() || !hex(s[i + 1]) || !hex(s[i + 2])) return false;
      i += 2;
    } else if (!unreserved(s[i]) && !sub_delim(s[i]) && !allowed(s[i])) {
      return false;
    }
  }
  return true;
}

bool uri_authority(std::string_view s) {
  if (const auto at = s.find('@'); at != std::string_view::npos) {
    if (!uri_text(s.substr(0, at), [](char c) { return c == ':'; })) return false;
    s.remove_prefix(at + 1);
  }
  std::string_view port;
  if (!s.empty() && s[0] == '[') {
    const auto close = s.find(']');
    if (close == std::string_view::npos) return false;
    const std::string_view literal = s.substr(1, close - 1);
    if (literal.size() > 1 && (literal[0] == 'v' || literal[0] == 'V')) {
      const auto dot = literal.find('.');
      if (dot == std::string_view::npos || dot < 2 || dot + 1 == literal.size()) return false;
      for (const char c : literal.substr(1, dot - 1)) {
        if (!hex(c)) return false;
      }
      for (const char c : literal.substr(dot + 1)) {
        if (!unreserved(c) && !sub_delim(c) && c != ':') return false;
      }
    } else if (!is_ipv6(literal)) {
      return false;
    }
    port = s.substr(close + 1);
    if (!port.empty() && port[0] != ':') return false;
  } else {
    const auto colon = s.find(':');
    if (!uri_text(s.substr(0, colon), [](char) { return false; })) return false;
    if (colon != std::string_view::npos) port = s.substr(colon);
  }
  for (std::size_t i = 1; i < port.size(); ++i) {
    if (!digit(port[i])) return false;
  }
  return true;
}

/// hh:mm:ss[.f+](Z|+hh:mm|-hh:mm) from `at` to the end.
bool full_time(std::string_view s, std::size_t at) {
  if (s.size() < at + 9 || s[at + 2] != ':' || s[at + 5] != ':') return false;
  const int hour = two(s, at);
  const int minute = two(s, at + 3);
  const int second = two(s, at + 6);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return false;
  at += 8;
  if (s[at] == '.') {
    const std::size_t first = ++at;
    while (at < s.size() && digit(s[at])) ++at;
    if (at == first) return false;
  }
  if (at >= s.size()) return false;
  int offset = 0;
  if (s[at] == 'Z' || s[at] == 'z') {
    if (at + 1 != s.size()) return false;
  } else {
    if ((s[at] != '+' && s[at] != '-') || s.size() != at + 6 || s[at + 3] != ':') return false;
    const int h = two(s, at + 1);
    const int m = two(s, at + 4);
    if (h < 0 || h > 23 || m < 0 || m > 59) return false;
    offset = (s[at] == '-' ? -1 : 1) * (h * 60 + m);
  }
  if (second < 60) return true;
  const int utc = ((hour * 60 + minute - offset) % 1440 + 1440) % 1440;
  return utc == 23 * 60 + 59;
}

bool email_domain(std::string_view s) {
  if (s.size() > 2 && s[0] == '[' && s.back() == ']') {
    const std::string_view literal = s.substr(1, s.size() - 2);
    constexpr std::string_view tag = "ipv6:";
    bool tagged = literal.size() > tag.size();
    for (std::size_t i = 0; tagged && i < tag.size(); ++i) tagged = (literal[i] | 0x20) == tag[i] || literal[i] == tag[i];
    return tagged ? is_ipv6(literal.substr(tag.size())) : is_ipv4(literal);
  }
  return is_hostname(s);
}

constexpr std::array formats{
    Format{"uuid", is_uuid, "uuid_parsing", "Input should be a valid UUID"},
    Format{"date", is_date, "date_parsing", "Input should be a valid date"},
    Format{"date-time", is_date_time, "datetime_parsing", "Input should be a valid datetime"},
    Format{"time", is_time, "time_parsing", "Input should be a valid time"},
    Format{"duration", is_duration, "duration_parsing", "Input should be a valid duration"},
    Format{"email", is_email, "format_error", "Input should be a valid email address"},
    Format{"hostname", is_hostname, "format_error", "Input should be a valid hostname"},
    Format{"ipv4", is_ipv4, "format_error", "Input should be a valid IPv4 address"},
    Format{"ipv6", is_ipv6, "format_error", "Input should be a valid IPv6 address"},
    Format{"uri", is_uri, "format_error", "Input should be a valid URI"},
};

}  // namespace

const Format* find_format(std::string_view name) noexcept {
  for (const Format& f : formats) {
    if (f.name == name) return &f;
  }
  return nullptr;
}

bool is_uuid(std::string_view s) {
  if (s.size() != 36) return false;
  for (std::size_t i = 0; i < 36; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? s[i] != '-' : !hex(s[i])) return false;
  }
  return true;
}

bool is_date(std::string_view s) {
  if (s.size() != 10 || s[4] != '-' || s[7] != '-') return false;
  const int century = two(s, 0);
  const int rest = two(s, 2);
  const int month = two(s, 5);
  const int day = two(s, 8);
  if (century < 0 || rest < 0 || month < 1 || month > 12 || day < 1) return false;
  constexpr std::array<int, 12> days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = rest % 4 == 0 && (rest != 0 || century % 4 == 0);
  return day <= days[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
}

bool is_time(std::string_view s) { return full_time(s, 0); }

bool is_date_time(std::string_view s) {
  return s.size() >= 20 && is_date(s.substr(0, 10)) && (s[10] == 'T' || s[10] == 't') && full_time(s, 11);
}

bool is_duration(std::string_view s) {
  // RFC 3339 appendix A: units in order, none left out between the first and the last.
  if (s.size() < 3 || s[0] != 'P') return false;
  std::size_t i = 1;
  const auto units = [&](std::string_view names, bool& any) {
    std::size_t last = names.size();
    while (i < s.size() && digit(s[i])) {
      while (i < s.size() && digit(s[i])) ++i;
      if (i == s.size()) return false;
      const auto unit = names.find(s[i]);
      if (unit == std::string_view::npos || (last != names.size() && unit != last + 1)) return false;
      last = unit;
      any = true;
      ++i;
    }
    return true;
  };
  if (s.back() == 'W') {
    bool any = false;
    return units("W", any) && any && i == s.size();
  }
  bool date = false;
  bool time = false;
  if (!units("YMD", date)) return false;
  if (i < s.size() && s[i] == 'T') {
    ++i;
    if (!units("HMS", time) || !time) return false;
  }
  return i == s.size() && (date || time);
}

bool is_email(std::string_view s) {
  const auto at = s.rfind('@');
  if (at == std::string_view::npos || at == 0 || at > 64 || s.size() > 254) return false;
  bool dot = true;  // no dot first, last, or after a dot
  for (const char c : s.substr(0, at)) {
    if (c == '.') {
      if (dot) return false;
      dot = true;
      continue;
    }
    dot = false;
    const bool atext = alnum(c) || (c != 0 && std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos);
    if (!atext) return false;
  }
  return !dot && email_domain(s.substr(at + 1));
}

bool is_hostname(std::string_view s) {
  if (s.empty() || s.size() > 253) return false;
  while (true) {
    const auto dot = s.find('.');
    const std::string_view label = s.substr(0, dot);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    for (const char c : label) {
      if (!alnum(c) && c != '-') return false;
    }
    if (label.size() >= 4 && label[2] == '-' && label[3] == '-') {
      // RFC 5891 4.2.3.1: only A-labels have "--" in the third and fourth place.
      if ((label[0] | 0x20) != 'x' || (label[1] | 0x20) != 'n' || !is_a_label(label)) return false;
    }
    if (dot == std::string_view::npos) return true;
    s.remove_prefix(dot + 1);
  }
}

bool is_ipv4(std::string_view s) {
  if (s.size() < 7 || s.size() > 15) return false;
  std::size_t i = 0;
  for (int part = 0; part < 4; ++part) {
    if (part > 0 && (i >= s.size() || s[i++] != '.')) return false;
    const std::size_t first = i;
    int v = 0;
    while (i < s.size() && i < first + 3 && digit(s[i])) v = v * 10 + (s[i++] - '0');
    if (i == first || v > 255 || (i - first > 1 && s[first] == '0')) return false;
  }
  return i == s.size();
}

bool is_ipv6(std::string_view s) {
  if (s.size() < 2 || s.size() > 45) return false;
  int groups = 0;
  bool gap = false;
  std::size_t i = 0;
  if (s[0] == ':') {
    if (s[1] != ':') return false;
    gap = true;
    i = 2;
  }
  while (i < s.size()) {
    const std::size_t first = i;
    while (i < s.size() && i < first + 5 && hex(s[i])) ++i;
    if (i < s.size() && s[i] == '.') {
      if (!is_ipv4(s.substr(first))) return false;
      groups += 2;
      i = s.size();
      break;
    }
    if (i == first || i - first > 4) return false;
    ++groups;
    if (i == s.size()) break;
    if (s[i++] != ':') return false;
    if (i == s.size()) return false;  // one colon at the end
    if (s[i] == ':') {
      if (gap) return false;
      gap = true;
      ++i;
    }
  }
  return gap ? groups <= 7 : groups == 8;
}

bool is_uri(std::string_view s) {
  const auto colon = s.find(':');
  if (colon == std::string_view::npos || colon == 0 || !alpha(s[0])) return false;
  for (const char c : s.substr(0, colon)) {
    if (!alnum(c) && c != '+' && c != '-' && c != '.') return false;
  }
  s.remove_prefix(colon + 1);
  const auto query_char = [](char c) { return c == ':' || c == '@' || c == '/' || c == '?'; };
  if (const auto hash = s.find('#'); hash != std::string_view::npos) {
    if (!uri_text(s.substr(hash + 1), query_char)) return false;
    s = s.substr(0, hash);
  }
  if (const auto q = s.find('?'); q != std::string_view::npos) {
    if (!uri_text(s.substr(q + 1), query_char)) return false;
    s = s.substr(0, q);
  }
  if (s.starts_with("//")) {
    s.remove_prefix(2);
    const auto slash = s.find('/');
    if (!uri_authority(s.substr(0, slash))) return false;
    s = slash == std::string_view::npos ? std::string_view() : s.substr(slash);
  }
  return uri_text(s, [](char c) { return c == ':' || c == '@' || c == '/'; });
}

}  // namespace spikard::validation::detail
