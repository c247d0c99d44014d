#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "net/test_peer.hpp"
#include "net/transport.hpp"

namespace spikard::contract {

/// A RabbitMQ of the test's own, started as tools/services does it: its data, its name server and its ports are its own. It
/// speaks TLS as well, and takes a certificate for a login. `start` after `kill` is on the same ports and data.
class RabbitMq {
 public:
  static constexpr int max_message = 200'000;  ///< the longest it takes
  RabbitMq() : folder_(::testing::TempDir() + "spikard-rabbitmq-XXXXXX"), server("localhost") {
    if (::mkdtemp(folder_.data()) == nullptr) throw std::runtime_error("no folder");
    for (std::string* one : {&port_, &tls_port_, &distribution_, &names_}) {
      ports_.push_back(net::ReservedAddress::reserve({}).value());
      *one = std::to_string(ports_.back().port());
    }
    // A certificate whose issuer is itself is none to Erlang, however trusted.
    const std::string key = "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ";
    shell("cd " + folder_ + " && " + key + "ca.key -x509 -days 1 -subj '/CN=spikard test root' -out ca.crt && " + key +
          "client.key -subj /CN=spikard-client -out client.csr && openssl x509 -req -in client.csr -CA ca.crt -CAkey ca.key "
          "-CAcreateserial -days 1 -out client.crt");
    ports_.clear();  // free for the server, and given to nobody else meanwhile
    std::ofstream(folder_ + "/rabbitmq.conf")
        << "listeners.tcp.1 = 127.0.0.1:" << port_ << "\nlisteners.ssl.1 = 127.0.0.1:" << tls_port_
        << "\nssl_options.cacertfile = " << folder_ << "/ca.crt" << "\nssl_options.certfile = " << server.certificate
        << "\nssl_options.keyfile = " << server.key
        << "\nssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = false\nssl_cert_login_from = common_name\n"
           "auth_mechanisms.1 = PLAIN\nauth_mechanisms.2 = EXTERNAL\nlog.console = true\nlog.console.level = info\nlog.file = "
           "false\nmax_message_size = "
        << max_message << "\nload_definitions = " << folder_ << "/definitions.json\n";
    std::ofstream(folder_ + "/definitions.json") << R"({"vhosts": [{"name": "/"}], "users": [
      {"name": "guest", "password": "guest", "tags": ["administrator"]}, {"name": "spikard-client", "password": "s3cret", "tags": []}],
      "permissions": [{"user": "guest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"},
      {"user": "spikard-client", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}]})";
    std::ofstream(folder_ + "/plugins") << "[rabbitmq_auth_mechanism_ssl].\n";
    start();
  }
  ~RabbitMq() {
    kill();
    std::error_code none;
    std::filesystem::remove_all(folder_, none);
  }
  RabbitMq(const RabbitMq&) = delete;
  RabbitMq& operator=(const RabbitMq&) = delete;

  void start() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setsid();
      ::dup2(ends[1], 1);
      ::dup2(ends[1], 2);
      environment();
      ::execl("/bin/sh", "sh", "-c", "epmd & exec /usr/lib/rabbitmq/bin/rabbitmq-server", static_cast<char*>(nullptr));
      ::_exit(127);
    }
    ::close(ends[1]);
    std::string said;
    while (said.find("Server startup complete") == std::string::npos) {
      char some[4096];
      const ::ssize_t got = ::read(ends[0], some, sizeof some);
      if (got <= 0) throw std::runtime_error("rabbitmq-server does not start (tools/services install amqp): " + said);
      said.append(some, static_cast<std::size_t>(got));
    }
    reader_ = std::thread([end = ends[0]] {  // it goes on talking
      char some[4096];
      while (::read(end, some, sizeof some) > 0) {
      }
      ::close(end);
    });
  }
  void kill() {
    if (pid_ <= 0) return;
    signal(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    reader_.join();
    pid_ = 0;
  }
  void signal(int number) const { ::kill(-pid_, number); }
  /// `rabbitmqctl ...`
  void control(const std::string& arguments) const { shell("/usr/lib/rabbitmq/bin/rabbitmqctl -q " + arguments); }
  /// URL options: the login of `spikard-client`.
  [[nodiscard]] std::string certificate() const {
    return "&certificate=" + folder_ + "/client.crt&key=" + folder_ + "/client.key";
  }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + port_; }
  [[nodiscard]] std::string url(const std::string& query = {}) const { return "amqp://localhost:" + port_ + "/?" + query; }
  [[nodiscard]] std::string tls_url(const std::string& query) const { return "amqps://localhost:" + tls_port_ + "/?" + query; }

 private:
  void shell(const std::string& command) const {
    const ::pid_t pid = ::fork();
    if (pid == 0) {
      environment();
      ::execl("/bin/sh", "sh", "-c", ("{ " + command + "; } >/dev/null 2>&1").c_str(), static_cast<char*>(nullptr));
      ::_exit(127);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (status != 0) throw std::runtime_error(command);
  }
  /// Of the child, between fork and exec.
  void environment() const {
    const auto set = [](const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); };
    set("HOME", folder_);
    set("RABBITMQ_NODENAME", "test-" + port_ + "@localhost");
    set("RABBITMQ_DIST_PORT", distribution_);
    set("RABBITMQ_MNESIA_BASE", folder_ + "/mnesia");
    set("RABBITMQ_LOG_BASE", folder_ + "/log");
    set("RABBITMQ_LOGS", "-");
    set("RABBITMQ_CONFIG_FILE", folder_ + "/rabbitmq.conf");
    set("RABBITMQ_CONF_ENV_FILE", "/dev/null");
    set("RABBITMQ_ENABLED_PLUGINS_FILE", folder_ + "/plugins");
    set("LANG", "C.UTF-8");
    set("ERL_EPMD_ADDRESS", "127.0.0.1");
    set("ERL_EPMD_PORT", names_);
    set("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}");
  }

  std::string folder_;
  std::vector<net::ReservedAddress> ports_;
  std::string port_, tls_port_, distribution_, names_;
  ::pid_t pid_ = 0;
  std::thread reader_;

 public:
  const net::test::Identity server;
};

}  // namespace spikard::contract
