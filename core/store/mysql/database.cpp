#include "store/mysql/database.hpp"

#include <algorithm>
#include <utility>

#include "store/placeholders.hpp"

namespace spikard::store::mysql {

std::shared_ptr<Pool> Database::pool(std::uint32_t max) {
  auto made = std::make_shared<Pool>(context_, max);
  const std::lock_guard lock(mutex_);
  std::erase_if(pools_, [](const auto& weak) { return weak.expired(); });
  pools_.push_back(made);
  return made;
}

namespace {
// Names of locks are the server's, not a database's, and of 64 characters.
constexpr std::string_view lock_name = "CONCAT('spikard_', MD5(CONCAT(DATABASE(), '.', ?)))";
}  // namespace

Task<Result<void>> Database::lock(Connection& connection, std::string name) {
  for (;;) {
    std::vector<Argument> arguments{text_argument(name)};
    Result<Connection::Rows> got =
        co_await connection.query("SELECT GET_LOCK(" + std::string(lock_name) + ", 3600)", std::move(arguments));
    if (!got.ok()) co_return Result<void>(std::move(got).error());
    if (got->at(0, 0) == "1") co_return Result<void>();
  }
}

Task<Result<void>> Database::unlock(Connection& connection, std::string name) {
  std::vector<Argument> arguments{text_argument(name)};
  Result<Connection::Rows> done =
      co_await connection.query("SELECT RELEASE_LOCK(" + std::string(lock_name) + ")", std::move(arguments));
  if (!done.ok()) co_return Result<void>(std::move(done).error());
  co_return Result<void>();
}

Task<Result<void>> Database::migrate(Connection& connection, std::string name, std::span<const std::string_view> steps) {
  // Two that start together: the second waits for the lock, and finds it done.
  Result<void> locked = co_await lock(connection, "schemas");
  if (!locked.ok()) co_return locked;
  const auto work = [](Connection& on, std::string whose, std::span<const std::string_view> all) -> Task<Result<void>> {
    Result<Connection::Rows> made = co_await on.query(
        "CREATE TABLE IF NOT EXISTS spikard_schemas (name VARCHAR(190) PRIMARY KEY, version INTEGER NOT NULL, changed_at "
        "TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
    if (!made.ok()) co_return Result<void>(std::move(made).error());
    std::vector<Argument> one{text_argument(whose)};
    Result<Connection::Rows> found = co_await on.query("SELECT version FROM spikard_schemas WHERE name = ?", std::move(one));
    if (!found.ok()) co_return Result<void>(std::move(found).error());
    const std::size_t version = found->size() == 0 ? 0 : std::stoul(found->at(0, 0).value_or("0"));
    if (version > all.size()) {
      co_return Result<void>(Error(ErrorKind::conflict, "the tables of " + whose + " are of a newer version (" +
                                                            std::to_string(version) + ") than this program knows"));
    }
    for (std::size_t at = version; at < all.size(); ++at) {
      for (const std::string_view statement : split_statements(all[at], Dialect::mysql)) {
        on.control(statement);
        Result<void> done = co_await on.sync();
        if (!done.ok()) co_return done;
      }
      std::vector<Argument> now{text_argument(whose), integer_argument(static_cast<std::int64_t>(at + 1))};
      Result<Connection::Rows> noted = co_await on.query(
          "INSERT INTO spikard_schemas (name, version) VALUES (?, ?) ON DUPLICATE KEY UPDATE version = VALUES(version), "
          "changed_at = CURRENT_TIMESTAMP(6)",
          std::move(now));
      if (!noted.ok()) co_return Result<void>(std::move(noted).error());
    }
    co_return Result<void>();
  };
  Task<Result<void>> task = work(connection, std::move(name), steps);
  Result<void> done = co_await std::move(task);
  // A session that is dirty is reset before others have it, and its lock goes with that.
  if (!done.ok()) co_return done;
  Result<void> unlocked = co_await unlock(connection, "schemas");
  co_return unlocked;
}

void Database::forget(net::Loop& loop) {
  std::vector<std::shared_ptr<Pool>> pools;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& weak : pools_) {
      if (auto pool = weak.lock()) pools.push_back(std::move(pool));
    }
  }
  for (const auto& pool : pools) pool->forget(loop);
}

Result<std::shared_ptr<Database>> Databases::open(std::string_view url, std::uint32_t statement_cache) {
  Result<Options> options = Options::from_url(url);
  if (!options.ok()) return std::move(options).error();
  const std::string key(url);
  const std::lock_guard lock(mutex_);
  std::weak_ptr<Database>& place = open_[key];
  if (std::shared_ptr<Database> database = place.lock()) return database;
  Result<std::shared_ptr<Context>> context = Context::make(std::move(*options));
  if (!context.ok()) return std::move(context).error();
  // `query_all` has two different ones prepared at once.
  (*context)->statement_cache = std::max<std::uint32_t>(statement_cache, 2);
  auto database = std::make_shared<Database>(std::move(*context));
  place = database;
  return database;
}

void Databases::forget(net::Loop& loop) {
  std::vector<std::shared_ptr<Database>> all;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [key, place] : open_) {
      if (auto database = place.lock()) all.push_back(std::move(database));
    }
  }
  for (const auto& database : all) database->forget(loop);
}

}  // namespace spikard::store::mysql
