#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/node.hpp"
#include "http/sink.hpp"
#include "spikard/spikard.h"

namespace spikard::abi {

/// What goes into a spk_record, borrowed for the call.
struct RecordParts {
  std::uint32_t source = 0;
  std::uint64_t id = 0;
  std::uint32_t status = 0;
  std::uint32_t attempt = 0;
  Value nodes{};
  std::string_view key{};
  std::string_view body{};
  std::span<const http::HeaderField> meta{};
};

/// A spk_record of its own: header, then nodes, pairs and text; views relative to its start.
[[nodiscard]] std::unique_ptr<char[]> make_record(const RecordParts& parts);
/// The same in `memory`, which is grown as needed and kept for the next one.
const spk_record* make_record_in(std::vector<char>& memory, const RecordParts& parts);

}  // namespace spikard::abi
