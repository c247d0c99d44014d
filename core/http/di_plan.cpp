#include "http/di_plan.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/json.hpp"

namespace spikard::http {

namespace {

using services::Dependency;
using services::DependencyKind;
using services::DependencyScope;

/// Transient dependencies multiply with each place that takes them; this many of them are a mistake.
constexpr std::size_t max_steps = 1024;

class Planner {
 public:
  Planner(std::span<const Dependency> application, const services::Route& route) : application_(application), route_(route) {}

  DiPlanning run() {
    for (const std::string& name : route_.inject) {
      const std::uint32_t slot = open(name, true, false);
      if (slot == DiStep::nobody) continue;
      plan_.inject.push_back(slot);
    }
    for (const auto& [name, expected] : route_.inject_types) {
      const Dependency* found = find(name, true);
      // What a factory makes is known when it is made.
      if (found == nullptr || found->kind != DependencyKind::value || !found->type) continue;
      const std::string_view actual = json_type_name(*found->type);
      if (!json_type_fits(expected, actual)) {
        add({DiProblem::Type::type_mismatch, name, {}, std::string(json_type_name(expected)), std::string(actual)});
      }
    }
    for (const DiStep& step : plan_.steps) plan_.only_values &= step.kind == DependencyKind::value;
    if (!problems_.empty()) plan_ = DiPlan();
    return {std::move(plan_), std::move(problems_)};
  }

 private:
  [[nodiscard]] const Dependency* find(std::string_view name, bool with_route) const {
    const auto in = [&](std::span<const Dependency> list) -> const Dependency* {
      for (const Dependency& d : list) {
        if (d.name == name) return &d;
      }
      return nullptr;
    };
    if (with_route) {
      if (const Dependency* own = in(route_.dependencies)) return own;
    }
    return in(application_);
  }

  [[nodiscard]] bool of_application(const Dependency& d) const {
    return !application_.empty() && &d >= application_.data() && &d < application_.data() + application_.size();
  }

  void add(DiProblem problem) {
    for (const DiProblem& p : problems_) {
      if (p.type == problem.type && p.dependency_key == problem.dependency_key && p.cycle == problem.cycle) return;
    }
    problems_.push_back(std::move(problem));
  }

  /// The slot of `name`, opened now if it is not there yet; `nobody` after a problem.
  std::uint32_t open(const std::string& name, bool with_route, bool for_singleton) {
    const Dependency* found = find(name, with_route);
    if (found == nullptr) {
      add({DiProblem::Type::missing_dependency, name, {}, {}, {}});
      return DiStep::nobody;
    }
    // Its problem is known already; going down again could take exponential time.
    if (failed_.contains(found)) return DiStep::nobody;
    const bool factory = found->kind == DependencyKind::factory;
    const bool transient = factory && found->scope == DependencyScope::transient;
    const bool singleton = factory && found->scope == DependencyScope::singleton;
    if (!transient) {
      if (const auto it = slots_.find(found->id); it != slots_.end()) return it->second;
    }
    if (for_singleton && factory && found->scope == DependencyScope::request) {
      add({DiProblem::Type::scope_mismatch, name, {}, {}, {}});
      return DiStep::nobody;
    }
    if (const auto at = std::find(stack_.begin(), stack_.end(), found); at != stack_.end()) {
      DiProblem problem{DiProblem::Type::circular_dependency, {}, {}, {}, {}};
      for (auto it = at; it != stack_.end(); ++it) problem.cycle.push_back((*it)->name);
      problem.cycle.push_back(name);
      add(std::move(problem));
      return DiStep::nobody;
    }
    if (plan_.steps.size() >= max_steps || stack_.size() >= max_steps) {
      add({DiProblem::Type::too_many_instances, name, {}, {}, {}});
      return DiStep::nobody;
    }
    DiStep step;
    step.dependency = found->id;
    step.kind = found->kind;
    step.scope = factory ? found->scope : DependencyScope::singleton;
    step.cleanup = factory && found->cleanup;
    step.token = found->token;
    step.name = found->name;
    const auto before = static_cast<std::uint32_t>(plan_.steps.size());
    bool whole = true;
    if (factory) {
      stack_.push_back(found);
      const bool sees_route = singleton ? with_route && !of_application(*found) : with_route;
      for (const std::string& argument : found->depends_on) {
        const std::uint32_t slot = open(argument, sees_route, for_singleton || singleton);
        whole &= slot != DiStep::nobody;
        step.arguments.push_back(slot);
      }
      stack_.pop_back();
    }
    if (!whole) {
      failed_.insert(found);
      return DiStep::nobody;
    }
    const auto slot = static_cast<std::uint32_t>(plan_.steps.size());
    if (singleton) {
      for (std::uint32_t i = before; i < slot; ++i) {
        DiStep& below = plan_.steps[i];
        if (below.kind == DependencyKind::factory && below.scope == DependencyScope::transient && below.owner == DiStep::nobody)
          below.owner = slot;
      }
    }
    plan_.steps.push_back(std::move(step));
    if (!transient) slots_.emplace(found->id, slot);
    return slot;
  }

  std::span<const Dependency> application_;
  const services::Route& route_;
  DiPlan plan_;
  std::vector<DiProblem> problems_;
  std::map<std::uint32_t, std::uint32_t> slots_;
  std::vector<const Dependency*> stack_;
  std::set<const Dependency*> failed_;
};

}  // namespace

std::string_view di_problem_name(DiProblem::Type type) noexcept {
  switch (type) {
    case DiProblem::Type::missing_dependency: return "missing_dependency";
    case DiProblem::Type::circular_dependency: return "circular_dependency";
    case DiProblem::Type::type_mismatch: return "type_mismatch";
    case DiProblem::Type::scope_mismatch: return "scope_mismatch";
    case DiProblem::Type::too_many_instances: return "too_many_instances";
  }
  return {};
}

std::string_view json_type_name(services::JsonType type) noexcept {
  static constexpr std::string_view names[] = {"null", "boolean", "integer", "number", "string", "array", "object"};
  return names[static_cast<std::size_t>(type)];
}

bool json_type_fits(services::JsonType expected, std::string_view actual) noexcept {
  const std::string_view wanted = json_type_name(expected);
  return actual.empty() || actual == wanted || (wanted == "number" && actual == "integer");
}

std::string DiProblem::to_string() const {
  switch (type) {
    case Type::missing_dependency: return "there is no dependency '" + dependency_key + "'";
    case Type::circular_dependency: {
      std::string out = "dependencies depend on each other:";
      for (const std::string& name : cycle) out += (&name == cycle.data() ? " " : " -> ") + name;
      return out;
    }
    case Type::type_mismatch:
      return "the dependency '" + dependency_key + "' is of type " + actual_type + ", the handler wants " + expected_type;
    case Type::scope_mismatch:
      return "the dependency '" + dependency_key + "' lives for one request, a singleton cannot depend on it";
    case Type::too_many_instances:
      return "more than 1024 instances of dependencies would be made for a request; '" + dependency_key + "' is one too many";
  }
  return {};
}

std::string di_errors_json(std::span<const DiProblem> problems) {
  std::string out;
  json::Writer json(out);
  json.begin_array();
  for (const DiProblem& p : problems) {
    json.begin_object();
    json.key("type");
    json.string(di_problem_name(p.type));
    if (!p.dependency_key.empty()) {
      json.key("dependency_key");
      json.string(p.dependency_key);
    }
    if (!p.cycle.empty()) {
      json.key("cycle");
      json.begin_array();
      for (const std::string& name : p.cycle) json.string(name);
      json.end_array();
    }
    if (p.type == DiProblem::Type::type_mismatch) {
      json.key("expected_type");
      json.string(p.expected_type);
      json.key("actual_type");
      json.string(p.actual_type);
    }
    json.end_object();
  }
  json.end_array();
  return out;
}

DiPlanning plan_dependencies(std::span<const Dependency> application, const services::Route& route) {
  return Planner(application, route).run();
}

}  // namespace spikard::http
