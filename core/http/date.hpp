#pragma once

#include <cstdint>
#include <string_view>

#include "base/clock.hpp"

namespace spikard::http {

inline constexpr std::size_t imf_fixdate_size = 29;

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7), 29 bytes; years 0 to 9999.
void put_imf_fixdate(char* out, std::int64_t unix_seconds) noexcept;

/// The Date header's value, made anew once a second. One a loop.
class DateCache {
 public:
  /// Valid until the next call.
  [[nodiscard]] std::string_view text(WallTime now) noexcept {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
    if (seconds != seconds_) {
      put_imf_fixdate(text_, seconds);
      seconds_ = seconds;
    }
    return {text_, imf_fixdate_size};
  }

 private:
  std::int64_t seconds_ = INT64_MIN;
  char text_[imf_fixdate_size] = {};
};

}  // namespace spikard::http
