#pragma once

#include "base/result.hpp"
#include "store/postgres/wire.hpp"

namespace spikard::store::postgres {

/// A SQLSTATE as our error (README.md has the table). The server's primary message stays, its detail does not: that quotes data.
[[nodiscard]] Error map_error(const wire::ErrorFields& fields);

}  // namespace spikard::store::postgres
