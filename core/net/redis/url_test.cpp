#include "net/redis/url.hpp"

#include <gtest/gtest.h>

#include <array>

#include "net/redis/link.hpp"

namespace spikard::net::redis {
namespace {

constexpr std::array<std::string_view, 1> extra{"prefix"};

Options good(std::string_view url) {
  Result<Options> options = Options::parse(url, extra);
  EXPECT_TRUE(options.ok()) << url << ": " << options.error().message();
  return options.ok() ? std::move(*options) : Options();
}

std::string wrong(std::string_view url) {
  const Result<Options> options = Options::parse(url, extra);
  EXPECT_FALSE(options.ok()) << url;
  if (options.ok()) return "";
  EXPECT_EQ(options.error().kind(), ErrorKind::invalid_argument);
  return options.error().message();
}

TEST(RedisUrl, One_server) {
  Options at = good("redis://example.com");
  EXPECT_EQ(at.endpoints, (std::vector<Endpoint>{{"example.com", 6379}}));
  EXPECT_FALSE(at.tls);
  EXPECT_EQ(at.database, 0U);
  at = good("rediss://me:pa%2Fss%40@[::1]:7000/3?timeout_ms=250&prefix=app&tls_verify=false");
  EXPECT_TRUE(at.tls);
  EXPECT_FALSE(at.tls_verify);
  EXPECT_EQ(at.user + "|" + at.password, "me|pa/ss@");
  EXPECT_EQ(at.endpoints.front().text(), "[::1]:7000");
  EXPECT_EQ(at.database, 3U);
  EXPECT_EQ(at.timeout, std::chrono::milliseconds(250));
  EXPECT_EQ(at.extra.at("prefix"), "app");
  EXPECT_EQ(good("redis://:secret@h").password, "secret");
  EXPECT_EQ(good("redis://:secret@h").user, "");
  EXPECT_EQ(good("redis://h?db=2").database, 2U);
}

TEST(RedisUrl, A_socket) {
  EXPECT_EQ(good("unix:/run/redis.sock").endpoints.front().text(), "unix:/run/redis.sock");
  EXPECT_EQ(good("redis+unix://me:pw@/run/redis.sock?db=4").database, 4U);
  EXPECT_EQ(good("redis+unix://me:pw@/run/redis.sock").password, "pw");
}

TEST(RedisUrl, Sentinels_and_a_cluster) {
  const Options at = good("redis+sentinel://:pw@a,b:1/my%20master/2?sentinel_auth=same");
  EXPECT_EQ(at.topology, Topology::sentinel);
  EXPECT_EQ(at.endpoints, (std::vector<Endpoint>{{"a", 26379}, {"b", 1}}));
  EXPECT_EQ(at.master, "my master");
  EXPECT_EQ(at.database, 2U);
  EXPECT_TRUE(at.sentinel_auth);
  const Options cluster = good("rediss+cluster://a:1,b:2");
  EXPECT_EQ(cluster.topology, Topology::cluster);
  EXPECT_TRUE(cluster.tls);
}

TEST(RedisUrl, What_is_wrong_is_said_without_the_secret) {
  for (const std::string_view url : {"redis:h",
                                     "http://h",
                                     "h",
                                     "redis://",
                                     "redis://:pw@",
                                     "redis://h:0",
                                     "redis://h:65536",
                                     "redis://h:x",
                                     "redis://h/x",
                                     "redis://h/-1",
                                     "redis://a,b",
                                     "redis://[::1",
                                     "redis://[h]",
                                     "redis://h o",
                                     "redis://topsecret@h",
                                     "redis://:top/secret@h",
                                     "redis://:%zz@h",
                                     "redis://h?x=topsecret",
                                     "redis://h?timeout_ms=0",
                                     "redis://h?timeout_ms=x",
                                     "redis://h?timeout_ms",
                                     "redis://h?protocol=4",
                                     "redis://h?tls_ca=x",
                                     "rediss://h?tls_verify=maybe",
                                     "redis://h?client_name=a%20b",
                                     "redis://h#f",
                                     "redis+unix://h/p",
                                     "unix:",
                                     "unix:/",
                                     "redis+sentinel://h",
                                     "redis+sentinel://h/",
                                     "redis+cluster://h/1",
                                     "redis+cluster://h?db=1",
                                     "redis://h?sentinel_auth=same"}) {
    const std::string message = wrong(url);
    EXPECT_TRUE(message.starts_with("url: ")) << message;
    EXPECT_EQ(message.find("secret"), std::string::npos) << message;
  }
}

TEST(RedisRedirection, As_nodes_say_it) {
  const Endpoint from("10.0.0.1", 7000);
  const auto moved = detail::redirection_of("MOVED 3999 127.0.0.1:6381", from);
  ASSERT_TRUE(moved);
  EXPECT_FALSE(moved->ask);
  EXPECT_EQ(moved->slot, 3999);
  EXPECT_EQ(moved->to.text(), "127.0.0.1:6381");
  EXPECT_EQ(detail::redirection_of("ASK 1 :6381", from)->to.text(), "10.0.0.1:6381");
  EXPECT_EQ(detail::redirection_of("ASK 1 ::1:6381", from)->to.text(), "[::1]:6381");
  for (const char* text :
       {"MOVED", "MOVED ", "MOVED x a:1", "MOVED 16384 a:1", "MOVED 1 a", "MOVED 1 a:0", "MOVED 1 a:x", "ERR MOVED 1 a:1"})
    EXPECT_FALSE(detail::redirection_of(text, from)) << text;
}

}  // namespace
}  // namespace spikard::net::redis
