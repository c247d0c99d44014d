#include "app/supervisor.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <csignal>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

namespace spikard::app {
namespace {

using std::chrono::steady_clock;

struct Worker {
  pid_t pid = -1;  // -1: not running
  steady_clock::time_point started{};
  steady_clock::time_point restart_at{};
  std::uint32_t failed_starts = 0;
};

class Supervisor {
 public:
  Supervisor(const SupervisorOptions& options, Function<void(const std::string&)> say)
      : options_(options), say_(std::move(say)), workers_(options.workers) {}

  Result<Supervised> run() {
    sigset_t wanted;
    sigemptyset(&wanted);
    for (const int s : {SIGTERM, SIGINT, SIGCHLD}) sigaddset(&wanted, s);
    if (sigprocmask(SIG_BLOCK, &wanted, &old_mask_) != 0)
      return internal_error(std::string("sigprocmask: ") + std::strerror(errno));
    for (std::uint32_t i = 0; i < workers_.size(); ++i) {
      if (start(i)) return Supervised{.parent = false, .worker = i};
    }
    while (alive() > 0 || !draining_) {
      const timespec wait = until_next();
      siginfo_t info{};
      const int signal = sigtimedwait(&wanted, &info, &wait);
      if (signal == SIGTERM || signal == SIGINT) on_signal(signal, info);
      reap();
      if (draining_) {
        kill_late();
      } else {
        for (std::uint32_t i = 0; i < workers_.size(); ++i) {
          if (workers_[i].pid < 0 && steady_clock::now() >= workers_[i].restart_at && start(i)) {
            return Supervised{.parent = false, .worker = i};
          }
        }
      }
    }
    sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
    return Supervised{.parent = true, .exit_code = exit_code_};
  }

 private:
  /// True in the new process.
  bool start(std::uint32_t index) {
    Worker& w = workers_[index];
    const pid_t parent = getpid();
    w.started = steady_clock::now();
    const pid_t pid = fork();
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGTERM);
      if (getppid() != parent) _exit(1);  // it died between fork and prctl
      sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
      return true;
    }
    if (pid < 0) {
      say_("fork: " + std::string(std::strerror(errno)));
      w.restart_at = steady_clock::now() + options_.backoff_max;
      return false;
    }
    w.pid = pid;
    return false;
  }

  void on_signal(int signal, const siginfo_t& info) {
    if (!draining_) kill_at_ = steady_clock::now() + options_.deadline;
    draining_ = true;
    // A terminal sends its interrupt to the whole process group: the workers have it already.
    if (signal == SIGINT && info.si_code == SI_KERNEL) return;
    for (const Worker& w : workers_) {
      if (w.pid > 0) kill(w.pid, SIGTERM);
    }
  }

  void reap() {
    int status = 0;
    for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
      const auto it = std::find_if(workers_.begin(), workers_.end(), [&](const Worker& w) { return w.pid == pid; });
      if (it == workers_.end()) continue;  // the host's own child
      ended(*it, status);
    }
  }

  void ended(Worker& w, int status) {
    const std::string who = "worker " + std::to_string(&w - workers_.data()) + " (pid " + std::to_string(w.pid) + ")";
    w.pid = -1;
    const bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!clean) exit_code_ = draining_ || gave_up_ ? 1 : exit_code_;
    if (draining_) return;
    const auto now = steady_clock::now();
    w.failed_starts = now - w.started < options_.young ? w.failed_starts + 1 : 0;
    if (w.failed_starts >= options_.give_up_after) {
      say_(who + " failed to start " + std::to_string(w.failed_starts) + " times in a row: giving up");
      gave_up_ = draining_ = true;
      exit_code_ = 1;
      kill_at_ = now + options_.deadline;
      for (const Worker& other : workers_) {
        if (other.pid > 0) kill(other.pid, SIGTERM);
      }
      return;
    }
    Duration backoff = options_.backoff_initial;
    for (std::uint32_t i = 1; i < w.failed_starts && backoff < options_.backoff_max; ++i) backoff *= 2;
    w.restart_at = now + (w.failed_starts == 0 ? Duration{0} : std::min(backoff, options_.backoff_max));
    say_(who +
         (WIFSIGNALED(status) ? " was killed by signal " + std::to_string(WTERMSIG(status))
                              : " ended with code " + std::to_string(WEXITSTATUS(status))) +
         ": starting it again");
  }

  void kill_late() {
    if (steady_clock::now() < kill_at_) return;
    for (const Worker& w : workers_) {
      if (w.pid > 0) {
        kill(w.pid, SIGKILL);
        exit_code_ = 1;
      }
    }
  }

  [[nodiscard]] std::size_t alive() const {
    return static_cast<std::size_t>(std::count_if(workers_.begin(), workers_.end(), [](const Worker& w) { return w.pid > 0; }));
  }

  [[nodiscard]] timespec until_next() const {
    auto until = steady_clock::now() + std::chrono::seconds(1);
    if (draining_) until = std::min(until, std::max(kill_at_, steady_clock::now() + std::chrono::milliseconds(10)));
    else
      for (const Worker& w : workers_) {
        if (w.pid < 0) until = std::min(until, w.restart_at);
      }
    const auto left = std::max<Duration>(until - steady_clock::now(), Duration{0});
    return {static_cast<time_t>(left.count() / 1'000'000'000), static_cast<long>(left.count() % 1'000'000'000)};
  }

  SupervisorOptions options_;
  Function<void(const std::string&)> say_;
  std::vector<Worker> workers_;
  sigset_t old_mask_{};
  bool draining_ = false;
  bool gave_up_ = false;
  steady_clock::time_point kill_at_{};
  int exit_code_ = 0;
};

}  // namespace

Result<Supervised> supervise(const SupervisorOptions& options, Function<void(const std::string&)> say) {
  if (options.workers == 0) return invalid_argument("workers: expected at least 1, got 0");
  return Supervisor(options, std::move(say)).run();
}

}  // namespace spikard::app
