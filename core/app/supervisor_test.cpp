#include "app/supervisor.hpp"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <map>

namespace spikard::app {
namespace {

using namespace std::chrono_literals;

/// Runs `supervise` in a process of its own, whose workers tell their index and pid through a pipe and then do `work`.
class Supervision {
 public:
  Supervision(SupervisorOptions options, int (*work)(std::uint32_t)) {
    EXPECT_EQ(pipe(pipe_), 0);
    parent_ = fork();
    if (parent_ != 0) {
      close(pipe_[1]);
      return;
    }
    auto result = supervise(options, [](const std::string&) {});
    if (!result.ok()) _exit(99);
    if (result->parent) _exit(result->exit_code);
    const std::int32_t told[2] = {static_cast<std::int32_t>(result->worker), getpid()};
    if (write(pipe_[1], told, sizeof told) != sizeof told) _exit(98);
    _exit(work(result->worker));
  }
  ~Supervision() {
    if (parent_ > 0) {
      kill(parent_, SIGKILL);
      waitpid(parent_, nullptr, 0);
    }
    close(pipe_[0]);
  }

  struct Started {
    int index;
    pid_t pid;
  };
  Started next() {
    std::int32_t told[2] = {-1, -1};
    EXPECT_EQ(read(pipe_[0], told, sizeof told), static_cast<ssize_t>(sizeof told));
    return {told[0], told[1]};
  }
  void signal(int number) { kill(parent_, number); }
  int wait() {
    int status = 0;
    waitpid(parent_, &status, 0);
    parent_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  int pipe_[2]{};
  pid_t parent_ = -1;
};

/// Ends with 0 at SIGTERM.
int until_told(std::uint32_t) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  int got = 0;
  sigwait(&set, &got);
  return 0;
}

// Workers inherit an unblocked SIGTERM between fork and their own block: block it in the test, which they inherit, so that none
// is lost.
struct SupervisorTest : ::testing::Test {
  SupervisorTest() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, &old_);
  }
  ~SupervisorTest() override { sigprocmask(SIG_SETMASK, &old_, nullptr); }
  sigset_t old_{};
};

TEST_F(SupervisorTest, starts_every_worker_once_and_ends_with_0_when_all_have_drained) {
  Supervision s({.workers = 3}, until_told);
  std::map<int, int> seen;
  for (int i = 0; i < 3; ++i) ++seen[s.next().index];
  EXPECT_EQ(seen, (std::map<int, int>{{0, 1}, {1, 1}, {2, 1}}));
  s.signal(SIGTERM);
  EXPECT_EQ(s.wait(), 0);
}

TEST_F(SupervisorTest, starts_a_worker_again_that_was_killed) {
  Supervision s({.workers = 2, .backoff_initial = 1ms}, until_told);
  const auto first = s.next();
  s.next();
  kill(first.pid, SIGKILL);
  const auto again = s.next();
  EXPECT_EQ(again.index, first.index);
  EXPECT_NE(again.pid, first.pid);
  s.signal(SIGTERM);
  EXPECT_EQ(s.wait(), 0);
}

TEST_F(SupervisorTest, gives_up_on_a_worker_that_cannot_start) {
  Supervision s({.workers = 1, .backoff_initial = 1ms, .backoff_max = 2ms, .young = 3600s, .give_up_after = 3},
                [](std::uint32_t) { return 7; });
  EXPECT_EQ(s.wait(), 1);
}

TEST_F(SupervisorTest, a_worker_that_drains_with_1_makes_the_exit_code_1) {
  Supervision s({.workers = 2}, [](std::uint32_t index) {
    until_told(index);
    return index == 1 ? 1 : 0;
  });
  s.next();
  s.next();
  s.signal(SIGTERM);
  EXPECT_EQ(s.wait(), 1);
}

TEST_F(SupervisorTest, kills_what_does_not_end_within_the_deadline) {
  Supervision s({.workers = 1, .deadline = 1ms}, [](std::uint32_t) {
    while (true) pause();
    return 0;
  });
  s.next();
  s.signal(SIGTERM);
  EXPECT_EQ(s.wait(), 1);
}

TEST(Supervisor, refuses_no_workers) {
  EXPECT_EQ(supervise({.workers = 0}, [](const std::string&) {}).error().kind(), ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace spikard::app
