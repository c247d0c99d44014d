#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/function.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "net/blocking_pool.hpp"
#include "net/loop/loop.hpp"
#include "store/pending.hpp"
#include "store/sqlite/connection.hpp"

namespace spikard::store::sqlite {

class Database;
class MemoryFile;

struct DatabaseOptions {
  DatabaseOptions() = default;
  /// `sqlite:FILE` (relative or absolute; `%XX` is decoded), `sqlite::memory:`, with `?synchronous=full|normal` and
  /// `busy_timeout_ms=N`. Errors: invalid_argument saying what was expected.
  [[nodiscard]] static Result<DatabaseOptions> from_url(std::string_view url);

  std::string path;                      ///< empty with `memory`
  bool memory = false;                   ///< a private file in memory (README.md), gone when the Database goes
  bool full_sync = true;                 ///< every commit reaches the disk before it is acknowledged
  std::uint32_t readers = 4;             ///< at most so many connections beside the writer; the largest of all who open it counts
  std::uint32_t busy_timeout_ms = 5000;  ///< how long a statement waits for another process
  std::uint32_t statement_cache = 128;   ///< a connection
  std::uint32_t write_wait_ms = 30000;   ///< how long a write may wait for a transaction that holds the writer
};

namespace detail {

template <class T>
struct AsResult {
  using type = Result<T>;
};
template <class T>
struct AsResult<Result<T>> {
  using type = Result<T>;
};
template <class F>
using ResultOf = typename AsResult<std::invoke_result_t<F&, Connection&>>::type;

/// Somebody who waits for the writer: a write that may share a transaction, or a lease.
struct WriterWaiter : Pending {
  using Pending::Pending;
  enum class State : std::uint8_t { queued, running, finished };
  State state = State::queued;  // under the database's mutex
  bool wants_lease = false;
  std::optional<Error> refused;  // it never ran
};

struct WriteJob : WriterWaiter {
  using WriterWaiter::WriterWaiter;
  /// Keeps its value; may be called again after a rollback. False: roll back.
  virtual bool attempt(Connection& connection) = 0;
  /// What it returned does not hold.
  virtual void fail(Error error) = 0;
};

template <class F>
struct WriteJobOf final : WriteJob {
  using R = ResultOf<F>;
  WriteJobOf(net::Loop& of_loop, F f) : WriteJob(of_loop), fn(std::move(f)) {}
  bool attempt(Connection& connection) override {
    thrown = nullptr;
    try {
      if constexpr (std::is_void_v<std::invoke_result_t<F&, Connection&>>) {
        fn(connection);
        value.emplace();
      } else {
        value.emplace(fn(connection));
      }
      return value->ok();
    } catch (...) {
      thrown = std::current_exception();
      return false;
    }
  }
  void fail(Error error) override { value.emplace(std::move(error)); }

  F fn;
  std::optional<R> value;
  std::exception_ptr thrown;
};

/// A connection in somebody's hands. The last reference, which a job on the pool may hold, gives it back.
struct LeaseState {
  std::shared_ptr<Database> database;
  std::unique_ptr<Connection> connection;  // null: a reader that is opened by its first job
  bool writer = false;
  std::mutex turn;  // of the job that runs: one whose task went may still be at it
  std::mutex mutex;
  std::uint64_t jobs = 0;       // so many were given
  std::uint64_t running = 0;    // the number of the one in progress, 0 for none
  std::uint64_t cancelled = 0;  // up to this one they are not wanted any more
  ~LeaseState();
};

template <class F>
struct LeaseJob final : Pending {
  using R = ResultOf<F>;
  LeaseJob(net::Loop& of_loop, F f) : Pending(of_loop), fn(std::move(f)) {}
  F fn;
  std::optional<R> value;
  std::exception_ptr thrown;
};

}  // namespace detail

/// A connection for one user alone: an interactive transaction, a stream of rows. Destroying it gives it back, after a rollback
/// if a transaction is open; a job that still runs is interrupted first.
class Lease {
 public:
  Lease() = default;
  explicit Lease(std::shared_ptr<detail::LeaseState> state) noexcept : state_(std::move(state)) {}
  Lease(Lease&&) noexcept = default;
  Lease& operator=(Lease&& other) noexcept {
    if (this != &other) {
      release();
      state_ = std::move(other.state_);
    }
    return *this;
  }
  ~Lease() { release(); }
  explicit operator bool() const noexcept { return state_ != nullptr; }
  void release() noexcept;
  /// Interrupts what runs and what was given before; for owners that share the lease with their jobs.
  void cancel() noexcept;

  /// `fn(Connection&)` on the pool, one at a time. When the awaiting task is cancelled the statement in progress is interrupted
  /// and the call says cancelled. Errors: what `fn` returned, and those of the pool.
  template <class F>
  [[nodiscard]] Task<detail::ResultOf<F>> run(net::Loop& loop, F fn);

 private:
  friend class Database;
  static void interrupt(detail::LeaseState& state, std::uint64_t job) noexcept;
  [[nodiscard]] static std::optional<Error> enter(detail::LeaseState& state, std::uint64_t job);
  static void leave(detail::LeaseState& state) noexcept;
  [[nodiscard]] static net::BlockingPool& pool(detail::LeaseState& state) noexcept;

  std::shared_ptr<detail::LeaseState> state_;
};

/// Keeps a callback subscribed. Destroy it on its loop's thread.
class Subscription {
 public:
  Subscription() = default;
  Subscription(Subscription&& other) noexcept;
  Subscription& operator=(Subscription&& other) noexcept;
  ~Subscription();

 private:
  friend class Database;
  struct Impl;
  explicit Subscription(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// One SQLite file in one process: one writer connection, several readers, WAL. Shared by all who use the file (databases.hpp);
/// thread-safe. Calls are made from tasks on any loop and run on the blocking pool.
class Database final : public std::enable_shared_from_this<Database> {
 public:
  /// Creates the file and its folder when they are not there. Blocks.
  [[nodiscard]] static Result<std::shared_ptr<Database>> open(DatabaseOptions options, net::BlockingPool& pool);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// `sqlite:/absolute/path`, the same for everyone who has this file open.
  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  [[nodiscard]] const std::string& path() const noexcept { return connection_options_.path; }

  /// Runs `fn(Connection&)` in a write transaction and returns what it returned once that is committed; an error (or an
  /// exception) rolls back what this `fn` did and nothing else. Writes that wait at the same time share one transaction and one
  /// sync, so keep them small. `fn` owns what it uses and may be run again from its start, when something else forced the shared
  /// transaction back; it opens no transaction of its own.
  /// Cancellation: taken out of the queue, or interrupted and rolled back; a commit that was made stays, and is told as success.
  /// Errors of its own: timeout/pool_timeout (a transaction held the writer for `write_wait_ms`), unavailable/closed.
  template <class F>
  [[nodiscard]] Task<detail::ResultOf<F>> write(net::Loop& loop, F fn) {
    return write(loop, std::move(fn), std::chrono::milliseconds(write_wait_ms_));
  }
  template <class F>
  [[nodiscard]] Task<detail::ResultOf<F>> write(net::Loop& loop, F fn, Duration limit) {
    using R = detail::ResultOf<F>;
    auto job = std::make_shared<detail::WriteJobOf<F>>(loop, std::move(fn));
    const std::shared_ptr<Database> self = shared_from_this();
    Result<void> waited = co_await self->wait_for_writer(job, limit);
    if (!waited.ok()) co_return R(std::move(waited).error());
    if (job->thrown) std::rethrow_exception(job->thrown);
    co_return std::move(*job->value);
  }

  /// Runs `fn(Connection&)` on a reader. Each statement sees its own snapshot; `BEGIN` and `COMMIT` around them make one.
  template <class F>
  [[nodiscard]] Task<detail::ResultOf<F>> read(net::Loop& loop, F fn) {
    using R = detail::ResultOf<F>;
    Result<Lease> lease = co_await reader(loop, std::chrono::milliseconds(write_wait_ms_));
    if (!lease.ok()) co_return R(std::move(lease).error());
    R result = co_await lease->run(loop, std::move(fn));
    co_return result;
  }

  /// A connection for the caller alone, first come first served. timeout/pool_timeout after `limit`; cancelled with the task.
  /// While somebody has the writer nobody else writes to this file, so hold it briefly and await nothing of others meanwhile.
  [[nodiscard]] Task<Result<Lease>> writer(net::Loop& loop, Duration limit);
  [[nodiscard]] Task<Result<Lease>> reader(net::Loop& loop, Duration limit);

  /// Brings the tables of `component` up to `steps.size()`: step n (a script) makes version n+1. Under the file's lock, each
  /// step once for all processes. Blocks: for start-up. unsupported when a newer release has written the file.
  [[nodiscard]] Result<void> migrate(std::string_view component, std::span<const std::string_view> steps);

  /// Calls `fn` on `loop` soon after `notify(topic)`, and within about `poll` after another process changed the file (whatever
  /// it changed). Calls are merged, and may come for nothing. No polling on a virtual clock or with `poll` zero.
  [[nodiscard]] Subscription subscribe(std::string topic, net::Loop& loop, Function<void()> fn,
                                       Duration poll = std::chrono::milliseconds(100));
  /// Any thread. From inside a write: `connection.after_commit([db] { db->notify("..."); })`.
  void notify(std::string_view topic);

  /// Refuses new work and ends what waits with unavailable/closed; what runs ends first. Idempotent.
  void close();
  [[nodiscard]] bool full_sync() const noexcept { return connection_options_.full_sync; }
  [[nodiscard]] std::uint32_t busy_timeout_ms() const noexcept { return connection_options_.busy_timeout_ms; }
  /// At least so many readers.
  void allow_readers(std::uint32_t readers);

  struct Statistics {
    std::uint64_t writes = 0;   ///< jobs of `write` that were committed
    std::uint64_t commits = 0;  ///< transactions that held them
  };
  [[nodiscard]] Statistics statistics() const;

 private:
  friend class Lease;
  friend class Subscription;
  friend struct detail::LeaseState;
  enum class WriterUse : std::uint8_t { free, draining, leased };
  struct ReaderWaiter;
  struct LeaseWaiter;
  struct Listener;
  class DrainTicket;

  explicit Database(net::BlockingPool& pool) noexcept;
  [[nodiscard]] Task<Result<void>> wait_for_writer(std::shared_ptr<detail::WriterWaiter> waiter, Duration limit);
  void start_drain(std::unique_lock<std::mutex>& lock);
  void drain();
  void run_group(std::shared_ptr<detail::WriteJob> first);
  bool run_job(detail::WriteJob& job);
  void run_alone(const std::shared_ptr<detail::WriteJob>& job);
  [[nodiscard]] std::shared_ptr<detail::WriteJob> next_job(bool in_group);
  void give_up(const std::shared_ptr<detail::WriterWaiter>& waiter, Error why, bool interrupt);
  void give_up(const std::shared_ptr<ReaderWaiter>& waiter, Error why);
  void left(detail::WriteJob& job);
  void hand_over(std::unique_lock<std::mutex>& lock);
  void give_back(detail::LeaseState& lease) noexcept;
  void returned(std::unique_ptr<Connection> connection, bool writer);
  void fail_waiting(const Error& error);
  void drain_is_gone();
  void start_poll(Instant now, Duration poll);
  void poll_changes();
  [[nodiscard]] std::shared_ptr<detail::LeaseState> make_lease(std::unique_ptr<Connection> connection, bool writer);

  net::BlockingPool& pool_;
  ConnectionOptions connection_options_;
  std::string id_;
  std::unique_ptr<MemoryFile> memory_file_;  // goes after the connections
  std::uint32_t write_wait_ms_ = 30000;

  mutable std::mutex mutex_;
  bool closed_ = false;
  WriterUse writer_use_ = WriterUse::free;
  std::unique_ptr<Connection> writer_;  // null while it is leased
  detail::WriteJob* current_ = nullptr;
  std::deque<std::shared_ptr<detail::WriterWaiter>> writer_queue_;
  std::uint32_t max_readers_ = 4;
  std::uint32_t readers_ = 0;  // open or leased
  std::vector<std::unique_ptr<Connection>> idle_readers_;
  std::deque<std::shared_ptr<ReaderWaiter>> reader_queue_;
  Statistics statistics_;

  std::mutex listeners_mutex_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::mutex poll_mutex_;
  std::unique_ptr<Connection> poll_connection_;
  std::int64_t data_version_ = -1;
  std::atomic<std::int64_t> polled_at_{0};
};

template <class F>
Task<detail::ResultOf<F>> Lease::run(net::Loop& loop, F fn) {
  using R = detail::ResultOf<F>;
  const std::shared_ptr<detail::LeaseState> state = state_;
  auto job = std::make_shared<detail::LeaseJob<F>>(loop, std::move(fn));
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(state->mutex);
    number = ++state->jobs;
  }
  // The last thing that goes with the job, whether it ran or was destroyed in the queue.
  struct Ticket {
    std::shared_ptr<detail::LeaseJob<F>> job;
    explicit Ticket(std::shared_ptr<detail::LeaseJob<F>> j) noexcept : job(std::move(j)) {}
    Ticket(Ticket&&) noexcept = default;
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket() {
      if (job != nullptr) Pending::finish(std::move(job));
    }
  };
  Result<void> taken = [&] {
    Ticket ticket(job);
    return pool(*state).run([ticket = std::move(ticket), held = state, number]() mutable {
      detail::LeaseJob<F>& self = *ticket.job;
      std::unique_lock turn(held->turn);
      if (std::optional<Error> refused = enter(*held, number); refused.has_value()) {
        self.value.emplace(std::move(*refused));
      } else {
        try {
          if constexpr (std::is_void_v<std::invoke_result_t<F&, Connection&>>) {
            self.fn(*held->connection);
            self.value.emplace();
          } else {
            self.value.emplace(self.fn(*held->connection));
          }
        } catch (...) {
          self.thrown = std::current_exception();
        }
        leave(*held);
      }
      turn.unlock();
      held.reset();  // before the awaiter goes on, so that a lease it has given up is back
    });
  }();
  if (!taken.ok()) co_return R(std::move(taken).error());
  CancelToken token = co_await current_token();
  {
    CancelCallback on_cancel(token, [state, number](CancelReason) { interrupt(*state, number); });
    // Also when this frame goes before the job has ended.
    struct Guard {
      detail::LeaseState& of;
      Pending& pending;
      std::uint64_t its;
      ~Guard() {
        if (!pending.finished) interrupt(of, its);
      }
    };
    const Guard guard{*state, *job, number};
    PendingAwaiter awaiter(*job);
    co_await awaiter;
  }
  if (job->thrown) std::rethrow_exception(job->thrown);
  if (!job->value.has_value())
    co_return R(Error(ErrorKind::cancelled, "the blocking pool was stopped before the job ran").with_operation("store.sqlite"));
  co_return std::move(*job->value);
}

}  // namespace spikard::store::sqlite
