#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/function.hpp"
#include "base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace spikard::store::sqlite {

class Connection;

namespace detail {
struct CachedStatement {
  sqlite3_stmt* handle = nullptr;
  std::string sql;
  bool in_use = false;
  bool cached = true;
};
}  // namespace detail

enum class ColumnType : std::uint8_t { null, integer, real, text, blob };

/// A blob where text would be meant otherwise: `bind(1, Blob{bytes})`.
struct Blob {
  std::string_view bytes;
};

/// A prepared statement, taken from its connection's cache and given back (reset) by the destructor. Parameters count from 1,
/// columns from 0. Text and blobs that are bound are borrowed until the statement goes or is bound again. Texts of columns are
/// valid until the next step.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, double value);
  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, Blob value);
  Statement& bind(int index, std::nullptr_t);
  Statement& bind_copy(int index, std::string_view text);  ///< text that goes before the statement does
  template <class T>
    requires std::is_integral_v<T>
  Statement& bind(int index, T value) {
    return bind(index, static_cast<std::int64_t>(value));
  }
  template <class T>
  Statement& bind(int index, const std::optional<T>& value) {
    return value.has_value() ? bind(index, *value) : bind(index, nullptr);
  }
  template <class... A>
  Statement& bind_all(const A&... values) {
    int index = 0;
    (bind(++index, values), ...);
    return *this;
  }

  /// True: there is a row. False: the end. Errors are those of the database, a bind that failed included.
  [[nodiscard]] Result<bool> step();
  /// To its end; rows are passed over.
  [[nodiscard]] Result<void> run();
  /// Back to the start; bindings stay.
  void reset();

  [[nodiscard]] int columns() const noexcept;
  [[nodiscard]] ColumnType type(int column) const noexcept;
  [[nodiscard]] bool is_null(int column) const noexcept { return type(column) == ColumnType::null; }
  [[nodiscard]] std::int64_t integer(int column) const noexcept;
  [[nodiscard]] double real(int column) const noexcept;
  [[nodiscard]] std::string_view text(int column) const noexcept;
  [[nodiscard]] std::string_view blob(int column) const noexcept;
  [[nodiscard]] std::optional<std::int64_t> maybe_integer(int column) const noexcept;
  [[nodiscard]] std::optional<std::string> maybe_text(int column) const;

  /// It changes nothing in the database.
  [[nodiscard]] bool reads_only() const noexcept;
  [[nodiscard]] int parameters() const noexcept;
  [[nodiscard]] std::string_view column_name(int column) const noexcept;
  /// The type its column was declared with, empty for an expression.
  [[nodiscard]] std::string_view declared_type(int column) const noexcept;
  [[nodiscard]] sqlite3_stmt* handle() const noexcept { return statement_->handle; }

 private:
  friend class Connection;
  Statement(Connection& connection, detail::CachedStatement* statement) noexcept
      : connection_(&connection), statement_(statement) {}

  Connection* connection_;
  detail::CachedStatement* statement_;
  int bind_error_ = 0;
  bool stepped_ = false;
};

struct ConnectionOptions {
  std::string path;
  bool read_only = false;
  bool full_sync = true;                 ///< PRAGMA synchronous FULL, else NORMAL
  bool volatile_file = false;            ///< nothing of it is to survive: synchronous OFF
  std::uint32_t busy_timeout_ms = 5000;  ///< how long to wait for another process's lock
  std::uint32_t statement_cache = 128;   ///< prepared statements kept
};

/// One connection to a file, with a cache of prepared statements. One thread at a time; only `interrupt` may come from another.
/// Blocks, so it is used on the blocking pool (database.hpp) or at start-up.
class Connection {
 public:
  /// Sets WAL, foreign keys, the busy handler. Errors: unavailable (cannot be opened), corrupt (not a database).
  [[nodiscard]] static Result<std::unique_ptr<Connection>> open(const ConnectionOptions& options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// One statement of our own SQL, from the cache. A text with more than one is invalid_argument/multiple_statements.
  [[nodiscard]] Result<Statement> prepare(std::string_view sql);
  /// Prepares, binds, runs. Returns the rows it changed.
  template <class... A>
  [[nodiscard]] Result<std::int64_t> run(std::string_view sql, const A&... values) {
    Result<Statement> statement = prepare(sql);
    if (!statement.ok()) return std::move(statement).error();
    statement->bind_all(values...);
    if (Result<void> done = statement->run(); !done.ok()) return std::move(done).error();
    return changes();
  }
  /// Calls `row(Statement&)` for each row; it returns void, or bool (false ends it).
  template <class Row, class... A>
  [[nodiscard]] Result<void> query(std::string_view sql, Row&& row, const A&... values) {
    Result<Statement> statement = prepare(sql);
    if (!statement.ok()) return std::move(statement).error();
    statement->bind_all(values...);
    for (;;) {
      Result<bool> more = statement->step();
      if (!more.ok()) return std::move(more).error();
      if (!*more) return {};
      if constexpr (std::is_same_v<std::invoke_result_t<Row&, Statement&>, bool>) {
        if (!row(*statement)) return {};
      } else {
        row(*statement);
      }
    }
  }
  /// `fn(Statement&)` of the first row, nothing when there is none.
  template <class Fn, class... A>
  [[nodiscard]] auto first(std::string_view sql, Fn&& fn, const A&... values)
      -> Result<std::optional<std::invoke_result_t<Fn&, Statement&>>> {
    std::optional<std::invoke_result_t<Fn&, Statement&>> found;
    Result<void> done = query(
        sql,
        [&](Statement& row) {
          found.emplace(fn(row));
          return false;
        },
        values...);
    if (!done.ok()) return std::move(done).error();
    return found;
  }
  /// Several statements without parameters: schemas.
  [[nodiscard]] Result<void> script(std::string_view sql);

  /// The transaction and its nested scopes, innermost last. `commit` runs the hooks of `after_commit`.
  [[nodiscard]] Result<void> begin(bool write);
  [[nodiscard]] Result<void> commit();
  void rollback() noexcept;
  [[nodiscard]] Result<void> savepoint();
  [[nodiscard]] Result<void> release();
  [[nodiscard]] Result<void> rollback_to();  ///< and leaves that scope
  [[nodiscard]] std::size_t scopes() const noexcept { return scopes_.size(); }

  /// Rows inserted, updated or deleted since it was opened, by triggers too.
  [[nodiscard]] std::int64_t total_changes() const noexcept;
  /// Of the last INSERT, UPDATE or DELETE.
  [[nodiscard]] std::int64_t changes() const noexcept;
  [[nodiscard]] std::int64_t last_insert_id() const noexcept;
  /// No transaction is open.
  [[nodiscard]] bool autocommit() const noexcept;
  /// Constraints that are deferred to the commit and not yet met.
  [[nodiscard]] bool has_deferred_violations() const noexcept;
  /// Called after the transaction in progress was committed, on the thread that committed; dropped when it was rolled back (or
  /// back past this point). Wake-ups of other components go here: cheap, no throwing.
  void after_commit(Function<void()> fn) { hooks_.push_back(std::move(fn)); }

  /// Ends what runs with `cancelled`. Any thread. Stays in force until `resume`, so that it is not lost between two statements.
  void interrupt() noexcept;
  void resume() noexcept { interrupted_.store(false, std::memory_order_release); }
  [[nodiscard]] bool interrupted() const noexcept { return interrupted_.load(std::memory_order_acquire); }

  /// The error of a code that SQLite returned on this connection.
  [[nodiscard]] Error error(int code) const;
  [[nodiscard]] sqlite3* handle() const noexcept { return handle_; }

 private:
  friend class Statement;
  Connection() = default;
  void give_back(detail::CachedStatement* statement) noexcept;
  void trim();
  static int on_busy(void* self, int attempt);
  static int on_progress(void* self);

  sqlite3* handle_ = nullptr;
  std::uint32_t busy_timeout_ms_ = 0;
  std::uint32_t waited_ms_ = 0;
  std::uint32_t capacity_ = 0;
  std::list<detail::CachedStatement> statements_;  // most recently used first
  std::unordered_map<std::string_view, std::list<detail::CachedStatement>::iterator> by_sql_;
  std::vector<Function<void()>> hooks_;
  std::vector<std::size_t> scopes_;  // hooks there were when each was opened
  std::atomic<bool> interrupted_{false};
};

}  // namespace spikard::store::sqlite
