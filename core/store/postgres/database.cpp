#include "store/postgres/database.hpp"

#include <algorithm>
#include <utility>

#include "net/await.hpp"
#include "store/placeholders.hpp"

namespace spikard::store::postgres {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// The connection of one loop that hears notifications, for as long as somebody on it has a subscription.
class Database::Listener : public std::enable_shared_from_this<Listener> {
 public:
  Listener(Database& database, net::Loop& loop)
      : database_(&database), context_(database.context_), loop_(loop), resolver_(loop), broken_(loop) {}
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void start() {
    if (database_ != nullptr) tasks_.start(run(*this));
  }
  /// On the loop's thread; nobody is called afterwards.
  void stop() {
    database_ = nullptr;
    tasks_.clear();
    connection_.reset();
  }

 private:
  static Task<void> run(Listener& self) {
    for (Duration pause = milliseconds(100);; pause = std::min<Duration>(pause * 2, seconds(5))) {
      Result<void> heard = co_await self.listen();
      if (heard.ok()) {
        pause = milliseconds(100);
        self.database_->notify_on(self.loop_, nullptr);  // what was missed until now
        (void)co_await self.broken_.wait();
        self.broken_.reset();
      }
      self.connection_.reset();
      (void)co_await net::sleep(self.loop_, pause);
    }
  }

  Task<Result<void>> listen() {
    Result<std::unique_ptr<Connection>> opened = co_await Connection::open(loop_, context_, resolver_);
    if (!opened.ok()) co_return Result<void>(std::move(opened).error());
    std::unique_ptr<Connection> connection = std::move(*opened);
    connection->control("LISTEN spikard");
    Result<void> done = co_await connection->sync();
    if (!done.ok()) co_return done;
    connection_ = std::move(connection);
    connection_->on_broken([this] { broken_.set(); });
    connection_->on_notification([this](std::string_view channel, std::string_view payload, std::uint32_t pid) {
      // What this process did, it knows.
      if (database_ == nullptr || channel != Database::channel || context_->is_ours(pid)) return;
      const std::string topic(payload);
      database_->notify_on(loop_, &topic);
    });
    co_return Result<void>();
  }

  Database* database_;  // null once it is stopped
  const std::shared_ptr<Context> context_;
  net::Loop& loop_;
  net::Resolver resolver_;
  net::Event broken_;
  std::unique_ptr<Connection> connection_;
  OwnedTasks tasks_;
};

Database::~Database() = default;

std::shared_ptr<Pool> Database::pool(std::uint32_t max) {
  auto made = std::make_shared<Pool>(context_, max);
  const std::lock_guard lock(mutex_);
  std::erase_if(pools_, [](const auto& weak) { return weak.expired(); });
  pools_.push_back(made);
  return made;
}

Task<Result<void>> Database::migrate(Connection& connection, std::string name, std::span<const std::string_view> steps) {
  // Two that start together: the second waits for the lock, and finds it done. The number is ours alone.
  connection.control("BEGIN");
  connection.control("SELECT pg_advisory_xact_lock(7957695018201833331)");
  connection.control(
      "CREATE TABLE IF NOT EXISTS spikard_schemas (name TEXT PRIMARY KEY, version INTEGER NOT NULL, changed_at TIMESTAMPTZ NOT "
      "NULL DEFAULT now())");
  Result<void> begun = co_await connection.sync();
  if (!begun.ok()) co_return begun;
  std::vector<Argument> whose{text_argument(name)};
  Result<Connection::Rows> found =
      co_await connection.query("SELECT version FROM spikard_schemas WHERE name = $1", std::move(whose));
  if (!found.ok()) co_return Result<void>(std::move(found).error());
  const std::size_t version = found->size() == 0 ? 0 : std::stoul(found->at(0, 0).value_or("0"));
  if (version > steps.size()) {
    co_return Result<void>(Error(ErrorKind::conflict, "the tables of " + name + " are of a newer version (" +
                                                          std::to_string(version) + ") than this program knows"));
  }
  if (version < steps.size()) {
    for (std::size_t at = version; at < steps.size(); ++at) {
      for (const std::string_view statement : split_statements(steps[at], Dialect::postgres)) connection.control(statement);
    }
    Result<void> made = co_await connection.sync();
    if (!made.ok()) co_return made;
    std::vector<Argument> now{text_argument(name), integer_argument(static_cast<std::int64_t>(steps.size()))};
    Result<Connection::Rows> noted = co_await connection.query(
        "INSERT INTO spikard_schemas (name, version) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET version = "
        "excluded.version, changed_at = now()",
        std::move(now));
    if (!noted.ok()) co_return Result<void>(std::move(noted).error());
  }
  connection.control("COMMIT");
  Result<void> committed = co_await connection.sync();
  co_return committed;
}

void Database::joined(net::Loop& loop) {
  std::shared_ptr<Listener> fresh;
  {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Listener>& listener = listeners_[&loop];
    if (listener == nullptr) fresh = listener = std::make_shared<Listener>(*this, loop);
  }
  if (fresh != nullptr) loop.post([fresh] { fresh->start(); });
}

void Database::left(net::Loop& loop) noexcept {
  std::shared_ptr<Listener> idle;
  {
    const std::lock_guard lock(mutex_);
    const auto at = listeners_.find(&loop);
    if (at == listeners_.end()) return;
    idle = std::move(at->second);
    listeners_.erase(at);
  }
  idle->stop();
}

void Database::forget(net::Loop& loop) {
  std::vector<std::shared_ptr<Pool>> pools;
  std::shared_ptr<Listener> listener;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& weak : pools_) {
      if (auto pool = weak.lock()) pools.push_back(std::move(pool));
    }
    const auto at = listeners_.find(&loop);
    if (at != listeners_.end()) {
      listener = std::move(at->second);
      listeners_.erase(at);
    }
  }
  if (listener != nullptr) listener->stop();
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
  (*context)->statement_cache = std::max<std::uint32_t>(statement_cache, 1);
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

}  // namespace spikard::store::postgres
