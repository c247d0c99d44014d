// The reader against simdjson's DOM (what is accepted) and against its own writer (what is read).
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <simdjson.h>

#include "base/json.hpp"

namespace {

/// Where simdjson refuses what we accept: integers beyond 64 bits and overflowing doubles, which we keep as text.
bool has_numtext(const spikard::Node* n, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (n[i].type == spikard::NodeType::numtext) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static spikard::json::Reader reader;
  static simdjson::dom::parser parser;
  constexpr spikard::json::ReadLimits limits{.max_depth = 64};

  // An own allocation of exactly this size: one byte read too many is seen.
  const auto exact = std::make_unique<char[]>(size + 1);
  char* const text = exact.get() + 1;
  if (size != 0) std::memcpy(text, data, size);
  std::vector<spikard::Node> nodes(spikard::json::Reader::max_nodes(size, limits));
  std::string scratch(size, '\0');
  const char* const base = std::less<>()(text, scratch.data()) ? text : scratch.data();
  spikard::json::Reader::Target target{
      .base = base, .nodes = nodes.data(), .node_room = nodes.size(), .scratch = scratch.data(), .scratch_room = size};
  spikard::json::ReadError error;
  const bool ok = reader.read_into({text, size}, limits, target, error);
  if (target.out_of_room || (!ok && (error.message == nullptr || error.offset > size))) std::abort();

  const simdjson::padded_string padded(text, size);
  const auto code =
      parser.allocate(size, limits.max_depth + 1) == simdjson::SUCCESS ? parser.parse(padded).error() : simdjson::MEMALLOC;
  if (ok && code != simdjson::SUCCESS && !(code == simdjson::NUMBER_ERROR && has_numtext(nodes.data(), target.node_count)))
    std::abort();
  // What simdjson takes and we refuse is a depth at the limit: it counts scalars differently.
  if (!ok && code == simdjson::SUCCESS && std::strcmp(error.message, "nested too deep") != 0) std::abort();

  if (ok) {
    const spikard::Value value(nodes.data(), base);
    if (static_cast<std::size_t>(value.ptr()->next() - value.ptr()) != target.node_count) std::abort();
    const std::string written = spikard::json::to_string(value);
    const auto again = reader.read(written, limits);
    if (!again.ok()) std::abort();
    if (!spikard::equal(value, again->root()) && spikard::json::to_string(again->root()) != written) std::abort();
    // Less room must be noticed, never overrun.
    if (target.node_count > 1) {
      target.node_room = target.node_count - 1;
      const auto less = std::make_unique<spikard::Node[]>(target.node_room);
      target.nodes = less.get();
      if (reader.read_into({text, size}, limits, target, error) || !target.out_of_room) std::abort();
    }
  }
  return 0;
}
