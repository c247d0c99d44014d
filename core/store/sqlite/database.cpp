#include "store/sqlite/database.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "net/virtual_clock.hpp"
#include "store/sqlite/error.hpp"
#include "store/sqlite/memory_file.hpp"

namespace spikard::store::sqlite {
namespace {

constexpr std::size_t max_group = 256;                          // writes in one transaction
constexpr Duration group_time = std::chrono::milliseconds(10);  // after which it is committed, however many wait

Error closed_error() {
  return Error(ErrorKind::unavailable, "the database is closed").with_detail("closed").with_operation("store.sqlite");
}

Error wait_error(Duration limit) {
  return Error(ErrorKind::timeout, "no connection became free in time")
      .with_detail("pool_timeout")
      .with_operation("store.sqlite")
      .with("waited_ms", std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(limit).count()));
}

Error cancelled_error() {
  return Error(ErrorKind::cancelled, "cancelled while waiting for a connection").with_operation("store.sqlite");
}

}  // namespace

struct Database::LeaseWaiter final : detail::WriterWaiter {
  using WriterWaiter::WriterWaiter;
  std::shared_ptr<detail::LeaseState> lease;
};

struct Database::ReaderWaiter final : Pending {
  using Pending::Pending;
  bool done = false;  // under the database's mutex
  std::shared_ptr<detail::LeaseState> lease;
  std::optional<Error> refused;
};

/// In the job that serves the writer's queue: a pool that stops destroys it unrun, and then nobody serves the queue.
class Database::DrainTicket {
 public:
  explicit DrainTicket(std::shared_ptr<Database> database) noexcept : database_(std::move(database)) {}
  DrainTicket(DrainTicket&&) noexcept = default;
  DrainTicket& operator=(DrainTicket&&) = delete;
  ~DrainTicket() {
    if (database_ == nullptr) return;
    database_->drain_is_gone();
  }
  std::shared_ptr<Database> take() noexcept { return std::move(database_); }

 private:
  std::shared_ptr<Database> database_;
};

// -- opening and closing

Result<std::shared_ptr<Database>> Database::open(DatabaseOptions options, net::BlockingPool& pool) {
  std::shared_ptr<Database> database(new Database(pool));
  if (options.memory) {
    Result<MemoryFile> file = MemoryFile::create();
    if (!file.ok()) return std::move(file).error();
    database->memory_file_ = std::make_unique<MemoryFile>(std::move(*file));
    options.path = database->memory_file_->path();
  } else {
    std::error_code failed;
    const std::filesystem::path path = std::filesystem::absolute(options.path, failed);
    std::filesystem::create_directories(path.parent_path(), failed);
    if (failed) {
      return Error(ErrorKind::unavailable, "cannot make the folder of the database: " + failed.message())
          .with("path", path.string());
    }
    options.path = std::filesystem::weakly_canonical(path, failed).string();
    if (failed) return Error(ErrorKind::unavailable, failed.message()).with("path", path.string());
  }
  ConnectionOptions& connection = database->connection_options_;
  connection.path = options.path;
  connection.full_sync = options.full_sync;
  connection.volatile_file = options.memory;
  connection.busy_timeout_ms = options.busy_timeout_ms;
  connection.statement_cache = options.statement_cache;
  database->write_wait_ms_ = options.write_wait_ms;
  database->max_readers_ = std::max<std::uint32_t>(options.readers, 1);
  database->id_ = "sqlite:" + options.path;
  Result<std::unique_ptr<Connection>> writer = Connection::open(connection);
  if (!writer.ok()) return std::move(writer).error();
  database->writer_ = std::move(*writer);
  return database;
}

Database::Database(net::BlockingPool& pool) noexcept : pool_(pool) {}
Database::~Database() = default;

void Database::close() {
  std::vector<std::unique_ptr<Connection>> idle;
  std::unique_ptr<Connection> writer;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(closed_, true)) return;
    idle.swap(idle_readers_);
    if (writer_use_ == WriterUse::free) writer = std::move(writer_);
  }
  fail_waiting(closed_error());
  const std::lock_guard lock(poll_mutex_);
  poll_connection_.reset();
}

void Database::fail_waiting(const Error& error) {
  std::deque<std::shared_ptr<detail::WriterWaiter>> writers;
  std::deque<std::shared_ptr<ReaderWaiter>> readers;
  {
    const std::lock_guard lock(mutex_);
    writers.swap(writer_queue_);
    readers.swap(reader_queue_);
    for (const auto& waiter : writers) waiter->state = detail::WriterWaiter::State::finished;
    for (const auto& waiter : readers) waiter->done = true;
  }
  for (auto& waiter : writers) {
    waiter->refused = error;
    Pending::finish(std::move(waiter));
  }
  for (auto& waiter : readers) {
    waiter->refused = error;
    Pending::finish(std::move(waiter));
  }
}

void Database::drain_is_gone() {
  {
    const std::lock_guard lock(mutex_);
    writer_use_ = WriterUse::free;
  }
  fail_waiting(Error(ErrorKind::unavailable, "the blocking pool is full or stopped").with_operation("store.sqlite"));
}

void Database::allow_readers(std::uint32_t readers) {
  const std::lock_guard lock(mutex_);
  max_readers_ = std::max(max_readers_, readers);
}

Database::Statistics Database::statistics() const {
  const std::lock_guard lock(mutex_);
  return statistics_;
}

// -- the writer's queue

Task<Result<void>> Database::wait_for_writer(std::shared_ptr<detail::WriterWaiter> waiter, Duration limit) {
  {
    std::unique_lock lock(mutex_);
    if (closed_) co_return Result<void>(closed_error());
    writer_queue_.push_back(waiter);
    if (writer_use_ == WriterUse::free) {
      writer_use_ = WriterUse::draining;
      if (waiter->wants_lease) {
        hand_over(lock);
      } else {
        start_drain(lock);
      }
    }
  }
  CancelToken token = co_await current_token();
  {
    const std::shared_ptr<Database> self = shared_from_this();
    net::Timer timer(*waiter->loop, [&] { self->give_up(waiter, wait_error(limit), false); });
    timer.start(limit);
    CancelCallback on_cancel(token, [&](CancelReason) { self->give_up(waiter, cancelled_error(), true); });
    PendingAwaiter awaiter(*waiter);
    co_await awaiter;
  }
  if (waiter->refused.has_value()) co_return Result<void>(std::move(*waiter->refused));
  co_return Result<void>();
}

Task<Result<Lease>> Database::writer(net::Loop& loop, Duration limit) {
  auto waiter = std::make_shared<LeaseWaiter>(loop);
  waiter->wants_lease = true;
  Result<void> waited = co_await wait_for_writer(waiter, limit);
  if (!waited.ok()) co_return Result<Lease>(std::move(waited).error());
  co_return Result<Lease>(Lease(std::move(waiter->lease)));
}

void Database::give_up(const std::shared_ptr<detail::WriterWaiter>& waiter, Error why, bool interrupt) {
  {
    const std::lock_guard lock(mutex_);
    if (waiter->state != detail::WriterWaiter::State::queued) {
      if (interrupt && current_ != nullptr && current_ == waiter.get()) writer_->interrupt();
      return;
    }
    const auto place = std::find(writer_queue_.begin(), writer_queue_.end(), waiter);
    if (place != writer_queue_.end()) writer_queue_.erase(place);
    waiter->state = detail::WriterWaiter::State::finished;
    waiter->refused = std::move(why);
  }
  Pending::finish(waiter);
}

void Database::start_drain(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  DrainTicket ticket(shared_from_this());
  // Refused, the job goes, and its ticket tells those who wait.
  (void)pool_.run([ticket = std::move(ticket)]() mutable { ticket.take()->drain(); });
}

void Database::hand_over(std::unique_lock<std::mutex>& lock) {
  auto waiter = std::static_pointer_cast<LeaseWaiter>(std::move(writer_queue_.front()));
  writer_queue_.pop_front();
  waiter->state = detail::WriterWaiter::State::finished;
  waiter->lease = make_lease(std::move(writer_), true);
  writer_use_ = WriterUse::leased;
  lock.unlock();
  Pending::finish(std::move(waiter));
}

std::shared_ptr<detail::WriteJob> Database::next_job(bool in_group) {
  std::unique_lock lock(mutex_);
  if (writer_queue_.empty()) {
    if (!in_group) writer_use_ = WriterUse::free;
    return nullptr;
  }
  if (writer_queue_.front()->wants_lease) {
    if (!in_group) hand_over(lock);
    return nullptr;
  }
  auto job = std::static_pointer_cast<detail::WriteJob>(std::move(writer_queue_.front()));
  writer_queue_.pop_front();
  job->state = detail::WriterWaiter::State::running;
  current_ = job.get();
  return job;
}

void Database::drain() {
  while (std::shared_ptr<detail::WriteJob> job = next_job(false)) run_group(std::move(job));
}

void Database::left(detail::WriteJob& job) {
  const std::lock_guard lock(mutex_);
  if (current_ != &job) return;
  current_ = nullptr;
  writer_->resume();
}

bool Database::run_job(detail::WriteJob& job) {
  bool kept = job.attempt(*writer_);
  left(job);
  if (kept && writer_->has_deferred_violations()) {
    // At the commit it would take the others of the group down with it.
    job.fail(Error(ErrorKind::conflict, "FOREIGN KEY constraint failed").with_detail("foreign_key_violation"));
    kept = false;
  }
  return kept;
}

void Database::run_alone(const std::shared_ptr<detail::WriteJob>& job) {
  {
    const std::lock_guard lock(mutex_);
    current_ = job.get();
  }
  if (Result<void> begun = writer_->begin(true); !begun.ok()) {
    left(*job);
    job->fail(std::move(begun).error());
  } else if (!run_job(*job)) {
    writer_->rollback();
  } else if (Result<void> committed = writer_->commit(); !committed.ok()) {
    writer_->rollback();
    job->fail(std::move(committed).error());
  } else {
    const std::lock_guard lock(mutex_);
    ++statistics_.writes;
    ++statistics_.commits;
  }
  Pending::finish(job);
}

void Database::run_group(std::shared_ptr<detail::WriteJob> first) {
  if (Result<void> begun = writer_->begin(true); !begun.ok()) {
    left(*first);
    first->fail(std::move(begun).error());
    Pending::finish(std::move(first));
    return;
  }
  std::vector<std::shared_ptr<detail::WriteJob>> kept;
  const auto until = std::chrono::steady_clock::now() + group_time;
  bool whole = true;  // the transaction is still there
  for (std::shared_ptr<detail::WriteJob> job = std::move(first); job != nullptr;) {
    const bool nested = !kept.empty();
    if (nested && !writer_->savepoint().ok()) {
      left(*job);
      whole = false;
      kept.push_back(std::move(job));
      break;
    }
    const bool good = run_job(*job);
    if (writer_->autocommit()) {  // an interrupt, a full disk or ON CONFLICT ROLLBACK took all of it back
      whole = false;
      if (good) {
        kept.push_back(std::move(job));
      } else {
        Pending::finish(std::move(job));
      }
      break;
    }
    if (good) {
      if (nested && !writer_->release().ok()) whole = false;
      kept.push_back(std::move(job));
    } else {
      if (!nested) {
        writer_->rollback();
        Pending::finish(std::move(job));
        return;
      }
      if (!writer_->rollback_to().ok()) whole = false;
      Pending::finish(std::move(job));
    }
    if (!whole || kept.size() >= max_group || std::chrono::steady_clock::now() >= until) break;
    job = next_job(true);
  }
  if (kept.empty()) {
    writer_->rollback();
    return;
  }
  if (whole) {
    Result<void> committed = writer_->commit();
    if (committed.ok()) {
      {
        const std::lock_guard lock(mutex_);
        statistics_.writes += kept.size();
        ++statistics_.commits;
      }
      for (auto& job : kept) Pending::finish(std::move(job));
      return;
    }
    if (kept.size() == 1) {
      writer_->rollback();
      kept.front()->fail(std::move(committed).error());
      Pending::finish(std::move(kept.front()));
      return;
    }
  }
  writer_->rollback();
  for (const auto& job : kept) run_alone(job);
}

// -- leases

std::shared_ptr<detail::LeaseState> Database::make_lease(std::unique_ptr<Connection> connection, bool writer) {
  auto state = std::make_shared<detail::LeaseState>();
  state->database = shared_from_this();
  state->connection = std::move(connection);
  state->writer = writer;
  return state;
}

Task<Result<Lease>> Database::reader(net::Loop& loop, Duration limit) {
  std::shared_ptr<ReaderWaiter> waiter;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) co_return Result<Lease>(closed_error());
    if (!idle_readers_.empty()) {
      std::unique_ptr<Connection> connection = std::move(idle_readers_.back());
      idle_readers_.pop_back();
      co_return Result<Lease>(Lease(make_lease(std::move(connection), false)));
    }
    if (readers_ < max_readers_) {
      ++readers_;
      co_return Result<Lease>(Lease(make_lease(nullptr, false)));
    }
    waiter = std::make_shared<ReaderWaiter>(loop);
    reader_queue_.push_back(waiter);
  }
  CancelToken token = co_await current_token();
  {
    const std::shared_ptr<Database> self = shared_from_this();
    net::Timer timer(loop, [&] { self->give_up(waiter, wait_error(limit)); });
    timer.start(limit);
    CancelCallback on_cancel(token, [&](CancelReason) { self->give_up(waiter, cancelled_error()); });
    PendingAwaiter awaiter(*waiter);
    co_await awaiter;
  }
  if (waiter->refused.has_value()) co_return Result<Lease>(std::move(*waiter->refused));
  co_return Result<Lease>(Lease(std::move(waiter->lease)));
}

void Database::give_up(const std::shared_ptr<ReaderWaiter>& waiter, Error why) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(waiter->done, true)) return;
    const auto place = std::find(reader_queue_.begin(), reader_queue_.end(), waiter);
    if (place != reader_queue_.end()) reader_queue_.erase(place);
    waiter->refused = std::move(why);
  }
  Pending::finish(waiter);
}

detail::LeaseState::~LeaseState() {
  if (database != nullptr) database->give_back(*this);
}

void Database::give_back(detail::LeaseState& lease) noexcept {
  if (lease.connection != nullptr) {
    lease.connection->resume();
    lease.connection->rollback();
  }
  returned(std::move(lease.connection), lease.writer);
}

void Database::returned(std::unique_ptr<Connection> connection, bool writer) {
  std::unique_ptr<Connection> unwanted;
  std::shared_ptr<ReaderWaiter> next;
  {
    std::unique_lock lock(mutex_);
    if (writer) {
      writer_ = std::move(connection);
      if (writer_queue_.empty()) {
        writer_use_ = WriterUse::free;
        if (closed_) unwanted = std::move(writer_);
        return;
      }
      writer_use_ = WriterUse::draining;
      if (writer_queue_.front()->wants_lease) {
        hand_over(lock);
      } else {
        start_drain(lock);
      }
      return;
    }
    if (closed_ || (connection == nullptr && reader_queue_.empty())) {
      --readers_;
      unwanted = std::move(connection);
      return;
    }
    if (reader_queue_.empty()) {
      idle_readers_.push_back(std::move(connection));
      return;
    }
    next = std::move(reader_queue_.front());
    reader_queue_.pop_front();
    next->done = true;
    next->lease = make_lease(std::move(connection), false);
  }
  Pending::finish(std::move(next));
}

void Lease::release() noexcept {
  if (state_ == nullptr) return;
  cancel();
  state_.reset();
}

void Lease::cancel() noexcept {
  if (state_ == nullptr) return;
  std::uint64_t given = 0;
  {
    const std::lock_guard lock(state_->mutex);
    given = state_->jobs;
  }
  interrupt(*state_, given);
}

void Lease::interrupt(detail::LeaseState& state, std::uint64_t job) noexcept {
  const std::lock_guard lock(state.mutex);
  state.cancelled = std::max(state.cancelled, job);
  if (state.running != 0 && state.running <= job && state.connection != nullptr) state.connection->interrupt();
}

std::optional<Error> Lease::enter(detail::LeaseState& state, std::uint64_t job) {
  std::unique_lock lock(state.mutex);
  if (state.cancelled >= job) return map_error(9 /* SQLITE_INTERRUPT */, {});
  if (state.connection == nullptr) {
    lock.unlock();
    ConnectionOptions options = state.database->connection_options_;
    options.read_only = true;
    Result<std::unique_ptr<Connection>> opened = Connection::open(options);
    if (!opened.ok()) return std::move(opened).error();
    lock.lock();
    state.connection = std::move(*opened);
  }
  state.running = job;
  return std::nullopt;
}

void Lease::leave(detail::LeaseState& state) noexcept {
  const std::lock_guard lock(state.mutex);
  state.running = 0;
  state.connection->resume();
}

net::BlockingPool& Lease::pool(detail::LeaseState& state) noexcept { return state.database->pool_; }

// -- schemas

Result<void> Database::migrate(std::string_view component, std::span<const std::string_view> steps) {
  // A connection of its own, so that it waits for the writer as another process would.
  Result<std::unique_ptr<Connection>> opened = Connection::open(connection_options_);
  if (!opened.ok()) return std::move(opened).error();
  Connection& connection = **opened;
  SPIKARD_TRY(connection.begin(true));
  Result<void> done = [&]() -> Result<void> {
    SPIKARD_TRY(
        connection.script("CREATE TABLE IF NOT EXISTS spikard_schema (component TEXT NOT NULL PRIMARY KEY, version INTEGER NOT "
                          "NULL) WITHOUT ROWID"));
    auto found = connection.first(
        "SELECT version FROM spikard_schema WHERE component = ?", [](Statement& row) { return row.integer(0); }, component);
    if (!found.ok()) return std::move(found).error();
    const std::int64_t version = found->value_or(0);
    if (version > static_cast<std::int64_t>(steps.size())) {
      return Error(ErrorKind::unsupported, "the database was written by a newer release")
          .with("component", std::string(component))
          .with("version", std::to_string(version))
          .with("known", std::to_string(steps.size()));
    }
    if (version == static_cast<std::int64_t>(steps.size())) return {};
    for (std::string_view step : steps.subspan(static_cast<std::size_t>(version))) SPIKARD_TRY(connection.script(step));
    auto kept = connection.run(
        "INSERT INTO spikard_schema VALUES (?, ?) ON CONFLICT (component) DO UPDATE SET version = excluded.version", component,
        steps.size());
    if (!kept.ok()) return std::move(kept).error();
    return {};
  }();
  if (!done.ok()) {
    connection.rollback();
    return std::move(done).error().with("component", std::string(component));
  }
  return connection.commit();
}

// -- changes

struct Database::Listener {
  Listener(std::string of_topic, net::Loop& of_loop, Function<void()> f)
      : topic(std::move(of_topic)), loop(&of_loop), fn(std::move(f)) {}
  const std::string topic;
  net::Loop* const loop;
  Function<void()> fn;  // on the loop's thread
  bool alive = true;    // on the loop's thread
  std::atomic<bool> posted{false};

  static void wake(const std::shared_ptr<Listener>& self) {
    if (self->posted.exchange(true, std::memory_order_acq_rel)) return;
    self->loop->post([self] {
      self->posted.store(false, std::memory_order_release);
      if (self->alive) self->fn();
    });
  }
};

struct Subscription::Impl {
  std::shared_ptr<Database> database;
  std::shared_ptr<Database::Listener> listener;
  std::optional<net::Timer> timer;
};

Subscription::Subscription(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Subscription::Subscription(Subscription&& other) noexcept = default;

Subscription& Subscription::operator=(Subscription&& other) noexcept {
  Subscription old(std::move(*this));
  impl_ = std::move(other.impl_);
  return *this;
}

Subscription::~Subscription() {
  if (impl_ == nullptr) return;
  impl_->listener->alive = false;
  Database& database = *impl_->database;
  const std::lock_guard lock(database.listeners_mutex_);
  std::erase(database.listeners_, impl_->listener);
}

Subscription Database::subscribe(std::string topic, net::Loop& loop, Function<void()> fn, Duration poll) {
  auto impl = std::make_unique<Subscription::Impl>();
  impl->database = shared_from_this();
  impl->listener = std::make_shared<Listener>(std::move(topic), loop, std::move(fn));
  {
    const std::lock_guard lock(listeners_mutex_);
    listeners_.push_back(impl->listener);
  }
  if (poll > Duration::zero() && !loop.clock().is_virtual()) {
    Subscription::Impl* raw = impl.get();
    impl->timer.emplace(loop, [raw, poll] {
      raw->database->start_poll(raw->listener->loop->now(), poll);
      raw->timer->start(poll);
    });
    impl->timer->start(poll);
  }
  return Subscription(std::move(impl));
}

void Database::notify(std::string_view topic) {
  const std::lock_guard lock(listeners_mutex_);
  for (const auto& listener : listeners_) {
    if (listener->topic == topic) Listener::wake(listener);
  }
}

void Database::start_poll(Instant now, Duration poll) {
  // One poll serves all who listen.
  std::int64_t before = polled_at_.load(std::memory_order_relaxed);
  const std::int64_t at = now.time_since_epoch().count();
  if (at - before < poll.count() / 2) return;
  if (!polled_at_.compare_exchange_strong(before, at, std::memory_order_relaxed)) return;
  (void)pool_.run([self = shared_from_this()] { self->poll_changes(); });
}

void Database::poll_changes() {
  bool changed = false;
  {
    const std::lock_guard lock(poll_mutex_);
    if (poll_connection_ == nullptr) {
      {
        const std::lock_guard state(mutex_);
        if (closed_) return;
      }
      ConnectionOptions options = connection_options_;
      options.read_only = true;
      Result<std::unique_ptr<Connection>> opened = Connection::open(options);
      if (!opened.ok()) return;  // the next poll tries again
      poll_connection_ = std::move(*opened);
    }
    auto version = poll_connection_->first("PRAGMA data_version", [](Statement& row) { return row.integer(0); });
    if (!version.ok() || !version->has_value()) return;
    changed = **version != data_version_;  // the first look too: what came before it is not known
    data_version_ = **version;
  }
  if (!changed) return;
  const std::lock_guard lock(listeners_mutex_);
  for (const auto& listener : listeners_) Listener::wake(listener);
}

}  // namespace spikard::store::sqlite
