#include "validation/schema.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "base/json.hpp"

namespace spikard::validation {
namespace {

Schema schema_of(std::string_view text) {
  auto compiled = Schema::compile(json::parse(text).value().root());
  EXPECT_TRUE(compiled.ok()) << (compiled.ok() ? "" : compiled.error().message());
  return compiled.ok() ? *std::move(compiled) : Schema::compile(json::parse("true").value().root()).value();
}

std::string refusal(std::string_view text) {
  const auto compiled = Schema::compile(json::parse(text).value().root());
  return compiled.ok() ? "compiled" : compiled.error().message();
}

/// The issues, sorted, as JSON.
std::string issues_of(std::string_view schema, std::string_view instance) {
  constexpr std::array<std::string_view, 1> prefix{"body"};
  Issues issues;
  const Document document = json::parse(instance).value();
  const bool valid = schema_of(schema).check(document.root(), prefix, issues);
  EXPECT_EQ(valid, issues.empty());
  issues.sort();
  std::string out;
  json::Writer writer(out);
  issues.write(writer);
  return out;
}

std::string filled(std::string_view schema, std::string_view instance) {
  const Document document = json::parse(instance).value();
  NodeBuilder out;
  schema_of(schema).with_defaults(document.root(), out);
  return json::to_string(out.root());
}

TEST(Issues, HaveTheWordsOfTheFixtures) {
  struct Case {
    const char* schema;
    const char* instance;
    const char* issues;
  };
  const Case cases[] = {
      {R"({"type": "integer"})", R"("1")",
       R"([{"type":"int_parsing","loc":["body"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":"1"}])"},
      {R"({"type": "integer"})", "1.5",
       R"([{"type":"int_type","loc":["body"],"msg":"Input should be a valid integer","input":1.5}])"},
      {R"({"type": "integer"})", "true",
       R"([{"type":"int_type","loc":["body"],"msg":"Input should be a valid integer","input":true}])"},
      {R"({"type": "number"})", R"("x")",
       R"([{"type":"float_parsing","loc":["body"],"msg":"Input should be a valid number, unable to parse string as a number","input":"x"}])"},
      {R"({"type": "number"})", "null",
       R"([{"type":"float_type","loc":["body"],"msg":"Input should be a valid number","input":null}])"},
      {R"({"type": "boolean"})", R"("yes")",
       R"([{"type":"bool_parsing","loc":["body"],"msg":"Input should be a valid boolean, unable to interpret input","input":"yes"}])"},
      {R"({"type": "boolean"})", "1",
       R"([{"type":"bool_type","loc":["body"],"msg":"Input should be a valid boolean","input":1}])"},
      {R"({"type": "string"})", "1",
       R"([{"type":"string_type","loc":["body"],"msg":"Input should be a valid string","input":1}])"},
      {R"({"type": "array"})", "{}",
       R"([{"type":"array_type","loc":["body"],"msg":"Input should be a valid array","input":{}}])"},
      {R"({"type": "object"})", "[1]",
       R"([{"type":"object_type","loc":["body"],"msg":"Input should be a valid object","input":[1]}])"},
      {R"({"type": "null"})", "0", R"([{"type":"null_type","loc":["body"],"msg":"Input should be a valid null","input":0}])"},
      {R"({"type": ["string", "null"]})", "5",
       R"([{"type":"type_error","loc":["body"],"msg":"Input should be a valid string or null","input":5}])"},
      {R"({"minLength": 1})", R"("")",
       R"([{"type":"string_too_short","loc":["body"],"msg":"String should have at least 1 character","input":"","ctx":{"min_length":1}}])"},
      {R"({"maxLength": 2})", R"("ééé")",
       R"([{"type":"string_too_long","loc":["body"],"msg":"String should have at most 2 characters","input":"ééé","ctx":{"max_length":2}}])"},
      {R"({"pattern": "^a$"})", R"("b")",
       R"([{"type":"string_pattern_mismatch","loc":["body"],"msg":"String should match pattern '^a$'","input":"b","ctx":{"pattern":"^a$"}}])"},
      {R"({"minimum": 18})", "15",
       R"([{"type":"greater_than_equal","loc":["body"],"msg":"Input should be greater than or equal to 18","input":15,"ctx":{"ge":18}}])"},
      {R"({"maximum": 0.5})", "1",
       R"([{"type":"less_than_equal","loc":["body"],"msg":"Input should be less than or equal to 0.5","input":1,"ctx":{"le":0.5}}])"},
      {R"({"exclusiveMinimum": 0})", "0",
       R"([{"type":"greater_than","loc":["body"],"msg":"Input should be greater than 0","input":0,"ctx":{"gt":0}}])"},
      {R"({"exclusiveMaximum": 1})", "1",
       R"([{"type":"less_than","loc":["body"],"msg":"Input should be less than 1","input":1,"ctx":{"lt":1}}])"},
      {R"({"multipleOf": 5})", "17",
       R"([{"type":"multiple_of","loc":["body"],"msg":"Input should be a multiple of 5","input":17,"ctx":{"multiple_of":5}}])"},
      {R"({"enum": ["a", "b", "c"]})", R"("d")",
       R"([{"type":"enum","loc":["body"],"msg":"Input should be 'a', 'b' or 'c'","input":"d","ctx":{"expected":"'a', 'b' or 'c'"}}])"},
      {R"({"enum": [1, 2, "x"]})", "7",
       R"([{"type":"enum","loc":["body"],"msg":"Input should be 1, 2 or 'x'","input":7,"ctx":{"expected":"1, 2 or 'x'"}}])"},
      {R"({"minItems": 1})", "[]",
       R"([{"type":"too_short","loc":["body"],"msg":"List should have at least 1 item after validation","input":[],"ctx":{"min_length":1}}])"},
      {R"({"maxItems": 0})", "[1]",
       R"([{"type":"too_long","loc":["body"],"msg":"List should have at most 0 items after validation","input":[1],"ctx":{"max_length":0}}])"},
      {R"({"format": "uuid"})", R"("x")",
       R"([{"type":"uuid_parsing","loc":["body"],"msg":"Input should be a valid UUID","input":"x"}])"},
      {R"({"format": "date-time"})", R"("x")",
       R"([{"type":"datetime_parsing","loc":["body"],"msg":"Input should be a valid datetime","input":"x"}])"},
      {R"({"format": "ipv6"})", R"("x")",
       R"([{"type":"format_error","loc":["body"],"msg":"Input should be a valid IPv6 address","input":"x","ctx":{"format":"ipv6"}}])"},
      {R"({"format": "decimal"})", R"("x")", "[]"},
      {R"({"required": ["a"]})", R"({"b": 1})",
       R"([{"type":"missing","loc":["body","a"],"msg":"Field required","input":{"b":1}}])"},
  };
  for (const Case& c : cases) EXPECT_EQ(issues_of(c.schema, c.instance), c.issues) << c.schema;
}

TEST(Issues, AreAllThereInOrder) {
  EXPECT_EQ(
      issues_of(
          R"({"type": "object", "properties": {"z": {"type": "integer"}, "a": {"type": "string"}, "l": {"items": {"minimum": 1}}},
                          "required": ["a", "z"]})",
          R"({"l": [0, 1, 2, 0], "a": 1})"),
      R"([{"type":"string_type","loc":["body","a"],"msg":"Input should be a valid string","input":1},)"
      R"({"type":"greater_than_equal","loc":["body","l","0"],"msg":"Input should be greater than or equal to 1","input":0,"ctx":{"ge":1}},)"
      R"({"type":"greater_than_equal","loc":["body","l","3"],"msg":"Input should be greater than or equal to 1","input":0,"ctx":{"ge":1}},)"
      R"({"type":"missing","loc":["body","z"],"msg":"Field required","input":{"l":[0,1,2,0],"a":1}}])");
}

/// Type and place only.
std::string places_of(std::string_view schema, std::string_view instance) {
  constexpr std::array<std::string_view, 1> prefix{"body"};
  Issues issues;
  const Document document = json::parse(instance).value();
  schema_of(schema).check(document.root(), prefix, issues);
  issues.sort();
  std::string out;
  for (const Issue& i : issues.list()) {
    out += std::string(i.type) + "@";
    for (const auto& s : i.loc) out += "/" + s;
    out += " ";
  }
  return out;
}

TEST(Issues, OfApplicators) {
  EXPECT_EQ(places_of(R"({"anyOf": [{"type": "string"}, {"minimum": 3}]})", "1"), "validation_error@/body ");
  EXPECT_EQ(places_of(R"({"properties": {"a": {"oneOf": [true, true]}}})", R"({"a": 1})"), "validation_error@/body/a ");
  EXPECT_EQ(places_of(R"({"not": {"type": "integer"}})", "1"), "validation_error@/body ");
  EXPECT_EQ(places_of(R"({"contains": {"type": "string"}})", "[1]"), "validation_error@/body ");
  EXPECT_EQ(places_of(R"({"dependentRequired": {"a": ["b", "c"]}})", R"({"a": 1})"), "validation_error@/body ");
  EXPECT_EQ(places_of(R"({"allOf": [{"required": ["a"]}, {"required": ["b"]}]})", "{}"), "missing@/body/a missing@/body/b ");
  EXPECT_EQ(places_of(R"({"if": {"required": ["k"]}, "then": {"required": ["x"]}, "else": {"required": ["y"]}})", R"({"k": 1})"),
            "missing@/body/x ");
  EXPECT_EQ(places_of(R"({"dependentSchemas": {"a": {"required": ["b"]}}})", R"({"a": 1})"), "missing@/body/b ");
  EXPECT_EQ(places_of(R"({"prefixItems": [{"type": "string"}], "items": {"type": "integer"}})", R"([1, "x", 2])"),
            "string_type@/body/0 int_parsing@/body/1 ");
  EXPECT_EQ(places_of(R"({"properties": {"a": true}, "additionalProperties": false})", R"({"a": 1, "b": 1, "c": 2})"),
            "validation_error@/body/b validation_error@/body/c ");
  EXPECT_EQ(places_of(R"({"allOf": [{"properties": {"a": {"type": "string"}}}], "unevaluatedProperties": false})",
                      R"({"a": 1, "b": 1})"),
            "string_type@/body/a validation_error@/body/b ");
  EXPECT_EQ(places_of(R"({"prefixItems": [true], "unevaluatedItems": false})", "[1, 2, 3]"),
            "validation_error@/body/1 validation_error@/body/2 ");
  EXPECT_EQ(places_of(R"({"patternProperties": {"^n_": {"type": "integer"}}, "additionalProperties": false})",
                      R"({"n_a": "x", "b": 2})"),
            "validation_error@/body/b int_parsing@/body/n_a ");
  EXPECT_EQ(places_of(R"({"minProperties": 2, "maxProperties": 0, "uniqueItems": true, "const": {"x": 1}})", R"({"a": 1})"),
            "validation_error@/body validation_error@/body validation_error@/body ");
  EXPECT_EQ(places_of(R"({"propertyNames": {"maxLength": 1}})", R"({"ab": 1})"), "validation_error@/body/ab ");
}

TEST(Issues, AreBoundedForAnObjectOfManyExtraMembers) {
  std::string text = "{";
  for (int i = 0; i < 5000; ++i) text += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":1";
  const Document document = json::parse(text + "}").value();
  Issues issues;
  EXPECT_FALSE(schema_of(R"({"additionalProperties": false})").check(document.root(), {}, issues));
  EXPECT_EQ(issues.size(), Issues::max_issues);
  EXPECT_TRUE(issues.list().back().input.root().is_null());
}

TEST(Schema, LastOfDuplicateMembersCounts) {
  const Schema s = schema_of(R"({"properties": {"a": {"type": "integer"}}, "required": ["a"]})");
  EXPECT_TRUE(s.valid(json::parse(R"({"a": "x", "a": 1})").value().root()));
  EXPECT_FALSE(s.valid(json::parse(R"({"a": 1, "a": "x"})").value().root()));
}

TEST(Schema, ManyRequiredMembers) {
  std::string schema = R"({"required": [)";
  std::string all = "{";
  for (int i = 0; i < 100; ++i) {
    schema += (i > 0 ? ",\"n" : "\"n") + std::to_string(i) + "\"";
    all += (i > 0 ? ",\"n" : "\"n") + std::to_string(i) + "\":1";
  }
  const Schema s = schema_of(schema + "]}");
  EXPECT_TRUE(s.valid(json::parse(all + "}").value().root()));
  EXPECT_FALSE(s.valid(json::parse(all.substr(0, all.rfind(',')) + "}").value().root()));
  EXPECT_FALSE(s.valid(json::parse("{\"x\":1," + all.substr(all.find(',') + 1) + "}").value().root()));
}

TEST(Schema, UniqueItemsOfManyElements) {
  std::string text = "[";
  for (int i = 0; i < 300; ++i) text += std::to_string(i) + ".5,";
  const Schema s = schema_of(R"({"uniqueItems": true})");
  EXPECT_TRUE(s.valid(json::parse(text + "300]").value().root()));
  EXPECT_FALSE(s.valid(json::parse(text + "7.5]").value().root()));
  EXPECT_FALSE(s.valid(json::parse(text + R"({"a":1,"b":2},{"b":2.0,"a":1}])").value().root()));
}

TEST(Schema, DeepNestingEndsInAnIssueNotInAnOverflow) {
  NodeBuilder b;
  for (int i = 0; i < 5000; ++i) b.begin_array();
  for (int i = 0; i < 5000; ++i) b.end();
  const Schema s = schema_of(R"({"items": {"$ref": "#"}})");
  EXPECT_FALSE(s.valid(b.root()));
  Issues issues;
  EXPECT_FALSE(s.check(b.root(), {}, issues));
  EXPECT_FALSE(issues.empty());
}

TEST(Schema, RefusalsNameThePlaceAndWhatWasExpected) {
  EXPECT_EQ(refusal(R"({"properties": {"a": {"minLength": -1}}})"),
            R"(schema at "/properties/a/minLength": expected a non-negative integer)");
  EXPECT_EQ(refusal(R"({"type": "int"})"),
            R"(schema at "/type": expected one of null, boolean, integer, number, string, array, object, or a list of them)");
  EXPECT_EQ(refusal(R"({"items": {"$ref": "#/$defs/none"}})"), R"(schema at "/items/$ref": nothing at "/$defs/none" in "")");
  EXPECT_NE(refusal(R"({"$ref": "https://example.com/x"})").find("nothing is fetched"), std::string::npos);
  EXPECT_NE(refusal(R"({"pattern": "("})")
                .find(R"(schema at "/pattern": expected an ECMA-262 regular expression: unclosed group at byte 0)"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"pattern": "\\a"})").find("does not know"), std::string::npos);
  EXPECT_NE(refusal(R"({"$ref": "#"})").find("refers to itself"), std::string::npos);
  EXPECT_NE(refusal(R"({"anyOf": []})").find("/anyOf"), std::string::npos);
  EXPECT_NE(refusal(R"({"multipleOf": 0})").find("/multipleOf"), std::string::npos);
  EXPECT_NE(refusal(R"({"properties": {"a": 5}})").find("expected a schema"), std::string::npos);
  EXPECT_EQ(refusal("5"), R"(schema at "": expected a schema (an object or a boolean))");
}

TEST(Defaults, FillWhatIsMissing) {
  constexpr std::string_view s = R"({"$defs": {"o": {"properties": {"x": {"default": 1}}}},
    "properties": {"a": {"type": "integer", "default": 10}, "o": {"$ref": "#/$defs/o"}, "l": {"items": {"$ref": "#/$defs/o"}},
                   "m": {"anyOf": [{"type": "object", "properties": {"y": {"default": []}}}, {"type": "null"}]}},
    "allOf": [{"properties": {"b": {"default": "text"}}}]})";
  EXPECT_EQ(filled(s, "{}"), R"({"a":10,"b":"text"})");
  EXPECT_EQ(filled(s, R"({"a": 1, "b": "", "o": {}, "l": [{}, {"x": 2}], "m": {}})"),
            R"({"a":1,"b":"","o":{"x":1},"l":[{"x":1},{"x":2}],"m":{"y":[]}})");
  EXPECT_EQ(filled(s, R"({"m": null})"), R"({"m":null,"a":10,"b":"text"})");
  EXPECT_EQ(filled(s, "[1]"), "[1]");
  EXPECT_TRUE(schema_of(s).has_defaults());
  EXPECT_FALSE(schema_of(R"({"properties": {"a": {"type": "integer"}}})").has_defaults());
  // Defaults are not validated.
  EXPECT_EQ(filled(R"({"properties": {"a": {"type": "integer", "default": "x"}}})", "{}"), R"({"a":"x"})");
}

TEST(Defaults, OfTheSchemaItself) {
  EXPECT_EQ(schema_of(R"({"$ref": "#/$defs/x", "$defs": {"x": {"default": 7}}})").default_value().as_int(), 7);
  EXPECT_FALSE(schema_of(R"({"type": "integer"})").default_value().exists());
}

TEST(Numbers, DecimalsAndBigIntegers) {
  const auto valid = [](std::string_view schema, std::string_view instance) {
    return schema_of(schema).valid(json::parse(instance).value().root());
  };
  EXPECT_TRUE(valid(R"({"multipleOf": 0.01})", "19.99"));
  EXPECT_TRUE(valid(R"({"multipleOf": 0.1})", "1.1"));
  EXPECT_FALSE(valid(R"({"multipleOf": 0.01})", "19.999"));
  EXPECT_TRUE(valid(R"({"multipleOf": 0.0001})", "0.0075"));
  EXPECT_TRUE(valid(R"({"multipleOf": 1e-8})", "12391239123"));
  EXPECT_TRUE(valid(R"({"multipleOf": 7})", "98765432109876543210987654321098765432101"));
  EXPECT_FALSE(valid(R"({"multipleOf": 7})", "98765432109876543210987654321098765432102"));
  EXPECT_TRUE(valid(R"({"multipleOf": 0.5})", "1e308"));
  EXPECT_FALSE(valid(R"({"maximum": 9007199254740992})", "9007199254740993"));
  EXPECT_FALSE(valid(R"({"maximum": 9007199254740992.0})", "9007199254740993"));
  EXPECT_FALSE(valid(R"({"maximum": 18446744073709551615})", "18446744073709551616"));
  EXPECT_TRUE(valid(R"({"maximum": 18446744073709551616})", "18446744073709551615"));
  EXPECT_FALSE(valid(R"({"maximum": 1e400})", "1e401"));
  EXPECT_TRUE(valid(R"({"type": "integer"})", "1e400"));
  EXPECT_TRUE(valid(R"({"type": "integer"})", "1.0"));
}

TEST(Schema, TheMetaschemaIsThere) {
  const Schema s = schema_of(R"({"$ref": "https://json-schema.org/draft/2020-12/schema"})");
  EXPECT_TRUE(s.valid(json::parse(R"({"properties": {"a": {"minLength": 1}}})").value().root()));
  EXPECT_FALSE(s.valid(json::parse(R"({"properties": {"a": {"minLength": -1}}})").value().root()));
}

}  // namespace
}  // namespace spikard::validation
