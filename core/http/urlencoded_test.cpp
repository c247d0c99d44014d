#include "http/urlencoded.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace spikard::http {
namespace {

std::string decoded(std::string_view text, bool plus = true) {
  std::string memory(max_decoded(text.size()), '\0');
  TextRoom room{memory.data(), memory.data() + memory.size()};
  const std::string out(decode_component(text, room, plus));
  EXPECT_FALSE(room.out_of_room);
  return out;
}

TEST(Urlencoded, Decoding) {
  EXPECT_EQ(decoded("a+b%20c"), "a b c");
  EXPECT_EQ(decoded("a+b%2Bc", false), "a+b+c");
  EXPECT_EQ(decoded("%e2%98%95"), "\xE2\x98\x95");
  EXPECT_EQ(decoded("100%"), "100%");
  EXPECT_EQ(decoded("%4"), "%4");
  EXPECT_EQ(decoded("%zz%4z%41"), "%zz%4zA");
  EXPECT_EQ(decoded("%%41"), "%A");
  EXPECT_EQ(decoded("%2541"), "%41") << "once";
  EXPECT_EQ(decoded("%00"), std::string(1, '\0'));
}

TEST(Urlencoded, IllFormedUtf8BecomesReplacementCharacters) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(decoded("%FF"), r);
  EXPECT_EQ(decoded("a%C3b"), "a" + r + "b");
  EXPECT_EQ(decoded("%E2%98"), r) << "one for a maximal part";
  EXPECT_EQ(decoded("%E2%98%E2%98%95"), r + "\xE2\x98\x95");
  EXPECT_EQ(decoded("%C0%80"), r + r) << "overlong";
  EXPECT_EQ(decoded("%ED%A0%80"), r + r + r) << "a surrogate";
  EXPECT_EQ(decoded("%F4%90%80%80"), r + r + r + r) << "above U+10FFFF";
  EXPECT_EQ(decoded("%F0%9F%98%80"), "\xF0\x9F\x98\x80");
  EXPECT_EQ(decoded("\xFF\xFF"), r + r);
}

TEST(Urlencoded, NothingToDecodeIsNotCopied) {
  const std::string text = "plain-text/\xC3\xA9";
  TextRoom none;
  EXPECT_EQ(decode_query(text, none).data(), text.data());
  EXPECT_FALSE(none.out_of_room);
  (void)decode_query("a+b", none);
  EXPECT_TRUE(none.out_of_room);
  TextRoom other;
  EXPECT_EQ(decode_path("a+b", other), "a+b");
}

TEST(Urlencoded, DecodesTo) {
  EXPECT_TRUE(decodes_to("%76", "v", true));
  EXPECT_TRUE(decodes_to("a+b", "a b", true));
  EXPECT_FALSE(decodes_to("a+b", "a b", false));
  EXPECT_FALSE(decodes_to("a", "ab", true));
  EXPECT_FALSE(decodes_to("ab", "a", true));
}

TEST(Urlencoded, Pairs) {
  QueryPairs pairs("w=1&v=a&&x&=e&y==&");
  std::vector<std::string> seen;
  for (QueryPair p; pairs.next(p);) seen.push_back(std::string(p.name) + ":" + std::string(p.value));
  EXPECT_EQ(seen, (std::vector<std::string>{"w:1", "v:a", "x:", ":e", "y:="}));
}

std::string tree(std::string_view body, FormLimits limits = {}) {
  NodeBuilder out;
  FormError error;
  if (!form_to_tree(body, limits, out, error)) {
    EXPECT_TRUE(out.nodes().empty());
    EXPECT_FALSE(error.message.empty());
    return "400";
  }
  return json::to_string(out.root());
}

TEST(Form, Trees) {
  EXPECT_EQ(tree(""), "{}");
  EXPECT_EQ(tree("a=1&b=x+y&c"), R"({"a":"1","b":"x y","c":""})");
  EXPECT_EQ(tree("a=1&a=2"), R"({"a":["1","2"]})");
  EXPECT_EQ(tree("t[]=1"), R"({"t":["1"]})");
  EXPECT_EQ(tree("t[]=1&t[]=2"), R"({"t":["1","2"]})");
  EXPECT_EQ(tree("u[name]=J&u[mail]=j%40x&z=1&u[age]=3"), R"({"u":{"name":"J","mail":"j@x","age":"3"},"z":"1"})");
  EXPECT_EQ(tree("i%5B1%5D%5Bn%5D=2&i[0][n]=1&i[0][m]=3"), R"({"i":[{"n":"1","m":"3"},{"n":"2"}]})");
  EXPECT_EQ(tree("i[][n]=1&i[][n]=2"), R"({"i":[{"n":"1"},{"n":"2"}]})");
  EXPECT_EQ(tree("a[b][c][]=1"), R"({"a":{"b":{"c":["1"]}}})");
  EXPECT_EQ(tree("a[0]=x&a[0]=y"), R"({"a":[["x","y"]]})");
  EXPECT_EQ(tree("a[0]=x&a[b]=y"), R"({"a":{"0":"x","b":"y"}})");
  EXPECT_EQ(tree("a[00]=x"), R"({"a":{"00":"x"}})");
  EXPECT_EQ(tree("0=x"), R"({"0":"x"})") << "the form itself is an object";
  EXPECT_EQ(tree("contact.email=x&user-name=y"), R"({"contact.email":"x","user-name":"y"})");
}

TEST(Form, BracketsOutOfOrderAreLiteral) {
  EXPECT_EQ(tree("a[b=1"), R"({"a[b":"1"})");
  EXPECT_EQ(tree("a]=1&[b]=2&a[b]c=3&a[[b]]=4"), R"({"a]":"1","[b]":"2","a[b]c":"3","a[[b]]":"4"})");
}

TEST(Form, GapsAndTwoShapesAreRefused) {
  EXPECT_EQ(tree("items[0]=first&items[2]=third&items[5]=sixth"), "400");
  EXPECT_EQ(tree("t[1]=a"), "400");
  EXPECT_EQ(tree("t[0][1]=a"), "400");
  EXPECT_EQ(tree("t[999999999]=a"), "400");
  EXPECT_EQ(tree("a=1&a[b]=2"), "400");
  EXPECT_EQ(tree("a[b]=1&a=2"), "400");
  EXPECT_EQ(tree("a[]=1&a[0]=2"), "400");
  FormLimits limits;
  limits.max_depth = 2;
  EXPECT_EQ(tree("a[b][c]=1", limits), R"({"a":{"b":{"c":"1"}}})");
  EXPECT_EQ(tree("a[b][c][d]=1", limits), "400");
}

TEST(Form, DeepObject) {
  const auto deep = [](std::string_view query) -> std::string {
    NodeBuilder out;
    bool found = true;
    FormError error;
    if (!deep_object_to_tree(query, "filter", {}, out, found, error)) return "400";
    return found ? json::to_string(out.root()) : "none";
  };
  EXPECT_EQ(deep("filter[name]=a&filter%5Bmin%5D=3&x=1&filterx[y]=1"), R"({"name":"a","min":"3"})");
  EXPECT_EQ(deep("filter=1&x[filter]=2&filter[=3"), "none");
  EXPECT_EQ(deep(""), "none");
  EXPECT_EQ(deep("filter[a][1]=1"), "400");
}

}  // namespace
}  // namespace spikard::http
