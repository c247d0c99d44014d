// What every store of tasks promises (core/tasks/backend.hpp). A backend joins by one line at the end.
#include <gtest/gtest.h>

#include "base/json.hpp"
#include "tasks/job_json.hpp"
#include "tasks_rig.hpp"

namespace spikard::tasks {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Strings = std::vector<std::string>;

std::optional<Outcome> done(const Job&) { return Outcome::ack("null"); }

NewJob task(std::string name, std::string queue = "q") { return NewJob(std::move(queue), std::move(name)); }
NewJob plain(std::string name, Millis initial, std::uint32_t attempts) {
  NewJob out = task(std::move(name));
  out.max_attempts = attempts;
  out.backoff.initial_ms = initial;
  out.backoff.jitter = 0;
  return out;
}

class TasksContract : public ::testing::TestWithParam<const char*> {
 protected:
  Rig rig{GetParam()};
  Handlers& handlers = rig.handlers();
  WorkerOptions options{"w", "q"};
};

TEST_P(TasksContract, ArgumentsGoInTheResultComesOut) {
  NewJob in = task("sum");
  in.args = R"({"a":1,"b":[null,"ü"]})";
  in.tags = {"x", "y\"z"};
  const Enqueued enqueued = rig.enqueue(in);
  EXPECT_TRUE(enqueued.created);
  EXPECT_EQ(rig.state(enqueued.id), "available");
  handlers.script = [](const Job& job) {
    EXPECT_EQ(job.args, R"({"a":1,"b":[null,"ü"]})");
    return std::optional(Outcome::ack(R"({"s":3})"));
  };
  rig.work(handlers, options);
  const Job job = rig.job(enqueued.id);
  EXPECT_EQ(job.state, JobState::completed);
  EXPECT_EQ(job.result, R"({"s":3})");
  EXPECT_EQ(job.attempt, 1U);
  EXPECT_EQ(job.tags, (Strings{"x", "y\"z"}));
  EXPECT_EQ(job.enqueued_at, rig.now());
  EXPECT_EQ(job.ended_at, rig.now());
}

TEST_P(TasksContract, HigherPriorityFirstThenFirstCome) {
  for (const auto& [name, priority] :
       std::vector<std::pair<const char*, int>>{{"a", 0}, {"b", 5}, {"c", 0}, {"d", 5}, {"e", -1}}) {
    NewJob job = task(name);
    job.priority = priority;
    rig.enqueue(job);
    rig.advance(milliseconds(1));
  }
  options.concurrency = 1;
  handlers.script = done;
  rig.work(handlers, options);
  EXPECT_EQ(handlers.log, (Strings{"b#1", "d#1", "a#1", "c#1", "e#1"}));
}

TEST_P(TasksContract, AHigherPriorityThatComesLaterOvertakesWhatWaits) {
  options.concurrency = 1;
  rig.work(handlers, options);
  const JobId first = rig.enqueue(task("first")).id;
  rig.enqueue(task("low"));
  NewJob high = task("high");
  high.priority = 1;
  rig.enqueue(high);
  handlers.script = done;
  handlers.answer(first, Outcome::ack());
  rig.settle();
  EXPECT_EQ(handlers.log, (Strings{"first#1", "high#1", "low#1"}));
}

TEST_P(TasksContract, DelaysAreExact) {
  handlers.script = done;
  rig.work(handlers, options);
  NewJob delayed = task("delayed");
  delayed.delay_ms = 500;
  const JobId a = rig.enqueue(delayed).id;
  NewJob dated = task("dated");
  dated.run_at = rig.now() + 250;
  rig.enqueue(dated);
  EXPECT_EQ(rig.state(a), "scheduled");
  rig.advance(milliseconds(249));
  EXPECT_EQ(handlers.log, Strings{});
  rig.advance(milliseconds(1));
  EXPECT_EQ(handlers.log, Strings{"dated#1"});
  rig.advance(milliseconds(249));
  EXPECT_EQ(handlers.log, Strings{"dated#1"});
  rig.advance(milliseconds(1));
  EXPECT_EQ(handlers.log, (Strings{"dated#1", "delayed#1"}));
}

TEST_P(TasksContract, WithoutAWorkerAScheduledJobIsAvailableWhenItsTimeHasCome) {
  NewJob delayed = task("delayed");
  delayed.delay_ms = 500;
  const JobId id = rig.enqueue(delayed).id;
  rig.advance(milliseconds(500));
  EXPECT_EQ(rig.state(id), "available");
  JobFilter filter;
  filter.state = JobState::available;
  EXPECT_EQ(rig.await(rig.client->list(rig.caller(), filter))->size(), 1U);
  filter.state = JobState::scheduled;
  EXPECT_EQ(rig.await(rig.client->list(rig.caller(), filter))->size(), 0U);
}

TEST_P(TasksContract, QueuesAreApart) {
  handlers.script = done;
  rig.work(handlers, options);
  rig.enqueue(task("a", "other"));
  rig.enqueue(task("b"));
  EXPECT_EQ(handlers.log, Strings{"b#1"});
  EXPECT_EQ(*rig.await(rig.client->pending_count(rig.caller(), "other")), 1U);
  EXPECT_EQ(*rig.await(rig.client->pending_count(rig.caller(), "nobody")), 0U);
}

TEST_P(TasksContract, AnErrorComesAgainAfterItsBackoffUntilTheLastAttempt) {
  handlers.script = [](const Job&) { return std::optional(Outcome::error("boom")); };
  rig.work(handlers, options);
  const JobId id = rig.enqueue(plain("t", 100, 3)).id;
  EXPECT_EQ(rig.state(id), "retryable");
  EXPECT_EQ(rig.job(id).error, "boom");
  EXPECT_EQ(rig.job(id).error_code, "error");
  rig.advance(milliseconds(99));
  EXPECT_EQ(handlers.log, Strings{"t#1"});
  rig.advance(milliseconds(1));
  EXPECT_EQ(handlers.log, (Strings{"t#1", "t#2"}));
  rig.advance(milliseconds(199));
  EXPECT_EQ(handlers.log.size(), 2U);
  rig.advance(milliseconds(1));
  EXPECT_EQ(handlers.log, (Strings{"t#1", "t#2", "t#3"}));
  const Job job = rig.job(id);
  EXPECT_EQ(job.state, JobState::discarded);
  EXPECT_EQ(job.attempt, 3U);
  EXPECT_EQ(job.error, "boom");
}

TEST_P(TasksContract, AskedToComeAgainUsesNoAttempt) {
  int n = 0;
  handlers.script = [&](const Job&) { return std::optional(++n < 4 ? Outcome::retry(milliseconds(500)) : Outcome::ack()); };
  rig.work(handlers, options);
  const JobId id = rig.enqueue(plain("t", 1, 1)).id;
  EXPECT_EQ(rig.state(id), "retryable");
  rig.advance(milliseconds(1500));
  EXPECT_EQ(rig.state(id), "completed");
  EXPECT_EQ(rig.job(id).attempt, 1U);
  EXPECT_EQ(handlers.log.size(), 4U);
}

TEST_P(TasksContract, AFatalErrorDiscardsAtOnce) {
  handlers.script = [](const Job&) { return std::optional(Outcome::reject("bad input")); };
  rig.work(handlers, options);
  const JobId id = rig.enqueue(plain("t", 1, 9)).id;
  const Job job = rig.job(id);
  EXPECT_EQ(job.state, JobState::discarded);
  EXPECT_EQ(job.attempt, 1U);
  EXPECT_EQ(job.error, "bad input");
  EXPECT_EQ(job.error_code, "fatal");
}

TEST_P(TasksContract, AnUnknownTaskIsDiscardedAndTheQueueGoesOn) {
  options.known = Strings{"a"};
  handlers.script = done;
  rig.work(handlers, options);
  const JobId id = rig.enqueue(task("zzz")).id;
  rig.enqueue(task("a"));
  EXPECT_EQ(handlers.log, Strings{"a#1"});
  EXPECT_EQ(rig.state(id), "discarded");
  EXPECT_EQ(rig.job(id).error_code, "unknown_task");
}

TEST_P(TasksContract, ATimeLimitFailsTheRunAndTellsTheHandler) {
  rig.work(handlers, options);
  NewJob job = plain("t", 0, 2);
  job.timeout_ms = 1000;
  const JobId id = rig.enqueue(job).id;
  rig.advance(milliseconds(999));
  EXPECT_TRUE(handlers.cancelled.empty());
  rig.advance(milliseconds(1));
  EXPECT_EQ(handlers.cancelled, std::vector{CancelReason::deadline});
  EXPECT_EQ(handlers.log, (Strings{"t#1", "t#2"}));
  rig.advance(seconds(1));
  EXPECT_EQ(rig.state(id), "discarded");
  EXPECT_EQ(rig.job(id).error_code, "timeout");
}

TEST_P(TasksContract, TheWorkersLimitIsForJobsWithoutTheirOwn) {
  options.timeout_ms = 100;
  rig.work(handlers, options);
  NewJob own = plain("own", 0, 1);
  own.timeout_ms = 5000;
  const JobId a = rig.enqueue(plain("t", 0, 1)).id;
  const JobId b = rig.enqueue(own).id;
  rig.advance(milliseconds(100));
  EXPECT_EQ(rig.state(a), "discarded");
  EXPECT_EQ(rig.state(b), "running");
}

TEST_P(TasksContract, AsManyAtOnceAsAllowed) {
  options.concurrency = 3;
  rig.work(handlers, options);
  for (int i = 0; i < 6; ++i) rig.enqueue(task("t"));
  EXPECT_EQ(handlers.running.size(), 3U);
  const std::vector<Job> first = handlers.jobs;
  for (const Job& job : first) handlers.answer(job.id, Outcome::ack());
  rig.settle();
  EXPECT_EQ(handlers.log.size(), 6U);
  EXPECT_EQ(handlers.most, 3U);
}

TEST_P(TasksContract, WhatADeadWorkerHeldIsTakenUpWhenItsLeaseIsOver) {
  options.lease_ms = 3000;
  const auto dead = rig.work(handlers, options);
  const JobId id = rig.enqueue(task("t")).id;
  rig.kill(dead);
  Handlers& second = rig.handlers();
  second.script = done;
  rig.work(second, options);
  rig.advance(milliseconds(2999));
  EXPECT_EQ(second.log, Strings{});
  EXPECT_EQ(rig.state(id), "running");
  rig.advance(milliseconds(1));
  EXPECT_EQ(second.log, Strings{"t#2"});
  EXPECT_EQ(rig.state(id), "completed");
}

TEST_P(TasksContract, TheLastAttemptOfADeadWorkerDiscardsTheJobWithoutAnyWorker) {
  options.lease_ms = 3000;
  const auto dead = rig.work(handlers, options);
  const JobId id = rig.enqueue(plain("t", 0, 1)).id;
  rig.kill(dead);
  rig.advance(milliseconds(3000));
  EXPECT_EQ(rig.state(id), "discarded");
  EXPECT_EQ(rig.job(id).error_code, "lease_lost");
}

TEST_P(TasksContract, ALeaseLastsAsLongAsItsHandler) {
  options.lease_ms = 3000;
  rig.work(handlers, options);
  const JobId id = rig.enqueue(task("t")).id;
  Handlers& second = rig.handlers();
  rig.work(second, options);
  rig.advance(minutes(5));
  EXPECT_EQ(second.log, Strings{});
  handlers.answer(id, Outcome::ack("7"));
  rig.settle();
  EXPECT_EQ(rig.job(id).result, "7");
  EXPECT_EQ(rig.job(id).attempt, 1U);
}

TEST_P(TasksContract, OnlyTheTokenOfTheLatestLeaseSettles) {
  Backend& backend = *rig.client->backend();
  const JobId id = rig.enqueue(task("t")).id;
  ClaimRequest claim;
  claim.queue = "q";
  claim.lease_ms = 1000;
  const Job old = rig.await(backend.claim(*rig.loop, claim))->jobs.at(0);
  rig.advance(milliseconds(1000));
  const Job now = rig.await(backend.claim(*rig.loop, claim))->jobs.at(0);
  EXPECT_EQ(now.id, id);
  EXPECT_GT(now.lease, old.lease);
  Completion late;
  late.run = {id, old.lease};
  EXPECT_EQ(*rig.await(backend.settle(*rig.loop, {late})), std::vector<JobId>{id});
  EXPECT_EQ(*rig.await(backend.extend(*rig.loop, {late.run}, 1000)), std::vector<JobId>{id});
  EXPECT_EQ(*rig.await(backend.lost(*rig.loop, {late.run, {id, now.lease}})), std::vector<JobId>{id});
  const Result<void> told = rig.await(backend.progress(*rig.loop, late.run, "1"));
  ASSERT_FALSE(told.ok());
  EXPECT_EQ(told.error().kind(), ErrorKind::conflict);
  EXPECT_EQ(rig.state(id), "running");
  EXPECT_TRUE(rig.await(backend.progress(*rig.loop, {id, now.lease}, "0.5")).ok());
  EXPECT_EQ(rig.job(id).progress, "0.5");
  Completion good;
  good.run = {id, now.lease};
  good.result = "1";
  EXPECT_TRUE(rig.await(backend.settle(*rig.loop, {good}))->empty());
  EXPECT_EQ(rig.state(id), "completed");
  EXPECT_EQ(*rig.await(backend.settle(*rig.loop, {good})), std::vector<JobId>{id});
}

TEST_P(TasksContract, AUniqueKeyGivesTheJobThatHasNotEnded) {
  NewJob job = task("t");
  job.unique_key = "k";
  job.delay_ms = 1000;
  const Enqueued first = rig.enqueue(job);
  job.delay_ms = 0;
  const Enqueued again = rig.enqueue(job);
  EXPECT_EQ(again.id, first.id);
  EXPECT_FALSE(again.created);
  rig.work(handlers, options);
  rig.advance(milliseconds(1000));
  EXPECT_EQ(rig.enqueue(job).id, first.id) << "it runs";
  handlers.answer(first.id, Outcome::ack());
  rig.settle();
  const Enqueued other = rig.enqueue(job);
  EXPECT_TRUE(other.created);
  EXPECT_TRUE(*rig.await(rig.client->cancel(rig.caller(), other.id)));
  const Enqueued third = rig.enqueue(job);
  EXPECT_TRUE(third.created);
  const Result<bool> retried = rig.await(rig.client->retry(rig.caller(), first.id));
  ASSERT_FALSE(retried.ok());
  EXPECT_EQ(retried.error().kind(), ErrorKind::conflict);
}

TEST_P(TasksContract, TwiceTheSameUniqueKeyInOneRequestIsOneJob) {
  NewJob job = task("t");
  job.unique_key = "k";
  const auto jobs = rig.await(rig.client->enqueue_many(rig.caller(), {job, job, task("u")}));
  ASSERT_TRUE(jobs.ok());
  EXPECT_EQ((*jobs)[0].id, (*jobs)[1].id);
  EXPECT_TRUE((*jobs)[0].created);
  EXPECT_FALSE((*jobs)[1].created);
  EXPECT_EQ(*rig.await(rig.client->pending_count(rig.caller(), "q")), 2U);
}

TEST_P(TasksContract, CancelEndsWhatWaits) {
  const JobId id = rig.enqueue(task("t")).id;
  EXPECT_TRUE(*rig.await(rig.client->cancel(rig.caller(), id, "not needed")));
  EXPECT_EQ(rig.state(id), "cancelled");
  EXPECT_EQ(rig.job(id).error, "not needed");
  EXPECT_FALSE(*rig.await(rig.client->cancel(rig.caller(), id)));
  handlers.script = done;
  rig.work(handlers, options);
  EXPECT_EQ(handlers.log, Strings{});
  const Result<bool> unknown = rig.await(rig.client->cancel(rig.caller(), 12345));
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().kind(), ErrorKind::not_found);
}

TEST_P(TasksContract, CancelTellsTheHandlerAndThrowsItsResultAway) {
  options.concurrency = 1;
  rig.work(handlers, options);
  const JobId id = rig.enqueue(task("t")).id;
  rig.enqueue(task("next"));
  EXPECT_TRUE(*rig.await(rig.client->cancel(rig.caller(), id)));
  rig.settle();
  EXPECT_EQ(handlers.cancelled, std::vector{CancelReason::requested});
  EXPECT_EQ(handlers.log, (Strings{"t#1", "next#1"})) << "its place is free";
  EXPECT_EQ(rig.state(id), "cancelled");
  EXPECT_EQ(rig.job(id).result, "");
}

TEST_P(TasksContract, CancelFromAnotherClientOfTheStoreReachesTheHandler) {
  if (!rig.client->backend()->capabilities().shared) GTEST_SKIP() << "one client only";
  rig.work(handlers, options);
  const JobId id = rig.enqueue(task("t")).id;
  const auto other = rig.open();
  EXPECT_TRUE(*rig.await(other->cancel(rig.caller(), id)));
  rig.settle();
  EXPECT_EQ(handlers.cancelled.size(), 1U);
}

TEST_P(TasksContract, AJobThatEndedRunsOnceMore) {
  int n = 0;
  handlers.script = [&](const Job&) { return std::optional(++n == 1 ? Outcome::reject("no") : Outcome::ack("1")); };
  rig.work(handlers, options);
  const JobId id = rig.enqueue(plain("t", 0, 1)).id;
  EXPECT_EQ(rig.state(id), "discarded");
  EXPECT_TRUE(*rig.await(rig.client->retry(rig.caller(), id)));
  rig.settle();
  EXPECT_EQ(rig.state(id), "completed");
  EXPECT_EQ(rig.job(id).attempt, 2U);
  EXPECT_EQ(rig.job(id).error, "");
  NewJob later = task("later");
  later.delay_ms = 1000;
  EXPECT_FALSE(*rig.await(rig.client->retry(rig.caller(), rig.enqueue(later).id)));
  EXPECT_EQ(rig.await(rig.client->retry(rig.caller(), 999)).error().kind(), ErrorKind::not_found);
}

TEST_P(TasksContract, ADrainFinishesWhatRunsAndLeavesTheRest) {
  options.concurrency = 1;
  const auto worker = rig.work(handlers, options);
  const JobId a = rig.enqueue(task("a")).id;
  const JobId b = rig.enqueue(task("b")).id;
  std::optional<Worker::Drained> drained;
  spawn(worker->stop(seconds(2)), [&](const std::exception_ptr&, std::optional<Worker::Drained> out) { drained = out; });
  rig.advance(milliseconds(500));
  handlers.answer(a, Outcome::ack());
  rig.settle();
  ASSERT_TRUE(drained.has_value());
  EXPECT_TRUE(drained->drained);
  EXPECT_EQ(rig.state(a), "completed");
  EXPECT_EQ(rig.state(b), "available");
  EXPECT_EQ(handlers.log, Strings{"a#1"});
  EXPECT_TRUE(handlers.cancelled.empty());
}

TEST_P(TasksContract, AnInterruptedAttemptIsNotCounted) {
  const JobId id = rig.enqueue(plain("t", 0, 1)).id;
  for (int deploy = 0; deploy < 20; ++deploy) {
    Handlers& runs = rig.handlers();
    const auto worker = rig.work(runs, options);
    EXPECT_EQ(runs.log, Strings{"t#1"}) << deploy;
    const Worker::Drained drained = rig.stop(worker, milliseconds(100));
    EXPECT_FALSE(drained.drained);
    EXPECT_EQ(drained.unfinished, 1U);
    EXPECT_EQ(runs.cancelled, std::vector{CancelReason::shutdown});
  }
  handlers.script = done;
  rig.work(handlers, options);
  EXPECT_EQ(rig.job(id).attempt, 1U);
  EXPECT_EQ(rig.state(id), "completed");
}

TEST_P(TasksContract, APausedQueueGivesNothingUntilItIsResumed) {
  handlers.script = done;
  rig.work(handlers, options);
  ASSERT_TRUE(rig.await(rig.client->pause(rig.caller(), "q", true)).ok());
  rig.enqueue(task("t"));
  NewJob delayed = task("d");
  delayed.delay_ms = 100;
  rig.enqueue(delayed);
  rig.advance(seconds(1));
  EXPECT_EQ(handlers.log, Strings{});
  const auto stats = *rig.await(rig.client->queues(rig.caller()));
  ASSERT_EQ(stats.size(), 1U);
  EXPECT_TRUE(stats[0].paused);
  EXPECT_EQ(stats[0].by_state[static_cast<std::size_t>(JobState::available)], 2U);
  ASSERT_TRUE(rig.await(rig.client->pause(rig.caller(), "q", false)).ok());
  rig.settle();
  EXPECT_EQ(handlers.log, (Strings{"t#1", "d#1"}));
}

TEST_P(TasksContract, ARateLimitIsATokenBucket) {
  RateLimit limit;
  limit.count = 10;
  limit.period_ms = 1000;
  limit.burst = 2;
  ASSERT_TRUE(rig.await(rig.client->set_rate_limit(rig.caller(), "q", limit)).ok());
  handlers.script = done;
  rig.work(handlers, options);
  std::vector<NewJob> jobs(6, task("t"));
  ASSERT_TRUE(rig.await(rig.client->enqueue_many(rig.caller(), jobs)).ok());
  rig.settle();
  EXPECT_EQ(handlers.log.size(), 2U);
  rig.advance(milliseconds(99));
  EXPECT_EQ(handlers.log.size(), 2U);
  rig.advance(milliseconds(1));
  EXPECT_EQ(handlers.log.size(), 3U);
  rig.advance(milliseconds(300));
  EXPECT_EQ(handlers.log.size(), 6U);
}

TEST_P(TasksContract, TheLargestRateLimitDoesNotWrap) {
  RateLimit limit;
  limit.count = 1;
  limit.period_ms = 86'400'000LL * 366;
  limit.burst = 4'294'967'295;
  ASSERT_TRUE(rig.await(rig.client->set_rate_limit(rig.caller(), "q", limit)).ok());
  handlers.script = done;
  rig.work(handlers, options);
  ASSERT_TRUE(rig.await(rig.client->enqueue_many(rig.caller(), std::vector<NewJob>(40, task("t")))).ok());
  rig.settle();
  EXPECT_EQ(handlers.log.size(), 40U);
}

TEST_P(TasksContract, OfAConcurrencyKeyNoMoreRunThanItsLimit) {
  options.concurrency = 10;
  rig.work(handlers, options);
  const auto keyed = [](const char* key, std::int32_t priority) {
    NewJob job = task(key);
    job.concurrency_key = key;
    job.concurrency_limit = 2;
    job.priority = priority;
    return job;
  };
  std::vector<JobId> a;
  for (int i = 0; i < 4; ++i) a.push_back(rig.enqueue(keyed("a", i == 3 ? 9 : 0)).id);
  rig.enqueue(keyed("b", 0));
  rig.enqueue(task("free"));
  EXPECT_EQ(handlers.log, (Strings{"a#1", "a#1", "b#1", "free#1"}));
  EXPECT_EQ(rig.state(a[2]), "available");
  handlers.answer(a[0], Outcome::ack());
  rig.settle();
  EXPECT_EQ(rig.state(a[3]), "running") << "the higher priority of those that wait";
  EXPECT_EQ(rig.state(a[2]), "available");
  EXPECT_TRUE(*rig.await(rig.client->cancel(rig.caller(), a[1])));
  rig.settle();
  EXPECT_EQ(rig.state(a[2]), "running");
}

TEST_P(TasksContract, AJobLetOutByItsKeyThatIsCancelledBeforeItRunsLetsTheNextOneOut) {
  const auto keyed = [] {
    NewJob job = task("t");
    job.concurrency_key = "k";
    return job;
  };
  Backend& backend = *rig.client->backend();
  std::vector<JobId> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(rig.enqueue(keyed()).id);
  ClaimRequest claim;
  claim.queue = "q";
  claim.max = 10;
  const auto first = rig.await(backend.claim(*rig.loop, claim))->jobs;
  ASSERT_EQ(first.size(), 1U);
  Completion good;
  good.run = {first[0].id, first[0].lease};
  EXPECT_TRUE(rig.await(backend.settle(*rig.loop, {good}))->empty());
  EXPECT_TRUE(*rig.await(rig.client->cancel(rig.caller(), ids[1])));
  const auto second = rig.await(backend.claim(*rig.loop, claim))->jobs;
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].id, ids[2]);
}

TEST_P(TasksContract, APausedQueueKeepsNoPlaceOfAConcurrencyKeyFromAnother) {
  const auto keyed = [](const char* queue) {
    NewJob job = task("t", queue);
    job.concurrency_key = "k";
    return job;
  };
  const auto claim = [&](const char* queue) {
    ClaimRequest request;
    request.queue = queue;
    request.max = 10;
    return rig.await(rig.client->backend()->claim(*rig.loop, request))->jobs;
  };
  rig.enqueue(keyed("q"));
  for (const char* queue : {"paused", "paused", "q", "q"}) rig.enqueue(keyed(queue));
  std::vector<Job> running = claim("q");
  ASSERT_EQ(running.size(), 1U);
  EXPECT_TRUE(claim("paused").empty());
  ASSERT_TRUE(rig.await(rig.client->pause(rig.caller(), "paused", true)).ok());
  for (int i = 0; i < 2; ++i) {
    Completion good;
    good.run = {running[0].id, running[0].lease};
    EXPECT_TRUE(rig.await(rig.client->backend()->settle(*rig.loop, {good}))->empty());
    running = claim("q");
    ASSERT_EQ(running.size(), 1U) << "the first of the other queue came before it";
  }
  ASSERT_TRUE(rig.await(rig.client->pause(rig.caller(), "paused", false)).ok());
  EXPECT_TRUE(claim("paused").empty()) << "its place is taken";
  Completion good;
  good.run = {running[0].id, running[0].lease};
  EXPECT_TRUE(rig.await(rig.client->backend()->settle(*rig.loop, {good}))->empty());
  EXPECT_EQ(claim("paused").size(), 1U);
}

TEST_P(TasksContract, ADependantWaitsUntilAllItNeedsHaveCompleted) {
  rig.work(handlers, options);
  const JobId a = rig.enqueue(task("a")).id;
  const JobId b = rig.enqueue(task("b")).id;
  NewJob needs = task("c");
  needs.depends_on = {a, b};
  const JobId c = rig.enqueue(needs).id;
  needs.task = "d";
  needs.depends_on = {c};
  const JobId d = rig.enqueue(needs).id;
  EXPECT_EQ(rig.state(c), "pending");
  handlers.answer(a, Outcome::ack());
  rig.settle();
  EXPECT_EQ(rig.state(c), "pending");
  handlers.answer(b, Outcome::ack());
  rig.settle();
  EXPECT_EQ(rig.state(c), "running");
  EXPECT_EQ(rig.state(d), "pending");
  handlers.answer(c, Outcome::ack());
  rig.settle();
  EXPECT_EQ(rig.state(d), "running");
  needs.task = "late";
  needs.depends_on = {a};
  EXPECT_EQ(rig.state(rig.enqueue(needs).id), "running") << "what it needs has completed before";
}

TEST_P(TasksContract, ADiscardedDependencyCancelsItsDependantsWithTheReason) {
  rig.work(handlers, options);
  const JobId a = rig.enqueue(plain("a", 0, 1)).id;
  NewJob needs = task("b");
  needs.depends_on = {a};
  const JobId b = rig.enqueue(needs).id;
  needs.depends_on = {b};
  const JobId c = rig.enqueue(needs).id;
  handlers.answer(a, Outcome::error("boom"));
  rig.settle();
  EXPECT_EQ(rig.state(b), "cancelled");
  EXPECT_EQ(rig.job(b).error_code, "dependency");
  EXPECT_EQ(rig.job(b).error, "job " + std::to_string(a) + ", which it depends on, was discarded");
  EXPECT_EQ(rig.state(c), "cancelled");
  needs.depends_on = {a};
  EXPECT_EQ(rig.state(rig.enqueue(needs).id), "cancelled");
  needs.depends_on = {777};
  EXPECT_EQ(rig.await(rig.client->enqueue(rig.caller(), needs)).error().kind(), ErrorKind::not_found);
}

TEST_P(TasksContract, ADependantWithADelayHasBothToWaitFor) {
  rig.work(handlers, options);
  const JobId a = rig.enqueue(task("a")).id;
  NewJob needs = task("b");
  needs.depends_on = {a};
  needs.delay_ms = 1000;
  const JobId b = rig.enqueue(needs).id;
  handlers.answer(a, Outcome::ack());
  rig.settle();
  EXPECT_EQ(rig.state(b), "scheduled");
  rig.advance(milliseconds(1000));
  EXPECT_EQ(rig.state(b), "running");
}

TEST_P(TasksContract, ABatchCountsAndReleasesItsCallbackWhenAllHaveEnded) {
  rig.work(handlers, options);
  const auto made =
      rig.await(rig.client->enqueue_batch(rig.caller(), {plain("a", 0, 1), plain("b", 0, 1), task("c", "idle")}, task("after")));
  ASSERT_TRUE(made.ok());
  rig.settle();
  EXPECT_EQ(rig.state(made->callback), "pending");
  handlers.answer(made->jobs[0].id, Outcome::ack());
  handlers.answer(made->jobs[1].id, Outcome::error("x"));
  rig.settle();
  Batch batch = *rig.await(rig.client->batch(rig.caller(), made->batch));
  EXPECT_EQ(batch.total, 3U);
  EXPECT_EQ(batch.pending(), 1U);
  EXPECT_EQ(batch.completed, 1U);
  EXPECT_EQ(batch.discarded, 1U);
  NewJob more = task("more", "idle");
  more.batch = made->batch;
  const JobId joined = rig.enqueue(more).id;
  EXPECT_TRUE(*rig.await(rig.client->cancel(rig.caller(), made->jobs[2].id)));
  EXPECT_EQ(rig.state(made->callback), "pending");
  EXPECT_TRUE(*rig.await(rig.client->cancel(rig.caller(), joined)));
  rig.settle();
  EXPECT_EQ(rig.state(made->callback), "running");
  EXPECT_EQ(rig.job(made->callback).callback_of, made->batch);
  batch = *rig.await(rig.client->batch(rig.caller(), made->batch));
  EXPECT_EQ(batch.cancelled, 2U);
  EXPECT_EQ(batch.callback, made->callback);
  EXPECT_EQ(rig.await(rig.client->enqueue(rig.caller(), more)).error().kind(), ErrorKind::conflict);
  EXPECT_EQ(rig.await(rig.client->batch(rig.caller(), 99)).error().kind(), ErrorKind::not_found);
}

TEST_P(TasksContract, ABatchOfNothingNewIsDoneAtOnce) {
  NewJob job = task("t");
  job.unique_key = "k";
  rig.enqueue(job);
  const auto made = rig.await(rig.client->enqueue_batch(rig.caller(), {job}, task("after", "other")));
  ASSERT_TRUE(made.ok());
  EXPECT_FALSE(made->jobs[0].created);
  EXPECT_EQ(rig.state(made->callback), "available");
}

TEST_P(TasksContract, ACallbackIsCheckedLikeAnyJob) {
  const auto batch = [&](NewJob job, NewJob callback) {
    return rig.await(rig.client->enqueue_batch(rig.caller(), {std::move(job)}, std::move(callback)));
  };
  NewJob callback = task("after", "other");
  callback.depends_on = {12345};
  auto made = batch(task("a"), callback);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().kind(), ErrorKind::not_found);
  callback.depends_on = {};
  callback.unique_key = "k";
  NewJob holder = task("holder");
  holder.unique_key = "k";
  made = batch(holder, callback);
  ASSERT_FALSE(made.ok()) << "a job of the same request has it";
  EXPECT_EQ(made.error().kind(), ErrorKind::conflict);
  const JobId first = rig.enqueue(holder).id;
  made = batch(task("a"), callback);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().kind(), ErrorKind::conflict);
  EXPECT_EQ(rig.enqueue(holder).id, first) << "it is still its key";
  EXPECT_EQ(*rig.await(rig.client->pending_count(rig.caller(), "q")), 1U) << "nothing of what was refused is there";
  EXPECT_EQ(*rig.await(rig.client->pending_count(rig.caller(), "other")), 0U);
  callback.unique_key.clear();
  callback.batch = rig.await(rig.client->enqueue_batch(rig.caller(), {task("b")}, std::nullopt))->batch;
  made = batch(task("a"), callback);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(rig.job(made->callback).batch, 0) << "it waits for one, and is in none";
  EXPECT_EQ(rig.await(rig.client->batch(rig.caller(), callback.batch))->total, 1U);
}

TEST_P(TasksContract, ABatchThatIsForgottenDoesNotComeBackWithAJobThatIsTriedAgain) {
  handlers.script = done;
  rig.work(handlers, options);
  const auto open = rig.await(rig.client->enqueue_batch(rig.caller(), {task("waits", "idle")}, std::nullopt));
  NewJob kept = task("t");
  kept.retention_ms = 1'000'000'000;
  const auto made = rig.await(rig.client->enqueue_batch(rig.caller(), {kept}, std::nullopt));
  ASSERT_TRUE(open.ok() && made.ok());
  rig.settle();
  EXPECT_EQ(rig.state(made->jobs[0].id), "completed");
  rig.advance(hours(24 * 7 + 1));
  rig.enqueue(task("looks"));
  EXPECT_EQ(rig.await(rig.client->batch(rig.caller(), made->batch)).error().kind(), ErrorKind::not_found);
  EXPECT_TRUE(*rig.await(rig.client->retry(rig.caller(), made->jobs[0].id)));
  rig.settle();
  EXPECT_EQ(rig.job(made->jobs[0].id).attempt, 2U);
  EXPECT_EQ(rig.state(made->jobs[0].id), "completed");
  EXPECT_EQ(rig.await(rig.client->batch(rig.caller(), made->batch)).error().kind(), ErrorKind::not_found);
  EXPECT_EQ(rig.await(rig.client->batch(rig.caller(), open->batch))->pending(), 1U);
}

TEST_P(TasksContract, AResultGoesWhenItsRetentionIsOver) {
  handlers.script = done;
  rig.work(handlers, options);
  NewJob job = task("t");
  job.retention_ms = 5000;
  const JobId id = rig.enqueue(job).id;
  const JobId other = rig.enqueue(task("other")).id;
  rig.advance(milliseconds(4999));
  EXPECT_EQ(rig.state(id), "completed");
  rig.advance(milliseconds(1));
  EXPECT_EQ(rig.await(rig.client->job(rig.caller(), id)).error().kind(), ErrorKind::not_found);
  EXPECT_EQ(rig.await(rig.client->list(rig.caller(), {}))->size(), 1U);
  rig.advance(hours(25));
  rig.enqueue(task("looks"));
  EXPECT_EQ(rig.await(rig.client->job(rig.caller(), other)).error().kind(), ErrorKind::not_found);
}

TEST_P(TasksContract, ListsByFilterAndPage) {
  std::vector<JobId> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(rig.enqueue(task(i % 2 == 0 ? "even" : "odd", i < 3 ? "q" : "r")).id);
  const auto list = [&](JobFilter filter) {
    std::vector<JobId> out;
    const auto found = rig.await(rig.client->list(rig.caller(), std::move(filter)));
    for (const Job& job : *found) out.push_back(job.id);
    return out;
  };
  JobFilter filter;
  filter.limit = 2;
  EXPECT_EQ(list(filter), (std::vector<JobId>{ids[0], ids[1]}));
  filter.after = ids[1];
  EXPECT_EQ(list(filter), (std::vector<JobId>{ids[2], ids[3]}));
  filter = {};
  filter.task = "even";
  filter.queue = "q";
  EXPECT_EQ(list(filter), (std::vector<JobId>{ids[0], ids[2]}));
  filter = {};
  filter.state = JobState::running;
  EXPECT_EQ(list(filter), std::vector<JobId>{});
}

TEST_P(TasksContract, WaitingForAJob) {
  rig.work(handlers, options);
  const JobId id = rig.enqueue(task("t")).id;
  std::optional<Result<Job>> ended;
  spawn(rig.client->wait(rig.caller(), id, seconds(10)),
        [&](const std::exception_ptr&, std::optional<Result<Job>> out) { ended = std::move(out); });
  rig.advance(seconds(1));
  EXPECT_FALSE(ended.has_value());
  handlers.answer(id, Outcome::ack("5"));
  rig.settle();
  ASSERT_TRUE(ended.has_value() && ended->ok());
  EXPECT_EQ((*ended)->result, "5");
  const JobId other = rig.enqueue(task("u")).id;
  ended.reset();
  spawn(rig.client->wait(rig.caller(), other, seconds(10)),
        [&](const std::exception_ptr&, std::optional<Result<Job>> out) { ended = std::move(out); });
  rig.advance(seconds(10));
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->error().kind(), ErrorKind::timeout);
}

TEST_P(TasksContract, AnEntryOfTheOutboxThatComesTwiceIsOneJob) {
  const std::string entry = new_job_to_json(task("t"));
  EXPECT_TRUE(rig.await(rig.client->enqueue_entry(rig.caller(), entry, "outbox/1")).ok());
  EXPECT_TRUE(rig.await(rig.client->enqueue_entry(rig.caller(), entry, "outbox/1")).ok());
  EXPECT_TRUE(rig.await(rig.client->enqueue_entry(rig.caller(), entry, "outbox/2")).ok());
  EXPECT_EQ(*rig.await(rig.client->pending_count(rig.caller(), "q")), 2U);
}

TEST_P(TasksContract, RefusesWhatCannotBeAJob) {
  const auto kind = [&](NewJob job) {
    const Result<Enqueued> done = rig.await(rig.client->enqueue(rig.caller(), std::move(job)));
    return done.ok() ? std::string("ok") : done.error().message().substr(0, done.error().message().find(':'));
  };
  NewJob job = task("");
  EXPECT_EQ(kind(job), "task");
  job = task("t", "");
  EXPECT_EQ(kind(job), "queue");
  job = task("t");
  job.args = "{";
  EXPECT_EQ(kind(job), "args");
  job = task("t");
  job.max_attempts = 0;
  EXPECT_EQ(kind(job), "max_attempts");
  job = task("t");
  job.delay_ms = 1;
  job.run_at = 1;
  EXPECT_EQ(kind(job), "run_at, delay_ms");
  job = task("t");
  job.backoff.factor = 0.5;
  EXPECT_EQ(kind(job), "backoff");
  EXPECT_EQ(*rig.await(rig.client->pending_count(rig.caller(), "q")), 0U);
}

// ---- schedules

Schedule every(const char* cron, const char* queue = "q") {
  Schedule out;
  out.name = "s";
  out.cron = cron;
  out.queue = queue;
  out.task = "tick";
  return out;
}

TEST_P(TasksContract, CronMakesOneJobEachTimeWhoeverFires) {
  ASSERT_TRUE(rig.await(rig.client->schedule(rig.caller(), every("*/15 * * * *"))).ok());
  for (int i = 0; i < 5; ++i) rig.schedule();
  handlers.script = done;
  rig.work(handlers, options);
  const Millis begin = rig.now();
  rig.advance(minutes(45));
  ASSERT_EQ(handlers.jobs.size(), 3U);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(handlers.jobs[i].scheduled_at, begin + 900'000 * (i + 1));
  EXPECT_EQ(handlers.jobs[0].schedule, "s");
}

TEST_P(TasksContract, AMonthOfCronIsAllThere) {
  ASSERT_TRUE(rig.await(rig.client->schedule(rig.caller(), every("0 */6 * * *"))).ok());
  rig.schedule();
  handlers.script = done;
  rig.work(handlers, options);
  rig.advance(hours(24 * 30));
  EXPECT_EQ(handlers.log.size(), 120U);
}

TEST_P(TasksContract, MissedTimesFollowTheirPolicy) {
  rig.advance(minutes(30));
  for (const auto& [name, misfire] :
       std::vector<std::pair<const char*, Misfire>>{{"skip", Misfire::skip}, {"once", Misfire::once}, {"all", Misfire::all}}) {
    Schedule schedule = every("0 * * * *", name);
    schedule.name = name;
    schedule.misfire = misfire;
    ASSERT_TRUE(rig.await(rig.client->schedule(rig.caller(), schedule)).ok());
  }
  rig.advance(milliseconds(10'801'000));
  rig.schedule();
  const auto count = [&](const char* queue) { return *rig.await(rig.client->pending_count(rig.caller(), queue)); };
  EXPECT_EQ(count("skip"), 0U);
  EXPECT_EQ(count("once"), 1U);
  EXPECT_EQ(count("all"), 3U);
  JobFilter filter;
  filter.schedule = "once";
  const Millis midnight = 1767225600000;
  EXPECT_EQ(rig.await(rig.client->list(rig.caller(), filter))->at(0).scheduled_at, midnight + 3 * 3'600'000);
  rig.advance(minutes(30));
  EXPECT_EQ(count("skip"), 1U);
  EXPECT_EQ(count("once"), 2U);
  EXPECT_EQ(count("all"), 4U);
}

TEST_P(TasksContract, AYearOfMissedSecondsIsFoundQuicklyAndOnce) {
  Schedule schedule = every("* * * * * *");
  ASSERT_TRUE(rig.await(rig.client->schedule(rig.caller(), schedule)).ok());
  rig.advance(hours(24 * 366));
  rig.schedule();
  EXPECT_EQ(*rig.await(rig.client->pending_count(rig.caller(), "q")), 2U)
      << "the latest missed one, and that of this very second";
}

TEST_P(TasksContract, OverlapForbidLeavesOutATimeWhileTheJobBeforeRuns) {
  Schedule schedule = every("* * * * *");
  schedule.overlap = Overlap::forbid;
  ASSERT_TRUE(rig.await(rig.client->schedule(rig.caller(), schedule)).ok());
  rig.schedule();
  rig.work(handlers, options);
  rig.advance(minutes(1));
  ASSERT_EQ(handlers.jobs.size(), 1U);
  rig.advance(minutes(1) + seconds(30));
  EXPECT_EQ(handlers.jobs.size(), 1U);
  handlers.answer(handlers.jobs[0].id, Outcome::ack());
  rig.advance(seconds(30));
  ASSERT_EQ(handlers.jobs.size(), 2U);
  EXPECT_EQ(handlers.jobs[1].scheduled_at - handlers.jobs[0].scheduled_at, 120'000);
}

TEST_P(TasksContract, AScheduleKeepsItsNextTimeUntilItsExpressionChanges) {
  Schedule schedule = every("0 * * * *");
  const Millis first = rig.await(rig.client->schedule(rig.caller(), schedule))->next_at;
  rig.advance(minutes(90));
  schedule.args = "[1]";
  EXPECT_EQ(rig.await(rig.client->schedule(rig.caller(), schedule))->next_at, first)
      << "no scheduler ran: the time is still owed";
  schedule.cron = "30 * * * *";
  EXPECT_EQ(rig.await(rig.client->schedule(rig.caller(), schedule))->next_at, first + 90 * 60'000);
  const auto all = *rig.await(rig.client->schedules(rig.caller()));
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].args, "[1]");
  EXPECT_TRUE(*rig.await(rig.client->unschedule(rig.caller(), "s")));
  EXPECT_FALSE(*rig.await(rig.client->unschedule(rig.caller(), "s")));
  schedule.cron = "0 0 30 2 *";
  EXPECT_EQ(rig.await(rig.client->schedule(rig.caller(), schedule)).error().detail(), "invalid_cron");
  schedule.cron = "@daily";
  schedule.timezone = "Mars/Olympus";
  EXPECT_EQ(rig.await(rig.client->schedule(rig.caller(), schedule)).error().detail(), "invalid_timezone");
}

TEST_P(TasksContract, AScheduleMadeWhileASchedulerRunsIsFired) {
  rig.schedule();
  handlers.script = done;
  rig.work(handlers, options);
  ASSERT_TRUE(rig.await(rig.client->schedule(rig.caller(), every("* * * * *"))).ok());
  rig.settle();
  rig.advance(minutes(2));
  EXPECT_EQ(handlers.log.size(), 2U);
  EXPECT_TRUE(*rig.await(rig.client->unschedule(rig.caller(), "s")));
  rig.settle();
  rig.advance(minutes(2));
  EXPECT_EQ(handlers.log.size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(memory, TasksContract, ::testing::Values("memory"),
                         [](const auto& at) { return std::string(at.param); });
#ifdef SPIKARD_TEST_TASKS_SQLITE
INSTANTIATE_TEST_SUITE_P(sqlite, TasksContract, ::testing::Values("sqlite"),
                         [](const auto& at) { return std::string(at.param); });
#endif
#ifdef SPIKARD_TEST_TASKS_POSTGRES
INSTANTIATE_TEST_SUITE_P(Server_postgres, TasksContract, ::testing::Values("postgres"),
                         [](const auto& at) { return std::string(at.param); });
#endif
#ifdef SPIKARD_TEST_TASKS_MYSQL
INSTANTIATE_TEST_SUITE_P(Server_mysql, TasksContract, ::testing::Values("mysql"),
                         [](const auto& at) { return std::string(at.param); });
#endif
#ifdef SPIKARD_TEST_TASKS_REDIS
INSTANTIATE_TEST_SUITE_P(Server_redis, TasksContract, ::testing::Values("redis"),
                         [](const auto& at) { return std::string(at.param); });
#endif

}  // namespace
}  // namespace spikard::tasks
