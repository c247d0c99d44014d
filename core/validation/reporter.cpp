#include "validation/reporter.hpp"

#include <fmt/format.h>

#include <cmath>

#include "base/json.hpp"

namespace spikard::validation::detail {
namespace {

/// Numbers as people write them: 18, 0.5, not 18.0.
std::string number_text(Value v) {
  if (v.is(NodeType::number) && std::fabs(v.as_double()) < 1e15 && is_integral(v))
    return fmt::format("{}", static_cast<std::int64_t>(v.as_double()));
  return json::to_string(v);
}

std::string item_text(Value v) {
  if (v.is_string()) return fmt::format("'{}'", v.text());
  return v.node().is_number() ? number_text(v) : json::to_string(v);
}

template <class List>
std::string either(const List& parts) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += i + 1 == parts.size() ? " or " : ", ";
    out += parts[i];
  }
  return out;
}

template <class Put>
Document context_with(std::string_view key, Put put) {
  NodeBuilder b;
  b.begin_object();
  b.key(key);
  put(b);
  b.end();
  return Document(std::move(b));
}
Document context(std::string_view key, std::string_view text) {
  return context_with(key, [&](NodeBuilder& b) { b.string(text); });
}
Document context(std::string_view key, std::int64_t n) {
  return context_with(key, [&](NodeBuilder& b) { b.integer(n); });
}
Document context(std::string_view key, Value v) {
  return context_with(key, [&](NodeBuilder& b) { b.copy(v); });
}

std::string counted(std::string_view start, std::int64_t n, std::string_view noun, std::string_view rest = {}) {
  return fmt::format("{} {} {}{}{}", start, n, noun, n == 1 ? "" : "s", rest);
}

}  // namespace

void Reporter::add(std::string_view type, std::string msg, const Node* input, Document ctx) {
  if (issues_.full()) return;
  issues_.add({type, loc_, std::move(msg), issues_.copy_input(runner_.value(input)), std::move(ctx)});
}

void Reporter::add_at(std::string segment, std::string_view type, std::string msg, const Node* input) {
  loc_.push_back(std::move(segment));
  add(type, std::move(msg), input);
  loc_.pop_back();
}

void Reporter::report(BlockId id, const Node* n) {
  if (id == accept || issues_.full()) return;
  const Block& b = program_.blocks[id];
  const Runner::Scope scope(runner_, b);
  if (scope.too_deep()) return add("validation_error", "Input is nested too deeply to be validated", n);
  if ((b.flags & flag_never) != 0) return add("validation_error", "Input is not allowed here", n);
  if (!runner_.type_fits(b.types, n)) type_issue(id, n);
  switch (n->type) {
    case NodeType::string: string_issues(b, n); break;
    case NodeType::integer:
    case NodeType::uinteger:
    case NodeType::number:
    case NodeType::numtext: number_issues(b, n); break;
    case NodeType::array: array_issues(b, n); break;
    case NodeType::object: object_issues(b, n); break;
    default: break;
  }
  common_issues(b, n);
  const std::uint8_t flag = n->type == NodeType::object ? flag_unevaluated_properties : flag_unevaluated_items;
  if (n->is_container() && (b.flags & flag) != 0) unevaluated_issues(b, n);
}

void Reporter::type_issue(BlockId id, const Node* n) {
  const Block& b = program_.blocks[id];
  if ((b.flags & flag_type_list) != 0) {
    return add("type_error", fmt::format("Input should be a valid {}", either(program_.infos[id].type_names)), n);
  }
  const bool text = n->type == NodeType::string;
  switch (b.types) {
    case type_integer:
      if (text) return add("int_parsing", "Input should be a valid integer, unable to parse string as an integer", n);
      return add("int_type", "Input should be a valid integer", n);
    case type_number:
      if (text) return add("float_parsing", "Input should be a valid number, unable to parse string as a number", n);
      return add("float_type", "Input should be a valid number", n);
    case type_boolean:
      if (text) return add("bool_parsing", "Input should be a valid boolean, unable to interpret input", n);
      return add("bool_type", "Input should be a valid boolean", n);
    case type_string: return add("string_type", "Input should be a valid string", n);
    case type_array: return add("array_type", "Input should be a valid array", n);
    case type_object: return add("object_type", "Input should be a valid object", n);
    default: return add("null_type", "Input should be a valid null", n);
  }
}

void Reporter::string_issues(const Block& b, const Node* n) {
  for (std::uint32_t i = b.string.begin; i != b.string.end; ++i) {
    const Op& op = program_.ops[i];
    if (runner_.string_op(op, n)) continue;
    switch (op.code) {
      case Code::min_length:
        add("string_too_short", counted("String should have at least", op.value, "character"), n,
            context("min_length", op.value));
        break;
      case Code::max_length:
        add("string_too_long", counted("String should have at most", op.value, "character"), n, context("max_length", op.value));
        break;
      case Code::pattern: {
        const std::string& source = program_.patterns[op.a].source();
        add("string_pattern_mismatch", fmt::format("String should match pattern '{}'", source), n, context("pattern", source));
        break;
      }
      default: {
        const Format& f = *program_.formats[op.a];
        const bool named = f.error_type == "format_error";
        add(f.error_type, std::string(f.message), n, named ? context("format", f.name) : Document());
        break;
      }
    }
  }
}

void Reporter::number_issues(const Block& b, const Node* n) {
  for (std::uint32_t i = b.number.begin; i != b.number.end; ++i) {
    const Op& op = program_.ops[i];
    if (runner_.number_op(op, n)) continue;
    const Value limit = program_.constant(op.code == Code::multiple_of ? static_cast<std::uint32_t>(op.value) : op.a);
    const std::string text = number_text(limit);
    switch (op.code) {
      case Code::minimum_int:
      case Code::minimum:
        add("greater_than_equal", fmt::format("Input should be greater than or equal to {}", text), n, context("ge", limit));
        break;
      case Code::maximum_int:
      case Code::maximum:
        add("less_than_equal", fmt::format("Input should be less than or equal to {}", text), n, context("le", limit));
        break;
      case Code::above_int:
      case Code::above: add("greater_than", fmt::format("Input should be greater than {}", text), n, context("gt", limit)); break;
      case Code::below_int:
      case Code::below: add("less_than", fmt::format("Input should be less than {}", text), n, context("lt", limit)); break;
      default: add("multiple_of", fmt::format("Input should be a multiple of {}", text), n, context("multiple_of", limit)); break;
    }
  }
}

void Reporter::array_issues(const Block& b, const Node* n) {
  for (std::uint32_t i = b.array.begin; i != b.array.end; ++i) {
    const Op& op = program_.ops[i];
    switch (op.code) {
      case Code::min_items:
        if (n->len < op.value) {
          add("too_short", counted("List should have at least", op.value, "item", " after validation"), n,
              context("min_length", op.value));
        }
        break;
      case Code::max_items:
        if (n->len > op.value) {
          add("too_long", counted("List should have at most", op.value, "item", " after validation"), n,
              context("max_length", op.value));
        }
        break;
      case Code::unique_items:
        if (!runner_.unique(n)) add("validation_error", "List items should be unique", n);
        break;
      default: {
        std::uint32_t hits = 0;
        for (const Node* e = n + 1; e != n->next(); e = e->next()) hits += runner_.run(program_.lists[op.a], e) ? 1 : 0;
        const std::uint32_t min = program_.lists[op.a + 1];
        const std::uint32_t max = program_.lists[op.a + 2];
        if (hits < min) add("validation_error", counted("List should contain at least", min, "matching item"), n);
        if (hits > max) add("validation_error", counted("List should contain at most", max, "matching item"), n);
        break;
      }
    }
  }
  if (b.array_part == nothing) return;
  const ArrayPart& part = program_.arrays[b.array_part];
  const std::uint32_t prefix = part.prefix.end - part.prefix.begin;
  std::uint32_t index = 0;
  for (const Node* e = n + 1; e != n->next(); e = e->next(), ++index) {
    const BlockId id = index < prefix ? program_.lists[part.prefix.begin + index] : part.items;
    if (runner_.run(id, e)) continue;
    loc_.push_back(std::to_string(index));
    report(id, e);
    loc_.pop_back();
  }
}

void Reporter::object_issues(const Block& b, const Node* n) {
  for (std::uint32_t i = b.object.begin; i != b.object.end; ++i) {
    const Op& op = program_.ops[i];
    switch (op.code) {
      case Code::min_properties:
        if (n->len < op.value)
          add("validation_error",
              fmt::format("Object should have at least {} {}", op.value, op.value == 1 ? "property" : "properties"), n);
        break;
      case Code::max_properties:
        if (n->len > op.value)
          add("validation_error",
              fmt::format("Object should have at most {} {}", op.value, op.value == 1 ? "property" : "properties"), n);
        break;
      case Code::dependent_required: {
        const Dependents& d = program_.dependents[op.a];
        if (!runner_.has_member(n, d.name)) break;
        for (const std::string& name : d.required) {
          if (runner_.has_member(n, name)) continue;
          add("validation_error", fmt::format("Property '{}' requires '{}'", d.name, name), n);
          break;
        }
        break;
      }
      default:
        if (runner_.has_member(n, program_.dependents[op.a].name)) report(static_cast<BlockId>(op.value), n);
        break;
    }
  }
  if (b.object_part != nothing) member_issues(program_.objects[b.object_part], n);
}

void Reporter::member_issues(const ObjectPart& o, const Node* n) {
  for (std::uint32_t i = 0; i < o.required; ++i) {
    if (!runner_.has_member(n, o.names.name(i))) add_at(std::string(o.names.name(i)), "missing", "Field required", n);
  }
  for (std::uint32_t i = 0; i < o.properties.size(); ++i) {
    const BlockId id = o.properties[i].block;
    const Value member = runner_.value(n).find(o.names.name(i));
    if (!member || runner_.run(id, member.ptr())) continue;
    loc_.emplace_back(o.names.name(i));
    report(id, member.ptr());
    loc_.pop_back();
  }
  if (!o.watch_names) return;
  for (const Node* key = n + 1; key != n->next() && !issues_.full(); key = (key + 1)->next()) {
    const std::string_view name = runner_.text(key);
    const std::uint32_t entry = o.names.find(name);
    bool known = entry != NameTable::not_found && o.properties[entry].declared;
    if (!runner_.run(o.property_names, key))
      add_at(std::string(name), "validation_error", "Name of the property is not allowed", key);
    const auto inside = [&](BlockId id) {
      if (runner_.run(id, key + 1)) return;
      loc_.emplace_back(name);
      report(id, key + 1);
      loc_.pop_back();
    };
    for (const auto& [pattern, id] : o.patterns) {
      if (!runner_.matches(pattern, name)) continue;
      known = true;
      inside(id);
    }
    if (known || !o.has_additional || o.additional == accept) continue;
    if ((program_.blocks[o.additional].flags & flag_never) != 0) {
      add_at(std::string(name), "validation_error", "Additional properties are not allowed", n);
    } else {
      inside(o.additional);
    }
  }
}

void Reporter::common_issues(const Block& b, const Node* n) {
  const std::vector<std::uint32_t>& lists = program_.lists;
  for (std::uint32_t i = b.common.begin; i != b.common.end; ++i) {
    const Op& op = program_.ops[i];
    const auto hits = [&] {
      int count = 0;
      for (std::int64_t k = 0; k < op.value; ++k) count += runner_.run(lists[op.a + static_cast<std::uint32_t>(k)], n) ? 1 : 0;
      return count;
    };
    switch (op.code) {
      case Code::apply: report(op.a, n); break;
      case Code::dynamic_ref: report(runner_.dynamic_target(program_.dynamic_refs[op.a]), n); break;
      case Code::any_of:
        if (hits() == 0) add("validation_error", "Input should match at least one of the allowed schemas", n);
        break;
      case Code::one_of:
        if (hits() != 1) add("validation_error", "Input should match exactly one of the allowed schemas", n);
        break;
      case Code::not_:
        if (runner_.run(op.a, n)) add("validation_error", "Input should not match the forbidden schema", n);
        break;
      case Code::if_: report(runner_.run(lists[op.a], n) ? lists[op.a + 1] : lists[op.a + 2], n); break;
      case Code::enum_strings:
      case Code::enum_values: {
        if (runner_.value_op(op, n)) break;
        std::vector<std::string> items;
        const std::uint32_t constant = op.code == Code::enum_strings ? static_cast<std::uint32_t>(op.value) : op.a;
        for (const Value v : program_.constant(constant).elements()) items.push_back(item_text(v));
        const std::string expected = either(items);
        add("enum", fmt::format("Input should be {}", expected), n, context("expected", expected));
        break;
      }
      default:
        if (!runner_.value_op(op, n))
          add("validation_error", fmt::format("Input should be {}", item_text(program_.constant(op.a))), n);
        break;
    }
  }
}

void Reporter::unevaluated_issues(const Block& b, const Node* n) {
  Bits bits(n->len, false);
  mark_in_place(b, n, bits);
  const bool object = n->type == NodeType::object;
  const BlockId rest = object ? program_.objects[b.object_part].unevaluated : program_.arrays[b.array_part].unevaluated;
  if (rest == accept) return;
  const bool never = (program_.blocks[rest].flags & flag_never) != 0;
  const Node* child = n + 1;
  for (std::uint32_t i = 0; i < n->len && !issues_.full(); ++i) {
    const Node* const looked_at = object ? child + 1 : child;
    if (!bits[i] && !runner_.run(rest, looked_at)) {
      std::string segment = object ? std::string(runner_.text(child)) : std::to_string(i);
      if (never) {
        add_at(std::move(segment), "validation_error",
               object ? "Unevaluated properties are not allowed" : "Unevaluated items are not allowed", object ? n : looked_at);
      } else {
        loc_.push_back(std::move(segment));
        report(rest, looked_at);
        loc_.pop_back();
      }
    }
    child = looked_at->next();
  }
}

void Reporter::mark(BlockId id, const Node* n, Bits& bits) {
  if (id == accept) return;
  const Block& b = program_.blocks[id];
  const Runner::Scope scope(runner_, b);
  if (scope.too_deep()) return;
  const std::uint8_t flag = n->type == NodeType::object ? flag_unevaluated_properties : flag_unevaluated_items;
  if ((b.flags & flag) != 0) {
    bits.assign(bits.size(), true);
    return;
  }
  mark_in_place(b, n, bits);
}

void Reporter::mark_in_place(const Block& b, const Node* n, Bits& bits) {
  const std::vector<std::uint32_t>& lists = program_.lists;
  for (std::uint32_t i = b.common.begin; i != b.common.end; ++i) {
    const Op& op = program_.ops[i];
    switch (op.code) {
      case Code::apply: mark(op.a, n, bits); break;
      case Code::dynamic_ref: mark(runner_.dynamic_target(program_.dynamic_refs[op.a]), n, bits); break;
      case Code::any_of:
      case Code::one_of:
        for (std::int64_t k = 0; k < op.value; ++k) {
          const BlockId id = lists[op.a + static_cast<std::uint32_t>(k)];
          if (runner_.run(id, n)) mark(id, n, bits);
        }
        break;
      case Code::if_:
        if (runner_.run(lists[op.a], n)) {
          mark(lists[op.a], n, bits);
          mark(lists[op.a + 1], n, bits);
        } else {
          mark(lists[op.a + 2], n, bits);
        }
        break;
      default: break;
    }
  }
  if (n->type == NodeType::object) {
    for (std::uint32_t i = b.object.begin; i != b.object.end; ++i) {
      const Op& op = program_.ops[i];
      if (op.code == Code::dependent_schema && runner_.has_member(n, program_.dependents[op.a].name))
        mark(static_cast<BlockId>(op.value), n, bits);
    }
    if (b.object_part != nothing) mark_members(program_.objects[b.object_part], n, bits);
    return;
  }
  for (std::uint32_t i = b.array.begin; i != b.array.end; ++i) {
    const Op& op = program_.ops[i];
    if (op.code != Code::contains) continue;
    std::size_t index = 0;
    for (const Node* e = n + 1; e != n->next(); e = e->next(), ++index) {
      if (runner_.run(program_.lists[op.a], e)) bits[index] = true;
    }
  }
  if (b.array_part == nothing) return;
  const ArrayPart& part = program_.arrays[b.array_part];
  for (std::size_t i = 0; i < bits.size(); ++i) {
    if (part.has_items || i < part.prefix.end - part.prefix.begin) bits[i] = true;
  }
}

void Reporter::mark_members(const ObjectPart& o, const Node* n, Bits& bits) {
  std::size_t index = 0;
  for (const Node* key = n + 1; key != n->next(); key = (key + 1)->next(), ++index) {
    const std::string_view name = runner_.text(key);
    const std::uint32_t entry = o.names.find(name);
    bool known = o.has_additional || (entry != NameTable::not_found && o.properties[entry].declared);
    for (const auto& [pattern, id] : o.patterns) known = known || runner_.matches(pattern, name);
    if (known) bits[index] = true;
  }
}

}  // namespace spikard::validation::detail
