#include "http/middleware/cors.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace spikard::http {
namespace {

services::Cors config() {
  services::Cors c;
  c.allow_origins = {"https://app.example.com"};
  c.allow_methods = {"GET", "PUT"};
  c.allow_headers = {"X-A", "Content-Type"};
  return c;
}

std::unique_ptr<const Cors> made(const services::Cors& c) {
  ConfigProblems problems;
  auto cors = Cors::compile(c, problems);
  EXPECT_TRUE(problems.empty()) << problems.front().first << ": " << problems.front().second;
  return cors;
}

std::string text(const std::vector<HeaderField>& fields) {
  std::string out;
  for (const HeaderField& field : fields) out.append(field.name).append("=").append(field.value).append(";");
  return out;
}

TEST(Cors, origins_are_compared_exactly) {
  const auto cors = made(config());
  EXPECT_TRUE(cors->allows("https://app.example.com"));
  for (const char* other : {"http://app.example.com", "https://app.example.com:8443", "https://app.example.com.evil.test", "null",
                            "", "https://APP.example.com", "https://evil.test/?https://app.example.com"})
    EXPECT_FALSE(cors->allows(other)) << other;
}

TEST(Cors, a_pattern_without_anchors_matches_the_whole_origin) {
  services::Cors c;
  c.allow_origin_patterns = {R"(https://[a-z]+\.example\.com|http://localhost:\d+)"};
  const auto cors = made(c);
  EXPECT_TRUE(cors->allows("https://a.example.com"));
  EXPECT_TRUE(cors->allows("http://localhost:80"));
  EXPECT_FALSE(cors->allows("https://a.example.com.evil.test"));
  EXPECT_FALSE(cors->allows("evil://https://a.example.com"));
  EXPECT_FALSE(cors->allows("http://localhost:80.evil.test"));
}

TEST(Cors, a_preflight_asks_for_methods_with_case_and_headers_without) {
  const auto cors = made(config());
  EXPECT_TRUE(cors->fits("PUT", ""));
  EXPECT_TRUE(cors->fits("PUT", "x-a,content-type"));
  EXPECT_TRUE(cors->fits("PUT", " , X-A ,, "));
  EXPECT_FALSE(cors->fits("put", ""));
  EXPECT_FALSE(cors->fits("DELETE", "x-a"));
  EXPECT_FALSE(cors->fits("PUT", "x-a, x-b"));
}

TEST(Cors, what_answers_have) {
  services::Cors c = config();
  c.expose_headers = {"X-Total"};
  std::vector<HeaderField> out;
  made(c)->append("", out);
  EXPECT_EQ(text(out), "vary=Origin;");
  out.clear();
  const auto named = made(c);
  named->append("https://app.example.com", out);
  EXPECT_EQ(text(out), "vary=Origin;access-control-allow-origin=https://app.example.com;access-control-expose-headers=X-Total;");
  c.allow_origins = {"*"};
  out.clear();
  const auto all = made(c);
  all->append("", out);
  EXPECT_EQ(text(out), "access-control-allow-origin=*;access-control-expose-headers=X-Total;");
  c.allow_credentials = true;
  out.clear();
  const auto with_credentials = made(c);
  with_credentials->append("https://a.test", out);
  EXPECT_EQ(text(out),
            "vary=Origin;access-control-allow-origin=https://"
            "a.test;access-control-allow-credentials=true;access-control-expose-headers=X-Total;");
}

TEST(Cors, a_star_of_methods_and_headers_names_what_was_asked_for) {
  services::Cors c = config();
  c.allow_methods = c.allow_headers = {"*"};
  c.max_age = 60;
  const auto cors = made(c);
  EXPECT_TRUE(cors->fits("PATCH", "authorization, x-z"));
  std::vector<HeaderField> out;
  cors->append_preflight("PATCH", "authorization, x-z", out);
  EXPECT_EQ(text(out),
            "access-control-allow-methods=PATCH;access-control-allow-headers=authorization, x-z;access-control-max-age=60;"
            "vary=Access-Control-Request-Method, Access-Control-Request-Headers;");
}

TEST(Cors, problems_name_their_field) {
  services::Cors c;
  c.allow_origins = {"*", "https://a.test/", "a.test", "https://A.test", "null"};
  c.allow_origin_patterns = {"(", "a)(?:b", "ok"};
  c.allow_methods = {"GET", "P UT"};
  c.allow_headers = {""};
  c.expose_headers = {"a:b"};
  ConfigProblems problems;
  (void)Cors::compile(c, problems);
  std::vector<std::string> fields;
  for (const auto& [field, what] : problems) fields.push_back(field);
  EXPECT_EQ(fields,
            (std::vector<std::string>{"allow_origins[1]", "allow_origins[2]", "allow_origins[3]", "allow_origin_patterns[0]",
                                      "allow_origin_patterns[1]", "allow_methods[1]", "allow_headers[0]", "expose_headers[0]"}));
  problems.clear();
  (void)Cors::compile({}, problems);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].first, "allow_origins");
}

}  // namespace
}  // namespace spikard::http
