#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace spikard::net::kafka {

/// As in the attributes of a record batch.
enum class Compression : std::uint8_t { none = 0, gzip = 1, snappy = 2, lz4 = 3, zstd = 4 };

[[nodiscard]] Result<std::string> compress(Compression how, std::string_view bytes);
/// corrupt, or too_large past `limit`. Snappy: raw blocks and the framing of snappy-java.
[[nodiscard]] Result<std::string> decompress(Compression how, std::string_view bytes, std::size_t limit);

}  // namespace spikard::net::kafka
