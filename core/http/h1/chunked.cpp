#include "http/h1/chunked.hpp"

#include <algorithm>
#include <cstring>

#include "http/h1/scan.hpp"

namespace spikard::http::h1 {

ChunkedDecoder::Result ChunkedDecoder::decode(char* data, std::size_t size) noexcept {
  const char* in = data;
  const char* const end = data + size;
  char* out = data;
  const auto result = [&](Status status) {
    return Result{status, static_cast<std::size_t>(in - data), static_cast<std::size_t>(out - data)};
  };
  const auto refuse = [&](std::string_view why) {
    error_ = why;
    return result(Status::error);
  };
  while (in != end) {
    const char c = *in;
    switch (state_) {
      case State::size_first:
      case State::size:
        if (scan::is(c, scan::hex)) {
          const unsigned digit = c <= '9' ? static_cast<unsigned>(c - '0') : static_cast<unsigned>((c | 0x20) - 'a' + 10);
          if (++digits_ > 16 || (left_ >> 59) != 0) return refuse("the size of a chunk is too large");
          left_ = left_ << 4 | digit;
          state_ = State::size;
        } else if (state_ == State::size_first) {
          return refuse("malformed chunk size");
        } else if (c == '\r') {
          state_ = State::size_lf;
        } else if (c == ';' || c == ' ' || c == '\t') {
          semicolon_ = c == ';';
          extension_ = 1;
          ++extensions_;
          state_ = State::extension;
        } else {
          return refuse("malformed chunk size");
        }
        ++in;
        break;
      case State::extension:
        if (c == '\r' && semicolon_) {
          state_ = State::size_lf;
        } else if (scan::is_control(c) || (!semicolon_ && c != ';' && c != ' ' && c != '\t')) {
          return refuse("malformed chunk extension");
        } else {
          semicolon_ |= c == ';';
          if (++extension_ > max_extension || ++extensions_ > max_extensions) return refuse("chunk extensions are too long");
        }
        ++in;
        break;
      case State::size_lf:
        if (c != '\n') return refuse("a CR without LF");
        state_ = left_ == 0 ? State::line_start : State::data;
        ++in;
        break;
      case State::data: {
        const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, static_cast<std::uint64_t>(end - in)));
        if (out != in) std::memmove(out, in, n);
        in += n;
        out += n;
        left_ -= n;
        if (left_ == 0) state_ = State::data_cr;
        break;
      }
      case State::data_cr:
        if (c != '\r') return refuse("a chunk is longer than its size");
        state_ = State::data_lf;
        ++in;
        break;
      case State::data_lf:
        if (c != '\n') return refuse("a CR without LF");
        digits_ = 0;
        state_ = State::size_first;
        ++in;
        break;
      case State::line_start:
        if (c == '\r') {
          state_ = State::end_lf;
          ++in;
          break;
        }
        if (!scan::is(c, scan::token)) return refuse("malformed trailer");
        state_ = State::trailer_name;
        break;
      case State::trailer_name:
        if (++trailers_ > max_trailers) return refuse("the trailers are too long");
        if (c == ':') {
          state_ = State::trailer_value;
        } else if (!scan::is(c, scan::token)) {
          return refuse("malformed trailer");
        }
        ++in;
        break;
      case State::trailer_value:
        if (++trailers_ > max_trailers) return refuse("the trailers are too long");
        if (c == '\r') {
          state_ = State::trailer_lf;
        } else if (scan::is_control(c)) {
          return refuse("malformed trailer");
        }
        ++in;
        break;
      case State::trailer_lf:
        if (c != '\n') return refuse("a CR without LF");
        state_ = State::line_start;
        ++in;
        break;
      case State::end_lf:
        if (c != '\n') return refuse("a CR without LF");
        state_ = State::done;
        ++in;
        return result(Status::done);
      case State::done: return result(Status::done);
    }
  }
  return result(state_ == State::done ? Status::done : Status::need_more);
}

char* put_chunk_line(char* out, std::uint64_t size) noexcept {
  const int digits = (67 - __builtin_clzll(size | 1)) / 4;
  for (int i = digits - 1; i >= 0; --i) *out++ = "0123456789abcdef"[size >> (4 * i) & 15];
  *out++ = '\r';
  *out++ = '\n';
  return out;
}

void append_chunk(std::string& out, std::string_view data) {
  if (data.empty()) return;
  char line[max_chunk_line];
  out.append(line, put_chunk_line(line, data.size()));
  out.append(data);
  out.append("\r\n");
}

}  // namespace spikard::http::h1
