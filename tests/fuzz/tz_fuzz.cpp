// TZif files: what can be read has offsets within a day, changes that go on, and local times that are found again.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>

#include "base/tz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace spikard;
  const auto zone = TimeZone::parse({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!zone.ok()) return 0;
  for (const UnixSeconds start :
       {std::int64_t{-5'000'000'000}, std::int64_t{0}, std::int64_t{1'900'000'000}, std::int64_t{9'000'000'000}}) {
    UnixSeconds t = start;
    for (int i = 0; i < 8; ++i) {
      const std::int32_t offset = (*zone)->offset_at(t);
      if (offset < -26 * 3600 || offset > 26 * 3600) std::abort();
      const UnixSeconds first = (*zone)->first_at_or_after(t);
      if (first + (*zone)->offset_at(first) < t) std::abort();
      const std::optional<UnixSeconds> change = (*zone)->next_change(t);
      if (!change) break;
      if (*change <= t) std::abort();
      t = *change;
    }
  }
  return 0;
}
