#pragma once

#include <array>
#include <boost/describe.hpp>
#include <boost/mp11.hpp>
#include <concepts>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/json.hpp"
#include "base/node.hpp"
#include "spikard/json_out.hpp"

/// Structs that describe themselves (Boost.Describe) get their JSON Schema, their parsing and their serialisation from that description.
///
///     struct Item {
///       std::string sku;
///       int quantity = 1;
///     };
///     BOOST_DESCRIBE_STRUCT(Item, (), (sku, quantity))
///     SPIKARD_CONSTRAIN(Item, sku, pattern("^[A-Z]{3}-[0-9]{4}$"))
///     SPIKARD_CONSTRAIN(Item, quantity, ge(1), le(100))
///
/// A member is required unless it is a std::optional (then null is taken too) or has a default: an initialiser that differs from the type's empty value, or the
/// constraint `defaulted()`. Unknown members are ignored unless the struct has `static constexpr bool spikard_closed = true`.
namespace spikard {

/// Constraints of one member, as JSON Schema keywords. They are validated by the core and shown in OpenAPI.
struct Constraint {
  std::string_view keyword;
  enum class Kind : std::uint8_t { integer, number, text, flag } kind;
  double number = 0;
  std::int64_t integer = 0;
  std::string_view text{};
};
namespace constraints {
template <class N>
constexpr Constraint bound(std::string_view keyword, N v) {
  if constexpr (std::is_integral_v<N>) return {.keyword = keyword, .kind = Constraint::Kind::integer, .integer = static_cast<std::int64_t>(v)};
  else return {.keyword = keyword, .kind = Constraint::Kind::number, .number = static_cast<double>(v)};
}
template <class N>
constexpr Constraint ge(N v) { return bound("minimum", v); }
template <class N>
constexpr Constraint gt(N v) { return bound("exclusiveMinimum", v); }
template <class N>
constexpr Constraint le(N v) { return bound("maximum", v); }
template <class N>
constexpr Constraint lt(N v) { return bound("exclusiveMaximum", v); }
template <class N>
constexpr Constraint multiple_of(N v) { return bound("multipleOf", v); }
constexpr Constraint min_length(std::int64_t n) { return bound("minLength", n); }
constexpr Constraint max_length(std::int64_t n) { return bound("maxLength", n); }
constexpr Constraint min_items(std::int64_t n) { return bound("minItems", n); }
constexpr Constraint max_items(std::int64_t n) { return bound("maxItems", n); }
constexpr Constraint unique_items() { return {.keyword = "uniqueItems", .kind = Constraint::Kind::flag}; }
constexpr Constraint pattern(std::string_view p) { return {.keyword = "pattern", .kind = Constraint::Kind::text, .text = p}; }
constexpr Constraint format(std::string_view f) { return {.keyword = "format", .kind = Constraint::Kind::text, .text = f}; }
constexpr Constraint title(std::string_view t) { return {.keyword = "title", .kind = Constraint::Kind::text, .text = t}; }
constexpr Constraint description(std::string_view t) { return {.keyword = "description", .kind = Constraint::Kind::text, .text = t}; }
/// The member is optional: its initialiser is the default, whatever it is.
constexpr Constraint defaulted() { return {.keyword = "", .kind = Constraint::Kind::flag}; }
}  // namespace constraints

namespace detail {
template <auto Member>
struct MemberTag {};
}  // namespace detail

/// States the constraints of one described member, beside the struct and in its namespace.
#define SPIKARD_CONSTRAIN(Type, member, ...)                                                                            \
  inline auto spikard_constraints(const Type*, ::spikard::detail::MemberTag<&Type::member>) {                           \
    using namespace ::spikard::constraints;                                                                             \
    return std::array{__VA_ARGS__};                                                                                     \
  }

/// Any JSON value, owned; for handlers that take or give what has no type.
using Json = Document;

namespace detail {

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};
template <class T>
struct is_vector : std::false_type {};
template <class T, class A>
struct is_vector<std::vector<T, A>> : std::true_type {};
template <class T>
struct is_string_map : std::false_type {};
template <class T, class C, class A>
struct is_string_map<std::map<std::string, T, C, A>> : std::true_type {};

template <class T>
concept Text = std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>;
template <class T>
concept DescribedEnum = std::is_enum_v<T> && boost::describe::has_describe_enumerators<T>::value;
template <class T>
concept Described = std::is_class_v<T> && boost::describe::has_describe_members<T>::value;

template <class T>
using Members = boost::describe::describe_members<T, boost::describe::mod_any_access | boost::describe::mod_inherited>;
template <class T, class D>
concept Constrained = requires { spikard_constraints(static_cast<const T*>(nullptr), MemberTag<D::pointer>{}); };

// ---- serialisation ------------------------------------------------------------------------------------------------

template <class T>
void write_json(JsonOut& out, const T& v);

/// `"name":` with its comma in front, made at compile time.
template <class D>
struct KeyText {
  static constexpr std::size_t length = std::char_traits<char>::length(D::name);
  static constexpr std::array<char, length + 4> text = [] {
    std::array<char, length + 4> t{};
    t[0] = ',';
    t[1] = '"';
    for (std::size_t i = 0; i < length; ++i) t[2 + i] = D::name[i];
    t[2 + length] = '"';
    t[3 + length] = ':';
    return t;
  }();
};

template <class T>
void write_struct(JsonOut& out, const T& v) {
  out.put('{');
  bool first = true;
  boost::mp11::mp_for_each<Members<T>>([&](auto d) {
    using D = decltype(d);
    constexpr const auto& key = KeyText<D>::text;
    if (first) {
      out.raw({key.data() + 1, key.size() - 1});
      first = false;
    } else {
      out.raw({key.data(), key.size()});
    }
    write_json(out, v.*D::pointer);
  });
  out.put('}');
}

void write_json_value(JsonOut& out, Value v);

template <class T>
void write_json(JsonOut& out, const T& v) {
  if constexpr (std::is_same_v<T, bool>) out.boolean(v);
  else if constexpr (DescribedEnum<T>) out.string(boost::describe::enum_to_string(v, ""));
  else if constexpr (std::is_integral_v<T>) out.integer(v);
  else if constexpr (std::is_floating_point_v<T>) out.number(v);
  else if constexpr (std::is_convertible_v<const T&, std::string_view>) out.string(v);
  else if constexpr (is_optional<T>::value) {
    if (v) write_json(out, *v);
    else out.null();
  } else if constexpr (std::is_same_v<T, Document>) {
    if (v.empty()) out.null();
    else write_json_value(out, v.root());
  } else if constexpr (std::is_same_v<T, Value>) {
    write_json_value(out, v);
  } else if constexpr (std::is_same_v<T, std::nullptr_t> || std::is_same_v<T, std::monostate>) {
    out.null();
  } else if constexpr (is_string_map<T>::value) {
    out.put('{');
    bool first = true;
    for (const auto& [key, value] : v) {
      if (!first) out.put(',');
      first = false;
      out.string(key);
      out.put(':');
      write_json(out, value);
    }
    out.put('}');
  } else if constexpr (Described<T>) {
    write_struct(out, v);
  } else if constexpr (requires { v.begin(); v.end(); }) {
    out.put('[');
    bool first = true;
    for (const auto& element : v) {
      if (!first) out.put(',');
      first = false;
      write_json(out, element);
    }
    out.put(']');
  } else if constexpr (requires { std::variant_size<T>::value; }) {
    std::visit([&](const auto& alternative) { write_json(out, alternative); }, v);
  } else {
    static_assert(sizeof(T) == 0, "this type has no JSON form: describe it with BOOST_DESCRIBE_STRUCT, or return Json");
  }
}

// ---- parsing, from validated nodes ----------------------------------------------------------------------------------

template <class T>
void read_node(Value v, T& out);

template <class T>
void read_struct(Value v, T& out) {
  using L = Members<T>;
  constexpr std::size_t count = boost::mp11::mp_size<L>::value;
  std::size_t expected = 0;  // members mostly come in the order they are declared in
  for (const auto& [key, value] : v.members()) {
    std::size_t at = count;
    std::size_t index = 0;
    const auto matches = [&](const char* name) { return key == name; };
    boost::mp11::mp_for_each<L>([&](auto d) {
      if (index == expected && at == count && matches(d.name)) at = index;
      ++index;
    });
    if (at == count) {
      index = 0;
      boost::mp11::mp_for_each<L>([&](auto d) {
        if (at == count && matches(d.name)) at = index;
        ++index;
      });
      if (at == count) continue;
    }
    expected = at + 1;
    index = 0;
    boost::mp11::mp_for_each<L>([&](auto d) {
      if (index++ == at) read_node(value, out.*decltype(d)::pointer);
    });
  }
}

template <class T>
void read_node(Value v, T& out) {
  if constexpr (std::is_same_v<T, bool>) out = v.is(NodeType::boolean) && v.as_bool();
  else if constexpr (DescribedEnum<T>) {
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto e) {
      if (v.is_string() && v.text() == e.name) out = e.value;
    });
  } else if constexpr (std::is_integral_v<T>) {
    if (v.is(NodeType::integer)) out = static_cast<T>(v.as_int());
    else if (v.is(NodeType::uinteger)) out = static_cast<T>(v.as_uint());
    else if (v.is(NodeType::number)) out = static_cast<T>(v.as_double());  // 1.0 is an integer for JSON Schema
  } else if constexpr (std::is_floating_point_v<T>) {
    if (v.is(NodeType::integer)) out = static_cast<T>(v.as_int());
    else if (v.node().is_number()) out = static_cast<T>(v.as_double());
  } else if constexpr (Text<T>) {
    if (v.is_string()) out = T(v.text());
  } else if constexpr (is_optional<T>::value) {
    if (v.is_null()) out.reset();
    else read_node(v, out.emplace());
  } else if constexpr (std::is_same_v<T, Document>) {
    out = Document(v);
  } else if constexpr (std::is_same_v<T, Value>) {
    out = v;
  } else if constexpr (is_vector<T>::value) {
    out.clear();
    if (!v.is_array()) return;
    out.resize(v.size());
    std::size_t i = 0;
    for (Value element : v.elements()) read_node(element, out[i++]);
  } else if constexpr (is_string_map<T>::value) {
    out.clear();
    if (!v.is_object()) return;
    for (const auto& [key, value] : v.members()) read_node(value, out[std::string(key)]);
  } else if constexpr (Described<T>) {
    if (v.is_object()) read_struct(v, out);
  } else {
    static_assert(sizeof(T) == 0, "this type cannot be read from JSON: describe it with BOOST_DESCRIBE_STRUCT");
  }
}

// ---- JSON Schema ----------------------------------------------------------------------------------------------------

/// Writes schemas; types that contain themselves become references into `$defs`.
class SchemaWriter {
 public:
  SchemaWriter() : writer_(text_) {}

  template <class T>
  static Document of(std::span<const Constraint> extra = {}) {
    SchemaWriter self;
    self.template schema<T>(extra, nullptr);
    return self.finish();
  }

 private:
  template <class T>
  static const void* identity() {
    static const char id = 0;
    return &id;
  }

  void apply(std::span<const Constraint> constraints) {
    for (const Constraint& c : constraints) {
      if (c.keyword.empty()) continue;
      writer_.key(c.keyword);
      switch (c.kind) {
        case Constraint::Kind::integer: writer_.integer(c.integer); break;
        case Constraint::Kind::number: writer_.number(c.number); break;
        case Constraint::Kind::text: writer_.string(c.text); break;
        case Constraint::Kind::flag: writer_.boolean(true); break;
      }
    }
  }

  void type(std::string_view name, bool nullable) {
    writer_.key("type");
    if (!nullable) {
      writer_.string(name);
      return;
    }
    writer_.begin_array();
    writer_.string(name);
    writer_.string("null");
    writer_.end_array();
  }

  template <class T>
  void schema(std::span<const Constraint> constraints, const std::string* default_json, bool nullable = false) {
    if constexpr (is_optional<T>::value) {
      schema<typename T::value_type>(constraints, default_json, true);
      return;
    } else {
      writer_.begin_object();
      if constexpr (std::is_same_v<T, bool>) {
        type("boolean", nullable);
      } else if constexpr (DescribedEnum<T>) {
        writer_.key("enum");
        writer_.begin_array();
        boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto e) { writer_.string(e.name); });
        if (nullable) writer_.null();
        writer_.end_array();
      } else if constexpr (std::is_integral_v<T>) {
        type("integer", nullable);
        const auto stated = [&](std::string_view a, std::string_view b) {
          for (const Constraint& c : constraints) {
            if (c.keyword == a || c.keyword == b) return true;
          }
          return false;
        };
        // What the C++ type cannot hold is a validation error, not a truncation.
        if constexpr (sizeof(T) < 8 || std::is_unsigned_v<T>) {
          if (!stated("minimum", "exclusiveMinimum")) writer_.key("minimum"), writer_.integer(static_cast<std::int64_t>(std::numeric_limits<T>::min()));
        } else {
          if (!stated("minimum", "exclusiveMinimum")) writer_.key("minimum"), writer_.integer(std::numeric_limits<std::int64_t>::min());
        }
        if (!stated("maximum", "exclusiveMaximum")) writer_.key("maximum"), writer_.uinteger(static_cast<std::uint64_t>(std::numeric_limits<T>::max()));
      } else if constexpr (std::is_floating_point_v<T>) {
        type("number", nullable);
      } else if constexpr (Text<T>) {
        type("string", nullable);
      } else if constexpr (is_vector<T>::value) {
        type("array", nullable);
        writer_.key("items");
        schema<typename T::value_type>({}, nullptr);
      } else if constexpr (is_string_map<T>::value) {
        type("object", nullable);
        writer_.key("additionalProperties");
        schema<typename T::mapped_type>({}, nullptr);
      } else if constexpr (Described<T>) {
        object<T>(nullable);
      } else {
        static_assert(std::is_same_v<T, Document> || std::is_same_v<T, Value>, "no JSON Schema for this type");
      }
      apply(constraints);
      if (default_json != nullptr) {
        writer_.key("default");
        writer_.raw(*default_json);
      }
      writer_.end_object();
    }
  }

  template <class T>
  void object(bool nullable) {
    for (const void* open : open_) {
      if (open == identity<T>()) {
        writer_.key("$ref");
        writer_.string("#");  // only direct recursion to the root is written as a reference
        return;
      }
    }
    open_.push_back(identity<T>());
    type("object", nullable);
    writer_.key("properties");
    writer_.begin_object();
    std::vector<std::string_view> required;
    const T defaults{};
    boost::mp11::mp_for_each<Members<T>>([&](auto d) {
      using D = decltype(d);
      using M = std::remove_cvref_t<decltype(defaults.*D::pointer)>;
      std::vector<Constraint> list;
      bool stated_default = false;
      if constexpr (Constrained<T, D>) {
        for (const Constraint& c : spikard_constraints(static_cast<const T*>(nullptr), MemberTag<D::pointer>{})) {
          if (c.keyword.empty()) stated_default = true;
          else list.push_back(c);
        }
      }
      JsonOut initial;
      JsonOut empty;
      write_json(initial, defaults.*D::pointer);
      write_json(empty, M{});
      const bool has_default = stated_default || initial.view() != empty.view();
      const std::string default_json(initial.view());
      if (!has_default && !is_optional<M>::value) required.push_back(d.name);
      writer_.key(d.name);
      schema<M>(list, has_default ? &default_json : nullptr);
    });
    writer_.end_object();
    if (!required.empty()) {
      writer_.key("required");
      writer_.begin_array();
      for (const std::string_view name : required) writer_.string(name);
      writer_.end_array();
    }
    if constexpr (requires { T::spikard_closed; }) {
      if (T::spikard_closed) writer_.key("additionalProperties"), writer_.boolean(false);
    }
    open_.pop_back();
  }

  Document finish() {
    auto document = json::parse(text_);
    SPIKARD_ASSERT(document.ok(), "the schema writer writes JSON");
    return std::move(document).value();
  }

  std::string text_;
  json::Writer writer_;
  std::vector<const void*> open_;
};

}  // namespace detail

/// The JSON Schema 2020-12 of a C++ type.
template <class T>
[[nodiscard]] Document schema_of() { return detail::SchemaWriter::of<T>(); }

/// `v` as JSON text.
template <class T>
[[nodiscard]] std::string to_json(const T& v) {
  JsonOut out;
  detail::write_json(out, v);
  return std::string(out.view());
}

}  // namespace spikard
