#include "db/registry.hpp"

#include <algorithm>

#include "base/redact.hpp"
#ifdef SPIKARD_DB_MYSQL
#include "db/mysql/mysql.hpp"
#endif
#ifdef SPIKARD_DB_POSTGRES
#include "db/postgres/postgres.hpp"
#endif
#ifdef SPIKARD_DB_SQLITE
#include "db/sqlite/sqlite.hpp"
#include "store/sqlite/databases.hpp"
#endif

namespace spikard::db {
namespace {

#ifdef SPIKARD_DB_SQLITE
Result<std::shared_ptr<Backend>> open_sqlite(const services::DbConfig& config, const Environment& environment) {
  if (environment.databases == nullptr) return internal_error("sqlite: needs the application's databases");
  Result<store::sqlite::DatabaseOptions> options = store::sqlite::DatabaseOptions::from_url(config.url);
  if (!options.ok()) return Error(ErrorKind::invalid_argument, "url: " + options.error().message());
  // One connection of the pool may be the writer.
  options->readers = std::clamp<std::uint32_t>(config.pool.max, 1, 64);
  options->statement_cache = config.statement_cache;
  Result<std::shared_ptr<store::sqlite::Database>> database = environment.databases->open(*options);
  if (!database.ok()) return std::move(database).error();
  return sqlite::make(std::move(*database));
}
#endif
#ifdef SPIKARD_DB_MYSQL
Result<std::shared_ptr<Backend>> open_mysql(const services::DbConfig& config, const Environment& environment) {
  if (environment.mysql == nullptr) return internal_error("mysql: needs the application's databases");
  Result<std::shared_ptr<store::mysql::Database>> database = environment.mysql->open(config.url, config.statement_cache);
  if (!database.ok()) return std::move(database).error();
  return mysql::make(std::move(*database), config.pool.max);
}
#endif
#ifdef SPIKARD_DB_POSTGRES
Result<std::shared_ptr<Backend>> open_postgres(const services::DbConfig& config, const Environment& environment) {
  if (environment.postgres == nullptr) return internal_error("postgres: needs the application's databases");
  Result<std::shared_ptr<store::postgres::Database>> database = environment.postgres->open(config.url, config.statement_cache);
  if (!database.ok()) return std::move(database).error();
  return postgres::make(std::move(*database), config.pool.max);
}
#endif

}  // namespace

Result<std::shared_ptr<Backend>> Registry::open(const services::DbConfig& config, const Environment& environment) const {
  const std::size_t colon = config.url.find(':');
  if (colon == std::string::npos) return invalid_argument("url: expected the URL of a database, such as `sqlite:data/app.db`");
  const std::string_view scheme = std::string_view(config.url).substr(0, colon);
  if (const auto found = backends_.find(scheme); found != backends_.end()) return found->second(config, environment);
  if (scheme == "sqlite")
    return Error(ErrorKind::unsupported, "url: sqlite: is not in this build; configure it with SPIKARD_DB_SQLITE=ON");
  if (scheme == "postgres" || scheme == "postgresql")
    return Error(ErrorKind::unsupported, "url: postgres: is not in this build; configure it with SPIKARD_DB_POSTGRES=ON");
  if (scheme == "mysql" || scheme == "mariadb")
    return Error(ErrorKind::unsupported, "url: mysql: is not in this build; configure it with SPIKARD_DB_MYSQL=ON");
  return invalid_argument("url: no database for '" + redact_urls(config.url) +
                          "'; expected sqlite:FILE, sqlite::memory:, postgres://... or mysql://...");
}

void register_builtin_backends(Registry& registry) {
  (void)registry;
#ifdef SPIKARD_DB_SQLITE
  registry.add("sqlite", open_sqlite);
#endif
#ifdef SPIKARD_DB_MYSQL
  registry.add("mysql", open_mysql);
  registry.add("mariadb", open_mysql);
#endif
#ifdef SPIKARD_DB_POSTGRES
  registry.add("postgres", open_postgres);
  registry.add("postgresql", open_postgres);
#endif
}

Result<std::shared_ptr<Client>> open(const services::DbConfig& config, const Environment& environment) {
  Registry registry;
  register_builtin_backends(registry);
  Result<std::shared_ptr<Backend>> backend = registry.open(config, environment);
  if (!backend.ok()) return std::move(backend).error();
  return Client::make(std::move(*backend), ClientOptions(config), environment.tracer);
}

}  // namespace spikard::db
