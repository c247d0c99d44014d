#include "tasks/redis/redis.hpp"

#include <gtest/gtest.h>

#include "net/redis/resp.hpp"
#include "tasks/redis/names.hpp"
#include "tasks/redis/record.hpp"

namespace spikard::tasks::redis {
namespace {

TEST(RedisTaskNames, AnIdSaysWhereItIs) {
  const Place place{(std::uint64_t{1} << 46) + 7, 65'535};
  EXPECT_EQ(Place::of(place.id()).sequence, place.sequence);
  EXPECT_EQ(Place::of(place.id()).queue, place.queue);
  EXPECT_GT(place.id(), 0);
  EXPECT_LT((Place{5, 65'535}).id(), (Place{6, 1}).id()) << "later ones are larger, whatever the queue";
  EXPECT_EQ(Place::of(0).queue, 0U);
  EXPECT_EQ(Place::of(-1).queue, 0U);
  EXPECT_GT((Place{Place::most_sequence, Place::most_queues}).id(), 0);
  EXPECT_EQ(digits15(7), "000000000000007");
  EXPECT_EQ(digits15(Place::most_sequence).size(), 15U);
}

TEST(RedisTaskNames, QueuesOfAnyBytesAndBack) {
  const Names names("p");
  EXPECT_EQ(names.base("mail"), "p:{mail}:");
  for (const std::string queue : {"mail", "a:b", "}:j:1", "{x}", "%7D", "100%", "\xff\x01", "p:{a}:"}) {
    const std::string base = names.base(queue);
    EXPECT_EQ(names.queue_of(base), queue) << base;
    EXPECT_EQ(base.find('}'), base.size() - 2) << "one hash tag: " << base;
  }
  for (const char* text : {"", "p", "p:", "p:{", "p:{}:", "p:{a}", "q:{a}:", "p:{a%}:", "p:{a%41}:", "p:{a}:}:"})
    EXPECT_FALSE(names.queue_of(text)) << text;
}

std::string resp(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string out = "*" + std::to_string(2 * fields.size()) + "\r\n";
  for (const auto& [name, value] : fields) {
    for (const std::string& text : {name, value}) out += "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
  }
  return out;
}

TEST(RedisTaskRecords, AJobIsReadAsItWasWritten) {
  NewJob in("q", "send", R"({"a":1})");
  in.priority = -3;
  in.max_attempts = 9;
  in.backoff = {5, 1.5, 70, 0.25};
  in.timeout_ms = 11;
  in.unique_key = "u";
  in.concurrency_key = "c";
  in.concurrency_limit = 4;
  in.batch = 12;
  in.tags = {"x", "y\"z"};
  in.retention_ms = 13;
  in.schedule = "s";
  in.scheduled_at = 14;
  in.trace = "00-1\n2";
  std::vector<std::pair<std::string, std::string>> fields{{"id", "65537"},       {"state", "running"}, {"lease", "3"},
                                                          {"lease_until", "77"}, {"attempt", "2"},     {"progress", "0.5"},
                                                          {"new one", "x"}};
  each_field(in, 21, "p:{q}:b:1", [&](std::string_view name, std::string_view value) { fields.emplace_back(name, value); });
  const std::string text = resp(fields);
  net::redis::Parser parser;
  ASSERT_EQ(parser.parse(text), net::redis::Parser::Status::done);
  const std::optional<Job> job = read_job(parser.view(text), "q");
  ASSERT_TRUE(job);
  EXPECT_EQ(job->id, 65537);
  EXPECT_EQ(job->queue, "q");
  EXPECT_EQ(job->task, "send");
  EXPECT_EQ(job->args, in.args);
  EXPECT_EQ(job->state, JobState::running);
  EXPECT_EQ(job->priority, -3);
  EXPECT_EQ(job->max_attempts, 9U);
  EXPECT_EQ(job->backoff.initial_ms, 5);
  EXPECT_EQ(job->backoff.factor, 1.5);
  EXPECT_EQ(job->backoff.max_ms, 70);
  EXPECT_EQ(job->backoff.jitter, 0.25);
  EXPECT_EQ(job->timeout_ms, 11);
  EXPECT_EQ(job->unique_key, "u");
  EXPECT_EQ(job->concurrency_key, "c");
  EXPECT_EQ(job->concurrency_limit, 4U);
  EXPECT_EQ(job->batch, 12);
  EXPECT_EQ(job->callback_of, 21);
  EXPECT_EQ(job->tags, in.tags);
  EXPECT_EQ(job->retention_ms, 13);
  EXPECT_EQ(job->schedule, "s");
  EXPECT_EQ(job->scheduled_at, 14);
  EXPECT_EQ(job->trace, in.trace);
  EXPECT_EQ(job->lease, 3U);
  EXPECT_EQ(job->lease_until, 77);
  EXPECT_EQ(job->attempt, 2U);
  EXPECT_EQ(job->progress, "0.5");
}

TEST(RedisTaskRecords, WhatIsAsUsualIsNotWritten) {
  std::vector<std::string> names;
  each_field(NewJob("q", "t"), 0, {}, [&](std::string_view name, std::string_view) { names.emplace_back(name); });
  EXPECT_EQ(names, std::vector<std::string>{"task"});
  const std::string text = resp({{"task", "t"}});
  net::redis::Parser parser;
  ASSERT_EQ(parser.parse(text), net::redis::Parser::Status::done);
  const std::optional<Job> job = read_job(parser.view(text), "q");
  ASSERT_TRUE(job);
  EXPECT_EQ(job->args, "null");
  EXPECT_EQ(job->max_attempts, 5U);
  EXPECT_EQ(job->backoff.jitter, 0.1);
  EXPECT_FALSE(read_job(net::redis::Reply().view(), "q"));
}

TEST(RedisTaskRecords, SchedulesAndWhatTheyOwe) {
  Schedule schedule;
  schedule.name = "s";
  schedule.cron = "0 * * * *";
  schedule.timezone = "Europe/Vienna";
  schedule.queue = "q";
  schedule.task = "t";
  schedule.args = "[1]";
  schedule.priority = 2;
  schedule.misfire = Misfire::all;
  schedule.overlap = Overlap::forbid;
  schedule.declared = true;
  schedule.next_at = 1767225600000;
  schedule.last_at = 5;
  schedule.last_job = INT64_MAX;
  schedule.version = 1767225600001;
  const auto again = schedule_from_record("s", to_record(schedule));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(to_record(*again), to_record(schedule));
  EXPECT_EQ(again->last_job, INT64_MAX);
  EXPECT_EQ(again->version, schedule.version);
  Owed owed;
  owed.id = INT64_MAX;
  owed.job = NewJob("q", "t", R"({"a":[1,2]})");
  owed.job.schedule = "s";
  owed.job.scheduled_at = 77;
  const auto noted = owed_from_record(to_record(owed));
  ASSERT_TRUE(noted.ok()) << noted.error().to_string();
  EXPECT_EQ(to_record(*noted), to_record(owed));
  for (const char* text : {"", "{", "[]", "{}", R"({"cron":"x"})", R"({"cron":1,"queue":"q","task":"t"})",
                           R"({"id":"1","job":{"task":""}})", R"({"id":"0","job":{"task":"t"}})"}) {
    EXPECT_EQ(schedule_from_record("s", text).error().kind(), ErrorKind::corrupt) << text;
    EXPECT_EQ(owed_from_record(text).error().kind(), ErrorKind::corrupt) << text;
  }
}

TEST(RedisTasksOpen, UrlsAreChecked) {
  const auto kind = [](const char* url) {
    StoreOptions options;
    options.url = url;
    const auto opened = open_redis_backend(options, nullptr);
    return opened.ok() ? std::string((*opened)->capabilities().across_queues ? "ok" : "cluster")
                       : std::string(name_of(opened.error().kind()));
  };
  EXPECT_EQ(kind("redis://h"), "ok");
  EXPECT_EQ(kind("rediss://:pw@h:1/2?prefix=app"), "ok");
  EXPECT_EQ(kind("redis+sentinel://a,b/main"), "ok");
  EXPECT_EQ(kind("redis+cluster://a,b"), "cluster");
  EXPECT_EQ(kind("redis://h?prefix=a%7B"), "invalid_argument");
  EXPECT_EQ(kind("redis://h?queue=a"), "invalid_argument");
  EXPECT_EQ(kind("redis:h"), "invalid_argument");
}

}  // namespace
}  // namespace spikard::tasks::redis
