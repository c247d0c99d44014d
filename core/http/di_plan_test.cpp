#include "http/di_plan.hpp"

#include <gtest/gtest.h>

namespace spikard::http {
namespace {

using services::Dependency;
using services::DependencyKind;
using services::DependencyScope;
using services::JsonType;

Dependency value(std::uint32_t id, std::string name, std::optional<JsonType> type = std::nullopt) {
  Dependency d;
  d.id = id;
  d.name = std::move(name);
  d.kind = DependencyKind::value;
  d.type = type;
  d.token = 100 + id;
  return d;
}

Dependency factory(std::uint32_t id, std::string name, std::vector<std::string> depends_on,
                   DependencyScope scope = DependencyScope::request) {
  Dependency d;
  d.id = id;
  d.name = std::move(name);
  d.kind = DependencyKind::factory;
  d.scope = scope;
  d.depends_on = std::move(depends_on);
  return d;
}

services::Route route(std::vector<std::string> inject) {
  services::Route r;
  r.path = "/";
  r.inject = std::move(inject);
  return r;
}

std::string order(const DiPlan& plan) {
  std::string out;
  for (const DiStep& s : plan.steps) {
    out += s.name;
    if (!s.arguments.empty()) {
      out += "(";
      for (const std::uint32_t a : s.arguments) out += std::to_string(a) + ",";
      out.back() = ')';
    }
    if (s.owner != DiStep::nobody) out += "@" + std::to_string(s.owner);
    out += " ";
  }
  out += "->";
  for (const std::uint32_t i : plan.inject) out += " " + std::to_string(i);
  return out;
}

TEST(DiPlan, NestedDependenciesFixture) {
  const std::vector<Dependency> app{value(0, "config"), factory(1, "db_pool", {"config"}), factory(2, "cache", {"config"}),
                                    factory(3, "auth", {"db_pool", "cache"})};
  const DiPlanning p = plan_dependencies(app, route({"auth"}));
  ASSERT_TRUE(p.problems.empty());
  EXPECT_EQ(order(p.plan), "config db_pool(0) cache(0) auth(1,2) -> 3");
  EXPECT_FALSE(p.plan.only_values);
  EXPECT_EQ(p.plan.steps[0].token, 100U);
}

TEST(DiPlan, InstancesByScope) {
  const std::vector<Dependency> app{factory(0, "t", {}, DependencyScope::transient), factory(1, "r", {"t"}),
                                    factory(2, "s", {"t"}, DependencyScope::singleton),
                                    factory(3, "s2", {"s", "t"}, DependencyScope::singleton)};
  EXPECT_EQ(order(plan_dependencies(app, route({"t", "r", "r", "t"})).plan), "t t r(1) t -> 0 2 2 3");
  EXPECT_EQ(order(plan_dependencies(app, route({"s", "s"})).plan), "t@1 s(0) -> 1 1");
  EXPECT_EQ(order(plan_dependencies(app, route({"t", "s2"})).plan), "t t@2 s(1) t@4 s2(2,3) -> 0 4");
  EXPECT_TRUE(plan_dependencies(std::vector<Dependency>{value(0, "v")}, route({"v"})).plan.only_values);
}

TEST(DiPlan, RouteOverrides) {
  const std::vector<Dependency> app{value(0, "config"), factory(1, "db", {"config"}),
                                    factory(2, "pool", {"config"}, DependencyScope::singleton)};
  services::Route r = route({"db", "pool"});
  r.dependencies = {value(9, "config")};
  const DiPlanning p = plan_dependencies(app, r);
  ASSERT_TRUE(p.problems.empty());
  EXPECT_EQ(order(p.plan), "config db(0) config pool(2) -> 1 3");
  EXPECT_EQ(p.plan.steps[0].dependency, 9U);
  EXPECT_EQ(p.plan.steps[2].dependency, 0U) << "a singleton of the application takes the application's";
}

TEST(DiPlan, CyclesAndMissingOnes) {
  const std::vector<Dependency> app{factory(0, "service_a", {"service_b"}, DependencyScope::transient),
                                    factory(1, "service_b", {"service_a"}, DependencyScope::transient), factory(2, "c", {"c"}),
                                    factory(3, "d", {"nope", "nope2"})};
  DiPlanning p = plan_dependencies(app, route({"service_a"}));
  EXPECT_EQ(di_errors_json(p.problems), R"([{"type":"circular_dependency","cycle":["service_a","service_b","service_a"]}])");
  EXPECT_EQ(p.problems[0].to_string(), "dependencies depend on each other: service_a -> service_b -> service_a");
  EXPECT_TRUE(p.plan.steps.empty());
  p = plan_dependencies(app, route({"c", "d", "d", "x"}));
  EXPECT_EQ(di_errors_json(p.problems),
            R"([{"type":"circular_dependency","cycle":["c","c"]},{"type":"missing_dependency","dependency_key":"nope"},)"
            R"({"type":"missing_dependency","dependency_key":"nope2"},{"type":"missing_dependency","dependency_key":"x"}])");
}

TEST(DiPlan, Types) {
  const std::vector<Dependency> app{value(0, "config", JsonType::string), value(1, "n", JsonType::integer), value(2, "free")};
  services::Route r = route({"config", "n", "free"});
  r.inject_types = {{"config", JsonType::object}, {"n", JsonType::number}, {"free", JsonType::array}};
  EXPECT_EQ(di_errors_json(plan_dependencies(app, r).problems),
            R"([{"type":"type_mismatch","dependency_key":"config","expected_type":"object","actual_type":"string"}])");
  EXPECT_TRUE(json_type_fits(JsonType::number, "integer"));
  EXPECT_FALSE(json_type_fits(JsonType::integer, "number"));
  EXPECT_TRUE(json_type_fits(JsonType::integer, ""));
}

TEST(DiPlan, ASingletonCannotTakeARequestsThing) {
  const std::vector<Dependency> app{factory(0, "r", {}), factory(1, "s", {"t"}, DependencyScope::singleton),
                                    factory(2, "t", {"r"}, DependencyScope::transient)};
  EXPECT_EQ(di_errors_json(plan_dependencies(app, route({"s"})).problems), R"([{"type":"scope_mismatch","dependency_key":"r"}])");
}

TEST(DiPlan, TransientsThatMultiplyAreRefusedQuickly) {
  std::vector<Dependency> app;
  for (std::uint32_t i = 0; i < 40; ++i) {
    const std::string next = "t" + std::to_string(i + 1);
    app.push_back(factory(i, "t" + std::to_string(i), {next, next}, DependencyScope::transient));
  }
  EXPECT_FALSE(plan_dependencies(app, route({"t0"})).problems.empty()) << "t40 is missing";
  app.push_back(value(40, "t40"));
  const DiPlanning p = plan_dependencies(app, route({"t0"}));
  ASSERT_FALSE(p.problems.empty());
  EXPECT_EQ(p.problems[0].type, DiProblem::Type::too_many_instances);
}

}  // namespace
}  // namespace spikard::http
