// core/validation against the reference validator, on schemas and instances made from the bytes.
#include <cstdio>
#include <cstdlib>

#include "schema_differential.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string difference = reference::compare({data, size});
  if (!difference.empty()) {
    std::fprintf(stderr, "%s\n", difference.c_str());
    std::abort();
  }
  return 0;
}
