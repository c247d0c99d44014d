#include <gtest/gtest.h>

#include "http/cookies.hpp"
#include "http/media_type.hpp"

namespace spikard::http {
namespace {

TEST(MediaType, Parsing) {
  auto m = parse_media_type("Application/JSON; Charset=\"UTF-8\"");
  ASSERT_TRUE(m);
  EXPECT_TRUE(m->is("application/json"));
  EXPECT_TRUE(m->is_json());
  EXPECT_EQ(m->charset, "UTF-8");
  EXPECT_TRUE(m->is_utf8());
  m = parse_media_type("multipart/form-data;boundary=----abc ; x=\"a;\\\"b\";;");
  ASSERT_TRUE(m);
  EXPECT_TRUE(m->is_multipart_form());
  EXPECT_EQ(m->boundary, "----abc");
  m = parse_media_type("text/plain; charset=latin1; charset=utf-8");
  ASSERT_TRUE(m);
  EXPECT_EQ(m->charset, "latin1");
  EXPECT_FALSE(m->is_utf8());
  EXPECT_TRUE(parse_media_type("application/vnd.api+json")->is_json());
  EXPECT_FALSE(parse_media_type("application/+json")->is_json());
  EXPECT_FALSE(parse_media_type("text/json")->is_json());
  EXPECT_TRUE(parse_media_type("application/x-www-form-urlencoded")->is_form());
}

TEST(MediaType, Refused) {
  for (const char* bad : {"", "json", "application/", "/json", "application json", "a/b c", "a/b;c", "a/b;c=", "a/b; =d",
                          "a/b;charset=\"x", "a/b;charset=\"\\x\"", "a/b;boundary=\"\"", "a/b;c = d", "a/b,c/d"}) {
    EXPECT_FALSE(parse_media_type(bad)) << bad;
  }
}

TEST(MediaType, Accepts) {
  const auto given = [](std::string_view text) { return *parse_media_type(text); };
  EXPECT_TRUE(accepts("application/json", given("application/JSON;charset=utf-8")));
  EXPECT_TRUE(accepts("application/json", given("application/ld+json; profile=x")));
  EXPECT_FALSE(accepts("application/ld+json", given("application/json")));
  EXPECT_FALSE(accepts("application/json", given("text/plain")));
  EXPECT_TRUE(accepts("text/*", given("text/csv")));
  EXPECT_TRUE(accepts("*/*", given("image/png")));
  EXPECT_TRUE(accepts("Text/CSV; header=x", given("text/csv")));
}

std::string cookies(std::string_view header) {
  std::string out;
  CookiePairs pairs(header);
  for (CookiePair p; pairs.next(p);) out += std::string(p.name) + "=" + std::string(p.value) + "|";
  return out;
}

TEST(Cookies, ParsingOfRfc6265) {
  EXPECT_EQ(cookies("sid=abc; n=5"), "sid=abc|n=5|");
  EXPECT_EQ(cookies("sid=a=b==;sid=second"), "sid=a=b==|sid=second|");
  EXPECT_EQ(cookies("sid=\"quoted\"; x=\""), "sid=quoted|x=\"|");
  EXPECT_EQ(cookies("sid=a%20b+c"), "sid=a%20b+c|");
  EXPECT_EQ(cookies("other; sid=x;"), "sid=x|");
  EXPECT_EQ(cookies(";;  a = b ;\tc=\t"), "a=b|c=|");
}

TEST(Cookies, SetCookie) {
  Cookie c;
  c.name = "session";
  c.value = "a=b";
  EXPECT_EQ(set_cookie(c).value(), "session=a=b");
  c.max_age = 3600;
  c.domain = "example.com";
  c.path = "/api";
  c.secure = c.http_only = true;
  c.same_site = SameSite::none;
  EXPECT_EQ(set_cookie(c).value(), "session=a=b; Max-Age=3600; Domain=example.com; Path=/api; Secure; HttpOnly; SameSite=None");
  c = {};
  c.name = "a";
  c.max_age = 0;
  c.same_site = SameSite::lax;
  EXPECT_EQ(set_cookie(c).value(), "a=; Max-Age=0; SameSite=Lax");
}

TEST(Cookies, SetCookieRefuses) {
  const auto refused = [](auto&& change) {
    Cookie c;
    c.name = "a";
    c.value = "v";
    change(c);
    return !set_cookie(c).ok();
  };
  EXPECT_FALSE(refused([](Cookie&) {}));
  EXPECT_TRUE(refused([](Cookie& c) { c.name = ""; }));
  EXPECT_TRUE(refused([](Cookie& c) { c.name = "a b"; }));
  for (const char* bad : {"a;b", "a b", "a,b", "a\r\nb", "a\\b", "a\"b", "\xC3\xA9"})
    EXPECT_TRUE(refused([&](Cookie& c) { c.value = bad; })) << bad;
  EXPECT_FALSE(refused([](Cookie& c) { c.value = "\"v\""; }));
  EXPECT_TRUE(refused([](Cookie& c) { c.path = "/a;b"; }));
  EXPECT_TRUE(refused([](Cookie& c) { c.path = "a"; }));
  EXPECT_TRUE(refused([](Cookie& c) { c.domain = "a\nb"; }));
  EXPECT_TRUE(refused([](Cookie& c) { c.same_site = SameSite::none; }));
  EXPECT_TRUE(refused([](Cookie& c) { c.name = "__Secure-a"; }));
  EXPECT_TRUE(refused([](Cookie& c) {
    c.name = "__Host-a";
    c.secure = true;
  }));
}

}  // namespace
}  // namespace spikard::http
