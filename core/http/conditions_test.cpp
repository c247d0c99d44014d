#include "http/conditions.hpp"

#include <gtest/gtest.h>

#include <string>

namespace spikard::http {
namespace {

TEST(HttpDate, AllThreeForms) {
  for (const char* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"})
    EXPECT_EQ(parse_http_date(text), 784111777) << text;
  for (const char* text :
       {"", "Sun, 06 Nov 1994 08:49:37", "Sun, 31 Feb 1994 08:49:37 GMT", "yesterday", "Sun, 6 Nov 1994 08:49:37 GMT"})
    EXPECT_EQ(parse_http_date(text), std::nullopt) << text;
}

TEST(Range, Rfc9110_14_1_2) {
  const auto text = [](std::string_view value) {
    const auto range = parse_range(value);
    if (!range.has_value()) return std::string("-");
    return (range->first ? std::to_string(*range->first) : "") + ":" + (range->last ? std::to_string(*range->last) : "");
  };
  EXPECT_EQ(text("bytes=0-499"), "0:499");
  EXPECT_EQ(text("bytes=500-"), "500:");
  EXPECT_EQ(text("bytes=-500"), ":500");
  EXPECT_EQ(text("Bytes= 0-0 "), "0:0");
  EXPECT_EQ(text("bytes=99999999999999999999999-"), "18446744073709551615:");
  for (const char* ignored :
       {"bytes=", "bytes=-", "bytes=a-b", "bytes=5-3", "bytes=0-1,3-4", "lines=0-1", "bytes", "bytes=1", "bytes=0-x"})
    EXPECT_EQ(text(ignored), "-") << ignored;
}

}  // namespace
}  // namespace spikard::http
