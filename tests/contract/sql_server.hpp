#pragma once

#include <sys/types.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#ifdef SPIKARD_TEST_MYSQL
#include "mysql_database.hpp"
#endif
#ifdef SPIKARD_TEST_POSTGRES
#include "postgres_schema.hpp"
#endif

namespace spikard::contract {

/// A place of the test's own on the real server of that name.
class SqlServer {
 public:
  explicit SqlServer(std::string name) : name_(std::move(name)) {
#ifdef SPIKARD_TEST_MYSQL
    if (name_ == "mysql") mysql_.emplace();
#endif
#ifdef SPIKARD_TEST_POSTGRES
    if (name_ == "postgres") postgres_.emplace();
#endif
  }
  /// Other processes hear of what is to be done, without looking.
  [[nodiscard]] bool tells() const noexcept { return name_ == "postgres"; }
  [[nodiscard]] std::string url() const {
#ifdef SPIKARD_TEST_MYSQL
    if (mysql_) return mysql_->url();
#endif
#ifdef SPIKARD_TEST_POSTGRES
    if (postgres_) return postgres_->url();
#endif
    return {};
  }
  std::string run(const std::string& sql) const {
#ifdef SPIKARD_TEST_MYSQL
    if (mysql_) return mysql_->run(sql);
#endif
#ifdef SPIKARD_TEST_POSTGRES
    if (postgres_) return postgres_->run(sql);
#endif
    return sql;
  }
  /// The server's own URL.
  [[nodiscard]] std::string base() const { return server_setting(name_ == "mysql" ? "MYSQL_URL" : "POSTGRES_URL"); }
  /// `HOST:PORT`, as it stands in `url`.
  [[nodiscard]] std::string host() const {
    const std::string whole = base();
    const std::size_t from = whole.find('@') + 1;
    return whole.substr(from, whole.find('/', from) - from);
  }
  /// Of a server on this host that is one process; 0 for another.
  [[nodiscard]] ::pid_t pid() const {
    if (name_ != "mysql") return 0;
    std::ifstream file(run("SELECT @@pid_file"));
    ::pid_t out = 0;
    file >> out;
    return out;
  }
  /// `tools/services WHAT NAME`; 0 where it did.
  [[nodiscard]] int control(const std::string& what) const {
    return std::system(("tools/services " + what + " " + name_ + " >/dev/null 2>&1").c_str());
  }

 private:
  const std::string name_;
#ifdef SPIKARD_TEST_MYSQL
  std::optional<MysqlDatabase> mysql_;
#endif
#ifdef SPIKARD_TEST_POSTGRES
  std::optional<PostgresSchema> postgres_;
#endif
};

/// What an application has open of either.
struct SqlDatabases {
  template <class Environment>
  void give([[maybe_unused]] Environment& environment) {
#ifdef SPIKARD_TEST_MYSQL
    environment.mysql = &mysql;
#endif
#ifdef SPIKARD_TEST_POSTGRES
    environment.postgres = &postgres;
#endif
  }
#ifdef SPIKARD_TEST_MYSQL
  store::mysql::Databases mysql;
#endif
#ifdef SPIKARD_TEST_POSTGRES
  store::postgres::Databases postgres;
#endif
};

}  // namespace spikard::contract
