#include "http/middleware/auth.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "base/base64.hpp"

namespace spikard::http {
namespace {

/// A record with these headers (names in lower case) and this query, in memory of its own.
struct Request {
  std::vector<std::uint64_t> memory = std::vector<std::uint64_t>(1024);
  std::size_t used = sizeof(RequestRecord);
  [[nodiscard]] RequestRecord& record() { return *reinterpret_cast<RequestRecord*>(memory.data()); }
  View put(std::string_view text) {
    std::memcpy(reinterpret_cast<char*>(memory.data()) + used, text.data(), text.size());
    const View out{static_cast<std::uint32_t>(used), static_cast<std::uint32_t>(text.size())};
    used += text.size();
    return out;
  }
  Request(const std::vector<std::pair<std::string, std::string>>& headers, const std::string& query) {
    std::vector<ViewPair> pairs;
    for (const auto& [name, value] : headers) {
      const View n = put(name);
      pairs.push_back({n, put(value)});
    }
    record().query = put(query);
    used = (used + 7) / 8 * 8;
    if (!pairs.empty()) std::memcpy(reinterpret_cast<char*>(memory.data()) + used, pairs.data(), pairs.size() * sizeof(ViewPair));
    record().headers = {static_cast<std::uint32_t>(used), static_cast<std::uint32_t>(pairs.size())};
  }
};

struct Auth : ::testing::Test {
  std::shared_ptr<const Authenticator> auth;
  std::string problems;

  void make(const std::string& config) {
    problems.clear();
    auto parsed = services::auth_from_json(json::parse(config).value().root(), "auth");
    ASSERT_TRUE(parsed.ok()) << parsed.error().to_string();
    auth = Authenticator::compile(*parsed, "auth", [&](const std::string& path, std::string_view what) {
      problems.append(path).append(": ").append(what).append("\n");
    });
  }
  std::string check(const std::vector<std::pair<std::string, std::string>>& headers, const std::string& query = {},
                    const std::vector<std::string>& scopes = {}) {
    Request request(headers, query);
    json::Reader reader;
    NodeBuilder identity;
    const Authenticator::Outcome found =
        auth->check(request.record(), scopes, WallTime(std::chrono::seconds(1000)), reader, identity);
    if (found.status == 0) return json::to_string(identity.root());
    return std::to_string(found.status) + " " + found.challenge;
  }
  static std::string basic(const std::string& text) { return "Basic " + base64::encode(text); }
};

// HS256 of {"sub":"u"} with `secret`, of fixtures/http/auth.json.
constexpr const char* token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1In0.rtmYPyZHsFVifepTAdVwbJZzwz60aeZ2x0OZ65ws8mc";
constexpr const char* jwt = R"({"jwt": {"secret": "test-secret-key-do-not-use-in-production"}})";

TEST_F(Auth, bearer) {
  make(jwt);
  const std::string good = R"({"method":"jwt","claims":{"sub":"u"}})";
  EXPECT_EQ(check({{"authorization", std::string("Bearer ") + token}}), good);
  EXPECT_EQ(check({{"authorization", std::string("bEARER   ") + token}}), good) << "RFC 9110 section 11.1: any case, 1*SP";
  for (const char* none : {"Bearer", "Bearer ", "Basic dTpw", "", "Bearer\tx", token})
    EXPECT_EQ(check({{"authorization", none}}), "401 Bearer") << none;
  EXPECT_EQ(check({}), "401 Bearer");
  EXPECT_EQ(check({{"authorization", "Bearer x.y.z"}}),
            R"(401 Bearer error="invalid_token", error_description="the token is malformed")");
  EXPECT_EQ(check({{"authorization", std::string("Bearer ") + token}, {"authorization", std::string("Bearer ") + token}}),
            "401 Bearer");
  EXPECT_EQ(check({{"authorization", std::string("Bearer ") + token}}, {}, {"read", "write"}),
            R"(403 Bearer error="insufficient_scope", scope="read write")");
}

TEST_F(Auth, api_keys) {
  make(R"({"api_key": {"query": "api key", "keys": ["k1", "longer key"]}})");
  const std::string good = R"({"method":"api_key"})";
  EXPECT_EQ(check({{"x-api-key", "k1"}}), good);
  EXPECT_EQ(check({{"x-api-key", "longer key"}}), good);
  EXPECT_EQ(check({}, "a=1&api+key=longer%20key&api+key=no"), good) << "the first counts";
  EXPECT_EQ(check({{"x-api-key", "k1"}}, "api+key=no"), good) << "the header goes first";
  EXPECT_EQ(check({{"x-api-key", "no"}}, "api+key=k1"), "401 Bearer");
  EXPECT_EQ(check({{"authorization", "Bearer x"}, {"x-api-key", "k1"}}), good) << "no scheme of Authorization is configured";
  for (const char* bad : {"", "k", "k2", "k1 ", "K1"}) EXPECT_EQ(check({{"x-api-key", bad}}), "401 Bearer") << bad;
  EXPECT_EQ(check({{"x-api-key", "k1"}}, {}, {"read"}), "403 ") << "keys have no scopes";
}

TEST_F(Auth, basic_credentials) {
  make(R"({"basic": {"realm": "shop", "users": {"ann": "pass:word", "bob": "p"}}})");
  const std::string challenge = R"(401 Basic realm="shop", charset="UTF-8")";
  EXPECT_EQ(check({{"authorization", basic("ann:pass:word")}}), R"({"method":"basic","user":"ann"})");
  EXPECT_EQ(check({{"authorization", "bAsIc " + base64::encode("bob:p")}}), R"({"method":"basic","user":"bob"})");
  for (const std::string& bad : {basic("ann:p"), basic("bob:pass:word"), basic("ann"), basic(":"), basic("eve:p"),
                                 std::string("Basic !!!"), std::string("Basic "), std::string("Bearer x")})
    EXPECT_EQ(check({{"authorization", bad}}), challenge) << bad;
}

TEST_F(Auth, an_authorization_header_decides_alone) {
  make(
      R"({"jwt": {"secret": "test-secret-key-do-not-use-in-production"}, "basic": {"users": {"ann": "p"}}, "api_key": {"keys": ["k"]}})");
  EXPECT_EQ(check({{"x-api-key", "k"}}), R"({"method":"api_key"})");
  EXPECT_EQ(check({{"authorization", basic("ann:p")}, {"x-api-key", "no"}}), R"({"method":"basic","user":"ann"})");
  EXPECT_TRUE(check({{"authorization", "Bearer bad"}, {"x-api-key", "k"}}).starts_with(R"(401 Bearer error="invalid_token")"));
  EXPECT_EQ(check({{"authorization", "Digest x"}, {"x-api-key", "k"}}), R"(401 Bearer, Basic realm="api", charset="UTF-8")");
}

TEST_F(Auth, faulty_configurations_name_the_field_and_no_secret) {
  make("{}");
  EXPECT_EQ(auth, nullptr);
  EXPECT_EQ(problems, "");
  make(
      R"({"basic": {"realm": "a\"b", "users": {"hid:den": "hidden", "ann": ""}}, "api_key": {"header": "a b", "keys": ["hidden", ""]}})");
  EXPECT_EQ(auth, nullptr);
  EXPECT_EQ(problems,
            "auth.basic.realm: expected text without quotes and control characters\nauth.basic.users.ann: expected a password\n"
            "auth.basic.users: a name has no colon (RFC 7617)\nauth.api_key.header: expected a header "
            "name\nauth.api_key.keys[1]: expected a key\n");
  make(R"({"basic": {}, "api_key": {"header": ""}})");
  EXPECT_EQ(problems,
            "auth.basic.users: expected at least one user\nauth.api_key: expected a header or a query "
            "parameter\nauth.api_key.keys: expected at least one key\n");
}

}  // namespace
}  // namespace spikard::http
