#include "db/instant.hpp"

#include <chrono>

namespace spikard::db {
namespace {

namespace chrono = std::chrono;

struct Text {
  std::string_view rest;
  bool good = true;

  int digits(int count) noexcept {
    int value = 0;
    for (int i = 0; i < count; ++i) {
      if (rest.empty() || rest[0] < '0' || rest[0] > '9') {
        good = false;
        return 0;
      }
      value = value * 10 + (rest[0] - '0');
      rest.remove_prefix(1);
    }
    return value;
  }
  bool eat(char c) noexcept {
    if (rest.empty() || rest[0] != c) return false;
    rest.remove_prefix(1);
    return true;
  }
  void need(char c) noexcept { good = eat(c) && good; }
};

std::optional<Microseconds> parse(std::string_view text, bool rfc3339) noexcept {
  Text in{text};
  const int year = in.digits(4);
  in.need('-');
  const int month = in.digits(2);
  in.need('-');
  const int day = in.digits(2);
  if (!in.eat('T') && !in.eat(' ') && !in.eat('t')) return std::nullopt;
  const int hour = in.digits(2);
  in.need(':');
  const int minute = in.digits(2);
  int second = 0;
  // SQLite writes minutes without seconds, too.
  if (rfc3339 || (!in.rest.empty() && in.rest[0] == ':')) {
    in.need(':');
    second = in.digits(2);
  }
  if (!in.good) return std::nullopt;
  std::int64_t micro = 0;
  if (in.eat('.')) {
    int count = 0;
    for (; !in.rest.empty() && in.rest[0] >= '0' && in.rest[0] <= '9'; in.rest.remove_prefix(1), ++count) {
      if (count < 6) micro = micro * 10 + (in.rest[0] - '0');
    }
    if (count == 0) return std::nullopt;
    for (; count < 6; ++count) micro *= 10;
  }
  int offset = 0;
  if (in.eat('Z') || in.eat('z')) {
  } else if (!in.rest.empty() && (in.rest[0] == '+' || in.rest[0] == '-')) {
    const int sign = in.rest[0] == '-' ? -1 : 1;
    in.rest.remove_prefix(1);
    const int hours = in.digits(2);
    int minutes = 0;
    if (rfc3339 || !in.rest.empty()) {
      if (!in.eat(':') && rfc3339) return std::nullopt;
      minutes = in.digits(2);
    }
    if (hours > 23 || minutes > 59) return std::nullopt;
    offset = sign * (hours * 60 + minutes);
  } else if (rfc3339) {
    return std::nullopt;
  }
  if (!in.good || !in.rest.empty()) return std::nullopt;
  const chrono::year_month_day date{chrono::year(year), chrono::month(static_cast<unsigned>(month)),
                                    chrono::day(static_cast<unsigned>(day))};
  if (year < 1 || !date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const std::int64_t days = chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t seconds = days * 86400 + hour * 3600 + minute * 60 + second - std::int64_t{offset} * 60;
  const std::int64_t at = seconds * 1000000 + micro;
  constexpr std::int64_t first = -62135596800000000;  // 0001-01-01
  constexpr std::int64_t past = 253402300800000000;   // 10000-01-01
  if (at < first || at >= past) return std::nullopt;
  return at;
}

std::string write(Microseconds at, char between) {
  std::int64_t seconds = at / 1000000;
  std::int64_t micro = at % 1000000;
  if (micro < 0) {
    micro += 1000000;
    --seconds;
  }
  const chrono::sys_seconds when{chrono::seconds(seconds)};
  const auto day = chrono::floor<chrono::days>(when);
  const chrono::year_month_day date{day};
  const chrono::hh_mm_ss time{when - day};
  std::string out;
  out.reserve(28);
  const auto put = [&](std::int64_t value, int width) {
    char digits[8];
    for (int i = width - 1; i >= 0; --i) {
      digits[i] = static_cast<char>('0' + value % 10);
      value /= 10;
    }
    out.append(digits, static_cast<std::size_t>(width));
  };
  put(static_cast<int>(date.year()), 4);
  out.push_back('-');
  put(static_cast<unsigned>(date.month()), 2);
  out.push_back('-');
  put(static_cast<unsigned>(date.day()), 2);
  out.push_back(between);
  put(time.hours().count(), 2);
  out.push_back(':');
  put(time.minutes().count(), 2);
  out.push_back(':');
  put(time.seconds().count(), 2);
  if (micro != 0) {
    out.push_back('.');
    put(micro, 6);
    while (out.back() == '0') out.pop_back();
  }
  return out;
}

}  // namespace

std::optional<Microseconds> parse_rfc3339(std::string_view text) noexcept {
  // A blank instead of T is no RFC 3339 that we give out, but some clients write it, and the RFC lets them.
  return parse(text, true);
}
std::optional<Microseconds> parse_sql_timestamp(std::string_view text) noexcept { return parse(text, false); }
std::string to_rfc3339(Microseconds at) { return write(at, 'T') + "Z"; }
std::string to_sql_timestamp(Microseconds at) { return write(at, ' '); }

}  // namespace spikard::db
