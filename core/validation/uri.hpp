#pragma once

#include <string>
#include <string_view>

namespace spikard::validation::detail {

/// RFC 3986 section 5.2: `reference` against `base`. The fragment is kept; an empty one is dropped.
[[nodiscard]] std::string resolve_uri(std::string_view base, std::string_view reference);
/// Percent escapes undone, for fragments.
[[nodiscard]] std::string percent_decoded(std::string_view text);

}  // namespace spikard::validation::detail
