#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "net/blocking_pool.hpp"
#include "services/storage.gen.hpp"
#include "storage/backend.hpp"
#include "telemetry/provider.hpp"

namespace spikard::storage {

/// What a backend is opened in. The clock and the pool outlive it.
struct Environment {
  Environment(const Clock& of_clock, net::BlockingPool& of_pool) noexcept : clock(&of_clock), pool(&of_pool) {}
  const Clock* clock;
  net::BlockingPool* pool;
  std::string name = "default";  ///< of the store among the application's: part of its signed URLs
  telemetry::Tracer tracer;      ///< null where telemetry is off
  std::string base_url;          ///< of the application's HTTP server, where the configuration names none
};

/// Opens the store that the configuration's URL names; may block (a folder is made or read). Errors: invalid_argument naming the
/// member; unsupported for a backend that is not built, naming the option that adds it.
[[nodiscard]] Result<std::shared_ptr<Backend>> open(const services::StorageConfig& config, const Environment& environment);

}  // namespace spikard::storage
