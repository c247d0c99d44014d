#pragma once

// JSON Schema 2020-12 read straight from the schema document: slow, simple, written from the specification and not from
// core/validation, to be compared with it. One resource; references are `#`, `#/pointer` and `#anchor`. Patterns are left to RE2
// without the own matcher.

#include <cmath>
#include <set>
#include <string>

#include "base/node.hpp"
#include "validation/pattern.hpp"

namespace reference {

using spikard::NodeType;
using spikard::Value;

struct Outcome {
  bool valid = true;
  std::set<std::string> members;  ///< evaluated
  std::set<std::uint32_t> items;
  void take(const Outcome& o) {
    members.insert(o.members.begin(), o.members.end());
    items.insert(o.items.begin(), o.items.end());
  }
  void fail() {
    valid = false;
    members.clear();
    items.clear();
  }
};

class Validator {
 public:
  explicit Validator(Value root) : root_(root) {}
  [[nodiscard]] bool valid(Value instance) { return run(root_, instance).valid; }

 private:
  static bool integral(Value v) { return v.node().is_number() && std::floor(v.as_double()) == v.as_double(); }
  static bool has_type(std::string_view name, Value v) {
    switch (v.type()) {
      case NodeType::null: return name == "null";
      case NodeType::boolean: return name == "boolean";
      case NodeType::string: return name == "string";
      case NodeType::array: return name == "array";
      case NodeType::object: return name == "object";
      default: return name == "number" || (name == "integer" && integral(v));
    }
  }
  static std::size_t length(std::string_view s) {
    std::size_t n = 0;
    for (const char c : s) {
      if ((c & 0xC0) != 0x80) ++n;
    }
    return n;
  }
  static bool matches(std::string_view pattern, std::string_view text) {
    return spikard::validation::detail::Pattern::compile(pattern, false).value().match(text) ==
           spikard::validation::detail::Pattern::Verdict::yes;
  }
  Value find_anchor(Value at, std::string_view name) {
    if (at.is_object()) {
      if (const Value a = at.find("$anchor"); a && a.is_string() && a.text() == name) return at;
      for (const auto& [key, v] : at.members()) {
        if (key == "enum" || key == "const") continue;
        if (const Value found = find_anchor(v, name)) return found;
      }
    } else if (at.is_array()) {
      for (const Value v : at.elements()) {
        if (const Value found = find_anchor(v, name)) return found;
      }
    }
    return {};
  }
  Value resolve(std::string_view ref) {
    ref.remove_prefix(1);
    if (ref.empty()) return root_;
    if (ref[0] != '/') return find_anchor(root_, ref);
    Value at = root_;
    while (!ref.empty()) {
      ref.remove_prefix(1);
      const auto slash = ref.find('/');
      at = at.find(ref.substr(0, slash));
      ref = slash == std::string_view::npos ? std::string_view() : ref.substr(slash);
    }
    return at;
  }

  Outcome run(Value schema, Value v) {
    Outcome out;
    if (schema.is(NodeType::boolean)) {
      out.valid = schema.as_bool();
      return out;
    }
    bool ok = assertions(schema, v);
    ok = applicators(schema, v, out) && ok;
    if (v.is_object()) ok = members(schema, v, out) && ok;
    if (v.is_array()) ok = items(schema, v, out) && ok;
    if (!ok) out.fail();
    return out;
  }

  bool assertions(Value schema, Value v) {
    bool ok = true;
    for (const auto& [keyword, k] : schema.members()) {
      const double limit = k.node().is_number() ? k.as_double() : 0;
      const auto n = [limit] { return limit; };
      if (keyword == "type") {
        bool any = false;
        if (k.is_string()) any = has_type(k.text(), v);
        else
          for (const Value t : k.elements()) any = any || has_type(t.text(), v);
        ok = ok && any;
      } else if (keyword == "enum") {
        bool any = false;
        for (const Value e : k.elements()) any = any || equal(e, v);
        ok = ok && any;
      } else if (keyword == "const") {
        ok = ok && equal(k, v);
      }
      if (v.node().is_number()) {
        const double d = v.as_double();
        if (keyword == "minimum") ok = ok && d >= n();
        if (keyword == "maximum") ok = ok && d <= n();
        if (keyword == "exclusiveMinimum") ok = ok && d > n();
        if (keyword == "exclusiveMaximum") ok = ok && d < n();
        // The generator's numbers have at most two decimals.
        if (keyword == "multipleOf") ok = ok && std::llround(d * 100) % std::llround(n() * 100) == 0;
      }
      if (v.is_string()) {
        const auto size = static_cast<double>(length(v.text()));
        if (keyword == "minLength") ok = ok && size >= n();
        if (keyword == "maxLength") ok = ok && size <= n();
        if (keyword == "pattern") ok = ok && matches(k.text(), v.text());
      }
      if (v.is_array()) {
        if (keyword == "minItems") ok = ok && v.size() >= n();
        if (keyword == "maxItems") ok = ok && v.size() <= n();
        if (keyword == "uniqueItems" && k.as_bool()) {
          for (std::uint32_t i = 0; i < v.size(); ++i) {
            for (std::uint32_t j = 0; j < i; ++j) ok = ok && !equal(v.at(i), v.at(j));
          }
        }
      }
      if (v.is_object()) {
        if (keyword == "minProperties") ok = ok && v.size() >= n();
        if (keyword == "maxProperties") ok = ok && v.size() <= n();
        if (keyword == "required") {
          for (const Value name : k.elements()) ok = ok && v.find(name.text());
        }
        if (keyword == "dependentRequired") {
          for (const auto& [name, list] : k.members()) {
            if (!v.find(name)) continue;
            for (const Value other : list.elements()) ok = ok && v.find(other.text());
          }
        }
      }
    }
    return ok;
  }

  bool applicators(Value schema, Value v, Outcome& out) {
    bool ok = true;
    const auto must = [&](Value sub) {
      const Outcome o = run(sub, v);
      ok = ok && o.valid;
      out.take(o);
    };
    if (const Value k = schema.find("$ref")) must(resolve(k.text()));
    if (const Value k = schema.find("allOf")) {
      for (const Value sub : k.elements()) must(sub);
    }
    for (const char* keyword : {"anyOf", "oneOf"}) {
      const Value k = schema.find(keyword);
      if (!k) continue;
      int hits = 0;
      for (const Value sub : k.elements()) {
        const Outcome o = run(sub, v);
        if (!o.valid) continue;
        ++hits;
        out.take(o);
      }
      ok = ok && (std::string_view(keyword) == "anyOf" ? hits > 0 : hits == 1);
    }
    if (const Value k = schema.find("not")) ok = ok && !run(k, v).valid;
    if (const Value k = schema.find("if")) {
      const Outcome o = run(k, v);
      out.take(o);
      if (const Value next = schema.find(o.valid ? "then" : "else")) must(next);
    }
    if (const Value k = schema.find("dependentSchemas"); k && v.is_object()) {
      for (const auto& [name, sub] : k.members()) {
        if (v.find(name)) must(sub);
      }
    }
    return ok;
  }

  bool members(Value schema, Value v, Outcome& out) {
    bool ok = true;
    const Value properties = schema.find("properties");
    const Value patterns = schema.find("patternProperties");
    const Value additional = schema.find("additionalProperties");
    const Value names = schema.find("propertyNames");
    for (const auto& [name, value] : v.members()) {
      bool known = false;
      if (const Value sub = properties ? properties.find(name) : Value()) {
        known = true;
        ok = run(sub, value).valid && ok;
      }
      if (patterns) {
        for (const auto& [pattern, sub] : patterns.members()) {
          if (!matches(pattern, name)) continue;
          known = true;
          ok = run(sub, value).valid && ok;
        }
      }
      if (!known && additional) {
        known = true;
        ok = run(additional, value).valid && ok;
      }
      if (known) out.members.emplace(name);
      if (names) {
        spikard::NodeBuilder b;
        b.string(name);
        ok = run(names, b.root()).valid && ok;
      }
    }
    if (const Value rest = schema.find("unevaluatedProperties")) {
      for (const auto& [name, value] : v.members()) {
        if (!out.members.contains(std::string(name))) ok = run(rest, value).valid && ok;
        out.members.emplace(name);
      }
    }
    return ok;
  }

  bool items(Value schema, Value v, Outcome& out) {
    bool ok = true;
    const Value prefix = schema.find("prefixItems");
    const Value rest_items = schema.find("items");
    std::uint32_t i = 0;
    std::uint32_t hits = 0;
    const Value contains = schema.find("contains");
    for (const Value e : v.elements()) {
      if (prefix && i < prefix.size()) {
        ok = run(prefix.at(i), e).valid && ok;
        out.items.insert(i);
      } else if (rest_items) {
        ok = run(rest_items, e).valid && ok;
        out.items.insert(i);
      }
      if (contains && run(contains, e).valid) {
        ++hits;
        out.items.insert(i);
      }
      ++i;
    }
    if (contains) {
      const Value min = schema.find("minContains");
      const Value max = schema.find("maxContains");
      ok = ok && hits >= (min ? min.as_double() : 1) && (!max || hits <= max.as_double());
    }
    if (const Value rest = schema.find("unevaluatedItems")) {
      for (i = 0; i < v.size(); ++i) {
        if (!out.items.contains(i)) ok = run(rest, v.at(i)).valid && ok;
        out.items.insert(i);
      }
    }
    return ok;
  }

  Value root_;
};

}  // namespace reference
