#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/node.hpp"
#include "validation/format.hpp"
#include "validation/name_table.hpp"
#include "validation/number.hpp"
#include "validation/pattern.hpp"

namespace spikard::validation::detail {

/// Index of a block. `accept` is the schema that takes everything: it has no block.
using BlockId = std::uint32_t;
inline constexpr BlockId accept = UINT32_MAX;
inline constexpr std::uint32_t nothing = UINT32_MAX;

enum TypeBit : std::uint8_t {
  type_null = 1,
  type_boolean = 2,
  type_integer = 4,
  type_fraction = 8,
  type_string = 16,
  type_array = 32,
  type_object = 64,
  type_number = type_integer | type_fraction,
  type_any = 127,
};

enum class Code : std::uint8_t {
  // common
  apply,
  dynamic_ref,
  any_of,
  one_of,
  not_,
  if_,
  enum_strings,
  enum_values,
  const_value,
  // string
  min_length,
  max_length,
  pattern,
  format,
  // number: against an int64 in the op, or against a constant
  minimum_int,
  maximum_int,
  above_int,
  below_int,
  minimum,
  maximum,
  above,
  below,
  multiple_of,
  // array
  min_items,
  max_items,
  unique_items,
  contains,
  // object
  min_properties,
  max_properties,
  dependent_required,
  dependent_schema,
};

/// What an op's `a` and `value` mean:
/// apply: a = block. dynamic_ref: a = index of `dynamic_refs`. any_of, one_of: a = first of `lists`, value = count. not_: a =
/// block. if_: a = first of three in `lists`: if, then, else. enum_strings: a = index of `enums`. enum_values: a = constant (an
/// array). const_value: a = constant. lengths, counts: value. pattern: a = index of `patterns`. format: a = index of `formats`.
/// *_int: value. minimum ...: a = constant. multiple_of: a = index of `multiples`. contains: a = first of three in `lists`:
/// block, min, max. dependent_required: a = index of `dependents`. dependent_schema: a = index of `dependents`, value = block.
struct Op {
  Code code;
  std::uint32_t a;
  std::int64_t value;
};

struct Range {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  [[nodiscard]] bool empty() const noexcept { return begin == end; }
};

enum BlockFlag : std::uint8_t {
  flag_never = 1,  ///< the schema `false`
  flag_unevaluated_properties = 2,
  flag_unevaluated_items = 4,
  flag_defaults = 8,    ///< a default may be filled in somewhere below
  flag_type_list = 16,  ///< `type` was a list
};

/// One schema. The hot part: what validation reads.
struct Block {
  std::uint8_t types = type_any;
  std::uint8_t flags = 0;
  std::uint32_t resource = 0;
  Range common, string, number, array, object;  ///< of `ops`
  std::uint32_t array_part = nothing;
  std::uint32_t object_part = nothing;
};

struct ArrayPart {
  Range prefix;  ///< of `lists`
  BlockId items = accept;
  bool has_items = false;
  BlockId unevaluated = accept;
};

struct Property {
  BlockId block = accept;
  bool declared = false;  ///< in `properties`, not only required
};

struct ObjectPart {
  NameTable names;                   ///< of `properties` and of what is required; the required ones first
  std::vector<Property> properties;  ///< by entry of `names`
  std::uint32_t required = 0;        ///< so many entries from the first on
  std::uint64_t required_mask = 0;   ///< the first 64 of them
  bool has_additional = false;
  bool watch_names = false;      ///< propertyNames, patternProperties or additionalProperties: unknown members matter
  bool only_additional = false;  ///< of the three only additionalProperties: known members need no second look
  BlockId additional = accept;
  BlockId property_names = accept;
  std::vector<std::pair<std::uint32_t, BlockId>> patterns;  ///< index of `patterns`, block
  BlockId unevaluated = accept;
};

struct Dependents {
  std::string name;
  std::vector<std::string> required;
};

struct DynamicRef {
  std::uint32_t anchor;  ///< index of `anchors`
  BlockId fallback;
};

/// What only messages, coercion and defaults read.
struct BlockInfo {
  std::string pointer;
  std::uint32_t default_value = nothing;  ///< constant
  std::vector<std::string> type_names;    ///< as written in a `type` list
  std::uint8_t coerce = 0;                ///< types a text may become; type_any: unknown, stays a string
};

/// A compiled schema: tables side by side, indices instead of pointers. Made once, then read-only.
struct Program {
  std::vector<Block> blocks;
  std::vector<Op> ops;
  std::vector<std::uint32_t> lists;
  std::vector<ObjectPart> objects;
  std::vector<ArrayPart> arrays;
  std::vector<NameTable> enums;
  std::vector<Pattern> patterns;
  std::vector<const Format*> formats;
  std::vector<MultipleOf> multiples;
  std::vector<Dependents> dependents;
  std::vector<DynamicRef> dynamic_refs;
  std::vector<std::pair<std::uint64_t, BlockId>> dynamic_targets;  ///< (resource << 32 | anchor), sorted
  std::vector<Document> constants;
  std::vector<BlockInfo> infos;
  BlockId root = accept;
  bool dynamic = false;  ///< there are dynamic references that need the dynamic scope

  [[nodiscard]] Value constant(std::uint32_t index) const noexcept { return constants[index].root(); }
};

}  // namespace spikard::validation::detail
