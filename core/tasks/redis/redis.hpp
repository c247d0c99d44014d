#pragma once

#include <memory>

#include "base/result.hpp"
#include "tasks/backend.hpp"
#include "tasks/memory/hub.hpp"
#include "tasks/registry.hpp"

namespace spikard::tasks {

/// Tasks on a Redis, for any number of processes: every change of a job is one script on its queue (README.md has the layout).
/// Connects with the first call. `hubs`: of this process; null: this backend hears only what the server tells. Errors: those of
/// the URL.
[[nodiscard]] Result<std::shared_ptr<Backend>> open_redis_backend(const StoreOptions& options, Hubs* hubs);

}  // namespace spikard::tasks
