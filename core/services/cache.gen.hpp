// Generated from spec/services/cache.yaml by codegen. Do not edit.
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

/// A cache.
struct CacheConfig {
  std::string url = "memory:";  ///< `memory:`, or the URL of another backend.
};
[[nodiscard]] bool operator==(const CacheConfig& a, const CacheConfig& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<CacheConfig> cache_config_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const CacheConfig& in, NodeBuilder& out);

}  // namespace spikard::services
