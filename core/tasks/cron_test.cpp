#include "tasks/cron.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <set>

using namespace spikard;
using namespace spikard::tasks;

namespace {

TimeZones& zones() {
  static TimeZones all;
  return all;
}

std::string next(const char* expr, const char* zone, const char* after, std::size_t count) {
  const auto cron = Cron::parse(expr);
  if (!cron.ok()) return cron.error().detail();
  std::string out;
  for (const UnixSeconds t : cron->next(*parse_rfc3339_ms(after) / 1000, **zones().find(zone), count)) {
    if (!out.empty()) out += ' ';
    out += format_rfc3339_ms(t * 1000).substr(0, 16);
  }
  return out;
}

/// What the specification says, minute by minute, without any cleverness: five fields without specials.
std::vector<UnixSeconds> slow(const std::set<int>& minutes, const std::set<int>& hours, bool any_hour, const TimeZone& zone,
                              UnixSeconds from, UnixSeconds to) {
  const auto matches = [&](std::int64_t local) {
    return minutes.contains(static_cast<int>(local / 60 % 60)) && hours.contains(static_cast<int>(local / 3600 % 24));
  };
  std::vector<UnixSeconds> out;
  if (any_hour) {
    for (UnixSeconds t = from + 60; t < to; t += 60) {
      if (matches(t + zone.offset_at(t))) out.push_back(t);
    }
    return out;
  }
  std::int64_t shown = from + zone.offset_at(from) - 86400 * 2;  // local minutes that the clock has shown or passed
  for (UnixSeconds t = from - 86400 * 2; t < to; t += 60) {
    const std::int64_t local = t + zone.offset_at(t);
    bool fires = false;
    for (; shown <= local; shown += 60) fires = fires || matches(shown);
    if (fires && t > from) out.push_back(t);
  }
  return out;
}

}  // namespace

TEST(Cron, DaylightSavingAsInVixieCron) {
  EXPECT_EQ(next("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2), "2026-03-29T01:00 2026-03-30T00:30");
  EXPECT_EQ(next("15,45 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2), "2026-03-29T01:00 2026-03-30T00:15");
  EXPECT_EQ(next("30 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2), "2026-03-29T01:00 2026-03-29T01:30");
  EXPECT_EQ(next("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2), "2026-10-25T00:30 2026-10-26T01:30");
  EXPECT_EQ(next("30 2 * * *", "Europe/Berlin", "2026-10-25T01:15:00Z", 1), "2026-10-26T01:30");
  EXPECT_EQ(next("0 3 * * *", "Europe/Berlin", "2026-10-25T01:15:00Z", 1), "2026-10-25T02:00");
  EXPECT_EQ(next("30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", 3), "2026-10-25T00:30 2026-10-25T01:30 2026-10-25T02:30");
  EXPECT_EQ(next("0 12 30 12 *", "Pacific/Apia", "2011-12-29T00:00:00Z", 2), "2011-12-30T10:00 2012-12-29T22:00");
}

TEST(Cron, AgreesWithTheSlowReading) {
  std::mt19937 random(11);
  for (const char* name : {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"}) {
    const auto zone = *zones().find(name);
    for (const char* start : {"2026-03-06T00:00:00Z", "2026-03-27T00:00:00Z", "2026-10-02T00:00:00Z", "2026-10-23T00:00:00Z",
                              "2026-10-30T00:00:00Z", "2026-04-03T00:00:00Z", "2026-02-13T00:00:00Z"}) {
      for (int i = 0; i < 12; ++i) {
        std::set<int> minutes;
        std::set<int> hours;
        std::string text;
        for (int k = 0; k < 3; ++k) minutes.insert(static_cast<int>(random() % 60));
        for (const int m : minutes) text += (text.empty() ? "" : ",") + std::to_string(m);
        const bool any_hour = i % 4 == 0;
        if (any_hour) {
          for (int h = 0; h < 24; ++h) hours.insert(h);
          text += " *";
        } else {
          for (int k = 0; k < 2; ++k) hours.insert(static_cast<int>(random() % 5));
          std::string list;
          for (const int h : hours) list += (list.empty() ? "" : ",") + std::to_string(h);
          text += " " + list;
        }
        const auto cron = Cron::parse(text + " * * *");
        ASSERT_TRUE(cron.ok());
        const UnixSeconds from = *parse_rfc3339_ms(start) / 1000 + static_cast<std::int64_t>(random() % 4320) * 60;
        const std::vector<UnixSeconds> expected = slow(minutes, hours, any_hour, *zone, from, from + 86400 * 3);
        ASSERT_EQ(cron->next(from, *zone, expected.size()), expected) << name << " " << start << " " << text;
      }
    }
  }
}

TEST(Cron, EveryStartInsideAFoldFindsTheSame) {
  const auto zone = *zones().find("Europe/Berlin");
  const auto cron = *Cron::parse("*/7 2 * * *");
  const UnixSeconds begin = *parse_rfc3339_ms("2026-10-24T23:00:00Z") / 1000;
  const std::vector<UnixSeconds> all = cron.next(begin, *zone, 30);
  for (UnixSeconds t = begin; t < begin + 6 * 3600; t += 61) {
    const auto expected = std::upper_bound(all.begin(), all.end(), t);
    ASSERT_EQ(cron.next(t, *zone), *expected) << t;
  }
}

TEST(Cron, SpecialDays) {
  EXPECT_EQ(next("0 0 L * *", "UTC", "2028-01-31T00:00:00Z", 2), "2028-02-29T00:00 2028-03-31T00:00");
  EXPECT_EQ(next("0 0 l-2 * ?", "UTC", "2026-02-01T00:00:00Z", 2), "2026-02-26T00:00 2026-03-29T00:00");
  EXPECT_EQ(next("0 0 LW * *", "UTC", "2026-01-01T00:00:00Z", 3), "2026-01-30T00:00 2026-02-27T00:00 2026-03-31T00:00");
  EXPECT_EQ(next("0 0 31W * *", "UTC", "2026-01-01T00:00:00Z", 3), "2026-01-30T00:00 2026-03-31T00:00 2026-05-29T00:00");
  EXPECT_EQ(next("0 0 1W 8 *", "UTC", "2026-01-01T00:00:00Z", 1), "2026-08-03T00:00");
  EXPECT_EQ(next("0 0 ? * FRI#5", "UTC", "2026-01-03T00:00:00Z", 2), "2026-01-30T00:00 2026-05-29T00:00");
  EXPECT_EQ(next("0 0 * * 7L", "UTC", "2026-01-01T00:00:00Z", 2), "2026-01-25T00:00 2026-02-22T00:00");
  EXPECT_EQ(next("0 0 1,L 1 MON#1", "UTC", "2026-01-01T00:00:00Z", 3), "2026-01-05T00:00 2026-01-31T00:00 2027-01-01T00:00");
  EXPECT_EQ(next("0 0 ? 2 4#5", "UTC", "2026-01-01T00:00:00Z", 2), "2052-02-29T00:00 2080-02-29T00:00");
}

TEST(Cron, FieldsAndSteps) {
  EXPECT_EQ(next("7/20 * * * *", "UTC", "2026-01-01T00:00:00Z", 4),
            "2026-01-01T00:07 2026-01-01T00:27 2026-01-01T00:47 2026-01-01T01:07");
  EXPECT_EQ(next("0 0 * * 5-7", "UTC", "2026-01-01T00:00:00Z", 3), "2026-01-02T00:00 2026-01-03T00:00 2026-01-04T00:00");
  EXPECT_EQ(next("  0\t0 * * SUN ", "UTC", "2026-01-01T00:00:00Z", 1), "2026-01-04T00:00");
  EXPECT_EQ(next("@hourly", "UTC", "2026-01-01T00:00:00Z", 1), "2026-01-01T01:00");
  EXPECT_EQ(next("@WEEKLY", "UTC", "2026-01-01T00:00:00Z", 1), "2026-01-04T00:00");
  EXPECT_EQ(next("* * * * * *", "UTC", "9999-12-31T23:59:58Z", 3), "9999-12-31T23:59");
}

TEST(Cron, Refused) {
  for (const char* wrong : {"",
                            " ",
                            "* * * *",
                            "* * * * * * *",
                            "60 * * * *",
                            "* 24 * * *",
                            "* * 0 * *",
                            "* * 32 * *",
                            "* * * 0 *",
                            "* * * 13 *",
                            "* * * * 8",
                            "5-1 * * * *",
                            "* * * * FRI-MON",
                            "*/0 * * * *",
                            "*/ * * * *",
                            "1,,2 * * * *",
                            ",1 * * * *",
                            "1- * * * *",
                            "-1 * * * *",
                            "a * * * *",
                            "? * * * *",
                            "* * ? * ?",
                            "* * * ? *",
                            "* JAN * * *",
                            "* * * MON *",
                            "* * * * MONDAY",
                            "* * W * *",
                            "* * 0W * *",
                            "* * 32W * *",
                            "* * L-31 * *",
                            "* * 5L * *",
                            "* * * * L",
                            "* * * * 8L",
                            "* * * * 1#0",
                            "* * * * 1#6",
                            "* * * * 1-5L",
                            "* * L/2 * *",
                            "@reboot",
                            "@daily x",
                            "@",
                            "1.5 * * * *",
                            "+1 * * * *",
                            "* * * * * 0#",
                            "99999 * * * *"}) {
    EXPECT_EQ(Cron::parse(wrong).ok(), false) << wrong;
  }
  EXPECT_FALSE(Cron::parse(std::string(257, '*')).ok());
}

TEST(Cron, NeverEndsSoon) {
  const auto begin = std::chrono::steady_clock::now();
  const auto zone = *zones().find("Europe/Berlin");
  for (const char* never : {"0 0 30 2 *", "0 0 31 4,6,9,11 ?", "0 0 31W 2 *"})
    EXPECT_TRUE(Cron::parse(never)->next(0, *zone, 5).empty());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}
