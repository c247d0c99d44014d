#pragma once

#include <memory>

#include "base/result.hpp"
#include "tasks/backend.hpp"
#include "tasks/registry.hpp"

namespace spikard::tasks {

/// Jobs in a SQLite file, which db and messaging may share (docs/guide/tasks.md). Brings its tables up to date, so it
/// blocks: for start-up.
[[nodiscard]] Result<std::shared_ptr<Backend>> open_sqlite_backend(const StoreOptions& options,
                                                                   store::sqlite::Databases& databases);

}  // namespace spikard::tasks
