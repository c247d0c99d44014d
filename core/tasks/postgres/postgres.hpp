#pragma once

#include <memory>

#include "base/result.hpp"
#include "store/postgres/database.hpp"
#include "tasks/backend.hpp"
#include "tasks/registry.hpp"

namespace spikard::tasks {

/// Tasks in a PostgreSQL database, for any number of processes. Connects, and makes its tables, with the first call. Errors:
/// those of the URL.
[[nodiscard]] Result<std::shared_ptr<Backend>> open_postgres_backend(const StoreOptions& options,
                                                                     store::postgres::Databases& databases);

}  // namespace spikard::tasks
