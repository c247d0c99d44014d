#include "base/json.hpp"
#include "validation/schema.hpp"

int main() {
  auto schema = spikard::json::parse(R"({"type": "integer", "minimum": 3})");
  auto compiled = spikard::validation::Schema::compile(schema->root());
  auto three = spikard::json::parse("3");
  auto two = spikard::json::parse("2");
  return compiled.ok() && compiled->valid(three->root()) && !compiled->valid(two->root()) ? 0 : 1;
}
