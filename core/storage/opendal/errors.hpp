#pragma once

#include <cstdint>
#include <string>

#include "base/error.hpp"

namespace spikard::storage::detail {

/// What a code of opendal.h is in the terms of backend.hpp. `subject` is the key or what else it was about.
[[nodiscard]] Error opendal_error(std::int32_t code, bool temporary, std::string message, const std::string& subject);

}  // namespace spikard::storage::detail
