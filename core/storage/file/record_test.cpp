#include "storage/file/record.hpp"

#include <gtest/gtest.h>

namespace spikard::storage::file {
namespace {

Record sample() {
  Record out;
  Kept kept;
  kept.content_type = "text/plain";
  kept.metadata = {{"a", "\xC3\xA9\""}};
  out.entries.push_back({{1767225600000000001, 7}, kept});
  out.entries.push_back({{-5, 0}, {}});
  return out;
}

TEST(Record, RoundTrip) {
  const std::string text = to_text(sample());
  EXPECT_EQ(text,
            "{\"format\":\"spikard-object/1\",\"versions\":[{\"mtime_ns\":1767225600000000001,\"size\":7,\"content_type\":\"text/"
            "plain\","
            "\"metadata\":{\"a\":\"\xC3\xA9\\\"\"}},{\"mtime_ns\":-5,\"size\":0}]}\n");
  const Record back = record_from(text).value();
  ASSERT_EQ(back.entries.size(), 2U);
  const Kept* kept = back.find({1767225600000000001, 7});
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(kept->content_type, "text/plain");
  EXPECT_EQ(kept->metadata, sample().entries[0].kept.metadata);
  EXPECT_TRUE(back.find({-5, 0})->empty());
  EXPECT_EQ(back.find({1, 7}), nullptr);
}

TEST(Record, AGuessGoesBySizeThenByAge) {
  const Record record = sample();
  EXPECT_EQ(record.guess({1, 0}), &record.entries[1].kept);
  EXPECT_EQ(record.guess({1, 7}), &record.entries[0].kept);
  EXPECT_EQ(record.guess({1, 99}), &record.entries[0].kept);
  EXPECT_EQ(Record().guess({1, 1}), nullptr);
}

TEST(Record, WhatIsNoRecordIsCorrupt) {
  for (const char* text : {"", "{}", "[]", "{\"format\":\"spikard-object/2\",\"versions\":[]}",
                           "{\"format\":\"spikard-object/1\"}", "{\"format\":\"spikard-object/1\",\"versions\":[1]}",
                           "{\"format\":\"spikard-object/1\",\"versions\":[{\"mtime_ns\":1,\"size\":-1}]}"})
    EXPECT_EQ(record_from(text).error().kind(), ErrorKind::corrupt) << text;
}

}  // namespace
}  // namespace spikard::storage::file
