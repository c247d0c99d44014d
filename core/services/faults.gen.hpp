// Generated from spec/services/faults.yaml by codegen. Do not edit.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/node.hpp"
#include "base/result.hpp"

namespace spikard::services {

/// Clients of the toolbox that faults are made in.
enum class FaultyClients : std::uint8_t {
  cache,  ///< Caches.
  storage,  ///< Stores of objects.
  db,  ///< Databases.
  messaging,  ///< Message brokers.
  tasks,  ///< Stores of tasks.
};
[[nodiscard]] std::string_view name_of(FaultyClients v) noexcept;
[[nodiscard]] std::optional<FaultyClients> faulty_clients_from(std::string_view text) noexcept;

/// What goes wrong in the clients of the toolbox under test, by chance but always the same: whether the n-th call of an operation fails is decided by the seed, the client, the operation, what it is about (a statement, a topic, a task) and n. Each chance is a number from 0 to 1; null is 0.
struct Faults {
  std::uint64_t seed = 1;  ///< Another seed, other faults.
  Document unavailable{};  ///< The chance that an operation fails with `unavailable` before it takes effect.
  Document lost_answer{};  ///< The chance that an operation takes effect and then fails with `outcome_unknown`.
  Document delay{};  ///< The chance that an operation waits first, on the virtual clock.
  std::uint32_t delay_ms = 1000;  ///< The longest such wait.
  Document repeated{};  ///< The chance that a message or task comes again after it was done, as if that had not been heard; at most three times.
  std::vector<FaultyClients> only{};  ///< The clients that have faults; none named: all.
};
[[nodiscard]] bool operator==(const Faults& a, const Faults& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Faults> faults_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Faults& in, NodeBuilder& out);

}  // namespace spikard::services
