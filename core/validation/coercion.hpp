#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "validation/issue.hpp"
#include "validation/runner.hpp"

namespace spikard::validation::detail {

/// The schemas that say something about one place: found through $ref, allOf, anyOf, oneOf, if/then/else. Kept inline for the
/// usual few.
using Blocks = std::vector<BlockId>;

/// Adds the schemas of the member `name`, or of the item `index`, of a value under `id`.
void member_blocks(const Program& p, BlockId id, std::string_view name, Blocks& out);
void item_blocks(const Program& p, BlockId id, std::uint32_t index, Blocks& out);
/// The types a text at this place may become; type_any when nothing is said.
[[nodiscard]] std::uint8_t coerce_mask(const Program& p, std::span<const BlockId> blocks);

/// One text to a value of a type in `mask`. `node` is the text's own node (its text at `base`); it becomes the value. False: it
/// cannot be, and `type` and `message` say why; the node stays.
struct TextFailure {
  std::string_view type;
  std::string message;
};
[[nodiscard]] bool coerce_text(const Program& p, std::span<const BlockId> blocks, std::uint8_t mask, const char* base, Node& node,
                               TextFailure& failure);

/// The default of the schema itself (also behind $ref and allOf): a constant, or `nothing`.
[[nodiscard]] std::uint32_t own_default(const Program& p, BlockId id, unsigned depth = 0);
void fill_defaults(const Program& p, std::span<const BlockId> blocks, Value v, Runner& runner, NodeBuilder& out);

/// Reporter, and an issue in any case: for values the Runner refused.
void report_all(const Program& p, BlockId id, Value v, std::span<const std::string_view> prefix, Issues& issues);

bool coerce_tree(const Program& p, BlockId root, Value tree, std::span<const std::string_view> prefix, NodeBuilder& out,
                 Issues& issues);

}  // namespace spikard::validation::detail
