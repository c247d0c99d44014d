#include "telemetry/attributes.hpp"

#include <algorithm>
#include <cstring>

#include "base/json.hpp"
#include "telemetry/utf8.hpp"

namespace spikard::telemetry {
namespace {

const Node empty_object = Node::make(NodeType::object, 0, 0);

std::string_view cut(std::string_view text) noexcept {
  if (text.size() <= Attributes::max_text) return text;
  std::size_t end = Attributes::max_text;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

/// Of the key's length, its last eight bytes, its first and its middle one: the conventions' names of one span differ in it.
std::uint64_t hash_of(std::string_view key) noexcept {
  if (key.empty()) return 0;
  std::uint64_t tail = 0;
  const std::size_t size = std::min<std::size_t>(key.size(), 8);
  std::memcpy(&tail, key.data() + (key.size() - size), size);
  const std::uint64_t first = static_cast<unsigned char>(key[0]);
  const std::uint64_t middle = static_cast<unsigned char>(key[key.size() / 2]);
  return (tail ^ first << 32U ^ std::uint64_t{key.size()} << 40U ^ middle << 48U) * 0x9E3779B97F4A7C15U;
}

}  // namespace

Value Attributes::root() const noexcept { return nodes_.empty() ? Value(&empty_object, "") : Value(nodes_.data(), text_.data()); }

void Attributes::put_text(std::string_view text) {
  text = cut(text);
  const std::size_t from = text_.size();
  if (is_ascii(text)) text_.append(text);
  else append_utf8(text_, text);
  nodes_.push_back(Node::make(NodeType::string, static_cast<std::uint32_t>(text_.size() - from), from));
}

void Attributes::put_list(std::size_t count) {
  nodes_.push_back(Node::make(NodeType::array, static_cast<std::uint32_t>(count), count));
}

void Attributes::put_nodes(Value value) {
  switch (value.exists() ? value.type() : NodeType::null) {
    case NodeType::boolean:
    case NodeType::integer:
    case NodeType::number: nodes_.push_back(value.node()); return;
    case NodeType::string:
    case NodeType::numtext: put_text(value.text()); return;
    case NodeType::array: {
      bool flat = true;
      for (const Value one : value.elements())
        flat = flat && (one.is(NodeType::boolean) || one.is(NodeType::integer) || one.is(NodeType::number) || one.is_string());
      if (flat) {
        put_list(value.size());
        for (const Value one : value.elements()) put_nodes(one);
        return;
      }
      break;
    }
    default: break;
  }
  std::string text;
  if (value.exists()) json::Writer(text).write(value);
  put_text(text.empty() ? std::string_view("null") : text);
}

void Attributes::set(std::string_view key, const AttributeValue& value) {
  if (nodes_.empty()) {
    nodes_.reserve(24);
    text_.reserve(384);
    nodes_.push_back(empty_object);
  }
  const std::size_t from = text_.size();
  put_text(key);
  const std::uint64_t bit = hash_of(std::string_view(text_).substr(from)) >> 56U;  // as it is kept: bytes may have been replaced
  std::uint64_t& word = seen_[bit / 64];
  maybe_twice_ = maybe_twice_ || (word >> (bit % 64) & 1U) != 0;
  word |= std::uint64_t{1} << (bit % 64);
  switch (value.type()) {
    case AttributeValue::Type::boolean: nodes_.push_back(Node::boolean(value.boolean())); break;
    case AttributeValue::Type::integer: nodes_.push_back(Node::integer(value.integer())); break;
    case AttributeValue::Type::number: nodes_.push_back(Node::number(value.number())); break;
    case AttributeValue::Type::text: put_text(value.text()); break;
    case AttributeValue::Type::texts:
      put_list(value.list<std::string_view>().size());
      for (const std::string_view one : value.list<std::string_view>()) put_text(one);
      break;
    case AttributeValue::Type::strings:
      put_list(value.list<std::string>().size());
      for (const std::string& one : value.list<std::string>()) put_text(one);
      break;
    case AttributeValue::Type::integers:
      put_list(value.list<std::int64_t>().size());
      for (const std::int64_t one : value.list<std::int64_t>()) nodes_.push_back(Node::integer(one));
      break;
    case AttributeValue::Type::numbers:
      put_list(value.list<double>().size());
      for (const double one : value.list<double>()) nodes_.push_back(Node::number(one));
      break;
    case AttributeValue::Type::nodes: put_nodes(value.nodes()); break;
  }
  ++nodes_[0].len;
  nodes_[0].off = nodes_.size() - 1;
}

void Attributes::replace(std::string_view key, const AttributeValue& value) {
  if (!find(key).exists()) return set(key, value);
  // Rare: what stays is copied.
  Attributes kept;
  for (const auto& [name, old] : root().members()) {
    if (name != key) kept.set(name, old);
  }
  kept.set(key, value);
  *this = std::move(kept);
}

}  // namespace spikard::telemetry
