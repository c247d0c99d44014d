// JSONTestSuite (RFC 8259), read from beside the clone: every y_ is accepted, every n_ refused, i_ is free but must not crash.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "base/json.hpp"

namespace {

constexpr const char* folder = "../shared/conformance/json-parsing/test_parsing";

TEST(JsonTestSuite, AcceptsEveryYRefusesEveryN) {
  if (!std::filesystem::is_directory(folder))
    GTEST_SKIP() << "left out: JSONTestSuite is not beside this clone (" << folder << ")";
  spikard::json::Reader reader;
  std::size_t accepted = 0;
  std::size_t refused = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    const auto result = reader.read(text);
    if (name.starts_with("y_")) {
      EXPECT_TRUE(result.ok()) << name << ": " << (result ? "" : result.error().message());
      ++accepted;
    } else if (name.starts_with("n_")) {
      EXPECT_FALSE(result.ok()) << name;
      ++refused;
    }
    if (result.ok()) {
      const std::string written = spikard::json::to_string(result->root());
      const auto again = reader.read(written);
      ASSERT_TRUE(again.ok()) << name << ": what was written cannot be read";
      EXPECT_EQ(spikard::json::to_string(again->root()), written) << name;
    }
  }
  EXPECT_GE(accepted, 95U);
  EXPECT_GE(refused, 180U);
}

}  // namespace
