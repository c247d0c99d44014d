#include "base/tz.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace spikard {
namespace {

constexpr std::int64_t day_seconds = 86400;
// RFC 8536 allows offsets a little beyond a day; what is more is refused, so that sums stay small.
constexpr std::int32_t max_offset = 26 * 3600;
constexpr std::size_t max_file = 1U << 20U;

std::int64_t floor_div(std::int64_t a, std::int64_t b) noexcept {
  return a / b - ((a % b != 0 && (a % b < 0) != (b < 0)) ? 1 : 0);
}

Error bad(const std::string& name, const char* why) {
  return invalid_argument("time zone '" + name + "': " + why).with_detail("invalid_timezone").with_operation("tz.read");
}

}  // namespace

std::int64_t days_from_civil(CivilDate date) noexcept {
  const std::int64_t y = date.month <= 2 ? date.year - 1 : date.year;
  const std::int64_t era = floor_div(y, 400);
  const std::int64_t yoe = y - era * 400;
  const std::int64_t doy = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
  const std::int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146097 + doe - 719468;
}

CivilDate civil_from_days(std::int64_t days) noexcept {
  days += 719468;
  const std::int64_t era = floor_div(days, 146097);
  const std::int64_t doe = days - era * 146097;
  const std::int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const std::int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const std::int64_t mp = (5 * doy + 2) / 153;
  CivilDate out;
  out.day = static_cast<std::int32_t>(doy - (153 * mp + 2) / 5 + 1);
  out.month = static_cast<std::int32_t>(mp < 10 ? mp + 3 : mp - 9);
  out.year = yoe + era * 400 + (out.month <= 2 ? 1 : 0);
  return out;
}

bool is_leap_year(std::int64_t year) noexcept { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

std::int32_t days_in_month(std::int64_t year, std::int32_t month) noexcept {
  static constexpr std::array<std::int32_t, 13> days{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap_year(year) ? 29 : days[static_cast<std::size_t>(month)];
}

std::int32_t weekday_of(std::int64_t days) noexcept {
  const std::int64_t d = (days + 4) % 7;
  return static_cast<std::int32_t>(d < 0 ? d + 7 : d);
}

/// The POSIX TZ text of the footer, `CET-1CEST,M3.5.0,M10.5.0/3`, with the wider hours of TZif version 3.
class TzRuleReader {
 public:
  explicit TzRuleReader(std::string_view text) : text_(text) {}

  std::optional<TimeZone::Rule> read() {
    TimeZone::Rule rule;
    if (!name() || !offset(rule.standard)) return std::nullopt;
    rule.standard = -rule.standard;
    if (done()) return rule;
    rule.has_daylight = true;
    rule.daylight = rule.standard + 3600;
    if (!name()) return std::nullopt;
    if (!done() && peek() != ',') {
      if (!offset(rule.daylight)) return std::nullopt;
      rule.daylight = -rule.daylight;
    }
    if (done()) {  // POSIX leaves it open; what every system takes
      rule.start = {TimeZone::RuleDate::Kind::month_week_day, 3, 2, 0, 7200};
      rule.end = {TimeZone::RuleDate::Kind::month_week_day, 11, 1, 0, 7200};
      return rule;
    }
    if (!take(',') || !date(rule.start) || !take(',') || !date(rule.end) || !done()) return std::nullopt;
    return rule;
  }

 private:
  [[nodiscard]] bool done() const { return at_ == text_.size(); }
  [[nodiscard]] char peek() const { return done() ? '\0' : text_[at_]; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  bool name() {
    const std::size_t begin = at_;
    if (take('<')) {
      while (!done() && peek() != '>') ++at_;
      return take('>') && at_ - begin >= 5;
    }
    while ((peek() >= 'A' && peek() <= 'Z') || (peek() >= 'a' && peek() <= 'z')) ++at_;
    return at_ - begin >= 3;
  }
  bool number(std::int32_t& out, std::int32_t low, std::int32_t high) {
    const std::size_t begin = at_;
    out = 0;
    while (peek() >= '0' && peek() <= '9' && at_ - begin < 4) out = out * 10 + (text_[at_++] - '0');
    return at_ > begin && out >= low && out <= high;
  }
  /// `[+-]hh[:mm[:ss]]`, as seconds.
  bool clock_time(std::int32_t& out, std::int32_t max_hours) {
    std::int32_t sign = 1;
    if (take('-')) sign = -1;
    else (void)take('+');
    std::int32_t hours = 0;
    std::int32_t minutes = 0;
    std::int32_t seconds = 0;
    if (!number(hours, 0, max_hours)) return false;
    if (take(':')) {
      if (!number(minutes, 0, 59)) return false;
      if (take(':') && !number(seconds, 0, 59)) return false;
    }
    out = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
  }
  bool offset(std::int32_t& out) { return clock_time(out, 24); }
  bool date(TimeZone::RuleDate& out) {
    using Kind = TimeZone::RuleDate::Kind;
    if (take('M')) {
      out.kind = Kind::month_week_day;
      if (!number(out.month, 1, 12) || !take('.') || !number(out.week, 1, 5) || !take('.') || !number(out.day, 0, 6))
        return false;
    } else if (take('J')) {
      out.kind = Kind::julian;
      if (!number(out.day, 1, 365)) return false;
    } else {
      out.kind = Kind::day_of_year;
      if (!number(out.day, 0, 365)) return false;
    }
    out.seconds = 7200;
    return !take('/') || clock_time(out.seconds, 167);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

class TzifReader {
 public:
  TzifReader(std::string_view bytes, std::string name) : bytes_(bytes), name_(std::move(name)) {}

  Result<std::shared_ptr<const TimeZone>> read() {
    auto zone = std::make_shared<TimeZone>();
    zone->name_ = name_;
    Counts counts;
    if (!header(counts)) return bad(name_, "not a TZif file");
    if (counts.version >= 2) {
      // The 32-bit part comes first and is passed over.
      if (!skip(counts.size(4)) || !header(counts)) return bad(name_, "cut short");
      if (const char* why = body(counts, 8, *zone)) return bad(name_, why);
      if (const char* why = footer(*zone)) return bad(name_, why);
    } else if (const char* why = body(counts, 4, *zone)) {
      return bad(name_, why);
    }
    return std::shared_ptr<const TimeZone>(std::move(zone));
  }

 private:
  struct Counts {
    int version = 1;
    std::uint64_t isut = 0;
    std::uint64_t isstd = 0;
    std::uint64_t leap = 0;
    std::uint64_t time = 0;
    std::uint64_t type = 0;
    std::uint64_t chars = 0;
    [[nodiscard]] std::uint64_t size(std::uint64_t width) const {
      return time * (width + 1) + type * 6 + chars + leap * (width + 4) + isstd + isut;
    }
  };

  [[nodiscard]] std::size_t left() const { return bytes_.size() - at_; }
  bool skip(std::uint64_t count) {
    if (count > left()) return false;
    at_ += static_cast<std::size_t>(count);
    return true;
  }
  std::uint64_t big_endian(std::size_t at, std::size_t width) const {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < width; ++i) out = out << 8U | static_cast<unsigned char>(bytes_[at + i]);
    return out;
  }
  std::int64_t signed_at(std::size_t at, std::size_t width) const {
    const std::uint64_t raw = big_endian(at, width);
    return width == 4 ? static_cast<std::int32_t>(static_cast<std::uint32_t>(raw)) : static_cast<std::int64_t>(raw);
  }
  bool header(Counts& out) {
    if (left() < 44 || bytes_.substr(at_, 4) != "TZif") return false;
    const char version = bytes_[at_ + 4];
    out.version = version == '\0' ? 1 : version - '0';
    if (out.version < 1 || out.version > 9) return false;
    std::array<std::uint64_t*, 6> fields{&out.isut, &out.isstd, &out.leap, &out.time, &out.type, &out.chars};
    for (std::size_t i = 0; i < fields.size(); ++i) *fields[i] = big_endian(at_ + 20 + i * 4, 4);
    at_ += 44;
    return true;
  }

  const char* body(const Counts& counts, std::size_t width, TimeZone& zone) {
    if (counts.size(width) > left()) return "cut short";
    if (counts.type == 0 || counts.type > 256) return "no types";
    if (counts.leap != 0) return "counts leap seconds";
    const std::size_t times = at_;
    const std::size_t indices = times + static_cast<std::size_t>(counts.time) * width;
    const std::size_t types = indices + static_cast<std::size_t>(counts.time);
    std::vector<std::int32_t> offsets;
    for (std::size_t i = 0; i < counts.type; ++i) {
      const auto offset = static_cast<std::int32_t>(signed_at(types + i * 6, 4));
      if (offset < -max_offset || offset > max_offset) return "an offset beyond a day";
      offsets.push_back(offset);
    }
    zone.before_ = offsets[0];
    for (std::size_t i = 0; i < counts.time; ++i) {
      const std::int64_t at = signed_at(times + i * width, width);
      const auto type = static_cast<unsigned char>(bytes_[indices + i]);
      if (type >= offsets.size()) return "a transition of no type";
      if (!zone.transitions_.empty() && at <= zone.transitions_.back().at) return "transitions out of order";
      zone.transitions_.push_back({at, offsets[type]});
    }
    at_ += static_cast<std::size_t>(counts.size(width));
    return nullptr;
  }

  const char* footer(TimeZone& zone) {
    if (left() < 2 || bytes_[at_] != '\n') return "no footer";
    const std::size_t end = bytes_.find('\n', at_ + 1);
    if (end == std::string_view::npos) return "no footer";
    const std::string_view text = bytes_.substr(at_ + 1, end - at_ - 1);
    if (text.empty()) return nullptr;
    zone.rule_ = TzRuleReader(text).read();
    return zone.rule_ ? nullptr : "a footer that cannot be read";
  }

  std::string_view bytes_;
  std::string name_;
  std::size_t at_ = 0;
};

Result<std::shared_ptr<const TimeZone>> TimeZone::parse(std::string_view bytes, std::string name) {
  return TzifReader(bytes, std::move(name)).read();
}

std::shared_ptr<const TimeZone> TimeZone::utc() {
  auto zone = std::make_shared<TimeZone>();
  zone->name_ = "UTC";
  return zone;
}

/// Local seconds (standard or daylight as the rule means them) of a change in a year.
std::int64_t TimeZone::rule_local(const RuleDate& date, std::int64_t year) noexcept {
  std::int64_t day = 0;
  switch (date.kind) {
    case RuleDate::Kind::julian:  // 1 to 365, 29 February is never counted
      day = days_from_civil({year, 1, 1}) + date.day - 1 + (is_leap_year(year) && date.day >= 60 ? 1 : 0);
      break;
    case RuleDate::Kind::day_of_year: day = days_from_civil({year, 1, 1}) + date.day; break;
    case RuleDate::Kind::month_week_day: {
      const std::int64_t first = days_from_civil({year, date.month, 1});
      std::int32_t in_month = (date.day - weekday_of(first) + 7) % 7 + (date.week - 1) * 7;
      if (in_month >= days_in_month(year, date.month)) in_month -= 7;
      day = first + in_month;
      break;
    }
  }
  return day * day_seconds + date.seconds;
}

std::int32_t TimeZone::rule_offset(UnixSeconds t) const noexcept {
  if (!rule_->has_daylight) return rule_->standard;
  const std::int64_t year = civil_from_days(floor_div(t + rule_->standard, day_seconds)).year;
  // The latest change at or before t decides; hours of up to a week may move one into the next year.
  UnixSeconds latest = INT64_MIN;
  bool daylight = false;
  for (std::int64_t y = year - 1; y <= year + 1; ++y) {
    const UnixSeconds start = rule_local(rule_->start, y) - rule_->standard;
    const UnixSeconds end = rule_local(rule_->end, y) - rule_->daylight;
    if (end <= t && end >= latest) {
      latest = end;
      daylight = false;
    }
    // At the same moment the start wins: "all year daylight" is written as an end that meets the next start (RFC 8536, 3.3.1).
    if (start <= t && start >= latest) {
      latest = start;
      daylight = true;
    }
  }
  return daylight ? rule_->daylight : rule_->standard;
}

std::int32_t TimeZone::offset_at(UnixSeconds t) const noexcept {
  if (transitions_.empty()) return rule_ ? rule_offset(t) : before_;
  if (t < transitions_.front().at) return before_;
  if (t >= transitions_.back().at && rule_) return rule_offset(t);
  const auto after =
      std::upper_bound(transitions_.begin(), transitions_.end(), t, [](UnixSeconds v, const Transition& x) { return v < x.at; });
  return std::prev(after)->offset;
}

std::optional<UnixSeconds> TimeZone::next_change(UnixSeconds t) const noexcept {
  std::int32_t now = offset_at(t);
  auto next =
      std::upper_bound(transitions_.begin(), transitions_.end(), t, [](UnixSeconds v, const Transition& x) { return v < x.at; });
  for (; next != transitions_.end(); ++next) {
    if (offset_at(next->at) != now) return next->at;
  }
  if (!rule_ || !rule_->has_daylight) return std::nullopt;
  const UnixSeconds from = transitions_.empty() ? t : std::max(t, transitions_.back().at);
  now = offset_at(from);
  const std::int64_t year = civil_from_days(floor_div(from, day_seconds)).year;
  std::array<UnixSeconds, 8> changes{};
  for (std::int64_t i = 0; i < 4; ++i) {
    changes[static_cast<std::size_t>(i) * 2] = rule_local(rule_->start, year - 1 + i) - rule_->standard;
    changes[static_cast<std::size_t>(i) * 2 + 1] = rule_local(rule_->end, year - 1 + i) - rule_->daylight;
  }
  std::sort(changes.begin(), changes.end());
  for (const UnixSeconds at : changes) {
    if (at > from && rule_offset(at) != now) return at;
  }
  return std::nullopt;
}

UnixSeconds TimeZone::first_at_or_after(std::int64_t local) const noexcept {
  UnixSeconds t = local - max_offset - 3600;
  // A span of this length has a few changes at most, and every turn passes one.
  for (int i = 0; i < 1000; ++i) {
    const std::int64_t candidate = std::max(local - offset_at(t), t);
    const std::optional<UnixSeconds> change = next_change(t);
    if (!change || candidate < *change) return candidate;
    t = *change;
  }
  return local - offset_at(local);
}

TimeZones::TimeZones(std::string directory) : directory_(directory.empty() ? "/usr/share/zoneinfo" : std::move(directory)) {}

Result<std::shared_ptr<const TimeZone>> TimeZones::find(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (const auto known = zones_.find(name); known != zones_.end()) return known->second;
  std::string key(name.substr(0, 64));
  if (name == "UTC" || name == "Etc/UTC") return zones_.emplace(key, TimeZone::utc()).first->second;
  // IANA names: parts of letters, digits, `_`, `-` and `+`. Nothing else reaches the file system.
  bool good = !name.empty() && name.size() <= 64 && !name.starts_with("right/") && !name.starts_with("posix/") &&
              name != "posixrules" && name != "localtime";
  bool part = false;
  for (const char c : name) {
    const bool letter =
        (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '+';
    if (!letter && (c != '/' || !part)) good = false;
    part = c != '/';
  }
  if (!good || !part) return bad(key, "not a name of the IANA data base");
  std::FILE* file = std::fopen((directory_ + "/" + key).c_str(), "rbe");
  if (file == nullptr) return bad(key, "not in the system's data base");
  std::string bytes;
  std::array<char, 4096> piece{};
  while (bytes.size() <= max_file) {
    const std::size_t got = std::fread(piece.data(), 1, piece.size(), file);
    if (got == 0) break;
    bytes.append(piece.data(), got);
  }
  (void)std::fclose(file);
  Result<std::shared_ptr<const TimeZone>> zone = TimeZone::parse(bytes, key);
  if (!zone.ok()) return zone;
  return zones_.emplace(std::move(key), *zone).first->second;
}

std::optional<std::int64_t> parse_rfc3339_ms(std::string_view text) noexcept {
  std::size_t at = 0;
  bool good = true;
  const auto number = [&](std::size_t digits, std::int64_t low, std::int64_t high) -> std::int64_t {
    std::int64_t out = 0;
    for (std::size_t i = 0; i < digits; ++i, ++at) {
      if (at >= text.size() || text[at] < '0' || text[at] > '9') {
        good = false;
        return 0;
      }
      out = out * 10 + (text[at] - '0');
    }
    if (out < low || out > high) good = false;
    return out;
  };
  const auto take = [&](std::string_view any) {
    if (at < text.size() && any.find(text[at]) != std::string_view::npos) ++at;
    else good = false;
  };
  CivilDate date;
  date.year = number(4, 1, 9999);
  take("-");
  date.month = static_cast<std::int32_t>(number(2, 1, 12));
  take("-");
  date.day = static_cast<std::int32_t>(number(2, 1, 31));
  if (!good || date.day > days_in_month(date.year, date.month)) return std::nullopt;
  take("Tt ");
  std::int64_t seconds = number(2, 0, 23) * 3600;
  take(":");
  seconds += number(2, 0, 59) * 60;
  take(":");
  seconds += number(2, 0, 60);
  std::int64_t ms = 0;
  if (good && at < text.size() && text[at] == '.') {
    const std::size_t begin = ++at;
    std::int64_t scale = 100;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10) ms += scale * (text[at] - '0');
    if (at == begin) return std::nullopt;
  }
  if (!good || at >= text.size()) return std::nullopt;
  std::int64_t offset = 0;
  if (text[at] == 'Z' || text[at] == 'z') {
    ++at;
  } else {
    const std::int64_t sign = text[at] == '-' ? -1 : 1;
    take("+-");
    offset = number(2, 0, 23) * 3600;
    take(":");
    offset = sign * (offset + number(2, 0, 59) * 60);
  }
  if (!good || at != text.size()) return std::nullopt;
  return (days_from_civil(date) * day_seconds + seconds - offset) * 1000 + ms;
}

std::string format_rfc3339_ms(std::int64_t ms) {
  const std::int64_t seconds = floor_div(ms, 1000);
  const std::int64_t days = floor_div(seconds, day_seconds);
  const std::int64_t rest = seconds - days * day_seconds;
  const CivilDate date = civil_from_days(days);
  std::string out =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", date.year, date.month, date.day, rest / 3600, rest / 60 % 60, rest % 60);
  if (const std::int64_t fraction = ms - seconds * 1000; fraction != 0) out += fmt::format(".{:03}", fraction);
  out += 'Z';
  return out;
}

}  // namespace spikard
