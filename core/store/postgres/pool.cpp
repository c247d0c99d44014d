#include "store/postgres/pool.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace spikard::store::postgres {
namespace {
Error closed_error() { return Error(ErrorKind::unavailable, "the client is closed").with_detail("closed"); }
}  // namespace

struct Pool::Waiter final : Pending {
  using Pending::Pending;
  bool done = false;  // under the pool's mutex
  std::optional<Error> refused;
  std::unique_ptr<Connection> connection;
  std::uint64_t number = 0;
};

Pool::~Pool() { close(); }

/// On its own loop; `then` on that thread, or where the loop is not turned any more, when it goes.
void Pool::close_on(std::unique_ptr<Connection> connection, Function<void()> then) {
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

net::Resolver& Pool::resolver(net::Loop& loop) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<net::Resolver>& resolver = places_[&loop].resolver;
  if (resolver == nullptr) resolver = std::make_unique<net::Resolver>(loop);
  return *resolver;
}

Task<Result<std::unique_ptr<Connection>>> Pool::extra(net::Loop& loop) {
  Result<std::unique_ptr<Connection>> opened = co_await Connection::open(loop, context_, resolver(loop));
  co_return opened;
}

namespace {
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
}  // namespace

void Pool::start(net::Loop& loop, Task<void> task) {
  std::shared_ptr<OwnedTasks> tasks;
  {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<OwnedTasks>& place = places_[&loop].tasks;
    if (place == nullptr) place = std::make_shared<OwnedTasks>();
    tasks = place;
  }
  tasks->start(std::move(task));
}

Task<void> Pool::connect(std::shared_ptr<Pool> pool, net::Loop& loop) {
  const auto free = [raw = pool.get(), on = &loop] {
    {
      const std::lock_guard lock(raw->mutex_);
      if (const auto place = raw->places_.find(on); place != raw->places_.end() && place->second.connecting > 0)
        --place->second.connecting;
    }
    raw->gone();
  };
  Guard room(free);
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

Task<Result<Pool::Lease>> Pool::acquire(net::Loop& loop, Duration limit) {
  const std::shared_ptr<Pool> self = shared_from_this();
  std::shared_ptr<Waiter> waiter;
  std::unique_ptr<Connection> taken;  // an idle one of another loop, to be closed
  net::Loop* opens = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) co_return Result<Lease>(closed_error());
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

void Pool::give_up(const std::shared_ptr<Waiter>& waiter, Error why) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(waiter->done, true)) return;
    std::erase(waiters_, waiter);
    waiter->refused = std::move(why);
  }
  Pending::finish(waiter);
}

void Pool::unclaimed(Waiter& waiter) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(waiter.done, true)) {
      std::erase_if(waiters_, [&](const auto& one) { return one.get() == &waiter; });
      return;
    }
  }
  if (waiter.connection != nullptr) give_back(std::move(waiter.connection));
}

void Pool::give_back(std::unique_ptr<Connection> connection) noexcept {
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
    Guard room(free);
    co_await held->recover();
    if (held->broken()) {
      held.reset();
      co_return;
    }
    room.release();
    pool->keep(std::move(held));
  };
  net::Loop& loop = connection->loop();
  start(loop, bring(shared_from_this(), std::move(connection)));
}

net::Loop* Pool::lacking() noexcept {
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
void Pool::keep(std::unique_ptr<Connection> connection) noexcept {
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
        raw->on_broken([weak = weak_from_this(), &loop, raw] {
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
void Pool::gone() noexcept {
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
  loop->post([self = shared_from_this(), loop] { self->start(*loop, connect(self, *loop)); });
}

/// An idle one, on its loop's thread.
void Pool::broke(net::Loop& loop, Connection* connection) {
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

void Pool::close() {
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
    waiter->refused = closed_error();
    Pending::finish(std::move(waiter));
  }
  for (auto& one : idle) close_on(std::move(one), nullptr);
  for (auto& [loop, owned] : tasks) {
    if (loop->on_thread()) owned->clear();
    else loop->mailbox()->post([held = std::move(owned)] { held->clear(); });
  }
}

void Pool::forget(net::Loop& loop) {
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

std::uint32_t Pool::open() const {
  const std::lock_guard lock(mutex_);
  return open_;
}

std::uint32_t Pool::idle() const {
  const std::lock_guard lock(mutex_);
  std::uint32_t count = 0;
  for (const auto& [loop, place] : places_) count += static_cast<std::uint32_t>(place.idle.size());
  return count;
}

}  // namespace spikard::store::postgres
