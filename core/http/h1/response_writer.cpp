#include "http/h1/response_writer.hpp"

#include <cstring>

#include "http/h1/scan.hpp"

namespace spikard::http::h1 {

namespace {

struct Status {
  std::uint16_t code;
  std::string_view line;  ///< with CRLF
};

#define SPIKARD_STATUS(code, phrase) Status{code, "HTTP/1.1 " #code " " phrase "\r\n"}
constexpr Status statuses[] = {
    SPIKARD_STATUS(100, "Continue"),
    SPIKARD_STATUS(101, "Switching Protocols"),
    SPIKARD_STATUS(103, "Early Hints"),
    SPIKARD_STATUS(200, "OK"),
    SPIKARD_STATUS(201, "Created"),
    SPIKARD_STATUS(202, "Accepted"),
    SPIKARD_STATUS(203, "Non-Authoritative Information"),
    SPIKARD_STATUS(204, "No Content"),
    SPIKARD_STATUS(205, "Reset Content"),
    SPIKARD_STATUS(206, "Partial Content"),
    SPIKARD_STATUS(207, "Multi-Status"),
    SPIKARD_STATUS(208, "Already Reported"),
    SPIKARD_STATUS(226, "IM Used"),
    SPIKARD_STATUS(300, "Multiple Choices"),
    SPIKARD_STATUS(301, "Moved Permanently"),
    SPIKARD_STATUS(302, "Found"),
    SPIKARD_STATUS(303, "See Other"),
    SPIKARD_STATUS(304, "Not Modified"),
    SPIKARD_STATUS(307, "Temporary Redirect"),
    SPIKARD_STATUS(308, "Permanent Redirect"),
    SPIKARD_STATUS(400, "Bad Request"),
    SPIKARD_STATUS(401, "Unauthorized"),
    SPIKARD_STATUS(402, "Payment Required"),
    SPIKARD_STATUS(403, "Forbidden"),
    SPIKARD_STATUS(404, "Not Found"),
    SPIKARD_STATUS(405, "Method Not Allowed"),
    SPIKARD_STATUS(406, "Not Acceptable"),
    SPIKARD_STATUS(407, "Proxy Authentication Required"),
    SPIKARD_STATUS(408, "Request Timeout"),
    SPIKARD_STATUS(409, "Conflict"),
    SPIKARD_STATUS(410, "Gone"),
    SPIKARD_STATUS(411, "Length Required"),
    SPIKARD_STATUS(412, "Precondition Failed"),
    SPIKARD_STATUS(413, "Payload Too Large"),
    SPIKARD_STATUS(414, "URI Too Long"),
    SPIKARD_STATUS(415, "Unsupported Media Type"),
    SPIKARD_STATUS(416, "Range Not Satisfiable"),
    SPIKARD_STATUS(417, "Expectation Failed"),
    SPIKARD_STATUS(421, "Misdirected Request"),
    SPIKARD_STATUS(422, "Unprocessable Content"),
    SPIKARD_STATUS(423, "Locked"),
    SPIKARD_STATUS(424, "Failed Dependency"),
    SPIKARD_STATUS(425, "Too Early"),
    SPIKARD_STATUS(426, "Upgrade Required"),
    SPIKARD_STATUS(428, "Precondition Required"),
    SPIKARD_STATUS(429, "Too Many Requests"),
    SPIKARD_STATUS(431, "Request Header Fields Too Large"),
    SPIKARD_STATUS(451, "Unavailable For Legal Reasons"),
    SPIKARD_STATUS(500, "Internal Server Error"),
    SPIKARD_STATUS(501, "Not Implemented"),
    SPIKARD_STATUS(502, "Bad Gateway"),
    SPIKARD_STATUS(503, "Service Unavailable"),
    SPIKARD_STATUS(504, "Gateway Timeout"),
    SPIKARD_STATUS(505, "HTTP Version Not Supported"),
    SPIKARD_STATUS(506, "Variant Also Negotiates"),
    SPIKARD_STATUS(507, "Insufficient Storage"),
    SPIKARD_STATUS(508, "Loop Detected"),
    SPIKARD_STATUS(511, "Network Authentication Required"),
};
#undef SPIKARD_STATUS

constexpr std::uint16_t first_code = 100;
constexpr std::uint16_t last_code = 511;

/// code -> 1 + index into `statuses`.
constexpr auto make_index() {
  std::array<std::uint8_t, last_code - first_code + 1> index{};
  for (std::size_t i = 0; i < std::size(statuses); ++i) index[statuses[i].code - first_code] = static_cast<std::uint8_t>(i + 1);
  return index;
}
constexpr auto status_index = make_index();

const Status* find_status(std::uint16_t code) noexcept {
  if (code < first_code || code > last_code || status_index[code - first_code] == 0) return nullptr;
  return &statuses[status_index[code - first_code] - 1];
}

char* put(char* out, std::string_view text) noexcept {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* put_decimal(char* out, std::uint64_t n) noexcept {
  char digits[20];
  char* p = digits + sizeof digits;
  do {
    *--p = static_cast<char>('0' + n % 10);
    n /= 10;
  } while (n != 0);
  return put(out, {p, static_cast<std::size_t>(digits + sizeof digits - p)});
}

enum class Own : std::uint8_t { no, framing, content_type, date, server };

Own own(std::string_view name) noexcept {
  using scan::equals_lower;
  switch (name.size()) {
    case 4: return equals_lower(name, "date") ? Own::date : Own::no;
    case 6: return equals_lower(name, "server") ? Own::server : Own::no;
    case 10: return equals_lower(name, "connection") || equals_lower(name, "keep-alive") ? Own::framing : Own::no;
    case 12: return equals_lower(name, "content-type") ? Own::content_type : Own::no;
    case 14: return equals_lower(name, "content-length") ? Own::framing : Own::no;
    case 17: return equals_lower(name, "transfer-encoding") ? Own::framing : Own::no;
    default: return Own::no;
  }
}

bool is_sound(const HeaderField& field) noexcept {
  if (field.name.empty()) return false;
  for (const char c : field.name) {
    if (!scan::is(c, scan::token)) return false;
  }
  const char* end = field.value.data() + field.value.size();
  return scan::find_control(field.value.data(), end) == end;
}

char* put_field(char* out, std::string_view name, std::string_view value) noexcept {
  out = put(out, name);
  out = put(out, ": ");
  out = put(out, value);
  return put(out, "\r\n");
}

}  // namespace

std::string_view reason_of(std::uint16_t status) noexcept {
  const Status* found = find_status(status);
  return found == nullptr ? std::string_view() : found->line.substr(13, found->line.size() - 15);
}

std::size_t max_head_size(const ResponseHead& head) noexcept {
  // Status line, Content-Length or Transfer-Encoding, Connection and the empty line fit into 160.
  std::size_t size = 160 + 18 + head.content_type.size() + 10 + head.date.size() + 10 + head.server.size();
  for (const HeaderField& field : head.headers) size += field.name.size() + field.value.size() + 4;
  return size;
}

bool stays_open(const ResponseHead& head) noexcept {
  if (!head.keep_alive) return false;
  if (bodiless(head.status)) return true;
  return head.body_end != BodyEnd::close && !(head.body_end == BodyEnd::chunked && head.version == 10);
}

char* write_head(char* out, const ResponseHead& head) noexcept {
  if (const Status* status = find_status(head.status)) {
    out = put(out, status->line);
  } else {
    if (head.status < 100 || head.status > 999) return nullptr;
    out = put(out, "HTTP/1.1 ");
    out = put_decimal(out, head.status);
    out = put(out, " \r\n");
  }
  const bool switching = head.status == 101;
  bool has_type = head.content_type.empty();
  bool has_date = head.date.empty();
  bool has_server = head.server.empty();
  for (const HeaderField& field : head.headers) {
    if (!is_sound(field)) return nullptr;
    switch (own(field.name)) {
      case Own::framing:
        if (!switching) continue;
        break;
      case Own::content_type: has_type = true; break;
      case Own::date: has_date = true; break;
      case Own::server: has_server = true; break;
      case Own::no: break;
    }
    out = put_field(out, field.name, field.value);
  }
  if (!has_type) {
    const char* end = head.content_type.data() + head.content_type.size();
    if (scan::find_control(head.content_type.data(), end) != end) return nullptr;
    out = put_field(out, "Content-Type", head.content_type);
  }
  if (!bodiless(head.status)) {
    if (head.body_end == BodyEnd::length) {
      out = put(out, "Content-Length: ");
      out = put_decimal(out, head.content_length);
      out = put(out, "\r\n");
    } else if (head.body_end == BodyEnd::chunked && head.version != 10) {
      out = put(out, "Transfer-Encoding: chunked\r\n");
    }
  }
  if (!has_date) out = put_field(out, "Date", head.date);
  if (!has_server) out = put_field(out, "Server", head.server);
  if (head.status >= 200) {
    if (!stays_open(head)) {
      out = put(out, "Connection: close\r\n");
    } else if (head.version == 10) {
      out = put(out, "Connection: keep-alive\r\n");
    }
  }
  return put(out, "\r\n");
}

bool append_head(std::string& out, const ResponseHead& head) {
  const std::size_t before = out.size();
  out.resize(before + max_head_size(head));
  const char* end = write_head(out.data() + before, head);
  out.resize(end == nullptr ? before : static_cast<std::size_t>(end - out.data()));
  return end != nullptr;
}

const HeaderField* refused_header(std::span<const HeaderField> headers) noexcept {
  for (const HeaderField& field : headers) {
    if (!is_sound(field)) return &field;
  }
  return nullptr;
}

}  // namespace spikard::http::h1
