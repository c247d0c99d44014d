#pragma once

#include <cstddef>
#include <cstring>

#include "base/node.hpp"

namespace spikard::abi {

/// A node tree as a host handed it over: nodes at the start of `data`, text offsets relative to it. Checked in one pass, so that
/// reading it is safe: every count fits, every text lies inside, keys are strings. Returns a Value that does not exist when it is
/// malformed (or misaligned).
inline Value checked_nodes(const void* data, std::size_t size) {
  if (size < sizeof(Node) || reinterpret_cast<std::uintptr_t>(data) % alignof(Node) != 0) return {};
  const auto* nodes = static_cast<const Node*>(data);
  const std::size_t room = size / sizeof(Node);
  struct Frame {
    std::uint64_t left;  // values still to come
    std::uint64_t end;   // where the container must end
    bool object;
  };
  constexpr std::size_t max_depth = 256;
  Frame stack[max_depth];
  std::size_t depth = 0;
  std::uint64_t at = 0;
  const auto text_fits = [&](const Node& n) { return n.off <= size && n.len <= size - n.off; };
  while (true) {
    if (depth > 0) {
      Frame& top = stack[depth - 1];
      if (top.left == 0) {
        if (at != top.end) return {};
        if (--depth == 0) return {nodes, static_cast<const char*>(data)};
        continue;
      }
      --top.left;
      if (top.object) {
        if (at >= room || nodes[at].type != NodeType::string || !text_fits(nodes[at])) return {};
        ++at;
      }
    }
    if (at >= room) return {};
    const Node& n = nodes[at];
    switch (n.type) {
      case NodeType::null:
      case NodeType::boolean:
      case NodeType::integer:
      case NodeType::number:
      case NodeType::uinteger: break;
      case NodeType::string:
      case NodeType::bytes:
      case NodeType::numtext:
        if (!text_fits(n)) return {};
        break;
      case NodeType::array:
      case NodeType::object:
        if (depth == max_depth || n.off > room - at - 1) return {};
        stack[depth++] = {n.len, at + 1 + n.off, n.type == NodeType::object};
        ++at;
        continue;
      default: return {};
    }
    ++at;
    if (depth == 0) return {nodes, static_cast<const char*>(data)};
  }
}

}  // namespace spikard::abi
