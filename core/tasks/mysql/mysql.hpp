#pragma once

#include <memory>

#include "base/result.hpp"
#include "store/mysql/database.hpp"
#include "tasks/backend.hpp"
#include "tasks/registry.hpp"

namespace spikard::tasks {

/// Tasks in a MySQL or MariaDB database, for any number of processes. Connects, and makes its tables, with the first call. What
/// another process did is found by looking, every `poll` of who waits. Errors: those of the URL.
[[nodiscard]] Result<std::shared_ptr<Backend>> open_mysql_backend(const StoreOptions& options,
                                                                  store::mysql::Databases& databases);

}  // namespace spikard::tasks
