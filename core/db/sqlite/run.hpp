#pragma once

#include <optional>
#include <span>
#include <vector>

#include "db/backend.hpp"
#include "store/sqlite/connection.hpp"

namespace spikard::db::sqlite {

/// How a statement is run, by its first word.
enum class Way : std::uint8_t {
  read,   ///< on a reader, unless it turns out to write (WITH ... INSERT)
  write,  ///< in a write transaction
  alone,  ///< on the writer, outside of any transaction (VACUUM, PRAGMA)
};
[[nodiscard]] Way way_of(std::string_view keyword) noexcept;

/// PRAGMAs that change how a connection works would hold for one of many: only those that ask or keep house are let through.
[[nodiscard]] Result<void> check_pragma(std::string_view sql);

[[nodiscard]] std::vector<Column> columns_of(const store::sqlite::Statement& statement);
/// Errors: invalid_argument/parameter_count. The parameters are borrowed.
[[nodiscard]] Result<void> bind(store::sqlite::Statement& statement, std::span<const Parameter> parameters);
/// The row that the statement is at.
[[nodiscard]] Result<void> write_row(const store::sqlite::Statement& statement, std::span<const Column> columns, RowWriter& rows);

/// Runs it to its end or a limit. `reader`: nothing when it writes; run it elsewhere.
[[nodiscard]] Result<std::optional<Outcome>> run(store::sqlite::Connection& connection, const Statement& statement,
                                                 RowWriter* rows, RowLimits limits, bool reader);
[[nodiscard]] Result<Outcome> run(store::sqlite::Connection& connection, const Batch& batch);

}  // namespace spikard::db::sqlite
