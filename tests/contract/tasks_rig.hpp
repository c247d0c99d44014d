#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "net/blocking_pool.hpp"
#include "net/virtual_clock.hpp"
#include "tasks/client.hpp"
#ifdef SPIKARD_TEST_TASKS_SQLITE
#include "store/sqlite/databases.hpp"
#include "store/sqlite/test_database.hpp"
#endif
#ifdef SPIKARD_TEST_TASKS_MYSQL
#include "mysql_database.hpp"
#endif
#ifdef SPIKARD_TEST_TASKS_POSTGRES
#include "postgres_schema.hpp"
#endif
#ifdef SPIKARD_TEST_TASKS_REDIS
#include <random>

#include "server.hpp"
#include "tasks/memory/hub.hpp"
#endif

namespace spikard::tasks {

using worker_loop::Outcome;
using worker_loop::WorkItem;

/// A worker's handlers: each run is written down, and answered by the test or by a script at once.
class Handlers final : public worker_loop::WorkSink {
 public:
  void attach(const std::shared_ptr<worker_loop::WorkerLoop>& worker) override { worker_ = worker; }
  void on_work(std::uint64_t ticket, std::shared_ptr<const WorkItem> item) override {
    Job job = job_of(*item);
    job.args = item->payload;
    log.push_back(job.task + "#" + std::to_string(job.attempt));
    jobs.push_back(job);
    running[job.id] = ticket;
    most = std::max(most, running.size());
    if (!script) return;
    if (std::optional<Outcome> outcome = script(job)) answer(job.id, std::move(*outcome));
  }
  void on_cancel(std::uint64_t ticket, CancelReason reason) override {
    cancelled.push_back(reason);
    std::erase_if(running, [ticket](const auto& one) { return one.second == ticket; });
  }
  void answer(JobId id, Outcome outcome) {
    const auto at = running.find(id);
    ASSERT_NE(at, running.end()) << id;
    const std::uint64_t ticket = at->second;
    running.erase(at);
    if (const auto worker = worker_.lock()) worker->complete(ticket, std::move(outcome));
  }

  std::vector<std::string> log;
  std::vector<Job> jobs;
  std::unordered_map<JobId, std::uint64_t> running;
  std::vector<CancelReason> cancelled;
  std::size_t most = 0;
  std::function<std::optional<Outcome>(const Job&)> script;

 private:
  std::weak_ptr<worker_loop::WorkerLoop> worker_;
};

/// A store of one backend on a virtual clock, and one loop turned by the test's thread.
class Rig {
 public:
  explicit Rig([[maybe_unused]] const std::string& backend, StoreOptions options = {}) {
    options.url = "memory:";
#ifdef SPIKARD_TEST_TASKS_SQLITE
    if (backend == "sqlite") options.url = "sqlite:" + folder.file("tasks.db");
    environment.databases = &databases;
#endif
#ifdef SPIKARD_TEST_TASKS_MYSQL
    if (backend == "mysql") {
      mysql_database.emplace();
      options.url = mysql_database->url();
    }
    environment.mysql = &mysql_servers;
#endif
#ifdef SPIKARD_TEST_TASKS_POSTGRES
    if (backend == "postgres") {
      schema.emplace();
      options.url = schema->url();
    }
    environment.postgres = &servers;
#endif
#ifdef SPIKARD_TEST_TASKS_REDIS
    // Empty at first: a prefix of its own.
    if (backend == "redis")
      options.url = contract::server_setting("REDIS_URL") + "?prefix=tasks-test:" + std::to_string(std::random_device()());
    environment.hubs = &hubs;
#endif
    options_ = options;
    client = open();
  }
  ~Rig() {
    while (!workers_.empty()) stop(workers_.back());
    while (!schedulers_.empty()) stop(schedulers_.back());
    settle();
    client->close();
    client.reset();
#ifdef SPIKARD_TEST_TASKS_SQLITE
    databases.close();
#endif
    pool.stop();
  }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  /// Handlers that live as long as the workers do.
  [[nodiscard]] Handlers& handlers() {
    handlers_.push_back(std::make_unique<Handlers>());
    return *handlers_.back();
  }

  /// Another client of the same store: as another process would have it, where the store can be shared.
  [[nodiscard]] std::shared_ptr<Client> open() {
    ClientOptions of_client;
    of_client.store = options_;
    return Client::open(std::move(of_client), environment).value();
  }

  template <class T>
  T await(Task<T> task) {
    std::optional<T> value;
    bool ended = false;
    spawn(std::move(task), [&](const std::exception_ptr& error, std::optional<T> v) {
      EXPECT_FALSE(error);
      if (v) value.emplace(std::move(*v));
      ended = true;
    });
    while (!ended) loop->turn(-1);
    return std::move(*value);
  }
  void await(Task<void> task) {
    bool ended = false;
    spawn(std::move(task), [&](const std::exception_ptr& error) {
      EXPECT_FALSE(error);
      ended = true;
    });
    while (!ended) loop->turn(-1);
  }
  void advance(Duration by) {
    bool done = false;
    clock.advance(by, [&] { loop->post([&] { done = true; }); });
    while (!done) loop->turn(-1);
  }
  void settle() { advance(Duration::zero()); }
  [[nodiscard]] net::Caller caller() { return net::Caller(*loop); }
  [[nodiscard]] Millis now() const { return now_ms(clock); }

  Enqueued enqueue(NewJob job) {
    Result<Enqueued> done = await(client->enqueue(caller(), std::move(job)));
    EXPECT_TRUE(done.ok()) << (done.ok() ? "" : done.error().to_string());
    settle();
    return done.ok() ? *done : Enqueued{};
  }
  Job job(JobId id) {
    Result<Job> found = await(client->job(caller(), id));
    EXPECT_TRUE(found.ok()) << id;
    return found.ok() ? *found : Job{};
  }
  std::string state(JobId id) { return std::string(name_of(job(id).state)); }
  std::shared_ptr<Worker> work(Handlers& handlers, WorkerOptions options) {
    workers_.push_back(client->start_worker(std::move(options), handlers, *loop));
    settle();
    return workers_.back();
  }
  Worker::Drained stop(std::shared_ptr<Worker> worker, Duration timeout = Duration::zero()) {
    std::erase(workers_, worker);
    if (timeout == Duration::zero()) return await(worker->stop(timeout));
    std::optional<Worker::Drained> out;
    spawn(worker->stop(timeout), [&](const std::exception_ptr&, std::optional<Worker::Drained> done) { out = done; });
    advance(timeout);
    settle();
    EXPECT_TRUE(out.has_value());
    return out.value_or(Worker::Drained());
  }
  void kill(const std::shared_ptr<Worker>& worker) {
    std::erase(workers_, worker);
    worker->kill();
    settle();
  }
  std::shared_ptr<Scheduler> schedule() {
    schedulers_.push_back(client->start_scheduler({}, *loop));
    settle();
    return schedulers_.back();
  }
  void stop(std::shared_ptr<Scheduler> scheduler) {
    std::erase(schedulers_, scheduler);
    await(scheduler->stopped());
  }

  net::VirtualClock clock;
  std::unique_ptr<net::Loop> loop = net::Loop::create(clock).value();
  net::BlockingPool pool{clock};
  Environment environment;
#ifdef SPIKARD_TEST_TASKS_SQLITE
  store::sqlite::TemporaryFolder folder;
  store::sqlite::Databases databases{pool};
#endif
#ifdef SPIKARD_TEST_TASKS_MYSQL
  std::optional<contract::MysqlDatabase> mysql_database;
  store::mysql::Databases mysql_servers;
#endif
#ifdef SPIKARD_TEST_TASKS_POSTGRES
  std::optional<contract::PostgresSchema> schema;
  store::postgres::Databases servers;
#endif
#ifdef SPIKARD_TEST_TASKS_REDIS
  Hubs hubs;
#endif
  std::shared_ptr<Client> client;

 private:
  std::vector<std::unique_ptr<Handlers>> handlers_;
  StoreOptions options_;
  std::vector<std::shared_ptr<Worker>> workers_;
  std::vector<std::shared_ptr<Scheduler>> schedulers_;
};

}  // namespace spikard::tasks
