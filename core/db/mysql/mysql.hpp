#pragma once

#include <cstdint>
#include <memory>

#include "db/backend.hpp"
#include "store/mysql/database.hpp"

namespace spikard::db::mysql {

/// The backend `mysql:`. Connects with the first statement. Closing it closes its connections; the database stays for others.
[[nodiscard]] std::shared_ptr<Backend> make(std::shared_ptr<store::mysql::Database> database, std::uint32_t max_connections);

}  // namespace spikard::db::mysql
