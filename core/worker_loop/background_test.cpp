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
  EXPECT_EQ(background->counts().finished, 3U);
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

TEST_F(BackgroundTest, DrainRunsWhatWaitsTakesMoreUntilCancelledAndCountsWhatItCutsOff) {
  begin({.concurrency = 1});
  for (const char name : {'a', 'b', 'c'}) ASSERT_TRUE(run(name, seconds(1)).ok());
  advance(Duration::zero());
  bool idle = false;
  background->finish([&] { idle = true; });
  ASSERT_TRUE(run('d', seconds(1)).ok());
  advance(seconds(2));
  EXPECT_EQ(log, "ab");
  EXPECT_FALSE(idle);
  background->cancel();
  EXPECT_TRUE(idle);
  EXPECT_EQ(run('e', seconds(1)).error().kind(), ErrorKind::unavailable);
  close();
  EXPECT_EQ(log, "ab!");
  EXPECT_EQ(background->counts().finished, 2U);
  EXPECT_EQ(background->counts().abandoned, 2U);
}

TEST_F(BackgroundTest, ACancelledTaskThatTakesItsTimeIsWaitedForAndStaysAbandoned) {
  begin();
  net::Event release(*loop);
  ASSERT_TRUE(run('a', seconds(1)).ok());
  bool deaf = false;
  CancelSource own;
  ASSERT_TRUE(background
                  ->run([&]() -> Task<void> {
                    // A token of its own: deaf to the drain's.
                    Task<Result<void>> wait = release.wait().with_token(own.token());
                    deaf = (co_await std::move(wait)).ok();
                  })
                  .ok());
  advance(Duration::zero());
  bool idle = false;
  background->finish([&] { idle = true; });
  background->cancel();
  EXPECT_FALSE(idle);
  EXPECT_EQ(background->counts().in_flight, 1U);
  release.set();
  advance(Duration::zero());
  EXPECT_TRUE(idle);
  EXPECT_TRUE(deaf);
  EXPECT_EQ(background->counts().finished, 0U);
  EXPECT_EQ(background->counts().abandoned, 2U);
  close();
}

TEST_F(BackgroundTest, WhatHasNotEndedWhenItGoesIsDestroyed) {
  struct Mark {
    explicit Mark(bool& g) : gone(g) {}
    ~Mark() { gone = true; }
    bool& gone;
  };
  begin({.concurrency = 1});
  bool gone = false;
  bool after = false;
  ASSERT_TRUE(background
                  ->run([&]() -> Task<void> {
                    const Mark mark(gone);
                    (void)co_await net::sleep(*loop, seconds(1));
                    after = true;
                  })
                  .ok());
  ASSERT_TRUE(run('b', seconds(1)).ok());
  advance(Duration::zero());
  background->abandon();
  EXPECT_TRUE(gone);
  EXPECT_EQ(background->counts().abandoned, 2U);
  background.reset();
  advance(seconds(2));
  EXPECT_FALSE(after);
}

TEST_F(BackgroundTest, FinishWaitsForTheLastOne) {
  begin({.concurrency = 1});
  for (const char name : {'a', 'b', 'c'}) ASSERT_TRUE(run(name, seconds(1)).ok());
  bool idle = false;
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
