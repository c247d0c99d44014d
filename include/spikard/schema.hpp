#pragma once

#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/mp11.hpp>

#include "base/json.hpp"
#include "spikard/codec.hpp"
#include "spikard/describe.hpp"

namespace spikard {
namespace detail {

/// Writes the JSON Schema 2020-12 of a type. A type that contains itself becomes `#` (the root) or a definition.
class SchemaWriter {
 public:
  template <class T>
  static Document of(std::span<const Constraint> extra = {}) {
    SchemaWriter self;
    if constexpr (Described<T>) self.root_ = identity<T>();
    self.template schema<T>(extra, nullptr, false);
    return self.finish();
  }

 private:
  using Write = void (*)(SchemaWriter&);
  struct Definition {
    const void* type;
    Write write;
  };

  SchemaWriter() : writer_(text_) {}

  template <class T>
  static const void* identity() {
    static const char id = 0;
    return &id;
  }

  void apply(std::span<const Constraint> constraints);
  void type(std::string_view name, bool nullable);
  void range(std::span<const Constraint> constraints, std::int64_t low, std::uint64_t high);
  /// `$ref` when the type is being written further out.
  bool reference(const void* id, Write write, bool nullable);
  void names(std::string_view keyword, const std::vector<std::string_view>& list);
  Document finish();

  template <class T>
  void schema(std::span<const Constraint> constraints, const std::string* default_json, bool nullable) {
    if constexpr (is_optional<T>::value) {
      schema<typename T::value_type>(constraints, default_json, true);
      return;
    } else if constexpr (is_given<T>::value) {
      schema<typename T::value_type>(constraints, default_json, nullable);
      return;
    } else if constexpr (is_owner<T>::value) {
      schema<typename T::element_type>(constraints, default_json, true);
      return;
    } else {
      writer_.begin_object();
      body<T>(constraints, nullable);
      apply(constraints);
      if (default_json != nullptr) {
        writer_.key("default");
        writer_.raw(*default_json);
      }
      writer_.end_object();
    }
  }

  /// The keywords of a type, without the braces.
  template <class T>
  void body(std::span<const Constraint> constraints, bool nullable) {
    if constexpr (std::is_same_v<T, bool>) {
      type("boolean", nullable);
    } else if constexpr (DescribedEnum<T>) {
      type("string", nullable);
      writer_.key("enum");
      writer_.begin_array();
      boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto e) { writer_.string(json_name(e.name)); });
      if (nullable) writer_.null();
      writer_.end_array();
    } else if constexpr (std::is_integral_v<T>) {
      type("integer", nullable);
      // What the C++ type cannot hold is a validation error, not a truncation.
      range(constraints, static_cast<std::int64_t>(std::numeric_limits<T>::min()),
            static_cast<std::uint64_t>(std::numeric_limits<T>::max()));
    } else if constexpr (std::is_floating_point_v<T>) {
      type("number", nullable);
    } else if constexpr (Text<T>) {
      type("string", nullable);
    } else if constexpr (is_vector<T>::value) {
      type("array", nullable);
      writer_.key("items");
      schema<typename T::value_type>({}, nullptr, false);
    } else if constexpr (is_string_map<T>::value) {
      type("object", nullable);
      writer_.key("additionalProperties");
      schema<typename T::mapped_type>({}, nullptr, false);
    } else if constexpr (Described<T>) {
      if (!reference(identity<T>(), [](SchemaWriter& w) { w.template object<T>(false); }, nullable)) object<T>(nullable);
    } else {
      static_assert(std::is_same_v<T, Document> || std::is_same_v<T, Value>,
                    "no JSON Schema for this type: describe it with BOOST_DESCRIBE_STRUCT");
    }
  }

  template <class T>
  void object(bool nullable) {
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
      bool has_default = false;
      if constexpr (Constrained<T, D>) {
        for (const Constraint& c : spikard_constraints(static_cast<const T*>(nullptr), MemberTag<D::pointer>{})) {
          if (c.keyword.empty()) has_default = true;
          else list.push_back(c);
        }
      }
      const std::string initial = to_json(defaults.*D::pointer);
      has_default = has_default || initial != to_json(M{});
      if (!has_default && !is_nullable<M> && !is_given<M>::value) required.push_back(json_name(d.name));
      writer_.key(json_name(d.name));
      schema<M>(list, has_default ? &initial : nullptr, false);
    });
    writer_.end_object();
    if (!required.empty()) names("required", required);
    if constexpr (requires { T::spikard_closed; }) {
      if (T::spikard_closed) {
        writer_.key("additionalProperties");
        writer_.boolean(false);
      }
    }
    open_.pop_back();
  }

  std::string text_;
  json::Writer writer_;
  const void* root_ = nullptr;
  std::vector<const void*> open_;
  std::vector<Definition> definitions_;
};

}  // namespace detail

/// The JSON Schema 2020-12 of a C++ type.
template <class T>
[[nodiscard]] Document schema_of() {
  return detail::SchemaWriter::of<T>();
}

}  // namespace spikard
