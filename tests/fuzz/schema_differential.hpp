#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/json.hpp"
#include "reference_validator.hpp"
#include "schema_generator.hpp"
#include "validation/schema.hpp"

namespace reference {

/// Makes a schema and instances from the bytes and compares core/validation with the reference. Returns what differs, or nothing.
inline std::string compare(std::span<const std::uint8_t> bytes) {
  using spikard::validation::Issues;
  using spikard::validation::Schema;
  Generator generate(bytes);
  spikard::NodeBuilder schema;
  generate.schema_document(schema);
  const auto compiled = Schema::compile(schema.root());
  if (!compiled) {
    // The generator makes no other mistake.
    const bool loop = compiled.error().message().find("refers to itself") != std::string::npos;
    const bool zero = compiled.error().message().find("multipleOf") != std::string::npos;
    return loop || zero ? "" : "refused: " + compiled.error().message() + " " + spikard::json::to_string(schema.root());
  }
  for (int i = 0; i < 4; ++i) {
    spikard::NodeBuilder instance;
    generate.instance(instance);
    const bool expected = Validator(schema.root()).valid(instance.root());
    const bool actual = compiled->valid(instance.root());
    Issues issues;
    const bool checked = compiled->check(instance.root(), {}, issues);
    const auto describe = [&](const char* what) {
      return std::string(what) + ": schema " + spikard::json::to_string(schema.root()) + " instance " +
             spikard::json::to_string(instance.root());
    };
    if (expected != actual) return describe(expected ? "should be valid" : "should be invalid");
    if (checked != actual || issues.empty() != actual) return describe("check and valid differ");
    for (const auto& issue : issues.list()) {
      if (issue.msg == "Input is not valid") return describe("no issue was found");
    }
    spikard::NodeBuilder filled;
    compiled->with_defaults(instance.root(), filled);
  }
  return {};
}

}  // namespace reference
