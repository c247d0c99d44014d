#include "net/http_client/response_parser.hpp"

#include <algorithm>

namespace spikard::net::http {
namespace {

constexpr int max_interim = 16;
constexpr std::size_t max_chunk_line = 4096;

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

Error corrupt(const char* what) {
  return Error(ErrorKind::corrupt, std::string("HTTP response: ") + what).with_operation("net.http");
}

/// Calls `fn` for each element of a comma list.
template <class F>
void each_token(std::string_view list, F fn) {
  for (;;) {
    const auto comma = list.find(',');
    if (const std::string_view one = trim(list.substr(0, comma)); !one.empty()) fn(one);
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

std::string_view find_header(const Headers& headers, std::string_view name) noexcept {
  for (const auto& [key, value] : headers) {
    if (same(key, name)) return value;
  }
  return {};
}

bool has_header(const Headers& headers, std::string_view name) noexcept {
  return std::any_of(headers.begin(), headers.end(), [&](const auto& h) { return same(h.first, name); });
}

bool is_field_name(std::string_view name) noexcept {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view value) noexcept {
  return std::all_of(value.begin(), value.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return c == '\t' || (u >= 0x20 && u != 0x7f);
  });
}

Result<void> ResponseParser::read_line(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_field_name(line.substr(0, colon)))
    return corrupt("a header field has no valid name");
  const std::string_view value = trim(line.substr(colon + 1));
  if (!is_field_value(value)) return corrupt("a header field has a control character");
  if (headers_.size() >= limits_.header_count) return corrupt("too many header fields");
  headers_.emplace_back(line.substr(0, colon), value);
  return {};
}

Result<void> ResponseParser::read_head() {
  std::string_view text = text_;
  auto end = text.find("\r\n");
  const std::string_view line = text.substr(0, end);
  // HTTP/1.1 200 reason
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || !digit(line[7]) || line[8] != ' ' || !digit(line[9]) ||
      !digit(line[10]) || !digit(line[11]) || (line.size() > 12 && line[12] != ' ') || !is_field_value(line)) {
    return corrupt("no status line of HTTP/1");
  }
  status_ = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  if (status_ < 100) return corrupt("the status is below 100");
  keep_alive_ = line[7] != '0';
  headers_.clear();
  for (text.remove_prefix(end + 2); !text.empty(); text.remove_prefix(end + 2)) {
    end = text.find("\r\n");
    if (end == 0) break;
    SPIKARD_TRY(read_line(text.substr(0, end)));
  }
  text_.clear();
  if (status_ >= 100 && status_ < 200) {
    if (status_ == 101) return corrupt("it switches protocols without being asked");
    if (++interim_ > max_interim) return corrupt("too many interim answers");
    return {};
  }
  return frame();
}

Result<void> ResponseParser::frame() {
  bool chunked = false;
  bool coded = false;
  bool sized = false;
  for (const auto& [name, value] : headers_) {
    if (same(name, "connection")) {
      each_token(value, [&](std::string_view token) {
        if (same(token, "close")) keep_alive_ = false;
        else if (same(token, "keep-alive")) keep_alive_ = true;
      });
    } else if (same(name, "transfer-encoding")) {
      each_token(value, [&](std::string_view token) {
        coded = coded || chunked || !same(token, "chunked");
        chunked = true;
      });
    } else if (same(name, "content-length")) {
      bool bad = false;
      bool any = false;
      each_token(value, [&](std::string_view token) {  // a list of equal numbers is one (RFC 9110, 8.6)
        std::uint64_t number = 0;
        for (const char c : token) {
          if (c < '0' || c > '9' || number > (UINT64_MAX - 9) / 10) bad = true;
          else number = number * 10 + static_cast<std::uint64_t>(c - '0');
        }
        if (sized && number != left_) bad = true;
        sized = any = true;
        left_ = number;
      });
      if (bad || !any) return corrupt("its Content-Length is not valid");
    }
  }
  for (const auto& [name, value] : headers_) {  // close wins over keep-alive in whatever order they come
    if (same(name, "connection"))
      each_token(value, [&](std::string_view token) { keep_alive_ = keep_alive_ && !same(token, "close"); });
  }
  if (head_request_ || status_ == 204 || status_ == 304) {
    left_ = 0;
    state_ = State::done;
    if (chunked && !head_request_) keep_alive_ = false;
    return {};
  }
  if (coded) return corrupt("a transfer coding other than chunked");
  if (chunked) {
    if (sized) keep_alive_ = false;  // RFC 9112, 6.3
    state_ = State::chunk_size;
  } else if (sized) {
    state_ = left_ == 0 ? State::done : State::sized;
  } else {
    keep_alive_ = false;
    state_ = State::until_close;
  }
  return {};
}

/// Collects a line that ends with CRLF in `text_` (without it). True when it is complete.
Result<bool> ResponseParser::take_line(std::string_view bytes, std::size_t& at, std::size_t limit) {
  const auto lf = bytes.find('\n', at);
  const std::size_t end = lf == std::string_view::npos ? bytes.size() : lf + 1;
  if (text_.size() + (end - at) > limit) return corrupt("a line is too long");
  text_.append(bytes.substr(at, end - at));
  at = end;
  if (lf == std::string_view::npos) return false;
  if (text_.size() < 2 || text_[text_.size() - 2] != '\r') return corrupt("a line ends without CR");
  text_.resize(text_.size() - 2);
  return true;
}

Result<std::size_t> ResponseParser::feed(std::string_view bytes, std::string& body, std::size_t body_room) {
  std::size_t at = 0;
  if (!bytes.empty()) begun_ = true;
  const auto take_data = [&](std::uint64_t most) {
    const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>({most, bytes.size() - at, body_room}));
    body.append(bytes.substr(at, n));
    at += n;
    body_room -= n;
    return n;
  };
  while (at < bytes.size() && state_ != State::done) {
    switch (state_) {
      case State::head: {
        // Up to the empty line; it may be cut anywhere.
        const std::size_t before = text_.size();
        const std::size_t from = before < 3 ? 0 : before - 3;
        const std::size_t room = limits_.head_bytes - std::min(limits_.head_bytes, before);
        const std::string_view piece = bytes.substr(at, std::min(bytes.size() - at, room + 1));
        text_.append(piece);
        const auto end = text_.find("\r\n\r\n", from);
        if (end == std::string::npos) {
          if (text_.size() > limits_.head_bytes) return corrupt("the head is too long");
          at += piece.size();
          break;
        }
        at += end + 4 - before;
        text_.resize(end + 4);
        SPIKARD_TRY(read_head());
        break;
      }
      case State::sized:
        left_ -= take_data(left_);
        if (left_ == 0) state_ = State::done;
        else if (body_room == 0) return at;
        break;
      case State::until_close:
        take_data(UINT64_MAX);
        if (body_room == 0) return at;
        break;
      case State::chunk_size: {
        auto complete = take_line(bytes, at, max_chunk_line);
        if (!complete.ok()) return std::move(complete).error();
        if (!*complete) break;
        std::string_view line = text_;
        left_ = 0;
        std::size_t digits = 0;
        for (; digits < line.size(); ++digits) {
          const char c = lower(line[digits]);
          const int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
          if (value < 0) break;
          if (digits == 15) return corrupt("a chunk is too long");
          left_ = left_ << 4U | static_cast<std::uint64_t>(value);
        }
        const std::string_view extension = trim(line.substr(digits));
        if (digits == 0 || (!extension.empty() && extension[0] != ';') || !is_field_value(extension))
          return corrupt("a chunk has no valid size");
        text_.clear();
        state_ = left_ == 0 ? State::trailers : State::chunk_data;
        break;
      }
      case State::chunk_data:
        left_ -= take_data(left_);
        if (left_ == 0) state_ = State::chunk_end;
        else if (body_room == 0) return at;
        break;
      case State::chunk_end: {
        auto complete = take_line(bytes, at, 2);
        if (!complete.ok()) return corrupt("a chunk is longer than its size");
        if (*complete) state_ = State::chunk_size;
        break;
      }
      case State::trailers: {
        const std::size_t before = at;
        auto complete = take_line(bytes, at, limits_.head_bytes);
        if (!complete.ok()) return std::move(complete).error();
        trailer_bytes_ += at - before;
        if (trailer_bytes_ > limits_.head_bytes) return corrupt("the trailers are too long");
        if (!*complete) break;
        if (text_.empty()) {
          state_ = State::done;
          break;
        }
        const auto colon = text_.find(':');
        if (colon == std::string::npos || !is_field_name(std::string_view(text_).substr(0, colon)) ||
            !is_field_value(std::string_view(text_).substr(colon + 1)))
          return corrupt("a trailer is not valid");
        text_.clear();
        break;
      }
      case State::done: break;
    }
  }
  return at;
}

Result<void> ResponseParser::end_of_stream() {
  if (state_ == State::until_close) state_ = State::done;
  if (state_ == State::done) return {};
  return corrupt(begun_ ? "it ended before its end" : "the connection ended before an answer");
}

}  // namespace spikard::net::http
