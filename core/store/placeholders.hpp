#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace spikard::store {

enum class Dialect : std::uint8_t { sqlite, postgres, mysql };

/// Which placeholders a statement may have: those of its parameters' shape.
enum class ParameterShape : std::uint8_t {
  list,    ///< `$n` or `?`
  object,  ///< `:name`
};

/// A statement in the form its database takes (`?1` on SQLite, `$1` on PostgreSQL, `?` on MySQL).
struct BoundText {
  std::string sql;
  std::uint32_t count = 0;           ///< parameters: the highest `$n`, the number of `?`, of different names
  std::vector<std::string> names;    ///< of `:name`, by parameter
  std::vector<std::uint32_t> order;  ///< MySQL: which parameter each `?` takes, from 0
};

/// Replaces placeholders. `??` becomes `?`, `::` stays; nothing is replaced in strings, quoted identifiers, dollar quotes
/// (PostgreSQL) or comments. What is not closed reaches to the end; the database will say what is wrong with it.
/// Errors: invalid_argument with detail syntax_error (two styles in one statement, a NUL) or parameter_count ($0, a `$n` beyond
/// 65535, a number below the highest that does not occur).
[[nodiscard]] Result<BoundText> bind_placeholders(std::string_view sql, Dialect dialect, ParameterShape shape);

/// The first word of a statement in upper case (`SELECT`, `WITH`), behind comments and parentheses; empty when there is none.
[[nodiscard]] std::string first_keyword(std::string_view sql, Dialect dialect);

/// The statement with `?` for each literal: what may be shown in traces where values are in the text.
[[nodiscard]] std::string without_literals(std::string_view sql, Dialect dialect);

/// Statements of a script, each without its semicolon; empty ones are left out. Triggers of SQLite and MySQL, and MySQL's
/// procedures, functions and events (`BEGIN ... END`) stay whole.
[[nodiscard]] std::vector<std::string_view> split_statements(std::string_view script, Dialect dialect);

}  // namespace spikard::store
