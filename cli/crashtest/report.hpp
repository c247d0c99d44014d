#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "../command.hpp"
#include "base/clock.hpp"

namespace spikard::cli::crash {

/// What one --check or --query found.
struct Found {
  std::string what;
  bool sql = false;  ///< only the database can tell what is there twice, or that nobody sent
  std::uint64_t there = 0, lost = 0, doubled = 0, phantom = 0;
  std::vector<std::string> examples{};  ///< the first few: `lost 17`
};
struct Counted {
  std::uint32_t count = 0;
  Duration slowest{};  ///< until it was ready again
};
struct Remains {
  std::string what;
  std::int64_t count = 0;
};

/// What a run has shown.
struct Report {
  std::uint64_t seed = 0;
  std::uint32_t processes = 1;
  Duration took{}, settled{};  ///< all of it; from the end of the load until nothing was left to do
  std::array<Counted, 4> kills{};
  std::uint64_t sent = 0, acknowledged = 0, refused = 0, unknown = 0;  ///< requests that make something
  std::uint64_t others = 0;                                            ///< the rest of the load, answered with 2xx
  std::map<int, std::uint64_t> answers{};                              ///< to those that make something, by status
  std::vector<Found> checks{};
  std::vector<Remains> stuck{};
  std::vector<std::string> looked_at{};
  std::vector<std::string> broken{};  ///< other promises: one line each
  std::string log{};                  ///< what the application printed

  [[nodiscard]] std::vector<std::string> promises_broken() const;
};

void print(const Report& report, const Common& common);

}  // namespace spikard::cli::crash
