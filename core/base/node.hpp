#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace spikard {

/// Values are those of `SPK_NULL...` in include/spikard/spikard.h.
enum class NodeType : std::uint32_t { null, boolean, integer, number, string, bytes, array, object, uinteger, numtext };

/// One 16-byte node of a document in preorder: the one representation of JSON bodies, typed parameters, rows and results, in
/// the core and across the port.
///
/// - `boolean`: `i` is 0 or 1. `integer`: `i`. `uinteger`: `off` holds a value above INT64_MAX. `number`: `f`, finite.
/// - `string`, `bytes`, `numtext` (a number that neither int64, uint64 nor a finite double holds exactly enough: integers beyond
///   64 bits, overflowing exponents; its JSON text): `len` bytes at `base + off`.
/// - `array`: `len` elements follow. `object`: `len` members follow, each a `string` node (the key) and a value.
///   For both, `off` is the number of nodes in the subtree without the container itself, so `node + 1 + off` is the next sibling.
struct Node {
  NodeType type;
  std::uint32_t len;
  union {
    std::int64_t i;
    double f;
    std::uint64_t off;
  };

  [[nodiscard]] bool is_container() const noexcept { return type == NodeType::array || type == NodeType::object; }
  [[nodiscard]] bool is_number() const noexcept {
    return type == NodeType::integer || type == NodeType::number || type == NodeType::uinteger || type == NodeType::numtext;
  }
  /// The node after this one and all below it.
  [[nodiscard]] const Node* next() const noexcept { return this + 1 + (is_container() ? off : 0); }

  static Node null() noexcept { return make(NodeType::null, 0, 0); }
  static Node boolean(bool v) noexcept { return make(NodeType::boolean, 0, v ? 1U : 0U); }
  static Node integer(std::int64_t v) noexcept { return make(NodeType::integer, 0, static_cast<std::uint64_t>(v)); }
  static Node uinteger(std::uint64_t v) noexcept { return make(NodeType::uinteger, 0, v); }
  static Node number(double v) noexcept {
    Node n;
    n.type = NodeType::number;
    n.len = 0;
    n.f = v;
    return n;
  }
  static Node make(NodeType type, std::uint32_t len, std::uint64_t off) noexcept {
    Node n;
    n.type = type;
    n.len = len;
    n.off = off;
    return n;
  }
};
static_assert(sizeof(Node) == 16 && std::is_trivially_copyable_v<Node>);

/// A read-only cursor on one value: a node and the base its text offsets count from. Two words; pass by value. Borrowed: valid
/// as long as the nodes and the text are.
class Value {
 public:
  class ArrayRange;
  class ObjectRange;

  Value() noexcept = default;
  Value(const Node* node, const char* base) noexcept : node_(node), base_(base) {}

  [[nodiscard]] bool exists() const noexcept { return node_ != nullptr; }
  explicit operator bool() const noexcept { return exists(); }
  [[nodiscard]] const Node& node() const noexcept { return *node_; }
  [[nodiscard]] const Node* ptr() const noexcept { return node_; }
  [[nodiscard]] const char* base() const noexcept { return base_; }
  [[nodiscard]] NodeType type() const noexcept { return node_->type; }
  [[nodiscard]] bool is(NodeType t) const noexcept { return node_ != nullptr && node_->type == t; }
  [[nodiscard]] bool is_null() const noexcept { return is(NodeType::null); }
  [[nodiscard]] bool is_string() const noexcept { return is(NodeType::string); }
  [[nodiscard]] bool is_array() const noexcept { return is(NodeType::array); }
  [[nodiscard]] bool is_object() const noexcept { return is(NodeType::object); }

  /// Unchecked: call after looking at type().
  [[nodiscard]] bool as_bool() const noexcept { return node_->i != 0; }
  [[nodiscard]] std::int64_t as_int() const noexcept { return node_->i; }
  [[nodiscard]] std::uint64_t as_uint() const noexcept { return node_->off; }
  [[nodiscard]] std::string_view text() const noexcept { return {base_ + node_->off, node_->len}; }
  /// Any number as a double (numtext: nearest, or infinity).
  [[nodiscard]] double as_double() const noexcept;

  /// Elements of an array, members of an object.
  [[nodiscard]] std::uint32_t size() const noexcept { return node_->len; }
  [[nodiscard]] ArrayRange elements() const noexcept;
  [[nodiscard]] ObjectRange members() const noexcept;
  /// The last member of that name (RFC 8259 leaves duplicates open; the last wins, as in most parsers), or a Value that does not
  /// exist.
  [[nodiscard]] Value find(std::string_view key) const noexcept;
  [[nodiscard]] Value at(std::uint32_t index) const noexcept;

 private:
  const Node* node_ = nullptr;
  const char* base_ = nullptr;
};

class Value::ArrayRange {
 public:
  struct iterator {
    const Node* node;
    const char* base;
    Value operator*() const noexcept { return {node, base}; }
    iterator& operator++() noexcept {
      node = node->next();
      return *this;
    }
    bool operator!=(const iterator& other) const noexcept { return node != other.node; }
  };
  explicit ArrayRange(Value v) noexcept : value_(v) {}
  [[nodiscard]] iterator begin() const noexcept { return {value_.ptr() + 1, value_.base()}; }
  [[nodiscard]] iterator end() const noexcept { return {value_.ptr()->next(), value_.base()}; }

 private:
  Value value_;
};

class Value::ObjectRange {
 public:
  struct Member {
    std::string_view key;
    Value value;
  };
  struct iterator {
    const Node* node;
    const char* base;
    Member operator*() const noexcept { return {Value(node, base).text(), Value(node + 1, base)}; }
    iterator& operator++() noexcept {
      node = (node + 1)->next();
      return *this;
    }
    bool operator!=(const iterator& other) const noexcept { return node != other.node; }
  };
  explicit ObjectRange(Value v) noexcept : value_(v) {}
  [[nodiscard]] iterator begin() const noexcept { return {value_.ptr() + 1, value_.base()}; }
  [[nodiscard]] iterator end() const noexcept { return {value_.ptr()->next(), value_.base()}; }

 private:
  Value value_;
};

inline Value::ArrayRange Value::elements() const noexcept { return ArrayRange(*this); }
inline Value::ObjectRange Value::members() const noexcept { return ObjectRange(*this); }

/// Writes nodes and the text they point to. Text offsets count from the start of `text`; a container is opened, filled, closed.
/// The two vectors may be reused between documents (`clear` keeps the capacity).
class NodeBuilder {
 public:
  void null() {
    nodes_.push_back(Node::null());
    count();
  }
  void boolean(bool v) {
    nodes_.push_back(Node::boolean(v));
    count();
  }
  void integer(std::int64_t v) {
    nodes_.push_back(Node::integer(v));
    count();
  }
  void uinteger(std::uint64_t v) {
    nodes_.push_back(v <= INT64_MAX ? Node::integer(static_cast<std::int64_t>(v)) : Node::uinteger(v));
    count();
  }
  void number(double v) {
    nodes_.push_back(Node::number(v));
    count();
  }
  void string(std::string_view v) {
    put(NodeType::string, v);
    count();
  }
  void bytes(std::string_view v) {
    put(NodeType::bytes, v);
    count();
  }
  void numtext(std::string_view v) {
    put(NodeType::numtext, v);
    count();
  }
  /// A member's name; its value comes next.
  void key(std::string_view name) { put(NodeType::string, name); }
  void begin_array() { open(NodeType::array); }
  void begin_object() { open(NodeType::object); }
  void end();
  /// A deep copy of `v`, text included.
  void copy(Value v);

  [[nodiscard]] Value root() const noexcept { return {nodes_.data(), text_.data()}; }
  [[nodiscard]] const std::vector<Node>& nodes() const noexcept { return nodes_; }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  void clear() {
    nodes_.clear();
    text_.clear();
    open_.clear();
  }

 private:
  void put(NodeType type, std::string_view v) {
    nodes_.push_back(Node::make(type, static_cast<std::uint32_t>(v.size()), text_.size()));
    text_.append(v);
  }
  void open(NodeType type) {
    count();
    open_.push_back(nodes_.size());
    nodes_.push_back(Node::make(type, 0, 0));
  }
  void count() {
    if (!open_.empty()) ++nodes_[open_.back()].len;
  }

  std::vector<Node> nodes_;
  std::string text_;
  std::vector<std::size_t> open_;
};

/// An owned document: nodes and text together. Movable; views into it (Value) stay valid across a move.
class Document {
 public:
  Document() = default;
  explicit Document(Value v) {
    NodeBuilder b;
    b.copy(v);
    take(std::move(b));
  }
  explicit Document(NodeBuilder&& b) { take(std::move(b)); }
  Document(const Document& other) : Document(other.root()) {}
  Document& operator=(const Document& other) {
    if (this != &other) *this = Document(other.root());
    return *this;
  }
  Document(Document&&) noexcept = default;
  Document& operator=(Document&&) noexcept = default;
  ~Document() = default;

  [[nodiscard]] bool empty() const noexcept { return nodes_.empty(); }
  [[nodiscard]] Value root() const noexcept { return nodes_.empty() ? Value() : Value(nodes_.data(), text_.data()); }

 private:
  void take(NodeBuilder&& b);

  std::vector<Node> nodes_;
  std::vector<char> text_;
};

/// Deep equality as JSON Schema means it: numbers by value (1 == 1.0), objects without order, arrays with it.
[[nodiscard]] bool equal(Value a, Value b);

}  // namespace spikard
