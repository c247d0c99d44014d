#include "http/multipart.hpp"

#include <algorithm>
#include <memory>

#include "http/h1/request_parser.hpp"
#include "http/h1/scan.hpp"
#include "http/media_type.hpp"
#include "http/urlencoded.hpp"

namespace spikard::http {
namespace {

namespace scan = h1::scan;

/// Blanks behind a delimiter; with more it is content.
constexpr std::size_t max_padding = 128;

std::string utf8(std::string_view text) {
  const std::size_t size = max_decoded(text.size());
  const auto memory = std::make_unique_for_overwrite<char[]>(size);
  TextRoom room{memory.get(), memory.get() + size};
  return std::string(utf8_text(text, room));
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), scan::lower);
  return out;
}

/// A quoted value without its escapes: `\"` and `\\` of the RFC (another backslash is itself: paths of Windows), `%22`, `%0D` and
/// `%0A` of the HTML standard.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\')) {
      out += text[++i];
      continue;
    }
    if (text[i] == '%' && i + 2 < text.size()) {
      const std::string_view code = text.substr(i + 1, 2);
      const char c = code == "22" ? '"' : scan::equals_lower(code, "0d") ? '\r' : scan::equals_lower(code, "0a") ? '\n' : '\0';
      if (c != '\0') {
        out += c;
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return utf8(out);
}

/// RFC 8187: `UTF-8''name`. RFC 7578 has no `filename*`, but clients send it.
std::optional<std::string> extended(std::string_view text) {
  const std::size_t language = text.find('\'');
  if (language == std::string_view::npos || !scan::equals_lower(text.substr(0, language), "utf-8")) return std::nullopt;
  const std::size_t value = text.find('\'', language + 1);
  if (value == std::string_view::npos) return std::nullopt;
  text.remove_prefix(value + 1);
  const std::size_t size = max_decoded(text.size());
  const auto memory = std::make_unique_for_overwrite<char[]>(size);
  TextRoom room{memory.get(), memory.get() + size};
  return std::string(decode_path(text, room));
}

void skip_blanks(std::string_view& text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

std::string_view take_token(std::string_view& text) noexcept {
  std::size_t n = 0;
  while (n < text.size() && scan::is(text[n], scan::token)) ++n;
  const std::string_view out = text.substr(0, n);
  text.remove_prefix(n);
  return out;
}

}  // namespace

std::optional<FormDisposition> parse_form_disposition(std::string_view header) {
  std::string_view rest = scan::trimmed(header);
  if (!scan::equals_lower(take_token(rest), "form-data")) return std::nullopt;
  FormDisposition out;
  std::optional<std::string> extended_name;
  bool named = false;
  for (;;) {
    skip_blanks(rest);
    if (rest.empty()) break;
    if (rest.front() != ';') return std::nullopt;
    rest.remove_prefix(1);
    skip_blanks(rest);
    if (rest.empty() || rest.front() == ';') continue;
    const std::string_view key = take_token(rest);
    if (key.empty() || rest.empty() || rest.front() != '=') return std::nullopt;
    rest.remove_prefix(1);
    std::string_view value;
    if (!rest.empty() && rest.front() == '"') {
      std::size_t end = 1;
      while (end < rest.size() && rest[end] != '"')
        end += rest[end] == '\\' && end + 1 < rest.size() && (rest[end + 1] == '"' || rest[end + 1] == '\\') ? 2 : 1;
      if (end >= rest.size()) return std::nullopt;
      value = rest.substr(1, end - 1);
      rest.remove_prefix(end + 1);
    } else {
      // Names that are no tokens are sent without quotes all the same.
      value = rest.substr(0, rest.find(';'));
      rest.remove_prefix(value.size());
      value = scan::trimmed(value);
    }
    // Of a parameter given twice the first counts would be one reading, the last another: neither is taken.
    if (scan::equals_lower(key, "name")) {
      if (named) return std::nullopt;
      named = true;
      out.name = unescaped(value);
    } else if (scan::equals_lower(key, "filename")) {
      if (out.filename) return std::nullopt;
      out.filename = unescaped(value);
    } else if (scan::equals_lower(key, "filename*")) {
      extended_name = extended(value);
    }
  }
  if (!named) return std::nullopt;
  if (!out.filename) out.filename = std::move(extended_name);
  return out;
}

MultipartParser::MultipartParser(std::string_view boundary, const MultipartLimits& limits, Handler& handler)
    : delimiter_("\r\n--" + std::string(boundary)), limits_(limits), handler_(handler) {}

bool MultipartParser::fail(std::string_view why, bool too_large) noexcept {
  state_ = State::failed;
  error_ = why;
  too_large_ = too_large;
  return false;
}

bool MultipartParser::push(std::string_view bytes) {
  if (state_ == State::failed) return false;
  if (state_ == State::epilogue) return true;
  if (held_.empty()) {
    const std::size_t used = run(bytes);
    held_.assign(bytes.substr(used));
  } else {
    held_.append(bytes);
    held_.erase(0, run(held_));
  }
  return state_ != State::failed;
}

bool MultipartParser::finish() {
  if (state_ == State::failed) return false;
  if (state_ != State::epilogue) return fail("the multipart body ended before its closing delimiter");
  return true;
}

/// Goes as far as `view` allows; returns how much of it is done with.
std::size_t MultipartParser::run(std::string_view view) {
  std::size_t at = 0;
  for (;;) {
    switch (state_) {
      case State::preamble:
      case State::data: {
        const std::size_t before = at;
        const State was = state_;
        at = delimited(view, at);
        if (state_ == was) return at;
        if (state_ == State::failed) return before;
        break;
      }
      case State::head: {
        const std::string_view rest = view.substr(at);
        const std::size_t end = rest.starts_with("\r\n") ? 0 : rest.find("\r\n\r\n", scanned_);
        if (end == std::string_view::npos) {
          // The end may have begun.
          if (rest.size() > limits_.header_bytes + 3) return fail("the headers of a multipart part are too large", true), at;
          scanned_ = rest.size() > 3 ? rest.size() - 3 : 0;
          return at;
        }
        if (end > limits_.header_bytes) return fail("the headers of a multipart part are too large", true), at;
        if (!head(rest.substr(0, end))) return at;
        at += end + 4;
        state_ = State::data;
        break;
      }
      case State::epilogue: return view.size();
      case State::failed: return at;
    }
  }
}

/// In content or before the first part: what is no delimiter goes out, up to what may become one.
std::size_t MultipartParser::delimited(std::string_view view, std::size_t at) {
  for (std::size_t from = at;;) {
    const std::size_t found = view.find(delimiter_, from);
    if (found == std::string_view::npos) {
      // The longest end of the view that a delimiter may begin with.
      std::size_t keep = std::min(delimiter_.size() - 1, view.size() - at);
      while (keep > 0 && !delimiter_.starts_with(view.substr(view.size() - keep))) --keep;
      if (!emit(view.substr(at, view.size() - keep - at))) return at;
      return view.size() - keep;
    }
    std::size_t length = 0;
    const Line line = after_delimiter(view.substr(found + delimiter_.size()), length);
    if (line == Line::content) {
      from = found + 1;
      continue;
    }
    if (!emit(view.substr(at, found - at))) return at;
    if (line == Line::unknown) return found;
    if (state_ == State::data && !handler_.on_part_end()) return fail({}), at;
    scanned_ = 0;
    state_ = line == Line::close ? State::epilogue : State::head;
    if (line == Line::part && ++parts_ > limits_.parts) return fail("the multipart body has too many parts", true), at;
    return found + delimiter_.size() + length;
  }
}

MultipartParser::Line MultipartParser::after_delimiter(std::string_view rest, std::size_t& length) noexcept {
  if (rest.starts_with("--")) {
    length = 2;
    return Line::close;
  }
  if (rest == "-") return Line::unknown;
  std::size_t n = 0;
  while (n < rest.size() && n < max_padding && (rest[n] == ' ' || rest[n] == '\t')) ++n;
  const std::string_view end = rest.substr(n);
  if (end.starts_with("\r\n")) {
    length = n + 2;
    return Line::part;
  }
  return end.empty() || end == "\r" ? Line::unknown : Line::content;
}

bool MultipartParser::emit(std::string_view bytes) {
  if (state_ != State::data || bytes.empty() || handler_.on_data(bytes)) return true;
  return fail({});
}

bool MultipartParser::head(std::string_view lines) {
  PartHead out;
  bool disposed = false;
  bool typed = false;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find("\r\n"), lines.size());
    std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 2, lines.size()));
    const std::string_view name = take_token(line);
    if (name.empty() || line.empty() || line.front() != ':') return fail("a multipart part has a malformed header");
    line.remove_prefix(1);
    const std::string_view value = scan::trimmed(line);
    if (!h1::is_field_value(value)) return fail("a multipart part has a malformed header");
    if (scan::equals_lower(name, "content-disposition")) {
      auto found = parse_form_disposition(value);
      if (!found || disposed) return fail("the Content-Disposition of a multipart part is not form-data with a name");
      disposed = true;
      out.name = std::move(found->name);
      out.filename = std::move(found->filename);
    } else if (scan::equals_lower(name, "content-type") && !typed) {
      typed = true;
      out.content_type = utf8(value);
    } else {
      out.headers.emplace_back(lower(name), utf8(value));
    }
  }
  if (!disposed) return fail("a multipart part has no Content-Disposition");
  return handler_.on_part(std::move(out)) || fail({});
}

std::string_view sniff_media_type(std::string_view first_bytes) noexcept {
  if (first_bytes.starts_with("\x89PNG\r\n\x1a\n")) return "image/png";
  if (first_bytes.starts_with("\xff\xd8\xff")) return "image/jpeg";
  if (first_bytes.starts_with("GIF87a") || first_bytes.starts_with("GIF89a")) return "image/gif";
  if (first_bytes.starts_with("%PDF")) return "application/pdf";
  return {};
}

bool may_be_declared(std::string_view sniffed, std::string_view declared) noexcept {
  declared = scan::trimmed(declared.substr(0, declared.find(';')));
  if (equals_ignoring_case(sniffed, declared)) return true;
  if (sniffed == "image/png") return scan::equals_lower(declared, "image/apng") || scan::equals_lower(declared, "image/x-png");
  if (sniffed == "image/jpeg") return scan::equals_lower(declared, "image/jpg") || scan::equals_lower(declared, "image/pjpeg");
  if (sniffed == "application/pdf") return scan::equals_lower(declared, "application/x-pdf");
  return false;
}

}  // namespace spikard::http
