#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "net/transport.hpp"

extern char** environ;

namespace spikard::contract {

/// A redis-server (or a sentinel) of this test's own, in a folder of its own, ended with this object: to be killed, frozen and
/// begun again. tools/services has installed the program.
class RedisServer {
 public:
  explicit RedisServer(std::vector<std::string> settings = {}) : settings_(std::move(settings)), port_(free_port()) {
    std::string name = (std::filesystem::temp_directory_path() / "spikard-redis-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    folder_ = name;
  }
  ~RedisServer() {
    end(SIGKILL);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  /// Nobody listens there now, and no outgoing connection is given it: below what the system hands out, another one each time.
  [[nodiscard]] static std::uint16_t free_port() {
    static std::uint32_t next = std::random_device()() % 10'000;
    for (int tries = 0; tries < 1000; ++tries) {
      net::ListenOptions options;
      options.port = static_cast<std::uint16_t>(20'000 + next++ % 12'000);
      options.reuse_port = false;
      if (net::ReservedAddress::reserve(options).ok()) return options.port;
    }
    throw std::runtime_error("no free port");
  }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string url() const { return "redis://" + address(); }
  [[nodiscard]] const std::string& folder() const noexcept { return folder_; }

  /// Before the start.
  void add(const std::vector<std::string>& settings) { settings_.insert(settings_.end(), settings.begin(), settings.end()); }
  /// It is not ready at once: wait for a PONG.
  void start() {
    std::vector<std::string> args{"redis-server", "--port", std::to_string(port_), "--bind",        "127.0.0.1", "--dir", folder_,
                                  "--save",       "",       "--logfile",           folder_ + "/log"};
    args.insert(args.end(), settings_.begin(), settings_.end());
    spawn(std::move(args));
  }
  /// With what a sentinel needs in its file.
  void start_sentinel(const std::string& lines) {
    const std::string file = folder_ + "/sentinel.conf";
    std::ofstream(file) << "port " << port_ << "\nbind 127.0.0.1\ndir " << folder_ << "\nlogfile " << folder_ << "/log\n"
                        << lines;
    spawn({"redis-server", file, "--sentinel"});
  }
  /// SIGKILL, SIGTERM; waits until it is gone. Data stays for the next start.
  void end(int signal) {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGCONT);
    ::kill(pid_, signal);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  void freeze(bool on) const { ::kill(pid_, on ? SIGSTOP : SIGCONT); }

 private:
  void spawn(std::vector<std::string> args) {
    std::vector<char*> pointers;
    for (std::string& arg : args) pointers.push_back(arg.data());
    pointers.push_back(nullptr);
    ::posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    const int failed = ::posix_spawnp(&pid_, "redis-server", &actions, nullptr, pointers.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) throw std::runtime_error("redis-server cannot be started: tools/services install redis");
  }

  std::vector<std::string> settings_;
  std::uint16_t port_;
  std::string folder_;
  ::pid_t pid_ = -1;
};

}  // namespace spikard::contract
