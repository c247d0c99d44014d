#include "validation/runner.hpp"

#include <algorithm>
#include <bit>
#include <functional>

namespace spikard::validation::detail {
namespace {

std::uint64_t mix(std::uint64_t h) noexcept {
  h ^= h >> 32U;
  h *= 0xD6E8FEB86659FD93U;
  h ^= h >> 32U;
  return h;
}

/// Equal values (in the sense of `equal`) have equal hashes.
std::uint64_t hash_value(Value v) noexcept {
  switch (v.type()) {
    case NodeType::null: return 1;
    case NodeType::boolean: return v.as_bool() ? 2 : 3;
    case NodeType::string:
    case NodeType::bytes: return mix(std::hash<std::string_view>()(v.text()));
    case NodeType::array: {
      std::uint64_t h = 5;
      for (const Value e : v.elements()) h = mix(h * 31 + hash_value(e));
      return h;
    }
    case NodeType::object: {
      std::uint64_t h = 7;
      for (const auto& [key, value] : v.members()) h += mix(std::hash<std::string_view>()(key) * 31 + hash_value(value));
      return h;
    }
    default: return mix(std::hash<double>()(v.as_double()) + 11);
  }
}

/// Whether a double holds the integer exactly.
bool exact(std::int64_t v) noexcept {
  constexpr std::int64_t bound = std::int64_t{1} << 53;
  return v >= -bound && v <= bound;
}

}  // namespace

Scratch& thread_scratch() noexcept {
  thread_local Scratch scratch;
  return scratch;
}

std::size_t code_points(std::string_view text) noexcept {
  std::size_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0U) != 0x80 ? 1 : 0;
  return n;
}

Runner::Runner(const Program& program, const char* base)
    : program_(program), base_(base), scratch_(thread_scratch()), first_scope_(scratch_.scopes.size()) {}

Runner::~Runner() { scratch_.scopes.resize(first_scope_); }

Runner::Scope::Scope(Runner& runner, const Block& block) : runner_(runner) {
  ++runner_.depth_;
  if (!runner_.program_.dynamic) return;
  std::vector<std::uint32_t>& scopes = runner_.scratch_.scopes;
  pushed_ = scopes.size() == runner_.first_scope_ || scopes.back() != block.resource;
  if (pushed_) scopes.push_back(block.resource);
}

Runner::Scope::~Scope() {
  --runner_.depth_;
  if (pushed_) runner_.scratch_.scopes.pop_back();
}

BlockId Runner::dynamic_target(const DynamicRef& ref) const noexcept {
  const auto& targets = program_.dynamic_targets;
  for (std::size_t i = first_scope_; i < scratch_.scopes.size(); ++i) {
    const std::uint64_t key = std::uint64_t{scratch_.scopes[i]} << 32U | ref.anchor;
    const auto it =
        std::lower_bound(targets.begin(), targets.end(), key, [](const auto& t, std::uint64_t k) { return t.first < k; });
    if (it != targets.end() && it->first == key) return it->second;
  }
  return ref.fallback;
}

bool Runner::type_fits(std::uint8_t types, const Node* n) const noexcept {
  switch (n->type) {
    case NodeType::null: return (types & type_null) != 0;
    case NodeType::boolean: return (types & type_boolean) != 0;
    case NodeType::string:
    case NodeType::bytes: return (types & type_string) != 0;
    case NodeType::array: return (types & type_array) != 0;
    case NodeType::object: return (types & type_object) != 0;
    case NodeType::integer:
    case NodeType::uinteger: return (types & type_integer) != 0;
    case NodeType::number:
    case NodeType::numtext:
      if ((types & type_number) == 0 || (types & type_number) == type_number) return (types & type_number) != 0;
      return ((types & type_integer) != 0) == is_integral(value(n));
  }
  return false;
}

bool Runner::matches(std::uint32_t pattern, std::string_view text) {
  const Pattern::Verdict v = program_.patterns[pattern].match(text);
  if (v == Pattern::Verdict::limit) aborted_ = true;
  return v == Pattern::Verdict::yes;
}

[[gnu::always_inline]] inline bool Runner::string_check(const Op& op, const Node* n) {
  const std::string_view s = text(n);
  switch (op.code) {
    case Code::min_length:
      // A code point has at most four bytes, so most texts are decided without counting.
      return s.size() >= static_cast<std::uint64_t>(op.value) &&
             (s.size() / 4 >= static_cast<std::uint64_t>(op.value) || code_points(s) >= static_cast<std::uint64_t>(op.value));
    case Code::max_length:
      return s.size() <= static_cast<std::uint64_t>(op.value) || code_points(s) <= static_cast<std::uint64_t>(op.value);
    case Code::pattern: return matches(op.a, s);
    case Code::format: return program_.formats[op.a]->accepts(s);
    default: return true;
  }
}

[[gnu::always_inline]] inline bool Runner::number_check(const Op& op, const Node* n) const {
  switch (op.code) {
    case Code::minimum_int:
      if (n->type == NodeType::integer) return n->i >= op.value;
      if (n->type == NodeType::number && exact(op.value)) return n->f >= static_cast<double>(op.value);
      return compare_numbers(value(n), program_.constant(op.a)) >= 0;
    case Code::maximum_int:
      if (n->type == NodeType::integer) return n->i <= op.value;
      if (n->type == NodeType::number && exact(op.value)) return n->f <= static_cast<double>(op.value);
      return compare_numbers(value(n), program_.constant(op.a)) <= 0;
    case Code::above_int:
      if (n->type == NodeType::integer) return n->i > op.value;
      if (n->type == NodeType::number && exact(op.value)) return n->f > static_cast<double>(op.value);
      return compare_numbers(value(n), program_.constant(op.a)) > 0;
    case Code::below_int:
      if (n->type == NodeType::integer) return n->i < op.value;
      if (n->type == NodeType::number && exact(op.value)) return n->f < static_cast<double>(op.value);
      return compare_numbers(value(n), program_.constant(op.a)) < 0;
    case Code::minimum: return compare_numbers(value(n), program_.constant(op.a)) >= 0;
    case Code::maximum: return compare_numbers(value(n), program_.constant(op.a)) <= 0;
    case Code::above: return compare_numbers(value(n), program_.constant(op.a)) > 0;
    case Code::below: return compare_numbers(value(n), program_.constant(op.a)) < 0;
    case Code::multiple_of: return program_.multiples[op.a].matches(value(n));
    default: return true;
  }
}

bool Runner::string_op(const Op& op, const Node* n) { return string_check(op, n); }
bool Runner::number_op(const Op& op, const Node* n) const { return number_check(op, n); }

[[gnu::always_inline]] inline bool Runner::scalar(const Block& b, const Node* n) {
  // What a node is by its type alone; a number without fraction is looked at closer.
  constexpr std::uint8_t bits[] = {type_null,   type_boolean, type_integer, type_fraction, type_string,
                                   type_string, type_array,   type_object,  type_integer,  type_fraction};
  const auto type = static_cast<std::size_t>(n->type);
  if ((b.types & bits[type]) == 0 && (bits[type] != type_fraction || !type_fits(b.types, n))) return false;
  const Op* const ops = program_.ops.data();
  if (n->type == NodeType::string) {
    for (std::uint32_t i = b.string.begin; i != b.string.end; ++i) {
      if (!string_check(ops[i], n)) return false;
    }
  } else {
    for (std::uint32_t i = b.number.begin; i != b.number.end; ++i) {
      if (n->is_number() && !number_check(ops[i], n)) return false;
    }
  }
  return true;
}

[[gnu::always_inline]] inline bool Runner::child(BlockId id, const Node* n) {
  if (id == accept) return true;
  const Block& b = program_.blocks[id];
  // Most values are scalars under a schema without applicators: no scope, no depth, no recursion.
  if (!n->is_container() && b.common.empty() && (b.flags & flag_never) == 0) return scalar(b, n);
  return block<false>(id, n, 0);
}

bool Runner::value_op(const Op& op, const Node* n) const {
  switch (op.code) {
    case Code::enum_strings: return n->type == NodeType::string && program_.enums[op.a].find(text(n)) != NameTable::not_found;
    case Code::enum_values:
      for (const Value v : program_.constant(op.a).elements()) {
        if (equal(v, value(n))) return true;
      }
      return false;
    case Code::const_value: return equal(program_.constant(op.a), value(n));
    default: return true;
  }
}

bool Runner::unique(const Node* array) {
  const std::uint32_t count = array->len;
  if (count < 2) return true;
  const Node* const end = array->next();
  if (count <= 16) {
    for (const Node* a = array + 1; a != end; a = a->next()) {
      for (const Node* b = a->next(); b != end; b = b->next()) {
        if (equal(value(a), value(b))) return false;
      }
    }
    return true;
  }
  auto& list = scratch_.elements;
  list.clear();
  for (const Node* e = array + 1; e != end; e = e->next()) list.emplace_back(hash_value(value(e)), e);
  std::sort(list.begin(), list.end());
  for (std::size_t i = 0; i < list.size(); ++i) {
    for (std::size_t k = i + 1; k < list.size() && list[k].first == list[i].first; ++k) {
      if (equal(value(list[i].second), value(list[k].second))) return false;
    }
  }
  return true;
}

template <bool track>
bool Runner::block(BlockId id, const Node* n, std::size_t at) {
  const Block& b = program_.blocks[id];
  const Scope scope(*this, b);
  if (scope.too_deep()) {
    aborted_ = true;
    return false;
  }
  const std::uint8_t unevaluated = n->type == NodeType::object
                                       ? b.flags & flag_unevaluated_properties
                                       : (n->type == NodeType::array ? b.flags & flag_unevaluated_items : 0);
  if (unevaluated != 0) return with_unevaluated(b, n, at, track);
  return body<track>(b, n, at);
}

bool Runner::with_unevaluated(const Block& b, const Node* n, std::size_t at, bool track) {
  const std::size_t own = scratch_.bits.size();
  scratch_.bits.resize(own + words(n), 0);
  bool ok = body<true>(b, n, own);
  const bool object = n->type == NodeType::object;
  const BlockId rest = object ? program_.objects[b.object_part].unevaluated : program_.arrays[b.array_part].unevaluated;
  const Node* child = n + 1;
  for (std::uint32_t i = 0; ok && rest != accept && i < n->len; ++i) {
    const Node* const looked_at = object ? child + 1 : child;
    if (!marked(own, i)) ok = run(rest, looked_at);
    child = looked_at->next();
  }
  scratch_.bits.resize(own);
  if (ok && track) {
    for (std::uint32_t i = 0; i < n->len; ++i) mark(at, i);
  }
  return ok;
}

template <bool track>
bool Runner::body(const Block& b, const Node* n, std::size_t at) {
  if ((b.flags & flag_never) != 0) return false;
  if (n->type == NodeType::object) {
    if ((b.types & type_object) == 0 || !object<track>(b, n, at)) return false;
  } else if (n->type == NodeType::array) {
    if ((b.types & type_array) == 0 || !array<track>(b, n, at)) return false;
  } else if (!scalar(b, n)) {
    return false;
  }
  return b.common.empty() || common<track>(b, n, at);
}

template <bool track>
bool Runner::in_place(BlockId id, const Node* n, std::size_t at) {
  return id == accept || block<track>(id, n, at);
}

template <bool track>
bool Runner::branch(BlockId id, const Node* n, std::size_t at) {
  if constexpr (!track) {
    return run(id, n);
  } else {
    if (id == accept) return true;
    const std::size_t own = scratch_.bits.size();
    const std::size_t count = words(n);
    scratch_.bits.resize(own + count, 0);
    const bool ok = block<true>(id, n, own);
    if (ok) {
      for (std::size_t i = 0; i < count; ++i) scratch_.bits[at + i] |= scratch_.bits[own + i];
    }
    scratch_.bits.resize(own);
    return ok;
  }
}

template <bool track>
bool Runner::common(const Block& b, const Node* n, std::size_t at) {
  // Scalars have nothing to mark.
  if constexpr (track) {
    if (!n->is_container()) return common<false>(b, n, 0);
  }
  const std::vector<std::uint32_t>& lists = program_.lists;
  for (std::uint32_t i = b.common.begin; i != b.common.end; ++i) {
    const Op& op = program_.ops[i];
    switch (op.code) {
      case Code::apply:
        if (!block<track>(op.a, n, at)) return false;
        break;
      case Code::dynamic_ref:
        if (!in_place<track>(dynamic_target(program_.dynamic_refs[op.a]), n, at)) return false;
        break;
      case Code::any_of: {
        bool any = false;
        for (std::int64_t k = 0; k < op.value && (track || !any); ++k) {
          if (branch<track>(lists[op.a + static_cast<std::uint32_t>(k)], n, at)) any = true;
        }
        if (!any) return false;
        break;
      }
      case Code::one_of: {
        int hits = 0;
        for (std::int64_t k = 0; k < op.value && hits < 2; ++k) {
          if (branch<track>(lists[op.a + static_cast<std::uint32_t>(k)], n, at)) ++hits;
        }
        if (hits != 1) return false;
        break;
      }
      case Code::not_:
        if (run(op.a, n)) return false;
        break;
      case Code::if_: {
        const BlockId then_block = lists[op.a + 1];
        const BlockId else_block = lists[op.a + 2];
        if (!track && then_block == accept && else_block == accept) break;
        if (!in_place<track>(branch<track>(lists[op.a], n, at) ? then_block : else_block, n, at)) return false;
        break;
      }
      default:
        if (!value_op(op, n)) return false;
        break;
    }
  }
  return true;
}

template <bool track>
bool Runner::contains(const Op& op, const Node* n, std::size_t at) {
  const BlockId id = program_.lists[op.a];
  const std::uint32_t min = program_.lists[op.a + 1];
  const std::uint32_t max = program_.lists[op.a + 2];
  std::uint32_t hits = 0;
  std::uint32_t index = 0;
  for (const Node* e = n + 1; e != n->next(); e = e->next(), ++index) {
    if (!run(id, e)) continue;
    if constexpr (track) mark(at, index);
    if (++hits > max) return false;
    if (!track && hits >= min && max == UINT32_MAX) return true;
  }
  return hits >= min;
}

template <bool track>
bool Runner::array(const Block& b, const Node* n, std::size_t at) {
  for (std::uint32_t i = b.array.begin; i != b.array.end; ++i) {
    const Op& op = program_.ops[i];
    bool ok = true;
    switch (op.code) {
      case Code::min_items: ok = n->len >= op.value; break;
      case Code::max_items: ok = n->len <= op.value; break;
      case Code::unique_items: ok = unique(n); break;
      default: ok = contains<track>(op, n, at); break;
    }
    if (!ok) return false;
  }
  if (b.array_part == nothing) return true;
  const ArrayPart& part = program_.arrays[b.array_part];
  const std::uint32_t prefix = part.prefix.end - part.prefix.begin;
  const Node* e = n + 1;
  std::uint32_t index = 0;
  for (; index < prefix && index < n->len; ++index, e = e->next()) {
    if (!run(program_.lists[part.prefix.begin + index], e)) return false;
    if constexpr (track) mark(at, index);
  }
  if (!part.has_items) return true;
  for (; index < n->len; ++index, e = e->next()) {
    if (!child(part.items, e)) return false;
    if constexpr (track) mark(at, index);
  }
  return true;
}

template <bool track>
bool Runner::object(const Block& b, const Node* n, std::size_t at) {
  for (std::uint32_t i = b.object.begin; i != b.object.end; ++i) {
    const Op& op = program_.ops[i];
    switch (op.code) {
      case Code::min_properties:
        if (n->len < op.value) return false;
        break;
      case Code::max_properties:
        if (n->len > op.value) return false;
        break;
      case Code::dependent_required: {
        const Dependents& d = program_.dependents[op.a];
        if (!has_member(n, d.name)) break;
        for (const std::string& name : d.required) {
          if (!has_member(n, name)) return false;
        }
        break;
      }
      default:
        if (has_member(n, program_.dependents[op.a].name) && !block<track>(static_cast<BlockId>(op.value), n, at)) return false;
        break;
    }
  }
  if (b.object_part == nothing) return true;
  return members<track>(program_.objects[b.object_part], n, at);
}

template <bool track>
bool Runner::members(const ObjectPart& o, const Node* n, std::size_t at) {
  // Of members with the same name the last one counts, so the first pass only finds them.
  const Node* last[64];  // valid where `seen` has a bit
  std::uint64_t seen = 0;
  std::uint32_t guess = 0;
  std::uint32_t index = 0;
  const Node* const end = n->next();
  for (const Node* key = n + 1; key != end; key = (key + 1)->next(), ++index) {
    const std::uint32_t entry = o.names.find(text(key), guess);
    bool known = false;
    if (entry != NameTable::not_found) {
      guess = entry + 1;
      const Property p = o.properties[entry];
      known = p.declared;
      if (entry < 64) {
        seen |= std::uint64_t{1} << entry;
        last[entry] = key + 1;
      } else if (!run(p.block, key + 1)) {
        return false;
      }
    }
    if (o.watch_names && !(known && o.only_additional) && !unknown_member<track>(o, key, known, at, index)) return false;
    if constexpr (track) {
      if (known) mark(at, index);
    }
  }
  if ((seen & o.required_mask) != o.required_mask) return false;
  for (std::uint32_t i = 64; i < o.required; ++i) {
    if (!has_member(n, o.names.name(i))) return false;
  }
  for (; seen != 0; seen &= seen - 1) {
    const auto entry = static_cast<std::uint32_t>(std::countr_zero(seen));
    if (!child(o.properties[entry].block, last[entry])) return false;
  }
  return true;
}

template <bool track>
bool Runner::unknown_member(const ObjectPart& o, const Node* key, bool known, std::size_t at, std::uint32_t index) {
  if (o.property_names != accept && !block<false>(o.property_names, key, 0)) return false;
  for (const auto& [pattern, id] : o.patterns) {
    if (!matches(pattern, text(key))) continue;
    known = true;
    if (!run(id, key + 1)) return false;
    if constexpr (track) mark(at, index);
  }
  if (known || !o.has_additional) return true;
  if (!run(o.additional, key + 1)) return false;
  if constexpr (track) mark(at, index);
  return true;
}

template bool Runner::block<false>(BlockId, const Node*, std::size_t);

}  // namespace spikard::validation::detail
