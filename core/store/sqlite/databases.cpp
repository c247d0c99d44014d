#include "store/sqlite/databases.hpp"

#include <filesystem>
#include <system_error>
#include <vector>

namespace spikard::store::sqlite {
namespace {

Error differs(const std::string& name, const std::string& value, const DatabaseOptions& options) {
  return Error(ErrorKind::invalid_argument, name + ": another client of this file opened it with " + name + "=" + value +
                                                ": give both URLs the same, or each a file of its own")
      .with("path", options.path);
}

}  // namespace

Result<std::shared_ptr<Database>> Databases::open(const DatabaseOptions& options) {
  std::string key = ":memory:";
  if (!options.memory) {
    std::error_code failed;
    // The part that is not there yet stays as it is; Database::open makes the same of it.
    key = std::filesystem::weakly_canonical(std::filesystem::absolute(options.path, failed), failed).string();
    if (failed) return Error(ErrorKind::invalid_argument, failed.message()).with("path", options.path);
  }
  const std::lock_guard lock(mutex_);
  std::weak_ptr<Database>& place = open_[key];
  if (std::shared_ptr<Database> database = place.lock()) {
    // What differs would go by who came first; of a file in memory neither means anything.
    if (!options.memory && options.full_sync != database->full_sync())
      return differs("synchronous", database->full_sync() ? "full" : "normal", options);
    if (!options.memory && options.busy_timeout_ms != database->busy_timeout_ms())
      return differs("busy_timeout_ms", std::to_string(database->busy_timeout_ms()), options);
    database->allow_readers(options.readers);
    return database;
  }
  Result<std::shared_ptr<Database>> opened = Database::open(options, pool_);
  if (opened.ok()) place = *opened;
  return opened;
}

Result<std::shared_ptr<Database>> Databases::open(std::string_view url) {
  Result<DatabaseOptions> options = DatabaseOptions::from_url(url);
  if (!options.ok()) return std::move(options).error();
  return open(*options);
}

void Databases::close() {
  std::vector<std::shared_ptr<Database>> all;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [key, place] : open_) {
      if (auto database = place.lock()) all.push_back(std::move(database));
    }
  }
  for (const auto& database : all) database->close();
}

}  // namespace spikard::store::sqlite
