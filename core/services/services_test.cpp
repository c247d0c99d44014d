#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/json.hpp"
#include "services/manifest.gen.hpp"

namespace spikard::services {
namespace {

Result<Manifest> decode(std::string_view text) {
  auto document = json::parse(text);
  if (!document.ok()) return std::move(document).error();
  return manifest_from_json(document->root());
}

std::string problems(std::string_view text) {
  const auto manifest = decode(text);
  return manifest.ok() ? "accepted" : manifest.error().message();
}

std::string encoded(const Manifest& manifest) {
  NodeBuilder out;
  to_nodes(manifest, out);
  return json::to_string(out.root());
}

TEST(Manifest, EmptyObjectIsTheDefaults) {
  const auto manifest = decode("{}");
  ASSERT_TRUE(manifest.ok()) << manifest.error().message();
  EXPECT_EQ(*manifest, Manifest{});
  EXPECT_EQ(manifest->name, "app");
  EXPECT_FALSE(manifest->http.has_value());
  EXPECT_EQ(manifest->shutdown.timeout_ms, 20000U);
  EXPECT_EQ(encoded(*manifest), "{}");
}

TEST(Manifest, DefaultsOfHttpAreThoseOfTheSpec) {
  const auto manifest = decode(R"({"http": {}})");
  ASSERT_TRUE(manifest.ok()) << manifest.error().message();
  const HttpConfig& http = *manifest->http;
  EXPECT_EQ(http.limits.body_bytes, 10485760U);
  EXPECT_EQ(http.limits.header_timeout_ms, 10000U);
  EXPECT_EQ(http.timeout.status, 408U);
  EXPECT_FALSE(http.timeout.ms.has_value());
  EXPECT_EQ(http.health.live, "/healthz");
  EXPECT_TRUE(http.listeners.empty());
  EXPECT_EQ(encoded(*manifest), R"({"http":{}})");
}

constexpr std::string_view full =
    R"({"name":"orders","clock":"virtual","io_threads":2,"drive":"thread","handle_signals":false,"http":{
  "listeners":[{"address":"::1","port":0,"tls":{"certificate":"a.pem","key":"b.pem","alpn":["h2","http/1.1"]}},{}],
  "routes":[{"method":"DELETE","path":"/users/{id:int}","name":"user","parameters":[{"in":"path","name":"id","required":true,"schema":{"type":"integer","default":1.5},
      "style":"pipeDelimited","explode":false}],
    "body":{"content_types":["application/json","text/plain"],"schema":{"a":[1,{"b":null}]},"required":false,"mode":"stream","as":"text"},
    "inject":["db"],"inject_types":{"db":"object"},"dependencies":[{"id":4294967295,"name":"db","kind":"factory","scope":"transient","depends_on":["x"],"cleanup":true}],
    "timeout_ms":5,"blocking":true}],
  "hooks":{"on_request":["a","b"],"on_error":["c"]},
  "dependencies":[{"id":0,"name":"x","kind":"value","type":"object","token":18446744073709551615}],
  "request_id":{"enabled":true,"header":"x-id"},"timeout":{"ms":100,"status":504},"limits":{"body_bytes":1},"problem_base":"","health":{"enabled":false},"server_header":"s"},
  "shutdown":{"delay_ms":1},"log":{"format":"human","level":"off"}})";

TEST(Manifest, EverythingThereIsRoundTrips) {
  const auto first = decode(full);
  ASSERT_TRUE(first.ok()) << first.error().message();
  const std::string text = encoded(*first);
  const auto second = decode(text);
  ASSERT_TRUE(second.ok()) << second.error().message();
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(text, encoded(*second));
  const Route& route = first->http->routes.at(0);
  EXPECT_EQ(route.method, HttpMethod::del);
  EXPECT_EQ(route.parameters.at(0).style, ParameterStyle::pipe_delimited);
  EXPECT_EQ(route.parameters.at(0).explode, false);
  EXPECT_EQ(route.inject_types.at("db"), JsonType::object);
  EXPECT_EQ(route.dependencies.at(0).id, 4294967295U);
  EXPECT_EQ(first->http->dependencies.at(0).token, 18446744073709551615U);
  EXPECT_EQ(json::to_string(route.body->schema.root()), R"({"a":[1,{"b":null}]})");
}

TEST(Manifest, CopiesAreDeepAndEqual) {
  const auto first = decode(full);
  ASSERT_TRUE(first.ok());
  Manifest copy = *first;
  EXPECT_EQ(copy, *first);
  copy.http->routes[0].body->schema = Document();
  EXPECT_FALSE(copy == *first);
}

TEST(Manifest, ProblemsNameThePathAndWhatWasExpected) {
  EXPECT_EQ(problems(R"({"http":{"routes":[{"method":"GET","path":"/"},{"method":"FOO","path":"/"}]}})"),
            "http.routes[1].method: expected one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE; got \"FOO\"");
  EXPECT_EQ(problems(R"({"http":{"listeners":[{"port":65536}]}})"),
            "http.listeners[0].port: expected an integer from 0 to 65535; got 65536");
  EXPECT_EQ(problems(R"({"http":{"limits":{"json_depth":-1}}})"),
            "http.limits.json_depth: expected an integer from 1 to 1024; got -1");
  EXPECT_EQ(problems(R"({"http":{"limits":{"json_depth":1.5}}})"),
            "http.limits.json_depth: expected an integer from 1 to 1024; got 1.5");
  EXPECT_EQ(problems(R"({"http":{"limits":{"json_depth":"7"}}})"),
            "http.limits.json_depth: expected an integer from 1 to 1024; got \"7\"");
  EXPECT_EQ(problems(R"({"http":[]})"), "http: expected an object; got an array");
  EXPECT_EQ(problems(R"({"http":{"routes":{}}})"), "http.routes: expected an array; got an object");
  EXPECT_EQ(problems(R"({"name":""})"), "name: expected a string that is not empty");
  EXPECT_EQ(problems(R"({"name":null})"), "name: expected a string; got null");
  EXPECT_EQ(problems(R"({"handle_signals":1})"), "handle_signals: expected true or false; got 1");
  EXPECT_EQ(problems("[]"), "the document: expected an object; got an array");
}

TEST(Manifest, MissingMembersAreNamed) {
  EXPECT_EQ(problems(R"({"http":{"routes":[{"method":"GET"}]}})"), "http.routes[0].path: required, and missing");
  EXPECT_EQ(problems(R"({"http":{"listeners":[{"tls":{"key":"k"}}]}})"),
            "http.listeners[0].tls.certificate: required, and missing");
}

TEST(Manifest, UnknownKeysAreRefusedWithWhatWasMeant) {
  EXPECT_EQ(problems(R"({"htpp":{}})"), "htpp: unknown key; did you mean \"http\"?");
  EXPECT_EQ(problems(R"({"http":{"limits":{"body_byte":1}}})"),
            "http.limits.body_byte: unknown key; did you mean \"body_bytes\"?");
  EXPECT_EQ(problems(R"({"zzzzzzzz":1})"), "zzzzzzzz: unknown key");
  EXPECT_EQ(problems(R"({"a b":1})"), "[\"a b\"]: unknown key");
}

TEST(Manifest, AllProblemsAreToldAtOnce) {
  EXPECT_EQ(problems(R"({"name":1,"http":{"routes":[{"method":"GET","path":7}]}})"),
            "name: expected a string; got 1\nhttp.routes[0].path: expected a string; got 7");
}

TEST(Manifest, ProblemsAreBounded) {
  std::string text = R"({"http":{"routes":[)";
  for (int i = 0; i < 1000; ++i) text += i == 0 ? "1" : ",1";
  const std::string told = problems(text + "]}}");
  EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 32);
  EXPECT_TRUE(told.ends_with("and more")) << told;
}

TEST(Manifest, IntegersMayBeWrittenWithAFraction) {
  const auto manifest = decode(R"({"io_threads":2.0})");
  ASSERT_TRUE(manifest.ok());
  EXPECT_EQ(manifest->io_threads, 2U);
}

TEST(Manifest, NullIsForNullableMembersOnly) {
  const auto manifest = decode(
      R"({"http":{"timeout":{"ms":null},"server_header":null,"routes":[{"method":"GET","path":"/","body":null,"timeout_ms":null}]}})");
  ASSERT_TRUE(manifest.ok()) << manifest.error().message();
  EXPECT_EQ(problems(R"({"http":{"limits":null}})"), "http.limits: expected an object; got null");
}

TEST(Manifest, PathOfAPartIsWhatTheCallerSays) {
  auto document = json::parse(R"({"body_bytes":"x"})");
  ASSERT_TRUE(document.ok());
  const auto limits = limits_from_json(document->root(), "config.http.limits");
  ASSERT_FALSE(limits.ok());
  EXPECT_EQ(limits.error().kind(), ErrorKind::invalid_argument);
  EXPECT_TRUE(limits.error().message().starts_with("config.http.limits.body_bytes: expected an integer"))
      << limits.error().message();
}

TEST(Manifest, NamesOfEnumsGoBothWays) {
  EXPECT_EQ(name_of(ParameterStyle::deep_object), "deepObject");
  EXPECT_EQ(parameter_style_from("deepObject"), ParameterStyle::deep_object);
  EXPECT_EQ(parameter_style_from("deep_object"), std::nullopt);
}

}  // namespace
}  // namespace spikard::services
