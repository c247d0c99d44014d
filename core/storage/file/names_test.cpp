#include "storage/file/names.hpp"

#include <gtest/gtest.h>

namespace spikard::storage::file {
namespace {

using Names = std::vector<std::string>;

TEST(Names, StandAsTheyAreButForPercent) {
  EXPECT_EQ(spell("a b.txt"), Names{"a b.txt"});
  EXPECT_EQ(spell("100%"), Names{"100%25"});
  EXPECT_EQ(spell("a%o"), Names{"a%25o"});
  EXPECT_EQ(spell("%2e%2e"), Names{"%252e%252e"});
}

TEST(Names, LongOnesAreCutAtCharacters) {
  EXPECT_EQ(spell(std::string(200, 'x')), Names{std::string(200, 'x')});
  EXPECT_EQ(spell(std::string(201, 'x')), (Names{std::string(200, 'x') + "%c", "x"}));
  // 199 bytes and a character of two
  EXPECT_EQ(spell(std::string(199, 'x') + "\xC3\xA9"), (Names{std::string(199, 'x') + "%c", "\xC3\xA9"}));
  EXPECT_EQ(spell(std::string(200, 'x') + ".."), (Names{std::string(200, 'x') + "%c", "%2e%2e"}));
  EXPECT_EQ(spell(std::string(200, 'x') + "."), (Names{std::string(200, 'x') + "%c", "%2e"}));
  for (const std::string& name : spell(std::string(1024, '%'))) EXPECT_LE(name.size(), 202U);
}

TEST(Names, AreReadBack) {
  const auto plain = read_name("a%25b");
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->text, "a%b");
  EXPECT_EQ(plain->kind, Spelled::Kind::plain);
  EXPECT_EQ(read_name("a%c")->kind, Spelled::Kind::piece);
  EXPECT_EQ(read_name("a%o")->kind, Spelled::Kind::beside);
  for (const char* own : {"a%m", "%spikard", "%", "a%2", "%zz", "%c", "%o"}) EXPECT_FALSE(read_name(own).has_value()) << own;
}

}  // namespace
}  // namespace spikard::storage::file
