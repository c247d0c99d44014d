#include "net/await.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "net/virtual_clock.hpp"

namespace spikard::net {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

struct AwaitTest : ::testing::Test {
  VirtualClock clock;
  std::unique_ptr<Loop> loop = Loop::create(clock).value();
  std::string log;
  void advance(Duration by) {
    bool done = false;
    clock.advance(by, [&] { done = true; });
    for (int i = 0; i < 10000 && !done; ++i) loop->turn(0);
    ASSERT_TRUE(done);
  }
  void settle() { advance(Duration::zero()); }
  static void ended(const std::exception_ptr& error) { EXPECT_EQ(error, nullptr); }
};

Task<> wait_and_say(Event& event, std::string& log, std::string name) {
  const Result<void> waited = co_await event.wait();
  log += name + (waited.ok() ? " " : "! ");
}

TEST_F(AwaitTest, AnEventWakesAllInOrderButNotInsideSet) {
  Event event(*loop);
  spawn(wait_and_say(event, log, "a"), ended);
  spawn(wait_and_say(event, log, "b"), ended);
  event.set();
  event.set();
  EXPECT_EQ(log, "");
  settle();
  EXPECT_EQ(log, "a b ");
  spawn(wait_and_say(event, log, "set"), ended);
  EXPECT_EQ(log, "a b set ");
  event.reset();
  spawn(wait_and_say(event, log, "later"), ended);
  settle();
  EXPECT_EQ(log, "a b set ");
  event.set();
  settle();
  EXPECT_EQ(log, "a b set later ");
}

TEST_F(AwaitTest, ACancelledWaiterLeavesAndOthersStay) {
  Event event(*loop);
  CancelSource source;
  spawn(wait_and_say(event, log, "a").with_token(source.token()), ended);
  spawn(wait_and_say(event, log, "b"), ended);
  source.cancel();
  EXPECT_EQ(log, "a! ");
  spawn(wait_and_say(event, log, "c").with_token(source.token()), ended);
  EXPECT_EQ(log, "a! c! ");
  event.set();
  settle();
  EXPECT_EQ(log, "a! c! b ");
}

Task<> wait_twice(Event& event, std::string& log) {
  const Result<void> first = co_await event.wait();
  EXPECT_TRUE(first.ok());
  log += "1";
  event.reset();
  const Result<void> second = co_await event.wait();
  EXPECT_TRUE(second.ok());
  log += "2";
}

TEST_F(AwaitTest, OneThatWaitsAgainWaitsForTheNextSet) {
  Event event(*loop);
  spawn(wait_twice(event, log), ended);
  event.set();
  settle();
  EXPECT_EQ(log, "1");
  event.set();
  settle();
  EXPECT_EQ(log, "12");
}

Task<> wait_and_destroy(std::unique_ptr<Event>& event, std::string& log) {
  const Result<void> waited = co_await event->wait();
  EXPECT_TRUE(waited.ok());
  event.reset();
  log += "gone";
}

TEST_F(AwaitTest, AWaiterMayDestroyTheEvent) {
  auto event = std::make_unique<Event>(*loop);
  spawn(wait_and_destroy(event, log), ended);
  event->set();
  settle();
  EXPECT_EQ(log, "gone");
  EXPECT_EQ(event, nullptr);
}

Task<> take(Queue<std::unique_ptr<int>>& queue, std::string& log) {
  for (;;) {
    Result<std::unique_ptr<int>> value = co_await queue.pop();
    if (!value.ok()) {
      log += std::string(name_of(value.error().kind()));
      co_return;
    }
    log += std::to_string(**value) + " ";
  }
}

TEST_F(AwaitTest, AQueueIsBoundedKeepsItsOrderAndEndsWhenClosedAndEmpty) {
  Queue<std::unique_ptr<int>> queue(*loop, 2);
  EXPECT_TRUE(queue.push(std::make_unique<int>(1)));
  EXPECT_TRUE(queue.push(std::make_unique<int>(2)));
  auto third = std::make_unique<int>(3);
  EXPECT_FALSE(queue.push(std::move(third)));
  ASSERT_NE(third, nullptr) << "untouched";
  spawn(take(queue, log), ended);
  EXPECT_EQ(log, "1 2 ");
  EXPECT_TRUE(queue.push(std::move(third)));
  settle();
  EXPECT_EQ(log, "1 2 3 ");
  queue.close();
  EXPECT_FALSE(queue.push(std::make_unique<int>(4)));
  settle();
  EXPECT_EQ(log, "1 2 3 unavailable");
}

TEST_F(AwaitTest, TwoReadersOfAQueueShareWithoutLosingAny) {
  Queue<std::unique_ptr<int>> queue(*loop, 10);
  std::string other;
  spawn(take(queue, log), ended);
  spawn(take(queue, other), ended);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(queue.push(std::make_unique<int>(i)));
  settle();
  EXPECT_EQ(log.size() + other.size(), 8U);
  queue.close();
  settle();
  EXPECT_TRUE(log.ends_with("unavailable") && other.ends_with("unavailable"));
}

Task<Result<int>> sleeps(Loop& loop, Duration wait) {
  Result<void> slept = co_await sleep(loop, wait);
  if (!slept.ok()) co_return Result<int>(std::move(slept).error());
  co_return Result<int>(7);
}

Task<> within(Loop& loop, Duration wait, Duration deadline, std::string& log) {
  Task<Result<int>> task = sleeps(loop, wait);
  Result<int> result = co_await with_deadline(loop, deadline, std::move(task));
  log += result.ok() ? std::to_string(*result) : std::string(name_of(result.error().kind()));
}

TEST_F(AwaitTest, ADeadlineCutsAWaitShortAndSaysTimeout) {
  spawn(within(*loop, hours(1), milliseconds(10), log), ended);
  advance(milliseconds(9));
  EXPECT_EQ(log, "");
  advance(milliseconds(1));
  EXPECT_EQ(log, "timeout");
}

TEST_F(AwaitTest, ADeadlineThatIsKeptChangesNothing) {
  spawn(within(*loop, milliseconds(9), milliseconds(10), log), ended);
  advance(milliseconds(10));
  EXPECT_EQ(log, "7");
}

TEST_F(AwaitTest, TheCallersCancellationStaysCancelled) {
  CancelSource source;
  spawn(within(*loop, hours(1), hours(1), log).with_token(source.token()), ended);
  source.cancel();
  EXPECT_EQ(log, "cancelled");
}

Task<Result<int>> stubborn(Loop& loop) {
  Task<Result<void>> own = sleep(loop, milliseconds(50)).with_token(CancelSource().token());
  const Result<void> slept = co_await std::move(own);
  EXPECT_TRUE(slept.ok());
  co_return Result<int>(9);
}

Task<> stubborn_within(Loop& loop, std::string& log) {
  Task<Result<int>> task = stubborn(loop);
  Result<int> result = co_await with_deadline(loop, milliseconds(10), std::move(task));
  log += result.ok() ? std::to_string(*result) : "error";
}

TEST_F(AwaitTest, ATaskThatMakesItAfterItsDeadlineKeepsItsResult) {
  spawn(stubborn_within(*loop, log), ended);
  advance(milliseconds(49));
  EXPECT_EQ(log, "");
  advance(milliseconds(1));
  EXPECT_EQ(log, "9");
}

}  // namespace
}  // namespace spikard::net
