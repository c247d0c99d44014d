#include "store/sqlite/connection.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <climits>

#include "store/sqlite/error.hpp"

namespace spikard::store::sqlite {

// -- Statement

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_),
      statement_(std::exchange(other.statement_, nullptr)),
      bind_error_(other.bind_error_),
      stepped_(other.stepped_) {}

Statement::~Statement() {
  if (statement_ != nullptr) connection_->give_back(statement_);
}

Statement& Statement::bind(int index, std::int64_t value) {
  if (stepped_) reset();
  if (const int code = sqlite3_bind_int64(statement_->handle, index, value); code != SQLITE_OK) bind_error_ = code;
  return *this;
}

Statement& Statement::bind(int index, double value) {
  if (stepped_) reset();
  if (const int code = sqlite3_bind_double(statement_->handle, index, value); code != SQLITE_OK) bind_error_ = code;
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  if (stepped_) reset();
  // A null pointer would bind NULL.
  const char* data = text.data() == nullptr ? "" : text.data();
  const int code = sqlite3_bind_text64(statement_->handle, index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (code != SQLITE_OK) bind_error_ = code;
  return *this;
}

Statement& Statement::bind(int index, Blob value) {
  if (stepped_) reset();
  const void* data = value.bytes.data() == nullptr ? "" : value.bytes.data();
  const int code = sqlite3_bind_blob64(statement_->handle, index, data, value.bytes.size(), SQLITE_STATIC);
  if (code != SQLITE_OK) bind_error_ = code;
  return *this;
}

Statement& Statement::bind(int index, std::nullptr_t) {
  if (stepped_) reset();
  if (const int code = sqlite3_bind_null(statement_->handle, index); code != SQLITE_OK) bind_error_ = code;
  return *this;
}

Statement& Statement::bind_copy(int index, std::string_view text) {
  if (stepped_) reset();
  const char* data = text.data() == nullptr ? "" : text.data();
  const int code = sqlite3_bind_text64(statement_->handle, index, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (code != SQLITE_OK) bind_error_ = code;
  return *this;
}

Result<bool> Statement::step() {
  if (bind_error_ != 0) return connection_->error(bind_error_);
  if (connection_->interrupted()) return map_error(SQLITE_INTERRUPT, {});
  stepped_ = true;
  const int code = sqlite3_step(statement_->handle);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return connection_->error(code);
}

Result<void> Statement::run() {
  for (;;) {
    Result<bool> more = step();
    if (!more.ok()) return std::move(more).error();
    if (!*more) return {};
  }
}

void Statement::reset() {
  sqlite3_reset(statement_->handle);
  stepped_ = false;
  bind_error_ = 0;
}

int Statement::columns() const noexcept { return sqlite3_column_count(statement_->handle); }

bool Statement::reads_only() const noexcept { return sqlite3_stmt_readonly(statement_->handle) != 0; }
int Statement::parameters() const noexcept { return sqlite3_bind_parameter_count(statement_->handle); }

std::string_view Statement::column_name(int column) const noexcept {
  const char* name = sqlite3_column_name(statement_->handle, column);
  return name == nullptr ? std::string_view() : std::string_view(name);
}

std::string_view Statement::declared_type(int column) const noexcept {
  const char* type = sqlite3_column_decltype(statement_->handle, column);
  return type == nullptr ? std::string_view() : std::string_view(type);
}

ColumnType Statement::type(int column) const noexcept {
  switch (sqlite3_column_type(statement_->handle, column)) {
    case SQLITE_INTEGER: return ColumnType::integer;
    case SQLITE_FLOAT: return ColumnType::real;
    case SQLITE_TEXT: return ColumnType::text;
    case SQLITE_BLOB: return ColumnType::blob;
    default: return ColumnType::null;
  }
}

std::int64_t Statement::integer(int column) const noexcept { return sqlite3_column_int64(statement_->handle, column); }
double Statement::real(int column) const noexcept { return sqlite3_column_double(statement_->handle, column); }

std::string_view Statement::text(int column) const noexcept {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_->handle, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_->handle, column))};
}

std::string_view Statement::blob(int column) const noexcept {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_->handle, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_->handle, column))};
}

std::optional<std::int64_t> Statement::maybe_integer(int column) const noexcept {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

std::optional<std::string> Statement::maybe_text(int column) const {
  if (is_null(column)) return std::nullopt;
  return std::string(text(column));
}

// -- Connection

Result<std::unique_ptr<Connection>> Connection::open(const ConnectionOptions& options) {
  std::unique_ptr<Connection> connection(new Connection);
  connection->busy_timeout_ms_ = options.busy_timeout_ms;
  connection->capacity_ = std::max<std::uint32_t>(options.statement_cache, 1);
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int opened = sqlite3_open_v2(options.path.c_str(), &connection->handle_, flags, nullptr);
  if (opened != SQLITE_OK) {
    return map_error(opened, connection->handle_ != nullptr ? sqlite3_errmsg(connection->handle_) : sqlite3_errstr(opened))
        .with("path", options.path);
  }
  sqlite3* handle = connection->handle_;
  sqlite3_busy_handler(handle, &Connection::on_busy, connection.get());
  sqlite3_progress_handler(handle, 2000, &Connection::on_progress, connection.get());
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  // "name" is a column, never text.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  const char* synchronous = "FULL";
  if (options.volatile_file) {
    synchronous = "OFF";
  } else if (!options.full_sync) {
    synchronous = "NORMAL";
  }
  std::string setup = "PRAGMA foreign_keys=ON;PRAGMA journal_size_limit=67108864;PRAGMA synchronous=";
  setup += synchronous;
  if (!options.read_only) {
    // The change to WAL does not call the busy handler in every case: another process may be doing the same.
    for (std::uint32_t waited = 0;; waited += 5) {
      Result<void> wal = connection->script("PRAGMA journal_mode=WAL");
      if (wal.ok()) break;
      if ((sqlite3_errcode(handle) & 0xff) != SQLITE_BUSY || waited >= options.busy_timeout_ms)
        return std::move(wal).error().with("path", options.path);
      sqlite3_sleep(5);
    }
  } else {
    setup += ";PRAGMA query_only=ON";
  }
  if (Result<void> done = connection->script(setup); !done.ok()) return std::move(done).error().with("path", options.path);
  return connection;
}

Connection::~Connection() {
  by_sql_.clear();
  for (detail::CachedStatement& statement : statements_) sqlite3_finalize(statement.handle);
  statements_.clear();
  if (handle_ != nullptr) sqlite3_close_v2(handle_);
}

Result<Statement> Connection::prepare(std::string_view sql) {
  if (const auto found = by_sql_.find(sql); found != by_sql_.end() && !found->second->in_use) {
    const auto entry = found->second;
    if (entry != statements_.begin()) statements_.splice(statements_.begin(), statements_, entry);
    entry->in_use = true;
    return Statement(*this, &*entry);
  }
  if (sql.size() > INT_MAX) return Error(ErrorKind::too_large, "the statement is too long");
  const bool known = by_sql_.contains(sql);  // in use: a second one beside it, which is not kept
  sqlite3_stmt* handle = nullptr;
  const char* tail = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), known ? 0U : SQLITE_PREPARE_PERSISTENT,
                                      &handle, &tail);
  if (code != SQLITE_OK) return error(code);
  if (handle == nullptr) return Error(ErrorKind::invalid_argument, "there is no statement in it").with_detail("syntax_error");
  for (const char* at = tail; at != sql.data() + sql.size(); ++at) {
    if (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r' || *at == '\f' || *at == ';') continue;
    // What is left may be a comment.
    sqlite3_stmt* second = nullptr;
    const auto left = static_cast<int>(sql.data() + sql.size() - at);
    const int more = sqlite3_prepare_v2(handle_, at, left, &second, nullptr);
    const bool empty = more == SQLITE_OK && second == nullptr;
    sqlite3_finalize(second);
    if (empty) break;
    sqlite3_finalize(handle);
    return Error(ErrorKind::invalid_argument, "one statement at a time").with_detail("multiple_statements");
  }
  statements_.push_front({handle, std::string(sql), true, !known});
  if (!known) {
    by_sql_.emplace(statements_.front().sql, statements_.begin());
    trim();
  }
  return Statement(*this, &statements_.front());
}

void Connection::trim() {
  for (auto at = statements_.end(); by_sql_.size() > capacity_ && at != statements_.begin();) {
    --at;
    if (at->in_use || !at->cached) continue;
    by_sql_.erase(at->sql);
    sqlite3_finalize(at->handle);
    at = statements_.erase(at);
  }
}

void Connection::give_back(detail::CachedStatement* statement) noexcept {
  sqlite3_reset(statement->handle);
  sqlite3_clear_bindings(statement->handle);
  statement->in_use = false;
  if (statement->cached) return;
  for (auto at = statements_.begin(); at != statements_.end(); ++at) {
    if (&*at != statement) continue;
    sqlite3_finalize(at->handle);
    statements_.erase(at);
    return;
  }
}

Result<void> Connection::script(std::string_view sql) {
  const std::string text(sql);
  const int code = sqlite3_exec(handle_, text.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code);
  return {};
}

Result<void> Connection::begin(bool write) {
  hooks_.clear();
  scopes_.clear();
  Result<Statement> statement = prepare(write ? "BEGIN IMMEDIATE" : "BEGIN");
  if (!statement.ok()) return std::move(statement).error();
  return statement->run();
}

Result<void> Connection::commit() {
  {
    Result<Statement> statement = prepare("COMMIT");
    if (!statement.ok()) return std::move(statement).error();
    SPIKARD_TRY(statement->run());
  }
  scopes_.clear();
  std::vector<Function<void()>> hooks;
  hooks.swap(hooks_);
  for (Function<void()>& hook : hooks) hook();
  return {};
}

void Connection::rollback() noexcept {
  hooks_.clear();
  scopes_.clear();
  // Where SQLite has rolled back itself this does nothing. It is never interrupted.
  if (!autocommit()) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

namespace {
std::string scope_name(const char* verb, std::size_t depth) { return std::string(verb) + " spikard_" + std::to_string(depth); }
}  // namespace

Result<void> Connection::savepoint() {
  Result<Statement> statement = prepare(scope_name("SAVEPOINT", scopes_.size()));
  if (!statement.ok()) return std::move(statement).error();
  SPIKARD_TRY(statement->run());
  scopes_.push_back(hooks_.size());
  return {};
}

Result<void> Connection::release() {
  Result<Statement> statement = prepare(scope_name("RELEASE", scopes_.size() - 1));
  if (!statement.ok()) return std::move(statement).error();
  SPIKARD_TRY(statement->run());
  scopes_.pop_back();
  return {};
}

Result<void> Connection::rollback_to() {
  hooks_.resize(std::min(hooks_.size(), scopes_.back()));
  {
    Result<Statement> statement = prepare(scope_name("ROLLBACK TO", scopes_.size() - 1));
    if (!statement.ok()) return std::move(statement).error();
    SPIKARD_TRY(statement->run());
  }
  return release();
}

std::int64_t Connection::total_changes() const noexcept { return sqlite3_total_changes64(handle_); }
std::int64_t Connection::changes() const noexcept { return sqlite3_changes64(handle_); }
std::int64_t Connection::last_insert_id() const noexcept { return sqlite3_last_insert_rowid(handle_); }
bool Connection::autocommit() const noexcept { return sqlite3_get_autocommit(handle_) != 0; }

bool Connection::has_deferred_violations() const noexcept {
  int current = 0;
  int highwater = 0;
  sqlite3_db_status(handle_, SQLITE_DBSTATUS_DEFERRED_FKS, &current, &highwater, 0);
  return current != 0;
}

void Connection::interrupt() noexcept {
  interrupted_.store(true, std::memory_order_release);
  sqlite3_interrupt(handle_);
}

Error Connection::error(int code) const {
  if ((code & 0xff) == SQLITE_BUSY && interrupted()) return map_error(SQLITE_INTERRUPT, {});
  const int extended = sqlite3_extended_errcode(handle_);
  if ((extended & 0xff) != (code & 0xff)) return map_error(code, sqlite3_errstr(code));
  return map_error(extended, sqlite3_errmsg(handle_));
}

int Connection::on_busy(void* self, int attempt) {
  // Another process holds the lock. Short steps first: a commit takes a fraction of a millisecond.
  static constexpr std::array<std::uint8_t, 9> steps{1, 1, 1, 2, 3, 5, 8, 13, 20};
  auto* connection = static_cast<Connection*>(self);
  if (attempt == 0) connection->waited_ms_ = 0;
  if (connection->interrupted() || connection->waited_ms_ >= connection->busy_timeout_ms_) return 0;
  const int step = steps[std::min<std::size_t>(static_cast<std::size_t>(attempt), steps.size() - 1)];
  sqlite3_sleep(step);
  connection->waited_ms_ += static_cast<std::uint32_t>(step);
  return 1;
}

int Connection::on_progress(void* self) { return static_cast<Connection*>(self)->interrupted() ? 1 : 0; }

}  // namespace spikard::store::sqlite
