#include "worker_loop/background.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "net/virtual_clock.hpp"

namespace spikard::worker_loop {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct BackgroundTest : ::testing::Test {
  net::VirtualClock clock;
  std::unique_ptr<net::Loop> loop = net::Loop::create(clock).value();
  std::vector<std::string> errors;
  std::string log;
  std::unique_ptr<Background> background;

  void begin(BackgroundOptions options = {}) {
    options.on_error = [this](const std::string& error) { errors.push_back(error); };
    background = std::make_unique<Background>(*loop, std::move(options));
  }
  void advance(Duration by) {
    bool done = false;
    clock.advance(by, [&] { done = true; });
    for (int i = 0; i < 10000 && !done; ++i) loop->turn(0);
    ASSERT_TRUE(done);
  }
  void close() {
    bool closed = false;
    background->close([&] { closed = true; });
    advance(Duration::zero());
    EXPECT_TRUE(closed);
  }
  Result<void> run(char name, Duration wait) {
    return background->run([this, name, wait] { return work(*loop, log, name, wait); });
  }
  static Task<void> work(net::Loop& on, std::string& out, char name, Duration wait) {
    const Result<void> slept = co_await net::sleep(on, wait);
    out += slept.ok() ? name : '!';
  }
};

TEST_F(BackgroundTest, RunsAfterWhatRunsNowAndNoMoreThanItsConcurrencyAtOnce) {
  begin({.concurrency = 2});
  for (const char name : {'a', 'b', 'c'}) ASSERT_TRUE(run(name, milliseconds(10)).ok());
  EXPECT_EQ(log, "");
  advance(milliseconds(10));
  EXPECT_EQ(log, "ab");
  advance(milliseconds(10));
  EXPECT_EQ(log, "abc");
  EXPECT_EQ(background->counts().acked, 3U);
  close();
}

TEST_F(BackgroundTest, AFullQueueRefuses) {
  begin({.concurrency = 1, .capacity = 2});
  EXPECT_TRUE(run('a', seconds(1)).ok());
  EXPECT_TRUE(run('b', seconds(1)).ok());
  EXPECT_EQ(run('c', seconds(1)).error().kind(), ErrorKind::rate_limited);
  advance(seconds(1));
  EXPECT_TRUE(run('d', seconds(1)).ok());
  close();
}

TEST_F(BackgroundTest, AnExceptionIsToldAndNotTriedAgain) {
  begin();
  ASSERT_TRUE(background
                  ->run([]() -> Task<void> {
                    throw std::runtime_error("no");
                    co_return;
                  })
                  .ok());
  ASSERT_TRUE(background->run([]() -> Task<void> { throw std::runtime_error("not even a task"); }).ok());
  advance(seconds(10));
  EXPECT_EQ(errors, (std::vector<std::string>{"no", "not even a task"}));
  EXPECT_EQ(background->counts().failed, 2U);
  close();
}

TEST_F(BackgroundTest, ATimeoutCancelsTheTask) {
  begin({.timeout = milliseconds(20)});
  ASSERT_TRUE(run('a', seconds(1)).ok());
  advance(milliseconds(20));
  EXPECT_EQ(log, "!");
  EXPECT_EQ(errors, std::vector<std::string>{"the time-out passed"});
  close();
}

TEST_F(BackgroundTest, DrainRunsWhatWaitsRefusesNewOnesAndCountsWhatItCutsOff) {
  begin({.concurrency = 1});
  for (const char name : {'a', 'b', 'c', 'd'}) ASSERT_TRUE(run(name, seconds(1)).ok());
  advance(Duration::zero());
  bool idle = false;
  background->stop_taking();
  background->finish([&] { idle = true; });
  EXPECT_EQ(run('e', seconds(1)).error().kind(), ErrorKind::unavailable);
  advance(seconds(2));
  EXPECT_EQ(log, "ab");
  EXPECT_FALSE(idle);
  background->cancel();
  EXPECT_TRUE(idle);
  close();
  EXPECT_EQ(log, "ab!");
  EXPECT_EQ(background->counts().acked, 2U);
  EXPECT_EQ(background->counts().abandoned, 2U);
}

TEST_F(BackgroundTest, FinishWaitsForTheLastOne) {
  begin({.concurrency = 1});
  for (const char name : {'a', 'b', 'c'}) ASSERT_TRUE(run(name, seconds(1)).ok());
  bool idle = false;
  background->stop_taking();
  background->finish([&] { idle = true; });
  for (int i = 0; i < 10000 && !idle; ++i) {
    loop->turn(0);
    if (i % 100 == 99) clock.advance(milliseconds(500), {});
  }
  EXPECT_TRUE(idle);
  EXPECT_EQ(log, "abc");
  close();
  EXPECT_EQ(background->counts().abandoned, 0U);
}

}  // namespace
}  // namespace spikard::worker_loop
