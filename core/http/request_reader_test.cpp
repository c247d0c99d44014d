#include "http/request_reader.hpp"

#include <gtest/gtest.h>

#include "base/json.hpp"
#include "http/h1/request_parser.hpp"

namespace spikard::http {
namespace {

services::Parameter parameter(services::ParameterIn in, std::string name, std::string_view schema, bool required = false) {
  services::Parameter p;
  p.in = in;
  p.name = std::move(name);
  p.required = required;
  if (!schema.empty()) p.schema = *json::parse(schema);
  return p;
}
constexpr auto path = services::ParameterIn::path;
constexpr auto query = services::ParameterIn::query;
constexpr auto header = services::ParameterIn::header;
constexpr auto cookie = services::ParameterIn::cookie;

/// Parses the request, routes it to the one route there is, reads: the values as JSON, or the problem's errors.
std::string read(const services::Route& route, std::string_view target, std::string_view headers = "",
                 std::size_t nodes_room = 64, std::size_t text_room = SIZE_MAX) {
  const auto reader = RequestReader::compile(route);
  if (!reader.ok()) return reader.error().message();
  const std::string head = "GET " + std::string(target) + " HTTP/1.1\r\nHost: t\r\n" + std::string(headers) + "\r\n";
  const std::size_t room = std::min(text_room, reader->text_room(head.size()));
  std::string block = head + std::string(room, '\0');
  std::vector<ViewPair> views(32);
  h1::RequestParser parser;
  h1::HeadLimits limits;
  limits.header_count = 32;
  EXPECT_EQ(parser.parse(block.data(), 0, static_cast<std::uint32_t>(head.size()), views.data(), limits), h1::Parse::done)
      << parser.error().message;
  const auto text = [&](View v) { return std::string_view(block.data() + v.off, v.len); };
  const RouteSpec spec{Method::get, route.path, 0};
  const auto router = Router::build({&spec, 1});
  std::array<std::string_view, Router::max_captures> captures;
  const auto match = router->match(Method::get, text(parser.head().path), captures);
  EXPECT_EQ(match.outcome, Router::Outcome::found);
  RequestTexts in;
  in.base = block.data();
  in.captures = {captures.data(), match.captures};
  in.query = text(parser.head().query);
  in.headers = {views.data(), parser.head().header_count};
  std::vector<Node> nodes(nodes_room);
  validation::NodeRoom to{block.data(), nodes.data(), nodes.size()};
  TextRoom texts{block.data() + head.size(), block.data() + block.size()};
  validation::Issues issues;
  if (!reader->read(in, to, texts, issues)) {
    if (to.out_of_room || texts.out_of_room) return "out of room";
    EXPECT_FALSE(issues.empty());
    std::string out;
    json::Writer writer(out);
    issues.sort();
    issues.write(writer);
    return out;
  }
  EXPECT_TRUE(issues.empty());
  std::string out;
  const Node* node = nodes.data();
  for (std::size_t i = 0; i < reader->size(); ++i, node = node->next()) {
    if (i > 0) out += " ";
    out += json::to_string(Value(node, block.data()));
  }
  EXPECT_EQ(node, nodes.data() + to.used);
  return out;
}

services::Route with(std::string pattern, std::vector<services::Parameter> parameters) {
  services::Route r;
  r.path = std::move(pattern);
  r.parameters = std::move(parameters);
  return r;
}

TEST(RequestReader, PathAndQuery) {
  const auto r = with("/users/{id:int}", {parameter(query, "verbose", R"({"type":"boolean","default":false})"),
                                          parameter(path, "id", R"({"minimum":1})", true)});
  EXPECT_EQ(read(r, "/users/42?verbose=true"), "true 42");
  EXPECT_EQ(read(r, "/users/0042"), "false 42");
  EXPECT_EQ(
      read(r, "/users/x?verbose=2"),
      R"([{"type":"int_parsing","loc":["path","id"],"msg":"Input should be a valid integer, unable to parse string as an integer","input":"x"},)"
      R"({"type":"bool_parsing","loc":["query","verbose"],"msg":"Input should be a valid boolean, unable to interpret input","input":"2"}])");
  EXPECT_NE(read(r, "/users/0").find("greater_than_equal"), std::string::npos) << "the declared schema adds to the type";
}

TEST(RequestReader, PathParametersThatAreNotDeclaredComeLast) {
  EXPECT_EQ(read(with("/{a}/{b:uuid}/{c:path}", {parameter(query, "q", "")}),
                 "/x%2Fy+z/550e8400-e29b-41d4-a716-446655440000/r%C3%A9/s/?q=%FF"),
            "\"\xEF\xBF\xBD\" \"x/y+z\" \"550e8400-e29b-41d4-a716-446655440000\" \"r\xC3\xA9/s/\"");
  EXPECT_NE(read(with("/{b:uuid}", {}), "/not-a-uuid").find("uuid_parsing"), std::string::npos);
  EXPECT_NE(read(with("/{b:date}", {}), "/2024-02-30").find("date_parsing"), std::string::npos);
  EXPECT_NE(read(with("/{b:datetime}", {}), "/x").find("datetime_parsing"), std::string::npos);
  EXPECT_EQ(read(with("/{b:float}/{c:bool}", {}), "/1.5/TRUE"), "1.5 true");
}

TEST(RequestReader, QueryNamesAreDecodedAndTheFirstScalarCounts) {
  const auto r = with("/q", {parameter(query, "v", R"({"type":"string"})"), parameter(query, "a b", R"({"type":"string"})")});
  EXPECT_EQ(read(r, "/q?w=1&%76=a&v=b&&x&a+b=2"), R"("a" "2")");
  EXPECT_EQ(read(r, "/q?v"), R"("" null)");
  EXPECT_EQ(read(r, "/q?V=1"), "null null");
}

TEST(RequestReader, ListsAndStyles) {
  auto r = with("/q", {parameter(query, "ids", R"({"type":"array","items":{"type":"integer"}})")});
  EXPECT_EQ(read(r, "/q?ids=1&x=2&i%64s=3"), "[1,3]");
  EXPECT_EQ(read(r, "/q"), "null");
  EXPECT_NE(read(r, "/q?ids=1&ids=x").find(R"("loc":["query","ids","1"])"), std::string::npos);
  std::string many = "/q?";
  std::string expected = "[";
  for (int i = 0; i < 50; ++i) {
    many += "ids=" + std::to_string(i) + "&";
    expected += (i > 0 ? "," : "") + std::to_string(i);
  }
  EXPECT_EQ(read(r, many), expected + "]");
  EXPECT_EQ(read(r, many, "", 20), "out of room");
  r.parameters[0].style = services::ParameterStyle::pipe_delimited;
  EXPECT_EQ(read(r, "/q?ids=1%7C2|3"), "[1,2,3]");
  r.parameters[0].style = services::ParameterStyle::form;
  r.parameters[0].explode = false;
  EXPECT_EQ(read(r, "/q?ids=1,2%2C3"), "[1,2,3]");
}

TEST(RequestReader, DeepObject) {
  auto r = with(
      "/q", {parameter(query, "filter",
                       R"({"type":"object","properties":{"name":{"type":"string"},"min":{"type":"integer"}},"required":["min"]})",
                       true)});
  r.parameters[0].style = services::ParameterStyle::deep_object;
  EXPECT_EQ(read(r, "/q?filter[name]=a&filter%5Bmin%5D=3"), R"({"name":"a","min":3})");
  EXPECT_NE(read(r, "/q?filter[name]=a").find(R"(["query","filter","min"])"), std::string::npos);
  EXPECT_NE(read(r, "/q").find(R"("type":"missing","loc":["query","filter"])"), std::string::npos);
  EXPECT_NE(read(r, "/q?filter[min]=3&filter[x][1]=1").find("gaps"), std::string::npos);
}

TEST(RequestReader, HeadersAreJoinedAndCookiesTakeTheFirst) {
  const auto r = with("/h", {parameter(header, "X-Note", R"({"type":"string"})"),
                             parameter(header, "X-Tags", R"({"type":"array","items":{"type":"string"}})"),
                             parameter(cookie, "sid", R"({"type":"string"})"), parameter(cookie, "n", R"({"type":"integer"})")});
  EXPECT_EQ(read(r, "/h",
                 "x-note: one\r\nX-Tags: a, b\r\nx-NOTE: two\r\nX-Tags: c\r\nCookie: sid=a=b==; sid=second\r\nCookie: n=5\r\n"),
            R"("one, two" ["a","b","c"] "a=b==" 5)");
  EXPECT_EQ(read(r, "/h"), "null null null null");
  EXPECT_EQ(read(r, "/h", "X-Note:\r\n"), R"("" null null null)");
  EXPECT_EQ(read(r, "/h", "X-Note:\r\nX-Note: a\r\n"), R"(", a" null null null)");
  EXPECT_EQ(read(r, "/h", "X-Note: \xFF\r\nCookie: sid=\xFF\r\n"), "\"\xEF\xBF\xBD\" null \"\xEF\xBF\xBD\" null");
}

TEST(RequestReader, DefaultsAndRoom) {
  const auto r = with("/d", {parameter(query, "s", R"({"type":"string","default":"some text"})"),
                             parameter(query, "l", R"({"type":"array","default":[1,"x"]})")});
  EXPECT_EQ(read(r, "/d"), R"("some text" [1,"x"])");
  EXPECT_EQ(read(r, "/d", "", 64, 3), "out of room");
  EXPECT_EQ(read(r, "/d", "", 2), "out of room");
  EXPECT_EQ(read(with("/d", {parameter(query, "s", "")}), "/d?s=a%20b", "", 64, 2), "out of room");
}

TEST(RequestReader, MoreParametersThanTheInlineTable) {
  std::vector<services::Parameter> parameters;
  std::string target = "/m?";
  std::string expected;
  for (int i = 0; i < 40; ++i) {
    parameters.push_back(parameter(query, "p" + std::to_string(i), R"({"type":"integer"})"));
    target += "p" + std::to_string(i) + "=" + std::to_string(i) + "&";
    expected += (i > 0 ? " " : "") + std::to_string(i);
  }
  EXPECT_EQ(read(with("/m", parameters), target), expected);
}

TEST(RequestReader, WhatDoesNotCompile) {
  EXPECT_EQ(read(with("/a/{x}", {parameter(path, "y", "")}), "/a/b"),
            "parameter 'y' in path: the path /a/{x} has no such parameter");
  EXPECT_EQ(read(with("/a", {parameter(query, "y", ""), parameter(query, "y", "")}), "/a"),
            "parameter 'y' in query: declared twice");
  EXPECT_EQ(read(with("/a", {parameter(query, "y", R"({"type":"strin"})")}), "/a").substr(0, 24), "parameter 'y' in query: ");
}

}  // namespace
}  // namespace spikard::http
