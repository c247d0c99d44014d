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

/// A database.
struct DbConfig {
  std::string url = "sqlite:data/app.db";  ///< `sqlite:FILE`, `sqlite::memory:`, or the URL of another backend.
};
[[nodiscard]] bool operator==(const DbConfig& a, const DbConfig& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<DbConfig> db_config_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const DbConfig& in, NodeBuilder& out);

}  // namespace spikard::services
