#include "telemetry/propagation.hpp"

#include <algorithm>

#include "telemetry/utf8.hpp"

namespace spikard::telemetry {
namespace {

constexpr std::size_t max_members = 32;          // Trace Context 3.3.1.1
constexpr std::size_t max_baggage_entries = 64;  // Baggage 3.3.2
constexpr std::size_t max_baggage_bytes = 8192;

int nibble(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;  // upper case is not allowed (Trace Context 3.2.2)
}

int any_nibble(char c) noexcept { return c >= 'A' && c <= 'F' ? c - 'A' + 10 : nibble(c); }

bool read_hex(std::string_view text, std::uint8_t* to) noexcept {
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = nibble(text[i]);
    const int low = nibble(text[i + 1]);
    if (high < 0 || low < 0) return false;
    to[i / 2] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool lower_alpha(char c) noexcept { return c >= 'a' && c <= 'z'; }
bool digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool key_char(char c) noexcept { return lower_alpha(c) || digit(c) || c == '_' || c == '-' || c == '*' || c == '/'; }

bool key_part(std::string_view text, std::size_t max, bool digit_first) noexcept {
  if (text.empty() || text.size() > max) return false;
  if (!lower_alpha(text[0]) && !(digit_first && digit(text[0]))) return false;
  return std::all_of(text.begin(), text.end(), key_char);
}

bool state_key(std::string_view key) noexcept {
  const auto at = key.find('@');
  if (at == std::string_view::npos) return key_part(key, 256, false);
  return key_part(key.substr(0, at), 241, true) && key_part(key.substr(at + 1), 14, false);
}

bool state_value(std::string_view value) noexcept {
  if (value.empty() || value.size() > 256 || value.back() == ' ') return false;
  return std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c <= 0x7e && c != ',' && c != '='; });
}

bool token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return digit(c) || lower_alpha(c) || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool baggage_octet(char c) noexcept { return c >= 0x21 && c <= 0x7e && c != '"' && c != ',' && c != ';' && c != '\\'; }

bool octets(std::string_view text) noexcept { return std::all_of(text.begin(), text.end(), baggage_octet); }

std::string percent_decoded(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && any_nibble(text[i + 1]) >= 0 && any_nibble(text[i + 2]) >= 0) {
      bytes.push_back(static_cast<char>(any_nibble(text[i + 1]) << 4 | any_nibble(text[i + 2])));
      i += 2;
    } else {
      bytes.push_back(text[i]);
    }
  }
  std::string out;
  append_utf8(out, bytes);
  return out;
}

/// `key = value` or, where `alone`, a key by itself.
bool pair_of(std::string_view text, bool alone, std::string_view& key, std::string_view& value) noexcept {
  const auto equals = text.find('=');
  key = trim(text.substr(0, equals));
  value = {};
  if (!token(key)) return false;
  if (equals == std::string_view::npos) return alone;
  value = trim(text.substr(equals + 1));
  return octets(value);
}

bool entry_of(std::string_view member, BaggageEntry& entry) {
  auto semicolon = member.find(';');
  std::string_view key;
  std::string_view value;
  if (!pair_of(member.substr(0, semicolon), false, key, value)) return false;
  entry.key = key;
  entry.value = percent_decoded(value);
  while (semicolon != std::string_view::npos) {
    member.remove_prefix(semicolon + 1);
    semicolon = member.find(';');
    const std::string_view property = trim(member.substr(0, semicolon));
    if (property.empty()) continue;
    if (!pair_of(property, true, key, value)) return false;
    std::string text(key);
    if (property.find('=') != std::string_view::npos) text.append("=").append(value);
    entry.properties.push_back(std::move(text));
  }
  return true;
}

}  // namespace

std::optional<SpanContext> parse_traceparent(std::string_view value) noexcept {
  constexpr std::size_t size = 55;
  if (value.size() < size || value[2] != '-' || value[35] != '-' || value[52] != '-') return std::nullopt;
  std::uint8_t version = 0;
  std::uint8_t flags = 0;
  SpanContext context;
  if (!read_hex(value.substr(0, 2), &version) || version == 0xff) return std::nullopt;
  // A later version may have more behind another dash, and of its flags only `sampled` is known (section 4.3).
  if (version == 0 ? value.size() != size : value.size() > size && value[size] != '-') return std::nullopt;
  if (!read_hex(value.substr(3, 32), context.trace_id.data()) || !read_hex(value.substr(36, 16), context.span_id.data()) ||
      !read_hex(value.substr(53, 2), &flags) || !context.valid()) {
    return std::nullopt;
  }
  context.flags = version == 0 ? flags & 3U : flags & 1U;
  context.remote = true;
  return context;
}

std::string format_traceparent(const SpanContext& context) {
  if (!context.valid()) return {};
  const std::array<std::uint8_t, 1> flags{static_cast<std::uint8_t>(context.flags & 3U)};
  std::string out;
  out.reserve(55);
  out.append("00-").append(hex(context.trace_id)).append("-").append(hex(context.span_id)).append("-").append(hex(flags));
  return out;
}

std::vector<std::pair<std::string_view, std::string_view>> parse_tracestate(const std::vector<std::string_view>& values) {
  std::vector<std::pair<std::string_view, std::string_view>> members;
  for (std::string_view rest : values) {
    for (bool more = true; more;) {
      const auto comma = rest.find(',');
      const std::string_view member = trim(rest.substr(0, comma));
      more = comma != std::string_view::npos;
      if (more) rest.remove_prefix(comma + 1);
      if (member.empty()) continue;
      const auto equals = member.find('=');
      if (equals == std::string_view::npos || members.size() == max_members) return {};
      const std::string_view key = member.substr(0, equals);
      const std::string_view value = member.substr(equals + 1);
      if (!state_key(key) || !state_value(value)) return {};
      if (std::any_of(members.begin(), members.end(), [&](const auto& m) { return m.first == key; })) return {};
      members.emplace_back(key, value);
    }
  }
  return members;
}

std::vector<BaggageEntry> parse_baggage(const std::vector<std::string_view>& values) {
  std::vector<BaggageEntry> entries;
  std::size_t bytes = 0;
  for (std::string_view rest : values) {
    for (bool more = true; more;) {
      const auto comma = rest.find(',');
      const std::string_view member = rest.substr(0, comma);
      more = comma != std::string_view::npos;
      if (more) rest.remove_prefix(comma + 1);
      bytes += member.size() + 1;
      if (bytes > max_baggage_bytes + 1 || entries.size() == max_baggage_entries) return entries;
      BaggageEntry entry;
      if (entry_of(member, entry)) entries.push_back(std::move(entry));
    }
  }
  return entries;
}

std::string format_baggage(const std::vector<BaggageEntry>& entries) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const BaggageEntry& entry : entries) {
    if (!token(entry.key)) continue;
    if (!out.empty()) out.push_back(',');
    out.append(entry.key).push_back('=');
    for (const char c : entry.value) {
      if (baggage_octet(c) && c != '%') {
        out.push_back(c);
      } else {
        out.push_back('%');
        out.push_back(digits[static_cast<unsigned char>(c) >> 4U]);
        out.push_back(digits[static_cast<unsigned char>(c) & 15U]);
      }
    }
    for (const std::string& property : entry.properties) out.append(";").append(property);
  }
  return out;
}

SpanContext extract(std::string_view traceparent, std::string_view tracestate, std::string_view baggage) {
  SpanContext context;
  if (auto parsed = parse_traceparent(traceparent)) {
    context = *std::move(parsed);
    if (!tracestate.empty() && !parse_tracestate({tracestate}).empty())
      context.state = std::make_shared<const std::string>(tracestate);
  }
  if (!baggage.empty() && baggage.size() <= max_baggage_bytes && !parse_baggage({baggage}).empty())
    context.baggage = std::make_shared<const std::string>(baggage);
  return context;
}

}  // namespace spikard::telemetry
