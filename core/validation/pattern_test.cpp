#include "validation/pattern.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "validation/format.hpp"
#include "validation/uri.hpp"

namespace spikard::validation::detail {
namespace {

using Engine = Pattern::Engine;

Pattern make(std::string_view text) {
  auto p = Pattern::compile(text);
  EXPECT_TRUE(p.ok()) << text << ": " << (p.ok() ? "" : p.error().message());
  return p.ok() ? *std::move(p) : Pattern();
}
bool matches(std::string_view pattern, std::string_view text) { return make(pattern).match(text) == Pattern::Verdict::yes; }

TEST(Pattern, Engines) {
  EXPECT_EQ(make("^[A-Z]{3}-[0-9]{4}$").engine(), Engine::simple);
  EXPECT_EQ(make("^[^\\x00]+$").engine(), Engine::simple);
  EXPECT_EQ(make("^Bearer .+").engine(), Engine::simple);
  EXPECT_EQ(make("^[a-z]+[a-z0-9]*$").engine(), Engine::re2);  // greedy would need a second try
  EXPECT_EQ(make("[a-z]").engine(), Engine::re2);
  EXPECT_EQ(make("^(a|b)+$").engine(), Engine::re2);
  EXPECT_EQ(make("^(?=.*[0-9]).{8,}$").engine(), Engine::pcre2);
  EXPECT_EQ(make("^(a)\\1$").engine(), Engine::pcre2);
  EXPECT_EQ(make("^[ab]{2}c{1500}x?(d|e)$").engine(), Engine::pcre2);  // RE2 counts to 1000
}

TEST(Pattern, EcmaSemantics) {
  EXPECT_FALSE(matches("^abc$", "abc\n"));
  EXPECT_FALSE(matches("^a.c$", "a\nc"));
  EXPECT_FALSE(matches("^a.c$",
                       "a\xE2\x80\xA8"
                       "c"));
  EXPECT_TRUE(matches("^a.c$",
                      "a\xE2\x80\xA7"
                      "c"));
  EXPECT_TRUE(matches("^\\u{1F600}$", "\xF0\x9F\x98\x80"));
  EXPECT_TRUE(matches("^\\uD83D\\uDE00$", "\xF0\x9F\x98\x80"));
  EXPECT_TRUE(matches("^\\cA\\x41\\u0042\\/\\-$",
                      "\x01"
                      "AB/-"));
  EXPECT_TRUE(matches("^[\\b\\d-]+$", "\b1-"));
  EXPECT_TRUE(matches("^[\\w.-]+$", "a.b-c"));
  EXPECT_TRUE(matches("^a{,2}$", "a{,2}"));  // not a quantifier in ECMA-262
  EXPECT_TRUE(matches("^[^]$", "\n"));
  EXPECT_FALSE(matches("[]", "a"));
  EXPECT_TRUE(matches("^(?<y>a)(?:b)\\k<y>$", "aba"));
  EXPECT_TRUE(matches("^(?:(a)|b)\\1$", "b"));  // a group that took no part matches the empty text
  EXPECT_TRUE(matches("(?<!a)b", "cb"));
  EXPECT_TRUE(matches("^\\p{Lu}\\p{Script=Greek}\\P{L}$",
                      "A\xCE\xB1"
                      "1"));
  EXPECT_TRUE(matches("^\\S+$", "a\xC3\xA9"));
  EXPECT_FALSE(matches("^\\S+$", "a\xC2\xA0"));
}

TEST(Pattern, Refusals) {
  for (const char* text : {"(",           ")",      "[",           "a**",      "*",    "\\",          "(?<n",
                           "(?i)a",       "a{2,1}", "[b-a]",       "\\a",      "\\Z",  "\\1",         "\\k<x>",
                           "\\p{Nope=x}", "(?=a)*", "\\u{110000}", "(?P<n>a)", "\\01", "^a{1000000}", "a{88888888888888888888}",
                           "(?<=a+)b"}) {
    EXPECT_FALSE(Pattern::compile(text).ok()) << text;
  }
  EXPECT_FALSE(Pattern::compile(std::string(1000, '(') + std::string(1000, ')')).ok());
}

TEST(Pattern, CatastrophicBacktrackingHitsTheLimit) {
  const Pattern p = make("^(?=x)(x+x+)+[yz]$");
  EXPECT_EQ(p.match(std::string(200, 'x')), Pattern::Verdict::limit);
}

TEST(SimplePattern, AgreesWithRe2OnRandomPatterns) {
  std::mt19937 random(262);  // NOLINT: the same ones every time
  const std::vector<std::string> atoms{"a", "b", "-", "[ab]", "[^a]", "\\d", "\\w", "\\D", ".", "[0-9a]", "\\.", "[^\\n]", "\\W"};
  const std::vector<std::string> counts{"", "", "?", "*", "+", "{2}", "{1,3}", "{0,2}", "{2,}"};
  const std::vector<std::string> pieces{"a", "b", "1", "-", "c", "\n", "\xC3\xA9", "\xE2\x80\xA8", ".", "\xF0\x9F\x98\x80"};
  int simple = 0;
  for (int i = 0; i < 4000; ++i) {
    std::string text = "^";
    for (unsigned n = random() % 4; n > 0; --n) text += atoms[random() % atoms.size()] + counts[random() % counts.size()];
    if (random() % 2 == 0) text += "$";
    const Pattern own = make(text);
    if (own.engine() != Engine::simple) continue;
    ++simple;
    const Pattern re2 = Pattern::compile(text, false).value();
    for (int k = 0; k < 20; ++k) {
      std::string input;
      for (unsigned n = random() % 7; n > 0; --n) input += pieces[random() % pieces.size()];
      ASSERT_EQ(own.match(input), re2.match(input)) << text << " on " << input;
    }
  }
  EXPECT_GT(simple, 1000);
}

TEST(Uri, References) {  // RFC 3986 5.4
  const std::string base = "http://a/b/c/d;p?q";
  EXPECT_EQ(resolve_uri(base, "g:h"), "g:h");
  EXPECT_EQ(resolve_uri(base, "g"), "http://a/b/c/g");
  EXPECT_EQ(resolve_uri(base, "/g"), "http://a/g");
  EXPECT_EQ(resolve_uri(base, "//g"), "http://g");
  EXPECT_EQ(resolve_uri(base, "?y"), "http://a/b/c/d;p?y");
  EXPECT_EQ(resolve_uri(base, "#s"), "http://a/b/c/d;p?q#s");
  EXPECT_EQ(resolve_uri(base, ""), "http://a/b/c/d;p?q");
  EXPECT_EQ(resolve_uri(base, "../../../g"), "http://a/g");
  EXPECT_EQ(resolve_uri(base, "g/./h/../i"), "http://a/b/c/g/i");
  EXPECT_EQ(resolve_uri("urn:x:y", "#a"), "urn:x:y#a");
}

TEST(Formats, LongInputsAndLimits) {
  EXPECT_FALSE(is_email(std::string(65, 'a') + "@b.c"));
  EXPECT_TRUE(is_email(std::string(64, 'a') + "@b.c"));
  EXPECT_FALSE(is_email("a@b@c"));
  EXPECT_FALSE(is_email("a@b..c"));
  EXPECT_FALSE(is_email("\"a b\"@c.d"));
  EXPECT_TRUE(is_email("a@[IPv6:::1]"));
  EXPECT_FALSE(is_hostname("xn--" + std::string(60, '9')));
  EXPECT_FALSE(is_ipv6("1:2:3:4:5:6:7::8"));
  EXPECT_FALSE(is_ipv6("::1%eth0"));
  EXPECT_TRUE(is_date_time("2016-12-31T23:59:60Z"));
  EXPECT_FALSE(is_date_time("2016-12-31T23:58:60Z"));
  EXPECT_FALSE(is_date_time("2024-01-15T10:30Z"));
  EXPECT_TRUE(is_uri("a:"));
  EXPECT_FALSE(is_uri("http://[::1"));
}

}  // namespace
}  // namespace spikard::validation::detail
