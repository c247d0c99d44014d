#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include <boost/describe.hpp>

#include "base/node.hpp"

/// Structs that describe themselves (Boost.Describe) get their JSON Schema, their parsing and their serialisation from that
/// description.
///
///     struct Item {
///       std::string sku;
///       int quantity = 1;
///     };
///     BOOST_DESCRIBE_STRUCT(Item, (), (sku, quantity))
///     SPIKARD_CONSTRAIN(Item, sku, pattern("^[A-Z]{3}-[0-9]{4}$"))
///     SPIKARD_CONSTRAIN(Item, quantity, ge(1), le(100))
///
/// The names in JSON are those of the members and enumerators; one underscore at the end is not part of it (`class_` is "class",
/// for names that C++ keeps for itself).
///
/// A member is required unless it is a std::optional, a std::unique_ptr or a std::shared_ptr (then null is taken too), a Given,
/// or has a default: an initialiser that differs from the type's empty value, or the constraint `defaulted()`. Unknown members
/// are ignored unless the struct has `static constexpr bool spikard_closed = true`.
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
  if constexpr (std::is_integral_v<N>)
    return {.keyword = keyword, .kind = Constraint::Kind::integer, .integer = static_cast<std::int64_t>(v)};
  else return {.keyword = keyword, .kind = Constraint::Kind::number, .number = static_cast<double>(v)};
}
template <class N>
constexpr Constraint ge(N v) {
  return bound("minimum", v);
}
template <class N>
constexpr Constraint gt(N v) {
  return bound("exclusiveMinimum", v);
}
template <class N>
constexpr Constraint le(N v) {
  return bound("maximum", v);
}
template <class N>
constexpr Constraint lt(N v) {
  return bound("exclusiveMaximum", v);
}
template <class N>
constexpr Constraint multiple_of(N v) {
  return bound("multipleOf", v);
}
constexpr Constraint min_length(std::int64_t n) { return bound("minLength", n); }
constexpr Constraint max_length(std::int64_t n) { return bound("maxLength", n); }
constexpr Constraint min_items(std::int64_t n) { return bound("minItems", n); }
constexpr Constraint max_items(std::int64_t n) { return bound("maxItems", n); }
constexpr Constraint unique_items() { return {.keyword = "uniqueItems", .kind = Constraint::Kind::flag, .integer = 1}; }
constexpr Constraint pattern(std::string_view p) { return {.keyword = "pattern", .kind = Constraint::Kind::text, .text = p}; }
constexpr Constraint format(std::string_view f) { return {.keyword = "format", .kind = Constraint::Kind::text, .text = f}; }
constexpr Constraint title(std::string_view t) { return {.keyword = "title", .kind = Constraint::Kind::text, .text = t}; }
constexpr Constraint description(std::string_view t) {
  return {.keyword = "description", .kind = Constraint::Kind::text, .text = t};
}
/// The member is optional: its initialiser is the default, whatever it is.
constexpr Constraint defaulted() { return {.keyword = "", .kind = Constraint::Kind::flag}; }
}  // namespace constraints

namespace detail {
template <auto Member>
struct MemberTag {};
}  // namespace detail

/// States the constraints of one described member, beside the struct and in its namespace.
#define SPIKARD_CONSTRAIN(Type, member, ...)                                                  \
  inline auto spikard_constraints(const Type*, ::spikard::detail::MemberTag<&Type::member>) { \
    using namespace ::spikard::constraints;                                                   \
    return std::array{__VA_ARGS__};                                                           \
  }

/// Any JSON value, owned; for handlers that take or give what has no type.
using Json = Document;

/// A member that may be left out, as in the body of a PATCH: not required, no default, not written when absent.
/// `Given<std::optional<T>>` tells null from nothing.
template <class T>
class Given {
 public:
  using value_type = T;
  Given() = default;
  Given(T v) : value_(std::move(v)) {}
  [[nodiscard]] bool has_value() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); }
  T& operator*() noexcept { return *value_; }
  const T& operator*() const noexcept { return *value_; }
  T* operator->() noexcept { return &*value_; }
  const T* operator->() const noexcept { return &*value_; }
  T& emplace() { return value_.emplace(); }

 private:
  std::optional<T> value_;
};

namespace detail {

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};
template <class T>
struct is_given : std::false_type {};
template <class T>
struct is_given<Given<T>> : std::true_type {};
template <class T>
struct is_vector : std::false_type {};
template <class T, class A>
struct is_vector<std::vector<T, A>> : std::true_type {};
template <class T>
struct is_string_map : std::false_type {};
template <class T, class C, class A>
struct is_string_map<std::map<std::string, T, C, A>> : std::true_type {};
template <class T, class H, class E, class A>
struct is_string_map<std::unordered_map<std::string, T, H, E, A>> : std::true_type {};
/// An owned object that may be absent: null in JSON, as an optional is; what a recursive type is made of.
template <class T>
struct is_owner : std::false_type {};
template <class T>
struct is_owner<std::unique_ptr<T>> : std::true_type {};
template <class T>
struct is_owner<std::shared_ptr<T>> : std::true_type {};
template <class T>
constexpr bool is_nullable = is_optional<T>::value || is_owner<T>::value;

template <class T>
concept Text = std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>;
template <class T>
concept DescribedEnum = std::is_enum_v<T> && boost::describe::has_describe_enumerators<T>::value;
template <class T>
concept Described = std::is_class_v<T> && boost::describe::has_describe_members<T>::value;

/// What a member or enumerator is called in JSON.
constexpr std::string_view json_name(std::string_view name) noexcept {
  if (name.size() > 1 && name.ends_with('_')) name.remove_suffix(1);
  return name;
}

template <class T>
using Members = boost::describe::describe_members<T, boost::describe::mod_any_access | boost::describe::mod_inherited>;
template <class T, class D>
concept Constrained = requires { spikard_constraints(static_cast<const T*>(nullptr), MemberTag<D::pointer>{}); };

}  // namespace detail
}  // namespace spikard
