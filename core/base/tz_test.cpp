#include "base/tz.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <random>
#include <sstream>

using namespace spikard;

namespace {

std::string bytes_of(const std::string& zone) {
  std::ifstream file("/usr/share/zoneinfo/" + zone, std::ios::binary);
  std::stringstream out;
  out << file.rdbuf();
  return out.str();
}

void put32(std::string& out, std::uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(v >> static_cast<unsigned>(shift)));
}

/// A version 2 file without transitions: the footer alone decides.
std::string footer_only(const std::string& footer) {
  std::string out;
  for (int part = 0; part < 2; ++part) {
    out += "TZif2" + std::string(15, '\0');
    for (const std::uint32_t count : {0U, 0U, 0U, 0U, 1U, 4U}) put32(out, count);
    put32(out, 0);
    out += std::string(2, '\0') + "UTC" + std::string(1, '\0');
  }
  return out + "\n" + footer + "\n";
}

}  // namespace

TEST(TimeZone, OffsetsAreThoseOfTheCLibrary) {
  TimeZones zones;
  std::mt19937_64 random(7);
  for (const char* name : {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Europe/Dublin", "America/Sao_Paulo",
                           "Asia/Kolkata", "Pacific/Apia", "Africa/Casablanca", "America/St_Johns", "Antarctica/Troll",
                           "Pacific/Chatham", "Asia/Gaza", "America/Godthab", "Asia/Tehran", "Etc/GMT+5"}) {
    auto zone = zones.find(name);
    ASSERT_TRUE(zone.ok()) << name;
    ::setenv("TZ", name, 1);
    ::tzset();
    std::uniform_int_distribution<std::int64_t> when(-2'000'000'000, 6'000'000'000);
    for (int i = 0; i < 2000; ++i) {
      const auto t = static_cast<std::time_t>(when(random));
      std::tm parts{};
      ::localtime_r(&t, &parts);
      ASSERT_EQ((*zone)->offset_at(t), parts.tm_gmtoff) << name << " " << t;
    }
    // Around every change as well.
    std::optional<UnixSeconds> change = -2'000'000'000;
    for (int i = 0; i < 400 && (change = (*zone)->next_change(*change)) && *change < 6'000'000'000; ++i) {
      for (const std::int64_t t : {*change - 1, *change}) {
        const auto at = static_cast<std::time_t>(t);
        std::tm parts{};
        ::localtime_r(&at, &parts);
        ASSERT_EQ((*zone)->offset_at(t), parts.tm_gmtoff) << name << " " << t;
      }
      ASSERT_NE((*zone)->offset_at(*change - 1), (*zone)->offset_at(*change)) << name << " " << *change;
    }
  }
  ::unsetenv("TZ");
}

TEST(TimeZone, GapsAndFolds) {
  TimeZones zones;
  const auto berlin = *zones.find("Europe/Berlin");
  const auto at = [](const char* text) { return *parse_rfc3339_ms(text) / 1000; };
  EXPECT_EQ(berlin->first_at_or_after(at("2026-03-29T02:30:00Z")), at("2026-03-29T01:00:00Z"));
  EXPECT_EQ(berlin->first_at_or_after(at("2026-03-29T01:59:59Z")), at("2026-03-29T00:59:59Z"));
  EXPECT_EQ(berlin->first_at_or_after(at("2026-03-29T03:00:00Z")), at("2026-03-29T01:00:00Z"));
  EXPECT_EQ(berlin->first_at_or_after(at("2026-10-25T02:30:00Z")), at("2026-10-25T00:30:00Z"));
  EXPECT_EQ(berlin->first_at_or_after(at("2026-10-25T03:00:00Z")), at("2026-10-25T02:00:00Z"));
  EXPECT_EQ(berlin->next_change(at("2026-01-01T00:00:00Z")), at("2026-03-29T01:00:00Z"));
  EXPECT_EQ(berlin->next_change(at("2126-03-01T00:00:00Z")), at("2126-03-31T01:00:00Z"));
  EXPECT_EQ(TimeZone::utc()->next_change(0), std::nullopt);
}

TEST(TimeZone, FootersOfEveryForm) {
  const auto offset = [](const char* footer, const char* when) {
    auto zone = TimeZone::parse(footer_only(footer), "x");
    return zone.ok() ? (*zone)->offset_at(*parse_rfc3339_ms(when) / 1000) : -1;
  };
  EXPECT_EQ(offset("EST5EDT", "2026-07-01T00:00:00Z"), -4 * 3600);
  EXPECT_EQ(offset("EST5EDT", "2026-12-01T00:00:00Z"), -5 * 3600);
  EXPECT_EQ(offset("<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", "2026-07-01T00:00:00Z"), -2 * 3600);
  EXPECT_EQ(offset("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-01-01T00:00:00Z"), 0);
  EXPECT_EQ(offset("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-07-01T00:00:00Z"), 3600);
  EXPECT_EQ(offset("AAA0BBB,J60,J300", "2024-03-01T03:00:00Z"), 3600);
  EXPECT_EQ(offset("AAA0BBB,J60,J300", "2024-02-29T03:00:00Z"), 0);
  EXPECT_EQ(offset("AAA0BBB,59,300", "2024-02-29T03:00:00Z"), 3600);
  EXPECT_EQ(offset("XXX3EDT4,0/0,J365/23", "2026-07-01T00:00:00Z"), -4 * 3600);  // RFC 8536, all year daylight
  EXPECT_EQ(offset("XXX3EDT4,0/0,J365/23", "2026-12-31T23:59:59Z"), -4 * 3600);
  for (const char* wrong : {"A5", "EST", "EST25", "EST5EDT,M3.2.0", "EST5EDT,M13.1.0,M1.1.0", "EST5EDT,M3.6.0,M11.1.0", "<EST5",
                            "EST5EDT,J0,J1", "EST5EDT,M3.2.0/168,M11.1.0", "EST5EDT,M3.2.0,M11.1.0x"}) {
    EXPECT_FALSE(TimeZone::parse(footer_only(wrong), "x").ok()) << wrong;
  }
}

TEST(TimeZone, EveryCutOfAFileIsRefusedOrRead) {
  const std::string whole = bytes_of("America/New_York");
  ASSERT_GT(whole.size(), 1000U);
  ASSERT_TRUE(TimeZone::parse(whole, "x").ok());
  for (std::size_t i = 0; i < whole.size(); ++i) ASSERT_FALSE(TimeZone::parse(whole.substr(0, i), "x").ok()) << i;
}

TEST(TimeZones, NamesNeverLeaveTheFolder) {
  TimeZones zones;
  for (const char* name : {"", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "Europe/", "Europe//Berlin",
                           "Europe/Berlin/", "Europe", "zone.tab", "right/UTC", "posixrules", "tzdata.zi", "Europe/Ber lin"}) {
    auto zone = zones.find(name);
    ASSERT_FALSE(zone.ok()) << name;
    EXPECT_EQ(zone.error().detail(), "invalid_timezone");
  }
  EXPECT_TRUE(zones.find("UTC").ok());
  EXPECT_EQ((*zones.find("Europe/Berlin")).get(), (*zones.find("Europe/Berlin")).get());
}

TEST(Rfc3339, ReadsAndWrites) {
  EXPECT_EQ(parse_rfc3339_ms("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_rfc3339_ms("2026-01-01T01:00:00.2509+01:00"), 1767225600250);
  EXPECT_EQ(parse_rfc3339_ms("1969-12-31T23:59:59.5Z"), -500);
  EXPECT_EQ(format_rfc3339_ms(-500), "1969-12-31T23:59:59.500Z");
  EXPECT_EQ(format_rfc3339_ms(1767225600000), "2026-01-01T00:00:00Z");
  for (const char* wrong :
       {"", "2026-01-01", "2026-01-01T00:00:00", "2026-02-29T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+25:00", "2026-01-01T00:00:00Zx", "26-01-01T00:00:00Z"}) {
    EXPECT_EQ(parse_rfc3339_ms(wrong), std::nullopt) << wrong;
  }
}
