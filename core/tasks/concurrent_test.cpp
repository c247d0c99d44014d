// Several loops on one store at once: for TSan.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include "net/blocking_pool.hpp"
#include "net/service_thread.hpp"
#include "tasks/client.hpp"
#include "worker_loop/task_sink.hpp"
#ifdef SPIKARD_TEST_TASKS_SQLITE
#include "store/sqlite/databases.hpp"
#include "store/sqlite/test_database.hpp"
#endif

namespace spikard::tasks {
namespace {

using worker_loop::Outcome;
using worker_loop::WorkItem;

template <class T>
T on(net::Loop& loop, Function<Task<T>()> make) {
  std::promise<T> promise;
  loop.post([&] {
    spawn(make(), [&](const std::exception_ptr& error, std::optional<T> value) {
      if (error) promise.set_exception(error);
      else promise.set_value(std::move(*value));
    });
  });
  return promise.get_future().get();
}

class TasksConcurrent : public ::testing::TestWithParam<const char*> {};

TEST_P(TasksConcurrent, EveryJobRunsOnceHoweverManyLoopsEnqueueAndWork) {
  constexpr int per_loop = 150;
  RealClock clock;
  net::BlockingPool pool(clock);
  Environment environment;
  ClientOptions options;
#ifdef SPIKARD_TEST_TASKS_SQLITE
  store::sqlite::TemporaryFolder folder;
  store::sqlite::Databases databases(pool);
  environment.databases = &databases;
  if (std::string_view(GetParam()) == "sqlite") options.store.url = "sqlite:" + folder.file("tasks.db") + "?synchronous=normal";
#endif
  const auto client = Client::open(std::move(options), environment).value();
  std::vector<std::unique_ptr<net::ServiceThread>> threads;
  std::vector<net::Loop*> loops;
  for (int i = 0; i < 3; ++i) {
    threads.push_back(net::ServiceThread::start(clock).value());
    loops.push_back(&threads.back()->loop());
  }
  std::mutex mutex;
  std::condition_variable changed;
  std::multiset<std::string> seen;
  worker_loop::TaskSink::Handler handler = [&](std::shared_ptr<const WorkItem> item) -> Task<Outcome> {
    {
      const std::lock_guard lock(mutex);
      seen.insert(item->payload);
    }
    changed.notify_one();
    co_return Outcome::ack("null");
  };
  std::vector<std::unique_ptr<worker_loop::TaskSink>> sinks;
  std::vector<std::shared_ptr<Worker>> workers(loops.size());
  for (std::size_t i = 0; i < loops.size(); ++i) {
    sinks.push_back(std::make_unique<worker_loop::TaskSink>(loops, handler));
    std::promise<void> started;
    loops[i]->post([&] {
      workers[i] = client->start_worker(WorkerOptions("w" + std::to_string(i), "q"), *sinks[i], *loops[i]);
      started.set_value();
    });
    started.get_future().get();
  }
  std::vector<std::thread> enqueuers;
  for (std::size_t i = 0; i < loops.size(); ++i) {
    enqueuers.emplace_back([&, i] {
      for (int n = 0; n < per_loop; ++n) {
        const auto done = on<Result<Enqueued>>(*loops[i], [&]() {
          NewJob job("q", "t", std::to_string(i * per_loop + static_cast<std::size_t>(n)));
          job.concurrency_key = n % 10 == 0 ? "k" : "";
          job.concurrency_limit = 2;
          return client->enqueue(net::Caller(*loops[i]), std::move(job));
        });
        EXPECT_TRUE(done.ok());
      }
    });
  }
  for (std::thread& one : enqueuers) one.join();
  {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(60), [&] { return seen.size() >= 3 * per_loop; }));
  }
  for (std::size_t i = 0; i < loops.size(); ++i) {
    const auto drained = on<Worker::Drained>(*loops[i], [&]() { return workers[i]->stop(std::chrono::seconds(10)); });
    EXPECT_TRUE(drained.drained);
  }
  const std::set<std::string> once(seen.begin(), seen.end());
  EXPECT_EQ(once.size(), 3U * per_loop);
  EXPECT_EQ(seen.size(), 3U * per_loop);
  std::uint64_t pending = 1;
  pending = *on<Result<std::uint64_t>>(*loops[0], [&]() { return client->pending_count(net::Caller(*loops[0]), "q"); });
  EXPECT_EQ(pending, 0U);
  for (std::size_t i = 0; i < loops.size(); ++i) {
    std::promise<void> dropped;
    loops[i]->post([&] {
      workers[i].reset();
      dropped.set_value();
    });
    dropped.get_future().get();
  }
  threads.clear();
  client->close();
#ifdef SPIKARD_TEST_TASKS_SQLITE
  databases.close();
#endif
  pool.stop();
}

INSTANTIATE_TEST_SUITE_P(memory, TasksConcurrent, ::testing::Values("memory"));
#ifdef SPIKARD_TEST_TASKS_SQLITE
INSTANTIATE_TEST_SUITE_P(sqlite, TasksConcurrent, ::testing::Values("sqlite"));
#endif

}  // namespace
}  // namespace spikard::tasks
