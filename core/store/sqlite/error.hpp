#pragma once

#include <string_view>

#include "base/error.hpp"

namespace spikard::store::sqlite {

/// SQLite's (extended) result code and text as an Error; the one place where they are mapped (README.md has the table).
[[nodiscard]] Error map_error(int code, std::string_view message);

}  // namespace spikard::store::sqlite
