#pragma once

#include <optional>
#include <string>
#include <vector>

#include "services/http.gen.hpp"
#include "spikard/fixed_string.hpp"
#include "spikard/schema.hpp"

/// Typed handler parameters. Each names its source, so a handler's signature is the route's declaration:
///
///     app.get("/users/{id:int}", [](Path<"id", int> id, Query<"verbose", bool, Default<false>> verbose) { ... });
///
/// A parameter is required unless its type is a std::optional or a std::vector, or it has a Default.
namespace spikard {

template <auto N>
struct Ge {
  static constexpr Constraint constraint = constraints::ge(N);
};
template <auto N>
struct Gt {
  static constexpr Constraint constraint = constraints::gt(N);
};
template <auto N>
struct Le {
  static constexpr Constraint constraint = constraints::le(N);
};
template <auto N>
struct Lt {
  static constexpr Constraint constraint = constraints::lt(N);
};
template <auto N>
struct MultipleOf {
  static constexpr Constraint constraint = constraints::multiple_of(N);
};
template <std::int64_t N>
struct MinLength {
  static constexpr Constraint constraint = constraints::min_length(N);
};
template <std::int64_t N>
struct MaxLength {
  static constexpr Constraint constraint = constraints::max_length(N);
};
template <FixedString P>
struct Pattern {
  static constexpr Constraint constraint = constraints::pattern(P.view());
};
template <FixedString F>
struct Format {
  static constexpr Constraint constraint = constraints::format(F.view());
};
template <FixedString T>
struct Description {
  static constexpr Constraint constraint = constraints::description(T.view());
};
/// The value when the parameter is missing.
template <auto V>
struct Default {
  static Constraint make() {
    if constexpr (std::is_same_v<decltype(V), bool>) return {.keyword = "default", .kind = Constraint::Kind::flag, .integer = V};
    else return constraints::bound("default", V);
  }
};
template <FixedString V>
struct DefaultText {
  static constexpr Constraint constraint = {.keyword = "default", .kind = Constraint::Kind::text, .text = V.view()};
};

namespace detail {

template <class C>
Constraint constraint_of() {
  if constexpr (requires { C::constraint; }) return C::constraint;
  else return C::make();
}

template <services::ParameterIn In, FixedString Name, class T, class... Cs>
struct ParameterArg {
  using value_type = T;
  T value{};

  operator const T&() const noexcept { return value; }
  const T& operator*() const noexcept { return value; }
  const T* operator->() const noexcept { return &value; }

  static services::Parameter declaration() {
    std::vector<Constraint> list{constraint_of<Cs>()...};
    bool has_default = false;
    for (const Constraint& c : list) has_default = has_default || c.keyword == "default";
    services::Parameter p;
    p.in = In;
    p.name = std::string(Name.view());
    p.required = In == services::ParameterIn::path || (!has_default && !is_optional<T>::value && !is_vector<T>::value);
    if constexpr (is_optional<T>::value) p.schema = SchemaWriter::of<typename T::value_type>(list);  // text is never null
    else p.schema = SchemaWriter::of<T>(list);
    return p;
  }
};

}  // namespace detail

/// A segment of the path, `{name}` or `{name:type}`.
template <FixedString Name, class T = std::string, class... Constraints>
struct Path : detail::ParameterArg<services::ParameterIn::path, Name, T, Constraints...> {};
template <FixedString Name, class T = std::string, class... Constraints>
struct Query : detail::ParameterArg<services::ParameterIn::query, Name, T, Constraints...> {};
/// Name in any case.
template <FixedString Name, class T = std::string, class... Constraints>
struct Header : detail::ParameterArg<services::ParameterIn::header, Name, T, Constraints...> {};
template <FixedString Name, class T = std::string, class... Constraints>
struct Cookie : detail::ParameterArg<services::ParameterIn::cookie, Name, T, Constraints...> {};

/// The JSON body, validated against T's schema. `Body<Json>` takes any JSON.
template <class T>
struct Body {
  T value{};
  operator const T&() const noexcept { return value; }
  T& operator*() noexcept { return value; }
  const T& operator*() const noexcept { return value; }
  const T* operator->() const noexcept { return &value; }
};
/// The same from application/x-www-form-urlencoded.
template <class T>
struct Form : Body<T> {};
/// The body as it came, of any media type.
struct RawBody {
  std::string_view value;
};

/// A dependency by name, as a reference to what its factory made.
template <FixedString Name, class T>
struct Inject {
  static constexpr std::string_view name = Name.view();
  T* object = nullptr;
  T& operator*() const noexcept { return *object; }
  T* operator->() const noexcept { return object; }
  operator T&() const noexcept { return *object; }
};

}  // namespace spikard
