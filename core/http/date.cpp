#include "http/date.hpp"

#include <chrono>
#include <cstring>

namespace spikard::http {

void put_imf_fixdate(char* out, std::int64_t unix_seconds) noexcept {
  using namespace std::chrono;
  const sys_seconds time{seconds(unix_seconds)};
  const sys_days day = floor<days>(time);
  const year_month_day date(day);
  const auto clock = static_cast<unsigned>((time - day).count());
  const auto two = [](char* at, unsigned n) {
    at[0] = static_cast<char>('0' + n / 10);
    at[1] = static_cast<char>('0' + n % 10);
  };
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  std::memcpy(out, &"SunMonTueWedThuFriSat"[3 * weekday(day).c_encoding()], 3);
  std::memcpy(out + 3, ", ", 2);
  two(out + 5, static_cast<unsigned>(date.day()));
  out[7] = ' ';
  std::memcpy(out + 8, &"JanFebMarAprMayJunJulAugSepOctNovDec"[3 * (static_cast<unsigned>(date.month()) - 1)], 3);
  out[11] = ' ';
  two(out + 12, year / 100);
  two(out + 14, year % 100);
  out[16] = ' ';
  two(out + 17, clock / 3600);
  out[19] = ':';
  two(out + 20, clock / 60 % 60);
  out[22] = ':';
  two(out + 23, clock % 60);
  std::memcpy(out + 25, " GMT", 4);
}

}  // namespace spikard::http
