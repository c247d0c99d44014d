#include "telemetry/propagation.hpp"

#include <gtest/gtest.h>

namespace spikard::telemetry {
namespace {

constexpr std::string_view sample = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(Traceparent, RoundTripAndFlags) {
  const auto context = parse_traceparent(sample);
  ASSERT_TRUE(context.has_value());
  EXPECT_TRUE(context->valid() && context->sampled() && context->remote);
  EXPECT_EQ(hex(context->trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(hex(context->span_id), "00f067aa0ba902b7");
  EXPECT_EQ(format_traceparent(*context), sample);
  EXPECT_FALSE(parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe")->sampled());
  EXPECT_EQ(format_traceparent({}), "");
}

TEST(Traceparent, InvalidIsNothing) {
  for (const char* text :
       {"", "00", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x", "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.extra"})
    EXPECT_FALSE(parse_traceparent(text).has_value()) << text;
}

TEST(Traceparent, LaterVersionsMayHaveMore_4_3) {
  EXPECT_TRUE(parse_traceparent("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").has_value());
  const auto context = parse_traceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-07-what-the-future-brings");
  ASSERT_TRUE(context.has_value());
  EXPECT_EQ(context->flags, 1);
}

TEST(Tracestate, ListInOrderOrNothing) {
  using List = std::vector<std::pair<std::string_view, std::string_view>>;
  EXPECT_EQ(parse_tracestate({"a=1 ,, b@v=2", "c=x;y:z"}), (List{{"a", "1"}, {"b@v", "2"}, {"c", "x;y:z"}}));
  EXPECT_EQ(parse_tracestate({""}), List{});
  for (const char* text :
       {"A=1", "a", "a=", "=1", "a=1=2", "a@=1", "a@b@c=1", "a=1,a=2", "a =1", "1a=1", "a@1b=2", "a=\x7f", "a=\t1"})
    EXPECT_EQ(parse_tracestate({text}), List{}) << text;
  EXPECT_EQ(parse_tracestate({"1t@s=v"}).size(), 1U);
  EXPECT_EQ(parse_tracestate({"a= 1 "}), (List{{"a", " 1"}}));
  std::string many;
  for (int i = 0; i < 33; ++i) many += "k" + std::to_string(i) + "=1,";
  EXPECT_EQ(parse_tracestate({many}), List{});
  EXPECT_EQ(parse_tracestate({many.substr(0, many.rfind("k32"))}).size(), 32U);
  EXPECT_EQ(parse_tracestate({std::string(256, 'a') + "=" + std::string(256, 'v')}).size(), 1U);
  EXPECT_EQ(parse_tracestate({std::string(257, 'a') + "=v"}).size(), 0U);
  EXPECT_EQ(parse_tracestate({"a=" + std::string(257, 'v')}).size(), 0U);
}

TEST(Baggage, DecodesAndLeavesOutWhatIsInvalid) {
  const auto entries = parse_baggage({"a=1 , b=x%20y;p; q=2", "noequals,,c d=1,e=a b,f=,g=%C3%A9%FF%,h = 1 ; i = 2 "});
  ASSERT_EQ(entries.size(), 5U);
  EXPECT_EQ(entries[0].value, "1");
  EXPECT_EQ(entries[1].value, "x y");
  EXPECT_EQ(entries[1].properties, (std::vector<std::string>{"p", "q=2"}));
  EXPECT_EQ(entries[2].key, "f");
  EXPECT_EQ(entries[3].value, "\xc3\xa9\xef\xbf\xbd%");
  EXPECT_EQ(entries[4].properties, (std::vector<std::string>{"i=2"}));
  EXPECT_TRUE(parse_baggage({""}).empty());
}

TEST(Baggage, FormatReadsBack) {
  const std::vector<BaggageEntry> entries{{"k", "a b,c;d\"%\xc3\xa9", {"p=1"}}, {"l", "", {}}};
  const std::string text = format_baggage(entries);
  EXPECT_EQ(text, "k=a%20b%2Cc%3Bd%22%25%C3%A9;p=1,l=");
  const auto again = parse_baggage({text});
  ASSERT_EQ(again.size(), 2U);
  EXPECT_EQ(again[0].value, entries[0].value);
}

TEST(Propagation, ExtractAndInject) {
  const SpanContext context = extract(sample, "a=1", "b=2");
  std::vector<std::string> lines;
  inject(context,
         [&](std::string_view name, std::string_view text) { lines.push_back(std::string(name) + ": " + std::string(text)); });
  EXPECT_EQ(lines, (std::vector<std::string>{"traceparent: " + std::string(sample), "tracestate: a=1", "baggage: b=2"}));
  const SpanContext broken = extract("garbage", "a=1", "b=2");
  EXPECT_FALSE(broken.valid());
  EXPECT_EQ(broken.state, nullptr);
  EXPECT_NE(broken.baggage, nullptr);
  EXPECT_EQ(extract(sample, "a=1,A=2").state, nullptr);
}

}  // namespace
}  // namespace spikard::telemetry
