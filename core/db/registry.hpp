#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "db/client.hpp"
#include "net/blocking_pool.hpp"
#include "services/db.gen.hpp"
#include "telemetry/provider.hpp"

namespace spikard::store::sqlite {
class Databases;
}
namespace spikard::store::postgres {
class Databases;
}
namespace spikard::store::mysql {
class Databases;
}

namespace spikard::db {

/// What a database needs of its application. All of it outlives the client.
struct Environment {
  explicit Environment(net::BlockingPool& of_pool) noexcept : pool(&of_pool) {}
  net::BlockingPool* pool;
  store::sqlite::Databases* databases = nullptr;   ///< null: no `sqlite:`
  store::postgres::Databases* postgres = nullptr;  ///< null: no `postgres:`
  store::mysql::Databases* mysql = nullptr;        ///< null: no `mysql:`
  telemetry::Tracer tracer{};
};

/// Backends by the scheme of their URL.
class Registry {
 public:
  using Open = std::function<Result<std::shared_ptr<Backend>>(const services::DbConfig&, const Environment&)>;
  void add(std::string scheme, Open open) { backends_[std::move(scheme)] = std::move(open); }
  /// Blocks where the backend must: for start-up. Errors: invalid_argument naming `url`, unsupported naming the option that adds
  /// the backend, unavailable, corrupt.
  [[nodiscard]] Result<std::shared_ptr<Backend>> open(const services::DbConfig& config, const Environment& environment) const;

 private:
  std::map<std::string, Open, std::less<>> backends_;
};

/// Those of this build.
void register_builtin_backends(Registry& registry);
/// A client by a registry of those.
[[nodiscard]] Result<std::shared_ptr<Client>> open(const services::DbConfig& config, const Environment& environment);

}  // namespace spikard::db
