#pragma once

#include <memory>

#include "app/faults/inject.hpp"
#include "cache/backend.hpp"
#include "db/backend.hpp"
#include "messaging/backend.hpp"
#include "storage/backend.hpp"
#include "tasks/backend.hpp"

namespace spikard::app {

/// The same backend with faults. What the application does to start (subscribing, declaring schedules, migrations) and what has
/// tables of Spikard's own (the outbox and its relay) is left alone.
[[nodiscard]] std::unique_ptr<cache::Backend> with_faults(std::unique_ptr<cache::Backend> backend, FaultSite site);
[[nodiscard]] std::shared_ptr<storage::Backend> with_faults(std::shared_ptr<storage::Backend> backend, FaultSite site);
[[nodiscard]] std::shared_ptr<db::Backend> with_faults(std::shared_ptr<db::Backend> backend, FaultSite site);
[[nodiscard]] std::shared_ptr<messaging::Backend> with_faults(std::shared_ptr<messaging::Backend> backend, FaultSite site);
[[nodiscard]] std::shared_ptr<tasks::Backend> with_faults(std::shared_ptr<tasks::Backend> backend, FaultSite site);

}  // namespace spikard::app
