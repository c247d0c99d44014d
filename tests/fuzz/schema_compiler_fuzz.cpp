// Any JSON as a schema: it compiles or is refused, and what compiles validates itself, reports and fills in defaults without a
// fault.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/json.hpp"
#include "validation/schema.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using spikard::validation::Issues;
  using spikard::validation::Schema;
  const auto document = spikard::json::parse({reinterpret_cast<const char*>(data), size});
  if (!document) return 0;
  const auto schema = Schema::compile(document->root());
  if (!schema) {
    if (schema.error().message().empty()) std::abort();
    return 0;
  }
  Issues issues;
  if (schema->check(document->root(), {}, issues) != issues.empty()) std::abort();
  spikard::NodeBuilder out;
  schema->with_defaults(document->root(), out);
  return 0;
}
