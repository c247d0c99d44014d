// Run under gcc -O0 as well: there Task resumes through a trampoline (docs/adr/0004-coroutines.md).
#include "base/task.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace spikard {
namespace {

/// Suspends until the test resumes it; unhooks itself when destroyed.
struct Gate {
  std::coroutine_handle<> waiting;
  int destroyed = 0;
  struct Awaiter {
    Gate& gate;
    explicit Awaiter(Gate& of) : gate(of) {}
    ~Awaiter() {
      gate.waiting = {};
      ++gate.destroyed;
    }
    bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> self) noexcept { gate.waiting = self; }
    void await_resume() noexcept {}
  };
  void open() { std::exchange(waiting, {}).resume(); }
};

Task<int> ready(int n) { co_return n; }

Task<int> waits(Gate& gate, int n) {
  Gate::Awaiter awaiter(gate);
  co_await awaiter;
  co_return n;
}

template <class T>
std::optional<T> run(Task<T> task) {
  std::optional<T> out;
  spawn(std::move(task), [&](const std::exception_ptr& error, std::optional<T> value) {
    if (error) std::rethrow_exception(error);
    out = std::move(value);
  });
  return out;
}

Task<long> sum_of_ready(int count) {
  long sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await ready(i);
  co_return sum;
}

TEST(TaskTest, AMillionReadyTasksAwaitedInALoopDoNotGrowTheStack) { EXPECT_EQ(run(sum_of_ready(1'000'000)), 499999500000L); }

Task<int> every_other_waits(Gate& gate, int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) {
    if (i % 2 == 0) sum += co_await ready(1);
    else sum += co_await waits(gate, 1);
  }
  co_return sum;
}

TEST(TaskTest, AHundredThousandSuspensionsDoNotGrowTheStack) {
  Gate gate;
  int sum = 0;
  spawn(every_other_waits(gate, 200'000), [&](const std::exception_ptr&, std::optional<int> value) { sum = *value; });
  while (gate.waiting) gate.open();
  EXPECT_EQ(sum, 200'000);
}

Task<int> nested(Gate* gate, int depth) {
  if (depth == 0) {
    if (gate == nullptr) co_return 0;
    co_return co_await waits(*gate, 0);
  }
  const int below = co_await nested(gate, depth - 1);
  co_return below + 1;
}

TEST(TaskTest, ADeepChainRunsReadyOrSuspended) {
  EXPECT_EQ(run(nested(nullptr, 500)), 500);
  Gate gate;
  int depth = 0;
  spawn(nested(&gate, 500), [&](const std::exception_ptr&, std::optional<int> value) { depth = *value; });
  EXPECT_EQ(depth, 0);
  gate.open();
  EXPECT_EQ(depth, 500);
}

TEST(TaskTest, IsLazyAndDestroyingOneThatNeverRanRunsNothing) {
  bool ran = false;
  const auto body = [](bool& out) -> Task<> {
    out = true;
    co_return;
  };
  {
    Task<> task = body(ran);
    EXPECT_TRUE(task.valid());
    Task<> moved = std::move(task);
    EXPECT_FALSE(task.valid());  // NOLINT(bugprone-use-after-move)
  }
  EXPECT_FALSE(ran);
}

TEST(TaskTest, DestroyingASuspendedTaskDestroysWhatItWaitsIn) {
  Gate gate;
  Task<int> task = waits(gate, 1);
  struct Outer {
    struct promise_type {
      Outer get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
      std::suspend_never initial_suspend() noexcept { return {}; }
      std::suspend_always final_suspend() noexcept { return {}; }
      void return_void() {}
      void unhandled_exception() { std::terminate(); }
    };
    std::coroutine_handle<promise_type> handle;
  };
  const auto outer = [](Task<int>& inner) -> Outer { (void)co_await inner; };
  const Outer running = outer(task);
  EXPECT_TRUE(gate.waiting);
  task = Task<int>();
  EXPECT_FALSE(gate.waiting);
  EXPECT_EQ(gate.destroyed, 1);
  running.handle.destroy();
}

Task<int> throws(Gate* gate) {
  if (gate != nullptr) (void)co_await waits(*gate, 0);
  throw std::runtime_error("thrown");
  co_return 1;
}

Task<std::string> catches(Gate* gate) {
  std::string what = "nothing";
  try {
    (void)co_await throws(gate);
  } catch (const std::runtime_error& error) {
    what = error.what();
  }
  co_return what;
}

TEST(TaskTest, ExceptionsReachWhoAwaits) {
  EXPECT_EQ(run(catches(nullptr)), "thrown");
  Gate gate;
  std::string what;
  spawn(catches(&gate), [&](const std::exception_ptr&, std::optional<std::string> value) { what = *value; });
  gate.open();
  EXPECT_EQ(what, "thrown");
}

TEST(TaskTest, ExceptionsReachTheSpawner) {
  bool seen = false;
  spawn(throws(nullptr), [&](const std::exception_ptr& error, const std::optional<int>& value) {
    EXPECT_FALSE(value.has_value());
    EXPECT_THROW(std::rethrow_exception(error), std::runtime_error);
    seen = true;
  });
  EXPECT_TRUE(seen);
  const auto nothing = []() -> Task<> { co_return; };
  bool done = false;
  spawn(nothing(), [&](const std::exception_ptr& error) {
    EXPECT_EQ(error, nullptr);
    done = true;
  });
  EXPECT_TRUE(done);
}

Task<CancelReason> reason_below() {
  const CancelToken token = co_await current_token();
  co_return token.reason();
}

Task<std::vector<CancelReason>> reasons(CancelToken other) {
  std::vector<CancelReason> out;
  out.push_back(co_await reason_below());
  Task<CancelReason> given = reason_below().with_token(std::move(other));
  out.push_back(co_await std::move(given));
  co_return out;
}

TEST(TaskTest, AChildTakesItsParentsTokenUnlessItWasGivenOne) {
  CancelSource parent;
  parent.cancel(CancelReason::client_gone);
  CancelSource other;
  other.cancel(CancelReason::deadline);
  const auto seen = run(reasons(other.token()).with_token(parent.token()));
  EXPECT_EQ(seen, (std::vector<CancelReason>{CancelReason::client_gone, CancelReason::deadline}));
  EXPECT_EQ(run(reason_below()), CancelReason::none);
}

TEST(TaskTest, CarriesMoveOnlyValues) {
  const auto make = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(7); };
  auto value = run(make());
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(**value, 7);
}

TEST(TaskTest, ParametersLiveAsLongAsTheFrame) {
  Gate gate;
  auto held = std::make_shared<int>(1);
  const auto keeps = [](Gate& at, std::shared_ptr<int> own) -> Task<> {
    (void)co_await waits(at, 0);
    EXPECT_EQ(*own, 1);
  };
  spawn(keeps(gate, held), [](const std::exception_ptr&) {});
  EXPECT_EQ(held.use_count(), 2);
  gate.open();
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace spikard
