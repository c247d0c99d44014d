#include "storage/listing.hpp"

#include <gtest/gtest.h>

namespace spikard::storage {
namespace {

ListQuery query(std::string prefix, std::string delimiter) {
  ListQuery out;
  out.prefix = std::move(prefix);
  out.delimiter = std::move(delimiter);
  return out;
}

TEST(Listing, RollsUpAtTheFirstDelimiterAfterThePrefix) {
  EXPECT_EQ(rolled_up("a/b/c", query("", "/")), "a/");
  EXPECT_EQ(rolled_up("a/b/c", query("a/", "/")), "a/b/");
  EXPECT_EQ(rolled_up("a/b", query("a/", "/")), std::nullopt);
  EXPECT_EQ(rolled_up("a/b", query("", "")), std::nullopt);
  EXPECT_EQ(rolled_up("a--b--c", query("", "--")), "a--");
  EXPECT_EQ(rolled_up("a--b", query("a-", "--")), std::nullopt);
}

TEST(Listing, AfterAllWithAPrefix) {
  EXPECT_EQ(after_all_with("a/"), "a0");
  EXPECT_EQ(after_all_with("a\xFF\xFF"), "b");
  EXPECT_EQ(after_all_with("\xFF"), std::nullopt);
  EXPECT_EQ(after_all_with(""), std::nullopt);
}

TEST(Listing, TheCursorIsTheLastItemAndOnlyWhereThereIsMore) {
  ListQuery q = query("", "/");
  q.limit = 2;
  PageBuilder page(q);
  ObjectInfo info;
  info.key = "a";
  EXPECT_TRUE(page.entry(info));
  EXPECT_TRUE(page.prefix("b/"));
  EXPECT_FALSE(page.prefix("c/"));
  const ListPage out = std::move(page).finish();
  EXPECT_EQ(out.entries.size(), 1U);
  EXPECT_EQ(out.cursor, "b/");
  PageBuilder full(q);
  EXPECT_TRUE(full.prefix("b/"));
  EXPECT_TRUE(full.prefix("c/"));
  EXPECT_EQ(std::move(full).finish().cursor, std::nullopt);
}

}  // namespace
}  // namespace spikard::storage
