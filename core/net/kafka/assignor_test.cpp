#include "net/kafka/assignor.hpp"

#include <gtest/gtest.h>

#include <random>

namespace spikard::net::kafka {
namespace {

using Members = std::map<std::string, MemberSubscription>;
using Plan = std::map<std::string, std::vector<TopicPartition>>;

MemberSubscription member(std::vector<std::string> topics, std::vector<TopicPartition> owned = {}, std::int32_t generation = 1) {
  MemberSubscription out;
  out.topics = std::move(topics);
  out.owned = std::move(owned);
  out.generation = generation;
  return out;
}

/// What the members hold after as many rebalances as it takes.
int settle(Members& members, const std::map<std::string, std::int32_t>& partitions) {
  for (int round = 1; round < 10; ++round) {
    const Plan plan = assign_cooperative(members, partitions);
    bool changed = false;
    for (auto& [id, one] : members) {
      std::set<TopicPartition> now(one.owned.begin(), one.owned.end());
      const std::set<TopicPartition> next(plan.at(id).begin(), plan.at(id).end());
      changed = changed || now != next;
      one.owned = plan.at(id);
      one.generation = round;
    }
    if (!changed) return round;
  }
  return -1;
}

TEST(CooperativeSticky, SubscriptionsAndAssignmentsAreReadAsWritten) {
  const MemberSubscription in = member({"a", "b"}, {{"a", 0}, {"a", 2}, {"b", 7}}, 5);
  const Result<MemberSubscription> out = read_subscription(write_subscription(in));
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(out->topics, in.topics);
  EXPECT_EQ(out->owned, in.owned);
  EXPECT_EQ(out->generation, 5);
  const Result<std::vector<TopicPartition>> assignment = read_assignment(write_assignment(in.owned));
  ASSERT_TRUE(assignment.ok());
  EXPECT_EQ(*assignment, in.owned);
  EXPECT_TRUE(read_assignment("")->empty());
}

TEST(CooperativeSticky, TheBytesOfASubscriptionOfJava) {
  // ConsumerProtocolSubscription, version 1: topics [t], user data = generation 3, owned t-0.
  const std::string bytes("\0\1\0\0\0\1\0\1t\0\0\0\4\0\0\0\3\0\0\0\1\0\1t\0\0\0\1\0\0\0\0", 32);
  const Result<MemberSubscription> out = read_subscription(bytes);
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(out->topics, std::vector<std::string>{"t"});
  EXPECT_EQ(out->generation, 3);
  EXPECT_EQ(out->owned, (std::vector<TopicPartition>{{"t", 0}}));
  EXPECT_FALSE(read_subscription(bytes.substr(0, 20)).ok());
  EXPECT_FALSE(read_subscription("").ok());
}

TEST(CooperativeSticky, WhatMovesIsFirstLetGo) {
  Members members{{"a", member({"t"})}};
  EXPECT_EQ(settle(members, {{"t", 6}}), 2);
  EXPECT_EQ(members["a"].owned.size(), 6U);
  members["b"] = member({"t"});
  const Plan plan = assign_cooperative(members, {{"t", 6}});
  EXPECT_EQ(plan.at("a").size(), 3U);
  EXPECT_TRUE(plan.at("b").empty()) << "a has not let go of them";
  EXPECT_GT(settle(members, {{"t", 6}}), 0);
  EXPECT_EQ(members["a"].owned.size(), 3U);
  EXPECT_EQ(members["b"].owned.size(), 3U);
}

TEST(CooperativeSticky, WhoStaysKeepsWhatItHas) {
  Members members{{"a", member({"t"})}, {"b", member({"t"})}, {"c", member({"t"})}};
  ASSERT_GT(settle(members, {{"t", 9}}), 0);
  const std::vector<TopicPartition> a = members["a"].owned;
  members.erase("c");
  ASSERT_GT(settle(members, {{"t", 9}}), 0);
  for (const TopicPartition& one : a)
    EXPECT_NE(std::find(members["a"].owned.begin(), members["a"].owned.end(), one), members["a"].owned.end());
  EXPECT_EQ(members["a"].owned.size() + members["b"].owned.size(), 9U);
}

TEST(CooperativeSticky, OfTwoClaimsTheLaterGenerationCounts) {
  Members members{{"old", member({"t"}, {{"t", 0}}, 3)}, {"new", member({"t"}, {{"t", 0}}, 4)}};
  const Plan plan = assign_cooperative(members, {{"t", 1}});
  EXPECT_EQ(plan.at("new").size(), 1U);
  EXPECT_TRUE(plan.at("old").empty());
}

TEST(CooperativeSticky, RandomGroupsEndEvenAndWhole) {
  std::mt19937 random(7);
  for (int run = 0; run < 300; ++run) {
    std::map<std::string, std::int32_t> partitions;
    for (int t = 0; t < 3; ++t) partitions["t" + std::to_string(t)] = static_cast<std::int32_t>(random() % 8);
    Members members;
    for (int change = 0; change < 6; ++change) {
      if (members.size() > 1 && random() % 3 == 0) members.erase(members.begin());
      MemberSubscription joins;
      for (const auto& [topic, count] : partitions) {
        if (random() % 4 != 0) joins.topics.push_back(topic);
      }
      members["m" + std::to_string(run) + "-" + std::to_string(change)] = joins;
      ASSERT_GT(settle(members, partitions), 0) << run;
      std::map<TopicPartition, int> held;
      std::set<std::string> wanted;
      for (const auto& [id, one] : members) {
        wanted.insert(one.topics.begin(), one.topics.end());
        for (const TopicPartition& p : one.owned) {
          ++held[p];
          ASSERT_NE(std::find(one.topics.begin(), one.topics.end(), p.topic), one.topics.end());
        }
      }
      std::size_t expected = 0;
      for (const std::string& topic : wanted) expected += static_cast<std::size_t>(partitions[topic]);
      ASSERT_EQ(held.size(), expected);
      for (const auto& [p, count] : held) ASSERT_EQ(count, 1);
      // As even as can be: nobody could give one to another who has two less.
      for (const auto& [id, one] : members) {
        for (const TopicPartition& p : one.owned) {
          for (const auto& [other, his] : members) {
            if (std::find(his.topics.begin(), his.topics.end(), p.topic) != his.topics.end())
              ASSERT_LE(one.owned.size(), his.owned.size() + 1);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace spikard::net::kafka
