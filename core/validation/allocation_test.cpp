// The valid case allocates nothing once a thread's scratch has grown.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <new>

#include "base/json.hpp"
#include "validation/schema.hpp"

namespace {
std::size_t allocations = 0;  // NOLINT: counted by the operators below
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size == 0 ? 1 : size)) return p;
  throw std::bad_alloc();
}
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}
void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept { return operator new(size, tag); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

namespace spikard::validation {
namespace {

TEST(Allocation, NoneForAValidDocument) {
  const Schema schema = Schema::compile(json::parse(R"({"$dynamicAnchor": "n", "type": "object", "properties": {
      "name": {"type": "string", "minLength": 1, "pattern": "^(a|b)+$"}, "sku": {"pattern": "^[A-Z]{3}$", "format": "hostname"},
      "price": {"type": "number", "multipleOf": 0.01, "maximum": 99.5}, "kind": {"enum": ["x", "y"]}, "odd": {"enum": [1, "z"]},
      "list": {"type": "array", "uniqueItems": true, "contains": {"const": 3}, "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]}},
      "inner": {"$dynamicRef": "#n"}, "pcre": {"pattern": "^(?=.*1)x"}},
      "allOf": [{"properties": {"extra": true}}], "unevaluatedProperties": false})")
                                            .value()
                                            .root())
                            .value();
  const Document document =
      json::parse(R"({"name": "abab", "sku": "ABC", "price": 19.99, "kind": "x", "odd": "z", "extra": 1, "pcre": "x1",
      "list": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, "a"], "inner": {"name": "a"}})")
          .value();
  ASSERT_TRUE(schema.valid(document.root()));
  const std::size_t before = allocations;
  bool valid = true;
  Issues issues;
  for (int i = 0; i < 10; ++i) valid = valid && schema.valid(document.root()) && schema.check(document.root(), {}, issues);
  EXPECT_EQ(allocations, before);
  EXPECT_TRUE(valid);
}

TEST(Allocation, NoneForAValidParameter) {
  const auto compile = [](std::string_view schema) {
    return Parameter::compile({"query", "p", true}, json::parse(schema).value().root()).value();
  };
  const std::array parameters{compile(R"({"type": "integer", "minimum": 1})"),
                              compile(R"({"type": "array", "items": {"type": "number"}})"),
                              compile(R"({"type": ["integer", "null"]})"), compile(R"({"type": "boolean"})")};
  const std::string text = "1";
  const std::array<std::string_view, 2> texts{text, text};
  std::array<Node, 16> nodes{};
  const std::size_t before = allocations;
  bool ok = true;
  for (const Parameter& p : parameters) {
    NodeRoom room{text.data(), nodes.data(), nodes.size()};
    Issues issues;
    ok = ok && p.read(texts, room, issues);
  }
  EXPECT_EQ(allocations, before);
  EXPECT_TRUE(ok);
}

}  // namespace
}  // namespace spikard::validation
