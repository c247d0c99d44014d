#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/postgres/pool.hpp"
#include "store/wakeups.hpp"

namespace spikard::store::postgres {

/// One database in one process: what its clients share. Thread-safe.
class Database : public Wakeups {
 public:
  explicit Database(std::shared_ptr<Context> context)
      : Wakeups(std::chrono::seconds(1)), context_(std::move(context)), id_(context_->options.id()) {}
  ~Database() override;

  /// Holds no secret.
  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  [[nodiscard]] Context& context() noexcept { return *context_; }
  /// A pool of its own for a client.
  [[nodiscard]] std::shared_ptr<Pool> pool(std::uint32_t max);

  /// Steps of SQL, each once for all processes, in one transaction under a lock; `name` says whose.
  [[nodiscard]] static Task<Result<void>> migrate(Connection& connection, std::string name,
                                                  std::span<const std::string_view> steps);

  // Subscriptions hear of other processes through the server's NOTIFY (one connection for each loop that has subscriptions; it
  // comes back by itself, and then everybody is called). Who notifies: `SELECT pg_notify('spikard', topic)` in the transaction.
  static constexpr std::string_view channel = "spikard";

  /// Before a loop goes, on its thread.
  void forget(net::Loop& loop);

 private:
  class Listener;
  void joined(net::Loop& loop) override;
  void left(net::Loop& loop) noexcept override;

  const std::shared_ptr<Context> context_;
  const std::string id_;
  std::mutex mutex_;
  std::vector<std::weak_ptr<Pool>> pools_;
  std::map<net::Loop*, std::shared_ptr<Listener>> listeners_;
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

}  // namespace spikard::store::postgres
