// A 500-byte order: customer, 1 to 50 items with a pattern and ranges. ninja -C build/bench validation_bench &&
// build/bench/core/validation/validation_bench
#include <benchmark/benchmark.h>

#include <array>
#include <memory>

#include "base/json.hpp"
#include "validation/pattern.hpp"
#include "validation/schema.hpp"

namespace {

using namespace spikard;              // NOLINT
using namespace spikard::validation;  // NOLINT

constexpr std::string_view order_schema = R"({
  "type": "object",
  "properties": {
    "customer": {"type": "object", "properties": {
      "id": {"type": "integer", "minimum": 1}, "name": {"type": "string", "minLength": 1, "maxLength": 100},
      "email": {"type": "string", "format": "email"}}, "required": ["id", "name", "email"], "additionalProperties": false},
    "items": {"type": "array", "minItems": 1, "maxItems": 50, "items": {"type": "object", "properties": {
      "sku": {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"}, "quantity": {"type": "integer", "minimum": 1, "maximum": 1000},
      "price": {"type": "number", "exclusiveMinimum": 0, "maximum": 100000}}, "required": ["sku", "quantity", "price"], "additionalProperties": false}},
    "currency": {"enum": ["EUR", "USD", "GBP"]},
    "note": {"anyOf": [{"type": "string", "maxLength": 200}, {"type": "null"}]}},
  "required": ["customer", "items", "currency"], "additionalProperties": false})";

Document order() {
  std::string text = R"({"customer": {"id": 4711, "name": "Ada Lovelace", "email": "ada@example.com"}, "items": [)";
  for (int i = 0; i < 8; ++i) {
    if (i > 0) text += ", ";
    text += R"({"sku": "ABC-123)" + std::to_string(i) + R"(", "quantity": )" + std::to_string(i + 1) + R"(, "price": 19.99})";
  }
  text += R"(], "currency": "EUR", "note": null})";
  return json::parse(text).value();
}

void validate_order(benchmark::State& state) {
  const Schema schema = Schema::compile(json::parse(order_schema).value().root()).value();
  const Document document = order();
  if (!schema.valid(document.root())) state.SkipWithError("the order should be valid");
  for (auto _ : state) benchmark::DoNotOptimize(schema.valid(document.root()));
}
BENCHMARK(validate_order);

void pattern(benchmark::State& state, bool simple) {
  const auto p = spikard::validation::detail::Pattern::compile("^[A-Z]{3}-[0-9]{4}$", simple).value();
  for (auto _ : state) benchmark::DoNotOptimize(p.match("ABC-1234"));
}
BENCHMARK_CAPTURE(pattern, own, true);
BENCHMARK_CAPTURE(pattern, re2, false);

void read_parameter(benchmark::State& state) {
  const Parameter p = Parameter::compile({"query", "limit", true},
                                         json::parse(R"({"type": "integer", "minimum": 1, "maximum": 100})").value().root())
                          .value();
  const std::string text = "42";
  const std::array<std::string_view, 1> texts{text};
  Node nodes[4];
  for (auto _ : state) {
    NodeRoom room{text.data(), nodes, 4};
    Issues issues;
    benchmark::DoNotOptimize(p.read(texts, room, issues));
  }
}
BENCHMARK(read_parameter);

}  // namespace
