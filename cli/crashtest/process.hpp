#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace spikard::cli::crash {

/// The application: a process group of its own, so that its children die with it (those that make a session of their own do
/// not). `become_reaper` first: children that lose their parent are then waited for as well.
class AppProcess {
 public:
  static void become_reaper();
  /// `port`: becomes `PORT`; 0 leaves the environment as it is. `log_fd`: its standard output and error.
  AppProcess(std::string command, std::uint16_t port, int log_fd) : command_(std::move(command)), port_(port), log_(log_fd) {}
  ~AppProcess();
  AppProcess(const AppProcess&) = delete;
  AppProcess& operator=(const AppProcess&) = delete;

  [[nodiscard]] Result<void> start();
  void signal_leader(int number) const;
  void signal_group(int number) const;
  /// How the command ended (as waitpid says), once it has.
  [[nodiscard]] std::optional<int> ended();
  /// Neither it nor a child of its group is left.
  [[nodiscard]] bool gone();
  /// `exit code 3`, `signal 9`.
  [[nodiscard]] static std::string how(int status);

 private:
  void reap();
  std::string command_;
  std::uint16_t port_;
  int log_;
  pid_t pid_ = -1;
  bool gone_ = true;
  std::optional<int> status_;
};

/// A port of 127.0.0.1 that nobody listens on.
[[nodiscard]] Result<std::uint16_t> free_port();

}  // namespace spikard::cli::crash
