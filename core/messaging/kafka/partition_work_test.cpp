#include "messaging/kafka/partition_work.hpp"

#include <gtest/gtest.h>

#include <random>

namespace spikard::messaging::kafka {
namespace {

using std::chrono::seconds;

const WallTime now{seconds(1'700'000'000)};

Incoming record(std::int64_t offset, std::optional<std::string> key = {}) {
  Incoming out;
  out.offset = offset;
  out.message = Message("t", std::to_string(offset), std::move(key));
  return out;
}

void fill(PartitionWork& work, std::int64_t from, std::int64_t to) {
  for (std::int64_t offset = from; offset < to; ++offset) work.add(record(offset), now);
}

std::vector<std::int64_t> take_all(PartitionWork& work, WallTime at = now, bool ordered = false) {
  std::vector<std::int64_t> out;
  while (const auto given = work.take(at, ordered)) out.push_back(given->offset);
  return out;
}

using Offsets = std::vector<std::int64_t>;

TEST(PartitionWork, TheCommittedOffsetNeverPassesUnfinishedWork) {
  PartitionWork work(10, "");
  fill(work, 10, 15);
  EXPECT_EQ(take_all(work), (Offsets{10, 11, 12, 13, 14}));
  EXPECT_EQ(work.commit_offset(), 10);
  EXPECT_TRUE(work.finish(11));
  EXPECT_TRUE(work.finish(13));
  EXPECT_EQ(work.commit_offset(), 10);
  EXPECT_TRUE(work.finish(10));
  EXPECT_EQ(work.commit_offset(), 12);
  EXPECT_FALSE(work.finish(10)) << "once";
  EXPECT_TRUE(work.finish(12));
  EXPECT_TRUE(work.finish(14));
  EXPECT_EQ(work.commit_offset(), 15);
  EXPECT_EQ(work.note(), "");
}

TEST(PartitionWork, WhoTakesOverDoesOnlyWhatIsNotDone) {
  PartitionWork work(0, "");
  fill(work, 0, 6);
  EXPECT_EQ(take_all(work).size(), 6U);
  work.finish(1);
  work.finish(4);
  Counts counts;
  counts.deliveries = 2;
  counts.tries = 2;
  counts.failures = 1;
  counts.first_error = "no";
  EXPECT_TRUE(work.again(2, counts, now + seconds(5)));
  counts = {};
  EXPECT_TRUE(work.again(3, counts, {}));  // handed back, never begun

  PartitionWork next(work.commit_offset(), work.note());
  fill(next, 0, 8);
  EXPECT_EQ(take_all(next), (Offsets{0, 3, 5, 6, 7}));
  EXPECT_EQ(next.find(0)->counts.tries, 1U) << "it was in hand: its consumer died";
  EXPECT_EQ(next.find(0)->counts.deliveries, 2U);
  EXPECT_EQ(next.find(3)->counts.tries, 0U);
  EXPECT_EQ(next.find(3)->counts.deliveries, 1U);
  EXPECT_EQ(next.next_due(), now + seconds(5));
  EXPECT_EQ(take_all(next, now + seconds(5)), Offsets{2});
  EXPECT_EQ(next.find(2)->counts.failures, 1U);
  EXPECT_EQ(next.find(2)->counts.first_error, "no");
  EXPECT_EQ(next.find(2)->counts.deliveries, 3U);
}

TEST(PartitionWork, ANoteOutlivesAnotherThatHasNotReadIt) {
  PartitionWork work(0, "");
  fill(work, 0, 4);
  (void)take_all(work);
  work.finish(2);
  for (const std::int64_t offset : work.offsets()) {
    Counts counts;
    counts.deliveries = 1;
    EXPECT_TRUE(work.again(offset, counts, {}));
  }
  PartitionWork second(work.commit_offset(), work.note());
  second.add(record(0), now);  // no further
  PartitionWork third(second.commit_offset(), second.note());
  fill(third, 0, 5);
  EXPECT_EQ(take_all(third), (Offsets{0, 1, 3, 4}));
  EXPECT_EQ(third.find(3)->counts.deliveries, 2U);
  EXPECT_EQ(third.find(3)->counts.tries, 0U);
}

TEST(PartitionWork, AKeyThatWaitsHoldsThoseBehindItWhenOrdered) {
  PartitionWork work(0, "");
  work.add(record(0, "a"), now);
  work.add(record(1, "b"), now);
  (void)work.take(now, true);
  work.again(0, {}, now + seconds(1));
  work.add(record(2, "a"), now);
  EXPECT_EQ(take_all(work, now, true), Offsets{1});
  EXPECT_EQ(take_all(work, now + seconds(1), true), (Offsets{0, 2}));
}

TEST(PartitionWork, WhatIsGoneAndWhatWasNeverThere) {
  PartitionWork work(0, "");
  work.add(record(0), now);
  work.add(record(5), now);  // compacted
  work.read_to(9);           // a control batch
  EXPECT_EQ(take_all(work), (Offsets{0, 5}));
  work.drop(0);
  EXPECT_FALSE(work.finish(0));
  EXPECT_EQ(work.commit_offset(), 5);
  EXPECT_EQ(work.in_hand(), 1U);
  work.drop_before(7);
  EXPECT_EQ(work.in_hand(), 0U);
  EXPECT_EQ(work.commit_offset(), 9);
}

TEST(PartitionWork, SeekForgetsWhatLiesBehindAndWhatWasNeverBegun) {
  PartitionWork work(0, "");
  fill(work, 0, 6);
  (void)work.take(now, false);
  (void)work.take(now, false);
  work.seek(4);
  EXPECT_EQ(work.next_offset(), 4);
  EXPECT_TRUE(work.finish(0)) << "it is in hand";
  EXPECT_TRUE(work.finish(1));
  EXPECT_EQ(work.commit_offset(), 4);
  fill(work, 4, 6);
  EXPECT_EQ(take_all(work), (Offsets{4, 5}));
  work.seek(1);
  EXPECT_FALSE(work.finish(4));
  fill(work, 1, 6);
  EXPECT_EQ(take_all(work), (Offsets{1, 2, 3, 4, 5}));
}

TEST(PartitionWork, ANoteIsNeverTooLongAndWhatDoesNotFitIsDoneAgain) {
  PartitionWork work(0, "");
  fill(work, 0, 5000);
  (void)take_all(work);
  for (std::int64_t offset = 1; offset < 5000; offset += 2) work.finish(offset);
  EXPECT_LE(work.note().size(), 4096U);
  PartitionWork next(work.commit_offset(), work.note());
  fill(next, 0, 5000);
  const Offsets again = take_all(next);
  EXPECT_GE(again.size(), 2500U);
  EXPECT_LT(again.size(), 5000U);
  std::set<std::int64_t> all(again.begin(), again.end());
  for (std::int64_t offset = 0; offset < 5000; offset += 2) EXPECT_TRUE(all.contains(offset)) << offset;
}

TEST(PartitionWork, AnyTextIsANote) {
  for (const char* text : {"", "x", "s1.", "s1.!", "s1.AA", "s1.____________", "s1.AP____8P"}) {
    PartitionWork work(3, text);
    fill(work, 3, 5);
    EXPECT_LE(work.commit_offset(), 5) << text;
  }
}

TEST(PartitionWork, RandomLivesLoseNothing) {
  std::mt19937 random(5);
  for (int run = 0; run < 200; ++run) {
    std::set<std::int64_t> done;
    std::int64_t committed = 0;
    std::string note;
    for (int life = 0; life < 6; ++life) {
      PartitionWork work(committed, note);
      std::vector<std::int64_t> hand;
      for (int step = 0; step < 40; ++step) {
        const auto what = random() % 6;
        if (what == 0) fill(work, work.next_offset(), std::min<std::int64_t>(work.next_offset() + 5, 60));
        else if (what < 3) {
          if (const auto given = work.take(now + seconds(step), random() % 2 == 0)) hand.push_back(given->offset);
        } else if (!hand.empty()) {
          const std::size_t at = random() % hand.size();
          const std::int64_t offset = hand[at];
          hand.erase(hand.begin() + static_cast<std::ptrdiff_t>(at));
          if (what == 5) {
            work.again(offset, {}, random() % 2 == 0 ? std::optional(now + seconds(step + 3)) : std::nullopt);
          } else {
            work.finish(offset);
            done.insert(offset);
          }
        }
        ASSERT_TRUE(work.commit_offset() == 0 || [&] {
          for (std::int64_t offset = 0; offset < work.commit_offset(); ++offset) {
            if (!done.contains(offset)) return false;
          }
          return true;
        }()) << run;
        if (random() % 5 == 0) committed = work.commit_offset(), note = work.note();  // what the broker has when it dies
      }
    }
    PartitionWork last(committed, note);
    fill(last, last.next_offset(), 60);
    for (const std::int64_t offset : take_all(last, now + seconds(1000))) done.insert(offset);
    EXPECT_EQ(done.size(), 60U) << run;
  }
}

}  // namespace
}  // namespace spikard::messaging::kafka
