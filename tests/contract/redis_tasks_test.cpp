// Tasks on Redis servers of the test's own: killed, frozen, cut off, in a cluster; workers that are killed; several processes.
// What holds on every store is in tasks_contract.cpp.
#include <gtest/gtest.h>

#include <csignal>
#include <map>
#include <random>
#include <set>

#include "proxy.hpp"
#include "redis_rig.hpp"
#include "server.hpp"
#include "tasks/client.hpp"
#include "tasks/redis/record.hpp"
#include "worker_loop/task_sink.hpp"

namespace spikard::tasks {
namespace {

using contract::RedisServer;
using net::redis::Command;
using std::chrono::milliseconds;
using std::chrono::seconds;
using worker_loop::Outcome;
using worker_loop::WorkItem;

const std::vector<std::string> durable{"--appendonly", "yes", "--appendfsync", "always"};

/// Clients as processes of their own have them: nothing is shared but the server.
template <class Rig>
class WithTasks : public Rig {
 protected:
  struct Process {
    std::shared_ptr<Client> client;
    std::unique_ptr<worker_loop::TaskSink> sink;
    std::shared_ptr<Worker> worker;
    std::shared_ptr<Scheduler> scheduler;
  };
  ~WithTasks() override {
    for (const auto& one : processes_) {
      if (one->worker != nullptr) (void)this->run(drain(one->worker));
      if (one->scheduler != nullptr) (void)this->run(end(one->scheduler));
      one->client->close();
    }
    for (int i = 0; i < 5; ++i) this->loop_->turn(1);
  }
  static Task<int> drain(std::shared_ptr<Worker> worker) {
    (void)co_await worker->stop(seconds(5));
    co_return 0;
  }
  static Task<int> end(std::shared_ptr<Scheduler> scheduler) {
    co_await scheduler->stopped();
    co_return 0;
  }
  Process& process(const std::string& url) {
    Process& made = *processes_.emplace_back(std::make_unique<Process>());
    ClientOptions options;
    options.store.url = url;
    made.client = Client::open(std::move(options), {}).value();
    return made;
  }
  void work(Process& on, worker_loop::TaskSink::Handler handler, std::uint32_t concurrency = 16, Millis lease_ms = 2000) {
    const std::vector<net::Loop*> loops{this->loop_.get()};
    on.sink = std::make_unique<worker_loop::TaskSink>(loops, std::move(handler));
    WorkerOptions options("w", "q");
    options.concurrency = concurrency;
    options.lease_ms = lease_ms;
    on.worker = on.client->start_worker(options, *on.sink, *this->loop_);
  }
  /// Counts runs by arguments.
  worker_loop::TaskSink::Handler counting(std::map<std::string, int>& runs) {
    return [&runs](std::shared_ptr<const WorkItem> item) -> Task<Outcome> {
      ++runs[item->payload];
      co_return Outcome::ack("1");
    };
  }
  std::uint64_t counted(Client& client, JobState state, const std::string& queue = "q") {
    const auto stats = this->run(client.queues(this->caller_));
    EXPECT_TRUE(stats.ok()) << stats.error().to_string();
    if (!stats.ok()) return 0;
    for (const QueueStats& one : *stats) {
      if (one.queue == queue) return one.by_state[static_cast<std::size_t>(state)];
    }
    return 0;
  }

  std::vector<std::unique_ptr<Process>> processes_;
};
using RedisTasks = WithTasks<contract::RedisRig>;
using RedisClusterTasks = WithTasks<contract::RedisClusterRig>;

INSTANTIATE_TEST_SUITE_P(Server_redis, RedisTasks, testing::Values(0), [](const auto&) { return "own"; });
INSTANTIATE_TEST_SUITE_P(Server_redis, RedisClusterTasks, testing::Values(0), [](const auto&) { return "own"; });

/// Ten thousand tasks, put in by two clients and run by two workers, while something happens to the server.
struct Flow {
  std::set<std::string> acknowledged;
  int refused = 0;
  int unknown = 0;
  std::map<std::string, int> runs;

  [[nodiscard]] bool all_ran() const {
    return std::all_of(acknowledged.begin(), acknowledged.end(), [&](const std::string& one) { return runs.contains(one); });
  }
  [[nodiscard]] int twice() const {
    return static_cast<int>(std::count_if(runs.begin(), runs.end(), [](const auto& one) { return one.second > 1; }));
  }
  [[nodiscard]] std::string text() const {
    return std::to_string(acknowledged.size()) + " acknowledged, " + std::to_string(refused) + " refused, " +
           std::to_string(unknown) + " unknown, " + std::to_string(runs.size()) + " ran, " + std::to_string(twice()) +
           " more than once";
  }
};
constexpr int flow_size = 10'000;
constexpr int flow_batch = 20;

Task<int> send(std::shared_ptr<Client> client, net::Caller caller, Flow& flow, int first, int last) {
  for (int n = first; n < last; n += flow_batch) {
    std::vector<NewJob> jobs;
    for (int i = n; i < n + flow_batch; ++i) jobs.emplace_back("q", "t", std::to_string(i));
    Task<Result<std::vector<Enqueued>>> call = client->enqueue_many(caller, std::move(jobs));
    Result<std::vector<Enqueued>> done = co_await std::move(call);
    for (int i = n; i < n + flow_batch; ++i) {
      if (done.ok()) flow.acknowledged.insert(std::to_string(i));
      else if (done.error().kind() == ErrorKind::outcome_unknown) ++flow.unknown;
      else ++flow.refused;
    }
  }
  co_return 0;
}

TEST_P(RedisTasks, TenThousandTasksWhileTheServerIsKilledAndFrozenLoseNone) {
  RedisServer server(durable);
  server.start();
  ready(server);
  const std::string url = server.url() + "?wait_ms=10000&timeout_ms=2000";
  Flow flow;
  Process& sender = process(url);
  for (int i = 0; i < 2; ++i) work(process(url), counting(flow.runs));
  const auto a = start(send(sender.client, caller_, flow, 0, flow_size / 2));
  const auto b = start(send(process(url).client, caller_, flow, flow_size / 2, flow_size));
  int kills = 0;
  for (const std::size_t at : {1500U, 4000U, 6500U}) {
    until([&] { return flow.runs.size() >= at; }, seconds(120));
    if (at == 4000) {
      server.freeze(true);
      const Instant thaw = clock_.now() + seconds(3);
      while (clock_.now() < thaw) loop_->turn(20);
      server.freeze(false);
    } else {
      server.end(SIGKILL);
      server.start();
      ++kills;
    }
  }
  until([&] { return a->has_value() && b->has_value(); }, seconds(120));
  until([&] { return flow.all_ran(); }, seconds(120));
  until([&] { return counted(*sender.client, JobState::completed) >= flow.acknowledged.size(); }, seconds(60));
  std::cout << flow.text() << "; " << kills << " kills, 1 freeze of 3 s\n";
  EXPECT_EQ(flow.acknowledged.size() + static_cast<std::size_t>(flow.refused + flow.unknown),
            static_cast<std::size_t>(flow_size));
  EXPECT_GT(flow.acknowledged.size(), 9'000U);
  EXPECT_EQ(counted(*sender.client, JobState::completed), flow.runs.size()) << "no task was put in twice";
}

TEST_P(RedisTasks, TenThousandTasksThroughConnectionsThatAreCutAtRandomBytesLoseNone) {
  RedisServer server(durable);
  server.start();
  ready(server);
  contract::Proxy proxy(*loop_, server.address());
  const std::string url = "redis://" + proxy.address() + "?wait_ms=10000";
  Flow flow;
  for (int i = 0; i < 2; ++i) work(process(url), counting(flow.runs));
  const auto a = start(send(process(url).client, caller_, flow, 0, flow_size / 2));
  const auto b = start(send(process(url).client, caller_, flow, flow_size / 2, flow_size));
  std::mt19937 random(20261127);
  Instant next = clock_.now();
  until(
      [&] {
        if (clock_.now() >= next) {
          proxy.cut_after(std::uniform_int_distribution<std::uint64_t>(0, 40'000)(random));
          next = clock_.now() + milliseconds(100);
        }
        return a->has_value() && b->has_value();
      },
      seconds(120));
  const std::size_t cuts = proxy.cuts();
  proxy.cut_after(std::numeric_limits<std::uint64_t>::max());
  until([&] { return flow.all_ran(); }, seconds(120));
  Process& direct = process(server.url());
  until([&] { return counted(*direct.client, JobState::completed) == flow.runs.size(); }, seconds(60));
  std::cout << flow.text() << "; " << cuts << " cuts\n";
  EXPECT_EQ(flow.acknowledged.size(), static_cast<std::size_t>(flow_size)) << "what was lost on the way was asked for again";
  EXPECT_EQ(flow.runs.size(), static_cast<std::size_t>(flow_size));
  EXPECT_EQ(counted(*direct.client, JobState::completed), static_cast<std::uint64_t>(flow_size)) << "no task was put in twice";
  EXPECT_GT(cuts, 10U);
}

TEST_P(RedisTasks, AClaimWhoseAnswerIsLostIsGivenOutAgain) {
  const std::string url = contract::server_setting("REDIS_URL");
  const auto server = net::redis::Options::parse(url).value().endpoints.front();
  contract::Proxy proxy(*loop_, server.text());
  const std::string prefix = "?prefix=tasks-test:" + std::to_string(std::random_device()());
  Process& here = process(url + prefix);
  Process& there = process("redis://" + proxy.address() + "/0" + prefix);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(run(here.client->enqueue(caller_, NewJob("q", "t"))).ok());
  ClaimRequest claim;
  claim.queue = "q";
  claim.worker = "w";
  claim.max = 10;
  // Cut before, in the middle of and after the command, and in the middle of its answer.
  for (std::uint64_t bytes = 0; bytes < 3000; bytes += 41) {
    proxy.cut_after(bytes);
    const auto claimed = run(there.client->backend()->claim(*loop_, claim));
    ASSERT_TRUE(claimed.ok()) << bytes << ": " << claimed.error().to_string();
    ASSERT_EQ(claimed->jobs.size(), 3U) << bytes;
    std::vector<Completion> back;
    for (const Job& job : claimed->jobs) {
      EXPECT_EQ(job.attempt, 1U) << bytes;
      Completion one;
      one.kind = Completion::Kind::hand_back;
      one.run = {job.id, job.lease};
      back.push_back(std::move(one));
    }
    const auto settled = run(here.client->backend()->settle(*loop_, std::move(back)));
    ASSERT_TRUE(settled.ok() && settled->empty()) << bytes;
  }
  EXPECT_GT(proxy.cuts(), 20U);
}

/// Another process, which takes five tasks and never ends them.
::pid_t holder(const std::string& url) {
  const ::pid_t pid = ::fork();
  if (pid != 0) return pid;
  RealClock clock;
  const auto loop = net::Loop::create(clock).value();
  ClientOptions options;
  options.store.url = url;
  const std::shared_ptr<Client> client = Client::open(std::move(options), {}).value();
  const std::vector<net::Loop*> loops{loop.get()};
  worker_loop::TaskSink sink(loops, [&](std::shared_ptr<const WorkItem>) -> Task<Outcome> {
    (void)co_await net::sleep(*loop, seconds(600));
    co_return Outcome::ack();
  });
  WorkerOptions of("holder", "q");
  of.concurrency = 5;
  const auto worker = client->start_worker(of, sink, *loop);
  for (;;) loop->turn(-1);
}

TEST_P(RedisTasks, WhatAKilledWorkerHeldRunsAgainWithinFifteenSeconds) {
  RedisServer server(durable);
  server.start();
  ready(server);
  const ::pid_t pid = holder(server.url());
  std::map<std::string, int> runs;
  Process& here = process(server.url());
  std::vector<NewJob> jobs;
  for (int i = 0; i < 5; ++i) jobs.emplace_back("q", "t", std::to_string(i));
  ASSERT_TRUE(run(here.client->enqueue_many(caller_, std::move(jobs))).ok());
  until([&] { return counted(*here.client, JobState::running) == 5; });
  // It renews its leases: nothing comes back while it lives.
  work(here, counting(runs), 16, 10'000);
  const Instant lively = clock_.now() + seconds(11);
  while (clock_.now() < lively) loop_->turn(50);
  EXPECT_TRUE(runs.empty());
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  const Instant begun = clock_.now();
  until([&] { return runs.size() == 5; }, seconds(60));
  const auto took = std::chrono::duration_cast<milliseconds>(clock_.now() - begun).count();
  std::cout << "all 5 ran again after " << took << " ms, lease 10 s\n";
  EXPECT_LT(took, 15'000);
  for (const auto& [args, times] : runs) EXPECT_EQ(times, 1) << args;
}

TEST_P(RedisTasks, AnotherProcessIsWokenByTheServerAndTellsTheEnd) {
  const std::string url = contract::server_setting("REDIS_URL") + "?prefix=tasks-test:" + std::to_string(std::random_device()());
  std::map<std::string, int> runs;
  Process& here = process(url);
  work(process(url), counting(runs));
  for (int i = 0; i < 20; ++i) {
    const auto enqueued = run(here.client->enqueue(caller_, NewJob("q", "t", std::to_string(i))));
    ASSERT_TRUE(enqueued.ok()) << enqueued.error().to_string();
    const auto job = run(here.client->wait(caller_, enqueued->id, seconds(10)));
    ASSERT_TRUE(job.ok()) << job.error().to_string();
    EXPECT_EQ(job->state, JobState::completed);
  }
  EXPECT_EQ(runs.size(), 20U);
}

TEST_P(RedisTasks, FourProcessesRunEachOfFourThousandTasksOnce) {
  const std::string url = contract::server_setting("REDIS_URL") + "?prefix=tasks-test:" + std::to_string(std::random_device()());
  std::map<std::string, int> runs;
  for (int i = 0; i < 4; ++i) work(process(url), counting(runs));
  Process& here = process(url);
  for (int i = 0; i < 10; ++i) {
    std::vector<NewJob> jobs;
    for (int n = 0; n < 400; ++n) jobs.emplace_back("q", "t", std::to_string(i * 400 + n));
    ASSERT_TRUE(run(here.client->enqueue_many(caller_, std::move(jobs))).ok());
  }
  until([&] { return counted(*here.client, JobState::completed) == 4000; }, seconds(60));
  EXPECT_EQ(runs.size(), 4000U);
  for (const auto& [args, times] : runs) EXPECT_EQ(times, 1) << args;
}

TEST_P(RedisTasks, SequencesThatTheServerForgotAreNotGivenOutTwice) {
  const std::string prefix = "tasks-test:" + std::to_string(std::random_device()());
  const std::string url = contract::server_setting("REDIS_URL") + "?prefix=" + prefix;
  const auto plain = open(contract::server_setting("REDIS_URL"));
  std::vector<JobId> ids;
  for (int i = 0; i < 3; ++i) {
    const auto done = run(process(url).client->enqueue(caller_, NewJob("q", "t", std::to_string(i))));
    ASSERT_TRUE(done.ok()) << done.error().to_string();
    ids.push_back(done->id);
    EXPECT_EQ(ask(*plain, {"DEL", prefix + ":sequence"}), "1");
  }
  EXPECT_EQ(std::set<JobId>(ids.begin(), ids.end()).size(), 3U);
  Process& here = process(url);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(run(here.client->job(caller_, ids[i]))->args, std::to_string(i));
}

TEST_P(RedisTasks, WhatAScheduleOwesIsMadeOnceByWhoeverComes) {
  const std::string prefix = "tasks-test:" + std::to_string(std::random_device()());
  const std::string url = contract::server_setting("REDIS_URL") + "?prefix=" + prefix;
  Process& here = process(url);
  const JobId first = run(here.client->enqueue(caller_, NewJob("q", "t")))->id;
  redis::Owed owed;
  owed.id = first + (JobId{1} << 26);  // of the same queue
  owed.job = NewJob("q", "tick", "[1]");
  owed.job.schedule = "s";
  owed.job.scheduled_at = 1'000;
  const auto plain = open(contract::server_setting("REDIS_URL"));
  const auto note = [&] { return ask(*plain, {"HSET", prefix + ":schedules", "f:" + id_to_text(owed.id), to_record(owed)}); };
  // A scheduler died between both steps; two others load the schedules, and the second one thinks that it is still owed.
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(note(), "1");
    ASSERT_TRUE(run(process(url).client->schedules(caller_)).ok());
    EXPECT_EQ(ask(*plain, {"HLEN", prefix + ":schedules"}), "0");
  }
  JobFilter filter;
  filter.schedule = "s";
  const auto made = run(here.client->list(caller_, filter));
  ASSERT_TRUE(made.ok());
  ASSERT_EQ(made->size(), 1U);
  EXPECT_EQ(made->at(0).id, owed.id);
  EXPECT_EQ(made->at(0).scheduled_at, 1'000);
}

TEST_P(RedisTasks, SchedulersWhoseConnectionsAreCutFireEachTimeOnce) {
  RedisServer server(durable);
  server.start();
  ready(server);
  contract::Proxy proxy(*loop_, server.address());
  const std::string url = "redis://" + proxy.address() + "?wait_ms=5000";
  Process& direct = process(server.url());
  Schedule schedule;
  schedule.name = "s";
  schedule.cron = "* * * * * *";
  schedule.queue = "q";
  schedule.task = "tick";
  schedule.misfire = Misfire::all;
  ASSERT_TRUE(run(direct.client->schedule(caller_, schedule)).ok());
  for (int i = 0; i < 3; ++i) {
    Process& one = process(url);
    one.scheduler = one.client->start_scheduler({}, *loop_);
  }
  std::mt19937 random(5);
  Instant next = clock_.now();
  const Instant end = clock_.now() + seconds(12);
  while (clock_.now() < end) {
    if (clock_.now() >= next) {
      proxy.cut_after(std::uniform_int_distribution<std::uint64_t>(0, 4'000)(random));
      next = clock_.now() + milliseconds(150);
    }
    loop_->turn(20);
  }
  proxy.cut_after(std::numeric_limits<std::uint64_t>::max());
  std::vector<Job> made;
  const auto fired_until = [&](Millis at) {
    const auto all = run(direct.client->list(caller_, {}));
    if (all.ok()) made = *all;
    return std::any_of(made.begin(), made.end(), [&](const Job& job) { return job.scheduled_at >= at; });
  };
  const Millis last = now_ms(clock_) / 1000 * 1000 + 2000;
  until([&] { return fired_until(last); }, seconds(60));
  std::set<Millis> times;
  for (const Job& job : made) EXPECT_TRUE(times.insert(job.scheduled_at).second) << job.scheduled_at << " twice";
  const Millis span = (*times.rbegin() - *times.begin()) / 1000 + 1;
  EXPECT_EQ(static_cast<Millis>(times.size()), span) << "none is left out";
  std::cout << times.size() << " occurrences, " << proxy.cuts() << " cuts\n";
}

TEST_P(RedisTasks, WhoMayNotComeInIsToldSoWithoutThePassword) {
  RedisServer server({"--requirepass", "right"});
  server.start();
  const auto open_one = open("redis://:right@" + server.address() + "?wait_ms=10000");
  says(*open_one, {"PING"}, "PONG");
  Process& here = process("redis://:s3cret@" + server.address());
  const auto refused = run(here.client->enqueue(caller_, NewJob("q", "t")));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::permission_denied) << refused.error().to_string();
  EXPECT_EQ(refused.error().to_string().find("s3cret"), std::string::npos);
  for (const std::string url : {"redis://:s3cret@h?prefix=a%7B", "redis://:s3cret@h?prefx=a", "redis:s3cret"}) {
    ClientOptions options;
    options.store.url = url;
    const auto made = Client::open(std::move(options), {});
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().kind(), ErrorKind::invalid_argument);
    EXPECT_EQ(made.error().to_string().find("s3cret"), std::string::npos) << made.error().to_string();
  }
}

TEST_P(RedisClusterTasks, EachQueueIsInOnePlaceAndWorksThere) {
  std::map<std::string, int> runs;
  Process& here = process(url());
  EXPECT_FALSE(here.client->backend()->capabilities().across_queues);
  for (const char* queue : {"q", "r", "s", "t", "u"}) {
    std::vector<NewJob> jobs;
    for (int i = 0; i < 20; ++i) jobs.emplace_back(queue, "t", std::to_string(i));
    jobs[0].unique_key = "one";
    jobs[1].concurrency_key = jobs[2].concurrency_key = "key";
    const auto made = run(here.client->enqueue_batch(caller_, jobs, NewJob(queue, "after", "\"after\"")));
    ASSERT_TRUE(made.ok()) << made.error().to_string();
    NewJob needs(queue, "needs", "\"needs\"");
    needs.depends_on = {made->callback};
    const auto needing = run(here.client->enqueue(caller_, needs));
    ASSERT_TRUE(needing.ok()) << needing.error().to_string();
    Process& there = process(url(2));
    const std::vector<net::Loop*> loops{loop_.get()};
    there.sink = std::make_unique<worker_loop::TaskSink>(loops, counting(runs));
    WorkerOptions options("w", queue);
    there.worker = there.client->start_worker(options, *there.sink, *loop_);
    const auto ended = run(here.client->wait(caller_, needing->id, seconds(20)));
    ASSERT_TRUE(ended.ok()) << ended.error().to_string();
    EXPECT_EQ(ended->state, JobState::completed);
    EXPECT_EQ(run(here.client->batch(caller_, made->batch))->completed, 20U);
  }
  EXPECT_EQ(runs["\"needs\""], 5);
  EXPECT_EQ(run(here.client->queues(caller_))->size(), 5U);
  EXPECT_EQ(run(here.client->list(caller_, {}))->size(), 100U);
  // What would be of two queues is refused.
  const auto kind = [&](std::vector<NewJob> jobs) {
    const auto done = run(here.client->enqueue_many(caller_, std::move(jobs)));
    return done.ok() ? std::string("ok") : std::string(name_of(done.error().kind()));
  };
  EXPECT_EQ(kind({NewJob("q", "t"), NewJob("r", "t")}), "unsupported");
  NewJob needs("q", "t");
  needs.depends_on = {run(here.client->enqueue(caller_, NewJob("r", "t")))->id};
  EXPECT_EQ(kind({needs}), "unsupported");
  // A schedule is not where its queue is.
  Schedule schedule;
  schedule.name = "s";
  schedule.cron = "* * * * * *";
  schedule.queue = "ticks";
  schedule.task = "tick";
  ASSERT_TRUE(run(here.client->schedule(caller_, schedule)).ok());
  here.scheduler = here.client->start_scheduler({}, *loop_);
  until([&] { return run(here.client->pending_count(caller_, "ticks")).value() >= 2; });
}

}  // namespace
}  // namespace spikard::tasks
