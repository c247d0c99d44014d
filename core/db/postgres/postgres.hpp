#pragma once

#include <cstdint>
#include <memory>

#include "db/backend.hpp"
#include "store/postgres/database.hpp"

namespace spikard::db::postgres {

/// The backend `postgres:`. Connects with the first statement. Closing it closes its connections; the database stays for others.
[[nodiscard]] std::shared_ptr<Backend> make(std::shared_ptr<store::postgres::Database> database, std::uint32_t max_connections);

}  // namespace spikard::db::postgres
