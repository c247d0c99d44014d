#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/http_client/resolver.hpp"
#include "store/owned_tasks.hpp"
#include "store/pending.hpp"

namespace spikard::store {
namespace detail {
inline Error pool_closed() { return Error(ErrorKind::unavailable, "the client is closed").with_detail("closed"); }

/// A place that is counted, given free should its task be destroyed.
template <class F>
class Guard {
 public:
  explicit Guard(F fn) noexcept : fn_(std::move(fn)) {}
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  ~Guard() {
    if (armed_) fn_();
  }
  void release() noexcept { armed_ = false; }

 private:
  F fn_;
  bool armed_ = true;
};
}  // namespace detail

/// Connections of one client: a list for each loop that uses it, one number for all. A connection never changes its loop. At the
/// limit the oldest waiter of any loop is served next, if need be by closing an idle connection of another one. Taking one costs
/// no round trip. Thread-safe. `Context` is what the connections of one database share (postgres/connection.hpp,
/// mysql/connection.hpp).
template <class Connection, class Context>
class Pool : public std::enable_shared_from_this<Pool<Connection, Context>> {
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

template <class Connection, class Context>
struct Pool<Connection, Context>::Waiter final : Pending {
  using Pending::Pending;
  bool done = false;  // under the pool's mutex
  std::optional<Error> refused;
  std::unique_ptr<Connection> connection;
  std::uint64_t number = 0;
};

template <class Connection, class Context>
Pool<Connection, Context>::~Pool() {
  close();
}

/// On its own loop; `then` on that thread, or where the loop is not turned any more, when it goes.
template <class Connection, class Context>
void Pool<Connection, Context>::close_on(std::unique_ptr<Connection> connection, Function<void()> then) {
  net::Loop& loop = connection->loop();
  if (loop.on_thread()) {
    connection.reset();
    if (then) then();
    return;
  }
  const std::shared_ptr<net::Loop::Mailbox> mailbox = loop.mailbox();
  mailbox->post([connection = std::move(connection), then = std::move(then)]() mutable {
    connection.reset();
    if (then) then();
  });
}

template <class Connection, class Context>
net::Resolver& Pool<Connection, Context>::resolver(net::Loop& loop) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<net::Resolver>& resolver = places_[&loop].resolver;
  if (resolver == nullptr) resolver = std::make_unique<net::Resolver>(loop);
  return *resolver;
}

template <class Connection, class Context>
Task<Result<std::unique_ptr<Connection>>> Pool<Connection, Context>::extra(net::Loop& loop) {
  Result<std::unique_ptr<Connection>> opened = co_await Connection::open(loop, context_, resolver(loop));
  co_return opened;
}

template <class Connection, class Context>
void Pool<Connection, Context>::start(net::Loop& loop, Task<void> task) {
  std::shared_ptr<OwnedTasks> tasks;
  {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<OwnedTasks>& place = places_[&loop].tasks;
    if (place == nullptr) place = std::make_shared<OwnedTasks>();
    tasks = place;
  }
  tasks->start(std::move(task));
}

template <class Connection, class Context>
Task<void> Pool<Connection, Context>::connect(std::shared_ptr<Pool> pool, net::Loop& loop) {
  const auto free = [raw = pool.get(), on = &loop] {
    {
      const std::lock_guard lock(raw->mutex_);
      if (const auto place = raw->places_.find(on); place != raw->places_.end() && place->second.connecting > 0)
        --place->second.connecting;
    }
    raw->gone();
  };
  detail::Guard room(free);
  std::uint64_t latest = 0;
  {
    const std::lock_guard lock(pool->mutex_);
    latest = pool->numbers_;
  }
  Result<std::unique_ptr<Connection>> opened = co_await Connection::open(loop, pool->context_, pool->resolver(loop));
  room.release();
  std::shared_ptr<Waiter> told;
  {
    const std::lock_guard lock(pool->mutex_);
    if (const auto place = pool->places_.find(&loop); place != pool->places_.end() && place->second.connecting > 0)
      --place->second.connecting;
    if (!opened.ok()) {
      auto at = std::find_if(pool->waiters_.begin(), pool->waiters_.end(),
                             [&](const std::shared_ptr<Waiter>& one) { return one->loop == &loop; });
      // To those who came later it is old news: they get a try of their own.
      if (at != pool->waiters_.end() && (*at)->number > latest) at = pool->waiters_.end();
      if (at != pool->waiters_.end()) {
        told = std::move(*at);
        pool->waiters_.erase(at);
        told->done = true;
      }
    }
  }
  if (opened.ok()) {
    pool->keep(std::move(*opened));
    co_return;
  }
  if (told != nullptr) {
    told->refused = std::move(opened).error();
    Pending::finish(std::move(told));
  }
  pool->gone();
}

template <class Connection, class Context>
Task<Result<typename Pool<Connection, Context>::Lease>> Pool<Connection, Context>::acquire(net::Loop& loop, Duration limit) {
  const std::shared_ptr<Pool> self = this->shared_from_this();
  std::shared_ptr<Waiter> waiter;
  std::unique_ptr<Connection> taken;  // an idle one of another loop, to be closed
  net::Loop* opens = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) co_return Result<Lease>(detail::pool_closed());
    Place& place = places_[&loop];
    if (!place.idle.empty()) {
      std::unique_ptr<Connection> connection = std::move(place.idle.back());
      place.idle.pop_back();
      connection->on_broken(nullptr);
      co_return Result<Lease>(Lease(self, std::move(connection)));
    }
    waiter = std::make_shared<Waiter>(loop);
    waiter->number = ++numbers_;
    waiters_.push_back(waiter);
    if (open_ < max_) {
      opens = lacking();
      if (opens != nullptr) {
        ++open_;
        ++places_[opens].connecting;
      }
    } else {
      for (auto& [other, its] : places_) {
        if (its.idle.empty()) continue;
        taken = std::move(its.idle.front());
        its.idle.erase(its.idle.begin());
        break;
      }
    }
  }
  if (taken != nullptr) close_on(std::move(taken), [self] { self->gone(); });
  const CancelToken token = co_await current_token();
  /// What it was given goes back, should the task be destroyed.
  struct Unclaimed {
    Pool& pool;
    Waiter& waiter;
    bool claimed = false;
    Unclaimed(Pool& of, Waiter& held) noexcept : pool(of), waiter(held) {}
    Unclaimed(const Unclaimed&) = delete;
    Unclaimed& operator=(const Unclaimed&) = delete;
    ~Unclaimed() {
      if (!claimed) pool.unclaimed(waiter);
    }
  };
  Unclaimed unclaimed(*self, *waiter);
  if (opens == &loop) start(loop, connect(self, loop));
  else if (opens != nullptr) opens->post([self, opens] { self->start(*opens, connect(self, *opens)); });
  net::Timer timer(loop, [&] {
    self->give_up(waiter,
                  Error(ErrorKind::timeout, "no connection became free in time")
                      .with_detail("pool_timeout")
                      .with("waited_ms", std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(limit).count())));
  });
  timer.start(limit);
  CancelCallback on_cancel(token, [&](CancelReason) {
    self->give_up(waiter, Error(ErrorKind::cancelled, "cancelled while waiting for a connection"));
  });
  {
    PendingAwaiter awaiter(*waiter);
    co_await awaiter;
  }
  unclaimed.claimed = true;
  if (waiter->refused.has_value()) co_return Result<Lease>(std::move(*waiter->refused));
  co_return Result<Lease>(Lease(self, std::move(waiter->connection)));
}

template <class Connection, class Context>
void Pool<Connection, Context>::give_up(const std::shared_ptr<Waiter>& waiter, Error why) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(waiter->done, true)) return;
    std::erase(waiters_, waiter);
    waiter->refused = std::move(why);
  }
  Pending::finish(waiter);
}

template <class Connection, class Context>
void Pool<Connection, Context>::unclaimed(Waiter& waiter) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(waiter.done, true)) {
      std::erase_if(waiters_, [&](const auto& one) { return one.get() == &waiter; });
      return;
    }
  }
  if (waiter.connection != nullptr) give_back(std::move(waiter.connection));
}

template <class Connection, class Context>
void Pool<Connection, Context>::give_back(std::unique_ptr<Connection> connection) noexcept {
  connection->used();
  if (connection->broken()) {
    connection.reset();
    return gone();
  }
  if (connection->idle() && !connection->in_transaction() && !connection->dirty()) return keep(std::move(connection));
  {
    const std::lock_guard lock(mutex_);
    if (closed_) {
      --open_;
      return;  // and with it goes what was under way
    }
  }
  // Brought in order by nobody's task; its place stays counted meanwhile.
  const auto bring = [](std::shared_ptr<Pool> pool, std::unique_ptr<Connection> held) -> Task<void> {
    const auto free = [raw = pool.get()] { raw->gone(); };
    detail::Guard room(free);
    co_await held->recover();
    if (held->broken()) {
      held.reset();
      co_return;
    }
    room.release();
    pool->keep(std::move(held));
  };
  net::Loop& loop = connection->loop();
  start(loop, bring(this->shared_from_this(), std::move(connection)));
}

template <class Connection, class Context>
net::Loop* Pool<Connection, Context>::lacking() noexcept {
  std::map<net::Loop*, std::uint32_t> covered;
  for (const auto& [loop, place] : places_) covered[loop] = place.connecting;
  for (const auto& waiter : waiters_) {
    std::uint32_t& left = covered[waiter->loop];
    if (left == 0) return waiter->loop;
    --left;
  }
  return nullptr;
}

/// For the next one: the oldest waiter, unless a connection is being opened for that one; else the oldest of this loop, for whom
/// it costs nothing.
template <class Connection, class Context>
void Pool<Connection, Context>::keep(std::unique_ptr<Connection> connection) noexcept {
  net::Loop& loop = connection->loop();
  std::shared_ptr<Waiter> next;
  bool elsewhere = false;
  {
    const std::lock_guard lock(mutex_);
    net::Loop* const lacks = closed_ ? nullptr : lacking();
    elsewhere = closed_ || (lacks != nullptr && lacks != &loop);
    if (!elsewhere) {
      const auto at = std::find_if(waiters_.begin(), waiters_.end(), [&](const auto& one) { return one->loop == &loop; });
      if (at == waiters_.end()) {
        Connection* const raw = connection.get();
        raw->on_broken([weak = this->weak_from_this(), &loop, raw] {
          if (const std::shared_ptr<Pool> self = weak.lock()) self->broke(loop, raw);
        });
        places_[&loop].idle.push_back(std::move(connection));
        return;
      }
      next = std::move(*at);
      waiters_.erase(at);
      next->done = true;
      connection->on_broken(nullptr);
      next->connection = std::move(connection);
    }
  }
  if (!elsewhere) return Pending::finish(std::move(next));
  connection.reset();
  gone();  // a new one on the waiter's loop
}

/// One less: another is opened where somebody waits for it.
template <class Connection, class Context>
void Pool<Connection, Context>::gone() noexcept {
  net::Loop* loop = nullptr;
  {
    const std::lock_guard lock(mutex_);
    loop = closed_ ? nullptr : lacking();
    if (loop == nullptr) {
      --open_;
      return;
    }
    ++places_[loop].connecting;
  }
  loop->post([self = this->shared_from_this(), loop] { self->start(*loop, connect(self, *loop)); });
}

/// An idle one, on its loop's thread.
template <class Connection, class Context>
void Pool<Connection, Context>::broke(net::Loop& loop, Connection* connection) {
  std::unique_ptr<Connection> dead;
  {
    const std::lock_guard lock(mutex_);
    auto& idle = places_[&loop].idle;
    const auto at = std::find_if(idle.begin(), idle.end(), [&](const auto& one) { return one.get() == connection; });
    if (at == idle.end()) return;
    dead = std::move(*at);
    idle.erase(at);
  }
  dead.reset();
  gone();
}

template <class Connection, class Context>
void Pool<Connection, Context>::close() {
  std::vector<std::pair<net::Loop*, std::shared_ptr<OwnedTasks>>> tasks;
  std::vector<std::unique_ptr<Connection>> idle;
  std::deque<std::shared_ptr<Waiter>> waiters;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    waiters.swap(waiters_);
    for (const auto& waiter : waiters) waiter->done = true;
    for (auto& [loop, place] : places_) {
      for (auto& one : place.idle) idle.push_back(std::move(one));
      place.idle.clear();
      if (place.tasks != nullptr) tasks.emplace_back(loop, std::move(place.tasks));
    }
    open_ -= std::min<std::uint32_t>(open_, static_cast<std::uint32_t>(idle.size()));
  }
  for (auto& waiter : waiters) {
    waiter->refused = detail::pool_closed();
    Pending::finish(std::move(waiter));
  }
  for (auto& one : idle) close_on(std::move(one), nullptr);
  for (auto& [loop, owned] : tasks) {
    if (loop->on_thread()) owned->clear();
    else loop->mailbox()->post([held = std::move(owned)] { held->clear(); });
  }
}

template <class Connection, class Context>
void Pool<Connection, Context>::forget(net::Loop& loop) {
  Place place;
  {
    const std::lock_guard lock(mutex_);
    const auto at = places_.find(&loop);
    if (at == places_.end()) return;
    place = std::move(at->second);
    places_.erase(at);
  }
  for (auto& one : place.idle) {
    one.reset();
    gone();
  }
  if (place.tasks != nullptr) place.tasks->clear();
}

template <class Connection, class Context>
std::uint32_t Pool<Connection, Context>::open() const {
  const std::lock_guard lock(mutex_);
  return open_;
}

template <class Connection, class Context>
std::uint32_t Pool<Connection, Context>::idle() const {
  const std::lock_guard lock(mutex_);
  std::uint32_t count = 0;
  for (const auto& [loop, place] : places_) count += static_cast<std::uint32_t>(place.idle.size());
  return count;
}

}  // namespace spikard::store
