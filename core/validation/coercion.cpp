#include "validation/coercion.hpp"

#include <algorithm>
#include <array>

#include "validation/reporter.hpp"
#include "validation/text.hpp"

namespace spikard::validation::detail {
namespace {

constexpr unsigned max_applicators = 16;  // in a row, for one value

template <class Visit>
void each_applied(const Program& p, BlockId id, unsigned depth, const Visit& visit) {
  if (id == accept || depth > max_applicators) return;
  const Block& b = p.blocks[id];
  visit(b);
  for (std::uint32_t i = b.common.begin; i != b.common.end; ++i) {
    const Op& op = p.ops[i];
    switch (op.code) {
      case Code::apply: each_applied(p, op.a, depth + 1, visit); break;
      case Code::dynamic_ref: each_applied(p, p.dynamic_refs[op.a].fallback, depth + 1, visit); break;
      case Code::any_of:
      case Code::one_of:
        for (std::int64_t k = 0; k < op.value; ++k)
          each_applied(p, p.lists[op.a + static_cast<std::uint32_t>(k)], depth + 1, visit);
        break;
      case Code::if_:
        each_applied(p, p.lists[op.a + 1], depth + 1, visit);
        each_applied(p, p.lists[op.a + 2], depth + 1, visit);
        break;
      default: break;
    }
  }
}

void put(Blocks& out, BlockId id) {
  if (id != accept && std::find(out.begin(), out.end(), id) == out.end()) out.push_back(id);
}

std::string_view type_name(std::uint8_t bit) {
  switch (bit) {
    case type_integer: return "integer";
    case type_number: return "number";
    case type_boolean: return "boolean";
    default: return "string";
  }
}

class TreeCoercer {
 public:
  TreeCoercer(const Program& p, const char* base, std::span<const std::string_view> prefix, NodeBuilder& out, Issues& issues)
      : p_(p), base_(base), out_(out), issues_(issues), loc_(prefix.begin(), prefix.end()) {}

  void coerce(Value v, const Blocks& blocks) {
    const std::uint8_t mask = coerce_mask(p_, blocks);
    const bool list = mask != type_any && (mask & type_array) != 0;
    if (v.is_object()) return object(v, blocks);
    if (v.is_array()) {
      if (list || mask == type_any || v.size() == 0) return array(v, blocks);
      return coerce(v.at(0), blocks);  // a scalar given twice: the first counts
    }
    if (list && (v.is_string() || v.is(NodeType::bytes))) {  // one value is a list of one
      out_.begin_array();
      item(v, 0, blocks);
      out_.end();
      return;
    }
    if (v.is_string()) return text(v, blocks, mask);
    out_.copy(v);
  }
  [[nodiscard]] const std::vector<std::vector<std::string>>& failed() const noexcept { return failed_; }

 private:
  void item(Value v, std::uint32_t index, const Blocks& blocks) {
    Blocks inner;
    for (const BlockId id : blocks) item_blocks(p_, id, index, inner);
    loc_.push_back(std::to_string(index));
    coerce(v, inner);
    loc_.pop_back();
  }
  void array(Value v, const Blocks& blocks) {
    out_.begin_array();
    std::uint32_t index = 0;
    for (const Value e : v.elements()) item(e, index++, blocks);
    out_.end();
  }
  void object(Value v, const Blocks& blocks) {
    out_.begin_object();
    for (const auto& [name, value] : v.members()) {
      Blocks inner;
      for (const BlockId id : blocks) member_blocks(p_, id, name, inner);
      out_.key(name);
      loc_.emplace_back(name);
      coerce(value, inner);
      loc_.pop_back();
    }
    out_.end();
  }
  void text(Value v, const Blocks& blocks, std::uint8_t mask) {
    Node node = v.node();
    TextFailure failure;
    if (!coerce_text(p_, blocks, mask, base_, node, failure)) {
      issues_.add({failure.type, loc_, std::move(failure.message), issues_.copy_input(v), {}});
      failed_.push_back(loc_);
    }
    out_.copy(Value(&node, base_));
  }

  const Program& p_;
  const char* base_;
  NodeBuilder& out_;
  Issues& issues_;
  std::vector<std::string> loc_;
  std::vector<std::vector<std::string>> failed_;
};

/// Whether what is said at `loc` could follow from the text at `place` not having become a value: it is said at that place or
/// around it.
bool follows_from(const std::vector<std::string>& loc, const std::vector<std::string>& place) {
  return loc.size() <= place.size() && std::equal(loc.begin(), loc.end(), place.begin());
}

}  // namespace

void member_blocks(const Program& p, BlockId id, std::string_view name, Blocks& out) {
  each_applied(p, id, 0, [&](const Block& b) {
    if (b.object_part != nothing) {
      const ObjectPart& o = p.objects[b.object_part];
      bool known = false;
      if (const std::uint32_t entry = o.names.find(name); entry != NameTable::not_found && o.properties[entry].declared) {
        known = true;
        put(out, o.properties[entry].block);
      }
      for (const auto& [pattern, block] : o.patterns) {
        if (p.patterns[pattern].match(name) != Pattern::Verdict::yes) continue;
        known = true;
        put(out, block);
      }
      if (!known && o.has_additional) put(out, o.additional);
    }
    for (std::uint32_t i = b.object.begin; i != b.object.end; ++i) {
      if (p.ops[i].code == Code::dependent_schema) member_blocks(p, static_cast<BlockId>(p.ops[i].value), name, out);
    }
  });
}

void item_blocks(const Program& p, BlockId id, std::uint32_t index, Blocks& out) {
  each_applied(p, id, 0, [&](const Block& b) {
    if (b.array_part == nothing) return;
    const ArrayPart& part = p.arrays[b.array_part];
    const std::uint32_t prefix = part.prefix.end - part.prefix.begin;
    put(out, index < prefix ? p.lists[part.prefix.begin + index] : part.items);
  });
}

std::uint8_t coerce_mask(const Program& p, std::span<const BlockId> blocks) {
  std::uint8_t all = type_any;
  std::uint8_t any = 0;
  for (const BlockId id : blocks) {
    const std::uint8_t mask = p.infos[id].coerce;
    all &= mask;
    any |= mask == type_any ? 0 : mask;
  }
  // Alternatives (anyOf) may contradict each other; then each is allowed.
  return (all & ~type_null) != 0 ? all : (any != 0 ? any : std::uint8_t{type_any});
}

bool coerce_text(const Program& p, std::span<const BlockId> blocks, std::uint8_t mask, const char* base, Node& node,
                 TextFailure& failure) {
  const Node original = node;
  const std::string_view text(base + node.off, node.len);
  if (mask == type_any) return true;
  std::array<std::uint8_t, 4> wanted{};
  std::size_t count = 0;
  if ((mask & type_string) != 0) wanted[count++] = type_string;
  if ((mask & type_number) == type_number) wanted[count++] = type_number;
  else if ((mask & type_integer) != 0) wanted[count++] = type_integer;
  else if ((mask & type_fraction) != 0) wanted[count++] = type_number;
  if ((mask & type_boolean) != 0) wanted[count++] = type_boolean;
  const auto become = [&](std::uint8_t type) {
    std::int64_t i = 0;
    double d = 0;
    bool b = false;
    switch (type) {
      case type_integer:
        if (!parse_integer(text, i)) return false;
        node = Node::integer(i);
        return true;
      case type_number:
        if (!parse_number(text, d)) return false;
        node = Node::number(d);
        return true;
      case type_boolean:
        if (!parse_boolean(text, b)) return false;
        node = Node::boolean(b);
        return true;
      default: node = original; return true;
    }
  };
  if (count == 0) return true;  // the schema wants no scalar: the check says so
  if (count == 1) {
    if (become(wanted[0])) return true;
    switch (wanted[0]) {
      case type_integer:
        failure = {"int_parsing", "Input should be a valid integer, unable to parse string as an integer"};
        break;
      case type_number: failure = {"float_parsing", "Input should be a valid number, unable to parse string as a number"}; break;
      default: failure = {"bool_parsing", "Input should be a valid boolean, unable to interpret input"}; break;
    }
    return false;
  }
  // Several types: the first that the schema accepts, a string before others; else the first that the text can be.
  Node first = original;
  bool parsed = false;
  for (std::size_t k = 0; k < count; ++k) {
    if (!become(wanted[k])) continue;
    if (!parsed) first = node;
    parsed = true;
    Runner runner(p, base);
    if (std::all_of(blocks.begin(), blocks.end(), [&](BlockId id) { return runner.valid(id, &node); })) return true;
  }
  node = first;
  if (parsed) return true;
  failure.type = "type_error";
  failure.message = "Input should be a valid ";
  for (std::size_t k = 0; k < count; ++k) {
    if (k > 0) failure.message += k + 1 == count ? " or " : ", ";
    failure.message += type_name(wanted[k]);
  }
  return false;
}

std::uint32_t own_default(const Program& p, BlockId id, unsigned depth) {
  if (id == accept || depth > max_applicators) return nothing;
  if (p.infos[id].default_value != nothing) return p.infos[id].default_value;
  const Block& b = p.blocks[id];
  for (std::uint32_t i = b.common.begin; i != b.common.end; ++i) {
    if (p.ops[i].code != Code::apply) continue;
    if (const std::uint32_t found = own_default(p, p.ops[i].a, depth + 1); found != nothing) return found;
  }
  return nothing;
}

namespace {

/// What holds for `v` beside `id` itself: $ref and allOf always, alternatives where they fit.
void applying(const Program& p, BlockId id, Value v, Runner& runner, unsigned depth, Blocks& out) {
  if (id == accept || depth > max_applicators || (p.blocks[id].flags & flag_defaults) == 0) return;
  put(out, id);
  const Block& b = p.blocks[id];
  for (std::uint32_t i = b.common.begin; i != b.common.end; ++i) {
    const Op& op = p.ops[i];
    switch (op.code) {
      case Code::apply: applying(p, op.a, v, runner, depth + 1, out); break;
      case Code::dynamic_ref: applying(p, p.dynamic_refs[op.a].fallback, v, runner, depth + 1, out); break;
      case Code::any_of:
      case Code::one_of:
        for (std::int64_t k = 0; k < op.value; ++k) {
          const BlockId branch = p.lists[op.a + static_cast<std::uint32_t>(k)];
          if (!runner.run(branch, v.ptr())) continue;
          applying(p, branch, v, runner, depth + 1, out);
          break;
        }
        break;
      case Code::if_:
        applying(p, p.lists[op.a + (runner.run(p.lists[op.a], v.ptr()) ? 1U : 2U)], v, runner, depth + 1, out);
        break;
      default: break;
    }
  }
}

}  // namespace

void fill_defaults(const Program& p, std::span<const BlockId> blocks, Value v, Runner& runner, NodeBuilder& out) {
  Blocks all;
  if (v.node().is_container()) {
    for (const BlockId id : blocks) applying(p, id, v, runner, 0, all);
  }
  if (all.empty()) return out.copy(v);
  const auto inside = [&](Value child, const auto& blocks_of) {
    Blocks inner;
    for (const BlockId id : all) blocks_of(p.blocks[id], inner);
    fill_defaults(p, inner, child, runner, out);
  };
  if (v.is_array()) {
    out.begin_array();
    std::uint32_t index = 0;
    for (const Value e : v.elements()) {
      inside(e, [&](const Block& b, Blocks& inner) {
        if (b.array_part == nothing) return;
        const ArrayPart& part = p.arrays[b.array_part];
        const std::uint32_t prefix = part.prefix.end - part.prefix.begin;
        put(inner, index < prefix ? p.lists[part.prefix.begin + index] : part.items);
      });
      ++index;
    }
    return out.end();
  }
  out.begin_object();
  for (const auto& [name, value] : v.members()) {
    out.key(name);
    inside(value, [&, key = name](const Block& b, Blocks& inner) {
      if (b.object_part == nothing) return;
      const ObjectPart& o = p.objects[b.object_part];
      bool known = false;
      if (const std::uint32_t entry = o.names.find(key); entry != NameTable::not_found && o.properties[entry].declared) {
        known = true;
        put(inner, o.properties[entry].block);
      }
      for (const auto& [pattern, block] : o.patterns) {
        if (p.patterns[pattern].match(key) != Pattern::Verdict::yes) continue;
        known = true;
        put(inner, block);
      }
      if (!known) put(inner, o.additional);
    });
  }
  std::vector<std::string_view> filled;
  for (const BlockId id : all) {
    if (p.blocks[id].object_part == nothing) continue;
    const ObjectPart& o = p.objects[p.blocks[id].object_part];
    for (std::uint32_t i = 0; i < o.properties.size(); ++i) {
      const std::uint32_t constant = own_default(p, o.properties[i].block);
      const std::string_view name = o.names.name(i);
      if (constant == nothing || v.find(name) || std::find(filled.begin(), filled.end(), name) != filled.end()) continue;
      filled.push_back(name);
      out.key(name);
      out.copy(p.constant(constant));
    }
  }
  out.end();
}

void report_all(const Program& p, BlockId id, Value v, std::span<const std::string_view> prefix, Issues& issues) {
  const std::size_t before = issues.size();
  Reporter(p, v.base(), prefix, issues).report(id, v.ptr());
  if (issues.size() == before) {
    issues.add({"validation_error", {prefix.begin(), prefix.end()}, "Input is not valid", issues.copy_input(v), {}});
  }
}

bool coerce_tree(const Program& p, BlockId root, Value tree, std::span<const std::string_view> prefix, NodeBuilder& out,
                 Issues& issues) {
  const std::size_t start = out.nodes().size();
  TreeCoercer coercer(p, tree.base(), prefix, out, issues);
  Blocks blocks;
  put(blocks, root);
  coercer.coerce(tree, blocks);
  const Value coerced(out.nodes().data() + start, out.text().data());
  if (Runner(p, coerced.base()).valid(root, coerced.ptr())) return coercer.failed().empty();
  if (coercer.failed().empty()) {
    report_all(p, root, coerced, prefix, issues);
    return false;
  }
  Issues found;
  Reporter(p, coerced.base(), prefix, found).report(root, coerced.ptr());
  for (const Issue& issue : found.list()) {
    const bool follows = std::any_of(coercer.failed().begin(), coercer.failed().end(),
                                     [&](const auto& place) { return follows_from(issue.loc, place); });
    // A missing member has a place of its own; it is never around the text.
    if (!follows) issues.add(issue);
  }
  return false;
}

}  // namespace spikard::validation::detail
