#include "cache/redis/redis.hpp"

#include <gtest/gtest.h>

#include "cache/redis/entry.hpp"
#include "cache/registry.hpp"
#include "net/virtual_clock.hpp"

namespace spikard::cache {
namespace {

using redis::Header;
using redis::Names;
using redis::Stored;

std::string whole(const Stored& stored, std::string_view generation, std::string_view value) {
  return stored.head + std::string(generation) + stored.tags + std::string(value);
}

TEST(RedisEntry, What_is_stored_is_read_again) {
  const std::vector<std::string> tags{"red", "big"};
  Put put("value", 1000);
  put.grace = 500;
  put.tags = tags;
  const Stored stored(7000, 7001, put);
  EXPECT_EQ(stored.lives, 1501);
  const std::string text = whole(stored, "12345678", "value");
  const auto header = Header::read(text);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->rest, "value");
  EXPECT_EQ(header->generation, "12345678");
  EXPECT_FALSE(header->absent());
  EXPECT_EQ(header->left(7001), 1000);
  EXPECT_FALSE(header->over(8000));
  EXPECT_TRUE(header->over(8001));
  EXPECT_FALSE(header->forgotten(8500));
  EXPECT_TRUE(header->forgotten(8501));
}

TEST(RedisEntry, For_ever_and_absent) {
  Put put({}, forever);
  put.absent = true;
  const Stored stored(1, 1, put);
  EXPECT_EQ(stored.lives, 0);
  const std::string text = whole(stored, "12345678", "");
  const auto header = Header::read(text);
  ASSERT_TRUE(header);
  EXPECT_TRUE(header->absent());
  EXPECT_EQ(header->left(INT64_MAX / 4), forever);
  EXPECT_FALSE(header->over(INT64_MAX / 4) || header->forgotten(INT64_MAX / 4));
  EXPECT_EQ(Stored(1, 1, Put({}, forever / 4)).lives, 0) << "longer than Lua counts";
}

TEST(RedisEntry, What_is_none_of_ours_is_none) {
  EXPECT_FALSE(Header::read(""));
  EXPECT_FALSE(Header::read("a value of some other program"));
  EXPECT_FALSE(Header::read(std::string(24, '\x10')));
  EXPECT_TRUE(Header::read(std::string(25, '\x10')));
  std::string tagged(26, '\x12');
  EXPECT_FALSE(Header::read(tagged)) << "18 tags that are not there";
}

TEST(RedisNames, Of_any_bytes_and_back) {
  const Names names("app");
  EXPECT_EQ(names.entry({"", "k"}), "app:{0:}:e:k");
  const std::vector<std::string> spaces{"", "a", "a:b", "x}:e:", "{", std::string("\0\n", 2)};
  for (const std::string& space : spaces) {
    for (const std::string name : {"", "k", "a:b", "}:g:"}) {
      const std::string full = names.entry({space, name});
      const auto parsed = names.parse(full);
      ASSERT_TRUE(parsed) << full;
      EXPECT_EQ(parsed->kind, 'e');
      EXPECT_EQ(parsed->space, space);
      EXPECT_EQ(parsed->name, name);
    }
    EXPECT_EQ(names.parse(names.generation(space))->kind, 'g');
    EXPECT_EQ(net::redis::slot_of(names.entry({space, "a"})), net::redis::slot_of(names.generation(space)));
  }
  for (const char* text : {"", "app", "app:", "app:{", "app:{1", "app:{1:", "app:{1:a", "app:{1:a}:e",
                           "app:{9:a}:e:", "other:{0:}:e:k", "app:tag:x"})
    EXPECT_FALSE(names.parse(text)) << text;
  EXPECT_EQ(names.entries("a*[b"), "app:{4:a\\*\\[b}:e:*");
}

TEST(RedisRegistry, Urls_and_bounds) {
  net::VirtualClock clock;
  const Environment environment(clock);
  const auto opened = [&](std::string url, std::optional<std::uint64_t> entries = std::nullopt) -> std::string {
    services::CacheConfig config;
    config.url = std::move(url);
    config.max_entries = entries;
    const auto cache = open(config, environment);
    if (!cache.ok()) return std::string(name_of(cache.error().kind()));
    return (*cache)->capabilities().nearby ? "tiered" : (*cache)->capabilities().shared ? "redis" : "memory";
  };
  EXPECT_EQ(opened("redis://h"), "redis");
  EXPECT_EQ(opened("rediss://:pw@h:1/2?prefix=app"), "redis");
  EXPECT_EQ(opened("redis+cluster://a,b"), "redis");
  EXPECT_EQ(opened("tiered+redis://h", 10), "tiered");
  EXPECT_EQ(opened("tiered+redis+sentinel://h/m"), "tiered");
  EXPECT_EQ(opened("redis://h", 10), "invalid_argument");
  EXPECT_EQ(opened("redis://h?prefix=a%7B"), "invalid_argument");
  EXPECT_EQ(opened("redis:h"), "invalid_argument");
  EXPECT_EQ(opened("tiered+redis://h?protocol=2"), "invalid_argument");
  EXPECT_EQ(opened("tiered+redis+cluster://h"), "unsupported");
  EXPECT_EQ(opened("tiered+memory:"), "unsupported");
}

}  // namespace
}  // namespace spikard::cache
