#include "tasks/cron.hpp"

#include <algorithm>

namespace spikard::tasks {
namespace {

constexpr std::size_t max_text = 256;
constexpr std::int64_t day_seconds = 86400;
constexpr std::int64_t hundred_years = 36525 * day_seconds;
constexpr std::int64_t end_of_time = 253402300800;  // 10000-01-01T00:00:00

std::int64_t floor_div(std::int64_t a, std::int64_t b) noexcept {
  return a / b - ((a % b != 0 && (a % b < 0) != (b < 0)) ? 1 : 0);
}

template <std::size_t N>
std::size_t next_bit(const std::bitset<N>& bits, std::size_t from) {
  while (from < N && !bits[from]) ++from;
  return from;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace

class CronReader {
 public:
  explicit CronReader(std::string_view text) : original_(text.substr(0, max_text)), text_(lower(text.substr(0, max_text))) {
    if (text.size() > max_text) problem_ = "longer than 256 bytes";
  }

  Result<Cron> read() {
    std::vector<std::string_view> fields = split();
    if (fields.size() == 1 && fields[0].starts_with('@')) {
      text_ = macro(fields[0]);
      if (text_.empty()) problem_ = "no such macro";
      fields = split();
    }
    if (problem_.empty() && fields.size() != 5 && fields.size() != 6) problem_ = "five or six fields are expected";
    if (problem_.empty()) {
      std::size_t at = 0;
      if (fields.size() == 6) numbers("seconds", fields[at++], 0, 59, cron_.seconds_);
      else cron_.seconds_.set(0);
      numbers("minute", fields[at++], 0, 59, cron_.minutes_);
      cron_.any_hour_ = fields[at] == "*";
      numbers("hour", fields[at++], 0, 23, cron_.hours_);
      const std::string_view days = fields[at++];
      numbers("month", fields[at++], 1, 12, cron_.months_);
      const std::string_view weekdays = fields[at];
      if (days == "?" && weekdays == "?") fail("day", "only one of the day fields may be ?");
      cron_.any_day_ = days == "*" || days == "?";
      cron_.any_weekday_ = weekdays == "*" || weekdays == "?";
      if (!cron_.any_day_) items(days, &CronReader::day_of_month);
      if (!cron_.any_weekday_) items(weekdays, &CronReader::day_of_week);
    }
    if (!problem_.empty()) {
      return invalid_argument("cron expression '" + original_ + "': " + problem_)
          .with_detail("invalid_cron")
          .with_operation("cron.parse");
    }
    return cron_;
  }

 private:
  using Item = void (CronReader::*)(std::string_view);

  void fail(std::string_view field, std::string_view why) {
    if (problem_.empty()) problem_ = std::string(field) + ": " + std::string(why);
  }

  [[nodiscard]] std::vector<std::string_view> split() const {
    std::vector<std::string_view> out;
    const std::string_view all = text_;
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t begin = all.find_first_not_of(" \t", at);
      if (begin == std::string_view::npos) break;
      const std::size_t end = std::min(all.find_first_of(" \t", begin), all.size());
      out.push_back(all.substr(begin, end - begin));
      at = end;
    }
    return out;
  }

  static std::string macro(std::string_view name) {
    if (name == "@yearly" || name == "@annually") return "0 0 1 1 *";
    if (name == "@monthly") return "0 0 1 * *";
    if (name == "@weekly") return "0 0 * * 0";
    if (name == "@daily" || name == "@midnight") return "0 0 * * *";
    if (name == "@hourly") return "0 * * * *";
    return {};
  }

  void items(std::string_view field, Item item) {
    while (problem_.empty()) {
      const std::size_t comma = field.find(',');
      (this->*item)(field.substr(0, comma));
      if (comma == std::string_view::npos) return;
      field.remove_prefix(comma + 1);
    }
  }

  template <std::size_t N>
  void numbers(std::string_view name, std::string_view field, std::int32_t low, std::int32_t high, std::bitset<N>& out) {
    while (problem_.empty()) {
      const std::size_t comma = field.find(',');
      range(name, field.substr(0, comma), low, high, high, out);
      if (comma == std::string_view::npos) return;
      field.remove_prefix(comma + 1);
    }
  }

  /// A number or, for months and days of the week, a name; -1 for neither.
  static std::int32_t value(std::string_view field, std::string_view text) {
    static constexpr std::array<std::string_view, 12> months{"jan", "feb", "mar", "apr", "may", "jun",
                                                             "jul", "aug", "sep", "oct", "nov", "dec"};
    static constexpr std::array<std::string_view, 7> days{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
    if (text.empty() || text.size() > 4) return -1;
    if (field == "month") {
      const auto at = std::find(months.begin(), months.end(), text);
      if (at != months.end()) return static_cast<std::int32_t>(at - months.begin()) + 1;
    }
    if (field == "day of week") {
      const auto at = std::find(days.begin(), days.end(), text);
      if (at != days.end()) return static_cast<std::int32_t>(at - days.begin());
    }
    std::int32_t out = 0;
    for (const char c : text) {
      if (c < '0' || c > '9') return -1;
      out = out * 10 + (c - '0');
    }
    return out;
  }

  /// `*`, `a`, `a-b`, each with `/step`. `a/step` goes on to `open_end`.
  template <std::size_t N>
  void range(std::string_view name, std::string_view text, std::int32_t low, std::int32_t high, std::int32_t open_end,
             std::bitset<N>& out) {
    std::int32_t step = 1;
    const std::size_t slash = text.find('/');
    if (slash != std::string_view::npos) {
      step = value("", text.substr(slash + 1));
      if (step < 1) return fail(name, "a step is a number of at least 1");
    }
    const std::string_view span = text.substr(0, slash);
    std::int32_t from = low;
    std::int32_t to = open_end;
    if (span != "*") {
      const std::size_t dash = span.find('-');
      from = value(name, span.substr(0, dash));
      if (from < low || from > high) return fail(name, "not a value, or out of range");
      to = slash != std::string_view::npos ? std::max(open_end, from) : from;
      if (dash != std::string_view::npos) {
        to = value(name, span.substr(dash + 1));
        if (to < low || to > high) return fail(name, "not a value, or out of range");
        if (to < from) return fail(name, "a range goes backwards");
      }
    }
    for (std::int32_t i = from; i <= to; i += step) out.set(static_cast<std::size_t>(i));
  }

  void day_of_month(std::string_view text) {
    constexpr std::string_view name = "day of month";
    if (text == "lw") {
      cron_.days_.last_weekday = true;
    } else if (text == "l") {
      cron_.days_.before_last.set(0);
    } else if (text.starts_with("l-")) {
      const std::int32_t n = value("", text.substr(2));
      if (n < 0 || n > 30) return fail(name, "L-n takes 0 to 30");
      cron_.days_.before_last.set(static_cast<std::size_t>(n));
    } else if (text.ends_with('w')) {
      const std::int32_t n = value("", text.substr(0, text.size() - 1));
      if (n < 1 || n > 31) return fail(name, "nW takes 1 to 31");
      cron_.days_.nearest_weekday.set(static_cast<std::size_t>(n));
    } else {
      range(name, text, 1, 31, 31, cron_.days_.days);
    }
  }

  void day_of_week(std::string_view text) {
    constexpr std::string_view name = "day of week";
    const std::size_t hash = text.find('#');
    if (hash != std::string_view::npos) {
      const std::int32_t day = value(name, text.substr(0, hash));
      const std::int32_t k = value("", text.substr(hash + 1));
      if (day < 0 || day > 7 || k < 1 || k > 5) return fail(name, "n#k takes a day and 1 to 5");
      cron_.weekdays_.numbered[static_cast<std::size_t>(day % 7)].set(static_cast<std::size_t>(k));
    } else if (text.ends_with('l')) {
      const std::int32_t day = value(name, text.substr(0, text.size() - 1));
      if (day < 0 || day > 7) return fail(name, "nL takes a day");
      cron_.weekdays_.last.set(static_cast<std::size_t>(day % 7));
    } else {
      std::bitset<8> days;  // Sunday is 0 and 7
      range(name, text, 0, 7, 6, days);
      for (std::size_t i = 0; i < 8; ++i) {
        if (days[i]) cron_.weekdays_.days.set(i % 7);
      }
    }
  }

  std::string original_;
  std::string text_;
  std::string problem_;
  Cron cron_;
};

Result<Cron> Cron::parse(std::string_view text) { return CronReader(text).read(); }

/// The days of a month that match, as bits 1 to 31.
std::bitset<32> Cron::days_of(std::int64_t year, std::int32_t month) const {
  const std::int32_t count = days_in_month(year, month);
  const std::int32_t first = weekday_of(days_from_civil({year, month, 1}));
  const auto weekday = [first](std::int32_t day) { return (first + day - 1) % 7; };
  std::bitset<32> by_day;
  if (!any_day_) {
    for (std::int32_t day = 1; day <= count; ++day) {
      const auto at = static_cast<std::size_t>(day);
      if (days_.days[at] || days_.before_last[static_cast<std::size_t>(count - day)]) by_day.set(at);
      if (!days_.nearest_weekday[at]) continue;
      std::int32_t near = day;
      if (weekday(day) == 6) near = day == 1 ? 3 : day - 1;
      if (weekday(day) == 0) near = day == count ? day - 2 : day + 1;
      by_day.set(static_cast<std::size_t>(near));
    }
    if (days_.last_weekday) {
      std::int32_t day = count;
      while (weekday(day) == 0 || weekday(day) == 6) --day;
      by_day.set(static_cast<std::size_t>(day));
    }
  }
  std::bitset<32> by_weekday;
  if (!any_weekday_) {
    for (std::int32_t day = 1; day <= count; ++day) {
      const auto of = static_cast<std::size_t>(weekday(day));
      const auto k = static_cast<std::size_t>((day - 1) / 7 + 1);
      if (weekdays_.days[of] || weekdays_.numbered[of][k] || (weekdays_.last[of] && day + 7 > count))
        by_weekday.set(static_cast<std::size_t>(day));
    }
  }
  if (any_day_ && any_weekday_) {
    for (std::int32_t day = 1; day <= count; ++day) by_day.set(static_cast<std::size_t>(day));
  }
  return by_day | by_weekday;
}

/// The first local time that matches, at or after `from` and before `limit`. Both are seconds as if the zone were UTC.
std::optional<std::int64_t> Cron::next_local(std::int64_t from, std::int64_t limit) const {
  const std::int64_t from_day = floor_div(from, day_seconds);
  const std::int64_t second_of_day = from - from_day * day_seconds;
  auto hour = static_cast<std::size_t>(second_of_day / 3600);
  auto minute = static_cast<std::size_t>(second_of_day / 60 % 60);
  auto second = static_cast<std::size_t>(second_of_day % 60);
  // The first time of day at or after hour:minute:second; carries into the hour, or out of the day.
  const auto in_day = [&]() -> std::optional<std::int64_t> {
    for (std::size_t h = next_bit(hours_, hour); h < 24; h = next_bit(hours_, h + 1)) {
      for (std::size_t m = next_bit(minutes_, h == hour ? minute : 0); m < 60; m = next_bit(minutes_, m + 1)) {
        const std::size_t s = next_bit(seconds_, h == hour && m == minute ? second : 0);
        if (s < 60) return static_cast<std::int64_t>(h * 3600 + m * 60 + s);
      }
    }
    return std::nullopt;
  };
  CivilDate date = civil_from_days(from_day);
  const std::int64_t last_year = civil_from_days(floor_div(limit, day_seconds)).year;
  for (; date.year <= last_year; date.month == 12 ? (date.month = 1, ++date.year) : ++date.month, date.day = 1) {
    const std::int64_t first = days_from_civil({date.year, date.month, 1});
    if (first * day_seconds >= limit) return std::nullopt;
    if (!months_[static_cast<std::size_t>(date.month)]) continue;
    const std::bitset<32> days = days_of(date.year, date.month);
    for (std::size_t day = next_bit(days, static_cast<std::size_t>(date.day)); day < 32; day = next_bit(days, day + 1)) {
      const std::int64_t day_number = first + static_cast<std::int64_t>(day) - 1;
      if (day_number != from_day) hour = minute = second = 0;
      const std::optional<std::int64_t> time = in_day();
      if (!time) continue;
      const std::int64_t out = day_number * day_seconds + *time;
      return out < limit ? std::optional(out) : std::nullopt;
    }
  }
  return std::nullopt;
}

std::optional<UnixSeconds> Cron::next(UnixSeconds after, const TimeZone& zone) const {
  if (after >= end_of_time) return std::nullopt;
  const UnixSeconds end = std::min(after + hundred_years, end_of_time);
  if (!any_hour_) {
    // Local times in order, each at the first instant at which the clock shows it; instants that are over or the same are passed.
    std::int64_t local = after + zone.offset_at(after) + 1;
    const std::int64_t limit = end + day_seconds * 2;
    // The clock went back: what it will show again happened the first time.
    if (zone.first_at_or_after(local) <= after) {
      const std::optional<UnixSeconds> earlier = zone.next_change(after - 2 * day_seconds);
      UnixSeconds change = earlier.value_or(after);
      for (int i = 0; i < 100; ++i) {
        const std::optional<UnixSeconds> more = zone.next_change(change);
        if (!more || *more > after) break;
        change = *more;
      }
      local = std::max(local, change + zone.offset_at(change - 1));
    }
    for (int i = 0; i < 200'000; ++i) {
      const std::optional<std::int64_t> found = next_local(local, limit);
      if (!found) return std::nullopt;
      const UnixSeconds at = zone.first_at_or_after(*found);
      if (at > after) return at < end_of_time ? std::optional(at) : std::nullopt;
      local = *found + 1;
    }
    return std::nullopt;
  }
  // Elapsed time: from one change of the offset to the next, local time is a straight line.
  UnixSeconds from = after + 1;
  while (from < end) {
    const std::int64_t offset = zone.offset_at(from);
    const UnixSeconds until = std::min(zone.next_change(from).value_or(end), end);
    if (const auto found = next_local(from + offset, until + offset)) return *found - offset;
    from = until;
  }
  return std::nullopt;
}

std::vector<UnixSeconds> Cron::next(UnixSeconds after, const TimeZone& zone, std::size_t count) const {
  std::vector<UnixSeconds> out;
  while (out.size() < count) {
    const std::optional<UnixSeconds> at = next(after, zone);
    if (!at) break;
    out.push_back(after = *at);
  }
  return out;
}

}  // namespace spikard::tasks
