#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "store/pending.hpp"
#include "store/postgres/connection.hpp"

namespace spikard::store::postgres {

/// Connections of one client: a list for each loop that uses it, one number for all. A connection never changes its loop. At the
/// limit the oldest waiter of any loop is served next, if need be by closing an idle connection of another one. Taking one costs
/// no round trip. Thread-safe.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(std::shared_ptr<Context> context, std::uint32_t max) noexcept : context_(std::move(context)), max_(max) {}
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// A connection in use; goes back when it is destroyed, in whatever state it is. On its loop's thread.
  class Lease {
   public:
    Lease() = default;
    Lease(std::shared_ptr<Pool> pool, std::unique_ptr<Connection> connection) noexcept
        : pool_(std::move(pool)), connection_(std::move(connection)) {}
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&& other) noexcept {
      if (this != &other) {
        release();
        pool_ = std::move(other.pool_);
        connection_ = std::move(other.connection_);
      }
      return *this;
    }
    ~Lease() { release(); }
    void release() noexcept {
      if (connection_ != nullptr) std::exchange(pool_, nullptr)->give_back(std::move(connection_));
    }
    explicit operator bool() const noexcept { return connection_ != nullptr; }
    Connection* operator->() const noexcept { return connection_.get(); }
    Connection& operator*() const noexcept { return *connection_; }

   private:
    std::shared_ptr<Pool> pool_;
    std::unique_ptr<Connection> connection_;
  };

  /// Errors: those of connecting, timeout/pool_timeout, cancelled, unavailable/closed.
  [[nodiscard]] Task<Result<Lease>> acquire(net::Loop& loop, Duration limit);
  /// A connection that is not counted and not given back, for who listens.
  [[nodiscard]] Task<Result<std::unique_ptr<Connection>>> extra(net::Loop& loop);
  /// Idle ones close; those in use when they come back. Any thread, idempotent.
  void close();
  /// Before a loop goes, on its thread: its idle connections close.
  void forget(net::Loop& loop);
  [[nodiscard]] std::uint32_t open() const;
  [[nodiscard]] std::uint32_t idle() const;
  [[nodiscard]] Context& context() noexcept { return *context_; }

 private:
  struct Waiter;
  struct Place {
    std::unique_ptr<net::Resolver> resolver;
    std::vector<std::unique_ptr<Connection>> idle;  // the latest at the end
    std::uint32_t connecting = 0;
    std::shared_ptr<OwnedTasks> tasks;  // connects, and brings in order what came back in the middle of something
  };

  /// Opens one that is counted already, for whoever waits longest when it is there; nobody's cancellation ends it.
  static Task<void> connect(std::shared_ptr<Pool> pool, net::Loop& loop);
  void start(net::Loop& loop, Task<void> task);
  [[nodiscard]] net::Resolver& resolver(net::Loop& loop);
  void give_back(std::unique_ptr<Connection> connection) noexcept;
  void keep(std::unique_ptr<Connection> connection) noexcept;
  /// The oldest waiter that nobody opens a connection for; null where there is none. With the mutex held.
  [[nodiscard]] net::Loop* lacking() noexcept;
  void gone() noexcept;
  void broke(net::Loop& loop, Connection* connection);
  void unclaimed(Waiter& waiter) noexcept;
  void give_up(const std::shared_ptr<Waiter>& waiter, Error why);
  static void close_on(std::unique_ptr<Connection> connection, Function<void()> then);

  const std::shared_ptr<Context> context_;
  const std::uint32_t max_;
  mutable std::mutex mutex_;
  std::uint64_t numbers_ = 0;
  std::uint32_t open_ = 0;  // also those that are being opened, closed or brought in order
  bool closed_ = false;
  std::map<net::Loop*, Place> places_;
  std::deque<std::shared_ptr<Waiter>> waiters_;
};

}  // namespace spikard::store::postgres
