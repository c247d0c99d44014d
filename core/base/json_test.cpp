#include "base/json.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>

#include <gtest/gtest.h>

#include "base/base64.hpp"
#include "base/json_out.hpp"
#include "base/json_text.hpp"

namespace spikard {
namespace {

std::string round_trip(std::string_view text) {
  auto doc = json::parse(text);
  return doc ? json::to_string(doc->root()) : "refused: " + doc.error().message();
}

std::string number_text(double v) {
  char buffer[json::max_number_text];
  return {buffer, json::put_number(buffer, v)};
}

std::string json_text(std::string_view v) {
  std::string out;
  json::append_quoted(out, v);
  std::string other(json::max_quoted(v.size()), '\0');
  other.resize(static_cast<std::size_t>(json::put_quoted(other.data(), v) - other.data()));
  EXPECT_EQ(out, other);
  JsonOut third;
  third.string(v);
  EXPECT_EQ(out, third.view());
  return out;
}

TEST(JsonReader, WritesPreorderNodesWithSubtreeSizes) {
  const auto doc = json::parse(R"({"a":[1,[2,3],{}],"b":null})").value();
  const Value root = doc.root();
  ASSERT_TRUE(root.is_object());
  EXPECT_EQ(root.size(), 2U);
  EXPECT_EQ(root.node().off, 9U);
  const Value a = root.find("a");
  EXPECT_EQ(a.size(), 3U);
  EXPECT_EQ(a.node().off, 5U);
  EXPECT_EQ(a.at(1).at(1).as_int(), 3);
  EXPECT_EQ(a.at(2).size(), 0U);
  EXPECT_TRUE(root.find("b").is_null());
}

TEST(JsonReader, TextWithoutEscapesPointsIntoTheInput) {
  const std::string text = R"(["plain","esc\n"])";
  std::string block = text + std::string(text.size(), '\0');
  Node nodes[8];
  json::Reader reader;
  json::ReadError error;
  json::Reader::Target target{
      .base = block.data(), .nodes = nodes, .node_room = 8, .scratch = block.data() + text.size(), .scratch_room = text.size()};
  ASSERT_TRUE(reader.read_into({block.data(), text.size()}, {}, target, error));
  EXPECT_EQ(target.node_count, 3U);
  EXPECT_EQ(target.scratch_used, 4U);
  EXPECT_EQ(nodes[1].off, 2U);
  EXPECT_EQ(Value(nodes + 2, block.data()).text(), "esc\n");
  EXPECT_EQ(nodes[2].off, text.size());
}

TEST(JsonReader, SaysWhenRoomRunsOut) {
  const std::string_view text = "[1,2,\"\\n\"]";
  json::Reader reader;
  json::ReadError error;
  Node nodes[4];
  char scratch[4];
  for (std::size_t room = 0; room < 4; ++room) {
    json::Reader::Target target{.base = text.data(), .nodes = nodes, .node_room = room, .scratch = scratch, .scratch_room = 4};
    EXPECT_FALSE(reader.read_into(text, {}, target, error));
    EXPECT_TRUE(target.out_of_room);
  }
  json::Reader::Target no_scratch{.base = text.data(), .nodes = nodes, .node_room = 4, .scratch = scratch, .scratch_room = 0};
  EXPECT_FALSE(reader.read_into(text, {}, no_scratch, error));
  EXPECT_TRUE(no_scratch.out_of_room);
}

TEST(JsonReader, NeverReadsBeyondTheText) {
  // Each text ends at the end of its own allocation, so that ASan sees one byte too many.
  json::Reader reader;
  for (const std::string_view whole : {R"({"key":"value \u00e9 and more text","n":[1,-2.5e3,true,false,null,123456789012]})",
                                       "12345", "\"abc\"", "true", "[[]]"}) {
    for (std::size_t size = 1; size <= whole.size(); ++size) {
      const auto exact = std::make_unique<char[]>(size);
      std::memcpy(exact.get(), whole.data(), size);
      Node nodes[64];
      char scratch[128];
      json::Reader::Target target{
          .base = exact.get(), .nodes = nodes, .node_room = 64, .scratch = scratch, .scratch_room = sizeof scratch};
      json::ReadError error;
      const bool number = whole[0] == '1';
      EXPECT_EQ(reader.read_into({exact.get(), size}, {}, target, error), number || size == whole.size())
          << whole.substr(0, size);
    }
  }
}

TEST(JsonReader, Numbers) {
  const auto type_of = [](std::string_view text) { return json::parse(text).value().root().type(); };
  EXPECT_EQ(type_of("9223372036854775807"), NodeType::integer);
  EXPECT_EQ(type_of("-9223372036854775808"), NodeType::integer);
  EXPECT_EQ(type_of("9223372036854775808"), NodeType::uinteger);
  EXPECT_EQ(type_of("18446744073709551615"), NodeType::uinteger);
  EXPECT_EQ(type_of("18446744073709551616"), NodeType::numtext);
  EXPECT_EQ(type_of("-9223372036854775809"), NodeType::numtext);
  EXPECT_EQ(type_of("1e400"), NodeType::numtext);
  EXPECT_EQ(type_of("1.0"), NodeType::number);
  EXPECT_EQ(json::parse("123456789012345678").value().root().as_int(), 123456789012345678);
  EXPECT_EQ(json::parse("-0").value().root().as_double(), 0.0);
  EXPECT_TRUE(std::signbit(json::parse("-0").value().root().as_double()));
  EXPECT_EQ(type_of("0"), NodeType::integer);
  EXPECT_EQ(json::parse("1e-400").value().root().as_double(), 0.0);
  EXPECT_EQ(json::parse("0.0000000000000000000000000000001e-400").value().root().as_double(), 0.0);
  EXPECT_EQ(json::parse("0e99999999999999999999").value().root().as_double(), 0.0);
  for (const std::string_view text :
       {"0.1", "1.7976931348623157e308", "5e-324", "2.2250738585072014e-308", "123456.789", "1e23", "9007199254740993.0",
        "0.30000000000000004", "1e22", "1e-22", "3.0e-5", "12345678901234567890.5"}) {
    EXPECT_EQ(json::parse(text).value().root().as_double(), std::strtod(std::string(text).c_str(), nullptr)) << text;
  }
  EXPECT_EQ(round_trip("123456789012345678901234567890"), "123456789012345678901234567890");
}

TEST(JsonReader, StringsAndEscapes) {
  EXPECT_EQ(json::parse(R"("\u0048\ud83d\ude00\/\b")").value().root().text(), "H\xF0\x9F\x98\x80/\b");
  EXPECT_EQ(json::parse(R"("\u0000")").value().root().text(), std::string_view("\0", 1));
  EXPECT_EQ(json::parse(R"({"\u0061":1})").value().root().find("a").as_int(), 1);
}

TEST(JsonReader, RefusesWithMessageAndOffset) {
  struct Case {
    std::string_view text;
    std::string_view message;
    std::size_t offset;
  };
  const Case cases[] = {
      {"", "the text is empty", 0},
      {"  ", "the text is empty", 2},
      {"[1,]", "expected a value", 3},
      {"[1 2]", "expected `,` or `]`", 3},
      {"{\"a\":1,}", "expected a member's name in quotes", 7},
      {"{\"a\" 1}", "expected `:` after a member's name", 5},
      {"[1", "an array is not closed", 2},
      {"{\"a\":1", "an object is not closed", 6},
      {"1 2", "something follows the value", 2},
      {"01", "a number starts with 0", 0},
      {"-", "a digit must follow `-`", 0},
      {"1.", "a digit must follow `.`", 0},
      {"1e", "a digit must follow the exponent's `e`", 0},
      {"1x", "a number is malformed", 0},
      {"truee", "expected a value", 0},
      {"\"a\nb\"", "a control character stands in a string", 2},
      {"\"a", "a string is not closed", 2},
      {"\"\\ud800\"", "a high surrogate stands alone", 1},
      {"\"\\udc00\"", "a low surrogate stands alone", 1},
      {"\"\\ud800\\u0041\"", "a high surrogate stands alone", 1},
      {"\"\\u12\"", "\\u needs four hexadecimal digits", 1},
      {"\"\\x\"", "unknown escape", 1},
      {"[\"\xFF\"]", "the text is not UTF-8", 2},
      {"\xEF\xBB\xBF{}", "expected a value", 0},
      {"1\f", "a number is malformed", 0},
  };
  json::Reader reader;
  for (const Case& c : cases) {
    Node nodes[16];
    char scratch[64];
    json::Reader::Target target{.base = c.text.data(), .nodes = nodes, .node_room = 16, .scratch = scratch, .scratch_room = 64};
    json::ReadError error;
    EXPECT_FALSE(reader.read_into(c.text, {}, target, error)) << c.text;
    EXPECT_FALSE(target.out_of_room) << c.text;
    EXPECT_EQ(error.message == nullptr ? "" : error.message, c.message) << c.text;
    EXPECT_EQ(error.offset, c.offset) << c.text;
  }
}

TEST(JsonReader, DepthIsLimited) {
  const auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  EXPECT_TRUE(json::parse(nested(128)).ok());
  EXPECT_FALSE(json::parse(nested(129)).ok());
  EXPECT_FALSE(json::parse(nested(100'000)).ok());
  EXPECT_TRUE(json::parse(nested(3), {.max_depth = 3}).ok());
  EXPECT_FALSE(json::parse(nested(4), {.max_depth = 3}).ok());
}

TEST(JsonWriter, RoundTrips) {
  for (const std::string_view text : {R"({"a":[1,2.5,true,false,null,"x"],"b":{},"c":[],"d":[[],{"e":[{}]}]})",
                                      "18446744073709551615", R"("\"\\\n\u0001é😀")"}) {
    EXPECT_EQ(round_trip(text), text);
  }
}

TEST(JsonWriter, DoublesAreShortestAndKeepTheirFraction) {
  EXPECT_EQ(number_text(1), "1.0");
  EXPECT_EQ(number_text(-0.0), "-0.0");
  EXPECT_EQ(number_text(0.1), "0.1");
  EXPECT_EQ(number_text(12.99), "12.99");
  EXPECT_EQ(number_text(-1234.5678), "-1234.5678");
  EXPECT_EQ(number_text(0.0001), "0.0001");
  EXPECT_EQ(number_text(0.30000000000000004), "0.30000000000000004");
  EXPECT_EQ(number_text(1e14), "100000000000000.0");
  EXPECT_EQ(number_text(1e300), "1e+300");
  EXPECT_EQ(number_text(std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(number_text(std::numeric_limits<double>::quiet_NaN()), "null");
  std::uint64_t state = 42;
  for (int i = 0; i < 200'000; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    double v;
    if (i % 2 == 0) std::memcpy(&v, &state, sizeof v);
    else v = static_cast<double>(static_cast<std::int64_t>(state >> 24)) / std::pow(10, static_cast<double>(state % 8));
    if (!std::isfinite(v)) continue;
    const std::string text = number_text(v);
    ASSERT_LE(text.size(), json::max_number_text);
    ASSERT_EQ(std::strtod(text.c_str(), nullptr), v) << text;
    ASSERT_NE(text.find_first_of(".e"), std::string::npos);
  }
}

TEST(JsonWriter, EscapesOnlyWhatItMustAndMendsUtf8) {
  EXPECT_EQ(json_text("plain"), "\"plain\"");
  EXPECT_EQ(json_text("a\"b\\c\x1f\t\x7f/"), "\"a\\\"b\\\\c\\u001f\\t\x7f/\"");
  EXPECT_EQ(json_text("é😀"), "\"é😀\"");
  EXPECT_EQ(json_text("a\xFFz"), "\"a\xEF\xBF\xBDz\"");
  EXPECT_EQ(json_text("\xE2\x82"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
  std::string longer;
  for (int i = 0; i < 700; ++i) longer += "é\n";
  EXPECT_EQ(json::parse(json_text(longer)).value().root().text(), longer);
}

TEST(JsonWriter, DeepAndLongValues) {
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += i % 2 == 0 ? "[1," : "{\"k\":";
  deep += "[]";
  for (int i = 99; i >= 0; --i) deep += i % 2 == 0 ? ",2]" : "}";
  EXPECT_EQ(round_trip(deep), deep);
  std::string longer = "[";
  for (int i = 0; i < 5000; ++i)
    longer += std::string(i == 0 ? "" : ",") + "{\"name\":\"item \\\" " + std::to_string(i) + "\",\"v\":[true,-7,0.25]}";
  longer += "]";
  EXPECT_EQ(round_trip(longer), longer);
  JsonOut out;
  out.value(json::parse(longer).value().root());
  EXPECT_EQ(out.view(), longer);
  std::string appended = "x:";
  json::Writer(appended).write(json::parse("[1]").value().root());
  EXPECT_EQ(appended, "x:[1]");
}

TEST(JsonWriter, BytesAreBase64) {
  NodeBuilder b;
  b.bytes("hello!!");
  EXPECT_EQ(json::to_string(b.root()), "\"aGVsbG8hIQ==\"");
}

TEST(Base64, Rfc4648Section10) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : vectors) {
    EXPECT_EQ(base64::encode(plain), text);
    EXPECT_EQ(base64::decode(text), plain);
  }
  EXPECT_EQ(base64::encode_url("\xFB\xFF"), "-_8");
  EXPECT_EQ(base64::decode_url("-_8"), "\xFB\xFF");
  for (const char* bad : {"Zg", "Zg=", "Zh==", "Zm9", "Z===", "Zg==Zg==", "Zm9v\n", "Zm-_", "====", "A"})
    EXPECT_FALSE(base64::decode(bad)) << bad;
  EXPECT_FALSE(base64::decode_url("Zg=="));
}

}  // namespace
}  // namespace spikard
