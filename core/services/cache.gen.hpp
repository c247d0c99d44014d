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

/// A cache. `memory:` (and the part of `tiered+redis:` that is in memory) keeps at most `max_bytes` or `max_entries`, whichever is given (both hold where both are); what goes first is decided by how often and how lately it was asked for (W-TinyLFU). `redis:` has no such bounds: its server decides.
struct CacheConfig {
  std::string url = "memory:";  ///< `memory:`, `redis://HOST:6379/DB` (also `rediss:`, `redis+unix:`, `redis+sentinel:`, `redis+cluster:`), or one of these behind `tiered+`: memory in front of it.
  std::optional<std::uint64_t> max_bytes{};  ///< The most that `memory:` holds, keys, values and about 90 bytes an entry counted. Null: 64 MiB, or no limit of bytes where `max_entries` is given.
  std::optional<std::uint64_t> max_entries{};  ///< The most entries that `memory:` holds. Null: as many as `max_bytes` allows.
  std::optional<std::uint64_t> default_ttl_ms{};  ///< How long an entry lives that was set without a time. Null: for ever.
};
[[nodiscard]] bool operator==(const CacheConfig& a, const CacheConfig& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<CacheConfig> cache_config_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const CacheConfig& in, NodeBuilder& out);

}  // namespace spikard::services
