// Cron expressions: parsing never fails badly, and what parses gives strictly growing times in bounded time.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "tasks/cron.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace spikard;
  static TimeZones zones;
  static const auto berlin = *zones.find("Europe/Berlin");
  if (size < 4) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 4, size - 4);
  const auto cron = tasks::Cron::parse(text);
  if (!cron.ok()) {
    if (cron.error().detail() != "invalid_cron") std::abort();
    return 0;
  }
  const std::uint32_t seed = static_cast<std::uint32_t>(data[0]) | static_cast<std::uint32_t>(data[1]) << 8U |
                             static_cast<std::uint32_t>(data[2]) << 16U | static_cast<std::uint32_t>(data[3]) << 24U;
  UnixSeconds after = static_cast<UnixSeconds>(seed);
  for (const UnixSeconds at : cron->next(after, *berlin, 5)) {
    if (at <= after) std::abort();
    after = at;
  }
  return 0;
}
