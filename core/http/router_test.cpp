#include "http/router.hpp"

#include <gtest/gtest.h>

#include <array>

namespace spikard::http {
namespace {

struct Routes {
  std::vector<std::pair<Method, std::string>> list;

  [[nodiscard]] Result<Router> build() const {
    std::vector<RouteSpec> specs;
    for (std::uint32_t i = 0; i < list.size(); ++i) specs.push_back({list[i].first, list[i].second, i});
    return Router::build(specs);
  }
};

/// "2 a b" for route 2 with two captures; "404", "405 GET, HEAD", "204 ...".
std::string find(const Router& router, Method method, std::string_view path) {
  std::array<std::string_view, Router::max_captures> captures;
  const Router::Match m = router.match(method, path, captures);
  switch (m.outcome) {
    case Router::Outcome::not_found: return "404";
    case Router::Outcome::method_not_allowed: return "405 " + std::string(m.allow);
    case Router::Outcome::options: return "204 " + std::string(m.allow);
    case Router::Outcome::found: break;
  }
  std::string out = std::to_string(m.route);
  for (std::uint32_t i = 0; i < m.captures; ++i) out += " " + std::string(captures[i]);
  return out;
}

std::string get(const Router& router, std::string_view path) { return find(router, Method::get, path); }

TEST(Router, PathParamsFixtures) {
  const auto built =
      Routes{{{Method::get, "/a/{x}"}, {Method::get, "/a/fixed"}, {Method::get, "/a/{x}/b"}, {Method::get, "/f/{rest:path}"}}}
          .build();
  ASSERT_TRUE(built.ok());
  const Router& r = *built;
  EXPECT_EQ(get(r, "/a/b%2Fc"), "0 b%2Fc");
  EXPECT_EQ(get(r, "/a/fixed"), "1");
  EXPECT_EQ(get(r, "/a/fixed/b"), "2 fixed");
  EXPECT_EQ(get(r, "/f/one/two%2Fthree/"), "3 one/two%2Fthree/");
  for (const char* none : {"/A/x", "/a/x/", "/a/", "/a", "/f/", "/f", "//a/x", "/", "", "a/x", "/a//b"})
    EXPECT_EQ(get(r, none), "404") << none;
}

TEST(Router, LiteralsBeatParametersAndGoBackWhereTheyLeadNowhere) {
  const auto built = Routes{
      {{Method::get, "/a/b/c"},
       {Method::get, "/{x}/b/d"},
       {Method::get, "/a/{y}/e"},
       {Method::get, "/{x}/{y}/{z}"},
       {Method::get, "/{all:path}"},
       {Method::get, "/"},
       {Method::get,
        "/a/"}}}.build();
  ASSERT_TRUE(built.ok());
  const Router& r = *built;
  EXPECT_EQ(get(r, "/a/b/c"), "0");
  EXPECT_EQ(get(r, "/a/b/d"), "1 a");
  EXPECT_EQ(get(r, "/a/b/e"), "2 b");
  EXPECT_EQ(get(r, "/a/b/f"), "3 a b f");
  EXPECT_EQ(get(r, "/a/b/f/g"), "4 a/b/f/g");
  EXPECT_EQ(get(r, "/a/b"), "4 a/b");
  EXPECT_EQ(get(r, "/"), "5");
  EXPECT_EQ(get(r, "/a/"), "6");
  EXPECT_EQ(get(r, "/a//c"), "4 a//c");
}

TEST(Router, LiteralsAreComparedDecoded) {
  const auto built = Routes{{{Method::get, "/caf\xC3\xA9/x"}, {Method::get, "/sl%2Fash"}, {Method::get, "/{p}/y"}}}.build();
  ASSERT_TRUE(built.ok());
  EXPECT_EQ(get(*built, "/caf%C3%A9/x"), "0");
  EXPECT_EQ(get(*built, "/caf%c3%a9/%78"), "0");
  EXPECT_EQ(get(*built, "/sl%2fash"), "1");
  EXPECT_EQ(get(*built, "/sl/ash"), "404");
  EXPECT_EQ(get(*built, "/a%2Fb/%79"), "2 a%2Fb");
}

TEST(Router, MethodsHeadOptionsAndAllow) {
  const auto built = Routes{
      {{Method::get, "/r"},
       {Method::post, "/r"},
       {Method::del, "/r/{id}"},
       {Method::options, "/o"},
       {Method::get, "/o"},
       {Method::head, "/h"},
       {Method::get,
        "/h"}}}.build();
  ASSERT_TRUE(built.ok());
  const Router& r = *built;
  EXPECT_EQ(find(r, Method::head, "/r"), "0");
  EXPECT_EQ(find(r, Method::head, "/h"), "5");
  EXPECT_EQ(find(r, Method::options, "/r"), "204 GET, HEAD, POST");
  EXPECT_EQ(find(r, Method::options, "/o"), "3");
  EXPECT_EQ(find(r, Method::options, "/none"), "404");
  EXPECT_EQ(find(r, Method::trace, "/r"), "405 GET, HEAD, POST");
  EXPECT_EQ(find(r, Method::other, "/r"), "405 GET, HEAD, POST");
  EXPECT_EQ(find(r, Method::put, "/o"), "405 GET, HEAD, OPTIONS");
  EXPECT_EQ(find(r, Method::get, "/r/1"), "405 DELETE");
  EXPECT_EQ(find(r, Method::options, "*"), "204 GET, HEAD, POST, DELETE, OPTIONS");
  EXPECT_EQ(find(r, Method::get, "*"), "404");
}

TEST(Router, ThePathDecidesBeforeTheMethod) {
  const auto built = Routes{{{Method::get, "/users/me"}, {Method::del, "/users/{id}"}}}.build();
  ASSERT_TRUE(built.ok());
  EXPECT_EQ(find(*built, Method::del, "/users/me"), "405 GET, HEAD");
  EXPECT_EQ(find(*built, Method::del, "/users/7"), "1 7");
}

TEST(Router, ConflictsNameBothRoutes) {
  const auto conflict = [](std::string a, std::string b) {
    const auto built = Routes{{{Method::get, std::move(a)}, {Method::get, std::move(b)}}}.build();
    return built.ok() ? std::string() : built.error().message();
  };
  EXPECT_EQ(conflict("/a/{x}", "/a/{y:int}"), "the routes GET /a/{x} and GET /a/{y:int} answer the same requests");
  EXPECT_NE(conflict("/a", "/a"), "");
  EXPECT_NE(conflict("/a/{x:path}", "/a/{y:path}"), "");
  EXPECT_NE(conflict("/caf\xC3\xA9", "/caf%C3%A9"), "");
  EXPECT_EQ(conflict("/a/{x}", "/a/{x:path}"), "");
  EXPECT_EQ(conflict("/a/{x}/b", "/a/{y}/c"), "");
  EXPECT_EQ(conflict("/a", "/a/"), "");
}

TEST(Router, FaultyPatternsAreNamed) {
  for (const char* bad : {"", "a", "/{", "/}", "/{}", "/{x", "/x{y}", "/{x}y", "/{x:}", "/{x:foo}", "/{x:path}/y", "/{x}/{x}",
                          "/{1}", "/{x y}", "/a?b", "/a#b", "/{x:int:int}"}) {
    const auto built = Routes{{{Method::get, bad}}}.build();
    ASSERT_FALSE(built.ok()) << bad;
    EXPECT_NE(built.error().message().find("'" + std::string(bad) + "'"), std::string::npos) << built.error().message();
  }
  std::string long_path;
  for (std::size_t i = 0; i <= Router::max_captures; ++i) long_path += "/{p" + std::to_string(i) + "}";
  EXPECT_FALSE((Routes{{{Method::get, long_path}}}.build().ok()));
  EXPECT_FALSE((Routes{{{Method::connect, "/"}}}.build().ok()));
}

TEST(Router, ManyLiteralsAndAnEmptyTable) {
  Routes routes;
  for (int i = 0; i < 500; ++i) {
    routes.list.emplace_back(Method::get, "/static/number" + std::to_string(i));
    routes.list.emplace_back(Method::get, "/p/" + std::to_string(i) + "/{id}");
  }
  const auto built = routes.build();
  ASSERT_TRUE(built.ok());
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(get(*built, "/static/number" + std::to_string(i)), std::to_string(2 * i));
    EXPECT_EQ(get(*built, "/p/" + std::to_string(i) + "/z"), std::to_string(2 * i + 1) + " z");
  }
  EXPECT_EQ(get(*built, "/static/number500"), "404");
  EXPECT_EQ(get(Router(), "/"), "404");
  EXPECT_EQ(get(*Routes{}.build(), "/"), "404");
}

TEST(PathPattern, Parameters) {
  const auto p = PathPattern::parse("/a/{id:int}/{rest:path}");
  ASSERT_TRUE(p.ok());
  const auto parameters = p->parameters();
  ASSERT_EQ(parameters.size(), 2U);
  EXPECT_EQ(parameters[0].name, "id");
  EXPECT_EQ(parameters[0].type, SegmentType::integer);
  EXPECT_TRUE(parameters[0].typed);
  EXPECT_EQ(parameters[1].type, SegmentType::path);
}

}  // namespace
}  // namespace spikard::http
