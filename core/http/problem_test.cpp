#include "http/problem.hpp"

#include <gtest/gtest.h>

#include "base/json.hpp"

namespace spikard::http {
namespace {

constexpr std::string_view base = "https://spikard.dev/problems/";

TEST(Problem, ByteForByte) {
  std::string out;
  append_problem(out, base, problems::not_found, "nothing is here");
  EXPECT_EQ(out,
            R"({"type":"https://spikard.dev/problems/not-found","title":"Not Found","status":404,"detail":"nothing is here"})");
  out.clear();
  append_problem(out, base, problems::request_timeout, "", 504, "/a", "[1]");
  EXPECT_EQ(
      out,
      R"({"type":"https://spikard.dev/problems/request-timeout","title":"Request Timeout","status":504,"instance":"/a","errors":[1]})");
}

TEST(Problem, EverySlugIsFoundOnce) {
  for (const char* slug :
       {"bad-request", "unauthorized", "forbidden", "not-found", "method-not-allowed", "request-timeout", "payload-too-large",
        "uri-too-long", "unsupported-media-type", "unsupported-charset", "expectation-failed", "validation-error",
        "too-many-requests", "request-header-fields-too-large", "internal-server-error", "dependency-error", "not-implemented",
        "service-unavailable", "http-version-not-supported"}) {
    ASSERT_NE(problems::find(slug), nullptr) << slug;
    EXPECT_EQ(problems::find(slug)->slug, slug);
  }
  EXPECT_EQ(problems::find("x"), nullptr);
}

Document null() {
  NodeBuilder b;
  b.null();
  return Document(std::move(b));
}

TEST(Problem, ValidationErrorsAreSortedAndCounted) {
  validation::Issues issues;
  issues.add({"missing", {"query", "b"}, "Field required", null(), {}});
  std::string out;
  append_validation_problem(out, base, issues);
  EXPECT_EQ(
      out,
      R"({"type":"https://spikard.dev/problems/validation-error","title":"Request Validation Failed","status":422,"detail":"1 validation error in request",)"
      R"("errors":[{"type":"missing","loc":["query","b"],"msg":"Field required","input":null}]})");
  issues.add({"missing", {"query", "a"}, "Field required", null(), {}});
  out.clear();
  append_validation_problem(out, base, issues);
  EXPECT_NE(out.find("\"2 validation errors in request\""), std::string::npos);
  EXPECT_LT(out.find(R"(["query","a"])"), out.find(R"(["query","b"])"));
}

std::string custom(std::string_view text, std::uint16_t status) {
  const auto document = json::parse(text);
  EXPECT_TRUE(document.ok());
  std::string out;
  const auto result = append_custom_problem(out, document->root());
  if (!result.ok()) return result.error().message();
  EXPECT_EQ(result.value(), status);
  return out;
}

TEST(Problem, CustomProblemsKeepTheirMembers) {
  EXPECT_EQ(
      custom(R"({"error_code":"V1","detail":"d","type":"https://e/x","trace_id":null,"status":422,"title":"T","more":{"a":[1]}})",
             422),
      R"({"type":"https://e/x","title":"T","status":422,"detail":"d","error_code":"V1","trace_id":null,"more":{"a":[1]}})");
  EXPECT_EQ(custom(R"({"status":404})", 404), R"({"type":"about:blank","title":"Not Found","status":404})");
  EXPECT_EQ(custom(R"({"instance":"/i","title":null,"status":99})", 500),
            R"({"type":"about:blank","title":"Internal Server Error","status":500,"instance":"/i"})");
  EXPECT_EQ(custom(R"({"title":1})", 0), "the member 'title' of a problem must be a string");
  EXPECT_EQ(custom(R"({"status":"404"})", 0), "the member 'status' of a problem must be an integer");
  EXPECT_EQ(custom("[]", 0), "a problem must be an object");
}

}  // namespace
}  // namespace spikard::http
