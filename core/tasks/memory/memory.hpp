#pragma once

#include <memory>

#include "tasks/backend.hpp"
#include "tasks/registry.hpp"

namespace spikard::tasks {

/// Jobs in this process only: what every other store is measured by. One lock; nothing waits while it is held.
[[nodiscard]] std::shared_ptr<Backend> make_memory_backend(const StoreOptions& options);

}  // namespace spikard::tasks
