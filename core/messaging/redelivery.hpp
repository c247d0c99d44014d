#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "worker_loop/work.hpp"

namespace spikard::messaging {

/// What is known of a message that comes again, kept beside it where the broker counts deliveries and no more: its own count
/// tells how many came after this was written down, each of which used up a try.
struct Record {
  std::uint32_t tries = 0;
  std::int64_t deliveries = 0;
  std::int64_t count = 0;  ///< the broker's, of the delivery that this was written of
  std::uint32_t failures = 0;
  std::string first_error{};
  std::int64_t due_ms = 0;  ///< 0: at once

  [[nodiscard]] std::string text() const;
  /// Nothing for what is no object of JSON.
  [[nodiscard]] static std::optional<Record> parse(std::string_view text);
  /// Of a settlement of the delivery that was the broker's `count`th.
  [[nodiscard]] static Record of(const worker_loop::Settlement& settlement, std::uint64_t count, WallTime now);
};
/// Whether the broker's count says all there is to say of this settlement, so that no record is needed.
[[nodiscard]] bool told_by_count(const worker_loop::Settlement& settlement) noexcept;
/// Sets the counts of `item`, for the broker's `count`th delivery.
void count_tries(worker_loop::WorkItem& item, std::uint64_t count, const std::optional<Record>& record);

}  // namespace spikard::messaging
