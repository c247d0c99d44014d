#include "validation/compiler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "validation/uri.hpp"

namespace spikard::validation::detail {
namespace {

constexpr std::array<std::pair<std::string_view, std::uint8_t>, 7> type_names{{{"null", type_null},
                                                                               {"boolean", type_boolean},
                                                                               {"integer", type_integer},
                                                                               {"number", type_number},
                                                                               {"string", type_string},
                                                                               {"array", type_array},
                                                                               {"object", type_object}}};

std::uint8_t type_of(Value v) {
  switch (v.type()) {
    case NodeType::null: return type_null;
    case NodeType::boolean: return type_boolean;
    case NodeType::array: return type_array;
    case NodeType::object: return type_object;
    case NodeType::string:
    case NodeType::bytes: return type_string;
    default: return type_number;
  }
}

class Compiler {
 public:
  explicit Compiler(const CompileOptions& options) : options_(options), index_(options), program_(std::make_shared<Program>()) {}

  Result<std::shared_ptr<const Program>> run(Value schema) {
    index_.add(schema, options_.base_uri);
    program_->root = block_of(schema, "");
    drain();
    while (!error_ && add_dynamic_targets()) drain();
    if (!error_) refuse_loops();
    if (error_) return *std::move(error_);
    finish();
    return std::shared_ptr<const Program>(program_);
  }

 private:
  using Vocabulary = SchemaIndex::Vocabulary;

  /// The ops of one block while it is made.
  struct Draft {
    std::vector<Op> common, string, number, array, object;
  };

  void fail(const std::string& pointer, std::string_view expected) {
    if (!error_) error_ = invalid_argument(fmt::format("schema at \"{}\": {}", pointer, expected));
  }
  [[nodiscard]] std::string at(std::string_view keyword) const { return fmt::format("{}/{}", pointer_, keyword); }

  BlockId block_of(Value schema, const std::string& pointer) {
    if (schema.is(NodeType::boolean) && schema.as_bool()) return accept;
    if (schema.is_object() && schema.size() == 0) return accept;
    if (!schema.is_object() && !schema.is(NodeType::boolean)) {
      fail(pointer, "expected a schema (an object or a boolean)");
      return accept;
    }
    if (const auto it = ids_.find(schema.ptr()); it != ids_.end()) return it->second;
    const auto id = static_cast<BlockId>(program_->blocks.size());
    ids_.emplace(schema.ptr(), id);
    program_->blocks.emplace_back();
    program_->infos.emplace_back();
    if (schema.is_object()) work_.emplace_back(schema, id);
    else program_->blocks[id].flags = flag_never;
    return id;
  }

  void drain() {
    while (!work_.empty() && !error_) {
      const auto [schema, id] = work_.front();
      work_.pop_front();
      place_ = index_.place(schema);
      pointer_ = place_.pointer;
      vocabularies_ = index_.resources()[place_.resource].vocabularies;
      id_ = id;
      body(schema);
    }
  }

  std::uint32_t constant(Value v) {
    program_->constants.emplace_back(v);
    return static_cast<std::uint32_t>(program_->constants.size() - 1);
  }

  /// A count: a non-negative number without fraction.
  bool count(Value schema, std::string_view keyword, std::int64_t& out) {
    const Value v = schema.find(keyword);
    if (!v) return false;
    const bool number = v.node().is_number() && is_integral(v) && v.as_double() >= 0;
    if (!number) {
      fail(at(keyword), "expected a non-negative integer");
      return false;
    }
    if (v.is(NodeType::integer)) out = v.as_int();
    else out = v.as_double() < 9e18 ? static_cast<std::int64_t>(v.as_double()) : INT64_MAX;
    return true;
  }

  void body(Value schema) {
    Draft draft;
    core(schema, draft);
    if ((vocabularies_ & Vocabulary::validation) != 0) assertions(schema, draft);
    if ((vocabularies_ & Vocabulary::format) != 0) format(schema, draft);
    if ((vocabularies_ & Vocabulary::applicator) != 0) {
      in_place(schema, draft);
      array_part(schema, draft);
    }
    object_part(schema, draft);
    if ((vocabularies_ & Vocabulary::unevaluated) != 0) unevaluated(schema);
    if (const Value v = schema.find("default")) program_->infos[id_].default_value = constant(v);
    program_->infos[id_].pointer = pointer_;
    Block& b = program_->blocks[id_];
    b.resource = place_.resource;
    const auto store = [&](const std::vector<Op>& ops, Range& range) {
      range.begin = static_cast<std::uint32_t>(program_->ops.size());
      program_->ops.insert(program_->ops.end(), ops.begin(), ops.end());
      range.end = static_cast<std::uint32_t>(program_->ops.size());
    };
    store(draft.common, b.common);
    store(draft.string, b.string);
    store(draft.number, b.number);
    store(draft.array, b.array);
    store(draft.object, b.object);
  }

  void core(Value schema, Draft& draft) {
    for (const std::string_view keyword : {"$id", "$schema", "$ref", "$dynamicRef", "$anchor", "$dynamicAnchor"}) {
      if (const Value v = schema.find(keyword); v && !v.is_string()) fail(at(keyword), "expected a string");
    }
    if (const Value defs = schema.find("$defs"); defs && !defs.is_object()) fail(at("$defs"), "expected an object of schemas");
    if (error_) return;
    if (const Value v = schema.find("$ref")) {
      const auto target = index_.resolve(v.text(), place_);
      if (!target) return fail(at("$ref"), target.error().message());
      const BlockId id = block_of(target->schema, at("$ref"));
      if (id != accept) draft.common.push_back({Code::apply, id, 0});
    }
    if (const Value v = schema.find("$dynamicRef")) {
      const auto target = index_.resolve(v.text(), place_);
      if (!target) return fail(at("$dynamicRef"), target.error().message());
      const BlockId id = block_of(target->schema, at("$dynamicRef"));
      if (target->dynamic) {
        const auto [it, added] = anchors_.emplace(target->anchor, static_cast<std::uint32_t>(anchors_.size()));
        program_->dynamic = true;
        program_->dynamic_refs.push_back({it->second, id});
        draft.common.push_back({Code::dynamic_ref, static_cast<std::uint32_t>(program_->dynamic_refs.size() - 1), 0});
      } else if (id != accept) {
        draft.common.push_back({Code::apply, id, 0});
      }
    }
  }

  void types(Value v) {
    std::uint8_t mask = 0;
    BlockInfo& info = program_->infos[id_];
    const auto one = [&](Value name) {
      for (const auto& [known, bits] : type_names) {
        if (name.is_string() && name.text() == known) {
          mask |= bits;
          info.type_names.emplace_back(known);
          return true;
        }
      }
      return false;
    };
    bool good = false;
    if (v.is_string()) {
      good = one(v);
    } else if (v.is_array() && v.size() > 0) {
      good = true;
      for (const Value name : v.elements()) good = good && one(name);
      if (v.size() > 1) program_->blocks[id_].flags |= flag_type_list;
    }
    if (!good)
      return fail(at("type"), "expected one of null, boolean, integer, number, string, array, object, or a list of them");
    program_->blocks[id_].types = mask;
  }

  void assertions(Value schema, Draft& draft) {
    if (const Value v = schema.find("type")) types(v);
    if (const Value v = schema.find("enum")) {
      if (!v.is_array()) return fail(at("enum"), "expected an array");
      std::vector<std::string> names;
      for (const Value e : v.elements()) {
        if (e.is_string() && std::find(names.begin(), names.end(), e.text()) == names.end()) names.emplace_back(e.text());
      }
      const std::uint32_t value = constant(v);
      if (names.size() == v.size()) {
        NameTable table;
        table.set(std::move(names));
        program_->enums.push_back(std::move(table));
        draft.common.push_back({Code::enum_strings, static_cast<std::uint32_t>(program_->enums.size() - 1), value});
      } else {
        draft.common.push_back({Code::enum_values, value, 0});
      }
    }
    if (const Value v = schema.find("const")) draft.common.push_back({Code::const_value, constant(v), 0});
    numbers(schema, draft);
    std::int64_t n = 0;
    if (count(schema, "minLength", n) && n > 0) draft.string.push_back({Code::min_length, 0, n});
    if (count(schema, "maxLength", n)) draft.string.push_back({Code::max_length, 0, n});
    if (count(schema, "minItems", n) && n > 0) draft.array.push_back({Code::min_items, 0, n});
    if (count(schema, "maxItems", n)) draft.array.push_back({Code::max_items, 0, n});
    if (count(schema, "minProperties", n) && n > 0) draft.object.push_back({Code::min_properties, 0, n});
    if (count(schema, "maxProperties", n)) draft.object.push_back({Code::max_properties, 0, n});
    if (const Value v = schema.find("pattern")) {
      std::uint32_t index = 0;
      if (!v.is_string()) return fail(at("pattern"), "expected a string");
      if (pattern(v.text(), at("pattern"), index)) draft.string.push_back({Code::pattern, index, 0});
    }
    if (const Value v = schema.find("uniqueItems")) {
      if (!v.is(NodeType::boolean)) return fail(at("uniqueItems"), "expected a boolean");
      if (v.as_bool()) draft.array.push_back({Code::unique_items, 0, 0});
    }
    if (const Value v = schema.find("dependentRequired")) dependent_required(v, draft);
  }

  void format(Value schema, Draft& draft) {
    const Value v = schema.find("format");
    if (!v) return;
    if (!v.is_string()) return fail(at("format"), "expected a string");
    const Format* known = find_format(v.text());
    if (known == nullptr || !options_.assert_format) return;
    program_->formats.push_back(known);
    draft.string.push_back({Code::format, static_cast<std::uint32_t>(program_->formats.size() - 1), 0});
  }

  void numbers(Value schema, Draft& draft) {
    const auto limit = [&](std::string_view keyword, Code integer, Code other) {
      const Value v = schema.find(keyword);
      if (!v) return;
      if (!v.node().is_number()) return fail(at(keyword), "expected a number");
      if (v.is(NodeType::integer)) draft.number.push_back({integer, constant(v), v.as_int()});
      else draft.number.push_back({other, constant(v), 0});
    };
    limit("minimum", Code::minimum_int, Code::minimum);
    limit("maximum", Code::maximum_int, Code::maximum);
    limit("exclusiveMinimum", Code::above_int, Code::above);
    limit("exclusiveMaximum", Code::below_int, Code::below);
    if (const Value v = schema.find("multipleOf")) {
      MultipleOf m;
      if (!v.node().is_number() || !m.set(v)) return fail(at("multipleOf"), "expected a number above 0 with at most 19 digits");
      program_->multiples.push_back(m);
      draft.number.push_back({Code::multiple_of, static_cast<std::uint32_t>(program_->multiples.size() - 1), constant(v)});
    }
  }

  bool pattern(std::string_view text, const std::string& where, std::uint32_t& index) {
    const auto [it, added] = patterns_.emplace(text, static_cast<std::uint32_t>(program_->patterns.size()));
    index = it->second;
    if (!added) return true;
    Result<Pattern> compiled = Pattern::compile(text);
    if (!compiled) {
      fail(where, fmt::format("expected an ECMA-262 regular expression: {}", compiled.error().message()));
      return false;
    }
    program_->patterns.push_back(std::move(*compiled));
    return true;
  }

  bool string_list(Value v, std::vector<std::string>& out) {
    if (!v.is_array()) return false;
    for (const Value e : v.elements()) {
      if (!e.is_string()) return false;
      if (std::find(out.begin(), out.end(), e.text()) == out.end()) out.emplace_back(e.text());
    }
    return true;
  }

  void dependent_required(Value v, Draft& draft) {
    if (!v.is_object()) return fail(at("dependentRequired"), "expected an object of lists of names");
    for (const auto& [name, list] : v.members()) {
      Dependents d{std::string(name), {}};
      if (!string_list(list, d.required)) return fail(at("dependentRequired"), "expected an object of lists of names");
      program_->dependents.push_back(std::move(d));
      draft.object.push_back({Code::dependent_required, static_cast<std::uint32_t>(program_->dependents.size() - 1), 0});
    }
  }

  bool schema_list(Value schema, std::string_view keyword, std::vector<std::uint32_t>& out) {
    const Value v = schema.find(keyword);
    if (!v) return false;
    if (!v.is_array() || v.size() == 0) {
      fail(at(keyword), "expected a list of schemas that is not empty");
      return false;
    }
    for (const Value e : v.elements()) out.push_back(block_of(e, at(keyword)));
    return true;
  }

  std::uint32_t list(const std::vector<std::uint32_t>& values) {
    const auto first = static_cast<std::uint32_t>(program_->lists.size());
    program_->lists.insert(program_->lists.end(), values.begin(), values.end());
    return first;
  }

  void in_place(Value schema, Draft& draft) {
    std::vector<std::uint32_t> blocks;
    if (schema_list(schema, "allOf", blocks)) {
      for (const BlockId id : blocks) {
        if (id != accept) draft.common.push_back({Code::apply, id, 0});
      }
    }
    for (const auto& [keyword, code] : {std::pair{"anyOf", Code::any_of}, std::pair{"oneOf", Code::one_of}}) {
      blocks.clear();
      if (schema_list(schema, keyword, blocks))
        draft.common.push_back({code, list(blocks), static_cast<std::int64_t>(blocks.size())});
    }
    if (const Value v = schema.find("not")) draft.common.push_back({Code::not_, block_of(v, at("not")), 0});
    const Value if_schema = schema.find("if");
    const Value then_schema = schema.find("then");
    const Value else_schema = schema.find("else");
    const BlockId then_block = then_schema ? block_of(then_schema, at("then")) : accept;
    const BlockId else_block = else_schema ? block_of(else_schema, at("else")) : accept;
    if (if_schema) draft.common.push_back({Code::if_, list({block_of(if_schema, at("if")), then_block, else_block}), 0});
    if (const Value v = schema.find("dependentSchemas")) {
      if (!v.is_object()) return fail(at("dependentSchemas"), "expected an object of schemas");
      for (const auto& [name, sub] : v.members()) {
        const BlockId id = block_of(sub, at("dependentSchemas"));
        if (id == accept) continue;
        program_->dependents.push_back({std::string(name), {}});
        draft.object.push_back({Code::dependent_schema, static_cast<std::uint32_t>(program_->dependents.size() - 1), id});
      }
    }
  }

  void array_part(Value schema, Draft& draft) {
    ArrayPart part;
    std::vector<std::uint32_t> prefix;
    schema_list(schema, "prefixItems", prefix);
    part.prefix.begin = list(prefix);
    part.prefix.end = part.prefix.begin + static_cast<std::uint32_t>(prefix.size());
    if (const Value v = schema.find("items")) {
      part.has_items = true;
      part.items = block_of(v, at("items"));
    }
    if (const Value v = schema.find("contains")) {
      std::int64_t min = 1;
      std::int64_t max = UINT32_MAX;
      if ((vocabularies_ & Vocabulary::validation) != 0) {
        count(schema, "minContains", min);
        count(schema, "maxContains", max);
      }
      const auto clamp = [](std::int64_t n) { return static_cast<std::uint32_t>(std::min<std::int64_t>(n, UINT32_MAX)); };
      draft.array.push_back({Code::contains, list({block_of(v, at("contains")), clamp(min), clamp(max)}), 0});
    }
    if (prefix.empty() && !part.has_items) return;
    program_->arrays.push_back(part);
    program_->blocks[id_].array_part = static_cast<std::uint32_t>(program_->arrays.size() - 1);
  }

  void object_part(Value schema, Draft&) {
    const bool applies = (vocabularies_ & Vocabulary::applicator) != 0;
    const bool asserts = (vocabularies_ & Vocabulary::validation) != 0;
    ObjectPart part;
    std::vector<std::string> names;
    if (const Value v = asserts ? schema.find("required") : Value()) {
      if (!string_list(v, names)) return fail(at("required"), "expected a list of names");
    }
    part.required = static_cast<std::uint32_t>(names.size());
    part.required_mask = part.required >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << part.required) - 1;
    part.properties.resize(names.size());
    if (applies) {
      if (const Value v = schema.find("properties")) {
        if (!v.is_object()) return fail(at("properties"), "expected an object of schemas");
        for (const auto& [name, sub] : v.members()) {
          auto it = std::find(names.begin(), names.end(), name);
          if (it == names.end()) {
            names.emplace_back(name);
            part.properties.emplace_back();
            it = names.end() - 1;
          }
          part.properties[static_cast<std::size_t>(it - names.begin())] = {block_of(sub, at("properties")), true};
        }
      }
      if (const Value v = schema.find("patternProperties")) {
        if (!v.is_object()) return fail(at("patternProperties"), "expected an object of schemas");
        for (const auto& [text, sub] : v.members()) {
          std::uint32_t index = 0;
          if (pattern(text, at("patternProperties"), index))
            part.patterns.emplace_back(index, block_of(sub, at("patternProperties")));
        }
      }
      if (const Value v = schema.find("additionalProperties")) {
        part.has_additional = true;
        part.additional = block_of(v, at("additionalProperties"));
      }
      if (const Value v = schema.find("propertyNames")) part.property_names = block_of(v, at("propertyNames"));
    }
    part.watch_names = part.has_additional || !part.patterns.empty() || part.property_names != accept;
    part.only_additional = part.patterns.empty() && part.property_names == accept;
    if (names.empty() && !part.watch_names) return;
    part.names.set(std::move(names));
    program_->objects.push_back(std::move(part));
    program_->blocks[id_].object_part = static_cast<std::uint32_t>(program_->objects.size() - 1);
  }

  void unevaluated(Value schema) {
    if (const Value v = schema.find("unevaluatedProperties")) {
      Block* b = &program_->blocks[id_];
      if (b->object_part == nothing) {
        program_->objects.emplace_back();
        b->object_part = static_cast<std::uint32_t>(program_->objects.size() - 1);
      }
      b->flags |= flag_unevaluated_properties;
      const BlockId id = block_of(v, at("unevaluatedProperties"));
      program_->objects[program_->blocks[id_].object_part].unevaluated = id;
    }
    if (const Value v = schema.find("unevaluatedItems")) {
      Block* b = &program_->blocks[id_];
      if (b->array_part == nothing) {
        program_->arrays.emplace_back();
        b->array_part = static_cast<std::uint32_t>(program_->arrays.size() - 1);
      }
      b->flags |= flag_unevaluated_items;
      const BlockId id = block_of(v, at("unevaluatedItems"));
      program_->arrays[program_->blocks[id_].array_part].unevaluated = id;
    }
  }

  /// A dynamic reference may end at its anchor in any resource.
  bool add_dynamic_targets() {
    for (std::uint32_t r = 0; r < index_.resources().size(); ++r) {
      for (const auto& [name, schema] : index_.resources()[r].dynamic_anchors) {
        const auto it = anchors_.find(name);
        if (it == anchors_.end()) continue;
        const std::uint64_t key = std::uint64_t{r} << 32U | it->second;
        if (targets_.contains(key)) continue;
        targets_.emplace(key, block_of(schema, index_.place(schema).pointer));
      }
    }
    return !work_.empty();
  }

  /// The blocks that look at the same value as this one.
  template <class Visit>
  void each_in_place(const Block& b, Visit visit) const {
    const Program& p = *program_;
    for (std::uint32_t i = b.common.begin; i < b.common.end; ++i) {
      const Op& op = p.ops[i];
      if (op.code == Code::apply || op.code == Code::not_) visit(op.a);
      if (op.code == Code::any_of || op.code == Code::one_of) {
        for (std::int64_t k = 0; k < op.value; ++k) visit(p.lists[op.a + static_cast<std::uint32_t>(k)]);
      }
      if (op.code == Code::if_) {
        for (std::uint32_t k = 0; k < 3; ++k) visit(p.lists[op.a + k]);
      }
    }
    for (std::uint32_t i = b.object.begin; i < b.object.end; ++i) {
      if (p.ops[i].code == Code::dependent_schema) visit(static_cast<BlockId>(p.ops[i].value));
    }
  }

  void refuse_loops() {
    std::vector<std::uint8_t> state(program_->blocks.size(), 0);
    const auto visit = [&](const auto& self, BlockId id) -> void {
      if (id == accept || state[id] == 2 || error_) return;
      if (state[id] == 1)
        return fail(program_->infos[id].pointer, "expected references that end; this schema refers to itself for the same value");
      state[id] = 1;
      each_in_place(program_->blocks[id], [&](BlockId next) { self(self, next); });
      state[id] = 2;
    };
    for (BlockId id = 0; id < program_->blocks.size(); ++id) visit(visit, id);
  }

  std::uint8_t coerce_types(BlockId id, unsigned depth) const {
    if (id == accept || depth > 64) return type_any;
    const Program& p = *program_;
    const Block& b = p.blocks[id];
    std::uint8_t mask = b.types;
    for (std::uint32_t i = b.common.begin; i < b.common.end; ++i) {
      const Op& op = p.ops[i];
      switch (op.code) {
        case Code::apply: mask &= coerce_types(op.a, depth + 1); break;
        case Code::dynamic_ref: mask &= coerce_types(p.dynamic_refs[op.a].fallback, depth + 1); break;
        case Code::any_of:
        case Code::one_of: {
          std::uint8_t any = 0;
          for (std::int64_t k = 0; k < op.value; ++k)
            any |= coerce_types(p.lists[op.a + static_cast<std::uint32_t>(k)], depth + 1);
          mask &= any;
          break;
        }
        case Code::enum_strings: mask &= type_string; break;
        case Code::enum_values: {
          std::uint8_t any = 0;
          for (const Value v : p.constant(op.a).elements()) any |= type_of(v);
          mask &= any;
          break;
        }
        case Code::const_value: mask &= type_of(p.constant(op.a)); break;
        default: break;
      }
    }
    return mask;
  }

  [[nodiscard]] bool defaults_at(BlockId id) const {
    if (id == accept) return false;
    return (program_->blocks[id].flags & flag_defaults) != 0 || own_default(id, 0);
  }
  [[nodiscard]] bool own_default(BlockId id, unsigned depth) const {
    if (id == accept || depth > 16) return false;
    if (program_->infos[id].default_value != nothing) return true;
    const Block& b = program_->blocks[id];
    for (std::uint32_t i = b.common.begin; i < b.common.end; ++i) {
      if (program_->ops[i].code == Code::apply && own_default(program_->ops[i].a, depth + 1)) return true;
    }
    return false;
  }

  void finish() {
    Program& p = *program_;
    for (const auto& [key, id] : targets_) p.dynamic_targets.emplace_back(key, id);
    for (BlockId id = 0; id < p.blocks.size(); ++id) p.infos[id].coerce = coerce_types(id, 0);
    for (bool changed = true; changed;) {
      changed = false;
      for (Block& b : p.blocks) {
        if ((b.flags & flag_defaults) != 0) continue;
        bool has = false;
        for (std::uint32_t i = b.common.begin; i < b.common.end; ++i) {
          const Op& op = p.ops[i];
          const auto flagged = [&](BlockId id) { return id != accept && (p.blocks[id].flags & flag_defaults) != 0; };
          if (op.code == Code::apply) has = has || flagged(op.a);
          if (op.code == Code::dynamic_ref) has = has || flagged(p.dynamic_refs[op.a].fallback);
          if (op.code == Code::any_of || op.code == Code::one_of) {
            for (std::int64_t k = 0; k < op.value; ++k) has = has || flagged(p.lists[op.a + static_cast<std::uint32_t>(k)]);
          }
          if (op.code == Code::if_) has = has || flagged(p.lists[op.a + 1]) || flagged(p.lists[op.a + 2]);
        }
        if (b.object_part != nothing) {
          const ObjectPart& o = p.objects[b.object_part];
          for (const Property& property : o.properties) has = has || defaults_at(property.block);
          // Members that are there by pattern or as additional ones can miss members of their own, not themselves.
          const auto below = [&](BlockId id) { return id != accept && (p.blocks[id].flags & flag_defaults) != 0; };
          for (const auto& [pattern, id] : o.patterns) has = has || below(id);
          has = has || below(o.additional);
        }
        if (b.array_part != nothing) {
          const ArrayPart& a = p.arrays[b.array_part];
          const auto below = [&](BlockId id) { return id != accept && (p.blocks[id].flags & flag_defaults) != 0; };
          has = has || below(a.items);
          for (std::uint32_t i = a.prefix.begin; i < a.prefix.end; ++i) has = has || below(p.lists[i]);
        }
        if (has) {
          b.flags |= flag_defaults;
          changed = true;
        }
      }
    }
  }

  const CompileOptions& options_;
  SchemaIndex index_;
  std::shared_ptr<Program> program_;
  std::unordered_map<const Node*, BlockId> ids_;
  std::deque<std::pair<Value, BlockId>> work_;
  std::map<std::string, std::uint32_t, std::less<>> patterns_;
  std::map<std::string, std::uint32_t, std::less<>> anchors_;
  std::map<std::uint64_t, BlockId> targets_;
  std::optional<Error> error_;
  // The schema at hand.
  SchemaIndex::Place place_{};
  std::string pointer_;
  std::uint8_t vocabularies_ = Vocabulary::all_vocabularies;
  BlockId id_ = 0;
};

}  // namespace

Result<std::shared_ptr<const Program>> compile_program(Value schema, const CompileOptions& options) {
  if (!schema) return invalid_argument("schema at \"\": expected a schema (an object or a boolean)");
  return Compiler(options).run(schema);
}

}  // namespace spikard::validation::detail
