#pragma once

#include <array>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <boost/mp11.hpp>

#include "base/assert.hpp"
#include "base/json.hpp"
#include "base/json_out.hpp"
#include "spikard/describe.hpp"

/// JSON of described types: written straight into the output buffer, read straight from validated nodes.
namespace spikard {
namespace detail {

// ---- writing ----------------------------------------------------------------------------------------------------------

template <class T>
void write_json(JsonOut& out, const T& v);

/// `,"name":`, made at compile time.
template <class D>
struct KeyText {
  static constexpr std::size_t length = json_name(D::name).size();
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

template <class C, class M>
M& member_type_of(M C::*);
template <class L>
struct has_given : std::false_type {};
template <template <class...> class L, class... D>
struct has_given<L<D...>>
    : std::bool_constant<(is_given<std::remove_cvref_t<decltype(member_type_of(D::pointer))>>::value || ...)> {};

template <class T>
void write_struct(JsonOut& out, const T& v) {
  using L = Members<T>;
  if constexpr (has_given<L>::value) {
    char separator = '{';
    boost::mp11::mp_for_each<L>([&](auto d) {
      using D = decltype(d);
      const auto& member = v.*D::pointer;
      if constexpr (is_given<std::remove_cvref_t<decltype(member)>>::value) {
        if (!member) return;
      }
      constexpr const auto& key = KeyText<D>::text;
      out.put(std::exchange(separator, ','));
      out.raw({key.data() + 1, key.size() - 1});
      write_json(out, member);
    });
    if (separator == '{') out.put('{');
    out.put('}');
  } else if constexpr (boost::mp11::mp_empty<L>::value) {
    out.raw("{}");
  } else {
    boost::mp11::mp_for_each<L>([&](auto d) {
      using D = decltype(d);
      constexpr const auto& key = KeyText<D>::text;
      // The first member's comma is the brace.
      char* const to = out.room(key.size());
      std::memcpy(to, key.data(), key.size());
      if constexpr (std::is_same_v<D, boost::mp11::mp_front<L>>) *to = '{';
      out.advance_to(to + key.size());
      write_json(out, v.*D::pointer);
    });
    out.put('}');
  }
}

template <class T>
void write_json(JsonOut& out, const T& v) {
  if constexpr (std::is_same_v<T, bool>) {
    out.boolean(v);
  } else if constexpr (DescribedEnum<T>) {
    bool found = false;
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto e) {
      if (v == e.value && !found) {
        found = true;
        out.string(json_name(e.name));
      }
    });
    if (!found) out.null();  // a value that has no name
  } else if constexpr (std::is_integral_v<T> && std::is_unsigned_v<T>) {
    out.uinteger(v);
  } else if constexpr (std::is_integral_v<T>) {
    out.integer(v);
  } else if constexpr (std::is_floating_point_v<T>) {
    out.number(static_cast<double>(v));
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    out.string(v);
  } else if constexpr (is_nullable<T> || is_given<T>::value) {
    if (v) write_json(out, *v);
    else out.null();
  } else if constexpr (std::is_same_v<T, Document>) {
    if (v.empty()) out.null();
    else out.value(v.root());
  } else if constexpr (std::is_same_v<T, Value>) {
    if (v) out.value(v);
    else out.null();
  } else if constexpr (std::is_same_v<T, std::nullptr_t> || std::is_same_v<T, std::monostate>) {
    out.null();
  } else if constexpr (is_string_map<T>::value) {
    char separator = '{';
    for (const auto& [key, value] : v) {
      out.put(std::exchange(separator, ','));
      out.string(key);
      out.put(':');
      write_json(out, value);
    }
    if (separator == '{') out.put('{');
    out.put('}');
  } else if constexpr (Described<T>) {
    write_struct(out, v);
  } else if constexpr (requires {
                         v.begin();
                         v.end();
                       }) {
    char separator = '[';
    for (const auto& element : v) {
      out.put(std::exchange(separator, ','));
      write_json(out, element);
    }
    if (separator == '[') out.put('[');
    out.put(']');
  } else if constexpr (requires { std::variant_size<T>::value; }) {
    std::visit([&](const auto& alternative) { write_json(out, alternative); }, v);
  } else {
    static_assert(sizeof(T) == 0, "this type has no JSON form: describe it with BOOST_DESCRIBE_STRUCT, or return Json");
  }
}

// ---- reading, from validated nodes: what does not fit is left as it was ---------------------------------------------------

template <class T>
void read_node(Value v, T& out);

template <class T>
void read_struct(Value v, T& out) {
  using L = Members<T>;
  auto member = v.members().begin();
  const auto end = v.members().end();
  // Members mostly come in the order in which they are declared: one comparison of known length each.
  boost::mp11::mp_for_each<L>([&](auto d) {
    using D = decltype(d);
    if (!(member != end)) return;
    const auto [key, value] = *member;
    if (key.size() != KeyText<D>::length || std::memcmp(key.data(), D::name, KeyText<D>::length) != 0) return;
    read_node(value, out.*D::pointer);
    ++member;
  });
  for (; member != end; ++member) {
    const auto found = *member;
    boost::mp11::mp_for_each<L>([&](auto d) {
      using D = decltype(d);
      if (found.key.size() == KeyText<D>::length && std::memcmp(found.key.data(), D::name, KeyText<D>::length) == 0)
        read_node(found.value, out.*D::pointer);
    });
  }
}

/// Values outside of T cannot come: the schema of an integer type has its range.
template <class T>
void read_integer(Value v, T& out) {
  if (v.is(NodeType::integer)) out = static_cast<T>(v.as_int());
  else if (v.is(NodeType::uinteger)) out = static_cast<T>(v.as_uint());
  else if (v.is(NodeType::number)) {  // 1.0 is an integer for JSON Schema
    const double d = v.as_double();
    // Casting what does not fit would be undefined.
    if constexpr (std::is_unsigned_v<T>)
      out = d >= 0 && d < 18446744073709551616.0 ? static_cast<T>(static_cast<std::uint64_t>(d)) : T{};
    else out = d >= -9223372036854775808.0 && d < 9223372036854775808.0 ? static_cast<T>(static_cast<std::int64_t>(d)) : T{};
  }
}

template <class T>
void read_node(Value v, T& out) {
  if constexpr (std::is_same_v<T, bool>) {
    if (v.is(NodeType::boolean)) out = v.as_bool();
  } else if constexpr (DescribedEnum<T>) {
    if (v.is_string()) {
      boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto e) {
        if (v.text() == json_name(e.name)) out = e.value;
      });
    }
  } else if constexpr (std::is_integral_v<T>) {
    read_integer(v, out);
  } else if constexpr (std::is_floating_point_v<T>) {
    if (v.is(NodeType::number)) out = static_cast<T>(v.node().f);
    else if (v.is(NodeType::integer)) out = static_cast<T>(v.as_int());
    else if (v.node().is_number()) out = static_cast<T>(v.as_double());
  } else if constexpr (Text<T>) {
    if (v.is_string()) out = T(v.text());
  } else if constexpr (is_optional<T>::value) {
    if (v.is_null()) out.reset();
    else read_node(v, out.emplace());
  } else if constexpr (is_given<T>::value) {
    read_node(v, out.emplace());
  } else if constexpr (is_owner<T>::value) {
    if (v.is_null()) {
      out.reset();
    } else {
      out = T(new typename T::element_type{});
      read_node(v, *out);
    }
  } else if constexpr (std::is_same_v<T, Document>) {
    out = Document(v);
  } else if constexpr (std::is_same_v<T, Value>) {
    out = v;
  } else if constexpr (is_vector<T>::value) {
    if (!v.is_array()) return;
    out.clear();
    out.reserve(v.size());
    for (Value element : v.elements()) {
      if constexpr (std::is_same_v<typename T::value_type, bool>) out.push_back(element.as_bool());
      else read_node(element, out.emplace_back());
    }
  } else if constexpr (is_string_map<T>::value) {
    if (!v.is_object()) return;
    out.clear();
    for (const auto& [key, value] : v.members()) read_node(value, out[std::string(key)]);
  } else if constexpr (Described<T>) {
    if (v.is_object()) read_struct(v, out);
  } else {
    static_assert(sizeof(T) == 0, "this type cannot be read from JSON: describe it with BOOST_DESCRIBE_STRUCT");
  }
}

}  // namespace detail

/// `v` as JSON text.
template <class T>
[[nodiscard]] std::string to_json(const T& v) {
  JsonOut out;
  detail::write_json(out, v);
  return std::string(out.view());
}

/// `v` as a document.
template <class T>
[[nodiscard]] Json to_document(const T& v) {
  auto document = json::parse(to_json(v), {.max_depth = 1024});
  SPIKARD_ASSERT(document.ok(), "the serialiser writes JSON");
  return std::move(document).value();
}

/// Values as one array: the parameters of a statement, `json_list(id, order.customer, order.items)`.
template <class... T>
[[nodiscard]] Json json_list(const T&... values) {
  JsonOut out;
  out.put('[');
  const auto put = [&](const auto& value) {
    if (out.size() > 1) out.put(',');
    detail::write_json(out, value);
  };
  (put(values), ...);
  out.put(']');
  auto document = json::parse(out.view(), {.max_depth = 1024});
  SPIKARD_ASSERT(document.ok(), "the serialiser writes JSON");
  return std::move(document).value();
}

/// A T from JSON that was validated against `schema_of<T>()`. Nothing is checked here: what does not fit keeps its initial value.
template <class T>
[[nodiscard]] T from_validated(Value v) {
  T out{};
  detail::read_node(v, out);
  return out;
}

}  // namespace spikard
