// pattern NUL text: the own matcher against RE2, and any pattern through the translation.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <simdjson.h>

#include "validation/pattern.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using spikard::validation::detail::Pattern;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const auto cut = all.find('\0');
  if (cut == std::string_view::npos || cut > 200) return 0;
  const auto pattern = Pattern::compile(all.substr(0, cut));
  if (!pattern) return 0;
  const std::string_view text = all.substr(cut + 1);
  const auto verdict = pattern->match(text);
  if (pattern->engine() != Pattern::Engine::simple || !simdjson::validate_utf8(text.data(), text.size())) return 0;
  const auto other = Pattern::compile(all.substr(0, cut), false);
  // Counts that only the own matcher takes leave nothing to compare with.
  if (other && other->engine() == Pattern::Engine::re2 && other->match(text) != verdict) std::abort();
  return 0;
}
