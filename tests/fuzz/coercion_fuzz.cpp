// schema NUL text tree (both JSON): coerce_and_check says what it did; what passes passes `valid` too. And the schema as that of
// a query parameter.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "validation/schema.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace spikard;              // NOLINT
  using namespace spikard::validation;  // NOLINT
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const auto cut = all.find('\0');
  if (cut == std::string_view::npos) return 0;
  const auto text = json::parse(all.substr(0, cut));
  const auto tree = json::parse(all.substr(cut + 1));
  if (!text || !tree) return 0;
  if (const auto schema = Schema::compile(text->root())) {
    NodeBuilder out;
    Issues issues;
    const bool ok = schema->coerce_and_check(tree->root(), {}, out, issues);
    if (ok != issues.empty() || (ok && !schema->valid(out.root()))) std::abort();
  }
  for (const bool explode : {true, false}) {
    const auto parameter = Parameter::compile({"query", "p", false, Style::form, explode}, text->root());
    if (!parameter) return 0;
    const std::string block(all);
    const std::vector<std::string_view> texts{std::string_view(block).substr(cut + 1), std::string_view(block).substr(cut)};
    std::vector<Node> nodes(64);
    NodeRoom room{block.data(), nodes.data(), nodes.size()};
    Issues issues;
    const bool ok = parameter->read(texts, room, issues);
    if (ok && (!issues.empty() || room.out_of_room || nodes[0].next() != nodes.data() + room.used)) std::abort();
    if (!ok && issues.empty() && !room.out_of_room) std::abort();
  }
  return 0;
}
