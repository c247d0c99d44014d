// Generated from spec/services/db.yaml by codegen. Do not edit.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/node.hpp"
#include "base/result.hpp"

namespace spikard::services {

/// How many connections a client uses at once.
struct DbPool {
  std::uint32_t max = 5;  ///< Queries, streams and transactions at once in this process; one more waits.
  std::uint32_t acquire_timeout_ms = 5000;  ///< How long to wait for a connection; then the error is timeout, pool_timeout.
};
[[nodiscard]] bool operator==(const DbPool& a, const DbPool& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<DbPool> db_pool_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const DbPool& in, NodeBuilder& out);

/// A database.
struct DbConfig {
  std::string url = "sqlite:data/app.db";  ///< `sqlite:FILE`, `sqlite::memory:`, `postgres://USER:PASSWORD@HOST/DATABASE`, `mysql://USER:PASSWORD@HOST/DATABASE` (docs/guide/db.md has their options), or the URL of another backend. SQLite: `?synchronous=normal` trades the last commits before a power cut for speed, `&busy_timeout_ms=N` is how long to wait for another process.
  DbPool pool{};  ///< Connections.
  std::optional<std::uint32_t> statement_timeout_ms = 30000;  ///< The longest a statement may take (for a stream or cursor: the longest between two parts); then it is interrupted. Null for no limit.
  std::optional<std::uint32_t> transaction_timeout_ms = 60000;  ///< The longest a transaction may stay open; then it is rolled back. Null for no limit.
  std::uint32_t statement_cache = 128;  ///< Prepared statements kept on each connection.
  std::uint32_t max_rows = 100000;  ///< Most rows that `query` gives; more is too_large: stream them, or use a cursor.
  std::string migrations{};  ///< Folder of `NNNN_name.sql` files; empty for none.
  bool migrate_on_start = false;  ///< Apply what is missing of `migrations` when the application starts.
};
[[nodiscard]] bool operator==(const DbConfig& a, const DbConfig& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<DbConfig> db_config_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const DbConfig& in, NodeBuilder& out);

}  // namespace spikard::services
