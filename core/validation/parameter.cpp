#include <algorithm>
#include <array>
#include <cstring>

#include "validation/coercion.hpp"
#include "validation/compiler.hpp"
#include "validation/reporter.hpp"
#include "validation/schema.hpp"

namespace spikard::validation {

using detail::BlockId;
using detail::Blocks;

struct Parameter::State {
  ParameterSpec spec;
  std::shared_ptr<const detail::Program> program;
  Blocks root;   ///< the root block, or none for a schema that takes everything
  Blocks items;  ///< of an array without prefixItems
  std::uint8_t mask = detail::type_any;
  std::uint8_t items_mask = detail::type_any;
  bool array = false;
  bool by_index = false;  ///< prefixItems: items differ
  char separator = 0;     ///< one text holds several items
  Value default_value;
  std::size_t default_text = 0;
  std::size_t default_nodes = 0;
};

namespace {

bool is_text(const Node& n) { return n.type == NodeType::string || n.type == NodeType::bytes || n.type == NodeType::numtext; }

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

bool put(NodeRoom& room, Node n) {
  if (room.used >= room.room) {
    room.out_of_room = true;
    return false;
  }
  room.nodes[room.used++] = n;
  return true;
}

/// Copies a value from elsewhere: its text goes to the room's text.
bool put_copy(NodeRoom& room, Value v) {
  for (const Node* n = v.ptr(); n != v.ptr()->next(); ++n) {
    Node copied = *n;
    if (is_text(*n)) {
      if (room.text_room - room.text_used < n->len) {
        room.out_of_room = room.out_of_text = true;
        return false;
      }
      char* const at = room.text + room.text_used;
      if (n->len > 0) std::memcpy(at, v.base() + n->off, n->len);
      copied.off = n->len == 0 ? 0 : static_cast<std::uint64_t>(at - room.base);
      room.text_used += n->len;
    }
    if (!put(room, copied)) return false;
  }
  return true;
}

Document null_document() {
  NodeBuilder b;
  b.null();
  return Document(std::move(b));
}

char separator_of(const ParameterSpec& spec) {
  if (spec.source == "headers") return ',';
  switch (spec.style) {
    case Style::pipe_delimited: return '|';
    case Style::space_delimited: return ' ';
    case Style::semicolon_delimited: return ';';
    case Style::simple: return ',';
    case Style::form: return spec.explode ? '\0' : ',';
    case Style::deep_object: return '\0';
  }
  return '\0';
}

}  // namespace

Result<Parameter> Parameter::compile(ParameterSpec spec, Value schema, const CompileOptions& options) {
  auto program = detail::compile_program(schema, options);
  if (!program) return std::move(program).error();
  auto state = std::make_shared<State>();
  state->spec = std::move(spec);
  state->program = std::move(*program);
  const detail::Program& p = *state->program;
  if (p.root != detail::accept) state->root.push_back(p.root);
  state->mask = detail::coerce_mask(p, state->root);
  state->array =
      state->mask != detail::type_any && (state->mask & detail::type_array) != 0 && state->spec.style != Style::deep_object;
  state->separator = separator_of(state->spec);
  if (p.root != detail::accept) {
    detail::item_blocks(p, p.root, UINT32_MAX, state->items);
    Blocks first;
    detail::item_blocks(p, p.root, 0, first);
    state->by_index = first != state->items;
  }
  state->items_mask = detail::coerce_mask(p, state->items);
  if (const std::uint32_t constant = detail::own_default(p, p.root); constant != detail::nothing) {
    state->default_value = p.constant(constant);
    for (const Node* n = state->default_value.ptr(); n != state->default_value.ptr()->next(); ++n) {
      ++state->default_nodes;
      if (is_text(*n)) state->default_text += n->len;
    }
  }
  Parameter out;
  out.state_ = std::move(state);
  return out;
}

const ParameterSpec& Parameter::spec() const noexcept { return state_->spec; }
bool Parameter::wants_all() const noexcept { return state_->array || is_deep_object(); }
bool Parameter::is_deep_object() const noexcept { return state_->spec.style == Style::deep_object; }
std::size_t Parameter::default_text() const noexcept { return state_->default_text; }
std::size_t Parameter::default_nodes() const noexcept { return state_->default_nodes; }

namespace {

/// Takes back what was written for the parameter and writes null.
bool refuse(NodeRoom& room, std::size_t start, std::size_t text_start) {
  room.used = start;
  room.text_used = text_start;
  (void)put(room, Node::null());
  return false;
}

bool absent(const ParameterSpec& spec, Value default_value, NodeRoom& room, Issues& issues) {
  const std::size_t start = room.used;
  const std::size_t text_start = room.text_used;
  if (default_value) return put_copy(room, default_value) || refuse(room, start, text_start);
  if (!spec.required) return put(room, Node::null());
  issues.add({"missing", {std::string(spec.source), spec.name}, "Field required", null_document(), {}});
  return refuse(room, start, text_start);
}

}  // namespace

bool Parameter::read(std::span<const std::string_view> texts, NodeRoom& room, Issues& issues) const {
  const State& s = *state_;
  const detail::Program& p = *s.program;
  if (texts.empty()) return absent(s.spec, s.default_value, room, issues);
  const std::size_t start = room.used;
  const auto text_node = [&](std::string_view text) {
    const auto off = text.empty() ? 0 : static_cast<std::uint64_t>(text.data() - room.base);
    return Node::make(NodeType::string, static_cast<std::uint32_t>(text.size()), off);
  };
  detail::TextFailure failure;
  bool failed = false;
  const auto fail = [&](Node text, std::size_t index) {
    Issue issue{failure.type,
                {std::string(s.spec.source), s.spec.name},
                std::move(failure.message),
                issues.copy_input({&text, room.base}),
                {}};
    if (index != SIZE_MAX) issue.loc.push_back(std::to_string(index));
    issues.add(std::move(issue));
    failed = true;
  };
  if (!s.array) {
    Node node = text_node(texts[0]);
    if (!detail::coerce_text(p, s.root, s.mask, room.base, node, failure)) fail(node, SIZE_MAX);
    if (!put(room, node)) return refuse(room, start, room.text_used);
  } else {
    if (!put(room, Node::make(NodeType::array, 0, 0))) return refuse(room, start, room.text_used);
    std::uint32_t count = 0;
    const auto item = [&](std::string_view text) {
      Node node = text_node(text);
      if (s.by_index) {
        Blocks blocks;
        for (const BlockId id : s.root) detail::item_blocks(p, id, count, blocks);
        if (!detail::coerce_text(p, blocks, detail::coerce_mask(p, blocks), room.base, node, failure)) fail(node, count);
      } else if (!detail::coerce_text(p, s.items, s.items_mask, room.base, node, failure)) {
        fail(node, count);
      }
      ++count;
      return put(room, node);
    };
    const bool header = s.spec.source == "headers";
    for (std::string_view text : texts) {
      while (true) {
        const auto cut = s.separator == 0 ? std::string_view::npos : text.find(s.separator);
        std::string_view one = text.substr(0, cut);
        if (header) one = trimmed(one);
        // RFC 9110 5.6.1: empty elements of a header's list do not count.
        if (!(header && one.empty()) && !item(one)) return refuse(room, start, room.text_used);
        if (cut == std::string_view::npos) break;
        text.remove_prefix(cut + 1);
      }
    }
    room.nodes[start] = Node::make(NodeType::array, count, count);
  }
  if (failed) return refuse(room, start, room.text_used);
  const Value value(room.nodes + start, room.base);
  if (detail::Runner(p, room.base).valid(p.root, value.ptr())) return true;
  const std::array<std::string_view, 2> prefix{s.spec.source, s.spec.name};
  detail::report_all(p, p.root, value, prefix, issues);
  return refuse(room, start, room.text_used);
}

bool Parameter::read_object(Value text_tree, NodeRoom& room, NodeBuilder& scratch, Issues& issues) const {
  const State& s = *state_;
  if (!text_tree) return absent(s.spec, s.default_value, room, issues);
  const std::size_t start = room.used;
  const std::size_t text_start = room.text_used;
  const std::array<std::string_view, 2> prefix{s.spec.source, s.spec.name};
  scratch.clear();
  if (!detail::coerce_tree(*s.program, s.program->root, text_tree, prefix, scratch, issues))
    return refuse(room, start, text_start);
  NodeBuilder filled;
  detail::Runner runner(*s.program, scratch.root().base());
  detail::fill_defaults(*s.program, s.root, scratch.root(), runner, filled);
  return put_copy(room, filled.root()) || refuse(room, start, text_start);
}

}  // namespace spikard::validation
