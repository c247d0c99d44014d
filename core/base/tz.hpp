#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace spikard {

/// Seconds since 1970-01-01T00:00:00Z without leap seconds.
using UnixSeconds = std::int64_t;

/// One time zone: its known transitions and the rule for the time after them (RFC 8536, TZif versions 1 to 3, POSIX TZ footer).
/// Immutable, so any thread may read it.
class TimeZone {
 public:
  /// Reads a TZif file's bytes. Errors: invalid_argument. Everything is bounded by the size of `bytes`.
  [[nodiscard]] static Result<std::shared_ptr<const TimeZone>> parse(std::string_view bytes, std::string name);
  [[nodiscard]] static std::shared_ptr<const TimeZone> utc();

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// East of Greenwich, in seconds.
  [[nodiscard]] std::int32_t offset_at(UnixSeconds t) const noexcept;
  /// The first instant after `t` at which the offset becomes another one; nothing if it stays for ever.
  [[nodiscard]] std::optional<UnixSeconds> next_change(UnixSeconds t) const noexcept;
  /// The first instant at which the local clock shows `local` (seconds since 1970 as if it were UTC) or more: what comes twice is
  /// the first of both, what lies in a gap is the end of the gap.
  [[nodiscard]] UnixSeconds first_at_or_after(std::int64_t local) const noexcept;

 private:
  struct Transition {
    UnixSeconds at;
    std::int32_t offset;  // from then on
  };
  /// A day of the year and a time of that day at which the footer's rule changes.
  struct RuleDate {
    enum class Kind : std::uint8_t { julian, day_of_year, month_week_day };
    Kind kind = Kind::julian;
    std::int32_t month = 0;
    std::int32_t week = 0;
    std::int32_t day = 0;
    std::int32_t seconds = 7200;
  };
  struct Rule {
    std::int32_t standard = 0;
    bool has_daylight = false;
    std::int32_t daylight = 0;
    RuleDate start;
    RuleDate end;
  };
  friend class TzifReader;
  friend class TzRuleReader;
  [[nodiscard]] std::int32_t rule_offset(UnixSeconds t) const noexcept;
  [[nodiscard]] static std::int64_t rule_local(const RuleDate& date, std::int64_t year) noexcept;

  std::string name_;
  std::vector<Transition> transitions_;  // ascending
  std::int32_t before_ = 0;              // offset before the first transition
  std::optional<Rule> rule_;             // after the last one
};

/// The system's time zones by IANA name, each read once. Thread-safe.
class TimeZones {
 public:
  /// Empty: `$TZDIR`'s usual place, /usr/share/zoneinfo.
  explicit TimeZones(std::string directory = {});
  /// Errors: invalid_argument with the detail invalid_timezone. `UTC` needs no data base.
  [[nodiscard]] Result<std::shared_ptr<const TimeZone>> find(std::string_view name);

 private:
  const std::string directory_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const TimeZone>, std::less<>> zones_;
};

/// The proleptic Gregorian calendar.
struct CivilDate {
  std::int64_t year = 1970;
  std::int32_t month = 1;  ///< 1 to 12
  std::int32_t day = 1;
};
[[nodiscard]] std::int64_t days_from_civil(CivilDate date) noexcept;
[[nodiscard]] CivilDate civil_from_days(std::int64_t days) noexcept;
[[nodiscard]] bool is_leap_year(std::int64_t year) noexcept;
[[nodiscard]] std::int32_t days_in_month(std::int64_t year, std::int32_t month) noexcept;
/// 0 is Sunday.
[[nodiscard]] std::int32_t weekday_of(std::int64_t days) noexcept;

/// RFC 3339 with an offset, years 0001 to 9999, as ms since 1970 (further digits are cut off; a leap second is the second after
/// it). Nothing for anything else.
[[nodiscard]] std::optional<std::int64_t> parse_rfc3339_ms(std::string_view text) noexcept;
/// In UTC with `Z`; a fraction only where there are milliseconds.
[[nodiscard]] std::string format_rfc3339_ms(std::int64_t ms);

}  // namespace spikard
