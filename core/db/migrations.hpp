#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/client.hpp"
#include "net/blocking_pool.hpp"
#include "store/placeholders.hpp"

namespace spikard::db {

/// One file of a migrations folder: `0001_orders.sql`, or `0001_orders.postgres.sql`, which takes its place on that database.
struct MigrationFile {
  std::int64_t version = 0;
  std::string name;  ///< of the file
  std::string sql;
  std::string checksum;  ///< SHA-256 of its text with line ends as \n, in hex
};

/// The files of a folder that are for this database, in their order. Blocks. Errors: not_found (no such folder), invalid_argument
/// (a .sql file of another form, two of one number), too_large (a file over 16 MiB).
[[nodiscard]] Result<std::vector<MigrationFile>> read_migrations(const std::string& folder, store::Dialect dialect);

struct MigrationStatus {
  enum class State : std::uint8_t { applied, pending, changed, missing };
  std::string name;
  State state = State::pending;
  std::string applied_at;  ///< RFC 3339; empty for one that is pending
};
[[nodiscard]] std::string_view name_of(MigrationStatus::State state) noexcept;

/// Ordered SQL files, each applied once and in one transaction, whatever number of processes start at once (table
/// `spikard_migrations`).
class Migrations {
 public:
  Migrations(std::shared_ptr<Client> client, net::BlockingPool& pool, std::string folder)
      : client_(std::move(client)), pool_(pool), folder_(std::move(folder)) {}

  [[nodiscard]] Task<Result<std::vector<MigrationStatus>>> status(net::Caller caller);
  /// Names of the files applied now. Errors, besides those of the files: conflict, and nothing is done, when an applied file was
  /// changed or a new one comes before an applied one; the error of a statement, with the file's name: that file is undone, those
  /// before it stay.
  [[nodiscard]] Task<Result<std::vector<std::string>>> apply(net::Caller caller);

 private:
  struct Applied {
    std::int64_t version;
    std::string name;
    std::string checksum;
    std::string at;
  };
  [[nodiscard]] Task<Result<std::vector<MigrationFile>>> files(net::Caller caller);
  [[nodiscard]] Task<Result<std::vector<Applied>>> applied(net::Caller caller);

  std::shared_ptr<Client> client_;
  net::BlockingPool& pool_;
  std::string folder_;
};

}  // namespace spikard::db
