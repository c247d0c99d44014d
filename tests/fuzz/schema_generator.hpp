#pragma once

// Schemas and instances from a stream of bytes (a fuzzer's or a random generator's): a small vocabulary of names and values, so
// that they meet.

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/node.hpp"

namespace reference {

class Generator {
 public:
  explicit Generator(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  void schema_document(spikard::NodeBuilder& b) {
    b.begin_object();
    keywords(b, 3);
    b.key("$defs");
    b.begin_object();
    for (const char* name : {"p", "q"}) {
      b.key(name);
      b.begin_object();
      if (name[0] == 'q') {
        b.key("$anchor");
        b.string("here");
      }
      keywords(b, 2);
      b.end();
    }
    b.end();
    b.end();
  }

  void instance(spikard::NodeBuilder& b, int depth = 3) {
    switch (pick(depth > 0 ? 9 : 6)) {
      case 0: return b.null();
      case 1: return b.boolean(pick(2) != 0);
      case 2:
      case 3: return b.integer(static_cast<std::int64_t>(pick(7)) - 2);
      case 4: return b.number((static_cast<double>(pick(40)) - 10) / 4);
      case 5: return b.string(text());
      case 6: {
        b.begin_array();
        for (unsigned n = pick(4); n > 0; --n) instance(b, depth - 1);
        return b.end();
      }
      default: {
        b.begin_object();
        const unsigned mask = pick(16);
        for (unsigned i = 0; i < names.size(); ++i) {
          if ((mask >> i & 1U) == 0) continue;
          b.key(names[i]);
          instance(b, depth - 1);
        }
        return b.end();
      }
    }
  }

 private:
  static constexpr std::array<std::string_view, 4> names{"a", "b", "ab", "a long name over sixteen bytes"};

  unsigned pick(unsigned below) {
    if (at_ >= bytes_.size()) return 0;
    return bytes_[at_++] % below;
  }
  std::string_view text() {
    constexpr std::array<std::string_view, 8> texts{"", "a", "ab", "b1", "\xC3\xA9", "abc-12", "a\nb", "\xF0\x9F\x98\x80"};
    return texts[pick(texts.size())];
  }
  std::string_view pattern() {
    constexpr std::array<std::string_view, 8> patterns{"^a",  "b$",   "^[a-z]+$", "^[a-z]{3}-[0-9]{2}$",
                                                       "^.$", "[^a]", "^a?b*$",   "\\d"};
    return patterns[pick(patterns.size())];
  }
  void schema(spikard::NodeBuilder& b, int depth) {
    const unsigned kind = pick(8);
    if (kind == 0) return b.boolean(true);
    if (kind == 1) return b.boolean(false);
    b.begin_object();
    keywords(b, depth - 1);
    b.end();
  }
  void schema_list(spikard::NodeBuilder& b, int depth) {
    b.begin_array();
    for (unsigned n = 1 + pick(3); n > 0; --n) schema(b, depth);
    b.end();
  }
  void schema_map(spikard::NodeBuilder& b, int depth, bool pattern_keys) {
    b.begin_object();
    if (pattern_keys) {
      b.key(pattern());
      schema(b, depth);
    } else {
      const unsigned mask = pick(16);
      for (unsigned i = 0; i < names.size(); ++i) {
        if ((mask >> i & 1U) == 0) continue;
        b.key(names[i]);
        schema(b, depth);
      }
    }
    b.end();
  }
  void name_list(spikard::NodeBuilder& b) {
    b.begin_array();
    const unsigned mask = pick(16);
    for (unsigned i = 0; i < names.size(); ++i) {
      if ((mask >> i & 1U) != 0) b.string(names[i]);
    }
    b.end();
  }

  void keywords(spikard::NodeBuilder& b, int depth) {
    std::uint64_t used = 0;
    for (unsigned n = pick(5); n > 0; --n) {
      const unsigned k = pick(depth > 0 ? 42 : 19);
      const unsigned same = k == 1 || k == 20 || k == 25 ? k - 1 : k;  // two numbers of one keyword
      if ((used >> same & 1U) != 0) continue;
      used |= std::uint64_t{1} << same;
      keyword(b, k, depth);
    }
  }

  void keyword(spikard::NodeBuilder& b, unsigned k, int depth) {
    constexpr std::array<std::string_view, 7> types{"null", "boolean", "integer", "number", "string", "array", "object"};
    const auto count = [&](std::string_view name) {
      b.key(name);
      b.integer(pick(4));
    };
    const auto number = [&](std::string_view name) {
      b.key(name);
      if (pick(2) != 0) b.integer(static_cast<std::int64_t>(pick(6)) - 1);
      else b.number((static_cast<double>(pick(20)) - 4) / 4);
    };
    const auto one = [&](std::string_view name) {
      b.key(name);
      schema(b, depth);
    };
    const auto list = [&](std::string_view name) {
      b.key(name);
      schema_list(b, depth);
    };
    switch (k) {
      case 0: b.key("type"); return b.string(types[pick(types.size())]);
      case 1: {
        b.key("type");
        b.begin_array();
        const unsigned first = pick(types.size());
        b.string(types[first]);
        b.string(types[(first + 1 + pick(5)) % types.size()]);
        return b.end();
      }
      case 2: {
        b.key("enum");
        b.begin_array();
        for (unsigned n = 1 + pick(3); n > 0; --n) instance(b, 1);
        return b.end();
      }
      case 3: b.key("const"); return instance(b, 1);
      case 4: return number("minimum");
      case 5: return number("maximum");
      case 6: return number("exclusiveMinimum");
      case 7: return number("exclusiveMaximum");
      case 8: {
        constexpr std::array<double, 5> divisors{0.25, 0.5, 2, 0.1, 3};
        b.key("multipleOf");
        return b.number(divisors[pick(divisors.size())]);
      }
      case 9: return count("minLength");
      case 10: return count("maxLength");
      case 11: b.key("pattern"); return b.string(pattern());
      case 12: return count("minItems");
      case 13: return count("maxItems");
      case 14: b.key("uniqueItems"); return b.boolean(true);
      case 15: return count("minProperties");
      case 16: return count("maxProperties");
      case 17: b.key("required"); return name_list(b);
      case 18: {
        b.key("dependentRequired");
        b.begin_object();
        b.key(names[pick(names.size())]);
        name_list(b);
        return b.end();
      }
      case 19:
      case 20: b.key("properties"); return schema_map(b, depth, false);
      case 21: b.key("patternProperties"); return schema_map(b, depth, true);
      case 22: return one("additionalProperties");
      case 23: return one("propertyNames");
      case 24:
      case 25: return one("unevaluatedProperties");
      case 26: return one("unevaluatedItems");
      case 27: return one("items");
      case 28: return list("prefixItems");
      case 29: return one("contains");
      case 30: return count("minContains");
      case 31: return count("maxContains");
      case 32: return list("allOf");
      case 33: return list("anyOf");
      case 34: return list("oneOf");
      case 35: return one("not");
      case 36: return one("if");
      case 37: return one("then");
      case 38: return one("else");
      case 39: b.key("dependentSchemas"); return schema_map(b, depth, false);
      case 40: {
        constexpr std::array<std::string_view, 4> refs{"#/$defs/p", "#/$defs/q", "#here", "#"};
        b.key("$ref");
        return b.string(refs[pick(refs.size())]);
      }
      default: b.key("default"); return instance(b, 1);
    }
  }

  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

}  // namespace reference
