#include "cloudevents/dispatch.hpp"

#include <gtest/gtest.h>

namespace spikard::cloudevents {
namespace {

services::EventSubscription to(std::uint32_t handler, std::string type, std::string source = "*", std::string subject = "*") {
  services::EventSubscription s;
  s.handler = handler;
  s.type = std::move(type);
  s.source = std::move(source);
  s.subject = std::move(subject);
  return s;
}

Event of(std::string type, std::string source = "/s", std::string subject = {}) {
  Event event(std::move(type), std::move(source), "1");
  event.subject = std::move(subject);
  return event;
}

TEST(Dispatch, PatternMatchesRunsOfCharacters) {
  const auto matches = [](std::string pattern, std::string_view text) { return Pattern(std::move(pattern)).matches(text); };
  EXPECT_TRUE(matches("com.example.*", "com.example.a.b"));
  EXPECT_FALSE(matches("com.example.*", "com.example"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("*.created", "order.created"));
  EXPECT_TRUE(matches("a*b*c", "aXbYbZc"));
  EXPECT_FALSE(matches("a*b*c", "aXbYbZ"));
  EXPECT_TRUE(matches("**", "x"));
  EXPECT_FALSE(matches("A", "a"));
  EXPECT_FALSE(matches("a.b", "axb"));
  EXPECT_FALSE(Pattern("a*a*a*a*a*a*b").matches(std::string(5000, 'a')));
}

TEST(Dispatch, TheBestFitTakesIt) {
  const Dispatch dispatch({to(1, "*"), to(2, "com.*"), to(3, "com.example.*"), to(4, "com.example.a"),
                           to(5, "com.example.a", "/s/*"), to(6, "com.example.a", "/s/*", "x"), to(7, "com.example.a", "/other")},
                          std::nullopt);
  EXPECT_EQ(dispatch.handler_of(of("org.x")), 1U);
  EXPECT_EQ(dispatch.handler_of(of("com.x")), 2U);
  EXPECT_EQ(dispatch.handler_of(of("com.example.A")), 3U);
  EXPECT_EQ(dispatch.handler_of(of("com.example.a")), 4U);
  EXPECT_EQ(dispatch.handler_of(of("com.example.a.b")), 3U);
  EXPECT_EQ(dispatch.handler_of(of("com.example.a", "/s/1")), 5U);
  EXPECT_EQ(dispatch.handler_of(of("com.example.a", "/s/1", "x")), 6U);
  EXPECT_EQ(dispatch.handler_of(of("com.example.a", "/other")), 7U);
}

TEST(Dispatch, FallbackAndNone) {
  EXPECT_EQ(Dispatch({}, 9).handler_of(of("t")), 9U);
  EXPECT_EQ(Dispatch({}, std::nullopt).handler_of(of("t")), std::nullopt);
  EXPECT_EQ(Dispatch({to(1, "t", "*", "s*")}, std::nullopt).handler_of(of("t")), std::nullopt) << "no subject";
  EXPECT_EQ(Dispatch({to(1, "t"), to(2, "t")}, std::nullopt).handler_of(of("t")), 1U);
}

}  // namespace
}  // namespace spikard::cloudevents
