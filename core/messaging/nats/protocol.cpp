#include "messaging/nats/protocol.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace spikard::messaging::nats {
namespace {

constexpr std::string_view escaped_header = "Spikard-Header";

Error corrupt(const char* what) { return Error(ErrorKind::corrupt, std::string("not the NATS protocol: ") + what); }

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

/// Up to the next blank, taken off `rest` with the blanks behind it.
std::string_view word(std::string_view& rest) {
  const std::size_t end = std::min(rest.find_first_of(" \t"), rest.size());
  const std::string_view out = rest.substr(0, end);
  rest.remove_prefix(end);
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
  return out;
}

bool same(std::string_view text, std::string_view upper) {
  return text.size() == upper.size() && std::equal(text.begin(), text.end(), upper.begin(), [](char a, char b) {
           return (a >= 'a' && a <= 'z' ? static_cast<char>(a - 'a' + 'A') : a) == b;
         });
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

void append_number(std::string& out, std::size_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

bool plain_name(std::string_view name) {
  return !name.empty() && !name.starts_with(own_prefix) &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f && c != ':'; });
}

bool plain_value(std::string_view value) {
  if (!value.empty() && (value.front() == ' ' || value.front() == '\t' || value.back() == ' ' || value.back() == '\t'))
    return false;
  return value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

void append_hex(std::string& out, char c) {
  constexpr char hex[] = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out.push_back('%');
  out.push_back(hex[byte >> 4U]);
  out.push_back(hex[byte & 15U]);
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c > ' ' && c < 0x7f && c != '%' && c != '=') out.push_back(c);
    else append_hex(out, c);
  }
}

std::optional<std::string> unescaped(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size() || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0) return std::nullopt;
    out.push_back(static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])));
    i += 2;
  }
  return out;
}

}  // namespace

char* Parser::room(std::size_t size) {
  if (begin_ == end_) {
    begin_ = end_ = scanned_ = 0;
  } else if (begin_ > 0 && (buffer_.size() - end_ < size || begin_ > buffer_.size() / 2)) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    scanned_ -= std::min(scanned_, begin_);
    begin_ = 0;
  }
  const std::size_t wanted = std::max(end_ + size, begin_ + needed_);
  if (buffer_.size() < wanted) buffer_.resize(wanted);
  return buffer_.data() + end_;
}

void Parser::feed(std::string_view bytes) {
  std::memcpy(room(bytes.size()), bytes.data(), bytes.size());
  filled(bytes.size());
}

Result<Parser::Event> Parser::next() {
  if (end_ - begin_ < needed_) return Event();
  const std::string_view bytes(buffer_.data(), end_);
  const std::size_t from = std::max(begin_, scanned_);
  const std::size_t line_end = bytes.find('\n', from);
  if (line_end == std::string_view::npos) {
    if (end_ - begin_ > max_line) return corrupt("a line without an end");
    scanned_ = end_;
    return Event();
  }
  if (line_end - begin_ > max_line) return corrupt("a line that is too long");
  std::string_view rest = bytes.substr(begin_, line_end - begin_);
  if (!rest.empty() && rest.back() == '\r') rest.remove_suffix(1);
  const std::string_view command = word(rest);
  if (same(command, "MSG")) return message(rest, false, line_end + 1);
  if (same(command, "HMSG")) return message(rest, true, line_end + 1);
  Event out;
  if (same(command, "INFO")) {
    out.kind = Kind::info;
    out.text = rest;
  } else if (same(command, "PING")) {
    out.kind = Kind::ping;
  } else if (same(command, "PONG")) {
    out.kind = Kind::pong;
  } else if (same(command, "+OK")) {
    out.kind = Kind::ok;
  } else if (same(command, "-ERR")) {
    out.kind = Kind::error;
    out.text = rest;
    if (out.text.size() >= 2 && out.text.front() == '\'' && out.text.back() == '\'') {
      out.text.remove_prefix(1);
      out.text.remove_suffix(1);
    }
  } else {
    return corrupt("an unknown command");
  }
  begin_ = scanned_ = line_end + 1;
  return out;
}

Result<Parser::Event> Parser::message(std::string_view line, bool with_headers, std::size_t line_end) {
  std::string_view words[5];
  std::size_t count = 0;
  while (!line.empty() && count < 5) words[count++] = word(line);
  const std::size_t least = with_headers ? 4 : 3;
  if (!line.empty() || count < least || count > least + 1) return corrupt("a message with the wrong number of arguments");
  Event out;
  out.kind = Kind::message;
  out.subject = words[0];
  const auto sid = number(words[1]);
  std::size_t at = 2;
  if (count == least + 1) out.reply = words[at++];
  const auto headers = with_headers ? number(words[at++]) : std::optional<std::uint64_t>(0);
  const auto total = number(words[at]);
  if (!sid || !headers || !total || *headers > *total || out.subject.empty()) return corrupt("a message with bad numbers");
  if (*total > max_message_) return corrupt("a message that is too long");
  out.sid = *sid;
  const std::size_t end = line_end + *total + 2;
  if (end_ < end) {
    needed_ = end - begin_;
    return Event();
  }
  const char* body = buffer_.data() + line_end;
  if (body[*total] != '\r' || body[*total + 1] != '\n') return corrupt("a message without its end");
  out.headers = {body, static_cast<std::size_t>(*headers)};
  out.payload = {body + *headers, static_cast<std::size_t>(*total - *headers)};
  needed_ = 0;
  begin_ = scanned_ = end;
  return out;
}

Result<HeaderBlock> parse_headers(std::string_view block) {
  HeaderBlock out;
  const auto line = [&block]() -> std::optional<std::string_view> {
    const std::size_t end = block.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view found = block.substr(0, end);
    block.remove_prefix(end + 2);
    return found;
  };
  const std::optional<std::string_view> first = line();
  constexpr std::string_view version = "NATS/1.0";
  if (!first || !first->starts_with(version)) return corrupt("headers that do not begin with NATS/1.0");
  if (std::string_view rest = trim(first->substr(version.size())); !rest.empty()) {
    const auto status = number(word(rest));
    if (!status || *status > 999) return corrupt("a status that is no number");
    out.status = static_cast<int>(*status);
    out.description = rest;
  }
  for (;;) {
    const std::optional<std::string_view> next = line();
    if (!next) return corrupt("headers without their end");
    if (next->empty()) break;
    const std::size_t colon = next->find(':');
    if (colon == std::string_view::npos || colon == 0) return corrupt("a header without a name");
    const std::string_view name = next->substr(0, colon);
    const std::string_view value = trim(next->substr(colon + 1));
    if (name == escaped_header) {
      const std::size_t equals = value.find('=');
      if (equals != std::string_view::npos) {
        std::optional<std::string> real = unescaped(value.substr(0, equals));
        std::optional<std::string> text = unescaped(value.substr(equals + 1));
        if (real && text) {
          out.headers.emplace_back(std::move(*real), std::move(*text));
          continue;
        }
      }
    }
    if (!name.starts_with(own_prefix)) {
      out.headers.emplace_back(name, value);
    } else if (std::optional<std::string> text = unescaped(value)) {
      out.own.emplace_back(name, std::move(*text));
    } else {
      out.own.emplace_back(name, value);
    }
  }
  return out;
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  if (plain_name(name) && plain_value(value)) {
    out.append(name).append(": ").append(value).append("\r\n");
    return;
  }
  out.append(escaped_header).append(": ");
  append_escaped(out, name);
  out.push_back('=');
  append_escaped(out, value);
  out.append("\r\n");
}

void append_own(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    const bool blank = c == ' ' || c == '\t';
    if (c == '%' || c == '\r' || c == '\n' || c == '\0' || (blank && (i == 0 || i + 1 == value.size()))) {
      append_hex(out, c);
    } else {
      out.push_back(c);
    }
  }
  out.append("\r\n");
}

bool is_subject(std::string_view text) noexcept {
  return !text.empty() &&
         std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; });
}

void append_publish(std::string& out, std::string_view subject, std::string_view reply, std::string_view headers,
                    std::string_view payload) {
  out.reserve(out.size() + subject.size() + reply.size() + headers.size() + payload.size() + 48);
  out.append(headers.empty() ? "PUB " : "HPUB ").append(subject).push_back(' ');
  if (!reply.empty()) out.append(reply).push_back(' ');
  if (!headers.empty()) {
    append_number(out, headers.size());
    out.push_back(' ');
  }
  append_number(out, headers.size() + payload.size());
  out.append("\r\n").append(headers).append(payload).append("\r\n");
}

}  // namespace spikard::messaging::nats
