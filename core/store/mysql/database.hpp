#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/mysql/pool.hpp"
#include "store/wakeups.hpp"

namespace spikard::store::mysql {

/// One database in one process: what its clients share. Thread-safe. The server tells nobody what another process did, so a
/// subscription (`Wakeups::subscribe`) looks again every `poll`.
class Database : public Wakeups {
 public:
  explicit Database(std::shared_ptr<Context> context)
      : Wakeups(std::chrono::milliseconds(10)), context_(std::move(context)), id_(context_->options.id()) {}

  /// Holds no secret.
  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  [[nodiscard]] Context& context() noexcept { return *context_; }
  /// A pool of its own for a client.
  [[nodiscard]] std::shared_ptr<Pool> pool(std::uint32_t max);

  /// Takes a lock of this database that is the server's, until `unlock` or the end of the session. Waits as long as the task
  /// does.
  [[nodiscard]] static Task<Result<void>> lock(Connection& connection, std::string name);
  [[nodiscard]] static Task<Result<void>> unlock(Connection& connection, std::string name);
  /// Steps of SQL, each once for all processes, under a lock; `name` says whose. A statement that makes tables commits by itself:
  /// each must bear to be run again, should the process die in between.
  [[nodiscard]] static Task<Result<void>> migrate(Connection& connection, std::string name,
                                                  std::span<const std::string_view> steps);

  /// Before a loop goes, on its thread.
  void forget(net::Loop& loop);

 private:
  const std::shared_ptr<Context> context_;
  const std::string id_;
  std::mutex mutex_;
  std::vector<std::weak_ptr<Pool>> pools_;
};

/// The databases an application has open: db and tasks that name one get one Database. Thread-safe.
class Databases {
 public:
  Databases() = default;
  Databases(const Databases&) = delete;
  Databases& operator=(const Databases&) = delete;

  /// Connects to nothing yet. Errors: invalid_argument.
  [[nodiscard]] Result<std::shared_ptr<Database>> open(std::string_view url, std::uint32_t statement_cache = 128);
  void forget(net::Loop& loop);

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<Database>> open_;
};

}  // namespace spikard::store::mysql
