#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/h1/request_parser.hpp"

namespace spikard::fuzz {

/// A request head read the slow and obvious way: find its end, cut it into lines, look at each by the grammar. Only says whether
/// it is complete and acceptable, not why not.
struct ReferenceHead {
  std::string method;
  std::string target;
  std::string path;
  std::string query;
  int version = 11;
  std::vector<std::pair<std::string, std::string>> headers;
  bool chunked = false;
  std::optional<std::uint64_t> content_length;
  bool keep_alive = true;
  bool expect_continue = false;
  bool upgrade = false;
  std::size_t begin = 0;
  std::size_t end = 0;
};

enum class Verdict { incomplete, refused, accepted };

namespace reference {

inline bool alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
inline bool digit(char c) { return c >= '0' && c <= '9'; }
inline bool tchar(char c) {
  return alpha(c) || digit(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
inline bool host_char(char c) {
  return alpha(c) || digit(c) || std::string_view("-._~%!$&'()*+,;=:[]").find(c) != std::string_view::npos;
}
inline bool target_char(char c) { return c > 0x20 && c < 0x7F && std::string_view("\"#<>\\").find(c) == std::string_view::npos; }
inline bool value_char(char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F); }
template <class P>
bool every(std::string_view s, P p) {
  return std::all_of(s.begin(), s.end(), p);
}
inline std::string lower(std::string_view s) {
  std::string out(s);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}
inline std::string trim(std::string s) {
  const auto from = s.find_first_not_of(" \t");
  if (from == std::string::npos) return "";
  return s.substr(from, s.find_last_not_of(" \t") - from + 1);
}
inline std::vector<std::string> elements(const std::string& list) {
  std::vector<std::string> out;
  std::string one;
  for (const char c : list + ",") {
    if (c != ',') {
      one += c;
      continue;
    }
    one = lower(trim(one));
    if (!one.empty()) out.push_back(one);
    one.clear();
  }
  return out;
}

}  // namespace reference

inline Verdict reference_parse(std::string_view input, const http::h1::HeadLimits& limits, ReferenceHead& head) {
  using namespace reference;
  int lines = 0;
  while (input.substr(head.begin, 2) == "\r\n") {
    head.begin += 2;
    if (++lines > 8) return Verdict::refused;
  }
  const std::size_t found = input.find("\r\n\r\n", head.begin);
  if (found == std::string_view::npos) return Verdict::incomplete;
  head.end = found + 4;
  std::vector<std::string> rows;
  for (std::size_t at = head.begin; at < found + 2;) {
    const std::size_t end = input.find("\r\n", at);
    rows.emplace_back(input.substr(at, end - at));
    at = end + 2;
  }
  const std::string line = rows.front();
  const std::size_t one = line.find(' ');
  const std::size_t two = line.rfind(' ');
  if (one == std::string::npos || one == two) return Verdict::refused;
  head.method = line.substr(0, one);
  head.target = line.substr(one + 1, two - one - 1);
  const std::string version = line.substr(two + 1);
  if (head.method.empty() || head.method.size() > 32 || !every(head.method, tchar) || head.method == "CONNECT")
    return Verdict::refused;
  if (head.target.empty() || head.target.size() > limits.uri_bytes || !every(head.target, target_char)) return Verdict::refused;
  if (version.size() != 8 || version.substr(0, 7) != "HTTP/1." || !digit(version[7])) return Verdict::refused;
  head.version = version[7] == '0' ? 10 : 11;
  const std::size_t question = head.target.find('?');
  std::string before = head.target.substr(0, question);
  if (question != std::string::npos) head.query = head.target.substr(question + 1);
  std::optional<std::string> authority;
  if (before.rfind("/", 0) == 0) {
    head.path = before;
  } else if (head.target == "*") {
    if (head.method != "OPTIONS") return Verdict::refused;
    head.path = "*";
  } else {
    const std::size_t scheme = before.find("://");
    if (scheme == std::string::npos || (lower(before.substr(0, scheme)) != "http" && lower(before.substr(0, scheme)) != "https"))
      return Verdict::refused;
    const std::string rest = before.substr(scheme + 3);
    const std::size_t slash = rest.find('/');
    authority = rest.substr(0, slash);
    head.path = slash == std::string::npos ? "/" : rest.substr(slash);
    if (authority->empty() || !every(*authority, host_char)) return Verdict::refused;
  }
  std::size_t bytes = 0;
  int hosts = 0, types = 0, lengths = 0, codings = 0;
  std::vector<std::string> connection;
  bool upgrade = false;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    bytes += rows[i].size() + 2;
    const std::size_t colon = rows[i].find(':');
    if (colon == std::string::npos || colon == 0 || !every(rows[i].substr(0, colon), tchar)) return Verdict::refused;
    const std::string raw = rows[i].substr(colon + 1);
    if (!every(raw, value_char)) return Verdict::refused;
    const std::string name = lower(rows[i].substr(0, colon));
    std::string value = trim(raw);
    if (name == "host") {
      if (++hosts > 1 || !every(value, host_char)) return Verdict::refused;
      if (authority) value = *authority;
    }
    if (name == "content-type" && ++types > 1) return Verdict::refused;
    if (name == "content-length") {
      if (++lengths > 1 || value.empty() || !every(value, digit)) return Verdict::refused;
      const std::size_t first = value.find_first_not_of('0');
      const std::string digits = first == std::string::npos ? "0" : value.substr(first);
      const std::string most = "9223372036854775807";
      if (digits.size() > most.size() || (digits.size() == most.size() && digits > most)) return Verdict::refused;
      head.content_length = std::stoull(digits);
    }
    if (name == "transfer-encoding") {
      if (++codings > 1 || lower(value) != "chunked") return Verdict::refused;
      head.chunked = true;
    }
    if (name == "connection") {
      for (std::string& e : elements(value)) connection.push_back(e);
    }
    if (name == "upgrade") upgrade = true;
    if (name == "expect" && head.version == 11) {
      if (lower(value) != "100-continue") return Verdict::refused;
      head.expect_continue = true;
    }
    head.headers.emplace_back(name, value);
  }
  if (bytes > limits.header_bytes || head.headers.size() > limits.header_count) return Verdict::refused;
  if (hosts == 0 && head.version == 11) return Verdict::refused;
  if (codings > 0 && (lengths > 0 || head.version == 10)) return Verdict::refused;
  const auto has = [&](const char* token) { return std::find(connection.begin(), connection.end(), token) != connection.end(); };
  head.keep_alive = !has("close") && (head.version == 11 || has("keep-alive"));
  head.upgrade = head.version == 11 && upgrade && has("upgrade");
  return Verdict::accepted;
}

}  // namespace spikard::fuzz
