#include <gtest/gtest.h>

#include "spikard/schema.hpp"

namespace shop {

enum class Size { small, large };
BOOST_DESCRIBE_ENUM(Size, small, large)

struct Item {
  std::string sku;
  int quantity = 1;
  double price{};
};
BOOST_DESCRIBE_STRUCT(Item, (), (sku, quantity, price))
SPIKARD_CONSTRAIN(Item, sku, pattern("^[A-Z]{3}$"), min_length(3))
SPIKARD_CONSTRAIN(Item, quantity, ge(1), le(100))
SPIKARD_CONSTRAIN(Item, price, ge(0.5))

struct Order {
  std::string customer;
  std::vector<Item> items;
  std::optional<std::string> note;
  Size size{};
  bool express{};
  std::map<std::string, std::int64_t> tags;
  static constexpr bool spikard_closed = true;
};
BOOST_DESCRIBE_STRUCT(Order, (), (customer, items, note, size, express, tags))
SPIKARD_CONSTRAIN(Order, items, min_items(1), max_items(50))
SPIKARD_CONSTRAIN(Order, express, defaulted())

struct Tree {
  std::int64_t value{};
  std::vector<Tree> children;
};
BOOST_DESCRIBE_STRUCT(Tree, (), (value, children))

struct Node {
  std::string name;
  std::unique_ptr<Node> next;
};
BOOST_DESCRIBE_STRUCT(Node, (), (name, next))
struct List {
  Node head;
};
BOOST_DESCRIBE_STRUCT(List, (), (head))

struct Patch {
  spikard::Given<int> count;
  spikard::Given<std::optional<std::string>> note;
};
BOOST_DESCRIBE_STRUCT(Patch, (), (count, note))

enum class Word { new_, old };
BOOST_DESCRIBE_ENUM(Word, new_, old)
struct Keyword {
  int class_ = 0;
  Word word{};
};
BOOST_DESCRIBE_STRUCT(Keyword, (), (class_, word))

struct Empty {};
BOOST_DESCRIBE_STRUCT(Empty, (), ())

}  // namespace shop

namespace spikard {
namespace {

template <class T>
std::string schema_text() {
  return json::to_string(schema_of<T>().root());
}

template <class T>
T read(std::string_view text) {
  const Document doc = json::parse(text).value();
  return from_validated<T>(doc.root());
}

TEST(Describe, WritesMembersInOrder) {
  const shop::Order order{.customer = "A\"da",
                          .items = {{"ABC", 2, 9.5}},
                          .note = std::nullopt,
                          .size = shop::Size::large,
                          .express = true,
                          .tags = {{"a", 1}}};
  EXPECT_EQ(
      to_json(order),
      R"({"customer":"A\"da","items":[{"sku":"ABC","quantity":2,"price":9.5}],"note":null,"size":"large","express":true,"tags":{"a":1}})");
  EXPECT_EQ(to_json(shop::Empty{}), "{}");
  EXPECT_EQ(to_json(std::vector<int>{}), "[]");
  EXPECT_EQ(to_json(std::map<std::string, int>{}), "{}");
  EXPECT_EQ(to_json(std::variant<int, std::string>("x")), "\"x\"");
  EXPECT_EQ(to_json(UINT64_MAX), "18446744073709551615");
}

TEST(Describe, ReadsWhatItWrote) {
  const std::string text =
      R"({"customer":"Ada","items":[{"sku":"ABC","quantity":2,"price":9.5},{"sku":"DEF","quantity":1,"price":1.0}],"note":"x","size":"large","express":true,"tags":{"a":1}})";
  EXPECT_EQ(to_json(read<shop::Order>(text)), text);
}

TEST(Describe, ReadsMembersInAnyOrderWithGapsAndStrangers) {
  const auto item = read<shop::Item>(R"({"x":[1,{"y":2}],"price":2,"sku":"ABC"})");
  EXPECT_EQ(item.sku, "ABC");
  EXPECT_EQ(item.quantity, 1);
  EXPECT_EQ(item.price, 2.0);
  EXPECT_EQ(read<shop::Item>(R"({"sku":"ABC","sku":"DEF"})").sku, "DEF") << "the last of two members counts, as in Value::find";
  EXPECT_EQ(read<shop::Item>(R"({"quantity":3.0})").quantity, 3) << "1.0 is an integer for JSON Schema";
}

TEST(Describe, RecursiveTypes) {
  const std::string tree = R"({"value":1,"children":[{"value":2,"children":[]}]})";
  EXPECT_EQ(to_json(read<shop::Tree>(tree)), tree);
  const std::string list = R"({"head":{"name":"a","next":{"name":"b","next":null}}})";
  EXPECT_EQ(to_json(read<shop::List>(list)), list);
}

TEST(Describe, GivenTellsNullFromNothing) {
  const auto none = read<shop::Patch>("{}");
  EXPECT_FALSE(none.count);
  EXPECT_FALSE(none.note);
  EXPECT_EQ(to_json(none), "{}");
  const auto null = read<shop::Patch>(R"({"note":null})");
  ASSERT_TRUE(null.note);
  EXPECT_FALSE(null.note->has_value());
  EXPECT_EQ(to_json(null), R"({"note":null})");
  EXPECT_EQ(to_json(read<shop::Patch>(R"({"count":0,"note":"x"})")), R"({"count":0,"note":"x"})");
}

TEST(Schema, ItemWithConstraintsAndDefault) {
  EXPECT_EQ(
      schema_text<shop::Item>(),
      R"({"type":"object","properties":{"sku":{"type":"string","pattern":"^[A-Z]{3}$","minLength":3},)"
      R"("quantity":{"type":"integer","minimum":1,"maximum":100,"default":1},"price":{"type":"number","minimum":0.5}},"required":["sku","price"]})");
}

TEST(Schema, OptionalEnumMapClosedAndDefaulted) {
  const Document schema = schema_of<shop::Order>();
  const Value properties = schema.root().find("properties");
  EXPECT_EQ(json::to_string(properties.find("note")), R"({"type":["string","null"]})");
  EXPECT_EQ(json::to_string(properties.find("size")), R"({"type":"string","enum":["small","large"]})");
  EXPECT_EQ(json::to_string(properties.find("express")), R"({"type":"boolean","default":false})");
  EXPECT_EQ(json::to_string(properties.find("tags").find("additionalProperties")),
            R"({"type":"integer","minimum":-9223372036854775808,"maximum":9223372036854775807})");
  EXPECT_EQ(properties.find("items").find("maxItems").as_int(), 50);
  EXPECT_EQ(json::to_string(schema.root().find("required")), R"(["customer","items","size","tags"])");
  EXPECT_FALSE(schema.root().find("additionalProperties").as_bool());
}

TEST(Schema, RecursionIsAReference) {
  const Document tree = schema_of<shop::Tree>();
  EXPECT_EQ(json::to_string(tree.root().find("properties").find("children")), R"({"type":"array","items":{"$ref":"#"}})");
  const Document list = schema_of<shop::List>();
  const std::string next = R"({"anyOf":[{"$ref":"#/$defs/T0"},{"type":"null"}]})";
  EXPECT_EQ(json::to_string(list.root().find("properties").find("head").find("properties").find("next")), next);
  EXPECT_EQ(json::to_string(list.root().find("$defs").find("T0").find("properties").find("next")), next);
}

TEST(Describe, AnUnderscoreAtTheEndIsNotPartOfTheName) {
  const std::string text = R"({"class":3,"word":"new"})";
  EXPECT_EQ(to_json(read<shop::Keyword>(text)), text);
  EXPECT_EQ(json::to_string(schema_of<shop::Keyword>().root().find("required")), R"(["class","word"])");
}

TEST(Schema, GivenIsNotRequired) {
  EXPECT_EQ(
      schema_text<shop::Patch>(),
      R"({"type":"object","properties":{"count":{"type":"integer","minimum":-2147483648,"maximum":2147483647},"note":{"type":["string","null"]}}})");
}

}  // namespace
}  // namespace spikard
