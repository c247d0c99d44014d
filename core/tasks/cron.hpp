#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/tz.hpp"

namespace spikard::tasks {

/// A cron expression: five fields (minute, hour, day of month, month, day of week), six with seconds in front, or a macro. What
/// is taken and how daylight saving is dealt with: docs/guide/tasks.md, "Cron". A value; immutable.
///
///     auto cron = Cron::parse("0 9 * * MON-FRI");
///     auto next = cron->next(now, *zone);
class Cron {
 public:
  /// Errors: invalid_argument with the detail invalid_cron. At most 256 bytes.
  [[nodiscard]] static Result<Cron> parse(std::string_view text);

  /// The first time strictly after `after`, to the second; nothing if there is none in the hundred years that follow or before
  /// the year 10000. Bounded: it looks at some thousands of days at most.
  [[nodiscard]] std::optional<UnixSeconds> next(UnixSeconds after, const TimeZone& zone) const;
  /// At most `count` of them.
  [[nodiscard]] std::vector<UnixSeconds> next(UnixSeconds after, const TimeZone& zone, std::size_t count) const;

 private:
  friend class CronReader;
  struct Days {  // of the day-of-month field
    std::bitset<32> days;
    std::bitset<32> before_last;      // L-n; 0 is L
    std::bitset<32> nearest_weekday;  // nW
    bool last_weekday = false;        // LW
  };
  struct Weekdays {  // of the day-of-week field
    std::bitset<7> days;
    std::bitset<7> last;                     // nL
    std::array<std::bitset<6>, 7> numbered;  // n#k
  };
  [[nodiscard]] std::optional<std::int64_t> next_local(std::int64_t from, std::int64_t limit) const;
  [[nodiscard]] std::bitset<32> days_of(std::int64_t year, std::int32_t month) const;

  std::bitset<60> seconds_;
  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<13> months_;
  Days days_;
  Weekdays weekdays_;
  bool any_hour_ = false;
  bool any_day_ = false;
  bool any_weekday_ = false;
};

}  // namespace spikard::tasks
