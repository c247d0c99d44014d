#include "http/h1/request_parser.hpp"

#include <algorithm>
#include <cstring>

#include "http/h1/scan.hpp"

namespace spikard::http::h1 {

namespace {

constexpr std::size_t max_method = 32;
constexpr int max_empty_lines = 8;

constexpr std::string_view bad_request = "bad-request";

struct MethodName {
  std::string_view text;
  Method method;
};
constexpr MethodName methods[] = {
    {"GET", Method::get},         {"HEAD", Method::head},   {"POST", Method::post},
    {"PUT", Method::put},         {"PATCH", Method::patch}, {"DELETE", Method::del},
    {"OPTIONS", Method::options}, {"TRACE", Method::trace}, {"CONNECT", Method::connect},
};

bool is_host(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return scan::is(c, scan::host); });
}

/// The elements of a comma list, blanks trimmed, empty ones left out.
template <class F>
void for_each_element(std::string_view list, F&& f) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view element = scan::trimmed(list.substr(0, comma));
    if (!element.empty()) f(element);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

}  // namespace

struct RequestParser::Cursor {
  char* base;
  char* p;
  char* end;

  [[nodiscard]] std::uint32_t offset(const char* at) const noexcept { return static_cast<std::uint32_t>(at - base); }
  [[nodiscard]] View view(const char* from, const char* to) const noexcept {
    return {offset(from), static_cast<std::uint32_t>(to - from)};
  }
};

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return scan::is(c, scan::token); });
}

bool is_field_value(std::string_view text) noexcept {
  return scan::find_control(text.data(), text.data() + text.size()) == text.data() + text.size();
}

Method method_from(std::string_view text) noexcept {
  for (const MethodName& m : methods) {
    if (m.text == text) return m.method;
  }
  return Method::other;
}

std::string_view name_of(Method method) noexcept {
  for (const MethodName& m : methods) {
    if (m.method == method) return m.text;
  }
  return {};
}

void RequestParser::reset() noexcept {
  head_ = Head();
  std::fill(std::begin(head_.known), std::end(head_.known), std::int16_t{-1});
  error_ = HeadError();
  authority_ = View();
  line_ = scanned_ = fields_ = 0;
  seen_ = 0;
  stage_ = Stage::before;
}

Parse RequestParser::fail(std::uint16_t status, std::string_view slug, std::string_view message) noexcept {
  error_ = {status, slug, message};
  return Parse::error;
}

Parse RequestParser::parse(char* base, std::uint32_t begin, std::uint32_t end, ViewPair* headers,
                           const HeadLimits& limits) noexcept {
  Cursor in{base, base + begin, base + end};
  if (stage_ == Stage::before) {
    // RFC 9112 section 2.2: empty lines before the request line are ignored, here a few of them.
    for (int lines = 0; in.p != in.end && *in.p == '\r'; ++lines) {
      if (lines == max_empty_lines) return fail(400, bad_request, "too many empty lines before the request");
      if (in.p + 1 == in.end) return Parse::need_more;
      if (in.p[1] != '\n') return fail(400, bad_request, "a CR without LF before the request");
      in.p += 2;
    }
    if (in.p == in.end) return Parse::need_more;
    line_ = head_.begin = in.offset(in.p);
    stage_ = Stage::request_line;
  }
  in.p = base + line_;
  if (stage_ == Stage::request_line) {
    const Parse parsed = request_line(in, limits);
    if (parsed != Parse::done) return parsed;
    line_ = scanned_ = fields_ = in.offset(in.p);
    stage_ = Stage::fields;
  }
  return fields(in, headers, limits);
}

Parse RequestParser::request_line(Cursor& in, const HeadLimits& limits) noexcept {
  char* p = in.p;
  if (in.end - p >= 4 && std::memcmp(p, "GET ", 4) == 0) {
    head_.method = Method::get;
    p += 3;
  } else {
    while (p != in.end && scan::is(*p, scan::token)) {
      if (static_cast<std::size_t>(p - in.p) == max_method) return fail(400, bad_request, "the method is too long");
      ++p;
    }
    if (p == in.end) return Parse::need_more;
    if (p == in.p || *p != ' ') return fail(400, bad_request, "malformed request line");
    head_.method = method_from({in.p, static_cast<std::size_t>(p - in.p)});
  }
  head_.method_text = in.view(in.p, p);
  ++p;
  if (p == in.end) return Parse::need_more;
  if (const Parse parsed = target(in, p, limits); parsed != Parse::done) return parsed;

  p = in.base + head_.target.off + head_.target.len + 1;
  // One byte after the other, so that the answer does not depend on how the bytes were cut.
  constexpr std::string_view shape = "HTTP/0.0\r\n";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (p + i == in.end) return Parse::need_more;
    const bool fits = shape[i] == '0' ? p[i] >= '0' && p[i] <= '9' : p[i] == shape[i];
    if (!fits) return fail(400, bad_request, "malformed request line");
  }
  if (p[5] != '1') return fail(505, "http-version-not-supported", "only HTTP/1.0 and HTTP/1.1 are spoken here");
  head_.version = p[7] == '0' ? 10 : 11;
  in.p = p + shape.size();
  return Parse::done;
}

Parse RequestParser::target(Cursor& in, char* from, const HeadLimits& limits) noexcept {
  // Never look past the first byte that is too many: the answer must not depend on how the bytes were cut.
  const bool clipped = static_cast<std::size_t>(in.end - from) > limits.uri_bytes;
  const char* end = clipped ? from + limits.uri_bytes + 1 : in.end;
  const char* path = from;
  bool escaped = false;
  bool in_query = false;
  const char* q = scan::find_target_end<true>(from, end, escaped);
  const char* path_end = q;
  if (q != end && *q == '?') {
    in_query = true;
    bool ignored = false;
    q = scan::find_target_end<false>(q + 1, end, ignored);
  }
  if (q == end) {
    if (clipped) return fail(414, "uri-too-long", "the request target is too long");
    return Parse::need_more;
  }
  if (*q != ' ' || q == from) return fail(400, bad_request, "malformed request target");
  head_.target = in.view(from, q);

  if (*from == '*') {
    if (q - from != 1 || head_.method != Method::options) return fail(400, bad_request, "malformed request target");
  } else if (head_.method == Method::connect) {
    return fail(501, "not-implemented", "CONNECT is not supported");
  } else if (*from != '/') {
    const std::string_view text(from, static_cast<std::size_t>(path_end - from));
    std::size_t scheme = 0;
    if (text.size() > 7 && scan::equals_lower(text.substr(0, 7), "http://")) scheme = 7;
    if (text.size() > 8 && scan::equals_lower(text.substr(0, 8), "https://")) scheme = 8;
    if (scheme == 0) return fail(400, bad_request, "malformed request target");
    const std::size_t slash = std::min(text.find('/', scheme), text.size());
    const std::string_view authority = text.substr(scheme, slash - scheme);
    if (authority.empty() || !is_host(authority)) return fail(400, bad_request, "malformed authority in the request target");
    authority_ = in.view(authority.data(), authority.data() + authority.size());
    seen_ |= seen_absolute;
    path = from + slash;
    if (slash == text.size()) {
      // No path: `/`, for which the second slash of `//` serves.
      path = from + scheme - 1;
      head_.path = in.view(path, path + 1);
      path = nullptr;
    }
    escaped = path != nullptr && std::memchr(path, '%', static_cast<std::size_t>(path_end - path)) != nullptr;
  }
  if (path != nullptr) head_.path = in.view(path, path_end);
  head_.query = in_query ? in.view(path_end + 1, q) : in.view(path_end, path_end);
  head_.path_escaped = escaped;
  return Parse::done;
}

Parse RequestParser::fields(Cursor& in, ViewPair* headers, const HeadLimits& limits) noexcept {
  // The empty line at the end is not counted, so two bytes more may be looked at.
  char* const first = in.base + fields_;
  const std::size_t most = std::size_t{limits.header_bytes} + 2;
  const bool clipped = static_cast<std::size_t>(in.end - first) > most;
  char* const end = clipped ? first + most : in.end;
  const auto out_of_bytes = [&] {
    return clipped ? fail(431, "request-header-fields-too-large", "the header section is too large") : Parse::need_more;
  };
  char* p = in.base + line_;
  for (;;) {
    if (p == end) return out_of_bytes();
    if (*p == '\r') {
      if (p + 1 == end) return out_of_bytes();
      if (p[1] != '\n') return fail(400, bad_request, "a CR without LF");
      head_.end = in.offset(p + 2);
      return finish(headers);
    }
    char* const colon = scan::lower_name(p, end);
    if (colon == end) return out_of_bytes();
    if (*colon != ':' || colon == p) {
      if (*p == ' ' || *p == '\t') return fail(400, bad_request, "a folded header line");
      if (*colon == ' ' || *colon == '\t') return fail(400, bad_request, "white space before the colon of a header");
      return fail(400, bad_request, "malformed header name");
    }
    const char* value = colon + 1;
    const char* q = scan::find_control(std::max<const char*>(value, in.base + scanned_), end);
    scanned_ = in.offset(q);
    if (q == end) return out_of_bytes();
    if (*q != '\r') return fail(400, bad_request, *q == '\n' ? "a LF without CR" : "a control character in a header");
    if (q + 1 == end) return out_of_bytes();
    if (q[1] != '\n') return fail(400, bad_request, "a CR without LF");
    if (static_cast<std::size_t>(q + 2 - first) > limits.header_bytes) {
      return fail(431, "request-header-fields-too-large", "the header section is too large");
    }
    if (head_.header_count == limits.header_count) return fail(431, "request-header-fields-too-large", "too many headers");
    const std::string_view name(p, static_cast<std::size_t>(colon - p));
    const std::string_view text = scan::trimmed({value, static_cast<std::size_t>(q - value)});
    headers[head_.header_count] = {in.view(p, colon), in.view(text.data(), text.data() + text.size())};
    if (!field(name, text)) return Parse::error;
    ++head_.header_count;
    p = const_cast<char*>(q) + 2;
    line_ = scanned_ = in.offset(p);
  }
}

bool RequestParser::field(std::string_view name, std::string_view value) noexcept {
  const auto refuse = [this](std::string_view message, std::uint16_t status = 400, std::string_view slug = bad_request) {
    fail(status, slug, message);
    return false;
  };
  const auto note = [this](Known which) {
    std::int16_t& at = head_.known[static_cast<int>(which)];
    if (at >= 0) return false;
    at = static_cast<std::int16_t>(head_.header_count);
    return true;
  };
  switch (name.size()) {
    case 4:
      if (name == "host") {
        if (!note(Known::host)) return refuse("Host is given twice");
        if (!is_host(value)) return refuse("malformed Host");
      }
      return true;
    case 5:
      if (name == "range") note(Known::range);
      return true;
    case 6:
      if (name == "cookie") note(Known::cookie);
      if (name == "origin") note(Known::origin);
      if (name == "expect" && head_.version == 11) {
        if (!scan::equals_lower(value, "100-continue"))
          return refuse("only 100-continue is understood in Expect", 417, "expectation-failed");
        head_.expect_continue = true;
      }
      return true;
    case 7:
      if (name == "upgrade") seen_ |= seen_upgrade;
      return true;
    case 10:
      if (name == "connection") {
        for_each_element(value, [this](std::string_view token) {
          if (scan::equals_lower(token, "close")) seen_ |= seen_close;
          if (scan::equals_lower(token, "keep-alive")) seen_ |= seen_keep_alive;
          if (scan::equals_lower(token, "upgrade")) seen_ |= seen_upgrade_token;
        });
      }
      return true;
    case 12:
      if (name == "content-type" && !note(Known::content_type)) return refuse("Content-Type is given twice");
      return true;
    case 13:
      if (name == "authorization") note(Known::authorization);
      if (name == "if-none-match") note(Known::if_none_match);
      return true;
    case 14:
      if (name == "content-length") {
        if (!note(Known::content_length)) return refuse("Content-Length is given twice");
        if (value.empty() || !std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; })) {
          return refuse("malformed Content-Length");
        }
        std::uint64_t n = 0;
        for (const char c : value) {
          if (n > (INT64_MAX - 9) / 10) return refuse("the body is too large", 413, "payload-too-large");
          n = n * 10 + static_cast<unsigned>(c - '0');
        }
        head_.content_length = n;
      }
      return true;
    case 15:
      if (name == "accept-encoding") note(Known::accept_encoding);
      return true;
    case 16:
      if (name == "content-encoding") note(Known::content_encoding);
      return true;
    case 17:
      if (name == "transfer-encoding") {
        if ((seen_ & seen_transfer_encoding) != 0) return refuse("Transfer-Encoding is given twice");
        seen_ |= seen_transfer_encoding;
        if (!scan::equals_lower(value, "chunked")) {
          int chunked = 0;
          bool last = false;
          for_each_element(value, [&](std::string_view coding) {
            last = scan::equals_lower(coding, "chunked");
            chunked += last ? 1 : 0;
          });
          // Without chunked at the end there is no telling where the body ends (RFC 9112 section 6.3).
          if (!last || chunked != 1) return refuse("Transfer-Encoding does not end in chunked");
          return refuse("only the chunked transfer coding is supported", 501, "not-implemented");
        }
      }
      return true;
    default: return true;
  }
}

Parse RequestParser::finish(ViewPair* headers) noexcept {
  const int host = head_.index(Known::host);
  if (host < 0 && head_.version == 11) return fail(400, bad_request, "Host is missing");
  if (host >= 0 && (seen_ & seen_absolute) != 0) headers[host].value = authority_;
  const bool has_length = head_.index(Known::content_length) >= 0;
  if ((seen_ & seen_transfer_encoding) != 0) {
    if (has_length) return fail(400, bad_request, "Content-Length beside Transfer-Encoding");
    if (head_.version == 10) return fail(400, bad_request, "Transfer-Encoding in an HTTP/1.0 request");
    head_.framing = Framing::chunked;
  } else if (has_length) {
    head_.framing = Framing::length;
  }
  head_.keep_alive = (seen_ & seen_close) == 0 && (head_.version == 11 || (seen_ & seen_keep_alive) != 0);
  head_.upgrade = head_.version == 11 && (seen_ & seen_upgrade_token) != 0 && (seen_ & seen_upgrade) != 0;
  return Parse::done;
}

}  // namespace spikard::http::h1
