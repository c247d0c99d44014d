#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/json.hpp"
#include "validation/schema.hpp"

namespace spikard::validation {
namespace {

std::string to_text(Issues& issues) {
  issues.sort();
  std::string out;
  for (const Issue& i : issues.list()) {
    out += std::string(i.type) + "@";
    for (const auto& s : i.loc) out += "/" + s;
    out += "=" + json::to_string(i.input.root()) + " ";
  }
  return out;
}

struct Options {
  const char* source = "query";
  bool required = true;
  Style style = Style::form;
  bool explode = true;
};

/// The value as JSON, or the issues.
std::string read(std::string_view schema, const std::vector<std::string>& values, Options o = {}) {
  const auto p = Parameter::compile({o.source, "p", o.required, o.style, o.explode}, json::parse(schema).value().root());
  EXPECT_TRUE(p.ok()) << (p.ok() ? "" : p.error().message());
  // All text lies in one block behind the base, as in a request.
  std::string block = "#";
  for (const auto& v : values) block += v;
  block.resize(block.size() + 256);
  std::vector<std::string_view> texts;
  std::size_t at = 1;
  for (const auto& v : values) {
    texts.emplace_back(block.data() + at, v.size());
    at += v.size();
  }
  std::vector<Node> nodes(32);
  NodeRoom room{block.data(), nodes.data(), nodes.size()};
  room.text = block.data() + at;
  room.text_room = 256;
  Issues issues;
  const bool ok = p->read(texts, room, issues);
  EXPECT_EQ(ok, issues.empty());
  EXPECT_FALSE(room.out_of_room);
  EXPECT_EQ(nodes.data() + room.used, nodes[0].next());
  if (!ok) {
    EXPECT_EQ(nodes[0].type, NodeType::null);
    return to_text(issues);
  }
  return json::to_string({nodes.data(), room.base});
}

TEST(Coercion, Integer) {
  for (const auto& [text, value] :
       std::vector<std::pair<std::string, std::string>>{{"42", "42"},
                                                        {"+7", "7"},
                                                        {"-7", "-7"},
                                                        {"0123", "123"},
                                                        {"9223372036854775807", "9223372036854775807"},
                                                        {"-9223372036854775808", "-9223372036854775808"}}) {
    EXPECT_EQ(read(R"({"type": "integer"})", {text}), value);
  }
  for (const std::string text :
       {"", "42.0", "1e3", "0x10", " 1", "1 ", "1_000", "+-1", "-+1", "--1", "+", "9223372036854775808", "x"}) {
    EXPECT_EQ(read(R"({"type": "integer"})", {text}), "int_parsing@/query/p=\"" + text + "\" ");
  }
}

TEST(Coercion, Number) {
  for (const auto& [text, value] : std::vector<std::pair<std::string, std::string>>{{"1", "1.0"},
                                                                                    {".5", "0.5"},
                                                                                    {"5.", "5.0"},
                                                                                    {"+1.5", "1.5"},
                                                                                    {"-1e2", "-100.0"},
                                                                                    {"1E+2", "100.0"},
                                                                                    {"1e-400", "0.0"}}) {
    EXPECT_EQ(read(R"({"type": "number"})", {text}), value);
  }
  for (const std::string text : {"", ".", "NaN", "inf", "-Infinity", "1e400", "0x1p3", "1,5", " 1", "1e", "e1", "+-1"}) {
    EXPECT_EQ(read(R"({"type": "number"})", {text}), "float_parsing@/query/p=\"" + text + "\" ");
  }
}

TEST(Coercion, Boolean) {
  for (const std::string text : {"true", "TRUE", "True", "1"}) EXPECT_EQ(read(R"({"type": "boolean"})", {text}), "true");
  for (const std::string text : {"false", "FALSE", "0", ""}) EXPECT_EQ(read(R"({"type": "boolean"})", {text}), "false");
  for (const std::string text : {"yes", "on", "t", "2"})
    EXPECT_EQ(read(R"({"type": "boolean"})", {text}), "bool_parsing@/query/p=\"" + text + "\" ");
}

TEST(Coercion, UnionsAndReferences) {
  EXPECT_EQ(read(R"({"type": ["integer", "null"]})", {"5"}), "5");
  EXPECT_EQ(read(R"({"type": ["integer", "null"]})", {"x"}), "int_parsing@/query/p=\"x\" ");
  EXPECT_EQ(read(R"({"anyOf": [{"type": "integer"}, {"type": "null"}]})", {"5"}), "5");
  EXPECT_EQ(read(R"({"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer", "maximum": 9}}})", {"5"}), "5");
  EXPECT_EQ(read(R"({"allOf": [{"type": "integer"}, {"maximum": 9}]})", {"10"}), "less_than_equal@/query/p=10 ");
  EXPECT_EQ(read(R"({"type": ["integer", "boolean"]})", {"true"}), "true");
  EXPECT_EQ(read(R"({"type": ["integer", "boolean"]})", {"x"}), "type_error@/query/p=\"x\" ");
  EXPECT_EQ(read(R"({"type": ["integer", "string"]})", {"5"}), "\"5\"");
  EXPECT_EQ(read(R"({"anyOf": [{"type": "integer"}, {"enum": ["auto"]}]})", {"5"}), "5");
  EXPECT_EQ(read(R"({"anyOf": [{"type": "integer"}, {"enum": ["auto"]}]})", {"auto"}), "\"auto\"");
  EXPECT_EQ(read(R"({"enum": [1, 2]})", {"2"}), "2.0");
  EXPECT_EQ(read("true", {"5"}), "\"5\"");
}

TEST(Coercion, ScalarsMissingAndDefaults) {
  EXPECT_EQ(read(R"({"type": "string"})", {"a", "b"}), "\"a\"");
  EXPECT_EQ(read(R"({"type": "string"})", {""}), "\"\"");
  EXPECT_EQ(read(R"({"type": "string"})", {}), "missing@/query/p=null ");
  EXPECT_EQ(read(R"({"type": "string"})", {}, {.required = false}), "null");
  EXPECT_EQ(read(R"({"type": "array", "default": ["x", 1, {"y": "z"}]})", {}, {.required = false}), R"(["x",1,{"y":"z"}])");
}

TEST(Coercion, Arrays) {
  constexpr std::string_view ints = R"({"type": "array", "items": {"type": "integer"}, "maxItems": 3})";
  EXPECT_EQ(read(ints, {"1", "2"}), "[1,2]");
  EXPECT_EQ(read(ints, {"7"}), "[7]");
  EXPECT_EQ(read(ints, {"1", "x", "3", "y"}), "int_parsing@/query/p/1=\"x\" int_parsing@/query/p/3=\"y\" ");
  EXPECT_EQ(read(ints, {"1", "2", "3", "4"}), "too_long@/query/p=[1,2,3,4] ");
  EXPECT_EQ(read(ints, {"1,2"}, {.explode = false}), "[1,2]");
  EXPECT_EQ(read(ints, {"1|2"}, {.style = Style::pipe_delimited, .explode = false}), "[1,2]");
  EXPECT_EQ(read(ints, {"1;2"}, {.style = Style::semicolon_delimited, .explode = false}), "[1,2]");
  EXPECT_EQ(read(ints, {"1 2"}, {.style = Style::space_delimited, .explode = false}), "[1,2]");
  EXPECT_EQ(read(R"({"type": "array", "items": {"type": "string"}})", {"a, b ,,c"}, {.source = "headers"}), R"(["a","b","c"])");
  EXPECT_EQ(read(R"({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "boolean"}]})", {"1", "true"}), "[1,true]");
  EXPECT_EQ(read(R"({"type": "array", "items": {"$ref": "#/$defs/n"}, "$defs": {"n": {"type": "number"}}})", {"1"}), "[1.0]");
}

TEST(Coercion, OutOfRoomSaysSo) {
  const auto p =
      Parameter::compile({"query", "p", true}, json::parse(R"({"type": "array", "items": {"type": "integer"}})").value().root())
          .value();
  const std::string text = "123";
  const std::vector<std::string_view> texts{text, text, text};
  Node nodes[3];
  NodeRoom room{text.data(), nodes, 3};
  Issues issues;
  EXPECT_FALSE(p.read(texts, room, issues));
  EXPECT_TRUE(room.out_of_room);
  EXPECT_TRUE(issues.empty());
}

TEST(Coercion, ADefaultWithoutRoomForItsTextSaysSo) {
  const auto p = Parameter::compile({"query", "p"}, json::parse(R"({"default": "some text"})").value().root()).value();
  EXPECT_EQ(p.default_text(), 9U);
  EXPECT_EQ(p.default_nodes(), 1U);
  const std::string base = "x";
  Node nodes[3];
  NodeRoom room{base.data(), nodes, 3};
  Issues issues;
  EXPECT_FALSE(p.read({}, room, issues));
  EXPECT_TRUE(room.out_of_room && room.out_of_text);
}

std::string read_deep(std::string_view schema, std::string_view tree) {
  const auto p = Parameter::compile({"query", "f", true, Style::deep_object}, json::parse(schema).value().root()).value();
  EXPECT_TRUE(p.wants_all() && p.is_deep_object());
  const Document document = tree.empty() ? Document() : json::parse(tree).value();
  std::string block(256, '#');
  Node nodes[16];
  NodeRoom room{block.data(), nodes, 16, 0, false, block.data() + 1, 255};
  NodeBuilder scratch;
  Issues issues;
  if (!p.read_object(document.root(), room, scratch, issues)) return to_text(issues);
  return json::to_string({nodes, room.base});
}

TEST(Coercion, DeepObject) {
  constexpr std::string_view s =
      R"({"type": "object", "properties": {"name": {"type": "string"}, "min": {"type": "integer"}, "n": {"default": 3}}, "required": ["min"]})";
  EXPECT_EQ(read_deep(s, R"({"name": "a", "min": "3"})"), R"({"name":"a","min":3,"n":3})");
  EXPECT_EQ(read_deep(s, R"({"min": "x"})"), "int_parsing@/query/f/min=\"x\" ");
  EXPECT_EQ(read_deep(s, R"({"name": "a"})"), "missing@/query/f/min={\"name\":\"a\"} ");
  EXPECT_EQ(read_deep(s, ""), "missing@/query/f=null ");
}

std::string form(std::string_view schema, std::string_view tree) {
  const auto s = Schema::compile(json::parse(schema).value().root()).value();
  const Document document = json::parse(tree).value();
  NodeBuilder out;
  Issues issues;
  const std::string_view prefix[] = {"body"};
  const bool ok = s.coerce_and_check(document.root(), prefix, out, issues);
  EXPECT_EQ(ok, issues.empty());
  return ok ? json::to_string(out.root()) : to_text(issues);
}

TEST(Coercion, Forms) {
  constexpr std::string_view s =
      R"({"type": "object", "properties": {"items": {"type": "array", "maxItems": 2, "items": {"$ref": "#/$defs/i"}}, "on": {"type": "boolean"},
      "price": {"type": "number"}, "t": {"type": "array", "items": {"type": "string"}}, "s": {"type": "string"}},
      "$defs": {"i": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}}, "required": ["on"]})";
  EXPECT_EQ(form(s, R"({"items": [{"n": "1"}, {"n": "2"}], "on": "1", "price": "9.5"})"),
            R"({"items":[{"n":1},{"n":2}],"on":true,"price":9.5})");
  EXPECT_EQ(form(s, R"({"items": [{"n": "x"}], "on": ""})"), "int_parsing@/body/items/0/n=\"x\" ");
  EXPECT_EQ(form(s, R"({"price": "inf", "items": [{}, {}, {}]})"),
            "too_long@/body/items=[{},{},{}] missing@/body/items/0/n={} missing@/body/items/1/n={} missing@/body/items/2/n={} "
            "missing@/body/on={\"price\":\"inf\",\"items\":[{},{},{}]} float_parsing@/body/price=\"inf\" ");
  EXPECT_EQ(form(s, R"({"on": "0", "t": "a", "s": ["x", "y"]})"), R"({"on":false,"t":["a"],"s":"x"})");
  // What nobody declared stays text.
  EXPECT_EQ(form(s, R"({"on": "0", "z": "1", "y": ["1"]})"), R"({"on":false,"z":"1","y":["1"]})");
  EXPECT_EQ(form(R"({"additionalProperties": {"type": "integer"}})", R"({"a": "1"})"), R"({"a":1})");
  EXPECT_EQ(
      form(R"({"allOf": [{"properties": {"a": {"type": "integer"}}}, {"properties": {"a": {"minimum": 2}}}]})", R"({"a": "1"})"),
      "greater_than_equal@/body/a=1 ");
}

}  // namespace
}  // namespace spikard::validation
