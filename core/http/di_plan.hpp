#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/http.gen.hpp"

namespace spikard::http {

/// One dependency that a request opens (or merely takes, when it is a value). Its place in `DiPlan::steps` is its slot.
struct DiStep {
  static constexpr std::uint32_t nobody = UINT32_MAX;

  std::uint32_t dependency = 0;  ///< id of the manifest
  services::DependencyKind kind{};
  services::DependencyScope scope{};
  bool cleanup = false;
  std::uint64_t token = 0;               ///< of a value
  std::vector<std::uint32_t> arguments;  ///< slots of depends_on, in order; all smaller than this one's
  /// The slot of the singleton that this transient is opened for, else `nobody`: when that singleton is there already, do not
  /// open this one either; its clean-up comes with that singleton's, at the end of the application.
  std::uint32_t owner = nobody;
  std::string name;
};

/// What one route opens, in order: depth-first in the order of `inject` and `depends_on`. Request-scoped factories and singletons
/// come once, transient ones once for each place that takes them. Go through the steps in order; values and singletons that are
/// there need no opening. Close in reverse.
struct DiPlan {
  std::vector<DiStep> steps;
  std::vector<std::uint32_t> inject;  ///< slots, in the order of the route's `inject`
  bool only_values = true;            ///< nothing to open, ever
};

/// Why there is no plan; a member of `errors` of the `dependency-error` problem, and the text of the start-up error.
struct DiProblem {
  enum class Type : std::uint8_t { missing_dependency, circular_dependency, type_mismatch, scope_mismatch, too_many_instances };
  Type type{};
  std::string dependency_key;      ///< missing, type and scope mismatch
  std::vector<std::string> cycle;  ///< ["a", "b", "a"]
  std::string expected_type;
  std::string actual_type;

  [[nodiscard]] std::string to_string() const;  ///< for people
};

/// `circular_dependency`: the `type` in the problem's `errors`, and the detail of the start-up error.
[[nodiscard]] std::string_view di_problem_name(DiProblem::Type type) noexcept;
/// The JSON array of `errors`.
[[nodiscard]] std::string di_errors_json(std::span<const DiProblem> problems);
[[nodiscard]] std::string_view json_type_name(services::JsonType type) noexcept;
/// For what factories make: `actual` as Exchange::factory_done tells it; empty (unknown) fits. An integer is a number.
[[nodiscard]] bool json_type_fits(services::JsonType expected, std::string_view actual) noexcept;

struct DiPlanning {
  DiPlan plan;                      ///< empty when there are problems
  std::vector<DiProblem> problems;  ///< all of them
};

/// `application`: of the whole application; `route.dependencies` replace those of the same name, for everything this route opens
/// but singletons of the application, which take only the application's. A singleton that depends on a request-scoped factory is
/// a scope_mismatch.
[[nodiscard]] DiPlanning plan_dependencies(std::span<const services::Dependency> application, const services::Route& route);

}  // namespace spikard::http
