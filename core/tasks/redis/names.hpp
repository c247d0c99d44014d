#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tasks/job.hpp"

namespace spikard::tasks::redis {

/// An id is the place in the order of enqueueing and, in its low bits, the number of the queue, so that whoever has an id knows
/// where in a cluster the job is.
struct Place {
  std::uint64_t sequence = 0;
  std::uint32_t queue = 0;

  static constexpr unsigned queue_bits = 16;
  static constexpr std::uint32_t most_queues = (1U << queue_bits) - 1;
  static constexpr std::uint64_t most_sequence = (std::uint64_t{1} << (63U - queue_bits)) - 1;

  [[nodiscard]] JobId id() const noexcept { return static_cast<JobId>(sequence << queue_bits | queue); }
  [[nodiscard]] static Place of(JobId id) noexcept {
    const auto bits = static_cast<std::uint64_t>(id);
    return {id <= 0 ? 0 : bits >> queue_bits, id <= 0 ? 0 : static_cast<std::uint32_t>(bits & most_queues)};
  }
};

/// 15 digits: texts of numbers up to 2^47 and of instants up to the year 9999 are in their order.
[[nodiscard]] std::string digits15(std::uint64_t number);

/// Names on the server; README.md has the layout. All of a queue share a hash tag, so that a cluster keeps them in one place.
class Names {
 public:
  explicit Names(std::string prefix) : prefix_(std::move(prefix)) {}
  [[nodiscard]] const std::string& prefix() const noexcept { return prefix_; }
  /// What all keys of a queue begin with, `PREFIX:{QUEUE}:`; braces and `%` of the queue's name are %-escaped.
  [[nodiscard]] std::string base(std::string_view queue) const;
  /// The queue of a base; nothing for what is none.
  [[nodiscard]] std::optional<std::string> queue_of(std::string_view base) const;
  [[nodiscard]] std::string of_store(std::string_view name) const { return prefix_ + ":" + std::string(name); }

 private:
  std::string prefix_;
};

}  // namespace spikard::tasks::redis
