#include "store/sqlite/databases.hpp"

#include <filesystem>
#include <system_error>
#include <vector>

namespace spikard::store::sqlite {

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
