#pragma once

#include "base/result.hpp"
#include "store/mysql/wire.hpp"

namespace spikard::store::mysql {

/// The server's error as ours: by its number, else by its SQLSTATE (the table is in error.cpp). Messages of constraints, which
/// quote data, are replaced by what they say without it.
[[nodiscard]] Error map_error(const wire::ServerError& error);
/// The number that `map_error` kept; 0: none.
[[nodiscard]] unsigned number_of(const Error& error) noexcept;

}  // namespace spikard::store::mysql
