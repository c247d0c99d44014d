#include "tasks/registry.hpp"

#ifdef SPIKARD_TASKS_MEMORY
#include "tasks/memory/memory.hpp"
#endif
#ifdef SPIKARD_TASKS_MYSQL
#include "tasks/mysql/mysql.hpp"
#endif
#ifdef SPIKARD_TASKS_POSTGRES
#include "tasks/postgres/postgres.hpp"
#endif
#ifdef SPIKARD_TASKS_REDIS
#include "tasks/redis/redis.hpp"
#endif
#ifdef SPIKARD_TASKS_SQLITE
#include "tasks/sqlite/sqlite.hpp"
#endif

namespace spikard::tasks {
namespace {

[[maybe_unused]] Error absent(const char* scheme, const char* option) {
  return Error(ErrorKind::unsupported, std::string("this build has no ") + scheme + " tasks; build with " + option)
      .with_operation("tasks.open");
}

}  // namespace

Result<std::shared_ptr<Backend>> open_backend(const StoreOptions& options, const Environment& environment) {
  (void)environment;
  const std::string& url = options.url;
  if (url.starts_with("memory:")) {
#ifdef SPIKARD_TASKS_MEMORY
    if (url != "memory:") return invalid_argument("memory: takes nothing more in its URL").with_operation("tasks.open");
    return make_memory_backend(options);
#else
    return absent("memory:", "-DSPIKARD_TASKS_MEMORY=ON");
#endif
  }
  if (url.starts_with("sqlite:")) {
#ifdef SPIKARD_TASKS_SQLITE
    if (environment.databases == nullptr)
      return invalid_argument("sqlite: tasks need the application's databases").with_operation("tasks.open");
    return open_sqlite_backend(options, *environment.databases);
#else
    return absent("sqlite:", "-DSPIKARD_TASKS_SQLITE=ON");
#endif
  }
  if (url.starts_with("postgres:") || url.starts_with("postgresql:")) {
#ifdef SPIKARD_TASKS_POSTGRES
    if (environment.postgres == nullptr)
      return invalid_argument("postgres: tasks need the application's databases").with_operation("tasks.open");
    return open_postgres_backend(options, *environment.postgres);
#else
    return absent("postgres:", "-DSPIKARD_TASKS_POSTGRES=ON");
#endif
  }
  if (url.starts_with("mysql:") || url.starts_with("mariadb:")) {
#ifdef SPIKARD_TASKS_MYSQL
    if (environment.mysql == nullptr)
      return invalid_argument("mysql: tasks need the application's databases").with_operation("tasks.open");
    return open_mysql_backend(options, *environment.mysql);
#else
    return absent("mysql:", "-DSPIKARD_TASKS_MYSQL=ON");
#endif
  }
  if (url.starts_with("redis:") || url.starts_with("rediss:") || url.starts_with("redis+") || url.starts_with("rediss+")) {
#ifdef SPIKARD_TASKS_REDIS
    return open_redis_backend(options, environment.hubs);
#else
    return absent("redis:", "-DSPIKARD_TASKS_REDIS=ON");
#endif
  }
  return invalid_argument("url: a store of tasks is expected, memory:, sqlite:FILE, postgres://..., mysql://... or redis://...")
      .with_operation("tasks.open");
}

}  // namespace spikard::tasks
