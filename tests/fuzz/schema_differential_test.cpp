// The comparison of validator_fuzz on random schemas from fixed seeds, so that every build runs it.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "schema_differential.hpp"

TEST(SchemaDifferential, TwentyThousandRandomSchemasAgreeWithTheReference) {
  std::mt19937 random(20201213);  // NOLINT: the same ones every time
  for (int i = 0; i < 20000; ++i) {
    std::vector<std::uint8_t> bytes(40 + random() % 160);
    for (auto& b : bytes) b = static_cast<std::uint8_t>(random());
    const std::string difference = reference::compare(bytes);
    ASSERT_EQ(difference, "") << "round " << i;
  }
}
