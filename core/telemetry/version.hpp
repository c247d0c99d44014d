#pragma once

#include <string_view>

namespace spikard::telemetry {

/// Of this library, as CMakeLists.txt has it (a test compares).
inline constexpr std::string_view version = "0.1.0";

}  // namespace spikard::telemetry
