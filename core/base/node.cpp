#include "base/node.hpp"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/assert.hpp"

namespace spikard {

double Value::as_double() const noexcept {
  switch (node_->type) {
    case NodeType::integer: return static_cast<double>(node_->i);
    case NodeType::uinteger: return static_cast<double>(node_->off);
    case NodeType::number: return node_->f;
    case NodeType::numtext: {
      const std::string_view t = text();
      double v = 0;
      const auto [ptr, ec] = std::from_chars(t.data(), t.data() + t.size(), v);
      if (ec == std::errc::result_out_of_range) {
        // from_chars leaves the value alone: under- and overflow have to be told apart.
        return std::strtod(std::string(t).c_str(), nullptr);
      }
      return v;
    }
    default: return std::numeric_limits<double>::quiet_NaN();
  }
}

Value Value::find(std::string_view key) const noexcept {
  Value found;
  for (const auto& [name, value] : members()) {
    if (name == key) found = value;
  }
  return found;
}

Value Value::at(std::uint32_t index) const noexcept {
  if (index >= size()) return {};
  const Node* n = node_ + 1;
  while (index-- > 0) n = n->next();
  return {n, base_};
}

void NodeBuilder::end() {
  SPIKARD_ASSERT(!open_.empty(), "begin and end are in balance");
  const std::size_t at = open_.back();
  open_.pop_back();
  nodes_[at].off = nodes_.size() - at - 1;
  // An object counted its values only: keys are put without counting.
}

void NodeBuilder::copy(Value v) {
  if (!v) return;  // an empty document is copied too
  count();
  const Node* const last = v.ptr()->next();
  for (const Node* n = v.ptr(); n != last; ++n) {
    Node copied = *n;
    if (n->type == NodeType::string || n->type == NodeType::bytes || n->type == NodeType::numtext) {
      copied.off = text_.size();
      text_.append(v.base() + n->off, n->len);
    }
    nodes_.push_back(copied);
  }
}

void Document::take(NodeBuilder&& b) {
  nodes_.assign(b.nodes().begin(), b.nodes().end());
  text_.assign(b.text().begin(), b.text().end());
}

namespace {

bool equal_numbers(Value a, Value b) {
  const NodeType ta = a.type();
  const NodeType tb = b.type();
  if (ta == tb) {
    switch (ta) {
      case NodeType::integer: return a.as_int() == b.as_int();
      case NodeType::uinteger: return a.as_uint() == b.as_uint();
      case NodeType::number: return a.as_double() == b.as_double();
      default:
        if (a.text() == b.text()) return true;
        return a.as_double() == b.as_double() && std::isfinite(a.as_double());
    }
  }
  // An integer equals a double only if the double is that integer exactly.
  if (tb == NodeType::integer || tb == NodeType::uinteger) return ta == NodeType::number && equal_numbers(b, a);
  if (ta == NodeType::integer && tb == NodeType::number) {
    const double d = b.as_double();
    return d >= -9223372036854775808.0 && d < 9223372036854775808.0 && static_cast<std::int64_t>(d) == a.as_int() &&
           static_cast<double>(static_cast<std::int64_t>(d)) == d;
  }
  if (ta == NodeType::uinteger && tb == NodeType::number) {
    const double d = b.as_double();
    return d >= 0 && d < 18446744073709551616.0 && static_cast<std::uint64_t>(d) == a.as_uint() &&
           static_cast<double>(static_cast<std::uint64_t>(d)) == d;
  }
  return a.as_double() == b.as_double();
}

}  // namespace

bool equal(Value a, Value b) {
  if (a.node().is_number() && b.node().is_number()) return equal_numbers(a, b);
  if (a.type() != b.type()) return false;
  switch (a.type()) {
    case NodeType::null: return true;
    case NodeType::boolean: return a.as_bool() == b.as_bool();
    case NodeType::string:
    case NodeType::bytes: return a.text() == b.text();
    case NodeType::array: {
      if (a.size() != b.size()) return false;
      auto ib = b.elements().begin();
      for (Value element : a.elements()) {
        if (!equal(element, *ib)) return false;
        ++ib;
      }
      return true;
    }
    case NodeType::object: {
      if (a.size() != b.size()) return false;
      for (const auto& [key, value] : a.members()) {
        const Value other = b.find(key);
        if (!other || !equal(value, other)) return false;
      }
      return true;
    }
    default: return false;
  }
}

}  // namespace spikard
