#include "base/log.hpp"

#include <thread>
#include <vector>

#include <unistd.h>

#include <gtest/gtest.h>

#include "base/json.hpp"
#include "base/redact.hpp"

namespace spikard {
namespace {

class FixedClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const noexcept override { return {}; }
  [[nodiscard]] WallTime wall() const noexcept override { return WallTime(std::chrono::milliseconds(1767225600123)); }
};

class Lines final : public log::Sink {
 public:
  void write(log::Level, std::string_view line) noexcept override { lines.emplace_back(line); }
  std::vector<std::string> lines;
};

struct LogTest : ::testing::Test {
  FixedClock clock;
  std::shared_ptr<Lines> sink = std::make_shared<Lines>();
};

TEST_F(LogTest, JsonHasTimeLevelMessageAndTypedAttributes) {
  log::Logger logger(sink, clock, log::Format::json, log::Level::info, "orders");
  logger.info("done \"x\"\n", {{"status", 201},
                               {"ok", true},
                               {"ratio", 0.5},
                               {"route", "orders.create"},
                               {"none", nullptr},
                               {"big", UINT64_MAX},
                               {"report", log::Field::json("{\"a\":1}")}});
  ASSERT_EQ(sink->lines.size(), 1U);
  EXPECT_EQ(sink->lines[0],
            "{\"time\":\"2026-01-01T00:00:00.123Z\",\"level\":\"info\",\"message\":\"done "
            "\\\"x\\\"\\n\",\"app\":\"orders\",\"status\":201,\"ok\":true,\"ratio\":0.5,"
            "\"route\":\"orders.create\",\"none\":null,\"big\":18446744073709551615,\"report\":{\"a\":1}}\n");
  EXPECT_TRUE(json::parse(sink->lines[0]).ok());
}

TEST_F(LogTest, HumanFormatIsOneLine) {
  log::Logger logger(sink, clock, log::Format::human);
  logger.warn("two\nlines", {{"path", "/a"}, {"text", "a b"}, {"password", "x"}});
  EXPECT_EQ(sink->lines.at(0), "2026-01-01T00:00:00.123Z warn  two lines path=/a text=\"a b\" password=[redacted]\n");
}

TEST_F(LogTest, LevelsBelowTheLimitAreNotWritten) {
  log::Logger logger(sink, clock, log::Format::json, log::Level::warn);
  logger.info("no");
  logger.error("yes");
  EXPECT_EQ(sink->lines.size(), 1U);
  log::Logger off(sink, clock, log::Format::json, log::Level::off);
  off.error("no");
  EXPECT_EQ(sink->lines.size(), 1U);
  log::Logger none(nullptr, clock);
  none.error("no");
  EXPECT_EQ(log::level_from("warn"), log::Level::warn);
  EXPECT_FALSE(log::level_from("WARN"));
}

TEST_F(LogTest, SecretsAreRedacted) {
  log::Logger logger(sink, clock);
  logger.info("at postgres://u:hunter2@db/x", {{"Authorization", "Bearer hunter2"},
                                               {"x-api-key", "hunter2"},
                                               {"url", "redis://:hunter2@host:1/0"},
                                               {"session_cookie", "hunter2"},
                                               {"API_KEY", 12}});
  EXPECT_EQ(sink->lines.at(0).find("hunter2"), std::string::npos) << sink->lines[0];
  EXPECT_NE(sink->lines[0].find("redis://[redacted]@host:1/0"), std::string::npos);
  EXPECT_NE(sink->lines[0].find("\"API_KEY\":\"[redacted]\""), std::string::npos);
}

TEST(Redact, NamesAndUrls) {
  for (const char* name : {"password", "DB_PASSWORD", "client_secret", "access-token", "authorization", "Set-Cookie", "apikey",
                           "api-key", "api_key", "X-Api-Key", "private_key"}) {
    EXPECT_TRUE(is_secret_name(name)) << name;
  }
  for (const char* name : {"", "path", "api", "key", "status", "tok-e", "apiary keyboard"})
    EXPECT_FALSE(is_secret_name(name)) << name;
  EXPECT_EQ(redact_urls("x amqp://a:b@c/d?e=f@g and http://h/@i, s3://k:p@ss@host"),
            "x amqp://[redacted]@c/d?e=f@g and http://h/@i, s3://[redacted]@host");
  EXPECT_EQ(redact_urls("no url a@b"), "no url a@b");
  EXPECT_EQ(redact_urls("://@"), "://[redacted]@");
}

TEST(FdSink, LinesOfThreadsDoNotMix) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  {
    log::FdSink sink(ends[1]);
    const auto write = [&sink](char c) {
      for (int i = 0; i < 50; ++i) sink.write(log::Level::info, std::string(99, c) + "\n");
    };
    std::thread other(write, 'b');
    write('a');
    other.join();
  }
  ::close(ends[1]);
  std::string all;
  char buffer[4096];
  for (::ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) all.append(buffer, static_cast<std::size_t>(n));
  ::close(ends[0]);
  ASSERT_EQ(all.size(), 10'000U);
  for (std::size_t at = 0; at < all.size(); at += 100)
    EXPECT_TRUE(all.substr(at, 100) == std::string(99, 'a') + "\n" || all.substr(at, 100) == std::string(99, 'b') + "\n");
}

}  // namespace
}  // namespace spikard
