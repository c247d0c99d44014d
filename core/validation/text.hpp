#pragma once

#include <cstdint>
#include <string_view>

namespace spikard::validation::detail {

// Text to value, as fixtures/README.md section 2 has it; false where the text is none.
[[nodiscard]] bool parse_integer(std::string_view text, std::int64_t& out) noexcept;
[[nodiscard]] bool parse_number(std::string_view text, double& out) noexcept;
[[nodiscard]] bool parse_boolean(std::string_view text, bool& out) noexcept;

}  // namespace spikard::validation::detail
