#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/node.hpp"

namespace spikard::telemetry {

/// What an attribute may be: text, integer, double, boolean, or a list of one of them. Borrowed: lives for the call it is passed
/// to.
class AttributeValue {
 public:
  enum class Type : std::uint8_t { boolean, integer, number, text, texts, strings, integers, numbers, nodes };

  AttributeValue(bool v) noexcept : type_(Type::boolean), integer_(v ? 1 : 0) {}
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  AttributeValue(T v) noexcept : type_(Type::integer), integer_(static_cast<std::int64_t>(v)) {}
  AttributeValue(double v) noexcept : type_(Type::number), number_(v) {}
  AttributeValue(const char* v) noexcept : AttributeValue(std::string_view(v)) {}
  AttributeValue(std::string_view v) noexcept : type_(Type::text), size_(v.size()), data_(v.data()) {}
  AttributeValue(const std::string& v) noexcept : AttributeValue(std::string_view(v)) {}
  AttributeValue(std::span<const std::string_view> v) noexcept : type_(Type::texts), size_(v.size()), data_(v.data()) {}
  AttributeValue(const std::vector<std::string>& v) noexcept : type_(Type::strings), size_(v.size()), data_(v.data()) {}
  AttributeValue(std::span<const std::int64_t> v) noexcept : type_(Type::integers), size_(v.size()), data_(v.data()) {}
  AttributeValue(std::span<const double> v) noexcept : type_(Type::numbers), size_(v.size()), data_(v.data()) {}
  /// A value from elsewhere (a host, a handler's JSON). Bytes, objects and null become their JSON text.
  AttributeValue(Value v) noexcept : type_(Type::nodes), data_(v.base()), node_(v.ptr()) {}

  [[nodiscard]] Type type() const noexcept { return type_; }
  [[nodiscard]] bool boolean() const noexcept { return integer_ != 0; }
  [[nodiscard]] std::int64_t integer() const noexcept { return integer_; }
  [[nodiscard]] double number() const noexcept { return number_; }
  [[nodiscard]] std::string_view text() const noexcept { return {static_cast<const char*>(data_), size_}; }
  [[nodiscard]] Value nodes() const noexcept { return {node_, static_cast<const char*>(data_)}; }
  template <class T>
  [[nodiscard]] std::span<const T> list() const noexcept {
    return {static_cast<const T*>(data_), size_};
  }

 private:
  Type type_;
  union {
    std::int64_t integer_ = 0;
    double number_;
    std::size_t size_;
  };
  const void* data_ = nullptr;
  const Node* node_ = nullptr;
};

struct Attribute {
  std::string_view key;
  AttributeValue value;
};
using AttributeList = std::initializer_list<Attribute>;

/// The attributes of a span, an event, a log record or a metric's point, owned: one object of nodes (base/node.hpp), always
/// complete. Two allocations however many there are; `clear` keeps them.
class Attributes {
 public:
  Attributes() = default;
  Attributes(AttributeList list) {
    for (const Attribute& one : list) set(one.key, one.value);
  }

  /// Text beyond this is cut (at a code point). Bytes that are no UTF-8 become U+FFFD: OTLP has no place for them.
  static constexpr std::size_t max_text = 65536;

  /// A key that is there already is not looked for: the last one counts, for readers (`find`) and exporters. `replace` looks.
  void set(std::string_view key, const AttributeValue& value);
  void replace(std::string_view key, const AttributeValue& value);
  [[nodiscard]] std::uint32_t size() const noexcept { return nodes_.empty() ? 0 : nodes_[0].len; }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  /// An object. Borrowed until the next change.
  [[nodiscard]] Value root() const noexcept;
  [[nodiscard]] Value find(std::string_view key) const noexcept { return root().find(key); }
  /// False: no key stands twice. True: one may.
  [[nodiscard]] bool maybe_twice() const noexcept { return maybe_twice_; }
  void clear() noexcept {
    nodes_.clear();
    text_.clear();
    seen_ = {};
    maybe_twice_ = false;
  }

 private:
  void put_text(std::string_view text);
  void put_list(std::size_t count);
  void put_nodes(Value value);

  std::vector<Node> nodes_;
  std::string text_;
  std::array<std::uint64_t, 4> seen_{};  ///< a bit for each key there is, by its hash
  bool maybe_twice_ = false;
};

}  // namespace spikard::telemetry
