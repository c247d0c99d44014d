#include "storage/key.hpp"

#include <gtest/gtest.h>

namespace spikard::storage {
namespace {

TEST(Key, Utf8IsCheckedToTheLetter) {
  for (const char* good :
       {"", "a", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (const char* bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF", "\xE0\xA0", "\xED\xA0\x80",
                          "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "a\xE2\x82"})
    EXPECT_FALSE(is_utf8(bad)) << bad;
}

TEST(Key, LengthCountsBytes) {
  EXPECT_TRUE(valid_key(std::string(1024, 'k')));
  EXPECT_FALSE(valid_key(std::string(1025, 'k')));
  EXPECT_TRUE(valid_key("a/b"));
  EXPECT_TRUE(valid_key("..."));
  EXPECT_FALSE(valid_key("a/"));
  EXPECT_FALSE(valid_key("/a"));
  EXPECT_FALSE(valid_key("a/../b"));
}

TEST(Key, TheErrorSaysWhy) {
  EXPECT_EQ(check_key("a//b").error().message(), "key: expected no leading or trailing '/' and no empty segment");
  EXPECT_EQ(check_key("a//b").error().detail(), "invalid_key");
}

TEST(Metadata, NamesBecomeLowerCase) {
  WriteOptions options;
  options.metadata = {{"X-Owner", "me"}};
  ASSERT_TRUE(check_and_fold(options).ok());
  EXPECT_EQ(options.metadata.begin()->first, "x-owner");
}

}  // namespace
}  // namespace spikard::storage
