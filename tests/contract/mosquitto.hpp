#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "net/transport.hpp"

extern char** environ;

namespace spikard::contract {

/// A Mosquitto of this test's own, in a folder of its own, ended with this object: to be ended and begun again. tools/services
/// has installed the program. It persists at intervals, so what it has confirmed survives SIGTERM, and SIGKILL not always.
class Mosquitto {
 public:
  /// `settings`: lines of mosquitto.conf; they come first, so that a listener of their own is possible.
  explicit Mosquitto(std::string settings = "allow_anonymous true\n") : settings_(std::move(settings)) {
    auto reserved = net::ReservedAddress::reserve({});
    if (!reserved.ok()) throw std::runtime_error(reserved.error().message());
    port_ = reserved->port();  // let go of here: nobody else is likely to take it
    std::string name = (std::filesystem::temp_directory_path() / "spikard-mosquitto-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    folder_ = name;
  }
  ~Mosquitto() {
    end(SIGKILL);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Mosquitto(const Mosquitto&) = delete;
  Mosquitto& operator=(const Mosquitto&) = delete;

  [[nodiscard]] const std::string& folder() const noexcept { return folder_; }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string url(const std::string& user = {}) const {
    return "mqtt://" + (user.empty() ? "" : user + "@") + address();
  }
  void add(const std::string& lines) { settings_ += lines; }

  /// It listens when this returns.
  void start() {
    const ::passwd* me = ::getpwuid(::getuid());
    std::ofstream(folder_ + "/mosquitto.conf")
        << "listener " << port_ << " 127.0.0.1\n"
        << settings_ << "persistence true\npersistence_location " << folder_ << "/\nautosave_interval 1\nmax_queued_messages 0\n"
        << "log_dest file " << folder_ << "/log\nuser " << (me == nullptr ? "root" : me->pw_name) << "\n";
    run({"mosquitto", "-c", folder_ + "/mosquitto.conf"}, pid_);
    const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    RealClock clock;
    const Instant deadline = clock.now() + std::chrono::seconds(20);
    for (;;) {
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      ::sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(port_);
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      const bool up = ::connect(fd, reinterpret_cast<const ::sockaddr*>(&to), sizeof to) == 0;
      ::close(fd);
      if (up) {
        ::close(pidfd);
        return;
      }
      // Until it may listen, or has died.
      ::pollfd died{pidfd, POLLIN, 0};
      if (clock.now() > deadline || ::poll(&died, 1, 2) > 0) {
        ::close(pidfd);
        throw std::runtime_error("mosquitto does not start");
      }
    }
  }
  /// Waits until it is gone. What it persisted stays for the next start.
  void end(int signal) {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGCONT);
    ::kill(pid_, signal);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  void freeze(bool on) const { ::kill(pid_, on ? SIGSTOP : SIGCONT); }
  /// `mosquitto_passwd`
  void add_user(const std::string& user, const std::string& password) {
    const std::string file = folder_ + "/passwords";
    pid_t pid = -1;
    run({"mosquitto_passwd", "-c", "-b", file, user, password}, pid);
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (status != 0) throw std::runtime_error("mosquitto_passwd failed");
    settings_ += "allow_anonymous false\npassword_file " + file + "\n";
  }

 private:
  static void run(std::vector<std::string> args, pid_t& pid) {
    std::vector<char*> pointers;
    for (std::string& arg : args) pointers.push_back(arg.data());
    pointers.push_back(nullptr);
    ::posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    const int failed = ::posix_spawnp(&pid, pointers[0], &actions, nullptr, pointers.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) throw std::runtime_error("no " + args[0] + ": tools/services up mqtt installs it");
  }

  std::string settings_;
  std::uint16_t port_ = 0;
  std::string folder_;
  pid_t pid_ = -1;
};

}  // namespace spikard::contract
