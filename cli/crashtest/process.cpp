#include "process.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>

namespace spikard::cli::crash {

void AppProcess::become_reaper() { ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

AppProcess::~AppProcess() {
  if (gone_) return;
  signal_group(SIGKILL);
  while (::waitpid(-pid_, nullptr, 0) > 0 || errno == EINTR) {
  }
}

Result<void> AppProcess::start() {
  const std::string line = "exec " + command_;
  std::vector<std::string> environment;
  for (char** one = environ; *one != nullptr; ++one) {
    if (port_ == 0 || !std::string_view(*one).starts_with("PORT=")) environment.emplace_back(*one);
  }
  if (port_ != 0) environment.push_back("PORT=" + std::to_string(port_));
  std::vector<char*> pointers;
  for (std::string& one : environment) pointers.push_back(one.data());
  pointers.push_back(nullptr);
  const char* arguments[] = {"/bin/sh", "-c", line.c_str(), nullptr};
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return Error(ErrorKind::unavailable, std::string("fork: ") + std::strerror(errno));
  if (pid == 0) {  // only what is safe after fork in a program with threads
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::getppid() != parent) ::_exit(127);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (log_ >= 0) ::dup2(log_, STDOUT_FILENO), ::dup2(log_, STDERR_FILENO);
    ::execve("/bin/sh", const_cast<char* const*>(arguments), pointers.data());
    ::_exit(127);
  }
  ::setpgid(pid, pid);  // here too: whoever comes first
  pid_ = pid;
  gone_ = false;
  status_.reset();
  return {};
}

void AppProcess::signal_leader(int number) const {
  if (!gone_ && !status_) ::kill(pid_, number);
}
void AppProcess::signal_group(int number) const {
  if (!gone_) ::kill(-pid_, number);
}

void AppProcess::reap() {
  while (!gone_) {
    int status = 0;
    const pid_t one = ::waitpid(-pid_, &status, WNOHANG);
    if (one < 0 && errno == EINTR) continue;
    if (one == 0) return;
    if (one < 0) gone_ = true;
    else if (one == pid_) status_ = status;
  }
}
std::optional<int> AppProcess::ended() {
  reap();
  return status_;
}
bool AppProcess::gone() {
  reap();
  return gone_;
}

std::string AppProcess::how(int status) {
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return "exit code " + std::to_string(WEXITSTATUS(status));
}

Result<std::uint16_t> free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool good = fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  const int why = errno;
  if (fd >= 0) ::close(fd);
  if (!good) return Error(ErrorKind::unavailable, std::string("no free port: ") + std::strerror(why));
  return ntohs(address.sin_port);
}

}  // namespace spikard::cli::crash
