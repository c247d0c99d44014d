#include "worker_loop/worker_loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

#include "net/service_thread.hpp"
#include "net/virtual_clock.hpp"
#include "worker_loop/memory_source.hpp"
#include "worker_loop/task_sink.hpp"

namespace spikard::worker_loop {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Strings = std::vector<std::string>;

WorkItem item(std::string payload, std::string key = {}) {
  WorkItem out;
  out.payload = std::move(payload);
  out.has_key = !key.empty();
  out.key = std::move(key);
  return out;
}

/// Writes down what it is given; the test answers, or a script does at once.
struct Recorder final : WorkSink {
  struct Given {
    std::uint64_t ticket;
    std::shared_ptr<const WorkItem> item;
  };
  void on_work(std::uint64_t ticket, std::shared_ptr<const WorkItem> work) override {
    log.push_back(work->payload + "#" + std::to_string(work->delivery_count));
    at.push_back(now ? now() : Duration{});
    given.push_back({ticket, work});
    most = std::max(most, given.size());
    if (script) answer(work->payload, script(*work));
  }
  void on_cancel(std::uint64_t ticket, CancelReason reason) override {
    for (const Given& one : given) {
      if (one.ticket == ticket) cancelled.emplace_back(one.item->payload, reason);
    }
  }
  void answer(const std::string& payload, Outcome outcome) {
    const auto found = std::find_if(given.begin(), given.end(), [&](const Given& one) { return one.item->payload == payload; });
    ASSERT_NE(found, given.end()) << payload;
    const std::uint64_t ticket = found->ticket;
    given.erase(found);
    worker->complete(ticket, std::move(outcome));
  }
  std::vector<Given> given;
  Strings log;
  std::vector<Duration> at;
  std::vector<std::pair<std::string, CancelReason>> cancelled;
  std::size_t most = 0;
  std::function<Outcome(const WorkItem&)> script;
  std::function<Duration()> now;
  std::shared_ptr<WorkerLoop> worker;
};

struct WorkerLoopTest : ::testing::Test {
  net::VirtualClock clock;
  std::unique_ptr<net::Loop> loop = net::Loop::create(clock).value();
  std::unique_ptr<MemorySource> source;
  Recorder sink;
  WorkerLoopOptions options;
  const Instant beginning = clock.now();

  void begin(MemorySourceOptions source_options = {}) {
    source = std::make_unique<MemorySource>(*loop, source_options);
    begin_with(*source);
  }
  void begin_with(Source& from) {
    sink.worker = WorkerLoop::create(*loop, from, sink, options);
    sink.now = [this] { return clock.now() - beginning; };
    sink.worker->start();
  }
  void TearDown() override {
    if (sink.worker == nullptr) return;
    bool closed = false;
    sink.worker->close([&] { closed = true; });
    for (int i = 0; i < 1000 && !closed; ++i) loop->turn(0);
    EXPECT_TRUE(closed);
    EXPECT_EQ(sink.worker.use_count(), 1) << "nothing of it runs";
    sink.worker.reset();
  }
  void advance(Duration by) {
    bool done = false;
    clock.advance(by, [&] { done = true; });
    for (int i = 0; i < 100000 && !done; ++i) loop->turn(0);
    ASSERT_TRUE(done);
  }
  void settle() { advance(Duration::zero()); }
  void push(WorkItem work) { ASSERT_TRUE(source->push(std::move(work)).ok()); }
  [[nodiscard]] const WorkerCounts& counts() const { return sink.worker->counts(); }
};

TEST_F(WorkerLoopTest, AcknowledgedWorkIsGone) {
  begin();
  sink.script = [](const WorkItem&) { return Outcome::ack(); };
  for (int i = 0; i < 5; ++i) push(item(std::to_string(i)));
  settle();
  EXPECT_EQ(sink.log, (Strings{"0#1", "1#1", "2#1", "3#1", "4#1"}));
  EXPECT_EQ(source->size(), 0U);
  EXPECT_EQ(counts().acked, 5U);
  EXPECT_EQ(counts().in_hand, 0U);
}

TEST_F(WorkerLoopTest, NoMoreHandlersThanConcurrencyAndNoMoreInHandThanMaxInFlight) {
  options.concurrency = 2;
  options.max_in_flight = 5;
  begin();
  for (int i = 0; i < 20; ++i) push(item(std::to_string(i)));
  settle();
  EXPECT_EQ(sink.given.size(), 2U);
  EXPECT_EQ(source->given_out(), 5U);
  EXPECT_EQ(counts().in_hand, 5U);
  EXPECT_EQ(counts().running, 2U);
  while (!sink.given.empty()) {
    sink.answer(sink.given.front().item->payload, Outcome::ack());
    settle();
    EXPECT_LE(source->given_out(), 5U);
  }
  EXPECT_EQ(sink.most, 2U);
  EXPECT_EQ(sink.log.size(), 20U);
}

TEST_F(WorkerLoopTest, ErrorsComeAgainAfterTheBackoffAndGoToTheDeadLetterAfterAllTries) {
  options.retry = {.max_retries = 3, .initial = milliseconds(100), .factor = 3.0, .max = milliseconds(500)};
  begin();
  int n = 0;
  sink.script = [&](const WorkItem&) { return Outcome::error("failure " + std::to_string(++n)); };
  push(item("a"));
  advance(hours(1));
  EXPECT_EQ(sink.log, (Strings{"a#1", "a#2", "a#3", "a#4"}));
  EXPECT_EQ(sink.at, (std::vector<Duration>{milliseconds(0), milliseconds(100), milliseconds(400), milliseconds(900)}));
  ASSERT_EQ(source->dead_letters().size(), 1U);
  const DeadLetter& dead = source->dead_letters().front();
  EXPECT_EQ(dead.reason, "max_retries");
  EXPECT_EQ(dead.item.delivery_count, 4U);
  EXPECT_EQ(dead.item.tries, 4U);
  EXPECT_EQ(dead.item.failures, 4U);
  EXPECT_EQ(dead.first_error, "failure 1");
  EXPECT_EQ(dead.error, "failure 4");
  EXPECT_EQ(counts().failed, 4U);
  EXPECT_EQ(counts().dead_lettered, 1U);
}

TEST_F(WorkerLoopTest, NackComesAtOnceRetryAfterItsTimeRejectNeverAndEachUsesATry) {
  options.retry.max_retries = 2;
  begin();
  push(item("nack"));
  push(item("retry"));
  push(item("reject"));
  sink.script = [](const WorkItem& work) {
    if (work.payload == "nack") return Outcome::nack(true);
    if (work.payload == "retry") return Outcome::retry(milliseconds(70));
    return Outcome::nack(false);
  };
  settle();
  EXPECT_EQ(std::count(sink.log.begin(), sink.log.end(), "nack#3"), 1);
  EXPECT_EQ(source->dead_letters().size(), 2U);
  advance(milliseconds(69));
  EXPECT_EQ(std::count(sink.log.begin(), sink.log.end(), "retry#2"), 0);
  advance(milliseconds(1));
  EXPECT_EQ(std::count(sink.log.begin(), sink.log.end(), "retry#2"), 1);
  advance(hours(1));
  ASSERT_EQ(source->dead_letters().size(), 3U);
  std::vector<std::pair<std::string, std::string>> reasons;
  for (const DeadLetter& dead : source->dead_letters()) reasons.emplace_back(dead.item.payload, dead.reason);
  std::sort(reasons.begin(), reasons.end());
  EXPECT_EQ(reasons, (std::vector<std::pair<std::string, std::string>>{
                         {"nack", "max_retries"}, {"reject", "rejected"}, {"retry", "max_retries"}}));
  EXPECT_EQ(sink.log.size(), 7U);
}

TEST_F(WorkerLoopTest, ARetryOfATaskUsesNoTry) {
  options.retry = {.max_retries = 0, .retry_uses_try = false};
  begin();
  push(item("a"));
  int n = 0;
  sink.script = [&](const WorkItem&) { return ++n < 10 ? Outcome::retry(milliseconds(1)) : Outcome::ack(); };
  advance(seconds(1));
  EXPECT_EQ(n, 10);
  EXPECT_TRUE(source->dead_letters().empty());
}

TEST_F(WorkerLoopTest, AnItemsOwnRulesAndLimitComeBeforeTheWorkers) {
  options.handler_timeout = seconds(5);
  options.concurrency = 2;
  begin();
  WorkItem own = item("own");
  own.retry = RetryPolicy{.max_retries = 0};
  own.timeout = milliseconds(20);
  push(std::move(own));
  push(item("other"));
  settle();
  advance(milliseconds(20));
  EXPECT_EQ(sink.cancelled, (std::vector<std::pair<std::string, CancelReason>>{{"own", CancelReason::deadline}}));
  ASSERT_EQ(source->dead_letters().size(), 1U);
  EXPECT_EQ(source->dead_letters().front().reason, "max_retries");
  EXPECT_EQ(counts().running, 1U);
}

TEST_F(WorkerLoopTest, WhatTheSourceTakesBackIsCancelledAndNotSettled) {
  begin();
  push(item("a"));
  settle();
  const std::vector<std::uint64_t> ids{sink.given.front().item->id, 999};
  sink.worker->revoke(ids);
  EXPECT_EQ(sink.cancelled, (std::vector<std::pair<std::string, CancelReason>>{{"a", CancelReason::requested}}));
  sink.answer("a", Outcome::ack());
  settle();
  EXPECT_EQ(counts().lost, 1U);
  EXPECT_EQ(counts().acked, 0U);
  EXPECT_EQ(source->given_out(), 1U);
}

TEST_F(WorkerLoopTest, WithoutADeadLetterPlaceItIsDroppedAndCounted) {
  begin({.dead_letters = false});
  sink.script = [](const WorkItem&) { return Outcome::reject("no use"); };
  push(item("a"));
  settle();
  EXPECT_EQ(source->dropped(), 1U);
  EXPECT_EQ(source->size(), 0U);
}

TEST_F(WorkerLoopTest, ATimeoutFreesThePlaceAndTheLateAnswerIsIgnored) {
  options.handler_timeout = milliseconds(50);
  options.retry = {.max_retries = 1, .initial = milliseconds(10)};
  begin();
  push(item("slow"));
  push(item("next"));
  settle();
  EXPECT_EQ(sink.log, Strings{"slow#1"});
  advance(milliseconds(49));
  EXPECT_TRUE(sink.cancelled.empty());
  advance(milliseconds(1));
  EXPECT_EQ(sink.cancelled, (std::vector<std::pair<std::string, CancelReason>>{{"slow", CancelReason::deadline}}));
  EXPECT_EQ(sink.log, (Strings{"slow#1", "next#1"}));
  sink.answer("slow", Outcome::ack());
  sink.answer("next", Outcome::ack());
  advance(milliseconds(10));
  EXPECT_EQ(sink.log, (Strings{"slow#1", "next#1", "slow#2"}));
  EXPECT_EQ(counts().acked, 1U);
  advance(seconds(1));
  ASSERT_EQ(source->dead_letters().size(), 1U);
  EXPECT_EQ(source->dead_letters().front().error, "timeout");
}

TEST_F(WorkerLoopTest, AMessageWaitsForTheOneBeforeItOfTheSameKeyThroughItsRetries) {
  options.concurrency = 4;
  options.max_in_flight = 10;
  options.ordered = true;
  options.retry = {.max_retries = 5, .initial = milliseconds(100), .factor = 1.0};
  begin({.lease = milliseconds(30)});  // shorter than the backoff: a kept item keeps its lease
  for (const char* payload : {"a1", "a2", "a3"}) push(item(payload, "a"));
  push(item("b1", "b"));
  push(item("n1"));
  push(item("b2", "b"));
  settle();
  EXPECT_EQ(sink.log, (Strings{"a1#1", "b1#1", "n1#1"}));
  sink.answer("b1", Outcome::ack());
  settle();
  EXPECT_EQ(sink.log.back(), "b2#1");
  sink.answer("a1", Outcome::error("first"));
  settle();
  advance(milliseconds(99));
  EXPECT_EQ(sink.log.size(), 4U);
  advance(milliseconds(1));
  EXPECT_EQ(sink.log.back(), "a1#2");
  EXPECT_EQ(sink.given.back().item->tries, 1U);
  sink.answer("a1", Outcome::nack(true));
  settle();
  EXPECT_EQ(sink.log.back(), "a1#3");
  sink.answer("a1", Outcome::ack());
  settle();
  EXPECT_EQ(sink.log.back(), "a2#1");
  sink.answer("a2", Outcome::nack(false));
  settle();
  EXPECT_EQ(sink.log.back(), "a3#1");
  for (const char* payload : {"a3", "b2", "n1"}) sink.answer(payload, Outcome::ack());
  settle();
  EXPECT_EQ(source->size(), 0U);
  EXPECT_EQ(sink.log.size(), 8U);
}

TEST_F(WorkerLoopTest, AKeptItemsTriesAreRecordedSoADeadWorkerLosesOnlyItsOwn) {
  options.ordered = true;
  options.retry = {.max_retries = 5, .initial = milliseconds(10)};
  begin({.lease = seconds(10)});
  push(item("a", "k"));
  settle();
  sink.answer("a", Outcome::error("boom"));
  advance(milliseconds(10));
  EXPECT_EQ(sink.log, (Strings{"a#1", "a#2"}));
  sink.worker->abandon();
  settle();
  Recorder other;
  other.worker = WorkerLoop::create(*loop, *source, other, options);
  other.worker->start();
  advance(seconds(10));
  ASSERT_EQ(other.log, Strings{"a#3"});
  EXPECT_EQ(other.given[0].item->tries, 2U);
  EXPECT_EQ(other.given[0].item->failures, 1U);
  EXPECT_EQ(other.given[0].item->first_error, "boom");
  other.answer("a", Outcome::ack());
  settle();
  bool closed = false;
  other.worker->close([&] { closed = true; });
  settle();
  EXPECT_TRUE(closed);
}

TEST_F(WorkerLoopTest, ALeaseIsKeptAliveForAsLongAsTheHandlerRunsAndForThoseThatWaitForAPlace) {
  options.max_in_flight = 2;
  begin({.lease = seconds(10)});
  push(item("long"));
  push(item("waits"));
  advance(hours(1));
  EXPECT_EQ(sink.log, Strings{"long#1"});
  sink.answer("long", Outcome::ack());
  settle();
  EXPECT_EQ(sink.log, (Strings{"long#1", "waits#1"}));
  sink.answer("waits", Outcome::ack());
  settle();
  EXPECT_EQ(counts().acked, 2U);
  EXPECT_EQ(counts().lost, 0U);
}

TEST_F(WorkerLoopTest, WhatADeadWorkerHeldComesAgainWhenTheLeaseRunsOutAndUsedUpATry) {
  options.retry.max_retries = 1;
  begin({.lease = seconds(10)});
  push(item("a"));
  settle();
  sink.worker->abandon();
  sink.answer("a", Outcome::ack());  // from the grave
  for (int i = 0; i < 2; ++i) {
    Recorder other;
    other.worker = WorkerLoop::create(*loop, *source, other, options);
    other.worker->start();
    advance(seconds(10) - milliseconds(1));
    EXPECT_TRUE(other.log.empty());
    advance(milliseconds(1));
    if (i == 0) {
      EXPECT_EQ(other.log, Strings{"a#2"});
    } else {
      EXPECT_TRUE(other.log.empty()) << "both tries are used up";
      ASSERT_EQ(source->dead_letters().size(), 1U);
      EXPECT_EQ(source->dead_letters().front().reason, "max_retries");
    }
    other.worker->abandon();
    settle();
  }
}

TEST_F(WorkerLoopTest, WhatWaitsBehindItsKeyAndHasNoTryLeftReachesNoHandler) {
  options.ordered = true;
  options.max_in_flight = 3;
  source = std::make_unique<MemorySource>(*loop, MemorySourceOptions{.lease = seconds(10)});
  Recorder dead;
  dead.worker = WorkerLoop::create(*loop, *source, dead, options);
  dead.worker->start();
  push(item("a1", "a"));
  WorkItem once = item("a2", "a");
  once.retry = RetryPolicy{.max_retries = 0};
  push(std::move(once));
  push(item("a3", "a"));
  settle();
  dead.worker->abandon();  // that used up a try of all three
  advance(seconds(10));
  begin_with(*source);
  settle();
  sink.answer("a1", Outcome::ack());
  settle();
  EXPECT_EQ(sink.log, (Strings{"a1#2", "a3#2"}));
  EXPECT_EQ(counts().dead_lettered, 1U);
  ASSERT_EQ(source->dead_letters().size(), 1U);
  EXPECT_EQ(source->dead_letters()[0].reason, "max_retries");
  sink.answer("a3", Outcome::ack());
  settle();
}

TEST_F(WorkerLoopTest, AnObserverSeesEachHandlerBeginAndEndOnce) {
  struct Observer final : WorkObserver {
    void on_begin(std::uint64_t, WorkItem& item) override {
      log.push_back("begin " + item.payload);
      item.trace.flags = 1;
    }
    void on_end(std::uint64_t, const WorkItem& item, const Outcome& outcome, const Settlement& settlement) override {
      log.push_back("end " + item.payload + " " + std::string(name_of(outcome.kind)) + " " + settlement.reason);
    }
    void on_cut(std::uint64_t, const WorkItem& item, CancelReason) override { log.push_back("cut " + item.payload); }
    Strings log;
  } observer;
  options.observer = &observer;
  options.concurrency = 2;
  options.max_in_flight = 3;
  begin();
  for (const char* payload : {"a", "b", "c"}) push(item(payload));
  settle();
  EXPECT_TRUE(sink.given.front().item->trace.sampled());
  Outcome invalid = Outcome::reject("not what it should be");
  invalid.reason = "invalid";
  invalid.details = "[]";
  sink.answer("a", std::move(invalid));
  settle();
  sink.answer("b", Outcome::ack());
  settle();
  sink.worker->cancel();
  settle();
  EXPECT_EQ(observer.log, (Strings{"begin a", "begin b", "end a nack invalid", "begin c", "end b ack ", "cut c"}));
}

TEST_F(WorkerLoopTest, DrainFinishesWhatRunsAndHandsBackWhatDoesNot) {
  options.concurrency = 2;
  options.max_in_flight = 4;
  begin();
  for (const char* payload : {"a", "b", "c", "d", "e"}) push(item(payload));
  settle();
  bool stopped = false;
  bool idle = false;
  sink.worker->stop_taking([&] { stopped = true; });
  sink.worker->finish([&] { idle = true; });
  settle();
  EXPECT_TRUE(stopped);
  EXPECT_FALSE(idle);
  EXPECT_EQ(source->given_out(), 2U) << "c and d are back";
  sink.answer("a", Outcome::ack());
  settle();
  EXPECT_FALSE(idle);
  EXPECT_EQ(sink.log.size(), 2U) << "nothing new began";
  sink.worker->cancel();
  settle();
  EXPECT_TRUE(idle);
  EXPECT_EQ(sink.cancelled, (std::vector<std::pair<std::string, CancelReason>>{{"b", CancelReason::shutdown}}));
  sink.answer("b", Outcome::ack());  // ignored
  settle();
  EXPECT_EQ(counts().acked, 1U);
  EXPECT_EQ(counts().handed_back, 3U);
  EXPECT_EQ(counts().abandoned, 0U);
  EXPECT_EQ(source->size(), 4U);
  // Handed back: no try is used up; deliveries count that a handler began.
  Recorder other;
  WorkerLoopOptions all = options;
  all.concurrency = 10;
  other.worker = WorkerLoop::create(*loop, *source, other, all);
  other.worker->start();
  settle();
  EXPECT_EQ(other.log, (Strings{"b#2", "c#1", "d#1", "e#1"}));
  for (const auto& given : other.given) EXPECT_EQ(given.item->tries, 0U);
  other.worker->abandon();
  settle();
}

TEST_F(WorkerLoopTest, DrainHandsBackTheSuccessorsOfAKeyOnlyWhenTheOneBeforeThemIsSettled) {
  options.concurrency = 2;
  options.max_in_flight = 4;
  options.ordered = true;
  begin();
  push(item("a1", "a"));
  push(item("a2", "a"));
  push(item("a3", "a"));
  settle();
  bool idle = false;
  sink.worker->stop_taking({});
  sink.worker->finish([&] { idle = true; });
  settle();
  EXPECT_EQ(source->given_out(), 3U);
  sink.answer("a1", Outcome::error("x"));
  settle();
  EXPECT_TRUE(idle);
  EXPECT_EQ(source->given_out(), 0U);
  EXPECT_EQ(counts().handed_back, 2U);
}

TEST_F(WorkerLoopTest, CancelHandsBackAKeptItemWithItsTriesAndItsRemainingWait) {
  options.ordered = true;
  options.retry = {.max_retries = 5, .initial = milliseconds(100)};
  begin();
  push(item("a", "k"));
  settle();
  sink.answer("a", Outcome::error("boom"));
  advance(milliseconds(40));
  sink.worker->cancel();
  settle();
  Recorder other;
  other.worker = WorkerLoop::create(*loop, *source, other, options);
  other.worker->start();
  advance(milliseconds(59));
  EXPECT_TRUE(other.log.empty());
  advance(milliseconds(1));
  ASSERT_EQ(other.given.size(), 1U);
  EXPECT_EQ(other.given[0].item->tries, 1U);
  other.worker->abandon();
  settle();
}

TEST_F(WorkerLoopTest, AnEmptyLoopIsIdleAtOnceAndClosesAtOnce) {
  begin();
  settle();
  bool idle = false;
  sink.worker->finish([&] { idle = true; });
  EXPECT_TRUE(idle);
  bool stopped = false;
  sink.worker->stop_taking([&] { stopped = true; });
  settle();
  EXPECT_TRUE(stopped);
}

TEST_F(WorkerLoopTest, EachStepOfADrainTellsEveryoneWhoAsked) {
  begin();
  push(item("a"));
  settle();
  std::string told;
  const auto tell = [&told](char who) { return [&told, who] { told += who; }; };
  for (const char who : {'1', '2'}) sink.worker->stop_taking(tell(who));
  for (const char who : {'3', '4'}) sink.worker->finish(tell(who));
  settle();
  EXPECT_EQ(told, "12");
  for (const char who : {'5', '6'}) sink.worker->close(tell(who));
  settle();
  EXPECT_EQ(told, "123456");
}

/// A source whose answers the test sets.
struct Flaky final : Source {
  explicit Flaky(net::Loop& loop) : inner(loop, {.lease = seconds(9)}) {}
  Task<Result<std::vector<WorkItem>>> pull(std::uint32_t max) override {
    ++pulls;
    if (pulls <= failing_pulls) {
      if (throws) throw std::runtime_error("pull threw");
      co_return Result<std::vector<WorkItem>>(Error(ErrorKind::unavailable, "no broker"));
    }
    Result<std::vector<WorkItem>> items = co_await inner.pull(max);
    co_return items;
  }
  Task<Result<std::vector<std::uint64_t>>> settle(std::span<const Settlement> settlements) override {
    ++settles;
    batches.push_back(settlements.size());
    if (settles <= failing_settles) co_return Result<std::vector<std::uint64_t>>(Error(error, "no broker"));
    Result<std::vector<std::uint64_t>> result = co_await inner.settle(settlements);
    co_return result;
  }
  Task<Result<std::vector<std::uint64_t>>> extend(std::span<const std::uint64_t> ids) override {
    ++extends;
    if (lose) co_return Result<std::vector<std::uint64_t>>(std::vector<std::uint64_t>(ids.begin(), ids.end()));
    if (extends <= failing_extends) co_return Result<std::vector<std::uint64_t>>(Error(ErrorKind::unavailable, "no broker"));
    Result<std::vector<std::uint64_t>> result = co_await inner.extend(ids);
    co_return result;
  }
  Duration lease() const noexcept override { return inner.lease(); }
  MemorySource inner;
  int pulls = 0, failing_pulls = 0, settles = 0, failing_settles = 0, extends = 0, failing_extends = 0;
  bool throws = false, lose = false;
  ErrorKind error = ErrorKind::unavailable;
  std::vector<std::size_t> batches;
};

TEST_F(WorkerLoopTest, AFailingSourceIsPulledAgainWithBackoff) {
  for (const bool throws : {false, true}) {
    Flaky flaky(*loop);
    flaky.failing_pulls = 3;
    flaky.throws = throws;
    sink = Recorder{};
    begin_with(flaky);
    sink.script = [](const WorkItem&) { return Outcome::ack(); };
    ASSERT_TRUE(flaky.inner.push(item("a")).ok());
    settle();
    EXPECT_EQ(flaky.pulls, 1);
    advance(milliseconds(100 + 200));
    EXPECT_EQ(flaky.pulls, 3);
    EXPECT_TRUE(sink.log.empty());
    advance(milliseconds(400));
    EXPECT_EQ(sink.log, Strings{"a#1"});
    TearDown();
  }
}

TEST_F(WorkerLoopTest, AFailingSettlementIsTriedAgainAndHeldMeanwhile) {
  Flaky flaky(*loop);
  flaky.failing_settles = 2;
  begin_with(flaky);
  ASSERT_TRUE(flaky.inner.push(item("a")).ok());
  settle();
  sink.answer("a", Outcome::ack());
  settle();
  EXPECT_EQ(counts().acked, 0U);
  EXPECT_EQ(counts().in_hand, 1U);
  advance(milliseconds(300));
  EXPECT_EQ(counts().acked, 1U);
  EXPECT_EQ(flaky.inner.size(), 0U);
  TearDown();
}

TEST_F(WorkerLoopTest, ASettlementThatCannotBeMadeIsLostAndComesAgainByItsLease) {
  Flaky flaky(*loop);
  flaky.failing_settles = 1;
  flaky.error = ErrorKind::permission_denied;
  begin_with(flaky);
  ASSERT_TRUE(flaky.inner.push(item("a")).ok());
  settle();
  sink.answer("a", Outcome::ack());
  settle();
  EXPECT_EQ(counts().lost, 1U);
  EXPECT_EQ(counts().in_hand, 0U);
  advance(seconds(9));
  EXPECT_EQ(sink.log, (Strings{"a#1", "a#2"}));
  TearDown();
}

TEST_F(WorkerLoopTest, SettlementsOfATurnAreOneBatch) {
  Flaky flaky(*loop);
  options.concurrency = 50;
  begin_with(flaky);
  sink.script = [](const WorkItem&) { return Outcome::ack(); };
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(flaky.inner.push(item(std::to_string(i))).ok());
  settle();
  EXPECT_EQ(flaky.batches, std::vector<std::size_t>{50});
  TearDown();
}

TEST_F(WorkerLoopTest, ALostLeaseCancelsTheHandlerAndFreesItsPlace) {
  Flaky flaky(*loop);
  begin_with(flaky);
  ASSERT_TRUE(flaky.inner.push(item("a")).ok());
  settle();
  flaky.lose = true;
  advance(seconds(3));
  EXPECT_EQ(sink.cancelled, (std::vector<std::pair<std::string, CancelReason>>{{"a", CancelReason::requested}}));
  EXPECT_EQ(counts().lost, 1U);
  EXPECT_EQ(counts().in_hand, 0U);
  sink.answer("a", Outcome::ack());
  settle();
  EXPECT_EQ(counts().acked, 0U);
  TearDown();
}

TEST_F(WorkerLoopTest, TwoMissedExtensionsOfALeaseDoNotLoseIt) {
  Flaky flaky(*loop);
  flaky.failing_extends = 1;
  begin_with(flaky);
  ASSERT_TRUE(flaky.inner.push(item("a")).ok());
  advance(seconds(60));
  EXPECT_EQ(sink.log, Strings{"a#1"});
  TearDown();
}

TEST_F(WorkerLoopTest, CloseGivesUpOnASourceThatStaysAway) {
  Flaky flaky(*loop);
  flaky.failing_settles = 1000;
  begin_with(flaky);
  ASSERT_TRUE(flaky.inner.push(item("a")).ok());
  settle();
  bool closed = false;
  sink.worker->close([&] { closed = true; });
  settle();
  EXPECT_TRUE(closed) << "without waiting for any backoff";
  EXPECT_EQ(counts().abandoned, 1U);
  sink.worker.reset();
}

TEST(DecideTest, BackoffGrowsToItsLimitAndJitterOnlyShortens) {
  const RetryPolicy policy{.initial = milliseconds(100), .factor = 2.0, .max = seconds(1)};
  EXPECT_EQ(backoff(policy, 0, 0.9), milliseconds(100));
  EXPECT_EQ(backoff(policy, 3, 0.9), milliseconds(800));
  EXPECT_EQ(backoff(policy, 4, 0.9), seconds(1));
  EXPECT_EQ(backoff(policy, 4'000'000'000U, 0.0), seconds(1));
  RetryPolicy constant = policy;
  constant.factor = 1.0;
  EXPECT_EQ(backoff(constant, 100, 0.0), milliseconds(100));
  RetryPolicy jittered = policy;
  jittered.jitter = 0.5;
  EXPECT_EQ(backoff(jittered, 0, 0.0), milliseconds(100));
  EXPECT_EQ(backoff(jittered, 0, 0.5), milliseconds(75));
}

TEST(DecideTest, ARetryThatUsesNoTryIsNeverTheLast) {
  WorkItem last = item("a");
  last.tries = 4;
  const RetryPolicy tasks{.max_retries = 3, .retry_uses_try = false};
  EXPECT_EQ(decide(tasks, last, Outcome::retry(seconds(1)), 0).kind, Settlement::Kind::again);
  EXPECT_EQ(decide(RetryPolicy{}, last, Outcome::retry(seconds(1)), 0).kind, Settlement::Kind::dead_letter);
  EXPECT_EQ(decide(tasks, item("a"), Outcome::retry(-seconds(1)), 0).after, Duration::zero());
}

TEST(MemorySourceTest, IsBounded) {
  net::VirtualClock clock;
  auto loop = net::Loop::create(clock).value();
  MemorySource source(*loop, {.capacity = 2});
  EXPECT_TRUE(source.push(item("a")).ok());
  EXPECT_TRUE(source.push(item("b"), hours(1)).ok());
  EXPECT_EQ(source.push(item("c")).error().kind(), ErrorKind::rate_limited);
}

}  // namespace
}  // namespace spikard::worker_loop
