#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "store/sqlite/database.hpp"

namespace spikard::store::sqlite {

/// The databases an application has open, by file: db, messaging and tasks that name one file get one Database. Owned by the
/// application (one for each), which outlives its clients and closes it before the blocking pool stops. Thread-safe.
class Databases {
 public:
  explicit Databases(net::BlockingPool& pool) noexcept : pool_(pool) {}
  Databases(const Databases&) = delete;
  Databases& operator=(const Databases&) = delete;

  /// Opened by the first who asks, with that one's options; a later one raises the number of readers, and is invalid_argument
  /// where it wants another `synchronous` or `busy_timeout_ms`. `sqlite::memory:` is one database for the whole application.
  /// Blocks when it opens.
  [[nodiscard]] Result<std::shared_ptr<Database>> open(const DatabaseOptions& options);
  [[nodiscard]] Result<std::shared_ptr<Database>> open(std::string_view url);
  /// Of all that are open.
  void close();

 private:
  net::BlockingPool& pool_;
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<Database>> open_;
};

}  // namespace spikard::store::sqlite
