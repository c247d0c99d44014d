#include "http/conditions.hpp"

#include <charconv>
#include <chrono>

namespace spikard::http {

namespace {

bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<std::uint64_t> digits(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  for (const char c : text)
    if (c < '0' || c > '9') return std::nullopt;
  std::uint64_t out = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out);
  // More than 64 bits is past every end.
  return parsed.ec == std::errc() ? out : UINT64_MAX;
}

/// Goes through a list of entity-tags; calls `fn(tag, weak)` until it returns true. `*` is given as it stands.
template <class Fn>
bool any_tag(std::string_view list, Fn fn) {
  while (!list.empty()) {
    list = trimmed(list);
    if (list.empty()) return false;
    if (list.front() == ',') {
      list.remove_prefix(1);
      continue;
    }
    if (list.front() == '*') {
      if (fn("*", false)) return true;
      list.remove_prefix(1);
      continue;
    }
    const bool weak = list.starts_with("W/");
    if (weak) list.remove_prefix(2);
    if (list.empty() || list.front() != '"') return false;
    const std::size_t end = list.find('"', 1);
    if (end == list.npos) return false;
    if (fn(list.substr(0, end + 1), weak)) return true;
    list.remove_prefix(end + 1);
  }
  return false;
}

/// Every line of a header, as one list would say it.
template <class Fn>
bool any_tag_of(const RequestRecord& record, std::string_view name, Fn fn) {
  for (const ViewPair* pair = record.header_begin(); pair != record.header_end(); ++pair)
    if (record.text(pair->name) == name && any_tag(record.text(pair->value), fn)) return true;
  return false;
}

std::int64_t seconds_of(WallTime time) noexcept {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

class DateReader {
 public:
  explicit DateReader(std::string_view text) noexcept : text_(text) {}
  bool skip(std::string_view literal) noexcept {
    if (!text_.starts_with(literal)) return false;
    text_.remove_prefix(literal.size());
    return true;
  }
  bool number(std::size_t width, int& out) noexcept {
    if (text_.size() < width) return false;
    out = 0;
    for (std::size_t i = 0; i < width; ++i) {
      if (text_[i] < '0' || text_[i] > '9') return false;
      out = out * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(width);
    return true;
  }
  bool month(unsigned& out) noexcept {
    constexpr std::string_view names = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (text_.size() < 3) return false;
    const std::size_t at = names.find(text_.substr(0, 3));
    if (at == names.npos || at % 3 != 0) return false;
    out = static_cast<unsigned>(at / 3 + 1);
    text_.remove_prefix(3);
    return true;
  }
  bool clock(int& hour, int& minute, int& second) noexcept {
    return number(2, hour) && skip(":") && number(2, minute) && skip(":") && number(2, second);
  }
  [[nodiscard]] bool at_end() const noexcept { return text_.empty(); }
  [[nodiscard]] std::string_view rest() const noexcept { return text_; }

 private:
  std::string_view text_;
};

std::optional<std::int64_t> instant(int year, unsigned month, int day, int hour, int minute, int second) noexcept {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return std::int64_t{days} * 86400 + hour * 3600 + minute * 60 + second;
}

}  // namespace

std::string_view header_of(const RequestRecord& record, std::string_view lower_name) noexcept {
  for (const ViewPair* pair = record.header_begin(); pair != record.header_end(); ++pair)
    if (record.text(pair->name) == lower_name) return record.text(pair->value);
  return {};
}

bool has_header(const RequestRecord& record, std::string_view lower_name) noexcept {
  for (const ViewPair* pair = record.header_begin(); pair != record.header_end(); ++pair)
    if (record.text(pair->name) == lower_name) return true;
  return false;
}

std::optional<std::int64_t> parse_http_date(std::string_view text) noexcept {
  text = trimmed(text);
  int day = 0, year = 0, hour = 0, minute = 0, second = 0;
  unsigned month = 0;
  const std::size_t comma = text.find(',');
  if (comma == 3) {  // Sun, 06 Nov 1994 08:49:37 GMT
    DateReader in(text.substr(4));
    if (in.skip(" ") && in.number(2, day) && in.skip(" ") && in.month(month) && in.skip(" ") && in.number(4, year) &&
        in.skip(" ") && in.clock(hour, minute, second) && in.skip(" GMT") && in.at_end())
      return instant(year, month, day, hour, minute, second);
    return std::nullopt;
  }
  if (comma != text.npos) {  // Sunday, 06-Nov-94 08:49:37 GMT
    DateReader in(text.substr(comma + 1));
    if (in.skip(" ") && in.number(2, day) && in.skip("-") && in.month(month) && in.skip("-") && in.number(2, year) &&
        in.skip(" ") && in.clock(hour, minute, second) && in.skip(" GMT") && in.at_end())
      return instant(year < 70 ? 2000 + year : 1900 + year, month, day, hour, minute, second);
    return std::nullopt;
  }
  if (text.size() < 4) return std::nullopt;  // Sun Nov  6 08:49:37 1994
  DateReader in(text.substr(3));
  if (!in.skip(" ") || !in.month(month) || !in.skip(" ")) return std::nullopt;
  if (!(in.skip(" ") ? in.number(1, day) : in.number(2, day))) return std::nullopt;
  if (in.skip(" ") && in.clock(hour, minute, second) && in.skip(" ") && in.number(4, year) && in.at_end())
    return instant(year, month, day, hour, minute, second);
  return std::nullopt;
}

std::optional<ByteRange> parse_range(std::string_view value) noexcept {
  value = trimmed(value);
  const std::size_t equals = value.find('=');
  if (equals == value.npos) return std::nullopt;
  const std::string_view unit = value.substr(0, equals);
  constexpr std::string_view bytes = "bytes";
  if (unit.size() != bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < unit.size(); ++i)
    if ((unit[i] | 0x20) != bytes[i]) return std::nullopt;
  const std::string_view range = trimmed(value.substr(equals + 1));
  if (range.find(',') != range.npos) return std::nullopt;
  const std::size_t dash = range.find('-');
  if (dash == range.npos) return std::nullopt;
  const std::string_view first = trimmed(range.substr(0, dash));
  const std::string_view last = trimmed(range.substr(dash + 1));
  ByteRange out;
  out.first = digits(first);
  out.last = digits(last);
  if (first.empty() ? !out.last.has_value() : !out.first.has_value()) return std::nullopt;
  if (!first.empty() && !last.empty() && (!out.last.has_value() || *out.last < *out.first)) return std::nullopt;
  return out;
}

Precondition check_preconditions(const RequestRecord& record, std::string_view etag, WallTime last_modified) {
  const std::int64_t modified = seconds_of(last_modified);
  if (has_header(record, "if-match")) {
    const bool fits =
        any_tag_of(record, "if-match", [&](std::string_view tag, bool weak) { return tag == "*" || (!weak && tag == etag); });
    if (!fits) return Precondition::failed;
  } else if (const auto since = parse_http_date(header_of(record, "if-unmodified-since"));
             since.has_value() && modified > *since) {
    return Precondition::failed;
  }
  if (has_header(record, "if-none-match")) {
    const bool fits = any_tag_of(record, "if-none-match", [&](std::string_view tag, bool) { return tag == "*" || tag == etag; });
    if (fits) return Precondition::not_modified;
  } else if (const auto since = parse_http_date(header_of(record, "if-modified-since"));
             since.has_value() && modified <= *since) {
    return Precondition::not_modified;
  }
  return Precondition::proceed;
}

bool range_stands(const RequestRecord& record, std::string_view etag, WallTime last_modified) {
  if (!has_header(record, "if-range")) return true;
  const std::string_view value = trimmed(header_of(record, "if-range"));
  if (value.starts_with('"')) return value == etag;
  const auto date = parse_http_date(value);
  return date.has_value() && *date == seconds_of(last_modified);
}

}  // namespace spikard::http
