#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "db/parameter.hpp"
#include "db/rows.hpp"
#include "net/loop/loop.hpp"
#include "store/placeholders.hpp"
#include "store/transaction.hpp"

namespace spikard::db {

/// The port of databases. Everything here is asynchronous, honours the awaiting task's token (the statement is stopped on the
/// server, and the call says cancelled) and is called from any loop; one object by one task at a time unless it says otherwise.
/// Statements come checked (parameter.hpp); limits on time, the pool's limit, spans and the state of transactions are the
/// client's. README.md has how each backend keeps each promise.

struct Capabilities {
  bool snapshot_reads = true;  ///< readers see no uncommitted rows and wait for no writer
  bool concurrent_writers = true;
  bool returning = true;  ///< INSERT ... RETURNING
  bool transactional_ddl = true;
  bool exact_decimals = true;  ///< as a type of the database's own
};

struct Outcome {
  std::uint64_t affected = 0;  ///< rows that matched
  std::uint64_t rows = 0;      ///< rows written
  bool more = false;           ///< a limit was reached before the end
};

struct RowLimits {
  RowLimits() = default;
  RowLimits(std::uint64_t max_rows, std::size_t max_bytes) : rows(max_rows), bytes(max_bytes) {}
  std::uint64_t rows = ~std::uint64_t{0};
  std::size_t bytes = ~std::size_t{0};  ///< of `RowWriter::size`; passed by at most one row
  bool partial = false;                 ///< `run` ends at the limit; else it is too_large, and a write is undone
};

enum class Isolation : std::uint8_t { standard, read_committed, repeatable_read, serializable };

struct TransactionOptions {
  TransactionOptions() = default;
  explicit TransactionOptions(bool reads_only) : read_only(reads_only) {}
  Isolation isolation = Isolation::standard;
  bool read_only = false;
  Duration acquire{};  ///< how long its first statement may wait for the database; the client sets it
};

/// Rows that are read in parts. Destroying it ends the statement and frees its connection.
class Cursor {
 public:
  virtual ~Cursor() = default;
  [[nodiscard]] virtual const std::vector<Column>& columns() const noexcept = 0;
  /// The next rows, into a writer that had `begin` with these columns. `Outcome::more` is false at the end.
  [[nodiscard]] virtual Task<Result<Outcome>> fetch(net::Loop& loop, std::shared_ptr<RowWriter> rows, RowLimits limits) = 0;
};

/// One transaction on one connection. Destroying it rolls back.
class Session {
 public:
  virtual ~Session() = default;
  /// `rows` null: they are passed over. Where it is not, its `begin` is called by the backend.
  [[nodiscard]] virtual Task<Result<Outcome>> run(net::Loop& loop, std::shared_ptr<const Statement> statement,
                                                  std::shared_ptr<RowWriter> rows, RowLimits limits) = 0;
  [[nodiscard]] virtual Task<Result<Outcome>> batch(net::Loop& loop, std::shared_ptr<const Batch> batch) = 0;
  [[nodiscard]] virtual Task<Result<std::unique_ptr<Cursor>>> open(net::Loop& loop,
                                                                   std::shared_ptr<const Statement> statement) = 0;
  /// outcome_unknown when the answer was lost.
  [[nodiscard]] virtual Task<Result<void>> commit(net::Loop& loop) = 0;
  [[nodiscard]] virtual Task<Result<void>> rollback(net::Loop& loop) = 0;
  [[nodiscard]] virtual Task<Result<void>> savepoint(net::Loop& loop) = 0;
  [[nodiscard]] virtual Task<Result<void>> release(net::Loop& loop) = 0;      ///< the innermost
  [[nodiscard]] virtual Task<Result<void>> rollback_to(net::Loop& loop) = 0;  ///< the innermost, which ends
  [[nodiscard]] virtual store::sqlite::TransactionPart* sqlite() noexcept { return nullptr; }
  [[nodiscard]] virtual store::postgres::TransactionPart* postgres() noexcept { return nullptr; }
  [[nodiscard]] virtual store::mysql::TransactionPart* mysql() noexcept { return nullptr; }
};

class Backend {
 public:
  virtual ~Backend() = default;
  [[nodiscard]] virtual std::string_view scheme() const noexcept = 0;
  /// `db.system.name` of the semantic conventions.
  [[nodiscard]] virtual std::string_view system() const noexcept = 0;
  /// `db.namespace`.
  [[nodiscard]] virtual std::string_view name_space() const noexcept = 0;
  [[nodiscard]] virtual store::Dialect dialect() const noexcept = 0;
  /// As `store::Transaction::database`.
  [[nodiscard]] virtual const std::string& id() const noexcept = 0;
  [[nodiscard]] virtual Capabilities capabilities() const noexcept = 0;

  /// A statement on its own, committed when it returns. `acquire`: how long it may wait for a connection (timeout/pool_timeout).
  [[nodiscard]] virtual Task<Result<Outcome>> run(net::Loop& loop, std::shared_ptr<const Statement> statement,
                                                  std::shared_ptr<RowWriter> rows, RowLimits limits, Duration acquire) = 0;
  /// All in one transaction.
  [[nodiscard]] virtual Task<Result<Outcome>> batch(net::Loop& loop, std::shared_ptr<const Batch> batch, Duration acquire) = 0;
  [[nodiscard]] virtual Task<Result<std::unique_ptr<Cursor>>> open(net::Loop& loop, std::shared_ptr<const Statement> statement,
                                                                   Duration acquire) = 0;
  [[nodiscard]] virtual Task<Result<std::unique_ptr<Session>>> begin(net::Loop& loop, TransactionOptions options) = 0;
  /// A script of several statements in one transaction, with the lock of migrations held for all processes. False: `guard` found
  /// a row, somebody else has done it meanwhile.
  struct Script {
    std::string prepare;  ///< comes before the guard, in the same transaction
    std::string guard;    ///< a query without parameters
    std::vector<std::string> statements;
  };
  [[nodiscard]] virtual Task<Result<bool>> script(net::Loop& loop, std::shared_ptr<const Script> script, Duration acquire) = 0;
  /// A table of ours (CREATE TABLE IF NOT EXISTS), there when it returns, without a place of the pool's: for who is in a
  /// transaction that such a statement would end. Where DDL is transactional nobody calls it.
  [[nodiscard]] virtual Task<Result<void>> make_table(net::Loop&, std::string) {
    co_return Result<void>(Error(ErrorKind::unsupported, "tables are made in the transaction"));
  }
  /// Idempotent, any thread. What runs ends first; all else is unavailable/closed.
  virtual void close() = 0;
};

}  // namespace spikard::db
