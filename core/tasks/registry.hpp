#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/blocking_pool.hpp"
#include "tasks/backend.hpp"

namespace spikard::store::sqlite {
class Databases;
}
namespace spikard::store::postgres {
class Databases;
}
namespace spikard::store::mysql {
class Databases;
}

namespace spikard::tasks {

class Hubs;

struct StoreOptions {
  std::string url = "memory:";
  Millis retention_ms = 86'400'000;
  Millis failed_retention_ms = 604'800'000;
};

/// What stores may need of the application; all of it outlives them.
struct Environment {
  store::sqlite::Databases* databases = nullptr;   ///< for `sqlite:`
  store::postgres::Databases* postgres = nullptr;  ///< for `postgres:`
  store::mysql::Databases* mysql = nullptr;        ///< for `mysql:`
  Hubs* hubs = nullptr;  ///< for `redis:`: what one client of a store does, the others in this process are told at once
};

/// By the URL's scheme. Blocks: for start-up. Errors: invalid_argument for an unknown scheme, naming the option where it is only
/// not built; those of the store.
[[nodiscard]] Result<std::shared_ptr<Backend>> open_backend(const StoreOptions& options, const Environment& environment);

}  // namespace spikard::tasks
